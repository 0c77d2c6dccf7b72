"""Do probabilities mean what they say, and what would fewer answers bring? Reliability, and risk against coverage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mentum.evaluation.results import CalibrationReport, RankCalibration, ReliabilityBin, RiskCoverage
from mentum.reporting.figures.style import BLUE, COLOURS, DASHES, open_frame, write_figures
from mentum.reporting.numbers import decimals, in_percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIDE = 2.5
_PALE, _GUIDE = "#a9cce3", "#888888"


def draw_calibration(report: CalibrationReport, folder: Path) -> list[Path]:
    """Draw `reliability` and `risk_coverage` as PNG and SVG.

    Returns:
        The files.
    """
    return write_figures(
        folder,
        {"reliability": lambda: _draw_reliability(report), "risk_coverage": lambda: _draw_curves(report.curves)},
    )


def _draw_reliability(report: CalibrationReport) -> Figure:
    from matplotlib.figure import Figure

    n = len(report.ranks)
    figure = Figure(figsize=(_SIDE * n + 0.4 * (n - 1), 2 * _SIDE + 0.9))
    grid = figure.subplots(2, n, squeeze=False, gridspec_kw={"wspace": 0.28, "hspace": 0.42})
    for column, rank in enumerate(report.ranks):
        _draw_bins(grid[0, column], rank.bins_before, f"{rank.rank}, as trained", rank, 0)
        _draw_bins(grid[1, column], rank.bins_after, f"{rank.rank}, calibrated", rank, 1)
        grid[1, column].set_xlabel("Probability", fontsize=9)
    for row in range(2):
        grid[row, 0].set_ylabel("Share identified correctly", fontsize=9)
    return figure


def _draw_bins(axes: Axes, bins: Sequence[ReliabilityBin], title: str, rank: RankCalibration, place: int) -> None:
    """Points lie at the mean probability of their bin; their area grows with its specimens."""
    axes.plot([0, 1], [0, 1], color=_GUIDE, linewidth=0.8, linestyle=DASHES, zorder=1)
    total = sum(each.n for each in bins)
    sizes = [12 + 220 * each.n / total for each in bins]
    shown = ([each.probability for each in bins], [each.accuracy for each in bins])
    axes.plot(*shown, color=_PALE, linewidth=1.2, zorder=2)
    axes.scatter(*shown, s=sizes, color=BLUE, edgecolors="white", linewidths=0.6, zorder=3, clip_on=False)
    axes.set_title(title, fontsize=9.5, loc="left")
    words = f"ECE {decimals(rank.ece[place])}\nBrier {decimals(rank.brier[place])}\nn = {rank.n_images}"
    axes.text(
        0.97, 0.04, words, fontsize=8, ha="right", va="bottom", transform=axes.transAxes, color="#333333",
    )  # fmt: skip
    open_frame(axes)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")


def _draw_curves(curves: Sequence[RiskCoverage]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 3.2))
    axes = figure.add_subplot()
    for curve, colour in zip(curves, COLOURS * len(curves), strict=False):
        label = f"{curve.rank} (area {in_percent(curve.area, 2)} %)"
        error = [100 * value for value in curve.error]
        axes.plot(curve.coverage, error, color=colour, linewidth=1.6, label=label)
    axes.set_xlabel("Share of specimens answered, the most probable first", fontsize=9)
    axes.set_ylabel("Wrong of the answers, %", fontsize=9)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, max(1.0, 1.05 * max(100 * max(curve.error) for curve in curves)))
    axes.legend(fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0, 1.0), borderaxespad=0.2)
    open_frame(axes)
    return figure
