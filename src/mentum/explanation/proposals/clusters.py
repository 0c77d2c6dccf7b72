"""Peaks of relevance maps, and the clusters that they form in the specimens' own frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mentum.explanation.proposals.frames import Points, summit_offset
from mentum.maps import CellGeometry
from mentum.specimens.outlines.masks import Grid, smooth

REACH = 1.25
"""Units from the middle of the frame to the sides of the grid; a peak farther away belongs to no cluster."""
CELLS = 101
"""Cells of the grid along one side; an odd number, so that a column lies on the body axis."""
LOWEST_PEAK = 0.5
"""Share of its map's maximum that a peak must reach."""
LEAST_WEIGHT, LEAST_IMAGES = 0.02, 3
"""What a cluster must hold: share of all weight, number of images."""
MOST_CLUSTERS = 12
HIGHEST_PASS = 0.92
"""Two hills are one where the pass between them is higher than this share of the lower summit."""
FLOOR = 0.01
"""Share of the highest density below which nothing belongs to a hill."""
RAYS = 36
"""Corners of a cluster's outline."""

_MIDDLES = (np.arange(CELLS) + 0.5) * 2 * REACH / CELLS - REACH
"""Frame coordinate of the middle of each cell, on either axis."""


@dataclass(frozen=True)
class Peaks:
    """P peaks of N maps.

    Attributes:
        image: (P,) int, row of the map.
        points: (P, 2) float64, x and y.
        heights: (P,) float64, relevance of the cell.
        weights: (P,) float64, heights as shares of the sum over the peaks of the same image.
    """

    image: NDArray[np.int64]
    points: Points
    heights: NDArray[np.float64]
    weights: NDArray[np.float64]


@dataclass(frozen=True)
class Cluster:
    """Peaks that lie together, or on either side of the body axis.

    Attributes:
        mode: x and y of the densest place; of a pair, of the right one.
        outlines: one polygon (N, 2), or two mirror images.
        members: (P,) bool.
    """

    mode: tuple[float, float]
    outlines: tuple[Points, ...]
    members: NDArray[np.bool_]


def find_peaks(relevance: NDArray[np.float32], geometry: CellGeometry) -> Peaks:
    """Local maxima of maps (N, cells, cells), in px of the square.

    A cell counts that is above zero, above half of its map's maximum and at least as high as its eight neighbours.
    Drawn maps peak on the centres of cells; to tell finer, the place is the summit of the parabola through the cell and
    its neighbours, along each axis.
    """
    found: list[tuple[int, float, float, float]] = []
    for image, values in enumerate(relevance.astype(np.float64)):
        wide = np.pad(values, 1, constant_values=-np.inf)
        around = np.lib.stride_tricks.sliding_window_view(wide, (3, 3)).max(axis=(2, 3))
        peaks = (values >= around) & (values > 0) & (values > LOWEST_PEAK * values.max())
        for row, column in np.argwhere(peaks).tolist():
            x = column + _offset(values[row], column)
            y = row + _offset(values[:, column], row)
            found.append((image, x, y, values[row, column]))
    table = np.array(found, dtype=np.float64).reshape(-1, 4)
    rows = table[:, 0].astype(np.int64)
    weights = table[:, 3] / np.bincount(rows, table[:, 3])[rows]
    return Peaks(rows, table[:, 1:3] * geometry.stride + geometry.offset + 0.5, table[:, 3], weights)


def _offset(values: NDArray[np.float64], place: int) -> float:
    inside = 0 < place < len(values) - 1
    return summit_offset(values[place - 1 : place + 2]) if inside else 0.0


def cluster_peaks(peaks: Peaks, kernel: float, *, symmetrical: bool) -> list[Cluster]:
    """Part peaks in frame coordinates by the hills of their smoothed density, the heaviest cluster first.

    Clusters below 2 % of the weight or of fewer than 3 images are dropped, and those beyond the twelfth.

    Args:
        peaks: in coordinates of the frame.
        kernel: standard deviation of the smoothing, units.
        symmetrical: count each peak half on either side of the body axis, and join mirror images.
    """
    cells = np.floor((peaks.points + REACH) / (2 * REACH) * CELLS).astype(np.int64)
    inside = ((cells >= 0) & (cells < CELLS)).all(axis=1)
    columns, rows = np.clip(cells, 0, CELLS - 1).T
    grid = np.zeros((CELLS, CELLS))
    np.add.at(grid, (rows[inside], columns[inside]), peaks.weights[inside])
    density = smooth((grid + grid[:, ::-1]) / 2 if symmetrical else grid, kernel * CELLS / (2 * REACH))
    hills = _hills_of_both_sides(density) if symmetrical else part_hills(density)
    labels = np.where(inside, hills[rows, columns], -1)
    clusters = [
        _cluster(int(summit), density, hills, labels == summit, symmetrical=symmetrical)
        for summit in np.unique(labels[labels >= 0])
    ]
    kept = [cluster for cluster in clusters if _is_large(cluster.members, peaks)]
    return sorted(kept, key=lambda cluster: -peaks.weights[cluster.members].sum())[:MOST_CLUSTERS]


