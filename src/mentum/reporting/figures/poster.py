"""Rows of pictures with captions under a title, as one picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from mentum.files import whole
from mentum.reporting.figures.lettering import BLACK, GREY, WHITE, Colour, Lettering, Spans, plain
from mentum.reporting.figures.style import DPI

FEWEST_COLUMNS = 4
"""What a poster is at least as wide as, so that title and legend have room."""

_MARGIN, _GAP, _BETWEEN = 16, 12, 10


@dataclass(frozen=True)
class Tile:
    """A picture and what stands beneath it, line by line."""

    picture: Image.Image
    lines: Sequence[tuple[Spans, Colour]]

    @classmethod
    def of_file(cls, picture: Image.Image, lines: Sequence[Spans], file_name: str) -> Tile:
        """A picture whose last line is the name of the image file, shortened in its middle."""
        source = Lettering.load(12).shorten(Path(file_name).name, picture.width)
        return cls(picture, [*((line, BLACK) for line in lines), (plain(source), GREY)])


@dataclass(frozen=True)
class Bar:
    """A colour bar between two texts.

    Attributes:
        picture: the colours, of any width and height.
    """

    low: Spans
    picture: Image.Image
    high: Spans


@dataclass(frozen=True)
class Poster:
    """All tiles have pictures of one size.

    Attributes:
        title: large.
        subtitle: beneath the title.
        rows: heading and tiles of each row; a row without tiles is left out.
        legend: text at the foot.
        bar: what the colours mean, where there are any; above the legend.
    """

    title: Spans
    subtitle: Spans
    rows: Sequence[tuple[Spans, Sequence[Tile]]]
    legend: Spans
    bar: Bar | None = None

    def draw(self) -> Image.Image:
        """Set all on white; lines that are too long are broken."""
        rows = [(heading, tiles) for heading, tiles in self.rows if tiles]
        side = rows[0][1][0].picture.width
        columns = max(FEWEST_COLUMNS, *(len(tiles) for _, tiles in rows))
        width = columns * (side + _GAP) - _GAP
        title, heading, text = Lettering.load(24), Lettering.load(14, bold=True), Lettering.load(12)
        blocks = [(_text(self.title, title, width), 2), (_text(self.subtitle, Lettering.load(13), width, GREY), 16)]
        for spans, tiles in rows:
            blocks += [(_text(spans, heading, width), 4), (_row(tiles, text, width), 16)]
        if self.bar is not None:
            blocks.append((_bar(self.bar, text, width), 4))
        blocks.append((_text(self.legend, text, width, GREY), 0))
        return _stack(blocks, width)


def write_posters(posters: Iterable[tuple[str, Poster]], folder: Path) -> list[Path]:
    """Write posters as PNG, given with the names of their files.

    Returns:
        The files, each of which appears whole or not at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, poster in posters:
        files.append(folder / name)
        with whole(files[-1]) as beside:
            poster.draw().save(beside, format="PNG", dpi=(DPI, DPI))
    return files


def _stack(blocks: Sequence[tuple[Image.Image, int]], width: int) -> Image.Image:
    """Pictures below each other, each with its distance in px to the next one, within a margin."""
    height = sum(block.height + distance for block, distance in blocks)
    stacked = Image.new("RGB", (width + 2 * _MARGIN, height + 2 * _MARGIN), WHITE)
    top = _MARGIN
    for block, distance in blocks:
        stacked.paste(block, (_MARGIN, top))
        top += block.height + distance
    return stacked


def _text(spans: Spans, lettering: Lettering, width: int, colour: Colour = BLACK) -> Image.Image:
    lines = lettering.wrap(spans, width)
    block = Image.new("RGB", (width, len(lines) * lettering.height), WHITE)
    for place, line in enumerate(lines):
        lettering.write(block, (0, place * lettering.height), line, colour)
    return block


def _row(tiles: Sequence[Tile], lettering: Lettering, width: int) -> Image.Image:
    side = tiles[0].picture.width
    captions = [[_text(spans, lettering, side, colour) for spans, colour in tile.lines] for tile in tiles]
    deepest = max(sum(line.height for line in caption) for caption in captions)
    tallest = tiles[0].picture.height + 4
    block = Image.new("RGB", (width, tallest + deepest), WHITE)
    for column, (tile, caption) in enumerate(zip(tiles, captions, strict=True)):
        left, top = column * (side + _GAP), tallest
        block.paste(tile.picture, (left, 0))
        for line in caption:
            block.paste(line, (left, top))
            top += line.height
    return block


def _bar(bar: Bar, lettering: Lettering, width: int) -> Image.Image:
    block = Image.new("RGB", (width, lettering.height), WHITE)
    low, high = (lettering.strip(spans) for spans in (bar.low, bar.high))
    parts = (low, bar.picture, high)
    left = 0
    for part in parts:
        block.paste(part, (left, (lettering.height - part.height) // 2))
        left += part.width + _BETWEEN
    return block
