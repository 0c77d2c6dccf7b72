"""What the formats of several tables have in common: cells of one line, files that grow and appear whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from mentum.disks import require_place
from mentum.errors import DataError
from mentum.files import WRITING, is_free, whole
from mentum.records import Identification

_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def one_line(text: str) -> str:
    r"""Replace tabs, line breaks and other control characters by blanks.

    >>> one_line(" two\tcells\r\n")
    'two cells'
    """
    return _BREAKS.sub(" ", text).strip()


def digest(text: str) -> bytes:
    """16 bytes that stand for a text in a large set."""
    return blake2b(text.encode(), digest_size=16).digest()


class _SourceError(Exception):
    """The identifications failed, not the disk that is written to."""

    def __init__(self, reason: OSError) -> None:
        self.reason = reason


def apart(identifications: Iterable[Identification]) -> Iterator[Identification]:
    """Hand on identifications; a file that cannot be read for them is not taken for one that cannot be written."""
    try:
        yield from identifications
    except OSError as reason:
        raise _SourceError(reason) from reason


def require_output(out: Path) -> None:
    """Make sure, before any work, that an output can be written.

    Raises:
        DataError: if there is no folder for it, or it is a folder with something in it.
        OSError: if the disk refuses.
    """
    if out.is_dir() and not is_free(out):
        raise DataError(f"{out}: found a folder that holds files, expected a new name; give another one.")
    if not out.parent.exists():
        raise DataError(f"{out.parent}: no such folder, expected one to write {out.name} into; make it first.")
    require_place(out)


@contextmanager
def growing(out: Path) -> Iterator[Path]:
    """Give a path beside `out` for a file or a folder that becomes `out` once it is whole; otherwise it is gone.

    Raises:
        DataError: if the disk refuses, or `out` is a folder with something in it.
    """
    try:
        if out.is_dir() and not is_free(out):
            raise DataError(f"{out}: found a folder that holds files, expected a new name; give another one.")
        with whole(out, WRITING) as beside:
            yield beside
    except _SourceError as error:
        raise error.reason from None
    except OSError as error:
        raise DataError(
            f"{out}: could not be written ({error.strerror or error}), expected a place in an existing folder with room"
            " and the right to write; give another one."
        ) from error
