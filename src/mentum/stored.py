"""Files that Mentum wrote, read back: regular ones of a size that can be, and what damages them in one sentence."""

from __future__ import annotations

import csv
import errno
import math
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import ValidationError
from pydantic_core import from_json

from mentum.errors import MentumError, RunError
from mentum.files import require_regular

MEGABYTE = 1_000_000
LARGEST_TEXT = 256 * MEGABYTE
"""Of a JSON file, a recipe, a table of calibration."""
LARGEST_TABLE = 4096 * MEGABYTE
"""Of a table or an archive of arrays, unpacked too."""

_DAMAGE = (
    ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, NotImplementedError, OSError, RecursionError,
    TypeError, ValueError, csv.Error, pl.exceptions.PanicException, pl.exceptions.PolarsError, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip
"""What readers raise at files that are not what they seem to be; none of them promises a single kind."""


@contextmanager
def readable(file: Path, remedy: str, error: type[MentumError] = RunError, wanted: str = "") -> Iterator[None]:
    """Read a file within this block: whatever is wrong with it becomes one sentence.

    Args:
        file: to be read.
        remedy: what to do if it is damaged, as the end of a sentence.
        error: kind of error that is raised.
        wanted: what it should be, such as " as maps".
    """
    try:
        yield
    except MentumError:
        raise
    except _DAMAGE as reason:
        raise error(f"{file}: not readable{wanted} ({in_a_clause(reason)}); {remedy}.") from reason


def in_a_clause(reason: BaseException) -> str:
    """What an exception says, as part of a sentence.

    >>> in_a_clause(KeyError("mean")), in_a_clause(MemoryError())
    ("found no 'mean'", 'MemoryError')
    """
    if isinstance(reason, ValidationError):
        return _first_fault(reason)
    if isinstance(reason, UnicodeDecodeError):
        return "not a text in UTF-8"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    if isinstance(reason, KeyError):
        return f"found no {reason}"
    return (str(reason).strip().splitlines() or [type(reason).__name__])[0].rstrip(".")


def _first_fault(error: ValidationError) -> str:
    first, *others = error.errors()
    where = ".".join(map(str, first["loc"]))
    message = first["msg"].removeprefix("Value error, ")
    return (f"{where}: " if where else "") + message + (f" and {len(others)} more faults" if others else "")


def require_file(path: Path, largest: int = LARGEST_TABLE) -> None:
    """Make sure that something is a regular file of a size that can be.

    Raises:
        OSError: if it is not, or there is none.
    """
    require_regular(path)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder, no regular file", os.fspath(path))
    size = path.stat().st_size
    if size > largest:
        found = f"it has {size / MEGABYTE:,.0f} MB, expected {largest // MEGABYTE} MB at most"
        raise OSError(errno.EINVAL, found, os.fspath(path))


def read_bytes(path: Path, largest: int = LARGEST_TEXT) -> bytes:
    """The bytes of a regular file.

    Raises:
        OSError: if it is none, or too large.
    """
    require_file(path, largest)
    return path.read_bytes()


def read_json(content: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Read JSON in which every number is one.

    Raises:
        ValueError: if it is no JSON, nested too deep, or has a number that is none or too large.
    """
    try:
        found = from_json(content, allow_inf_nan=False)
    except ValueError as reason:
        raise ValueError(f"Invalid JSON: {reason}") from reason
    if not _is_finite(found):
        raise ValueError("found a number that is too large, expected finite ones")
    return found


def _is_finite(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(map(_is_finite, inner))


def read_arrays(file: Path) -> dict[str, NDArray[Any]]:
    """All arrays of a `.npz` file; nothing in it runs code.

    Raises:
        OSError, ValueError: if it is none, or too large; more in a block of `readable`.
    """
    require_file(file)
    with zipfile.ZipFile(file) as archive:
        if (unpacked := sum(each.file_size for each in archive.infolist())) > LARGEST_TABLE:
            raise ValueError(
                f"it unpacks to {unpacked / MEGABYTE:,.0f} MB, expected {LARGEST_TABLE // MEGABYTE} at most"
            )
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def read_array(file: Path) -> NDArray[Any]:
    """The array of a `.npy` file; nothing in it runs code.

    Raises:
        OSError, ValueError: if it is none, or too large; more in a block of `readable`.
    """
    require_file(file)
    with file.open("rb") as stream:
        found: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return found


def require_finite(values: Mapping[str, NDArray[Any]]) -> None:
    """Make sure that arrays hold numbers, every one of them finite.

    Raises:
        ValueError: naming the first that does not.
    """
    for name, array in values.items():
        if not np.issubdtype(array.dtype, np.number) or not np.isfinite(array).all():
            raise ValueError(f"found values in {name} that are no numbers, expected finite ones")


def read_frame(file: Path) -> pl.DataFrame:
    """The table in a Parquet file.

    Raises:
        OSError: if it is none, or too large; more in a block of `readable`.
    """
    require_file(file)
    return pl.read_parquet(file, glob=False)  # a name may hold a star


def require_columns(frame: pl.DataFrame, kinds: Mapping[str, pl.DataType | type[pl.DataType]]) -> None:
    """Make sure that a table has columns of given kinds, without empty cells.

    Raises:
        ValueError: naming the first that it lacks.
    """
    for name, kind in kinds.items():
        found = frame.schema.get(name)
        if found != kind:
            raise ValueError(f"found {'no column' if found is None else f'{found} in'} {name}, expected {kind}")
        if empty := frame[name].null_count():
            raise ValueError(f"found no {name} in {empty} rows, expected one in each")


PROBABILITY_SUM = 1e-3
"""By how much probabilities may miss the sum of 1: they are kept in single precision."""


def probabilities_in(frame: pl.DataFrame, name: str, n_taxa: int) -> NDArray[np.float32]:
    """Probabilities (N, C) from a column of arrays, each row of which sums to 1.

    Raises:
        ValueError: if they are none.
    """
    require_columns(frame, {name: pl.Array(pl.Float32, n_taxa)})
    found = frame[name].to_numpy().astype(np.float32, copy=False)
    if not are_probabilities(found).all():
        raise ValueError(f"found values in {name} that are no probabilities, expected rows of sum 1")
    return found


def are_probabilities(values: NDArray[Any]) -> NDArray[np.bool_]:
    """(N,) bool: which rows (N, C) are finite, not negative, and sum to 1.

    >>> are_probabilities(np.array([[0.5, 0.5], [0.5, 0.6], [np.nan, 1], [-1, 2]])).tolist()
    [True, False, False, False]
    """
    with np.errstate(invalid="ignore", over="ignore"):
        sums = values.sum(axis=1, dtype=np.float64)
        return np.asarray((np.abs(sums - 1) <= PROBABILITY_SUM) & (values >= 0).all(axis=1))


def is_inside(name: str) -> bool:
    r"""Whether a file that a record names lies below the record's own folder.

    >>> [is_inside(name) for name in ("a/b.png", "a.onnx", "/etc/passwd", "../b", "a/../../b", "a\\b", "C:/b", "")]
    [True, True, False, False, False, False, False, False]
    """
    parts = PurePosixPath(name).parts
    plain = bool(parts) and not any(sign in name for sign in ("\\", "\0", ":"))
    return plain and not name.startswith("/") and ".." not in parts
