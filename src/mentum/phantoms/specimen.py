"""One specimen: the taxon's anatomy with natural variation, and its parts in any pose."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from mentum.phantoms.anatomy import Taxon
from mentum.phantoms.canvas import Pose
from mentum.phantoms.capsule import capsule
from mentum.phantoms.mentum import mentum, plates
from mentum.phantoms.mouthparts import antennae, clutter, labrum, mandibles
from mentum.phantoms.parts import Parts, joined
from mentum.phantoms.submentum import submentum

Part = TypeVar("Part")

# Standard deviation of the logarithm, by field
SIZE = {"size": 0.05}
CAPSULE = {"length": 0.02, "limb": 0.15}
MENTUM = {"width": 0.045, "rise": 0.12, "depth": 0.08, "field": 0.10, "bluntness": 0.25, "curve": 0.06}
PLATES = {"width": 0.08, "height": 0.10, "reach": 0.02, "density": 0.25, "rim": 0.15}
ARCH = {"span": 0.04, "apex": 0.03, "foot": 0.20, "crown": 0.09, "stroke": 0.10, "feet": 0.10, "rear": 0.25}
GULA = {"darkness": 0.15, "width": 0.12, "midline": 0.15, "blotches": 0.30}
MANDIBLES = {"length": 0.06, "width": 0.08, "tip": 0.10}


@dataclass(frozen=True, eq=False)
class Specimen:
    """An individual: its own measures, and the parts that every image of it shows alike."""

    anatomy: Taxon
    fixed: Parts

    def parts(self, rng: np.random.Generator) -> Parts:
        """All parts, with the movable mouthparts as they happen to lie in one image."""
        movable = (draw(self.anatomy, rng) for draw in (mandibles, labrum, clutter, antennae))
        return joined([self.fixed, *movable])


def grow(taxon: Taxon, rng: np.random.Generator) -> Specimen:
    """Draws an individual of a taxon."""
    anatomy = vary(taxon, rng)
    return Specimen(anatomy, joined(draw(anatomy, rng) for draw in (capsule, submentum, mentum, plates)))


def vary(taxon: Taxon, rng: np.random.Generator) -> Taxon:
    """The taxon's measures as one individual has them."""
    body = _scatter(taxon.capsule, CAPSULE, rng)
    strength, hue = np.exp(rng.normal(0, 0.10)), np.exp(rng.normal(0, 0.025, 3))
    red, green, blue = np.array(body.absorbance) * strength * hue
    profile = tuple((fraction, half * np.exp(rng.normal(0, 0.012))) for fraction, half in body.profile)
    return replace(
        _scatter(taxon, SIZE, rng),
        capsule=replace(body, absorbance=(red, green, blue), profile=profile),
        mentum=_scatter(taxon.mentum, MENTUM, rng),
        plates=_scatter(taxon.plates, PLATES, rng),
        arch=_scatter(taxon.arch, ARCH, rng),
        gula=_scatter(taxon.gula, GULA, rng),
        mandibles=_scatter(taxon.mandibles, MANDIBLES, rng),
    )


def pose(anatomy: Taxon, width: int, rng: np.random.Generator) -> Pose:
    """Turns, rolls and places the specimen in an image of a given width."""
    angle = np.radians(np.clip(rng.normal(0, 17), -52, 52))
    scale = width * anatomy.size * np.exp(rng.normal(0, 0.02))
    shear = rng.normal(0, 0.02)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = scale * turn @ np.array([[1.0, shear], [0.0, -np.exp(rng.normal(0, 0.02))]])
    centre = np.array([rng.normal(0.51, 0.035), rng.normal(0.54, 0.035) * 0.74]) * width
    offset = centre - matrix @ np.array([0.0, anatomy.capsule.length / 2])
    return Pose(matrix, offset, roll=float(rng.normal(0, 0.018)))


def _scatter(part: Part, spreads: Mapping[str, float], rng: np.random.Generator) -> Part:
    """The part with each named measure multiplied by a factor near 1."""
    changes: dict[str, Any] = {
        name: getattr(part, name) * float(np.exp(rng.normal(0, spread))) for name, spread in spreads.items()
    }
    return replace(part, **changes)  # type: ignore[type-var]
