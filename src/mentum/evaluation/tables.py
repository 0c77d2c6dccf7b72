"""The paper's table as a file."""

from __future__ import annotations

import csv
import io

from mentum.records import Evaluation, ResultRow

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


def result_csv(evaluation: Evaluation) -> str:
    """Write one line per stage, rank and subset as CSV; accuracies and their 95 % intervals in per cent.

    The run, its backbone and its heads stand in every line, so that the tables of several runs can be joined.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    named = (evaluation.run, evaluation.backbone, evaluation.heads)
    writer.writerows([*named, *_cells(row)] for row in evaluation.table)
    return text.getvalue()


def _cells(row: ResultRow) -> list[str | int]:
    percentages = [f"{100 * share:.2f}" for share in (row.accuracy, row.interval.low, row.interval.high)]
    counts = [row.n_misclassified, row.n_images, row.n_specimens]
    return [row.stage, row.rank.value, row.subset, *percentages, row.interval.method, *counts]
