"""The paper's table: score every stage of a run at every rank, and list what was identified wrongly."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mentum.evaluation.metrics import confused_pairs, confusion_matrix, n_misclassified, precision_recall_f1, tally
from mentum.evaluation.notes import write_notes
from mentum.evaluation.results import (
    LARGEST_MATRIX,
    Confusion,
    Estimate,
    Evaluation,
    Misclassified,
    ResultRow,
    TaxonScore,
)
from mentum.evaluation.scores import ACCURACY, Sample, other_metrics, score_sample
from mentum.runs import Run, StagePredictions
from mentum.taxonomy import Rank, Taxon, Taxonomy

SUBSETS = ("train", "validation", "test")
"""Order of the subsets in every table."""

_COLUMNS = (
    "run",
    "backbone",
    "heads",
    "stage",
    "rank",
    "subset",
    "accuracy_percent",
    "low_percent",
    "high_percent",
    "interval",
    "n_misclassified",
    "n_images",
    "n_specimens",
)


@dataclass(frozen=True)
class _Sample:
    """The images of one subset whose labels reach one rank, with what one stage says of them.

    Attributes:
        taxa: the C taxa at `rank`; `titles` their names in tables, `answers` (C,) bool those that are an answer there.
        images: (n,) int, places in the arrays of `predictions`.
        y_true: (n,) int, columns of the labels; likewise `y_pred` of the identifications.
    """

    predictions: StagePredictions
    rank: Rank
    subset: str
    taxa: tuple[Taxon, ...]
    titles: tuple[str, ...]
    answers: NDArray[np.bool_]
    images: NDArray[np.int64]
    y_true: NDArray[np.int64]
    y_pred: NDArray[np.int64]

    @property
    def stage(self) -> str:
        """Name of the stage."""
        return self.predictions.stage


def score_run(run: Run) -> Evaluation:
    """Score a run's predictions.

    Images whose label does not reach a rank are left out at that rank; a rank and subset without images has no row.
    Everything is ordered by stage, rank (lowest first) and subset.

    Raises:
        RunError: if the run's record cannot be read.
    """
    record, taxonomy = run.record(), run.taxonomy()
    stages = list(run.predictions())
    samples = [sample for stage in stages for sample in _samples(stage, taxonomy, record.ranks)]
    return Evaluation(
        run=run.path.resolve().name,
        backbone=record.backbone.source if record.backbone else record.settings.backbone.source,
        heads=record.settings.head.kind,
        seed=record.settings.seed,
        table=tuple(_result_row(sample, record.settings.seed) for sample in samples),
        taxa=tuple(score for sample in samples for score in _taxon_scores(sample)),
        confusions=tuple(_confusion(sample) for sample in samples),
        misclassified=tuple(image for sample in samples for image in _misclassified(sample)),
        notes=tuple(write_notes(record, taxonomy, stages)),
    )


def _samples(stage: StagePredictions, taxonomy: Taxonomy, ranks: tuple[Rank, ...]) -> Iterator[_Sample]:
    for rank in ranks:
        taxa, answers = taxonomy.taxa(rank), ~taxonomy.open_columns(rank)
        titles = tuple(taxonomy.title(taxon, rank) for taxon in taxa)
        column_of = {label: taxonomy.truth(label, rank) for label in set(stage.labels)}
        y_true = np.array([column_of[label] for label in stage.labels], dtype=np.int64)
        y_pred = stage.probabilities[rank].argmax(axis=1)
        for subset in SUBSETS:
            images = np.flatnonzero((stage.subsets == subset) & (y_true >= 0))
            if len(images):
                yield _Sample(stage, rank, subset, taxa, titles, answers, images, y_true[images], y_pred[images])


def _result_row(sample: _Sample, seed: int) -> ResultRow:
    specimens = sample.predictions.specimens[sample.images]
    y_prob = sample.predictions.probabilities[sample.rank][sample.images]
    scores = score_sample(Sample(sample.y_true, sample.y_pred, y_prob, answers=sample.answers), specimens, seed)
    accuracy = scores.pop(ACCURACY)
    assert accuracy is not None  # it is defined wherever there is an image
    return ResultRow(
        stage=sample.stage,
        rank=sample.rank,
        subset=sample.subset,
        accuracy=accuracy.value,
        n_misclassified=n_misclassified(sample.y_true, sample.y_pred),
        n_images=len(sample.images),
        n_specimens=len(np.unique(specimens)),
        interval=accuracy.interval,
        scores=scores,
    )


def _taxon_scores(sample: _Sample) -> Iterator[TaxonScore]:
    found = tally(sample.y_true, sample.y_pred, len(sample.taxa))
    precision, recall, f1 = precision_recall_f1(found)
    for column in np.flatnonzero(sample.answers).tolist():
        yield TaxonScore(
            stage=sample.stage,
            rank=sample.rank,
            subset=sample.subset,
            scientific_name=sample.titles[column],
            precision=float(precision[column]),
            recall=float(recall[column]),
            f1=float(f1[column]),
            n_images=int(found.labelled[column]),
        )


def _confusion(sample: _Sample) -> Confusion:
    is_small = len(sample.taxa) <= LARGEST_MATRIX
    images = sample.y_true, sample.y_pred, len(sample.taxa)
    return Confusion(
        stage=sample.stage,
        rank=sample.rank,
        subset=sample.subset,
        labels=sample.titles,
        label_ranks=tuple(taxon.rank for taxon in sample.taxa),
        counts=tuple(map(tuple, confusion_matrix(*images).tolist())) if is_small else (),
        cells=() if is_small else tuple(map(tuple, confused_pairs(*images).tolist())),
    )


def _misclassified(sample: _Sample) -> list[Misclassified]:
    """The wrong identifications, the most confident first."""
    wrong = np.flatnonzero(sample.y_true != sample.y_pred)
    found = [_misclassified_image(sample, place) for place in wrong.tolist()]
    return sorted(found, key=lambda image: (-image.probability, image.file_name))


def _misclassified_image(sample: _Sample, place: int) -> Misclassified:
    image, label, identified = sample.images[place], sample.y_true[place], sample.y_pred[place]
    y_prob = sample.predictions.probabilities[sample.rank][image]
    return Misclassified(
        stage=sample.stage,
        rank=sample.rank,
        subset=sample.subset,
        file_name=sample.predictions.file_names[image],
        specimen=str(sample.predictions.specimens[image]),
        label=sample.titles[label],
        identified_as=sample.titles[identified],
        probability=float(y_prob[identified]),
        probability_of_label=float(y_prob[label]),
    )


def result_csv(evaluation: Evaluation) -> str:
    """Write one line per stage, rank and subset as CSV; accuracies and their 95 % intervals in per cent.

    The other metrics follow in columns of their own, as numbers, each with its interval; empty where one is not
    defined. The run, its backbone and its heads stand in every line, so that tables of several runs can be joined.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [metric.name for metric in other_metrics()]
    writer.writerow([*_COLUMNS, *(f"{name}{end}" for name in names for end in ("", "_low", "_high"))])
    named = (evaluation.run, evaluation.backbone, evaluation.heads)
    for row in evaluation.table:
        scores = [cell for name in names for cell in _score_cells(row.scores.get(name))]
        writer.writerow([*named, *_cells(row), *scores])
    return text.getvalue()


