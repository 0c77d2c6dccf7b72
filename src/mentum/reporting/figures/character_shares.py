"""Which characters were used: painted on a head capsule, and as bars with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mentum.explanation.exemplar import Exemplar, label_anchor
from mentum.explanation.results import NONE, SEVERAL, CharacterShare, Explanation
from mentum.explanation.tables import shares_of_correct
from mentum.reporting.figures.characters_by_taxon import Shares, counts_of, in_rank, in_words, sample, shades
from mentum.reporting.figures.style import reach, write_figures
from mentum.reporting.numbers import whole_percent
from mentum.taxonomy import Rank

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DRAWING, _LABELS, _BETWEEN, _NAMES, _KEY = 2.4, 1.3, 0.3, 1.45, 0.75
"""Inches from left to right: names of the bars; for each rank a drawing, its labels and a gap; the colour bar."""
_BAR, _GAP, _HEAD = 0.27, 0.5, 0.85
"""Inches from below: a bar; between bars and drawings; title and headings."""

_QUARTERS = (range(0, 101, 25), ["0 %", "25 %", "50 %", "75 %", "100 %"])
"""Ticks and what they are called."""

_LABEL_DISTANCE = 0.17
"""Between labels, as a share of the drawing's height, unless there are too many."""


def draw_character_shares(explanation: Explanation, capsule: Exemplar, folder: Path) -> list[Path]:
    """Draw in what share of the correct identifications each character was the one used, by rank, as PNG and SVG.

    Each rank has a column: above, the characters on the head capsule in the colours of their shares; below, bars with
    95 % intervals, of which "none" counts the images in which no character was used.

    Source: Milošević et al. 2020, figure 3; intervals, "none" and numbers of specimens are added.

    Returns:
        `character_shares.png` and `.svg`, or nothing where nothing was identified correctly.
    """
    by_rank: dict[Rank, dict[str, CharacterShare]] = {}
    for share in shares_of_correct(explanation):
        if share.n:
            by_rank.setdefault(share.rank, {})[share.character] = share
    if not by_rank:
        return []
    return write_figures(folder, {"character_shares": lambda: _draw_shares(explanation, by_rank, capsule)})


@dataclass(frozen=True)
class _Page:
    """A figure on which places are given in inches from the lower left corner."""

    figure: Figure
    width: float
    height: float

    def axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        return self.figure.add_axes((left / self.width, bottom / self.height, width / self.width, height / self.height))

    def head(self, left: float, bottom: float, text: str, size: float) -> None:
        self.figure.text(left / self.width, bottom / self.height, text, fontsize=size, fontweight="bold")

    def note(self, left: float, bottom: float, text: str) -> None:
        self.figure.text(left / self.width, bottom / self.height, text, fontsize=8.5, color="0.3")


def _draw_shares(explanation: Explanation, by_rank: Mapping[Rank, Shares], capsule: Exemplar) -> Figure:
    from matplotlib.figure import Figure

    names = explanation.answers
    column, bars = _DRAWING + _LABELS, len(names) * _BAR
    width = _NAMES + len(by_rank) * (column + _BETWEEN) + _KEY
    height = bars + _GAP + _DRAWING + _HEAD
    page = _Page(Figure(figsize=(width, height)), width, height)
    page.head(_NAMES, height - 0.12, "Share of images in which each character was used", 12)
    page.note(_NAMES, height - 0.31, f"{sample(explanation)}; bars with 95 % intervals")
    for place, (rank, shares) in enumerate(by_rank.items()):
        left = _NAMES + place * (column + _BETWEEN)
        page.head(left, height - 0.63, in_rank(rank), 10)
        page.note(left, height - 0.79, counts_of(next(iter(shares.values()))))
        used = {name: shares[name].used for name in names if name in shares and name not in (SEVERAL, NONE)}
        paint_characters(page.axes(left, bars + _GAP, _DRAWING, _DRAWING), capsule, used)
        draw_bars(page.axes(left, 0, column - 0.1, bars), names, shares, named=place == 0)
    _draw_key(page.axes(width - _KEY + 0.05, bars + _GAP + 0.1 * _DRAWING, 0.14, 0.8 * _DRAWING))
    return page.figure


