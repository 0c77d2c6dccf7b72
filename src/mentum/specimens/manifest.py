"""Read a specimen table: one row per image, from a folder per taxon or from CSV or Parquet."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mentum.errors import DataError
from mentum.records import Fault, error, warning
from mentum.specimens.images import IMAGE_SUFFIXES
from mentum.specimens.names import NameResolver, read_taxonomy
from mentum.specimens.tables import read_table
from mentum.taxonomy import Taxon, Taxonomy, lowest_labels

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "file_name": ("filename", "filepath", "file_path", "path", "image", "image_path", "file"),
    "scientificName": ("scientific_name", "label", "taxon", "species", "classification", "class", "name"),
    "specimen": (
        "catalogNumber", "materialEntityID", "catalog_number", "specimen_id", "individual", "organismID",
        "occurrenceID",
    ),
    "split": ("subset", "set"),
    "locality": ("location", "site"),
    "eventDate": ("event_date", "date", "photo_time"),
    "recordedBy": ("recorded_by", "collector", "photographer"),
    "folder": ("directory",),
}  # fmt: skip
"""Column of the specimen table → the names accepted for it, the first found wins; capitals do not matter."""

KNOWN_BUT_UNUSED = {"verbatimidentification", "taxonrank", "genus", "tribe", "subfamily", "family", "order", "class"}
SUBSETS: Mapping[str, str] = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
"""Spelling of a subset → its name here."""


_OTHER = "other:"
"""Before the names of columns that only pass through."""


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
    """

    source: Path
    root: Path
    frame: pl.DataFrame
    labels: tuple[Taxon, ...]
    specimens_named: bool
    faults: tuple[Fault, ...]
    others: pl.DataFrame = field(default_factory=pl.DataFrame)

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
        source: a folder with `specimens.csv` or `.parquet`, a folder per taxon (optionally below train/validation/test,
            optionally with a folder per specimen inside), or a table file. `taxonomy.csv` is read from beside it.
        not_taxa: labels of classes that are learned and are no taxa, as in the setting `specimens.not_taxa`.

    Returns:
        The table with all faults found; faults of single rows do not raise.

    Raises:
        DataError: if there is nothing to read, or the table lacks a required column.
    """
    if not source.exists():
        raise DataError(f"{source}: not found; expected a folder of images or a CSV or Parquet table.")
    table_file = source if source.is_file() else _table_in(source)
    root = source if source.is_dir() else source.parent
    faults: list[Fault] = []
    frame = _frame_from_folders(source, faults) if table_file is None else _frame_from_table(table_file, faults)
    resolver = NameResolver(read_taxonomy(root / "taxonomy.csv", faults), not_taxa)
    return _resolve(source, root, frame, resolver, faults)


def _table_in(folder: Path) -> Path | None:
    return next((folder / name for name in ("specimens.csv", "specimens.parquet") if (folder / name).is_file()), None)


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


def _frame_from_table(file: Path, faults: list[Fault]) -> pl.DataFrame:
    raw = read_table(file)
    renamed = _rename(raw.columns, str(file), faults)
    others = [column for column in raw.columns if column not in renamed.values()]
    frame = raw.select(
        [pl.col(old).alias(new) for new, old in renamed.items()]
        + [pl.col(name).cast(pl.String, strict=False).alias(_OTHER + name) for name in others]
    )
    missing = [name for name in ("file_name", "scientificName") if name not in renamed]
    if missing:
        raise DataError(
            f"{file}: found the columns {', '.join(raw.columns)}; expected also {' and '.join(missing)} (or one of "
            f"{', '.join(COLUMNS[missing[0]])}); rename or add the column."
        )
    if "folder" in frame.columns:
        frame = frame.with_columns(
            file_name=pl.coalesce(pl.concat_str("folder", "file_name", separator="/"), "file_name")
        ).drop("folder")
    if frame.is_empty():
        raise DataError(f"{file}: found no rows; expected one row per image.")
    return frame.with_columns(pl.col("file_name").str.replace_all("\\", "/", literal=True))


def _rename(columns: list[str], where: str, faults: list[Fault]) -> dict[str, str]:
    """Our name → the table's column."""
    found = {column.lower(): column for column in columns}
    renamed: dict[str, str] = {}
    for name, aliases in COLUMNS.items():
        match = next((found[alias.lower()] for alias in (name, *aliases) if alias.lower() in found), None)
        if match is not None and match not in renamed.values():
            renamed[name] = match
    accepted = [name for pair in COLUMNS.items() for name in (pair[0], *pair[1])]
    unknown = [name for name in columns if name not in renamed.values() and name.lower() not in KNOWN_BUT_UNUSED]
    faults += [_unknown_column(column, accepted, where) for column in unknown]
    return renamed


def _unknown_column(column: str, accepted: list[str], where: str) -> Fault:
    near = difflib.get_close_matches(column, accepted, n=1, cutoff=0.75)
    hint = f"did you mean '{near[0]}'?" if near else "it is ignored."
    return warning("unknown-column", where, f"the column '{column}' is not known; {hint}")


def _resolve(
    source: Path, root: Path, frame: pl.DataFrame, resolver: NameResolver, faults: list[Fault]
) -> SpecimenTable:
    named = "specimen" in frame.columns and frame["specimen"].is_not_null().any()
    frame = _fill_specimens(_add_missing(frame), named, faults)
    names = [resolver.resolve(name) for name in frame["scientificName"]]
    frame, names = _drop_unusable(root, frame, names, resolver, faults)
    faults += resolver.faults()
    labels = tuple(name for name in names if name is not None)
    further = [name for name in frame.columns if name.startswith(_OTHER)]
    others = frame.select(further).rename({name: name.removeprefix(_OTHER) for name in further})
    return SpecimenTable(source, root, frame.drop(further), labels, bool(named), tuple(faults), others)


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


def _drop_unusable(
    root: Path, frame: pl.DataFrame, names: list[Taxon | None], resolver: NameResolver, faults: list[Fault]
) -> tuple[pl.DataFrame, list[Taxon | None]]:
    keep = []
    first_row: dict[str, int] = {}
    for row, (file_name, label) in enumerate(frame.select("file_name", "scientificName").iter_rows()):
        fault = _row_fault(root, row, file_name, label, first_row)
        if fault is None and names[row] is None:
            fault = error("unknown-taxon", f"{file_name}", resolver.explain(label))
        if fault is None:
            keep.append(row)
        else:
            faults.append(fault)
    return frame[keep], [names[row] for row in keep]


def _row_fault(root: Path, row: int, file_name: str | None, label: str | None, seen: dict[str, int]) -> Fault | None:
    where = file_name or f"row {row + 1}"
    if file_name is None:
        return error("no-file-name", where, "the file name is empty; name the image or remove the row.")
    if file_name in seen:
        return error("listed-twice", where, f"listed in rows {seen[file_name] + 1} and {row + 1}; keep one of them.")
    seen[file_name] = row
    if not (root / file_name).is_file():
        return error("missing-image", where, f"not found below {root}; put the image there or remove the row.")
    if label is None:
        return error("no-label", where, "scientificName is empty; name the taxon, at whatever rank is certain.")
    return None
