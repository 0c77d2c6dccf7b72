"""Read image files as people have them: oriented, in colour, 8 bit; or say in one sentence why that cannot be done."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from mentum.files import require_regular
from mentum.records import Fault, error, warning
from mentum.specimens.bit_depth import (
    FULL,
    GREY,
    HEAD,
    Deep,
    SampleDepth,
    has_planes,
    in_numbers,
    is_deep,
    is_scrambled,
    low_bytes,
    may_be_deep,
)
from mentum.specimens.formats import IMAGE_SUFFIXES as IMAGE_SUFFIXES  # callers ask here
from mentum.specimens.formats import NAMED, ORIENTATION, Format, format_of, is_cut_short
from mentum.specimens.image_refusals import (
    MAX_PIXELS,
    SMALLER,
    RefusedError,
    broken,
    decoding,
    too_large,
    unknown_pixels,
    unsupported,
)

SMALL_SIDE = 64
"""An image whose short side has fewer pixels gets a warning."""

MAX_BYTES = 2_000_000_000
"""Larger files are refused: such an image in 16 bit takes half of it without any compression."""

_TO_RGB = frozenset({"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"})
_TURNS: Mapping[int, Image.Transpose] = MappingProxyType({
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
})  # fmt: skip
"""EXIF orientation → what brings the image upright."""
_PNG_NOTES = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")
"""Chunks of a PNG that may hold its orientation."""


@dataclass(frozen=True)
class ImageFacts:
    """What an image file holds.

    Attributes:
        width, height: px, after EXIF orientation.
        mode: as stored, in Pillow's words, such as "RGB", "CMYK", "I;16"; "RGB;16" for colour in 16 bit.
        format: in Pillow's words, such as "JPEG".
        content_hash: sha256 of the file's bytes, in hex.
        faults: warnings.
        depth: bits that its samples use, where they have more than 8; None where they do not.
    """

    width: int
    height: int
    mode: str
    format: str
    content_hash: str
    faults: tuple[Fault, ...]
    depth: SampleDepth | None = None


def read_rgb(path: Path, at_least: int | None = None, depth: int = FULL) -> Image.Image:
    """Read an image as 8-bit RGB, upright, transparent parts white, more than 8 bits scaled linearly.

    Args:
        path: a file in one of `FORMATS` with one image.
        at_least: length of the long side in px that the caller needs; a larger JPEG may be decoded at a half, a quarter
            or an eighth of its size, never below this.
        depth: bits that samples of more than 8 really use, where the file does not state them.

    Raises:
        ImageError: if the file is missing, empty, truncated, too large, brighter than the depth or not such an image.
    """
    return read_with_size(path, at_least, depth)[0]


def read_with_size(path: Path, at_least: int | None = None, depth: int = FULL) -> tuple[Image.Image, tuple[int, int]]:
    """Read an image as `read_rgb` does, with the width and height in px that it has in full, upright."""
    with decoding(path):
        content = _read_bytes(path)
        image = _open(content, path)
        in_full = image.size
        if at_least is not None:
            share = at_least / max(image.size)
            image.draft(None, (max(1, int(image.width * share)), max(1, int(image.height * share))))
        is_reduced = image.size != in_full
        image.load()
        deep = _deep(image, content, path)
        upright = _upright(image, _to_rgb(image if deep is None else _to_8_bit(deep, depth, path), path))
        if not is_reduced:
            return upright, upright.size
        return upright, in_full if upright.size == image.size else in_full[::-1]


def sample_depth(path: Path) -> SampleDepth | None:
    """How many bits the samples of an image use; None where they have 8. Only deep images are decoded.

    Raises:
        ImageError: if a deep image cannot be read.
        OSError: if the file cannot be opened.
    """
    require_regular(path)
    with path.open("rb") as file:
        if not may_be_deep(file.read(HEAD)):
            return None
    with decoding(path):
        content = _read_bytes(path)
        image = _open(content, path)
        if not is_deep(image, content):
            return None
        image.load()
        deep = _deep(image, content, path)
        return None if deep is None else deep.depth


def upright_size(path: Path) -> tuple[int, int]:
    """Width and height in px of an image as `read_rgb` gives it in full, without decoding its pixels.

    Raises:
        ImageError: if the file is missing, empty, too large or no image.
    """
    with decoding(path):
        image = _with_orientation(path)
        on_its_side = image.format != "TIFF" and _orientation(image) in (5, 6, 7, 8)
        return (image.height, image.width) if on_its_side else image.size


def exif_orientation(path: Path) -> int:
    """How an image is stored, as EXIF counts it: 1 upright, to 8; 1 where it does not say.

    Raises:
        ImageError: if the file is missing, empty, too large or no image.
    """
    with decoding(path):
        return _orientation(_with_orientation(path))


def _with_orientation(path: Path) -> ImageFile:
    """An opened image that knows its orientation."""
    content = _read_bytes(path)
    image = _open(content, path)
    if image.format == "PNG" and any(content.find(chunk, image.tile[0].offset) >= 0 for chunk in _PNG_NOTES):
        image.load()  # the orientation may stand behind the pixels
    return image


def content_hash(path: Path) -> str:
    """The sha256 of a file's bytes, in hex.

    Raises:
        OSError: if it cannot be read.
    """
    require_regular(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def inspect(path: Path, name: str) -> ImageFacts | Fault:
    """Decode an image in full and tell what it holds, or the error that keeps it from being read.

    Args:
        path: where the file lies; it is read once.
        name: what faults call it.
    """
    try:
        with decoding(path):
            content = _read_bytes(path)
            image = _open(content, path)
            image.load()
            deep = _deep(image, content, path)
            depth = None if deep is None else deep.depth
            plain = image if deep is None or depth is None else deep.to_8_bit(depth.needed)
            rgb = _upright(image, _to_rgb(plain, path))
            found = (_suffix_fault(path, content, image, name), _mode_fault(plain, name), _size_fault(rgb, name))
    except RefusedError as refused:
        return error(refused.code, name, refused.message)
    faults = tuple(fault for fault in found if fault is not None)
    digest = hashlib.sha256(content).hexdigest()
    mode = image.mode if depth is None or image.mode in GREY else f"{image.mode};16"
    return ImageFacts(rgb.width, rgb.height, mode, image.format or "", digest, faults, depth)


def _read_bytes(path: Path) -> bytes:
    try:
        require_regular(path)
        if path.stat().st_size > MAX_BYTES:
            raise RefusedError(
                "too-many-bytes", path, f"{path.stat().st_size:,} bytes", f"at most {MAX_BYTES:,} bytes", SMALLER
            )
        content = path.read_bytes()
    except FileNotFoundError as cause:
        raise RefusedError("missing-image", path, "no file", "an image", "put it there or correct the name") from cause
    except OSError as cause:
        found = f"a file that cannot be read ({cause.strerror})"
        todo = "check the file and its permissions"
        raise RefusedError("unreadable-image", path, found, "an image", todo) from cause
    if not content:
        raise RefusedError("empty-image", path, "a file of 0 bytes", "an image", "copy it again or leave it out")
    return content


def _open(content: bytes, path: Path) -> ImageFile:
    """Read the header only."""
    known = format_of(content)
    if known is None:
        found, todo = f"a file that begins with {content[:8]!r}", "save it in such a format or leave it out"
        raise RefusedError("unreadable-image", path, found, NAMED, todo)
    if is_cut_short(content):
        raise broken(path, "truncated")
    image = _open_as(known, content, path)
    pages = getattr(image, "n_frames", 1)
    if image.width * image.height > MAX_PIXELS:
        raise too_large(path, f"{image.width} x {image.height} pixels")
    if pages > 1:
        todo = "save the one with the specimen on its own"
        raise RefusedError("several-pages", path, f"{pages} pages or frames", "a single image", todo)
    return image


def _open_as(known: Format, content: bytes, path: Path) -> ImageFile:
    try:
        return known.opener(io.BytesIO(content))
    except ModuleNotFoundError as cause:
        todo = "run: pip install 'mentum[heic]', or save it as JPEG"
        raise RefusedError("missing-package", path, "HEIC", "the package pillow-heif to read it", todo) from cause
    except Exception as cause:
        if (unknown := unknown_pixels(path, cause)) is not None:
            raise unknown from cause
        raise


def _deep(image: ImageFile, content: bytes, path: Path) -> Deep | None:
    """A decoded image with more than 8 bits in a sample; None if it has no such samples, or none that are known."""
    if not is_deep(image, content) or image.mode not in _TO_RGB | GREY:
        return None
    if is_scrambled(image):
        raise unsupported(path, "16-bit samples that lie apart in a plane for each colour")
    if image.mode in GREY:
        values = np.asarray(image)
        low, high = values.min(), values.max()
        if low < 0 or high > 65535:
            found = f"grey values from {low} to {high}"
            raise RefusedError("unsupported-mode", path, found, "0 to 65535", "save it in 8 or 16 bit")
    return Deep(image, lambda: _low_bytes(content, path))


def _low_bytes(content: bytes, path: Path) -> Image.Image:
    image = _open(content, path)
    if has_planes(image):
        raise unsupported(path, "16-bit samples that lie apart in a plane for each colour")
    return low_bytes(image)


def _to_8_bit(deep: Deep, depth: int, path: Path) -> Image.Image:
    bits = deep.depth.needed if deep.depth.stated else depth
    if deep.depth.needed > bits:
        found, expected = f"16-bit samples that need {in_numbers(deep.depth.needed)}", f"{in_numbers(bits)}"
        todo = "save it at that depth or in 8 bit; a training takes another depth by pixels.depth"
        raise RefusedError("deeper-image", path, found, expected, todo)
    return deep.to_8_bit(bits)


def _to_rgb(image: Image.Image, path: Path) -> Image.Image:
    if image.mode not in _TO_RGB:
        expected = "colour or grey in 8 or 16 bit"
        raise RefusedError("unsupported-mode", path, f"pixels of mode {image.mode}", expected, "save it as 8-bit RGB")
    return _on_white(image) if image.has_transparency_data else image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, rgba).convert("RGB")


def _upright(stored: Image.Image, rgb: Image.Image) -> Image.Image:
    """Turn as the file's EXIF says; Pillow has already turned a TIFF."""
    turn = _TURNS.get(_orientation(stored)) if stored.format != "TIFF" else None
    return rgb if turn is None else rgb.transpose(turn)


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1-8; 1 where it is missing or the block is corrupt."""
    try:
        return int(Image.Image.getexif(image).get(ORIENTATION, 1))  # a PNG's own method decodes the pixels
    except Exception:  # noqa: BLE001 - as in `decoding`; a block that cannot be read turns nothing
        return 1


def _suffix_fault(path: Path, content: bytes, image: Image.Image, name: str) -> Fault | None:
    known = format_of(content)
    fitting = known.suffixes if known else ()
    if path.suffix.lower() in fitting:
        return None
    called = f"its name ends in '{path.suffix}'" if path.suffix else "its name has no suffix"
    message = f"the file holds {image.format} although {called}; it is read as what it is, but "
    return warning("wrong-suffix", name, message + f"rename it to {fitting[0]}.")


def _mode_fault(image: Image.Image, name: str) -> Fault | None:
    if image.mode == "CMYK":
        return warning("cmyk-image", name, "stored in CMYK for print, colours may shift; save the original as RGB.")
    if image.has_transparency_data and image.convert("RGBA").getchannel("A").getextrema()[0] != 255:
        return warning("transparent-image", name, "has transparent parts, which become white.")
    return None


def _size_fault(image: Image.Image, name: str) -> Fault | None:
    if min(image.size) >= SMALL_SIDE:
        return None
    found = f"only {image.width} x {image.height} px"
    return warning(
        "small-image", name, f"{found}; expected {SMALL_SIDE} px or more on the short side; use the original."
    )
