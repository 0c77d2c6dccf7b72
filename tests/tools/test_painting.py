"""Tests of painting: each piece against a slow plain computation, and what a pose does to a picture."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from pretraining import painting
from pretraining.formulas import COLOURS, HARMONICS, PARTS, PER_PART, Draws, Formulas, draw_formulas
from pretraining.painting import Paint, Poses, draw_poses, paint

N, S = 12, 32
LIGHT_FROM_BELOW = (0.0, 0.6, 0.8)


def draws(seed: int = 0) -> Draws:
    return Draws.seeded(seed, 0, torch.device("cpu"))


@pytest.fixture(scope="module")
def formulas() -> Formulas:
    return draw_formulas(N, draws())


@pytest.fixture
def poses() -> Poses:
    return draw_poses(N, draws(1), (0.35, 1.15), math.pi)


def upright(n: int = N, radius: float = 0.6, light: tuple[float, float, float] = LIGHT_FROM_BELOW) -> Poses:
    """Things in the middle, neither turned nor bent."""
    return Poses(
        matrix=torch.eye(2).expand(n, 2, 2) / radius,
        shift=torch.zeros(n, 2),
        bend=torch.zeros(n, 2, 4, 4),
        light=torch.tensor(light).expand(n, 3),
        ambient=torch.full((n,), 0.4),
        softness=torch.ones(n),
    )


def canvases(n: int = N) -> Tensor:
    return draws(2).uniform(0, 1, n, 3, S, S)


def part_of(formulas: Formulas, number: int = 0, **changes: Any) -> Paint:
    values = {name: getattr(formulas, name)[:, number] for name in PER_PART}
    pose = upright(len(formulas))
    seen = {"stained": formulas.stained, "light": pose.light, "ambient": pose.ambient, "softness": pose.softness}
    return Paint(**(values | seen | changes))


# Contours


def test_a_contour_is_the_sum_of_its_harmonics(formulas: Formulas) -> None:
    angle = torch.linspace(-math.pi, math.pi, S * S).view(1, S, S).expand(N, S, S)

    found = painting.contour_of(part_of(formulas), angle.cos(), angle.sin())

    amplitude, phase = formulas.amplitude[:, 0], formulas.phase[:, 0]
    direct = torch.ones(N, S, S)
    for place in range(HARMONICS):
        wave = torch.cos((place + 1) * angle + phase[:, place, None, None])
        direct += amplitude[:, place, None, None] * wave
    torch.testing.assert_close(found, direct.clamp(min=0.15), atol=1e-4, rtol=0)
    assert direct.std() > 0.05


def test_a_part_is_a_circle_in_its_own_coordinates(formulas: Formulas) -> None:
    part = part_of(formulas)
    for turned, expected in ((0.0, (1.0, 0.0)), (math.pi / 2, (0.0, 1.0))):
        axis = part.angle + turned
        half = part.scale[:, 0] if turned == 0 else part.scale[:, 1]
        x, y = part.place[:, 0] + half * axis.cos(), part.place[:, 1] + half * axis.sin()

        u, v = painting.part_coordinates(part, x[:, None, None], y[:, None, None])

        torch.testing.assert_close(u.flatten(), torch.full((N,), expected[0]), atol=1e-5, rtol=0)
        torch.testing.assert_close(v.flatten(), torch.full((N,), expected[1]), atol=1e-5, rtol=0)


# Surfaces


def cell_by_hand(x: Tensor, y: Tensor, cell: Tensor) -> tuple[float, float]:
    """Height and seam at one place: sort the jittered points around by their distance."""
    count, jitter, seed, other = cell
    x, y = x * count, y * count
    points = []
    for column in (x.floor() - 1, x.floor(), x.floor() + 1):
        for row in (y.floor() - 1, y.floor(), y.floor() + 1):
            key = column * 12.9898 + row * 78.233 + seed
            first, last = (torch.sin(key) * 4375.85) % 1, (torch.sin(key + other) * 2741.37) % 1
            at = float(column + 0.5 + jitter * (first - 0.5)), float(row + 0.5 + jitter * (last - 0.5))
            points.append((math.dist(at, (float(x), float(y))), float(first)))
    (nearest, shade), (second, _) = sorted(points)[:2]
    return 0.9 - 2 * nearest + shade - 0.5, 1 - 5 * min(second - nearest, 0.5)


def test_cells_are_those_of_the_nearest_points(formulas: Formulas) -> None:
    chance = draws(3)
    x, y = chance.uniform(-1.5, 1.5, N, 4, 4), chance.uniform(-1.5, 1.5, N, 4, 4)

    height, seam = painting.cell_pattern(x, y, formulas.cell)

    for thing, row, column in ((0, 0, 0), (0, 3, 2), (1, 1, 1), (4, 2, 3), (7, 0, 3), (11, 3, 3)):
        place = thing, row, column
        expected = cell_by_hand(x[place], y[place], formulas.cell[thing])
        assert (float(height[place]), float(seam[place])) == pytest.approx(expected, abs=0.01)


def test_waves_across(formulas: Formulas) -> None:
    u, v = draws(4).uniform(-1, 1, 2, N, 4, 4)
    only_waves = torch.tensor([1.0, 0, 0, 0]).expand(N, 4)
    part = part_of(formulas, kind=only_waves, polar=torch.zeros(N), sharpness=torch.full((N,), 0.5))

    found = painting.surface_of(part, u, v, torch.zeros_like(u), torch.zeros_like(u))

    weight = (part.wave_weight[3] / part.wave_weight[3].norm()).tolist()
    waves = zip(weight, part.wave[3].tolist(), part.wave_phase[3].tolist(), strict=True)
    p, q = 3.14 * float(u[3, 2, 1]), 3.14 * float(v[3, 2, 1])
    expected = sum(share * math.sin(across * p + down * q + phase) for share, (across, down), phase in waves)
    assert float(found[3, 2, 1]) == pytest.approx(math.tanh(0.5 * 1.4 * expected), abs=1e-3)


@pytest.mark.parametrize("polar", [0.0, 1.0])
def test_surfaces_stay_between_minus_one_and_one(formulas: Formulas, polar: float) -> None:
    u, v, cells, seams = draws(5).uniform(-1, 1, 4, N, S, S)
    found = painting.surface_of(part_of(formulas, polar=torch.full((N,), polar)), u, v, cells, seams)
    assert found.abs().max() <= 1
    assert (found.std(dim=(1, 2)) > 0.01).all()


def test_colours_at_and_between_the_knots_of_a_palette(formulas: Formulas) -> None:
    palette = formulas.palette[:1, 0]
    knots = torch.linspace(-1, 1, COLOURS)
    between = (knots[:-1] + knots[1:]) / 2

    found = painting.colour_of(torch.cat([knots, between]).view(1, 1, -1), palette)[0, :, 0].T

    expected = torch.cat([palette[0], (palette[0, :-1] + palette[0, 1:]) / 2])
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


# Light


def test_a_flat_thing_is_evenly_lit(formulas: Formulas) -> None:
    depth, surface = torch.full((N, S, S), 0.5), draws(6).uniform(-1, 1, N, S, S)
    light, gloss = painting.light_of(depth, surface, part_of(formulas, relief=torch.zeros(N, 3)))
    torch.testing.assert_close(light, torch.full((N, S, S), 0.4 + 0.6 * 0.8 * 1.4))
    assert (gloss == 0).all()


def test_a_dome_is_bright_towards_the_lamp(formulas: Formulas) -> None:
    centres = (2 * torch.arange(S) + 1) / S - 1
    depth = (1 - (centres**2 + centres[:, None] ** 2).sqrt()).expand(N, S, S)
    relief = torch.tensor([1.0, 0.0, 0.5]).expand(N, 3)
    from_right = torch.tensor([0.6, 0.0, 0.8]).expand(N, 3)

    for picture in painting.light_of(depth, torch.zeros(N, S, S), part_of(formulas, relief=relief, light=from_right)):
        inside = picture[:, 8:24, 4:28]
        assert (inside[..., 12:].mean((1, 2)) > inside[..., :12].mean((1, 2)) + 0.01).all()


# Whole things


def test_a_thing_without_opacity_leaves_the_canvas(formulas: Formulas, poses: Poses) -> None:
    canvas = canvases()
    hidden = replace(formulas, opacity=torch.zeros(N, PARTS))
    assert torch.equal(paint(canvas, hidden, poses), canvas)
    assert not torch.equal(paint(canvas, formulas, poses), canvas)


def test_values_stay_between_black_and_white(formulas: Formulas, poses: Poses) -> None:
    for canvas in (canvases(), torch.zeros(N, 3, S, S), torch.ones(N, 3, S, S)):
        painted = paint(canvas, formulas, poses)
        assert painted.shape == (N, 3, S, S)
        assert painted.min() >= 0
        assert painted.max() <= 1


def test_a_mirrored_thing_is_symmetric(formulas: Formulas) -> None:
    canvas = torch.full((N, 3, S, S), 0.5)
    mirrored, single = (replace(formulas, mirrored=torch.full((N,), flag)) for flag in (1.0, 0.0))

    symmetric, free = (paint(canvas, things, upright()) for things in (mirrored, single))

    torch.testing.assert_close(symmetric, symmetric.flip(3), atol=1e-4, rtol=0)
    assert ((free - free.flip(3)).abs().amax((1, 2, 3)) > 0.05).all()


def test_a_shift_moves_the_thing(formulas: Formulas) -> None:
    canvas, still = torch.full((N, 3, S, S), 0.5), upright(radius=0.12)
    compact = replace(formulas, scale=torch.full((N, PARTS, 2), 0.5))  # slender parts fade out slowly at their tips
    moved = replace(still, shift=torch.tensor([0.25, -0.5]).expand(N, 2))  # 4 px to the right, 8 px up
    expected = torch.roll(paint(canvas, compact, still), (-8, 4), (2, 3))
    torch.testing.assert_close(paint(canvas, compact, moved), expected, atol=1e-3, rtol=0)


def test_a_thing_covers_more_of_the_canvas_when_larger(formulas: Formulas) -> None:
    canvas = torch.full((N, 3, S, S), 0.5)
    small, large = (
        ((paint(canvas, formulas, upright(radius=radius)) - 0.5).abs().amax(1) > 0.02).sum() for radius in (0.2, 0.6)
    )
    assert large > 2 * small


def test_a_batch_is_painted_as_its_images_alone(formulas: Formulas, poses: Poses) -> None:
    canvas = canvases()
    together = paint(canvas, formulas, poses)
    for number in range(N):
        one = torch.tensor([number])
        pose = Poses(**{name: value[one] for name, value in vars(poses).items()})
        alone = paint(canvas[one], formulas.take(one), pose)
        torch.testing.assert_close(alone[0], together[number], atol=1e-3, rtol=0)


def test_poses_keep_their_ranges() -> None:
    poses = draw_poses(500, draws(), (0.5, 0.8), math.pi / 5)
    radius = poses.matrix.det().abs() ** -0.5
    assert 0.3 < radius.min() < 0.55
    assert 0.75 < radius.max() < 1.3  # proportions vary a little
    assert (poses.matrix.det() < 0).float().mean() == pytest.approx(0.5, abs=0.1)  # mirror images
    torch.testing.assert_close(poses.light.norm(dim=1), torch.ones(500))
    assert (poses.light[:, 2] > 0).all()
    assert (poses.shift.abs().amax(1) + radius).quantile(0.9) < 1.1  # in the picture
