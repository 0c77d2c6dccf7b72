"""Look after the pixel cache."""

from __future__ import annotations

from pathlib import Path

from mentum.caches.storage import CacheEntry, clear_leftovers, damaged, entries, read_size, shrink, size_limit
from mentum.errors import SettingsError
from mentum.records import Record
from mentum.workflows.arguments import PathLike, cache_folder


class CacheReport(Record):
    """What the pixel cache holds.

    Attributes:
        folder: where it is.
        limit: bytes that it may grow to; None = without limit.
        total: bytes that it takes.
        entries: the last used first.
        removed: what was removed by this call, to fit or to clear.
        damaged: what was removed since its bytes have changed.
    """

    folder: str
    limit: int | None
    total: int
    entries: tuple[CacheEntry, ...]
    removed: tuple[CacheEntry, ...] = ()
    damaged: tuple[CacheEntry, ...] = ()


def cache(
    folder: PathLike | None = None, *, limit: str | None = None, clear: bool = False, verify: bool = False
) -> CacheReport:
    """Say what the pixel cache holds, check it, or remove what was not used for longest.

    What is removed is made anew when it is needed; what a process is using stays. What processes that have ended left
    unfinished is removed in any case.

    Args:
        folder: of the cache; None = the user's.
        limit: size that the rest must fit into, such as "5GB".
        clear: remove everything.
        verify: check every byte, and remove what is damaged.

    Raises:
        SettingsError: if a limit cannot be understood, or one is given along with `clear`.
    """
    if clear and limit is not None:
        raise SettingsError("--clear removes everything, --limit a part; give one of them.")
    place, allowed = Path(cache_folder(folder)), size_limit()
    fits = 0 if clear else None if limit is None else read_size(limit)
    clear_leftovers(place)
    faulty = damaged(place) if verify else []
    removed = [] if fits is None else shrink(place, fits)
    left = entries(place)
    return CacheReport(
        folder=str(place),
        limit=allowed,
        total=sum(entry.size for entry in left),
        entries=tuple(left),
        removed=tuple(removed),
        damaged=tuple(faulty),
    )
