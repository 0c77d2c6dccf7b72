"""Answers about specimens beside the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mentum.calibration.cases import Cases, Unit
from mentum.calibration.temperatures import at_ranks, at_temperature, combine, log_probabilities
from mentum.calibration.thresholds import Answers, RankThreshold, learn_thresholds, most_probable
from mentum.taxonomy import Rank


@dataclass(frozen=True)
class Verdicts:
    """Answers about N images, or specimens, beside the truth.

    Attributes:
        y_prob: rank → (N, C), calibrated.
        y_true: rank → (N,) int, column of the label, -1 where it leaves the rank open.
        weights: (N,), which sum to the number of specimens.
        is_open: rank → (N,) bool, whether the most probable taxon is no answer at the rank, so that what is right or
            wrong there has no probability.
    """

    unit: Unit
    y_prob: Mapping[Rank, NDArray[np.float64]]
    y_true: Mapping[Rank, NDArray[np.int64]]
    answers: Answers
    weights: NDArray[np.float64]
    is_open: Mapping[Rank, NDArray[np.bool_]]

    def judged(self, rank: Rank) -> NDArray[np.bool_]:
        """(N,) bool: answers at a rank whose labels reach it, so that their probabilities can be judged."""
        return (self.y_true[rank] >= 0) & ~self.is_open[rank]

    @cached_property
    def right(self) -> dict[Rank, NDArray[np.float64]]:
        """Rank → (N,): 1 right, 0 wrong, NaN where the label leaves the rank open."""
        return {
            rank: np.where(self.y_true[rank] < 0, np.nan, self.y_true[rank] == column)
            for rank, column in self.answers.column.items()
        }

    def thresholds(self, error_rate: float) -> tuple[RankThreshold, ...]:
        """Learn from these."""
        return learn_thresholds(self.answers, self.right, self.weights, error_rate)


def give_verdicts(cases: Cases, temperatures: Mapping[str, float], unit: Unit) -> Verdicts:
    """Calibrate, combine the images of each specimen where it is the unit, and compare with the labels."""
    taxonomy = cases.taxonomy
    calibrated = {name: at_temperature(values, temperatures[name]) for name, values in cases.log_prob.items()}
    labels, weights = cases.labels, cases.weights
    if unit == "specimen":
        calibrated = {name: combine(log_probabilities(each), cases.groups) for name, each in calibrated.items()}
        labels, weights = cases.specimen_labels, np.ones(cases.n_specimens)
    y_prob = at_ranks(calibrated, taxonomy, cases.ranks)
    column_of = {rank: {label: taxonomy.truth(label, rank) for label in set(labels)} for rank in y_prob}
    y_true = {rank: np.array([column_of[rank][label] for label in labels], dtype=np.int64) for rank in y_prob}
    answers = most_probable(y_prob, taxonomy)
    is_open = {rank: taxonomy.open_columns(rank)[column] for rank, column in answers.column.items()}
    return Verdicts(unit, y_prob, y_true, answers, weights, is_open)
