"""Tests of reading specimen tables, taxonomies and folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mentum.errors import DataError
from mentum.records import Fault, Severity
from mentum.specimens.manifest import SpecimenTable, read_specimens
from mentum.taxonomy import Rank
from support.awkward_images import write_plain
from support.data_sets import Row, real_data, write_data_set

HEADER = "file_name,scientificName,catalogNumber\n"
IMAGES = ("a.png", "b.png", "c.png")
Read = Callable[..., SpecimenTable]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a table with this text, beside images a, b and c (also below `pictures`)."""

    def write_and_read(text: str | bytes, taxonomy: str | None = None, name: str = "specimens.csv") -> SpecimenTable:
        for image in IMAGES:
            write_plain(tmp_path / image)
            write_plain(tmp_path / "pictures" / image)
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        if taxonomy is not None:
            (tmp_path / "taxonomy.csv").write_text(taxonomy, encoding="utf-8")
        return read_specimens(tmp_path / name)

    return write_and_read


def only(table: SpecimenTable, code: str) -> Fault:
    (fault,) = [fault for fault in table.faults if fault.code == code]
    return fault


def names_of(table: SpecimenTable) -> list[str]:
    return [label.name for label in table.labels]


# Folders


def test_a_folder_per_taxon(tmp_path: Path) -> None:
    for file in ("Aus_bus/1.jpg", "Aus_bus/2.PNG", "Cus sp/1.jpg", "Cus sp/notes.txt", "Cus sp/._1.jpg"):
        write_plain(tmp_path / file) if not file.endswith(("txt", "._1.jpg")) else (tmp_path / file).write_text("x")
    table = read_specimens(tmp_path)
    assert table.file_names == ["Aus_bus/1.jpg", "Aus_bus/2.PNG", "Cus sp/1.jpg"]
    assert names_of(table) == ["Aus bus", "Aus bus", "Cus"]
    assert [label.rank for label in table.labels] == [Rank.SPECIES, Rank.SPECIES, Rank.GENUS]
    assert table.specimens.tolist() == table.file_names
    assert not table.specimens_named
    assert all(path.is_file() for path in table.paths)
    fault = only(table, "no-specimen")
    assert fault.severity is Severity.WARNING
    assert fault.message.startswith(
        "no column names the specimen; each such image counts as a specimen of its own. Add"
    )


def test_a_folder_per_specimen_within_the_taxon(tmp_path: Path) -> None:
    for file in ("Aus_bus/S1/1.jpg", "Aus_bus/S1/2.jpg", "Cus_dus/S1/1.jpg"):
        write_plain(tmp_path / file)
    table = read_specimens(tmp_path)
    assert table.specimens.tolist() == ["Aus_bus/S1", "Aus_bus/S1", "Cus_dus/S1"]
    assert table.specimens_named
    assert table.faults == ()


def test_some_images_without_a_specimen_folder(tmp_path: Path) -> None:
    for file in ("Aus_bus/S1/1.jpg", "Aus_bus/2.jpg"):
        write_plain(tmp_path / file)
    assert "1 of 2 rows name no specimen" in only(read_specimens(tmp_path), "no-specimen").message


def test_folders_for_train_and_validation(tmp_path: Path) -> None:
    for file in ("train/Aus_bus/1.jpg", "Val/Aus_bus/2.jpg", "testing/Aus_bus/S1/3.jpg"):
        write_plain(tmp_path / file)
    table = read_specimens(tmp_path)
    assert dict(zip(table.file_names, table.frame["split"], strict=True)) == {
        "train/Aus_bus/1.jpg": "train",
        "Val/Aus_bus/2.jpg": "validation",
        "testing/Aus_bus/S1/3.jpg": "test",
    }
    assert set(names_of(table)) == {"Aus bus"}


def test_images_beside_the_folders_are_named(tmp_path: Path) -> None:
    for file in ("Aus_bus/1.jpg", "stray.jpg"):
        write_plain(tmp_path / file)
    fault = only(read_specimens(tmp_path), "unplaced-image")
    assert (fault.severity, fault.where) == (Severity.WARNING, "stray.jpg")
    assert fault.message == "lies in no taxon's folder and is left out; move it into the folder of its taxon."


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"nowhere: not found; expected a folder of images or a CSV or Parquet table; give its path\."
    ):
        read_specimens(tmp_path / "nowhere")
    with pytest.raises(DataError, match="found no image; expected a folder per taxon with images inside, or"):
        read_specimens(tmp_path)
    write_plain(tmp_path / "a.jpg")
    with pytest.raises(DataError, match=r"found images directly in it \(1\); expected a folder per taxon"):
        read_specimens(tmp_path)


