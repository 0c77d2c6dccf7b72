"""Tests of views: each change alone, with chosen numbers in the place of random ones."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pretraining import views
from pretraining.formulas import Draws
from pretraining.views import draw_views

N, R, S = 12, 32, 24


class Chosen(Draws):
    """Answers from a list instead of at random, one value a question."""

    def __init__(self, *answers: float) -> None:
        super().__init__(torch.Generator())
        self.answers = list(answers)

    def _next(self, shape: tuple[int, ...]) -> Tensor:
        return torch.full(shape, self.answers.pop(0))

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        answer = self._next(shape)
        assert (low <= answer).all()
        assert (answer <= high).all()
        return answer

    log_uniform = uniform

    def normal(self, *shape: int) -> Tensor:
        return self._next(shape)

    def flags(self, share: float, *shape: int) -> Tensor:
        return self._next(shape)


def draws(seed: int = 0) -> Draws:
    return Draws.seeded(seed, 0, torch.device("cpu"))


def noise(n: int = N) -> Tensor:
    return (draws(5).uniform(0, 1, n, 3, R, R) * 255).to(torch.uint8)


def test_views_are_floats_of_the_size_asked_for() -> None:
    seen = draw_views(noise(), S, draws())
    assert (seen.shape, seen.dtype) == ((N, 3, S, S), torch.float32)
    assert seen.min() >= 0
    assert 128 < seen.max() <= 255


def test_pictures_stay_as_they_are() -> None:
    pictures = noise()
    draw_views(pictures, S, draws())
    assert torch.equal(pictures, noise())


def test_a_generator_s_state_fixes_the_view() -> None:
    seen = draw_views(noise(), S, draws())
    torch.rand(7)  # whatever else was drawn
    assert torch.equal(draw_views(noise(), S, draws()), seen)
    assert not torch.equal(draw_views(noise(), S, draws(1)), seen)


def test_two_views_of_a_picture_differ() -> None:
    seen = draw_views(noise(1).repeat(2, 1, 1, 1), S, draws())
    assert (seen[0] - seen[1]).abs().mean() > 5


# Plain pictures


def test_black_stays_black_but_for_noise() -> None:
    seen = draw_views(torch.zeros(40, 3, R, R, dtype=torch.uint8), S, draws())
    assert seen.max() < 255 * 0.05 * 5.5
    assert seen.mean() < 255 * 0.05 / 4 / 2  # a quarter of the largest noise on average, half of it below black


def test_grey_stays_plain_but_for_noise_and_bars() -> None:
    seen = draw_views(torch.full((40, 3, R, R), 128, dtype=torch.uint8), S, draws())
    middle = seen[..., S // 4 : -S // 4, S // 4 : -S // 4]
    assert (middle.std((2, 3)) < 255 * 0.06).all()
    assert middle.mean() == pytest.approx(128, abs=15)
    assert middle.mean((1, 2, 3)).std() > 5  # light differs


# Cut-outs: angle, zoom, aspect, flip, shift


def cut(pictures: Tensor, size: int, *answers: float) -> Tensor:
    return views.cut_view(pictures.float(), size, Chosen(*answers))


def test_the_whole_picture_is_cut_out_as_it_is() -> None:
    torch.testing.assert_close(cut(noise(), R, 0, 1, 0, 0, 0), noise().float(), atol=0.01, rtol=0)


def test_a_flip_swaps_left_and_right() -> None:
    torch.testing.assert_close(cut(noise(), R, 0, 1, 0, 1, 0), noise().float().flip(3), atol=0.01, rtol=0)


def test_half_the_zoom_shows_the_middle() -> None:
    middle = noise().float()[..., R // 4 : -R // 4, R // 4 : -R // 4]
    torch.testing.assert_close(cut(noise(), R // 2, 0, 0.5, 0, 0, 0), middle, atol=0.01, rtol=0)


def test_half_the_zoom_shifted_shows_a_corner() -> None:
    corner = noise().float()[..., R // 2 :, R // 2 :]
    torch.testing.assert_close(cut(noise(), R // 2, 0, 0.5, 0, 0, 1), corner, atol=0.01, rtol=0)


def test_a_turn_keeps_the_middle_and_moves_the_rest() -> None:
    spot = torch.zeros(1, 3, R, R)
    spot[..., R // 2 - 2 : R // 2 + 2, R - 8 : R - 4] = 255  # 10 px to the right of the middle
    places = torch.arange(R) + 0.5 - R / 2

    turned = cut(spot, R, 1, 1, 0, 0, 0)[0, 0]

    across, down = ((turned.sum(axis) * places).sum() / turned.sum() for axis in (0, 1))
    assert float(across**2 + down**2) ** 0.5 == pytest.approx(10, abs=0.2)
    assert abs(float(torch.rad2deg(torch.atan2(down, across)))) == pytest.approx(25, abs=1)


# Light: tint, brightness, saturation, no colour, contrast, gamma


def test_light_left_alone() -> None:
    pictures = noise().float() / 255
    torch.testing.assert_close(views.relight(pictures, Chosen(0, 1, 1, 0, 1, 1)), pictures)


def test_colour_can_be_taken_away() -> None:
    pictures = noise().float() / 255
    grey = views.relight(pictures, Chosen(0, 1, 1, 1, 1, 1))
    torch.testing.assert_close(grey, pictures.mean(1, keepdim=True).expand_as(pictures))


def test_contrast_acts_about_the_mean_and_brightness_scales() -> None:
    pictures = noise().float() / 255 / 4 + 0.25
    mean = pictures.mean((1, 2, 3), keepdim=True)
    flatter = views.relight(pictures, Chosen(0, 1.25, 1, 0, 0.8, 1))
    torch.testing.assert_close(flatter, 1.25 * (mean + 0.8 * (pictures - mean)))


# Blur: width, whether


def test_a_small_width_leaves_a_view_sharp() -> None:
    pictures = noise().float()
    torch.testing.assert_close(views.soften(pictures, Chosen(1.3, 0)), pictures)


def test_blur_keeps_the_mean_and_each_view_its_own() -> None:
    pictures = noise().float()
    softer = views.soften(pictures, Chosen(1.3, 1))
    torch.testing.assert_close(softer.mean((2, 3)), pictures.mean((2, 3)), atol=4, rtol=0)
    assert (softer.std((2, 3)) < 0.6 * pictures.std((2, 3))).all()
    alone = views.soften(pictures[3:4], Chosen(1.3, 1))
    torch.testing.assert_close(alone[0], softer[3], atol=1e-3, rtol=0)
    plain = torch.full((2, 3, S, S), 0.4)
    torch.testing.assert_close(views.soften(plain, Chosen(1.0, 1)), plain)


# Bars: how much stays, whether all of it, upright bars


@pytest.mark.parametrize("upright", [0, 1])
def test_bars_are_black_on_two_sides(upright: int) -> None:
    white = torch.ones(2, 3, 20, 20)

    barred = views.bar_some(white, Chosen(0.6, 0, upright))

    expected = white.clone()
    across = expected.transpose(2, 3) if upright else expected
    across[:, :, :4] = across[:, :, -4:] = 0  # 0.6 of 20 px stays
    assert torch.equal(barred, expected)


@pytest.mark.parametrize("upright", [0, 1])
def test_no_bars_where_none_are_asked_for(upright: int) -> None:
    white = torch.ones(2, 3, 20, 20)
    assert torch.equal(views.bar_some(white, Chosen(0.6, 1, upright)), white)


def test_half_of_the_views_have_bars() -> None:
    barred = views.bar_some(torch.ones(400, 3, 20, 20), draws()).amin((1, 2, 3)) == 0
    assert 0.35 < barred.float().mean() < 0.55  # the narrowest do not reach a pixel
