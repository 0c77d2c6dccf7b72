"""Read tables as people have them: text of any kind, Parquet, workbooks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from mentum.errors import DataError
from mentum.tables.delimited import Cells, number_list, read_delimited
from mentum.tables.json_lines import read_json_lines
from mentum.tables.workbooks import Fits, read_workbook
from mentum.texts import in_brief, visible

TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".parquet", ".xlsx", ".xlsm", ".xls", ".ods")
"""How names of tables end; what a table is, its bytes say."""

MOST_BYTES = 1_000_000_000
"""Of a file; a million rows have a fifth of it."""
MOST_COLUMNS = 10_000

_BLANKS = r"[\s\u00a0\ufeff\u200b-\u200d\u2060\u00ad]"
"""White space and what else takes no ink."""
_AROUND = rf"^{_BLANKS}+|{_BLANKS}+$"
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_NO_TABLES = {
    b"\x1f\x8b": "packed with gzip; unpack it",
    b"BZh": "packed with bzip2; unpack it",
    b"\xfd7zXZ": "packed with xz; unpack it",
    b"%PDF": "a PDF file; save the table as CSV in UTF-8",
    b"\x89PNG": "an image; give the table",
    b"\xff\xd8\xff": "an image; give the table",
    b"SQLite format": "a database; save the table as CSV in UTF-8",
    b"<": "a web page or XML; save the table as CSV in UTF-8",
    b"{\\rtf": "a text document; save the table as CSV in UTF-8",
}


@dataclass(frozen=True)
class TableFile:
    """A table as it was read.

    Attributes:
        frame: all cells as text, blank ones null, without blank rows.
        rows: number of each row in the file; the row after the header is 1.
        assumed: what reading it assumed, in words.
    """

    frame: pl.DataFrame
    rows: tuple[int, ...]
    assumed: tuple[str, ...]


def read_table(file: Path) -> pl.DataFrame:
    """Read a table with all columns as text; blank cells become null, blank rows are left out.

    Raises:
        DataError: if the file cannot be read as a table.
    """
    return open_table(file).frame


def open_table(file: Path, fits: Fits = bool) -> TableFile:
    """Read a table in text (whatever its encoding, separator and line ends), Parquet, or a workbook.

    Args:
        file: the table; its bytes count for more than its suffix.
        fits: says whether a header has the columns needed, where a workbook has several sheets.

    Raises:
        DataError: if the file cannot be read as a table.
    """
    assumed: list[str] = []
    try:
        frame = _read(file, fits, assumed)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{file}: not readable as a table ({in_brief(error)}); give CSV, Parquet or .xlsx.") from error
    frame = _without_blanks(frame)
    filled = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series() if frame.width else pl.Series([True])
    n_blank = len(frame) - int(filled.sum())
    if n_blank:
        blank = ((~filled).arg_true() + 1).to_list()
        assumed.append(f"blank rows are left out: {n_blank} ({number_list('row', blank)})")
    rows = tuple((filled.arg_true() + 1).to_list())
    return TableFile(frame.filter(filled) if n_blank else frame, rows, tuple(assumed))


def _read(file: Path, fits: Fits, assumed: list[str]) -> pl.DataFrame:
    if file.stat().st_size > MOST_BYTES:
        raise DataError(
            f"{file}: found {file.stat().st_size} bytes, expected at most {MOST_BYTES}; divide the table, or leave out "
            "columns that nobody needs."
        )
    with file.open("rb") as opened:
        start = opened.read(16)
    if start.startswith(b"PAR1") or file.suffix.lower() == ".parquet":
        return _read_parquet(file, assumed)
    if start.startswith(_WORKBOOKS):
        if file.suffix.lower() not in (".xlsx", ".xlsm", ".xls", ".ods"):
            assumed.append(f"the file is a workbook by its bytes, though its name ends in '{file.suffix}'")
        return _framed(file, read_workbook(file, fits, assumed), assumed)
    for mark, what in _NO_TABLES.items():
        if start.lstrip().startswith(mark):
            raise DataError(f"{file}: not readable as a table (it is {what}); give CSV, Parquet or .xlsx.")
    read = read_json_lines if start.startswith(b"{") else read_delimited
    return _framed(file, read(file, file.read_bytes(), assumed), assumed)


def _read_parquet(file: Path, assumed: list[str]) -> pl.DataFrame:
    raw = pl.read_parquet(file)
    _require_few_columns(file, raw.width)
    nested = [name for name, kind in raw.schema.items() if kind.is_nested() or kind == pl.Binary]
    if nested:
        raise DataError(
            f"{file}: column {visible(nested[0])} holds lists or bytes, expected one value in each cell; leave it out."
        )
    names = _column_names(raw.columns, assumed)
    return raw.cast(pl.String).rename(dict(zip(raw.columns, names, strict=True)))


def _require_few_columns(file: Path, number: int) -> None:
    if number > MOST_COLUMNS:
        raise DataError(
            f"{file}: found {number} columns, expected at most {MOST_COLUMNS}; leave out those that nobody needs, or "
            "turn the table, if its rows stand as columns."
        )


def _framed(file: Path, cells: Cells, assumed: list[str]) -> pl.DataFrame:
    """The table; columns with neither header nor cells, as programs leave them behind, are no columns."""
    _require_few_columns(file, len(cells.header))
    used = [
        place
        for place, name in enumerate(cells.header)
        if _stripped(name) or any(_stripped(row[place]) for row in cells.rows)
    ]
    names = _column_names([cells.header[place] for place in used], assumed)
    columns = list(zip(*cells.rows, strict=True)) if cells.rows else [()] * len(cells.header)
    return pl.DataFrame(
        {name: pl.Series(columns[place], dtype=pl.String) for name, place in zip(names, used, strict=True)}
    )


def _stripped(text: str) -> str:
    return re.sub(_AROUND, "", text)


def _column_names(header: Sequence[str], assumed: list[str]) -> list[str]:
    """Headers without the blanks around them, each once."""
    names: list[str] = []
    for place, name in enumerate(map(_stripped, header), 1):
        names.append(_unlike(name or f"column {place}", names))
    padded = [name for name in header if _stripped(name) != name and _stripped(name)]
    if padded:
        listed = ", ".join(f"'{visible(name)}'" for name in padded)
        assumed.append(f"blanks around headers are left out ({listed})")
    return names


def _unlike(name: str, others: Sequence[str]) -> str:
    """A name that no other column has; columns of one name are told apart by number."""
    same = sum(other == name or other.startswith(f"{name} (") for other in others)
    return f"{name} ({same + 1})" if same else name


def _without_blanks(frame: pl.DataFrame) -> pl.DataFrame:
    """Cells without blanks around them, letters with their accents composed: one spelling of what looks the same."""
    text = frame.with_columns(pl.all().str.replace_all(_AROUND, "").str.normalize("NFC"))
    return text.with_columns(pl.when(pl.all() != "").then(pl.all()))
