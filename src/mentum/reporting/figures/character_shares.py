"""Which characters were used: a head capsule with its characters in colours, and for each rank bars with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mentum.explanation.exemplar import Exemplar
from mentum.explanation.results import CharacterShare, Explanation
from mentum.explanation.tables import shares_of_correct
from mentum.reporting.figures.capsule import (
    colours_of,
    from_top,
    heights_in,
    in_lines,
    paint_capsule,
    point_at,
    spread,
)
from mentum.reporting.figures.characters_by_taxon import Shares, in_rank, sample
from mentum.reporting.figures.style import reach, write_figures
from mentum.reporting.numbers import counted, whole_percent
from mentum.taxonomy import Rank

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAGE, COLUMN = 7.2, 3.5
"""Inches: the width of a page (183 mm) and of one of its two columns (89 mm)."""
PRINT_DPI = 300

_CAPSULE, _LEADER, _LETTER, _FOOT, _HEAD = 2.55, 0.22, 0.063, 0.42, 0.42
"""Inches: side of the capsule, room for lines to the names, a letter, ticks and note, heading of a rank."""
_TEXT, _SMALL = 7, 6
"""Points, in print."""
_LEAST_ROW, _MOST_ROW = 0.17, 0.36
"""Inches, for a bar."""
_TICKS = ((0, 50, 100), ("0", "50", "100 %"))
_BEYOND = 152
"""Per cent at the right end of a panel: a bar of 100 % leaves room for its number."""


@dataclass(frozen=True)
class _Shown:
    """What both widths of the figure show.

    Attributes:
        by_rank: rank → character → its share.
        names: from the top row to the lowest one.
        note: which images these are, and how the character used was told.
    """

    by_rank: Mapping[Rank, Shares]
    names: Sequence[str]
    colours: Mapping[str, str]
    capsule: Exemplar
    note: str

    @property
    def letters(self) -> float:
        """Inches that the longest line of a name takes."""
        return _LETTER * max(len(line) for name in self.names for line in in_lines(name).splitlines()) + 0.08


@dataclass(frozen=True)
class _Page:
    """A figure on which places are given in inches from the lower left corner."""

    figure: Figure
    width: float
    height: float

    @classmethod
    def blank(cls, width: float, height: float) -> _Page:
        from matplotlib.figure import Figure

        return cls(Figure(figsize=(width, height)), width, height)

    def axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        return self.figure.add_axes((left / self.width, bottom / self.height, width / self.width, height / self.height))

    def write(self, left: float, height: float, text: str, size: float, **style: Any) -> None:  # noqa: ANN401
        self.figure.text(left / self.width, height / self.height, text, fontsize=size, linespacing=1.1, **style)


def draw_character_shares(explanation: Explanation, capsule: Exemplar, folder: Path) -> list[Path]:
    """Draw in what share of the correct identifications each character was the one used, by rank, as PNG and SVG.

    A specimen shows where each character lies; beside it each rank has a column of bars with 95 % intervals, of which
    "none" counts the images in which no character was used. It comes at the width of a page and at that of a column.

    Source: Milošević et al. 2020, figure 3; bars, intervals, "any of several", "none" and numbers of specimens are
    added.

    Returns:
        `character_shares` and `character_shares_column`, or nothing where nothing was identified correctly.
    """
    by_rank: dict[Rank, dict[str, CharacterShare]] = {}
    for share in shares_of_correct(explanation):
        if share.n:
            by_rank.setdefault(share.rank, {})[share.character] = share
    if not by_rank:
        return []
    names = from_top(capsule, explanation.answers)
    shown = _Shown(by_rank, names, colours_of(explanation.answers), capsule, _note(explanation))
    drawings = {
        "character_shares": lambda: _across_a_page(shown),
        "character_shares_column": lambda: _in_a_column(shown),
    }
    return write_figures(folder, drawings, PRINT_DPI)


def _note(explanation: Explanation) -> str:
    how = "by necessity" if explanation.chances else "by the relevance map"
    return f"Share of images in which it was the character used, {how}; {sample(explanation)}; 95 % intervals"


def _across_a_page(shown: _Shown) -> Figure:
    """The capsule on the left; its names are those of the rows of bars on its right."""
    row = min(max(_CAPSULE / len(shown.names), _LEAST_ROW), _MOST_ROW)
    bars = row * len(shown.names)
    tallest = max(bars, _CAPSULE)
    page = _Page.blank(PAGE, tallest + _HEAD + _FOOT)
    lowest = _FOOT + (tallest - bars) / 2
    capsule = page.axes(0, _FOOT + (tallest - _CAPSULE) / 2, _CAPSULE, _CAPSULE)
    paint_capsule(capsule, shown.capsule, shown.colours)
    left = _CAPSULE + _LEADER
    middles = {name: lowest + bars - (place + 0.5) * row for place, name in enumerate(shown.names)}
    bottom = _FOOT + (tallest - _CAPSULE) / 2
    ends = {name: ((left - 0.04) / _CAPSULE, (middle - bottom) / _CAPSULE) for name, middle in middles.items()}
    point_at(capsule, shown.capsule, ends, shown.colours)
    _name_rows(page, left, middles, shown)
    start = left + shown.letters
    width = (PAGE - start) / len(shown.by_rank)
    for place, rank in enumerate(shown.by_rank):
        _panel(page, (start + place * width, lowest, width - 0.08, bars), rank, shown)
    page.write(start, 0.05, shown.note.replace("; ", ";\n", 1), _SMALL, color="0.3", va="bottom")
    return page.figure


def _in_a_column(shown: _Shown) -> Figure:
    """The capsule above with its names, the bars below, two ranks in a row."""
    bars, across = _LEAST_ROW * len(shown.names), 1 if len(shown.by_rank) == 1 else 2
    lines = -(-len(shown.by_rank) // across)
    block = bars + _HEAD + 0.25
    page = _Page.blank(COLUMN, _CAPSULE + lines * block + 0.3)
    bottom = page.height - _CAPSULE
    capsule = page.axes(0, bottom, _CAPSULE, _CAPSULE)
    paint_capsule(capsule, shown.capsule, shown.colours)
    heights = heights_in(shown.capsule, shown.names)
    seen = sorted(heights, key=lambda name: heights[name])
    apart = min(0.14, 1 / max(len(seen) - 1, 1))
    places = dict(zip(seen, spread([heights[name] for name in seen], apart), strict=True))
    left = _CAPSULE + _LEADER
    point_at(capsule, shown.capsule, {n: ((left - 0.04) / _CAPSULE, 1 - h) for n, h in places.items()}, shown.colours)
    _name_rows(page, left, {name: bottom + (1 - place) * _CAPSULE for name, place in places.items()}, shown)
    width = (COLUMN - _one_line(shown)) / across
    for place, rank in enumerate(shown.by_rank):
        lowest = bottom - (place // across + 1) * block + 0.15
        start = _one_line(shown) + place % across * width
        _panel(page, (start, lowest, width - 0.06, bars), rank, shown, named=place % across == 0)
    page.write(0, 0.0, shown.note.replace("; ", ";\n", 1), _SMALL, color="0.3", va="bottom")
    return page.figure


def _one_line(shown: _Shown) -> float:
    """Inches for the names of bars, each in one line."""
    return _LETTER * max(len(name) for name in shown.names) * 0.95 + 0.1


def _name_rows(page: _Page, left: float, middles: Mapping[str, float], shown: _Shown) -> None:
    for name, middle in middles.items():
        page.write(left, middle, in_lines(name), _TEXT, va="center")


def _panel(
    page: _Page, place: tuple[float, float, float, float], rank: Rank, shown: _Shown, named: bool = False
) -> None:
    """The bars of one rank under its heading; `place` is left, bottom, width and height, inches."""
    left, bottom, _, height = place
    shares = shown.by_rank[rank]
    first = next(iter(shares.values()))
    page.write(left, bottom + height + 0.27, in_rank(rank), _TEXT + 1, fontweight="bold")
    counts = f"{counted(first.n, 'image')},\n{counted(first.n_specimens, 'specimen')}"
    page.write(left, bottom + height + 0.03, counts, _SMALL, color="0.3")
    draw_bars(page.axes(*place), shown.names, shares, shown.colours, named)


def draw_bars(
    axes: Axes, names: Sequence[str], shares: Shares, colours: Mapping[str, str], named: bool = False
) -> None:
    """A bar for each answer with its interval and per cent; names only if `named`."""
    lines = [(line, shares[name]) for line, name in enumerate(names) if name in shares]
    for line, share in lines:
        value, (low, high) = 100 * share.used, reach(share.used, share.interval)
        axes.barh(line, value, height=0.62, color=colours[share.character], linewidth=0)
        axes.errorbar(value, line, xerr=[[low], [high]], color="0.1", linewidth=0.8, capsize=1.8, capthick=0.8)
        beyond = (max(value, 100 * share.interval.high), line)
        number = whole_percent(share.used)
        style: dict[str, Any] = {
            "va": "center_baseline",
            "fontsize": _TEXT,
            "fontweight": "bold" if share.used >= 0.1 else "normal",
        }
        axes.annotate(number, beyond, (3, 0), "data", "offset points", **style)
    axes.set(xlim=(0, _BEYOND), ylim=(len(names) - 0.5, -0.5))
    axes.set_xticks(*_TICKS, fontsize=_SMALL)
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names] if named else [], fontsize=_TEXT)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", length=2, width=0.5, pad=1.5)
    axes.set_axisbelow(True)
    axes.grid(axis="x", color="0.9", linewidth=0.5)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.spines["left"].set_linewidth(0.6)
