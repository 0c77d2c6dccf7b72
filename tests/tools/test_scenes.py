"""Tests of scenes: pictures of things, backgrounds, light and focus."""

from __future__ import annotations

from dataclasses import fields

import pytest
import torch
from torch import Tensor

from pretraining import scenes
from pretraining.formulas import Draws, Formulas, draw_formulas
from pretraining.scenes import draw_scenes

N, S = 12, 32


def draws(seed: int = 0) -> Draws:
    return Draws.seeded(seed, 0, torch.device("cpu"))


@pytest.fixture(scope="module")
def formulas() -> Formulas:
    return draw_formulas(N, draws(9))


@pytest.fixture(scope="module")
def pictures(formulas: Formulas) -> Tensor:
    return draw_scenes(formulas, S, draws())


def test_pictures_are_bytes(pictures: Tensor) -> None:
    assert (pictures.shape, pictures.dtype) == ((N, 3, S, S), torch.uint8)
    assert pictures.max() > 150
    assert pictures.min() < 50
    assert (pictures.float().std(dim=(1, 2, 3)) > 5).all()


def test_a_generator_s_state_fixes_the_picture(formulas: Formulas, pictures: Tensor) -> None:
    torch.rand(7)  # whatever else was drawn
    assert torch.equal(draw_scenes(formulas, S, draws()), pictures)
    assert not torch.equal(draw_scenes(formulas, S, draws(1)), pictures)


def test_two_drawings_of_a_thing_differ(formulas: Formulas) -> None:
    twice = draw_scenes(formulas.take(torch.tensor([0, 0, 1, 1])), S, draws()).float()
    assert (twice[0] - twice[1]).abs().mean() > 5
    assert (twice[2] - twice[3]).abs().mean() > 5


def test_the_thing_shows(formulas: Formulas, pictures: Tensor) -> None:
    others = draw_scenes(formulas.take(torch.arange(N).roll(1)), S, draws())
    assert ((others.float() - pictures.float()).abs().mean((1, 2, 3)) > 2).all()  # all but the thing is equal


def test_parts_move_a_little_and_stay_what_they_are(formulas: Formulas) -> None:
    moved = scenes.articulate(formulas, draws())
    changed = [
        field.name
        for field in fields(Formulas)
        if not torch.equal(getattr(moved, field.name), getattr(formulas, field.name))
    ]
    assert changed == ["place", "scale", "angle"]
    assert (moved.place - formulas.place).abs().max() < 0.3
    assert (moved.scale / formulas.scale).log().abs().max() < 0.3


# Backgrounds


@pytest.mark.parametrize("size", [16, 17])
def test_clouds_are_colours(size: int) -> None:
    clouds = scenes.draw_clouds(40, size, draws())
    assert clouds.shape == (40, 3, size, size)
    assert clouds.min() >= 0
    assert clouds.max() <= 1
    assert clouds.mean((1, 2, 3)).std() > 0.1


def test_clouds_are_smooth() -> None:
    clouds = scenes.draw_clouds(40, S, draws())
    clouds = clouds - clouds.mean((2, 3), keepdim=True)
    assert clouds.diff(dim=3).square().mean() < 0.7 * 2 * clouds.square().mean()  # neighbours are alike: 2 for noise


@pytest.mark.parametrize("size", [32, 33])
def test_backgrounds_are_as_large_as_the_picture(size: int) -> None:
    background = scenes.draw_background(N, size, draws())
    assert background.shape == (N, 3, size, size)
    assert background.min() >= 0
    assert background.max() <= 1 + 1e-5


# Light and focus


def test_light_varies_over_the_picture_and_between_pictures() -> None:
    lit = scenes.light_unevenly(torch.full((40, 3, S, S), 0.5), draws())
    assert lit.min() >= 0
    assert lit.max() <= 1
    assert lit.std((2, 3)).mean() > 0.01
    assert lit.mean((1, 2, 3)).std() > 0.03
    assert lit.mean() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("width", [0.6, 1.5, 4.0])
def test_a_blurred_spot_keeps_its_light_and_becomes_a_bell(width: float) -> None:
    spot = torch.zeros(1, 3, 2 * S + 1, 2 * S + 1)
    spot[..., S, S] = 1

    blurred = scenes.blur(spot, width)

    torch.testing.assert_close(blurred.sum((2, 3)), torch.ones(1, 3))
    offset = torch.arange(-S, S + 1).float()
    spread = (blurred[0, 0].sum(0) * offset**2).sum() ** 0.5
    assert float(spread) == pytest.approx(width, rel=0.1)
    torch.testing.assert_close(blurred, blurred.flip(2))
    torch.testing.assert_close(blurred, blurred.transpose(2, 3))


def test_blur_keeps_the_mean_and_what_is_plain() -> None:
    picture = draws().uniform(0, 1, N, 3, S, S)
    blurred = scenes.blur(picture, 1.5)
    torch.testing.assert_close(blurred.mean((2, 3)), picture.mean((2, 3)), atol=0.02, rtol=0)
    assert (blurred.std((2, 3)) < 0.5 * picture.std((2, 3))).all()
    plain = torch.full((1, 3, S, S), 0.3)
    torch.testing.assert_close(scenes.blur(plain, 4.0), plain)


def test_each_picture_is_blurred_by_one_of_the_widths() -> None:
    picture = draws().uniform(0, 1, 40, 3, S, S)

    found = scenes.defocus(picture, draws(), (0.25, 1.0, 3.0), (0.4, 0.3, 0.3))

    choices = torch.stack([picture, scenes.blur(picture, 1.0), scenes.blur(picture, 3.0)])
    off = (choices - found).abs().amax((2, 3, 4))
    assert (off.amin(0) == 0).all()
    assert set(off.argmin(0).tolist()) == {0, 1, 2}
