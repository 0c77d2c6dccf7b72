"""Which column of a table means what: images, names, specimens, subsets."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import polars as pl

from mentum.errors import DataError
from mentum.records import Fault, warning
from mentum.specimens.images import IMAGE_SUFFIXES
from mentum.specimens.rank_columns import find_parents, find_ranks, has_class_rank, labels_from_ranks, parents_of_labels
from mentum.tables.delimited import number_list
from mentum.tables.table_file import TableFile, open_table
from mentum.taxonomy import Rank, Taxon
from mentum.texts import told_apart, visible

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

KNOWN_BUT_UNUSED = {"verbatimidentification", "taxonrank", "scientificnameauthorship"}
OTHER = "other:"
"""Before the names of columns that only pass through."""
ROW = "row:"
"""Name of the column with the number of each row in the file."""

_AUTHOR = "scientificnameauthorship"
_NO_SPECIMEN = ("NA", "N/A", "#N/A", "NaN", "nan", "NULL", "null", "None")
"""What programs write into empty cells; as a specimen it would be one animal in all these rows."""


@dataclass
class ImageRows:
    """The rows of a table of images, or what folders say of the images in them.

    Attributes:
        frame: the columns of `COLUMNS` that are there, `OTHER` columns, and `ROW`.
        lineages: taxa that columns of ranks name, as rows of `taxonomy.csv` would.
        faults: what is wrong.
        assumed: what was assumed, in words.
        layout: how the source was read, in words.
        higher: label → the taxa of ranks above the genus in whose folders it lies, from the highest.
        left_out: reason → number of files in folders that are not used.
    """

    frame: pl.DataFrame
    lineages: tuple[Taxon, ...] = ()
    faults: list[Fault] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    layout: str = ""
    higher: Mapping[str, tuple[tuple[Rank, str], ...]] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)


def read_image_rows(file: Path) -> ImageRows:
    """Read a table of labelled images under our names of its columns.

    Raises:
        DataError: if it is no table, lacks a column, or has no rows.
    """
    table = open_table(file, has_images)
    renamed = find_columns(table.frame)
    _require(file, table, renamed)
    faults = _unknown_columns(table.frame, renamed, str(file))
    rows = ImageRows(_renamed(table, renamed), (), faults, list(table.assumed))
    _label(rows, table.frame, renamed.get("scientificName"))
    rows.frame = _without_markers(with_folder(rows.frame), rows.assumed)
    return rows


def has_images(header: Sequence[str]) -> bool:
    """Whether a header has a column with the images."""
    names = {name.strip().lower() for name in header}
    return any(alias.lower() in names for alias in ("file_name", *COLUMNS["file_name"]))


def find_columns(frame: pl.DataFrame) -> dict[str, str]:
    """Our name → the table's column. Columns of ranks are no name where they are a lineage together."""
    found: dict[str, str] = {}
    for column in frame.columns:
        found.setdefault(column.lower(), column)
    ranked = {column.lower() for column in find_ranks(frame).values()} | ({"class"} if has_class_rank(frame) else set())
    renamed: dict[str, str] = {}
    for name, aliases in COLUMNS.items():
        accepted = [alias.lower() for alias in (name, *aliases) if alias.lower() not in ranked]
        match = next((found[alias] for alias in accepted if alias in found), None)
        if match is not None and match not in renamed.values():
            renamed[name] = match
    return renamed


def _require(file: Path, table: TableFile, renamed: Mapping[str, str]) -> None:
    columns = table.frame.columns
    missing = [name for name in ("file_name", "scientificName") if name not in renamed]
    if missing == ["scientificName"] and find_ranks(table.frame):
        missing = []
    if missing:
        shown = ", ".join(map(visible, columns))
        first = next((name for name in columns if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES), None)
        if first is not None:
            raise DataError(
                f"{file}: the first row looks like an image ('{visible(first)}'), expected the names of the columns; "
                "put a row above it, such as file_name, scientificName, catalogNumber."
            )
        raise DataError(
            f"{file}: found the columns {shown}; expected also {' and '.join(missing)} (or one of "
            f"{', '.join(COLUMNS[missing[0]])}); rename or add the column."
        )
    if table.frame.is_empty():
        raise DataError(f"{file}: found no rows; expected one row per image; add them.")
    for name in (*renamed.values(), *find_ranks(table.frame).values()):
        _require_one(file, table, name)


def _require_one(file: Path, table: TableFile, name: str) -> None:
    """A header that stands twice must say the same twice."""
    again = re.compile(rf"{re.escape(name)}( \(\d+\))?", re.IGNORECASE)
    for other in (each for each in table.frame.columns if each != name and again.fullmatch(each)):
        differing = table.frame[name].ne_missing(table.frame[other]).arg_true().to_list()
        if differing:
            one, two = (str(table.frame[column][differing[0]] or "") for column in (name, other))
            raise DataError(
                f"{file}: the column '{name}' stands there twice and differs in {len(differing)} rows (row "
                f"{table.rows[differing[0]]}: {' and '.join(map(repr, told_apart(one, two)))}); leave one of them out."
            )


