"""The patch that may be specimen: what differs from what the picture's edges go on to."""

from __future__ import annotations

import numpy as np

from mentum.specimens.outlines.masks import Mask, filled, grow, joined, largest, otsu
from mentum.specimens.outlines.surfaces import Field, surface

RIM = 2
"""Cells around the specimen that count as part of it."""
HANGING = 0.5
"""Share of the threshold above which cells that hang on the specimen are part of it, such as a piece of thorax."""


def find_with_rim(colours: Field, spread: Field, outlined: Mask | None = None) -> Mask:
    """Find the specimen with a rim around it, as in `find_body`."""
    return grow(find_body(colours, spread, outlined), RIM)


def find_body(colours: Field, spread: Field, outlined: Mask | None = None) -> Mask:
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
    limit = max(1.0, otsu(np.minimum(strange, np.quantile(strange, 0.95)), bins=64))  # less is rounding
    core = largest(strange > limit) if outlined is None else outlined
    whole = joined(core, (strange > HANGING * limit) | core)
    return filled(_spanned(whole if whole.mean() <= 0.8 else core))


def _strangeness_from_edge(values: Field, outlined: Mask | None) -> Field:
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


def _spanned(mask: Mask) -> Mask:
    """A mask with what lies between two of its cells in a row or a column."""
    spans = []
    for axis in (0, 1):
        before = np.logical_or.accumulate(mask, axis=axis)
        after = np.flip(np.logical_or.accumulate(np.flip(mask, axis), axis=axis), axis)
        spans.append(before & after)
    spanned: Mask = spans[0] | spans[1]
    return spanned


def _strangeness(values: Field, plain: Mask) -> Field:
    """Distance of each cell from a surface through the plain ones, in units of how these scatter (Mahalanobis)."""
    rest = values - surface(values, plain)[1]
    scatter = rest[plain].T @ rest[plain] / plain.sum() + 0.01**2 * np.eye(rest.shape[2])
    strange: Field = np.sqrt(((rest @ np.linalg.inv(scatter)) * rest).sum(axis=2))
    return strange
