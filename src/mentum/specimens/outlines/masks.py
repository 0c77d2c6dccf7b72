"""Masks of a picture's cells: thresholds, patches, holes, hulls and smoothing."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Grid = NDArray[np.float64]


def otsu(values: NDArray[np.floating], bins: int = 128) -> float:
    """The threshold that parts values into the two groups that differ most.

    >>> 1 < otsu(np.array([0.0, 1.0, 0.5, 9.0, 8.0])) < 8
    True
    """
    counts, edges = np.histogram(values, bins=bins)
    below, total = np.cumsum(counts)[:-1], counts.sum()
    sums = np.cumsum(counts * (edges[1:] + edges[:-1]) / 2)
    between = (sums[-1] * below - total * sums[:-1]) ** 2 / np.maximum(below * (total - below), 1)
    return float(edges[1:-1][between.argmax()])


def joined(seed: Mask, within: Mask) -> Mask:
    """All cells of `within` that are joined to the seed by their sides.

    >>> joined(np.array([[True, False, False, False]]), np.array([[True, True, False, True]])).tolist()
    [[True, True, False, False]]
    """
    from scipy import ndimage  # takes longer to load than a specimen to find

    reached: Mask = ndimage.binary_propagation(seed & within, mask=within)
    return reached


def filled(mask: Mask) -> Mask:
    """A mask with its holes."""
    from scipy import ndimage

    whole: Mask = ndimage.binary_fill_holes(mask)
    return whole


def grow(mask: Mask, steps: int) -> Mask:
    """A mask with all cells around it, one step or more far."""
    from scipy import ndimage

    wide: Mask = ndimage.binary_dilation(mask, np.ones((3, 3), dtype=bool), iterations=steps)
    return wide


def largest(mask: Mask) -> Mask:
    """The largest patch of a mask; nothing where there is none."""
    from scipy import ndimage

    numbers, _ = ndimage.label(mask)
    found: Mask = numbers == 1 + np.bincount(numbers.ravel(), minlength=2)[1:].argmax()
    return mask & found


def convex_hull(mask: Mask, directions: int = 24) -> Mask:
    """The cells that lie between the mask's outermost cells in each of several directions."""
    places = np.argwhere(mask)
    cells = np.indices(mask.shape)
    hull = np.ones_like(mask)
    for angle in np.arange(directions) * np.pi / directions:
        across = np.array([np.sin(angle), np.cos(angle)])
        reach = places @ across
        projected = np.tensordot(across, cells, axes=1)
        hull &= (projected >= reach.min() - 0.5) & (projected <= reach.max() + 0.5)
    return hull


def smooth(grid: Grid, sigma: float) -> Grid:
    """A Gaussian of `sigma` cells along both axes; the border is no edge: weights beyond it are shared out within."""
    rows, columns = (_gaussian(n, sigma) for n in grid.shape)
    smoothed: Grid = rows @ grid @ columns.T
    return smoothed


@cache
def _gaussian(n: int, sigma: float) -> Grid:
    distance = np.arange(n)[:, None] - np.arange(n)
    weights = np.exp(-0.5 * (distance / sigma) ** 2)
    shares: Grid = weights / weights.sum(axis=1, keepdims=True)
    return shares
