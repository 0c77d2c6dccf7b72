"""Tests of what a user may give to identify: folders, globs, tables of paths, standard input."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from mentum.errors import DataError
from mentum.identification.inputs import Given, Inputs
from support.awkward_images import write_plain, write_text
from support.workbooks import Number, write_workbook


def names(*given: object, by_specimen: bool = False) -> list[str]:
    return [each.name for each in Inputs(tuple(map(str, given)), by_specimen)]


def write_csv(file: Path, *lines: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images at three depths, and what is no image."""
    for name in ("b.JPG", "a.png", "z/deep/c.tif", "m/d.webp"):
        write_plain(tmp_path / "photos" / name)
    write_text(tmp_path / "photos" / "notes.txt")
    write_text(tmp_path / "photos" / "._a.png")
    write_text(tmp_path / "photos" / ".hidden.jpg")
    (tmp_path / "photos" / "odd.png").mkdir()
    return tmp_path / "photos"


# Folders, files, globs


def test_a_folder_is_searched_to_its_depths_always_in_the_same_order(folder: Path) -> None:
    expected = [f"{folder}/{name}".replace("/", os.sep) for name in ("a.png", "b.JPG", "m/d.webp", "z/deep/c.tif")]
    assert names(folder) == expected
    assert names(folder) == expected


def test_an_image_is_named_as_the_user_names_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    assert names("photos/m", "photos/a.png") == [os.path.join("photos/m", "d.webp"), "photos/a.png"]  # noqa: PTH118


def test_a_file_is_taken_whatever_its_suffix(folder: Path) -> None:
    slide = write_text(folder / "slide.czi")
    assert names(slide) == [str(slide)]


def test_what_is_given_stays_in_order(folder: Path) -> None:
    assert names(folder / "m", folder / "b.JPG", folder / "a.png") == [
        str(folder / "m" / "d.webp"), str(folder / "b.JPG"), str(folder / "a.png"),
    ]  # fmt: skip


def test_paths_and_texts_mean_the_same(folder: Path) -> None:
    assert list(Inputs((folder,))) == list(Inputs((str(folder),)))
    assert Inputs((folder, "-")).names == (str(folder), "-")


def test_inputs_can_be_counted_and_gone_through_again(folder: Path) -> None:
    inputs = Inputs((str(folder),))
    assert inputs.count() == 4
    assert list(inputs) == list(inputs)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.png", ["a.png"]),
        ("?.*", ["a.png", "b.JPG"]),
        ("**/*.tif", ["z/deep/c.tif"]),
        ("*", ["a.png", "b.JPG", "m/d.webp", "z/deep/c.tif"]),
        ("**", ["a.png", "b.JPG", "m/d.webp", "z/deep/c.tif"]),
        ("[mz]", ["m/d.webp", "z/deep/c.tif"]),
    ],
)
def test_a_glob_is_expanded_and_names_each_image_once(folder: Path, pattern: str, expected: list[str]) -> None:
    found = names(folder / pattern)
    assert [Path(name).relative_to(folder).as_posix() for name in found] == expected


def test_a_file_whose_name_has_brackets_is_no_glob(tmp_path: Path) -> None:
    file = write_plain(tmp_path / "larva [1].png")
    assert names(file) == [str(file)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("gone.jpg", r"gone.jpg: not found; give images, folders of images, a glob, a table of paths, or '-'\.$"),
        ("gone.csv", r"gone.csv: not found; give images"),
        ("empty", r"empty: found no image in the folder, expected files such as .jpg, .png or .tif; give others\.$"),
        ("empty/*.png", r"\*.png: found no image that fits, expected files such as .jpg, .png or .tif; give others\.$"),
    ],
)
def test_what_is_not_there_is_said(tmp_path: Path, given: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=message):
        names(tmp_path / given)


# Tables


def given_by(file: Path, by_specimen: bool = False) -> Sequence[Given]:
    return list(Inputs((str(file),), by_specimen))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_paths_in_a_table_are_relative_to_its_folder(tmp_path: Path, suffix: str) -> None:
    file, absolute = tmp_path / "lists" / f"table{suffix}", str(tmp_path / "there.png")
    if suffix == ".csv":
        write_csv(file, "file_name", "a/1.png", absolute)
    else:
        file.parent.mkdir()
        pl.DataFrame({"file_name": ["a/1.png", absolute]}).write_parquet(file)

    first, second = given_by(file)

    assert (first.name, first.path) == ("a/1.png", tmp_path / "lists" / "a" / "1.png")
    assert (second.name, second.path) == (absolute, tmp_path / "there.png")


