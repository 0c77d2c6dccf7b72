"""Read a specimen table: one row per image, from a folder per taxon or from CSV or Parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mentum.errors import DataError
from mentum.records import Fault, warning
from mentum.specimens.columns import OTHER, ROW, ImageRows
from mentum.specimens.image_tables import read_tables, tables_in
from mentum.specimens.images import IMAGE_SUFFIXES
from mentum.specimens.names import NameResolver, read_taxonomy
from mentum.specimens.rows import RowCheck
from mentum.taxonomy import Taxon, Taxonomy, lowest_labels

SUBSETS: Mapping[str, str] = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
"""Spelling of a subset → its name here."""


@dataclass(frozen=True)
class SpecimenTable:
    """The images of a data set with their labels and specimens.

    Attributes:
        source: what the user gave.
        root: folder that file names are relative to.
        frame: file_name, scientificName (as written), specimen, and where given split, locality, eventDate, recordedBy.
        labels: the taxon of each row.
        specimens_named: False where each image counts as a specimen for lack of a column.
        faults: what is wrong with the table; rows that cannot be used are not in `frame`.
        others: the table's further columns, as text, row by row beside `frame`.
        assumed: what reading the table assumed, in words.
    """

    source: Path
    root: Path
    frame: pl.DataFrame
    labels: tuple[Taxon, ...]
    specimens_named: bool
    faults: tuple[Fault, ...]
    others: pl.DataFrame = field(default_factory=pl.DataFrame)
    assumed: tuple[str, ...] = ()

    @cached_property
    def file_names(self) -> list[str]:
        """File names as written, relative to `root`."""
        return self.frame["file_name"].to_list()

    @cached_property
    def paths(self) -> list[Path]:
        """Where each image lies."""
        return [self.root / name for name in self.file_names]

    @cached_property
    def specimens(self) -> NDArray[np.str_]:
        """(N,) str: the specimen of each image."""
        return self.frame["specimen"].to_numpy().astype(str)

    def take(self, rows: NDArray[np.int64]) -> SpecimenTable:
        """Some of the images, as a table of their own."""
        labels = tuple(self.labels[row] for row in rows.tolist())
        others = self.others[rows] if self.others.width else self.others
        return replace(self, frame=self.frame[rows], labels=labels, others=others)

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The tree over all labels, of which each specimen's lowest counts."""
        return Taxonomy.from_taxa(self.lowest)

    @cached_property
    def lowest(self) -> tuple[Taxon, ...]:
        """What each image teaches: the lowest label of its specimen, of which one image may name more than another."""
        of_specimen = lowest_labels(self.specimens.tolist(), self.labels)
        return tuple(of_specimen[specimen] for specimen in self.specimens.tolist())

    def learned(self, rows: NDArray[np.bool_]) -> Taxonomy:
        """The tree over the taxa that some of the images (N,) bool teach."""
        named = {self.lowest[row] for row in np.flatnonzero(rows).tolist()}
        return Taxonomy(tuple(leaf for leaf in self.taxonomy.leaves if leaf in named))


def read_specimens(source: Path, not_taxa: Sequence[str] = ()) -> SpecimenTable:
    """Read a data set.

    Args:
        source: a folder with a table `specimens` or `metadata`, a folder per taxon (optionally below
            train/validation/test, optionally with a folder per specimen inside), or a table file. `taxonomy.csv` is
            read from beside it.
        not_taxa: labels of classes that are learned and are no taxa, as in the setting `specimens.not_taxa`.

    Returns:
        The table with all faults found; faults of single rows do not raise.

    Raises:
        DataError: if there is nothing to read, or the table lacks a required column.
    """
    if not source.exists():
        raise DataError(f"{source}: not found; expected a folder of images or a CSV or Parquet table.")
    assumed: list[str] = []
    tables = {"": source} if source.is_file() else tables_in(source, SUBSETS, assumed)
    root = source if source.is_dir() else source.parent
    faults: list[Fault] = []
    rows = read_tables(tables) if tables else ImageRows(_frame_from_folders(source, faults), faults=faults)
    rows.assumed += assumed
    return _resolve(source, root, rows, not_taxa)


