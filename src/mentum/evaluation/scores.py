"""The table of metrics: whatever stands in it is reported by every evaluation, with its interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mentum.evaluation.intervals import accuracy_interval, bootstrap_intervals
from mentum.evaluation.metrics import Tally, confusion_matrix, in_top_k, mean_f1, mean_recall, tally
from mentum.evaluation.results import Estimate
from mentum.records import Interval

N_BEST = 3
"""Taxa among which the label must be for top-3 accuracy."""

ACCURACY = "accuracy"
"""The metric that every table begins with."""


Values = NDArray[np.bool_] | NDArray[np.float64]
"""(N,), one per image."""


@dataclass(frozen=True)
class Sample:
    """Images, or specimens, whose labels reach one rank, or a draw of them.

    Attributes:
        labels: (N,) int, column of the label of each that can be drawn.
        identifications: (N,) int, likewise of the identification.
        probabilities: (N, C) float, of each taxon.
        times: (N,) int, how many times each is drawn; once unless given.
        answers: (C,) bool, the taxa that are an answer at the rank; all unless given.
    """

    labels: NDArray[np.int64]
    identifications: NDArray[np.int64]
    probabilities: NDArray[np.floating]
    times: NDArray[np.int64] | None = None
    answers: NDArray[np.bool_] | None = None

    @property
    def n_taxa(self) -> int:
        """C."""
        return int(self.probabilities.shape[1])

    @cached_property
    def y_true(self) -> NDArray[np.int64]:
        """(M,) int, columns of the labels."""
        return self.labels if self.times is None else np.repeat(self.labels, self.times)

    @cached_property
    def y_pred(self) -> NDArray[np.int64]:
        """(M,) int, columns of the identifications."""
        return self.identifications if self.times is None else np.repeat(self.identifications, self.times)

    @cached_property
    def y_prob(self) -> NDArray[np.floating]:
        """(M, C) float, of each taxon."""
        return self.probabilities if self.times is None else np.repeat(self.probabilities, self.times, axis=0)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """(C, C) int: the confusion matrix; for a measure that a `tally` is not enough for, as it is large."""
        return confusion_matrix(self.labels, self.identifications, self.n_taxa, self.times)

    @cached_property
    def tally(self) -> Tally:
        """Images labelled and identified as each taxon."""
        return tally(self.labels, self.identifications, self.n_taxa, self.times)


@dataclass(frozen=True)
class Metric:
    """One way to score identifications.

    Attributes:
        name: key in JSON and column in CSV.
        title: heading in the report; `short` on a terminal, where it stands before a per cent sign.
        measure: of a sample, a number (nan where undefined), or (M,) values whose mean counts, one per image. What is
            such a mean should be given as values: it is then measured once and not again for every draw.
        meaning: what it counts, in a sentence for a reader of the report; empty where the title says it.
        least_taxa: below which it says nothing.
        interval: from the values, the specimens and the seed, where it has a rule of its own; else specimens are drawn.
    """

    name: str
    title: str
    short: str
    measure: Callable[[Sample], float | Values]
    meaning: str = ""
    least_taxa: int = 1
    interval: Callable[[Any, NDArray[np.str_], int], Interval] | None = None


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            ACCURACY, "Accuracy", "accuracy", lambda sample: sample.y_true == sample.y_pred, interval=accuracy_interval
        ),
        Metric(
            "balanced_accuracy", "Balanced accuracy", "balanced", lambda sample: mean_recall(sample.tally),
            "Balanced accuracy is the mean recall of all taxa.",
        ),
        Metric(
            "macro_f1", "Macro F1", "macro F1", lambda sample: mean_f1(sample.tally, sample.answers),
            "Macro F1 is the mean F1 of all taxa.",
        ),
        Metric(
            "top_3", "Top 3", "top 3", lambda sample: in_top_k(sample.y_true, sample.y_prob, N_BEST),
            "Top 3 counts labels among the three most probable taxa.", least_taxa=N_BEST + 1,
        ),
    )
}  # fmt: skip
"""By name, in the order of tables. To add one, add a line: all tables and files follow."""


def other_metrics() -> list[Metric]:
    """All but the accuracy, which has columns of its own wherever images are counted too."""
    return [metric for name, metric in METRICS.items() if name != ACCURACY]


def score_sample(sample: Sample, specimens: NDArray[np.str_], seed: int) -> dict[str, Estimate | None]:
    """Score a sample by every metric; None where one is not defined.

    Args:
        sample: at least one image, or specimen.
        specimens: (N,) the specimen of each.
        seed: of the draws.

    Raises:
        ValueError: if there are no images, or a probability is not a finite number.
    """
    measured = {name: metric.measure(sample) for name, metric in METRICS.items() if sample.n_taxa >= metric.least_taxa}
    values = {name: _mean(each) for name, each in measured.items()}
    intervals = _intervals(measured, sample, specimens, seed)
    return {name: _estimate(values.get(name, np.nan), intervals.get(name)) for name in METRICS}


def _mean(measured: float | Values) -> float:
    return float(measured.mean() if isinstance(measured, np.ndarray) else measured)


def _estimate(value: float, interval: Interval | None) -> Estimate | None:
    return None if np.isnan(value) or interval is None else Estimate(value=value, interval=interval)


def _intervals(
    measured: Mapping[str, float | Values], sample: Sample, specimens: NDArray[np.str_], seed: int
) -> dict[str, Interval | None]:
    """By metric: by its own rule, else from draws that are the same for all."""
    by_rule = {name: rule(each, specimens, seed) for name, each in measured.items() if (rule := METRICS[name].interval)}
    drawn = {name: each for name, each in measured.items() if name not in by_rule}

    def measure(times: NDArray[np.int64]) -> list[float]:
        draw = replace(sample, times=times)
        return [
            float(each @ times / times.sum()) if isinstance(each, np.ndarray) else _mean(METRICS[name].measure(draw))
            for name, each in drawn.items()
        ]

    return by_rule | dict(zip(drawn, bootstrap_intervals(measure, specimens, seed), strict=True))
