"""The section with photographs: wrong ones, the least certain and the surest, with their heat maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from mentum.evaluation.certainty import Identified, by_certainty
from mentum.explanation.gathering import StoredMaps, read_maps
from mentum.maps import positive
from mentum.reporting.figures.colouring import heat_colouring, heat_levels
from mentum.reporting.report.known import Known
from mentum.reporting.report.photographs import Photographs, jpeg
from mentum.reporting.report.rendering import render_file
from mentum.specimens.placements import SquarePlacement

MOST = 12
"""Images in a gallery."""


@dataclass(frozen=True)
class Gallery:
    """Photographs of one kind, of `total` that there are, each as data URIs of the photograph and its heat map."""

    title: str
    total: int
    shown: list[tuple[Identified, str, str | None]]


def show(known: Known) -> Markup:
    """Held-out images with their heat maps, where these are there."""
    galleries = _galleries(known) if known.headline and not known.photographs.missing else []
    return render_file(
        "images.html",
        known=known,
        galleries=galleries,
        explained=any(heat_map for gallery in galleries for *_, heat_map in gallery.shown),
    )


def _galleries(known: Known) -> list[Gallery]:
    """The wrong, the least certain right and the surest right images; none stands in two galleries."""
    temperatures = known.calibration.temperatures if known.calibration else {}
    images = by_certainty(known.run, known.sample, temperatures)
    pictures = _Pictures(known.photographs, read_maps(known.run, images.rank), known.record.settings.pixels.size)
    kinds = (
        ("Wrong, most certain first", images.wrong, images.wrong[:MOST]),
        ("Right, least certain first", images.right, images.right[::-1][:MOST]),
        ("Right, surest first", images.right, images.right[:-MOST][:MOST]),
    )
    return [
        Gallery(title, len(all_), [(each, *pictures.of(each.file_name)) for each in chosen])
        for title, all_, chosen in kinds
        if chosen
    ]


@dataclass(frozen=True)
class _Pictures:
    photographs: Photographs
    maps: StoredMaps | None
    size: int

    def of(self, file_name: str) -> tuple[str, str | None]:
        """Thumbnail and heat map."""
        image, whole = self.photographs.read_small(file_name)
        if self.maps is None or file_name not in self.maps.relevance or self.maps.geometry.size != self.size:
            return jpeg(image), None
        drawn = self.maps.geometry.draw(positive(self.maps.relevance[file_name]))
        box = self.maps.boxes.get(file_name)
        at = SquarePlacement(*(self.photographs.size(file_name) if box else whole), self.size, box)
        levels = heat_levels(drawn, float(drawn.max()))
        levels = levels[at.top : at.top + at.inner[1], at.left : at.left + at.inner[0]]
        return jpeg(image), jpeg(heat_colouring().lay(_over(image.size, levels, at), image))


def _over(size: tuple[int, int], levels: NDArray[np.uint8], at: SquarePlacement) -> NDArray[np.uint8]:
    """Levels of the part of an image that the network saw, on a thumbnail of all of it; zero around."""
    shares = size[0] / at.width, size[1] / at.height
    left, top, right, bottom = (
        min(round(side * shares[axis % 2]), size[axis % 2]) for axis, side in enumerate(at.shown)
    )
    part = Image.fromarray(levels).resize((max(1, right - left), max(1, bottom - top)), Image.Resampling.BILINEAR)
    whole = Image.new(part.mode, size)
    whole.paste(part, (left, top))
    return np.asarray(whole)
