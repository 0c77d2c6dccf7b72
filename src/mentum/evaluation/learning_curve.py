"""How good would it be with more specimens? Accuracy against specimens per taxon, and what the curve promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mentum.calibration.cases import Cases
from mentum.calibration.temperatures import log_probabilities
from mentum.calibration.verdicts import give_verdicts
from mentum.evaluation.intervals import accuracy_interval, draw_rows
from mentum.evaluation.results import Estimate
from mentum.records import Interval, Record
from mentum.specimens.folds import Fold, thin
from mentum.specimens.manifest import SpecimenTable
from mentum.taxonomy import Rank

N_DRAWS = 300
"""Draws of specimens for the interval of a forecast."""

EXPONENTS = np.linspace(0.1, 2.0, 39)
"""Of the power law that are tried."""

FACTORS = (2, 4)
"""Times the specimens at hand for which a forecast is made."""

LEAST_POINTS = 4
"""Below which no forecast is made."""

Judge = Callable[[Fold], Mapping[str, NDArray[np.float32]]]
"""A fold → network → probabilities (n, C) of its test images."""


class CurvePoint(Record):
    """Accuracy with a number of specimens per taxon.

    Attributes:
        per_taxon: specimens of each taxon that were learned from at most, mean over folds and taxa.
        n_train: images learned from, mean over folds.
        accuracies: rank → over all images, each judged once.
    """

    per_taxon: float
    n_train: float
    accuracies: dict[Rank, Estimate]


class Forecast(Record):
    """What more specimens of every taxon would bring at one rank, if the curve goes on as it is."""

    rank: Rank
    per_taxon: float
    accuracy: Estimate


class LearningCurve(Record):
    """What `mentum learning-curve` found.

    Attributes:
        points: fewest specimens first; the last has all.
        forecasts: empty where the points are too few.
    """

    schema_version: Literal[1] = 1
    data: str
    backbone: str
    seed: int
    n_images: int
    n_specimens: int
    points: tuple[CurvePoint, ...]
    forecasts: tuple[Forecast, ...]


@dataclass(frozen=True)
class _Trial:
    """All images, each judged once, with a number of specimens per taxon.

    Attributes:
        right: rank → (N,) 1, 0 or NaN where the label leaves the rank open.
    """

    per_taxon: float
    n_train: float
    right: Mapping[Rank, NDArray[np.float64]]


def follow_curve(table: SpecimenTable, folds: Sequence[Fold], judge: Judge, backbone: str, seed: int) -> LearningCurve:
    """Train on ever more specimens of each taxon, judge all images each time, and follow the curve.

    Args:
        table: all images.
        folds: each image is judged in one of them.
        judge: trains and identifies.
        backbone: for the record.
        seed: of the choice of specimens and of the draws for intervals.
    """
    trials = [_try(table, folds, judge, cap, seed) for cap in _caps(table, folds)]
    ranks = [rank for rank, right in trials[0].right.items() if not np.isnan(right).all()]
    forecasts = _forecasts(trials, ranks, table.specimens, seed) if len(trials) >= LEAST_POINTS else ()
    return LearningCurve(
        data=str(table.source),
        backbone=backbone,
        seed=seed,
        n_images=len(table.labels),
        n_specimens=len(np.unique(table.specimens)),
        points=tuple(_point(trial, ranks, table.specimens, seed) for trial in trials),
        forecasts=tuple(forecasts),
    )


def _caps(table: SpecimenTable, folds: Sequence[Fold]) -> list[int]:
    """1, 2, 4 … specimens per taxon, as far as the largest taxon goes, and all."""
    largest = max(max(_specimens_learned(table, fold)) for fold in folds)
    return [2**power for power in range(largest.bit_length()) if 2**power < largest] + [largest]


def _specimens_learned(table: SpecimenTable, fold: Fold) -> list[int]:
    """Number of specimens of each lowest taxon that a fold learns from."""
    specimens: dict[object, set[str]] = {}
    for row in fold.rows("train").tolist():
        specimens.setdefault(table.lowest[row], set()).add(str(table.specimens[row]))
    return [len(of) for label, of in specimens.items() if label in fold.taxonomy.place_of]


def _try(table: SpecimenTable, folds: Sequence[Fold], judge: Judge, cap: int, seed: int) -> _Trial:
    thinned = [thin(fold, table, cap, seed) for fold in folds]
    rows, parts = np.concatenate([fold.rows("test") for fold in thinned]), [judge(fold) for fold in thinned]
    order = np.argsort(rows)
    log_prob = {name: log_probabilities(np.concatenate([part[name] for part in parts])[order]) for name in parts[0]}
    cases = Cases("held-out", table.taxonomy, table.specimens, table.labels, log_prob)
    return _Trial(
        per_taxon=float(np.mean([np.mean(_specimens_learned(table, fold)) for fold in thinned])),
        n_train=float(np.mean([len(fold.rows("train")) for fold in thinned])),
        right=give_verdicts(cases, dict.fromkeys(log_prob, 1.0), "image").right,
    )


def _point(trial: _Trial, ranks: Sequence[Rank], specimens: NDArray[np.str_], seed: int) -> CurvePoint:
    def estimate(right: NDArray[np.float64]) -> Estimate:
        known = ~np.isnan(right)
        interval = accuracy_interval(right[known] == 1, specimens[known], seed)
        return Estimate(value=float(right[known].mean()), interval=interval)

    accuracies = {rank: estimate(trial.right[rank]) for rank in ranks}
    return CurvePoint(per_taxon=trial.per_taxon, n_train=trial.n_train, accuracies=accuracies)


def _forecasts(
    trials: Sequence[_Trial], ranks: Sequence[Rank], specimens: NDArray[np.str_], seed: int
) -> Iterator[Forecast]:
    """Forecasts, with intervals from curves of specimens drawn anew."""
    sizes = np.array([trial.per_taxon for trial in trials])
    wanted = [factor * float(sizes[-1]) for factor in FACTORS]
    rng = np.random.default_rng(seed)
    draws = [draw_rows(specimens, rng) for _ in range(N_DRAWS)]
    for rank in ranks:
        right = np.stack([trial.right[rank] for trial in trials])
        found = follow(sizes, 1 - np.nanmean(right, axis=1), wanted)
        again = np.array([follow(sizes, 1 - np.nanmean(right[:, rows], axis=1), wanted) for rows in draws])
        low, high = np.percentile(again, [2.5, 97.5], axis=0)
        for place, size in enumerate(wanted):
            bounds = Interval(low=float(low[place]), high=float(high[place]), method="bootstrap over specimens")
            yield Forecast(rank=rank, per_taxon=size, accuracy=Estimate(value=found[place], interval=bounds))


def follow(sizes: NDArray[np.float64], errors: NDArray[np.float64], wanted: Sequence[float]) -> list[float]:
    """Accuracies that a power law through the errors gives for other sizes.

    error = floor + scale * size ** -exponent, with floor and scale at 0 or above, by least squares.

    Args:
        sizes: (P,) specimens per taxon.
        errors: (P,) share of wrong identifications.
        wanted: sizes to predict.

    Source: Hestness et al. 2017, Deep learning scaling is predictable, empirically; Figueroa et al. 2012, Predicting
        sample size required for classification performance.

    >>> sizes = np.array([1.0, 4.0, 16.0])
    >>> [round(value, 3) for value in follow(sizes, 0.1 + 0.4 * sizes**-0.5, [64.0])]
    [0.85]
    """
    best: tuple[float, float, float, float] | None = None
    for exponent in EXPONENTS.tolist():
        floor, scale = _floor_and_scale(sizes**-exponent, errors)
        loss = float(((floor + scale * sizes**-exponent - errors) ** 2).sum())
        if best is None or loss < best[0]:
            best = loss, floor, scale, exponent
    assert best is not None, "exponents are never empty"
    _, floor, scale, exponent = best
    return [1 - min(floor + scale * size**-exponent, 1.0) for size in wanted]


def _floor_and_scale(powers: NDArray[np.float64], errors: NDArray[np.float64]) -> tuple[float, float]:
    """The best line floor + scale * power with both at 0 or above."""
    spread = powers - powers.mean()
    scale = float((spread * errors).sum() / (spread**2).sum()) if (spread**2).sum() > 0 else 0.0
    floor = float(errors.mean() - scale * powers.mean())
    if scale < 0:
        return float(errors.mean()), 0.0
    if floor < 0:
        return 0.0, float((powers * errors).sum() / (powers**2).sum())
    return floor, scale
