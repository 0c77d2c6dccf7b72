"""Text in pictures made without matplotlib's canvas: its bundled fonts, italics within a line, lines that fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from mentum.texts import printable

Spans = Sequence[tuple[str, bool]]
"""A line in pieces, each with whether it is italic."""

BLACK, GREY, RED = (20, 20, 20), (95, 95, 95), (178, 24, 43)
WHITE = (255, 255, 255)

Colour = tuple[int, int, int]


def plain(text: str) -> Spans:
    """A line without italics."""
    return [(text, False)]


@dataclass(frozen=True)
class Lettering:
    """Fonts of one size.

    Attributes:
        size: px per em; a line takes `height` px.
    """

    size: int
    upright: ImageFont.FreeTypeFont
    italic: ImageFont.FreeTypeFont

    @classmethod
    def load(cls, size: int, bold: bool = False) -> Lettering:
        """Load DejaVu Sans, which comes with matplotlib, so that pictures look alike on every machine."""
        from matplotlib import get_data_path

        folder = Path(get_data_path()) / "fonts" / "ttf"
        names = ("-Bold", "-BoldOblique") if bold else ("", "-Oblique")
        files = [folder / f"DejaVuSans{name}.ttf" for name in names]
        upright, italic = (ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC) for file in files)
        return cls(size, upright, italic)

    @property
    def height(self) -> int:
        """From one line to the next, px."""
        return round(1.35 * self.size)

    def width(self, spans: Spans) -> float:
        """Of a line, px."""
        return sum((self.italic if italic else self.upright).getlength(printable(text)) for text, italic in spans)

    def write(self, image: Image.Image, place: tuple[int, int], spans: Spans, colour: Colour = BLACK) -> None:
        """Write a line whose upper left corner is `place`."""
        draw, (x, y) = ImageDraw.Draw(image), place
        right: float = x
        for text, italic in ((printable(text), italic) for text, italic in spans):
            font = self.italic if italic else self.upright
            draw.text((round(right), y + self.size), text, colour, font, anchor="ls")
            right += font.getlength(text)

    def strip(self, spans: Spans, colour: Colour = BLACK, width: int | None = None) -> Image.Image:
        """A line as a picture of its own on white, as wide as the text or `width` px."""
        image = Image.new("RGB", (width or int(self.width(spans)) + 2, self.height), WHITE)
        self.write(image, (0, 0), spans, colour)
        return image

    def shorten(self, text: str, width: int) -> str:
        """Upright text with its middle left out where it is wider than `width` px; the end tells file names apart."""
        text = printable(text)
        kept = len(text)
        shortened = text
        while kept > 2 and self.upright.getlength(shortened) > width:
            kept -= 1
            shortened = f"{text[: kept // 3]}…{text[-(kept - kept // 3) :]}"
        return shortened

    def wrap(self, spans: Spans, width: int) -> list[Spans]:
        """Break a line between words where it is wider than `width` px."""
        lines: list[list[tuple[str, bool]]] = [[]]
        for text, italic in spans:
            for place, word in enumerate(text.split(" ")):
                piece = (" " if place and lines[-1] else "") + word
                if lines[-1] and piece and self.width([*lines[-1], (piece, italic)]) > width:
                    lines.append([])
                    piece = word
                lines[-1].append((piece, italic))
        return list(lines)
