"""Tests of samples of 10, 12 and 14 bits in files of 16: scaled alike in training and in identification."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mentum.errors import ImageError
from mentum.settings import PixelSettings
from mentum.specimens.bit_depth import DEPTHS, SampleDepth, common_depth, fewest_bits
from mentum.specimens.checks import check_specimens
from mentum.specimens.images import ImageFacts, inspect, read_rgb, sample_depth
from mentum.specimens.pixels import open_cache, square_pixels
from support.awkward_images import write_plain
from support.deep_images import Samples, samples, write_deep_png, write_deep_tiff

Write = Callable[[Path, Samples], Path]


def write_big_endian(path: Path, drawn: Samples) -> Path:
    return write_deep_tiff(path, drawn, order=">")


def write_deflated(path: Path, drawn: Samples) -> Path:
    return write_deep_tiff(path, drawn, deflated=True)


def write_deflated_big_endian(path: Path, drawn: Samples) -> Path:
    return write_deep_tiff(path, drawn, deflated=True, order=">")


WRITERS: dict[str, Write] = {
    "deep.png": write_deep_png, "deep.tif": write_deep_tiff, "big.tif": write_big_endian, "zip.tif": write_deflated,
    "zip_big.tif": write_deflated_big_endian,
}  # fmt: skip


def scaled(drawn: Samples, bits: int) -> NDArray[np.int64]:
    return np.floor(drawn.astype(float) * 255 / (2**bits - 1) + 0.5).astype(np.int64)


def pixels_of(path: Path, bits: int = 16) -> NDArray[np.int64]:
    return np.asarray(read_rgb(path, depth=bits)).astype(np.int64)


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", WRITERS)
def test_every_bit_counts(tmp_path: Path, name: str, channels: int, bits: int) -> None:
    drawn = samples(channels, bits)
    path = WRITERS[name](tmp_path / name, drawn)
    assert sample_depth(path) == SampleDepth(bits)
    np.testing.assert_array_equal(pixels_of(path, bits), np.broadcast_to(scaled(drawn, bits), (*drawn.shape[:2], 3)))


@pytest.mark.parametrize("name", WRITERS)
def test_colour_of_all_16_bits_keeps_its_high_bytes(tmp_path: Path, name: str) -> None:
    drawn = samples(3, 16)
    path = WRITERS[name](tmp_path / name, drawn)
    assert sample_depth(path) == SampleDepth(16)
    np.testing.assert_array_equal(pixels_of(path), drawn >> 8)


@pytest.mark.parametrize("name", WRITERS)
def test_grey_of_all_16_bits_is_scaled_linearly(tmp_path: Path, name: str) -> None:
    drawn = samples(1, 16)
    path = WRITERS[name](tmp_path / name, drawn)
    np.testing.assert_array_equal(pixels_of(path)[..., :1], (drawn.astype(int) + 128) // 257)


@pytest.mark.parametrize("alpha", [4095, 65535])
@pytest.mark.parametrize("channels", [2, 4])
def test_transparency_is_no_colour(tmp_path: Path, channels: int, alpha: int) -> None:
    drawn = samples(channels, 12)
    drawn[..., -1] = alpha
    drawn[0, 5, -1] = 0
    for path in [write_deep_png(tmp_path / "deep.png", drawn)] + (
        [write_deep_tiff(tmp_path / "deep.tif", drawn)] if channels == 4 else []
    ):
        assert sample_depth(path) == SampleDepth(12)
        found = pixels_of(path, 12)
        np.testing.assert_array_equal(found[1:], np.broadcast_to(scaled(drawn[..., :-1], 12), found.shape)[1:])
        assert found[0, 5].tolist() == [255, 255, 255]
        facts = inspect(path, path.name)
        assert isinstance(facts, ImageFacts)
        assert [fault.code for fault in facts.faults] == ["transparent-image"]


@pytest.mark.parametrize(
    "tags",
    [{281: 4095}, {270: '<OME><Pixels SignificantBits="12" Type="uint16"/></OME>'}, {281: 4095, 270: "a slide"}],
    ids=["largest", "OME", "both"],
)
def test_a_tiff_may_state_its_depth(tmp_path: Path, tags: dict[int, int | str]) -> None:
    drawn = samples(1, 10)
    path = write_deep_tiff(tmp_path / "deep.tif", drawn, tags=tags)
    assert sample_depth(path) == SampleDepth(12, stated=True)
    np.testing.assert_array_equal(pixels_of(path, 16)[..., :1], scaled(drawn, 12))
    np.testing.assert_array_equal(pixels_of(path, 10)[..., :1], scaled(drawn, 12))


@pytest.mark.parametrize("tags", [{281: 1023}, {281: 3000}, {281: 65535}, {270: 'SignificantBits="16"'}], ids=str)
def test_a_statement_that_the_samples_exceed_or_that_leaves_it_open_is_none(
    tmp_path: Path, tags: dict[int, int | str]
) -> None:
    path = write_deep_tiff(tmp_path / "deep.tif", samples(1, 12), tags=tags)
    assert sample_depth(path) == SampleDepth(12)


def test_where_0_is_white_a_tiff_is_inverted(tmp_path: Path) -> None:
    drawn = samples(1, 12)
    path = write_deep_tiff(tmp_path / "deep.tif", drawn, tags={262: 0})
    np.testing.assert_array_equal(pixels_of(path, 12)[..., :1], 255 - scaled(drawn, 12))


def test_planes_are_read_where_the_high_bytes_do_and_refused_elsewhere(tmp_path: Path) -> None:
    drawn = samples(3, 16)
    path = write_deep_tiff(tmp_path / "1.tif", drawn, planes=True, deflated=True)
    np.testing.assert_array_equal(pixels_of(path), drawn >> 8)
    message = "16-bit samples that lie apart in a plane for each colour; expected grey or colour in 8 or 16 bit"
    for bits, deflated in ((16, False), (12, False), (12, True)):
        path = write_deep_tiff(tmp_path / "2.tif", samples(3, bits), planes=True, deflated=deflated)
        with pytest.raises(ImageError, match=message):
            read_rgb(path)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({259: 34712}, r"a TIFF compressed in a way that cannot be read here \(its number is 34712\)"),
        ({259: 50002}, r"a TIFF compressed in a way that cannot be read here \(its number is 50002\)"),
        ({262: 8}, "a TIFF whose kind of samples cannot be read here"),
    ],
)
def test_what_cannot_be_decoded_gets_a_sentence(tmp_path: Path, tags: dict[int, int | str], message: str) -> None:
    path = write_deep_tiff(tmp_path / "deep.tif", samples(3, 12), tags=tags)
    with pytest.raises(ImageError, match=message):
        read_rgb(path)
    fault = inspect(path, path.name)
    assert not isinstance(fault, ImageFacts)
    assert fault.code == "unsupported-mode"


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_brighter_than_the_depth_is_refused(tmp_path: Path, channels: int) -> None:
    path = write_deep_png(tmp_path / "deep.png", samples(channels, 16))
    message = r"found 16-bit samples that need 16 bit \(0-65535\); expected 12 bit \(0-4095\); save it at that depth"
    with pytest.raises(ImageError, match=message):
        square_pixels(path, PixelSettings(size=32, padding=0, depth=12))


def test_8_bit_images_have_no_depth(tmp_path: Path) -> None:
    for name in ("1.jpg", "2.png", "3.tif", "4.bmp"):
        assert sample_depth(write_plain(tmp_path / name)) is None


def test_the_fewest_bits() -> None:
    assert [fewest_bits(each) for each in (0, 255, 256, 1023, 1024, 4095, 4096, 16383, 16384, 65535)] == [
        8, 8, 10, 10, 12, 12, 14, 14, 16, 16,
    ]  # fmt: skip
    assert {fewest_bits((1 << bits) - 1) for bits in DEPTHS} == set(DEPTHS)


def test_images_of_a_data_set_have_one_depth() -> None:
    assert common_depth([SampleDepth(8), None, SampleDepth(12), SampleDepth(10)]) == 12
    assert common_depth([SampleDepth(10), SampleDepth(14, stated=True)]) == 10
    assert common_depth([None, SampleDepth(12, stated=True)]) is None


# Data sets


def write_set(folder: Path, bits: dict[str, int], channels: int = 3) -> Path:
    for number, (name, depth) in enumerate(bits.items()):
        write_deep_tiff(folder / name, samples(channels, depth, seed=number))
    return folder


FAULTS = {
    "twelve": ({f"{taxon}/{k}.tif": 12 for taxon in ("Aus bus", "Cus dus") for k in range(5)}, "12 bit (0-4095)", []),
    "dim": (
        {f"{taxon}/{k}.tif": 10 + k % 2 * 4 for taxon in ("Aus bus", "Cus dus") for k in range(5)}
        | {"Aus bus/5.tif": 10},
        "14 bit (0-16383)",
        ["Aus bus/0.tif", "Aus bus/2.tif", "Aus bus/4.tif", "Aus bus/5.tif", "Cus dus/0.tif", "Cus dus/2.tif",
         "Cus dus/4.tif"],
    ),
    "sixteen": (
        {f"{taxon}/{k}.tif": 16 for taxon in ("Aus bus", "Cus dus") for k in range(5)} | {"Aus bus/5.tif": 12},
        "16 bit (0-65535)",
        ["Aus bus/5.tif"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
@pytest.mark.parametrize("channels", [1, 3])
def test_check_says_at_which_depth_images_are_read(tmp_path: Path, case: str, channels: int) -> None:
    bits, said, dark = FAULTS[case]
    report = check_specimens(write_set(tmp_path / "set", bits, channels))
    (fault,) = [each for each in report.faults if each.code == "16-bit-image"]
    assert f"its 16-bit images are taken for {said}, the fewest that hold all of their values" in fault.message
    assert [each.where for each in report.faults if each.code == "dark-image"] == dark
    assert list(report.modes) == (["RGB;16"] if channels == 3 else ["I;16"])


def test_a_cache_finds_the_depth_and_keeps_it(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set", {"1.tif": 10, "2.tif": 12, "3.tif": 8})
    paths = [*sorted(folder.iterdir()), write_plain(tmp_path / "4.png")]
    automatic = PixelSettings(size=32, padding=0, depth="auto")
    cache = open_cache(paths, automatic, tmp_path / "cache")
    assert cache.settings == PixelSettings(size=32, padding=0, depth=12)
    for path, square in zip(paths, cache.pixels, strict=True):
        np.testing.assert_array_equal(square, square_pixels(path, cache.settings))
    again = open_cache(paths, automatic, tmp_path / "cache")
    assert (again.settings, again.pixels.filename) == (cache.settings, cache.pixels.filename)  # type: ignore[attr-defined]


def test_without_deep_images_the_depth_stays_open(tmp_path: Path) -> None:
    stated = write_deep_tiff(tmp_path / "2.tif", samples(1, 12), tags={281: 4095})
    for _ in range(2):
        paths = [write_plain(tmp_path / "1.png"), stated]
        cache = open_cache(paths, PixelSettings(size=32, padding=0, depth="auto"), tmp_path)
        assert (cache.settings.depth, cache.settings.bits) == ("auto", 16)
        assert cache.pixels[1].max() > 100


def test_packed_samples_state_their_depth(tmp_path: Path) -> None:
    """Two samples of 12 bits in three bytes."""
    drawn = samples(1, 10, size=(90, 70))
    first, second = drawn.reshape(-1, 2).T
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=1).astype(np.uint8)
    path = write_deep_tiff(tmp_path / "1.tif", drawn, tags={258: 12, 279: packed.size})
    content = bytearray(path.read_bytes())
    content[8 : 8 + packed.size] = packed.tobytes()
    path.write_bytes(content)
    assert sample_depth(path) == SampleDepth(12, stated=True)
    np.testing.assert_array_equal(pixels_of(path)[..., :1], scaled(drawn, 12))


def test_a_depth_that_is_set_is_taken(tmp_path: Path) -> None:
    path = write_deep_png(tmp_path / "1.png", samples(3, 10))
    cache = open_cache([path], PixelSettings(size=32, padding=0, depth=14), tmp_path)
    assert (cache.settings.depth, int(cache.pixels.max()) <= 16) == (14, True)


def test_reading_in_parts_or_whole_gives_one_image(tmp_path: Path) -> None:
    path = write_deep_tiff(tmp_path / "1.tif", samples(3, 12), tags={274: 6})
    found = read_rgb(path, depth=12)
    assert found.size == (70, 90)
    assert np.asarray(found)[0, -1].tolist() == [255, 255, 255]
    assert isinstance(found, Image.Image)
