"""The shape of one annotated region: from polygons, run lengths or a box to the share of each pixel that it covers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as pycocotools

from mentum.errors import DataError
from mentum.specimens.coco import Points, area, clipped
from mentum.specimens.placements import Box, SquarePlacement

_FINE = 4
"""Regions are drawn at this many times the square's size, then averaged."""
_TOO_FAR = 1e9
"""No coordinate and no run length reaches this far, nor does infinity or NaN stay below it."""
_NO_AREA = 1e-6
"""Px²: what rounding may leave of none."""
_FILLED = 255


class ShapeError(DataError):
    """One annotation whose shape cannot be used; the message lacks the place, which the caller knows."""


@dataclass(frozen=True)
class Shape:
    """Where one annotation lies in its image.

    Attributes:
        polygons: their union; corners (N, 2) float64, x and y in px, within the image, the first pixel being
            [0, 1) by [0, 1).
        runs: or (K,) int32: lengths of runs outside and inside by turns, down the columns from left to right.
    """

    polygons: tuple[Points, ...] = ()
    runs: NDArray[np.int32] | None = None


def read_shape(annotation: Mapping[str, Any], width: int, height: int) -> Shape:
    """Read the `segmentation` of a COCO annotation, or its `bbox` where there is none, with its rotation.

    Args:
        annotation: as in the file; nothing in it is trusted.
        width: of the image, px.
        height: likewise.

    Raises:
        ShapeError: if it has another form, is empty or lies outside the image.
    """
    segmentation = annotation.get("segmentation")
    if isinstance(segmentation, dict):
        return Shape(runs=_read_runs(segmentation, width, height))
    if segmentation is None or segmentation in ([], [[]]):
        return Shape(polygons=(_within(_read_box(annotation), width, height),))
    if isinstance(segmentation, list):
        if _is_box(segmentation, annotation.get("bbox")):
            return Shape(polygons=(_within(_read_box(annotation), width, height),))
        return Shape(polygons=_read_polygons(segmentation, width, height))
    raise ShapeError(
        f"found the segmentation {short(segmentation)}; expected lists of x and y, or run lengths; export it again."
    )


def short(value: object, most: int = 60) -> str:
    """A value of a file, for a message.

    >>> short([1, 2, 3], most=5)
    '[1, 2 …'
    """
    written = repr(value)
    return written if len(written) <= most else f"{written[:most]} …"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -_TOO_FAR < value < _TOO_FAR


def _is_box(segmentation: list[Any], box: object) -> bool:
    """Whether an outline is but the annotation's upright box, which CVAT may have rotated; it rotates no polygon."""
    try:
        corners = _corners(*segmentation)
        left, top, width, height = _box(box)
    except (ShapeError, TypeError):
        return False
    return {(x, y) for x, y in corners.tolist()} == {
        (x, y) for x in (left, left + width) for y in (top, top + height)
    } and len(corners) in {4, 5}


def _read_box(annotation: Mapping[str, Any]) -> Points:
    """The corners of a box, rotated as CVAT writes it: degrees, clockwise around its centre."""
    left, top, width, height = _box(annotation.get("bbox"))
    right, bottom = left + width, top + height
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float64)
    angle = np.radians(_rotation(annotation))
    if angle == 0:
        return corners
    centre = corners.mean(axis=0)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    rotated: Points = (corners - centre) @ turn + centre
    return rotated


def _rotation(annotation: Mapping[str, Any]) -> float:
    if annotation.get("rotation") not in (None, 0):
        raise ShapeError(
            f"found a box with the rotation {short(annotation['rotation'])} outside of attributes, which may be about "
            "its centre or a corner; expected it in attributes, as CVAT writes it, or an outline; export polygons."
        )
    attributes = annotation.get("attributes")
    rotation = attributes.get("rotation") if isinstance(attributes, dict) else None
    if rotation is None:
        return 0
    if not _is_number(rotation):
        raise ShapeError(f"found a box with the rotation {short(rotation)}; expected degrees; export it again.")
    return float(rotation)


