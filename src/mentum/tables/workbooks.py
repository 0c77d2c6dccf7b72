"""Tables in workbooks of spreadsheet programs: which sheet, and what its cells show."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

import polars as pl
from defusedxml.ElementTree import fromstring as parse_xml

from mentum.errors import DataError
from mentum.tables.delimited import Cells, number_list
from mentum.texts import in_brief

if TYPE_CHECKING:
    from fastexcel import ExcelReader

Fits = Callable[[Sequence[str]], bool]
"""Whether a header has the columns that are needed."""

MOST_BYTES = 200_000_000
"""Of all sheets when unpacked; a million rows of a specimen table have as many, and take a gigabyte of memory."""

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_CELL = re.compile(rb'<c r="([A-Z]+)(\d+)"([^>]*)>')
_MOMENT = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"
_MIDNIGHT = r"^(\d{4}-\d\d-\d\d) 00:00:00$"


def read_workbook(file: Path, fits: Fits, assumed: list[str]) -> Cells:
    """Read the first sheet that has the columns needed; cells as the program shows them.

    Args:
        file: `.xlsx`, or what else spreadsheet programs write.
        fits: says of a header whether it is the one; without any such sheet it is the first with cells.
        assumed: what had to be assumed is added here, in words.

    Raises:
        DataError: if the package that reads it is not installed, or there is no sheet with cells.
    """
    _require_size(file)
    reader = _open(file)
    frames = {name: _sheet(file, reader, name) for name in reader.sheet_names}
    filled = {name: frame for name, frame in frames.items() if frame.height}
    if not filled:
        raise DataError(f"{file}: not readable as a table (found no cells in it); give one row per image.")
    name = next((name for name, frame in filled.items() if fits(_header(frame))), next(iter(filled)))
    if len(filled) > 1:
        others = ", ".join(f"'{other}'" for other in filled if other != name)
        assumed.append(f"of {len(filled)} sheets '{name}' is read, the first with the columns needed; not {others}")
    frame = _as_shown(file, list(frames).index(name), filled[name], assumed)
    header, *rows = [[cell or "" for cell in row] for row in frame.iter_rows()][_header_row(frame) :]
    return Cells(header, rows)


def _require_size(file: Path) -> None:
    """Make sure that what is packed does not fill the memory.

    Raises:
        DataError: if it would.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            unpacked = sum(part.file_size for part in archive.infolist() if part.filename.endswith((".xml", ".rels")))
    except (zipfile.BadZipFile, ValueError, NotImplementedError):  # what else is wrong with it, its reader says
        return
    if unpacked > MOST_BYTES:
        raise DataError(
            f"{file}: its sheets have {unpacked} bytes when unpacked, expected at most {MOST_BYTES}; save the sheet "
            "as CSV in UTF-8."
        )


def _open(file: Path) -> ExcelReader:
    try:
        import fastexcel
    except ImportError as error:
        raise DataError(
            f"{file}: is a workbook, which needs a package that is not installed; run `pip install mentum[excel]`, or "
            "save the sheet as CSV in UTF-8."
        ) from error
    try:
        return fastexcel.read_excel(file)
    except fastexcel.FastExcelError as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: Exception) -> DataError:
    return DataError(f"{file}: not readable as a workbook ({in_brief(error)}); save the sheet as CSV in UTF-8.")


def _sheet(file: Path, reader: ExcelReader, name: str) -> pl.DataFrame:
    """All cells as text, from the first row of the sheet on; blank columns before the first cell are not there."""
    import fastexcel

    try:
        return reader.load_sheet(name, header_row=None, skip_rows=0, dtypes="string").to_polars()
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError) as error:
        raise _unreadable(file, error) from error


def _header(frame: pl.DataFrame) -> list[str]:
    return [cell or "" for cell in frame.row(_header_row(frame))]


def _header_row(frame: pl.DataFrame) -> int:
    """The first row with cells."""
    return next((number for number, row in enumerate(frame.iter_rows()) if any(row)), 0)


