"""One picture per image and rank: the photograph, and twice its heat map, on the scale of all images and on its own.

A heat map shows the positive part of the relevance for the taxon identified. Thousands of these pictures are written
after an identification: whatever they share is drawn once, and the rest goes into arrays that are used again.
"""

from __future__ import annotations

import itertools
import os
import struct
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mentum.explanation.evidence import RankEvidence, RunEvidence
from mentum.files import whole
from mentum.identification.identifier import Explained
from mentum.maps import CellGeometry, positive
from mentum.records import Identification, Progress, ProgressCallback
from mentum.reporting.figures.colouring import UNIT, Colouring, heat_colouring, heat_levels, photograph
from mentum.reporting.figures.lettering import BLACK, GREY, RED, WHITE, Lettering
from mentum.reporting.figures.style import DPI
from mentum.reporting.numbers import three_digits
from mentum.taxonomy import Rank, Taxon, name_spans
from mentum.texts import short_stem

Pixels = NDArray[np.uint8]

SHARED_PERCENTILE = 99
"""Of the images' largest drawn relevance, where the colours of the shared scale end."""

_MARGIN, _GAP, _HEAD, _FOOT = 10, 8, 48, 66
_BAR = (110, 9)
_BATCH = 16
"""Images that one thread draws into the same arrays."""


