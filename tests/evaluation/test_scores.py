"""Tests of the table of metrics: the same draws for all, and one more metric that appears everywhere."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from mentum.calibration.cases import Cases
from mentum.cli.display_scores import print_cross_validation, print_evaluation
from mentum.evaluation.cross_validation import CrossValidation, Judged, score
from mentum.evaluation.intervals import accuracy_interval, bootstrap_interval
from mentum.evaluation.metrics import balanced_accuracy, macro_f1, top_k_accuracy
from mentum.evaluation.result_table import result_csv
from mentum.evaluation.results import Evaluation
from mentum.evaluation.scores import METRICS, Metric, Sample, score_sample
from mentum.runs import Run
from mentum.settings import SplitSettings
from mentum.specimens.folds import deal_folds
from mentum.specimens.manifest import SpecimenTable
from mentum.taxonomy import Taxon
from support.report_pages import page_of
from support.runs_by_hand import LINEAGES, SHOTS, make_run, store_scores
from support.studies_by_hand import write_validation

ABOUT = {"design": "2 folds by specimen", "stage": 1, "backbone": "builtin", "seed": 4}


def drawn(n: int, n_taxa: int, seed: int) -> tuple[Sample, NDArray[np.str_]]:
    """Images of a third as many specimens; the last taxon is never labelled."""
    rng = np.random.default_rng(seed)
    y_true, y_prob = rng.integers(0, n_taxa - 1, n), rng.dirichlet(np.ones(n_taxa), n)
    y_prob[np.arange(n), y_true] += 0.4
    return Sample(y_true, y_prob.argmax(axis=1), y_prob), rng.integers(0, n // 3, n).astype(str)


@pytest.mark.parametrize(("n", "n_taxa", "seed"), [(40, 4, 0), (150, 12, 1), (90, 30, 2)])
def test_every_metric_has_the_value_and_interval_that_it_would_have_alone(n: int, n_taxa: int, seed: int) -> None:
    sample, specimens = drawn(n, n_taxa, seed)
    y_true, y_pred, y_prob = sample.y_true, sample.y_pred, sample.y_prob
    found = score_sample(sample, specimens, seed)
    alone = {
        "balanced_accuracy": lambda rows: balanced_accuracy(y_true[rows], y_pred[rows]),
        "macro_f1": lambda rows: macro_f1(y_true[rows], y_pred[rows]),
        "top_3": lambda rows: top_k_accuracy(y_true[rows], y_prob[rows], 3),
    }
    assert list(found) == ["accuracy", *alone]
    assert found["accuracy"].interval == accuracy_interval(y_true == y_pred, specimens, seed)
    for name, measure in alone.items():
        assert found[name].value == measure(np.arange(n))
        assert found[name].interval == bootstrap_interval(measure, specimens, seed)


def test_top_3_of_three_taxa_says_nothing() -> None:
    sample, specimens = drawn(30, 3, 0)
    found = score_sample(sample, specimens, 0)
    assert [name for name, each in found.items() if each is None] == ["top_3"]


def test_a_metric_that_is_undefined_has_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METRICS, "never", Metric("never", "Never", "never", lambda _: float("nan")))
    sample, specimens = drawn(30, 5, 0)
    assert score_sample(sample, specimens, 0)["never"] is None


def test_a_mean_over_images_may_be_given_by_image(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Brier score, as values and as a number: the same in each draw but for rounding."""

    def by_image(sample: Sample) -> NDArray[np.float64]:
        return np.square(sample.y_prob - np.eye(sample.n_taxa)[sample.y_true]).sum(axis=1)

    monkeypatch.setitem(METRICS, "values", Metric("values", "Brier", "Brier", by_image))
    monkeypatch.setitem(METRICS, "number", Metric("number", "Brier", "Brier", lambda sample: by_image(sample).mean()))
    found = score_sample(*drawn(60, 5, 3), 3)
    values, number = found["values"], found["number"]
    assert values.value == pytest.approx(number.value)
    assert (values.interval.low, values.interval.high) == pytest.approx((number.interval.low, number.interval.high))
    assert values.interval.low < values.value < values.interval.high


# One more metric, written here and nowhere else


def kappa(sample: Sample) -> float:
    """Cohen's kappa from the confusion matrix."""
    shares = sample.counts / sample.counts.sum()
    chance = float(shares.sum(axis=0) @ shares.sum(axis=1))
    return float((np.trace(shares) - chance) / (1 - chance)) if chance < 1 else float("nan")


@pytest.fixture
def with_kappa(monkeypatch: pytest.MonkeyPatch) -> None:
    metric = Metric("kappa", "Cohen\u2019s kappa", "kappa", kappa, "Kappa corrects for chance.")
    monkeypatch.setitem(METRICS, metric.name, metric)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path / "run")


EXPECTED = cohen_kappa_score([1, 1, 2, 2, 3, 0], [1, 0, 2, 3, 3, 0])
"""Of the run's validation images at species rank, stage 2."""