def _box(box: object) -> tuple[float, float, float, float]:
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        raise ShapeError(
            f"found no segmentation and the box {short(box)}; expected an outline, or left, top, width and height of a "
            "box; draw it again or delete it."
        )
    left, top, width, height = box
    if width <= 0 or height <= 0:
        raise ShapeError(f"found a box of {width} x {height} px; expected an area; draw it again or delete it.")
    return left, top, width, height


def _read_polygons(segmentation: list[Any], width: int, height: int) -> tuple[Points, ...]:
    polygons = [_corners(polygon) for polygon in segmentation]
    kept = [polygon for polygon in polygons if _has_area(polygon)]  # lines and dots beside an area add nothing
    if not kept:
        raise ShapeError(
            f"found a polygon without area ({max(map(len, polygons))} corners); expected three corners or more, not on "
            "one line; draw it again or delete it."
        )
    return tuple(_within(polygon, width, height) for polygon in kept)


def _corners(polygon: object) -> Points:
    if not isinstance(polygon, list) or not all(map(_is_number, polygon)):
        raise ShapeError(f"found {short(polygon)} for a polygon; expected numbers x, y, x, y …; export it again.")
    if len(polygon) % 2:
        raise ShapeError(f"found a polygon of {len(polygon)} numbers; expected pairs of x and y; export it again.")
    return np.array(polygon, dtype=np.float64).reshape(-1, 2)


def _has_area(polygon: Points) -> bool:
    """Whether any triangle of the fan from the first corner has area; in a figure of eight they cancel out in sum."""
    x, y = (polygon - polygon[:1]).T
    return bool((np.abs(x[1:-1] * y[2:] - x[2:] * y[1:-1]) > _NO_AREA).any())


def _within(polygon: Points, width: int, height: int) -> Points:
    """The part of a polygon within the image."""
    (left, top), (right, bottom) = polygon.min(axis=0), polygon.max(axis=0)
    if min(left, top) >= 0 and right <= width and bottom <= height:
        return polygon
    inside = clipped(polygon, width, height)
    if len(inside) >= 3 and area(inside) > _NO_AREA:
        return inside
    raise ShapeError(
        f"found a region at x {left:g} to {right:g} and y {top:g} to {bottom:g}, outside the image of {width} x "
        f"{height} px; expected one within it; check that it was drawn on this image in this size."
    )


def _read_runs(segmentation: Mapping[str, Any], width: int, height: int) -> NDArray[np.int32]:
    counts, size = segmentation.get("counts"), segmentation.get("size")
    if size != [height, width]:
        raise ShapeError(
            f"found run lengths of size {short(size)}; expected [{height}, {width}], height and width of the image; "
            "export the masks in the size of the image."
        )
    runs = _decompress(counts.encode(errors="surrogatepass")) if isinstance(counts, str) else _listed(counts)
    if runs is None or (runs < 0).any() or runs.sum() != width * height:
        raise ShapeError(
            f"found run lengths {short(counts)} that do not fill the image; expected COCO's run lengths, plain or "
            "compressed; export it again."
        )
    if not runs[1::2].any():
        raise ShapeError("found run lengths without any pixel; expected a region; draw it again or delete it.")
    return runs.astype(np.int32)


def _listed(counts: object) -> NDArray[np.int64] | None:
    if not isinstance(counts, list) or not all(_is_number(count) and count == int(count) for count in counts):
        return None
    return np.array(counts, dtype=np.int64)


def _decompress(counts: bytes) -> NDArray[np.int64] | None:
    """COCO's compressed run lengths → (K,) int64, or None where they are none.

    Five bits a character and one that tells whether more follow, the lowest first; from the fourth run on, each is
    written as its difference from the one two before. `pycocotools.decode` is not used, as it takes strings that break
    off or leave part of the image open, and calls NumPy in a way that NumPy warns of.

    >>> _decompress(b"32").tolist()
    [3, 2]
    """
    bits = np.frombuffer(counts, dtype=np.uint8).astype(np.int64) - 48
    ends = np.flatnonzero((bits & 32) == 0)
    if not len(bits) or bits.min() < 0 or bits.max() > 63 or ends[-1:].tolist() != [len(bits) - 1]:
        return None
    lengths = np.diff(ends, prepend=-1)
    if lengths.max() > 7:  # more than any image needs, and than an integer holds
        return None
    starts = ends - lengths + 1
    shift = 5 * (np.arange(len(bits)) - np.repeat(starts, lengths))
    runs: NDArray[np.int64] = np.add.reduceat((bits & 31) << shift, starts)
    runs -= np.where(bits[ends] & 16, 1, 0) << (5 * lengths)
    for strand in (runs[1::2], runs[2::2]):
        np.cumsum(strand, out=strand)
    return runs


