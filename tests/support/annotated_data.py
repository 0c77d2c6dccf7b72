"""COCO files and their images, small and by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

SIZE = (40, 20)
"""Width and height of the images."""


def box(left: float, top: float, right: float, bottom: float) -> list[float]:
    """A rectangle as a COCO polygon."""
    return [left, top, right, top, right, bottom, left, bottom]


def write_images(root: Path, *names: str, size: tuple[int, int] = SIZE) -> list[str]:
    """Blank images; returns their names."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size).save(root / name)
    return list(names)


def image(number: Any, name: str, size: tuple[int, int] = SIZE) -> dict[str, Any]:
    return {"id": number, "file_name": name, "width": size[0], "height": size[1]}


def region(number: Any, image_id: Any, category_id: Any, *polygons: list[float], **more: Any) -> dict[str, Any]:
    record = {"id": number, "image_id": image_id, "category_id": category_id, "segmentation": list(polygons)}
    return record | more


def categories(*names: str, first: int = 1, **outlines: str) -> list[dict[str, Any]]:
    """Categories numbered from `first`, without supercategory unless given as name=supercategory."""
    return [
        {"id": number, "name": name, "supercategory": outlines.get(name, "")}
        for number, name in enumerate(dict.fromkeys((*names, *outlines)), start=first)
    ]


def write_coco_by_hand(
    file: Path, images: Sequence[Any], annotations: Sequence[Any], kinds: Sequence[Any], **more: Any
) -> Path:
    """Write the lists as they are, with whatever else."""
    file.write_text(json.dumps({"images": images, "annotations": annotations, "categories": kinds} | more))
    return file
