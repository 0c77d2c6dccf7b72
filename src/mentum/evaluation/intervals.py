"""95 % intervals: Wilson's, and those of any measure from draws of whole specimens with all their images."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mentum.records import Interval

Z = 1.959963984540054
"""Quantile 0.975 of the normal distribution, for 95 % intervals."""

N_RESAMPLES = 2000


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


class _Groups(NamedTuple):
    """Rows sorted by specimen, (N,) int; where each specimen starts among them and its size, (S,) int."""

    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]


def _group(specimens: NDArray[np.str_]) -> _Groups:
    if len(specimens) == 0:
        raise ValueError("a draw from no images at all")
    _, codes, sizes = np.unique(specimens, return_inverse=True, return_counts=True)
    return _Groups(np.argsort(codes, kind="stable"), np.cumsum(sizes) - sizes, sizes)


def _draw(groups: _Groups, rng: np.random.Generator) -> NDArray[np.int64]:
    drawn = rng.integers(0, len(groups.starts), len(groups.starts))
    sizes = groups.sizes[drawn]
    ends = np.cumsum(sizes)
    shifts = np.repeat(groups.starts[drawn] - ends + sizes, sizes)
    rows: NDArray[np.int64] = groups.rows[np.arange(ends[-1]) + shifts]
    return rows


def draw_rows(specimens: NDArray[np.str_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw as many specimens as there are, with replacement; return the rows of all their images.

    Args:
        specimens: (N,) the specimen of each image.
        rng: source of the draw.

    Returns:
        (M,) int, rows of images, those of a specimen together; M differs from draw to draw where sizes differ.

    Raises:
        ValueError: if there are no images.

    >>> draw_rows(np.array(["a", "b", "a"]), np.random.default_rng(1)).tolist()
    [0, 2, 1]
    """
    return _draw(_group(specimens), rng)


def bootstrap_interval(
    measure: Callable[[NDArray[np.int64]], float], specimens: NDArray[np.str_], seed: int, n_resamples: int = 1000
) -> Interval:
    """95 % percentile interval of a measure: specimens are drawn with replacement, each brings all its images.

    Draws for which the measure is undefined are left out. Where all draws give the same value (one specimen, or
    identifications that are all right) the interval is a point: it then says nothing about the precision.

    Args:
        measure: from rows of images, (M,) int, to a number; nan where undefined. A row comes once for each draw.
        specimens: (N,) the specimen of each image.
        seed: of the draws.
        n_resamples: number of draws.

    Source: Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.

    Raises:
        ValueError: if there are no images, or no draw gives a defined value.

    >>> right = np.array([True, True, False])
    >>> interval = bootstrap_interval(lambda rows: right[rows].mean(), np.array(["a", "a", "b"]), seed=0)
    >>> interval.low, interval.high
    (0.0, 1.0)
    """
    groups, rng = _group(specimens), np.random.default_rng(seed)
    values = np.array([measure(_draw(groups, rng)) for _ in range(n_resamples)], dtype=np.float64)
    interval = _percentiles(values)
    if interval is None:
        raise ValueError(f"the measure is undefined in all of {n_resamples} draws")
    return interval


def bootstrap_intervals(
    measures: Callable[[NDArray[np.int64]], Sequence[float]],
    specimens: NDArray[np.str_],
    seed: int,
    n_resamples: int = 1000,
) -> list[Interval | None]:
    """Intervals of several measures from the same draws, which are those of `bootstrap_interval`.

    Args:
        measures: from how many times each image is drawn, (N,) int, to a number per measure; nan where undefined.
        specimens: (N,) the specimen of each image.
        seed: of the draws.
        n_resamples: number of draws.

    Returns:
        One interval per measure; None where no draw gives a defined value.

    Raises:
        ValueError: if there are no images.
    """
    if len(specimens) == 0:
        raise ValueError("a draw from no images at all")
    names, codes = np.unique(specimens, return_inverse=True)
    rng, n = np.random.default_rng(seed), len(names)
    draws = (np.bincount(rng.integers(0, n, n), minlength=n)[codes] for _ in range(n_resamples))
    values = np.array([measures(times) for times in draws], dtype=np.float64)
    return [_percentiles(of_one) for of_one in values.T]


def _percentiles(values: NDArray[np.float64]) -> Interval | None:
    defined = values[~np.isnan(values)]
    if len(defined) == 0:
        return None
    low, high = np.percentile(defined, [2.5, 97.5])
    return Interval(low=float(low), high=float(high), method="bootstrap over specimens")
