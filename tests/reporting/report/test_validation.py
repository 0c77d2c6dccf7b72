"""Tests of what a report says of cross-validations and of the learning curve."""

from __future__ import annotations

import shutil

import pytest

from mentum.evaluation.cross_validation import FoldScores
from mentum.reporting.report.page import write_report
from mentum.reporting.report.sections.cross_validation import MOST_FOLDS
from mentum.reporting.report.sections.specimens import curve_sentences
from mentum.runs import Run
from mentum.taxonomy import Rank
from support.report_pages import page_of
from support.runs_by_hand import SHOTS, TEST_SHOTS, make_run, store_scores
from support.studies_by_hand import cross_validation, estimate, learning_curve, write_curve, write_validation


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """A run with a cross-validation, two with another one, and a learning curve."""
    run = make_run(tmp_path_factory.mktemp("studied") / "run", shots=(*SHOTS, *TEST_SHOTS))
    store_scores(run)
    write_validation(run.path / "crossvalidation", run)
    write_curve(run.path / "learning-curve", run)
    return run


@pytest.fixture(scope="module")
def lakes(run):
    found = cross_validation("each locality judged in turn", stage=2, unseen=(), tree=None)
    return write_validation(run.path.parent / "lakes", run, found)


@pytest.fixture(scope="module")
def page(run, lakes):
    return page_of(run, studies=[lakes])


def test_each_cross_validation_stands_under_its_design(page):
    text = page.text

    assert text.index("5 folds by specimen The top classifier alone was trained for each fold") < text.index(
        "Each locality judged in turn Both stages were trained anew for each fold (builtin)"
    )
    assert "Each of 14 images of 11 specimens was judged once, by networks that did not see its specimen." in text


def test_scores_stand_with_their_intervals_by_image_and_by_specimen(page):
    assert "species3 of 14 images of 11 specimens78.6 68.6-88.670.0 60.0-80.060.0 50.0-70.0100 no spread" in page.text
    assert "By specimen, whose images are combinedspecies2 of 11 specimens81.8 71.8-91.8" in page.text.replace(
        "ed s", "eds"
    )


def test_scores_along_the_tree_and_unseen_taxa_are_said(page):
    for words in (
        "precision 80.0 % (70.0-90.0 %), recall 75.0 %",
        "A mistake meets its label 1.50 (1.40-1.60) ranks further up on average.",
        "Fold north: Orthocladius (2 images) is not in its training, so that these count as wrong.",
    ):
        assert page.text.count(words) == 1


def test_folds_are_listed_and_their_range_told(page):
    assert "accuracy at species rank ranges from 65.0 % (fold south) to 90.0 % (fold north)" in page.text
    assert "north627590.0-" in page.text


def test_of_many_folds_the_weakest_are_listed(tmp_path):
    run = make_run(tmp_path / "run")
    store_scores(run)
    folds = tuple(
        FoldScores(
            name=f"lake {number}", n_train=6, n_validation=2, n_images=1, n_specimens=1,
            accuracies={Rank.SPECIES: number / 100 if number else None},
        )
        for number in range(60)
    )  # fmt: skip
    write_validation(run.path / "crossvalidation", run, cross_validation(folds=folds))
    text = page_of(run).text

    assert f"The {MOST_FOLDS} weakest of 60 folds" in text
    assert "lake 24" in text
    assert "lake 25" not in text
    assert "lake 0" not in text  # could not be judged


def test_summary_gives_the_cross_validated_accuracies(page):
    text = page.text[: page.text.index("Accuracy Images identified")]

    assert (
        "In cross-validation (5 folds by specimen), the top classifier identified 78.6 % of 14 images of 11 specimens "
        "correctly at species rank (95 % interval 68.6-88.6 %)."
    ) in text
    assert "In cross-validation (each locality judged in turn), the recipe identified 78.6 %" in text


def test_the_learning_curve_is_drawn_told_and_listed(page, run):
    assert [attrs["aria-label"] for attrs in page.tags("svg")].count("Accuracy against specimens per taxon") == 1
    assert {file.name for file in (run.path / "learning-curve" / "figures").iterdir()} == {
        "learning_curve.png",
        "learning_curve.svg",
    }
    assert (
        "With 16 specimens per taxon to learn from, twice as many as now, about 85.0 % (75.0-95.0 %) at species rank"
    ) in page.text
    assert "With 32 specimens per taxon to learn from, four times as many as now, about 90.0 %" in page.text
    assert "which holds if the specimens to come are like these" in page.text
    assert "8.03280.0 70.0-90.0 16.0 (predicted)-85.0 75.0-95.0" in page.text


def test_an_uncertain_gain_is_called_so():
    curve = learning_curve()
    higher = curve.forecasts[0].model_copy(update={"accuracy": estimate(0.9, 0.85, 0.95)})
    certain = curve.model_copy(update={"forecasts": (higher,)})

    assert curve_sentences(curve)[-1] == (
        "At species rank the interval holds what is reached now, so that a gain is not certain."
    )
    assert len(curve_sentences(certain)) == 1


def test_too_few_steps_predict_nothing():
    assert curve_sentences(learning_curve(3, predicted=False)) == [
        "What more specimens would bring cannot be predicted: that takes 4 steps of ever more specimens per taxon, and "
        "there are 3."
    ]


def test_other_settings_than_those_of_the_training_are_named(tmp_path, run):
    copy = Run(shutil.copytree(run.path, tmp_path / "run"))
    changed = copy.record().settings.stage1.model_copy(update={"epochs": 99})
    copy.update(settings=copy.record().settings.model_copy(update={"stage1": changed}))
    text = page_of(copy).text

    assert text.count("Settings that differ from the training\u2019s (here / there): stage1.epochs: ") == 2


def test_provenance_names_every_study_with_its_command(page):
    for name in ("crossvalidation", "lakes", "learning-curve"):
        assert f"{name}mentum study {name} (Mentum 0.1.0)" in page.text
    assert "lakes/crossvalidation.json" in page.text


def test_the_same_folders_give_the_same_bytes(run, lakes, tmp_path, monkeypatch):
    first = write_report(run, tmp_path / "one.html", studies=[lakes]).read_bytes()
    monkeypatch.chdir(run.path.parent)
    second = write_report(Run(run.path.relative_to(run.path.parent)), tmp_path / "two.html", studies=[lakes])

    assert second.read_bytes() == first
