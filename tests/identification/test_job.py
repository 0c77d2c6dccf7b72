"""Tests of identifying many images into files: resumed where it stopped, in every format, with all that goes wrong."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from dwca.read import DwCAReader

from mentum.errors import DataError
from mentum.identification.identifier import Explained, Identifier
from mentum.identification.inputs import Inputs
from mentum.identification.job import Job, Outcome
from mentum.identification.output.dataset import Dataset
from mentum.records import Progress
from mentum.taxonomy import Rank
from support.awkward_images import write_truncated
from support.models_by_hand import (
    GENUS,
    LEAVES,
    NOTHING,
    ORTHOCLADIUS,
    PLUMOSUS,
    STRANGE,
    SUBFAMILY,
    make_model,
    write_level,
)

LEVELS = (PLUMOSUS, GENUS, SUBFAMILY, NOTHING, ORTHOCLADIUS)
N = 40
CC_BY = "https://creativecommons.org/licenses/by/4.0/legalcode"


class Interruption(BaseException):
    """What no handler may swallow."""


@pytest.fixture
def identifier(tmp_path: Path) -> Identifier:
    return Identifier(make_model(tmp_path / "model"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number in range(N):
        write_level(tmp_path / "photos" / f"{number:03}.png", LEVELS[number % len(LEVELS)])
    return tmp_path / "photos"


def job(identifier: Identifier, *given: object, by_specimen: bool = False, **more: object) -> Job:
    inputs = Inputs(tuple(map(str, given)), by_specimen)
    return Job(identifier, inputs, "specimen" if by_specimen else "image", **more)  # type: ignore[arg-type]


def read(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.read_text("utf-8"))))


def interrupt_at(done: int) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if progress.done == done:
            raise Interruption

    return report


def interrupted(made: Job, out: Path, done: int = 16) -> None:
    with pytest.raises(Interruption):
        made.write(out, report=interrupt_at(done))
    assert not out.exists()
    assert out.with_name(f"{out.name}.part").is_file()


# Files


def test_a_row_per_image_in_order(identifier: Identifier, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "found.csv"
    assert job(identifier, photos).write(out) == Outcome(n_rows=N, n_resumed=0, n_failed=0)
    rows = read(out)
    assert [row["file_name"] for row in rows] == [str(photos / f"{number:03}.png") for number in range(N)]
    assert [row["status"] for row in rows[:5]] == [
        "identified", "higher rank", "higher rank", "undetermined", "identified",
    ]  # fmt: skip
    assert {row["identifiedBy"] for row in rows} == {"midges 2.0"}
    assert {row["identifiedByID"] for row in rows} == {f"hash://sha256/{identifier.record.seal}"}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["found.csv", "model", "photos"]


def test_all_tables_hold_the_same_cells(identifier: Identifier, photos: Path, tmp_path: Path) -> None:
    for suffix in ("csv", "parquet", "jsonl"):
        job(identifier, photos).write(tmp_path / f"found.{suffix}")
    rows = [json.loads(line) for line in (tmp_path / "found.jsonl").read_text("utf-8").splitlines()]
    for row in rows:
        row.pop("dateIdentified")
    parquet = pl.read_parquet(tmp_path / "found.parquet").drop("dateIdentified").to_dicts()
    assert parquet == rows
    texts = [{name: cell or None for name, cell in row.items()} for row in read(tmp_path / "found.csv")]
    for text, row in zip(texts, rows, strict=True):
        assert {name: text[name] for name in row if isinstance(row[name], str)} == {
            name: cell for name, cell in row.items() if isinstance(cell, str)
        }


def test_an_unknown_suffix_is_refused_before_any_work(identifier: Identifier, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found.txt: found the suffix '.txt', expected one of .csv, .parquet, .jsonl"):
        job(identifier, photos).write(tmp_path / "found.txt")
    assert identifier.model.session.batches == []  # type: ignore[attr-defined]


def test_failures_are_rows_and_are_counted(identifier: Identifier, photos: Path, tmp_path: Path) -> None:
    write_truncated(photos / "020.png")
    found = job(identifier, photos).write(tmp_path / "found.csv")
    rows = read(tmp_path / "found.csv")
    assert (found.n_rows, found.n_failed) == (N, 1)
    assert [row["status"] for row in rows].count("failed") == 1
    assert "020.png: found a broken file (" in rows[20]["failure"]
    assert rows[20]["scientificName"] == ""


def test_terms_of_the_table_go_into_the_rows(identifier: Identifier, photos: Path, tmp_path: Path) -> None:
    table = photos.parent / "t.csv"
    table.write_text(
        "file_name,catalogNumber,locality,mood\nphotos/000.png,K 1,Lake Å,good\nphotos/001.png,,,\n", "utf-8"
    )
    job(identifier, table).write(tmp_path / "found.csv")
    first, second = read(tmp_path / "found.csv")
    assert (first["catalogNumber"], first["locality"], first["file_name"]) == ("K 1", "Lake Å", "photos/000.png")
    assert (second["catalogNumber"], second["locality"]) == ("", "")
    assert "mood" not in first


def test_rows_of_one_image_have_identifiers_of_their_own(identifier: Identifier, photos: Path, tmp_path: Path) -> None:
    """Also of copies in several files, and the same after an interruption; the first keeps that of the image."""
    table = photos.parent / "t.csv"
    rows = [f"photos/{number % 20:03}.png,place {number}" for number in range(N)]
    table.write_text("\n".join(["file_name,locality", *rows]), "utf-8")
    job(identifier, table).write(tmp_path / "whole.csv")
    interrupted(job(identifier, table), tmp_path / "found.csv", done=32)
    job(identifier, table).write(tmp_path / "found.csv")
    whole, found = (read(tmp_path / f"{name}.csv") for name in ("whole", "found"))
    assert [row["identificationID"] for row in whole] == [row["identificationID"] for row in found]
    assert len({row["identificationID"] for row in found}) == N
    alone = job(identifier, photos / "003.png").collect().identifications[0]
    assert found[3]["identificationID"] == alone.identification_id
    archive = tmp_path / "found.zip"
    about = Dataset("Larvae", "Museum", "From two cores.", CC_BY)
    job(identifier, table).write(tmp_path / "again.csv", archive=archive, about=about)
    with DwCAReader(str(archive)) as opened:
        assert len(opened.rows) == N


def test_no_archive_without_a_licence(identifier: Identifier, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found.zip: found no licence of the data set, expected one; name it before"):
        job(identifier, photos).write(tmp_path / "found.csv", archive=tmp_path / "found.zip")
    assert identifier.model.session.batches == []  # type: ignore[attr-defined]


def test_a_row_per_specimen(identifier: Identifier, photos: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    rows = ["000,K 1", "001,K 2", "005,K 1", "003,K 2", "004,"]
    table.write_text("file_name,catalogNumber\n" + "".join(f"photos/{row.replace(',', '.png,')}\n" for row in rows))
    write_truncated(photos / "003.png")

    found = job(identifier, table, by_specimen=True).write(tmp_path / "found.csv")

    one, two, lone = read(tmp_path / "found.csv")
    assert (found.n_rows, found.n_failed) == (3, 1)
    assert (one["catalogNumber"], one["file_name"]) == ("K 1", "photos/000.png | photos/005.png")
    assert (one["scientificName"], two["scientificName"]) == ("Chironomus plumosus", "Chironomus")
    assert "003.png: found a broken file" in two["failure"]
    assert (lone["catalogNumber"], lone["scientificName"]) == ("", "Orthocladius")


def test_progress_is_told_with_its_speed(identifier: Identifier, photos: Path, tmp_path: Path) -> None:
    told: list[Progress] = []
    job(identifier, photos).write(tmp_path / "found.csv", report=told.append)
    assert [(step.done, step.total, step.unit) for step in told] == [
        (16, N, "images"),
        (32, N, "images"),
        (N, N, "images"),
    ]
    assert all(step.figures["images/s"] > 0 for step in told)


# Taken up again


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_an_interrupted_job_goes_on_where_it_stopped(
    identifier: Identifier, photos: Path, tmp_path: Path, suffix: str
) -> None:
    out, whole = tmp_path / f"found.{suffix}", tmp_path / f"whole.{suffix}"
    interrupted(job(identifier, photos), out)
    identifier.model.session.batches.clear()  # type: ignore[attr-defined]

    assert job(identifier, photos).write(out) == Outcome(n_rows=N, n_resumed=16, n_failed=0)

    assert sum(identifier.model.session.batches) == N - 16  # type: ignore[attr-defined]
    job(identifier, photos).write(whole)
    if suffix == "parquet":
        assert pl.read_parquet(out).drop("dateIdentified").equals(pl.read_parquet(whole).drop("dateIdentified"))
    else:
        assert len(out.read_bytes().splitlines()) == len(whole.read_bytes().splitlines())
    assert not out.with_name(f"{out.name}.part").exists()


def test_failures_before_the_interruption_still_count(identifier: Identifier, photos: Path, tmp_path: Path) -> None:
    write_truncated(photos / "003.png")
    out = tmp_path / "found.csv"
    interrupted(job(identifier, photos), out)
    assert job(identifier, photos).write(out).n_failed == 1


def test_a_line_torn_by_a_kill(identifier: Identifier, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "found.csv"
    interrupted(job(identifier, photos), out)
    part = tmp_path / "found.csv.part"
    part.write_bytes(part.read_bytes()[:-25])

    assert job(identifier, photos).write(out).n_resumed == 15
    assert [Path(row["file_name"]).stem for row in read(out)] == [f"{number:03}" for number in range(N)]


def test_a_folder_that_changed_in_between(identifier: Identifier, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "found.csv"
    interrupted(job(identifier, photos), out)
    write_level(photos / "002b.png", PLUMOSUS)
    write_level(photos / "zzz.png", PLUMOSUS)
    (photos / "005.png").unlink()
    (photos / "030.png").unlink()

    job(identifier, photos).write(out)

    found = [Path(row["file_name"]).name for row in read(out)]
    assert len(found) == len(set(found))
    assert {file.name for file in photos.iterdir()} == set(found) - {"005.png"}


def test_a_changed_image_is_identified_anew(identifier: Identifier, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "found.csv"
    interrupted(job(identifier, photos), out)
    assert LEVELS[7 % len(LEVELS)] != ORTHOCLADIUS
    write_level(photos / "007.png", ORTHOCLADIUS)
    found = job(identifier, photos).write(out)
    assert found == Outcome(n_rows=N, n_resumed=15, n_failed=0, n_anew=1)
    rows = {Path(row["file_name"]).name: row for row in read(out)}
    assert len(rows) == N
    assert rows["007.png"]["scientificName"] == rows["004.png"]["scientificName"] == "Orthocladius"


def test_an_interrupted_job_by_specimen(identifier: Identifier, photos: Path, tmp_path: Path) -> None:
    table, out = tmp_path / "t.csv", tmp_path / "found.csv"
    table.write_text("file_name,catalogNumber\n" + "".join(f"photos/{n:03}.png,K {n // 2:02}\n" for n in range(N)))
    interrupted(job(identifier, table, by_specimen=True), out, done=32)
    assert job(identifier, table, by_specimen=True).write(out).n_resumed == 16
    assert [row["catalogNumber"] for row in read(out)] == [f"K {n:02}" for n in range(N // 2)]


def test_another_model_or_rate_is_refused(identifier: Identifier, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "found.csv"
    interrupted(job(identifier, photos), out)
    others = (
        job(Identifier(make_model(tmp_path / "other", version="3.0")), photos),
        job(Identifier(identifier.model, error_rate=0.1), photos),
        job(Identifier(identifier.model, false_rejection=0.1), photos),
    )
    for other in others:
        with pytest.raises(DataError, match=r"holds an interrupted identification by another model, of other images"):
            other.write(out)
    assert job(identifier, photos).write(out).n_resumed == 16


def test_an_output_that_could_not_be_written_costs_no_identification(
    identifier: Identifier, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "archive.csv"
    nowhere = tmp_path / "gone" / "archive.zip"
    about = Dataset("Larvae", "Museum", "From two cores.", CC_BY)
    with pytest.raises(DataError, match=r"archive.zip: could not be written"):
        job(identifier, photos).write(out, archive=nowhere, about=about)
    nowhere.parent.mkdir()
    assert job(identifier, photos).write(out, archive=nowhere, about=about).n_resumed == N


# Other formats


def test_an_archive_opens_in_another_program(identifier: Identifier, photos: Path, tmp_path: Path) -> None:
    about = Dataset("Larvae", "Museum", "From two cores.", CC_BY)
    job(identifier, photos).write(tmp_path / "found.csv", archive=tmp_path / "found.zip", about=about)
    with DwCAReader(str(tmp_path / "found.zip")) as archive:
        rows = list(archive)
        names = [row.data["http://rs.tdwg.org/dwc/terms/scientificName"] for row in rows]
    # Images of one level have the same bytes; each file is an occurrence nevertheless, as no specimen is named.
    assert set(names) == {"Chironominae", "Chironomus", "Chironomus plumosus", "Orthocladius", "incertae sedis"}
    assert len(names) == len(read(tmp_path / "found.csv")) == N


def test_what_is_no_taxon_is_counted_and_left_out_of_an_archive(photos: Path, tmp_path: Path) -> None:
    classes = (*LEAVES[:2], LEAVES[3], {Rank.NOT_A_TAXON: "Debris"})
    identifier = Identifier(make_model(tmp_path / "model", taxa=classes))
    out, archive = tmp_path / "found.csv", tmp_path / "found.zip"
    found = job(identifier, photos).write(out, archive=archive, about=Dataset("A", "B", "C", licence=CC_BY))
    debris = [row["status"] for row in read(out)].count("not a taxon")
    assert (found.n_rows, found.n_not_a_taxon) == (N, debris)
    assert debris == N // len(LEVELS)
    with DwCAReader(str(archive)) as opened:
        assert len(list(opened)) == N - debris


def test_megadetector_json(identifier: Identifier, photos: Path, tmp_path: Path) -> None:
    job(identifier, photos).write(tmp_path / "found.json", "megadetector-json")
    found = json.loads((tmp_path / "found.json").read_text("utf-8"))
    assert len(found["images"]) == N
    assert not (tmp_path / "found.json.part").exists()


def test_camtrap_dp(identifier: Identifier, photos: Path, tmp_path: Path) -> None:
    job(identifier, photos).write(tmp_path / "package", "camtrap-dp")
    assert sorted(file.name for file in (tmp_path / "package").iterdir()) == [
        "datapackage.json", "deployments.csv", "media.csv", "observations.csv",
    ]  # fmt: skip
    package = json.loads((tmp_path / "package" / "datapackage.json").read_text("utf-8"))
    assert package["title"] == "Identifications by midges 2.0"


# Printed


def test_rows_are_printed_as_they_come(identifier: Identifier, photos: Path) -> None:
    stream = io.StringIO()
    assert job(identifier, photos).print(stream) == Outcome(N, 0, 0)
    rows = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert len(rows) == N
    assert {"file_name", "status", "scientificName", "species_name", "species_probability", "failure"} <= set(rows[0])
    assert "habitat" not in rows[0]


def test_lines_of_json_are_printed_with_the_same_cells(identifier: Identifier, photos: Path) -> None:
    as_csv, as_json = io.StringIO(), io.StringIO()
    job(identifier, photos).print(as_csv)
    job(identifier, photos).print(as_json, as_json=True)
    lines = [json.loads(line) for line in as_json.getvalue().splitlines()]
    for row, line in zip(csv.DictReader(io.StringIO(as_csv.getvalue())), lines, strict=True):
        assert list(row) == list(line)
        assert row["species_name"] == line["species_name"]
        assert float(row["species_probability"]) == line["species_probability"]


def test_every_readable_image_is_drawn_once(identifier: Identifier, photos: Path, tmp_path: Path) -> None:
    write_truncated(photos / "020.png")
    write_level(photos / "zzz.png", PLUMOSUS, STRANGE)
    drawn: list[Explained] = []
    made = job(identifier, photos, draw=drawn.append)
    made.write(tmp_path / "found.csv")
    names = [Path(each.identification.file_names[0]).name for each in drawn]
    assert sorted(names) == sorted(file.name for file in photos.iterdir() if file.name != "020.png")
    assert drawn[-1].identification.status.value == "unknown"


def test_an_identification_keeps_its_identifier_in_a_second_run_and_not_with_another_model(
    identifier: Identifier, photos: Path, tmp_path: Path
) -> None:
    other = Identifier(make_model(tmp_path / "other", version="3.0"))
    found = []
    for number, each in enumerate((identifier, identifier, other)):
        job(each, photos).write(tmp_path / f"{number}.csv")
        found.append([row["identificationID"] for row in read(tmp_path / f"{number}.csv")])
    assert found[0] == found[1]
    assert not set(found[0]) & set(found[2])
