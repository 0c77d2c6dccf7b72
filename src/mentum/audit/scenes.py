"""A picture in cells: colours, textures, and where the specimen is not."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mentum.specimens.outlines.patches import find_with_rim
from mentum.specimens.outlines.surfaces import Field

COARSE = 48
"""Cells along the long side of the picture in which the specimen is looked for."""
FEWEST = 4
"""Cells along the short side."""


class Scene(NamedTuple):
    """A picture in cells.

    Attributes:
        colours: (rows, columns, 3) means.
        textures: (rows, columns, 3) logarithms of the spread and of the gradients down and to the right.
        seen: (rows, columns) bool, where the specimen is not.
        lines: (4, 3) colours of the outermost lines of pixels: top, bottom, left, right; without the specimen.
    """

    colours: Field
    textures: Field
    seen: NDArray[np.bool_]
    lines: Field

    @classmethod
    def of(cls, picture: Field, mask: NDArray[np.bool_] | None) -> Scene:
        """Divide a picture (height, width, 3) of 0-1, of whose specimen the mask (height, width) may be known."""
        grid = Grid.over(picture)
        colours, texture = grid.means(picture), grid.texture(picture)
        outlined = None if mask is None else grid.touched(mask)
        seen = ~find_with_rim(colours, texture[..., 0], outlined)
        top, bottom, left, right = picture[0], picture[-1], picture[:, 0], picture[:, -1]
        sides = ((top, seen[0]), (bottom, seen[-1]), (left, seen[:, 0]), (right, seen[:, -1]))
        lines = [mean_of(line[free[np.arange(len(line)) * len(free) // len(line)]]) for line, free in sides]
        return cls(colours, log_of(texture), seen, np.array(lines))


def mean_of(values: Field) -> Field:
    """(n, C) → (C,); nan where there is none."""
    means: Field = values.mean(axis=0) if len(values) else np.full(values.shape[1], np.nan)
    return means


def log_of(spread: Field) -> Field:
    """The logarithm of a spread of brightnesses of 0-1, of which less than half a grey level counts as that."""
    logarithm: Field = np.log(np.maximum(spread, 0.002))
    return logarithm


class Grid(NamedTuple):
    """Rows and columns of cells over a picture."""

    rows: int
    columns: int

    @classmethod
    def over(cls, picture: Field) -> Grid:
        """About square cells, `COARSE` along the long side."""
        shape = picture.shape[:2]
        return cls(*(max(FEWEST, min(side, round(COARSE * side / max(shape)))) for side in shape))

    def means(self, values: NDArray[np.generic]) -> Field:
        """(height, width, C) → (rows, columns, C) float32."""
        layers = (Image.fromarray(layer.astype(np.float32)) for layer in np.moveaxis(values, 2, 0))
        size = self.columns, self.rows
        return np.stack([np.asarray(layer.resize(size, Image.Resampling.BOX)) for layer in layers], axis=2)

    def touched(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(height, width) → (rows, columns): cells of which any pixel is in the mask."""
        touched: NDArray[np.bool_] = self.means(mask[..., None])[..., 0] > 0
        return touched

    def texture(self, picture: Field) -> Field:
        """(rows, columns, 3): spread of the brightness in each cell, and its mean gradients down and to the right."""
        grey = picture.mean(axis=2)
        down, right = np.zeros_like(grey), np.zeros_like(grey)
        np.abs(grey[1:] - grey[:-1], out=down[1:])
        np.abs(grey[:, 1:] - grey[:, :-1], out=right[:, 1:])
        mean, square, *slopes = (self.means(values[..., None])[..., 0] for values in (grey, grey**2, down, right))
        return np.stack([np.sqrt(np.maximum(square - mean**2, 0)), *slopes], axis=2)
