"""The section on cross-validations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mentum.calibration.cases import Unit
from mentum.evaluation.cross_validation import CrossValidation, FoldScores, RankScores
from mentum.evaluation.results import Estimate
from mentum.evaluation.scores import METRICS
from mentum.reporting.numbers import THIN, bounds, number_of, percent
from mentum.reporting.report.known import Known
from mentum.reporting.report.rendering import render_file
from mentum.reporting.report.studies import Found, unlike
from mentum.settings import Settings
from mentum.taxonomy import Rank

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_FOLDS = 24
"""Beyond which the folds with the lowest accuracy are listed."""

MOST_UNSEEN = 24
"""Sentences on taxa that a fold could not learn."""


@dataclass(frozen=True)
class ShownValidation:
    """One cross-validation.

    Attributes:
        title: how specimens were kept apart.
        about: what was trained and judged, in a sentence.
        units: scores by image, and by specimen where these have several images.
        tree: how far up the tree identifications are right, in sentences.
        spread: how the folds differ, in a sentence; `folds` those that are listed, of `n_folds`.
        unseen: what could not be identified, in sentences; `n_unseen` of all.
        unlike: settings that are not those of the training, in a sentence.
    """

    name: str
    record: CrossValidation
    title: str
    about: str
    units: dict[Unit, list[RankScores]]
    tree: str | None
    spread: str | None
    folds: Sequence[FoldScores]
    unseen: Sequence[str]
    unlike: str | None

    @property
    def ranks(self) -> list[Rank]:
        """Those of the folds."""
        return list(dict.fromkeys(row.rank for row in self.record.ranks))


def show(known: Known) -> Markup:
    """The scores of each cross-validation and of its folds."""
    found = [show_validation(each, known.record.settings) for each in known.studies.cross_validations]
    return render_file("cross_validation.html", validations=found, metrics=METRICS)


def show_validation(found: Found[CrossValidation], settings: Settings) -> ShownValidation:
    """Put a cross-validation into words.

    Args:
        found: the cross-validation.
        settings: of the training.
    """
    record = found.record
    units: dict[Unit, list[RankScores]] = {}
    for row in record.ranks:
        units.setdefault(row.unit, []).append(row)
    return ShownValidation(
        name=found.name,
        record=record,
        title=capital(record.design),
        about=_about(record),
        units=units,
        tree=_tree(record),
        spread=_spread(record),
        folds=_listed(record),
        unseen=record.unseen[:MOST_UNSEEN],
        unlike=unlike(found.study, settings),
    )


def capital(text: str) -> str:
    """A text with its first letter as at the beginning of a sentence.

    >>> capital("each trap judged in turn")
    'Each trap judged in turn'
    """
    return text[:1].upper() + text[1:]


def _about(record: CrossValidation) -> str:
    what = (
        "Both stages were trained anew for each fold"
        if record.stage == 2
        else "The top classifier alone was trained for each fold, on features of the frozen backbone"
    )
    sample = f"{number_of(record.n_images, 'image')} of {number_of(record.n_specimens, 'specimen')}"
    return f"{what} ({record.backbone}). Each of {sample} was judged once, by networks that did not see its specimen."


def _estimate(found: Estimate) -> str:
    return f"{percent(found.value)} ({bounds(found.interval)})"


def _tree(record: CrossValidation) -> str | None:
    if record.tree is None:
        return None
    tree = record.tree
    text = (
        f"Counted over label and identification with all taxa above them ({number_of(tree.n_images, 'image')}): "
        f"precision {_estimate(tree.precision)}, recall {_estimate(tree.recall)}, F1 {_estimate(tree.f1)}."
    )
    if tree.height is None:
        return text
    up = f"{tree.height.value:.2f} ({tree.height.interval.low:.2f}\u2013{tree.height.interval.high:.2f})"
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
