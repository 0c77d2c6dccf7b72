"""A photograph whose characters are known, for a drawing of where they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mentum.explanation.results import BACKGROUND


@dataclass(frozen=True)
class Exemplar:
    """A photograph and its characters.

    Attributes:
        pixels: (S, S, 3) uint8.
        names: of the R regions: characters, "unassigned", "background".
        masks: (R, S, S) float32, 0-1.
    """

    pixels: NDArray[np.uint8]
    names: tuple[str, ...]
    masks: NDArray[np.float32]

    def mask(self, name: str) -> NDArray[np.bool_]:
        """(S, S) bool: where a region is; nowhere if the photograph does not show it."""
        if name not in self.names:
            return np.zeros(self.masks.shape[1:], dtype=bool)
        shown: NDArray[np.bool_] = self.masks[self.names.index(name)] > 0.5
        return shown

    @property
    def frame(self) -> tuple[float, float, float]:
        """Left, top and side of a square around the specimen, px."""
        seen = ~self.mask(BACKGROUND)
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        size = len(seen)
        side = min(1.06 * max(np.ptp(rows), np.ptp(columns)) + 1, size)
        centre = (columns[0] + columns[-1]) / 2, (rows[0] + rows[-1]) / 2
        left, top = (float(np.clip(place - side / 2, 0, size - side)) - 0.5 for place in centre)
        return left, top, float(side)


def label_anchor(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """A point (x, y) well inside the right half of a character, so that a pair is labelled once."""
    y, x = np.nonzero(mask)
    right = x >= np.median(x)
    y, x = y[right], x[right]
    nearest = np.argmin((x - x.mean()) ** 2 + (y - y.mean()) ** 2)
    return float(x[nearest]), float(y[nearest])
