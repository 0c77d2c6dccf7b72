"""Outlines of the drawn characters, in the form of COCO."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mentum.specimens.phantoms.outlines import Points, area, clipped

CATEGORIES = (
    ("mentum", "character"),
    ("ventromental_plate", "character"),
    ("mandible", "character"),
    ("submentum", "character"),
    ("postoccipital_margin", "character"),
    ("head_capsule", "specimen"),
)
IDS = {name: i + 1 for i, (name, _) in enumerate(CATEGORIES)}

Region = tuple[str, list[float]]  # character, and x, y, x, y ... in pixels


def regions(characters: Iterable[tuple[str, Points]], width: int, height: int) -> list[Region]:
    """The outlines within the image, rounded to a tenth of a pixel; those wholly outside are left out."""
    found = []
    for name, outline in characters:
        inside = clipped(outline, width, height).round(1)
        if len(inside) >= 3 and area(inside) > 0:
            found.append((name, inside.ravel().tolist()))
    return found


def write_coco(path: Path, images: Sequence[tuple[str, int, int]], drawn: Sequence[list[Region]]) -> None:
    """Writes images (file name, width, height) and their regions as one COCO file."""
    annotations: list[dict[str, Any]] = []
    for image_id, found in enumerate(drawn, start=1):
        annotations += [_annotation(len(annotations) + i, image_id, region) for i, region in enumerate(found, start=1)]
    record = {
        "images": [
            {"id": i, "file_name": name, "width": width, "height": height}
            for i, (name, width, height) in enumerate(images, start=1)
        ],
        "annotations": annotations,
        "categories": [{"id": IDS[name], "name": name, "supercategory": kind} for name, kind in CATEGORIES],
    }
    path.write_text(json.dumps(record, separators=(",", ":")), encoding="utf-8")


def _annotation(number: int, image_id: int, region: Region) -> dict[str, Any]:
    name, flat = region
    x, y = flat[0::2], flat[1::2]
    return {
        "id": number,
        "image_id": image_id,
        "category_id": IDS[name],
        "segmentation": [flat],
        "bbox": [min(x), min(y), round(max(x) - min(x), 1), round(max(y) - min(y), 1)],
        "area": round(area(np.array(flat).reshape(-1, 2)), 2),
        "iscrowd": 0,
        "attributes": {"uncertain": False},
    }
