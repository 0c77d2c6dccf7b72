"""Tests of the shapes of regions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pycocotools import mask as pycocotools

from mentum.explanation.annotation.shapes import Shape, ShapeError, cover, read_shape
from mentum.specimens.pixels import SquarePlacement
from support.annotated_data import box

WIDTH, HEIGHT = 40, 20
PLAIN = SquarePlacement(40, 20, 40)
"""The image in its own size, with 10 rows of padding above and below."""


def read(segmentation: Any, **more: Any) -> Shape:
    return read_shape({"segmentation": segmentation} | more, WIDTH, HEIGHT)


def covered(shape: Shape) -> NDArray[np.float32]:
    """The cover in the image's own pixels."""
    square = cover([shape], PLAIN)
    assert (square[:10] == 0).all()
    assert (square[30:] == 0).all()
    return square[10:30]


def filled(left: int, top: int, right: int, bottom: int) -> NDArray[np.float32]:
    pixels = np.zeros((HEIGHT, WIDTH), dtype=np.float32)
    pixels[top:bottom, left:right] = 1
    return pixels


def plain_runs(pixels: NDArray[Any]) -> dict[str, Any]:
    """Uncompressed run lengths, pixel by pixel."""
    counts, inside = [0], False
    for value in pixels.T.ravel() > 0:
        if value != inside:
            counts.append(0)
            inside = value
        counts[-1] += 1
    return {"size": list(pixels.shape), "counts": counts}


def compressed_runs(pixels: NDArray[Any]) -> dict[str, Any]:
    """Run lengths as pycocotools compresses them."""
    encoded = pycocotools.encode(np.asfortranarray(pixels > 0, dtype=np.uint8))
    return {"size": encoded["size"], "counts": encoded["counts"].decode()}


# Boxes that were rotated


def rotated(angle: float) -> NDArray[np.float64]:
    """Corners of the box of 10 by 4 px around (20, 10), clockwise as seen on the screen."""
    turn = math.radians(angle)
    sides = np.array([[-5, -2], [5, -2], [5, 2], [-5, 2]], dtype=float)
    x, y = sides.T
    return np.column_stack([20 + x * math.cos(turn) - y * math.sin(turn), 10 + x * math.sin(turn) + y * math.cos(turn)])


ROTATED = {"bbox": [15, 8, 10, 4]}


@pytest.mark.parametrize("angle", [45.0, 90, -30, 180, 359.9, 405, -750.5, 0.0])
@pytest.mark.parametrize("segmentation", [None, [], [[]], [box(15, 8, 25, 12)], [[*box(15, 8, 25, 12), 15, 8]]])
def test_a_box_is_rotated_around_its_centre(angle: float, segmentation: Any) -> None:
    shape = read(segmentation, **ROTATED, attributes={"occluded": False, "rotation": angle})
    np.testing.assert_allclose(covered(shape), covered(read([rotated(angle).ravel().tolist()])), atol=1e-6)


def test_a_box_is_rotated_clockwise() -> None:
    pixels = covered(read([], **ROTATED, attributes={"rotation": 45.0}))
    assert (pixels[12, 22], pixels[7, 17], pixels[12, 17], pixels[7, 22]) == (1, 1, 0, 0)


def test_what_a_rotation_pushes_out_of_the_image_is_cut_off() -> None:
    shape = read([], bbox=[0, 8, 40, 4], attributes={"rotation": 90})
    np.testing.assert_allclose(covered(shape), filled(18, 0, 22, 20), atol=1e-6)


@pytest.mark.parametrize("segmentation", [[box(3, 5, 9, 12)], [[3, 5, 9, 5, 9, 12]]])
def test_no_polygon_is_rotated(segmentation: Any) -> None:
    """An ellipse or a polygon has been drawn as it is."""
    shape = read(segmentation, bbox=[2, 5, 8, 7], attributes={"rotation": 45.0})
    np.testing.assert_array_equal(covered(shape), covered(read(segmentation)))


def test_no_run_lengths_are_rotated() -> None:
    mask = plain_runs(filled(3, 5, 9, 12))
    shape = read(mask, bbox=[3, 5, 6, 7], attributes={"rotation": 45.0})
    np.testing.assert_array_equal(covered(shape), filled(3, 5, 9, 12))


