"""The pixel cache: every image once decoded, oriented, resized and padded to a square, in one memory-mapped array.

The same function prepares images for training and for identification.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from mentum.errors import DataError, ImageError
from mentum.records import Fault, Progress, ProgressCallback, error, ignore_progress
from mentum.settings import PixelSettings
from mentum.specimens.images import content_hash, read_rgb

CACHE_VERSION = 1
"""Raised when the same settings come to mean other pixels."""


def square_pixels(path: Path, settings: PixelSettings) -> NDArray[np.uint8]:
    """Read an image as a square: aspect kept, the short side padded.

    Returns:
        (size, size, 3) uint8, RGB.

    Raises:
        ImageError: if the image cannot be read.
    """
    # Twice the size: the antialiasing of the last step then hides that of the decoder's coarse reduction.
    image = read_rgb(path, at_least=2 * settings.size)
    padding = (settings.padding,) * 3
    fitted = ImageOps.pad(image, (settings.size, settings.size), Image.Resampling.BILINEAR, color=padding)
    return np.asarray(fitted, dtype=np.uint8)


@dataclass(frozen=True)
class PixelCache:
    """Pixels of N images.

    Attributes:
        pixels: (N, size, size, 3) uint8, RGB, memory-mapped.
        content_hash: over the bytes of all images, in order.
        content_hashes: of each image.
    """

    pixels: NDArray[np.uint8]
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
        settings: the square.
        folder: where caches are kept, one file per content and settings.
        progress: told after each image.

    Raises:
        DataError: if images cannot be read (all are listed), or the disk lacks the room.
    """
    hashes = hash_images(paths)
    whole = hashlib.sha256("".join(hashes).encode()).hexdigest()
    key = json.dumps([CACHE_VERSION, settings.model_dump(), whole])
    file = folder / f"pixels-{hashlib.sha256(key.encode()).hexdigest()[:20]}.npy"
    if not file.is_file():
        _fill(file, paths, settings, progress)
    return PixelCache(np.load(file, mmap_mode="r"), whole, tuple(hashes))


def _fill(file: Path, paths: Sequence[Path], settings: PixelSettings, progress: ProgressCallback) -> None:
    shape = (len(paths), settings.size, settings.size, 3)
    beside = file.with_suffix(f".{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _require_room(file.parent, int(np.prod(shape)))
        faults = _write(beside, shape, paths, settings, progress)
        if faults:
            listed = "; ".join(fault.message for fault in faults[:20])
            raise DataError(f"{len(faults)} of {len(paths)} images cannot be read: {listed}")
        beside.replace(file)
    except OSError as reason:
        raise DataError(
            f"{file.parent}: cannot keep the pixel cache ({reason}); give --cache a folder with room."
        ) from reason
    finally:
        with contextlib.suppress(OSError):  # what keeps the file from being made may keep it from being removed
            beside.unlink(missing_ok=True)


def _write(
    file: Path, shape: tuple[int, ...], paths: Sequence[Path], settings: PixelSettings, progress: ProgressCallback
) -> list[Fault]:
    pixels = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape)

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