def _as_shown(file: Path, place: int, frame: pl.DataFrame, assumed: list[str]) -> pl.DataFrame:
    """Numbers with the zeros that the program shows in front, days without a time; errors are said."""
    padded, errors = _formats(file, place)
    shown = {(row, column): width for row, column, width in padded if row < frame.height and column < frame.width}
    for column in sorted({column for _, column in shown}):
        values = frame.to_series(column).to_list()
        for row in (row for row, at in shown if at == column):
            values[row] = (values[row] or "").zfill(shown[row, column])
        frame = frame.with_columns(pl.Series(frame.columns[column], values, dtype=pl.String))
    if shown:
        first = min(shown)
        assumed.append(f"{len(shown)} numbers are read as they are shown, with zeros in front ('{frame[first]}')")
    if errors:
        assumed.append(f"{errors} cells hold errors of formulas and are read as empty")
    _say_dates(frame, assumed)
    return frame.with_columns(pl.all().str.replace(_MIDNIGHT, "$1"))


def _say_dates(frame: pl.DataFrame, assumed: list[str]) -> None:
    """A program may have taken a text such as "1-5" for a day of May: said where not all cells are days."""
    for header, column in zip(_header(frame), frame.iter_columns(), strict=True):
        is_moment = column.str.contains(_MOMENT).fill_null(value=False)
        n_filled = int(column.is_not_null().sum()) - 1
        if 0 < is_moment.sum() < n_filled:
            rows = is_moment.arg_true().to_list()
            example = column[rows[0]].removesuffix(" 00:00:00")
            assumed.append(
                f"the column '{header.strip()}' holds days among other values ('{example}', {number_list('row', rows)}"
                "); programs make days of texts such as '5-1'"
            )


def _formats(file: Path, place: int) -> tuple[list[tuple[int, int, int]], int]:
    """(row, column, width) of numbers shown with zeros in front, and how many cells hold errors.

    The package that reads cells gives values, not what is shown; other formats than `.xlsx` tell neither here.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            widths = _padding_styles(archive)
            sheet = archive.read(_sheet_path(archive, place))
    except (zipfile.BadZipFile, zlib.error, KeyError, IndexError, ValueError, ParseError):
        return [], 0
    errors = len(re.findall(rb'<c [^>]*t="e"', sheet))
    return list(_padded(sheet, widths)) if widths else [], errors


def _sheet_path(archive: zipfile.ZipFile, place: int) -> str:
    sheets = parse_xml(archive.read("xl/workbook.xml")).iter(f"{_MAIN}sheet")
    wanted = list(sheets)[place].attrib[_RELATION]
    relations = parse_xml(archive.read("xl/_rels/workbook.xml.rels"))
    target = {each.attrib["Id"]: each.attrib["Target"] for each in relations}[wanted]
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _padding_styles(archive: zipfile.ZipFile) -> dict[int, int]:
    """Number of a style → digits that it shows at least, for formats of zeros alone such as "00000"."""
    styles = parse_xml(archive.read("xl/styles.xml"))
    formats = {each.attrib["numFmtId"]: each.attrib["formatCode"] for each in styles.iter(f"{_MAIN}numFmt")}
    cells = next(styles.iter(f"{_MAIN}cellXfs"), ())
    codes = {number: formats.get(each.attrib.get("numFmtId", ""), "") for number, each in enumerate(cells)}
    return {number: len(code) for number, code in codes.items() if re.fullmatch("00+", code)}


def _padded(sheet: bytes, widths: dict[int, int]) -> Iterator[tuple[int, int, int]]:
    cells = [cell for cell in _CELL.findall(sheet) if not cell[2].endswith(b"/")]
    first = min((_column_number(column) for column in {column for column, _, _ in cells}), default=0)
    for column, row, attributes in cells:
        style = re.search(rb's="(\d+)"', attributes)
        width = widths.get(int(style[1])) if style else None
        if width and not re.search(rb't="(?!n")', attributes):
            yield int(row) - 1, _column_number(column) - first, width


def _column_number(letters: bytes) -> int:
    """The place of a column, from 0.

    >>> _column_number(b"A"), _column_number(b"AB")
    (0, 27)
    """
    number = 0
    for letter in letters:
        number = 26 * number + letter - ord("A") + 1
    return number - 1
