"""What all figures share: names in a figure, fonts, and files that appear whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mentum.files import whole
from mentum.records import Interval
from mentum.taxonomy import Rank, is_italic, is_latin
from mentum.texts import printable

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 200

BLUE, RED = "#1b4f72", "#922b21"
COLOURS = (BLUE, "#b9770e", "#196f3d", "#6c3483", RED, "#566573")
"""Of lines, one a rank."""
DASHES = (0, (4, 3))


def typeset(name: str, rank: Rank) -> tuple[str, str]:
    r"""Text and font style of a name in a figure by matplotlib: as `name_spans`, with formulas where styles mix.

    >>> typeset("Chironomus riparius", Rank.SPECIES)
    ('Chironomus riparius', 'italic')
    >>> typeset("Orthocladius sp. 1", Rank.SPECIES)
    ('$\\mathit{Orthocladius}$ sp. 1', 'normal')
    >>> typeset("Salix (genus only)", Rank.GENUS)
    ('$\\mathit{Salix}$ (genus only)', 'normal')
    """
    words = [word.replace("$", r"\$") for word in name.split(" ")]
    latin = [is_latin(word) for word in words]
    if not is_italic(rank) or all(latin):
        return " ".join(words), "italic" if is_italic(rank) else "normal"
    # Within a formula a hyphen would become a minus sign.
    formulas = [rf"$\mathit{{{word}}}$".replace("-", r"\text{-}") for word in words]
    parts = zip(words, formulas, latin, strict=True)
    return " ".join(formula if in_italics else word for word, formula, in_italics in parts), "normal"


def write_figures(folder: Path, drawings: Mapping[str, Callable[[], Figure]], dpi: int = DPI) -> list[Path]:
    """Draw figures and write each as PNG and SVG.

    Args:
        folder: made where missing.
        drawings: name of the files, without what follows the full stop → what draws the figure.
        dpi: of the PNG, and of photographs within the SVG.

    Returns:
        The files, each of which appears whole or not at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _figure_style():
        return [file for name, draw in drawings.items() for file in _save(draw(), folder / name, dpi)]


def open_frame(axes: Axes) -> None:
    """Small ticks, and no lines above and on the right."""
    axes.tick_params(labelsize=8, length=3)
    axes.spines[["top", "right"]].set_visible(False)


def reach(share: float, interval: Interval) -> tuple[float, float]:
    """How far an interval reaches below and above its share, in percentage points; never less than 0."""
    value = 100 * share
    return max(value - 100 * interval.low, 0), max(100 * interval.high - value, 0)


def _figure_style() -> AbstractContextManager[None]:
    """Fonts and SVG settings that hold while a figure is drawn, whatever the user's own."""
    import matplotlib as mpl

    return mpl.rc_context(
        {
            "font.family": "sans-serif",
            "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
            "mathtext.fontset": "dejavusans",
            "text.usetex": False,
            "svg.fonttype": "none",
            "svg.hashsalt": "mentum",
        }
    )


def _is_text(artist: Artist) -> bool:
    return hasattr(artist, "get_text") and hasattr(artist, "set_text")


def _spell_out_ticks(figure: Figure) -> None:
    """Names at ticks are written anew whenever a figure is drawn."""
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        said = [label.get_text() for label in axis.get_majorticklabels()]
        shown = [printable(each, keep="\n") for each in said]
        if shown != said:
            axis.set_ticks(axis.get_majorticklocs(), shown)


def _spell_out(text: Any) -> None:  # noqa: ANN401 - what `_is_text` finds
    said = text.get_text()
    shown = printable(said, keep="\n") if isinstance(said, str) else said
    if shown != said:
        text.set_text(shown)


def _save(figure: Figure, stem: Path, dpi: int) -> list[Path]:
    """Write PNG and SVG; each file appears whole or not at all, and the same figure gives the same bytes.

    Invisible characters, with which an SVG would be none, are spelt out.
    """
    # Without an explicit None, a date or the version of matplotlib would go into the files.
    _spell_out_ticks(figure)
    for text in figure.findobj(_is_text):
        _spell_out(text)
    metadata = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}
    files = [stem.with_name(f"{stem.name}.{suffix}") for suffix in metadata]
    for file, (suffix, values) in zip(files, metadata.items(), strict=True):
        with whole(file) as beside:
            figure.savefig(beside, format=suffix, dpi=dpi, metadata=values, bbox_inches="tight", pad_inches=0.08)
    return files
