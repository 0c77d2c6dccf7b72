"""Pictures that look alike: near-duplicates by perceptual hashes, confirmed by features."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_DISTANCE = 12
"""Bits of 64: found 96-100 % of pictures cropped by 3 %, and all that were compressed, resized or brightened."""

MIN_COSINE = 0.5
"""Of whitened features: of copies up to MAX_DISTANCE 96-100 % reach it, of other pairs one in twenty or fewer."""

MAX_COMPONENTS = 128
FEWEST = 16
"""Images below which features are not looked at: among few, whitened features say nothing."""

SURE_DISTANCE = 4
"""Bits that may differ where no features confirm: of 700 grains of pollen on a plain ground, 5 pairs, all of one taxon;
with 6 bits a third of the pairs are of two taxa."""

_SIDE, _BITS, _BLOCK = 32, 8, 256
_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)


class Pairs(NamedTuple):
    """Near-duplicates.

    Attributes:
        rows: (P, 2) int, the smaller first; in the order of rows.
        distance: (P,) int, bits that differ, 0-64.
        cosine: (P,) of whitened features; nan without features.
    """

    rows: NDArray[np.int64]
    distance: NDArray[np.int64]
    cosine: NDArray[np.float64]


def perceptual_hashes(pixels: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """(N,) uint64 that stay nearly the same when a picture is compressed, resized, slightly cropped or brightened.

    Padding is left out. The grey picture is averaged to 32 x 32; each bit says whether one of the 64 lowest waves
    (none of them constant along a side) is above their median.

    Args:
        pixels: (N, S, S, 3) uint8, squares; may be memory-mapped.

    Source: Zauner (2010), Implementation and benchmarking of perceptual image hash functions, section 3.2.1 (pHash).

    >>> noise = np.random.default_rng(0).integers(0, 200, (1, 64, 64, 3), dtype=np.uint8)
    >>> bool(perceptual_hashes(noise) == perceptual_hashes(noise + 20))
    True
    """
    waves = np.cos(np.pi * (np.arange(_SIDE) + 0.5) * np.arange(1, _BITS + 1)[:, None] / _SIDE)
    places = np.uint64(1) << np.arange(_BITS**2, dtype=np.uint64)
    hashes = np.zeros(len(pixels), dtype=np.uint64)
    for row, square in enumerate(pixels):
        amplitudes = (waves @ _shrunk(_unpadded(square) @ _GREY) @ waves.T).round(3).ravel()
        hashes[row] = places[amplitudes > np.median(amplitudes)].sum(dtype=np.uint64)
    return hashes


def _unpadded(square: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture without bars of one colour that lie on both sides of it."""
    inside = (square != square[0, 0]).any(axis=2)
    side = len(square)
    spans = []
    for axis in (1, 0):
        used = np.flatnonzero(inside.any(axis=axis))
        bar = int(min(used[0], side - 1 - used[-1])) if len(used) else 0
        spans.append(slice(bar, side - bar))
    return square[spans[0], spans[1]]


def _shrunk(grey: NDArray[np.floating]) -> NDArray[np.float32]:
    """(_SIDE, _SIDE): means over areas of equal size."""
    return np.asarray(_areas(grey.shape[0]) @ grey @ _areas(grey.shape[1]).T)


def _areas(n: int) -> NDArray[np.float32]:
    """(_SIDE, n): what share each of n pixels has of each area; rows sum to 1."""
    edges, pixel = np.linspace(0, n, _SIDE + 1), np.arange(n)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return np.asarray(overlap.clip(0) * (_SIDE / n), dtype=np.float32)


def near_duplicates(
    hashes: NDArray[np.uint64],
    features: NDArray[np.floating] | None = None,
    max_distance: int = MAX_DISTANCE,
    min_cosine: float = MIN_COSINE,
) -> Pairs:
    """Pairs of images with nearly the same hash, confirmed by features where there are any.

    Args:
        hashes: (N,), of `perceptual_hashes`.
        features: (N, K) of any backbone. They are whitened, so that one threshold serves all backbones; with fewer than
            `FEWEST` images they are not looked at.
        max_distance: bits that may differ.
        min_cosine: of whitened features.

    Raises:
        ValueError: if there are not as many features as hashes.

    >>> near_duplicates(np.array([0, 2**20, 7], dtype=np.uint64), max_distance=1).rows.tolist()
    [[0, 1]]
    """
    if features is not None and len(features) != len(hashes):
        raise ValueError(f"{len(hashes)} hashes and {len(features)} rows of features")
    directions = None if features is None or len(features) < FEWEST else whitened(features)
    found = [_in_block(start, hashes, directions, max_distance, min_cosine) for start in range(0, len(hashes), _BLOCK)]
    if not found:
        return Pairs(np.zeros((0, 2), dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))
    return Pairs(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _in_block(
    start: int, hashes: NDArray[np.uint64], directions: NDArray[np.float32] | None, max_distance: int, min_cosine: float
) -> Pairs:
    """Pairs whose first image is in a block of rows and whose second comes later."""
    block = slice(start, start + _BLOCK)
    distance = np.bitwise_count(hashes[block, None] ^ hashes[start:])
    near = np.triu(distance <= max_distance, 1)
    if directions is None:
        cosine = np.full(1, np.nan, dtype=np.float32)
    elif near.any():
        cosine = directions[block] @ directions[start:].T
        near &= cosine >= min_cosine
    else:
        cosine = np.zeros(1, dtype=np.float32)
    first, second = np.nonzero(near)
    cosines = np.broadcast_to(cosine, near.shape)[first, second].astype(np.float64)
    return Pairs(np.column_stack([first, second]) + start, distance[first, second].astype(np.int64), cosines)


def whitened(features: NDArray[np.floating]) -> NDArray[np.float32]:
    """(N, D) directions of length 1: standardised features along their principal axes, each axis scaled to variance 1.

    Plain cosines differ between backbones, as features go together; these do not. D is at most `MAX_COMPONENTS` and at
    most half of the images. A row that is like the mean has length 0.
    """
    spread = features.std(axis=0)
    standard = ((features - features.mean(axis=0)) / np.where(spread > 0, spread, 1)).astype(np.float32)
    variance, axes = np.linalg.eigh((standard.T @ standard / len(standard)).astype(np.float64))
    n_kept = min(MAX_COMPONENTS, len(features) // 2, int((variance > 1e-6 * variance[-1]).sum()))
    kept = slice(len(variance) - n_kept, None)
    scores = standard @ (axes[:, kept] / np.sqrt(variance[kept])).astype(np.float32)
    length = np.linalg.norm(scores, axis=1, keepdims=True)
    return np.asarray(scores / np.where(length > 0, length, 1), dtype=np.float32)


def groups_of(pairs: NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    """Images that pairs hold together, in ascending order, groups of two or more.

    >>> groups_of(np.array([[0, 3], [3, 5], [1, 2]]))
    ((0, 3, 5), (1, 2))
    """
    group_of: dict[int, list[int]] = {}
    for one, other in pairs.tolist():
        small, large = sorted((group_of.setdefault(one, [one]), group_of.setdefault(other, [other])), key=len)
        if small is not large:
            large += small
            group_of.update(dict.fromkeys(small, large))
    distinct = {id(rows): rows for rows in group_of.values()}
    return tuple(sorted(tuple(sorted(rows)) for rows in distinct.values()))
