"""Tests of the studies that a report takes up: which are found, which are refused."""

from __future__ import annotations

import pytest

from mentum.errors import RunError
from mentum.reporting.report.studies import find_studies, unlike
from mentum.runs import Run
from mentum.settings import load_settings
from mentum.studies import Study
from support.runs_by_hand import make_run
from support.studies_by_hand import audit, cross_validation, write_audit, write_curve, write_study, write_validation


@pytest.fixture
def run(tmp_path) -> Run:
    return make_run(tmp_path / "run")


def test_a_run_without_studies_has_none(run):
    found = find_studies(run)

    assert (found.cross_validations, found.curve, found.audit, found.every) == ((), None, None, ())


def test_studies_in_the_folder_of_the_run_are_found_by_themselves(run):
    write_validation(run.path / "crossvalidation", run)
    write_curve(run.path / "learning-curve", run)
    write_audit(run.path / "audit", run)
    write_audit(run.path / "elsewhere", run)

    assert [(each.name, each.file) for each in find_studies(run).every] == [
        ("crossvalidation", "crossvalidation.json"),
        ("learning-curve", "learning_curve.json"),
        ("audit", "audit.json"),
    ]


def test_an_unfinished_study_is_not_there_yet(run):
    write_study(run.path / "audit", run, "audit")

    assert find_studies(run).audit is None


def test_cross_validations_stand_beside_one_another_that_of_the_run_first(run, tmp_path):
    own = write_validation(run.path / "crossvalidation", run)
    lakes = write_validation(tmp_path / "lakes", run, cross_validation("each locality judged in turn"))

    found = find_studies(run, [lakes, own / ".." / "crossvalidation", lakes])

    assert [each.record.design for each in found.cross_validations] == [
        "each locality judged in turn",
        "5 folds by specimen",
    ]
    assert [each.record.design for each in find_studies(run, [lakes]).cross_validations] == [
        "5 folds by specimen",
        "each locality judged in turn",
    ]


def test_an_audit_that_is_given_takes_the_place_of_the_one_in_the_run(run, tmp_path):
    write_audit(run.path / "audit", run)
    given = write_audit(tmp_path / "given", run, audit(run, accuracy=0.99))

    found = find_studies(run, [given]).audit

    assert found is not None
    assert (found.name, found.record.accuracy) == ("given", 0.99)


@pytest.mark.parametrize("write", [write_audit, write_curve])
def test_two_given_of_a_kind_that_a_report_has_once_are_refused(run, tmp_path, write):
    folders = [write(tmp_path / name, run) for name in ("one", "two")]

    with pytest.raises(RunError, match=r"one, .*two: found \w+\.json in both, expected one such folder; give one"):
        find_studies(run, folders)


def test_a_folder_of_something_else_is_refused(run, tmp_path):
    with pytest.raises(RunError, match=r"found none of crossvalidation.json, .*json, expected .*; give its --out"):
        find_studies(run, [tmp_path])


def test_a_study_of_other_images_is_refused(run, tmp_path):
    folder = write_audit(tmp_path / "audit", run)
    write_study(folder, run, "audit", content_hash="9" * 64)

    with pytest.raises(
        RunError,
        match=r"audit: is of other images than the training in .*run \(content hash 9{12}, expected 1{12}\); run "
        r"`mentum audit` on the images of the training, or leave this folder out\.$",
    ):
        find_studies(run, [folder])


def test_a_result_without_what_it_is_of_is_refused(run, tmp_path):
    folder = write_curve(tmp_path / "curve", run)
    (folder / "study.json").unlink()

    with pytest.raises(RunError, match=r"found learning_curve.json without study.json, .*run `mentum learning-curve`"):
        find_studies(run, [folder])


@pytest.mark.parametrize("name", ["audit.json", "study.json"])
def test_a_damaged_file_is_refused(run, tmp_path, name):
    folder = write_audit(tmp_path / "audit", run)
    (folder / name).write_text("{}", encoding="utf-8")

    with pytest.raises(
        RunError, match=rf"{name}: not readable by this version of Mentum \(.*\); run `mentum audit` again"
    ):
        find_studies(run, [folder])


def study(stage: int, *overrides: str) -> Study:
    return Study.model_validate(
        {
            "mentum": "0", "design": "", "stage": stage, "settings": load_settings("default", list(overrides)),
            "table_hash": "", "content_hash": "", "command": "",
        }
    )  # fmt: skip


def test_other_settings_are_told_where_they_are_used():
    settings = load_settings("default")

    assert unlike(study(1), settings) is None
    assert unlike(study(1, "stage2.epochs=1", "split.test=0.5"), settings) is None
    assert "stage2.epochs: 1 / " in str(unlike(study(2, "stage2.epochs=1"), settings))
