"""The folder of the pixel cache: what is in it, when it was last used, and what goes when it grows too large."""

from __future__ import annotations

import contextlib
import os
import re
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mentum.caches.checked_arrays import is_in_use, is_whole, map_array, seal_array
from mentum.errors import BusyError, DataError, SettingsError
from mentum.files import LOCK, UNFINISHED, whole, write_text
from mentum.locks import own_turn, sole_writer
from mentum.records import Record

LIMIT = "MENTUM_CACHE_LIMIT"
"""Environment variable: how large a cache may grow, such as 5GB, or none."""
DEFAULT_LIMIT = "20GB"

_DAMAGED = "is damaged, or was kept without checksums; it is made anew."

Tell = Callable[[str], None]

_NAME = r"(?:(?:pixels|crops)-[0-9a-f]{20}\.npy|depth-[0-9a-f]{20}\.txt)"
_ENTRY = re.compile(_NAME)
_LEFTOVER = re.compile(rf"({_NAME})(?:\.\d+)?{re.escape(UNFINISHED)}|\.({_NAME}){re.escape(LOCK)}")
_SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,3})?)\s*(|[kmgt]?i?b)", re.IGNORECASE)


class CacheEntry(Record):
    """A file of the cache.

    Attributes:
        size: in bytes.
        images: number of images; None where the file holds none, or does not say.
        side: of their squares, px.
        last_used: when it was made or opened.
        in_use: whether a process of this machine reads it now.
    """

    file: str
    size: int
    images: int | None = None
    side: int | None = None
    last_used: datetime
    in_use: bool = False


