"""Tests of the table of formats: a format from outside is one line there, and job and command write it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mentum.errors import DataError
from mentum.identification.identifier import Identifier
from mentum.identification.inputs import Inputs
from mentum.identification.job import Job
from mentum.identification.output.formats import FORMATS, Findings, Format
from support.command_line import Command
from support.models_by_hand import GENUS, PLUMOSUS, make_model, write_level


@pytest.fixture
def job(tmp_path: Path) -> Job:
    for number, red in enumerate((PLUMOSUS, GENUS)):
        write_level(tmp_path / "photos" / f"{number}.png", red)
    return Job(Identifier(make_model(tmp_path / "model")), Inputs((tmp_path / "photos",)))


def write_names(found: Findings, out: Path) -> None:
    """The lowest ranks of the model, then a name per line."""
    lines = [f"{found.agent.name}, {len(found.taxonomy.leaves)} taxa, {', '.join(found.ranks)}: {found.about.title}"]
    lines += [each.scientific_name or "-" for each in found]
    out.write_text("\n".join(lines) + "\n", "utf-8")


def test_a_format_from_outside_is_written_by_a_job(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "names", Format(write_names, (".txt",)))

    job.write(str(tmp_path / "found.txt"), "names")

    assert (tmp_path / "found.txt").read_text("utf-8").splitlines() == [
        "midges 2.0, 4 taxa, species, genus, subfamily: Identifications by midges 2.0",
        "Chironomus plumosus",
        "Chironomus",
    ]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["found.txt", "model", "photos"]
    with pytest.raises(DataError, match=r"found.csv: found the suffix '.csv', expected .txt"):
        job.write(tmp_path / "found.csv", "names")


def test_a_format_from_outside_is_written_by_the_command(
    mentum_: Command, released: Path, trained_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, out = sorted((trained_data / "images").iterdir())[0], tmp_path / "found.txt"
    monkeypatch.setitem(FORMATS, "names", Format(write_names))
    done = mentum_("identify", released, image, "--out", out, "--format", "names")
    assert (done.code, done.err) == (0, f"{out}: 1 rows.\n")
    assert re.match(r"drawn4 1\.0\.0, \d taxa, ", out.read_text("utf-8"))


def test_a_format_that_there_is_not(job: Job, mentum_: Command, tmp_path: Path) -> None:
    message = "'names' is not one of 'table', 'megadetector-json', 'camtrap-dp', 'records'."
    with pytest.raises(ValueError, match=re.escape(message)):
        job.write(tmp_path / "found.txt", "names")
    assert job.identifier.model.session.batches == []  # type: ignore[attr-defined]

    done = mentum_("identify", tmp_path, tmp_path, "--format", "names")
    assert done.code == 2
    assert "--format: found 'names', expected one of 'table'" in done.err


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_written_whole(job: Job, tmp_path: Path, name: str) -> None:
    out = tmp_path / f"found{(*FORMATS[name].suffixes, '')[0]}"
    assert job.write(out, name).n_rows == 2
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([out.name, "model", "photos"])
