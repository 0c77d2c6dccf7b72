"""The mentum with its row of teeth, and the ventromental plates beside it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mentum.phantoms.anatomy import BROWN, Mentum, Plates, Taxon, scaled
from mentum.phantoms.canvas import Layer, Mark
from mentum.phantoms.outlines import Points, mirrored, ribbon, smooth
from mentum.phantoms.parts import Character, Parts
from mentum.phantoms.texture import mottling

DEPTH = 0.85
STRIP = 0.1  # plates narrower than this are strips


@dataclass(frozen=True, eq=False)
class _Tooth:
    height: float
    share: float  # of the row's width


def mentum(taxon: Taxon, rng: np.random.Generator) -> Parts:
    """The toothed plate."""
    form = taxon.mentum
    front = taxon.capsule.length - form.front - form.teeth[0]
    row = tooth_row(form, rng) + np.array([0.0, front])
    band = np.concatenate([row, _rear_of_band(form, front)[::-1]])
    whole = np.concatenate([row, _rear(form, front)[::-1]])
    layers = [
        Layer(_band_marks(form, band, front, rng), scaled(form.absorbance, 1.25), DEPTH, texture=mottling(rng, 0.15))
    ]
    if form.field:
        rim = ribbon(_rear(form, front), 0.013)
        layers.append(Layer((Mark(whole, 0.22), Mark(rim, 0.75)), BROWN, DEPTH - 0.15))
    return Parts(tuple(layers), (Character("mentum", whole, DEPTH),))


def plates(taxon: Taxon, rng: np.random.Generator) -> Parts:
    """The pair of ventromental plates."""
    draw = _strip if taxon.plates.width < STRIP else _fan
    right, left = draw(taxon, rng), draw(taxon, rng)
    marks = [*right, *(Mark(mirrored(mark.outline), mark.density) for mark in left)]
    outlines = (right[0].outline, mirrored(left[0].outline))
    return Parts(
        (Layer(tuple(marks), BROWN, DEPTH - 0.2, softness=0.004),),
        tuple(Character("ventromental_plate", outline, DEPTH - 0.2) for outline in outlines),
    )


def tooth_row(form: Mentum, rng: np.random.Generator) -> Points:
    """Front outline of the mentum from left to right; the middle of its base lies at (0, 0)."""
    teeth = _teeth(form)
    shares = np.array([tooth.share for tooth in teeth])
    edges = np.concatenate([[0.0], np.cumsum(shares)]) / shares.sum() * 2 - 1
    points: list[tuple[float, float]] = []
    for i, tooth in enumerate(teeth):
        a, b = edges[i], edges[i + 1]
        middle, half = (a + b) / 2, (b - a) / 2
        height = tooth.height * (1 + rng.normal(0, 0.06))
        lean = 0.25 * middle * height / (form.width / 2)
        points.append((a, 0.0))
        shoulder = half * (0.12 + 0.75 * form.bluntness)
        points += [
            (middle - shoulder + lean, height * 0.94),
            (middle + lean, height),
            (middle + shoulder + lean, height * 0.94),
        ]
    points.append((1.0, 0.0))
    x, y = np.array(points).T
    return np.stack([x * form.width / 2, y + _arch(form, x)], axis=1)


def _teeth(form: Mentum) -> list[_Tooth]:
    """Teeth from left to right."""
    lateral = [_Tooth(height, 1 - 0.45 * i / len(form.teeth)) for i, height in enumerate(form.teeth[1:])]
    top = form.teeth[0]
    median = {
        "single": [_Tooth(top, 1.5)],
        "pair": [_Tooth(top, 1.0), _Tooth(top, 1.0)],
        "trifid": [_Tooth(0.72 * top, 0.5), _Tooth(top, 0.9), _Tooth(0.72 * top, 0.5)],
    }[form.median]
    return lateral[::-1] + median + lateral


def _arch(form: Mentum, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far the base of the row lies behind its middle, at x from -1 to 1."""
    return -form.rise * np.abs(np.clip(x, -1, 1)) ** form.curve


