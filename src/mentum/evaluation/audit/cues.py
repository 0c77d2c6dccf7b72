"""What surrounds the specimen, in numbers: the picture's border, its background, its colours and its file."""

from __future__ import annotations

import datetime
import math
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mentum.evaluation.audit.segmentation import Field, find_specimen, surface
from mentum.specimens.pixels import SquarePlacement

Features = NDArray[np.float32]  # (N, F)
STRIP = 0.08
"""Width of the border's strips, as a share of the picture's short side."""
STRIP_CELLS = 4
COARSE = 48
"""Cells along the long side of the picture in which the specimen is looked for."""
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
_BROKEN = (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, Warning)
_MODEL, _DATE, _ORIENTATION, _EXIF, _DATE_TAKEN = 0x0110, 0x0132, 0x0112, 0x8769, 0x9003


class FileFacts(NamedTuple):
    """What the header of an image file tells; nan, or an empty text, where it does not.

    Attributes:
        width, height: of the upright image, px.
        n_bytes: size of the file.
        quantisation: mean of a JPEG's quantisation tables: small means little compression.
        day: days since year 1.
        hour: time of the day, 0-24.
        number: the last digits in the file's name.
        camera: model.
    """

    width: float = math.nan
    height: float = math.nan
    n_bytes: float = math.nan
    quantisation: float = math.nan
    day: float = math.nan
    hour: float = math.nan
    number: float = math.nan
    camera: str = ""


@dataclass(frozen=True)
class Pictures:
    """N images as squares, with their files.

    Attributes:
        pixels: (N, size, size, 3) uint8, as in the pixel cache.
        paths: their files, of which only headers are read.
        masks: (N, size, size) bool, where the specimen is; an image without any such pixel counts as not outlined.
    """

    pixels: NDArray[np.uint8]
    paths: Sequence[Path]
    masks: NDArray[np.bool_] | None = None

    @cached_property
    def facts(self) -> list[FileFacts]:
        """What the files' headers tell."""
        return [read_facts(path) for path in self.paths]

    @cached_property
    def surroundings(self) -> list[tuple[Field, Field]]:
        """Of each picture, what describes its border and its background; nan where the specimen hides it."""
        scenes = (_Scene.of(picture, mask) for picture, mask in self)
        return [(_border(scene), _background(scene)) for scene in scenes]

    def __iter__(self) -> Iterator[tuple[Field, NDArray[np.bool_] | None]]:
        """Each picture without its padding, (height, width, 3) of 0-1, and the specimen's mask (height, width)."""
        for row, facts in enumerate(self.facts):
            square = np.asarray(self.pixels[row])
            rows, columns = _inner(square, facts)
            mask = None if self.masks is None else np.asarray(self.masks[row])[rows, columns]
            yield square[rows, columns] / np.float32(255), mask if mask is not None and mask.any() else None


def read_facts(path: Path) -> FileFacts:
    """Read the header of an image file; what cannot be read stays unknown."""
    digits = re.findall(r"\d+", path.stem)
    facts = FileFacts(number=float(digits[-1][-15:]) if digits else math.nan)
    try:
        facts = facts._replace(n_bytes=float(path.stat().st_size))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large images and broken EXIF
            with Image.open(path) as image:
                return _with_header(facts, image)
    except _BROKEN:
        return facts


def _with_header(facts: FileFacts, image: Image.Image) -> FileFacts:
    tables = getattr(image, "quantization", None)
    mean = float(np.mean([np.mean(table) for table in tables.values()])) if tables else math.nan
    width, height = image.size
    facts = facts._replace(width=float(width), height=float(height), quantisation=mean)
    try:
        exif = Image.Image.getexif(image)  # a PNG's own method decodes the pixels
        date = str(exif.get_ifd(_EXIF).get(_DATE_TAKEN) or exif.get(_DATE) or "")
        if image.format != "TIFF" and exif.get(_ORIENTATION) in (5, 6, 7, 8):  # Pillow has turned a TIFF
            facts = facts._replace(width=float(height), height=float(width))
        facts = facts._replace(camera=str(exif.get(_MODEL) or "").strip("\0 "))
        day, hour = _day_and_hour(date)
        return facts._replace(day=day, hour=hour)
    except _BROKEN:
        return facts


