"""Tests of tables found in folders of images: beside them, in the folders of subsets, or about something else."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from mentum.specimens.manifest import SpecimenTable, read_specimens
from support.awkward_images import write_plain


def read(folder: Path, tables: dict[str, str], images: tuple[str, ...]) -> SpecimenTable:
    for image in images:
        write_plain(folder / image)
    for name, text in tables.items():
        (folder / name).write_text(text, encoding="utf-8")
    return read_specimens(folder)


def names_of(table: SpecimenTable) -> list[str]:
    return [label.name for label in table.labels]


@pytest.mark.parametrize("name", ["specimens.csv", "specimens.tsv", "metadata.csv"])
def test_a_table_beside_the_images(tmp_path: Path, name: str) -> None:
    table = read(tmp_path, {name: "file_name,label\nimages/1.png,Aus bus\n"}, ("images/1.png",))
    assert (table.file_names, names_of(table)) == (["images/1.png"], ["Aus bus"])


def test_metadata_as_parquet(tmp_path: Path) -> None:
    write_plain(tmp_path / "1.png")
    pl.DataFrame({"file_name": ["1.png"], "label": ["Aus bus"]}).write_parquet(tmp_path / "metadata.parquet")
    assert names_of(read_specimens(tmp_path)) == ["Aus bus"]


def test_a_table_in_the_folder_of_each_subset(tmp_path: Path) -> None:
    images = ("train/1.png", "train/2.png", "Test/a/1.png")
    for image in images:
        write_plain(tmp_path / image)
    tables = {
        "train/metadata.csv": "file_name,label\n1.png,Aus bus\n2.png,Cus dus\n",
        "Test/metadata.csv": "file_name,label,note\na/1.png,Cus dus,wet\n",
    }
    table = read(tmp_path, tables, ())
    assert sorted(zip(table.file_names, table.frame["split"], names_of(table), strict=True)) == [
        ("Test/a/1.png", "Test", "Cus dus"),
        ("train/1.png", "train", "Aus bus"),
        ("train/2.png", "train", "Cus dus"),
    ]
    assert table.assumed == ("Test/metadata.csv, train/metadata.csv are read together; the folder is the subset",)


@pytest.mark.parametrize(
    ("name", "text"),
    [("metadata.csv", "site,depth\nDrina,3\n"), ("metadata.csv", "file_name,text\nAus bus/1.png,a midge\n"),
     ("train/metadata.csv", "camera\nX\n")],
)  # fmt: skip
def test_metadata_that_labels_no_images_is_said(tmp_path: Path, name: str, text: str) -> None:
    write_plain(tmp_path / "train" / "Aus bus" / "1.png")
    table = read(tmp_path, {name: text}, ())
    assert names_of(table) == ["Aus bus"]
    assert table.assumed == ("metadata.csv is not read, as it has no column with the images and none with their names",)


def test_of_two_tables_the_one_not_read_is_said(tmp_path: Path) -> None:
    text = "file_name,label\n1.png,Aus bus\n"
    table = read(tmp_path, {"metadata.csv": text, "specimens.csv": text}, ("1.png",))
    assert table.assumed == ("metadata.csv is not read beside specimens.csv",)
