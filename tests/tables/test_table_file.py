"""Tests of reading tables as people have them: encodings, separators, quotes, blanks, what is no table."""

from __future__ import annotations

import gzip
import json
import os
import re
from pathlib import Path

import polars as pl
import pytest

from mentum.errors import DataError
from mentum.tables.table_file import TableFile, open_table, read_table

ROWS = [["file_name", "scientificName", "catalogNumber"], ["a.png", "Aus bus", "S1"], ["b.png", "Cus dus", "S2"]]
EXPECTED = {"file_name": ["a.png", "b.png"], "scientificName": ["Aus bus", "Cus dus"], "catalogNumber": ["S1", "S2"]}


def text_of(rows: list[list[str]], separator: str = ",", end: str = "\n") -> str:
    return end.join(separator.join(row) for row in rows) + end


def opened(folder: Path, content: str | bytes, name: str = "t.csv") -> TableFile:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_table(folder / name)


def test_a_plain_table_assumes_nothing(tmp_path: Path) -> None:
    table = opened(tmp_path, text_of(ROWS))
    assert (table.frame.to_dict(as_series=False), table.rows, table.assumed) == (EXPECTED, (1, 2), ())


@pytest.mark.parametrize(
    ("encoding", "mark", "said"),
    [
        ("utf-8", b"\xef\xbb\xbf", ()),
        ("utf-16-le", b"\xff\xfe", ()),
        ("utf-16-be", b"\xfe\xff", ()),
        ("utf-32-le", b"\xff\xfe\0\0", ()),
        ("utf-16-le", b"", ("the text is no UTF-8 and is read as UTF-16",)),
        ("utf-16-be", b"", ("the text is no UTF-8 and is read as UTF-16",)),
    ],
)
@pytest.mark.parametrize("separator", [",", "\t"])
def test_encodings(tmp_path: Path, encoding: str, mark: bytes, said: tuple[str, ...], separator: str) -> None:
    table = opened(tmp_path, mark + text_of(ROWS, separator, "\r\n").encode(encoding))
    assert table.frame.to_dict(as_series=False) == EXPECTED
    assert table.assumed[: len(said)] == said


@pytest.mark.parametrize(
    ("encoding", "name", "end"), [("cp1252", "Windows-1252", "\n"), ("mac_roman", "Mac Roman", "\r")]
)
def test_old_encodings_are_said_with_an_example(tmp_path: Path, encoding: str, name: str, end: str) -> None:
    table = opened(tmp_path, text_of([*ROWS, ["c.png", "Aus bus", "Zürich"]], end=end).encode(encoding))
    assert table.frame["catalogNumber"][2] == "Zürich"
    assert table.assumed[0] == f"the text is no UTF-8 and is read as {name} ('Zürich')"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n"])
def test_line_ends(tmp_path: Path, end: str) -> None:
    table = opened(tmp_path, text_of(ROWS, end=end))
    assert table.frame.to_dict(as_series=False) == EXPECTED
    old = "lines end with a carriage return alone, as on old Macintoshes"
    assert (old in table.assumed) == (end == "\r")


@pytest.mark.parametrize("line", ["sep=;\n", "SEP=;\r\n", '"sep=;"\n', "\ufeffsep=;\r"])
def test_a_line_that_names_the_separator(tmp_path: Path, line: str) -> None:
    table = opened(tmp_path, line + text_of(ROWS, ";"))
    assert table.frame.to_dict(as_series=False) == EXPECTED
    assert "names the separator and is no row" in table.assumed[0]


def test_a_line_that_names_an_unusual_separator(tmp_path: Path) -> None:
    assert opened(tmp_path, "sep=^\n" + text_of(ROWS, "^")).frame.to_dict(as_series=False) == EXPECTED


@pytest.mark.parametrize(
    ("separator", "name", "said"),
    [(";", "t.csv", ("';' separates the cells",)), ("\t", "t.csv", ("the tab separates the cells",)),
     ("|", "t.txt", ("'|' separates the cells",)), ("\t", "t.tsv", ()), (",", "t.tsv", ("the comma separates",))],
)  # fmt: skip
def test_separators(tmp_path: Path, separator: str, name: str, said: tuple[str, ...]) -> None:
    table = opened(tmp_path, text_of(ROWS, separator), name)
    assert table.frame.to_dict(as_series=False) == EXPECTED
    assert [found.startswith(each) for found, each in zip(table.assumed, said, strict=True)] == [True] * len(said)


def test_separators_inside_of_quotes_do_not_count(tmp_path: Path) -> None:
    table = opened(tmp_path, '"a;b;c;d",x,y\n"1;2",3,"4,5"\n')
    assert table.frame.to_dict(as_series=False) == {"a;b;c;d": ["1;2"], "x": ["3"], "y": ["4,5"]}