def opened(file: Path, make: Callable[[Path], None], tell: Tell, size: int = 0) -> NDArray[Any]:
    """An array of the cache, checked byte by byte; it is made where there is none, or it is damaged.

    Who wants one that another process is making waits for it.

    Args:
        file: the entry.
        make: writes it to the path given.
        tell: told what a user should know.
        size: of the array, in bytes, for which room is made within the limit.

    Raises:
        SettingsError: if the limit cannot be understood.
        OSError: if the disk refuses.
    """
    limit = size_limit()
    clear_leftovers(file.parent)
    while True:
        if not is_whole(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            with own_turn(file, tell):
                if not is_whole(file):  # nobody has made it meanwhile
                    _make_anew(file, make, tell, None if limit is None else max(limit - size, 0))
        touch(file)
        with contextlib.suppress(FileNotFoundError):  # somebody clears the cache at this very moment
            return map_array(file)


def _make_anew(file: Path, make: Callable[[Path], None], tell: Tell, others: int | None) -> None:
    """Make an entry; the other ones may take so many bytes."""
    if file.exists():
        tell(f"{file}: {_DAMAGED}")
        file.unlink()
    removed = [] if others is None else shrink(file.parent, others)
    if removed:
        freed = in_size(sum(entry.size for entry in removed))
        tell(f"{file.parent}: removed {len(removed)} not used for longest ({freed}), to stay within {LIMIT}.")
    with whole(file) as beside:
        make(beside)
        seal_array(beside)


def opened_text(file: Path, find: Callable[[], str], tell: Tell) -> str:
    """A short text of the cache, checked likewise; it is found where there is none, or it is damaged."""
    clear_leftovers(file.parent)
    text = _read_text(file)
    if text is None:
        file.parent.mkdir(parents=True, exist_ok=True)
        with own_turn(file, tell):
            text = _read_text(file)
            if text is None:
                if file.exists():
                    tell(f"{file}: {_DAMAGED}")
                text = find()
                write_text(f"{text} {zlib.crc32(text.encode()):08x}\n", file)
    touch(file)
    return text


def _read_text(file: Path) -> str | None:
    try:
        text, checksum = file.read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return None
    return text if checksum == f"{zlib.crc32(text.encode()):08x}" else None


def entries(folder: Path) -> list[CacheEntry]:
    """What a folder of the cache holds, the last used first."""
    found = [_entry(file) for file in _files(folder)]
    return sorted(found, key=lambda entry: (entry.last_used, entry.file), reverse=True)


def shrink(folder: Path, limit: int) -> list[CacheEntry]:
    """Remove what was not used for longest until the rest fits; never what is in use.

    Returns:
        What was removed.
    """
    kept, removed = entries(folder), []
    total = sum(entry.size for entry in kept)
    for entry in reversed(kept):
        if total <= limit:
            break
        if _removed(folder / entry.file):
            removed.append(entry)
            total -= entry.size
    return removed


def damaged(folder: Path) -> list[CacheEntry]:
    """Check every array of the cache, and remove those that are damaged: they are made anew when they are needed."""
    faulty = [entry for entry in entries(folder) if entry.file.endswith(".npy") and not is_whole(folder / entry.file)]
    return [entry for entry in faulty if _removed(folder / entry.file)]


def clear_leftovers(folder: Path) -> None:
    """Remove what processes that have ended left unfinished; what others have in hand stays."""
    with contextlib.suppress(OSError):
        for file in list(folder.iterdir()):
            if name := _LEFTOVER.fullmatch(file.name):
                with (
                    contextlib.suppress(BusyError, DataError, OSError),
                    sole_writer(folder / (name[1] or name[2]), patience=0),
                ):
                    if file.name.endswith(UNFINISHED):
                        file.unlink(missing_ok=True)


def touch(file: Path) -> None:
    """Note that an entry is used now."""
    with contextlib.suppress(OSError):  # a cache that others keep
        os.utime(file)


def size_limit() -> int | None:
    """How large a cache may grow, in bytes; None = without limit.

    Raises:
        SettingsError: if the environment variable says no size.
    """
    try:
        return read_size(os.environ.get(LIMIT, DEFAULT_LIMIT))
    except SettingsError as reason:
        raise SettingsError(f"{LIMIT}: {reason}") from None


def read_size(text: str) -> int | None:
    """A number of bytes; None for "none".

    Raises:
        SettingsError: if it is none.

    >>> read_size("5GB"), read_size("1.5 MiB"), read_size("none")
    (5000000000, 1572864, None)
    """
    if text.strip().lower() == "none":
        return None
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise SettingsError(f"{text!r} is no size, expected one such as 500MB, 5GB or none; give such a size.")
    unit = found[2].lower()
    base = 1024 if "i" in unit else 1000
    return int(float(found[1]) * base ** (" kmgt".index(unit[0]) if unit and unit[0] in "kmgt" else 0))


def in_size(n_bytes: int) -> str:
    """A number of bytes for people.

    >>> in_size(278_000_000), in_size(1_500), in_size(12)
    ('278.0 MB', '1.5 kB', '12 B')
    """
    for factor, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if n_bytes >= factor:
            return f"{n_bytes / factor:,.1f} {unit}"
    return f"{n_bytes} B"


def _files(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from (file for file in folder.iterdir() if _ENTRY.fullmatch(file.name) and file.is_file())


def _entry(file: Path) -> CacheEntry:
    status = file.stat()
    images, side = _shape(file)
    used = datetime.fromtimestamp(status.st_mtime, UTC).replace(microsecond=0)
    return CacheEntry(
        file=file.name, size=status.st_size, images=images, side=side, last_used=used, in_use=is_in_use(file)
    )


def _shape(file: Path) -> tuple[int | None, int | None]:
    """Images and side of their squares."""
    try:
        with file.open("rb") as stream:
            np.lib.format.read_magic(stream)
            shape = np.lib.format.read_array_header_1_0(stream)[0]
    except (OSError, ValueError):
        return None, None
    return (shape[0], shape[1]) if len(shape) == 4 else (None, None)


def _removed(file: Path) -> bool:
    """Remove an entry; False where it is in use, being made, or of somebody else."""
    try:
        with sole_writer(file, patience=0):
            if is_in_use(file):
                return False
            file.unlink(missing_ok=True)
            return True
    except (BusyError, DataError, OSError):
        return False
