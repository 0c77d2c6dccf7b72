"""Tests of the command line: `mentum audit` and `mentum learning-curve` on tiny drawn sets."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from command_line import Command
from mentum.evaluation.audit.audit import Audit


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in which no sentence breaks."""
    monkeypatch.setenv("COLUMNS", "160")


def test_a_training_is_audited_with_its_split(mentum_: Command, trained_run: Path, tmp_path: Path) -> None:
    done = mentum_("audit", trained_run, "--out", tmp_path / "audit", "--cache", tmp_path, "--log", "quiet")

    assert (done.code, done.err) == (0, "")
    assert "What tells the taxon without the specimen" in done.out
    assert "Near-duplicates: " in done.out
    found = Audit.read(tmp_path / "audit" / "audit.json")
    assert (found.n_images, found.n_specimens, found.backbone) == (20, 20, "builtin")  # the training's is random
    assert {each.image.subset for each in found.suspects} <= {"train", "validation"}
    with Image.open(tmp_path / "audit" / "figures" / "suspects.png") as sheet:
        assert sheet.width > 700


def test_a_data_set_is_audited_again_from_what_is_kept(mentum_: Command, trained_data: Path, tmp_path: Path) -> None:
    options = (trained_data, "--out", tmp_path / "audit", "--cache", tmp_path, "--log", "quiet", "--json")
    first, again = mentum_("audit", *options), mentum_("audit", *options)

    assert (first.code, again) == (0, first)
    assert (
        json.loads(first.out)["duplicates"] == json.loads((tmp_path / "audit" / "audit.json").read_text())["duplicates"]
    )


def test_other_images_than_those_of_the_training_are_refused(
    mentum_: Command, trained_run: Path, trained_data: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained_data, tmp_path / "data")
    file = next(file for file in (tmp_path / "data").rglob("*") if file.suffix in {".png", ".jpg"})
    with Image.open(file) as image:
        image.transpose(Image.Transpose.ROTATE_180).save(file)
    moved = ("--data", tmp_path / "data", "--cache", tmp_path / "cache", "--log", "quiet")

    done = mentum_("audit", trained_run, "--out", tmp_path / "audit", *moved)

    assert done.code == 2
    assert "the images are not those that" in done.err
    assert not (tmp_path / "audit").exists()


def test_an_audit_takes_no_folder_of_something_else(mentum_: Command, trained_data: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    done = mentum_("audit", trained_data, "--out", tmp_path, "--cache", trained_data.parent / "cache", "--log", "quiet")

    assert done.code == 2
    assert done.err == f"mentum: {tmp_path}: found other files, expected a new or empty folder; give another --out.\n"


def test_a_learning_curve_is_printed_and_drawn(mentum_: Command, trained_data: Path, tmp_path: Path) -> None:
    options = (trained_data, "--out", tmp_path / "curve", "--folds", 2, "--recipe", "quick", "--backbone", "builtin")

    done = mentum_("learning-curve", *options, "--set", "stage1.epochs=3", "--cache", tmp_path, "--log", "quiet")

    assert (done.code, done.err) == (0, "")
    assert "Too few specimens per taxon to foretell" in done.out
    points = json.loads((tmp_path / "curve" / "learning_curve.json").read_text())["points"]
    assert [point["per_taxon"] for point in points] == sorted(point["per_taxon"] for point in points)
    assert {file.suffix for file in (tmp_path / "curve" / "figures").iterdir()} == {".png", ".svg"}


def test_two_runs_are_compared(mentum_: Command, trained_run: Path, separate_run: Path) -> None:
    done = mentum_("compare", trained_run, separate_run)

    assert (done.code, done.err) == (0, "")
    assert "McNemar's exact test, by image" in done.out
    assert "a: validation images, which chose the epoch" in done.out
    same = json.loads(mentum_("compare", trained_run, trained_run, "--json").out)
    assert {
        (row["comparison"]["difference"], row["comparison"]["mcnemar_p"], row["better"]) for row in same["ranks"]
    } == {(0.0, 1.0, None)}


def test_what_is_no_training_cannot_be_compared(mentum_: Command, trained_run: Path, tmp_path: Path) -> None:
    done = mentum_("compare", trained_run, tmp_path)

    assert done.code == 2
    assert "found no run.json, expected a training" in done.err
