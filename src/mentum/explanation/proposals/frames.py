"""The specimen's own frame: places named alike in every image, however the specimen lies in it.

The origin is the middle of the specimen, the y axis its body axis (positive towards the top of the image), x goes to
the viewer's right, and the unit is the square root of the specimen's area. Coordinates in the network's square are
continuous: the first pixel covers 0 to 1 on both axes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from mentum.records import Record
from mentum.specimens.outlines.silhouettes import cells_of, contrast_with_border, find_silhouette
from mentum.specimens.pixels import SquarePlacement

Points = NDArray[np.float64]  # (…, 2): x, y
Axis = Literal["mirror", "long", "upright", "image"]
"""What gave the y axis: that of mirror symmetry, that of the longest extent, none (the image's own upright), or no
specimen was found and the frame is that of the whole image."""

STEEPEST = 60
"""Degrees from upright up to which an axis of symmetry is looked for; specimens that lie across are not told apart."""
STEP = 6
LEAST_SYMMETRY = 0.8
"""Correlation of a specimen with its mirror image from which on it counts as symmetrical."""
LEAST_PROMINENCE = 0.05
"""By how much the best axis must exceed the usual one; round specimens are symmetrical about every axis."""
LEAST_ELONGATION = 1.1
"""Ratio of the longest to the shortest extent from which on the longest is an axis."""


class Frame(Record):
    """Where a specimen lies in the network's square.

    Attributes:
        x, y: its middle, px of the square.
        angle: of its body axis, degrees clockwise from the image's upright, -90 to 90.
        scale: px of the square per unit.
        axis: what gave the angle.
    """

    x: float
    y: float
    angle: float = Field(ge=-90, le=90)
    scale: float = Field(gt=0)
    axis: Axis

    def to_square(self, points: Points) -> Points:
        """Points (…, 2) of the frame → px of the square."""
        placed: Points = np.array([self.x, self.y]) + self.scale * points @ self._directions
        return placed

    def from_square(self, points: Points) -> Points:
        """Points (…, 2) of the square, px → of the frame; the inverse of `to_square`."""
        framed: Points = (points - np.array([self.x, self.y])) @ self._directions.T / self.scale
        return framed

    @property
    def _directions(self) -> Points:
        """Rows: where x and y of the frame point in the square, whose own y goes down."""
        sine, cosine = math.sin(math.radians(self.angle)), math.cos(math.radians(self.angle))
        return np.array([[cosine, sine], [sine, -cosine]])

    def window(self, image: Image.Image, middle: tuple[float, float], reach: float, cells: int) -> Image.Image:
        """What lies around a place of the frame, with the body axis upright.

        Args:
            image: the square, or any picture of its size.
            middle: in the frame.
            reach: from the middle to each side, in units.
            cells: side of the window, px.
        """
        step = 2 * reach / cells
        corner, right, below = self.to_square(
            np.array(middle) + reach * np.array([[-1.0, 1], [-1 + step / reach, 1], [-1, 1 - step / reach]])
        )
        along, down = right - corner, below - corner
        coefficients = (along[0], down[0], corner[0], along[1], down[1], corner[1])
        return image.transform((cells, cells), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)


def find_frame(
    square: NDArray[np.uint8], placement: SquarePlacement, outline: NDArray[np.floating] | None = None
) -> Frame:
    """Find the frame of the specimen in one image.

    Args:
        square: (S, S, 3) uint8.
        placement: where the image lies in the square.
        outline: (S, S) float, above 0.5 within the specimen; None, or one with nothing inside, has it found by colour.
    """
    width, height = placement.inner
    box = (placement.left, placement.top, placement.left + width, placement.top + height)
    cells = cells_of(width, height)
    unit = math.sqrt(max(1, width * height))
    whole = Frame(x=(box[0] + box[2]) / 2, y=(box[1] + box[3]) / 2, angle=0, scale=unit, axis="image")
    if cells is None:
        return whole
    small = Image.fromarray(square).resize(cells, Image.Resampling.BOX, box)
    contrast = contrast_with_border(np.asarray(small))
    mask = find_silhouette(contrast) if outline is None else _reduced(outline, cells, box)
    if mask is None or not mask.any():
        return whole if outline is None else find_frame(square, placement)
    step = width / cells[0]
    found = _frame_of_mask(mask, contrast)
    return found.model_copy(
        update={"x": found.x * step + box[0], "y": found.y * step + box[1], "scale": found.scale * step}
    )


def _reduced(
    outline: NDArray[np.floating], cells: tuple[int, int], box: tuple[int, int, int, int]
) -> NDArray[np.bool_]:
    picture = Image.fromarray(np.asarray(outline, dtype=np.float32))
    return np.asarray(picture.resize(cells, Image.Resampling.BOX, box)) > 0.5


def _frame_of_mask(mask: NDArray[np.bool_], contrast: NDArray[np.float64]) -> Frame:
    """The frame of a mask, in its own cells."""
    places = np.argwhere(mask)[:, ::-1] + 0.5
    x, y = places.mean(axis=0)
    frame = Frame(x=x, y=y, angle=0, scale=math.sqrt(len(places)), axis="upright")
    mirror = _mirror_axis(np.where(mask, contrast, 0), frame)
    if mirror is not None:
        return frame.model_copy(update={"angle": mirror, "axis": "mirror"})
    extents, directions = np.linalg.eigh(np.cov(places.T, bias=True) + np.eye(2) / 12)
    if math.sqrt(extents[1] / extents[0]) < LEAST_ELONGATION:
        return frame
    return frame.model_copy(update={"angle": _clockwise_from_up(directions[:, 1]), "axis": "long"})


def _clockwise_from_up(direction: Points) -> float:
    """Degrees, -90 to 90, of the end of a line that is nearer to the top.

    >>> _clockwise_from_up(np.array([-1.0, 1.0])).__round__()
    45
    """
    x, y = direction if direction[1] < 0 else -direction
    return math.degrees(math.atan2(x, -y))


def _mirror_axis(contrast: NDArray[np.float64], upright: Frame) -> float | None:
    """The angle about which the picture is most like its mirror image, if any stands out."""
    angles = range(-STEEPEST, STEEPEST + 1, STEP)
    likeness = np.array([_symmetry(contrast, upright, angle) for angle in angles])
    best = int(likeness.argmax())
    if likeness[best] < LEAST_SYMMETRY or likeness[best] - np.median(likeness) < LEAST_PROMINENCE:
        return None
    return float(angles[best] + STEP * summit_offset(likeness[max(0, best - 1) : best + 2]))


def _symmetry(contrast: NDArray[np.float64], upright: Frame, angle: float) -> float:
    """Correlation of the picture with its mirror image about an axis at most a tenth of a unit beside the middle."""
    frame = upright.model_copy(update={"angle": float(angle)})
    window = np.asarray(frame.window(Image.fromarray(contrast.astype(np.float32)), (0, 0), 0.9, 32), dtype=np.float64)
    return max(_likeness(window[:, max(0, 2 * shift) : 32 + min(0, 2 * shift)]) for shift in range(-2, 3))


def _likeness(window: NDArray[np.float64]) -> float:
    """Correlation of a picture with its mirror image, -1 to 1."""
    centred = window - window.mean()
    return float(np.vdot(centred, centred[:, ::-1]) / max(np.vdot(centred, centred), 1e-9))


def summit_offset(values: Sequence[float] | NDArray[np.floating]) -> float:
    """Where the parabola through three neighbouring values has its summit, in steps from the middle one, -0.5 to 0.5.

    >>> summit_offset([0, 1, 1])
    0.5
    """
    if len(values) < 3:
        return 0.0
    before, here, after = (float(value) for value in values)
    bend = 2 * here - before - after
    return float(np.clip((after - before) / (2 * bend), -0.5, 0.5)) if bend > 0 else 0.0
