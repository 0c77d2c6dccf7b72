"""Tests of random deformation: each change alone, with drawn images whose result is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from mentum.network.augmentation import (
    ELASTIC_KNOTS,
    deform,
    deformation_from,
    draw_deformation,
    sampling_grid,
    to_tensor,
)
from mentum.settings import AugmentationSettings

SIZE = 32
Deform = Callable[..., Tensor]

STILL = AugmentationSettings(
    rotation=0, shift=0, shear=0, zoom=(1, 1), flip_horizontal=0, flip_vertical=0, elastic=0, brightness=(1, 1),
    contrast=(1, 1), fill="padding",
)  # fmt: skip
"""Ranges that leave an image as it is."""

LIVELY = AugmentationSettings(
    rotation=40, shift=0.1, shear=10, zoom=(0.5, 2), flip_horizontal=0.5, flip_vertical=0.5, elastic=0.05,
    brightness=(0.7, 1.3), contrast=(0.8, 1.25), fill="border",
)  # fmt: skip

DRAWS = {
    "rotation": 0, "shear": 1, "zoom": 2, "flip_horizontal": 3, "flip_vertical": 4, "across": 5, "down": 6,
    "brightness": 7, "contrast": 8,
}  # fmt: skip
"""What each uniform number decides; 0.5 is the middle of a range."""


def noise(n: int = 1, seed: int = 0) -> Tensor:
    pixels = np.random.default_rng(seed).integers(0, 256, (n, SIZE, SIZE, 3), dtype=np.uint8)
    return to_tensor(pixels, torch.device("cpu"))


def settings(ranges: AugmentationSettings = STILL, **changes: object) -> AugmentationSettings:
    return AugmentationSettings.model_validate(ranges.model_dump() | changes)


@pytest.fixture
def deform_by() -> Deform:
    """Deform with chosen numbers in the place of random ones: 1.0 is the upper end of a range, 0.0 the lower one."""

    def deform_chosen(
        pixels: Tensor, ranges: dict[str, object], draws: dict[str, float] | None = None, padding: int = 0
    ) -> Tensor:
        numbers = np.full(9 + 2 * ELASTIC_KNOTS**2, 0.5)
        for name, value in (draws or {}).items():
            numbers[DRAWS[name]] = value
        chosen = settings(**ranges)
        return deform(pixels, deformation_from(chosen, np.tile(numbers, (len(pixels), 1))), chosen, padding)

    return deform_chosen


def assert_close(found: Tensor, expected: Tensor, tolerance: float = 0.02) -> None:
    """Within a share of a grey level: the grid's coordinates are float32."""
    assert (found - expected).abs().max() < tolerance


# Geometry


@pytest.mark.parametrize("fill", ["padding", "border", "reflection"])
@pytest.mark.parametrize("padding", [0, 90])
def test_empty_ranges_leave_the_image_as_it_is(fill: str, padding: int) -> None:
    still, pixels = settings(fill=fill), noise(3)
    assert_close(deform(pixels, draw_deformation(still, 7, 1, [0, 1, 2]), still, padding), pixels)


def test_a_quarter_turn_is_counterclockwise(deform_by: Deform) -> None:
    pixels = noise()
    turned = deform_by(pixels, {"rotation": 90}, {"rotation": 1.0})
    assert_close(turned, torch.rot90(pixels, 1, (2, 3)))
    assert_close(turned[0, :, -1, 0], pixels[0, :, 0, 0])  # the top left corner came to the bottom left


def test_half_a_turn_either_way_is_the_same(deform_by: Deform) -> None:
    pixels = noise()
    expected = pixels.flip(2, 3)
    for draw in (0.0, 1.0):
        assert_close(deform_by(pixels, {"rotation": 180}, {"rotation": draw}), expected)


@pytest.mark.parametrize(("name", "axis"), [("flip_horizontal", 3), ("flip_vertical", 2)])
def test_mirror_images(deform_by: Deform, name: str, axis: int) -> None:
    pixels = noise()
    assert_close(deform_by(pixels, {name: 1.0}), pixels.flip(axis))
    assert_close(deform_by(pixels, {name: 0.4}, {name: 0.4}), pixels)
    assert_close(deform_by(pixels, {name: 0.4}, {name: 0.39}), pixels.flip(axis))


