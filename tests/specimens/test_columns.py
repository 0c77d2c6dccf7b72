"""Tests of which column means what: names, epithets, lineages, authors, headers that are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mentum.errors import DataError
from mentum.records import Fault, Severity
from mentum.specimens.manifest import SpecimenTable, read_specimens
from mentum.taxonomy import Rank
from support.awkward_images import write_plain

Read = Callable[..., SpecimenTable]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a table with this text beside images 1 to 4."""
    for number in range(1, 5):
        write_plain(tmp_path / f"{number}.png", seed=number)

    def write_and_read(*lines: str, taxonomy: str | None = None) -> SpecimenTable:
        (tmp_path / "specimens.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        if taxonomy is not None:
            (tmp_path / "taxonomy.csv").write_text(taxonomy, encoding="utf-8")
        return read_specimens(tmp_path)

    return write_and_read


def paths_of(table: SpecimenTable) -> list[str]:
    return [" > ".join(name for _, name in label.path) for label in table.labels]


def errors_of(table: SpecimenTable) -> list[Fault]:
    return [fault for fault in table.faults if fault.severity is Severity.ERROR]


# Columns of ranks


def test_the_lowest_rank_that_is_filled_is_the_label(read: Read) -> None:
    table = read(
        "file_name,class,order,family,genus,species",
        "1.png,Insecta,Diptera,Aidae,Aus,Aus bus",
        "2.png,Insecta,Diptera,Aidae,Aus,",
        "3.png,Insecta,Diptera,Aidae,,",
        "4.png,Insecta,Diptera,Bidae,Cus,Cus dus",
    )
    assert paths_of(table) == [
        "Insecta > Diptera > Aidae > Aus > Aus bus",
        "Insecta > Diptera > Aidae > Aus",
        "Insecta > Diptera > Aidae",
        "Insecta > Diptera > Bidae > Cus > Cus dus",
    ]
    assert errors_of(table) == []
    assert table.assumed == (
        "no column holds the name; the lowest of class, order, family, genus, species that is filled is the label",
    )


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("genus,species", "Aus,bus"),
        ("Genus,Species", "Aus,Aus bus"),
        ("genus,species", "Aus,A. bus"),
        ("genus,specificEpithet", "Aus,bus"),
        ("genus,species", "AUS,BUS"),
        ("genus,species", "Aus,Aus_bus"),
        ("SPECIES,GENUS", "bus,Aus"),
    ],
)
def test_species_by_epithet_or_in_full(read: Read, header: str, cells: str) -> None:
    table = read(f"file_name,{header}", f"1.png,{cells}")
    assert paths_of(table) == ["Aus > Aus bus"]
    assert table.labels[0].rank is Rank.SPECIES


@pytest.mark.parametrize("cells", ["Aus,bus,cus,", "Aus,bus,,cus", "Aus,Aus bus,Aus bus cus,"])
def test_subspecies_by_epithet_or_in_full(read: Read, cells: str) -> None:
    table = read("file_name,genus,species,subspecies,infraspecificEpithet", f"1.png,{cells}")
    assert paths_of(table) == ["Aus > Aus bus > Aus bus cus"]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (",bus", "the species 'bus' is an epithet and the genus is empty; fill it in."),
        ("Cus,Aus bus", "the species 'Aus bus' does not lie within the genus 'Cus'; correct one of them."),
        ("Cus,Aus", "the species 'Aus' does not lie within the genus 'Cus'; correct one of them."),
    ],
)
def test_ranks_that_do_not_fit_together(read: Read, cells: str, message: str) -> None:
    table = read("file_name,genus,species", f"1.png,{cells}", "2.png,Aus,bus")
    (fault,) = [fault for fault in table.faults if fault.code == "rank-columns"]
    assert (fault.severity, fault.where, fault.message) == (Severity.ERROR, "row 1", message)


def test_an_open_name_in_the_column_of_species(read: Read) -> None:
    table = read("file_name,family,genus,species", "1.png,Aidae,Aus,sp.", "2.png,Aidae,Aus,bus", "3.png,Aidae,Cus,")
    assert paths_of(table) == ["Aidae > Aus", "Aidae > Aus > Aus bus", "Aidae > Cus"]


@pytest.mark.parametrize("word", ["NA", "n/a", "-", "unknown", "None", "unidentified"])
def test_words_that_name_nothing_count_as_empty(read: Read, word: str) -> None:
    table = read("file_name,family,genus", f"1.png,Aidae,{word}", "2.png,Aidae,Aus", f"3.png,Aidae,{word}")
    assert paths_of(table) == ["Aidae", "Aidae > Aus", "Aidae"]
    assert f"these words name no taxon and count as empty: '{word}' (2)" in table.assumed[0]


def test_a_lineage_that_one_row_leaves_out_comes_from_another(read: Read) -> None:
    table = read("file_name,order,family,genus", "1.png,Diptera,Aidae,Aus", "2.png,,,Aus", "3.png,Diptera,Aidae,")
    assert paths_of(table) == ["Diptera > Aidae > Aus", "Diptera > Aidae > Aus", "Diptera > Aidae"]


