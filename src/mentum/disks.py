"""What a disk refuses: said before any work where that can be known, and as one kind of error whoever meets it."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mentum.errors import MentumError, RunError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
_WORDS = (
    ("No space left", errno.ENOSPC),
    ("Not enough free space", errno.ENOSPC),  # NumPy, of an array
    ("Disk quota exceeded", errno.EDQUOT),
    ("File too large", errno.EFBIG),
    ("Read-only file system", errno.EROFS),
)
_TORN = re.compile(r"encoder error -\d|\d+ requested and \d+ written")
"""Of Pillow and NumPy, which do not say why a file could not be written to its end."""
_LONGEST = ".writing"
"""What may stand behind a name until a file is whole."""


def disk_error(error: BaseException, path: Path | None) -> OSError | None:
    """What a disk said to a library, as the system's own error with the path; None where it was something else.

    Args:
        error: of any library.
        path: that was written, where no path is named.

    >>> disk_error(RuntimeError("I/O error: No space left on device (os error 28)"), None).errno == errno.ENOSPC
    True
    """
    if isinstance(error, MentumError) or not isinstance(error, Exception):
        return None
    where = None if path is None else os.fspath(path)
    if isinstance(error, OSError) and error.errno is not None:
        return OSError(error.errno, error.strerror, error.filename or where) if error.errno in _FULL else None
    text = str(error)
    for words, number in _WORDS:
        if words in text:
            return OSError(number, os.strerror(number), where)
    if isinstance(error, OSError) and _TORN.search(text):
        return OSError(errno.ENOSPC, "could not be written to its end, as on a full disk", where)
    return None


@contextlib.contextmanager
def naming(path: Path, unfinished: Path) -> Iterator[None]:
    """Let errors of the disk name what was to be written, not its name until it is whole.

    Raises:
        OSError: whatever the error was when it came from a library.
    """
    try:
        yield
    except Exception as error:
        refused = disk_error(error, path)
        if refused is None:
            raise
        if refused.filename and os.fspath(refused.filename).startswith(os.fspath(unfinished)):
            refused.filename = os.fspath(path)
        raise refused from error


def require_place(path: Path) -> None:
    """Make sure, before any work, that a file or folder can be made or replaced, with the folders above it.

    Raises:
        OSError: if the disk refuses, naming the path.
    """
    folder = next((each for each in (path, *path.absolute().parents) if each.exists()), None)
    if folder is None:
        raise FileNotFoundError(errno.ENOENT, "there is no such drive", path.anchor or os.fspath(path))
    if folder == path and not folder.is_dir():
        folder = path.absolute().parent
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, f"{folder.name} is a file, expected a folder", os.fspath(path))
    try:
        for name in path.absolute().parts[len(folder.absolute().parts) :]:
            (folder / f"{name}{_LONGEST}").is_file()  # a name may be too long
        with tempfile.TemporaryFile(dir=folder) as trial:
            trial.write(bytes(4096))
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def reserve(file: Path) -> None:
    """Take the room of a file that is written through memory: where a disk fills up then, the process would be killed.

    Raises:
        OSError: if there is not enough.
    """
    if not hasattr(os, "posix_fallocate"):  # as on Windows, which takes it at once
        return
    with file.open("r+b") as stream:
        try:
            os.posix_fallocate(stream.fileno(), 0, file.stat().st_size)
        except OSError as error:
            if error.errno not in {errno.EINVAL, errno.EOPNOTSUPP}:  # a file system that cannot
                raise OSError(error.errno, error.strerror, os.fspath(file)) from error


def require_room(folder: Path, needed: int, what: str) -> None:
    """Make sure, before any work, that a disk has room.

    Args:
        folder: there, or to be made.
        needed: bytes.
        what: takes them, in words.

    Raises:
        RunError: if it has not.
    """
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    free = shutil.disk_usage(there).free
    if needed > free:
        raise RunError(
            f"{folder}: {what} may take {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free; make room, or give a "
            "place on another disk."
        )
