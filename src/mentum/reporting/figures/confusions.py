"""Confusion matrices for print and screen; matplotlib is loaded when the first one is drawn."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mentum.evaluation.results import Confusion, Evaluation
from mentum.reporting.figures.style import typeset, write_figures
from mentum.reporting.numbers import counted
from mentum.taxonomy import Rank

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure

DRAWN_SUBSETS = ("validation", "test")
LARGEST_WITH_COUNTS = 40
"""Number of taxa beyond which a cell is too small for a number."""
LARGEST_DRAWN = 100
"""Number of taxa beyond which no name can be read, so that nothing is drawn; the report lists the worst pairs."""


def draw_confusions(evaluation: Evaluation, folder: Path, largest_with_counts: int = LARGEST_WITH_COUNTS) -> list[Path]:
    """Draw each confusion matrix of the validation and test images that is not too large, as PNG and SVG.

    Shades give the share of a label's images (a row sums to 1), numbers count images; an empty cell is white. The same
    evaluation gives the same bytes under the same version of matplotlib.

    Args:
        evaluation: of a run.
        folder: made where missing.
        largest_with_counts: number of taxa up to which counts are written.

    Returns:
        The files, named like `confusion_fine-tuned_species_validation.png`, in the order of the evaluation.
    """
    drawn = [confusion for confusion in evaluation.confusions if is_drawn(confusion)]
    return write_figures(
        folder, {confusion_stem(each): partial(_draw_confusion, each, largest_with_counts) for each in drawn}
    )


def is_drawn(confusion: Confusion) -> bool:
    """Whether a matrix is of held-out images, and of so few taxa that their names can be read."""
    return confusion.subset in DRAWN_SUBSETS and len(confusion.labels) <= LARGEST_DRAWN


def undrawn_ranks(evaluation: Evaluation) -> dict[Rank, int]:
    """Ranks of which no matrix is drawn, with their number of taxa."""
    held_out = [confusion for confusion in evaluation.confusions if confusion.subset in DRAWN_SUBSETS]
    return {each.rank: len(each.labels) for each in held_out if not is_drawn(each)}


def confusion_stem(confusion: Confusion) -> str:
    """Name of a matrix's files, without what follows the full stop."""
    return f"confusion_{confusion.stage.replace(' ', '-')}_{confusion.rank}_{confusion.subset}"


def _draw_confusion(confusion: Confusion, largest_with_counts: int) -> Figure:
    from matplotlib.figure import Figure

    counts = np.array(confusion.counts, dtype=np.int64)
    with_counts = len(counts) <= largest_with_counts
    side = len(counts) * (max(0.36, 2.8 / len(counts)) if with_counts else 0.15)
    # The names lie outside; saving with a tight box makes room for them.
    figure = Figure(figsize=(side + 1.0, side))
    axes = figure.add_axes((0, 0, side / (side + 1.0), 1))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    cells = _shade_cells(axes, shares)
    _draw_grid(axes, len(counts))
    if with_counts:
        _write_counts(axes, counts, shares)
    _name_axes(axes, confusion, size=8 if with_counts else 6.5)
    height = min(side, 4.0) / side
    bar_axes = figure.add_axes(((side + 0.2) / (side + 1.0), 1 - height, 0.14 / (side + 1.0), height))
    bar = figure.colorbar(cells, cax=bar_axes)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8)
    bar.set_label("Share of the label's images", fontsize=9)
    return figure


def _shade_cells(axes: Axes, shares: NDArray[np.float64]) -> PolyCollection:
    """Fill the cells that are not empty; writing the others too would swell the SVG of many taxa."""
    from matplotlib.collections import PolyCollection

    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    places = np.argwhere(shares > 0)
    squares = places[:, None, ::-1] + corners
    cells = PolyCollection(list(squares), array=shares[tuple(places.T)], cmap=_shades(), clim=(0, 1), linewidths=0)
    axes.add_collection(cells)
    axes.set(xlim=(0, len(shares)), ylim=(len(shares), 0))
    return cells


def _shades() -> ListedColormap:
    """Blues without the lightest ones, so that a single image out of many still stands out from an empty cell."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return ListedColormap(colormaps["Blues"](np.linspace(0.12, 1, 256)))


def _draw_grid(axes: Axes, n: int) -> None:
    axes.set_xticks(np.arange(n + 1), minor=True)
    axes.set_yticks(np.arange(n + 1), minor=True)
    axes.grid(which="minor", color="0.88", linewidth=0.5)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)


def _write_counts(axes: Axes, counts: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    """Write the numbers of images, white on dark cells; zeros stay blank."""
    largest = len(str(counts.max()))
    size = (9 if len(counts) <= 20 else 7.5) * min(1, 3.5 / largest)
    for row, column in np.argwhere(counts > 0).tolist():
        colour = "white" if shares[row, column] > 0.55 else "black"
        axes.text(
            column + 0.5,
            row + 0.5,
            str(counts[row, column]),
            color=colour,
            fontsize=size,
            ha="center",
            va="center_baseline",
        )


def _name_axes(axes: Axes, confusion: Confusion, size: float) -> None:
    places = np.arange(len(confusion.labels)) + 0.5
    names, styles = zip(*map(typeset, confusion.labels, confusion.label_ranks), strict=True)
    slanted = len(names) <= 12
    axes.set_xticks(places, names, fontsize=size, rotation=45 if slanted else 90, rotation_mode="anchor")
    axes.set_yticks(places, names, fontsize=size)
    for text in axes.get_xticklabels():
        text.set(ha="right", va="top" if slanted else "center")
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        for text, style in zip(labels, styles, strict=True):
            text.set_fontstyle(style)
    axes.set_xlabel("Identified as", fontsize=9)
    axes.set_ylabel("Label", fontsize=9)
    axes.set_title(_title(confusion), fontsize=10, linespacing=1.4)


def _title(confusion: Confusion) -> str:
    stage = confusion.stage[0].upper() + confusion.stage[1:]
    return f"{stage}, {confusion.rank} rank\n{confusion.subset}, n = {counted(confusion.n_images, 'image')}"
