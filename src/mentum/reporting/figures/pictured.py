"""How the images of an explanation are shown: as sharp as their files allow, with what their identifications need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from PIL import Image

from mentum.explanation.evidence import RunEvidence
from mentum.explanation.needs import ImageNeeds
from mentum.explanation.sharp import SharpPictures
from mentum.reporting.figures.colouring import photograph
from mentum.reporting.figures.necessity_bars import NecessityBars
from mentum.taxonomy import Rank

_LEAST, _MOST = 224, 512
"""Sides of a photograph, px: captions fit below the first, and thousands of pictures fit on a disk below the second."""


@dataclass(frozen=True)
class Pictured:
    """The images of a run.

    Attributes:
        sharp: reads them again; None = as the network sees them.
        needs: what their identifications need at each rank; empty where that was not measured.
    """

    evidence: RunEvidence
    sharp: SharpPictures | None = None
    needs: Mapping[Rank, ImageNeeds] = field(default_factory=dict)

    def photograph(self, row: int) -> Image.Image:
        """An image's square; all have one side, a multiple of the network's."""
        if self.sharp is None:
            return photograph(self.evidence.pixels[row])
        return Image.fromarray(self.sharp.square(self.evidence.file_names[row], self.side))

    @property
    def side(self) -> int:
        """Of a photograph, px: twice the network's or more, unless that were too much."""
        size = self.evidence.geometry.size
        times = max(2, -(-_LEAST // size)) if self.sharp else -(-_LEAST // size)
        return times * size if times * size <= _MOST else size

    def bars(self, rank: Rank) -> NecessityBars | None:
        """Charts of necessities at a rank, where these were measured."""
        return NecessityBars(self.needs[rank]) if rank in self.needs else None