@pytest.mark.parametrize("attributes", [None, {}, [], {"rotation": 0}, {"rotation": None}, {"occluded": True}])
def test_a_box_without_rotation_stays(attributes: Any) -> None:
    np.testing.assert_array_equal(covered(read([], **ROTATED, attributes=attributes)), filled(15, 8, 25, 12))


@pytest.mark.parametrize("rotation", ["much", [45], float("nan"), True])
def test_a_rotation_that_is_no_number_is_refused(rotation: Any) -> None:
    with pytest.raises(ShapeError, match=r"found a box with the rotation .*; expected degrees; export it again"):
        read([], **ROTATED, attributes={"rotation": rotation})


def test_a_rotation_of_unknown_centre_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"found a box with the rotation 45 outside of attributes, which may be about"):
        read([], **ROTATED, rotation=45)
    assert read([box(3, 5, 9, 12)], rotation=45).polygons


# Polygons


def test_a_polygon_covers_the_pixels_within_it() -> None:
    np.testing.assert_array_equal(covered(read([box(3, 5, 9, 12)])), filled(3, 5, 9, 12))


def test_pixels_at_the_edge_are_covered_in_part() -> None:
    pixels = covered(read([box(3.5, 5, 9.25, 12)]))
    assert pixels[6, 2:11] == pytest.approx([0, 0.5, 1, 1, 1, 1, 1, 0.25, 0], abs=0.01)


def test_a_line_thinner_than_a_pixel_is_not_lost() -> None:
    assert covered(read([box(3.25, 0, 3.75, 20)])).sum() == pytest.approx(10, rel=0.01)


def test_the_area_of_a_slanted_polygon_is_right() -> None:
    angles = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    disc = np.column_stack([20 + 8 * np.cos(angles), 10 + 8 * np.sin(angles)])
    assert covered(read([disc.ravel().tolist()])).sum() == pytest.approx(math.pi * 64, rel=0.005)


def test_polygons_of_one_region_are_joined() -> None:
    pixels = covered(read([box(3, 5, 9, 12), box(6, 5, 12, 12), box(30, 0, 35, 3)]))
    np.testing.assert_array_equal(pixels, filled(3, 5, 12, 12) + filled(30, 0, 35, 3))


def test_what_reaches_out_of_the_image_is_cut_off() -> None:
    np.testing.assert_array_equal(covered(read([box(-500, -300, 7, 4)])), filled(0, 0, 7, 4))
    np.testing.assert_array_equal(covered(read([box(35, 15, 1e8, 1e8)])), filled(35, 15, 40, 20))


def test_a_region_at_the_very_edge_of_the_square() -> None:
    assert covered(read([box(40 - 1e-3, 0, 40, 20)])).max() == 0  # less than the finest pixel, and no failure
    np.testing.assert_array_equal(covered(read([box(0, 0, 40, 20)])), filled(0, 0, 40, 20))


def test_a_figure_of_eight_has_an_area() -> None:
    assert covered(read([[0, 0, 20, 20, 20, 0, 0, 20]])).sum() == pytest.approx(200, rel=0.03)


def test_dots_and_lines_beside_an_area_add_nothing() -> None:
    np.testing.assert_array_equal(covered(read([[1, 1, 2, 2], box(3, 5, 9, 12), [1, 1]])), filled(3, 5, 9, 12))


# Boxes


@pytest.mark.parametrize("segmentation", [None, [], [[]]])
def test_a_box_stands_for_a_missing_outline(segmentation: Any) -> None:
    np.testing.assert_array_equal(covered(read(segmentation, bbox=[3, 5, 6.0, 7])), filled(3, 5, 9, 12))


def test_an_outline_goes_before_a_box() -> None:
    np.testing.assert_array_equal(covered(read([box(3, 5, 9, 12)], bbox=[0, 0, 40, 20])), filled(3, 5, 9, 12))


# Run lengths


@pytest.mark.parametrize("encode", [plain_runs, compressed_runs])
def test_run_lengths_cover_the_same_pixels_as_the_polygon(encode: Any) -> None:
    np.testing.assert_array_equal(covered(read(encode(filled(3, 5, 9, 12)))), filled(3, 5, 9, 12))


