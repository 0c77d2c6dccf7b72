"""Tests of reading workbooks: which sheet, zeros in front, days, errors, what is not installed."""

from __future__ import annotations

import contextlib
import sys
import zipfile
from pathlib import Path

import pytest

from mentum.errors import DataError
from mentum.specimens.columns import has_images
from mentum.specimens.manifest import read_specimens
from mentum.tables.table_file import open_table
from support.awkward_images import write_plain
from support.workbooks import Error, Number, write_workbook

HEADER = ["file_name", "scientificName", "catalogNumber"]
ROWS = [HEADER, ["a.png", "Aus bus", "00123"], ["b.png", "Cus dus", "S2"]]


@pytest.fixture(autouse=True)
def _reader() -> None:
    pytest.importorskip("fastexcel", reason="workbooks need the extra 'excel'")


def test_a_workbook_beside_images(tmp_path: Path) -> None:
    write_workbook(tmp_path / "specimens.xlsx", {"Sheet1": ROWS})
    for name in ("a.png", "b.png"):
        write_plain(tmp_path / name)
    table = read_specimens(tmp_path)
    assert table.specimens.tolist() == ["00123", "S2"]
    assert [label.name for label in table.labels] == ["Aus bus", "Cus dus"]
    assert (table.faults, table.assumed) == ((), ())


def test_the_first_sheet_with_the_columns_is_read_and_said(tmp_path: Path) -> None:
    sheets = {"notes": [["read me"]], "empty": [], "images": ROWS, "more": ROWS}
    table = open_table(write_workbook(tmp_path / "t.xlsx", sheets), has_images)
    assert table.frame["file_name"].to_list() == ["a.png", "b.png"]
    assert table.assumed == ("of 3 sheets 'images' is read, the first with the columns needed; not 'notes', 'more'",)


@pytest.mark.parametrize("lead", [[], [[]], [[None], [None, None]]])
def test_numbers_are_read_as_they_are_shown(tmp_path: Path, lead: list[list[None]]) -> None:
    rows = [[None, "file_name", "n"], [None, "a.png", Number(123, "00000")], [None, "b.png", Number(7.0)]]
    table = open_table(write_workbook(tmp_path / "t.xlsx", {"s": [*lead, *rows]}))
    assert table.frame["n"].to_list() == ["00123", "7"]
    assert table.assumed == ("1 numbers are read as they are shown, with zeros in front ('00123')",)


def test_days_are_iso_dates(tmp_path: Path) -> None:
    rows = [["eventDate"], [Number(43952, "yyyy-mm-dd")], [Number(43953, "yyyy-mm-dd")]]
    table = open_table(write_workbook(tmp_path / "t.xlsx", {"s": rows}))
    assert (table.frame["eventDate"].to_list(), table.assumed) == (["2020-05-01", "2020-05-02"], ())


def test_days_among_other_values_are_said(tmp_path: Path) -> None:
    rows = [["catalogNumber"], ["4-31"], [Number(43952, "yyyy-mm-dd")]]
    (said,) = open_table(write_workbook(tmp_path / "t.xlsx", {"s": rows})).assumed
    assert said == (
        "the column 'catalogNumber' holds days among other values ('2020-05-01', row 2); programs make days of texts "
        "such as '5-1'"
    )


def test_errors_of_formulas_are_said(tmp_path: Path) -> None:
    rows = [["a", "b"], ["1", Error("#DIV/0!")], ["2", "x"]]
    table = open_table(write_workbook(tmp_path / "t.xlsx", {"s": rows}))
    assert table.frame["b"].to_list() == [None, "x"]
    assert table.assumed == ("1 cells hold errors of formulas and are read as empty",)


def test_blank_rows_and_headers_as_in_text(tmp_path: Path) -> None:
    rows = [["file_name ", None, "b\u00a0"], ["a.png", None, "1"], ["", " "], ["b.png", None, "2"]]
    table = open_table(write_workbook(tmp_path / "t.xlsx", {"s": rows}))
    assert table.frame.to_dict(as_series=False) == {"file_name": ["a.png", "b.png"], "b": ["1", "2"]}
    assert table.rows == (1, 3)
    assert [said.partition(" (")[0] for said in table.assumed] == [
        "blanks around headers are left out", "blank rows are left out: 1",
    ]  # fmt: skip


def test_a_workbook_by_another_name(tmp_path: Path) -> None:
    table = open_table(write_workbook(tmp_path / "t.csv", {"s": ROWS}))
    assert table.frame["catalogNumber"].to_list() == ["00123", "S2"]
    assert table.assumed == ("the file is a workbook by its bytes, though its name ends in '.csv'",)


def test_a_workbook_without_cells(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t\.xlsx: not readable as a table \(found no cells in it\)"):
        open_table(write_workbook(tmp_path / "t.xlsx", {"s": []}))


def test_without_the_package_one_sentence_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_workbook(tmp_path / "t.xlsx", {"s": ROWS})
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    with pytest.raises(DataError, match=r"t\.xlsx: is a workbook, .* run `pip install mentum\[excel\]`, or save the"):
        open_table(file)


# Of strangers


def _with_part(file: Path, name: str, content: bytes) -> Path:
    write_workbook(file, {"Sheet1": ROWS})
    with zipfile.ZipFile(file) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, known in (parts | {name: content}).items():
            archive.writestr(part, known)
    return file


def test_a_workbook_that_fills_the_memory_when_unpacked(tmp_path: Path) -> None:
    file = _with_part(tmp_path / "t.xlsx", "xl/worksheets/sheet1.xml", bytes(200_000_001))
    assert file.stat().st_size < 1_000_000
    with pytest.raises(DataError, match=r"bytes when unpacked, expected at most 200000000; save the sheet as CSV"):
        open_table(file)


@pytest.mark.parametrize("name", ["xl/workbook.xml", "xl/styles.xml", "xl/worksheets/sheet1.xml"])
def test_entities_are_never_expanded(tmp_path: Path, name: str) -> None:
    laughs = "".join(
        f'<!ENTITY {after} "{f"&{before};" * 10}">' for before, after in zip("abcdefgh", "bcdefghi", strict=True)
    )
    content = f'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">{laughs}]><x>&i;</x>'.encode()
    file = _with_part(tmp_path / "t.xlsx", name, content)
    with contextlib.suppress(DataError):
        assert "aaaaaaaaaa" not in str(open_table(file).frame.rows())


def test_a_sheet_that_cannot_be_read(tmp_path: Path) -> None:
    cell = b'<c r="A1" t="inlineStr"><is><t>&z;</t></is></c>'
    content = b'<worksheet><sheetData><row r="1">' + cell + b"</row></sheetData></worksheet>"
    with pytest.raises(DataError, match=r"not readable as a workbook \(.*\); save the sheet as CSV in UTF-8"):
        open_table(_with_part(tmp_path / "t.xlsx", "xl/worksheets/sheet1.xml", content))
