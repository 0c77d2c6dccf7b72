"""How much images need their characters, for pictures: apart from how that is measured, which loads far more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ImageNeeds:
    """How much the identification of each image needs each character, at one rank.

    Attributes:
        characters: C names.
        necessity: (N, C) of all images of the run, in log-odds; NaN where a character is absent or was not measured.
        chance: the least necessity of a character that is used.
    """

    characters: tuple[str, ...]
    necessity: NDArray[np.float64]
    chance: float
