"""Accuracies with intervals, confusion matrices, precision and recall: arrays in, numbers out."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mentum.records import Interval

Z = 1.959963984540054
"""Quantile 0.975 of the normal distribution, for 95 % intervals."""

N_RESAMPLES = 2000


def n_misclassified(y_true: NDArray[np.int64], y_pred: NDArray[np.int64]) -> int:
    """Count the wrong identifications.

    >>> n_misclassified(np.array([0, 1, 1]), np.array([0, 1, 0]))
    1
    """
    return int(np.count_nonzero(y_true != y_pred))


def accuracy(y_true: NDArray[np.int64], y_pred: NDArray[np.int64]) -> float:
    """Share of right identifications, 0-1.

    Raises:
        ValueError: if there is none to count.

    >>> accuracy(np.array([0, 1, 1, 2]), np.array([0, 1, 0, 2]))
    0.75
    """
    if len(y_true) == 0:
        raise ValueError("accuracy of no identifications at all")
    return float(np.count_nonzero(y_true == y_pred) / len(y_true))


def wilson(share: float, n: int) -> Interval:
    """95 % score interval of a proportion observed in n independent trials.

    Source: Wilson (1927), J. Am. Stat. Assoc. 22: 209-212; no continuity correction.

    Raises:
        ValueError: if `n` is below 1 or `share` lies outside 0-1.

    >>> interval = wilson(372 / 374, 374)
    >>> round(100 * interval.low, 2), round(100 * interval.high, 2)
    (98.07, 99.85)
    """
    if n < 1 or not 0 <= share <= 1:
        raise ValueError(f"a share of {share} in {n} trials")
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2)) / (1 + Z**2 / n)
    # Rounding may move a bound by one digit past 0, 1 or the share itself.
    return Interval(low=max(0.0, min(centre - half, share)), high=min(1.0, max(centre + half, share)), method="Wilson")


def bootstrap(right: NDArray[np.bool_], specimens: NDArray[np.str_], seed: int) -> Interval:
    """95 % percentile interval of the accuracy: specimens are drawn with replacement, each brings all its images.

    Where every specimen has the same share of right images (such as all of them), each draw gives the same accuracy
    and the bootstrap collapses to a point; the interval is then Wilson's, with the number of specimens as n.
    `Interval.method` says which of the two it is.

    Args:
        right: (N,) bool, whether each image was identified correctly.
        specimens: (N,) the specimen of each image.
        seed: of the draws.

    Source: Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 13; 2000 draws.

    Raises:
        ValueError: if there are no images.

    >>> bootstrap(np.array([True, True, False]), np.array(["a", "a", "b"]), seed=0).high
    1.0
    """
    kinds, counts = _kinds_of_specimens(right, specimens)
    n_specimens = int(counts.sum())
    if len(np.unique(kinds[:, 0] / kinds[:, 1])) == 1:
        return wilson(float(right.mean()), n_specimens)
    # Specimens with as many right and as many images are interchangeable: drawing kinds is drawing specimens.
    draws = np.random.default_rng(seed).multinomial(n_specimens, counts / n_specimens, size=N_RESAMPLES)
    n_right, n_images = (draws @ kinds).T
    low, high = np.percentile(n_right / n_images, [2.5, 97.5])
    return Interval(low=float(low), high=float(high), method="bootstrap over specimens")


def _kinds_of_specimens(
    right: NDArray[np.bool_], specimens: NDArray[np.str_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(K, 2) distinct pairs of right images and images of a specimen; (K,) number of specimens of each kind."""
    if len(right) == 0:
        raise ValueError("an interval over no images at all")
    _, codes = np.unique(specimens, return_inverse=True)
    sums = np.column_stack([np.bincount(codes, weights=right).astype(np.int64), np.bincount(codes)])
    kinds, counts = np.unique(sums, axis=0, return_counts=True)
    return kinds, counts


def accuracy_interval(right: NDArray[np.bool_], specimens: NDArray[np.str_], seed: int) -> Interval:
    """95 % interval of the accuracy: Wilson's where each specimen has exactly one image, else the bootstrap's.

    >>> accuracy_interval(np.array([True, True, False]), np.array(["a", "b", "c"]), seed=0).method
    'Wilson'
    """
    if 0 < len(right) == len(np.unique(specimens)):
        return wilson(float(right.mean()), len(right))
    return bootstrap(right, specimens, seed)


def confusion_matrix(y_true: NDArray[np.int64], y_pred: NDArray[np.int64], n_taxa: int) -> NDArray[np.int64]:
    """(n_taxa, n_taxa) int: images by label (rows) and identification (columns).

    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0]), 2).tolist()
    [[1, 0], [1, 1]]
    """
    return np.bincount(y_true * n_taxa + y_pred, minlength=n_taxa**2).reshape(n_taxa, n_taxa)


def precision_recall_f1(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """(3, n_taxa) float: precision, recall and F1 of each taxon of a confusion matrix, 0 where undefined.

    >>> precision_recall_f1(np.array([[1, 0], [1, 1]])).round(3).tolist()
    [[0.5, 1.0], [1.0, 0.5], [0.667, 0.667]]
    """
    hits = np.diagonal(counts).astype(np.float64)
    identified, labelled = counts.sum(axis=0), counts.sum(axis=1)
    return np.stack([_ratio(hits, identified), _ratio(hits, labelled), _ratio(2 * hits, identified + labelled)])


def _ratio(above: NDArray[np.float64], below: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)