# Tables


def test_a_table_with_our_columns(read: Read) -> None:
    table = read(HEADER + "a.png,Aus bus,S1\nb.png,Aus bus,S1\nc.png,Cus dus,S2\n")
    assert table.file_names == list(IMAGES)
    assert table.specimens.tolist() == ["S1", "S1", "S2"]
    assert table.faults == ()
    assert [leaf.name for leaf in table.taxonomy.leaves] == ["Aus bus", "Cus dus"]


@pytest.mark.parametrize(
    "header",
    [
        "Filename,Species,Specimen_ID",
        "image_path,label,individual",
        "PATH,taxon,materialEntityID",
        "file,classification,occurrenceID",
        "image,class,specimen",
    ],
)
def test_other_names_of_columns(read: Read, header: str) -> None:
    table = read(header + "\na.png,Aus bus,S1\n")
    assert (table.file_names, names_of(table), table.specimens.tolist()) == (["a.png"], ["Aus bus"], ["S1"])
    assert table.faults == ()


def test_further_columns_are_kept(read: Read) -> None:
    table = read("file_name,label,specimen,subset,site,date,photographer,genus\na.png,Aus bus,S,val,Here,2020,Me,Aus\n")
    kept = table.frame.select("split", "locality", "eventDate", "recordedBy").row(0)
    assert kept == ("val", "Here", "2020", "Me")
    assert table.faults == ()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators(read: Read, separator: str) -> None:
    text = HEADER + "a.png,Aus bus,S1\n"
    assert names_of(read(text.replace(",", separator))) == ["Aus bus"]


def test_windows_tables(read: Read) -> None:
    text = "file_name;scientificName;catalogNumber;locality\r\npictures\\a.png;Aus bus;S1;Zürich, Höngg\r\n"
    for content in (text.encode("utf-8-sig"), text.encode("cp1252")):
        table = read(content)
        assert table.file_names == ["pictures/a.png"]
        assert table.frame["locality"].to_list() == ["Zürich, Höngg"]
        assert table.faults == ()


def test_quotes_blanks_and_underscores(read: Read) -> None:
    table = read(HEADER + '"a.png", Aus_bus ,"S,1"\nb.png,"  Aus   bus", \n')
    assert set(names_of(table)) == {"Aus bus"}
    assert table.specimens.tolist() == ["S,1", "b.png"]


def test_a_column_with_the_folder(read: Read) -> None:
    table = read("folder,file,species,specimen\npictures,a.png,Aus bus,S1\n,b.png,Aus bus,S2\n")
    assert table.file_names == ["pictures/a.png", "b.png"]


def test_parquet(tmp_path: Path) -> None:
    write_plain(tmp_path / "a.png")
    frame = pl.DataFrame({"file_name": ["a.png"], "scientificName": ["Aus bus"], "catalogNumber": [17]})
    frame.write_parquet(tmp_path / "specimens.parquet")
    table = read_specimens(tmp_path)
    assert (names_of(table), table.specimens.tolist(), table.faults) == (["Aus bus"], ["17"], ())


def test_a_column_of_lists_is_one_sentence(tmp_path: Path) -> None:
    frame = pl.DataFrame({"file_name": ["a.png"], "scientificName": ["Aus bus"], "tags": [["wet", "dark"]]})
    frame.write_parquet(tmp_path / "specimens.parquet")
    with pytest.raises(DataError, match=r"specimens\.parquet: column tags holds lists or bytes, expected one value"):
        read_specimens(tmp_path)


def test_a_table_under_another_name(read: Read, tmp_path: Path) -> None:
    table = read(HEADER + "a.png,Aus bus,S1\n", name="other.csv")
    assert (table.source, table.root) == (tmp_path / "other.csv", tmp_path)


