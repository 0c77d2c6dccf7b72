"""Tests of characters in the place of others: where they come to lie, what stays, and forms laid elsewhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from mentum.explanation.necessity.transplants import Posed, covered, elsewhere, transplant
from mentum.explanation.proposals.frames import Frame

SIZE = 96
BODY = 150
CHARACTERS = {"mentum": (0.0, -0.7, 0.28, 0.18), "plates": (0.35, 0.0, 0.2, 0.3), "margin": (-0.1, 0.75, 0.5, 0.12)}
"""Middle and half sides in units of the body's half width."""


def pose(shades: tuple[int, int, int], angle: float = 0.0, reach: float = 30.0, light: float = 1.0) -> Posed:
    """A round grey body with three characters of given shades, turned, of some size, under some light."""
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5 - SIZE / 2
    turn = math.radians(angle)
    right, down = x * math.cos(turn) + y * math.sin(turn), -x * math.sin(turn) + y * math.cos(turn)
    body = np.hypot(right, down) <= reach
    grey = np.where(body, BODY, 220.0)
    masks = []
    for (left, top, width, height), shade in zip(CHARACTERS.values(), shades, strict=True):
        inside = (np.abs(right - left * reach) <= width * reach) & (np.abs(down - top * reach) <= height * reach)
        masks.append(inside & body)
        grey = np.where(masks[-1], shade, grey)
    rest = body & ~np.any(masks, axis=0)
    pixels = np.repeat(np.round(grey * light)[:, :, None], 3, axis=2).astype(np.uint8)
    frame = Frame(x=SIZE / 2, y=SIZE / 2, angle=max(-90, min(90, angle)), scale=reach, axis="mirror")
    return Posed(pixels, np.stack([*masks, rest, ~body]).astype(np.float32), lambda: frame)


def shade_of(pixels: np.ndarray, mask: np.ndarray) -> float:
    """Median grey well within a mask."""
    inside = np.asarray(Image.fromarray((255 * mask).astype(np.uint8)).resize((SIZE, SIZE))) > 250
    return float(np.median(pixels[inside]))


@pytest.mark.parametrize(("angle", "reach"), [(0, 30), (40, 30), (-75, 24), (160, 36)])
@pytest.mark.parametrize("character", [0, 1, 2])
def test_the_donors_character_takes_the_place_whatever_its_pose(angle: float, reach: float, character: int) -> None:
    image, donor = pose((20, 60, 90)), pose((200, 240, 10), angle, reach)
    graft = transplant(image, donor, character)
    assert graft is not None
    found = covered(image.pixels, [graft])
    assert shade_of(found, image.masks[character]) == pytest.approx((200, 240, 10)[character], abs=12)
    others = [place for place in range(3) if place != character]
    for other in others:
        assert shade_of(found, image.masks[other]) == (20, 60, 90)[other]
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5 - SIZE / 2
    far = np.hypot(x, y) > 38
    assert np.array_equal(found[far], image.pixels[far])


@pytest.mark.parametrize("light", [0.7, 0.9, 1.15])
def test_light_is_matched_with_the_images_own(light: float) -> None:
    image, donor = pose((20, 60, 90)), pose((100, 60, 90), light=light)
    graft = transplant(image, donor, 0)
    assert graft is not None
    assert shade_of(covered(image.pixels, [graft]), image.masks[0]) == pytest.approx(100, abs=3)


def test_a_character_that_is_absent_is_not_replaced() -> None:
    image, donor = pose((20, 60, 90)), pose((200, 240, 10))
    lacking = Posed(donor.pixels, donor.masks * np.array([0, 1, 1, 1, 1])[:, None, None].astype(np.float32), donor.find)
    assert transplant(image, lacking, 0) is None
    assert transplant(lacking, donor, 0) is None
    assert transplant(image, lacking, 1) is not None


def test_frames_place_a_donor_that_shares_a_single_character() -> None:
    only = np.array([1, 0, 0, 1, 1], dtype=np.float32)[:, None, None]
    image, turned = pose((20, 60, 90)), pose((200, 240, 10), 40)
    image, donor = (Posed(each.pixels, each.masks * only, each.find) for each in (image, turned))
    graft = transplant(image, donor, 0)
    assert graft is not None
    assert shade_of(covered(image.pixels, [graft]), image.masks[0]) == pytest.approx(200, abs=12)


@pytest.mark.parametrize("character", [0, 1, 2])
def test_a_form_laid_elsewhere_touches_no_character(character: int) -> None:
    image, donor = pose((20, 60, 90)), pose((200, 240, 10), 30)
    graft = elsewhere(image, donor, character, np.random.default_rng(character))
    assert graft is not None
    found = covered(image.pixels, [graft])
    for place in range(3):
        assert shade_of(found, image.masks[place]) == (20, 60, 90)[place]
    assert graft.veil.sum() > 0.2 * image.masks[character].sum()


def test_several_characters_are_replaced_at_once() -> None:
    image, donor = pose((20, 60, 90)), pose((200, 240, 10), 25)
    grafts = [graft for place in (0, 2) if (graft := transplant(image, donor, place)) is not None]
    found = covered(image.pixels, grafts)
    assert shade_of(found, image.masks[0]) == pytest.approx(200, abs=12)
    assert shade_of(found, image.masks[1]) == 60
    assert shade_of(found, image.masks[2]) == pytest.approx(10, abs=12)
