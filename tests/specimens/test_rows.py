"""Tests of which rows can be used: given twice, not found, spelt otherwise on the disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mentum.records import Fault, Severity
from mentum.specimens.manifest import SpecimenTable, read_specimens
from support.awkward_images import write_plain

Read = Callable[..., SpecimenTable]
HEADER = "file_name,label,specimen,note"
COMPOSED, APART = "H\u00f6ngg", "Ho\u0308ngg"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def write_and_read(*lines: str, images: tuple[str, ...] = ("a.png", "b.png")) -> SpecimenTable:
        for image in images:
            write_plain(tmp_path / image)
        (tmp_path / "specimens.csv").write_text("\n".join((HEADER, *lines)) + "\n", encoding="utf-8")
        return read_specimens(tmp_path)

    return write_and_read


def only(table: SpecimenTable, code: str) -> Fault:
    (fault,) = [fault for fault in table.faults if fault.code == code]
    return fault


@pytest.mark.parametrize(
    "again", ["a.png,Aus bus,S1,x", "a.png, Aus bus,S1 ,x", "./a.png,Aus bus,S1,x", "a.png,Aus bus,S1,x\u200b"]
)
def test_a_row_given_twice_is_one_row(read: Read, again: str) -> None:
    table = read("a.png,Aus bus,S1,x", "b.png,Cus dus,S2,x", again, again)
    assert table.file_names == ["a.png", "b.png"]
    fault = only(table, "repeated-row")
    assert fault.severity is Severity.WARNING
    assert fault.message == "2 of 4 rows repeat another one in every column (rows 3, 4); they count once."


@pytest.mark.parametrize(
    ("other", "differing"),
    [
        ("a.png,Cus dus,S1,x", "scientificName ('Aus bus' and 'Cus dus')"),
        ("a.png,Aus bus,,x", "specimen ('S1' and 'a.png')"),
        ("a.png,Aus bus,S1,y", "note ('x' and 'y')"),
        ("a.png,Aus bus,S1,", "note ('x' and '')"),
        ("a.png,Aus\u00a0bus,S1,x", "scientificName ('Aus bus' and 'Aus\\u00a0bus')"),
        (
            "a.png,Cus dus,S2,y",
            "scientificName ('Aus bus' and 'Cus dus'), specimen ('S1' and 'S2'), note ('x' and 'y')",
        ),
    ],
)
def test_two_rows_of_an_image_that_differ_are_an_error(read: Read, other: str, differing: str) -> None:
    table = read("a.png,Aus bus,S1,x", "", other, "b.png,Cus dus,S2,x")
    fault = only(table, "listed-twice")
    assert (fault.severity, fault.where) == (Severity.ERROR, "a.png")
    assert fault.message == f"listed in rows 1 and 3, which differ in {differing}; keep one of them."
    assert table.file_names == ["a.png", "b.png"]


@pytest.mark.parametrize(
    ("written", "on_disk"),
    [(f"{COMPOSED}.png", f"{APART}.png"), (f"{APART}.png", f"{COMPOSED}.png"), (f"{APART}/a.png", f"{COMPOSED}/a.png")],
)
def test_accents_in_file_names_are_one_letter_or_two(read: Read, written: str, on_disk: str) -> None:
    table = read(f"{written},Aus bus,S1,x", images=(on_disk,))
    assert table.paths[0].is_file()
    assert table.file_names == [on_disk]
    assert [fault for fault in table.faults if fault.severity is Severity.ERROR] == []


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("pics/A.png", "found 'pics/a.png', which differs in capital letters; correct the name."),
        ("pics/a.PNG", "found 'pics/a.png', which differs in capital letters; correct the name."),
        ("a.png", "found 'pics/a.png', which lies in another folder; correct the name."),
        ("pics/a", "found 'pics/a.png', whose suffix differs; correct the name."),
        ("pics/a.jpg", "found 'pics/a.png', whose suffix differs; correct the name."),
        ("a", "found 'pics/a.png', whose folder and suffix differ; correct the name."),
        ("z.png", "put the image there or remove the row."),
        ("https://x.org/a.png", "is an address on the web, expected a file; download the image and name the file."),
    ],
)
def test_an_image_that_is_not_there_names_the_nearest(read: Read, written: str, said: str) -> None:
    fault = only(read(f"{written},Aus bus,S1,x", images=("pics/a.png",)), "missing-image")
    assert (fault.severity, fault.where) == (Severity.ERROR, written)
    assert fault.message.endswith(said)


def test_several_near_files_are_named(read: Read) -> None:
    images = ("p/a.png", "q/a.png", "r/a.png")
    fault = only(read("a.png,Aus bus,S1,x", images=images), "missing-image")
    assert "found 'p/a.png' and 'q/a.png' and others, which lies in another folder" in fault.message
