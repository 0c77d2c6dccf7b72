"""The images that a user means: folders, globs, tables of paths, standard input."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mentum.errors import DataError, visible
from mentum.identification.output.darwin_core import OCCURRENCE_TERMS
from mentum.specimens.images import IMAGE_SUFFIXES

Image = str | Path | NDArray[np.uint8]
"""A path (also a folder, a glob or a table of paths), or an array (H, W, 3) uint8 in RGB."""

STANDARD_INPUT = "-"
_TABLES = {".csv", ".tsv", ".parquet", ".xlsx", ".xlsm", ".xls", ".ods"}


@dataclass(frozen=True)
class Given:
    """One image to identify.

    Attributes:
        name: the image as the user named it; it goes into every output.
        specimen: what the user's table calls the specimen.
        occurrence: Darwin Core terms that the table gives.
    """

    path: Path
    name: str
    specimen: str | None = None
    occurrence: dict[str, str] = field(default_factory=dict)

    @property
    def unit(self) -> tuple[str | None, str]:
        """What the images of a specimen have in common; an image whose specimen is not named is one of its own."""
        return (self.specimen, "") if self.specimen is not None else (None, self.name)


@dataclass(frozen=True)
class Inputs:
    """Everything that is to be identified; it can be gone through several times.

    Attributes:
        given: images, folders (searched to their depths), globs, tables (text, Parquet or workbooks) with a column
            `file_name`, or "-" for paths on standard input, one per line.
        by_specimen: keep the images of a specimen together.
    """

    given: tuple[str | Path, ...]
    by_specimen: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """What is given, as texts."""
        return tuple(map(str, self.given))

    def __iter__(self) -> Iterator[Given]:
        """The images, always in the same order.

        Raises:
            DataError: if something is not there or holds no image.
        """
        images = chain.from_iterable(self._images(each) for each in self.names)
        return iter(sorted(images, key=_by_specimen)) if self.by_specimen else images

    def count(self) -> int:
        """How many images there are.

        Raises:
            DataError: likewise.
        """
        return sum(1 for _ in self)

    def _images(self, given: str) -> Iterator[Given]:
        path = Path(given)
        if given == STANDARD_INPUT:
            return self._named(self._standard_input)
        if path.is_dir():
            return self._named(_require(given, _walk(path), "no image in the folder"))
        if path.suffix.lower() in _TABLES and path.is_file():
            if given not in self._tables:
                self._tables[given] = _read_given(path, self.by_specimen)
            return iter(self._tables[given])
        if path.exists():
            return self._named([given])
        if glob.has_magic(given):
            return self._named(_require(given, _expand(given), "no image that fits"))
        raise DataError(f"{given}: not found; give images, folders of images, a glob, a table of paths, or '-'.")

    @cached_property
    def _tables(self) -> dict[str, Sequence[Given]]:
        """Tables that have been read."""
        return {}

    @cached_property
    def _standard_input(self) -> tuple[str, ...]:
        """Read once, since it cannot be read again."""
        names = tuple(line.strip() for line in sys.stdin if line.strip())
        if not names:
            raise DataError("standard input: found no line, expected the path of an image in each.")
        return names

    def _named(self, names: Iterable[str]) -> Iterator[Given]:
        if self.by_specimen:
            raise DataError(
                f"{', '.join(self.names[:3])}: names no specimens, which --by specimen needs; give a CSV or Parquet "
                "table with the columns file_name and catalogNumber (or materialEntityID)."
            )
        return (Given(Path(name), name) for name in names)


def meant(images: Image | Iterable[Image], *, by_specimen: bool = False) -> Iterator[Given | NDArray[np.uint8]]:
    """The images that paths and arrays mean, one by one.

    Raises:
        DataError: if something is not there or holds no image.
    """
    for each in [images] if isinstance(images, str | Path | np.ndarray) else images:
        yield from [each] if isinstance(each, np.ndarray) else Inputs((each,), by_specimen)


def _by_specimen(image: Given) -> tuple[str, bool]:
    """Sort key that puts the images of a specimen in a row, also across tables."""
    return (image.specimen or image.name, image.specimen is None)


def _require(given: str, names: Iterator[str], found: str) -> Iterator[str]:
    first = next(names, None)
    if first is None:
        raise DataError(f"{given}: found {found}, expected files such as .jpg, .png or .tif.")
    return chain([first], names)


def _walk(folder: Path) -> Iterator[str]:
    """Images below a folder, folder by folder; hidden files are none."""
    for place, folders, files in os.walk(folder):
        folders.sort()
        yield from (os.path.join(place, name) for name in sorted(files) if _is_image(name))  # noqa: PTH118 - fast


def _expand(pattern: str) -> Iterator[str]:
    searched: set[Path] = set()
    for name in sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207 - a pattern may be absolute
        path = Path(name)
        if not searched.isdisjoint(path.parents):
            continue  # "**" names a folder and everything below it
        if path.is_dir():
            searched.add(path)
            yield from _walk(path)
        elif _is_image(path.name):
            yield name


def _is_image(name: str) -> bool:
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 - fast


def _read_given(file: Path, by_specimen: bool) -> Sequence[Given]:
    """Read a table; paths are relative to its folder."""
    import polars as pl  # all of these take longer to load than an image to identify

    from mentum.specimens.columns import find_columns, has_images, with_folder
    from mentum.specimens.file_names import FileNames
    from mentum.specimens.tables import open_table

    frame = open_table(file, has_images).frame
    columns = find_columns(frame)
    _require_columns(file, frame.columns, columns, by_specimen)
    ours = {name: frame[columns[name]] for name in ("file_name", "folder", "specimen") if name in columns}
    rows = with_folder(pl.DataFrame(ours)).to_dicts()
    terms = [column for column in frame.columns if column in OCCURRENCE_TERMS]
    occurrences = frame.select(terms).to_dicts() if terms else [{} for _ in rows]
    files = FileNames(file.parent)
    given = []
    for row, occurrence in zip(rows, occurrences, strict=True):
        name = row["file_name"]
        if name is not None:
            said = {term: str(value) for term, value in occurrence.items() if value is not None}
            given.append(Given(file.parent / files.spelt(name), name, row.get("specimen"), said))
    if not given:
        raise DataError(f"{file}: found no row that names an image, expected one row per image.")
    return given


def _require_columns(file: Path, found: Sequence[str], columns: Mapping[str, str], by_specimen: bool) -> None:
    listed = ", ".join(map(visible, found))
    if "file_name" not in columns:
        raise DataError(
            f"{file}: found the columns {listed}; expected file_name with the path of an image in each row; rename or "
            "add the column."
        )
    if by_specimen and "specimen" not in columns:
        raise DataError(
            f"{file}: found the columns {listed}; --by specimen needs catalogNumber or materialEntityID; add the "
            "column."
        )
