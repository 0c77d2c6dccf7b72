"""Pictures of specimens in their own frame, on which proposed characters are shown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mentum.explanation.evidence import RunEvidence
from mentum.explanation.proposals.clusters import REACH
from mentum.explanation.proposals.frames import Frame
from mentum.explanation.proposals.propose import Proposals
from mentum.specimens.pixels import SquarePlacement

AROUND = 0.4
"""Units that an example shows to each side of a peak."""


def mean_image(evidence: RunEvidence, frames: Sequence[Frame], cells: int = 400) -> NDArray[np.uint8]:
    """The average of all images, each turned, moved and scaled into the frame of its specimen.

    It reaches 1.25 units to each side of the middle. Padding of the squares does not count; where few images reach, it
    fades into the average colour.

    Returns:
        (cells, cells, 3) uint8, RGB.
    """
    total = np.zeros((cells, cells, 3))
    covered = np.zeros((cells, cells, 1))
    for row, (pixels, frame) in enumerate(zip(evidence.pixels, frames, strict=True)):
        share = _window(_inner(evidence.placement(row)), frame, cells)[..., None] / 255.0
        total += share * _window(Image.fromarray(pixels), frame, cells)
        covered += share
    usual = total.sum(axis=(0, 1)) / covered.sum()
    # A few images that reach farther than the others would draw their edges; the average colour softens them.
    few = 0.15 * covered.max()
    mean: NDArray[np.uint8] = ((total + few * usual) / (covered + few)).round().astype(np.uint8)
    return mean


def example_pictures(
    evidence: RunEvidence, proposals: Proposals, cells: int = 96
) -> dict[int, list[NDArray[np.uint8]]]:
    """What lies around the highest peaks of each proposed character, the body axis upright.

    Returns:
        Number of the character → pictures (cells, cells, 3) uint8 of its examples, 0.8 units wide.
    """
    rows = {name: row for row, name in enumerate(evidence.file_names)}
    frames = {image.file_name: image.frame for image in proposals.images}
    pictures: dict[int, list[NDArray[np.uint8]]] = {}
    for character in proposals.characters:
        windows = (
            frames[example.file_name].window(
                Image.fromarray(evidence.pixels[rows[example.file_name]]), (example.x, example.y), AROUND, cells
            )
            for example in character.examples
        )
        pictures[character.number] = [np.asarray(window, dtype=np.uint8) for window in windows]
    return pictures


def _inner(placement: SquarePlacement) -> Image.Image:
    """A square that is white where the image lies and black where it is padded."""
    square = Image.new("L", (placement.size, placement.size))
    right, bottom = placement.left + placement.inner[0], placement.top + placement.inner[1]
    square.paste(255, (placement.left, placement.top, right, bottom))
    return square


def _window(picture: Image.Image, frame: Frame, cells: int) -> NDArray[np.float64]:
    return np.asarray(frame.window(picture, (0, 0), REACH, cells), dtype=np.float64)
