"""Pictures that tell a network what it should find out: near-duplicates and bursts on both sides of a split."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mentum.records import Record
from mentum.specimens.folders import SUBSETS

Kind = Literal["across taxa", "across subsets", "two specimens"]
KINDS: tuple[Kind, ...] = ("across taxa", "across subsets", "two specimens")
"""Worst first: one of two labels is wrong; a test is no test; a specimen counts twice."""

MAX_DISTANCE = 12
"""Bits of 64: found 96-100 % of pictures cropped by 3 %, and all that were compressed, resized or brightened."""

MIN_COSINE = 0.5
"""Of whitened features: of copies up to MAX_DISTANCE 96-100 % reach it, of other pairs one in twenty or fewer."""

MAX_COMPONENTS = 128
FEWEST = 16
"""Images below which features are not looked at: among few, whitened features say nothing."""

SECONDS = 5
LONGEST = 12
"""Numbers of one stem above which they are a list, not a camera's count, if at least half of those between are used."""

_SIDE, _BITS, _BLOCK = 32, 8, 256
_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_EXIF, _DATE_TAKEN = 0x8769, 0x9003
_BROKEN = (Exception,)
"""As in `specimens.images.decoding`: headers fail in every way, and what they do not tell stays unknown."""


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


class Leak(Record):
    """Two images that show the same.

    Attributes:
        rows: of the images.
        distance: bits of 64 in which their perceptual hashes differ.
        cosine: of their whitened features; None without features.
        kind: the worst that is true of them.
        subsets: where they stand.
    """

    rows: tuple[int, int]
    distance: int
    cosine: float | None
    kind: Kind
    subsets: tuple[str, str]


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


def find_leaks(
    pairs: Pairs, subsets: Sequence[str], labels: Sequence[str], specimens: Sequence[str]
) -> tuple[Leak, ...]:
    """Say what is wrong with near-duplicates, worst first; two images of one specimen in one subset are no leak.

    Args:
        pairs: of `near_duplicates`.
        subsets: of each image.
        labels: name of each image's taxon.
        specimens: of each image.
    """
    leaks = []
    for rows, distance, cosine in zip(pairs.rows.tolist(), pairs.distance.tolist(), pairs.cosine.tolist(), strict=True):
        kind = _kind(*((labels[row], subsets[row], specimens[row]) for row in rows))
        if kind is not None:
            measured = None if np.isnan(cosine) else cosine
            where = (subsets[rows[0]], subsets[rows[1]])
            leaks.append(Leak(rows=tuple(rows), distance=distance, cosine=measured, kind=kind, subsets=where))
    return tuple(sorted(leaks, key=lambda leak: (KINDS.index(leak.kind), leak.distance, -(leak.cosine or 0))))


def _kind(one: tuple[str, str, str], other: tuple[str, str, str]) -> Kind | None:
    return next((kind for kind, here, there in zip(KINDS, one, other, strict=True) if here != there), None)


def exif_times(paths: Sequence[Path]) -> list[datetime | None]:
    """When each picture was taken (EXIF DateTimeOriginal), to the second; None where the file does not tell."""
    return [_exif_time(path) for path in paths]


def _exif_time(path: Path) -> datetime | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large images, whose pixels are not read
            with Image.open(path) as image:
                text = image.getexif().get_ifd(_EXIF).get(_DATE_TAKEN)
        return datetime.strptime(str(text).strip("\0 "), "%Y:%m:%d %H:%M:%S")
    except _BROKEN:
        return None


def bursts(file_names: Sequence[str], times: Sequence[datetime | None]) -> tuple[tuple[int, ...], ...]:
    """Groups of images that were taken one after another, such as a burst, or the fields of one slide.

    Two images belong together if at most `SECONDS` lie between them; where a time is missing (midnight sharp is a date
    without time), if their names end in consecutive numbers after the same stem. Numbers that begin at 0 or 1, or are
    more than `LONGEST` and closely used, are a list that someone made, and tell nothing.

    Args:
        file_names: relative to the data; a leading folder that names a subset is not part of the stem.
        times: of each image.

    Returns:
        rows of each group in ascending order, groups of two or more.

    >>> bursts(["train/IMG_2031.jpg", "test/IMG_2032.jpg", "test/IMG_2051.jpg"], [None] * 3)
    ((0, 1),)
    """
    clock = [None if time is None or time.time() == datetime.min.time() else time for time in times]
    groups = {row: [row] for row in range(len(file_names))}
    for one, other in (*_close_in_time(clock), *_consecutive(file_names, clock)):
        small, large = sorted((groups[one], groups[other]), key=len)
        if small is not large:
            large += small
            groups.update(dict.fromkeys(small, large))
    distinct = {id(rows): rows for rows in groups.values() if len(rows) > 1}
    return tuple(sorted(tuple(sorted(rows)) for rows in distinct.values()))


def _close_in_time(clock: Sequence[datetime | None]) -> Iterator[tuple[int, int]]:
    known = sorted((time.replace(tzinfo=None), row) for row, time in enumerate(clock) if time is not None)
    for (before, one), (after, other) in pairwise(known):
        if (after - before).total_seconds() <= SECONDS:
            yield one, other


def _consecutive(file_names: Sequence[str], clock: Sequence[datetime | None]) -> Iterator[tuple[int, int]]:
    stems: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for row, name in enumerate(file_names):
        folder, _, rest = name.replace("\\", "/").partition("/")
        within = rest if rest and folder.lower() in SUBSETS else name
        if match := re.fullmatch(r"(.*?)(\d+)(\.\w+)?", within):
            stems.setdefault((match[1], (match[3] or "").lower()), []).append((int(match[2]), row))
    for numbered in map(sorted, stems.values()):
        if not _is_list([number for number, _ in numbered]):
            for (before, one), (after, other) in pairwise(numbered):
                if after - before == 1 and (clock[one] is None or clock[other] is None):
                    yield one, other


def _is_list(numbers: Sequence[int]) -> bool:
    """Whether ascending numbers are someone's list rather than a camera's count."""
    return numbers[0] <= 1 or (len(numbers) > LONGEST and 2 * len(numbers) > numbers[-1] - numbers[0])


def torn(
    groups: Sequence[Sequence[int]], subsets: Sequence[str], specimens: Sequence[str]
) -> tuple[tuple[int, ...], ...]:
    """The groups of `bursts` that stand in several subsets under several specimens.

    >>> torn([(0, 1), (2, 3)], ["train", "test", "train", "train"], ["a", "b", "c", "d"])
    ((0, 1),)
    """
    return tuple(
        tuple(rows)
        for rows in groups
        if len({subsets[row] for row in rows}) > 1 and len({specimens[row] for row in rows}) > 1
    )