def kernel_for(peaks: Peaks, cell: float) -> float:
    """How much to smooth the density of peaks: about half a cell wide, more where peaks are few.

    Args:
        peaks: in coordinates of the frame.
        cell: distance of neighbouring cells' centres, units.

    Returns:
        The standard deviation, units; a sixth of a cell or more.

    Source: Scott 1992, whose width for a single hill is taken times 0.3, to tell several apart.
    """
    spread = math.sqrt(float(peaks.points.var(axis=0).mean()))
    return float(max(cell / 6, 0.3 * spread * len(peaks.points) ** (-1 / 6)))


def part_hills(density: Grid) -> NDArray[np.int64]:
    """Give each cell to a summit, the highest cells first: that of its highest neighbour.

    Where hills meet high enough, the lower one is joined to the higher one.

    Returns:
        (h, w) int: the summit, as a row-major index; -1 where the density is next to nothing.

    Source: Chazal et al. 2013 (ToMATo), with the depth of a pass as a share of the lower summit.

    >>> part_hills(np.array([[1.0, 0.2, 0.5, 2.0]])).tolist()
    [[0, 0, 3, 3]]
    >>> part_hills(np.array([[1.0, 0.95, 0.97, 2.0]])).tolist()
    [[3, 3, 3, 3]]
    """
    wide = np.pad(density, 1)
    heights = wide.ravel()
    around = [row * wide.shape[1] + column for row in (-1, 0, 1) for column in (-1, 0, 1) if (row, column) != (0, 0)]
    summits: dict[int, int] = {}  # cell → a cell of the same hill nearer to the summit, which leads to itself

    def summit_of(cell: int) -> int:
        while summits[cell] != cell:
            summits[cell] = cell = summits[summits[cell]]
        return cell

    for cell in np.argsort(-heights, kind="stable")[: np.count_nonzero(heights > FLOOR * heights.max())].tolist():
        touched = [cell + step for step in around if cell + step in summits]
        summits[cell] = summit_of(max(touched, key=heights.__getitem__)) if touched else cell
        highest, *lower = sorted({summit_of(near) for near in touched} or {cell}, key=lambda near: -heights[near])
        summits |= {summit: highest for summit in lower if heights[cell] > HIGHEST_PASS * heights[summit]}
    hills = np.full(wide.shape, -1)
    for cell in summits:
        row, column = divmod(summit_of(cell), wide.shape[1])
        hills.flat[cell] = (row - 1) * density.shape[1] + column - 1
    return hills[1:-1, 1:-1]


def _hills_of_both_sides(density: Grid) -> NDArray[np.int64]:
    """Hills of a density that is its own mirror image, each summit on the right or on the axis."""
    axis = CELLS // 2
    right = part_hills(density[:, axis:])
    rows, columns = np.divmod(right, CELLS - axis)
    right = np.where(right < 0, -1, rows * CELLS + columns + axis)
    return np.concatenate([right[:, :0:-1], right], axis=1)


def _is_large(members: NDArray[np.bool_], peaks: Peaks) -> bool:
    shares = peaks.weights[members].sum() >= LEAST_WEIGHT * peaks.weights.sum()
    return bool(shares and len(np.unique(peaks.image[members])) >= LEAST_IMAGES)


def _cluster(
    summit: int, density: Grid, hills: NDArray[np.int64], members: NDArray[np.bool_], *, symmetrical: bool
) -> Cluster:
    row, column = divmod(summit, CELLS)
    axis = CELLS // 2
    hill = hills == summit
    level = density[row, column] / 2
    if not symmetrical:
        return Cluster(_place(row, column), (_outline(row, column, hill & (density >= level)),), members)
    across = np.where(hill[:, axis], density[:, axis], 0)
    if across.max() > HIGHEST_PASS * density[row, column]:  # the two sides meet
        row, column = int(across.argmax()), axis
        return Cluster(_place(row, column), (_outline(row, column, hill & (density >= level)),), members)
    hill[:, :axis] = False
    outline = _outline(row, column, hill & (density >= level))
    outline[:, 0] = np.maximum(outline[:, 0], 0)
    return Cluster(_place(row, column), (outline, outline * np.array([-1.0, 1.0])), members)


def _place(row: int, column: int) -> tuple[float, float]:
    return float(_MIDDLES[column]), float(_MIDDLES[row])


def _outline(row: int, column: int, region: NDArray[np.bool_]) -> Points:
    """How far a region reaches from one of its cells in each direction, smoothed: (RAYS, 2), units."""
    angles = np.arange(RAYS) * 2 * np.pi / RAYS
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    steps = np.arange(0, CELLS, 0.5)
    nearest = np.rint(np.array([column, row]) + steps[:, None, None] * directions).astype(np.int64)
    columns, rows = nearest.transpose(2, 0, 1)
    # A ring of cells that are outside ends each ray.
    holds = np.pad(region, 1)[np.clip(rows + 1, 0, CELLS + 1), np.clip(columns + 1, 0, CELLS + 1)]
    reach = steps[holds.argmin(axis=0)]
    turned = np.stack([np.roll(reach, shift) for shift in range(-2, 3)])
    corners = np.array([column, row]) + np.maximum(turned.mean(axis=0), 1.0)[:, None] * directions
    outline: Points = (corners + 0.5) * 2 * REACH / CELLS - REACH
    return outline