@settings(deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 2**32 - 1), st.floats(0.05, 1))
def test_both_kinds_of_run_lengths_agree(width: int, height: int, seed: int, share: float) -> None:
    pixels = np.random.default_rng(seed).random((height, width)) < share
    pixels[0, 0] |= not pixels.any()
    plain, compressed = (
        read_shape({"segmentation": encode(pixels)}, width, height).runs for encode in (plain_runs, compressed_runs)
    )
    np.testing.assert_array_equal(plain, compressed)


@pytest.mark.parametrize("size", [30, 224, 300])
@pytest.mark.parametrize(("width", "height"), [(200, 121), (97, 161), (150, 150)])
def test_run_lengths_and_polygons_lie_alike_in_the_square(width: int, height: int, size: int) -> None:
    placement = SquarePlacement(width, height, size)
    drawn = read_shape({"segmentation": [box(20, 33, 67, 101)]}, width, height)
    pixels = np.zeros((height, width))
    pixels[33:101, 20:67] = 1
    painted = read_shape({"segmentation": plain_runs(pixels)}, width, height)
    one, other = cover([drawn], placement), cover([painted], placement)
    assert np.abs(one - other).max() <= 0.25  # polygons are drawn to a quarter of a pixel
    assert one.sum() == pytest.approx(other.sum(), rel=0.03)
    np.testing.assert_allclose(centre(one), centre(other), atol=0.15)


def centre(pixels: NDArray[np.float32]) -> list[float]:
    y, x = np.mgrid[: len(pixels), : len(pixels)]
    return [(x * pixels).sum() / pixels.sum(), (y * pixels).sum() / pixels.sum()]


@pytest.mark.parametrize("encode", [plain_runs, compressed_runs])
def test_an_image_too_narrow_for_the_square_covers_nothing(encode: Any) -> None:
    placement = SquarePlacement(3, 900, 32)
    shapes = [
        read_shape({"segmentation": segmentation}, 3, 900)
        for segmentation in ([box(0, 0, 3, 900)], encode(np.ones((900, 3))))
    ]
    assert cover(shapes, placement).sum() == 0


def test_masks_and_polygons_of_one_character_are_joined() -> None:
    left, middle = filled(3, 5, 9, 12), filled(9, 5, 12, 12)
    shapes = [read(plain_runs(left)), read(compressed_runs(middle)), read([box(12, 5, 14, 12)])]
    np.testing.assert_array_equal(cover(shapes, PLAIN)[10:30], filled(3, 5, 14, 12))


def overlaps(pixels: int, inner: int, before: int, size: int) -> NDArray[np.float64]:
    """(size, pixels): which share of each pixel of the square lies in each pixel of the image, on one axis."""
    scale = inner / pixels
    rows = range(-before, size - before)
    return np.array(
        [
            [max(0, min(row + 1, (column + 1) * scale) - max(row, column * scale)) for column in range(pixels)]
            for row in rows
        ]
    )


