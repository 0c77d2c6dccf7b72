"""The head capsule: its two walls, the postoccipital arch, the suture, folds and gut."""

import numpy as np

from mentum.phantoms.anatomy import Absorbance, Arch, Taxon, scaled
from mentum.phantoms.canvas import Layer, Mark
from mentum.phantoms.outlines import Points, mirrored, ribbon, smooth
from mentum.phantoms.parts import Character, Parts
from mentum.phantoms.submentum import mentum_rear
from mentum.phantoms.texture import mottling, wall_pigment

VENTRAL, RIM, DORSAL = 0.6, 0.1, -0.8  # depths
ORANGE: Absorbance = (0.05, 0.45, 1.0)
VENTRAL_SHARE = 0.6  # of the absorbance of both walls


def capsule(taxon: Taxon, rng: np.random.Generator) -> Parts:
    """Walls, arch and what lies in the wall."""
    right, left = _side(taxon, rng), mirrored(_side(taxon, rng))
    ventral = _closed(right, _mouth_edge(taxon, rng), left)
    dorsal = _closed(right, _brow(taxon, rng), left)
    dome = _closed(right, _dome(taxon), left)
    line = _arch_line(taxon, rng)
    arch = _arch_ribbon(taxon.arch, line, rng)
    layers = (
        *_walls(taxon, (dorsal, ventral), line, rng),
        Layer(
            (Mark(arch), *_pale_crown(taxon.arch, arch), *_rear_arc(taxon, rng)),
            scaled(taxon.arch.absorbance, 1.25),
            VENTRAL,
            softness=0.005,
            texture=mottling(rng, 0.16),
        ),
        *_suture(taxon),
        *_folds(taxon, rng),
        *_gut(taxon, rng),
    )
    characters = (
        Character("head_capsule", dome, RIM),
        Character("postoccipital_margin", arch, VENTRAL),
    )
    return Parts(layers, characters)


def front_corner(taxon: Taxon) -> tuple[float, float]:
    """Where the right side of the capsule ends in front: half width and forward coordinate."""
    fraction, half = taxon.capsule.profile[-1]
    return half, fraction * taxon.capsule.length


def _side(taxon: Taxon, rng: np.random.Generator) -> Points:
    profile = np.array([(half, fraction * taxon.capsule.length) for fraction, half in taxon.capsule.profile])
    return profile + rng.normal(0, 0.008, size=profile.shape)


def _closed(right: Points, front: Points, left: Points) -> Points:
    """Outline through the right side, the front from right to left, the left side and the rear."""
    rear = np.array([[-0.20, 0.015], [0.0, 0.0], [0.20, 0.015]])
    return smooth(np.concatenate([right, front, left[::-1], rear]), closed=True)


def _mouth_edge(taxon: Taxon, rng: np.random.Generator) -> Points:
    """Front of the ventral wall: cheeks at both sides of the mouth, whose rear margin bears the mentum."""
    half, front = front_corner(taxon)
    mouth = taxon.capsule.length - taxon.mentum.front - taxon.mentum.teeth[0]
    side = 0.55 * taxon.mentum.width
    x = np.array([0.80 * half, side + 0.06, side, 0.0, -side, -side - 0.06, -0.80 * half])
    cheek, corner = max(mouth + 0.02, front - 0.02), mouth - taxon.mentum.rise
    y = np.array([front + 0.03, cheek, corner, mouth - 0.02, corner, cheek, front + 0.03])
    return np.stack([x, y + rng.normal(0, 0.010, 7)], axis=1)


def _brow(taxon: Taxon, rng: np.random.Generator) -> Points:
    """Front of the dorsal wall, where the labrum joins it."""
    half, front = front_corner(taxon)
    y = front + np.array([0.03, 0.06, 0.04, 0.06, 0.03]) + rng.normal(0, 0.015, 5)
    return np.stack([np.array([0.80, 0.45, 0.0, -0.45, -0.80]) * half, y], axis=1)


