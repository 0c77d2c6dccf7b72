"""What else lies on the slide: tissue, bubbles, cover-slip rims, hairs, flakes and grains."""

import numpy as np

from mentum.phantoms.anatomy import Absorbance, scaled
from mentum.phantoms.canvas import Layer, Mark
from mentum.phantoms.outlines import Points, ribbon, smooth

HEIGHT = 0.74  # of the image, in units of its width
GLASS: Absorbance = (-0.16, -0.12, -0.07)
TAN: Absorbance = (0.10, 0.22, 0.40)
CYAN: Absorbance = (0.45, 0.10, 0.05)
GREY: Absorbance = (0.5, 0.5, 0.5)


def tissue(rng: np.random.Generator) -> list[Layer]:
    """A piece of thorax behind the head, glassy or tan, in the capsule frame."""
    if rng.random() < 0.12:
        return []
    half, reach = rng.uniform(0.34, 0.62), rng.uniform(0.4, 1.2)
    sway = np.array([rng.normal(0, 0.15), 0.0])
    knots = np.array([(-0.75, 0.14), (-1.0, -0.15), (-1.15, -1.0), (1.15, -1.0), (1.0, -0.15), (0.75, 0.14), (0, 0.20)])
    knots = knots * np.array([half, reach]) + rng.normal(0, 0.05, knots.shape)
    outline = smooth(knots + sway * np.maximum(0, -knots[:, 1:]), closed=True)
    colour = _blend(GLASS, TAN, float(rng.beta(0.6, 0.9)), rng.uniform(0.5, 1.4))
    layers = [Layer((Mark(outline),), colour, -0.9, limb=-0.25, softness=0.022)]
    for sign, softness in ((1.0, 0.05), (-0.7, 0.03), (0.9, 0.012)):
        patches = tuple(Mark(_patch(rng, half, reach), rng.uniform(0.2, 1)) for _ in range(6))
        layers.append(Layer(patches, scaled(colour, sign), -0.8, softness=softness))
    fibres = tuple(
        Mark(ribbon(_fibre(rng, half, reach), rng.uniform(0.002, 0.008)), rng.uniform(0.1, 1)) for _ in range(16)
    )
    return [*layers, Layer(fibres, (-0.17, -0.15, -0.12), -0.6, softness=0.003)]


def slide(rng: np.random.Generator) -> list[Layer]:
    """Everything that strayed onto the slide, in the frame of the image."""
    layers: list[Layer] = []
    for draw, chance in (
        (_bubble, 0.22),
        (_rim, 0.14),
        (_brush, 0.25),
        (_flakes, 0.35),
        (_strand, 0.07),
        (_haze, 0.25),
        (_grains, 0.9),
    ):
        if rng.random() < chance:
            layers += draw(rng)
    return layers


def _blend(a: Absorbance, b: Absorbance, share: float, strength: float) -> Absorbance:
    red, green, blue = (np.array(a) * (1 - share) + np.array(b) * share) * strength
    return float(red), float(green), float(blue)


def _somewhere(rng: np.random.Generator) -> Points:
    """A place that is more often near the border than in the middle."""
    angle, radius = rng.uniform(0, 2 * np.pi), rng.uniform(0.27, 0.52)
    return np.array([0.5 + radius * np.cos(angle), 0.5 * HEIGHT + 0.8 * radius * np.sin(angle)])


def _circle(middle: Points, radius: float, rng: np.random.Generator) -> Points:
    angle = np.linspace(0, 2 * np.pi, 17)[:-1]
    squeeze = np.array([1.0, rng.uniform(0.85, 1.15)])
    return smooth(middle + radius * squeeze * np.stack([np.cos(angle), np.sin(angle)], axis=1), closed=True, steps=4)


def _bubble(rng: np.random.Generator) -> list[Layer]:
    """Air bubbles: a dark ring around a bright core."""
    rings, cores = [], []
    for _ in range(int(rng.integers(1, 4))):
        middle, radius = _somewhere(rng), rng.uniform(0.008, 0.045)
        rings += [
            Mark(_circle(middle, radius, rng), 1.0),
            Mark(_circle(middle, radius * rng.uniform(0.72, 0.9), rng), 0.0),
        ]
        cores.append(Mark(_circle(middle, radius * 0.8, rng), rng.uniform(0.3, 1)))
    return [Layer(tuple(rings), (0.9, 0.6, 0.45), 0.3), Layer(tuple(cores), (-0.22, -0.20, -0.18), 0.3, softness=0.004)]


