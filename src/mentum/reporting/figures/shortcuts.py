"""How well each cue alone tells the taxon, against chance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mentum.audit.shortcuts import CueResult
from mentum.reporting.figures.style import figure_style, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHORTCUTS = "shortcuts"
"""Name of the figure."""

_FOUND, _OTHER, _GUIDE = "#922b21", "#1b4f72", "#555555"
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
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    with figure_style():
        figure = Figure(figsize=(4.6, 1.1 + _ROW * len(cues)))
        axes = figure.add_subplot()
        _draw_guides(axes, cues[0])
        for place, cue in enumerate(cues):
            _draw_cue(axes, place, cue)
        _label(axes, cues)
        return save_figure(figure, folder / SHORTCUTS)


def _draw_cue(axes: Axes, place: int, cue: CueResult) -> None:
    """A bar for the accuracy with its interval, a dot for the mean over taxa."""
    share = 100 * cue.accuracy
    reach = [[share - 100 * cue.interval.low], [100 * cue.interval.high - share]]
    axes.barh(place, share, height=0.62, color=_FOUND if cue.found else _OTHER, alpha=0.85, linewidth=0)
    axes.errorbar(share, place, xerr=reach, color="black", linewidth=1.0, capsize=2.5)
    axes.plot(
        100 * cue.balanced_accuracy, place, marker="D", markersize=4.5, color="white", markeredgecolor="black",
        markeredgewidth=0.8, zorder=3, linestyle="", label="mean over taxa (balanced accuracy)" if place == 0 else None,
    )  # fmt: skip


def _draw_guides(axes: Axes, cue: CueResult) -> None:
    guides = {"a guess among the taxa": (cue.chance, (0, (4, 3))), "always the commonest taxon": (cue.majority, ":")}
    for label, (share, dashes) in guides.items():
        axes.axvline(100 * share, color=_GUIDE, linewidth=1.0, linestyle=dashes, label=f"{label}, {100 * share:.0f} %")


def _label(axes: Axes, cues: Sequence[CueResult]) -> None:
    axes.set_yticks(range(len(cues)), [cue.cue for cue in cues], fontsize=9)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel(f"Images whose taxon is told, % (n = {cues[0].n_images})", fontsize=9)
    axes.tick_params(labelsize=8, length=3)
    axes.tick_params(axis="y", labelsize=9, length=0)
    axes.legend(fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=1, borderaxespad=0.2)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
