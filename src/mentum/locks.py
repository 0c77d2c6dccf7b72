"""Who writes where: a place has one writer at a time, and what is read is not written meanwhile."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import unicodedata
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from filelock import FileLock, SoftFileLock, Timeout

from mentum.disks import require_place
from mentum.errors import BusyError, DataError
from mentum.files import LOCK

PATIENCE = 0.5
"""Seconds until a place counts as taken; whoever only asks whether it is holds it for a moment."""

_TRIES = 20
"""Times that a folder is made again where others remove it."""
_MOST_BYTES = 255 - len(LOCK) - 1
"""Of a name that a lock may be called after; disks take 255."""


@contextlib.contextmanager
def sole_writer(out: Path, *, patience: float | None = None) -> Iterator[None]:
    """Keep a file, or a folder that appears whole, for this task alone: no other process or thread writes it.

    The lock lies beside it, so that any spelling of the path, any user and any machine that sees the folder finds it.
    The system lets go of it when the process ends, however it ends.

    Args:
        out: the place.
        patience: seconds until it counts as taken; None = `PATIENCE`.

    Raises:
        BusyError: if another process has it.
        DataError: if nothing can be written there.
        OSError: if the disk refuses, naming the path.
    """
    place = out.resolve() if out.is_dir() else out.parent.resolve() / out.name
    lock = place.with_name(f".{place.name[: _fitting(place.name)]}{LOCK}")
    with _made(place.parent, out), _held(lock, out, PATIENCE if patience is None else patience):
        yield


@contextlib.contextmanager
def own_turn(out: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """Wait until no other process or thread writes a file, then keep it for this task alone.

    Args:
        out: the file.
        tell: told, once, for whom this one waits.

    Raises:
        DataError: if nothing can be written there.
    """
    with contextlib.ExitStack() as stack:
        for waited in itertools.count():
            try:
                stack.enter_context(sole_writer(out))
                break
            except BusyError as busy:
                if not waited:
                    tell(f"{str(busy).partition(';')[0]}; waiting until that has ended.")
        yield


@contextlib.contextmanager
def sole_owner(folder: Path) -> Iterator[None]:
    """Keep a folder that grows in place, such as a training's, for this task alone.

    The lock lies within. A folder that was made for it, and is still empty in the end, is gone afterwards.

    Raises:
        BusyError: if another process has it.
        DataError: if nothing can be written there.
        OSError: if the disk refuses, naming the path.
    """
    with _made(folder, folder), _held(folder / LOCK, folder, PATIENCE):
        yield


@contextlib.contextmanager
def undisturbed(*folders: Path) -> Iterator[None]:
    """Read folders that grow in place, sure that none of them is written meanwhile; many may read at a time.

    Raises:
        BusyError: if one is being written, or was.
    """
    for folder in folders:
        _require_quiet(folder)
    before = [_state(folder) for folder in folders]
    yield
    for folder, state in zip(folders, before, strict=True):
        _require_quiet(folder)
        if _state(folder) != state:
            raise BusyError(f"{folder}: was written while it was read; give the same command again.")


def same_place(one: Path, other: Path) -> bool:
    """Whether two paths mean one file or folder: by another spelling, through a link, as one file with two names.

    Names that differ in capitals alone count as one, since they are one on many disks.

    >>> same_place(Path("found.csv"), Path("./Found.csv")), same_place(Path("found.csv"), Path("found.zip"))
    (True, False)
    """
    with contextlib.suppress(OSError):
        if one.samefile(other):
            return True
    return _spelling(one) == _spelling(other)


def lies_in(place: Path, folder: Path) -> bool:
    """Whether a path means a folder, or anything below it."""
    resolved = Path(os.path.realpath(place))
    return any(same_place(each, folder) for each in (place, resolved, *resolved.parents))


def _spelling(place: Path) -> str:
    return unicodedata.normalize("NFC", os.path.realpath(place)).casefold()


def _fitting(name: str) -> int:
    """How many letters of a name fit into the name of its lock."""
    fitting = len(name)
    while len(os.fsencode(name[:fitting])) > _MOST_BYTES:
        fitting -= 1
    return fitting


@contextlib.contextmanager
def _made(folder: Path, what: Path) -> Iterator[None]:
    """A folder, made where there is none; what was made and stays empty is removed in the end."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        _make(folder)
    except OSError as reason:
        require_place(what)  # which says it better, where it can
        raise _refused(what, reason) from reason
    try:
        yield
    finally:
        for each in missing:
            with contextlib.suppress(OSError):  # it holds something
                each.rmdir()


def _make(folder: Path) -> None:
    """Make a folder, though others may just be removing those above it that they had made."""
    for left in reversed(range(_TRIES)):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return
        except FileNotFoundError:
            if not left:
                raise


def _acquire(lock: FileLock, file: Path) -> None:
    """Take a lock, though others may just be removing its folder."""
    for left in reversed(range(_TRIES)):
        try:
            lock.acquire()
            return
        except FileNotFoundError:
            if not left:
                raise
            _make(file.parent)


@contextlib.contextmanager
def _held(file: Path, what: Path, patience: float) -> Iterator[None]:
    lock = FileLock(file, timeout=patience)
    try:
        _acquire(lock, file)
    except Timeout:
        raise BusyError(_taken(file, what)) from None
    except OSError as reason:
        require_place(what)  # which says it better, where it can
        raise _refused(what, reason) from reason
    try:
        if not isinstance(lock, SoftFileLock):  # what a disk without locks has instead bears a mark of its own
            _sign(file)
        yield
    finally:
        if os.name != "nt":  # before it is let go: whoever waits for it sees that it is gone, and makes a new one
            file.unlink(missing_ok=True)
        lock.release()
        if os.name == "nt":  # where a file that somebody has open cannot be removed
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)


def _sign(file: Path) -> None:
    """Say in a lock whose it is."""
    holder = {"process": os.getpid(), "host": socket.gethostname(), "since": f"{datetime.now():%Y-%m-%d %H:%M:%S}"}
    with contextlib.suppress(OSError):  # a full disk keeps no name, but the lock holds
        file.write_text(json.dumps(holder), encoding="utf-8")


def _taken(file: Path, what: Path) -> str:
    """One sentence on who has a place."""
    try:
        holder = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        host = "" if holder["host"] == socket.gethostname() else f" on {holder['host']}"
        who, since = f"process {int(holder['process'])}{host}", f" since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        who, since = "another process", ""
    return (
        f"{what}: is being written by {who}{since}; wait until that has ended, or stop it, and give the same command "
        "again."
    )


def _require_quiet(folder: Path) -> None:
    file = folder / LOCK
    if not file.is_file():
        return
    try:
        with _held(file, folder, PATIENCE):
            pass
    except DataError:  # of another user, who may be writing
        raise BusyError(f"{_taken(file, folder)[:-1]}; if there is no such process, remove {file}.") from None


def _state(folder: Path) -> dict[str, tuple[int, int]]:
    """The files of results in a folder, with the size and time of each."""
    found = {}
    for file in folder.glob("*") if folder.is_dir() else ():
        if file.suffix in {".json", ".parquet"}:
            with contextlib.suppress(OSError):
                status = file.stat()
                found[file.name] = (status.st_size, status.st_mtime_ns)
    return found


def _refused(what: Path, reason: OSError) -> DataError:
    return DataError(
        f"{what}: nothing can be written there ({reason.strerror or reason}), expected a place with room and the right "
        "to write; give another one."
    )