def _cells(row: ResultRow) -> list[str | int]:
    percentages = [f"{100 * share:.2f}" for share in (row.accuracy, row.interval.low, row.interval.high)]
    counts = [row.n_misclassified, row.n_images, row.n_specimens]
    return [row.stage, row.rank.value, row.subset, *percentages, row.interval.method, *counts]


def _score_cells(found: Estimate | None) -> list[str]:
    if found is None:
        return ["", "", ""]
    return [f"{value:.4f}" for value in (found.value, found.interval.low, found.interval.high)]


@dataclass(frozen=True)
class TaxonLine:
    """Scores of one taxon at one rank, by image; None where one is undefined.

    Attributes:
        own_rank: a taxon that is not named down to the rank stands for itself.
    """

    name: str
    own_rank: Rank
    n_images: int
    precision: float | None
    recall: float | None
    f1: float | None


def taxon_lines(evaluation: Evaluation, row: ResultRow) -> list[TaxonLine]:
    """Scores of every taxon on the images of one row of the table.

    Precision is undefined where no image was given the name, recall where none bears it, F1 where both are.
    """
    key = (row.stage, row.rank, row.subset)
    confusion = next(each for each in evaluation.confusions if (each.stage, each.rank, each.subset) == key)
    scores = [each for each in evaluation.taxa if (each.stage, each.rank, each.subset) == key]
    scored = {each.scientific_name for each in scores}  # what is open at the rank is no taxon there
    columns = [
        (own, answers)
        for name, own, answers in zip(confusion.labels, confusion.label_ranks, confusion.identified, strict=True)
        if name in scored
    ]
    return [
        TaxonLine(
            name=score.scientific_name,
            own_rank=own,
            n_images=score.n_images,
            precision=score.precision if answers else None,
            recall=score.recall if score.n_images else None,
            f1=score.f1 if answers or score.n_images else None,
        )
        for score, (own, answers) in zip(scores, columns, strict=True)
    ]
