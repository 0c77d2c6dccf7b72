"""How much one identification needs each character: a small chart of bars beside its picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw

from mentum.explanation.needs import ImageNeeds
from mentum.reporting.figures.capsule import colours_of
from mentum.reporting.figures.characters_by_taxon import in_words
from mentum.reporting.figures.lettering import BLACK, GREY, WHITE, Lettering, plain
from mentum.reporting.numbers import decimals

WIDTH = 220
"""Px of a chart."""

_MARGIN, _NUMBER, _LINE, _BAR = 8, 34, 17, 11
"""Px: around the chart, room for a number, a line of the chart, and the bar in it."""
_QUANTILE = 0.95
"""Of the largest necessities of the images, where the bars' common scale ends."""


@dataclass(frozen=True)
class NecessityBars:
    """Charts of all images at one rank, on one scale."""

    needs: ImageNeeds

    @cached_property
    def _scale(self) -> float:
        """Where the scale ends, in log-odds; beyond what chance costs."""
        known = self.needs.necessity[~np.isnan(self.needs.necessity).all(axis=1)]
        largest = float(np.quantile(np.nanmax(known, axis=1), _QUANTILE, method="higher")) if len(known) else 0.0
        return max(largest, 2 * self.needs.chance, 1.0)

    @property
    def height(self) -> int:
        """Px of a chart."""
        return 2 * _MARGIN + (len(self.needs.characters) + 2) * _LINE

    def draw(self, row: int) -> Image.Image:
        """The chart of one image: a bar for each character, and a line where chance ends.

        A character that the image lacks has a dash, a necessity below 0 no bar.
        """
        chart = Image.new("RGB", (WIDTH, self.height), WHITE)
        pen, text = ImageDraw.Draw(chart), Lettering.load(10)
        colours = colours_of(self.needs.characters)
        left = _MARGIN + self._names_width(text)
        unit = (WIDTH - left - _NUMBER - _MARGIN) / self._scale
        text.write(chart, (_MARGIN, _MARGIN), plain("Necessity, log-odds"), BLACK)
        self._rule(chart, pen, text, (left, unit))
        for line, (name, value) in enumerate(zip(self.needs.characters, self.needs.necessity[row], strict=True), 1):
            top = _MARGIN + line * _LINE
            text.write(chart, (_MARGIN, top), plain(text.shorten(in_words(name), left - _MARGIN - 4)), BLACK)
            end = left + round(min(max(np.nan_to_num(value), 0), self._scale) * unit)
            if end > left:
                pen.rectangle((left, top + 2, end, top + 2 + _BAR), fill=ImageColor.getrgb(colours[name]))
            said = "–" if np.isnan(value) else decimals(float(value), 1)  # noqa: RUF001 - a dash for what is absent
            chart.paste(text.strip(plain(said), BLACK), (end + 4, top))
        return chart

    def _names_width(self, text: Lettering) -> int:
        widest = max((text.width(plain(in_words(name))) for name in self.needs.characters), default=0)
        return min(round(widest) + 6, WIDTH // 2)

    def _rule(self, chart: Image.Image, pen: ImageDraw.ImageDraw, text: Lettering, place: tuple[int, float]) -> None:
        """Where the scale begins, and the least necessity of a character that is used."""
        (left, unit), first = place, _MARGIN + _LINE
        last = first + len(self.needs.characters) * _LINE
        pen.line((left, first, left, last), fill=BLACK)
        at = left + round(self.needs.chance * unit)
        for top in range(first, last, 4):
            pen.line((at, top, at, top + 1), fill=GREY)
        said = f"dotted: chance ends at {decimals(self.needs.chance, 1)}"
        text.write(chart, (_MARGIN, last + 3), plain(said), GREY)


def beside(plate: NDArray[np.uint8], chart: Image.Image, top: int) -> NDArray[np.uint8]:
    """A picture (height, width, 3) with a chart on its right, `top` px below its upper edge; white where one ends."""
    height = max(len(plate), top + chart.height)
    both = np.full((height, plate.shape[1] + chart.width, 3), 255, dtype=np.uint8)
    both[: len(plate), : plate.shape[1]] = plate
    both[top : top + chart.height, plate.shape[1] :] = np.asarray(chart)
    return both
