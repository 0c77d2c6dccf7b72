"""Tests of the check of a whole data set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mentum.errors import DataError
from mentum.records import CheckReport, Fault, Progress, Severity
from mentum.specimens.checks import check_specimens, duplicate_faults, table_faults
from mentum.specimens.manifest import read_specimens
from mentum.taxonomy import Rank
from support import awkward_images as awkward
from support.data_sets import Row, real_data, write_data_set

Faults = Callable[[list[Row]], list[Fault]]


def rows_of(taxon: str, n: int, start: int = 0) -> list[Row]:
    """n images of n specimens."""
    slug = taxon.replace(" ", "_")
    return [Row(f"{slug}_{number}.png", taxon, f"{slug}-{number}") for number in range(start, start + n)]


TWO_TAXA = [*rows_of("Aus bus", 5), *rows_of("Cus dus", 5)]


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    """The faults of a table with these rows."""
    return lambda rows: table_faults(read_specimens(write_data_set(tmp_path, rows)))


def only(found: list[Fault], code: str) -> Fault:
    (fault,) = [fault for fault in found if fault.code == code]
    return fault


def test_a_sound_table_has_no_faults(faults: Faults) -> None:
    assert faults(TWO_TAXA) == []


def test_a_specimen_under_two_taxa(faults: Faults) -> None:
    fault = only(faults([*TWO_TAXA, Row("x.png", "Cus dus", "Aus_bus-0")]), "specimen-two-taxa")
    assert (fault.severity, fault.where) == (Severity.ERROR, "Aus_bus-0")
    assert fault.message == (
        "one specimen labelled Aus bus and Cus dus; expected one taxon; correct the labels or the catalogNumber."
    )


def test_a_specimen_under_a_genus_and_its_species_is_fine(faults: Faults) -> None:
    assert faults([*TWO_TAXA, Row("x.png", "Aus", "Aus_bus-0")]) == []


def test_two_species_of_one_specimen_are_not_reconciled_by_their_genus(faults: Faults) -> None:
    rows = [*TWO_TAXA, *rows_of("Aus eus", 5), Row("x.png", "Aus", "Aus_bus-0"), Row("y.png", "Aus eus", "Aus_bus-0")]
    assert "labelled Aus and Aus bus and Aus eus" in only(faults(rows), "specimen-two-taxa").message


@pytest.mark.parametrize(
    ("label", "n", "they"),
    [
        ("Aus sp.", 6, "6 images are labelled to genus only; they teach and count"),
        ("Aus", 1, "1 image is labelled to genus only; it teaches and counts"),
    ],
)
def test_a_label_that_a_lower_one_leaves_open_is_said(faults: Faults, label: str, n: int, they: str) -> None:
    """With their number; a single specimen stops nothing."""
    message = f"{they} at genus rank and above, never as Aus bus."
    fault = only(found := faults([*TWO_TAXA, *rows_of(label, n)]), "open-label")
    assert (fault.severity, fault.where, fault.message) == (Severity.WARNING, "Aus", message)
    assert found == [fault]


def test_a_label_above_several_taxa_says_how_many(faults: Faults) -> None:
    found = faults([*TWO_TAXA, *rows_of("Aus eus", 5), *rows_of("Aus", 3), *rows_of("Cus dus fus", 5)])
    assert [(fault.code, fault.where) for fault in found] == [("open-label", "Aus"), ("open-label", "Cus dus")]
    assert found[0].message.endswith("never as any of the 2 taxa named within it.")
    assert found[1].message.startswith("5 images are labelled to species only; they teach and count at species rank")


def test_a_genus_alone_is_no_open_label(faults: Faults) -> None:
    assert faults([*TWO_TAXA, *rows_of("Eus sp.", 5)]) == []


def test_a_genus_and_its_only_species_are_one_taxon(faults: Faults) -> None:
    fault = only(faults([*rows_of("Aus bus", 5), *rows_of("Aus", 5)]), "one-taxon")
    assert fault.message.startswith("found only Aus bus in the rows that can be used; expected two taxa or more")


def test_unnamed_specimens_are_not_compared(faults: Faults) -> None:
    rows = [Row(row.file_name, row.label, None) for row in TWO_TAXA]
    assert faults(rows) == []


def test_a_taxon_with_one_specimen(faults: Faults) -> None:
    rows = [*TWO_TAXA, Row("x.png", "Cus eus", "E"), Row("y.png", "Cus eus", "E")]
    fault = only(faults(rows), "too-few-specimens")
    assert (fault.severity, fault.where) == (Severity.ERROR, "Cus eus")
    assert fault.message == (
        "found one specimen, which cannot be both learned and checked; expected two or more; add specimens, label it "
        "at a higher rank or leave it out."
    )


@pytest.mark.parametrize(("n", "named"), [(2, True), (4, True), (5, False)])
def test_few_specimens(faults: Faults, n: int, named: bool) -> None:
    found = faults([*TWO_TAXA, *rows_of("Cus eus", n)])
    assert [fault.code for fault in found] == (["few-specimens"] if named else [])
    if named:
        assert found[0].severity is Severity.WARNING
        assert found[0].message == f"found {n} specimens; expected 5 or more; its accuracy will be very uncertain."


def test_a_genus_above_named_species_need_not_have_many_specimens(faults: Faults) -> None:
    """No error and no warning of few: that it counts above the species only is all there is to say."""
    assert [fault.code for fault in faults([*TWO_TAXA, Row("x.png", "Aus", "X")])] == ["open-label"]


def test_a_single_taxon(faults: Faults) -> None:
    fault = only(faults(rows_of("Aus bus", 5)), "one-taxon")
    assert fault.severity is Severity.ERROR
    assert "found only Aus bus in the rows that can be used; expected two taxa or more; add another" in fault.message


def test_no_taxon_at_all(faults: Faults) -> None:
    assert "found no taxon in the rows" in only(faults([Row("x.png", "thing 3", "X")]), "one-taxon").message


def test_a_rank_that_some_lineages_skip(tmp_path: Path) -> None:
    taxonomy = (
        "scientificName,taxonRank,genus,tribe,family\n"
        "Aus bus,species,Aus,Aini,Fidae\n"
        "Cus dus,species,Cus,Cini,Fidae\n" + "".join(f"Eus e{letter}us,species,Eus,,Fidae\n" for letter in "abcd")
    )
    rows = [*TWO_TAXA, *(row for letter in "abcd" for row in rows_of(f"Eus e{letter}us", 5))]
    (fault,) = table_faults(read_specimens(write_data_set(tmp_path, rows, taxonomy)))
    assert (fault.severity, fault.code, fault.where) == (Severity.WARNING, "skipped-rank", "tribe")
    assert fault.message == (
        "no tribe is named for Eus eaus, Eus ebus, Eus ecus, 1 more; the tribe is left out of every table, as not all "
        "taxa have one; name it in taxonomy.csv where there is one."
    )


def test_duplicates_under_one_taxon_are_a_warning(tmp_path: Path) -> None:
    table = read_specimens(write_data_set(tmp_path, TWO_TAXA))
    hashes = [str(row) for row in range(len(TWO_TAXA))]
    hashes[3] = hashes[2] = hashes[1]
    (fault,) = duplicate_faults(table, hashes)
    assert (fault.severity, fault.code, fault.where) == (Severity.WARNING, "duplicate-image", "Aus_bus_1.png")
    assert fault.message == (
        "the same bytes as Aus_bus_2.png, Aus_bus_3.png; the copy counts twice and may stand on both sides of a split; "
        "keep one."
    )


def test_duplicates_across_taxa_are_an_error(tmp_path: Path) -> None:
    table = read_specimens(write_data_set(tmp_path, TWO_TAXA))
    hashes = ["same", *(str(row) for row in range(8)), "same"]
    (fault,) = duplicate_faults(table, hashes)
    assert (fault.severity, fault.code) == (Severity.ERROR, "duplicate-across-taxa")
    assert "the same bytes as Cus_dus_4.png, yet labelled Aus bus and Cus dus; expected one taxon" in fault.message


def test_duplicates_under_a_genus_and_its_species_are_a_warning(tmp_path: Path) -> None:
    table = read_specimens(write_data_set(tmp_path, [*TWO_TAXA, Row("x.png", "Aus", "X")]))
    hashes = ["same", *(str(row) for row in range(9)), "same"]
    assert [fault.code for fault in duplicate_faults(table, hashes)] == ["duplicate-image"]


def test_images_that_cannot_be_read_are_no_duplicates(tmp_path: Path) -> None:
    assert duplicate_faults(read_specimens(write_data_set(tmp_path, TWO_TAXA)), [""] * 10) == []


def test_check_reports_counts_and_every_fault_at_once(tmp_path: Path) -> None:
    rows = [*TWO_TAXA, *rows_of("Aus bus", 2, start=5), Row("x.jpg", "Cus dus", "X"), Row("gone.png", "Cus dus", "Y")]
    data = write_data_set(tmp_path, rows)
    awkward.write_truncated(data / "x.jpg")
    awkward.write_grey(data / "Aus_bus_0.png")
    (data / "Cus_dus_1.png").write_bytes((data / "Cus_dus_0.png").read_bytes())
    steps: list[Progress] = []
    report = check_specimens(data, steps.append)
    assert {fault.code for fault in report.faults} == {"missing-image", "truncated-image", "duplicate-image"}
    assert (report.n_images, report.n_specimens, report.exit_code) == (13, 13, 2)
    assert report.taxa_per_rank == {Rank.SPECIES: 2, Rank.GENUS: 2}
    assert [(taxon.scientific_name, taxon.n_images, taxon.n_specimens) for taxon in report.taxa] == [
        ("Aus bus", 7, 7),
        ("Cus dus", 6, 6),
    ]
    assert (report.sizes, report.modes) == ({"120 x 80": 12}, {"RGB": 11, "L": 1})
    assert report.imbalance == pytest.approx(7 / 6)
    assert [(step.task, step.done, step.total, step.unit) for step in steps[-1:]] == [
        ("checking images", 13, 13, "images")
    ]
    assert CheckReport.model_validate_json(report.model_dump_json()) == report


def test_check_survives_the_whole_pack(tmp_path: Path) -> None:
    pack = awkward.write_pack(tmp_path / "Aus_bus")
    for number in range(6):
        awkward.write_plain(tmp_path / "Cus dus" / f"{number}.jpg", seed=number + 1)
    report = check_specimens(tmp_path)
    assert {fault.code for fault in report.faults} == {*filter(None, pack), "no-specimen"}


def test_check_of_rows_that_are_all_unusable(tmp_path: Path) -> None:
    data = write_data_set(tmp_path, [Row("a.png", "thing 3", "A")])
    report = check_specimens(data)
    assert {fault.code for fault in report.faults} == {"unknown-taxon", "one-taxon"}
    assert (report.n_images, report.taxa, report.imbalance, report.exit_code) == (0, (), 1.0, 2)


def test_check_passes_on_that_there_is_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found no image; expected a folder per taxon"):
        check_specimens(tmp_path)


def test_exit_codes(tmp_path: Path) -> None:
    assert check_specimens(write_data_set(tmp_path / "clean", TWO_TAXA)).exit_code == 0
    assert check_specimens(write_data_set(tmp_path / "few", [*TWO_TAXA, *rows_of("Cus eus", 2)])).exit_code == 1
    assert check_specimens(write_data_set(tmp_path / "one", rows_of("Aus bus", 5))).exit_code == 2


@pytest.mark.parametrize(
    ("name", "n_images", "species", "codes"),
    [
        ("chiro10", 50, 10, ["skipped-rank"]),
        ("birds16", 911, 16, []),
        ("pollen20", 700, 19, ["open-label", "small-image", "small-image", "duplicate-image"]),
    ],
)
def test_real_data(name: str, n_images: int, species: int, codes: list[str]) -> None:
    report = check_specimens(real_data(name))
    assert (report.n_images, report.taxa_per_rank[Rank.SPECIES]) == (n_images, species)
    assert [fault.code for fault in report.faults] == codes
    assert report.modes == {"RGB": n_images}
