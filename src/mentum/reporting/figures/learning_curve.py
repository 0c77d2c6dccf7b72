"""Accuracy against specimens per taxon, with the forecast."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mentum.evaluation.learning_curve import LearningCurve
from mentum.reporting.figures.style import COLOURS, DASHES, open_frame, reach, write_figures
from mentum.taxonomy import Rank

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVE = "learning_curve"
"""Name of the figure."""


def draw_learning_curve(curve: LearningCurve, folder: Path) -> list[Path]:
    """Draw `learning_curve` as PNG and SVG.

    Returns:
        The files.
    """
    return write_figures(folder, {CURVE: lambda: _draw(curve)})


def _draw(curve: LearningCurve) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, 3.4))
    axes = figure.add_subplot()
    for rank, colour in zip(curve.points[-1].accuracies, COLOURS * len(Rank), strict=False):
        _draw_rank(axes, curve, rank, colour)
    _label(axes, curve)
    return figure


def _draw_rank(axes: Axes, curve: LearningCurve, rank: Rank, colour: str) -> None:
    """Points with bars where specimens were there; a dashed line with a band to what is predicted."""
    at_hand = [(point.per_taxon, point.accuracies[rank]) for point in curve.points]
    predicted = [(each.per_taxon, each.accuracy) for each in curve.forecasts if each.rank == rank]
    sizes, values = [size for size, _ in at_hand], [100 * each.value for _, each in at_hand]
    low, high = zip(*(reach(each.value, each.interval) for _, each in at_hand), strict=True)
    axes.errorbar(
        sizes, values, (low, high), color=colour, linewidth=1.6, marker="o", markersize=4, capsize=2, label=rank
    )
    ahead = [at_hand[-1], *predicted]
    if predicted:
        places = [size for size, _ in ahead]
        axes.plot(places, [100 * each.value for _, each in ahead], color=colour, linewidth=1.2, linestyle=DASHES)
        bounds = ([100 * each.interval.low for _, each in ahead], [100 * each.interval.high for _, each in ahead])
        axes.fill_between(places, *bounds, color=colour, alpha=0.15, linewidth=0)


def _label(axes: Axes, curve: LearningCurve) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    sizes = {point.per_taxon for point in curve.points} | {each.per_taxon for each in curve.forecasts}
    axes.xaxis.set_major_locator(FixedLocator(sorted(sizes)))
    axes.set_xlabel("Specimens per taxon learned from", fontsize=9)
    axes.set_ylabel("Identified correctly, %", fontsize=9)
    axes.set_ylim(top=100.5)
    title = f"n = {curve.n_images} images"
    axes.legend(
        fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=4, title=title, title_fontsize=8
    )
    open_frame(axes)
