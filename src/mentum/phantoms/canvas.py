"""A canvas that adds up how much light each structure takes.

Light passes the specimen once, so structures do not hide but darken one another: absorbances add up, and the order
in which they are painted does not matter.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from mentum.phantoms.anatomy import Absorbance
from mentum.phantoms.outlines import Points
from mentum.phantoms.texture import TEXTURE_BOX, Field

SUPERSAMPLING = 2
RIM, LIMB = 0.016, 0.085  # reach of the two edge shades, in capsule widths

Box = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Pose:
    """Where a frame of its own lies in the image.

    Attributes:
        matrix: (2, 2) from the frame to pixels.
        offset: (2,) pixel of the frame's origin.
        roll: sideways shift of a structure per unit of depth, in the frame's units.
    """

    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]
    roll: float = 0.0

    @classmethod
    def of_image(cls, width: int) -> "Pose":
        """The frame of the image itself, with its width as the unit."""
        return cls(np.eye(2) * width, np.zeros(2))

    @property
    def scale(self) -> float:
        """Pixels per unit."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix))))

    def place(self, points: Points, depth: float = 0.0) -> Points:
        """Pixels of points that lie `depth` (1: ventral wall, -1: dorsal wall) above the middle."""
        shifted = points + np.array([self.roll * depth, 0.0])
        placed: Points = shifted @ self.matrix.T + self.offset
        return placed

    def sample(self, values: Field, box: Box) -> Field:
        """A texture of the capsule frame, as seen in a box of the image."""
        left, bottom, right, top = TEXTURE_BOX
        rows, columns = values.shape
        to_cells = np.array([[columns / (right - left), 0.0], [0.0, rows / (top - bottom)]]) @ np.linalg.inv(
            self.matrix
        )
        shift = to_cells @ (np.array(box[:2]) - self.offset)
        shift -= np.array([left * columns / (right - left), bottom * rows / (top - bottom)])
        (a, b), (d, e) = to_cells
        seen = Image.fromarray(values).transform(
            (box[2] - box[0], box[3] - box[1]),
            Image.Transform.AFFINE,
            (a, b, shift[0], d, e, shift[1]),
            Image.Resampling.BILINEAR,
            fillcolor=1.0,
        )
        return np.asarray(seen)


@dataclass(frozen=True, eq=False)
class Mark:
    """A filled outline and the share of its layer's absorbance that it has."""

    outline: Points
    density: float = 1.0


@dataclass(frozen=True, eq=False)
class Layer:
    """Marks of one pigment at one depth; a later mark replaces an earlier one where they overlap.

    Attributes:
        marks: what to fill, in this order.
        absorbance: of a mark of density 1; negative values brighten.
        depth: 1 is the ventral wall, nearest to the lens; -1 the dorsal wall.
        limb: how much thicker the layer grows toward its edge.
        softness: blur of its own, in units of the frame, whatever the focus.
        texture: multiplies the absorbance, in the capsule frame.
    """

    marks: tuple[Mark, ...]
    absorbance: Absorbance
    depth: float = 0.0
    limb: float = 0.0
    softness: float = 0.0
    texture: Field | None = None


@dataclass(frozen=True)
class Focus:
    """The plane that is sharp, and how fast sharpness is lost beside it.

    Attributes:
        depth: of the sharp plane.
        best: blur in that plane, in units of the frame.
        loss: blur per unit of depth.
    """

    depth: float
    best: float
    loss: float

    def blur(self, depth: float) -> float:
        """Blur at a depth, in units of the frame."""
        return self.best + self.loss * abs(depth - self.depth)


class Canvas:
    """Absorbance of everything painted so far: `absorbance` is (3, height, width) float32."""

    def __init__(self, width: int, height: int) -> None:
        """Starts with clear water."""
        self.width, self.height = width, height
        self.absorbance = np.zeros((3, height, width), dtype=np.float32)

    def paint(self, layer: Layer, pose: Pose, focus: Focus) -> None:
        """Adds a layer, blurred by its distance from the plane of focus."""
        placed = pose.place(np.concatenate([mark.outline for mark in layer.marks]), layer.depth)
        blur = pose.scale * float(np.hypot(focus.blur(layer.depth), layer.softness))
        box = self._box(placed, 2.5 * blur + 2)
        if box is None:
            return
        peak = max(mark.density for mark in layer.marks)
        mask = _mask(layer.marks, placed, box, blur)
        cover = np.asarray(mask, dtype=np.float32) * np.float32(peak / 255)
        if layer.limb:
            cover *= 1 + layer.limb * _limb(mask, pose.scale)
        if layer.texture is not None:
            cover *= pose.sample(layer.texture, box)
        area = self.absorbance[:, box[1] : box[3], box[0] : box[2]]
        for plane, strength in zip(area, layer.absorbance, strict=True):
            plane += cover * np.float32(strength)

    def _box(self, points: Points, margin: float) -> Box | None:
        left, top = points.min(axis=0) - margin
        right, bottom = points.max(axis=0) + margin
        box = (max(int(left), 0), max(int(top), 0), min(int(right) + 1, self.width), min(int(bottom) + 1, self.height))
        return box if box[2] > box[0] and box[3] > box[1] else None


def _mask(marks: tuple[Mark, ...], placed: Points, box: Box, blur: float) -> Image.Image:
    """Filled and blurred outlines in a box, full where a mark is densest; what is much blurred is drawn coarsely."""
    zoom = SUPERSAMPLING if blur < 2 else 1 if blur < 6 else 0.5
    width, height = box[2] - box[0], box[3] - box[1]
    mask = Image.new("L", (math.ceil(width * zoom), math.ceil(height * zoom)))
    _fill(mask, marks, (placed - np.array(box[:2])) * zoom)
    if zoom > 1:
        mask = mask.reduce(SUPERSAMPLING)
    mask = mask.filter(_gauss(blur * min(zoom, 1)))
    if zoom < 1:
        mask = mask.resize((width, height), Image.Resampling.BILINEAR, box=(0, 0, width * zoom, height * zoom))
    return mask


def _fill(mask: Image.Image, marks: tuple[Mark, ...], corners: Points) -> None:
    draw, flat = ImageDraw.Draw(mask), corners.ravel().tolist()
    full = 255 / max(mark.density for mark in marks)
    start = 0
    for mark in marks:
        end = start + mark.outline.size
        draw.polygon(flat[start:end], fill=round(full * mark.density))
        start = end


def _gauss(deviation: float) -> ImageFilter.Filter:
    """Gaussian blur; where it is slight, one box of the same variance does."""
    if deviation < 1:
        return ImageFilter.BoxBlur((math.sqrt(12 * deviation**2 + 1) - 1) / 2)
    return ImageFilter.GaussianBlur(deviation)


def _limb(mask: Image.Image, scale: float) -> Field:
    """Shade that grows from the inside to the edge of a mask: a thin rim upon a wide limb, 0 to about 1."""
    rim, limb = (_coarsely_blurred(mask, reach * scale, step) for reach, step in ((RIM, 2), (LIMB, 4)))
    return 2 - rim * np.float32(1.1 / 255) - limb * np.float32(0.9 / 255)


def _coarsely_blurred(mask: Image.Image, deviation: float, step: int) -> Field:
    small = mask.resize((max(mask.width // step, 1), max(mask.height // step, 1)), Image.Resampling.BOX)
    blurred = small.filter(ImageFilter.GaussianBlur(deviation / step))
    return np.asarray(blurred.resize(mask.size, Image.Resampling.BILINEAR), dtype=np.float32)