@pytest.mark.parametrize("header", ["file_name,family,genus", "file_name,family,genus,species"])
def test_homonyms_under_two_parents_are_an_error(read: Read, header: str) -> None:
    more = ",bus" if "species" in header else ""
    table = read(header, f"1.png,Aidae,Aus{more}", f"2.png,Bidae,Aus{more}", f"3.png,Bidae,Cus{more}")
    fault = next(fault for fault in errors_of(table) if fault.where == "genus Aus")
    assert all("keep one lineage" not in each.message for each in table.faults)  # it is said once
    assert fault.message.startswith("stands under family Aidae in row 1 and under family Bidae in row 2; correct")


def test_homonyms_beside_a_column_of_names(read: Read) -> None:
    lines = ("1.png,Aus,Aidae", "2.png,Aus,Bidae", "3.png,Cus dus,Bidae", "4.png,Cus dus,Aidae")
    table = read("file_name,scientificName,family", *lines)
    genus, species = [fault for fault in table.faults if fault.code == "two-parents"]
    assert (genus.where, genus.severity) == ("Aus", Severity.WARNING)  # it may also be an order, above its families
    assert genus.message.startswith("stands under family Aidae in row 1 and under family Bidae in row 2")
    assert (species.where, species.severity) == ("Cus dus", Severity.ERROR)


def test_ranks_below_a_label_are_no_parents(read: Read) -> None:
    table = read("file_name,label,family,genus", "1.png,Aidae,Aidae,Aus", "2.png,Aidae,Aidae,Bus", "3.png,Cus dus,,")
    assert errors_of(table) == []
    assert table.assumed == ("family, genus: not read beside the name; taxonomy.csv gives lineages",)


def test_the_taxonomy_goes_before_columns_of_ranks(read: Read) -> None:
    taxonomy = "scientificName,taxonRank,tribe,family\nAus,genus,Aini,Aidae\nCus,genus,Aini,Aidae\n"
    table = read("file_name,family,genus", "1.png,Aidae,Aus", "2.png,Aidae,Cus", taxonomy=taxonomy)
    assert paths_of(table) == ["Aidae > Aini > Aus", "Aidae > Aini > Cus"]
    assert table.assumed[-1] == "taxonomy.csv gives the lineages, not the columns of ranks"


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("class,family", "Aus bus,Aidae"),
        ("class", "Aus bus"),
        ("species", "Aus bus"),
        ("name,class,order", "Aus bus,Insecta,Diptera"),
    ],
)
def test_columns_that_hold_the_name_stay_what_they_are(read: Read, header: str, cells: str) -> None:
    table = read(f"file_name,{header}", f"1.png,{cells}")
    assert paths_of(table) == ["Aus > Aus bus"]


# Names and authors


def test_an_author_that_another_column_repeats_is_left_out(read: Read) -> None:
    table = read(
        "file_name,scientificName,scientificNameAuthorship",
        '1.png,"Aus bus (L., 1758)","(L., 1758)"',
        "2.png,Aus dus,Mill.",
        "3.png,Cus dus,",
    )
    assert paths_of(table) == ["Aus > Aus bus", "Aus > Aus dus", "Cus > Cus dus"]
    assert table.assumed == ("1 names end with the author that scientificNameAuthorship gives; it is left out",)


# Headers


@pytest.mark.parametrize("first", ["1.png,Aus bus,S1", "pics/1.JPG,Aus bus,S1", "S1,Aus bus,1.tif"])
def test_a_table_without_a_header(read: Read, first: str) -> None:
    with pytest.raises(DataError, match=r"the first row looks like an image \('.*'\), expected the names of"):
        read(first, "2.png,Cus dus,S2")


def test_a_header_that_stands_twice(read: Read) -> None:
    table = read("file_name,label,label", "1.png,Aus bus,Aus bus")
    assert paths_of(table) == ["Aus > Aus bus"]
    with pytest.raises(
        DataError, match=r"the column 'label' stands there twice and differs in 1 rows \(row 2: 'C' and "
    ):
        read("file_name,label,Label", "1.png,Aus bus,Aus bus", "2.png,C,D")


def test_two_columns_that_may_be_meant(read: Read) -> None:
    table = read("file_name,label,taxon,specimen", "1.png,Aus bus,x,S")
    (fault,) = table.faults
    assert fault.message == "the column 'taxon' is ignored; 'label' is read as scientificName."


@pytest.mark.parametrize("word", ["NA", "nan", "NULL", "#N/A"])
def test_an_empty_cell_of_another_program_is_no_specimen(read: Read, word: str) -> None:
    table = read("file_name,label,specimen", f"1.png,Aus bus,{word}", "2.png,Aus bus,S1", f"3.png,Aus bus,{word}")
    assert table.specimens.tolist() == ["1.png", "S1", "3.png"]
    assert table.assumed == (f"a specimen called '{word}' is none (rows 1, 3)",)


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.parquet", "specimens.tsv"])
def test_tables_beside_images(tmp_path: Path, name: str) -> None:
    import polars as pl

    write_plain(tmp_path / "images" / "1.png")
    frame = pl.DataFrame({"file_name": ["images/1.png"], "label": ["Aus bus"]})
    if name.endswith("parquet"):
        frame.write_parquet(tmp_path / name)
    else:
        frame.write_csv(tmp_path / name, separator="\t" if name.endswith("tsv") else ",")
    table = read_specimens(tmp_path)
    assert (table.file_names, paths_of(table)) == (["images/1.png"], ["Aus > Aus bus"])
