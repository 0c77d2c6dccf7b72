"""Tests of annotation drawn on images as they are stored, whatever their EXIF orientation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mentum.explanation.annotation.characters import Annotations, read_annotations
from mentum.specimens.images import exif_orientation
from support import awkward_images as awkward
from support.annotated_data import box, categories, image, write_coco_by_hand

WIDTH, HEIGHT = awkward.WIDE
THIRD = HEIGHT // 3
"""Side of the red block top left in the upright image."""

UNDO = {
    1: lambda x, y: (x, y), 2: lambda x, y: (WIDTH - x, y), 3: lambda x, y: (WIDTH - x, HEIGHT - y),
    4: lambda x, y: (x, HEIGHT - y), 5: lambda x, y: (y, x), 6: lambda x, y: (y, WIDTH - x),
    7: lambda x, y: (HEIGHT - y, WIDTH - x), 8: lambda x, y: (HEIGHT - y, x),
}  # fmt: skip
"""Orientation → where a point of the upright image lies in the stored one."""


def stored_box(orientation: int) -> tuple[float, float, float, float]:
    """The red block in the stored image: left, top, right, bottom."""
    (x, y), (x2, y2) = (UNDO[orientation](*corner) for corner in ((0, 0), (THIRD, THIRD)))
    return min(x, x2), min(y, y2), max(x, x2), max(y, y2)


def as_polygon(orientation: int) -> dict[str, Any]:
    return {"segmentation": [box(*stored_box(orientation))]}


def as_box(orientation: int) -> dict[str, Any]:
    left, top, right, bottom = stored_box(orientation)
    return {"segmentation": [], "bbox": [left, top, right - left, bottom - top]}


def as_runs(orientation: int) -> dict[str, Any]:
    left, top, right, bottom = map(int, stored_box(orientation))
    width, height = stored_size(orientation)
    mask = np.zeros((width, height), dtype=int)
    mask[left:right, top:bottom] = 1
    counts, value = [0], 0
    for each in mask.ravel().tolist():
        if each != value:
            counts.append(0)
            value = each
        counts[-1] += 1
    return {"segmentation": {"size": [height, width], "counts": counts}}


def stored_size(orientation: int) -> tuple[int, int]:
    return (HEIGHT, WIDTH) if orientation >= 5 else (WIDTH, HEIGHT)


def read(folder: Path, orientations: dict[str, int], shape: Any, size: Any = stored_size) -> Annotations:
    """Annotate the red block of each image where it is stored."""
    images, regions = [], []
    for number, (name, orientation) in enumerate(orientations.items(), start=1):
        awkward.write_turned(folder / name, orientation)
        images.append(image(number, name, size(orientation)))
        regions.append({"id": number, "image_id": number, "category_id": 1} | shape(orientation))
    file = write_coco_by_hand(folder / "c.json", images, regions, categories("block"))
    return read_annotations(file, list(orientations), folder)


def red(annotations: Annotations, name: str) -> NDArray[np.float32]:
    """What the region covers of the upright image."""
    square = annotations.masks(name, WIDTH)[0]
    top = (WIDTH - HEIGHT) // 2
    return square[top : top + HEIGHT]


EXPECTED = np.zeros((HEIGHT, WIDTH), dtype=np.float32)
EXPECTED[:THIRD, :THIRD] = 1


@pytest.mark.parametrize("shape", [as_polygon, as_box, as_runs], ids=["polygon", "box", "runs"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_regions_of_stored_images_are_turned(tmp_path: Path, orientation: int, shape: Any, suffix: str) -> None:
    """Another image, which lies on its side, tells that the program ignored EXIF."""
    name = f"1{suffix}"
    found = read(tmp_path, {name: orientation, "telling.jpg": 6}, shape)
    assert exif_orientation(tmp_path / name) == orientation
    np.testing.assert_array_equal(red(found, name), EXPECTED)
    np.testing.assert_array_equal(red(found, "telling.jpg"), EXPECTED)
    n = 1 + (orientation != 1)
    assert found.warnings[0] == (
        f"Images annotated as they are stored, not upright as their EXIF orientation says: {n}; their regions are "
        "turned with them."
    )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_regions_of_upright_images_stay(tmp_path: Path, orientation: int) -> None:
    upright = {"segmentation": [box(0, 0, THIRD, THIRD)]}
    found = read(tmp_path, {"1.jpg": orientation, "2.jpg": 8}, lambda _: upright, lambda _: awkward.WIDE)
    for name in ("1.jpg", "2.jpg"):
        np.testing.assert_array_equal(red(found, name), EXPECTED)
    assert len(found.warnings) == 1  # no outline


@pytest.mark.parametrize("orientation", [2, 3, 4])
def test_where_the_sides_tell_nothing_it_is_said(tmp_path: Path, orientation: int) -> None:
    upright = {"segmentation": [box(0, 0, THIRD, THIRD)]}
    found = read(tmp_path, {"1.jpg": orientation, "2.jpg": 1}, lambda _: upright)
    np.testing.assert_array_equal(red(found, "1.jpg"), EXPECTED)
    assert found.warnings[0].startswith(
        "Images with an EXIF orientation of which nothing tells whether they were annotated as stored: 1; they are "
        "taken as annotated upright."
    )


def test_where_images_tell_both_it_is_said(tmp_path: Path) -> None:
    sizes = {6: (HEIGHT, WIDTH), 8: (WIDTH, HEIGHT), 3: (WIDTH, HEIGHT)}
    shape = {"segmentation": [box(0, 0, THIRD, THIRD)]}
    found = read(tmp_path, {"1.jpg": 6, "2.jpg": 8, "3.jpg": 3}, lambda _: shape, sizes.__getitem__)
    assert [": 1; the" in warning for warning in found.warnings[:2]] == [True, True]
    np.testing.assert_array_equal(red(found, "3.jpg"), EXPECTED)
