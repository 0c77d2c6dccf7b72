"""What surrounds the specimen, in numbers: the picture's border, its background, its colours and its file."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from mentum.audit.file_facts import FileFacts, read_facts
from mentum.audit.scenes import Scene, log_of, mean_of
from mentum.specimens.crops import Crops
from mentum.specimens.outlines.surfaces import Field, surface
from mentum.specimens.placements import SquarePlacement

Features = NDArray[np.float32]  # (N, F)
STRIP = 0.08
"""Width of the border's strips, as a share of the picture's short side."""
STRIP_CELLS = 4
LAYOUT = 4
"""Cells along each side of the background's layout."""
COMMON = 0.9
"""A cell counts where the specimen leaves it free in more than this share of the pictures."""
KNOTS = 8
"""Soft bins of a number of a file."""
LEVELS = 6
"""Of red, green and blue in the histogram."""
MOST_CAMERAS = 12
UNIQUE = 0.9
"""Share of the numbers in file names that must differ for them to be taken for a camera's."""


@dataclass(frozen=True)
class Pictures:
    """N images as squares, with their files.

    Attributes:
        pixels: (N, size, size, 3) uint8, as in the pixel cache.
        paths: their files, of which only headers are read.
        masks: (N, size, size) bool, where the specimen is; an image without any such pixel counts as not outlined.
        crops: which part of each file its square shows; None where that is the whole of all.
    """

    pixels: NDArray[np.uint8]
    paths: Sequence[Path]
    masks: NDArray[np.bool_] | None = None
    crops: Crops | None = None

    @cached_property
    def facts(self) -> list[FileFacts]:
        """What the files' headers tell."""
        return [read_facts(path) for path in self.paths]

    @cached_property
    def surroundings(self) -> list[tuple[Field, Field]]:
        """Of each picture, what describes its border and its background; nan where the specimen hides it."""
        scenes = (Scene.of(picture, mask) for picture, mask in self)
        return [(_border(scene), _background(scene)) for scene in scenes]

    def __iter__(self) -> Iterator[tuple[Field, NDArray[np.bool_] | None]]:
        """Each picture and its mask."""
        return map(self.picture, range(len(self.paths)))

    def picture(self, row: int) -> tuple[Field, NDArray[np.bool_] | None]:
        """A picture without its padding, (height, width, 3) of 0-1, and the specimen's mask (height, width)."""
        inner = self.inner(row)
        mask = None if self.masks is None else np.asarray(self.masks[row])[inner]
        picture = np.asarray(self.pixels[row])[inner] / np.float32(255)
        return picture, mask if mask is not None and mask.any() else None

    def inner(self, row: int) -> tuple[slice, slice]:
        """Rows and columns of a picture in its square, without the padding."""
        square, facts = np.asarray(self.pixels[row]), self.facts[row]
        if math.isnan(facts.width):
            return slice(0, len(square)), slice(0, len(square))
        box = None if self.crops is None else self.crops.box(row)
        return _inner(square, SquarePlacement(int(facts.width), int(facts.height), len(square), box))


def _inner(square: NDArray[np.uint8], place: SquarePlacement) -> tuple[slice, slice]:
    """Rows and columns of the picture in its square: all of them where the rest is not of one grey."""
    everything = slice(0, len(square)), slice(0, len(square))
    rows = _extent(square, place.top, place.inner[1])
    columns = _extent(square.transpose(1, 0, 2), place.left, place.inner[0])
    padding = square[: rows.start], square[rows.stop :], square[:, : columns.start], square[:, columns.stop :]
    greys = {int(bound) for part in padding if part.size for bound in (part.min(), part.max())}
    if min(place.inner) < 8 or len(greys) > 1:
        return everything
    return rows, columns


def _extent(square: NDArray[np.uint8], start: int, length: int) -> slice:
    """Where the picture lies, by its sides and to a pixel by the padding."""
    stop = start + length
    if length == len(square):
        return slice(start, stop)
    used = np.flatnonzero((square != square[0, 0]).any(axis=(1, 2)))
    if len(used):
        start = int(np.clip(used[0], start - 1, start + 1))
        stop = int(np.clip(used[-1] + 1, stop - 1, stop + 1))
    return slice(max(start, 0), min(stop, len(square)))


# Border and background


def border(pictures: Pictures) -> Features:
    """Colours and textures of four strips along the picture's edges, in four cells each, where no specimen lies.

    Of each cell the mean colour, and logarithms of the spread and of both gradients of its brightness; of each strip
    how the outermost line of pixels differs in colour.

    Returns:
        (N, F) float32, F at most 108: cells that the specimen hides in many pictures are left out.
    """
    return _complete([row for row, _ in pictures.surroundings])


def background(pictures: Pictures) -> Features:
    """Colours, textures and layout of what is not the specimen.

    The specimen is where its mask says, else where `find_specimen` finds it. A smooth surface through the colours of
    the rest spans what it hides, so that its own size and shape tell nothing: the features are that surface's
    coefficients, medians of the texture around it, and what differs from the surface in the cells of a coarse layout.

    Returns:
        (N, F) float32, F at most 77: cells that the specimen hides in many pictures are left out.
    """
    return _complete([row for _, row in pictures.surroundings])


