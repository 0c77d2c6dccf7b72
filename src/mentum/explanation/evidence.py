"""What a run's network says of its images, and where in them it sees that: the material of every explanation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mentum.maps import CellGeometry, Evidence
from mentum.specimens.pixels import PixelRows
from mentum.taxonomy import Rank, Taxon

ExplainPixels = Callable[[NDArray[np.uint8]], Mapping[Rank, Evidence]]
"""Squares (N, S, S, 3) uint8 → evidence for every taxon at each rank."""


@dataclass(frozen=True)
class RankEvidence:
    """N images at one rank.

    Attributes:
        taxa: the C taxa at `rank`, in the order of the columns.
        y_true: (N,) int, column of the label, -1 where it leaves the rank open.
        y_pred: (N,) int, column of the most probable taxon; likewise `runner_up` of the second.
        y_prob: (N, C) float32.
        relevance: (N, cells, cells) float32, signed, of the taxon identified; likewise `label_relevance` of the label
            (NaN where open) and `runner_up_relevance`.
    """

    rank: Rank
    taxa: tuple[Taxon, ...]
    y_true: NDArray[np.int64]
    y_pred: NDArray[np.int64]
    runner_up: NDArray[np.int64]
    y_prob: NDArray[np.float32]
    relevance: NDArray[np.float32]
    label_relevance: NDArray[np.float32]
    runner_up_relevance: NDArray[np.float32]

    @property
    def correct(self) -> NDArray[np.bool_]:
        """(N,) bool: images whose label reaches the rank and is the taxon identified."""
        return np.asarray(self.y_true == self.y_pred)

    @property
    def incorrect(self) -> NDArray[np.bool_]:
        """(N,) bool: images whose label reaches the rank and is another taxon."""
        return np.asarray((self.y_true >= 0) & (self.y_true != self.y_pred))


@dataclass(frozen=True)
class RunEvidence:
    """The images of a run, or of one of its subsets, at several ranks.

    Attributes:
        file_names: N file names, relative to the data's root.
        specimens: (N,) str; likewise `subsets`.
        pixels: (N, size, size, 3) uint8, or rows of such an array.
        sizes: (N, 2) int, width and height of each image file, upright, px.
        geometry: where the cells of a map are drawn.
        ranks: lowest rank first.
    """

    file_names: list[str]
    specimens: NDArray[np.str_]
    subsets: NDArray[np.str_]
    pixels: NDArray[np.uint8] | PixelRows
    sizes: NDArray[np.int64]
    geometry: CellGeometry
    ranks: Mapping[Rank, RankEvidence]
