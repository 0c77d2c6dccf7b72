"""Where the specimen lies in a picture that nobody outlined: what differs from what the picture's edges go on to."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating]

RIM = 2
"""Cells around the specimen that count as part of it."""
HANGING = 0.5
"""Share of the threshold above which cells that hang on the specimen are part of it, such as a piece of thorax."""


def quadratic(shape: tuple[int, ...]) -> Field:
    """(rows, columns, 6): the terms of a quadratic in the place, -1 to 1."""
    y, x = np.meshgrid(np.linspace(-1, 1, shape[0]), np.linspace(-1, 1, shape[1]), indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * x - 1 / 3, y * y - 1 / 3, x * y], axis=2)


_basis = lru_cache(maxsize=64)(quadratic)  # of grids of cells, of which there are few


def surface(values: Field, seen: NDArray[np.bool_]) -> tuple[Field, Field]:
    """A quadratic through the seen cells: coefficients (6, C), and its values everywhere (rows, columns, C)."""
    basis = _basis(values.shape[:2])
    known = basis[seen]
    gentle = 0.01 * seen.size * np.diag([0.0, 1, 1, 1, 1, 1])  # keeps the unseen from running away
    coefficients: Field = np.linalg.solve(known.T @ known + gentle, known.T @ values[seen])
    return coefficients, basis @ coefficients


def find_specimen(colours: Field, spread: Field, outlined: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """Find the specimen with a rim around it, as in `find_body`."""
    return grow(find_body(colours, spread, outlined), RIM)


def find_body(colours: Field, spread: Field, outlined: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """Find the specimen: the largest patch that differs from what the picture's edges go on to.

    Args:
        colours: (rows, columns, 3) mean colour of each cell of a picture, 0-1.
        spread: (rows, columns) of the brightness within each cell.
        outlined: (rows, columns) where it is known to be; what hangs on it is then found.

    Returns:
        (rows, columns) bool.

    Source: our own; the threshold is Otsu's (1979, IEEE Trans. Syst. Man Cybern. 9: 62-66), the distance Mahalanobis'.
    """
    strange = _strangeness_from_edge(np.concatenate([colours, spread[..., None]], axis=2), outlined)
    limit = max(1.0, _threshold(strange))  # less is rounding
    core = _largest(strange > limit) if outlined is None else outlined
    whole = _touching((strange > HANGING * limit) | core, core)
    return _filled(_spanned(whole if whole.mean() <= 0.8 else core))


def _strangeness_from_edge(values: Field, outlined: NDArray[np.bool_] | None) -> Field:
    """How far each cell is from what the picture's edge goes on to, without what crosses the edge."""
    edge = np.ones(values.shape[:2], dtype=bool)
    edge[2:-2, 2:-2] = False
    plain = edge if outlined is None else edge & ~outlined
    if plain.sum() < 0.2 * edge.sum():
        plain = edge
    allowed = plain
    for _ in range(3):
        strange = _strangeness(values, plain)
        plain = allowed & (strange <= 2.5 * np.median(strange[allowed]))
    return _strangeness(values, plain)


def _touching(mask: NDArray[np.bool_], core: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The patches of a mask that hold some of a core."""
    numbers = _components(mask)
    return mask & np.isin(numbers, np.unique(numbers[core]))


def _spanned(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask with what lies between two of its cells in a row or a column."""
    spans = []
    for axis in (0, 1):
        before = np.logical_or.accumulate(mask, axis=axis)
        after = np.flip(np.logical_or.accumulate(np.flip(mask, axis), axis=axis), axis)
        spans.append(before & after)
    spanned: NDArray[np.bool_] = spans[0] | spans[1]
    return spanned


def _strangeness(values: Field, plain: NDArray[np.bool_]) -> Field:
    """Distance of each cell from a surface through the plain ones, in units of how these scatter (Mahalanobis)."""
    rest = values - surface(values, plain)[1]
    scatter = rest[plain].T @ rest[plain] / plain.sum() + 0.01**2 * np.eye(rest.shape[2])
    strange: Field = np.sqrt(((rest @ np.linalg.inv(scatter)) * rest).sum(axis=2))
    return strange


def _threshold(values: Field) -> float:
    """Between the two groups that differ most (Otsu 1979), of values up to their 95th percentile."""
    counts, edges = np.histogram(np.minimum(values, np.quantile(values, 0.95)), bins=64)
    centres = (edges[1:] + edges[:-1]) / 2
    below, sums = counts.cumsum()[:-1], (counts * centres).cumsum()
    above = counts.sum() - below
    between = below * above * (sums[:-1] / np.maximum(below, 1) - (sums[-1] - sums[:-1]) / np.maximum(above, 1)) ** 2
    return float(edges[1 + between.argmax()])


def grow(mask: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    """A mask with all cells around it, some steps far."""
    for _ in range(steps):
        wide = np.pad(mask, 1)
        wide = wide[2:] | wide[1:-1] | wide[:-2]
        mask = wide[:, 2:] | wide[:, 1:-1] | wide[:, :-2]
    return mask


def _components(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The patch of each cell of a mask: the highest number in it; 0 outside."""
    numbers = np.where(mask, np.arange(1, mask.size + 1).reshape(mask.shape), 0)
    wide = np.pad(numbers, 1)
    while True:
        wide[1:-1, 1:-1] = numbers
        best = np.maximum.reduce([numbers, wide[2:, 1:-1], wide[:-2, 1:-1], wide[1:-1, 2:], wide[1:-1, :-2]])
        best = np.concatenate([[0], best.ravel()])[np.where(mask, best, 0)]  # a number is a cell, with a better one
        if (best == numbers).all():
            return numbers
        numbers = best


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    numbers = _components(mask)
    sizes = np.bincount(numbers.ravel(), minlength=2)
    largest: NDArray[np.bool_] = numbers == 1 + sizes[1:].argmax()
    return mask & largest


def _filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask with its holes."""
    outside = _components(np.pad(~mask, 1, constant_values=True))
    filled: NDArray[np.bool_] = (outside != outside[0, 0])[1:-1, 1:-1]
    return filled
