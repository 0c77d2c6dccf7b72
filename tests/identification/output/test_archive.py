"""Tests of the archive: read by another program, held against GBIF's rules, whole or not there."""

from __future__ import annotations

import errno
import uuid
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from dwca.read import DwCAReader

from mentum.errors import DataError
from mentum.identification.output.archive import write_archive
from mentum.identification.output.darwin_core import OCCURRENCE_TERMS, TERMS, Agent
from mentum.identification.output.dataset import BASES_OF_RECORD, LICENCES, Dataset, occurrence_id
from mentum.records import Identification, RankIdentification, Status
from mentum.taxonomy import Rank

AGENT = Agent("chiro10 1.0.0", "hash://sha256/ab", "Mentum 0.1.0 | https://doi.org/10.5281/zenodo.1")
CC_BY = "https://creativecommons.org/licenses/by/4.0/legalcode"
ABOUT = Dataset("Larvae of Lake A & B", "Museum of Midges", "Head capsules from two cores.", CC_BY)
DWC = "http://rs.tdwg.org/dwc/terms/"
PURL = "http://purl.org/dc/terms/"
TEXT = "{http://rs.tdwg.org/dwc/text/}"


def identified(number: int, **changes: object) -> Identification:
    """Image `number`, named down to genus."""
    given: dict[str, object] = {
        "identification_id": f"urn:uuid:{uuid.UUID(int=number)}",
        "file_names": (f"{number}.JPG",),
        "status": Status.IDENTIFIED,
        "scientific_name": "Cricotopus",
        "taxon_rank": Rank.GENUS,
        "lineage": {Rank.FAMILY: "Chironomidae", Rank.TRIBE: "Orthocladiini", Rank.GENUS: "Cricotopus"},
        "ranks": (RankIdentification(rank=Rank.GENUS, scientific_name="Cricotopus", probability=0.934),),
        "date_identified": datetime(2026, 5, 3, 14, 7, number, tzinfo=UTC),
    }
    return Identification.model_validate(given | changes)


def unnamed(number: int, status: Status = Status.UNKNOWN, **changes: object) -> Identification:
    nothing = {"scientific_name": None, "taxon_rank": None, "lineage": {}, "ranks": ()}
    return identified(number, status=status, **nothing, **changes)


def write(folder: Path, *identifications: Identification) -> Path:
    out = folder / "archive.zip"
    write_archive(iter(identifications), AGENT, ABOUT, out)
    return out


def cells(archive: Path, table: str) -> list[list[str]]:
    """All lines of a table, its header first, by the rules that meta.xml declares."""
    with zipfile.ZipFile(archive) as whole:
        text = whole.read(table).decode("utf-8")
    assert text.endswith("\n")
    return [line.split("\t") for line in text[:-1].split("\n")]


def rows(archive: Path, table: str) -> list[dict[str, str]]:
    header, *lines = cells(archive, table)
    return [dict(zip(header, line, strict=True)) for line in lines]


def mixed() -> tuple[Identification, ...]:
    """Everything that may happen: several images of a specimen, no name, no specimen, signs that part cells."""
    return (
        unnamed(1, specimen="K 1"),
        identified(2, specimen="K 1", occurrence={"catalogNumber": "K 1"}),
        identified(3, specimen="K 1", scientific_name="Chironomidae", taxon_rank=Rank.FAMILY),
        identified(4, occurrence={"occurrenceID": "urn:catalog:M:4", "locality": 'a\tb\r\n"c"', "license": "CC0"}),
        unnamed(5, Status.FAILED, failure="5.JPG: empty", occurrence={"basisOfRecord": "fossil specimen"}),
        unnamed(6, Status.UNDETERMINED, specimen="Køb 6"),
        unnamed(7, Status.UNDETERMINED, specimen="Køb 6"),
        identified(8, file_names=("8a.png", "https://museum.org/8b.tif")),
    )


# What another program reads


def test_another_reader_finds_every_occurrence_with_its_extensions(tmp_path: Path) -> None:
    with DwCAReader(str(write(tmp_path, *mixed()))) as archive:
        assert archive.descriptor.core.type == f"{DWC}Occurrence"
        found = {row.data[f"{DWC}occurrenceID"]: row for row in archive}
        assert len(found) == len(archive.rows) == 5
        assert archive.metadata.find("dataset/title").text == "Larvae of Lake A & B"
        k_1 = found[occurrence_id(mixed()[0], ABOUT)]
        assert k_1.data[f"{DWC}scientificName"] == "Cricotopus"
        assert k_1.data[f"{DWC}tribe"] == "Orthocladiini"
        names = [row.data[f"{DWC}scientificName"] for row in k_1.extensions if row.rowtype == f"{DWC}Identification"]
        assert names == ["Cricotopus", "Chironomidae"]
        images = [row.data[f"{PURL}identifier"] for row in k_1.extensions if row.rowtype.endswith("/Multimedia")]
        assert images == ["1.JPG", "2.JPG", "3.JPG"]
        assert found["urn:catalog:M:4"].data[f"{DWC}locality"] == 'a b "c"'
        assert found["urn:catalog:M:4"].data[f"{PURL}license"] == "CC0"


