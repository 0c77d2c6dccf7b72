"""Smooth outlines: curves, ribbons, areas and clipping of polygons."""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]  # (N, 2): x to the right, y forward (capsule frame) or down (image)


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


def area(polygon: Points) -> float:
    """Area within a polygon (shoelace formula).

    >>> area(np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0]]))
    2.0
    """
    x, y = polygon[:, 0], polygon[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def clipped(polygon: Points, width: float, height: float) -> Points:
    """The part of a polygon that lies in an image (Sutherland-Hodgman); may be empty.

    >>> clipped(np.array([[-1.0, 0.0], [1.0, 0.0], [1.0, 2.0], [-1.0, 2.0]]), 4, 4).tolist()
    [[0.0, 0.0], [1.0, 0.0], [1.0, 2.0], [0.0, 2.0]]
    """
    for axis, limit, sign in ((0, 0.0, 1.0), (0, width, -1.0), (1, 0.0, 1.0), (1, height, -1.0)):
        polygon = _cut(polygon, axis, limit, sign)
    return polygon


def _cut(polygon: Points, axis: int, limit: float, sign: float) -> Points:
    depth = sign * (polygon[:, axis] - limit)
    if (depth >= 0).all():
        return polygon
    kept: list[Points] = []
    for i, point in enumerate(polygon):
        before, here = depth[i - 1], depth[i]
        if (before < 0) != (here < 0):
            kept.append(polygon[i - 1] + (point - polygon[i - 1]) * (before / (before - here)))
        if here >= 0:
            kept.append(point)
    return np.array(kept).reshape(-1, 2)
