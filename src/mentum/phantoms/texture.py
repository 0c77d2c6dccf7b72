"""Smooth noise, and the map of pigment in the capsule's wall."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mentum.phantoms.anatomy import Taxon

Field = NDArray[np.float32]

TEXTURE_BOX = (-0.7, -0.2, 0.7, 1.7)  # left, rear, right, front, in capsule widths
CELL = 0.02


def smooth_noise(rng: np.random.Generator, rows: int, columns: int, cell: float) -> Field:
    """Noise of mean 0 and standard deviation near 1, whose patches are about `cell` pixels wide.

    >>> smooth_noise(np.random.default_rng(0), 4, 6, 2.0).shape
    (4, 6)
    """
    coarse = (max(round(rows / cell), 1) + 3, max(round(columns / cell), 1) + 3)
    grid = Image.fromarray(rng.standard_normal(coarse, dtype=np.float32))
    inside = (1, 1, coarse[1] - 1, coarse[0] - 1)
    return np.asarray(grid.resize((columns, rows), Image.Resampling.BICUBIC, box=inside)) * np.float32(1.5)


def wall_pigment(taxon: Taxon, rng: np.random.Generator) -> Field:
    """How pigment lies in the ventral wall, on the grid of `TEXTURE_BOX`: 1 is the capsule's own colour."""
    left, rear, right, front = TEXTURE_BOX
    columns, rows = round((right - left) / CELL), round((front - rear) / CELL)
    x = np.linspace(left, right, columns)[None, :]
    y = np.linspace(rear, front, rows)[:, None]
    mentum = taxon.capsule.length - taxon.mentum.front - 0.15
    apex = taxon.capsule.length - taxon.arch.apex
    gula = taxon.gula
    behind_mentum = _step(y, apex - 0.30, 0.10) * _step(-y, -mentum, 0.05)
    patch = np.exp(-(((np.abs(x) - 0.13) / 0.09) ** 2) - ((y - apex - 0.10) / 0.10) ** 2)
    cheeks = _step(y, mentum + 0.02, 0.03) * _step(np.abs(x), 0.16, 0.04)
    pigment = 1 + gula.darkness * np.exp(-0.5 * (np.abs(x) / gula.width) ** 4) * behind_mentum
    pigment = pigment + gula.blotches * patch + 0.7 * cheeks
    side = 1 + rng.normal(0, 0.30) * x
    return np.maximum(pigment * side * mottling(rng, 0.18), 0.15).astype(np.float32)


def mottling(rng: np.random.Generator, strength: float) -> Field:
    """Clouds, and streaks along the body, around 1, on the grid of `TEXTURE_BOX`."""
    left, rear, right, front = TEXTURE_BOX
    columns, rows = round((right - left) / CELL), round((front - rear) / CELL)
    clouds = smooth_noise(rng, rows, columns, 12.5) + 0.6 * smooth_noise(rng, rows, columns, 3.75)
    streaks = smooth_noise(rng, rows // 8, columns, 2)
    streaks = np.asarray(Image.fromarray(streaks).resize((columns, rows), Image.Resampling.BILINEAR))
    pattern: Field = np.maximum(1 + np.float32(strength) * (clouds + 0.2 * streaks), 0).astype(np.float32)
    return pattern


def _step(values: NDArray[np.float64], middle: float, width: float) -> NDArray[np.float64]:
    share: NDArray[np.float64] = 1 / (1 + np.exp(-(values - middle) / width))
    return share
