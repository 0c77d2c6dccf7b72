"""Tests of cues: pictures made by hand have the colours, masks and files that one expects."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mentum.audit.cues import (
    CUES,
    Pictures,
    background,
    border,
    colour,
    compression,
    file,
)
from mentum.audit.file_facts import read_facts
from mentum.settings import PixelSettings
from mentum.specimens.outlines.masks import grow
from mentum.specimens.outlines.patches import find_with_rim
from mentum.specimens.pixels import open_cache
from support.data_sets import real_data
from support.pictured_specimens import pictured

SIZE = 96


def save(folder: Path, pictures: list[NDArray[np.uint8]], suffix: str = ".png") -> list[Path]:
    paths = [folder / f"IMG_{number:04}{suffix}" for number in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        Image.fromarray(picture).save(path)
    return paths


def squares(folder: Path, pictures: list[NDArray[np.uint8]], padding: int = 0) -> Pictures:
    paths = save(folder, pictures)
    cache = open_cache(paths, PixelSettings(size=SIZE, padding=padding), folder / "cache")
    return Pictures(cache.pixels, paths)


def plain(*colours: tuple[int, int, int], shape: tuple[int, int] = (60, 96)) -> list[NDArray[np.uint8]]:
    return [np.full((*shape, 3), colour, dtype=np.uint8) for colour in colours]


def disc(radius: float, centre: tuple[float, float] = (48, 48), size: int = SIZE) -> NDArray[np.bool_]:
    y, x = np.mgrid[:size, :size]
    inside: NDArray[np.bool_] = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2
    return inside


def with_disc(ground: tuple[int, int, int], inside: tuple[int, int, int], radius: float) -> NDArray[np.uint8]:
    picture = np.full((SIZE, SIZE, 3), ground, dtype=np.uint8)
    picture[disc(radius)] = inside
    return picture


def rows_of_strips(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, F) of the border → (N, 4 strips, 4 cells, 6); the lines are left out."""
    return features.reshape(len(features), 4, 27)[:, :, 3:].reshape(len(features), 4, 4, 6)


# The picture in its square


@pytest.mark.parametrize("padding", [0, 128])
@pytest.mark.parametrize("shape", [(60, 96), (96, 50), (96, 96), (61, 97)])
def test_pictures_come_without_padding(tmp_path: Path, shape: tuple[int, int], padding: int) -> None:
    pictures = squares(tmp_path, plain((200, 100, 50), shape=shape), padding)
    ((picture, mask),) = list(pictures)
    assert mask is None
    expected = [round(side * SIZE / max(shape)) for side in shape]
    assert [*picture.shape] == [*expected, 3]
    np.testing.assert_allclose(picture * 255, np.broadcast_to([200, 100, 50], picture.shape), atol=0.01)


def test_a_square_that_does_not_fit_its_file_is_taken_whole(tmp_path: Path) -> None:
    paths = save(tmp_path, plain((0, 0, 0)))
    noise = np.random.default_rng(0).integers(0, 255, (1, SIZE, SIZE, 3), dtype=np.uint8)
    assert [picture.shape for picture, _ in Pictures(noise, paths)] == [(SIZE, SIZE, 3)]
    assert [picture.shape for picture, _ in Pictures(noise, [tmp_path / "gone.png"])] == [(SIZE, SIZE, 3)]


def test_a_cropped_picture_comes_without_padding(tmp_path: Path) -> None:
    paths = save(tmp_path, [np.asarray(pictured((420, 160), (150, 10, 290, 150))), np.asarray(pictured((420, 160)))])
    cropped = PixelSettings(size=SIZE, padding=77, crop="specimen")
    cache = open_cache(paths, cropped, tmp_path / "cache")
    assert cache.crops is not None
    boxes = [cache.crops.box(row) for row in range(2)]
    assert boxes[0] is not None
    assert boxes[0][2] - boxes[0][0] > 160 == boxes[0][3] - boxes[0][1]
    (wide, _), (square, _) = list(Pictures(cache.pixels, paths, crops=cache.crops))
    assert wide.shape == (round(160 / (boxes[0][2] - boxes[0][0]) * SIZE), SIZE, 3)
    assert square.shape == (SIZE, SIZE, 3)


def test_a_mask_is_cut_with_its_picture_and_an_empty_one_is_none(tmp_path: Path) -> None:
    pictures = squares(tmp_path, plain((1, 2, 3), (1, 2, 3)))
    masks = np.stack([disc(10), np.zeros((SIZE, SIZE), dtype=bool)])
    (_, first), (_, second) = list(Pictures(pictures.pixels, pictures.paths, masks))
    assert first is not None
    assert first.shape == (60, SIZE)
    assert first.sum() == disc(10).sum()
    assert second is None


# Border


