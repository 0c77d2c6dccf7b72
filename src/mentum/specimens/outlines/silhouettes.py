"""The specimen's silhouette: the conspicuous blob in the middle of an image, as exactly as possible."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mentum.specimens.outlines.masks import Grid, Mask, convex_hull, joined, otsu, smooth
from mentum.specimens.outlines.surfaces import Field, fit, quadratic_of_cells

CELLS = 96
"""Cells along the longer side of an image in which a silhouette is looked for."""
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
LEAST, LARGEST = 0.015, 0.92
"""Shares of the image; a silhouette beyond them is none."""


def find_specimen(image: NDArray[np.uint8]) -> Mask | None:
    """Find the specimen in a whole image: its silhouette.

    Args:
        image: (h, w, 3) uint8, of any size.

    Returns:
        (h, w) bool, or None where nothing stands out, or the image is a strip.
    """
    height, width = image.shape[:2]
    cells = cells_of(width, height)
    if cells is None:
        return None
    small = np.asarray(Image.fromarray(image).resize(cells, Image.Resampling.BOX))
    found = find_silhouette(contrast_with_border(small))
    if found is None:
        return None
    smooth_edge = Image.fromarray(found.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    mask: Mask = np.asarray(smooth_edge) > 0.5
    return mask


def cells_of(width: int, height: int) -> tuple[int, int] | None:
    """Columns and rows of about square cells, `CELLS` along the longer side; None for a strip.

    >>> cells_of(1024, 512), cells_of(1000, 20)
    ((96, 48), None)
    """
    columns, rows = (max(1, round(side * CELLS / max(width, height))) for side in (width, height))
    return None if min(columns, rows) < CELLS / 12 else (columns, rows)


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
    basis, strip = quadratic_of_cells(image.shape[:2]), _border(image.shape[:2])
    usual = np.median(colours[strip], axis=0)
    background = usual + basis @ _fit_robustly(basis[strip], colours[strip] - usual)
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
    hull = convex_hull(joined(seed, inside))
    return hull if LEAST < hull.mean() < LARGEST else None


def _fit_robustly(basis: Field, colours: Field, rounds: int = 10) -> Field:
    """Coefficients of least absolute differences, by reweighted least squares."""
    weights = np.ones((len(basis), 1))
    for _ in range(rounds):
        coefficients = fit(basis, colours, STIFFNESS * len(basis) * weights.mean(), weights)
        weights = 1 / np.maximum(np.abs(colours - basis @ coefficients).sum(axis=1, keepdims=True), 3.0)
    return coefficients


def _border(shape: tuple[int, ...]) -> Mask:
    width = max(2, round(BORDER * max(shape)))
    strip = np.ones(shape, dtype=bool)
    strip[width:-width, width:-width] = False
    return strip


def _centrality(shape: tuple[int, ...]) -> Grid:
    """Falls from 1 in the middle to about 0.25 half-way along the border."""
    along = [np.exp(-0.5 * (np.linspace(-1, 1, n) / 0.6) ** 2) for n in shape]
    weights: Grid = np.outer(*along)
    return weights