def _unknown_columns(frame: pl.DataFrame, renamed: Mapping[str, str], where: str) -> list[Fault]:
    accepted = [name for pair in COLUMNS.items() for name in (pair[0], *pair[1])]
    used = {*renamed.values(), *find_ranks(frame).values()}
    known = KNOWN_BUT_UNUSED | {column.lower() for column in find_parents(frame)}
    unknown = [name for name in frame.columns if name not in used and name.lower() not in known]
    return [_unknown_column(column, accepted, renamed, where) for column in unknown]


def _unknown_column(column: str, accepted: list[str], renamed: Mapping[str, str], where: str) -> Fault:
    meant = next((ours for ours in renamed if column.lower() in map(str.lower, (ours, *COLUMNS[ours]))), None)
    if meant is not None:
        return warning(
            "unknown-column", where, f"the column '{column}' is ignored; '{renamed[meant]}' is read as {meant}."
        )
    near = difflib.get_close_matches(column, accepted, n=1, cutoff=0.75)
    hint = f"did you mean '{near[0]}'?" if near else "it is ignored."
    return warning("unknown-column", where, f"the column '{visible(column)}' is not known; {hint}")


def _renamed(table: TableFile, renamed: Mapping[str, str]) -> pl.DataFrame:
    others = [column for column in table.frame.columns if column not in renamed.values()]
    return table.frame.select(
        [pl.col(old).alias(new) for new, old in renamed.items()] + [pl.col(name).alias(OTHER + name) for name in others]
    ).with_columns(pl.Series(ROW, table.rows, dtype=pl.Int64))


def _label(rows: ImageRows, frame: pl.DataFrame, name: str | None) -> None:
    """Give each row its name, and learn lineages from columns of ranks."""
    ranks, numbers = find_ranks(frame), rows.frame[ROW].to_list()
    if name is not None:
        beside = frame.drop(name)
        rows.frame = _without_authors(rows)
        rows.faults += parents_of_labels(rows.frame["scientificName"].to_list(), beside, numbers)
        if parents := find_parents(beside):
            rows.assumed.append(f"{', '.join(parents)}: not read beside the name; taxonomy.csv gives lineages")
        return
    found = labels_from_ranks(frame, numbers, rows.assumed)
    rows.faults += found.faults
    rows.lineages = found.taxa
    rows.frame = rows.frame.with_columns(pl.Series("scientificName", found.labels, dtype=pl.String))
    rows.assumed.append(
        f"no column holds the name; the lowest of {', '.join(ranks.values())} that is filled is the label"
    )


def _without_authors(rows: ImageRows) -> pl.DataFrame:
    """Names without the author that a column of its own repeats."""
    author = next((name for name in rows.frame.columns if name.lower() == OTHER + _AUTHOR), None)
    if author is None:
        return rows.frame
    name, ends = pl.col("scientificName"), pl.col("scientificName").str.ends_with(pl.format(" {}", author))
    bare = rows.frame.with_columns(
        scientificName=pl.when(ends.fill_null(value=False)).then(name.str.strip_suffix(pl.col(author))).otherwise(name)
    ).with_columns(pl.col("scientificName").str.strip_chars())
    count = int((bare["scientificName"] != rows.frame["scientificName"]).sum())
    if count:
        rows.assumed.append(
            f"{count} names end with the author that {author.removeprefix(OTHER)} gives; it is left out"
        )
    return bare


def with_folder(frame: pl.DataFrame) -> pl.DataFrame:
    """File names with the folder that another column gives, and "/" between folders."""
    if "folder" in frame.columns:
        joined = pl.concat_str("folder", "file_name", separator="/")
        frame = frame.with_columns(file_name=pl.coalesce(joined, "file_name")).drop("folder")
    return frame.with_columns(
        pl.col("file_name")
        .str.replace_all("\\", "/", literal=True)
        .str.replace_all("([^:/])/{2,}", "${1}/")
        .str.replace(r"^(\./)+", "")
    )


def _without_markers(frame: pl.DataFrame, assumed: list[str]) -> pl.DataFrame:
    if "specimen" not in frame.columns:
        return frame
    is_marker = frame["specimen"].is_in(_NO_SPECIMEN).fill_null(value=False)
    if is_marker.any():
        listed = number_list("row", frame[ROW].filter(is_marker).to_list())
        assumed.append(f"a specimen called '{frame['specimen'].filter(is_marker)[0]}' is none ({listed})")
    return frame.with_columns(specimen=pl.when(~is_marker).then("specimen"))
