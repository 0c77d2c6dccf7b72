"""Tests of the formats for camera trappers: exact JSON, Camtrap DP's rules, one image at a time."""

from __future__ import annotations

import csv
import errno
import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mentum.errors import DataError
from mentum.identification.output.camtrap_dp import write_camtrap_dp
from mentum.identification.output.darwin_core import Agent
from mentum.identification.output.dataset import LICENCES, Dataset
from mentum.identification.output.megadetector import write_megadetector
from mentum.records import Candidate, Identification, RankIdentification, Status
from mentum.taxonomy import Rank, Taxon

AGENT = Agent("chiro10 1.0.0", "hash://sha256/ab", "Mentum 0.1.0")
ABOUT = Dataset("Larvae: Lake Å", "Museum of Midges", "Head capsules from two cores.")
FAMILY = (Rank.FAMILY, "Chironomidae")
TAXA = tuple(
    Taxon((FAMILY, (Rank.SUBFAMILY, subfamily), (Rank.GENUS, genus), (Rank.SPECIES, f"{genus} {epithet}")))
    for subfamily, genus, epithet in (
        ("Orthocladiinae", "Cricotopus", "bicinctus"),
        ("Orthocladiinae", "Cricotopus", "annulator"),
        ("Chironominae", "Chironomus", "riparius"),
    )
)
CANDIDATES = tuple(
    Candidate(scientific_name=taxon.name, taxon_rank=Rank.SPECIES, probability=probability)
    for taxon, probability in zip(TAXA, (0.5, 0.4, 0.1), strict=True)
)
PLACE = {
    "locality": "Lake Å",
    "decimalLatitude": "59.5",
    "decimalLongitude": "10.25",
    "eventDate": "1987-07",
    "lifeStage": "larva",
    "sex": "Female",
}


def identified(number: int, **changes: object) -> Identification:
    """Image `number`, whose genus alone is defended."""
    given: dict[str, object] = {
        "identification_id": f"urn:uuid:{uuid.UUID(int=number)}",
        "file_names": (f"core/{number}.jpg",),
        "status": Status.HIGHER_RANK,
        "scientific_name": "Cricotopus",
        "taxon_rank": Rank.GENUS,
        "lineage": TAXA[0].at(Rank.GENUS).lineage,
        "ranks": (RankIdentification(rank=Rank.GENUS, scientific_name="Cricotopus", probability=0.9),),
        "candidates": CANDIDATES,
        "date_identified": datetime(2026, 5, 3, 14, 7, number, 5, UTC),
    }
    return Identification.model_validate(given | changes)


def unnamed(number: int, status: Status, **changes: object) -> Identification:
    nothing = {"scientific_name": None, "taxon_rank": None, "lineage": {}, "ranks": ()}
    return identified(number, status=status, **nothing, **changes)


# MegaDetector


def megadetector(folder: Path, *identifications: Identification) -> dict[str, Any]:
    out = folder / "results.json"
    write_megadetector(iter(identifications), AGENT, TAXA, out)
    return json.loads(out.read_text(encoding="utf-8"))


def test_an_image_is_one_animal_with_the_defended_name_first(tmp_path: Path) -> None:
    results = megadetector(tmp_path, identified(1))
    assert results["images"] == [
        {
            "file": "core/1.jpg",
            "detections": [
                {
                    "category": "1",
                    "conf": 1.0,
                    "bbox": [0, 0, 1, 1],
                    "classifications": [["7", 0.9], ["0", 0.5], ["1", 0.4], ["2", 0.1]],
                }
            ],
        }
    ]
    assert results["detection_categories"] == {"1": "animal"}
    assert isinstance(results["images"][0]["detections"][0]["conf"], float)  # the format's validator insists


def test_a_genus_that_was_learned_beside_its_species_has_the_probability_of_the_answer(tmp_path: Path) -> None:
    """As a candidate it stands for what is none of its species, which is less."""
    genus = TAXA[0].at(Rank.GENUS)
    beside = Candidate(scientific_name="Cricotopus", taxon_rank=Rank.GENUS, probability=0.3)
    write_megadetector(
        [identified(1, candidates=(*CANDIDATES, beside))], AGENT, (genus, *TAXA), out := tmp_path / "found.json"
    )
    found = json.loads(out.read_text(encoding="utf-8"))
    said = found["images"][0]["detections"][0]["classifications"]
    assert said == [["0", 0.9], ["1", 0.5], ["2", 0.4], ["3", 0.1]]
    assert found["classification_categories"]["0"] == "Cricotopus"


