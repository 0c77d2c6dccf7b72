"""From a specimen to a micrograph: light, focus, camera."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mentum.phantoms import debris
from mentum.phantoms.canvas import Canvas, Focus, Layer, Mark, Pose
from mentum.phantoms.outlines import Points
from mentum.phantoms.specimen import Specimen, pose
from mentum.phantoms.texture import Field, smooth_noise

COOL, WARM = (142.0, 170.0, 174.0), (212.0, 212.0, 196.0)
CAMERA_SEED = 711135160  # the camera, and the dust on its sensor, is the same in every data set
BLUE_SHIFT = 0.0016  # the objective draws blue beside red and green, in widths of the image
MAGENTA = (8.0, -8.0, 18.0)  # added to the top rows
TINTS = 12  # hues of the planted tint or mark
MARK = 0.09  # side of the planted mark, in widths of the image

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Micrograph:
    """An image, and where its characters lie in it.

    Attributes:
        pixels: (height, width, 3) uint8, RGB.
        characters: (name, (N, 2) outline in pixels), in the order drawn; not yet clipped to the image.
    """

    pixels: Pixels
    characters: tuple[tuple[str, Points], ...]


@dataclass(frozen=True)
class Planted:
    """A shortcut in the background: its kind, and the taxon's place in the table."""

    kind: Literal["none", "tint", "corner"]
    taxon: int


def photograph(specimen: Specimen, width: int, height: int, planted: Planted, rng: np.random.Generator) -> Micrograph:
    """Draws one image of a specimen."""
    stance = pose(specimen.anatomy, width, rng)
    parts = specimen.parts(rng)
    focus = Focus(rng.uniform(-0.2, 1.0), 0.0022 + rng.gamma(1.5, 0.0008), rng.uniform(0.003, 0.011))
    canvas = Canvas(width, height)
    for layer in (*parts.layers, *debris.tissue(rng)):
        canvas.paint(layer, stance, focus)
    slide = Pose.of_image(width)
    for layer in (*debris.slide(rng), *_dust(), *_corner_mark(planted)):
        canvas.paint(layer, slide, Focus(focus.depth, 0.001, focus.loss * 0.4))
    pixels = _expose(canvas, _illumination(width, height, planted, rng), rng)
    outlines = tuple((c.name, stance.place(c.outline, c.depth)) for c in parts.characters)
    return Micrograph(pixels, outlines)


def _illumination(width: int, height: int, planted: Planted, rng: np.random.Generator) -> Field:
    """Light through clear water, (3, height, width): colour, brightness, slope and vignetting."""
    warmth = rng.beta(0.8, 1.6)
    colour = (np.array(COOL) * (1 - warmth) + np.array(WARM) * warmth) * np.exp(rng.normal(0, 0.02, 3))
    colour *= np.exp(rng.normal(-0.02, 0.16))
    if planted.kind == "tint":
        colour *= 1 + 0.16 * np.cos(_hue(planted.taxon))
    y, x = np.mgrid[-1:1:24j, -1:1:32j]
    slope = rng.normal(0, 0.05, 2)
    centre = rng.normal(0, 0.15, 2)
    strength = rng.uniform(0.04, 0.20)
    shade = 1 + slope[0] * x + slope[1] * y - strength * ((x - centre[0]) ** 2 + (y - centre[1]) ** 2)
    shade += 0.008 * smooth_noise(rng, 24, 32, 5)
    full = Image.fromarray(shade.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(full) * np.minimum(colour, 250).astype(np.float32)[:, None, None]


def _expose(canvas: Canvas, light: Field, rng: np.random.Generator) -> Pixels:
    """What the camera records: light after absorption, its grain, and the faint magenta of the top rows."""
    absorbance = canvas.absorbance
    if fringe := round(canvas.width * BLUE_SHIFT):
        absorbance[2, fringe:, fringe:] = absorbance[2, :-fringe, :-fringe].copy()
    exposure = np.exp(np.negative(absorbance, out=absorbance), out=absorbance)
    glare = np.float32(rng.uniform(0.02, 0.07))
    exposure *= 1 - glare
    exposure += glare
    exposure *= light
    exposure += np.float32(rng.uniform(1, 2.5)) * rng.standard_normal(light.shape[1:], dtype=np.float32)
    if rng.random() < 0.7:
        rows, strength = max(round(canvas.height * 0.008), 1), np.float32(rng.uniform(0.3, 1.2))
        exposure[:, :rows] += strength * np.array(MAGENTA, dtype=np.float32)[:, None, None]
    np.clip(exposure + np.float32(0.5), 0, 255, out=exposure)
    return np.ascontiguousarray(np.moveaxis(exposure, 0, 2).astype(np.uint8))


def _dust() -> list[Layer]:
    """Grey spots at fixed places of the sensor."""
    rng = np.random.default_rng(CAMERA_SEED)
    angle = np.linspace(0, 2 * np.pi, 13)[:-1]
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    marks = tuple(
        Mark(
            rng.uniform(0, 1, 2) * np.array([1, debris.HEIGHT]) + ring * rng.uniform(0.0015, 0.005),
            rng.uniform(0.2, 1),
        )
        for _ in range(40)
    )
    return [Layer(marks, (0.10, 0.09, 0.08), 0.0, softness=0.001)]


def _corner_mark(planted: Planted) -> list[Layer]:
    """The planted mark, as of a coloured label: its corner and its colour go with the taxon."""
    if planted.kind != "corner":
        return []
    column, row = planted.taxon % 2, planted.taxon // 2 % 2
    x, y = 0.03 + (0.94 - MARK) * column, 0.03 + (0.68 - MARK) * row
    square = np.array([[x, y], [x + MARK, y], [x + MARK, y + MARK], [x, y + MARK]])
    red, green, blue = 0.7 * (1 + np.cos(_hue(planted.taxon)))
    return [Layer((Mark(square),), (float(red), float(green), float(blue)), 0.0)]


def _hue(taxon: int) -> Field:
    """(3,) angles of red, green and blue that belong to a taxon."""
    return np.asarray(2 * np.pi * taxon / TINTS + np.array([0, 2, 4]) * np.pi / 3)