@pytest.mark.parametrize("column", ["file_name", "filename", "path", "Image", "FILE"])
@pytest.mark.parametrize("specimen", ["catalogNumber", "materialEntityID", "specimen_id", "CATALOGNUMBER"])
def test_columns_have_their_other_names(tmp_path: Path, column: str, specimen: str) -> None:
    (given,) = given_by(write_csv(tmp_path / "t.csv", f"{specimen};{column}", "K 1;a.png"))
    assert (given.name, given.specimen) == ("a.png", "K 1")


def test_terms_of_darwin_core_are_handed_on_as_they_stand(tmp_path: Path) -> None:
    table = write_csv(
        tmp_path / "t.csv",
        "file_name,catalogNumber,eventDate,locality,mood,recordedBy",
        'a.png,K 1,1987-07,"Lake Å, west",fine,',
    )
    (given,) = given_by(table)
    assert given.occurrence == {"catalogNumber": "K 1", "eventDate": "1987-07", "locality": "Lake Å, west"}


def test_rows_without_an_image_are_left_out(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "t.csv", "file_name,catalogNumber", ",K 1", "a.png,", "  ,K 2")
    assert [(each.name, each.specimen) for each in given_by(table)] == [("a.png", None)]


def test_images_of_a_specimen_are_brought_together(tmp_path: Path) -> None:
    rows = ("3.png,K 2", "1.png,K 1", "lone.png,", "2.png,K 2", "0.png,K 1")
    table = write_csv(tmp_path / "t.csv", "file_name,catalogNumber", *rows)
    assert [(each.name, each.specimen) for each in given_by(table, by_specimen=True)] == [
        ("1.png", "K 1"), ("0.png", "K 1"), ("3.png", "K 2"), ("2.png", "K 2"), ("lone.png", None),
    ]  # fmt: skip
    assert [each.name for each in given_by(table)] == ["3.png", "1.png", "lone.png", "2.png", "0.png"]


def test_an_image_without_a_specimen_is_one_of_its_own(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "t.csv", "file_name,catalogNumber", "a.png,", "x.png,a.png", "b.png,", "y.png,a.png")
    units = [each.unit for each in given_by(table, by_specimen=True)]
    assert units == [("a.png", ""), ("a.png", ""), (None, "a.png"), (None, "b.png")]


def test_a_table_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "t.csv", "file_name", "a.png")
    assert names(table) == ["a.png"]
    write_csv(table, "file_name", "b.png")
    assert names(table) == ["b.png"]


@pytest.mark.parametrize(
    ("lines", "by_specimen", "message"),
    [
        (["photo,x", "a.png,1"], False,
         r"t.csv: found the columns photo, x; expected file_name with the path of an image in each row; rename or add"),
        (["file_name,sex", "a.png,f"], True,
         r"t.csv: found the columns file_name, sex; --by specimen needs catalogNumber or materialEntityID; add the"),
        (["file_name,catalogNumber"], False, r"t.csv: found no row that names an image, expected one row per image"),
        (["file_name,catalogNumber", ",K 1"], True, r"t.csv: found no row that names an image"),
        ([], False, r"t.csv: not readable as a table"),
    ],
)  # fmt: skip
def test_faulty_tables_are_refused(tmp_path: Path, lines: list[str], by_specimen: bool, message: str) -> None:
    with pytest.raises(DataError, match=message):
        given_by(write_csv(tmp_path / "t.csv", *lines), by_specimen)


def test_specimens_can_be_named_by_a_table_only(folder: Path) -> None:
    with pytest.raises(
        DataError, match=r"photos: names no specimens, which --by specimen needs; give a CSV or Parquet"
    ):
        names(folder, by_specimen=True)


# Standard input


def test_standard_input_names_a_path_per_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("a.png\n\n  b c.png \n"))
    inputs = Inputs(("-",))
    assert inputs.count() == 2
    assert [each.name for each in inputs] == ["a.png", "b c.png"]


