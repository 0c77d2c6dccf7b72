"""What the formats of several tables have in common: cells of one line, files that grow and appear whole."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

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


@contextmanager
def folder_beside(out: Path) -> Iterator[Path]:
    """A folder on the same disk for tables that do not fit into memory; it is gone afterwards.

    So is one that a kill has left: nobody else writes `out`.
    """
    left = re.compile(rf"\.{re.escape(out.name)}\.[a-z0-9_]{{8}}\.part")  # as the next line names them
    for folder in out.parent.iterdir():
        if left.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", suffix=".part", dir=out.parent) as made:
        yield Path(made)
