"""Where an image, or the part of it that shows the specimen, lies in its square."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]
"""Left, top, right and bottom of a part of an upright image, px."""


@dataclass(frozen=True)
class SquarePlacement:
    """Where an image lies in its square: what `read_square` does, in numbers.

    Coordinates are continuous: the first pixel covers [0, 1) by [0, 1). An image that is decoded at a reduced size may
    lie up to one px off, where its reduced sides round to another aspect.

    Attributes:
        width, height: of the upright image, px.
        size: side of the square, px.
        box: the part of the image that the square shows; None = the whole image.
    """

    width: int
    height: int
    size: int
    box: Box | None = None

    @property
    def shown(self) -> Box:
        """The part of the image that the square shows."""
        return self.box or (0, 0, self.width, self.height)

    @property
    def inner(self) -> tuple[int, int]:
        """Width and height within the square of what it shows, px.

        >>> SquarePlacement(width=1024, height=756, size=224).inner
        (224, 165)
        """
        width, height = self._shown_size
        if width > height:
            return self.size, round(height / width * self.size)
        return round(width / height * self.size), self.size

    @property
    def _shown_size(self) -> tuple[int, int]:
        left, top, right, bottom = self.shown
        return right - left, bottom - top

    @property
    def left(self) -> int:
        """Columns of padding before it."""
        return round((self.size - self.inner[0]) * 0.5)

    @property
    def top(self) -> int:
        """Rows of padding above it."""
        return round((self.size - self.inner[1]) * 0.5)

    @property
    def scale_x(self) -> float:
        """Px of the square per px of the image, from left to right."""
        return self.inner[0] / self._shown_size[0]

    @property
    def scale_y(self) -> float:
        """Px of the square per px of the image, from top to bottom."""
        return self.inner[1] / self._shown_size[1]

    def place(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (N, 2) of the image → of the square, x and y in px.

        >>> SquarePlacement(width=400, height=200, size=100).place(np.array([[0.0, 0.0], [400.0, 200.0]])).tolist()
        [[0.0, 25.0], [100.0, 75.0]]
        """
        placed: NDArray[np.float64] = (points - self.shown[:2]) * (self.scale_x, self.scale_y) + (self.left, self.top)
        return placed

    def restore(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (N, 2) of the square → of the image, x and y in px; the inverse of `place`."""
        restored: NDArray[np.float64] = (points - (self.left, self.top)) / (self.scale_x, self.scale_y) + self.shown[:2]
        return restored