def test_standard_input_without_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    with pytest.raises(DataError, match=r"standard input: found no line, expected the path of an image in each"):
        names("-")


def test_images_of_a_specimen_come_together_across_tables(tmp_path: Path) -> None:
    for name, rows in (("a.csv", "1.png,S1\n2.png,S2\n"), ("b.csv", "3.png,S1\n")):
        (tmp_path / name).write_text(f"file_name,catalogNumber\n{rows}")
    images = Inputs((str(tmp_path / "a.csv"), str(tmp_path / "b.csv")), by_specimen=True)
    assert [(each.name, each.specimen) for each in images] == [("1.png", "S1"), ("3.png", "S1"), ("2.png", "S2")]


def test_a_table_may_name_folders_apart_and_paths_as_in_windows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("folder,file_name\ntray 1,1.png\n,tray 2\\2.png\n")
    assert [each.name for each in Inputs((str(tmp_path / "a.csv"),))] == ["tray 1/1.png", "tray 2/2.png"]


def test_tables_as_people_have_them(tmp_path):
    lines = "sep=;\r\nfile_name ;catalogNumber\u00a0\r\na.png;K 1\r\n;\r\nb.png;K 2\r\n"
    (tmp_path / "t.csv").write_bytes(lines.encode("utf-16"))
    found = list(Inputs((str(tmp_path / "t.csv"),)))
    assert [(each.name, each.specimen) for each in found] == [("a.png", "K 1"), ("b.png", "K 2")]


def test_tables_with_tabs_and_workbooks(tmp_path):
    (tmp_path / "t.tsv").write_text("file_name\tcatalogNumber\na.png\t00123\n", encoding="utf-8")
    (given,) = Inputs((str(tmp_path / "t.tsv"),))
    assert (given.path, given.specimen) == (tmp_path / "a.png", "00123")
    pytest.importorskip("fastexcel")
    sheets = {"notes": [["read me"]], "images": [["file_name", "catalogNumber"], ["a.png", Number(123, "00000")]]}
    (given,) = Inputs((str(write_workbook(tmp_path / "t.xlsx", sheets)),))
    assert (given.path, given.specimen) == (tmp_path / "a.png", "00123")


@pytest.mark.parametrize("written", ["H\u00f6ngg.png", "Ho\u0308ngg.png"])
def test_accents_in_file_names_are_one_letter_or_two(tmp_path, written):
    (tmp_path / "Ho\u0308ngg.png").touch()
    (tmp_path / "t.csv").write_text(f"file_name\n{written}\n", encoding="utf-8")
    (given,) = Inputs((str(tmp_path / "t.csv"),))
    assert given.path.is_file()


# Terms and what else stands in a table


@pytest.mark.parametrize(
    ("column", "term"),
    [
        ("catalogNumber", "catalogNumber"), ("CatalogNumber", "catalogNumber"), ("decimallatitude", "decimalLatitude"),
        ("DECIMALLONGITUDE", "decimalLongitude"), ("EventDate", "eventDate"), ("event_date", "eventDate"),
        ("License", "license"), ("dcterms:license", "license"), ("dwc:sex", "sex"), ("Life Stage", "lifeStage"),
        ("site", "locality"), ("Collector", "recordedBy"), ("date", "eventDate"),
    ],
)  # fmt: skip
def test_terms_are_known_whatever_their_case(tmp_path: Path, column: str, term: str) -> None:
    inputs = Inputs((str(write_csv(tmp_path / "t.csv", f"file_name,{column}", "a.png,x")),))
    (image,) = inputs
    assert image.occurrence == {term: "x"}
    assert inputs.notes == ()


def test_the_own_name_of_a_term_comes_first_and_the_other_column_is_listed(tmp_path: Path) -> None:
    inputs = Inputs((str(write_csv(tmp_path / "t.csv", "file_name,site,Locality,locality", "a.png,1,2,3")),))
    (image,) = inputs
    assert image.occurrence == {"locality": "3"}
    assert inputs.notes == (
        f"{tmp_path / 't.csv'}: the columns 'site', 'Locality' are no terms of a specimen and go into no output",
    )


