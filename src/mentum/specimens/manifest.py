"""Read a specimen table: one row per image, from a folder per taxon or from CSV or Parquet."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mentum.errors import DataError
from mentum.files import require_regular
from mentum.records import Fault, error, warning
from mentum.specimens.folders import TABLE_FILES, FolderRows, read_folders
from mentum.specimens.layouts import AUTO
from mentum.specimens.names import NameResolver, read_taxonomy
from mentum.specimens.tables import read_table
from mentum.taxonomy import Rank, Taxon, Taxonomy, conflicting_parents, taxon_from_lineage
from mentum.texts import is_invisible, is_utf8, printable, without_invisible

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
        layout: how the source was read, in words.
        left_out: reason → number of files in folders that are not used.
    """

    source: Path
    root: Path
    frame: pl.DataFrame
    labels: tuple[Taxon, ...]
    specimens_named: bool
    faults: tuple[Fault, ...]
    others: pl.DataFrame = field(default_factory=pl.DataFrame)
    layout: str = ""
    left_out: Mapping[str, int] = field(default_factory=dict)

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
        """The tree over all labels."""
        return Taxonomy.from_taxa(self.labels)


def read_specimens(source: Path, layout: str = AUTO) -> SpecimenTable:
    """Read a data set.

    Args:
        source: a folder with `specimens.csv` or `.parquet`, folders that name taxa (optionally below
            train/validation/test), or a table file. `taxonomy.csv` is read from beside it.
        layout: what each level of folders means, such as "genus/species"; "auto" = what the names tell.

    Returns:
        The table with all faults found; faults of single rows do not raise.

    Raises:
        DataError: if there is nothing to read, the table lacks a required column, or the folders can be read in two
            ways.
        SettingsError: if the layout is none.
    """
    table_file = _table_of(source, layout)
    root = source if source.is_dir() else source.parent
    faults: list[Fault] = []
    taxa = read_taxonomy(root / "taxonomy.csv", faults)
    if table_file is not None:
        rows = FolderRows(_frame_from_table(table_file, faults), f"table {table_file.name}, a row per image")
    else:
        rows = read_folders(root, layout, _rank_by(NameResolver(taxa)), faults)
    return _resolve(source, root, rows, NameResolver(taxa), faults)


def _table_of(source: Path, layout: str) -> Path | None:
    """The table that a source is read by; None where its folders say what is in them."""
    if not is_utf8(str(source)):
        raise DataError(f"{printable(str(source))}: the name is not in UTF-8, which no table can hold; rename it.")
    if not source.exists():
        raise DataError(f"{source}: not found; expected a folder of images or a CSV or Parquet table.")
    if source.is_dir():
        table_file = next((source / name for name in TABLE_FILES if (source / name).is_file()), None)
    else:
        table_file = source
        _require_file(source)
    if table_file is not None and layout != AUTO:
        raise DataError(
            f"{table_file}: is a table, whose rows name their taxa; a layout ({layout}) is for folders; leave it out."
        )
    return table_file


def _require_file(source: Path) -> None:
    try:
        require_regular(source)
    except OSError as error:
        raise DataError(
            f"{source}: {error.strerror}; expected a folder of images or a CSV or Parquet table."
        ) from error


def _rank_by(resolver: NameResolver) -> Callable[[str], Rank | None]:
    def rank_of(name: str) -> Rank | None:
        taxon = resolver.resolve(name)
        return taxon.rank if taxon else None

    return rank_of


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


def _resolve(source: Path, root: Path, rows: FolderRows, resolver: NameResolver, faults: list[Fault]) -> SpecimenTable:
    frame = _visible(rows.frame, faults)
    named = "specimen" in frame.columns and frame["specimen"].is_not_null().any()
    frame = _fill_specimens(_add_missing(frame), named, faults)
    names = [resolver.resolve(name) for name in frame["scientificName"]]
    frame, names = _drop_unusable(root, frame, names, resolver, faults)
    faults += resolver.faults()
    labels = _with_higher(frame, tuple(name for name in names if name is not None), rows.higher, faults)
    further = [name for name in frame.columns if name.startswith(_OTHER)]
    others = frame.select(further).rename({name: name.removeprefix(_OTHER) for name in further})
    return SpecimenTable(
        source, root, frame.drop(further), labels, bool(named), tuple(faults), others, rows.layout, rows.left_out
    )


def _visible(frame: pl.DataFrame, faults: list[Fault]) -> pl.DataFrame:
    """Take invisible characters out of everything but file names, and say where they are."""
    for column in frame.columns:
        odd = [value for value in frame[column].unique() if value is not None and any(map(is_invisible, value))]
        if not odd:
            continue
        shown = f"{', '.join(map(printable, sorted(odd)[:3]))}{' …' if len(odd) > 3 else ''}"
        message = f"invisible characters in {len(odd)} names: {shown}; "
        if column == "file_name":
            message += "outputs spell them out; rename the files."
        else:
            message += "they are left out; correct the names."
            frame = frame.with_columns(pl.col(column).replace({value: without_invisible(value) for value in odd}))
        faults.append(warning("invisible-character", column.removeprefix(_OTHER), message))
    return frame


def _with_higher(
    frame: pl.DataFrame, labels: tuple[Taxon, ...], higher: Mapping[str, tuple[tuple[Rank, str], ...]],
    faults: list[Fault],
) -> tuple[Taxon, ...]:  # fmt: skip
    """Labels with the higher taxa whose folders they lie in; a lineage that is known otherwise must agree."""
    if not higher:
        return labels
    completed = []
    for name, label in zip(frame["scientificName"], labels, strict=True):
        folders = dict(higher.get(name, ()))
        completed.append(taxon_from_lineage({**folders, **label.lineage}))
        unequal = {(rank, folder) for rank, folder in folders.items() if label.lineage.get(rank, folder) != folder}
        for rank, folder in unequal - {(Rank.SPECIES, name)}:
            message = f"lies in the {rank} {folder} by its folder, in {label.lineage[rank]} otherwise; correct one."
            faults.append(error("two-parents", name, message))
    faults += [
        error("two-parents", f"{rank} {name}", f"lies in the folders {' and '.join(above)}; keep one lineage.")
        for (rank, name), above in conflicting_parents(set(completed)).items()
    ]
    return tuple(completed)


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
        if (root / file_name).exists():
            message = "is a folder, a pipe or a device, no regular file; name the image or remove the row."
            return error("missing-image", where, message)
        return error("missing-image", where, f"not found below {root}; put the image there or remove the row.")
    if label is None:
        return error("no-label", where, "scientificName is empty; name the taxon, at whatever rank is certain.")
    return None
