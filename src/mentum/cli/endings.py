"""Why a command ended, in one sentence, and what to do: faults of material and machine, signals."""

from __future__ import annotations

import errno
import re
import signal
from collections.abc import Sequence

from mentum.disks import disk_error
from mentum.errors import MentumError

_ROOM = "make room on the disk and give the same command again"
_PLACE = "check the permissions, or give another place"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_TODO = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: _ROOM,
    errno.EACCES: _PLACE,
    errno.EPERM: _PLACE,
    errno.EROFS: "give another place",
    errno.ENAMETOOLONG: "give a shorter name",
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "a part of the path is a file; give another place",
    errno.EISDIR: "give the name of a file",
    errno.EEXIST: "give another name",
    errno.ENOTEMPTY: "give a new or empty folder",
    errno.EMFILE: "close other programs, or raise the limit of open files (ulimit -n)",
    errno.ENFILE: "close other programs, or raise the limit of open files (ulimit -n)",
    errno.ELOOP: "links lead in a circle; give another place",
    errno.EINVAL: "give another file or name",
    errno.EIO: "check the disk or network drive, then give the same command again",
}
_LACKS_MEMORY = re.compile(
    r"bad.?alloc|can ?not allocate memory|can't allocate memory|not enough memory|out of memory|unable to allocate"
    r"|failed to allocate memory",
    re.IGNORECASE,
)
_SMALLER = {
    "train": "lower stage1.batch_size, stage2.batch_size or pixels.size with --set",
    "crossvalidate": "lower --jobs, or stage2.batch_size or pixels.size with --set",
    "phantoms": "lower --width",
    "explain": "give --subset validation, or one --rank at a time",
}
_EXTRA = {"torch", "transformers", "safetensors", "psutil", "onnx", "onnxscript"}


def describe(error: OSError) -> str:
    """One sentence about a file that could not be read or written: where, what happened, what to do."""
    nameless = "standard output, or a temporary file: " if error.errno in _FULL else ""  # files of ours have names
    where = f"{error.filename}: " if error.filename is not None else nameless
    reason = error.strerror or str(error) or type(error).__name__
    todo = _TODO.get(error.errno or 0, "check the path, and give the same command again")
    return f"{where}{reason}; {todo}."


def describe_fault(error: BaseException, words: Sequence[str]) -> str | None:
    """One sentence or list about a fault of the user's material or machine; None where the program itself is at fault.

    Args:
        error: what ended the command.
        words: of the command line.
    """
    if isinstance(error, MentumError):
        return str(error)
    if _lacks_memory(error):
        less = _SMALLER.get(command_of(words), "use a machine with more memory")
        reason = " ".join(str(error).split())[:200]
        return f"there is not enough memory{f' ({reason})' if reason else ''}; close other programs, or {less}."
    refused = error if isinstance(error, OSError) else disk_error(error, None)
    if refused is not None:
        return describe(refused)
    if isinstance(error, UnicodeEncodeError):
        return f"a name that is not in UTF-8 ({error.object[:200]}) cannot be written; rename it."
    if type(error).__name__ == "BrokenProcessPool":
        return (
            f"a process of {command_of(words)} was ended from outside, as where memory is short; close other "
            "programs, lower --jobs where there is such an option, and give the same command again."
        )
    return _missing_package(error)


def _lacks_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    return isinstance(error, Exception) and not isinstance(error, OSError) and bool(_LACKS_MEMORY.search(str(error)))


def _missing_package(error: BaseException) -> str | None:
    package = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if package not in _EXTRA:
        return None
    return f"training needs the package {package}, which is not installed; run: pip install 'mentum[train]'"


def command_of(words: Sequence[str]) -> str:
    """Which command a line gives, "" where none.

    >>> command_of(["--debug", "train", "data"])
    'train'
    """
    return next((word for word in words if not word.startswith("-")), "")


_GO_ON = {"train", "crossvalidate", "learning-curve", "calibrate", "audit"}
_IN_PLACE = {"explain", "evaluate"}


def describe_stop(number: int, words: Sequence[str]) -> str:
    """One sentence about a command that a signal ended: what it leaves, and what the same command would do.

    >>> describe_stop(signal.SIGINT, ["export", "run", "--out", "model"])
    'interrupted; nothing half-written is left, and the same command starts anew.'
    """
    how = "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"
    return f"{how}; {_left_by(words)}."


def _left_by(words: Sequence[str]) -> str:
    command = command_of(words)
    if command in _GO_ON or (command == "evaluate" and "--novelty" in words):
        return "the same command goes on where it stopped"
    if command == "identify":
        if any(word == "--out" or word.startswith("--out=") for word in words):
            return "the same command goes on where it stopped"
        return "rows that were printed are whole, and the same command starts anew; with --out it would go on"
    if command in _IN_PLACE:
        return "some of its results may be missing from the run, and the same command starts anew"
    return "nothing half-written is left, and the same command starts anew"
