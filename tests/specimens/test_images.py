"""Tests of reading images."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import struct
import sys
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mentum.errors import ImageError
from mentum.records import Fault, Severity
from mentum.specimens.bit_depth import SampleDepth
from mentum.specimens.image_refusals import decoding
from mentum.specimens.images import (
    IMAGE_SUFFIXES,
    MAX_BYTES,
    ImageFacts,
    content_hash,
    inspect,
    read_rgb,
    sample_depth,
    upright_size,
)
from support import awkward_images as awkward


def pixel(image: Image.Image, x: float, y: float) -> tuple[int, ...]:
    """The colour at a place given as shares of width and height."""
    value = image.getpixel((int(x * (image.width - 1)), int(y * (image.height - 1))))
    assert isinstance(value, tuple)
    return value


def near(found: tuple[int, ...], expected: tuple[int, ...], within: int = 12) -> bool:
    return all(abs(one - other) <= within for one, other in zip(found, expected, strict=True))


def facts_of(path: Path) -> ImageFacts:
    facts = inspect(path, path.name)
    assert isinstance(facts, ImageFacts), facts
    return facts


def codes_of(path: Path) -> list[str]:
    return [fault.code for fault in facts_of(path).faults]


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES))
def test_every_suffix_can_be_read(tmp_path: Path, suffix: str) -> None:
    path = awkward.write_plain(tmp_path / f"plain{suffix}")
    image = read_rgb(path)
    assert (image.mode, image.size) == ("RGB", awkward.WIDE)
    assert facts_of(path).faults == ()


def test_a_capital_suffix_fits(tmp_path: Path) -> None:
    assert codes_of(awkward.write_plain(tmp_path / "PLAIN.JPG")) == []


def test_lossless_pixels_come_back_unchanged(tmp_path: Path) -> None:
    path = awkward.write_plain(tmp_path / "plain.png")
    assert np.array_equal(np.asarray(read_rgb(path)), np.asarray(awkward.drawing()))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_exif_orientation_brings_the_image_upright(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = awkward.write_turned(tmp_path / f"turned{suffix}", orientation)
    image = read_rgb(path)
    assert image.size == awkward.WIDE
    assert near(pixel(image, 0.08, 0.1), awkward.RED)
    assert near(pixel(image, 0.92, 0.1), awkward.BLUE)
    assert near(pixel(image, 0.5, 0.9), awkward.WHITE)
    facts = facts_of(path)
    assert (facts.width, facts.height) == awkward.WIDE


def test_a_corrupt_exif_block_leaves_the_image_as_stored(tmp_path: Path) -> None:
    path = awkward.write_broken_exif(tmp_path / "broken_exif.jpg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own, on reading the resolution
        assert read_rgb(path).size == awkward.WIDE


@pytest.mark.parametrize("at_least", [1, 100, 499, 500, 501, 1000, 2000, 4000, 9000])
@pytest.mark.parametrize("size", [(4000, 3000), (301, 4001), (4001, 40), (97, 61)])
def test_reduced_decoding_never_falls_below_what_is_needed(
    tmp_path: Path, size: tuple[int, int], at_least: int
) -> None:
    path = tmp_path / "large.jpg"
    Image.new("RGB", size, awkward.GREEN).save(path)
    image = read_rgb(path, at_least=at_least)
    assert max(image.size) >= min(at_least, max(size))
    if max(size) >= 8 * at_least:
        assert max(image.size) <= -(-max(size) // 8)


def test_reduced_decoding_reduces(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    Image.new("RGB", (1600, 1200)).save(path)
    assert [read_rgb(path, at_least=side).size for side in (1600, 800, 799, 400)] == [
        (1600, 1200),
        (800, 600),
        (800, 600),
        (400, 300),
    ]


@pytest.mark.parametrize("colour", [awkward.RED, awkward.GREEN, awkward.BLUE, awkward.WHITE, (0, 0, 0)])
def test_cmyk_gives_the_right_colours(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    path = awkward.write_cmyk(tmp_path / "cmyk.jpg", colour)
    assert near(pixel(read_rgb(path), 0.5, 0.5), colour)
    assert (facts_of(path).mode, codes_of(path)) == ("CMYK", ["cmyk-image"])


def test_16_bit_grey_is_scaled_linearly(tmp_path: Path) -> None:
    expected = np.round(np.linspace(0, 65535, awkward.WIDE[0]).round() / 257).astype(np.uint8)
    for path in (
        awkward.write_grey_16(tmp_path / "sixteen.png"),
        awkward.write_grey_16(tmp_path / "sixteen.tif"),
        awkward.write_grey_16_big_endian(tmp_path / "big_endian.tif"),
        awkward.write_grey_32(tmp_path / "long.tif", largest=65535),
    ):
        rgb = np.asarray(read_rgb(path))
        assert np.array_equal(rgb, np.repeat(rgb[:, :, :1], 3, axis=2))
        assert np.abs(rgb[0, :, 0].astype(int) - expected).max() <= 1, path
        assert rgb[0, 0, 0] == 0
        assert rgb[0, -1, 0] == 255


def test_16_bit_grey_tells_its_depth(tmp_path: Path) -> None:
    facts = facts_of(awkward.write_grey_16(tmp_path / "sixteen.png"))
    assert (facts.mode, facts.faults, facts.depth) == ("I;16", (), SampleDepth(16))


def test_12_bits_in_16_are_nearly_black_unless_the_depth_is_known(tmp_path: Path) -> None:
    path = awkward.write_grey_16(tmp_path / "twelve.tif", largest=4095)
    assert facts_of(path).depth == sample_depth(path) == SampleDepth(12)
    assert np.asarray(read_rgb(path)).max() == 16
    assert np.asarray(read_rgb(path, depth=12)).max() == 255


def test_transparent_parts_become_white(tmp_path: Path) -> None:
    for name in ("transparent.png", "transparent.webp", "transparent.tif"):
        path = awkward.write_transparent(tmp_path / name)
        image = read_rgb(path)
        assert near(pixel(image, 0.2, 0.5), awkward.GREEN)
        assert near(pixel(image, 0.9, 0.5), awkward.WHITE)
        assert codes_of(path) == ["transparent-image"]


def test_an_alpha_channel_that_hides_nothing_is_no_fault(tmp_path: Path) -> None:
    path = awkward.write_opaque_rgba(tmp_path / "opaque.png")
    assert np.array_equal(np.asarray(read_rgb(path)), np.asarray(awkward.drawing()))
    assert codes_of(path) == []


def test_palette_colours_come_out(tmp_path: Path) -> None:
    image = read_rgb(awkward.write_palette(tmp_path / "palette.png"))
    assert (pixel(image, 0.1, 0.5), pixel(image, 0.9, 0.5)) == (awkward.RED, awkward.BLUE)
    path = awkward.write_palette(tmp_path / "transparent.gif", transparent=True)
    assert (pixel(read_rgb(path), 0.1, 0.5), pixel(read_rgb(path), 0.9, 0.5)) == (awkward.RED, awkward.WHITE)
    assert codes_of(path) == ["transparent-image"]


def test_grey_and_black_and_white_become_rgb(tmp_path: Path) -> None:
    assert pixel(read_rgb(awkward.write_grey(tmp_path / "grey.png")), 0.5, 0.5) == (100, 100, 100)
    assert pixel(read_rgb(awkward.write_bilevel(tmp_path / "bilevel.png")), 0.5, 0.5) == awkward.WHITE


def test_a_wrong_suffix_is_read_and_named(tmp_path: Path) -> None:
    facts = facts_of(awkward.write_png_as(tmp_path / "really_png.jpg"))
    (fault,) = facts.faults
    assert facts.format == "PNG"
    assert fault.code == "wrong-suffix"
    assert (
        "holds PNG although its name ends in '.jpg'; it is read as what it is, but rename it to .png." in fault.message
    )


def test_a_small_image_is_named(tmp_path: Path) -> None:
    (fault,) = facts_of(awkward.write_dot(tmp_path / "dot.png")).faults
    assert fault.code == "small-image"
    assert fault.message == "only 1 x 1 px; expected 64 px or more on the short side; use the original."


REFUSED: list[tuple[str, Callable[[Path], Path], str, str]] = [
    ("truncated.jpg", awkward.write_truncated, "truncated-image", "found a broken file (.*truncated.*); expected"),
    ("truncated.png", awkward.write_truncated, "truncated-image", "copy or export it again, or leave it out"),
    ("truncated.tif", awkward.write_truncated, "truncated-image", "found a broken file"),
    ("truncated.bmp", awkward.write_truncated, "truncated-image", "found a broken file"),
    ("truncated.gif", awkward.write_truncated, "truncated-image", "found a broken file"),
    ("truncated.webp", awkward.write_truncated, "truncated-image", r"found a broken file \(truncated\)"),
    ("header.jpg", lambda path: awkward.write_truncated(path, 0.01), "truncated-image", "found a broken file"),
    ("garbled.png", awkward.write_garbled, "unreadable-image", "found a broken file (.*); expected a whole image"),
    ("empty.jpg", awkward.write_empty, "empty-image", "found a file of 0 bytes; expected an image; copy it again"),
    ("text.jpg", awkward.write_text, "unreadable-image", "begins with b'Not foun'; expected JPEG, PNG, TIFF"),
    ("float.tif", awkward.write_float, "unsupported-mode", "found pixels of mode F; expected colour or grey in"),
    ("pages.tif", awkward.write_pages, "several-pages", "found 3 pages or frames; expected a single image; save"),
    ("frames.gif", awkward.write_pages, "several-pages", "found 3 pages or frames"),
    ("missing.jpg", lambda path: path, "missing-image", "found no file; expected an image; put it there or correct"),
    ("bomb.png", lambda path: awkward.write_bomb(path, (20_000, 20_000)), "too-many-pixels",
     "found 20000 x 20000 pixels; expected at most 178956970 pixels; save a smaller image or crop it"),
    ("deep.tif", lambda path: awkward.write_grey_32(path, 70_000), "unsupported-mode",
     "found grey values from 0 to 70000; expected 0 to 65535; save it in 8 or 16 bit"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "write", "code", "message"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_cannot_be_read_is_refused_with_reason(
    tmp_path: Path, name: str, write: Callable[[Path], Path], code: str, message: str
) -> None:
    path = write(tmp_path / name)
    with pytest.raises(ImageError, match=message) as raised:
        read_rgb(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)
    fault = inspect(path, name)
    assert isinstance(fault, Fault)
    assert (fault.severity, fault.code, fault.where) == (Severity.ERROR, code, name)
    assert fault.message in str(raised.value)


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()
    with pytest.raises(ImageError, match=r"cannot be read \(Is a directory\); expected an image; check the file"):
        read_rgb(tmp_path / "folder.jpg")


def test_a_webp_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.webp"
    header = b"\x2f" + ((16383 - 1) | (16383 - 1) << 14).to_bytes(4, "little")
    chunk = b"VP8L" + len(header + b"\x00").to_bytes(4, "little") + header + b"\x00"
    path.write_bytes(b"RIFF" + (4 + len(chunk)).to_bytes(4, "little") + b"WEBP" + chunk)
    with pytest.raises(ImageError, match="expected at most 178956970 pixels"):
        read_rgb(path)


@pytest.mark.parametrize("name", ["large.png", "large.tif"])
def test_what_pillow_warns_of_is_read_in_silence(tmp_path: Path, name: str) -> None:
    size = (9600, 9400)
    path = awkward.write_large_bilevel(tmp_path / name, size)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_rgb(path).size == size


def test_reading_changes_no_setting_of_pillow(tmp_path: Path) -> None:
    before = (Image.MAX_IMAGE_PIXELS, dict(Image.OPEN), list(warnings.filters))
    for path in awkward.write_pack(tmp_path / "pack").values():
        inspect(path, path.name)
    assert (Image.MAX_IMAGE_PIXELS, dict(Image.OPEN), list(warnings.filters)) == before


def test_the_whole_pack_is_named_as_expected(tmp_path: Path) -> None:
    for code, path in awkward.write_pack(tmp_path / "pack").items():
        found = inspect(path, path.name)
        faults = found.faults if isinstance(found, ImageFacts) else (found,)
        assert [fault.code for fault in faults] == ([code] if code not in {"", "16-bit-image"} else []), path


def test_the_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = awkward.write_plain(tmp_path / "plain.jpg")
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    assert content_hash(path) == expected == facts_of(path).content_hash


# Sizes of images


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_the_size_is_that_of_the_upright_image(tmp_path: Path, suffix: str, orientation: int) -> None:
    assert upright_size(awkward.write_turned(tmp_path / f"turned{suffix}", orientation)) == awkward.WIDE


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES))
def test_the_size_in_every_format(tmp_path: Path, suffix: str) -> None:
    assert upright_size(awkward.write_plain(tmp_path / f"plain{suffix}")) == awkward.WIDE


def test_a_png_whose_orientation_stands_behind_its_pixels(tmp_path: Path) -> None:
    file = awkward.write_turned(tmp_path / "1.png", 6)
    content = file.read_bytes()
    start = content.index(b"eXIf") - 4
    stop = start + 12 + int.from_bytes(content[start : start + 4], "big")
    end = content.index(b"IEND") - 4
    file.write_bytes(content[:start] + content[stop:end] + content[start:stop] + content[end:])
    assert upright_size(file) == read_rgb(file).size == awkward.WIDE


def test_the_size_needs_no_pixels(tmp_path: Path) -> None:
    assert upright_size(awkward.write_truncated(tmp_path / "1.png")) == awkward.WIDE
    assert upright_size(awkward.write_bomb(tmp_path / "2.png", (9000, 9001))) == (9000, 9001)


@pytest.mark.parametrize("write", [awkward.write_empty, awkward.write_text, lambda path: path])
def test_the_size_of_what_is_no_image(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    with pytest.raises(ImageError, match=r"1.jpg: found (a file|no file)"):
        upright_size(write(tmp_path / "1.jpg"))


# Failures of every kind


def png(*, palette: bytes | None = None, colour: int = 3, sides: tuple[int, int] = (96, 96)) -> bytes:
    """A PNG made by hand, which may break its format's rules."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", *sides, 8, colour, 0, 0, 0))
    colours = chunk(b"PLTE", palette) if palette is not None else b""
    body = chunk(b"IDAT", zlib.compress((b"\0" + bytes(96)) * 96)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + colours + body


def broken_files() -> dict[str, bytes]:
    """Images that make decoders fail in other ways than by errors of files."""
    whole = {}
    for form in ("JPEG", "TIFF", "WEBP", "GIF", "JPEG2000", "AVIF", "BMP"):
        stream = io.BytesIO()
        awkward.drawing().save(stream, format=form)
        whole[form] = stream.getvalue()
    cut = {f"{form} cut": content[: len(content) // 3] for form, content in whole.items()}
    garbled = {f"{form} garbled": content[:40] + bytes(300) + content[340:] for form, content in whole.items()}
    return {
        "palette without colours": png(), "palette of half a colour": png(palette=b"\1\2"),
        "no such colour type": png(colour=5), "no sides": png(sides=(0, 0)), **cut, **garbled,
    }  # fmt: skip


@pytest.mark.parametrize("kind", broken_files())
def test_whatever_goes_wrong_is_that_images_fault(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(broken_files()[kind])
    found = inspect(path, "bad.png")
    assert isinstance(found, Fault | ImageFacts)  # some decoders read on
    for read in (read_rgb, upright_size):
        with contextlib.suppress(ImageError):  # nothing else
            read(path)


@pytest.mark.parametrize(
    "raised", [AssertionError(), MemoryError(), RecursionError("deep"), struct.error("short"), UserWarning("w")]
)
def test_what_a_decoder_raises_becomes_one_sentence(tmp_path: Path, raised: Exception) -> None:
    with pytest.raises(ImageError, match=r"a.jpg: found .*; expected "), decoding(tmp_path / "a.jpg"):
        raise raised


@pytest.mark.parametrize("number", [-2, -9, 3])
def test_a_decoder_that_gives_a_number_alone_is_put_into_words(tmp_path: Path, number: int) -> None:
    message = (
        r"found a broken file \(its pixels cannot be decoded; it may be compressed in a way that is not read here\)"
    )
    with pytest.raises(ImageError, match=message), decoding(tmp_path / "a.tif"):
        raise OSError(f"decoder error {number}")


def test_a_palette_without_colours_is_a_broken_file(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(png())
    with pytest.raises(
        ImageError, match=r"bad.png: found a broken file \(it does not follow its format\); expected a whole"
    ):
        read_rgb(tmp_path / "bad.png")


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
@pytest.mark.parametrize("read", [read_rgb, upright_size, content_hash])
def test_pipes_and_devices_are_never_opened(
    tmp_path: Path, make: Callable[[Path], None], read: Callable[[Path], object]
) -> None:
    make(tmp_path / "odd.jpg")
    with pytest.raises((ImageError, OSError), match=r"it is a (named pipe|device), no regular file"):
        read(tmp_path / "odd.jpg")


def test_a_file_beyond_all_bounds_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "vast.jpg").open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # sparse
    with pytest.raises(ImageError, match=r"found 2,000,000,001 bytes; expected at most 2,000,000,000 bytes"):
        read_rgb(tmp_path / "vast.jpg")


def test_heic_is_read_with_the_extra(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif", reason="the extra heic is not installed")
    heif.from_pillow(awkward.drawing()).save(tmp_path / "01.heic")
    (tmp_path / "01").write_bytes((tmp_path / "01.heic").read_bytes())
    assert read_rgb(tmp_path / "01.heic").size == upright_size(tmp_path / "01") == awkward.WIDE
    assert codes_of(tmp_path / "01.heic") == []
    assert codes_of(tmp_path / "01") == ["wrong-suffix"]


def test_heic_without_the_extra_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "01.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    found = inspect(tmp_path / "01.heic", "01.heic")
    assert isinstance(found, Fault)
    assert found.code == "missing-package"
    assert found.message.endswith("pillow-heif to read it; run: pip install 'mentum[heic]', or save it as JPEG.")
