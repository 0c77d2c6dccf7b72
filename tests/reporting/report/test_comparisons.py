"""Tests of comparisons within a report: what is compared, and which is said to be better."""

from __future__ import annotations

import pytest

from mentum.errors import RunError
from mentum.reporting.report.sections.comparisons import compare_all
from mentum.reporting.report.studies import Studies, find_studies
from mentum.runs import Run
from support.report_pages import page_of
from support.runs_by_hand import SHOTS, TEST_SHOTS, make_run, store_scores
from support.studies_by_hand import cross_validation, write_study, write_validation


@pytest.fixture
def run(tmp_path) -> Run:
    """A run with two test images, one of them right."""
    run = make_run(tmp_path / "run", shots=(*SHOTS, *TEST_SHOTS))
    store_scores(run)
    return run


def test_two_trainings_are_compared_on_the_test_images(run, tmp_path):
    other = make_run(tmp_path / "separate", heads="separate", shots=(*SHOTS, *TEST_SHOTS))

    (found,) = compare_all(run, Studies(), [other.path])

    assert (found.one, found.design, found.other) == ("this training", None, "\u201cseparate\u201d")
    assert [row.rank for row in found.ranks] == ["species", "genus", "subfamily"]
    assert found.ranks[0].comparison.n_images == 2
    assert found.verdict == (
        "At species, genus and subfamily rank no difference could be shown, which does not prove that there is none."
    )


def test_without_a_cross_validation_in_the_report_the_training_is_compared_with_one(run, tmp_path):
    other = write_validation(tmp_path / "folds", run)

    (found,) = compare_all(run, find_studies(run), [other])

    assert (found.one, found.ranks[0].comparison.n_images) == ("this training", 2)
    assert found.notes == ("\u201cfolds\u201d: 12 held-out images are not held out by the other and were left out.",)


def test_cross_validations_are_compared_on_all_images_the_better_is_named(run, tmp_path):
    write_validation(run.path / "crossvalidation", run, right=False)
    lakes = write_validation(tmp_path / "lakes", run, cross_validation("each locality judged in turn"), right=False)
    other = write_validation(tmp_path / "folds", run, cross_validation("each locality judged in turn"))

    studies = find_studies(run, [lakes])
    same_design, other_design = compare_all(run, studies, [other, lakes])

    assert (same_design.one, same_design.design) == ("this cross-validation", "each locality judged in turn")
    assert same_design.ranks[0].comparison.n_images == 14
    assert same_design.verdict == "At species rank, \u201cfolds\u201d is better."
    assert other_design.design == "5 folds by specimen"  # never with itself


def test_the_report_shows_the_comparison(run, tmp_path):
    write_validation(run.path / "crossvalidation", run)
    other = write_validation(tmp_path / "worse", run, right=False)
    text = page_of(run, others=[other]).text

    assert "This cross-validation and \u201cworse\u201d (5 folds by specimen)" in text
    assert "At species rank, this cross-validation is better." in text
    assert "species14 of 12 specimens1000\u2212100.0 \u2212100.0 to \u2212100.012, 0< 0.001" in text
    assert "compared: \u201cworse\u201dmentum study worse" in text


def test_folders_of_the_same_name_are_told_apart(run, tmp_path):
    other = make_run(tmp_path / "before" / "run", shots=(*SHOTS, *TEST_SHOTS))

    assert compare_all(run, Studies(), [other.path])[0].other == "\u201cbefore/run\u201d"


def test_another_set_of_images_is_a_caution(run, tmp_path):
    other = write_validation(tmp_path / "folds", run)
    write_study(other, run, "5 folds by specimen", content_hash="9" * 64)

    notes = compare_all(run, find_studies(run), [other])[0].notes

    assert notes[0].startswith("The two data sets hold other images. Images of the same file name were taken")


def test_what_is_neither_is_refused(run, tmp_path):
    with pytest.raises(RunError, match=r"found no run.json, expected a training"):
        compare_all(run, Studies(), [tmp_path])
