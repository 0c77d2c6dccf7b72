"""Which characters were used for each taxon, as a table in colours; and how characters and shares are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mentum.explanation.results import CharacterShare, Explanation
from mentum.explanation.tables import shares_by_taxon
from mentum.names import taxon_from_name
from mentum.reporting.figures.style import typeset, write_figures
from mentum.reporting.numbers import counted, whole_percent
from mentum.taxonomy import Rank

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

Shares = Mapping[str, CharacterShare]
"""Character → its share."""

_CELL, _LINE, _LOW_LINE = 0.85, 0.3, 0.2
"""Inches: width and height of a cell, and its height where there are more than `_MANY` taxa."""
_MANY = 20


def draw_characters_by_taxon(explanation: Explanation, folder: Path) -> list[Path]:
    """Draw a table of taxa and the characters used in their correct identifications, per rank, as PNG and SVG.

    Returns:
        Files named like `characters_by_taxon_species.png`, in the order of the explanation; none for a rank at which
        nothing was identified correctly.
    """
    ranks = dict.fromkeys(share.rank for share in explanation.shares)
    drawn = {rank: by_taxon for rank in ranks if (by_taxon := shares_by_taxon(explanation, rank))}
    return write_figures(
        folder,
        {
            f"characters_by_taxon_{rank}": partial(_draw_table, explanation, rank, by_taxon)
            for rank, by_taxon in drawn.items()
        },
    )


def in_words(character: str) -> str:
    """How a character is written.

    >>> in_words("ventromental_plate"), in_words("none")
    ('ventromental plate', 'none')
    """
    return character.replace("_", " ")


def sample(explanation: Explanation) -> str:
    """Which images the shares are about."""
    subsets = {"train": "training"}
    return f"correct identifications, {' and '.join(subsets.get(each, each) for each in explanation.subsets)} images"


def in_rank(rank: Rank) -> str:
    """Heading of a rank.

    >>> in_rank(Rank.SPECIES)
    'Species rank'
    """
    return f"{rank[0].upper()}{rank[1:]} rank"


def shades() -> Colormap:
    """Of shares from 0 to 1; they keep their order in grey and for people who do not tell red from green."""
    from matplotlib import colormaps

    return colormaps["YlGnBu"]


def _draw_table(explanation: Explanation, rank: Rank, by_taxon: Mapping[str, Shares]) -> Figure:
    from matplotlib.figure import Figure

    columns = explanation.answers
    line = _LINE if len(by_taxon) <= _MANY else _LOW_LINE
    width, height = len(columns) * _CELL, len(by_taxon) * line
    # Names and headings lie outside; saving with a tight box makes room for them.
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    shares = [
        [by_taxon[taxon][name].used if name in by_taxon[taxon] else 0.0 for name in columns] for taxon in by_taxon
    ]
    axes.pcolormesh(np.array(shares), cmap=shades(), vmin=0, vmax=1, edgecolors="white", linewidth=1.5)
    axes.set(xlim=(0, len(columns)), ylim=(len(by_taxon), 0))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    _write_shares(axes, shares)
    _name_columns(axes, columns)
    _name_lines(axes, rank, by_taxon)
    title = f"{in_rank(rank)}: share of images in which each character was used"
    axes.annotate(title, (0, 1), (0, 46), "axes fraction", "offset points", fontsize=10, fontweight="bold")
    axes.annotate(sample(explanation), (0, 1), (0, 34), "axes fraction", "offset points", fontsize=8.5, color="0.3")
    return figure


def _write_shares(axes: Axes, shares: Sequence[Sequence[float]]) -> None:
    """Write per cent into the cells, white on dark ones."""
    for line, row in enumerate(shares):
        for column, share in enumerate(row):
            colour = "white" if share > 0.6 else "black"
            style: dict[str, Any] = {"color": colour, "ha": "center", "va": "center_baseline"}
            axes.text(column + 0.5, line + 0.5, whole_percent(share), fontsize=8.5, **style)


def _name_columns(axes: Axes, columns: Sequence[str]) -> None:
    """Names above the cells, each word on its own line so that they fit."""
    for column, name in enumerate(columns):
        words = "\n".join(in_words(name).split())
        style: dict[str, Any] = {"ha": "center", "va": "bottom", "linespacing": 1.1}
        axes.annotate(words, (column + 0.5, 0), (0, 4), "data", "offset points", fontsize=8, **style)


def _name_lines(axes: Axes, rank: Rank, by_taxon: Mapping[str, Shares]) -> None:
    """Names of taxa on the left, numbers of images and specimens on the right."""
    names, styles = zip(*(typeset(taxon, own_rank(taxon, rank)) for taxon in by_taxon), strict=True)
    axes.set_xticks([])
    axes.set_yticks(np.arange(len(by_taxon)) + 0.5, names, fontsize=9)
    for text, style in zip(axes.get_yticklabels(), styles, strict=True):
        text.set_fontstyle(style)
    for line, shares in enumerate(by_taxon.values()):
        words, place = counts_of(next(iter(shares.values()))), (1, line + 0.5)
        axes.annotate(words, place, (6, 0), axes.get_yaxis_transform(), "offset points", fontsize=8, va="center")


def counts_of(share: CharacterShare) -> str:
    """Numbers of images and specimens in words."""
    return f"{counted(share.n, 'image')}, {counted(share.n_specimens, 'specimen')}"


def own_rank(taxon: str, rank: Rank) -> Rank:
    """The taxon's own rank where its name tells that it is higher, as that of a genus that stands among species."""
    own = taxon_from_name(taxon)
    return own.rank if own and own.rank.depth < rank.depth else rank