def _complete(rows: Sequence[Field]) -> Features:
    """Without the columns that are unknown (nan) in many pictures; the mean of the others for the rest."""
    known = ~np.isnan(table := np.array(rows, dtype=np.float64))
    table = table[:, known.sum(axis=0) > COMMON * known.any(axis=1).sum()]
    means = np.nanmean(table, axis=0) if table.size else 0
    return np.where(np.isnan(table), means, table).astype(np.float32)


def _border(scene: Scene) -> Field:
    values = np.concatenate([scene.colours, scene.textures], axis=2)
    width = max(1, round(STRIP * min(scene.seen.shape)))
    parts = []
    for side, line in enumerate(scene.lines):
        turned, free = (values, scene.seen) if side < 2 else (values.transpose(1, 0, 2), scene.seen.T)
        edge = slice(0, width) if side % 2 == 0 else slice(-width, None)
        strip, free = turned[edge], free[edge]
        parts += [line - mean_of(strip[free])[:3], *_cells(strip, free, 1, STRIP_CELLS)]
    return np.concatenate(parts)


def _cells(values: Field, seen: NDArray[np.bool_], n_rows: int, n_columns: int) -> list[Field]:
    """Means (C,) of what is seen in each part of a field; nan where more than a quarter is hidden."""
    numbers = np.arange(seen.size).reshape(seen.shape)
    bands = np.array_split(numbers, n_rows)
    parts = [part.ravel() for band in bands for part in np.array_split(band, n_columns, axis=1)]
    values, free = values.reshape(seen.size, -1), seen.ravel()
    return [mean_of(values[part[free[part] & (free[part].mean() >= 0.75)]]) for part in parts]


def _background(scene: Scene) -> Field:
    seen = scene.seen
    if seen.sum() < 0.05 * seen.size:
        return np.full(18 + 2 + 3 + 6 + 3 * LAYOUT**2, np.nan)
    coefficients, fitted = surface(scene.colours, seen)
    rest = scene.colours - fitted
    chroma = coefficients[0] / max(coefficients[0].sum(), 0.01)
    roughness = log_of(np.median(np.abs(rest[seen]), axis=0))
    textures = np.quantile(scene.textures[seen], (0.25, 0.5), axis=0)
    parts = (coefficients, chroma[:2], roughness, textures, _cells(rest, seen, LAYOUT, LAYOUT))
    return np.concatenate([np.ravel(part) for part in parts])


def colour(pictures: Pictures) -> Features:
    """Which colours the whole picture has, the specimen included: square roots of shares, six levels per channel.

    Returns:
        (N, 216) float32.
    """
    return np.array([_histogram(picture) for picture, _ in pictures], dtype=np.float32)


def _histogram(picture: Field) -> Field:
    red, green, blue = np.moveaxis(np.minimum((picture * LEVELS).astype(np.int64), LEVELS - 1), 2, 0)
    counts = np.bincount(((red * LEVELS + green) * LEVELS + blue).ravel(), minlength=LEVELS**3)
    shares: Field = np.sqrt(counts / counts.sum())
    return shares


def file(pictures: Pictures) -> Features:
    """Size, quality of JPEG, EXIF time and camera, and number in the name, each number in soft bins of its own.

    Numbers in names count only where hardly any comes twice, as those of a camera; where each taxon is numbered from 1
    they tell nothing.

    Returns:
        (N, F) float32; F depends on how many values and cameras there are.
    """
    facts = pictures.facts
    width, height, _, quantisation, day, hour, number = np.array([fact[:-1] for fact in facts]).T
    if len(np.unique(number)) < UNIQUE * len(number):
        number = np.full_like(number, np.nan)
    numbers = (width, height, width / height, quantisation, day, hour, number)
    cameras = [name for name, _ in Counter(fact.camera for fact in facts).most_common(MOST_CAMERAS)]
    taken_with = np.array([[fact.camera == name for name in cameras] for fact in facts])
    return np.column_stack([*map(_soft_bins, numbers), taken_with]).astype(np.float32)


def compression(pictures: Pictures) -> Features:
    """Bytes of the file, and bytes per pixel, in soft bins; they depend on what the picture shows, the specimen too.

    Returns:
        (N, F) float32; F depends on how many values there are.
    """
    width, height, n_bytes = np.array([fact[:3] for fact in pictures.facts]).T
    return np.column_stack([_soft_bins(n_bytes), _soft_bins(n_bytes / (width * height))]).astype(np.float32)


def _soft_bins(values: Field) -> Field:
    """(N, K + 1): how near each value is to each of K quantiles, and whether it is missing.

    >>> _soft_bins(np.array([1.0, 3.0, 2.0, np.nan])).tolist()[3]
    [0.0, 0.0, ..., 1.0]
    """
    missing = np.isnan(values)
    known = np.unique(values[~missing])
    if len(known) > KNOTS:
        known = np.unique(np.quantile(values[~missing], np.linspace(0, 1, KNOTS)))
    bins = np.zeros((len(values), len(known) + 1))
    bins[missing, -1] = 1
    for place, unit in enumerate(np.eye(len(known))):
        bins[~missing, place] = np.interp(values[~missing], known, unit)
    return bins


OF_SPECIMEN_TOO = frozenset({"colour", "compression"})
"""Cues that hold the specimen too: what they tell may be a character of the taxon."""
CUES: Mapping[str, Callable[[Pictures], Features]] = MappingProxyType(
    {"border": border, "background": background, "colour": colour, "file": file, "compression": compression}
)
"""Name of a cue → what describes it."""