# GBIF's rules, checked by hand


def test_declared_columns_are_those_in_the_files(tmp_path: Path) -> None:
    archive = write(tmp_path, *mixed())
    with zipfile.ZipFile(archive) as whole:
        assert whole.namelist() == ["meta.xml", "eml.xml", "occurrence.txt", "identification.txt", "multimedia.txt"]
        root = Xml.fromstring(whole.read("meta.xml"))
    assert (root.tag, root.get("metadata")) == (f"{TEXT}archive", "eml.xml")
    assert [part.tag for part in root] == [f"{TEXT}core", f"{TEXT}extension", f"{TEXT}extension"]
    for part in root:
        table = part.findtext(f"{TEXT}files/{TEXT}location") or ""
        key = part.find(f"{TEXT}id" if part.tag.endswith("core") else f"{TEXT}coreid")
        fields = part.findall(f"{TEXT}field")
        header, *lines = cells(archive, table)
        assert key is not None
        assert [key.get("index"), *(field.get("index") for field in fields)] == [str(at) for at in range(len(header))]
        assert [str(field.get("term")).rpartition("/")[2] for field in fields] == header[1:]
        assert {len(line) for line in lines} == {len(header)}
        layout = [part.get(name) for name in ("fieldsTerminatedBy", "linesTerminatedBy", "fieldsEnclosedBy")]
        assert [*layout, part.get("ignoreHeaderLines"), part.get("encoding")] == [r"\t", r"\n", "", "1", "UTF-8"]


def test_terms_and_row_types_have_their_addresses(tmp_path: Path) -> None:
    with zipfile.ZipFile(write(tmp_path, *mixed())) as whole:
        core, names, media = Xml.fromstring(whole.read("meta.xml"))
    assert [part.get("rowType") for part in (core, names, media)] == [
        f"{DWC}Occurrence",
        f"{DWC}Identification",
        "http://rs.gbif.org/terms/1.0/Multimedia",
    ]
    terms = [[field.get("term") for field in part.findall(f"{TEXT}field")] for part in (core, names, media)]
    dublin = {"license", "rightsHolder"}
    expected = [f"{PURL if term in dublin else DWC}{term}" for term in (*OCCURRENCE_TERMS, *TERMS)]
    assert terms[0] == expected
    assert terms[1] == [f"{DWC}{term}" for term in TERMS]
    media_terms = ("type", "format", "identifier", "description", "license", "rightsHolder")
    assert terms[2] == [f"{PURL}{term}" for term in media_terms]


def test_keys_are_unique_and_every_extension_row_has_its_core_row(tmp_path: Path) -> None:
    archive = write(tmp_path, *mixed())
    core = rows(archive, "occurrence.txt")
    keys = Counter(row["id"] for row in core)
    assert set(keys.values()) == {1}
    assert all(row["id"] == row["occurrenceID"] for row in core)
    for table in ("identification.txt", "multimedia.txt"):
        assert {row["coreid"] for row in rows(archive, table)} <= set(keys)


def test_required_cells_of_the_core_are_filled_from_the_vocabulary(tmp_path: Path) -> None:
    core = rows(write(tmp_path, *mixed()), "occurrence.txt")
    assert all(row["scientificName"] for row in core)
    assert [row["basisOfRecord"] for row in core].count("FossilSpecimen") == 1
    assert {row["basisOfRecord"] for row in core} <= set(BASES_OF_RECORD)


