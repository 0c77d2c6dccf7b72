"""The part of an image that shows the specimen, so that the network's pixels lie on it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mentum.records import Fault, SpecimenSize, warning
from mentum.specimens.images import read_rgb
from mentum.specimens.outlines.masks import Mask
from mentum.specimens.outlines.silhouettes import CELLS, cells_of, contrast_with_border, find_silhouette
from mentum.specimens.placements import Box

CROP_VERSION = 1
"""Raised when the same settings come to crop otherwise."""
LEAST_GAIN = 1.1
"""By how much a crop must enlarge what it shows; below, the specimen fills the picture already."""


class Outcome(IntEnum):
    """What became of the crop of an image."""

    CROPPED = 0
    NOT_FOUND = 1
    FILLS = 2


class Crop(NamedTuple):
    """The part of an image that is used, None = all of it; and why, None = no crop was asked for."""

    box: Box | None
    outcome: Outcome | None


def find_crop(image: Image.Image, size: tuple[int, int], margin: float) -> Crop:
    """Find the specimen, and the part of the image around it.

    Args:
        image: upright, RGB; may be smaller than the file's.
        size: width and height of the upright file, px.
        margin: to each side, as a share of the specimen's longer side.
    """
    mask = _silhouette(image)
    if mask is None:
        return Crop(None, Outcome.NOT_FOUND)
    box = _around(mask, size, margin)
    gain = max(size) / max(box[2] - box[0], box[3] - box[1])
    return Crop(box, Outcome.CROPPED) if gain >= LEAST_GAIN else Crop(None, Outcome.FILLS)


def measure_specimens(paths: Sequence[Path], depth: int) -> SpecimenSize | None:
    """How large specimens are in pictures; None where none is found.

    Args:
        paths: of pictures that can be read.
        depth: bits of those with 16.
    """

    def share(path: Path) -> float | None:
        mask = _silhouette(read_rgb(path, at_least=2 * CELLS, depth=depth))
        return None if mask is None else float(mask.mean())

    with ThreadPoolExecutor() as pool:
        shares = [each for each in pool.map(share, paths) if each is not None]
    return SpecimenSize(share=median(shares), n_images=len(paths), n_found=len(shares)) if shares else None


def _silhouette(image: Image.Image) -> Mask | None:
    cells = cells_of(*image.size)
    if cells is None:
        return None
    return find_silhouette(contrast_with_border(np.asarray(image.resize(cells, Image.Resampling.BOX))))


def _around(mask: Mask, size: tuple[int, int], margin: float) -> Box:
    """A square around a mask with its margin, as far as the image goes: rather more of the picture than padding."""
    found = [np.flatnonzero(mask.any(axis=axis)) for axis in (0, 1)]
    steps = size[0] / mask.shape[1], size[1] / mask.shape[0]
    starts = [cells[0] * step for cells, step in zip(found, steps, strict=True)]
    stops = [(cells[-1] + 1) * step for cells, step in zip(found, steps, strict=True)]
    side = (1 + 2 * margin) * max(np.subtract(stops, starts))
    (left, right), (top, bottom) = (
        _span((start + stop) / 2, side, whole) for start, stop, whole in zip(starts, stops, size, strict=True)
    )
    return left, top, right, bottom


def _span(middle: float, side: float, whole: int) -> tuple[int, int]:
    """Where a span of so many px around a place begins and ends, moved into the image.

    >>> _span(20, 30, 100), _span(10, 30, 100), _span(50, 130, 100)
    ((5, 35), (0, 30), (0, 100))
    """
    length = min(max(1, round(side)), whole)
    start = min(max(0, round(middle - length / 2)), whole - length)
    return start, start + length


@dataclass(frozen=True)
class Crops:
    """The crops of N images.

    Attributes:
        table: (N, 5) int64: left, top, right, bottom (zeros where the image is whole), outcome.
    """

    table: NDArray[np.int64]

    @classmethod
    def of(cls, crops: Sequence[Crop]) -> Crops:
        """Crops as one table."""
        return cls(np.array([(*(each.box or (0, 0, 0, 0)), each.outcome) for each in crops], dtype=np.int64))

    def box(self, row: int) -> Box | None:
        """The part of an image that is used; None = all of it."""
        left, top, right, bottom, outcome = self.table[row].tolist()
        return (left, top, right, bottom) if outcome == Outcome.CROPPED else None

    def named(self, file_names: Sequence[str]) -> dict[str, Box]:
        """File name → the part of the image that is used; without those that are used whole."""
        boxes = {name: self.box(row) for row, name in enumerate(file_names)}
        return {name: box for name, box in boxes.items() if box is not None}

    def count(self, outcome: Outcome) -> int:
        """How many images have an outcome."""
        return int(np.count_nonzero(self.table[:, 4] == outcome))

    def fault(self, where: str, file_names: Sequence[str]) -> Fault:
        """What became of a data set, in words; a warning where specimens were not found."""
        n, missed = len(self.table), np.flatnonzero(self.table[:, 4] == Outcome.NOT_FOUND).tolist()
        said = f"{self.count(Outcome.CROPPED)} of {n} images are cropped to the specimen as found by its colour"
        if filling := self.count(Outcome.FILLS):
            said += f"; in {filling} it fills the picture, which is used whole"
        if missed:
            names = ", ".join(file_names[row] for row in missed[:3]) + (", …" if len(missed) > 3 else "")
            said += f"; in {len(missed)} none was found ({names}), and the whole picture is used"
        advice = "look at some under relevance/overlays after `mentum explain`" if n else ""
        return warning("cropped-images", where, f"{said}; {advice}.")
