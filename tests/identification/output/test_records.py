"""Tests of records as lines of JSON: what is written comes back, and what is no record is refused with its line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentum.errors import DataError
from mentum.identification import read_records
from mentum.identification.output.darwin_core import Agent
from mentum.identification.output.records import write_records
from mentum.identification.output.tables import write_table
from mentum.records import Candidate, Identification, RankIdentification, Status
from mentum.taxonomy import Rank

ONE = Identification(
    identification_id="urn:uuid:1",
    file_names=("odd, name.png", "Ä\u2028.png"),
    status=Status.UNDETERMINED,
    reason="no rank can be defended",
    date_identified=datetime(2026, 5, 4, 9, 0, tzinfo=UTC),
)

texts = st.text(st.characters(exclude_categories=["Cs"]))
shares = st.floats(0, 1)
identifications = st.builds(
    Identification,
    identification_id=texts,
    file_names=st.lists(texts).map(tuple),
    specimen=st.none() | texts,
    occurrence=st.dictionaries(texts, texts, max_size=3),
    status=st.sampled_from(Status),
    scientific_name=st.none() | texts,
    taxon_rank=st.none() | st.sampled_from(Rank),
    verbatim_identification=st.none() | texts,
    lineage=st.dictionaries(st.sampled_from(Rank), texts, max_size=3),
    ranks=st.lists(
        st.builds(RankIdentification, rank=st.sampled_from(Rank), scientific_name=texts, probability=shares), max_size=3
    ).map(tuple),
    candidates=st.lists(
        st.builds(Candidate, scientific_name=texts, taxon_rank=st.sampled_from(Rank), probability=shares), max_size=3
    ).map(tuple),
    novelty=st.none() | shares,
    reason=texts,
    failure=st.none() | texts,
    date_identified=st.datetimes(timezones=st.just(UTC)),
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(found=st.lists(identifications, max_size=4))
def test_what_is_written_is_read_back(tmp_path: Path, found: list[Identification]) -> None:
    file = tmp_path / "found.jsonl"
    write_records(found, file)
    assert read_records(file) == read_records(str(file)) == found
    assert file.read_bytes().count(b"\n") == len(found)
    assert [each.name for each in tmp_path.iterdir()] == ["found.jsonl"]


def test_blank_lines_are_passed_over(tmp_path: Path) -> None:
    write_records([ONE, ONE], tmp_path / "found.jsonl")
    text = (tmp_path / "found.jsonl").read_text("utf-8").replace("\n", "\n\n")
    (tmp_path / "found.jsonl").write_text(text, "utf-8")
    assert read_records(tmp_path / "found.jsonl") == [ONE, ONE]


LINE = ONE.model_dump_json()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (LINE[:-9], r"found a damaged line, expected a record in JSON; write it again"),
        ("file_name,status", r"found a damaged line, expected a record in JSON"),
        ("binary", r"found a damaged line, expected a record in JSON"),
        ("[" * 100_000, r"found a damaged line, expected a record in JSON"),
        ("{}", r"found no record of an identification \(identification_id: Field required\); write it again with"),
        ("[1]", r"found no record of an identification \(Input should be an object\)"),
        (
            LINE.replace("undetermined", "maybe"),
            r"found no record of an identification \(status: Input should be 'ident",
        ),
        (LINE.replace("{", '{"mood": 1, ', 1), r"found no record of an identification \(mood: Extra inputs"),
    ],
    ids=["cut short", "a table", "binary", "nested", "empty", "a list", "another status", "another field"],
)
def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "found.jsonl"
    file.write_bytes(f"{LINE}\n\n".encode() + (b"\xff" if line == "binary" else line.encode()) + b"\n")
    with pytest.raises(DataError, match=rf"found.jsonl, line 3: {message}"):
        read_records(file)


def test_a_table_is_not_taken_for_records(tmp_path: Path) -> None:
    write_table(lambda: [ONE], Agent("midges 2.0", "hash://sha256/ab"), (Rank.SPECIES,), tmp_path / "found.jsonl")
    message = r"line 1: found a row of a table \(--format table\), expected a record \(--format records\)"
    with pytest.raises(DataError, match=message):
        read_records(tmp_path / "found.jsonl")


@pytest.mark.parametrize(("name", "reason"), [("gone.jsonl", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(DataError, match=rf"cannot be read \({reason}\), expected a file by `mentum identify"):
        read_records(tmp_path / name)


def test_an_interruption_leaves_the_earlier_records(tmp_path: Path) -> None:
    def interrupted() -> Iterator[Any]:
        yield ONE
        raise KeyboardInterrupt

    out = tmp_path / "found.jsonl"
    write_records([ONE], out)
    with pytest.raises(KeyboardInterrupt):
        write_records(interrupted(), out)
    assert read_records(out) == [ONE]
    assert [file.name for file in tmp_path.iterdir()] == ["found.jsonl"]


def test_a_disk_that_refuses(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found.jsonl: cannot be written \(No such file or directory\); make room"):
        write_records([ONE], tmp_path / "gone" / "found.jsonl")
