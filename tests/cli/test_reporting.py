"""Tests of the command line: `mentum report` with studies and comparisons."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support.command_line import Command
from support.runs_by_hand import SHOTS, TEST_SHOTS, make_run, store_scores
from support.studies_by_hand import cross_validation, write_audit, write_curve, write_validation


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with two test images."""
    made = make_run(tmp_path / "run", shots=(*SHOTS, *TEST_SHOTS))
    store_scores(made)
    write_validation(tmp_path / "folds", made)
    write_validation(tmp_path / "lakes", made, cross_validation("each locality judged in turn"))
    write_curve(tmp_path / "curve", made)
    write_audit(tmp_path / "audited", made)
    shutil.copytree(made.path, tmp_path / "other")
    return made.path


def test_studies_and_comparisons_are_taken_up(mentum_: Command, run: Path, tmp_path: Path) -> None:
    folders = [word for name in ("folds", "lakes", "curve", "audited") for word in ("--with", tmp_path / name)]
    others = ("--compare", tmp_path / "other", "--compare", tmp_path / "lakes")

    done = mentum_("report", run, *folders, *others)

    assert (done.code, done.out, done.err) == (0, f"{run / 'report.html'}\n", "")
    html = (run / "report.html").read_text(encoding="utf-8")
    for words in (
        "<h3>5 folds by specimen</h3>",
        "<h3>Each locality judged in turn</h3>",
        "This training and “other”",
        "This cross-validation and “lakes”",
        "Shortcuts were found",
        "twice as many as now",
    ):
        assert words in html
    assert {file.name for file in (tmp_path / "audited" / "figures").iterdir()} == {"shortcuts.png", "shortcuts.svg"}


def test_a_folder_of_something_else_is_one_sentence(mentum_: Command, run: Path, tmp_path: Path) -> None:
    done = mentum_("report", run, "--with", tmp_path / "other")

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"mentum: {tmp_path / 'other'}: found none of crossvalidation.json, ")
    assert done.err.count("\n") == 1
    assert not (run / "report.html").exists()
