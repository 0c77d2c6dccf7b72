"""Read images and let the networks look at them: batches are read ahead on all cores while the networks work."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mentum.errors import ImageError
from mentum.identification.inputs import Given
from mentum.model.session import Outputs, Session
from mentum.settings import PixelSettings
from mentum.specimens.bit_depth import DIM, FULL, in_numbers
from mentum.specimens.crops import Outcome
from mentum.specimens.images import content_hash, sample_depth
from mentum.specimens.pixels import Square, read_square, square_of
from mentum.texts import printable

BATCH_SIZE = 16
_UNSOUND = (
    "the model's network gives values that are no probabilities, expected numbers of sum 1; run `mentum verify` on the "
    "model, or leave the image out"
)
_AHEAD = 3
"""Batches that are read while the networks work on an earlier one."""


@dataclass(frozen=True)
class Picture:
    """An image as the networks want it, or why there is none.

    Attributes:
        content_hash: sha256 of the file's bytes, or of the array's; of the name where the file cannot be read at all.
    """

    given: Given
    content_hash: str
    square: Square | None = None
    failure: str | None = None

    @property
    def pixels(self) -> NDArray[np.uint8] | None:
        """(S, S, 3) uint8; None where the image could not be read."""
        return None if self.square is None else self.square.pixels

    @property
    def is_uncropped(self) -> bool:
        """Whether the specimen, to which images are cropped, was not found in it."""
        return self.square is not None and self.square.outcome is Outcome.NOT_FOUND


@dataclass(frozen=True)
class Reading:
    """A batch of images and what the networks say of those that could be read.

    Attributes:
        pictures: all images of the batch, in order.
        rows: (n,) int, which of them could be read.
        outputs: of these n; None where there are none.
    """

    pictures: list[Picture]
    rows: NDArray[np.int64]
    outputs: Outputs | None


def read_images(
    images: Iterable[Given | NDArray[np.uint8]], session: Session, settings: PixelSettings, *, relevance: bool = False
) -> Iterator[Reading]:
    """Go through images in batches; memory does not grow with their number."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for pictures in _batches(images, settings, pool):
            rows = np.array([row for row, each in enumerate(pictures) if each.pixels is not None], dtype=np.int64)
            readable = [each.pixels for each in pictures if each.pixels is not None]
            outputs = session(np.stack(readable), relevance=relevance) if readable else None
            yield _without_unsound(Reading(pictures, rows, outputs))


def _without_unsound(reading: Reading) -> Reading:
    """Refuse the images of which a network says something else than probabilities, each with its reason."""
    if reading.outputs is None or (sound := reading.outputs.is_sound).all():
        return reading
    pictures = list(reading.pictures)
    for row in reading.rows[~sound].tolist():
        pictures[row] = replace(pictures[row], failure=f"{pictures[row].given.name}: {_UNSOUND}")
    return Reading(pictures, reading.rows[sound], reading.outputs[sound] if sound.any() else None)


def _batches(
    images: Iterable[Given | NDArray[np.uint8]], settings: PixelSettings, pool: ThreadPoolExecutor
) -> Iterator[list[Picture]]:
    source = enumerate(images, start=1)
    waiting: list[list[Future[Picture]]] = []
    while True:
        while len(waiting) < _AHEAD:
            batch = list(itertools.islice(source, BATCH_SIZE))
            if not batch:
                break
            waiting.append([pool.submit(_read, image, number, settings) for number, image in batch])
        if not waiting:
            return
        yield [future.result() for future in waiting.pop(0)]


def _read(image: Given | NDArray[np.uint8], number: int, settings: PixelSettings) -> Picture:
    if isinstance(image, np.ndarray):
        return _from_array(image, number, settings)
    try:
        square = read_square(image.path, settings)
        _refuse_dark(image.path, square.pixels, settings)
        return Picture(image, content_hash(image.path), square)
    except (ImageError, OSError) as reason:  # a file may go between the two
        return Picture(image, _hash_or_name(image.path), failure=printable(str(reason)))


def _refuse_dark(path: Path, pixels: NDArray[np.uint8], settings: PixelSettings) -> None:
    """Stop at an image that comes out too dark because its samples use fewer bits than are counted on.

    Raises:
        ImageError: with the bits of both.
    """
    middle = pixels[len(pixels) // 2, len(pixels) // 2]  # never padding
    depth = sample_depth(path) if middle.max() < DIM else None
    if depth is None or depth.stated:
        return
    found = f"{path}: found 16-bit samples that need no more than {in_numbers(depth.needed)}"
    if settings.depth == "auto" and depth.needed < FULL:
        raise ImageError(
            f"{found}; expected all 16 bits, since the training had no such images that show what the camera uses; "
            "scale them to 0-65535, or save it in 8 bit."
        )
    if depth.is_dark(settings.bits):
        raise ImageError(
            f"{found}, nearly black in the {in_numbers(settings.bits)} at which the model reads them; scale them "
            "likewise, or save it in 8 bit."
        )


def _hash_or_name(path: Path) -> str:
    try:
        return content_hash(path)
    except OSError:
        return hashlib.sha256(os.fsencode(path)).hexdigest()


def _from_array(image: NDArray[np.uint8], number: int, settings: PixelSettings) -> Picture:
    """Take an array (H, W, 3) uint8, RGB."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"image {number}: an array of {image.dtype} {image.shape}; expected uint8 (height, width, 3)")
    digest = hashlib.sha256(str(image.shape).encode() + np.ascontiguousarray(image).tobytes()).hexdigest()
    name = f"array {number}"
    return Picture(Given(Path(name), name), digest, square_of(Image.fromarray(image), settings))