def _dome(taxon: Taxon) -> Points:
    half, front = front_corner(taxon)
    top = taxon.capsule.length
    shoulder = front + 0.45 * (top - front)
    return np.array(
        [
            [0.75 * half, shoulder],
            [0.38 * half, top - 0.03],
            [0, top],
            [-0.38 * half, top - 0.03],
            [-0.75 * half, shoulder],
        ]
    )


def _arch_line(taxon: Taxon, rng: np.random.Generator) -> Points:
    """Midline of the arch from the left foot to the right: a crown between two legs."""
    arch = taxon.arch
    top = taxon.capsule.length - arch.apex
    foot = min(arch.span / 2, taxon.capsule.profile[0][1])  # the feet stand on the capsule's rear corners at most
    knee = (1 + arch.crown) / 2 - 0.35 * arch.flare * (1 - arch.crown)
    half = np.array([(0.5 * arch.crown, 0.965), (arch.crown, 0.84), (knee, 0.42), (1.0, 0.0)])
    right, left = (half + rng.normal(0, 0.018, half.shape) for _ in range(2))
    knots = np.concatenate([mirrored(left)[::-1], [[0.0, 1.0]], right])
    return smooth(knots * np.array([foot, top - arch.foot]) + np.array([0.0, arch.foot]))


def _arch_ribbon(arch: Arch, line: Points, rng: np.random.Generator) -> Points:
    t = np.abs(line[:, 0]) / np.abs(line[:, 0]).max()
    uneven = smooth(rng.normal(1, 0.13, (9, 2)))[:, 0]
    return ribbon(line, arch.stroke * (1 + (arch.feet - 1) * t**2.5) * uneven)


def _pale_crown(arch: Arch, outline: Points) -> tuple[Mark, ...]:
    """The top of the arch, where it has less pigment than the legs."""
    x = np.abs(outline[:, 0]) / np.abs(outline[:, 0]).max()
    return (Mark(outline[x < 0.5], 1 - arch.pale_crown),) if arch.pale_crown else ()


def _rear_arc(taxon: Taxon, rng: np.random.Generator) -> tuple[Mark, ...]:
    """The arc that closes the opening behind, with a notch on the midline."""
    arch = taxon.arch
    x = np.linspace(0.015, 0.98, 12) * min(arch.span / 2, taxon.capsule.profile[0][1])
    y = 0.012 + (arch.foot - 0.012) * (x / x[-1]) ** 2
    width = arch.stroke * (0.45 + 0.45 * arch.rear) * rng.uniform(0.75, 1.25, 12)
    if not arch.rear:
        return ()
    half = np.stack([x, y], axis=1)
    return tuple(Mark(ribbon(side, width), 0.85 * arch.rear) for side in (half, mirrored(half)))


def _walls(taxon: Taxon, walls: tuple[Points, Points], line: Points, rng: np.random.Generator) -> list[Layer]:
    """The dorsal wall, whole, the ventral wall, open behind the arch, and the rim where light is bent away."""
    opening = np.concatenate([line, [[taxon.arch.span / 2, -0.2], [-taxon.arch.span / 2, -0.2]]])
    both = taxon.capsule.absorbance
    dorsal = Layer(
        (Mark(walls[0]),), scaled(both, 1 - VENTRAL_SHARE), DORSAL, taxon.capsule.limb, texture=mottling(rng, 0.10)
    )
    ventral = Layer(
        (Mark(walls[1]), Mark(opening, 0.0)), scaled(both, VENTRAL_SHARE), RIM, texture=wall_pigment(taxon, rng)
    )
    return [dorsal, ventral, *_rim(taxon, walls[1], rng)]