def write_overlays(evidence: RunEvidence, folder: Path, report: ProgressCallback) -> list[Path]:
    """Write the heat maps of all images at all ranks, as `folder/<rank>/<name of the image file>.png`.

    Returns:
        The files, by image, then rank, lowest first. Each appears whole or not at all.
    """
    n = len(evidence.file_names)
    if not n:
        return []
    stems = unique_stems(evidence.file_names)
    side = photograph(evidence.pixels[0]).width
    sheets = {
        rank: _Sheet.draw(
            (rank, at_rank.taxa), evidence.geometry, side, shared_maximum(at_rank.relevance, evidence.geometry)
        )
        for rank, at_rank in evidence.ranks.items()
    }
    for rank in sheets:
        (folder / rank).mkdir(parents=True, exist_ok=True)

    def write(rows: range) -> list[Path]:
        return _write_batch(evidence, sheets, {row: f"{stems[row]}.png" for row in rows}, folder)

    written: list[Path] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for files in pool.map(write, [range(n)[start : start + _BATCH] for start in range(0, n, _BATCH)]):
            written += files
            report(Progress(task="heat maps", done=len(written) // len(sheets), total=n, unit="images"))
    return written


def shared_maximum(relevance: NDArray[np.float32], geometry: CellGeometry) -> float:
    """Where a scale shared by N maps (N, cells, cells) ends: nearly the largest value drawn, not a single outlier's."""
    largest = [geometry.draw(positive(map_)).max() for map_ in relevance]
    return float(np.percentile(largest, SHARED_PERCENTILE))


def unique_stems(file_names: Sequence[str]) -> list[str]:
    """Names for the pictures of image files: folders joined by "_", without suffix, numbered where two would be alike.

    What would be too long for a file is shortened.

    >>> unique_stems(["a/1.jpg", "b/1.jpg", "b/1.png"])
    ['a_1', 'b_1', 'b_1_2']
    """
    taken: set[str] = set()
    stems = []
    for file_name in file_names:
        stem = short_stem("_".join(part.strip("/") for part in PurePosixPath(file_name).with_suffix("").parts))
        choices = itertools.chain([stem], (f"{stem}_{k}" for k in itertools.count(2)))
        chosen = next(choice for choice in choices if choice.casefold() not in taken)
        taken.add(chosen.casefold())
        stems.append(chosen)
    return stems


def _write_batch(
    evidence: RunEvidence, sheets: Mapping[Rank, _Sheet], names: Mapping[int, str], folder: Path
) -> list[Path]:
    """Write the pictures of some images, rows of the evidence, under these names."""
    plates = {rank: sheet.blank.copy() for rank, sheet in sheets.items()}
    filtered = np.empty((0, 0), dtype=np.uint8)
    files = []
    small = Lettering.load(10)
    for row, name in names.items():
        image = photograph(evidence.pixels[row])
        source = [(small.shorten(evidence.file_names[row], image.width), False)]
        file_name = small.strip(source, GREY, image.width)
        for rank, sheet in sheets.items():
            sheet.fill(plates[rank], evidence.ranks[rank], row, image, file_name)
            filtered = _filter_up(plates[rank], filtered)
            files.append(_write_png(filtered, folder / rank / name))
    return files


@dataclass(frozen=True)
class _Sheet:
    """The pictures of one rank, with all they share drawn once.

    Attributes:
        blank: (height, width, 3) uint8, everything but photograph, maps and what is said of one image.
        identified: a line for each taxon.
        labelled: likewise; one more, at -1, is for a label that leaves the rank open.
        maximum: where the shared scale ends.
    """

    geometry: CellGeometry
    colouring: Colouring
    blank: Pixels
    identified: list[Pixels]
    labelled: list[Pixels]
    as_labelled: Pixels
    maximum: float
    large: Lettering
    small: Lettering

    @classmethod
    def draw(
        cls,
        taxa_at: tuple[Rank, Sequence[Taxon]],
        geometry: CellGeometry,
        side: int,
        maximum: float,
        unlabelled: str = "the label leaves it open",
    ) -> _Sheet:
        """Draw what is shared by pictures of one rank's taxa, whose photographs have `side` px."""
        large, middle, small = (Lettering.load(size) for size in (14, 11, 10))
        colouring, (rank, taxa) = heat_colouring(), taxa_at
        names = [name_spans(taxon.name, taxon.rank) for taxon in taxa]
        here = f"{rank} rank"
        identified = [large.strip([("Identified as ", False), *name, (", probability ", False)]) for name in names]
        labelled = [middle.strip([(f"{here}; label: ", False), *name], RED) for name in names]
        is_open = middle.strip([(f"{here}; {unlabelled}", False)], GREY)
        return cls(
            geometry=geometry,
            colouring=colouring,
            blank=np.array(_blank(side, maximum, colouring, small)),
            identified=[np.asarray(line) for line in identified],
            labelled=[np.asarray(line) for line in (*labelled, is_open)],
            as_labelled=np.asarray(middle.strip([(f"{here}; as labelled", False)], GREY)),
            maximum=maximum,
            large=large,
            small=small,
        )

    def fill(self, plate: Pixels, evidence: RankEvidence, row: int, image: Image.Image, file_name: Image.Image) -> None:
        """Draw one image, given its photograph and its name, on a copy of `blank` that may hold another one."""
        drawn = self.geometry.draw(positive(evidence.relevance[row]))
        own = float(drawn.max())
        side, columns = image.width, _columns(image.width)
        maps = (self.colouring.lay(heat_levels(drawn, maximum), image) for maximum in (self.maximum, own))
        for left, square in zip(columns, (image, *maps), strict=True):
            _paste(plate, square, (left, _HEAD))
        self._head(plate, evidence, row)
        below = _HEAD + side + 5 + self.small.height
        _paste(plate, file_name, (columns[0], below))
        _paste(
            plate,
            self.small.strip([(three_digits(own), False)], GREY, side // 3),
            _bar_end(columns[2], side, self.small),
        )

    def _head(self, plate: Pixels, evidence: RankEvidence, row: int) -> None:
        identified, label = evidence.y_pred[row], evidence.y_true[row]
        plate[:_HEAD] = self.blank[:_HEAD]
        line = self.identified[identified]
        probability = self.large.strip([(f"{evidence.y_prob[row, identified]:.2f}", False)])
        _paste(plate, line, (_MARGIN, 6))
        _paste(plate, probability, (_MARGIN + line.shape[1] - 2, 6))
        _paste(plate, self.as_labelled if identified == label else self.labelled[label], (_MARGIN, 27))


class OverlayWriter:
    """Writes the heat map of one image after another, as they are identified.

    Attributes:
        folder: where the pictures go, as `<name of the image file>-<part of the identification's id>.png`.
    """

    def __init__(
        self,
        folder: Path,
        taxa: Mapping[Rank, Sequence[Taxon]],
        geometry: CellGeometry,
        maxima: Mapping[Rank, float],
    ) -> None:
        """Set up the pictures.

        Args:
            folder: made where there is none.
            taxa: of each rank, lowest first.
            geometry: where the cells lie.
            maxima: rank → where the scale shared by all images ends.
        """
        self.folder = folder
        self._taxa, self._geometry, self._maxima = taxa, geometry, maxima
        self._small = Lettering.load(10)
        self._sheets: dict[tuple[Rank, str], _Sheet] = {}
        self._filtered = np.empty((0, 0), dtype=np.uint8)
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, explained: Explained) -> None:
        """Draw why an image was identified as it was, at the rank that is defended, else at the lowest one."""
        found = explained.identification
        rank = self._rank(found)
        image = photograph(explained.pixels)
        status = found.status.value
        if (rank, status) not in self._sheets:
            self._sheets[rank, status] = _Sheet.draw(
                (rank, self._taxa[rank]), self._geometry, image.width, self._maxima[rank], status
            )
        sheet = self._sheets[rank, status]
        plate = sheet.blank.copy()
        line = self._small.strip([(self._small.shorten(found.file_names[0], image.width), False)], GREY, image.width)
        sheet.fill(plate, _alone(rank, self._taxa[rank], explained), 0, image, line)
        self._filtered = _filter_up(plate, self._filtered)
        name = f"{unique_stems([Path(found.file_names[0]).name])[0]}-{found.identification_id[-12:]}.png"
        _write_png(self._filtered, self.folder / name)

    def _rank(self, found: Identification) -> Rank:
        """The rank whose most probable taxon was the answer."""
        at_own = [each.rank for each in found.ranks if each.scientific_name == found.scientific_name]
        return at_own[0] if at_own else found.ranks[0].rank


def _alone(rank: Rank, taxa: Sequence[Taxon], explained: Explained) -> RankEvidence:
    """One image without a label, with the calibrated probability of its taxon."""
    found = next(each for each in explained.identification.ranks if each.rank == rank)
    column = next(place for place, taxon in enumerate(taxa) if taxon.name == found.scientific_name)
    relevance = explained.evidence[rank].relevance[:, column]
    y_prob = np.zeros((1, len(taxa)), dtype=np.float32)
    y_prob[0, column] = found.probability
    y_pred, nothing = np.array([column]), np.array([-1])
    return RankEvidence(rank, tuple(taxa), nothing, y_pred, nothing, y_prob, relevance, relevance, relevance)


def _paste(plate: Pixels, picture: Image.Image | Pixels, place: tuple[int, int]) -> None:
    """Lay a small picture on a plate, its upper left corner at `place`; what juts out is cut off."""
    left, top = place
    pixels = np.asarray(picture)
    room = plate[top : top + len(pixels), left : left + pixels.shape[1]]
    room[:] = pixels[:, : room.shape[1]]


def _columns(side: int) -> tuple[int, int, int]:
    """Left edges of the three squares, px."""
    first, second, third = (_MARGIN + place * (side + _GAP) for place in range(3))
    return first, second, third


def _bar_end(left: int, side: int, lettering: Lettering) -> tuple[int, int]:
    """Where the number at the upper end of a colour bar is written, beneath the square at `left`."""
    return left + 11 + _BAR[0] + 5, _HEAD + side + 7 + 2 * lettering.height


def _blank(side: int, maximum: float, colouring: Colouring, lettering: Lettering) -> Image.Image:
    """The legend beneath the three squares."""
    columns = _columns(side)
    blank = Image.new("RGB", (columns[2] + side + _MARGIN, _HEAD + side + _FOOT), WHITE)
    captions = (
        ("Photograph",),
        ("One scale for all images, up to the", f"{SHARED_PERCENTILE}th percentile of their maxima"),
        ("Scaled to this image's own maximum,", "which makes weak evidence look strong"),
    )
    for left, lines in zip(columns, captions, strict=True):
        for place, line in enumerate(lines):
            lettering.write(blank, (left, _HEAD + side + 5 + place * lettering.height), [(line, False)], BLACK)
    for left in columns[1:]:
        top = _bar_end(left, side, lettering)[1]
        lettering.write(blank, (left, top), [("0", False)], GREY)
        blank.paste(colouring.bar(*_BAR), (left + 11, top + 2))
        lettering.write(blank, (left, top + lettering.height), [(UNIT, False)], GREY)
    lettering.write(blank, _bar_end(columns[1], side, lettering), [(f"{three_digits(maximum)} or more", False)], GREY)
    return blank


def _filter_up(rows: Pixels, filtered: Pixels) -> Pixels:
    """PNG's filter "up", each line less the one above: (height, width, 3) → (height, 1 + 3 width).

    Args:
        rows: the picture.
        filtered: what an earlier call gave, to be overwritten if it has the size.
    """
    height, width, _ = rows.shape
    if filtered.shape != (height, 1 + 3 * width):
        filtered = np.empty((height, 1 + 3 * width), dtype=np.uint8)
    lines = rows.reshape(height, -1)
    filtered[:, 0] = 2
    filtered[0, 1:] = lines[0]
    np.subtract(lines[1:], lines[:-1], out=filtered[1:, 1:])
    return filtered


def _write_png(filtered: Pixels, file: Path) -> Path:
    """Write an RGB picture in about half of Pillow's time, which tries every filter on every line."""
    height, length = filtered.shape
    per_metre = round(DPI / 0.0254)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", length // 3, height, 8, 2, 0, 0, 0)),
        (b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1)),
        (b"IDAT", zlib.compress(filtered.data, level=1)),
        (b"IEND", b""),
    )
    with whole(file) as beside, beside.open("wb") as stream:
        stream.write(b"\x89PNG\r\n\x1a\n")
        for name, content in chunks:
            stream.write(struct.pack(">I", len(content)) + name + content)
            stream.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(name))))
    return file
