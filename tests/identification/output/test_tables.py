"""Tests of the tables that identifications are written to: the same cells in every format, whole or not at all."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from mentum.errors import DataError
from mentum.identification.output.darwin_core import OCCURRENCE_TERMS, TERMS, Agent
from mentum.identification.output.tables import columns, frame_of, json_line, row_of, write_csv_rows, write_table
from mentum.records import Candidate, Identification, RankIdentification, Status
from mentum.taxonomy import Rank
from support.models_by_hand import RANKS

AGENT = Agent("midges 2.0", "hash://sha256/ab", "Mentum 0.1.0 | midges 2.0")
WHEN = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
NAMED = Identification(
    identification_id="urn:uuid:1",
    file_names=("odd, name.png", "Ä.png"),
    specimen="K 1",
    occurrence={"locality": 'Lake "Å"', "eventDate": "1987-07"},
    status=Status.HIGHER_RANK,
    scientific_name="Chironomus",
    taxon_rank=Rank.GENUS,
    lineage={Rank.SUBFAMILY: "Chironominae", Rank.GENUS: "Chironomus"},
    ranks=(
        RankIdentification(rank=Rank.SPECIES, scientific_name="Chironomus plumosus", probability=0.5),
        RankIdentification(rank=Rank.GENUS, scientific_name="Chironomus", probability=0.98),
        RankIdentification(rank=Rank.SUBFAMILY, scientific_name="Chironominae", probability=1.0),
    ),
    candidates=(
        Candidate(scientific_name="Chironomus plumosus", taxon_rank=Rank.SPECIES, probability=0.5),
        Candidate(scientific_name="Chironomus riparius", taxon_rank=Rank.SPECIES, probability=0.48),
    ),
    novelty=0.25,
    reason="genus defended",
    date_identified=WHEN,
)
FAILED = Identification(
    identification_id="urn:uuid:2",
    file_names=("bad.png",),
    status=Status.FAILED,
    reason="no image could be read",
    failure="bad.png: found a file of 0 bytes.",
    date_identified=WHEN,
)


def write(file: Path, *identifications: Identification) -> list[dict[str, object]]:
    """Write a table and read its cells back, all with the types of JSON."""
    write_table(lambda: identifications, AGENT, RANKS, file)
    if file.suffix == ".parquet":
        return pl.read_parquet(file).to_dicts()
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    numbers = {name for name, kind in columns(RANKS).items() if kind is float}
    return [
        {name: None if not cell else float(cell) if name in numbers else cell for name, cell in row.items()}
        for row in csv.DictReader(io.StringIO(text))
    ]


def test_columns_stand_in_order_with_the_highest_rank_first() -> None:
    names = list(columns(RANKS))
    assert names[:4] == ["file_name", "status", "identificationID", "scientificName"]
    assert set(TERMS) | set(OCCURRENCE_TERMS) <= set(names)
    assert names[-10:] == [
        "subfamily_name", "subfamily_probability", "genus_name", "genus_probability", "species_name",
        "species_probability", "candidates", "novelty", "reason", "failure",
    ]  # fmt: skip


def test_cells_of_a_named_specimen() -> None:
    row = row_of(NAMED, AGENT, RANKS)
    assert list(row) == list(columns(RANKS))
    assert {name: cell for name, cell in row.items() if cell is not None} == {
        "file_name": "odd, name.png | Ä.png",
        "status": "higher rank",
        "identificationID": "urn:uuid:1",
        "scientificName": "Chironomus",
        "taxonRank": "genus",
        "subfamily": "Chironominae",
        "genus": "Chironomus",
        "higherClassification": "Chironominae",
        "identifiedBy": "midges 2.0",
        "identifiedByID": "hash://sha256/ab",
        "dateIdentified": "2026-05-04T09:00:00+00:00",
        "identificationReferences": "Mentum 0.1.0 | midges 2.0",
        "identificationVerificationStatus": "PredictedByMachine",
        "identificationRemarks": "Identified by a machine to genus with a calibrated probability of 0.98; genus "
        "defended; novelty 0.25.",
        "catalogNumber": "K 1",
        "eventDate": "1987-07",
        "locality": 'Lake "Å"',
        "subfamily_name": "Chironominae",
        "subfamily_probability": 1.0,
        "genus_name": "Chironomus",
        "genus_probability": 0.98,
        "species_name": "Chironomus plumosus",
        "species_probability": 0.5,
        "candidates": "Chironomus plumosus 0.5000 | Chironomus riparius 0.4800",
        "novelty": 0.25,
        "reason": "genus defended",
    }


def test_cells_of_a_failure() -> None:
    row = row_of(FAILED, AGENT, RANKS)
    assert (row["status"], row["failure"], row["reason"]) == ("failed", FAILED.failure, "no image could be read")
    assert (row["scientificName"], row["species_probability"], row["identificationVerificationStatus"]) == (None,) * 3


def test_all_formats_hold_the_same_cells(tmp_path: Path) -> None:
    as_csv, as_parquet, as_jsonl = (
        write(tmp_path / f"found.{suffix}", FAILED, NAMED) for suffix in ("csv", "parquet", "jsonl")
    )
    assert as_csv == as_parquet == as_jsonl
    assert [row["file_name"] for row in as_csv] == ["bad.png", "odd, name.png | Ä.png"]
    assert list(as_csv[0]) == list(as_parquet[0]) == list(as_jsonl[0])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["found.csv", "found.jsonl", "found.parquet"]


def test_terms_of_the_occurrence_are_columns_only_where_they_are_used(tmp_path: Path) -> None:
    (row,) = write(tmp_path / "found.csv", FAILED)
    assert not set(row) & set(OCCURRENCE_TERMS)
    *_, row = write(tmp_path / "found.csv", FAILED, NAMED)
    assert set(row) & set(OCCURRENCE_TERMS) == {"catalogNumber", "eventDate", "locality"}


def test_types_of_parquet_do_not_depend_on_the_cells(tmp_path: Path) -> None:
    write(tmp_path / "found.parquet", FAILED)
    schema = pl.read_parquet_schema(tmp_path / "found.parquet")
    expected = {name: pl.Float64 if kind is float else pl.String for name, kind in columns(RANKS).items()}
    assert schema == {name: expected[name] for name in schema}
    assert schema["novelty"] == pl.Float64


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_nothing_identified_is_a_table_without_rows(tmp_path: Path, suffix: str) -> None:
    assert write(tmp_path / f"found.{suffix}") == []


def test_probabilities_in_csv_have_six_digits(tmp_path: Path) -> None:
    write(tmp_path / "found.CSV".lower(), NAMED)
    assert ",Chironominae,1.000000,Chironomus,0.980000,Chironomus plumosus,0.500000," in (
        tmp_path / "found.csv"
    ).read_text("utf-8")


@pytest.mark.parametrize(("name", "found"), [("found.xlsx", ".xlsx"), ("found", ""), ("found.json", ".json")])
def test_an_unknown_suffix_is_refused(tmp_path: Path, name: str, found: str) -> None:
    with pytest.raises(DataError, match=rf"{name}: found the suffix '{found}', expected one of .csv, .parquet, .jsonl"):
        write_table(lambda: [NAMED], AGENT, RANKS, tmp_path / name)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_an_interruption_leaves_the_earlier_table(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"found.{suffix}"
    write(out, NAMED)
    before, calls = out.read_bytes(), 0

    def interrupted() -> Iterator[Identification]:
        nonlocal calls
        calls += 1
        yield FAILED
        if calls > 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_table(interrupted, AGENT, RANKS, out)
    assert out.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [out.name]


def test_a_disk_that_refuses(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found.csv: cannot be written \(No such file or directory\); make room"):
        write_table(lambda: [NAMED], AGENT, RANKS, tmp_path / "gone" / "found.csv")


def test_a_frame_has_the_same_cells_without_empty_terms() -> None:
    frame = frame_of([NAMED, FAILED], AGENT, RANKS)
    assert frame.shape[0] == 2
    assert "habitat" not in frame.columns
    assert frame.row(0, named=True) == {name: row_of(NAMED, AGENT, RANKS)[name] for name in frame.columns}


def test_rows_can_be_printed() -> None:
    stream, row = io.StringIO(), row_of(FAILED, AGENT, RANKS)
    write_csv_rows([row], ["file_name", "novelty", "status"], stream)
    assert stream.getvalue() == "file_name,novelty,status\nbad.png,,failed\n"
    assert json_line(row, ["file_name", "novelty"]) == '{"file_name": "bad.png", "novelty": null}\n'


# For spreadsheets

FORMULAS = ("=1+1", "+41 44", "-2", "@SUM(A1)", "\tx", " =1", "\uff1d1")


@pytest.mark.parametrize("cell", FORMULAS)
def test_no_cell_for_a_spreadsheet_is_a_formula(tmp_path: Path, cell: str) -> None:
    odd = NAMED.model_copy(update={"file_names": (f"{cell}.png",), "specimen": cell, "occurrence": {"locality": cell}})
    for name, prefix in (("exact.csv", ""), ("safe.csv", "'")):
        write_table(lambda: [odd], AGENT, RANKS, tmp_path / name, spreadsheet=bool(prefix))
        with (tmp_path / name).open(encoding="utf-8", newline="") as stream:
            (row,) = csv.DictReader(stream)
        assert (row["catalogNumber"], row["locality"]) == (prefix + cell, prefix + cell)


def test_numbers_and_plain_texts_stay_as_they_are_for_a_spreadsheet(tmp_path: Path) -> None:
    for name in ("exact.csv", "safe.csv"):
        write_table(lambda: [NAMED, FAILED], AGENT, RANKS, tmp_path / name, spreadsheet=name == "safe.csv")
    assert (tmp_path / "safe.csv").read_bytes() == (tmp_path / "exact.csv").read_bytes()
