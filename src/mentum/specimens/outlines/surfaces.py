"""Smooth surfaces through a background."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating]


def quadratic(shape: tuple[int, ...]) -> Field:
    """(rows, columns, 6): the terms of a quadratic in the place, -1 to 1."""
    y, x = np.meshgrid(np.linspace(-1, 1, shape[0]), np.linspace(-1, 1, shape[1]), indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * x - 1 / 3, y * y - 1 / 3, x * y], axis=2)


quadratic_of_cells = lru_cache(maxsize=64)(quadratic)  # of grids of cells, of which there are few


def surface(values: Field, seen: NDArray[np.bool_]) -> tuple[Field, Field]:
    """A quadratic through the seen cells: coefficients (6, C), and its values everywhere (rows, columns, C)."""
    basis = quadratic_of_cells(values.shape[:2])
    known = basis[seen]
    coefficients = fit(known, values[seen], 0.01 * seen.size)
    return coefficients, basis @ coefficients


def fit(basis: Field, values: Field, stiffness: float, weights: Field | None = None) -> Field:
    """Coefficients of least squares, held back from bending, so that what is not seen does not run away."""
    weighted = basis if weights is None else basis * weights
    held = stiffness * np.diag([0.0, 1, 1, 1, 1, 1])
    coefficients: Field = np.linalg.solve(basis.T @ weighted + held, weighted.T @ values)
    return coefficients
