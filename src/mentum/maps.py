"""Relevance maps: what a network saw where, where the cells lie in the image, and maps of taxa at every rank.

A map is signed and stays at the network's resolution; nothing here needs a network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mentum.records import Record
from mentum.taxonomy import SMALL, Rank, Taxonomy, sum_columns

Alignment = Literal["receptive-field", "half-pixel"]
"""Where a cell is drawn: on the centre of what it sees, or as if the cells tiled the image."""


class CellGeometry(Record):
    """Where the cells of a map lie in the network's square.

    Attributes:
        size: side of the square, px.
        cells: along one side.
        stride: px between the centres of neighbouring cells.
        offset: px from the centre of the first pixel to that of the first cell, alike on both axes.
    """

    size: int = Field(ge=1)
    cells: int = Field(ge=1)
    stride: float = Field(gt=0)
    offset: float

    @property
    def half_pixel(self) -> CellGeometry:
        """Cells that tile the square, as other libraries draw them whatever the network.

        >>> CellGeometry(size=224, cells=7, stride=32, offset=0).half_pixel.offset
        15.5
        """
        stride = self.size / self.cells
        return self.model_copy(update={"stride": stride, "offset": stride / 2 - 0.5})

    def aligned(self, align: Alignment) -> CellGeometry:
        """The geometry to draw with."""
        return self.half_pixel if align == "half-pixel" else self

    def weights(self) -> NDArray[np.float32]:
        """(size, cells): how each pixel of one axis mixes the cells.

        Linear between the centres of cells, constant beyond the outermost ones; rows sum to 1.

        >>> CellGeometry(size=3, cells=2, stride=2, offset=0).weights().tolist()
        [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
        """
        place = (np.arange(self.size) - self.offset) / self.stride
        distance = np.abs(np.clip(place, 0, self.cells - 1)[:, None] - np.arange(self.cells))
        return np.asarray(np.maximum(1 - distance, 0), dtype=np.float32)

    def draw(self, relevance: NDArray[np.float32]) -> NDArray[np.float32]:
        """Maps (…, cells, cells) → (…, size, size)."""
        weights = self.weights()
        return np.asarray(weights @ relevance @ weights.T, dtype=np.float32)

    def project(self, masks: NDArray[np.float32]) -> NDArray[np.float32]:
        """What each cell weighs within masks: (…, size, size) → (…, cells, cells).

        The sum of a drawn map within a mask is the sum of map times projection, so shares need no drawing.
        """
        weights = self.weights()
        return np.asarray(weights.T @ masks @ weights, dtype=np.float32)


@dataclass(frozen=True)
class Evidence:
    """What a network says of N images at one rank, and where in them it sees that.

    Attributes:
        y_prob: (N, C) float, rows sum to 1.
        relevance: (N, C, cells, cells) float, signed.
    """

    y_prob: NDArray[np.float32]
    relevance: NDArray[np.float32]


def against_rivals(outputs: Evidence, columns: NDArray[np.int64]) -> Evidence:
    """Evidence for groups of taxa, each against all taxa outside it.

    The map of a group is the exact Grad-CAM, before its ReLU, of the group's log-odds: the maps of its members,
    weighted by their shares of the group's probability, less those of all others, weighted by theirs. So a genus is
    explained by what sets it apart from other genera, a species also by what sets it apart within its genus. A map
    common to all taxa cancels, and nothing vanishes where the probability is near 1.

    Args:
        outputs: probabilities (N, L) and maps (N, L, cells, cells) of a softmax over L taxa.
        columns: (L,) the group of each taxon, 0 to C - 1, C at least 2.

    Returns:
        Probabilities (N, C) and maps (N, C, cells, cells).

    Source: chain rule on Selvaraju et al. 2017, eq. 1-2, with log Σ exp(members) - log Σ exp(others) as the score.
    """
    n, n_taxa = outputs.y_prob.shape
    # Taxa without any probability share their group's map evenly.
    shares = outputs.y_prob + np.finfo(outputs.y_prob.dtype).tiny
    maps = outputs.relevance.reshape(n, n_taxa, -1).swapaxes(1, 2)  # (N, cells², L)
    maps_inside, maps_outside = _inside_and_outside(maps * shares[:, None, :], columns)
    inside, outside = _inside_and_outside(shares, columns)
    relevance = maps_inside / inside[:, None, :] - maps_outside / outside[:, None, :]
    n_groups = relevance.shape[2]
    y_prob = sum_columns(outputs.y_prob, columns)
    return Evidence(y_prob, relevance.swapaxes(1, 2).reshape(n, n_groups, *outputs.relevance.shape[2:]))


def _inside_and_outside(
    values: NDArray[np.float32], columns: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Sums of values (…, L) over the members of each group (…, C), and over all that are not among them.

    The others are summed as such: as the total less the members, nothing would be left of them beside a probability
    near 1.
    """
    if len(columns) <= SMALL:
        members = (columns[:, None] == np.arange(columns.max() + 1)).astype(values.dtype)
        return values @ members, values @ (1 - members)
    inside = sum_columns(values.reshape(-1, len(columns)), columns).reshape(*values.shape[:-1], -1)
    outside = np.zeros_like(inside)
    outside[..., 1:] = np.cumsum(inside[..., :-1], axis=-1)
    outside[..., :-1] += np.cumsum(inside[..., :0:-1], axis=-1)[..., ::-1]
    return inside, outside


def evidence_at_ranks(leaves: Evidence, taxonomy: Taxonomy) -> dict[Rank, Evidence]:
    """Evidence for the taxa at every rank that can be reported, from the outputs for the leaves."""
    return {rank: against_rivals(leaves, taxonomy.columns(rank)) for rank in taxonomy.ranks}


def contrast(
    one: NDArray[np.float32], other: NDArray[np.float32], p_one: NDArray[np.float32], p_other: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Maps of "why one taxon and not the other": the exact map of the difference of their log-probabilities.

    Args:
        one: (N, cells, cells), maps of the first taxon as by `against_rivals`.
        other: likewise of the second.
        p_one: (N,), probabilities of the first.
        p_other: likewise of the second.

    Returns:
        (N, cells, cells); the rivals of both cancel, and for two leaves the rows of the head are simply subtracted.
    """
    rest_one, rest_other = ((1 - p)[:, None, None] for p in (p_one, p_other))
    return np.asarray(rest_one * one - rest_other * other, dtype=np.float32)


def positive(relevance: NDArray[np.float32]) -> NDArray[np.float32]:
    """The evidence for a taxon: what Grad-CAM shows, its ReLU."""
    return np.maximum(relevance, 0)


SHARED_PERCENTILE = 99
"""Of the images' largest drawn relevance, where the colours of a shared scale end."""


def shared_maximum(relevance: NDArray[np.float32], geometry: CellGeometry) -> float:
    """Where a scale shared by N maps (N, cells, cells) ends: nearly the largest value drawn, not a single outlier's."""
    largest = [geometry.draw(positive(map_)).max() for map_ in relevance]
    return float(np.percentile(largest, SHARED_PERCENTILE))