def test_eml_says_who_what_how_and_under_which_licence(tmp_path: Path) -> None:
    with zipfile.ZipFile(write(tmp_path, *mixed())) as whole:
        root = Xml.fromstring(whole.read("eml.xml"))
    assert root.tag == "{eml://ecoinformatics.org/eml-2.1.1}eml"
    assert root.get("packageId") == f"{ABOUT.identifier}/v1.0"
    dataset = root.find("dataset")
    assert dataset is not None
    assert [each.tag for each in dataset] == [
        "alternateIdentifier", "title", "creator", "metadataProvider", "pubDate", "language", "abstract",
        "intellectualRights", "contact", "methods",
    ]  # fmt: skip
    assert dataset.findtext("contact/organizationName") == "Museum of Midges"
    assert dataset.findtext("abstract/para") == "Head capsules from two cores."
    assert dataset.findtext("pubDate") == "2026-05-03"
    rights = dataset.find("intellectualRights/para")
    assert rights is not None
    sentence = "This work is licensed under a Creative Commons Attribution (CC-BY) 4.0 License."
    assert "".join(rights.itertext()) == sentence
    link = rights.find("ulink")
    assert link is not None
    assert link.get("url") == "https://creativecommons.org/licenses/by/4.0/legalcode"
    method = dataset.findtext("methods/methodStep/description/para") or ""
    assert "identified by the model chiro10 1.0.0 (hash://sha256/ab) (Mentum 0.1.0 |" in method
    assert root.findtext("additionalMetadata/metadata/gbif/dateStamp") == "2026-05-03T14:07:08+00:00"


# One occurrence per specimen


def test_the_first_name_stands_in_the_core_wherever_it_comes(tmp_path: Path) -> None:
    archive = write(tmp_path, *mixed())
    key = occurrence_id(mixed()[0], ABOUT)
    (row,) = [row for row in rows(archive, "occurrence.txt") if row["id"] == key]
    assert (row["scientificName"], row["identificationID"]) == ("Cricotopus", mixed()[1].identification_id)
    assert row["catalogNumber"] == "K 1"


def test_without_a_name_the_core_says_so_and_no_identification_stands(tmp_path: Path) -> None:
    archive = write(tmp_path, *mixed())
    key = occurrence_id(mixed()[5], ABOUT)
    (row,) = [row for row in rows(archive, "occurrence.txt") if row["id"] == key]
    assert (row["scientificName"], row["taxonRank"], row["catalogNumber"]) == ("incertae sedis", "", "Køb 6")
    assert row["identificationRemarks"].startswith("Not identified by the machine: no name can")
    assert key not in {row["coreid"] for row in rows(archive, "identification.txt")}
    described = [row for row in rows(archive, "multimedia.txt") if row["coreid"] == key]
    assert [row["identifier"] for row in described] == ["6.JPG", "7.JPG"]
    assert described[0]["description"].startswith("Not identified by the machine: no name can")


def test_images_are_described_by_kind_format_and_answer(tmp_path: Path) -> None:
    media = rows(write(tmp_path, identified(8, file_names=("8a.png", "https://museum.org/8b.svg"))), "multimedia.txt")
    assert [(row["type"], row["format"], row["identifier"]) for row in media] == [
        ("StillImage", "image/png", "8a.png"),
        ("StillImage", "", "https://museum.org/8b.svg"),
    ]
    assert media[0]["description"] == (
        "Cricotopus. Identified by a machine to genus with a calibrated probability of 0.93."
    )


def test_an_occurrence_keeps_its_key_over_models_and_specimens_have_different_ones() -> None:
    key = occurrence_id(identified(1, specimen="K 1"), ABOUT)
    assert key == occurrence_id(unnamed(2, specimen="K 1"), ABOUT)
    assert key.startswith("urn:uuid:")
    others = {
        occurrence_id(identified(1, specimen="K 2"), ABOUT),
        occurrence_id(identified(1, specimen="K 1", occurrence={"collectionCode": "wet"}), ABOUT),
        occurrence_id(identified(1), ABOUT),
        occurrence_id(identified(2), ABOUT),
        occurrence_id(identified(1, occurrence={"occurrenceID": " given "}), ABOUT),
    }
    assert key not in others
    assert len(others) == 5
    assert "given" in others


# Streaming


def test_identifications_are_taken_one_at_a_time(tmp_path: Path) -> None:
    alive = 0

    class Counted(Identification):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def many() -> Iterator[Identification]:
        nonlocal alive
        for number in range(50):
            assert alive <= 2  # the one being written and the one being made
            alive += 1
            yield Counted.model_validate(identified(number).model_dump())

    write_archive(many(), AGENT, ABOUT, tmp_path / "many.zip")
    assert len(rows(tmp_path / "many.zip", "occurrence.txt")) == 50


def test_tables_grow_beside_the_archive_and_leave_nothing_behind(tmp_path: Path) -> None:
    def watched() -> Iterator[Identification]:
        yield identified(1)
        (beside,) = tmp_path.iterdir()
        assert beside.name.startswith("archive.zip.")
        assert beside.name.endswith(".part")
        yield identified(2)

    write_archive(watched(), AGENT, ABOUT, tmp_path / "archive.zip")
    assert [file.name for file in tmp_path.iterdir()] == ["archive.zip"]


