"""Smooth outlines: curves and ribbons."""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from mentum.specimens.coco import Points, area, clipped  # y goes forward in the capsule's frame, down in an image

__all__ = ["Points", "area", "clipped", "mirrored", "ribbon", "smooth"]


def smooth(knots: ArrayLike, closed: bool = False, steps: int = 8) -> Points:
    """Catmull-Rom curve through the knots.

    Args:
        knots: (N, 2) points to pass through.
        closed: whether the last knot joins the first.
        steps: points drawn between two knots.

    Returns:
        (M, 2) points; an open curve ends on its last knot.

    >>> smooth([(0, 0), (1, 0), (2, 0)], steps=2).tolist()
    [[0.0, 0.0], [0.4375, 0.0], [1.0, 0.0], [1.5625, 0.0], [2.0, 0.0]]
    """
    p = np.asarray(knots, dtype=np.float64)
    ends = (p[-1:], p[:2]) if closed else (p[:1], p[-1:])
    q = np.concatenate([ends[0], p, ends[1]])
    spans = q[np.arange(len(q) - 3)[:, None] + np.arange(4)]
    flat: Points = (_blend(steps) @ spans).reshape(-1, 2)
    return flat if closed else np.concatenate([flat, p[-1:]])


@cache
def _blend(steps: int) -> Points:
    """Weights of the four knots around a span at each step along it."""
    t = np.arange(steps)[:, None] / steps
    powers = t ** np.arange(4)
    weights: Points = powers @ np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]]) / 2
    return weights


def ribbon(line: Points, widths: ArrayLike) -> Points:
    """Polygon of a line with a width that may change along it.

    Args:
        line: (N, 2) points.
        widths: one width, or N of them.

    >>> ribbon(np.array([[0.0, 0.0], [2.0, 0.0]]), 1.0).tolist()
    [[0.0, 0.5], [2.0, 0.5], [2.0, -0.5], [0.0, -0.5]]
    """
    padded = np.concatenate([line[:1], line, line[-1:]])
    along = padded[2:] - padded[:-2]
    along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    half = np.asarray(widths, dtype=np.float64).reshape(-1, 1) / 2
    across = along[:, ::-1] * np.array([-1.0, 1.0]) * half
    return np.concatenate([line + across, (line - across)[::-1]])


def mirrored(points: Points) -> Points:
    """The points on the other side of the midline."""
    other: Points = points * np.array([-1.0, 1.0])
    return other
