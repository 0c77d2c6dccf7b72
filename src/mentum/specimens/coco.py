"""Polygons in an image's own pixels, and the COCO file that holds them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mentum.files import write_text

Points = NDArray[np.float64]  # (N, 2): x to the right, y down where they lie in an image

Region = tuple[str, list[float]]
"""Name of a category, and x, y, x, y ... in pixels."""


def area(polygon: Points) -> float:
    """Area within a polygon (shoelace formula).

    >>> area(np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0]]))
    2.0
    """
    x, y = polygon[:, 0], polygon[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def clipped(polygon: Points, width: float, height: float) -> Points:
    """The part of a polygon that lies in an image (Sutherland-Hodgman); may be empty.

    >>> clipped(np.array([[-1.0, 0.0], [1.0, 0.0], [1.0, 2.0], [-1.0, 2.0]]), 4, 4).tolist()
    [[0.0, 0.0], [1.0, 0.0], [1.0, 2.0], [0.0, 2.0]]
    """
    for axis, limit, sign in ((0, 0.0, 1.0), (0, width, -1.0), (1, 0.0, 1.0), (1, height, -1.0)):
        polygon = _cut(polygon, axis, limit, sign)
    return polygon


def _cut(polygon: Points, axis: int, limit: float, sign: float) -> Points:
    depth = sign * (polygon[:, axis] - limit)
    if (depth >= 0).all():
        return polygon
    kept: list[Points] = []
    for i, point in enumerate(polygon):
        before, here = depth[i - 1], depth[i]
        if (before < 0) != (here < 0):
            kept.append(polygon[i - 1] + (point - polygon[i - 1]) * (before / (before - here)))
        if here >= 0:
            kept.append(point)
    return np.array(kept).reshape(-1, 2)


def region_in_image(category: str, outline: Points, width: int, height: int) -> Region | None:
    """The part of an outline that lies in the image, rounded to a tenth of a pixel; None where nothing does."""
    inside = clipped(outline, width, height).round(1)
    if len(inside) < 3 or area(inside) == 0:
        return None
    return category, inside.ravel().tolist()


def write_coco(
    path: Path,
    images: Sequence[tuple[str, int, int]],
    drawn: Sequence[Sequence[Region]],
    categories: Mapping[str, str],
    proposed: str | None = None,
) -> None:
    """Write images and their regions as one COCO file, which appears whole or not at all.

    Args:
        path: the file.
        images: file name, width and height of each image, px.
        drawn: the regions of each image.
        categories: name → supercategory, in the order of their numbers, which start at 1.
        proposed: where the regions were not outlined by anyone: how they came about, for `info`. Each is then marked
            uncertain.
    """
    numbers = {name: i for i, name in enumerate(categories, start=1)}
    annotations: list[dict[str, Any]] = []
    for image_id, found in enumerate(drawn, start=1):
        annotations += [
            {"id": len(annotations) + i, "image_id": image_id, "category_id": numbers[name]}
            | _annotation(outline, uncertain=proposed is not None)
            for i, (name, outline) in enumerate(found, start=1)
        ]
    record = ({} if proposed is None else {"info": {"description": proposed}}) | {
        "images": [
            {"id": i, "file_name": name, "width": width, "height": height}
            for i, (name, width, height) in enumerate(images, start=1)
        ],
        "annotations": annotations,
        "categories": [{"id": numbers[name], "name": name, "supercategory": kind} for name, kind in categories.items()],
    }
    write_text(json.dumps(record, separators=(",", ":")), path)


def _annotation(flat: list[float], *, uncertain: bool) -> dict[str, Any]:
    x, y = flat[0::2], flat[1::2]
    return {
        "segmentation": [flat],
        "bbox": [min(x), min(y), round(max(x) - min(x), 1), round(max(y) - min(y), 1)],
        "area": round(area(np.array(flat).reshape(-1, 2)), 2),
        "iscrowd": 0,
        "attributes": {"uncertain": uncertain},
    }
