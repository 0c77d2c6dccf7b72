"""Intervals of any measure: specimens are drawn again and again, each with all its images."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mentum.records import Interval


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
    within = np.arange(ends[-1]) - np.repeat(ends - sizes, sizes)
    rows: NDArray[np.int64] = groups.rows[np.repeat(groups.starts[drawn], sizes) + within]
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
    defined = values[~np.isnan(values)]
    if len(defined) == 0:
        raise ValueError(f"the measure is undefined in all of {n_resamples} draws")
    low, high = np.percentile(defined, [2.5, 97.5])
    return Interval(low=float(low), high=float(high), method="bootstrap over specimens")
