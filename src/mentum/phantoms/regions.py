"""Outlines of the drawn characters, in the form of COCO."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from mentum.specimens import coco
from mentum.specimens.coco import Points, Region

__all__ = ["CATEGORIES", "Region", "regions", "write_coco"]

CATEGORIES = (
    ("mentum", "character"),
    ("ventromental_plate", "character"),
    ("mandible", "character"),
    ("submentum", "character"),
    ("postoccipital_margin", "character"),
    ("head_capsule", "specimen"),
)


def regions(characters: Iterable[tuple[str, Points]], width: int, height: int) -> list[Region]:
    """The outlines within the image, rounded to a tenth of a pixel; those wholly outside are left out."""
    placed = (coco.region_in_image(name, outline, width, height) for name, outline in characters)
    return [region for region in placed if region]


def write_coco(path: Path, images: Sequence[tuple[str, int, int]], drawn: Sequence[list[Region]]) -> None:
    """Writes images (file name, width, height) and their regions as one COCO file."""
    coco.write_coco(path, images, drawn, dict(CATEGORIES))
