"""The submentum: the field of the ventral wall between the mentum and the postoccipital arch, and the marks on it."""

import numpy as np

from mentum.phantoms.anatomy import Pattern, Taxon, scaled
from mentum.phantoms.canvas import Layer, Mark
from mentum.phantoms.outlines import Points, smooth
from mentum.phantoms.parts import Character, Parts
from mentum.phantoms.texture import mottling

DEPTH = 0.6

# Marks of each pattern: middle across, half width, half height (1 reaches the outline) and density
MARKS: dict[Pattern, tuple[tuple[float, float, float, float], ...]] = {
    "none": (),
    "spots": ((-0.62, 0.24, 0.80, 1.0), (0.62, 0.24, 0.80, 1.0)),
    "bar": ((0.0, 0.84, 0.26, 1.0),),
    "field": ((0.0, 0.86, 0.84, 1.0),),
}
KNOTS = np.array([(1, 0), (0.88, 0.88), (0, 1), (-0.88, 0.88), (-1, 0), (-0.88, -0.88), (0, -1), (0.88, -0.88)])


def submentum(taxon: Taxon, rng: np.random.Generator) -> Parts:
    """The field behind the mentum; its marks, if it has any, lie within its outline."""
    outline = _outline(taxon)
    characters = (Character("submentum", outline, DEPTH),)
    if taxon.gula.pattern == "none":
        return Parts((), characters)
    wobble = rng.normal(0, 0.025, (2, *KNOTS.shape))  # as many numbers for one mark as for two
    marks = tuple(
        Mark(_placed(np.array([middle, 0.0]) + KNOTS * np.array([half, height]) + shift, outline), density)
        for (middle, half, height, density), shift in zip(MARKS[taxon.gula.pattern], wobble, strict=False)
    )
    colour = scaled(taxon.gula.absorbance, float(np.exp(rng.normal(0, 0.12))))
    return Parts((Layer(marks, colour, DEPTH, softness=0.003, texture=mottling(rng, 0.2)),), characters)


def mentum_rear(taxon: Taxon) -> float:
    """Forward coordinate at which the mentum ends on the midline."""
    mentum = taxon.mentum
    return taxon.capsule.length - mentum.front - mentum.teeth[0] - mentum.depth - mentum.field


def _outline(taxon: Taxon) -> Points:
    """From the rear of the mentum backward, down to the arch at most."""
    front = mentum_rear(taxon)
    rear = max(front - 0.15, taxon.capsule.length - taxon.arch.apex + taxon.arch.stroke)
    half = 0.45 * taxon.mentum.width
    return np.array([[-half, front], [half, front], [0.92 * half, rear], [-0.92 * half, rear]])


def _placed(knots: Points, outline: Points) -> Points:
    """A closed curve through knots of the frame in which the rear of the outline is at -1 and 1."""
    rear, front = outline[2], outline[1]
    return smooth(
        knots * np.array([rear[0], (front[1] - rear[1]) / 2]) + np.array([0.0, (front[1] + rear[1]) / 2]), True
    )
