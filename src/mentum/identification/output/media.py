"""Images of a specimen as media that others can find."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from urllib.parse import quote

from mentum.records import Identification

_FORMATS: Mapping[str, str] = {
    ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".tif": "image/tiff", ".tiff": "image/tiff",
    ".bmp": "image/bmp", ".webp": "image/webp", ".gif": "image/gif",
}  # fmt: skip


def media_address(file_name: str, prefix: str) -> str:
    """Where others find an image, from what comes before its name.

    >>> media_address("larvae/K 12.tif", "https://museum.org/slides")
    'https://museum.org/slides/larvae/K%2012.tif'
    """
    return prefix + ("" if prefix.endswith(("/", "=")) else "/") + quote(PurePath(file_name).as_posix())


def addresses(identification: Identification, prefix: str) -> Iterator[tuple[str, str]]:
    """Each image of an identification with where others find it: by the user's table, else by a prefix.

    Yields:
        Name and address; several addresses if the table gives several; the name twice if nothing is known.
    """
    given = identification.media or ("",) * len(identification.file_names)
    for file_name, listed in zip(identification.file_names, given, strict=True):
        named = [each.strip() for each in listed.split("|") if each.strip()]
        own = media_address(file_name, prefix) if prefix and not is_online(file_name) else file_name
        yield from ((file_name, address) for address in named or [own])


def is_online(name: str) -> bool:
    """Whether a name is an address on the web."""
    return re.match(r"https?://", name, re.IGNORECASE) is not None


def is_within(name: str) -> bool:
    """Whether a name leads to a place below the folder where it is used, so that a prefix makes an address of it."""
    path = PurePath(name)
    return not path.is_absolute() and ".." not in path.parts


def image_format(file_name: str) -> str:
    """Media type by the suffix, "" for one that no image here has.

    >>> image_format("larvae/K_12.TIF")
    'image/tiff'
    """
    return _FORMATS.get(PurePath(file_name).suffix.lower(), "")