# Faults


def test_what_fails_midway_leaves_an_older_archive_alone(tmp_path: Path) -> None:
    before = write(tmp_path, identified(1)).read_bytes()

    def breaking() -> Iterator[Identification]:
        yield identified(2)
        raise FileNotFoundError(errno.ENOENT, "No such file", "model.onnx")

    with pytest.raises(FileNotFoundError, match=r"model\.onnx"):  # not taken for a fault of the disk written to
        write_archive(breaking(), AGENT, ABOUT, tmp_path / "archive.zip")
    assert [file.name for file in tmp_path.iterdir()] == ["archive.zip"]
    assert (tmp_path / "archive.zip").read_bytes() == before


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"x\.zip: could not be written \(No such file .*\), expected a place in an"):
        write_archive([identified(1)], AGENT, ABOUT, tmp_path / "missing" / "x.zip")


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "write", full)
    with pytest.raises(DataError, match=r"archive\.zip: could not be written \(No space left on device\)"):
        write(tmp_path, identified(1))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_files_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "archive.zip").mkdir()
    (tmp_path / "archive.zip" / "mine.txt").write_text("keep")
    with pytest.raises(DataError, match=r"found a folder that holds files, expected a new name; give another one"):
        write(tmp_path, identified(1))


def test_nothing_to_write_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found no identification to write, expected at least one; identify images"):
        write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_basis_of_record_that_gbif_does_not_know_is_named(tmp_path: Path) -> None:
    odd = identified(1, occurrence={"basisOfRecord": "slide"})
    with pytest.raises(DataError, match=r"1\.JPG: found basisOfRecord 'slide', expected one of PreservedSpecimen, .*"):
        write(tmp_path, odd)


def test_all_faults_of_a_data_set_are_listed_at_once() -> None:
    with pytest.raises(DataError) as caught:
        Dataset(" ", "someone", "", licence="MIT", basis_of_record="slide")
    message = str(caught.value)
    assert message.startswith("Data set ' ': title is empty, expected a text; description is empty, expected a text;")
    assert "licence is 'MIT', expected one of https://creativecommons.org/publicdomain/zero/1.0/legalcode," in message
    assert "basis_of_record is 'slide', expected one of PreservedSpecimen," in message
    assert message.endswith("; give these before publishing.")


def test_an_archive_without_a_licence_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "archive.zip"
    with pytest.raises(
        DataError, match=r"archive\.zip: found no licence of the data set, expected one; name it before"
    ):
        write_archive([identified(1)], AGENT, Dataset("title", "someone", "text"), out)
    assert not out.exists()


# Where others find the images


@pytest.mark.parametrize(
    ("prefix", "names", "media", "expected"),
    [
        ("", ("a.png",), (), ["a.png"]),
        ("", ("a.png",), ("https://x.org/1",), ["https://x.org/1"]),
        ("", ("a.png", "b.png"), ("https://x.org/1", ""), ["https://x.org/1", "b.png"]),
        ("", ("a.png",), ("https://x.org/1 | https://x.org/2",), ["https://x.org/1", "https://x.org/2"]),
        ("https://x.org", ("a b/ü.png",), (), ["https://x.org/a%20b/%C3%BC.png"]),
        ("https://x.org/", ("a.png",), ("https://y.org/1",), ["https://y.org/1"]),
        ("https://x.org/?file=", ("a.png", "http://y.org/b.png"), (), ["https://x.org/?file=a.png", "http://y.org/b.png"]),
    ],
)  # fmt: skip
def test_images_are_named_by_their_addresses(
    tmp_path: Path, prefix: str, names: tuple[str, ...], media: tuple[str, ...], expected: list[str]
) -> None:
    about = Dataset("title", "someone", "text", CC_BY, media_url=prefix)
    out = tmp_path / "archive.zip"
    write_archive([identified(1, file_names=names, media=media)], AGENT, about, out)
    assert [row["identifier"] for row in rows(out, "multimedia.txt")] == expected


@pytest.mark.parametrize("cell", ["=1+1", "+44", "-3", "@home", '=HYPERLINK("x")'])
def test_cells_that_look_like_formulas_stay_as_they_are(tmp_path: Path, cell: str) -> None:
    core = rows(write(tmp_path, identified(1, occurrence={"locality": cell})), "occurrence.txt")
    assert core[0]["locality"] == cell


@pytest.mark.parametrize("licence", LICENCES)
def test_licences_of_gbif_are_taken(licence: str) -> None:
    assert Dataset("title", "someone", "text", licence).licence == licence