def test_an_unknown_column_with_and_without_a_near_name(read: Read) -> None:
    table = read("file_name,scientificName,catalogNumbr,weather\na.png,Aus bus,S1,rain\n")
    near, far = [fault for fault in table.faults if fault.code == "unknown-column"]
    assert near.severity is Severity.WARNING
    assert near.message == "the column 'catalogNumbr' is not known; did you mean 'catalogNumber'?"
    assert far.message == "the column 'weather' is not known; it is ignored."
    assert near.where.endswith("specimens.csv")


def test_a_missing_column(read: Read) -> None:
    with pytest.raises(
        DataError, match=r"found the columns file_name, thing; expected also scientificName \(or one of"
    ):
        read("file_name,thing\na.png,Aus bus\n")
    with pytest.raises(DataError, match="expected also file_name and scientificName"):
        read("x,y\n1,2\n")


def test_a_table_without_rows(read: Read) -> None:
    with pytest.raises(DataError, match="found no rows; expected one row per image"):
        read(HEADER)


def test_what_is_no_table(read: Read, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"not readable as a table \(found nothing in it\); give one row per image\."):
        read("")
    with pytest.raises(DataError, match="not readable as a table"):
        read(HEADER + "a.png,Aus bus,S1,too,many\n")
    with pytest.raises(DataError, match="not readable as a table"):
        read(b"no parquet", name="specimens.parquet")
    with pytest.raises(DataError, match="not readable as a table"):
        read(b"\x81\x8d\x8f", name="bytes.csv")


ROW_FAULTS = [
    (",Aus bus,S1", "no-file-name", "row 1", "the file name is empty; name the image or remove the row."),
    ("gone.png,Aus bus,S1", "missing-image", "gone.png", "put the image there or remove the row."),
    ("a.png,,S1", "no-label", "a.png", "scientificName is empty; name the taxon, at whatever rank is certain."),
    ("a.png,unknown thing 3,S1", "unknown-taxon", "a.png",
     "list the label in the setting specimens.not_taxa, which makes it a class that is never published as a taxon."),
]  # fmt: skip


@pytest.mark.parametrize(("row", "code", "where", "message"), ROW_FAULTS, ids=[case[1] for case in ROW_FAULTS])
def test_faults_of_single_rows(read: Read, row: str, code: str, where: str, message: str) -> None:
    table = read(HEADER + row + "\nb.png,Aus bus,S2\n")
    fault = only(table, code)
    assert (fault.severity, fault.where) == (Severity.ERROR, where)
    assert fault.message.endswith(message)
    assert table.file_names == ["b.png"]


def test_an_image_listed_twice(read: Read) -> None:
    table = read(HEADER + "a.png,Aus bus,S1\nb.png,Aus bus,S1\na.png,Cus dus,S2\n")
    assert only(table, "listed-twice").message == (
        "listed in rows 1 and 3, which differ in scientificName ('Aus bus' and 'Cus dus'), specimen ('S1' and 'S2'); "
        "keep one of them."
    )
    assert table.file_names == ["a.png", "b.png"]


def test_all_faults_come_at_once(read: Read) -> None:
    rows = [
        "gone.png,Aus bus,S1",
        "a.png,,S1",
        ",Aus bus,S1",
        "b.png,thing 3,S1",
        "b.png,Aus bus,",
        "c.png,Aus cf. bus,S1",
    ]
    table = read("file_name,scientificName,catalogNumber,weather\n" + ",\n".join(rows) + ",\n")
    assert [fault.code for fault in table.faults] == [
        "unknown-column",
        "no-specimen",
        "missing-image",
        "no-file-name",
        "listed-twice",
        "no-label",
        "unknown-taxon",
        "open-name",
    ]
    assert table.file_names == ["c.png"]


def test_a_label_that_is_none_is_said_once_with_all_of_its_images(read: Read) -> None:
    faults = read(HEADER + "a.png,thing 3,S1\nb.png,thing 3,S2\nc.png,thing 4,S3\n").faults
    assert [(fault.code, fault.where) for fault in faults] == [("unknown-taxon", "a.png"), ("unknown-taxon", "c.png")]
    assert faults[0].message.endswith("The same in 1 more image.")
    assert "The same" not in faults[1].message


