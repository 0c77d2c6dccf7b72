"""The pixel cache: every image once decoded, oriented, resized and padded to a square, in one memory-mapped array.

The same function prepares images for training and for identification.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from mentum.caches.storage import opened, opened_text
from mentum.disks import require_place, reserve
from mentum.errors import DataError, ImageError
from mentum.files import hash_together
from mentum.records import Fault, Notice, Progress, ProgressCallback, error, ignore_progress
from mentum.settings import PixelSettings
from mentum.specimens.bit_depth import SampleDepth, common_depth
from mentum.specimens.image_refusals import decoding
from mentum.specimens.images import content_hash, read_rgb, sample_depth
from mentum.texts import in_brief

CACHE_VERSION = 2
"""Raised when the same settings come to mean other pixels."""


def square_pixels(path: Path, settings: PixelSettings) -> NDArray[np.uint8]:
    """Read an image as a square: aspect kept, the short side padded.

    Returns:
        (size, size, 3) uint8, RGB.

    Raises:
        ImageError: if the image cannot be read.
    """
    # Twice the size: the antialiasing of the last step then hides that of the decoder's coarse reduction.
    image = read_rgb(path, at_least=2 * settings.size, depth=settings.bits)
    with decoding(path):  # one side of a thread-like image may vanish
        return fit_square(image, settings)


def fit_square(image: Image.Image, settings: PixelSettings) -> NDArray[np.uint8]:
    """An image that is already upright and RGB as a square (size, size, 3) uint8."""
    padding = (settings.padding,) * 3
    fitted = ImageOps.pad(image, (settings.size, settings.size), Image.Resampling.BILINEAR, color=padding)
    return np.asarray(fitted, dtype=np.uint8)


@dataclass(frozen=True)
class SquarePlacement:
    """Where an image lies in its square: what `square_pixels` does, in numbers.

    Coordinates are continuous: the first pixel covers [0, 1) by [0, 1). An image that is decoded at a reduced size may
    lie up to one px off, where its reduced sides round to another aspect.

    Attributes:
        width, height: of the upright image, px.
        size: side of the square, px.
    """

    width: int
    height: int
    size: int

    @property
    def inner(self) -> tuple[int, int]:
        """Width and height of the image within the square, px.

        >>> SquarePlacement(width=1024, height=756, size=224).inner
        (224, 165)
        """
        if self.width > self.height:
            return self.size, round(self.height / self.width * self.size)
        return round(self.width / self.height * self.size), self.size

    @property
    def left(self) -> int:
        """Columns of padding before the image."""
        return round((self.size - self.inner[0]) * 0.5)

    @property
    def top(self) -> int:
        """Rows of padding above the image."""
        return round((self.size - self.inner[1]) * 0.5)

    @property
    def scale_x(self) -> float:
        """Px of the square per px of the image, from left to right."""
        return self.inner[0] / self.width

    @property
    def scale_y(self) -> float:
        """Px of the square per px of the image, from top to bottom."""
        return self.inner[1] / self.height

    def place(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (N, 2) of the image → of the square, x and y in px.

        >>> SquarePlacement(width=400, height=200, size=100).place(np.array([[0.0, 0.0], [400.0, 200.0]])).tolist()
        [[0.0, 25.0], [100.0, 75.0]]
        """
        placed: NDArray[np.float64] = points * (self.scale_x, self.scale_y) + (self.left, self.top)
        return placed

    def restore(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (N, 2) of the square → of the image, x and y in px; the inverse of `place`."""
        restored: NDArray[np.float64] = (points - (self.left, self.top)) / (self.scale_x, self.scale_y)
        return restored


@dataclass(frozen=True)
class PixelRows:
    """Some rows of a memory-mapped array of squares, read when they are asked for."""

    pixels: NDArray[np.uint8]
    rows: NDArray[np.int64]

    def __getitem__(self, place: int | slice | NDArray[np.int64]) -> NDArray[np.uint8]:
        return self.pixels[self.rows[place]]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self.pixels[row] for row in self.rows)


@dataclass(frozen=True)
class PixelCache:
    """Pixels of N images.

    Attributes:
        pixels: (N, size, size, 3) uint8, RGB, memory-mapped.
        settings: the square, with the depth that was found; still "auto" where no image has more than 8 bits.
        content_hash: over the bytes of all images, in order.
        content_hashes: of each image.
    """

    pixels: NDArray[np.uint8]
    settings: PixelSettings
    content_hash: str
    content_hashes: tuple[str, ...]


def hash_images(paths: Sequence[Path]) -> list[str]:
    """Hash the bytes of each image, on all cores."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(content_hash, paths))


def open_cache(
    paths: Sequence[Path], settings: PixelSettings, folder: Path, progress: ProgressCallback = ignore_progress
) -> PixelCache:
    """Open the cached pixels of these images, or make them.

    Args:
        paths: the images, in the order of the array.
        settings: the square; the depth of 16-bit images is found where it is "auto".
        folder: where caches are kept, one file per content and settings.
        progress: told after each image.

    Raises:
        DataError: if images cannot be read (all are listed), or the disk lacks the room.
    """
    _require_place(folder)
    hashes = hash_images(paths)
    together = hash_together(hashes)
    if settings.depth == "auto":
        found = _kept_depth(folder / f"depth-{together[:20]}.txt", paths, progress)
        settings = settings.model_copy(update={"depth": found or "auto"})
    key = json.dumps([CACHE_VERSION, settings.model_dump(), together])
    file = folder / f"pixels-{hashlib.sha256(key.encode()).hexdigest()[:20]}.npy"
    pixels = _opened(file, paths, settings, progress)
    return PixelCache(pixels, settings, together, tuple(hashes))


def _require_place(folder: Path) -> None:
    """Before all images are read; a folder that is there may hold their pixels already."""
    try:
        if not folder.is_dir():
            require_place(folder)
    except OSError as reason:
        raise _no_room(folder, reason) from reason


def find_depth(paths: Sequence[Path]) -> int | None:
    """The depth at which the 16-bit images among these are read; None where there are none that can be read."""
    with ThreadPoolExecutor() as pool:
        return common_depth(pool.map(_depth_or_none, paths))


def _depth_or_none(path: Path) -> SampleDepth | None:
    try:
        return sample_depth(path)
    except (ImageError, OSError):
        return None


def _kept_depth(file: Path, paths: Sequence[Path], progress: ProgressCallback) -> int | None:
    """Find the depth once for the same content: deep images must be decoded for it."""
    try:
        text = opened_text(file, lambda: str(find_depth(paths) or 0), lambda said: progress(Notice(task=said)))
    except OSError as reason:
        raise _no_room(file.parent, reason) from reason
    return int(text) or None


def _opened(
    file: Path, paths: Sequence[Path], settings: PixelSettings, progress: ProgressCallback
) -> NDArray[np.uint8]:
    shape = (len(paths), settings.size, settings.size, 3)
    size = int(np.prod(shape))

    def make(beside: Path) -> None:
        _require_room(file.parent, size)
        faults = _write(beside, shape, paths, settings, progress)
        if faults:
            listed = "; ".join(fault.message for fault in faults[:20])
            raise DataError(f"{len(faults)} of {len(paths)} images cannot be read: {listed}")

    try:
        return opened(file, make, lambda said: progress(Notice(task=said)), size)
    except OSError as reason:
        raise _no_room(file.parent, reason) from reason


def _no_room(folder: Path, reason: OSError) -> DataError:
    return DataError(f"{folder}: cannot keep the pixel cache ({in_brief(reason)}); give --cache a folder with room.")


def _write(
    file: Path, shape: tuple[int, ...], paths: Sequence[Path], settings: PixelSettings, progress: ProgressCallback
) -> list[Fault]:
    pixels = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape)
    reserve(file)

    def place(row: int) -> Fault | None:
        try:
            pixels[row] = square_pixels(paths[row], settings)
        except ImageError as reason:
            return error("unreadable-image", str(paths[row]), str(reason))
        return None

    faults = []
    with ThreadPoolExecutor() as pool:
        for done, fault in enumerate(pool.map(place, range(len(paths))), start=1):
            faults += [fault] if fault else []
            progress(Progress(task="reading images", done=done, total=len(paths), unit="images"))
    pixels.flush()
    return faults


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free - 100_000_000:  # 100 MB stay free for the run itself
        raise DataError(
            f"{folder}: the pixel cache needs {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free; make room or give "
            "--cache a folder on another disk."
        )
