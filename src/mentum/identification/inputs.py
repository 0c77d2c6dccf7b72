"""The images that a user means: folders, globs, tables of paths, standard input."""

from __future__ import annotations

import glob
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mentum.errors import DataError
from mentum.identification.output.darwin_core import MEDIA_COLUMNS, OCCURRENCE_TERMS
from mentum.identification.terms import terms_of
from mentum.specimens.image_files import LeftOut, walk_images, why_no_image
from mentum.texts import printable, visible, without_invisible

Image = str | Path | NDArray[np.uint8]
"""A path (also a folder, a glob or a table of paths), or an array (H, W, 3) uint8 in RGB."""

STANDARD_INPUT = "-"
_TABLES = {".csv", ".tsv", ".parquet", ".xlsx", ".xlsm", ".xls", ".ods"}


@dataclass(frozen=True)
class Given:
    """One image to identify.

    Attributes:
        name: the image as the user named it, invisible characters spelt out; it goes into every output.
        specimen: what the user's table calls the specimen.
        occurrence: Darwin Core terms that the table gives.
        media: where others find the image, as the table says.
    """

    path: Path
    name: str
    specimen: str | None = None
    occurrence: dict[str, str] = field(default_factory=dict)
    media: str = ""

    @property
    def unit(self) -> tuple[str | None, str]:
        """What the images of a specimen have in common; an image whose specimen is not named is one of its own."""
        return (self.specimen, "") if self.specimen is not None else (None, self.name)