def test_rows_without_a_label_are_one_fault(read: Read) -> None:
    fault = only(read(HEADER + "a.png,,S1\nb.png,,S2\nc.png, ,S3\n"), "no-label")
    assert (fault.where, fault.message.endswith("The same in 2 more images.")) == ("a.png", True)


def test_a_table_of_which_no_row_can_be_used(read: Read) -> None:
    table = read(HEADER + "gone.png,Aus bus,S1\n")
    assert (len(table.paths), table.labels, len(table.specimens), table.taxonomy.leaves) == (0, (), 0, ())


# Names and taxonomies

TAXONOMY = (
    "scientificName,taxonRank,genus,tribe,family\n"
    "Aus bus,species,Aus,Aini,Fidae\n"
    "Cus,genus,,,Fidae\n"
)  # fmt: skip


def test_the_taxonomy_brings_the_lineage(read: Read) -> None:
    table = read(HEADER + "a.png,Aus bus,S1\nb.png,Cus,S2\n", TAXONOMY)
    species, genus = table.labels
    assert species.lineage == {Rank.FAMILY: "Fidae", Rank.TRIBE: "Aini", Rank.GENUS: "Aus", Rank.SPECIES: "Aus bus"}
    assert genus.lineage == {Rank.FAMILY: "Fidae", Rank.GENUS: "Cus"}
    assert table.taxonomy.skipped_ranks == (Rank.TRIBE,)
    assert table.faults == ()


def test_labels_at_mixed_ranks(read: Read) -> None:
    table = read(HEADER + "a.png,Aus,S1\nb.png,Aini,S2\nc.png,Aus bus,S3\n", TAXONOMY)
    assert [(label.rank, label.name) for label in table.labels] == [
        (Rank.GENUS, "Aus"),
        (Rank.TRIBE, "Aini"),
        (Rank.SPECIES, "Aus bus"),
    ]
    assert [leaf.name for leaf in table.taxonomy.leaves] == ["Aini", "Aus", "Aus bus"]
    assert [leaf.name for leaf in table.learned(np.array([True, False, True])).leaves] == ["Aus", "Aus bus"]


def test_a_specimen_is_what_its_lowest_label_says(read: Read) -> None:
    """Where every specimen labelled Aus is named further by another image, nothing stays open."""
    rows = "a.png,Aus,S1\nb.png,Aus bus,S1\nc.png,Aus bus,S2\n"
    table = read(HEADER + rows, TAXONOMY)
    assert [label.name for label in table.labels] == ["Aus", "Aus bus", "Aus bus"]
    assert {label.name for label in table.lowest} == {"Aus bus"}
    assert [leaf.name for leaf in table.taxonomy.leaves] == ["Aus bus"]


def test_a_species_of_a_listed_genus_takes_its_lineage(read: Read) -> None:
    (label,) = read(HEADER + "a.png,Aus novus,S1\n", TAXONOMY).labels
    assert [name for _, name in label.path] == ["Fidae", "Aini", "Aus", "Aus novus"]


def test_a_name_that_the_taxonomy_lacks(read: Read) -> None:
    fault = only(read(HEADER + "a.png,Zus zus,S1\n", TAXONOMY), "unknown-taxon")
    assert fault.message == (
        "the taxon 'Zus zus' and its genus are not in taxonomy.csv; add a row with its rank and lineage."
    )


@pytest.mark.parametrize(
    ("label", "rank", "name"),
    [
        ("Aus_bus", Rank.SPECIES, "Aus bus"),
        ("Aus bus dus", Rank.SUBSPECIES, "Aus bus dus"),
        ("Aus sp.", Rank.GENUS, "Aus"),
        ("Aus sp. 2", Rank.SPECIES, "Aus sp. 2"),
        ("Aus", Rank.GENUS, "Aus"),
        ("Aini", Rank.TRIBE, "Aini"),
        ("Ainae", Rank.SUBFAMILY, "Ainae"),
        ("Aidae", Rank.FAMILY, "Aidae"),
    ],
)
def test_the_name_alone_tells_the_rank(read: Read, label: str, rank: Rank, name: str) -> None:
    (found,) = read(HEADER + f"a.png,{label},S1\n").labels
    assert (found.rank, found.name) == (rank, name)