def test_the_border_of_plain_pictures_is_their_colour_without_texture(tmp_path: Path) -> None:
    features = border(squares(tmp_path, plain((255, 0, 51), (102, 102, 102))))
    assert features.shape == (2, 108)
    cells = rows_of_strips(features)
    np.testing.assert_allclose(cells[0, :, :, :3], np.broadcast_to([1, 0, 0.2], (4, 4, 3)), atol=1e-5)
    np.testing.assert_allclose(cells[1, :, :, :3], 0.4, atol=1e-5)
    np.testing.assert_allclose(cells[..., 3:], math.log(0.002), atol=1e-5)
    np.testing.assert_allclose(features.reshape(2, 4, 27)[:, :, :3], 0, atol=1e-5)


def test_each_strip_has_its_own_colour_and_the_outermost_line_stands_out(tmp_path: Path) -> None:
    light = np.linspace(60, 200, SIZE)[:, None, None] + np.zeros((SIZE, SIZE, 3))
    picture = light.round().astype(np.uint8)
    picture[disc(20)] = (90, 10, 10)
    picture[0, :, 0] += 30
    features = border(squares(tmp_path, [picture]))
    top, bottom, left, right = rows_of_strips(features)[0, :, 1:3, 1] * 255
    np.testing.assert_allclose(top, light[:8].mean(), atol=0.5)
    np.testing.assert_allclose(bottom, light[-8:].mean(), atol=0.5)
    np.testing.assert_allclose(left, [light[24:48].mean(), light[48:72].mean()], atol=0.5)
    np.testing.assert_allclose(right, left, atol=0.01)
    red, green, blue = features.reshape(4, 27)[0, :3] * 255  # less than the line itself, which is in the strip too
    assert red - green == pytest.approx(30 * 7 / 8, abs=0.1)
    assert green == pytest.approx(blue, abs=1e-3)


def test_a_specimen_that_reaches_the_edge_is_no_border(tmp_path: Path) -> None:
    pictures = [with_disc((120, 160, 200), (60, 30, 10), 25) for _ in range(3)]
    for picture in pictures:
        picture[48:, 40:56] = (60, 30, 10)
    features = border(squares(tmp_path, pictures))
    assert features.shape[1] < 108
    colours = features[(features > 0.05) & (features < 1)]
    assert set(np.round(colours * 255).astype(int).tolist()) == {120, 160, 200}


# Background


def test_a_disc_is_found_with_its_rim_and_what_hangs_on_it() -> None:
    rng = np.random.default_rng(0)
    cells = 0.6 + rng.normal(0, 0.005, (48, 48, 3)) + np.linspace(-0.1, 0.1, 48)[:, None, None]
    inside = disc(12, (22, 24), 48)
    cells[inside] -= 0.3
    cells[30:40, 22:27] -= 0.2  # hangs on it
    cells[4, 4] -= 0.2  # dust
    found = find_with_rim(cells, np.full((48, 48), 0.01))
    assert found[inside].all()
    assert found[30:40, 22:27].all()
    assert not found[4, 4]
    assert not found[~grow(inside, 3)][: 48 * 8].any()


def test_nothing_is_found_in_a_plain_picture() -> None:
    assert not find_with_rim(np.full((30, 48, 3), 0.5), np.zeros((30, 48))).any()


def test_an_outline_is_believed() -> None:
    outlined = disc(8, (20, 20), 48)
    found = find_with_rim(np.full((48, 48, 3), 0.5), np.zeros((48, 48)), outlined)
    assert found[outlined].all()
    assert not found[~grow(outlined, 2)].any()


def test_the_background_tells_nothing_of_the_specimen(tmp_path: Path) -> None:
    """Neither its colour nor its size, whether found or outlined."""
    looks = [((60, 30, 10), 20), ((200, 30, 90), 20), ((60, 30, 10), 33)]
    pictures = squares(tmp_path, [with_disc((120, 160, 200), *look) for look in looks])
    masks = np.stack([disc(radius) for _, radius in looks])
    for features in (background(pictures), background(Pictures(pictures.pixels, pictures.paths, masks))):
        assert features.shape[1] > 25
        np.testing.assert_allclose(features, np.broadcast_to(features[0], features.shape), atol=1e-4)
        np.testing.assert_allclose(features[0, :3] * 255, (120, 160, 200), atol=0.1)


def test_a_picture_without_background_is_an_average_one(tmp_path: Path) -> None:
    pictures = squares(tmp_path, [with_disc((grey, grey, grey), (0, 60, 0), 20) for grey in (100, 150, 200)])
    masks = np.stack([disc(20), disc(20), np.ones((SIZE, SIZE), dtype=bool)])
    features = background(Pictures(pictures.pixels, pictures.paths, masks))
    np.testing.assert_allclose(features[2], features[:2].mean(axis=0), atol=1e-5)
    nowhere = background(Pictures(pictures.pixels, pictures.paths, np.ones_like(masks)))
    assert nowhere.shape == (3, 0)


# Colour


