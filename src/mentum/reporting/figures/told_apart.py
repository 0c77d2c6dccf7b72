"""What tells a taxon from another: an image of each with its characters in colours, and the share of each character."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mentum.explanation.exemplar import Exemplar
from mentum.explanation.results import Explanation, TaxonPair
from mentum.reporting.figures.capsule import colours_of, paint_capsule
from mentum.reporting.figures.characters_by_taxon import in_words, own_rank
from mentum.reporting.figures.style import reach, typeset, write_figures
from mentum.reporting.numbers import counted, whole_percent
from mentum.taxonomy import Rank

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 7.2
"""Inches, of a page."""

_SIDE, _GAP, _NAMES, _HEAD, _BETWEEN = 1.55, 0.1, 1.5, 0.32, 0.3
"""Inches: a photograph, the gap after it, names of characters, heading of a pair, room below it."""

Photographed = Callable[[str], Exemplar]
"""File name → its photograph with its characters."""


def draw_told_apart(explanation: Explanation, photographed: Photographed, folder: Path) -> list[Path]:
    """Draw the pairs of taxa at each rank, as PNG and SVG.

    Returns:
        Files named like `told_apart_species.png`; none for a rank without pairs.
    """
    pairs: dict[Rank, list[TaxonPair]] = {}
    for pair in explanation.told_apart:
        pairs.setdefault(pair.rank, []).append(pair)
    colours = colours_of(explanation.answers)
    return write_figures(
        folder,
        {f"told_apart_{rank}": partial(_draw, listed, colours, photographed) for rank, listed in pairs.items()},
    )


def _draw(pairs: Sequence[TaxonPair], colours: dict[str, str], photographed: Photographed) -> Figure:
    from matplotlib.figure import Figure

    block = _HEAD + _SIDE + _BETWEEN
    height = block * len(pairs)
    figure = Figure(figsize=(WIDTH, height))
    for place, pair in enumerate(pairs):
        bottom = height - (place + 1) * block + _BETWEEN
        for column, name in enumerate(pair.images):
            left = column * (_SIDE + _GAP)
            axes = figure.add_axes((left / WIDTH, bottom / height, _SIDE / WIDTH, _SIDE / height))
            paint_capsule(axes, photographed(name), colours)
        start = 2 * (_SIDE + _GAP) + _NAMES
        axes = figure.add_axes((start / WIDTH, bottom / height, (WIDTH - start) / WIDTH, _SIDE / height))
        _draw_bars(axes, pair, colours)
        _head(figure, pair, (bottom + _SIDE) / height, height)
    return figure


def _head(figure: Figure, pair: TaxonPair, top: float, height: float) -> None:
    for column, name in enumerate((pair.taxon, pair.other)):
        text, style = typeset(name, own_rank(name, pair.rank))
        left = column * (_SIDE + _GAP) / WIDTH
        figure.text(left, top + 0.05 / height, text, fontsize=7.5, fontstyle=style, va="bottom", fontweight="bold")
    said = f"{counted(pair.n, 'image')} of {counted(pair.n_specimens, 'specimen')} of the first given the second's"
    more = [f"{counted(pair.n_confused, 'image')} confused"] * (pair.n_confused > 0)
    more += ["too few images to tell"] * pair.says_little
    left = (2 * (_SIDE + _GAP) + 0.05) / WIDTH
    figure.text(left, top + 0.05 / height, "\n".join([said, *more]), fontsize=6.5, color="0.3", va="bottom")


def _draw_bars(axes: Axes, pair: TaxonPair, colours: dict[str, str]) -> None:
    """Bars with intervals; pale ones where there are too few images to tell."""
    shares = pair.shares
    for line, share in enumerate(shares):
        value, (low, high) = 100 * share.used, reach(share.used, share.interval)
        axes.barh(line, value, height=0.62, color=colours[share.character], alpha=0.3 if pair.says_little else 1)
        axes.errorbar(value, line, xerr=[[low], [high]], color="0.1", linewidth=0.8, capsize=1.8, capthick=0.8)
        beyond = (max(value, 100 * share.interval.high), line)
        style: dict[str, Any] = {"va": "center_baseline", "fontsize": 7}
        axes.annotate(whole_percent(share.used), beyond, (3, 0), "data", "offset points", **style)
    axes.set(xlim=(0, 125), ylim=(len(shares) - 0.5, -0.5))
    axes.set_xticks((0, 50, 100), ("0", "50", "100 %"), fontsize=6)
    axes.set_yticks(range(len(shares)), [in_words(share.character) for share in shares], fontsize=7)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", length=2, width=0.5, pad=1.5)
    axes.set_axisbelow(True)
    axes.grid(axis="x", color="0.9", linewidth=0.5)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.spines["left"].set_linewidth(0.6)
