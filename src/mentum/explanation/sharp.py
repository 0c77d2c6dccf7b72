"""Photographs sharper than the network sees them, for pictures that people look at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mentum.explanation.annotation.characters import Annotations
from mentum.explanation.exemplar import Exemplar
from mentum.settings import PixelSettings
from mentum.specimens.pixels import square_pixels
from mentum.specimens.run_images import RunImages

EXEMPLAR_SIDE = 768
"""Of the specimen on which characters are shown, px: enough for print."""
SMALL_SIDE = 448
"""Likewise of many specimens in one figure."""


@dataclass(frozen=True)
class SharpPictures:
    """The images of a run, read again.

    A square of the side that the network sees times a whole number shows every place where the network's own shows it,
    to half of its px.

    Attributes:
        root: folder that file names are relative to.
        settings: the square that the network sees.
    """

    root: Path
    settings: PixelSettings

    @classmethod
    def of(cls, images: RunImages) -> SharpPictures:
        """Those of a run."""
        return cls(images.root, images.run.record().settings.pixels)

    def side(self, most: int) -> int:
        """The largest multiple of the network's side that is at most `most`, but never less than that side."""
        return max(1, most // self.settings.size) * self.settings.size

    def square(self, file_name: str, side: int) -> NDArray[np.uint8]:
        """(side, side, 3) uint8: an image as the network's square shows it, as sharp as its file allows."""
        return square_pixels(self.root / file_name, self.settings.model_copy(update={"size": side}))

    def exemplar(self, file_name: str, annotations: Annotations, most: int = EXEMPLAR_SIDE) -> Exemplar:
        """A specimen with its characters, sharp enough for print; its side is at most `most` px."""
        side = self.side(most)
        return Exemplar(self.square(file_name, side), annotations.names, annotations.masks(file_name, side))