def test_categories_are_the_lowest_taxa_and_all_above_them(tmp_path: Path) -> None:
    results = megadetector(tmp_path, identified(1))
    assert results["classification_categories"] == {
        "0": "Cricotopus bicinctus",
        "1": "Cricotopus annulator",
        "2": "Chironomus riparius",
        "3": "Chironomidae",
        "4": "Chironominae",
        "5": "Chironomus",
        "6": "Orthocladiinae",
        "7": "Cricotopus",
    }
    described = results["classification_category_descriptions"]
    assert described.keys() == results["classification_categories"].keys()
    assert described["1"] == "Chironomidae;Orthocladiinae;Cricotopus;Cricotopus annulator"
    assert described["3"] == "Chironomidae"


def test_info_says_that_no_detector_ran_and_when_the_last_image_was_done(tmp_path: Path) -> None:
    assert megadetector(tmp_path, identified(9), identified(1))["info"] == {
        "format_version": "1.4",
        "detector": "none",
        "detector_metadata": {"note": "No detector ran: each image is entered as one animal that fills it."},
        "classifier": "chiro10 1.0.0",
        "classifier_metadata": {"identifier": "hash://sha256/ab", "references": "Mentum 0.1.0"},
        "classification_completion_time": "2026-05-03 14:07:09",
    }


def test_failures_carry_their_reason_and_no_detections(tmp_path: Path) -> None:
    failed = unnamed(1, Status.FAILED, failure="core/1.jpg: empty", candidates=())
    silent = unnamed(2, Status.FAILED, candidates=())
    assert megadetector(tmp_path, failed, silent)["images"] == [
        {"file": "core/1.jpg", "failure": "core/1.jpg: empty", "detections": None},
        {"file": "core/2.jpg", "failure": "no image could be read", "detections": None},
    ]


def classifications(results: dict[str, Any]) -> list[list[list[Any]]]:
    return [image["detections"][0]["classifications"] for image in results["images"]]


def test_unlike_all_taxa_means_no_classification_and_undetermined_the_bare_probabilities(tmp_path: Path) -> None:
    results = megadetector(tmp_path, unnamed(1, Status.UNKNOWN), unnamed(2, Status.UNDETERMINED))
    assert classifications(results) == [[], [["0", 0.5], ["1", 0.4], ["2", 0.1]]]


def test_a_lowest_taxon_that_is_defended_is_listed_once(tmp_path: Path) -> None:
    species = identified(
        1,
        status=Status.IDENTIFIED,
        scientific_name="Cricotopus bicinctus",
        taxon_rank=Rank.SPECIES,
        ranks=(RankIdentification(rank=Rank.SPECIES, scientific_name="Cricotopus bicinctus", probability=0.5),),
    )
    assert classifications(megadetector(tmp_path, species)) == [[["0", 0.5], ["1", 0.4], ["2", 0.1]]]


def test_five_classifications_at_most_in_descending_order(tmp_path: Path) -> None:
    taxa = [Taxon(((Rank.GENUS, f"{letter}us"),)) for letter in "ABCDEF"]
    probabilities = (0.1, 0.3, 0.2, 0.15, 0.14, 0.11)
    candidates = [
        Candidate(scientific_name=taxon.name, taxon_rank=Rank.GENUS, probability=probability)
        for taxon, probability in zip(taxa, probabilities, strict=True)
    ]
    out = tmp_path / "six.json"
    write_megadetector([unnamed(1, Status.UNDETERMINED, candidates=candidates)], AGENT, taxa, out)
    listed = classifications(json.loads(out.read_text()))[0]
    assert listed == [["1", 0.3], ["2", 0.2], ["3", 0.15], ["4", 0.14], ["5", 0.11]]


def test_every_image_of_a_specimen_is_entered_and_no_image_is_no_fault(tmp_path: Path) -> None:
    results = megadetector(tmp_path, identified(1, file_names=("a.jpg", 'b "2" å.jpg')))
    assert [image["file"] for image in results["images"]] == ["a.jpg", 'b "2" å.jpg']
    empty = megadetector(tmp_path)
    assert empty["images"] == []
    assert "classification_completion_time" not in empty["info"]


def test_a_taxon_of_another_model_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"not among the taxa given: Aus \(genus\)"):
        megadetector(tmp_path, identified(1, scientific_name="Aus", ranks=(
            RankIdentification(rank=Rank.GENUS, scientific_name="Aus", probability=0.9),
        )))  # fmt: skip
    assert list(tmp_path.iterdir()) == []