@pytest.mark.parametrize("columns", ["mood", "scientificName", "mood,class,Bemerkung"])
def test_columns_that_go_into_no_output_are_listed(tmp_path: Path, columns: str) -> None:
    cells = ",".join("x" for _ in columns.split(","))
    inputs = Inputs((str(write_csv(tmp_path / "t.csv", f"file_name,{columns}", f"a.png,{cells}")),))
    assert inputs.count() == 1
    listed = ", ".join(repr(column) for column in columns.split(","))
    assert inputs.notes == (
        f"{tmp_path / 't.csv'}: the columns {listed} are no terms of a specimen and go into no output",
    )


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        (["a.png,K 1", ",K 2"], "rows that name no image, and are left out: 1 (K 2)"),
        (["a.png,K 1", ",K 2", ",", ",K 3"], "rows that name no image, and are left out: 2 (K 2, K 3)"),
        (["a.png,K 1", *(f",K {number}" for number in range(2, 10))], "that name no image, and are left out: 8 (K 2"),
    ],
)  # fmt: skip
def test_specimens_without_an_image_are_told(tmp_path: Path, rows: list[str], named: str) -> None:
    inputs = Inputs((str(write_csv(tmp_path / "t.csv", "file_name,catalogNumber", *rows)),))
    assert inputs.count() == 1
    assert any(named in note for note in inputs.notes)


def test_terms_that_differ_within_a_specimen_are_told(tmp_path: Path) -> None:
    rows = ("a.png,K 1,Drina,f", "b.png,K 1,Sava,f", "c.png,K 2,Una,m", "d.png,K 2,,m")
    file = write_csv(tmp_path / "t.csv", "file_name,catalogNumber,locality,sex", *rows)
    inputs = Inputs((str(file),), by_specimen=True)
    assert inputs.count() == 4
    assert inputs.notes == (
        f"{file}: terms that differ among the images of a specimen are left empty: locality of K 1, K 2",
    )


# What is left out, and odd names


def test_what_is_no_image_is_counted_by_reason(folder: Path) -> None:
    write_plain(folder / "@eaDir" / "thumb.jpg")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "zero.jpg").symlink_to("/dev/zero")
    (folder / "a2.png").symlink_to(folder / "a.png")
    survey = Inputs((str(folder),)).survey()
    assert survey.n_images == 4
    assert survey.left_out == {
        "no image": 1, "hidden or system file": 2, "in a hidden or system folder": 1, "pipe, socket or device": 2,
        "reached before by another way": 1,
    }  # fmt: skip


def test_a_glob_counts_likewise(folder: Path) -> None:
    os.mkfifo(folder / "pipe.jpg")
    assert Inputs((str(folder / "*"),)).survey().left_out == {"no image": 1, "pipe, socket or device": 1}


def test_a_suffix_is_believed_less_than_the_bytes(folder: Path) -> None:
    (folder / "a.png").rename(folder / "a.dat")
    assert f"{folder / 'a.dat'}" in names(folder)
    assert f"{folder / 'a.dat'}" in names(folder / "*.dat")


def test_links_are_followed_once_and_loops_end(folder: Path) -> None:
    (folder / "m" / "again").symlink_to(folder)
    (folder / "other").symlink_to(folder / "z")
    assert len(names(folder)) == 4


def test_a_folder_without_images_says_what_is_in_it(tmp_path: Path) -> None:
    write_text(tmp_path / "notes.txt")
    with pytest.raises(DataError, match=r"found no image in the folder \(left out: no image \(1\)\), expected files"):
        names(tmp_path)


def test_names_that_no_output_can_bear_are_spelt_out(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path)
    for name in (b"H\xf6ngg.png", b"two\nlines.png", b"\x1b[31mred.png"):
        write_plain(tmp_path / "plain.png").rename(os.fsdecode(raw + b"/" + name))
    found = list(Inputs((str(tmp_path),)))
    assert [Path(each.name).name for each in found] == [r"\x1b[31mred.png", r"H\xf6ngg.png", r"two\nlines.png"]
    assert all(each.path.is_file() for each in found)


def test_invisible_characters_of_a_table_go_into_no_output(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "t.csv", "file_name,catalogNumber,locality", "a.png,K\x1b1,Lake\x07 Ohrid")
    (given,) = given_by(table)
    assert (given.specimen, given.occurrence["locality"]) == ("K1", "Lake Ohrid")
