"""Tests of folders as a specimen table."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mentum.errors import DataError
from mentum.records import Severity
from mentum.specimens.checks import check_specimens
from mentum.specimens.folders import images_in_no_row
from mentum.specimens.manifest import SpecimenTable, read_specimens
from mentum.taxonomy import Rank
from support.awkward_images import write_plain, write_text
from support.data_sets import Row, write_data_set


def write(root: Path, *folders: str, images: int = 2) -> Path:
    """Folders with images, no two alike."""
    for seed, folder in enumerate(folders):
        for number in range(images):
            write_plain(root / folder / f"{number}.jpg", seed=seed * images + number)
    return root


def names_of(table: SpecimenTable) -> list[str]:
    return sorted({label.name for label in table.labels})


def codes_of(table: SpecimenTable) -> set[str]:
    return {fault.code for fault in table.faults} - {"no-specimen"}


SPECIES = ["Quercus robur", "Salix alba"]


@pytest.mark.parametrize(
    "folders",
    [
        ("Salix/alba", "Quercus/robur"),
        ("Salix/Salix alba", "Quercus/Quercus robur"),
        ("Salix/S. alba", "Quercus/Q. robur"),
        ("train/Salix/alba", "val/Quercus/robur"),
        ("Salicaceae/Salix alba", "Fagaceae/Quercus robur"),
        ("Salicaceae/Salix/alba", "Fagaceae/Quercus/robur"),
        ("Drina/Salix alba", "Neretva/Salix alba", "Drina/Quercus robur", "Neretva/Quercus robur"),
        ("images/Salix alba", "images/Quercus robur"),
    ],
)
def test_species_are_found_at_whatever_level_they_stand(tmp_path: Path, folders: tuple[str, ...]) -> None:
    table = read_specimens(write(tmp_path, *folders))
    assert names_of(table) == SPECIES
    assert {label.rank for label in table.labels} == {Rank.SPECIES}
    assert not table.specimens_named
    assert codes_of(table) == set()


def test_families_come_into_the_lineage(tmp_path: Path) -> None:
    table = read_specimens(
        write(tmp_path, "Salicaceae/Salix/alba", "Salicaceae/Populus/nigra", "Fagaceae/Quercus/robur")
    )
    assert table.labels[0].lineage == {
        Rank.FAMILY: "Fagaceae", Rank.GENUS: "Quercus", Rank.SPECIES: "Quercus robur",
    }  # fmt: skip
    assert table.layout == "family/genus/species, such as family 'Fagaceae', genus 'Quercus', species 'robur'"


def test_localities_and_specimens_are_kept(tmp_path: Path) -> None:
    table = read_specimens(write(tmp_path, "Salix alba/Drina/S1", "Salix alba/Neretva/S2", "Quercus robur/Drina/S3"))
    assert table.frame.select("specimen", "locality").unique(maintain_order=True).rows() == [
        ("Quercus robur/Drina/S3", "Drina"), ("Salix alba/Drina/S1", "Drina"), ("Salix alba/Neretva/S2", "Neretva"),
    ]  # fmt: skip


def test_two_readings_are_an_error_and_the_option_chooses(tmp_path: Path) -> None:
    write(tmp_path, "Drina/Salix alba", "Neretva/Quercus robur")
    with pytest.raises(
        DataError, match=r"read as locality/taxon, such as .*--layout locality/taxon or --layout order/taxon"
    ):
        read_specimens(tmp_path)
    assert names_of(read_specimens(tmp_path, "locality/taxon")) == SPECIES
    as_orders = read_specimens(tmp_path, "order/taxon")
    assert {label.lineage[Rank.ORDER] for label in as_orders.labels} == {"Drina", "Neretva"}


@pytest.mark.parametrize(
    ("layout", "names", "specimens"),
    [("taxon/specimen", ["Salix"], 2), ("taxon", ["Salix"], 4), ("genus/species", ["Salix alba", "Salix caprea"], 4)],
)
def test_the_layout_by_hand(tmp_path: Path, layout: str, names: list[str], specimens: int) -> None:
    table = read_specimens(write(tmp_path, "Salix/alba", "Salix/caprea"), layout)
    assert (names_of(table), len(set(table.specimens))) == (names, specimens)


def test_capital_epithets_by_hand(tmp_path: Path) -> None:
    assert names_of(read_specimens(write(tmp_path, "Salix/Alba", "Quercus/ROBUR"), "genus/species")) == SPECIES


def test_a_species_within_another_genus_is_an_error(tmp_path: Path) -> None:
    table = read_specimens(write(tmp_path, "Salix/Salix alba", "Salix/Salix caprea", "Salix/Populus nigra"))
    (fault,) = [fault for fault in table.faults if fault.code == "other-genus"]
    assert (fault.severity, fault.where) == (Severity.ERROR, "Salix/Populus nigra")


def test_a_genus_in_two_families_is_an_error(tmp_path: Path) -> None:
    table = read_specimens(write(tmp_path, "Salicaceae/Salix/alba", "Fagaceae/Salix/caprea"))
    assert codes_of(table) == {"two-parents"}


def test_a_family_that_taxonomy_csv_denies_is_an_error(tmp_path: Path) -> None:
    lines = ["scientificName,taxonRank,genus,family", "Salix alba,species,Salix,Salicaceae"]
    lines += ["Quercus robur,species,Quercus,Fagaceae", "Betulaceae,family,,"]
    (tmp_path / "taxonomy.csv").write_text("\n".join(lines))
    table = read_specimens(write(tmp_path, "Salicaceae/Salix alba", "Betulaceae/Quercus robur"))
    (message,) = {fault.message for fault in table.faults if fault.code == "two-parents"}
    assert message == "lies in the family Betulaceae by its folder, in Fagaceae otherwise; correct one."
    assert "no image" not in table.left_out  # taxonomy.csv is used


def test_a_layout_is_for_folders(tmp_path: Path) -> None:
    write_data_set(tmp_path, [Row("a.png", "Salix alba", "S1")])
    for source in (tmp_path, tmp_path / "specimens.csv"):
        with pytest.raises(DataError, match=r"specimens.csv: is a table, whose rows name their taxa; a layout"):
            read_specimens(source, "genus/species")


def test_images_above_the_taxon_are_named_and_counted(tmp_path: Path) -> None:
    write_plain(write(tmp_path, "Site 1/Salix alba", "Site 2/Quercus robur") / "Site 1" / "stray.jpg")
    table = read_specimens(tmp_path)
    assert table.left_out == {"in no taxon's folder": 1}
    assert [fault.where for fault in table.faults if fault.code == "unplaced-image"] == ["Site 1/stray.jpg"]


# What is left out


def test_what_may_be_lost_is_a_warning_and_the_rest_is_counted(tmp_path: Path) -> None:
    write(tmp_path, *SPECIES)
    write_text(tmp_path / "Salix alba" / "notes.txt")
    write_text(tmp_path / "Salix alba" / ".hidden")
    assert codes_of(read_specimens(tmp_path)) == set()
    (tmp_path / "Salix alba" / "raw.cr2").write_bytes(b"II*\0")
    (tmp_path / "Salix alba" / "gone.jpg").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "Salix alba" / "pipe.jpg")
    table = read_specimens(tmp_path)
    assert table.left_out == {
        "no image": 1, "hidden or system file": 1, "image or video in a format that is not read": 1, "broken link": 1,
        "pipe, socket or device": 1,
    }  # fmt: skip
    messages = [fault.message for fault in table.faults if fault.code == "left-out"]
    assert len(messages) == 3
    assert "broken link: 1 left out (Salix alba/gone.jpg); put the files there that they lead to." in messages


def test_one_image_under_two_taxa_by_a_link_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, *SPECIES)
    (tmp_path / "Salix alba" / "9.jpg").symlink_to(tmp_path / "Quercus robur" / "0.jpg")
    (fault,) = [fault for fault in read_specimens(tmp_path).faults if fault.severity is Severity.ERROR]
    assert (fault.code, fault.where) == ("duplicate-across-taxa", "Quercus robur/0.jpg")


def test_one_folder_under_two_taxa_by_a_link_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, "Salix/alba", "Salix/caprea")
    (tmp_path / "Salix" / "nigra").symlink_to(tmp_path / "Salix" / "alba")
    assert "duplicate-across-taxa" in codes_of(read_specimens(tmp_path))


def test_one_folder_twice_under_a_taxon_counts_once(tmp_path: Path) -> None:
    write(tmp_path, "Salix alba/S1", "Salix alba/S2", "Quercus robur/S3")
    (tmp_path / "Salix alba" / "S9").symlink_to(tmp_path / "Salix alba" / "S1")
    table = read_specimens(tmp_path)
    assert (codes_of(table), table.left_out) == ({"left-out"}, {"reached before by another way": 1})


def test_check_says_the_layout_and_what_is_left_out(tmp_path: Path) -> None:
    write_text(write(tmp_path, "Salix/alba", "Quercus/robur") / "read me.txt")
    report = check_specimens(tmp_path)
    assert report.layout == "genus/species, such as genus 'Quercus', species 'robur'"
    assert report.left_out == {"no image": 1}
    assert check_specimens(tmp_path, layout="taxon/specimen").layout.startswith("taxon/specimen, ")


def test_images_that_no_row_names_are_counted(tmp_path: Path) -> None:
    write_data_set(tmp_path, [Row(f"{name}.png", "Salix alba", name) for name in "ab"])
    write_plain(tmp_path / "more" / "c.png")
    report = check_specimens(tmp_path)
    assert report.layout == "table specimens.csv, a row per image"
    assert report.left_out == {"named in no row of the table": 1}
    assert images_in_no_row(tmp_path, ["./a.png", "b.png", "more//c.png"], ["specimens.csv"]) == {}


# Names


def test_a_name_that_is_not_in_utf8_is_named_and_left_out(tmp_path: Path) -> None:
    write(tmp_path, *SPECIES)
    first = tmp_path / "Salix alba" / "0.jpg"
    first.rename(os.fsdecode(os.fsencode(tmp_path / "Salix alba") + b"/H\xf6ngg.jpg"))
    table = read_specimens(tmp_path)
    assert table.left_out == {"name that is not in UTF-8": 1}
    assert r"(Salix alba/H\xf6ngg.jpg); rename them." in table.faults[0].message


def test_a_whole_folder_not_in_utf8_is_counted_by_file(tmp_path: Path) -> None:
    write(tmp_path, "Salix alba", "Quercus robur", "Betula nana")
    (tmp_path / "Betula nana").rename(os.fsdecode(os.fsencode(tmp_path) + b"/Betula n\xe4na"))
    assert read_specimens(tmp_path).left_out == {"name that is not in UTF-8": 2}


def test_a_data_set_whose_own_path_is_not_in_utf8(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/H\xf6ngg"))
    write(folder, *SPECIES)
    with pytest.raises(DataError, match=r"H\\xf6ngg: the name is not in UTF-8, which no table can hold; rename it\."):
        read_specimens(folder)


@pytest.mark.parametrize(
    "odd", ["Sal\x1bix alba", "Salix\talba", "Salix alba\u200b", "\ufeffSalix alba", "Salix\n alba\u202e"]
)
def test_invisible_characters_in_folders_are_said_and_harmless(tmp_path: Path, odd: str) -> None:
    table = read_specimens(write(tmp_path, odd, "Quercus robur"))
    assert names_of(table) == SPECIES
    faults = {fault.where: fault.message for fault in table.faults if fault.code == "invisible-character"}
    assert {"file_name"} <= set(faults) <= {"file_name", "scientificName"}  # a tab is a blank in a label
    assert all(message.isprintable() for message in faults.values())


@pytest.mark.parametrize("odd", ["Sal\x1bix alba", "Salix\x07 alba", "Salix alba\u202e", "Salix\u00ad alba"])
def test_invisible_characters_in_tables_are_said_and_harmless(tmp_path: Path, odd: str) -> None:
    write_data_set(tmp_path, [Row("a.png", odd, "S\x1b1"), Row("b.png", "Quercus robur", "S2")])
    table = read_specimens(tmp_path)
    assert (names_of(table), table.specimens.tolist()) == (SPECIES, ["S1", "S2"])
    assert {fault.where for fault in table.faults if fault.code == "invisible-character"} == {
        "scientificName",
        "specimen",
    }


# Pipes


def test_a_pipe_in_a_table_or_as_the_data_is_named(tmp_path: Path) -> None:
    write_data_set(tmp_path, [Row("gone.png", "Salix alba", "S1"), Row("b.png", "Quercus robur", "S2")])
    os.mkfifo(tmp_path / "gone.png")
    (fault,) = [fault for fault in read_specimens(tmp_path).faults if fault.code == "missing-image"]
    assert fault.message.startswith("is a folder, a pipe or a device, no regular file;")
    with pytest.raises(DataError, match=r"gone.png: it is a named pipe, no regular file; expected a folder of images"):
        read_specimens(tmp_path / "gone.png")


def test_tables_of_subsets_are_not_left_out(tmp_path: Path) -> None:
    for subset, numbers in (("train", "12"), ("test", "34")):
        for number in numbers:
            write_plain(tmp_path / subset / f"{number}.png")
        lines = [f"{number}.png,Salix alba" for number in numbers]
        (tmp_path / subset / "metadata.csv").write_text("\n".join(["file_name,label", *lines]), encoding="utf-8")
    write_plain(tmp_path / "train" / "5.png")
    report = check_specimens(tmp_path)
    assert report.layout == "tables test/metadata.csv, train/metadata.csv, a row per image"
    assert report.left_out == {"named in no row of the table": 1}


def test_classes_that_are_no_taxa_stand_beside_families(tmp_path: Path) -> None:
    write(tmp_path, "Salicaceae/Salix alba", "Fagaceae/Quercus robur", "Salicaceae/debris")
    table = read_specimens(tmp_path, "family/taxon", ["debris"])
    assert {label.name for label in table.labels if not label.is_a_taxon} == {"debris"}
    assert all(len(label.path) == 1 for label in table.labels if not label.is_a_taxon)
