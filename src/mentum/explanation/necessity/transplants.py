"""A character of another specimen in the place of an image's own; the rest of the picture stays as it is.

A picture with a blurred or grey hole looks like no specimen, and one whose taxon lacks the character does not change by
hiding it. With the character of another taxon's specimen the picture stays natural, and all taxa are treated alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, maximum_filter

from mentum.explanation.annotation.characters import Annotations
from mentum.explanation.proposals.frames import Frame, find_frame
from mentum.specimens.pixels import SquarePlacement

GROWTH = 2
"""Px by which a region is larger than its outline: outlines are drawn by hand."""
SOFTNESS = 1.2
"""Standard deviation of its edge, px: a sharp edge would be a new structure to see."""
RING = 6
"""Px around a region in which the donor's colours are matched with the image's own."""
LEAST_RING = 12
"""Px of that ring from which on colours are matched."""
FARTHEST = 2.0
"""By how much colours may be brightened or darkened at most, and a donor enlarged or reduced."""
LEAST_SPREAD = 0.1
"""Distance of characters from their common middle, in sides of the square, from which they show how specimens lie."""
N_PLACES = 64
"""Places tried for a control region."""
_REACH = max(RING, GROWTH + math.ceil(4 * SOFTNESS))
"""Px around a region beyond which a graft neither looks nor changes anything."""


@dataclass(frozen=True, eq=False)
class Posed:
    """An image with its characters, and how its specimen lies in it.

    Attributes:
        pixels: (S, S, 3) uint8.
        masks: (R, S, S) float32, as by `Annotations.masks`.
        find: tells how the specimen lies, where its characters don't.
    """

    pixels: NDArray[np.uint8]
    masks: NDArray[np.float32]
    find: Callable[[], Frame]

    @classmethod
    def of(cls, pixels: NDArray[np.uint8], annotations: Annotations, file_name: str) -> Posed:
        """An annotated image."""
        size = len(pixels)
        masks, image = annotations.masks(file_name, size), annotations.regions[file_name]
        outline = 1 - masks[-1] if masks[-1].any() else None
        return cls(pixels, masks, lambda: find_frame(pixels, SquarePlacement(image.width, image.height, size), outline))

    @cached_property
    def frame(self) -> Frame:
        """Of the specimen."""
        return self.find()

    @cached_property
    def specimen(self) -> NDArray[np.float32]:
        """(S, S) float32: share of each pixel in the specimen."""
        return np.asarray(1 - self.masks[-1])

    @cached_property
    def characters(self) -> NDArray[np.float32]:
        """(S, S) float32: share of each pixel in any character."""
        return np.asarray(self.masks[:-2].sum(axis=0))

    @cached_property
    def present(self) -> list[int]:
        """Characters that are outlined."""
        return [place for place, mask in enumerate(self.masks[:-2]) if mask.any()]

    @cached_property
    def boxes(self) -> dict[int, NDArray[np.float64]]:
        """Of each character that is outlined: left, top, right, bottom, px."""
        return {place: _box(self.masks[place]) for place in self.present}

    @cached_property
    def middles(self) -> NDArray[np.float64]:
        """(R - 2, 2) x and y of the middle of each character, px; NaN where it is absent."""
        return np.array([_middle(mask) for mask in self.masks[:-2]]).reshape(-1, 2)


def _box(mask: NDArray[np.float32]) -> NDArray[np.float64]:
    """Left, top, right and bottom of what a mask covers, px."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=np.float64)


def _middle(mask: NDArray[np.float32]) -> tuple[float, float]:
    total = float(mask.sum())
    if total == 0:
        return np.nan, np.nan
    places = np.arange(len(mask)) + 0.5
    return float(mask.sum(axis=0) @ places) / total, float(mask.sum(axis=1) @ places) / total


Window = tuple[slice, slice]
"""Rows and columns of a square."""


@dataclass(frozen=True, eq=False)
class Graft:
    """What covers a part of a picture.

    Attributes:
        window: the part, h by w px.
        colours: (h, w, 3) float32.
        veil: (h, w, 1) float32, how far they cover, 0-1.
    """

    window: Window
    colours: NDArray[np.float32]
    veil: NDArray[np.float32]


def covered(pixels: NDArray[np.uint8], grafts: Iterable[Graft]) -> NDArray[np.uint8]:
    """A picture (S, S, 3) with grafts laid over it, one after the other."""
    picture = pixels.copy()
    for graft in grafts:
        under = picture[graft.window].astype(np.float32)
        picture[graft.window] = np.round(under + graft.veil * (graft.colours - under))
    return picture


def transplant(image: Posed, donor: Posed, character: int) -> Graft | None:
    """A character as the donor has it, in the place of the image's own; None where one of them lacks it."""
    if character not in image.present or character not in donor.present:
        return None
    placing = _placing(image, donor)
    shift = donor.middles[character] - placing.apply(image.middles[character])
    placing = _Affine(placing.matrix, placing.offset + shift)
    window = _around(image, donor, placing, character)
    own = image.masks[character][window]
    others = np.clip(image.characters[window] - own, 0, 1)
    region = np.maximum(own, placing.brought(donor.masks[character], window) * (1 - others))
    return _graft(image, donor, placing, region, window)


def elsewhere(image: Posed, donor: Posed, character: int, rng: np.random.Generator) -> Graft | None:
    """The donor's surface in a region of a character's form that lies elsewhere on the specimen, off all characters."""
    if character not in image.present:
        return None
    region = _laid_elsewhere(image, image.masks[character], rng)
    if not region.any():
        return None
    window = _window(_box(region), len(region))
    return _graft(image, donor, _placing(image, donor), region[window], window)


