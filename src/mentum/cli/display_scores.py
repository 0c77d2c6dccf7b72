"""The scores of a run and of a cross-validation, on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from mentum.cli.console import VisibleConsole
from mentum.cli.display import percent_of
from mentum.evaluation.cross_validation import CrossValidation
from mentum.evaluation.results import Estimate, Evaluation, ResultRow
from mentum.evaluation.scores import METRICS, other_metrics
from mentum.reporting.figures.confusions import undrawn_ranks
from mentum.reporting.numbers import decimals, in_percent, percent_bounds


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the paper's table, the misclassified images and the notes."""
    console = VisibleConsole()
    console.print(f"{evaluation.run}: backbone {evaluation.backbone}, heads {evaluation.heads}", soft_wrap=True)
    for stage in dict.fromkeys(row.stage for row in evaluation.table):
        console.print(_stage_table(stage, [row for row in evaluation.table if row.stage == stage]))
    last = evaluation.table[-1].stage
    if held_out := [row for row in evaluation.table if row.stage == last and row.subset != "train"]:
        console.print(_other_scores(f"{last}, other scores", held_out))
    _print_misclassified(console, evaluation)
    methods = sorted({row.interval.method for row in evaluation.table})
    for note in (f"Intervals: {' and '.join(methods)}.", *evaluation.notes, *_on_undrawn(evaluation)):
        console.print(note)


def _on_undrawn(evaluation: Evaluation) -> Iterator[str]:
    for rank, n in undrawn_ranks(evaluation).items():
        yield (
            f"No confusion matrix of the {n} taxa at {rank} rank is drawn, as their names could not be read; the "
            "report lists the pairs confused most often, and evaluation.json holds all."
        )


def _stage_table(stage: str, rows: list[ResultRow]) -> Table:
    """One stage of the paper's table; narrow enough for 80 columns."""
    table = Table(title=stage, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for name in ("rank", "subset"):
        table.add_column(name, no_wrap=True)
    for name in ("accuracy %", "misclassified", "specimens", "95 % interval"):
        table.add_column(name, justify="right", no_wrap=True)
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        interval = percent_bounds(row.interval, 2, " - ")
        wrong = f"{row.n_misclassified} of {row.n_images}"
        ends = following is not None and following.rank != row.rank
        cells = (in_percent(row.accuracy, 2), wrong, str(row.n_specimens), interval)
        table.add_row(str(row.rank), row.subset, *cells, end_section=ends)
    return table


def _other_scores(title: str, rows: Sequence[ResultRow]) -> Table:
    """All metrics but the accuracy, each with its interval beneath."""
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for name in ("rank", "subset"):
        table.add_column(name, no_wrap=True)
    for metric in other_metrics():
        table.add_column(f"{metric.short} %", justify="right")
    for row in rows:
        cells = (_above_bounds(row.scores.get(metric.name)) for metric in other_metrics())
        table.add_row(str(row.rank), row.subset, *cells)
    return table


def _print_misclassified(console: VisibleConsole, evaluation: Evaluation, shown: int = 20) -> None:
    last, lowest = evaluation.table[-1].stage, evaluation.table[0].rank
    wrong = [
        each for each in evaluation.misclassified
        if each.stage == last and each.rank == lowest and each.subset != "train"
    ]  # fmt: skip
    for each in wrong[:shown]:
        console.print(
            f"{each.subset}: {each.file_name}: {each.label} ({in_percent(each.probability_of_label)} %) identified as "
            f"{each.identified_as} ({in_percent(each.probability)} %)", soft_wrap=True,
        )  # fmt: skip
    if len(wrong) > shown:
        console.print(f"and {len(wrong) - shown} more in evaluation.json")


def print_cross_validation(found: CrossValidation) -> None:
    """Print the scores of a cross-validation, each with its interval."""
    console = VisibleConsole()
    trained = "both stages" if found.stage == 2 else "top classifier on features of the frozen backbone"
    what = f"{found.n_images} images of {found.n_specimens} specimens, {found.design}, {trained}"
    console.print(f"{found.data}: {what}, backbone {found.backbone}", soft_wrap=True)
    table = Table(box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for name in ("rank", "by"):
        table.add_column(name, no_wrap=True)
    for name in ("wrong", *(f"{metric.short} %" for metric in METRICS.values())):
        table.add_column(name, justify="right")
    for row in found.ranks:
        n = row.n_images if row.unit == "image" else row.n_specimens
        cells = (_above_bounds(row.scores.get(name)) for name in METRICS)
        table.add_row(str(row.rank), row.unit, f"{row.n_misclassified} of {n}", *cells)
    console.print(table)
    if tree := found.tree:
        console.print(
            f"Up the tree ({tree.n_images} images): precision {percent_of(tree.precision)}, recall "
            f"{percent_of(tree.recall)}, F1 {percent_of(tree.f1)}", soft_wrap=True,
        )  # fmt: skip
        if tree.height:
            up, low, high = (
                decimals(each, 2) for each in (tree.height.value, tree.height.interval.low, tree.height.interval.high)
            )
            console.print(f"Mistakes meet the label {up} ranks up ({low} - {high}).")
    for note in found.unseen[:_SHOWN_UNSEEN]:
        console.print(note, soft_wrap=True)
    if len(found.unseen) > _SHOWN_UNSEEN:
        console.print(f"and {len(found.unseen) - _SHOWN_UNSEEN} more in the file of the cross-validation")


_SHOWN_UNSEEN = 20


def _above_bounds(estimate: Estimate | None) -> str:
    return f"{in_percent(estimate.value)}\n{percent_bounds(estimate.interval)}" if estimate else ""