def _day_and_hour(date: str) -> tuple[float, float]:
    """EXIF's date in numbers, nan where it is none.

    >>> _day_and_hour("2019:06:01 18:30:00")
    (737211.0, 18.5)
    >>> _day_and_hour("0000:00:00 00:00:00")
    (nan, nan)
    """
    try:
        taken = datetime.datetime.strptime(date[:19], "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return math.nan, math.nan
    return float(taken.toordinal()), taken.hour + taken.minute / 60 + taken.second / 3600


def _inner(square: NDArray[np.uint8], facts: FileFacts) -> tuple[slice, slice]:
    """Rows and columns of the picture in its square: all of them where the rest is not of one grey."""
    size = len(square)
    everything = slice(0, size), slice(0, size)
    if math.isnan(facts.width):
        return everything
    place = SquarePlacement(int(facts.width), int(facts.height), size)
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


class _Scene(NamedTuple):
    """A picture in cells.

    Attributes:
        colours: (rows, columns, 3) means.
        textures: (rows, columns, 3) logarithms of the spread and of the gradients down and to the right.
        seen: (rows, columns) bool, where the specimen is not.
        lines: (4, 3) colours of the outermost lines of pixels: top, bottom, left, right; without the specimen.
    """

    colours: Field
    textures: Field
    seen: NDArray[np.bool_]
    lines: Field

    @classmethod
    def of(cls, picture: Field, mask: NDArray[np.bool_] | None) -> _Scene:
        grid = _Grid.over(picture)
        colours, texture = grid.means(picture), grid.texture(picture)
        outlined = None if mask is None else grid.means(mask[..., None].astype(np.float32))[..., 0] > 0
        seen = ~find_specimen(colours, texture[..., 0], outlined)
        top, bottom, left, right = picture[0], picture[-1], picture[:, 0], picture[:, -1]
        sides = ((top, seen[0]), (bottom, seen[-1]), (left, seen[:, 0]), (right, seen[:, -1]))
        lines = [_mean(line[free[np.arange(len(line)) * len(free) // len(line)]]) for line, free in sides]
        return cls(colours, _log(texture), seen, np.array(lines))


def _mean(values: Field) -> Field:
    """(n, C) → (C,); nan where there is none."""
    means: Field = values.mean(axis=0) if len(values) else np.full(values.shape[1], np.nan)
    return means


def _log(spread: Field) -> Field:
    """The logarithm of a spread of brightnesses of 0-1, of which less than half a grey level counts as that."""
    logarithm: Field = np.log(np.maximum(spread, 0.002))
    return logarithm


def _border(scene: _Scene) -> Field:
    values = np.concatenate([scene.colours, scene.textures], axis=2)
    width = max(1, round(STRIP * min(scene.seen.shape)))
    parts = []
    for side, line in enumerate(scene.lines):
        turned, free = (values, scene.seen) if side < 2 else (values.transpose(1, 0, 2), scene.seen.T)
        edge = slice(0, width) if side % 2 == 0 else slice(-width, None)
        strip, free = turned[edge], free[edge]
        parts += [line - _mean(strip[free])[:3], *_cells(strip, free, 1, STRIP_CELLS)]
    return np.concatenate(parts)


def _cells(values: Field, seen: NDArray[np.bool_], n_rows: int, n_columns: int) -> list[Field]:
    """Means (C,) of what is seen in each part of a field; nan where more than a quarter is hidden."""
    numbers = np.arange(seen.size).reshape(seen.shape)
    bands = np.array_split(numbers, n_rows)
    parts = [part.ravel() for band in bands for part in np.array_split(band, n_columns, axis=1)]
    values, free = values.reshape(seen.size, -1), seen.ravel()
    return [_mean(values[part[free[part] & (free[part].mean() >= 0.75)]]) for part in parts]


def _background(scene: _Scene) -> Field:
    seen = scene.seen
    if seen.sum() < 0.05 * seen.size:
        return np.full(18 + 2 + 3 + 6 + 3 * LAYOUT**2, np.nan)
    coefficients, fitted = surface(scene.colours, seen)
    rest = scene.colours - fitted
    chroma = coefficients[0] / max(coefficients[0].sum(), 0.01)
    roughness = _log(np.median(np.abs(rest[seen]), axis=0))
    textures = np.quantile(scene.textures[seen], (0.25, 0.5), axis=0)
    parts = (coefficients, chroma[:2], roughness, textures, _cells(rest, seen, LAYOUT, LAYOUT))
    return np.concatenate([np.ravel(part) for part in parts])


class _Grid(NamedTuple):
    """Rows and columns of cells over a picture."""

    rows: int
    columns: int

    @classmethod
    def over(cls, picture: Field) -> _Grid:
        """About square cells, `COARSE` along the long side."""
        shape = picture.shape[:2]
        return cls(*(max(LAYOUT, min(side, round(COARSE * side / max(shape)))) for side in shape))

    def means(self, values: Field) -> Field:
        """(height, width, C) → (rows, columns, C)."""
        layers = (Image.fromarray(layer.astype(np.float32)) for layer in np.moveaxis(values, 2, 0))
        size = self.columns, self.rows
        return np.stack([np.asarray(layer.resize(size, Image.Resampling.BOX)) for layer in layers], axis=2)

    def texture(self, picture: Field) -> Field:
        """(rows, columns, 3): spread of the brightness in each cell, and its mean gradients down and to the right."""
        grey = picture.mean(axis=2)
        down, right = np.zeros_like(grey), np.zeros_like(grey)
        np.abs(grey[1:] - grey[:-1], out=down[1:])
        np.abs(grey[:, 1:] - grey[:, :-1], out=right[:, 1:])
        mean, square, *slopes = (self.means(values[..., None])[..., 0] for values in (grey, grey**2, down, right))
        return np.stack([np.sqrt(np.maximum(square - mean**2, 0)), *slopes], axis=2)


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
    """Size, compression, EXIF time and camera, and number in the name, each number in soft bins of its own.

    Numbers in names count only where hardly any comes twice, as those of a camera; where each taxon is numbered from 1
    they tell nothing. The number of bytes depends on what the picture shows, the specimen too.

    Returns:
        (N, F) float32; F depends on how many values and cameras there are.
    """
    facts = pictures.facts
    width, height, n_bytes, quantisation, day, hour, number = np.array([fact[:-1] for fact in facts]).T
    if len(np.unique(number)) < UNIQUE * len(number):
        number = np.full_like(number, np.nan)
    numbers = (width, height, width / height, n_bytes, n_bytes / (width * height), quantisation, day, hour, number)
    cameras = [name for name, _ in Counter(fact.camera for fact in facts).most_common(MOST_CAMERAS)]
    taken_with = np.array([[fact.camera == name for name in cameras] for fact in facts])
    return np.column_stack([*map(_soft_bins, numbers), taken_with]).astype(np.float32)


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


OF_SPECIMEN_TOO = frozenset({"colour"})
"""Cues that hold the specimen too: what they tell may be a character of the taxon."""
CUES: Mapping[str, Callable[[Pictures], Features]] = MappingProxyType(
    {"border": border, "background": background, "colour": colour, "file": file}
)
"""Name of a cue → what describes it."""
