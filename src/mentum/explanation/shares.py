"""Which character was used: shares of relevance in regions of the specimen, by three rules, beside two null models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mentum.explanation.necessity.measures import NO_CHARACTER
from mentum.maps import CellGeometry, positive

MASS_FLOOR = 0.02
"""Least share of the positive relevance that a character must hold to be the one used."""

N_NULL = 40
"""Draws of each null model."""

RULE = (
    "by the maps, the character used is the one with the most positive relevance for its area, where that is above the "
    f"square's mean and at least {MASS_FLOOR:.0%} of the whole; otherwise none"
)
"""The main rule, in words."""


@dataclass(frozen=True)
class Regions:
    """R regions of N images: the characters, then the unassigned rest of the specimen, then the background.

    Attributes:
        characters: names of the first R - 2 regions.
        weights: (N, R, cells, cells) float32, what each cell of a map weighs in a region; all regions sum to what the
            cell weighs in the square.
        covers: (N, R, cells, cells) float32, px of a region that lie within half a stride of a cell's centre.
        areas: (N, R) float32, share of the square; rows sum to 1.
    """

    characters: tuple[str, ...]
    weights: NDArray[np.float32]
    covers: NDArray[np.float32]
    areas: NDArray[np.float32]

    @property
    def n_characters(self) -> int:
        """R - 2."""
        return len(self.characters)

    def take(self, rows: NDArray[np.int64]) -> Regions:
        """The regions of some images."""
        return Regions(self.characters, self.weights[rows], self.covers[rows], self.areas[rows])


def project_regions(characters: Sequence[str], masks: Iterable[NDArray[np.float32]], geometry: CellGeometry) -> Regions:
    """Bring masks (R, size, size), one array per image, which sum to 1 at each pixel, to the cells of the maps."""
    place = np.arange(geometry.size)[:, None]
    near = np.abs(place - (geometry.offset + geometry.stride * np.arange(geometry.cells))) <= geometry.stride / 2
    window = near.astype(np.float32)
    found = [(geometry.project(each), window.T @ each @ window, each.mean(axis=(1, 2))) for each in masks]
    weights, covers, areas = (np.stack(parts) for parts in zip(*found, strict=True))
    return Regions(tuple(characters), weights, covers, areas)


def relevance_mass(relevance: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """Share of the drawn map's positive relevance that lies in each region.

    Args:
        relevance: (N, cells, cells), signed.
        weights: (N, R, cells, cells).

    Returns:
        (N, R) float, rows sum to 1; NaN where a map holds nothing positive.

    Source: relevance mass accuracy, Arras et al. 2021, arXiv 2003.07258, for parts that fill the image.
    """
    n, n_regions = weights.shape[:2]
    seen = positive(relevance).reshape(n, -1, 1).astype(np.float64)
    sums = (weights.reshape(n, n_regions, -1) @ seen)[:, :, 0]
    total = sums.sum(axis=1, keepdims=True)
    shares: NDArray[np.float64] = np.divide(sums, total, out=np.full_like(sums, np.nan), where=total > 0)
    return shares


def used_by_density(mass: NDArray[np.float64], areas: NDArray[np.float32], n_characters: int) -> NDArray[np.int64]:
    """(N,) int: the character used by the main rule, or -1 for none.

    Args:
        mass: (N, R), as by `relevance_mass`; NaN counts as nothing.
        areas: (N, R) share of the square.
        n_characters: of the R regions, the first.
    """
    return _best(_densities(mass, areas, n_characters), mass, areas)


def used_by_mass(mass: NDArray[np.float64], areas: NDArray[np.float32], n_characters: int) -> NDArray[np.int64]:
    """(N,) int: the character with the largest mass, under the same conditions, or -1."""
    return _best(np.nan_to_num(mass[:, :n_characters]), mass, areas)


def _densities(mass: NDArray[np.float64], areas: NDArray[np.float32], n_characters: int) -> NDArray[np.float64]:
    """(N, n_characters): mass over area, 1 on a flat map; 0 where a character is absent."""
    area = areas[:, :n_characters].astype(np.float64)
    held = np.nan_to_num(mass[:, :n_characters])
    return np.asarray(np.divide(held, area, out=np.zeros_like(area), where=area > 0))


def _best(values: NDArray[np.float64], mass: NDArray[np.float64], areas: NDArray[np.float32]) -> NDArray[np.int64]:
    """The character with the largest value in each image, if its mass is above its area and not below the floor."""
    rows, best = np.arange(len(values)), values.argmax(axis=1)
    held = np.nan_to_num(mass[rows, best])
    return np.where((held >= MASS_FLOOR) & (held > areas[rows, best]), best, NO_CHARACTER)


def used_by_peak(relevance: NDArray[np.float32], regions: Regions) -> NDArray[np.int64]:
    """(N,) int: the character that covers most of the cell in which the map peaks, or -1."""
    covers = at_peak(relevance, regions.covers)[:, : regions.n_characters]
    best = covers.argmax(axis=1)
    return np.where(np.take_along_axis(covers, best[:, None], 1)[:, 0] > 0, best, NO_CHARACTER)


def at_peak(relevance: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values (N, R, cells, cells) at the cell where each map (N, cells, cells) is largest, if it is positive there.

    Returns:
        (N, R); zeros for maps without a positive cell.
    """
    flat = relevance.reshape(len(relevance), -1)
    peak = flat.argmax(axis=1)
    found = np.take_along_axis(values.reshape(*values.shape[:2], -1), peak[:, None, None], 2)[:, :, 0]
    return np.asarray(np.where(flat.max(axis=1)[:, None] > 0, found, 0), dtype=np.float32)


def null_of_other_images(
    relevance: NDArray[np.float32], weights: NDArray[np.float32], specimens: NDArray[np.str_], seed: int
) -> NDArray[np.float64]:
    """Relevance mass with each image's masks laid on the map of an image of another specimen.

    Returns:
        (N_NULL, N, R) float; NaN where there is only one specimen, or the map holds nothing positive.
    """
    rng = np.random.default_rng(seed)
    found = np.full((N_NULL, *weights.shape[:2]), np.nan)
    if len(np.unique(specimens)) < 2:
        return found
    for draw in found:
        partner = rng.integers(len(relevance), size=len(relevance))
        while (clash := specimens[partner] == specimens).any():
            partner[clash] = rng.integers(len(relevance), size=int(clash.sum()))
        draw[:] = relevance_mass(relevance[partner], weights)
    return found


def null_of_shifts(relevance: NDArray[np.float32], weights: NDArray[np.float32], seed: int) -> NDArray[np.float64]:
    """Relevance mass with each map shifted at random, cyclically: what a map of that form gets anywhere in the square.

    Returns:
        (N_NULL, N, R) float.
    """
    rng = np.random.default_rng(seed)
    n, height, width = relevance.shape
    found = np.empty((N_NULL, *weights.shape[:2]))
    for draw in found:
        down = (np.arange(height) + rng.integers(height, size=(n, 1))) % height
        across = (np.arange(width) + rng.integers(width, size=(n, 1))) % width
        shifted = relevance[np.arange(n)[:, None, None], down[:, :, None], across[:, None, :]]
        draw[:] = relevance_mass(shifted, weights)
    return found
