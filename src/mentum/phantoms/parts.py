"""What a drawn part of the head consists of: layers to paint and characters to annotate."""

from collections.abc import Iterable
from dataclasses import dataclass

from mentum.phantoms.canvas import Layer
from mentum.phantoms.outlines import Points


@dataclass(frozen=True, eq=False)
class Character:
    """Outline of a named structure, at its depth in the specimen."""

    name: str
    outline: Points
    depth: float


@dataclass(frozen=True, eq=False)
class Parts:
    """Layers, and the characters drawn in them."""

    layers: tuple[Layer, ...] = ()
    characters: tuple[Character, ...] = ()


def joined(parts: Iterable[Parts]) -> Parts:
    """All parts as one."""
    each = list(parts)
    return Parts(
        tuple(layer for part in each for layer in part.layers),
        tuple(character for part in each for character in part.characters),
    )