# Camtrap DP

REQUIRED = {
    "deployments": ("deploymentID", "latitude", "longitude", "deploymentStart", "deploymentEnd"),
    "media": ("mediaID", "deploymentID", "timestamp", "filePath", "filePublic", "fileMediatype"),
    "observations": (
        "observationID", "deploymentID", "eventStart", "eventEnd", "observationLevel", "observationType",
    ),
}  # fmt: skip
N_COLUMNS = {"deployments": 24, "media": 11, "observations": 28}


def camtrap(folder: Path, *identifications: Identification) -> Path:
    write_camtrap_dp(iter(identifications), AGENT, ABOUT, folder / "package")
    return folder / "package"


def rows(package: Path, table: str) -> list[dict[str, str]]:
    with (package / f"{table}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def described(package: Path) -> dict[str, Any]:
    return json.loads((package / "datapackage.json").read_text(encoding="utf-8"))


def filled(row: dict[str, str]) -> dict[str, str]:
    return {column: cell for column, cell in row.items() if cell}


def test_required_cells_are_filled_where_place_and_date_are_known(tmp_path: Path) -> None:
    package = camtrap(tmp_path, *(identified(number, occurrence=PLACE) for number in (1, 2)))
    for table, columns in REQUIRED.items():
        assert rows(package, table)
        assert all(row[column] for row in rows(package, table) for column in columns)
        assert {len(row) for row in rows(package, table)} == {N_COLUMNS[table]}


def test_rows_hang_together_by_their_keys(tmp_path: Path) -> None:
    other = {**PLACE, "locality": "Lake B"}
    both = identified(2, occurrence=other, file_names=("a.jpg", "b.jpg"))
    package = camtrap(tmp_path, identified(1, occurrence=PLACE), both, identified(3, file_names=("a.jpg",)))
    deployments, media, observations = (rows(package, table) for table in REQUIRED)
    assert [row["locationName"] for row in deployments] == ["Lake Å", "Lake B", ""]
    assert [row["filePath"] for row in media] == ["core/1.jpg", "a.jpg", "b.jpg"]  # each image once
    for row in media + observations:
        assert row["deploymentID"] in {each["deploymentID"] for each in deployments}
    assert {row["mediaID"] for row in observations} == {row["mediaID"] for row in media}
    number_2 = both.identification_id
    assert [row["observationID"] for row in observations] == [
        identified(1).identification_id, f"{number_2}#1", f"{number_2}#2", identified(3).identification_id,
    ]  # fmt: skip


def test_an_observation_says_what_the_machine_said(tmp_path: Path) -> None:
    (row,) = rows(camtrap(tmp_path, identified(1, occurrence=PLACE, specimen="K 1")), "observations")
    deployment, media = row.pop("deploymentID"), row.pop("mediaID")
    assert uuid.UUID(deployment) != uuid.UUID(media)
    assert filled(row) == {
        "observationID": identified(1).identification_id,
        "eventStart": "1987-07-01T00:00:00Z",
        "eventEnd": "1987-07-31T23:59:59Z",
        "observationLevel": "media",
        "observationType": "animal",
        "scientificName": "Cricotopus",
        "sex": "female",  # a larva is no life stage of the standard's
        "individualID": "K 1",
        "classificationMethod": "machine",
        "classifiedBy": "chiro10 1.0.0",
        "classificationTimestamp": "2026-05-03T14:07:01+00:00",
        "classificationProbability": "0.900000",
        "observationComments": (
            "Identified by a machine to genus with a calibrated probability of 0.90; lower ranks not defended."
        ),
    }


def test_observation_types_tell_unknown_from_unread_and_from_plants(tmp_path: Path) -> None:
    plant = identified(4, lineage={Rank.KINGDOM: "Plantae", Rank.GENUS: "Cricotopus"})
    states = [unnamed(1, Status.UNKNOWN), unnamed(2, Status.UNDETERMINED), unnamed(3, Status.FAILED), plant]
    observed = rows(camtrap(tmp_path, *states), "observations")
    assert [row["observationType"] for row in observed] == ["unknown", "unknown", "unclassified", "unknown"]
    assert [row["scientificName"] for row in observed] == ["", "", "", "Cricotopus"]
    assert [row["classificationMethod"] for row in observed] == ["machine", "machine", "", "machine"]
    assert [row["classificationProbability"] for row in observed] == ["", "", "", "0.900000"]


@pytest.mark.parametrize(
    ("event_date", "start", "end", "issues"),
    [
        ("2021", "2021-01-01T00:00:00Z", "2021-12-31T23:59:59Z", "true"),
        ("2020-02", "2020-02-01T00:00:00Z", "2020-02-29T23:59:59Z", "true"),
        ("2021-05-03", "2021-05-03T00:00:00Z", "2021-05-03T23:59:59Z", "true"),
        ("2007-11-13/15", "2007-11-13T00:00:00Z", "2007-11-15T23:59:59Z", "true"),
        ("2007/2008-05", "2007-01-01T00:00:00Z", "2008-05-31T23:59:59Z", "true"),
        ("2021-05-03T10:30:00", "2021-05-03T10:30:00Z", "2021-05-03T10:30:00Z", "true"),
        ("2021-05-03T10:30+02:00", "2021-05-03T10:30:00+02:00", "2021-05-03T10:30:00+02:00", "false"),
        ("summer 1987", "", "", ""),
        ("2021-13-45", "", "", ""),
        ("", "", "", ""),
    ],
)
def test_dates_become_spans_and_say_whether_the_time_was_known(
    tmp_path: Path, event_date: str, start: str, end: str, issues: str
) -> None:
    package = camtrap(tmp_path, identified(1, occurrence={"eventDate": event_date}))
    (row,), (media,) = rows(package, "deployments"), rows(package, "media")
    assert (row["deploymentStart"], row["deploymentEnd"], row["timestampIssues"]) == (start, end, issues)
    assert media["timestamp"] == start
    unread = bool(event_date) and not start
    assert row["deploymentComments"] == (f"eventDate as given: {event_date}" if unread else "")


@pytest.mark.parametrize(("given", "written"), [("59.5", "59.5"), ("91", ""), ("59°30'N", ""), ("nan", "")])
def test_coordinates_that_are_no_degrees_stay_empty(tmp_path: Path, given: str, written: str) -> None:
    (row,) = rows(camtrap(tmp_path, identified(1, occurrence={"decimalLatitude": given})), "deployments")
    assert row["latitude"] == written


def test_paths_are_as_the_standard_wants_them(tmp_path: Path) -> None:
    given = ("./a.jpg", "/data/b.tif", "../c.png", "https://museum.org/d.webp", "e.xyz")
    media = rows(camtrap(tmp_path, identified(1, file_names=given)), "media")
    pattern = re.compile(r"^(?=^[^./~])(^((?!\.{2}).)*$).*$")
    assert all(pattern.fullmatch(row["filePath"]) for row in media)
    upwards = Path("../c.png").resolve().as_uri()
    assert [row["filePath"] for row in media] == ["a.jpg", "file:///data/b.tif", upwards, given[3], "e.xyz"]
    assert [row["filePublic"] for row in media] == ["false", "false", "false", "true", "false"]
    assert [row["fileMediatype"] for row in media] == [
        "image/jpeg", "image/tiff", "image/png", "image/webp", "image/unknown",
    ]  # fmt: skip


def test_the_package_describes_its_extent(tmp_path: Path) -> None:
    south = {**PLACE, "decimalLatitude": "-3", "decimalLongitude": "11", "eventDate": "1990-01-02"}
    subfamily = {
        "scientific_name": "Orthocladiinae", "taxon_rank": Rank.SUBFAMILY,
        "lineage": TAXA[0].at(Rank.SUBFAMILY).lineage,
    }  # fmt: skip
    package = described(
        camtrap(tmp_path, identified(1, occurrence=PLACE), identified(2, occurrence=south, **subfamily))
    )
    assert package["profile"].endswith("/tdwg/camtrap-dp/1.0.1/camtrap-dp-profile.json")
    assert (package["name"], package["created"]) == ("larvae-lake", "2026-05-03T14:07:02Z")
    assert package["temporal"] == {"start": "1987-07-01", "end": "1990-01-02"}
    corners = [[10.25, -3.0], [11.0, -3.0], [11.0, 59.5], [10.25, 59.5], [10.25, -3.0]]
    assert package["spatial"] == {"type": "Polygon", "coordinates": [corners]}
    assert package["taxonomic"] == [
        {"scientificName": "Cricotopus", "taxonRank": "genus", "family": "Chironomidae", "genus": "Cricotopus"},
        {"scientificName": "Orthocladiinae", "family": "Chironomidae"},
    ]
    assert [licence["scope"] for licence in package["licenses"]] == ["data", "media"]
    assert package["contributors"] == [{"title": "Museum of Midges", "role": "contact"}]


def test_the_package_names_its_tables_and_their_schemas(tmp_path: Path) -> None:
    package = camtrap(tmp_path, identified(1))
    resources = described(package)["resources"]
    assert [each["name"] for each in resources] == ["deployments", "media", "observations"]
    assert all((package / each["path"]).is_file() for each in resources)
    assert resources[1]["schema"] == ("https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0.1/media-table-schema.json")
    assert resources[1]["profile"] == "tabular-data-resource"


def test_a_single_place_is_a_point(tmp_path: Path) -> None:
    package = described(camtrap(tmp_path, identified(1, occurrence=PLACE), identified(2, occurrence=PLACE)))
    assert package["spatial"] == {"type": "Point", "coordinates": [10.25, 59.5]}


def test_an_unknown_place_is_a_feature_without_one(tmp_path: Path) -> None:
    package = described(camtrap(tmp_path, identified(1)))
    assert package["spatial"] == {"type": "Feature", "geometry": None, "properties": {}}
    assert "temporal" not in package


@pytest.mark.parametrize(
    ("licence", "stated"),
    [
        (None, {"name": "notspecified", "title": "Not stated here; ask the contributors.", "scope": "data"}),
        *((address, {"path": address, "scope": "data"}) for address in LICENCES),
    ],
)
def test_a_licence_is_stated_or_not_but_never_assumed(
    tmp_path: Path, licence: str | None, stated: dict[str, str]
) -> None:
    about = Dataset("title", "someone", "text", licence)
    write_camtrap_dp([identified(1)], AGENT, about, tmp_path / "package")
    data, media = described(tmp_path / "package")["licenses"]
    assert data == stated
    assert (media["name"], media["scope"]) == ("notspecified", "media")


@pytest.mark.parametrize(
    ("prefix", "media", "path", "public"),
    [
        ("", (), "core/1.jpg", "false"),
        ("https://x.org/", (), "https://x.org/core/1.jpg", "true"),
        ("", ("https://x.org/7",), "https://x.org/7", "true"),
        ("https://x.org/", ("https://y.org/7 | https://y.org/8",), "https://y.org/7", "true"),
    ],
)
def test_files_are_public_where_their_addresses_are_known(
    tmp_path: Path, prefix: str, media: tuple[str, ...], path: str, public: str
) -> None:
    about = Dataset("title", "someone", "text", media_url=prefix)
    write_camtrap_dp([identified(1, media=media)], AGENT, about, tmp_path / "package")
    (row,) = rows(tmp_path / "package", "media")
    assert (row["filePath"], row["filePublic"], row["fileName"]) == (path, public, "1.jpg")


# Both

Write = Callable[[Iterable[Identification], Path], None]
WRITERS: dict[str, Write] = {
    "json": lambda identifications, out: write_megadetector(identifications, AGENT, TAXA, out),
    "package": lambda identifications, out: write_camtrap_dp(identifications, AGENT, ABOUT, out),
}
both = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)