def test_the_histogram_is_of_the_picture_alone(tmp_path: Path) -> None:
    halves = np.full((48, 96, 3), (255, 0, 0), dtype=np.uint8)
    halves[:, 48:] = (0, 0, 255)
    features = colour(squares(tmp_path, [*plain((0, 0, 0), shape=(48, 96)), halves]))
    assert np.flatnonzero(features[0]).tolist() == [0]
    assert features[1, 5 * 36] == pytest.approx(math.sqrt(0.5), abs=0.01)
    assert features[1, 5] == pytest.approx(math.sqrt(0.5), abs=0.01)
    np.testing.assert_allclose((features**2).sum(axis=1), 1, atol=1e-5)


# File


def exif(**tags: str | int) -> Image.Exif:
    block = Image.Exif()
    places = {"model": 0x0110, "date": 0x0132, "orientation": 0x0112}
    for name, value in tags.items():
        if name == "taken":
            block.get_ifd(0x8769)[0x9003] = value
        else:
            block[places[name]] = value
    return block


def test_a_header_tells_size_time_and_camera(tmp_path: Path) -> None:
    path = tmp_path / "DSC_0042.jpg"
    block = exif(model="Leica MC190", date="2020:01:01 00:00:00", taken="2019:06:01 18:30:00", orientation=6)
    Image.new("RGB", (40, 30)).save(path, exif=block, quality=50)
    facts = read_facts(path)
    assert (facts.width, facts.height, facts.n_bytes) == (30, 40, path.stat().st_size)
    assert (facts.day, facts.hour, facts.number, facts.camera) == (737211, 18.5, 42, "Leica MC190")
    Image.new("RGB", (40, 30)).save(path, quality=95)
    assert read_facts(path).quantisation < facts.quantisation


def test_what_cannot_be_read_stays_unknown(tmp_path: Path) -> None:
    odd = tmp_path / "odd.jpg"
    Image.new("RGB", (40, 30)).save(odd, exif=b"Exif\0\0MM\0*\xff\xff\xff\xff broken")
    assert read_facts(odd)[:2] == (40, 30)
    assert math.isnan(read_facts(odd).day)
    Image.new("RGB", (40, 30)).save(odd, exif=exif(date="yesterday", model="x"))
    assert math.isnan(read_facts(odd).day)
    assert read_facts(odd).camera == "x"
    (tmp_path / "no image 7.jpg").write_bytes(b"no image")
    facts = read_facts(tmp_path / "no image 7.jpg")
    assert (facts.n_bytes, facts.number) == (8, 7)
    assert math.isnan(facts.width)
    assert all(math.isnan(value) for value in read_facts(tmp_path / "gone.png")[:-1])


def test_files_become_soft_bins_with_gaps_marked(tmp_path: Path) -> None:
    pictures = plain((0, 0, 0), (0, 0, 0), shape=(30, 40)) + plain((0, 0, 0), shape=(30, 60))
    paths = [*save(tmp_path, pictures), tmp_path / "gone.png"]
    features = file(Pictures(np.zeros((4, 32, 32, 3), dtype=np.uint8), paths))
    assert np.isfinite(features).all()
    assert features[:, :3].tolist() == [[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_bytes_are_apart_from_the_file_s_own_facts(tmp_path: Path) -> None:
    """What fills the picture changes how many bytes it takes, and nothing else of the file."""
    noise = np.random.default_rng(0).integers(0, 255, (30, 40, 3), dtype=np.uint8)
    paths = save(tmp_path, [*plain((0, 0, 0), shape=(30, 40)), noise])
    pictures = Pictures(
        np.zeros((2, 32, 32, 3), dtype=np.uint8), [path.rename(tmp_path / path.name[-5:]) for path in paths]
    )
    n_bytes = [path.stat().st_size for path in pictures.paths]
    assert n_bytes[1] > 10 * n_bytes[0]
    assert compression(pictures).tolist() == [[1, 0, 0, 1, 0, 0], [0, 1, 0, 0, 1, 0]]
    others = np.delete(file(pictures), np.s_[-4:-1], axis=1)  # the number in the name
    assert (others[0] == others[1]).all()


def test_numbers_that_begin_anew_with_each_taxon_are_no_camera_s(tmp_path: Path) -> None:
    def numbers(names: list[str]) -> int:
        paths = [tmp_path / name for name in names]
        return file(Pictures(np.zeros((4, 32, 32, 3), dtype=np.uint8), paths)).shape[1]

    assert numbers(["a1.jpg", "a2.jpg", "b1.jpg", "b2.jpg"]) == 8  # nothing but gaps, and one unknown camera
    assert numbers(["a1.jpg", "a2.jpg", "b3.jpg", "b4.jpg"]) == 12


# Real pictures


def test_chironomids_have_all_cues(tmp_path: Path) -> None:
    paths = sorted(real_data("chiro10").glob("images/*.jpg"))[:6]
    pixels = open_cache(paths, PixelSettings(size=128, padding=0), tmp_path).pixels
    fewest = {"border": 60, "background": 30, "colour": 216, "file": 18, "compression": 14}
    for cue, describe in CUES.items():
        features = describe(Pictures(pixels, paths))
        assert features.dtype == np.float32
        assert features.shape[0] == 6
        assert features.shape[1] >= fewest[cue]
        assert np.isfinite(features).all()
