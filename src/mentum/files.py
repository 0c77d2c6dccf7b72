"""Files that appear whole or not at all, folders that belong to one task, images that must be the very same."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from mentum.disks import naming
from mentum.errors import RunError

UNFINISHED = ".part"
"""How the name of what is not whole yet ends."""
WRITING = ".writing"
"""Likewise for outputs of identifications, beside which a journal has the other name."""
LOCK = ".lock"
"""How the name of a lock ends; it starts with a dot."""


@contextlib.contextmanager
def whole(path: Path, unfinished: str = UNFINISHED) -> Iterator[Path]:
    """A file or a folder that appears whole or not at all: write to the path given here, which then takes the name.

    After a failure nothing is left. What a kill leaves is replaced the next time, and never stands under the name.

    Args:
        path: the name; an earlier file or an empty folder of it is replaced.
        unfinished: how the name ends until then, where `UNFINISHED` would meet another file.
    """
    beside = path.parent / f"{path.name}{unfinished}"  # "." has no name, but a parent
    _remove(beside)
    try:
        with naming(path, beside):
            yield beside
            if beside.is_dir() and path.is_dir():
                path.rmdir()  # it is empty; not every system renames onto a folder
            beside.replace(path)
    except BaseException:
        _remove(beside)
        raise


@contextlib.contextmanager
def scratch(path: Path) -> Iterator[Path]:
    """A folder beside an output for what is needed only while it is written; what a kill leaves is gone the next time.

    Args:
        path: the output.
    """
    folder = path.parent / f"{path.name}.scratch{UNFINISHED}"
    _remove(folder)
    folder.mkdir()
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    with contextlib.suppress(OSError):  # what keeps a file from being made may keep it from being removed
        path.unlink(missing_ok=True)


_KINDS = {
    stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
}  # fmt: skip


def require_regular(path: Path) -> None:
    """Make sure that what is about to be read is a file with an end: a pipe may never answer, a device never end.

    Raises:
        OSError: if it is not, or there is none.
    """
    kind = stat.S_IFMT(path.stat().st_mode)
    if kind not in {stat.S_IFREG, stat.S_IFDIR}:  # of a folder the system itself says what it is
        found = _KINDS.get(kind, "something else")
        raise OSError(errno.EINVAL, f"it is {found}, no regular file", os.fspath(path))


def write_text(text: str, path: Path) -> None:
    """Write a text that appears whole or not at all."""
    with whole(path) as beside:
        beside.write_text(text, encoding="utf-8")


def is_free(folder: Path, *, but_unfinished: bool = False) -> bool:
    """Whether a task may take a folder: there is none, or an empty one.

    Args:
        folder: the place.
        but_unfinished: a folder with unfinished files alone counts as empty.
    """
    if not folder.is_dir():
        return not folder.exists()
    others = (file for file in folder.iterdir() if not is_lock(file.name))
    return all(but_unfinished and file.suffix == UNFINISHED for file in others)


def is_lock(name: str) -> bool:
    """Whether a file, by its name, only says that something is being written.

    >>> [is_lock(name) for name in (".lock", ".found.csv.lock", "poetry.lock")]
    [True, True, False]
    """
    return name.startswith(".") and name.endswith(LOCK)


def require_free(folder: Path, *, but_unfinished: bool = False) -> None:
    """Make sure that a task may take a folder, as in `is_free`.

    Raises:
        RunError: if there is anything else.
    """
    if not is_free(folder, but_unfinished=but_unfinished):
        raise RunError(f"{folder}: found other files, expected a new or empty folder; give another --out.")


def hash_together(hashes: Sequence[str]) -> str:
    """One hash of all images, from those of each, in order."""
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def require_same_images(found: object, trained: object, place: Path | str, run: Path) -> None:
    """Make sure that the images are the very ones of a training.

    Args:
        found: their hash, with their names where these count too.
        trained: likewise, of the training.
        place: where they were found.
        run: folder of the training.

    Raises:
        RunError: if they are not.
    """
    if found != trained:
        raise RunError(
            f"{place}: the images are not those that {run} was trained on, or have changed since; expected the very "
            "same files; give --data the folder or table that holds them."
        )
