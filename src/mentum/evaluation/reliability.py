"""Do the probabilities mean what they say? Arrays in, numbers out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mentum.evaluation.results import ReliabilityBin

N_BINS = 15


def reliability(
    probability: NDArray[np.float64], right: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[ReliabilityBin, ...]:
    """How often identifications of about the same probability are right, in bins of equal width.

    Args:
        probability: (N,) of the taxon identified.
        right: (N,) 1 or 0.
        weights: (N,).

    Source: Guo et al. 2017, On calibration of modern neural networks, figure 1.
    """
    place = np.minimum((probability * N_BINS).astype(np.int64), N_BINS - 1)
    bins = []
    for number in np.unique(place).tolist():
        rows = place == number
        bins.append(
            ReliabilityBin(
                low=number / N_BINS,
                high=(number + 1) / N_BINS,
                n=float(weights[rows].sum()),
                probability=float(np.average(probability[rows], weights=weights[rows])),
                accuracy=float(np.average(right[rows], weights=weights[rows])),
            )
        )
    return tuple(bins)


def expected_calibration_error(
    probability: NDArray[np.float64], right: NDArray[np.float64], weights: NDArray[np.float64]
) -> float:
    """Mean distance between probability and accuracy over the bins of `reliability`, 0-1.

    >>> expected_calibration_error(np.array([0.8, 0.8]), np.array([1.0, 0.0]), np.ones(2))
    0.3
    """
    bins = reliability(probability, right, weights)
    total = sum(each.n for each in bins)
    return round(float(sum(each.n * abs(each.probability - each.accuracy) for each in bins)) / total, 12)


def brier_score(y_prob: NDArray[np.float64], y_true: NDArray[np.int64], weights: NDArray[np.float64]) -> float:
    """Mean squared distance of the probabilities (N, C) from the truth, 0-2.

    >>> brier_score(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([0, 0]), np.ones(2))
    0.25

    Source: Brier 1950, Monthly Weather Review 78: 1-3, for several classes.
    """
    distance = y_prob.astype(np.float64)
    distance[np.arange(len(y_true)), y_true] -= 1
    return float(np.average((distance**2).sum(axis=1), weights=weights))


def risk_coverage(
    probability: NDArray[np.float64], right: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share answered and share wrong of the answers, as the threshold falls from the highest probability.

    Returns:
        Coverage (M,) rising to 1 and error (M,), one point per distinct probability.

    Source: El-Yaniv & Wiener 2010, On the foundations of noise-free selective classification.

    >>> risk_coverage(np.array([0.9, 0.5]), np.array([1.0, 0.0]), np.ones(2))[1].tolist()
    [0.0, 0.5]
    """
    order = np.argsort(-probability, kind="stable")
    answered = np.cumsum(weights[order])
    wrong = np.cumsum((weights * (1 - right))[order])
    last_of_equals = np.append(np.diff(probability[order]) != 0, True)
    return (answered / answered[-1])[last_of_equals], (wrong / answered)[last_of_equals]


def area_under(coverage: NDArray[np.float64], error: NDArray[np.float64]) -> float:
    """Area under a risk-coverage curve, 0-1: the mean error over all coverages."""
    return float((np.diff(coverage, prepend=0.0) * error).sum())
