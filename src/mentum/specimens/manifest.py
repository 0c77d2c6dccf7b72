"""Read a specimen table: one row per image, from a folder per taxon or from CSV or Parquet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mentum.errors import DataError
from mentum.files import require_regular
from mentum.names import NameResolver, read_taxonomy
from mentum.records import Fault, error, warning
from mentum.specimens.columns import OTHER, ROW, ImageRows
from mentum.specimens.folders import SUBSETS, read_folders
from mentum.specimens.image_tables import read_tables, tables_in
from mentum.specimens.layouts import AUTO
from mentum.specimens.rows import RowCheck
from mentum.taxonomy import Rank, Taxon, Taxonomy, conflicting_parents, lowest_labels, taxon_from_lineage
from mentum.texts import is_invisible, is_utf8, printable, without_invisible


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
        layout: how the source was read, in words.
        left_out: reason → number of files in folders that are not used.
        tables: of a folder, the tables below it that it was read by.
        listed: file names in all rows, those that cannot be used too.
    """

    source: Path
    root: Path
    frame: pl.DataFrame
    labels: tuple[Taxon, ...]
    specimens_named: bool
    faults: tuple[Fault, ...]
    others: pl.DataFrame = field(default_factory=pl.DataFrame)
    assumed: tuple[str, ...] = ()
    layout: str = ""
    left_out: Mapping[str, int] = field(default_factory=dict)
    tables: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()

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


def read_specimens(source: Path, layout: str = AUTO, not_taxa: Sequence[str] = ()) -> SpecimenTable:
    """Read a data set.

    Args:
        source: a folder with a table `specimens` or `metadata`, folders that name taxa (optionally below
            train/validation/test), or a table file. `taxonomy.csv` is read from beside it.
        layout: what each level of folders means, such as "genus/species"; "auto" = what the names tell.
        not_taxa: labels of classes that are learned and are no taxa, as in the setting `specimens.not_taxa`.

    Returns:
        The table with all faults found; faults of single rows do not raise.

    Raises:
        DataError: if there is nothing to read, the table lacks a required column, or the folders can be read in two
            ways.
        SettingsError: if the layout is none.
    """
    _require_readable(source)
    assumed: list[str] = []
    tables = {"": source} if source.is_file() else tables_in(source, SUBSETS, assumed)
    root = source if source.is_dir() else source.parent
    within = tuple(file.relative_to(root).as_posix() for file in tables.values())
    faults: list[Fault] = []
    listed = read_taxonomy(root / "taxonomy.csv", faults)
    if tables:
        _refuse_layout(next(iter(tables.values())), layout)
        rows = read_tables(tables)
        rows.layout = f"{'table' if len(within) == 1 else 'tables'} {', '.join(within)}, a row per image"
    else:
        rows = read_folders(root, layout, _rank_by(NameResolver(listed, not_taxa)))
    rows.faults += faults
    rows.assumed += assumed
    table = _resolve(source, root, rows, _resolver(rows, listed, not_taxa))
    named = tuple(rows.frame["file_name"].drop_nulls())
    return replace(table, tables=within if source.is_dir() else (), listed=named)


def _require_readable(source: Path) -> None:
    if not is_utf8(str(source)):
        raise DataError(f"{printable(str(source))}: the name is not in UTF-8, which no table can hold; rename it.")
    if not source.exists():
        raise DataError(f"{source}: not found; expected a folder of images or a CSV or Parquet table; give its path.")
    try:
        if not source.is_dir():
            require_regular(source)
    except OSError as error:
        raise DataError(
            f"{source}: {error.strerror}; expected a folder of images or a CSV or Parquet table; give its path."
        ) from error


def _refuse_layout(table: Path, layout: str) -> None:
    if layout != AUTO:
        raise DataError(
            f"{table}: is a table, whose rows name their taxa; a layout ({layout}) is for folders; leave it out."
        )


def _rank_by(resolver: NameResolver) -> Callable[[str], Rank | None]:
    def rank_of(name: str) -> Rank | None:
        taxon = resolver.resolve(name)
        return taxon.rank if taxon else None

    return rank_of


def _resolver(rows: ImageRows, listed: tuple[Taxon, ...], not_taxa: Sequence[str]) -> NameResolver:
    if listed and rows.lineages:
        rows.assumed.append("taxonomy.csv gives the lineages, not the columns of ranks")
    return NameResolver(listed or rows.lineages, not_taxa)


def _resolve(source: Path, root: Path, rows: ImageRows, resolver: NameResolver) -> SpecimenTable:
    faults, frame = rows.faults, _visible(rows.frame, rows.faults)
    named = "specimen" in frame.columns and frame["specimen"].is_not_null().any()
    frame = _fill_specimens(_add_missing(frame), bool(named), faults)
    names = [resolver.resolve(name) for name in frame["scientificName"]]
    frame, names = _usable(root, replace(rows, frame=frame), names, resolver)
    faults += resolver.faults()
    labels = _with_higher(frame, tuple(name for name in names if name is not None), rows.higher, faults)
    further = [name for name in frame.columns if name.startswith(OTHER)]
    others = frame.select(further).rename({name: name.removeprefix(OTHER) for name in further})
    return SpecimenTable(
        source, root, frame.drop(*further, ROW, strict=False), labels, bool(named), tuple(faults), others,
        tuple(rows.assumed), rows.layout, rows.left_out,
    )  # fmt: skip


def _usable(
    root: Path, rows: ImageRows, names: list[Taxon | None], resolver: NameResolver
) -> tuple[pl.DataFrame, list[Taxon | None]]:
    """The rows that can be used, with their files as the disk spells them, and their taxa."""
    check = RowCheck(rows, root, [None if name is not None else resolver.explain for name in names])
    keep, files = check.usable()
    frame = rows.frame[keep].with_columns(pl.Series("file_name", files, dtype=pl.String))
    return frame, [names[row] for row in keep]


def _visible(frame: pl.DataFrame, faults: list[Fault]) -> pl.DataFrame:
    """Take invisible characters out of everything but file names, and say where they are."""
    for column in frame.select(pl.col(pl.String)).columns:
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
        faults.append(warning("invisible-character", column.removeprefix(OTHER), message))
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
        folders = dict(higher.get(name, ())) if label.is_a_taxon else {}
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
