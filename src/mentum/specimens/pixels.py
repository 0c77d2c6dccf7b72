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
from mentum.specimens.crops import CROP_VERSION, Crop, Crops, Outcome, find_crop
from mentum.specimens.image_refusals import decoding
from mentum.specimens.images import content_hash, read_with_size, sample_depth
from mentum.specimens.placements import SquarePlacement as SquarePlacement  # callers ask here
from mentum.texts import in_brief

CACHE_VERSION = 2
"""Raised when the same settings come to mean other pixels."""
CLOSE = 3
"""A specimen that takes this part of the image's long side, or more, is decoded as sharply as a whole image."""


@dataclass(frozen=True)
class Square:
    """An image as the network gets it.

    Attributes:
        pixels: (size, size, 3) uint8, RGB.
        placement: where the image, or the part of it that is used, lies in it.
        outcome: what became of its crop; None where none was asked for.
    """

    pixels: NDArray[np.uint8]
    placement: SquarePlacement
    outcome: Outcome | None = None


def square_pixels(path: Path, settings: PixelSettings) -> NDArray[np.uint8]:
    """Read an image as a square (size, size, 3) uint8, RGB; as by `read_square`."""
    return read_square(path, settings).pixels


def read_square(path: Path, settings: PixelSettings) -> Square:
    """Read an image as a square: cropped where that is asked for, aspect kept, the short side padded.

    Raises:
        ImageError: if the image cannot be read.
    """
    # Twice the size: the antialiasing of the last step then hides that of the decoder's coarse reduction.
    at_least = 2 * settings.size * (CLOSE if settings.crops else 1)
    image, size = read_with_size(path, at_least=at_least, depth=settings.bits)
    with decoding(path):  # one side of a thread-like image may vanish
        return square_of(image, settings, size)


def square_of(image: Image.Image, settings: PixelSettings, size: tuple[int, int] | None = None) -> Square:
    """An image that is already upright and RGB as a square.

    Args:
        image: may be smaller than its file's.
        settings: the square.
        size: width and height of the upright file, px; None = those of the image.
    """
    size = size or image.size
    crop = find_crop(image, size, settings.margin) if settings.crops else Crop(None, None)
    placement = SquarePlacement(*size, settings.size, crop.box)
    padding = (settings.padding,) * 3
    if crop.box is None:
        fitted = ImageOps.pad(image, (settings.size, settings.size), Image.Resampling.BILINEAR, color=padding)
    else:
        fitted = Image.new("RGB", (settings.size, settings.size), padding)
        across, down = image.width / size[0], image.height / size[1]
        left, top, right, bottom = crop.box
        part = (left * across, top * down, right * across, bottom * down)
        fitted.paste(image.resize(placement.inner, Image.Resampling.BILINEAR, part), (placement.left, placement.top))
    return Square(np.asarray(fitted, dtype=np.uint8), placement, crop.outcome)


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
        crops: which part of each image is used; None where that is the whole of all.
    """

    pixels: NDArray[np.uint8]
    settings: PixelSettings
    content_hash: str
    content_hashes: tuple[str, ...]
    crops: Crops | None = None


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
    key = json.dumps([CACHE_VERSION, settings.model_dump(), together, *([CROP_VERSION] if settings.crops else [])])
    file = folder / f"pixels-{hashlib.sha256(key.encode()).hexdigest()[:20]}.npy"
    squares = _Squares(paths, settings, progress)
    pixels = _opened(file, squares)
    crops = _opened_crops(file.with_name(file.name.replace("pixels", "crops")), squares) if settings.crops else None
    return PixelCache(pixels, settings, together, tuple(hashes), crops)


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


@dataclass
class _Squares:
    """The squares of images, made once, and their crops, which come with them."""

    paths: Sequence[Path]
    settings: PixelSettings
    progress: ProgressCallback
    crops: Crops | None = None

    def say(self, said: str) -> None:
        """Tell the user something."""
        self.progress(Notice(task=said))

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self.paths), self.settings.size, self.settings.size, 3

    def write(self, file: Path) -> None:
        """Write all squares.

        Raises:
            DataError: if images cannot be read, with all of them.
        """
        pixels = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=self.shape)
        reserve(file)
        self._read_into(pixels)
        pixels.flush()

    def write_crops(self, file: Path) -> None:
        """Write the crops; the images are read again where the squares were there already."""
        if self.crops is None:
            self._read_into(None)
        assert self.crops is not None, "they come with the squares"
        with file.open("wb") as stream:  # by name, numpy would add a suffix
            np.save(stream, self.crops.table, allow_pickle=False)

    def _read_into(self, pixels: NDArray[np.uint8] | None) -> None:
        crops = [Crop(None, None)] * len(self.paths)

        def place(row: int) -> Fault | None:
            try:
                square = read_square(self.paths[row], self.settings)
            except ImageError as reason:
                return error("unreadable-image", str(self.paths[row]), str(reason))
            crops[row] = Crop(square.placement.box, square.outcome)
            if pixels is not None:
                pixels[row] = square.pixels
            return None

        faults, total = [], len(self.paths)
        with ThreadPoolExecutor() as pool:
            for done, fault in enumerate(pool.map(place, range(total)), start=1):
                faults += [fault] if fault else []
                self.progress(Progress(task="reading images", done=done, total=total, unit="images"))
        if faults:
            listed = "; ".join(fault.message for fault in faults[:20])
            raise DataError(f"{len(faults)} of {total} images cannot be read: {listed}")
        self.crops = Crops.of(crops) if self.settings.crops else None


def _opened(file: Path, squares: _Squares) -> NDArray[np.uint8]:
    size = int(np.prod(squares.shape))

    def make(beside: Path) -> None:
        _require_room(file.parent, size)
        squares.write(beside)

    try:
        return opened(file, make, squares.say, size)
    except OSError as reason:
        raise _no_room(file.parent, reason) from reason


def _opened_crops(file: Path, squares: _Squares) -> Crops:
    try:
        return Crops(opened(file, squares.write_crops, squares.say))
    except OSError as reason:
        raise _no_room(file.parent, reason) from reason


def _no_room(folder: Path, reason: OSError) -> DataError:
    return DataError(f"{folder}: cannot keep the pixel cache ({in_brief(reason)}); give --cache a folder with room.")


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free - 100_000_000:  # 100 MB stay free for the run itself
        raise DataError(
            f"{folder}: the pixel cache needs {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free; make room or give "
            "--cache a folder on another disk."
        )
