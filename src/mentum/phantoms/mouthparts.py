"""What moves in front of the head: mandibles, labrum, antennae, eyes, and pale clutter."""

import numpy as np

from mentum.phantoms.anatomy import AMBER, BLACK, BROWN, DARK_BROWN, Absorbance, Taxon, scaled
from mentum.phantoms.canvas import Layer, Mark
from mentum.phantoms.capsule import front_corner
from mentum.phantoms.outlines import Points, mirrored, ribbon, smooth
from mentum.phantoms.parts import Character, Parts
from mentum.phantoms.texture import mottling

STRAW: Absorbance = (0.14, 0.27, 0.52)
SPARKLE: Absorbance = (-0.70, -0.50, -0.25)
MANDIBLE_DEPTH = 0.35


def mandibles(taxon: Taxon, rng: np.random.Generator) -> Parts:
    """Both mandibles, each spread forward or closed before the mentum."""
    together = rng.random() < taxon.mandibles.closed
    closed = [together != (rng.random() < taxon.mandibles.unlike) for _ in range(2)]
    right, left = (_mandible(taxon, shut, rng) for shut in closed)
    sides = (right, [mirrored(outline) for outline in left])
    brown = tuple(Mark(side[0], taxon.mandibles.density) for side in sides)
    black = tuple(Mark(outline, 0.6 if i == 0 else 1.0) for side in sides for i, outline in enumerate(side[1:]))
    return Parts(
        (
            Layer(brown, DARK_BROWN, MANDIBLE_DEPTH, limb=0.9, texture=mottling(rng, 0.3)),
            Layer(black, scaled(BLACK, 1.1), MANDIBLE_DEPTH, softness=0.010),
        ),
        tuple(Character("mandible", side[0], MANDIBLE_DEPTH) for side in sides),
    )


def labrum(taxon: Taxon, rng: np.random.Generator) -> Parts:
    """The pale dome in front: folded plates, arcs, premandibles and bristles."""
    half, front = front_corner(taxon)
    top = taxon.capsule.length
    base, scale = np.array([rng.normal(0, 0.02), front]), np.array([half, top - front])
    knots = np.array(
        [(0.66, 0.1), (0.60, 0.55), (0.36, 0.9), (0, 1.0), (-0.36, 0.9), (-0.60, 0.55), (-0.66, 0.1), (0, 0)]
    )
    texture = mottling(rng, 0.5)
    dome = smooth((knots + rng.normal(0, 0.05, knots.shape)) * scale + base, closed=True)
    folds = [
        _shard(rng, rng.uniform((-0.45, 0.1), (0.45, 0.8)) * scale + base, rng.uniform(0.03, 0.10)) for _ in range(9)
    ]
    arcs = [
        Mark(ribbon(_arc(rng, rng.uniform(0.2, 0.9)) * scale + base, rng.uniform(0.005, 0.016)), rng.uniform(0.2, 0.8))
        for _ in range(6)
    ]
    bristles = [Mark(_bristle(rng, half, top), 0.8) for _ in range(16)]
    return Parts(
        (
            Layer((Mark(dome),), STRAW, -0.3, limb=0.5, texture=texture),
            Layer(tuple(mark for fold in folds for mark in fold), _tinted(taxon, 0.55), -0.1, texture=texture),
            Layer(tuple(arcs), DARK_BROWN, 0.1, texture=texture),
            Layer(tuple(bristles), STRAW, 0.0),
        )
    )


def clutter(taxon: Taxon, rng: np.random.Generator) -> Parts:
    """Irregular brown and amber pieces in the cheeks and around the mouth, with clear gaps between them."""
    half, front = front_corner(taxon)
    layers, texture = [], mottling(rng, 0.5)
    for depth in (-0.2, 0.3, 0.7):
        marks: list[Mark] = []
        for side in (-1, 1) * 6:
            middle = np.array([side * half * rng.uniform(0.40, 0.98), front + rng.normal(-0.035, 0.05)])
            marks += _shard(rng, middle, rng.uniform(0.025, 0.085))
        layers.append(Layer(tuple(marks), _tinted(taxon, 0.85), depth, softness=0.003, texture=texture))
    amber = [
        Mark(ribbon(_wisp(rng, _before_mouth(rng, front)), rng.uniform(0.006, 0.016)), rng.uniform(0.3, 1))
        for _ in range(12)
    ]
    gaps = [
        Mark(_flake(rng, _before_mouth(rng, front), rng.uniform(0.01, 0.035)), rng.uniform(0.05, 0.25))
        for _ in range(10)
    ]
    throat: list[Mark] = []
    for _ in range(7):
        throat += _shard(rng, np.array([rng.normal(0, 0.10), front + rng.normal(0.05, 0.04)]), rng.uniform(0.02, 0.07))
    layers.append(Layer(tuple(throat), _tinted(taxon, 0.5), 0.0, texture=texture))
    layers.append(Layer(tuple(amber), AMBER, 0.4))
    layers.append(Layer((*gaps, *_sparkle(taxon, rng)), SPARKLE, 0.5, softness=0.003))
    return Parts(tuple(layers))