@pytest.mark.parametrize(
    "header",
    [" file_name ,scientificName\u00a0,\u200bcatalogNumber", "\ufefffile_name,scientificName\t,catalogNumber\u2007"],
)
def test_blanks_around_headers_are_said(tmp_path: Path, header: str) -> None:
    table = opened(tmp_path, "\ufeff" + header + "\na.png,Aus bus,S1\nb.png,Cus dus,S2\n")
    assert table.frame.to_dict(as_series=False) == EXPECTED
    (said,) = table.assumed
    assert said.startswith("blanks around headers are left out ('")
    assert all(mark.isprintable() for mark in said)


def test_blanks_around_cells_that_show_nothing(tmp_path: Path) -> None:
    table = opened(tmp_path, "a,b\n\u00a0x\u200b, \n\ufeffy,\u00a0\n")
    assert table.frame.to_dict(as_series=False) == {"a": ["x", "y"], "b": [None, None]}


@pytest.mark.parametrize("blank", ["", ",,", " , ,\u00a0", '"","",""'])
def test_blank_rows_are_left_out_and_counted(tmp_path: Path, blank: str) -> None:
    first, second, third = text_of(ROWS).splitlines()
    table = opened(tmp_path, "\n".join([first, second, blank, third, blank, blank]) + "\n")
    assert table.frame.to_dict(as_series=False) == EXPECTED
    assert table.rows == (1, 3)
    assert table.assumed == ("blank rows are left out: 3 (rows 2, 4, 5)",)


def test_blank_lines_before_the_header(tmp_path: Path) -> None:
    assert opened(tmp_path, "\n,,\n" + text_of(ROWS)).frame.to_dict(as_series=False) == EXPECTED


def test_columns_that_a_program_left_behind(tmp_path: Path) -> None:
    table = opened(tmp_path, "a,b,,\n1,2,,\n3,4,,\n")
    assert table.frame.to_dict(as_series=False) == {"a": ["1", "3"], "b": ["2", "4"]}
    assert opened(tmp_path, ",a\n0,x\n1,y\n").frame.columns == ["column 1", "a"]


def test_headers_that_stand_twice_stay_apart(tmp_path: Path) -> None:
    assert opened(tmp_path, "a,b,a,a\n1,2,3,4\n").frame.columns == ["a", "b", "a (2)", "a (3)"]


@pytest.mark.parametrize(
    ("cell", "read"),
    [('5" mm', '5" mm'), ('"5"" mm"', '5" mm'), ('"5" mm"', '5" mm'), ('"x" y', None),
     ('"a\nb"', "a\nb")],
)  # fmt: skip
def test_quotes_inside_of_cells(tmp_path: Path, cell: str, read: str | None) -> None:
    content = f'a,b,c\n1,{cell},3\n"4, 5",6,7\n'
    if read is None:
        with pytest.raises(
            DataError, match=r"t\.csv: not readable as a table \(row 1 has a quote that is never closed"
        ):
            opened(tmp_path, content)
    else:
        assert opened(tmp_path, content).frame.to_dict(as_series=False) == {
            "a": ["1", "4, 5"], "b": [read, "6"], "c": ["3", "7"],
        }  # fmt: skip


def test_odd_quotes_and_cells_over_several_lines_are_said(tmp_path: Path) -> None:
    assert opened(tmp_path, 'a,b\n1,2\n3,"5" mm"\n').assumed == (
        "quotes inside of cells in quotes belong to the cell (row 2)",
    )
    assert opened(tmp_path, 'a,b\n1,"x\ny"\n').assumed == ("cells in quotes run over several lines (row 1)",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('a,b\n1,2\n3,"never closed\n4,5\n', r"row 2 has a quote that is never closed"),
        (
            "a,b\n1,2\n3,4,5\n6,7\n8,9,10\n",
            r"rows 2, 4: 3 cells, the header has 2\); put a cell that holds a separator",
        ),
        ('a,b,c\n1,"a "b", c",3\n', r"row 1: 4 cells, the header has 3"),
        ("a,b\n1," + "x" * 140_000 + "\n", r"a cell holds more than 131,072 characters\); look for a quote"),
        ("a,b\n1,2\n3,\0\n", r"found NUL bytes in line 3\); the file is damaged or no text"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), r"it is packed with gzip; unpack it\)"),
        (b"PK\x03\x04nothing", r"not readable as a workbook"),
        ("<html><table>", r"it is a web page or XML; save the table as CSV"),
        (b"%PDF-1.7", r"it is a PDF file"),
        ("", r"found nothing in it"),
        (" \n\n", r"found nothing in it"),
    ],
)
def test_what_is_no_table_is_one_sentence(tmp_path: Path, content: str | bytes, message: str) -> None:
    if b"PK" in (content if isinstance(content, bytes) else b""):
        pytest.importorskip("fastexcel")
    with pytest.raises(DataError, match=message) as caught:
        opened(tmp_path, content)
    assert str(caught.value).startswith(str(tmp_path / "t.csv"))
    assert "\n" not in str(caught.value)


