"""The picture of one image at one rank: photograph, heat map on the scale of all images and on its own, and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mentum.explanation.evidence import RankEvidence
from mentum.maps import SHARED_PERCENTILE, CellGeometry, positive
from mentum.reporting.figures.colouring import UNIT, Colouring, heat_colouring, heat_levels
from mentum.reporting.figures.lettering import BLACK, GREY, RED, WHITE, Lettering, plain
from mentum.reporting.numbers import decimals, three_digits
from mentum.taxonomy import Rank, Taxon, name_spans

Pixels = NDArray[np.uint8]

HEAD = 48
"""Px above the photograph, for what is said of it."""

_MARGIN, _GAP, _FOOT = 10, 8, 66
_BAR = (110, 9)


@dataclass(frozen=True)
class Overlay:
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
    ) -> Overlay:
        """Draw what is shared by pictures of one rank's taxa, whose photographs have `side` px."""
        large, middle, small = (Lettering.load(size) for size in (14, 11, 10))
        colouring, (rank, taxa) = heat_colouring(), taxa_at
        names = [name_spans(taxon.name, taxon.rank) for taxon in taxa]
        here = f"{rank} rank"
        identified = [large.strip([("Identified as ", False), *name, (", probability ", False)]) for name in names]
        labelled = [middle.strip([(f"{here}; label: ", False), *name], RED) for name in names]
        is_open = middle.strip(plain(f"{here}; {unlabelled}"), GREY)
        return cls(
            geometry=geometry,
            colouring=colouring,
            blank=np.array(_blank(side, maximum, colouring, small)),
            identified=[np.asarray(line) for line in identified],
            labelled=[np.asarray(line) for line in (*labelled, is_open)],
            as_labelled=np.asarray(middle.strip(plain(f"{here}; as labelled"), GREY)),
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
            _paste(plate, square, (left, HEAD))
        self._head(plate, evidence, row)
        below = HEAD + side + 5 + self.small.height
        _paste(plate, file_name, (columns[0], below))
        _paste(
            plate,
            self.small.strip(plain(three_digits(own)), GREY, side // 3),
            _bar_end(columns[2], side, self.small),
        )

    def _head(self, plate: Pixels, evidence: RankEvidence, row: int) -> None:
        identified, label = evidence.y_pred[row], evidence.y_true[row]
        plate[:HEAD] = self.blank[:HEAD]
        line = self.identified[identified]
        probability = self.large.strip(plain(decimals(evidence.y_prob[row, identified], 2)))
        _paste(plate, line, (_MARGIN, 6))
        _paste(plate, probability, (_MARGIN + line.shape[1] - 2, 6))
        _paste(plate, self.as_labelled if identified == label else self.labelled[label], (_MARGIN, 27))


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
    return left + 11 + _BAR[0] + 5, HEAD + side + 7 + 2 * lettering.height


def _blank(side: int, maximum: float, colouring: Colouring, lettering: Lettering) -> Image.Image:
    """The legend beneath the three squares."""
    columns = _columns(side)
    blank = Image.new("RGB", (columns[2] + side + _MARGIN, HEAD + side + _FOOT), WHITE)
    captions = (
        ("Photograph",),
        ("One scale for all images, up to the", f"{SHARED_PERCENTILE}th percentile of their maxima"),
        ("Scaled to this image's own maximum,", "which makes weak evidence look strong"),
    )
    for left, lines in zip(columns, captions, strict=True):
        for place, line in enumerate(lines):
            lettering.write(blank, (left, HEAD + side + 5 + place * lettering.height), plain(line), BLACK)
    for left in columns[1:]:
        top = _bar_end(left, side, lettering)[1]
        lettering.write(blank, (left, top), plain("0"), GREY)
        blank.paste(colouring.bar(*_BAR), (left + 11, top + 2))
        lettering.write(blank, (left, top + lettering.height), plain(UNIT), GREY)
    lettering.write(blank, _bar_end(columns[1], side, lettering), plain(f"{three_digits(maximum)} or more"), GREY)
    return blank