def cover(shapes: Sequence[Shape], placement: SquarePlacement) -> NDArray[np.float32]:
    """What a union of shapes covers of each pixel of the image's square.

    Returns:
        (size, size) float32, 0 to 1; edges lie to a quarter of a pixel.
    """
    covered = np.zeros((placement.size, placement.size), dtype=np.float32)
    if 0 in placement.inner:  # too narrow an image to have a pixel in the square
        return covered
    polygons = [polygon for shape in shapes for polygon in shape.polygons]
    if polygons:
        _draw(polygons, placement, covered)
    runs = [shape.runs for shape in shapes if shape.runs is not None]
    if runs:
        _fill(runs, placement, covered)
    return covered


def _draw(polygons: Sequence[Points], placement: SquarePlacement, covered: NDArray[np.float32]) -> None:
    """Draw a union of polygons within its bounding box only."""
    placed = [placement.place(polygon) for polygon in polygons]
    corners = np.concatenate(placed)
    start = np.clip(np.floor(corners.min(axis=0)), 0, placement.size - 1).astype(int)
    stop = np.clip(np.ceil(corners.max(axis=0)), start + 1, placement.size).astype(int)
    fine = [((polygon - start) * _FINE).ravel().tolist() for polygon in placed]
    width, height = ((stop - start) * _FINE).tolist()
    runs = _decompress(pycocotools.merge(pycocotools.frPyObjects(fine, height, width))["counts"])
    assert runs is not None
    drawn = Image.fromarray(expand(runs, width, height)).reduce(_FINE)
    covered[start[1] : stop[1], start[0] : stop[0]] = np.asarray(drawn).T / np.float32(_FILLED)


def _fill(runs: Sequence[NDArray[np.int32]], placement: SquarePlacement, covered: NDArray[np.float32]) -> None:
    """Add a union of masks."""
    mask = np.bitwise_or.reduce([expand(each, placement.width, placement.height) for each in runs])
    first, upper, last, lower = placement.shown
    mask = mask[first:last, upper:lower]
    width, height = placement.inner
    fine = Image.fromarray(mask.T).resize((width * _FINE, height * _FINE), Image.Resampling.BOX)
    filled = fine.reduce(_FINE)
    part = covered[placement.top : placement.top + height, placement.left : placement.left + width]
    np.maximum(part, np.asarray(filled, dtype=np.float32) / np.float32(_FILLED), out=part)


def is_within(shapes: Sequence[Shape], box: Box, height: int) -> bool:
    """Whether shapes lie in a part of an image of a height, px."""
    corners = [polygon for shape in shapes for polygon in shape.polygons]
    for shape in shapes:
        if shape.runs is not None:
            places = np.flatnonzero(np.repeat(np.arange(len(shape.runs)) % 2, shape.runs))
            columns, rows = np.divmod(places, height)
            corners += [np.stack([columns, rows], axis=1), np.stack([columns + 1, rows + 1], axis=1)]
    points = np.concatenate(corners)
    return bool((points >= box[:2]).all() and (points <= box[2:]).all())


def expand(runs: NDArray[np.integer], width: int, height: int) -> NDArray[np.uint8]:
    """Run lengths → (width, height) uint8, 0 or 255: a row for each column of the image."""
    values = np.zeros(len(runs), dtype=np.uint8)
    values[1::2] = _FILLED
    return np.repeat(values, runs).reshape(width, height)


def run_lengths(mask: NDArray[np.uint8]) -> NDArray[np.int32]:
    """A mask (width, height) → run lengths; the inverse of `expand`.

    >>> run_lengths(np.array([[0, 255], [255, 0]], dtype=np.uint8)).tolist()
    [1, 2, 1]
    """
    values = mask.ravel() > 0
    changes = np.flatnonzero(np.diff(values, prepend=False))
    return np.diff(changes, prepend=0, append=values.size).astype(np.int32)
