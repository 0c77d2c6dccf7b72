"""The figure of proposed characters: numbered regions on the mean image and a table, for an expert to name them.

matplotlib is loaded when the figure is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from mentum.explanation.proposals.clusters import REACH
from mentum.explanation.proposals.propose import Proposals, ProposedCharacter, ProposedTaxon
from mentum.reporting.figures.style import typeset, write_figures
from mentum.reporting.numbers import in_percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEM = "proposed_characters"
COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#000000")
"""Told apart by most colour-blind readers (Okabe and Ito 2008); a ninth region is dashed and begins anew."""

SIDE = 4.2
"""Inches of the mean image."""
ROW = 0.72
"""Inches of a row of the table."""
TEXT, PICTURES = 3.9, 4
"""Inches of the table's text; pictures that have room beside it."""

_BLANK = 0.3
"""Inches between the mean image and the table, and above the table for its headings."""


def draw_proposals(
    proposals: Proposals,
    mean_image: NDArray[np.uint8],
    folder: Path,
    examples: Mapping[int, Sequence[NDArray[np.uint8]]] | None = None,
) -> list[Path]:
    """Draw proposed characters as PNG and SVG.

    Args:
        proposals: may hold no character; the mean image then stands alone.
        mean_image: (G, G, 3) uint8, as by `mentum.explanation.proposals.pictures.mean_image`.
        folder: where `proposed_characters.png` and `.svg` go; made if need be.
        examples: number → pictures (P, P, 3) uint8 of that character, of which four find room.

    Returns:
        The files. The same proposals give the same bytes under the same version of matplotlib.
    """
    return write_figures(folder, {STEM: lambda: _draw(proposals, mean_image, examples or {})})


def _draw(
    proposals: Proposals, mean_image: NDArray[np.uint8], examples: Mapping[int, Sequence[NDArray[np.uint8]]]
) -> Figure:
    from matplotlib.figure import Figure

    n = len(proposals.characters)
    table = TEXT + ROW * PICTURES * bool(examples)
    width, height = SIDE + _BLANK + table, max(SIDE, _BLANK + n * ROW)
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 1 - SIDE / height, SIDE / width, SIDE / height))
    _show_regions(axes, proposals, mean_image)
    if n:
        left = (SIDE + _BLANK) / width
        rows = figure.add_axes((left, 1 - (_BLANK + n * ROW) / height, table / width, (_BLANK + n * ROW) / height))
        rows.set(xlim=(0, table), ylim=(_BLANK + n * ROW, 0))
        rows.set_axis_off()
        _write_headings(rows, with_pictures=bool(examples))
        for place, character in enumerate(proposals.characters):
            _write_row(rows, _BLANK + place * ROW, character, examples.get(character.number, ()))
    return figure


def _show_regions(axes: Axes, proposals: Proposals, mean_image: NDArray[np.uint8]) -> None:
    from matplotlib.patheffects import withStroke

    picture = ImageEnhance.Contrast(Image.fromarray(mean_image)).enhance(1.6)  # means are dull
    axes.imshow(np.asarray(picture), extent=(-REACH, REACH, -REACH, REACH), interpolation="none")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color("0.6")
    for character in proposals.characters:
        colour, dashes = _look(character.number)
        for outline in character.outlines:
            closed = np.array([*outline, outline[0]])
            halo = [withStroke(linewidth=3.2, foreground="white")]
            axes.plot(*closed.T, color=colour, linewidth=1.8, linestyle=dashes, path_effects=halo)
    for character in proposals.characters:  # numbers lie above all outlines
        for side in (1, -1)[: len(character.outlines)]:
            _number(axes, side * character.x, character.y, character.number)
    shown = _shown(proposals)
    axes.set(xlim=(-shown, shown), ylim=(-shown, shown))
    axes.set_xlabel(_caption(proposals), fontsize=7.5, loc="left", linespacing=1.4)


def _shown(proposals: Proposals) -> float:
    """Units from the middle to the sides of the picture: the specimen, and farther regions where there are any."""
    corners = [place for character in proposals.characters for outline in character.outlines for place in outline]
    return min(REACH, max(0.9, 0.05 + float(np.abs(corners or [(0, 0)]).max())))


def _caption(proposals: Proposals) -> str:
    together = ", both sides of the body taken together" if proposals.symmetrical else ""
    unframed = f" No specimen was found in {proposals.n_unframed} of the images." if proposals.n_unframed else ""
    words = (
        f"Mean of {len(proposals.images)} images in the specimens' own frame. Numbered: where the relevance maps of "
        f"{proposals.n_images} images identified correctly at {proposals.rank} rank peak{together}.{unframed}"
    )
    return "\n".join(wrap(words, 72))


def _look(number: int) -> tuple[str, str]:
    turn, place = divmod(number - 1, len(COLOURS))
    return COLOURS[place], "--" if turn else "-"


def _number(axes: Axes, x: float, y: float, number: int) -> None:
    """A number on a disc of its colour, dark on light ones."""
    colour, _ = _look(number)
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    ink = "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "white"
    box = {"boxstyle": "circle,pad=0.25", "facecolor": colour, "edgecolor": "white", "linewidth": 0.8}
    axes.text(x, y, str(number), color=ink, fontsize=8, fontweight="bold", ha="center", va="center", bbox=box)


def _write_headings(rows: Axes, *, with_pictures: bool) -> None:
    heading: dict[str, Any] = {"fontsize": 7.5, "va": "center", "color": "0.3"}
    for x, words, side in (
        (0.85, "Peaks", "right"),
        (1.45, "Images", "right"),
        (1.65, "Most often in (share of its images)", "left"),
    ):
        rows.text(x, 0.12, words, ha=side, **heading)
    if with_pictures:
        rows.text(TEXT, 0.12, "Highest peaks, each in the middle of its picture", ha="left", **heading)


def _write_row(rows: Axes, top: float, character: ProposedCharacter, pictures: Sequence[NDArray[np.uint8]]) -> None:
    middle = top + ROW / 2
    rows.axhline(top, color="0.85", linewidth=0.6)
    _number(rows, 0.15, middle, character.number)
    for x, share in ((0.85, character.weight), (1.45, character.images)):
        rows.text(x, middle, f"{in_percent(share, 0)}%", fontsize=8.5, ha="right", va="center")
    for line, taxon in enumerate(character.taxa):
        _write_taxon(rows, middle + 0.19 * (line - (len(character.taxa) - 1) / 2), taxon)
    for place, picture in enumerate(pictures[:PICTURES]):
        left = TEXT + place * ROW
        # Rows are numbered downwards here, so the lower edge comes first.
        rows.imshow(picture, extent=(left, left + ROW - 0.05, top + ROW - 0.025, top + 0.025), interpolation="none")
    rows.set(xlim=rows.get_xlim(), ylim=rows.get_ylim())


def _write_taxon(rows: Axes, y: float, taxon: ProposedTaxon) -> None:
    text, style = typeset(taxon.scientific_name, taxon.rank)
    rows.text(1.65, y, text, fontsize=8, fontstyle=style, ha="left", va="center")
    rows.text(TEXT - 0.15, y, f"{in_percent(taxon.share, 0)}%", fontsize=8, ha="right", va="center", color="0.3")