def test_a_shift_moves_by_whole_pixels(deform_by: Deform) -> None:
    pixels = noise()
    left = deform_by(pixels, {"shift": 0.25}, {"across": 1.0}, padding=77)
    up = deform_by(pixels, {"shift": 0.25}, {"down": 1.0}, padding=77)
    right = deform_by(pixels, {"shift": 0.25}, {"across": 0.0}, padding=77)

    assert_close(left[..., :-8], pixels[..., 8:])
    assert_close(left[..., -8:], torch.tensor(77.0))
    assert_close(up[..., :-8, :], pixels[..., 8:, :])
    assert_close(right[..., 8:], pixels[..., :-8])


def test_zoom_enlarges_and_shrinks_about_the_centre(deform_by: Deform) -> None:
    square = torch.zeros(1, 3, SIZE, SIZE)
    square[..., 12:20, 12:20] = 200

    large = deform_by(square, {"zoom": (0.5, 2)}, {"zoom": 1.0})
    small = deform_by(square, {"zoom": (0.5, 2)}, {"zoom": 0.0})
    same = deform_by(square, {"zoom": (0.5, 2)}, {"zoom": 0.5})

    assert_close(large[..., 9:23, 9:23], torch.tensor(200.0))
    assert large[..., :7, :].max() < 0.02
    assert_close(small[..., 14:18, 14:18], torch.tensor(200.0))
    assert small[..., :13, :].max() < 0.02
    assert_close(same, square)


def test_shear_slants_upright_lines(deform_by: Deform) -> None:
    line = torch.zeros(1, 3, SIZE, SIZE)
    line[..., 15:17] = 255

    slanted = deform_by(line, {"shear": 45}, {"shear": 1.0})[0, 0]

    columns = torch.arange(SIZE) + 0.5
    centres = (slanted * columns).sum(1) / slanted.sum(1)
    steps = centres[8:24].diff()
    torch.testing.assert_close(steps, torch.full_like(steps, -1.0), atol=1e-3, rtol=0)
    assert float(centres[15:17].mean()) == pytest.approx(16, abs=0.01)


def test_an_image_turned_by_any_angle_keeps_its_centre(deform_by: Deform) -> None:
    spot = torch.zeros(1, 3, SIZE, SIZE)
    spot[..., 14:18, 14:18] = 255
    for draw in (0.1, 0.3, 0.77):
        turned = deform_by(spot, {"rotation": 180}, {"rotation": draw})[0, 0]
        places = torch.arange(SIZE) + 0.5
        assert float((turned.sum(0) * places).sum() / turned.sum()) == pytest.approx(16, abs=0.01)
        assert float(turned.sum()) == pytest.approx(255 * 16, rel=0.05)


# What appears beyond the edge


def test_beyond_the_edge_lies_the_grey_of_the_padding(deform_by: Deform) -> None:
    white = torch.full((1, 3, SIZE, SIZE), 255.0)
    shifted = deform_by(white, {"shift": 0.5}, {"across": 1.0}, padding=128)
    assert_close(shifted[..., :16], torch.tensor(255.0))
    assert_close(shifted[..., 16:], torch.tensor(128.0))


def test_beyond_the_edge_lies_the_border_pixel(deform_by: Deform) -> None:
    pixels = noise()
    shifted = deform_by(pixels, {"shift": 0.25, "fill": "border"}, {"across": 1.0}, padding=128)
    assert_close(shifted[..., -8:], pixels[..., -1:].expand(-1, -1, -1, 8))


def test_beyond_the_edge_lies_the_mirror_image(deform_by: Deform) -> None:
    pixels = noise()
    shifted = deform_by(pixels, {"shift": 0.25, "fill": "reflection"}, {"across": 1.0}, padding=128)
    assert_close(shifted[..., -8:], pixels[..., -8:].flip(3))


# Light


def test_brightness_scales_grey_levels_and_stops_at_white(deform_by: Deform) -> None:
    pixels = torch.full((1, 3, SIZE, SIZE), 100.0)
    assert_close(deform_by(pixels, {"brightness": (0.5, 2)}, {"brightness": 1.0}), torch.tensor(200.0))
    assert_close(deform_by(pixels, {"brightness": (0.5, 2)}, {"brightness": 0.0}), torch.tensor(50.0))
    assert_close(deform_by(pixels, {"brightness": (0.25, 4)}, {"brightness": 1.0}), torch.tensor(255.0))


