"""Formats of image files: their suffixes, how their files begin, what opens them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

ORIENTATION = 0x0112  # the EXIF tag

FIRST_BYTES = 64
"""Of a file, which tell its format."""


class _TiffFile(TiffImageFile):
    """A TIFF that Pillow does not check once more for its size, which would warn of a large one."""

    def load_prepare(self) -> None:
        if self.tag_v2.get(ORIENTATION, 1) < 5:
            ImageFile.load_prepare(self)
        else:  # lies on its side; only Pillow's own method knows its stored size
            super().load_prepare()


def _open_heic(content: BytesIO) -> ImageFile:
    from pillow_heif import HeifImageFile  # an extra: patents keep its decoder out of many systems

    image: ImageFile = HeifImageFile(content)
    return image


@dataclass(frozen=True)
class Format:
    """One file format: its suffixes, how its files begin, and what opens them."""

    suffixes: tuple[str, ...]
    signature: re.Pattern[bytes]
    opener: Callable[[BytesIO], ImageFile]

    @property
    def is_heic(self) -> bool:
        """Whether it needs the extra."""
        return self.opener is _open_heic


# Opened by these classes rather than by Image.open, which warns of large images; silencing it is not thread-safe.
FORMATS = (
    Format((".jpg", ".jpeg", ".jpe", ".jfif"), re.compile(rb"\xff\xd8\xff"), JpegImagePlugin.JpegImageFile),
    Format((".png",), re.compile(rb"\x89PNG\r\n\x1a\n"), PngImagePlugin.PngImageFile),
    Format((".tif", ".tiff"), re.compile(rb"II[*+]\x00|MM\x00[*+]"), _TiffFile),
    Format((".bmp",), re.compile(rb"BM"), BmpImagePlugin.BmpImageFile),
    Format((".webp",), re.compile(rb"RIFF....WEBP", re.DOTALL), WebPImagePlugin.WebPImageFile),
    Format((".gif",), re.compile(rb"GIF8[79]a"), GifImagePlugin.GifImageFile),
    Format(
        (".jp2", ".j2k", ".jpf", ".jpx"), re.compile(rb"\x00\x00\x00\x0cjP  \r\n\x87\n|\xffO\xffQ"),
        Jpeg2KImagePlugin.Jpeg2KImageFile,
    ),
    Format((".avif",), re.compile(rb"....ftyp(avi[fs]|mif1.{4,40}avif)", re.DOTALL), AvifImagePlugin.AvifImageFile),
    Format((".heic", ".heif", ".hif"), re.compile(rb"....ftyp(hei[cmsx]|hev[cmsx]|mif1|msf1)", re.DOTALL), _open_heic),
)  # fmt: skip
NAMED = "JPEG, PNG, TIFF, BMP, WebP, GIF, JPEG 2000, AVIF or HEIC"
"""The formats, in words."""

IMAGE_SUFFIXES: frozenset[str] = frozenset(
    suffix for known in FORMATS if not known.is_heic for suffix in known.suffixes
)
"""Suffixes of files that are taken for images and need no extra, in lower case."""
HEIC_SUFFIXES: frozenset[str] = frozenset(suffix for known in FORMATS if known.is_heic for suffix in known.suffixes)
"""Likewise of those that need the extra."""


def format_of(content: bytes) -> Format | None:
    """The format of a file by its first bytes; None where they begin no image."""
    return next((known for known in FORMATS if known.signature.match(content)), None)


def is_cut_short(content: bytes) -> bool:
    """Whether a WebP names a length, or a TIFF a place for its directory, beyond the end of the file."""
    if content.startswith(b"RIFF"):
        return int.from_bytes(content[4:8], "little") + 8 > len(content)
    if content.startswith((b"II*\x00", b"MM\x00*")):
        return int.from_bytes(content[4:8], "little" if content.startswith(b"I") else "big") >= len(content)
    return False


def begins_as_image(path: Path) -> bool:
    """Whether a regular file, whatever its suffix, holds an image by its first bytes.

    Raises:
        OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        first = file.read(FIRST_BYTES)
    # Two letters make no picture: in a BMP the bytes 6 to 9 are zero.
    return format_of(first) is not None and (not first.startswith(b"BM") or first[6:10] == bytes(4))
