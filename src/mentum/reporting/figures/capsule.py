"""A specimen with its characters in colours, and their names beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from mentum.explanation.exemplar import Exemplar, label_anchor
from mentum.explanation.results import BACKGROUND, NONE, SEVERAL, UNASSIGNED
from mentum.reporting.figures.characters_by_taxon import in_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PALETTE = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7b3294", "#8c564b", "#6b6e00", "#c51b4b",
)  # fmt: skip
_OTHER = "#a6a6a6"
"""Of answers that are no character."""

_LONGEST = 15
"""Letters in a line of a name."""
_SIDE = 700
"""Of the drawn photograph, px, at most: what a printer shows of it."""


def colours_of(characters: Sequence[str]) -> dict[str, str]:
    """A colour for each character, told apart also by those who do not tell red from green; grey for other answers.

    Source: the first six are those of Okabe and Ito 2008, Color universal design.
    """
    others = (UNASSIGNED, BACKGROUND, SEVERAL, NONE)
    own = [name for name in characters if name not in others]
    colours = {name: _PALETTE[place % len(_PALETTE)] for place, name in enumerate(own)}
    return colours | dict.fromkeys((name for name in characters if name in others), _OTHER)


def from_top(capsule: Exemplar, names: Sequence[str]) -> list[str]:
    """The characters from the top of the photograph to its bottom, so that lines to names do not cross.

    Those that it does not show come next, answers that are no character last.
    """
    heights = {name: label_anchor(capsule.mask(name))[1] for name in _shown(capsule, names)}
    others = (UNASSIGNED, BACKGROUND, SEVERAL, NONE)
    return sorted(names, key=lambda name: (name in others, heights.get(name, np.inf)))


def in_lines(character: str) -> str:
    r"""A name in lines short enough to stand beside a drawing.

    >>> in_lines("postoccipital_margin"), in_lines("wing")
    ('postoccipital\nmargin', 'wing')
    """
    return "\n".join(wrap(in_words(character), _LONGEST, break_long_words=False)) or character


def paint_capsule(axes: Axes, capsule: Exemplar, colours: Mapping[str, str]) -> None:
    """The photograph in grey, each character with its outline and a veil in its colour."""
    left, top, side = capsule.frame
    grey = capsule.pixels @ np.array([0.299, 0.587, 0.114])
    axes.imshow(0.8 * grey + 0.2 * 255, cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
    shown = _shown(capsule, list(colours))
    for name in sorted(shown, key=lambda name: (-capsule.mask(name).sum(), name)):
        mask = capsule.masks[capsule.names.index(name)]
        step = max(1, len(mask) // _SIDE)
        place = np.arange(0, len(mask), step)
        axes.contourf(place, place, mask[::step, ::step], levels=(0.5, 2), colors=[colours[name]], alpha=0.5)
        axes.contour(place, place, mask[::step, ::step], levels=(0.5,), colors=[colours[name]], linewidths=1.1)
    axes.set(xlim=(left, left + side), ylim=(top + side, top))
    axes.set_axis_off()


def _shown(capsule: Exemplar, names: Sequence[str]) -> list[str]:
    return [name for name in names if name not in (UNASSIGNED, BACKGROUND) and capsule.mask(name).any()]


def point_at(
    axes: Axes, capsule: Exemplar, ends: Mapping[str, tuple[float, float]], colours: Mapping[str, str]
) -> None:
    """Draw a line from each character to where its name stands.

    Args:
        axes: of `paint_capsule`.
        capsule: what was painted.
        ends: character → end of its line, as shares of the drawing from the lower left corner.
        colours: of the characters.
    """
    for name in _shown(capsule, list(ends)):
        anchor, (right, height) = label_anchor(capsule.mask(name)), ends[name]
        line = {"arrowstyle": "-", "color": "0.2", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", anchor, (right, height), "data", "axes fraction", arrowprops=line, annotation_clip=False)
        style: dict[str, Any] = {"marker": "o", "markersize": 3.4, "markeredgecolor": "white", "markeredgewidth": 0.6}
        axes.plot(*anchor, color=colours[name], **style)


def heights_in(capsule: Exemplar, names: Sequence[str]) -> dict[str, float]:
    """How high the characters that are shown lie in the drawing: 0 at its top, 1 at its bottom."""
    _, top, side = capsule.frame
    return {name: (label_anchor(capsule.mask(name))[1] - top) / side for name in _shown(capsule, names)}


def spread(places: Sequence[float], distance: float) -> list[float]:
    """Move places in rising order apart to at least `distance`, within 0-1 if there is room.

    >>> spread([0.5, 0.5, 1.0], 0.25)
    [0.5, 0.75, 1.0]
    >>> spread([0.9, 1.0], 0.5)
    [0.5, 1.0]
    """
    spaced: list[float] = []
    for place in places:
        spaced.append(max(place, spaced[-1] + distance) if spaced else place)
    limit = 1.0
    for index in reversed(range(len(spaced))):
        spaced[index] = min(spaced[index], limit)
        limit = spaced[index] - distance
    return spaced