def test_contrast_acts_about_the_image_s_own_mean(deform_by: Deform) -> None:
    pixels = noise() / 4 + 90

    flatter = deform_by(pixels, {"contrast": (0.5, 2)}, {"contrast": 0.0})

    assert_close(flatter, (pixels - pixels.mean()) * 0.5 + pixels.mean())


# Elastic displacement


def test_elastic_displacement_is_smooth_and_bounded() -> None:
    elastic = settings(elastic=0.05)
    still = sampling_grid(draw_deformation(STILL, 0, 1, range(50)), 64)

    moved = sampling_grid(draw_deformation(elastic, 0, 1, range(50)), 64) - still

    assert 0.05 < moved.abs().max() < 1.5 * 2 * 0.05  # an image spans 2 units; splines overshoot a little
    per_pixel = torch.stack([moved.diff(dim=1).abs().max(), moved.diff(dim=2).abs().max()])
    assert per_pixel.max() < 0.02  # two thirds of a pixel: the image does not fold
    assert moved.mean().abs() < 0.01


# Random numbers


def test_each_image_has_its_own_draws_whatever_its_batch() -> None:
    pixels, images = noise(4), [3, 11, 4, 200]
    together = deform(pixels, draw_deformation(LIVELY, 5, 2, images), LIVELY, 0)
    for place, image in enumerate(images):
        alone = deform(pixels[place : place + 1], draw_deformation(LIVELY, 5, 2, [image]), LIVELY, 0)
        assert_close(alone[0], together[place], 1e-3)

    backwards = draw_deformation(LIVELY, 5, 2, images[::-1])
    assert torch.equal(backwards.matrices.flip(0), draw_deformation(LIVELY, 5, 2, images).matrices)


@pytest.mark.parametrize(("seed", "epoch", "image"), [(6, 2, 3), (5, 3, 3), (5, 2, 4)])
def test_seed_epoch_and_image_each_change_the_draws(seed: int, epoch: int, image: int) -> None:
    one, other = draw_deformation(LIVELY, 5, 2, [3]), draw_deformation(LIVELY, seed, epoch, [image])
    assert not torch.equal(one.matrices, other.matrices)
    assert not torch.equal(one.displacements, other.displacements)
    assert not torch.equal(one.brightness, other.brightness)


def test_rotations_fill_their_range_evenly() -> None:
    matrices = draw_deformation(settings(rotation=40), 0, 1, range(1500)).matrices
    angles = torch.rad2deg(torch.atan2(matrices[:, 1, 0], matrices[:, 0, 0]))
    assert angles.abs().max() <= 40.001
    assert angles.std() == pytest.approx(80 / 12**0.5, rel=0.05)
    assert angles.mean().abs() < 2


def test_factors_stay_in_range_and_halving_is_as_likely_as_doubling() -> None:
    drawn = draw_deformation(settings(zoom=(0.5, 2), brightness=(0.5, 2), contrast=(0.8, 1.25)), 0, 1, range(1500))
    for factors, highest in ((1 / drawn.matrices[:, 0, 0], 2), (drawn.brightness, 2), (drawn.contrast, 1.25)):
        assert factors.min() >= 1 / highest - 1e-4
        assert factors.max() <= highest + 1e-4
        assert (factors > 1).float().mean() == pytest.approx(0.5, abs=0.05)


def test_shifts_and_flips_have_their_shares() -> None:
    matrices = draw_deformation(
        settings(shift=0.1, flip_horizontal=0.25, flip_vertical=0.75), 0, 1, range(1500)
    ).matrices
    assert matrices[:, :, 2].abs().max() <= 0.2
    assert matrices[:, :, 2].abs().max() > 0.19
    assert (matrices[:, 0, 0] < 0).float().mean() == pytest.approx(0.25, abs=0.04)
    assert (matrices[:, 1, 1] < 0).float().mean() == pytest.approx(0.75, abs=0.04)


def test_pixels_become_floats_with_channels_last_in_memory() -> None:
    squares = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    tensor = to_tensor(squares, torch.device("cpu"))
    assert (tensor.shape, tensor.dtype) == ((2, 3, 4, 4), torch.float32)
    assert tensor.is_contiguous(memory_format=torch.channels_last)
    assert tensor[1, 2, 3, 0] == squares[1, 3, 0, 2]
