"""Annotation drawn on an image as it is stored, brought upright as its EXIF says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mentum.explanation.annotation.shapes import Shape, expand, run_lengths
from mentum.specimens.coco import Points

_ON_ITS_SIDE = (5, 6, 7, 8)
"""Orientations that swap the sides of an image."""

_Turn = Callable[[NDArray[np.float64], NDArray[np.float64], int, int], tuple[NDArray[np.float64], NDArray[np.float64]]]

_TURNS: Mapping[int, _Turn] = MappingProxyType({
    2: lambda x, y, width, height: (width - x, y),
    3: lambda x, y, width, height: (width - x, height - y),
    4: lambda x, y, width, height: (x, height - y),
    5: lambda x, y, width, height: (y, x),
    6: lambda x, y, width, height: (height - y, x),
    7: lambda x, y, width, height: (height - y, width - x),
    8: lambda x, y, width, height: (y, width - x),
})  # fmt: skip
"""EXIF orientation → where a point of the stored image lies in the upright one; width and height are those stored."""


@dataclass(frozen=True)
class Frame:
    """What the regions of one image are drawn in.

    Attributes:
        width, height: px.
        orientation: of the image, by its EXIF; 1 where nothing turns it.
        on_stored: whether it is the image as stored, rather than the upright one; None where the sides leave that open.
    """

    width: int
    height: int
    orientation: int = 1
    on_stored: bool | None = False

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height of the image when it is upright, px."""
        swapped = self.on_stored and self.orientation in _ON_ITS_SIDE
        return (self.height, self.width) if swapped else (self.width, self.height)

    def upright(self, shape: Shape) -> Shape:
        """A region in the upright image."""
        if not self.on_stored or self.orientation not in _TURNS:
            return shape
        runs = None if shape.runs is None else self._upright_runs(shape.runs)
        return Shape(tuple(map(self._upright_points, shape.polygons)), runs)

    def _upright_points(self, points: Points) -> Points:
        x, y = points.T
        return np.stack(_TURNS[self.orientation](x, y, self.width, self.height), axis=1)

    def _upright_runs(self, runs: NDArray[np.int32]) -> NDArray[np.int32]:
        stored = expand(runs, self.width, self.height)
        columns, rows = np.divmod(np.flatnonzero(stored), self.height)
        x, y = _TURNS[self.orientation](columns + 0.5, rows + 0.5, self.width, self.height)
        upright = np.zeros(self.upright_size, dtype=np.uint8)
        upright[x.astype(np.int64), y.astype(np.int64)] = stored.max()
        return run_lengths(upright)


def frame_of(given: tuple[int, int] | None, actual: tuple[int, int], orientation: int) -> Frame | None:
    """What an image was annotated in, from the sides that the annotation names.

    Args:
        given: width and height in the annotation, px, if it names them.
        actual: those of the upright image.
        orientation: of its EXIF, 1 to 8.

    Returns:
        None if the annotation is of an image of another size.
    """
    turned = orientation in _TURNS
    if given in (None, actual):
        told = turned and orientation in _ON_ITS_SIDE and given is not None and actual[0] != actual[1]
        return Frame(*actual, orientation, None if turned and not told else False)
    if orientation in _ON_ITS_SIDE and given == actual[::-1]:
        return Frame(actual[1], actual[0], orientation, on_stored=True)
    return None


def agree(frames: Mapping[Any, Frame]) -> tuple[dict[Any, Frame], tuple[str, ...]]:
    """Take images whose sides leave it open as drawn like the others of the file, which one program wrote.

    Returns:
        The frames, none of them open; what the user should know, in words.
    """
    told = {frame.on_stored for frame in frames.values() if frame.orientation != 1} - {None}
    n_open = sum(frame.on_stored is None for frame in frames.values())
    settled = {
        image: replace(frame, on_stored=told == {True}) if frame.on_stored is None else frame
        for image, frame in frames.items()
    }
    n_stored = sum(bool(frame.on_stored) for frame in settled.values())
    notes = []
    if n_stored:
        notes.append(
            f"Images annotated as they are stored, not upright as their EXIF orientation says: {n_stored}; their "
            "regions are turned with them."
        )
    if n_open and len(told) != 1:
        notes.append(
            f"Images with an EXIF orientation of which nothing tells whether they were annotated as stored: {n_open}; "
            "they are taken as annotated upright. Look at the outlines in the pictures."
        )
    return settled, tuple(notes)