@dataclass(frozen=True, eq=False)
class _Affine:
    """Where a place of the image (x, y) lies in the donor's: matrix @ place + offset."""

    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]

    def apply(self, place: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.matrix @ place + self.offset)

    def brought(self, picture: NDArray[np.generic], window: Window) -> NDArray[np.float32]:
        """A mask (S, S) or picture (S, S, 3) of the donor's as it lies in a window of the image; 0 where it ends."""
        down, across = window
        (a, b), (d, e) = self.matrix.tolist()
        c, f = (self.offset + self.matrix @ np.array([across.start, down.start])).tolist()
        size = across.stop - across.start, down.stop - down.start
        coefficients = (a, b, c, d, e, f)
        moved = Image.fromarray(picture).transform(
            size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR
        )
        return np.asarray(moved, dtype=np.float32)


def _placing(image: Posed, donor: Posed) -> _Affine:
    """How the donor lies over the image: by the middles of the characters that both have, else by their frames."""
    both = sorted(set(image.present) & set(donor.present))
    here, there = image.middles[both], donor.middles[both]
    unit = LEAST_SPREAD * len(image.pixels)
    if len(both) > 1 and min(_spread(here), _spread(there)) > unit:
        return _similarity(here, there)
    return _of_frames(image.frame, donor.frame)


def _spread(points: NDArray[np.float64]) -> float:
    """Greatest distance of points from their middle."""
    return float(np.linalg.norm(points - points.mean(axis=0), axis=1).max())


def _similarity(here: NDArray[np.float64], there: NDArray[np.float64]) -> _Affine:
    """The turn, size and shift that bring points nearest to others.

    Source: Umeyama 1991, Least-squares estimation of transformation parameters between two point patterns.
    """
    middle, other = here.mean(axis=0), there.mean(axis=0)
    one, two = here - middle, there - other
    left, values, right = np.linalg.svd(two.T @ one)
    signs = np.array([1.0, np.sign(np.linalg.det(left @ right)) or 1.0])
    scale = float((values * signs).sum() / (one**2).sum())
    matrix = float(np.clip(scale, 1 / FARTHEST, FARTHEST)) * (left * signs) @ right
    return _Affine(matrix, other - matrix @ middle)


def _of_frames(image: Frame, donor: Frame) -> _Affine:
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    here, there = image.to_square(corners), donor.to_square(corners)
    matrix = (there[1:] - there[0]).T @ np.linalg.inv((here[1:] - here[0]).T)
    return _Affine(matrix, there[0] - matrix @ here[0])


def _graft(image: Posed, donor: Posed, placing: _Affine, region: NDArray[np.float32], window: Window) -> Graft:
    """The donor's surface over a region of a window."""
    veil = feathered(region)
    colours = placing.brought(donor.pixels, window)
    around = (_grown(region, RING) > 0.5) & (veil < 0.05) & (image.specimen[window] > 0.5)
    if np.count_nonzero(around) >= LEAST_RING:
        own, others = image.pixels[window][around].mean(axis=0), colours[around].mean(axis=0)
        colours = np.clip(colours * np.clip(own / np.maximum(others, 1), 1 / FARTHEST, FARTHEST), 0, 255)
    return Graft(window, colours, veil[:, :, None])


def _around(image: Posed, donor: Posed, placing: _Affine, character: int) -> Window:
    """Where a character lies in an image, its own and the donor's brought there."""
    left, top, right, bottom = donor.boxes[character]
    corners = np.array([[left, top], [right, top], [left, bottom], [right, bottom]]) - placing.offset
    brought = np.linalg.solve(placing.matrix, corners.T)
    own = image.boxes[character]
    low, high = np.minimum(own[:2], brought.min(axis=1)), np.maximum(own[2:], brought.max(axis=1))
    return _window(np.concatenate([low - 1, high + 1]), len(image.pixels))


def _window(box: NDArray[np.float64], size: int) -> Window:
    """The part of a square around a box (left, top, right, bottom) that its graft may look at or change."""
    left, top = np.clip(np.floor(box[:2]) - _REACH, 0, size - 1).astype(int).tolist()
    right, bottom = np.clip(np.ceil(box[2:]) + _REACH, 1, size).astype(int).tolist()
    return slice(top, bottom), slice(left, right)


def feathered(region: NDArray[np.float32]) -> NDArray[np.float32]:
    """A region (S, S) a little larger and with a soft edge."""
    return np.asarray(gaussian_filter(_grown(region, GROWTH), SOFTNESS), dtype=np.float32)


def _grown(region: NDArray[np.float32], px: int) -> NDArray[np.float32]:
    return np.asarray(maximum_filter(region, 2 * px + 1), dtype=np.float32)


def _laid_elsewhere(image: Posed, form: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """The form where it lies best on the specimen and off the characters; what still lies on them is left out."""
    taken = _grown(np.clip(image.characters, 0, 1), 2 * GROWTH)
    worth = image.specimen - 2 * taken
    best, found = -np.inf, form
    for turn, (down, across) in zip(range(N_PLACES), rng.integers(len(form), size=(N_PLACES, 2)).tolist(), strict=True):
        placed = np.roll(np.rot90(form, turn), (down, across), axis=(0, 1))
        fit = float(np.vdot(placed, worth))
        if fit > best:
            best, found = fit, placed
    return np.asarray(found * (1 - taken), dtype=np.float32)
