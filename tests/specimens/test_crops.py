"""Tests of crops to the specimen: what is found, and where it then lies in the square."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from mentum.explanation.annotation.shapes import cover, is_within, read_shape
from mentum.settings import PixelSettings, load_settings
from mentum.specimens.crops import Crop, Crops, Outcome, find_crop, measure_specimens
from mentum.specimens.pixels import Square, open_cache, read_square, square_of
from mentum.specimens.placements import Box, SquarePlacement
from support.pictured_specimens import GROUND, MARK, MARKED, SPECIMEN, pictured


def settings(crop: str = "specimen", size: int = 96, padding: int = 0, margin: float = 0.1) -> PixelSettings:
    return PixelSettings.model_validate({"size": size, "padding": padding, "crop": crop, "margin": margin})


# What is found


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    files = []
    for number, specimen in enumerate((SPECIMEN, None, (30, 40, 130, 120))):
        files.append(tmp_path / "images" / f"{number}.png")
        files[-1].parent.mkdir(exist_ok=True)
        pictured(specimen=specimen, seed=number).save(files[-1])
    return files


@pytest.mark.parametrize(("size", "margin"), [((400, 300), 0.0), ((300, 400), 0.1), ((500, 250), 0.25)])
def test_the_crop_is_a_square_around_the_specimen(size: tuple[int, int], margin: float) -> None:
    found = find_crop(pictured(size), size, margin)
    assert found.outcome is Outcome.CROPPED
    assert found.box is not None
    left, top, right, bottom = found.box
    cell = max(size) / 96
    assert right - left == bottom - top == pytest.approx(100 * (1 + 2 * margin), abs=3 * cell)
    assert abs((left + right) / 2 - 200) < 2 * cell
    assert abs((top + bottom) / 2 - 145) < 2 * cell


def test_a_crop_at_the_edge_is_moved_into_the_image() -> None:
    left, top, right, bottom = find_crop(pictured(specimen=(5, 110, 105, 180)), (400, 300), 0.3).box or (9, 9, 9, 9)
    assert (left, right - left) == (0, bottom - top)
    assert top > 0


def test_a_crop_ends_where_the_image_does() -> None:
    size = (600, 200)
    left, top, right, bottom = find_crop(pictured(size, (200, 20, 400, 180)), size, 0.3).box or (9, 9, 9, 9)
    assert (top, bottom) == (0, 200)
    assert 300 < right - left < 350


@pytest.mark.parametrize(
    ("image", "outcome"),
    [
        (pictured(specimen=None), Outcome.NOT_FOUND),
        (Image.new("RGB", (400, 300), GROUND), Outcome.NOT_FOUND),
        (Image.new("RGB", (1000, 20), GROUND), Outcome.NOT_FOUND),
        (pictured((110, 80), (3, 4, 107, 76)), Outcome.FILLS),
    ],
)
def test_where_nothing_is_gained_the_image_stays_whole(image: Image.Image, outcome: Outcome) -> None:
    found = square_of(image, settings())
    assert (found.outcome, found.placement.box) == (outcome, None)
    np.testing.assert_array_equal(found.pixels, square_of(image, settings("none")).pixels)


def test_without_the_setting_nothing_is_looked_for() -> None:
    found = square_of(pictured(), settings("none"))
    assert (found.outcome, found.placement) == (None, SquarePlacement(400, 300, 96))
    padded = ImageOps.pad(pictured(), (96, 96), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(found.pixels, np.asarray(padded))


def test_how_large_specimens_are(images: list[Path]) -> None:
    found = measure_specimens(images, 16)
    assert found is not None
    assert (found.n_images, found.n_found) == (3, 2)
    assert found.share == pytest.approx(np.pi / 4 * 100 * 75 / (400 * 300), rel=0.2)
    assert measure_specimens(images[1:2], 16) is None
    assert measure_specimens([], 16) is None


# Where it lies


def marked(square: NDArray[np.uint8]) -> NDArray[np.float64]:
    """How blue each pixel is, 0-1: the mark alone is."""
    blueness = square[..., 2].astype(float) - square[..., 0]
    return (blueness / (MARK[2] - MARK[0])).clip(0, 1)


def corners(box: Box) -> NDArray[np.float64]:
    return np.array([box[:2], box[2:]], dtype=float)


def edges(mask: NDArray[np.floating]) -> NDArray[np.float64]:
    """Left, top, right and bottom of a rectangle, to parts of a pixel, from its middle and its extent."""
    sides = []
    for axis in (0, 1):
        profile = mask.sum(axis=axis)
        middle = (profile * (np.arange(len(profile)) + 0.5)).sum() / profile.sum()
        length = profile.sum() / profile.max()
        sides.append((middle - length / 2, middle + length / 2))
    (left, right), (top, bottom) = sides
    return np.array([[left, top], [right, bottom]])


@pytest.mark.parametrize("crop", ["none", "specimen"])
@pytest.mark.parametrize(
    ("size", "padding", "whole"),
    [(64, 0, (400, 300)), (96, 128, (300, 400)), (150, 255, (420, 160)), (224, 0, (400, 300))],
)
def test_a_region_lands_where_its_pixels_do(crop: str, size: int, padding: int, whole: tuple[int, int]) -> None:
    specimen = (150, 90, 250, 158) if whole[1] < 200 else SPECIMEN
    square = square_of(pictured(whole, specimen), settings(crop, size, padding))
    assert (square.placement.box is None) == (crop == "none")
    seen, at = marked(square.pixels), square.placement

    np.testing.assert_allclose(at.place(corners(MARKED)), edges(seen), atol=0.6)
    np.testing.assert_allclose(at.restore(at.place(corners(MARKED))), corners(MARKED), atol=1e-9)
    for region in outlined(whole):
        np.testing.assert_allclose(edges(cover([region], at)), edges(seen), atol=0.6)


def outlined(whole: tuple[int, int]) -> list:
    """The mark as a polygon and as run lengths."""
    left, top, right, bottom = MARKED
    pixels = np.zeros(whole[::-1], dtype=bool)
    pixels[top:bottom, left:right] = True
    flat = pixels.T.ravel()
    changes = np.flatnonzero(np.diff(flat, prepend=False))
    runs = np.diff(changes, prepend=0, append=flat.size).tolist()
    polygon = [left, top, right, top, right, bottom, left, bottom]
    masks = {"size": [whole[1], whole[0]], "counts": runs}
    return [read_shape({"segmentation": each}, *whole) for each in ([polygon], masks)]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_image_is_cropped_upright(tmp_path: Path, orientation: int) -> None:
    upright = pictured()
    exif = Image.Exif()
    exif[0x0112] = orientation
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # what `_TURNS` undoes
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(back[orientation]))
    file = tmp_path / "turned.png"
    stored.save(file, exif=exif)

    found, expected = read_square(file, settings()), square_of(upright, settings())

    assert found.placement == expected.placement
    np.testing.assert_array_equal(found.pixels, expected.pixels)


def test_a_jpeg_decoded_at_a_reduced_size_is_cropped_alike(tmp_path: Path) -> None:
    file, whole = tmp_path / "drawn.jpg", tmp_path / "drawn.png"
    large = pictured().resize((1200, 900), Image.Resampling.BICUBIC)
    large.save(file, quality=92)
    Image.open(file).save(whole)  # the same pixels, which only a JPEG lets one read at a half

    reduced, full = read_square(file, settings()), read_square(whole, settings())

    assert reduced.placement.box is not None
    np.testing.assert_allclose(reduced.placement.box, full.placement.box or (), atol=15)  # a cell
    assert (reduced.placement.width, reduced.placement.height) == (1200, 900)
    np.testing.assert_allclose(edges(marked(reduced.pixels)), reduced.placement.place(3 * corners(MARKED)), atol=0.6)


def test_what_lies_beyond_the_crop() -> None:
    at = SquarePlacement(40, 30, 64, (10, 5, 30, 25))
    polygon = [0, 0, 20, 0, 20, 15, 0, 15]
    shape = read_shape({"segmentation": [polygon]}, 40, 30)
    expected = np.zeros((64, 64))
    expected[:32, :32] = 1
    np.testing.assert_allclose(cover([shape], at), expected, atol=0.01)
    gone = read_shape({"segmentation": [[0, 0, 8, 0, 8, 4, 0, 4]]}, 40, 30)
    assert cover([gone], at).sum() == 0
    assert not is_within([shape], (10, 5, 30, 25), 30)
    assert is_within([shape], (0, 0, 30, 25), 30)


# The cache


Spoil = Callable[[Path], object]


def test_the_cache_holds_squares_and_crops(images: list[Path], tmp_path: Path) -> None:
    kept = open_cache(images, settings(), tmp_path / "cache")
    squares: list[Square] = [read_square(path, settings()) for path in images]
    np.testing.assert_array_equal(kept.pixels, [square.pixels for square in squares])
    assert kept.crops is not None
    assert [kept.crops.box(row) for row in range(3)] == [square.placement.box for square in squares]
    assert kept.crops.named("abc").keys() == {"a", "c"}
    assert open_cache(images, settings("none"), tmp_path / "cache").crops is None


@pytest.mark.parametrize("spoil", [Path.unlink, lambda file: file.write_bytes(file.read_bytes()[:-40])])
def test_crops_that_are_lost_or_damaged_are_found_again(images: list[Path], tmp_path: Path, spoil: Spoil) -> None:
    first = open_cache(images, settings(), tmp_path / "cache").crops
    assert first is not None
    table = np.array(first.table)
    (file,) = (tmp_path / "cache").glob("crops-*.npy")
    spoil(file)
    again = open_cache(images, settings(), tmp_path / "cache").crops
    assert again is not None
    np.testing.assert_array_equal(again.table, table)


def test_the_cache_knows_crop_and_margin(images: list[Path], tmp_path: Path) -> None:
    for each in (settings("none"), settings(), settings(margin=0.2), settings("none", margin=0.3)):
        open_cache(images, each, tmp_path / "cache")
    assert len(list((tmp_path / "cache").glob("pixels-*.npy"))) == 3  # without a crop, the margin means nothing
    assert len(list((tmp_path / "cache").glob("crops-*.npy"))) == 2


# What is said and written down


def test_what_became_of_the_images_is_said() -> None:
    crops = Crops.of([Crop((0, 0, 9, 9), Outcome.CROPPED), *[Crop(None, Outcome.NOT_FOUND)] * 4])
    said = crops.fault("data", ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"]).message
    assert said.startswith("1 of 5 images are cropped to the specimen as found by its colour; in 4 none was found")
    assert "(b.jpg, c.jpg, d.jpg, …)" in said
    filled = Crops.of([Crop(None, Outcome.FILLS)]).fault("data", ["a.jpg"]).message
    assert "in 1 it fills the picture, which is used whole" in filled


def test_without_a_crop_settings_are_written_as_before_it() -> None:
    plain = PixelSettings(size=128, padding=0, depth="auto")
    assert json.dumps(plain.model_dump()) == '{"size": 128, "padding": 0, "depth": "auto"}'
    assert load_settings("quick").pixels.model_dump() == plain.model_dump()
    assert PixelSettings.model_validate(plain.model_dump()) == load_settings("quick").pixels


def test_a_crop_is_written_with_its_margin() -> None:
    written = settings(margin=0.2).model_dump()
    assert written == {"size": 96, "padding": 0, "depth": 16, "crop": "specimen", "margin": 0.2}
    assert PixelSettings.model_validate_json(json.dumps(written)) == settings(margin=0.2)