def antennae(taxon: Taxon, rng: np.random.Generator) -> Parts:
    """Pale, blurred rods at the front corners; eye spots behind them."""
    half, front = front_corner(taxon)
    rods, eyes = [], []
    for side in (-1, 1):
        base = np.array([side * half * 0.88, front + 0.02])
        angle, length = side * rng.uniform(-0.1, 1.1), rng.uniform(0.14, 0.23)
        line = base + np.linspace(0, length, 8)[:, None] * np.array([np.sin(angle), np.cos(angle)])
        rods.append(Mark(ribbon(line, np.linspace(0.046, 0.030, 8)), rng.uniform(0.6, 1)))
        if rng.random() < 0.3:
            eyes.append(Mark(_flake(rng, base - np.array([side * 0.01, rng.uniform(0.05, 0.11)]), 0.018)))
    layers = [Layer(tuple(rods), (0.22, 0.36, 0.6), -1.3, limb=0.4)]
    if eyes:
        layers.append(Layer(tuple(eyes), (0.7, 0.6, 0.5), -1.0))
    return Parts(tuple(layers))


def _sparkle(taxon: Taxon, rng: np.random.Generator) -> tuple[Mark, ...]:
    """Points of light on edges of the mouthparts, and a few on the capsule."""
    half, front = front_corner(taxon)
    places = rng.normal((0, front), (0.6 * half, 0.07), (22, 2))
    places = np.concatenate([places, rng.uniform((-half, 0.1), (half, front), (5, 2))])
    return tuple(Mark(_flake(rng, place, rng.uniform(0.002, 0.008)), rng.uniform(0.2, 1)) for place in places)


def _tinted(taxon: Taxon, strength: float) -> Absorbance:
    """Pigment of the mouthparts: brown, and stronger in a dark head."""
    red, green, blue = (
        strength * (0.30 + 0.35 * b + 0.55 * c) for b, c in zip(BROWN, taxon.capsule.absorbance, strict=True)
    )
    return red, green, blue


def _before_mouth(rng: np.random.Generator, front: float) -> Points:
    return np.array([rng.normal(0, 0.17), front + rng.normal(0.09, 0.05)])


def _mandible(taxon: Taxon, closed: bool, rng: np.random.Generator) -> list[Points]:
    """Outlines of one right mandible: whole, dark part, black tip, and inner teeth."""
    form, (half, front) = taxon.mandibles, front_corner(taxon)
    base = np.array([half * 0.82, front - 0.015]) + rng.normal(0, 0.012, 2)
    heading = rng.uniform(0.6, 1.65) if closed else rng.uniform(-0.55, -0.05)
    bend = rng.uniform(1.0, 1.6)
    t = np.linspace(0, 1, 17)
    direction = heading + bend * (t**1.5 - 0.25)
    step = form.length / 16 * np.stack([-np.sin(direction), np.cos(direction)], axis=1)
    line = base + np.concatenate([[[0.0, 0.0]], np.cumsum(step, axis=0)[:-1]])
    width = form.width * (1 - t**2) ** 0.7 * (0.75 + 0.45 * np.sin(np.pi * np.minimum(1.5 * t, 1)))
    start, tip = round(16 * (1 - form.tip)), 11
    dark = [ribbon(line[first:], width[first:]) for first in (min(start, tip), tip)]
    return [ribbon(line, width), *dark, *_inner_teeth(line, width)]


def _inner_teeth(line: Points, width: Points) -> list[Points]:
    """Three points on the inner edge, behind the tip."""
    teeth = []
    along = np.gradient(line, axis=0)
    along /= np.hypot(along[:, 0], along[:, 1])[:, None]
    inward = np.stack([-along[:, 1], along[:, 0]], axis=1)
    for i in (9, 11, 13):
        edge = line[i] + inward[i] * width[i] * 0.4
        point = edge + inward[i] * 0.022 + along[i] * 0.012
        teeth.append(np.array([edge - along[i] * 0.016, point, edge + along[i] * 0.014]))
    return teeth


def _shard(rng: np.random.Generator, middle: Points, size: float) -> list[Mark]:
    """A thin plate with a darker edge on one side."""
    outline = _flake(rng, middle, size)
    start = int(rng.integers(0, len(outline) // 2))
    edge = outline[start : start + int(rng.integers(6, 16))]
    strength = rng.uniform(0.15, 0.7)
    return [
        Mark(outline, strength),
        Mark(ribbon(edge, rng.uniform(0.008, 0.018)), min(strength + rng.uniform(0.2, 0.6), 1)),
    ]


def _arc(rng: np.random.Generator, height: float) -> Points:
    """A bow across the labrum, in its frame (half width 1, height 1)."""
    reach, middle = rng.uniform(0.12, 0.5), rng.normal(0, 0.18)
    x = np.linspace(-reach, reach, 5)
    y = height + rng.uniform(-0.35, 0.3) * (1 - (x / reach) ** 2) + rng.normal(0, 0.05, 5)
    return smooth(np.stack([x + middle, y], axis=1))


def _bristle(rng: np.random.Generator, half: float, top: float) -> Points:
    angle = rng.uniform(-0.9, 0.9)
    start = np.array([np.sin(angle) * half * 0.5, top - 0.06 * (1 - np.cos(angle)) - 0.03])
    end = start + np.array([np.sin(angle), np.cos(angle)]) * rng.uniform(0.03, 0.09) + rng.normal(0, 0.01, 2)
    return ribbon(np.stack([start, (start + end) / 2 + rng.normal(0, 0.004, 2), end]), [0.010, 0.008, 0.003])


def _flake(rng: np.random.Generator, middle: Points, size: float) -> Points:
    angle = np.linspace(0, 2 * np.pi, 9)[:-1] + rng.uniform(-0.3, 0.3, 8)
    radius = size * rng.uniform(0.4, 1.3, 8)
    return smooth(middle + np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), closed=True, steps=4)


def _wisp(rng: np.random.Generator, middle: Points) -> Points:
    return smooth(middle + np.cumsum(rng.normal(0, 0.025, (5, 2)), axis=0), steps=4)