@pytest.mark.parametrize("label", ["Aus cf. bus", "Aus aff. bus", "Aus nr. bus", "Aus near bus", "Aus ? bus"])
def test_open_names_stand_for_the_genus(read: Read, label: str) -> None:
    table = read(HEADER + f"a.png,{label},S1\n")
    assert names_of(table) == ["Aus"]
    fault = only(table, "open-name")
    assert (fault.severity, fault.where) == (Severity.WARNING, label)
    assert fault.message == "an open name; its images are labelled to genus Aus only."


def test_a_genus_under_two_parents(read: Read) -> None:
    taxonomy = TAXONOMY + "Aus dus,species,Aus,Gini,Fidae\n"
    fault = only(read(HEADER + "a.png,Aus bus,S1\n", taxonomy), "two-parents")
    assert (fault.severity, fault.where) == (Severity.ERROR, "genus Aus")
    assert fault.message == "stands under Fidae > Aini and under Fidae > Gini; keep one lineage."


def test_a_taxonomy_without_ranks(read: Read) -> None:
    fault = only(read(HEADER + "a.png,Aus bus,S1\n", "scientificName,family\nAus bus,Fidae\n"), "taxonomy-column")
    assert fault.severity is Severity.ERROR
    assert fault.message == "found the columns scientificName, family; expected also taxonRank; add them."


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("Eus eus,specis,Eus,,", "found the rank 'specis'; expected one of kingdom, phylum, class"),
        ("Eus eus,,Eus,,", "found the rank ''; expected one of kingdom"),
        (",species,Eus,,", "scientificName is empty; name the taxon or remove the row."),
    ],
)
def test_a_faulty_row_of_the_taxonomy(read: Read, row: str, message: str) -> None:
    fault = only(read(HEADER + "a.png,Aus bus,S1\n", TAXONOMY + row + "\n"), "taxonomy-row")
    assert fault.severity is Severity.ERROR
    assert fault.where.endswith("taxonomy.csv row 3")
    assert message in fault.message


def test_capitals_in_the_taxonomys_columns_do_not_matter(read: Read) -> None:
    (label,) = read(HEADER + "a.png,Aus bus,S1\n", TAXONOMY.replace("genus,tribe,family", "Genus,TRIBE,Family")).labels
    assert list(label.lineage) == [Rank.FAMILY, Rank.TRIBE, Rank.GENUS, Rank.SPECIES]


def test_an_epithet_of_two_genera_is_ambiguous_where_a_label_bears_it(read: Read) -> None:
    taxonomy = "scientificName,taxonRank,genus\nvulgaris,species,Aus\nvulgaris,species,Bus\nCus dus,species,Cus\n"
    fault = only(read(HEADER + "a.png,vulgaris,S1\n", taxonomy), "ambiguous-name")
    assert (fault.severity, fault.where) == (Severity.ERROR, "vulgaris")
    assert fault.message == (
        "may mean Aus > vulgaris and Bus > vulgaris; write genus and epithet in full, in the labels and in "
        "taxonomy.csv."
    )
    assert read(HEADER + "a.png,Cus dus,S1\n", taxonomy).faults == ()


def test_a_subgenus_named_like_its_genus_is_no_conflict(read: Read) -> None:
    taxonomy = "scientificName,taxonRank,genus,subgenus\nAus bus,species,Aus,Aus\n"
    table = read(HEADER + "a.png,Aus,S1\nb.png,Aus bus,S2\n", taxonomy)
    assert [label.rank for label in table.labels] == [Rank.GENUS, Rank.SPECIES]
    assert table.faults == ()


# Real data


@pytest.mark.parametrize(
    ("name", "n_images", "n_labels", "n_leaves"),
    [("chiro10", 50, 10, 10), ("birds16", 911, 16, 16), ("pollen20", 700, 20, 20)],
)
def test_real_data(name: str, n_images: int, n_labels: int, n_leaves: int) -> None:
    table = read_specimens(real_data(name))
    assert (len(table.paths), len(set(table.labels)), len(table.taxonomy.leaves)) == (n_images, n_labels, n_leaves)
    assert table.specimens_named
    assert table.faults == ()


def test_write_data_set_is_read_back(tmp_path: Path) -> None:
    table = read_specimens(write_data_set(tmp_path, [Row("a.png", "Aus bus", "S1")]))
    assert (table.file_names, table.faults) == (["a.png"], ())