@both
def test_identifications_are_taken_one_at_a_time(tmp_path: Path, write: Write) -> None:
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

    write(many(), tmp_path / "out")
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


@both
def test_what_fails_midway_leaves_nothing(tmp_path: Path, write: Write) -> None:
    def breaking() -> Iterator[Identification]:
        yield identified(1)
        raise FileNotFoundError(errno.ENOENT, "No such file", "model.onnx")

    with pytest.raises(FileNotFoundError, match=r"model\.onnx"):
        write(breaking(), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@both
def test_a_missing_folder_is_named(tmp_path: Path, write: Write) -> None:
    with pytest.raises(DataError, match=r"out: could not be written \(No such file or directory\), expected a place"):
        write([identified(1)], tmp_path / "missing" / "out")


@both
def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Write) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(DataError, match=r"out: could not be written \(No space left on device\)"):
        write([identified(1)], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@both
def test_a_folder_with_files_is_not_replaced(tmp_path: Path, write: Write) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    with pytest.raises(DataError, match=r"out: found a folder that holds files, expected a new name; give another"):
        write([identified(1)], tmp_path / "out")


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    assert (camtrap(tmp_path, identified(1)) / "datapackage.json").is_file()


def test_a_package_of_nothing_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"package: found no identification to write, expected at least one"):
        camtrap(tmp_path)
    assert list(tmp_path.iterdir()) == []