@settings(deadline=None)
@given(st.integers(8, 40), st.integers(8, 40), st.integers(24, 50), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_masks_cover_what_their_pixels_do(width: int, height: int, size: int, count: int, seed: int) -> None:
    """Against laying out the pixels and averaging them; an edge may be out by an eighth of a pixel on each side."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((count, height, width), dtype=bool)
    for mask in masks:
        top, left = rng.integers(height - 4), rng.integers(width - 4)
        mask[top : top + rng.integers(4, 20), left : left + rng.integers(4, 20)] = True
    placement = SquarePlacement(width, height, size)
    down = overlaps(height, placement.inner[1], placement.top, size)
    across = overlaps(width, placement.inner[0], placement.left, size)
    shapes = [read_shape({"segmentation": plain_runs(mask)}, width, height) for mask in masks]
    found, expected = cover(shapes, placement), down @ masks.any(axis=0) @ across.T
    assert np.abs(found - expected).max() <= 0.5
    assert found.sum() == pytest.approx(expected.sum(), rel=0.2)


# Faults


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ({}, r"found no segmentation and the box None; expected an outline, or left, top, width and height"),
        ({"segmentation": [], "bbox": [1, 2, 3]}, r"the box \[1, 2, 3\]"),
        ({"segmentation": [], "bbox": [1, 2, "3", 4]}, r"the box \[1, 2, '3', 4\]"),
        ({"segmentation": [], "bbox": [1, 2, math.nan, 4]}, r"the box \[1, 2, nan, 4\]"),
        ({"segmentation": [], "bbox": [1, 2, 0, 4]}, r"found a box of 0 x 4 px; expected an area"),
        ({"segmentation": [], "bbox": [50, 2, 5, 5]}, r"at x 50 to 55 and y 2 to 7, outside the image of 40 x 20 px"),
        ({"segmentation": "polygon"}, r"found the segmentation 'polygon'; expected lists of x and y, or run lengths"),
        ({"segmentation": [1, 2, 3, 4, 5, 6]}, r"found 1 for a polygon; expected numbers x, y, x, y"),
        ({"segmentation": [[[1, 2], [3, 4], [5, 6]]]}, r"found \[\[1, 2\], \[3, 4\], \[5, 6\]\] for a polygon"),
        ({"segmentation": [[1, 2, 3, 4, None, 6]]}, r"found \[1, 2, 3, 4, None, 6\] for a polygon"),
        ({"segmentation": [[1, 2, 3, 4, math.inf, 6]]}, r"found \[1, 2, 3, 4, inf, 6\] for a polygon"),
        ({"segmentation": [[1, 2, 3, 4, 10**400, 6]]}, r"found \[1, 2, 3, 4, 10000.* … for a polygon"),
        ({"segmentation": [[1, 2, 3, 4, True, 6]]}, r"for a polygon; expected numbers"),
        ({"segmentation": [[1, 2, 3, 4, 5, 6, 7]]}, r"found a polygon of 7 numbers; expected pairs of x and y"),
        ({"segmentation": [[1, 2, 3, 4]]}, r"a polygon without area \(2 corners\); expected three corners or more"),
        ({"segmentation": [[1, 2, 3, 4, 5, 6]]}, r"a polygon without area \(3 corners\)"),
        ({"segmentation": [[1, 2, 9, 2, 1, 2, 1, 7]]}, r"a polygon without area \(4 corners\)"),
        ({"segmentation": [box(3, 5, 9, 12), box(-9, 5, -3, 12)]}, r"x -9 to -3 and y 5 to 12, outside the image"),
        ({"segmentation": {"counts": [3, 797], "size": [40, 20]}}, r"of size \[40, 20\]; expected \[20, 40\], height"),
        ({"segmentation": {"counts": [3, 797]}}, r"found run lengths of size None"),
        ({"segmentation": {"size": [20, 40]}}, r"found run lengths None that do not fill the image"),
    ],
)
def test_what_cannot_be_used_is_refused_with_reason(annotation: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        read_shape(annotation, WIDTH, HEIGHT)


@pytest.mark.parametrize(
    "counts",
    [
        [], [3, 796], [3, 798], [-3, 803], [3, 1e300], [3.5, 796.5], [3, "797"], [True, 799], "", "32", "é", "\ud800",
        "PPP", "~~~", "0" * 50, "P" * 50 + "0", "oooooooooooo1",
    ],
)  # fmt: skip
def test_run_lengths_that_do_not_fill_the_image(counts: Any) -> None:
    with pytest.raises(ShapeError, match=r"found run lengths .* that do not fill the image; expected COCO's"):
        read({"counts": counts, "size": [HEIGHT, WIDTH]})


@pytest.mark.parametrize("counts", [[800], [800, 0], [300, 0, 500]])
def test_run_lengths_without_pixels(counts: list[int]) -> None:
    with pytest.raises(ShapeError, match="found run lengths without any pixel; expected a region"):
        read({"counts": counts, "size": [HEIGHT, WIDTH]})


HOSTILE = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.sampled_from(["counts", "size"]), inner),
    max_leaves=20,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.fixed_dictionaries({}, optional={"segmentation": HOSTILE, "bbox": HOSTILE}))
def test_no_value_of_a_file_fails_otherwise(annotation: dict[str, Any]) -> None:
    try:
        shape = read_shape(annotation, WIDTH, HEIGHT)
    except ShapeError:
        return
    assert 0 <= covered(shape).max() <= 1
