"""What a run's network says of its images, and where in them it sees that: the material of every explanation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mentum.identification.identifier import Explained
from mentum.maps import CellGeometry, Evidence, contrast
from mentum.specimens.pixels import PixelRows
from mentum.specimens.placements import Box, SquarePlacement
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

    @classmethod
    def of_one(cls, rank: Rank, taxa: Sequence[Taxon], explained: Explained) -> RankEvidence:
        """One image without a label, with the calibrated probability of its taxon."""
        found = next(each for each in explained.identification.ranks if each.rank == rank)
        column = next(place for place, taxon in enumerate(taxa) if taxon.name == found.scientific_name)
        relevance = explained.evidence[rank].relevance[:, column]
        y_prob = np.zeros((1, len(taxa)), dtype=np.float32)
        y_prob[0, column] = found.probability
        y_pred, nothing = np.array([column]), np.array([-1])
        return cls(rank, tuple(taxa), nothing, y_pred, nothing, y_prob, relevance, relevance, relevance)

    @property
    def correct(self) -> NDArray[np.bool_]:
        """(N,) bool: images whose label reaches the rank and is the taxon identified."""
        return np.asarray(self.y_true == self.y_pred)

    @property
    def incorrect(self) -> NDArray[np.bool_]:
        """(N,) bool: images whose label reaches the rank and is another taxon."""
        return np.asarray((self.y_true >= 0) & (self.y_true != self.y_pred))

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """(N,) float32, of the taxon identified."""
        return np.asarray(self.y_prob[np.arange(len(self.y_pred)), self.y_pred])

    def most_certain_first(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Rows of the chosen images, the most probable identification first."""
        rows = np.flatnonzero(chosen)
        return rows[np.argsort(-self.probabilities[rows], kind="stable")]

    def pairs(self) -> list[tuple[int, int]]:
        """Columns of label and other taxon, the most instructive first.

        These are the pairs confused most often or, without any confusion, those in which the other taxon is the
        strongest runner-up.
        """
        wrong = self.incorrect
        confused = Counter(zip(self.y_true[wrong].tolist(), self.y_pred[wrong].tolist(), strict=True))
        if confused:
            return [pair for pair, _ in sorted(confused.items(), key=lambda item: (-item[1], item[0]))]
        strength: dict[tuple[int, int], float] = {}
        for row in np.flatnonzero(self.correct).tolist():
            label, other = int(self.y_true[row]), int(self.runner_up[row])
            share = float(self.y_prob[row, other] / (self.y_true == label).sum())
            strength[label, other] = strength.get((label, other), 0.0) + share
        return sorted(strength, key=lambda pair: (-strength[pair], pair))

    def contrasts(
        self, right: NDArray[np.int64], wrong: NDArray[np.int64], label: int, other: int
    ) -> NDArray[np.float32]:
        """Maps (n, cells, cells) of the label against another taxon: of right images, then of those named so."""
        rows = np.concatenate([right, wrong]).astype(np.int64)
        return contrast(
            np.concatenate([self.relevance[right], self.label_relevance[wrong]]),
            np.concatenate([self.runner_up_relevance[right], self.relevance[wrong]]),
            self.y_prob[rows, label],
            self.y_prob[rows, other],
        )


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
        boxes: file name → the part of the image that its square shows; without one, the whole.
    """

    file_names: list[str]
    specimens: NDArray[np.str_]
    subsets: NDArray[np.str_]
    pixels: NDArray[np.uint8] | PixelRows
    sizes: NDArray[np.int64]
    geometry: CellGeometry
    ranks: Mapping[Rank, RankEvidence]
    boxes: Mapping[str, Box] = field(default_factory=dict)

    def placement(self, row: int) -> SquarePlacement:
        """Where an image lies in its square."""
        width, height = self.sizes[row].tolist()
        return SquarePlacement(width, height, self.geometry.size, self.boxes.get(self.file_names[row]))
