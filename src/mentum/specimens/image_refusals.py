"""Why an image cannot be read, in one sentence: where, what was found, what was expected, what to do."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from mentum.errors import ImageError

MAX_PIXELS = 178_956_970
"""Larger images are refused: what Pillow takes for a decompression bomb, half a gigabyte of pixels."""

SMALLER = "save a smaller image or crop it to the specimen"
"""What to do about an image that is too large."""


class RefusedError(ImageError):
    """An image that cannot be read, with the code of its fault."""

    def __init__(self, code: str, path: Path, found: str, expected: str, todo: str) -> None:
        self.code = code
        self.message = f"found {found}; expected {expected}; {todo}."
        super().__init__(f"{path}: {self.message}")


@contextlib.contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Whatever goes wrong while one image is read is that image's fault, and no other's.

    Decoders fail in every way on files that break their rules: beside errors of files and values with an AssertionError
    (a palette without colours), a MemoryError (sides that are lies), a RecursionError, or a warning where Python turns
    warnings into errors. So all of them are caught, here alone, and become one sentence.

    Raises:
        ImageError: instead of what was raised.
    """
    try:
        yield
    except ImageError:
        raise
    except Image.DecompressionBombError as cause:
        raise too_large(path, "more pixels") from cause
    except MemoryError as cause:
        raise too_large(path, "an image that takes more memory than there is") from cause
    except Exception as cause:
        raise broken(path, str(cause)) from cause


def broken(path: Path, reason: str) -> RefusedError:
    """A file that does not follow its format, by what its decoder raises."""
    code = "truncated-image" if re.search("truncated|incomplete", reason.lower()) else "unreadable-image"
    reason = reason.partition("\n")[0]
    if re.fullmatch(r"decoder error -?\d+", reason):  # of libtiff too, where a way of compression is foreign to it
        reason = "its pixels cannot be decoded; it may be compressed in a way that is not read here"
    found = f"a broken file ({reason or 'it does not follow its format'})"
    return RefusedError(code, path, found, "a whole image", "copy or export it again, or leave it out")


def unknown_pixels(path: Path, cause: Exception) -> RefusedError | None:
    """A whole TIFF that Pillow knows no way to decode, by what it raises."""
    reason = str(cause)
    if reason.isdigit():  # what Pillow looked for among its ways of compression
        return unsupported(path, f"a TIFF compressed in a way that cannot be read here (its number is {reason})")
    if "unknown pixel mode" in reason:
        return unsupported(path, "a TIFF whose kind of samples cannot be read here")
    return None


def unsupported(path: Path, found: str) -> RefusedError:
    """Pixels of a kind that is not read."""
    expected = "grey or colour in 8 or 16 bit, uncompressed or compressed by LZW or Deflate"
    return RefusedError("unsupported-mode", path, found, expected, "save it so, or as PNG")


def too_large(path: Path, found: str) -> RefusedError:
    """More pixels than are decoded."""
    return RefusedError("too-many-pixels", path, found, f"at most {MAX_PIXELS} pixels", SMALLER)
