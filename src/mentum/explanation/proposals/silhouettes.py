"""Tells the specimen from what lies behind it, by colour alone, for images that nobody has outlined.

It serves photographs of one specimen before an even background, as under a microscope. A picture from the field, where
leaves and branches are as conspicuous as the animal, often defeats it.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Grid = NDArray[np.float64]

BORDER = 0.05
"""Width of the strip along the border that is taken for background, as a share of the longer side."""
STIFFNESS = 0.02
"""How much a background that changes across the image is held back from bending to what lies in the strip."""
BLUR = 1.2
"""Cells; evens out grain and fine hairs before the threshold."""
OPENING = 3.0
"""Cells; structures up to a third thicker than this, such as setae, are cut off."""
FAINTEST = 4.0
"""Contrast below which there is nothing to see."""
SMALLEST, LARGEST = 0.015, 0.92
"""Shares of the image; a silhouette beyond them is none."""


def contrast_with_border(image: NDArray[np.uint8]) -> Grid:
    """How far the colour of each pixel lies from that of the background.

    The background is a surface of second degree through the strip along the border, fitted to the least sum of absolute
    differences, so that neither shading nor what crosses the border counts.

    Args:
        image: (h, w, 3) uint8, small (about 100 px).

    Returns:
        (h, w) float, smoothed, 0-442.
    """
    colours = image.astype(np.float64)
    height, width = image.shape[:2]
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    surface = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1)
    strip = _border(image.shape[:2])
    usual = np.median(colours[strip], axis=0)
    background = usual + surface @ _fit(surface[strip], colours[strip] - usual)
    return smooth(np.linalg.norm(colours - background, axis=-1), BLUR)


def find_silhouette(contrast: Grid) -> Mask | None:
    """The conspicuous blob in the middle, without holes, thin outgrowths and dents.

    Otsu's threshold on `contrast`, an opening, the piece with the most conspicuous place near the centre, its convex
    hull. The hull closes notches that are as pale as the background.

    Returns:
        (h, w) bool, or None where the blob is faint, tiny or covers everything.

    Source: Otsu 1979, on a power of the contrast, which brings pale parts to the side of the dark ones.
    """
    values = contrast**0.7
    inside = smooth((values > otsu(values)).astype(np.float64), OPENING) > 0.5
    if not inside.any() or contrast.max() < FAINTEST:
        return None
    conspicuous = smooth(np.where(inside, contrast, 0), 2 * OPENING) * _centrality(contrast.shape) * inside
    seed = np.zeros_like(inside)
    seed.flat[conspicuous.argmax()] = True
    hull = convex_hull(grown(seed, inside))
    return hull if SMALLEST < hull.mean() < LARGEST else None


def otsu(values: Grid) -> float:
    """The threshold that parts values into the two most even groups.

    >>> 1 < otsu(np.array([0.0, 1.0, 0.5, 9.0, 8.0])) < 8
    True
    """
    counts, edges = np.histogram(values, bins=128)
    below, total = np.cumsum(counts)[:-1], counts.sum()
    sums = np.cumsum(counts * (edges[1:] + edges[:-1]) / 2)
    between = (sums[-1] * below - total * sums[:-1]) ** 2 / np.maximum(below * (total - below), 1)
    return float(edges[1:-1][between.argmax()])


def grown(seed: Mask, within: Mask) -> Mask:
    """All cells of `within` that are joined to the seed by their sides.

    >>> grown(np.array([[True, False, False, False]]), np.array([[True, True, False, True]])).tolist()
    [[True, True, False, False]]
    """
    reached = seed & within
    while True:
        wide = np.pad(reached, 1)
        joined = wide[1:-1, 1:-1] | wide[:-2, 1:-1] | wide[2:, 1:-1] | wide[1:-1, :-2] | wide[1:-1, 2:]
        if np.array_equal(reached, joined & within):
            return reached
        reached = joined & within


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


def _border(shape: tuple[int, ...]) -> Mask:
    width = max(2, round(BORDER * max(shape)))
    strip = np.ones(shape, dtype=bool)
    strip[width:-width, width:-width] = False
    return strip


def _fit(surface: Grid, colours: Grid, rounds: int = 10) -> Grid:
    """Coefficients of least absolute differences, by reweighted least squares."""
    weights = np.ones((len(surface), 1))
    stiffness = STIFFNESS * len(surface) * np.diag([0.0, 1, 1, 1, 1, 1])
    coefficients = np.zeros((surface.shape[1], colours.shape[1]))
    for _ in range(rounds):
        equations = surface.T @ (surface * weights) + stiffness * weights.mean()
        coefficients = np.linalg.solve(equations, surface.T @ (colours * weights))
        weights = 1 / np.maximum(np.abs(colours - surface @ coefficients).sum(axis=1, keepdims=True), 3.0)
    return coefficients


def _centrality(shape: tuple[int, ...]) -> Grid:
    """Falls from 1 in the middle to about 0.25 half-way along the border."""
    along = [np.exp(-0.5 * (np.linspace(-1, 1, n) / 0.6) ** 2) for n in shape]
    weights: Grid = np.outer(*along)
    return weights