def _rim(taxon: Taxon, wall: Points, rng: np.random.Generator) -> list[Layer]:
    """The outline, where light is bent away or, in amber glints, into the lens."""
    corner = 8 * (len(taxon.capsule.profile) - 1)
    right, rest = wall[:corner], wall[-corner - 32 :]
    marks = [Mark(ribbon(right, 0.015)), Mark(ribbon(rest, np.linspace(0.015, 0.010, len(rest))), 0.9)]
    dark = Layer(tuple(marks), (0.45, 0.46, 0.42), RIM, softness=0.003, texture=mottling(rng, 0.45))
    glints = []
    for side in (right, rest[:corner]) * int(rng.integers(0, 3)):
        start, count = int(rng.integers(0, corner - 6)), int(rng.integers(5, 16))
        glints.append(Mark(ribbon(side[start : start + count] * 0.985, rng.uniform(0.006, 0.02)), rng.uniform(0.3, 1)))
    if not glints:
        return [dark]
    return [dark, Layer(tuple(glints), (-0.35, 0.08, 0.65), RIM, softness=0.004, texture=mottling(rng, 0.7))]


def _suture(taxon: Taxon) -> tuple[Layer, ...]:
    """The pale midline from the mentum to the arch."""
    if taxon.gula.midline < 0.02:
        return ()
    rear, front = taxon.capsule.length - taxon.arch.apex, mentum_rear(taxon)
    line = smooth([(0, rear), (0.004, (rear + front) / 2), (-0.003, front)])
    strength = -0.75 * taxon.gula.midline * VENTRAL_SHARE * (1 + 0.5 * taxon.gula.darkness)
    width = np.linspace(0.024, 0.012, len(line))
    return (Layer((Mark(ribbon(line, width)),), scaled(taxon.capsule.absorbance, strength), VENTRAL, softness=0.003),)


def _folds(taxon: Taxon, rng: np.random.Generator) -> tuple[Layer, ...]:
    """Dark creases across the wall."""
    count = int(rng.random() < taxon.capsule.crease) * int(rng.integers(1, 4)) + int(rng.random() < 0.3)
    apex = taxon.capsule.length - taxon.arch.apex
    marks = []
    for _ in range(count):
        middle = np.array([rng.uniform(-0.2, 0.2), apex + rng.normal(0.02, 0.10)])
        reach, slope = min(rng.uniform(0.12, 0.36), 0.43 - abs(middle[0])), rng.normal(0, 0.18)
        x = np.linspace(-1, 1, 9)
        bow = rng.normal(0, 0.03) * (1 - x**2) + rng.normal(0, 0.004, 9)
        line = smooth(np.stack([x * reach, x * reach * slope + bow], axis=1) + middle)
        width = rng.uniform(0.008, 0.022) * np.sin(np.linspace(0.05, np.pi - 0.05, len(line)))
        marks.append(Mark(ribbon(line, width), rng.uniform(0.5, 1.0)))
    red, green, blue = scaled(taxon.capsule.absorbance, 0.35)
    dark = (red + 0.25, green + 0.3, blue + 0.3)
    return (Layer(tuple(marks), dark, rng.uniform(-0.6, 0.6)),) if marks else ()


def _gut(taxon: Taxon, rng: np.random.Generator) -> tuple[Layer, ...]:
    """An orange, crumbly line of food along the midline."""
    if rng.random() >= taxon.capsule.gut:
        return ()
    rear, front = rng.uniform(-0.1, 0.3), mentum_rear(taxon) - rng.uniform(0.0, 0.2)
    count = 60
    y = rng.uniform(rear, front, count)
    x = 0.03 * np.sin(y * 4 + rng.uniform(0, 6)) + rng.normal(0, 0.018, count)
    marks = tuple(
        Mark(np.array([px, py]) + rng.normal(0, 0.016, (6, 2)), rng.uniform(0.3, 1))
        for px, py in zip(x, y, strict=True)
    )
    return (Layer(marks, scaled(ORANGE, rng.uniform(0.4, 1.1)), 0.0, softness=0.008),)
