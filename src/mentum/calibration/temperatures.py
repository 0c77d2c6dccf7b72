"""From a network's probabilities to calibrated ones at every rank, for images and for specimens.

A network trained to the end is too sure of itself. Dividing its logits by one number, the temperature, keeps every
ranking and makes a probability mean what it says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mentum.calibration.cases import Cases, allowed_taxa
from mentum.taxonomy import WHOLE_TREE, Rank, Taxonomy, sum_columns

COOLEST, HOTTEST = 0.1, 20.0
"""Bounds of a temperature."""

SPREAD = 0.5
"""Of the logarithm of temperatures, as believed before any specimen is seen."""

LEAST = 1e-30
"""Of a probability, before its logarithm: single precision ends at about 1e-38."""

PRECISION = 1e-8
"""Of the logarithm of a temperature; nearer to its minimum the loss does not change in any digit."""


def log_probabilities(y_prob: NDArray[np.floating]) -> NDArray[np.float64]:
    """Logarithms (N, C) of probabilities, finite."""
    return np.asarray(np.log(np.maximum(y_prob.astype(np.float64), LEAST)))


def at_temperature(log_prob: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Probabilities (N, C) once the logits are divided by `temperature`; rows sum to 1.

    >>> at_temperature(np.log([[0.9, 0.1]]), 2.0).round(2).tolist()
    [[0.75, 0.25]]
    """
    scaled = log_prob / temperature
    y_prob = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(y_prob / y_prob.sum(axis=1, keepdims=True))


def fit_temperature(log_prob: NDArray[np.float64], allowed: NDArray[np.bool_], weights: NDArray[np.float64]) -> float:
    """The temperature at which specimens that were not trained on are likeliest.

    Where all of them are identified correctly, likelihood alone would cool without end. So the logarithm of the
    temperature is taken to be normal about 0 beforehand, with a standard deviation of `SPREAD`: few specimens leave the
    probabilities as they are, many do as the likelihood wants.

    Args:
        log_prob: (N, C).
        allowed: (N, C) bool, the taxa that each label may mean.
        weights: (N,), how much each image counts; they sum to the number of specimens.

    Source: Guo et al. 2017, On calibration of modern neural networks, section 4.2; the prior is ours.
    """
    from scipy.optimize import minimize_scalar  # identification does not need it

    telling = allowed.any(axis=1) & ~allowed.all(axis=1)
    if not telling.any():
        return 1.0
    log_prob, allowed, weights = log_prob[telling], allowed[telling], weights[telling]

    def loss(log_temperature: float) -> float:
        y_prob = at_temperature(log_prob, math.exp(log_temperature))
        right = np.maximum((y_prob * allowed).sum(axis=1), LEAST)
        return -float((weights * np.log(right)).sum()) + (log_temperature / SPREAD) ** 2 / 2

    bounds = (math.log(COOLEST), math.log(HOTTEST))
    return math.exp(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": PRECISION}).x)


def fit_temperatures(cases: Cases) -> dict[str, float]:
    """The temperature of each network."""
    return {
        name: fit_temperature(log_prob, allowed_taxa(cases.taxonomy, cases.labels, name), cases.weights)
        for name, log_prob in cases.log_prob.items()
    }


def at_ranks(
    y_prob: Mapping[str, NDArray[np.float64]], taxonomy: Taxonomy, ranks: Sequence[Rank] = ()
) -> dict[Rank, NDArray[np.float64]]:
    """Probabilities (N, C) at each rank, lowest first, from those of the networks.

    Args:
        y_prob: the whole tree's name → (N, L) for the leaves; or a rank → (N, C) for each separate network.
        taxonomy: names the columns.
        ranks: wanted; none = all that can be reported.
    """
    wanted = [rank for rank in taxonomy.ranks if not ranks or rank in ranks]
    if WHOLE_TREE.name not in y_prob:
        return {rank: y_prob[rank] for rank in wanted if rank in y_prob}
    return {rank: sum_columns(y_prob[WHOLE_TREE.name], taxonomy.columns(rank)) for rank in wanted}


def combine(log_prob: NDArray[np.float64], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """Probabilities of specimens from those of their images: the mean of the logarithms, brought back to sum 1.

    Args:
        log_prob: (N, C), calibrated.
        groups: (N,) int, 0 to G - 1, the specimen of each image.

    Returns:
        (G, C).

    >>> combine(np.log([[0.9, 0.1], [0.5, 0.5]]), np.array([0, 0])).round(2).tolist()
    [[0.75, 0.25]]
    """
    return at_temperature(mean_of_groups(log_prob, groups), 1.0)


def mean_of_groups(values: NDArray[np.float64], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """Means (G, …) of values (N, …) by group.

    >>> mean_of_groups(np.array([1.0, 3.0, 5.0]), np.array([0, 0, 1])).tolist()
    [2.0, 5.0]
    """
    sums = np.zeros((groups.max() + 1, *values.shape[1:]))
    np.add.at(sums, groups, values)
    counts = np.bincount(groups).reshape(-1, *([1] * (values.ndim - 1)))
    return np.asarray(sums / counts)