def _rear_of_band(form: Mentum, front: float) -> Points:
    x = np.linspace(-0.97, 0.97, 21)
    if form.field:
        y = _arch(form, x) - form.depth * (1 - 0.55 * x**2)
    else:  # a dome, filled down to its corners
        y = -form.rise + (form.rise - form.depth) * np.cos(np.pi * x / 2) ** 2 - 0.02 * (1 - x**2)
    return np.stack([x * form.width / 2, front + y], axis=1)


def _rear(form: Mentum, front: float) -> Points:
    """Rear edge of the mentum: of the pale field where it has one, else of the band."""
    if not form.field:
        return _rear_of_band(form, front)
    x = np.linspace(-0.97, 0.97, 21)
    bottom = -form.depth - form.field
    corner = -form.rise - 0.3 * form.depth
    return np.stack([x * form.width / 2 * 0.97, front + bottom + (corner - bottom) * np.abs(x) ** 2.6], axis=1)


def _band_marks(form: Mentum, band: Points, front: float, rng: np.random.Generator) -> tuple[Mark, ...]:
    marks = [Mark(band, 1 - 0.35 * form.stripes)]
    if form.pale_middle:
        x = band[:, 0] / (form.width / 2)
        marks.append(Mark(band[np.abs(x) < 0.23], 1 - form.pale_middle))
    rear = _rear_of_band(form, front)
    for x in np.linspace(-0.8, 0.8, 8) if form.stripes else ():
        edges = np.clip(x + rng.normal(0, 0.03) + np.array([-0.05, 0.05]), -0.95, 0.95)
        bottom = np.interp(edges * form.width / 2, rear[:, 0], rear[:, 1])
        top = front + _arch(form, edges)
        corners = [(edges[0], top[0]), (edges[1], top[1]), (edges[1], bottom[1]), (edges[0], bottom[0])]
        marks.append(Mark(np.array(corners) * np.array([form.width / 2, 1.0]), 1.0))
    return tuple(marks)


def _centre(taxon: Taxon, plate: Plates) -> NDArray[np.float64]:
    form = taxon.mentum
    front = taxon.capsule.length - form.front
    return np.array([plate.reach, front - 0.5 * (form.teeth[0] + form.depth + form.field) - 0.075])


def _fan(taxon: Taxon, rng: np.random.Generator) -> list[Mark]:
    """A kidney-shaped fan with a dark front rim."""
    plate = taxon.plates
    form = np.array(
        [
            (-0.50, 0.12),
            (-0.25, 0.42),
            (0.10, 0.50),
            (0.42, 0.30),
            (0.50, -0.08),
            (0.34, -0.40),
            (0.04, -0.24),
            (-0.28, -0.46),
            (-0.48, -0.22),
        ]
    )
    knots = (form + rng.normal(0, 0.035, form.shape)) * np.array([plate.width, plate.height])
    outline = smooth(knots + _centre(taxon, plate), closed=True)
    front, back = outline[: 5 * 8], outline[5 * 8 - 1 :]
    return [
        Mark(outline, 0.45 * plate.density),
        Mark(ribbon(back, 0.009), 0.7 * plate.rim),
        Mark(ribbon(front, 0.017), plate.rim),
    ]


def _strip(taxon: Taxon, rng: np.random.Generator) -> list[Mark]:
    """A narrow strip along the flank of the mentum."""
    plate = taxon.plates
    x, y = _centre(taxon, plate)
    bend = rng.normal(0, 0.008)
    line = smooth([(x - 0.03, y + plate.height / 2), (x + 0.012 + bend, y), (x + 0.015, y - plate.height / 2)])
    width = plate.width * np.sin(np.linspace(0.5, 2.9, len(line)))
    return [Mark(ribbon(line, width), 1.2 * plate.density)]
