"""The section on cross-validations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from mentum.evaluation.cross_validation import CrossValidation, FoldScores
from mentum.evaluation.scores import METRICS
from mentum.records import Interval
from mentum.reporting.numbers import THIN, bounds, decimals, estimate, number_of, percent
from mentum.reporting.report.known import Known
from mentum.reporting.report.rendering import render_file
from mentum.reporting.report.studies import Found, unlike
from mentum.settings import Settings

MOST_FOLDS = 24
"""Beyond which the folds with the lowest accuracy are listed."""

MOST_UNSEEN = 24
"""Sentences on taxa that a fold could not learn."""


def show(known: Known) -> Markup:
    """The scores of each cross-validation and of its folds."""
    found = [_in_words(each, known.record.settings) for each in known.studies.cross_validations]
    return render_file("cross_validation.html", validations=found, metrics=METRICS, most_unseen=MOST_UNSEEN)


@dataclass(frozen=True)
class _Said:
    """One cross-validation.

    Attributes:
        about: what was trained and judged, in a sentence.
        tree: how far up the tree identifications are right, in sentences.
        spread: how the folds differ, in a sentence; `folds` those that are listed.
        unlike: settings that are not those of the training, in a sentence.
    """

    record: CrossValidation
    about: str
    tree: str | None
    spread: str | None
    folds: Sequence[FoldScores]
    unlike: str | None

    @property
    def intervals(self) -> list[Interval]:
        """Of all scores."""
        return [score.interval for row in self.record.ranks for score in row.scores.values() if score]


def _in_words(found: Found[CrossValidation], settings: Settings) -> _Said:
    record = found.record
    return _Said(record, _about(record), _tree(record), _spread(record), _listed(record), unlike(found.study, settings))


def _about(record: CrossValidation) -> str:
    what = (
        "Both stages were trained anew for each fold"
        if record.stage == 2
        else "The top classifier alone was trained for each fold, on features of the frozen backbone"
    )
    sample = f"{number_of(record.n_images, 'image')} of {number_of(record.n_specimens, 'specimen')}"
    return f"{what} ({record.backbone}). Each of {sample} was judged once, by networks that did not see its specimen."


def _tree(record: CrossValidation) -> str | None:
    if record.tree is None:
        return None
    tree = record.tree
    text = (
        f"Counted over label and identification with all taxa above them ({number_of(tree.n_images, 'image')}): "
        f"precision {estimate(tree.precision)}, recall {estimate(tree.recall)}, F1 {estimate(tree.f1)}."
    )
    if tree.height is None:
        return text
    low, high = tree.height.interval.low, tree.height.interval.high
    up = f"{decimals(tree.height.value, 2)} ({decimals(low, 2)}\u2013{decimals(high, 2)})"
    return f"{text} A mistake meets its label {up} ranks further up on average."


def _spread(record: CrossValidation) -> str | None:
    """The weakest and the best fold at the lowest rank."""
    rank = record.ranks[0].rank
    judged = [(share, fold.name) for fold in record.folds if (share := fold.accuracies.get(rank)) is not None]
    if len(judged) < 2:
        return None
    (least, weakest), (most, best) = min(judged), max(judged)
    return (
        f"From fold to fold, accuracy at {rank} rank ranges from {percent(least)} (fold {weakest}) to {percent(most)} "
        f"(fold {best})."
    )


def _listed(record: CrossValidation) -> Sequence[FoldScores]:
    """All folds in their order, or the weakest of many."""
    if len(record.folds) <= MOST_FOLDS:
        return record.folds
    rank = record.ranks[0].rank

    def share(fold: FoldScores) -> float:
        found = fold.accuracies.get(rank)
        return 2.0 if found is None else found

    return sorted(record.folds, key=share)[:MOST_FOLDS]


def validation_sentences(found: Sequence[Found[CrossValidation]]) -> Iterator[str]:
    """For the summary: the accuracy at the lowest rank, by image."""
    for record in (each.record for each in found):
        row = record.ranks[0]
        network = "recipe" if record.stage == 2 else "top classifier"
        sample = f"{number_of(row.n_images, 'image')} of {number_of(row.n_specimens, 'specimen')}"
        yield (
            f"In cross-validation ({record.design}), the {network} identified {percent(row.accuracy.value)} of "
            f"{sample} correctly at {row.rank} rank (95{THIN}% interval {bounds(row.accuracy.interval)})."
        )