def _frame_from_folders(root: Path, faults: list[Fault]) -> pl.DataFrame:
    files = sorted(path.relative_to(root) for path in root.rglob("*") if _is_image(path))
    rows = {file.as_posix(): _row_of(file.parts) for file in files}
    placed = [row for row in rows.values() if row is not None]
    if not placed:
        found = f"images directly in it ({len(files)})" if files else "no image"
        raise DataError(
            f"{root}: found {found}; expected a folder per taxon with images inside, or specimens.csv with the columns "
            "file_name, scientificName and catalogNumber."
        )
    message = "lies in no taxon's folder and is left out; move it into the folder of its taxon."
    faults += [warning("unplaced-image", file_name, message) for file_name, row in rows.items() if row is None]
    columns = ("file_name", "scientificName", "specimen", "split")
    return pl.DataFrame(placed, schema=dict.fromkeys(columns, pl.String), orient="row")


def _is_image(path: Path) -> bool:
    """By the suffix; hidden files, such as those that macOS leaves beside images, are not images."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()


def _row_of(parts: tuple[str, ...]) -> tuple[str, str, str | None, str | None] | None:
    """[subset/] taxon / [specimen/] file → a row, or None where no folder names a taxon."""
    subset = SUBSETS.get(parts[0].lower()) if len(parts) > 2 else None
    folders = parts[1:-1] if subset else parts[:-1]
    if not folders:
        return None
    specimen = "/".join(folders) if len(folders) > 1 else None
    return "/".join(parts), folders[0], specimen, subset


def _resolve(source: Path, root: Path, rows: ImageRows, not_taxa: Sequence[str]) -> SpecimenTable:
    faults = rows.faults
    listed = read_taxonomy(root / "taxonomy.csv", faults)
    if listed and rows.lineages:
        rows.assumed.append("taxonomy.csv gives the lineages, not the columns of ranks")
    resolver = NameResolver(listed or rows.lineages, not_taxa)
    named = "specimen" in rows.frame.columns and rows.frame["specimen"].is_not_null().any()
    frame = _fill_specimens(_add_missing(rows.frame), bool(named), faults)
    names = [resolver.resolve(name) for name in frame["scientificName"]]
    frame, names = _usable(root, replace(rows, frame=frame), names, resolver)
    faults += resolver.faults()
    labels = tuple(name for name in names if name is not None)
    further = [name for name in frame.columns if name.startswith(OTHER)]
    others = frame.select(further).rename({name: name.removeprefix(OTHER) for name in further})
    frame = frame.drop(*further, ROW, strict=False)
    return SpecimenTable(source, root, frame, labels, bool(named), tuple(faults), others, tuple(rows.assumed))


def _usable(
    root: Path, rows: ImageRows, names: list[Taxon | None], resolver: NameResolver
) -> tuple[pl.DataFrame, list[Taxon | None]]:
    """The rows that can be used, with their files as the disk spells them, and their taxa."""
    check = RowCheck(rows, root, [None if name is not None else resolver.explain for name in names])
    keep, files = check.usable()
    frame = rows.frame[keep].with_columns(pl.Series("file_name", files, dtype=pl.String))
    return frame, [names[row] for row in keep]


def _add_missing(frame: pl.DataFrame) -> pl.DataFrame:
    absent = [name for name in ("specimen", "split") if name not in frame.columns]
    return frame.with_columns([pl.lit(None, pl.String).alias(name) for name in absent])


def _fill_specimens(frame: pl.DataFrame, named: bool, faults: list[Fault]) -> pl.DataFrame:
    empty = frame["specimen"].null_count()
    if empty:
        what = f"{empty} of {len(frame)} rows name no specimen" if named else "no column names the specimen"
        message = f"{what}; each such image counts as a specimen of its own. Add catalogNumber, so that images of one "
        faults.append(warning("no-specimen", "catalogNumber", message + "animal never stand on both sides of a split."))
    return frame.with_columns(pl.col("specimen").fill_null(pl.col("file_name")))
