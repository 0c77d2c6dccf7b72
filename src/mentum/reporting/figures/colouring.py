"""Relevance in colours on a photograph: levels of a map, their colours, and how much of the photograph they hide.

Both colour scales keep their order in grey and for people who do not tell red from green.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

UNIT = "relevance, logits per cell"
STRONGEST = 0.75
"""Opacity of the strongest relevance, 0-1: what lies beneath stays visible."""

_SMALLEST_SIDE = 224
_GREY = (150, 150, 150)


@dataclass(frozen=True)
class Colouring:
    """Colours of the 256 levels of a map.

    Attributes:
        palette: 768 bytes, RGB of each level.
        opacity: of each level, 0 (only the photograph is seen) to 255.
    """

    palette: bytes
    opacity: tuple[int, ...]

    def lay(self, levels: NDArray[np.uint8], photograph: Image.Image) -> Image.Image:
        """Draw levels (size, size) on a copy of a square photograph, whose side is `size` or a multiple of it."""
        map_ = Image.fromarray(levels)
        if map_.size != photograph.size:
            map_ = map_.resize(photograph.size, Image.Resampling.NEAREST)
        hiding = map_.point(self.opacity)
        map_.putpalette(self.palette)
        laid = photograph.copy()
        laid.paste(map_.convert("RGB"), mask=hiding)
        return laid

    def bar(self, width: int, height: int) -> Image.Image:
        """The colours from level 0 (left) to 255, as they look on a grey photograph."""
        levels = np.linspace(0, 255, width).round().astype(np.uint8)
        return self.lay(np.tile(levels, (height, 1)), Image.new("RGB", (width, height), _GREY))


def heat_colouring() -> Colouring:
    """For evidence, 0 to the largest: from the bare photograph through violet and orange to yellow."""
    place = np.linspace(0, 1, 256)
    return Colouring(_palette("plasma", place), _opacity(place))


def contrast_colouring() -> Colouring:
    """For a difference: blue is negative, zero shows the bare photograph, red is positive."""
    place = np.linspace(-1, 1, 256)
    # Without the pale middle of the scale, which would veil the photograph.
    vivid = 0.5 + np.sign(place) * (0.22 + 0.26 * np.abs(place))
    return Colouring(_palette("RdBu_r", vivid), _opacity(np.abs(place)))


def _palette(name: str, place: NDArray[np.float64]) -> bytes:
    from matplotlib import colormaps

    return colormaps[name](place, bytes=True)[:, :3].tobytes()


def _opacity(strength: NDArray[np.float64]) -> tuple[int, ...]:
    """Rises smoothly, without an edge that a map does not have; strengths of 0-1 below 0.03 stay invisible."""
    rise = np.clip((strength - 0.03) / 0.57, 0, 1)
    return tuple((255 * STRONGEST * rise * (2 - rise)).round().astype(int).tolist())


def heat_levels(drawn: NDArray[np.float32], largest: float) -> NDArray[np.uint8]:
    """Levels of a drawn map of evidence, 0 for none, 255 for `largest` and beyond; all 0 where `largest` is 0.

    >>> heat_levels(np.array([-1, 0, 1, 2, 9], dtype=np.float32), largest=2).tolist()
    [0, 0, 128, 255, 255]
    """
    if largest <= 0:
        return np.zeros(drawn.shape, dtype=np.uint8)
    levels: NDArray[np.uint8] = np.clip(drawn * np.float32(255 / largest) + np.float32(0.5), 0, 255).astype(np.uint8)
    return levels


def contrast_levels(drawn: NDArray[np.float32], largest: float) -> NDArray[np.uint8]:
    """Levels of a drawn signed map, symmetric about zero: 0 for -`largest`, 255 for `largest`.

    >>> contrast_levels(np.array([-2, 0, 2], dtype=np.float32), largest=2).tolist()
    [0, 128, 255]
    """
    return heat_levels(drawn + np.float32(largest), 2 * largest) if largest > 0 else np.full(drawn.shape, 128, np.uint8)


def photograph(pixels: NDArray[np.uint8]) -> Image.Image:
    """A square (size, size, 3) as a picture; a small one is enlarged by a whole number, so that captions fit."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    times = -(-_SMALLEST_SIDE // image.width)
    return image if times == 1 else image.resize((image.width * times,) * 2, Image.Resampling.NEAREST)