def _rim(rng: np.random.Generator) -> list[Layer]:
    """The rim of the cover slip or mountant: two bluish arcs."""
    angle, radius = rng.uniform(0, 2 * np.pi), rng.uniform(0.12, 0.6)
    centre = np.array([0.5, 0.37]) + (radius + rng.uniform(0.26, 0.38)) * np.array([np.cos(angle), 0.9 * np.sin(angle)])
    marks, light = [], []
    for gap in (0.0, rng.uniform(0.012, 0.03)):
        ring = _circle(centre, radius + gap, rng)
        marks.append(Mark(ribbon(ring, rng.uniform(0.004, 0.010)), rng.uniform(0.4, 1)))
        light.append(Mark(ribbon(ring + 0.005, 0.004), 0.8))
    return [Layer(tuple(marks), CYAN, 0.0, softness=0.001), Layer(tuple(light), (-0.25, -0.25, -0.25), 0.0)]


def _brush(rng: np.random.Generator) -> list[Layer]:
    """A tuft of brown hairs, as of a proleg."""
    root, heading = _somewhere(rng), rng.uniform(0, 2 * np.pi)
    marks = []
    for _ in range(int(rng.integers(30, 70))):
        angle, length = heading + rng.normal(0, 0.5), rng.uniform(0.03, 0.13)
        way = np.array([np.cos(angle), np.sin(angle)])
        knots = [
            root + rng.normal(0, 0.010, 2),
            root + way * length * 0.6,
            root + way * length + rng.normal(0, 0.012, 2),
        ]
        marks.append(Mark(ribbon(smooth(knots, steps=4), 0.0015), rng.uniform(0.4, 1)))
    return [Layer(tuple(marks), (0.25, 0.5, 0.8), -0.3)]


def _flakes(rng: np.random.Generator) -> list[Layer]:
    """A heap of tan detritus."""
    middle, size = _somewhere(rng), rng.uniform(0.02, 0.08)
    marks = []
    for _ in range(int(rng.integers(12, 40))):
        at = middle + rng.normal(0, size, 2)
        marks.append(Mark(smooth(at + rng.normal(0, size * 0.35, (6, 2)), closed=True, steps=3), rng.uniform(0.2, 1)))
    return [Layer(tuple(marks), _blend(TAN, GREY, 0.1, rng.uniform(0.5, 1.3)), -0.4, softness=0.005)]


def _haze(rng: np.random.Generator) -> list[Layer]:
    """A large, thin, tan film beside the specimen."""
    middle = _somewhere(rng)
    marks = tuple(
        Mark(smooth(middle + rng.normal(0, 0.10, (7, 2)), closed=True, steps=4), rng.uniform(0.3, 1)) for _ in range(4)
    )
    return [Layer(marks, _blend(TAN, GREY, 0.2, rng.uniform(0.2, 0.7)), -0.6, softness=rng.uniform(0.008, 0.03))]


def _strand(rng: np.random.Generator) -> list[Layer]:
    """A bright fibre or crack across the image."""
    x = rng.choice([rng.uniform(0.02, 0.25), rng.uniform(0.75, 0.98)])
    y = np.linspace(-0.05, 0.8, 7)
    line = smooth(np.stack([x + np.cumsum(rng.normal(0, 0.008, 7)), y], axis=1))
    width = rng.uniform(0.006, 0.025)
    shreds = [line + rng.normal(0, 0.35 * width, line.shape) for _ in range(5)]
    light = tuple(Mark(ribbon(shred, width * rng.uniform(0.05, 0.3)), rng.uniform(0.3, 1)) for shred in shreds)
    return [
        Layer((Mark(ribbon(line, width)),), (-0.12, -0.11, -0.09), 0.0, softness=0.002),
        Layer(light, (-0.25, -0.22, -0.18), 0.3),
    ]


def _grains(rng: np.random.Generator) -> list[Layer]:
    """Fine dirt and glints."""
    marks = tuple(
        Mark(
            _circle(rng.uniform(0, 1, 2) * np.array([1, HEIGHT]), rng.uniform(0.001, 0.004), rng),
            rng.uniform(0.2, 1),
        )
        for _ in range(int(rng.integers(5, 30)))
    )
    return [Layer(marks, (0.35, 0.38, 0.4), rng.uniform(-0.5, 1))]


def _patch(rng: np.random.Generator, half: float, reach: float) -> Points:
    middle = rng.uniform((-0.8 * half, -reach), (0.8 * half, 0.02))
    return smooth(middle + rng.normal(0, rng.uniform(0.04, 0.16), (6, 2)), closed=True, steps=4)


def _fibre(rng: np.random.Generator, half: float, reach: float) -> Points:
    start = rng.uniform((-half, -reach), (half, 0.1))
    step = rng.normal(0, (0.025, 0.05))
    return smooth(start + np.cumsum(step + rng.normal(0, 0.014, (5, 2)), axis=0), steps=4)