def paint_characters(axes: Axes, capsule: Exemplar, used: Mapping[str, float]) -> None:
    """The photograph in pale grey, its characters in colours, labelled on the right."""
    grey = capsule.pixels @ np.array([0.299, 0.587, 0.114])
    axes.imshow(0.45 * grey + 0.55 * 255, cmap="gray", vmin=0, vmax=255)
    shown = {name: capsule.mask(name) for name in used if capsule.mask(name).any()}
    for name in sorted(shown, key=lambda name: (-shown[name].sum(), name)):
        mask = capsule.masks[capsule.names.index(name)]
        axes.contourf(mask, levels=(0.5, 2), colors=[shades()(used[name])], alpha=0.85)
        axes.contour(mask, levels=(0.5,), colors="0.15", linewidths=0.8)
    left, top, side = capsule.frame
    axes.set(xlim=(left, left + side), ylim=(top + side, top))
    axes.set_axis_off()
    anchors = {name: label_anchor(mask) for name, mask in shown.items()}
    _label(axes, {name: (x, (y - top) / side) for name, (x, y) in anchors.items()}, anchors, used)


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


def _label(
    axes: Axes,
    places: Mapping[str, tuple[float, float]],
    anchors: Mapping[str, tuple[float, float]],
    used: Mapping[str, float],
) -> None:
    """Write names and shares to the right of the drawing, with a line to each character.

    Args:
        axes: of the drawing.
        places: character → where it is as shares of the drawing, from the upper left corner.
        anchors: character → the same in data coordinates.
        used: character → share.
    """
    names = sorted(places, key=lambda name: places[name][1])
    distance = min(_LABEL_DISTANCE, 1 / max(len(names) - 1, 1))
    size = 8 * min(1, distance / 0.11)
    for name, place in zip(names, spread([places[name][1] for name in names], distance), strict=True):
        line = {"arrowstyle": "-", "color": "0.15", "linewidth": 0.7, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", anchors[name], (1.03, 1 - place), "data", "axes fraction", arrowprops=line)
        axes.plot(
            *anchors[name], marker="o", markersize=3.2, color="0.15", markeredgecolor="white", markeredgewidth=0.6
        )
        where: dict[str, Any] = {"transform": axes.transAxes, "fontsize": size}
        axes.text(1.05, 1 - place, in_words(name), va="bottom", **where)
        axes.text(1.05, 1 - place, whole_percent(used[name]), va="top", fontweight="bold", **where)


def draw_bars(axes: Axes, names: Sequence[str], shares: Shares, named: bool) -> None:
    """A bar for each answer with its interval and per cent; names only if `named`."""
    lines = [(line, shares[name]) for line, name in enumerate(names) if name in shares]
    for line, share in lines:
        value, (low, high) = 100 * share.used, reach(share.used, share.interval)
        fill = "0.8" if share.character in (SEVERAL, NONE) else shades()(share.used)
        axes.barh(line, value, height=0.68, color=[fill], edgecolor="0.15", linewidth=0.7)
        axes.errorbar(value, line, xerr=[[low], [high]], color="black", linewidth=1, capsize=2.2, capthick=1)
        beyond = (max(value, 100 * share.interval.high), line)
        axes.annotate(whole_percent(share.used), beyond, (5, 0), "data", "offset points", va="center", fontsize=8)
    axes.set(xlim=(0, 122), ylim=(len(names) - 0.5, -0.5))
    axes.set_xticks(*_QUARTERS, fontsize=7.5)
    axes.set_yticks(range(len(names)), [in_words(name) for name in names] if named else [], fontsize=8.5)
    axes.tick_params(axis="y", length=0)
    axes.set_axisbelow(True)
    axes.grid(axis="x", color="0.9", linewidth=0.6)
    axes.spines[["top", "right", "bottom"]].set_visible(False)


def _draw_key(axes: Axes) -> None:
    """The colour bar of the whole figure."""
    axes.imshow(np.linspace(1, 0, 256)[:, None], cmap=shades(), aspect="auto", extent=(0, 1, 0, 100))
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.set_yticks(*_QUARTERS, fontsize=7.5)
    axes.tick_params(length=2)
    axes.spines[:].set_linewidth(0.6)
