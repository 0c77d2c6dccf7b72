"""Tests of specimens on the ground of other images: what stays, what comes, and where there is no ground."""

from __future__ import annotations

import numpy as np
import pytest

from mentum.explanation.necessity.surroundings import ground_of, has_ground, laid_on
from mentum.explanation.necessity.transplants import Posed
from mentum.explanation.proposals.frames import Frame

SIZE = 80


def pose(shade: int, ground: int, x: float = 40, reach: float = 20) -> Posed:
    """A round specimen with a dark character, on even ground with a mark in a corner."""
    down, across = np.mgrid[:SIZE, :SIZE] + 0.5
    body = np.hypot(across - x, down - 40) <= reach
    character = np.hypot(across - x, down - 40) <= reach / 3
    grey = np.where(character, 10, np.where(body, shade, ground))
    grey[:8, :8] = 255 - ground
    pixels = np.repeat(grey[:, :, None], 3, axis=2).astype(np.uint8)
    masks = np.stack([character, body & ~character, ~body]).astype(np.float32)
    return Posed(pixels, masks, lambda: Frame(x=x, y=40, angle=0, scale=reach, axis="mirror"))


@pytest.mark.parametrize("x", [40, 30, 55])
def test_the_specimen_stays_and_the_ground_is_the_others(x: float) -> None:
    image, donor = pose(100, 200), pose(60, 230, x)
    found = laid_on(image, ground_of(donor))
    specimen = image.specimen > 0
    assert np.abs(found.astype(int) - image.pixels)[specimen].max() <= 4  # its edge is soft
    assert (found[:7, :7] == 25).all()  # the mark comes with the ground
    around = ~specimen & (np.hypot(*(np.mgrid[:SIZE, :SIZE] - 40)) > 28)
    around[:16, :16] = False
    assert np.abs(found[around].astype(int) - 230).max() <= 3  # also where the other's specimen lay


def test_an_image_on_its_own_ground_is_much_the_same() -> None:
    image = pose(100, 200)
    found = laid_on(image, ground_of(image))
    assert np.abs(found.astype(int) - image.pixels)[~(np.abs(image.specimen - 0.5) < 0.5)].mean() < 2


@pytest.mark.parametrize(("reach", "enough"), [(20, True), (36, True), (60, False)])
def test_a_specimen_that_fills_its_picture_has_no_ground(reach: float, enough: bool) -> None:
    assert has_ground(pose(100, 200, reach=reach)) is enough