def test_short_rows_are_filled_and_said(tmp_path: Path) -> None:
    table = opened(tmp_path, "a,b,c\n1,2\n3,4,5\n6\n")
    assert table.frame.rows() == [("1", "2", None), ("3", "4", "5"), ("6", None, None)]
    assert table.assumed == (
        "rows 1, 3: fewer cells than the header (2 of 3); those that lack at the end are taken as empty",
    )


def test_blank_cells_beyond_the_header_are_nothing(tmp_path: Path) -> None:
    assert opened(tmp_path, "a,b\n1,2,,\n").frame.rows() == [("1", "2")]


def test_letters_with_accents_are_composed(tmp_path: Path) -> None:
    assert read_table(_written(tmp_path, "specimen\nZu\u0308rich 1\nZ\u00fcrich 1\n"))["specimen"].n_unique() == 1


def _written(folder: Path, text: str) -> Path:
    (folder / "t.csv").write_text(text, encoding="utf-8")
    return folder / "t.csv"


def test_a_large_table_is_read_at_once(tmp_path: Path) -> None:
    rows = [[f"pics/{n}.jpg", "Aus bus", f"S{n}", '"5"" mm, wet"'] for n in range(20_000)]
    table = opened(tmp_path, text_of([["file_name", "label", "specimen", "note"], *rows]))
    assert table.frame.shape == (20_000, 4)
    assert re.fullmatch(r'5" mm, wet', table.frame["note"][-1])


def test_lines_of_json(tmp_path: Path) -> None:
    lines = '{"file_name": "a.png", "n": 3, "wet": true}\n\n{"file_name": "b.png", "label": null, "n": "00123"}\n'
    table = opened(tmp_path, lines, "metadata.jsonl")
    assert table.frame.to_dict(as_series=False) == {
        "file_name": ["a.png", "b.png"], "n": ["3", "00123"], "wet": ["true", None], "label": [None, None],
    }  # fmt: skip
    assert table.rows == (1, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [('{"a": 1}\n{"a": [1]}\n', "line 2: a value is a list or an object"), ('{"a": 1}\n[1]\n', "line 2: "),
     ('{"a": 1\n', "line 1: ")],
)  # fmt: skip
def test_lines_that_are_no_json_are_one_sentence(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=rf"t\.jsonl: not readable as a table \({message}"):
        opened(tmp_path, content, "t.jsonl")


@pytest.mark.parametrize("lead", ["\n", ";;\n", "  \n;\n"])
def test_blank_lines_before_a_header_with_semicolons(tmp_path: Path, lead: str) -> None:
    assert opened(tmp_path, lead + text_of(ROWS, ";")).frame.to_dict(as_series=False) == EXPECTED


def test_quotes_inside_of_a_header(tmp_path: Path) -> None:
    assert opened(tmp_path, '"a","5" lens"\n1,"2"\n').frame.to_dict(as_series=False) == {"a": ["1"], '5" lens': ["2"]}


# More than a table has


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
def test_a_table_of_too_many_columns(tmp_path: Path, name: str) -> None:
    columns = [f"c{number}" for number in range(10_001)]
    if name.endswith("parquet"):
        pl.DataFrame({column: ["x"] for column in columns}).write_parquet(tmp_path / name)
    else:
        line = json.dumps(dict.fromkeys(columns, "x")) if name.endswith("jsonl") else ",".join(columns)
        (tmp_path / name).write_text(line + "\n")
    with pytest.raises(
        DataError, match="found 10001 columns, expected at most 10000; leave out those that nobody needs"
    ):
        open_table(tmp_path / name)


def test_a_table_of_too_many_bytes(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.touch()
    os.truncate(file, 1_000_000_001)
    with pytest.raises(DataError, match="found 1000000001 bytes, expected at most 1000000000; divide the table"):
        open_table(file)


def test_what_the_system_says_comes_without_its_number(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"not readable as a table \(Is a directory\); give CSV"):
        open_table(tmp_path)


@pytest.mark.parametrize("content", [",,,\n,,,\n", '"",""\n', ", ,\n , \n"])
def test_a_table_of_blank_cells_alone(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError, match=r"found blank cells alone.*; give one row per image"):
        opened(tmp_path, content)


@pytest.mark.parametrize("value", ["[" * 5000 + "]" * 5000, "9" * 5000, '{"a":' * 5000])
def test_lines_of_json_that_python_cannot_read(tmp_path: Path, value: str) -> None:
    with pytest.raises(DataError, match=r"t\.jsonl: not readable as a table \("):
        opened(tmp_path, f'{{"file_name": "a.png", "x": {value}}}\n', "t.jsonl")