def judged_by_hand() -> Judged:
    """Two folds over four times the images of the run by hand that are named to a leaf, as stage 2 identifies them."""
    shots = [shot for shot in SHOTS if shot.label != "Chironomus"] * 4
    taxa = [Taxon(tuple(LINEAGES[shot.label].items())) for shot in shots]
    specimens = [f"{shot.specimen} {place // 10}" for place, shot in enumerate(shots)]
    columns = {"file_name": [f"{row}.png" for row in range(len(shots))], "specimen": specimens}
    frame = pl.DataFrame({**columns, "scientificName": [shot.label for shot in shots]})
    table = SpecimenTable(Path("table.csv"), Path(), frame, tuple(taxa), True, ())
    folds = deal_folds(table, 2, SplitSettings(policy="random", validation=0.25, test=0.0), 0)
    names = [leaf.name for leaf in table.taxonomy.leaves]
    y_prob = np.array([[0.7 if name == shot.leaf else 0.1 for name in names] for shot in shots])
    cases = Cases("held-out", table.taxonomy, table.specimens, taxa, {"tree": np.log(y_prob)})
    fold_of = np.argmax([fold.subsets == "test" for fold in folds], axis=0)
    return Judged(table, folds, np.arange(len(shots)), fold_of, np.zeros(len(shots), dtype=bool), cases)


@pytest.mark.usefixtures("with_kappa")
def test_one_more_metric_is_in_json_csv_and_terminal_of_evaluate(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    evaluation = store_scores(run)
    where = ("fine-tuned", "species", "validation")

    stored = json.loads(run.evaluation_file.read_text(encoding="utf-8"))
    (row,) = [each for each in stored["table"] if (each["stage"], each["rank"], each["subset"]) == where]
    assert row["scores"]["kappa"]["value"] == pytest.approx(EXPECTED)
    low, high = (row["scores"]["kappa"]["interval"][end] for end in ("low", "high"))
    assert low < EXPECTED < high
    (line,) = [
        each for each in csv.DictReader(result_csv(evaluation).splitlines())
        if (each["stage"], each["rank"], each["subset"]) == where
    ]  # fmt: skip
    assert list(line)[-3:] == ["kappa", "kappa_low", "kappa_high"]
    assert (line["kappa"], line["kappa_low"], line["kappa_high"]) == (f"{EXPECTED:.4f}", f"{low:.4f}", f"{high:.4f}")
    print_evaluation(evaluation)
    printed = capsys.readouterr().out
    assert "kappa %" in printed
    tables = printed[printed.index("top classifier") : printed.index("validation: image")]
    assert max(map(len, tables.splitlines())) <= 80


@pytest.mark.usefixtures("with_kappa")
def test_one_more_metric_is_in_json_and_terminal_of_crossvalidate(capsys: pytest.CaptureFixture[str]) -> None:
    found = score(judged_by_hand(), ABOUT)
    species = json.loads(found.model_dump_json())["ranks"][0]
    shots = [shot for shot in SHOTS if shot.label != "Chironomus"]
    expected = cohen_kappa_score([shot.label for shot in shots], [shot.leaf for shot in shots])
    assert species["kappa"]["value"] == pytest.approx(expected)
    assert list(species)[-5:] == ["accuracy", "balanced_accuracy", "macro_f1", "top_3", "kappa"]
    assert CrossValidation.model_validate_json(found.model_dump_json()) == found
    print_cross_validation(found)
    assert f"{100 * expected:.1f}" in capsys.readouterr().out


@pytest.mark.usefixtures("with_kappa")
def test_one_more_metric_is_in_both_tables_of_the_report(run: Run) -> None:
    store_scores(run)
    write_validation(run.path / "crossvalidation", run, score(judged_by_hand(), ABOUT))
    text = page_of(run).text
    assert text.count("Cohen\u2019s kappa") == text.count("Kappa corrects for chance.") == 2
    assert f"{100 * EXPECTED:.1f}" in text


# Files of before


def test_files_from_before_a_metric_can_be_read_and_shown(run: Run, request: pytest.FixtureRequest) -> None:
    found = score(judged_by_hand(), ABOUT)
    write_validation(run.path / "crossvalidation", run, found)
    store_scores(run)
    stored = json.loads(run.evaluation_file.read_text(encoding="utf-8"))
    for row in stored["table"]:
        del row["scores"]
    run.evaluation_file.write_text(json.dumps(stored), encoding="utf-8")
    old = Evaluation.read(run.evaluation_file)
    assert {tuple(row.scores) for row in old.table} == {()}
    before = page_of(run).text
    assert before.count("Balanced accuracy") == 2  # heading and caption of the cross-validation
    request.getfixturevalue("with_kappa")
    assert page_of(run).text.count("Cohen\u2019s kappa") == 1
    assert result_csv(old).splitlines()[1].endswith("," * 12)
