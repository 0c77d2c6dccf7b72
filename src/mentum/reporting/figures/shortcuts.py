"""How well each cue alone tells the taxon, against chance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mentum.audit.shortcuts import CueResult
from mentum.reporting.figures.style import BLUE, DASHES, RED, open_frame, reach, write_figures
from mentum.reporting.numbers import in_percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHORTCUTS = "shortcuts"
"""Name of the figure."""

_GUIDE = "#555555"
_ROW = 0.34
"""Height of a bar with its room, inches."""


def draw_shortcuts(cues: Sequence[CueResult], folder: Path) -> list[Path]:
    """Draw `shortcuts` as PNG and SVG: the share of images whose taxon each cue tells, shortcuts in red.

    Args:
        cues: one or more, of the same images.
        folder: made where missing.

    Returns:
        The files.
    """
    return write_figures(folder, {SHORTCUTS: lambda: _draw(cues)})


def _draw(cues: Sequence[CueResult]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 1.1 + _ROW * len(cues)))
    axes = figure.add_subplot()
    _draw_guides(axes, cues[0])
    for place, cue in enumerate(cues):
        _draw_cue(axes, place, cue)
    _label(axes, cues)
    return figure


def _draw_cue(axes: Axes, place: int, cue: CueResult) -> None:
    """A bar for the accuracy with its interval, a dot for the mean over taxa."""
    share = 100 * cue.accuracy
    axes.barh(place, share, height=0.62, color=RED if cue.found else BLUE, alpha=0.85, linewidth=0)
    low, high = reach(cue.accuracy, cue.interval)
    axes.errorbar(share, place, xerr=[[low], [high]], color="black", linewidth=1.0, capsize=2.5)
    axes.plot(
        100 * cue.balanced_accuracy, place, marker="D", markersize=4.5, color="white", markeredgecolor="black",
        markeredgewidth=0.8, zorder=3, linestyle="", label="mean over taxa (balanced accuracy)" if place == 0 else None,
    )  # fmt: skip


def _draw_guides(axes: Axes, cue: CueResult) -> None:
    guides = {"a guess among the taxa": (cue.chance, DASHES), "always the commonest taxon": (cue.majority, ":")}
    for label, (share, dashes) in guides.items():
        named = f"{label}, {in_percent(share, 0)} %"
        axes.axvline(100 * share, color=_GUIDE, linewidth=1.0, linestyle=dashes, label=named)


def _label(axes: Axes, cues: Sequence[CueResult]) -> None:
    axes.set_yticks(range(len(cues)), [cue.cue for cue in cues], fontsize=9)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel(f"Images whose taxon is told, % (n = {cues[0].n_images})", fontsize=9)
    open_frame(axes)
    axes.tick_params(axis="y", labelsize=9, length=0)
    axes.legend(fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=1, borderaxespad=0.2)
