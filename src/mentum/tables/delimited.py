"""Tables in text: which encoding, which separator, which quotes, and the cells that follow from them."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mentum.errors import DataError
from mentum.texts import in_brief, visible

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SEPARATORS = {",": "the comma", ";": "';'", "\t": "the tab", "|": "'|'"}
_FOREIGN = {"cp1252": "Windows-1252", "mac_roman": "Mac Roman", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}
_MOST_FOREIGN = 0.3
"""Share of bytes beyond ASCII above which bytes that are no Unicode are not taken for text."""
_SEP_LINE = re.compile(r'"?sep=(.)"?[ \t]*(?:\r\n|\r|\n)', re.IGNORECASE)
_WORD = re.compile(r"[^\s,;|\"]*[^\x00-\x7f][^\s,;|\"]*")
_ASCII = bytes(range(128))
_LONGEST_HEADER = 100_000
_SHOWN_ROWS = 5


class Cells(NamedTuple):
    """A table as it stands in the file.

    Attributes:
        header: what the first row says.
        rows: the further rows, as wide as the header; a row without any cell is a blank one.
    """

    header: list[str]
    rows: list[list[str]]


def read_delimited(file: Path, content: bytes, assumed: list[str]) -> Cells:
    """Read a table in text, whatever its encoding, separator and line ends.

    Args:
        file: for messages, and `.tsv` for tabs.
        content: its bytes.
        assumed: what had to be assumed is added here, in words.

    Raises:
        DataError: if it is no text, or a row does not fit the header.
    """
    text = _decode(file, content, assumed)
    if "\n" not in text and "\r" in text:
        assumed.append("lines end with a carriage return alone, as on old Macintoshes")
    text, separator = _separator(file, text, assumed)
    header, *rows = _parse(file, text, separator, assumed)
    return Cells(header, _same_width(file, header, rows, assumed))


def _decode(file: Path, content: bytes, assumed: list[str]) -> str:
    mark, encoding = next(((mark, name) for mark, name in _MARKS if content.startswith(mark)), (b"", ""))
    encoding = encoding or _guess(content)
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not readable as a table ({in_brief(error)}); save it as CSV in UTF-8.") from error
    if not mark and encoding in _FOREIGN:
        word = next(iter(_WORD.findall(text)), "")
        example = f" ('{visible(word)}')" if word else ""
        assumed.append(f"the text is no UTF-8 and is read as {_FOREIGN[encoding]}{example}")
    if "\0" in text:
        raise DataError(
            f"{file}: not readable as a table (found NUL bytes in line {_line(text, text.index(chr(0)))}); the file is "
            "damaged or no text; save it again as CSV in UTF-8."
        )
    return text.lstrip("\ufeff")


def _guess(content: bytes) -> str:
    """The encoding of bytes without a mark."""
    start = content[:4000]
    if start.count(0) > len(start) / 4:
        return "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return _without_unicode(content)
    return "utf-8"


def _without_unicode(content: bytes) -> str:
    """Of text that is no Unicode: old Macintoshes end lines with CR alone and use bytes that Windows leaves free."""
    if len(content.translate(None, _ASCII)) > _MOST_FOREIGN * len(content):
        return "ascii"  # it is no text at all, which decoding then says
    is_free = any(byte in content for byte in b"\x81\x8d\x8f\x90\x9d")
    return "mac_roman" if is_free or (b"\r" in content and b"\n" not in content) else "cp1252"


def _line(text: str, place: int) -> int:
    return len(re.findall(r"\r\n|\r|\n", text[:place])) + 1


def _separator(file: Path, text: str, assumed: list[str]) -> tuple[str, str]:
    """The text without a line that names the separator, and the separator."""
    if match := _SEP_LINE.match(text):
        assumed.append(f"the first line '{visible(match[0].strip())}' names the separator and is no row")
        return text[match.end() :], match[1]
    lines = re.split(r"\r\n|\r|\n", text[:_LONGEST_HEADER])
    header = next((line for line in lines if line.strip(" \t,;|")), "")
    widths = {each: len(next(csv.reader([header], delimiter=each), [])) for each in _SEPARATORS}
    separator = max(widths, key=lambda each: widths[each])
    usual = "\t" if file.suffix.lower() == ".tsv" else ","
    if separator != usual and widths[separator] > 1:
        assumed.append(f"{_SEPARATORS[separator]} separates the cells")
    return text, separator


def _parse(file: Path, text: str, separator: str, assumed: list[str]) -> list[list[str]]:
    """All rows, the header first."""
    if not text.strip():
        raise DataError(f"{file}: not readable as a table (found nothing in it); give one row per image.")
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        if "field limit" in str(error):
            raise DataError(
                f"{file}: not readable as a table (a cell holds more than {csv.field_size_limit():,} characters); look "
                "for a quote that is never closed."
            ) from error
        rows = _parse_loosely(file, text, separator, assumed)
    while rows and not any(cell.strip() for cell in rows[0]):
        rows.pop(0)  # blank lines before the header
    if not rows:
        raise DataError(f"{file}: not readable as a table (found blank cells alone); give one row per image.")
    if '"' in text:
        _say_broken_cells(rows, assumed)
    return rows


def _parse_loosely(file: Path, text: str, separator: str, assumed: list[str]) -> list[list[str]]:
    """Rows of a text in which quotes stand inside of cells in quotes: only one before a separator closes the cell."""
    lines = re.split(r"\r\n|\r|\n", text.rstrip("\r\n"))
    rows = [_cells_of(line, separator) for line in lines]
    open_ones = [number for number, row in enumerate(rows) if row and _is_open(row[-1])]
    if open_ones:
        where = f"row {open_ones[0]}" if open_ones[0] else "the header"
        raise DataError(
            f"{file}: not readable as a table ({where} has a quote that is never closed); write such a cell with "
            'quotes at both ends, and a quote inside it twice ("").'
        )
    odd = [number for number, row in enumerate(rows) if number and any(map(_holds_quote, row))]
    where = number_list("row", odd) if odd else "the header"
    assumed.append(f"quotes inside of cells in quotes belong to the cell ({where})")
    return [[_unquoted(cell) for cell in row] for row in rows]


def _cells_of(line: str, separator: str) -> list[str]:
    """Cells with their quotes; a cell goes on over separators until it is closed.

    >>> _cells_of('1,"5" mm","a, b"', ",")
    ['1', '"5" mm"', '"a, b"']
    """
    cells: list[str] = []
    for piece in line.split(separator) if line else ():
        if cells and _is_open(cells[-1]):
            cells[-1] += separator + piece
        else:
            cells.append(piece)
    return cells


def _is_open(cell: str) -> bool:
    """Whether a cell begins with a quote and does not end with one; two at the end are one inside of the cell."""
    bare = cell.strip()
    n_last = len(bare) - len(bare.rstrip('"'))
    return bare.startswith('"') and bare != '""' and (n_last % 2 == 0 or len(bare) == 1)


def _holds_quote(cell: str) -> bool:
    bare = cell.strip()
    return bare.startswith('"') and '"' in bare[1:-1].replace('""', "")


def _unquoted(cell: str) -> str:
    bare = cell.strip()
    return bare[1:-1].replace('""', '"') if bare.startswith('"') else cell


def _say_broken_cells(rows: Sequence[Sequence[str]], assumed: list[str]) -> None:
    """Cells over several lines are rare in such tables: they may come from a quote that nobody closed."""
    broken = [number for number, row in enumerate(rows) if any("\n" in cell or "\r" in cell for cell in row)]
    if broken:
        assumed.append(f"cells in quotes run over several lines ({number_list('row', broken)})")


def _same_width(file: Path, header: list[str], rows: list[list[str]], assumed: list[str]) -> list[list[str]]:
    """Rows as wide as the header; cells beyond it must be blank, cells that lack at the end are."""
    width = len(header)
    wide = [number for number, row in enumerate(rows, 1) if len(row) > width and any(map(str.strip, row[width:]))]
    if wide:
        raise DataError(
            f"{file}: not readable as a table ({number_list('row', wide)}: {len(rows[wide[0] - 1])} cells, the header "
            f"has {width}); put a cell that holds a separator in quotes, or name the column."
        )
    short = [number for number, row in enumerate(rows, 1) if len(row) < width and any(map(str.strip, row))]
    if short:
        assumed.append(
            f"{number_list('row', short)}: fewer cells than the header ({len(rows[short[0] - 1])} of {width}); those "
            "that lack at the end are taken as empty"
        )
    return [row if len(row) == width else [*row[:width], *[""] * (width - len(row))] for row in rows]


def number_list(word: str, found: Sequence[int]) -> str:
    """Rows or lines in words: the first few of them.

    >>> number_list("row", [3]), number_list("row", range(1, 9))
    ('row 3', 'rows 1, 2, 3, 4, 5 and 3 more')
    """
    shown = ", ".join(str(number) for number in found[:_SHOWN_ROWS])
    more = f" and {len(found) - _SHOWN_ROWS} more" if len(found) > _SHOWN_ROWS else ""
    return f"{word}{'s' if len(found) > 1 else ''} {shown}{more}"
