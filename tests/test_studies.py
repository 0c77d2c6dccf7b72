"""Tests of the folder of a cross-validation: begun, gone on with, refused with the reason."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mentum.errors import RunError
from mentum.studies import STUDY_FILE, Study, begin_study, read_study
from support.drawn_data import tiny_settings


def study(*overrides: str, **changes: object) -> Study:
    values = {
        "mentum": "1.0", "design": "5 folds by specimen", "stage": 2, "settings": tiny_settings(*overrides),
        "table_hash": "0" * 64, "content_hash": "1" * 64, "command": "mentum crossvalidate data --out study",
    }  # fmt: skip
    return Study.model_validate(values | changes)


# Begun


@pytest.mark.parametrize("there", [True, False])
def test_a_new_or_empty_folder_is_taken(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "some" / "study"
    if there:
        folder.mkdir(parents=True)
    begin_study(folder, study())
    assert [file.name for file in folder.iterdir()] == [STUDY_FILE]
    assert read_study(folder) == study()
    assert json.loads((folder / STUDY_FILE).read_text(encoding="utf-8"))["schema_version"] == 1


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(
        RunError, match=rf"^{re.escape(str(tmp_path))}: found other files, expected a new or empty folder; give another"
    ):
        begin_study(tmp_path, study())
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study").write_text("mine")
    with pytest.raises(RunError, match="found other files, expected a new or empty folder"):
        begin_study(tmp_path / "study", study())
    assert (tmp_path / "study").read_text() == "mine"


# Gone on with


def test_the_same_study_goes_on_whatever_has_been_made_of_it(tmp_path: Path) -> None:
    begin_study(tmp_path, study())
    (tmp_path / "folds").mkdir()
    (tmp_path / "folds" / "1.parquet").write_bytes(b"")
    before = (tmp_path / STUDY_FILE).read_bytes()
    begin_study(tmp_path, study(mentum="1.1", command="mentum crossvalidate data --out study --jobs 2"))
    assert (tmp_path / STUDY_FILE).read_bytes() == before


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (study("stage2.epochs=7"), "stage2.epochs: 3 / 7"),
        (study("seed=5", "split.validation=0.3"), "seed: 0 / 5; split.validation: 0.2 / 0.3"),
        (study(design="each locality judged in turn"), "design"),
        (study(stage=1), "stage"),
        (study(table_hash="2" * 64), "the images or the specimen table"),
        (study(content_hash="2" * 64), "the images or the specimen table"),
        (study("stage1.epochs=9", design="3 folds", stage=1), "stage1.epochs: 4 / 9; design; stage"),
    ],
    ids=["a setting", "two settings", "design", "stage", "table", "images", "several"],
)
def test_another_study_is_refused_with_every_difference(tmp_path: Path, other: Study, reason: str) -> None:
    begin_study(tmp_path, study())
    with pytest.raises(RunError) as caught:
        begin_study(tmp_path, other)
    assert str(caught.value) == (
        f"{tmp_path}: holds an earlier study that differs in {reason}; give the same command to go on with it, or "
        "another --out."
    )
    assert read_study(tmp_path) == study()


# Read


def test_a_study_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        study().stage = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.unlink(),
        lambda file: file.write_text("{"),
        lambda file: file.write_text("{}"),
        lambda file: file.write_bytes(b"\xff\xfe\x00"),
        lambda file: file.write_text(file.read_text().replace('"schema_version": 1', '"schema_version": 2')),
        lambda file: file.write_text(file.read_text().replace('"stage": 2', '"stage": 3')),
        lambda file: (file.unlink(), file.mkdir()),
    ],
    ids=["gone", "half", "empty", "bytes", "version", "stage", "folder"],
)
def test_a_folder_without_a_readable_study_is_refused(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    begin_study(tmp_path, study())
    spoil(tmp_path / STUDY_FILE)
    with pytest.raises(
        RunError,
        match=rf"^{re.escape(str(tmp_path))}: holds no cross-validation of this version of Mentum; give the --out of "
        r"`mentum crossvalidate`\.$",
    ):
        read_study(tmp_path)


def test_a_damaged_study_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / STUDY_FILE).write_text("{")
    with pytest.raises(RunError, match="holds no cross-validation of this version"):
        begin_study(tmp_path, study())
    assert (tmp_path / STUDY_FILE).read_text() == "{"