@dataclass(frozen=True)
class Survey:
    """How much there is to identify, and what is left out.

    Attributes:
        left_out: reason → number of files in folders and globs that are not used.
    """

    n_images: int
    left_out: dict[str, int]


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
        return self.images(LeftOut())

    def images(self, left_out: LeftOut) -> Iterator[Given]:
        """The images, likewise; files that are not used are counted.

        Raises:
            DataError: likewise.
        """
        images = self._all(left_out)
        return iter(sorted(images, key=_by_specimen)) if self.by_specimen else images

    def count(self) -> int:
        """How many images there are.

        Raises:
            DataError: likewise.
        """
        return self.survey().n_images

    def survey(self) -> Survey:
        """Count the images, and by reason the files beside them that are none.

        Raises:
            DataError: likewise.
        """
        left_out = LeftOut()
        n_images = sum(1 for _ in self._all(left_out))
        return Survey(n_images, left_out.in_words())

    def _all(self, left_out: LeftOut) -> Iterator[Given]:
        return chain.from_iterable(self._images(each, left_out) for each in self.names)

    def _images(self, given: str, left_out: LeftOut) -> Iterator[Given]:
        path = Path(given)
        if given == STANDARD_INPUT:
            return self._named(self._standard_input)
        if path.is_dir():
            return self._named(_require(given, walk_images(given, left_out), "no image in the folder", left_out))
        if path.suffix.lower() in _TABLES and path.is_file():
            if given not in self._tables:
                self._tables[given] = _read_given(path, self.by_specimen)
            return iter(self._tables[given].rows)
        if path.exists():
            return self._named([given])
        if glob.has_magic(given):
            return self._named(_require(given, _expand(given, left_out), "no image that fits", left_out))
        raise DataError(
            f"{printable(given)}: not found; give images, folders of images, a glob, a table of paths, or '-'."
        )

    @cached_property
    def _tables(self) -> dict[str, _Table]:
        """Tables that have been read."""
        return {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What the tables that have been read hold beyond what can be used, in words."""
        return tuple(f"{given}: {note}" for given, table in self._tables.items() for note in table.notes)

    @cached_property
    def _standard_input(self) -> tuple[str, ...]:
        """Read once, since it cannot be read again."""
        names = tuple(line.strip() for line in sys.stdin if line.strip())
        if not names:
            raise DataError("standard input: found no line, expected the path of an image in each; give some.")
        return names

    def _named(self, names: Iterable[str]) -> Iterator[Given]:
        if self.by_specimen:
            raise DataError(
                f"{', '.join(self.names[:3])}: names no specimens, which --by specimen needs; give a CSV or Parquet "
                "table with the columns file_name and catalogNumber (or materialEntityID)."
            )
        return (Given(Path(name), printable(name)) for name in names)


def meant(
    images: Image | Iterable[Image], *, by_specimen: bool = False, left_out: LeftOut | None = None
) -> Iterator[Given | NDArray[np.uint8]]:
    """The images that paths and arrays mean, one by one.

    Args:
        images: paths and arrays.
        by_specimen: keep the images of a specimen together.
        left_out: files in folders and globs that are not used are counted here.

    Raises:
        DataError: if something is not there or holds no image.
    """
    for each in [images] if isinstance(images, str | Path | np.ndarray) else images:
        yield from (
            [each] if isinstance(each, np.ndarray) else Inputs((each,), by_specimen).images(left_out or LeftOut())
        )


def _by_specimen(image: Given) -> tuple[str, bool]:
    """Sort key that puts the images of a specimen in a row, also across tables."""
    return (image.specimen or image.name, image.specimen is None)


def _require(given: str, names: Iterator[str], found: str, left_out: LeftOut) -> Iterator[str]:
    first = next(names, None)
    if first is None:
        more = f" (left out: {left_out})" if left_out.counts else ""
        raise DataError(
            f"{printable(given)}: found {found}{more}, expected files such as .jpg, .png or .tif; give others."
        )
    return chain([first], names)


def _expand(pattern: str, left_out: LeftOut) -> Iterator[str]:
    searched: set[Path] = set()
    for name in sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207 - a pattern may be absolute
        path = Path(name)
        if not searched.isdisjoint(path.parents):
            continue  # "**" names a folder and everything below it
        if path.is_dir():
            searched.add(path)
            yield from walk_images(name, left_out)
        elif (reason := why_no_image(name)) is None:
            yield name
        else:
            left_out.add(reason, name)


@dataclass(frozen=True)
class _Table:
    """Images of a table, and what else stands in it, in words."""

    rows: Sequence[Given]
    notes: tuple[str, ...]


def _read_given(file: Path, by_specimen: bool) -> _Table:
    """Read a table; paths are relative to its folder."""
    import polars as pl  # all of these take longer to load than an image to identify

    from mentum.specimens.columns import find_columns, has_images, with_folder
    from mentum.specimens.file_names import FileNames
    from mentum.tables.table_file import open_table

    table = open_table(file, has_images)
    frame, columns = table.frame, find_columns(table.frame)
    _require_columns(file, frame.columns, columns, by_specimen)
    ours = {name: frame[columns[name]] for name in ("file_name", "folder", "specimen") if name in columns}
    terms = terms_of(frame.columns)
    kept = {term: column for term, column in terms.items() if term in OCCURRENCE_TERMS}
    media = next((terms[each] for each in MEDIA_COLUMNS if each in terms), None)
    files = FileNames(file.parent)
    given, without = [], []
    for row, cells in zip(with_folder(pl.DataFrame(ours)).to_dicts(), frame.to_dicts(), strict=True):
        name, specimen = row["file_name"], without_invisible(row.get("specimen") or "") or None
        if name is None:
            without.append(specimen)
            continue
        said = {
            term: without_invisible(str(cells[column])) for term, column in kept.items() if cells[column] is not None
        }
        address = without_invisible(cells[media] or "") if media else ""
        given.append(Given(file.parent / files.spelt(name), printable(name), specimen, said, address))
    if not given:
        raise DataError(
            f"{file}: found no row that names an image, expected one row per image; add rows with file_name."
        )
    used = {*(columns[name] for name in ours), media, *terms.values()}
    notes = (
        *table.assumed,
        _unused([column for column in frame.columns if column not in used]),
        _without_image(without),
        _disagreeing(given) if by_specimen else "",
    )
    return _Table(given, tuple(filter(None, notes)))


def _unused(columns: Sequence[str]) -> str:
    if not columns:
        return ""
    listed = ", ".join(repr(visible(column)) for column in columns)
    return f"the columns {listed} are no terms of a specimen and go into no output"


def _without_image(specimens: Sequence[str | None]) -> str:
    if not specimens:
        return ""
    named = [each for each in specimens if each]
    which = f" ({_some(named)})" if named else ""
    return f"rows that name no image, and are left out: {len(specimens)}{which}"


def _disagreeing(given: Sequence[Given]) -> str:
    """Terms that say different things of the images of one specimen, which no row can then hold."""
    first: dict[str, dict[str, str]] = {}
    torn: dict[str, set[str]] = {}
    for image in given:
        if image.specimen is not None:
            terms = first.setdefault(image.specimen, image.occurrence)
            for term in terms.keys() | image.occurrence.keys():
                if terms.get(term) != image.occurrence.get(term):
                    torn.setdefault(term, set()).add(image.specimen)
    if not torn:
        return ""
    listed = "; ".join(f"{term} of {_some(sorted(specimens))}" for term, specimens in sorted(torn.items()))
    return f"terms that differ among the images of a specimen are left empty: {listed}"


def _some(names: Sequence[str], shown: int = 5) -> str:
    return ", ".join([*names[:shown], *([f"and {len(names) - shown} more"] if len(names) > shown else [])])


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
