"""Tests of formulas: what a seed fixes, what siblings share, ranges of the numbers."""

from __future__ import annotations

import colorsys
from dataclasses import fields

import pytest
import torch
from torch import Tensor

from pretraining.formulas import COLOURS, PARTS, PER_PART, Draws, Formulas, draw_formulas, draw_siblings, hsv_to_rgb

CPU = torch.device("cpu")
GROUPS, SIZE = 40, 3
NAMES = [field.name for field in fields(Formulas)]


def draws(seed: int = 0, stream: int = 0) -> Draws:
    return Draws.seeded(seed, stream, CPU)


@pytest.fixture(scope="module")
def formulas() -> Formulas:
    return draw_formulas(400, draws())


@pytest.fixture(scope="module")
def siblings() -> Formulas:
    return draw_siblings(GROUPS, SIZE, draws())


def same(one: Formulas, other: Formulas) -> list[str]:
    return [name for name in NAMES if torch.equal(getattr(one, name), getattr(other, name))]


# Random numbers


def test_seed_and_stream_fix_the_formulas() -> None:
    first = draw_siblings(4, 3, draws(5, 2))
    torch.rand(7)  # whatever else was drawn
    assert same(first, draw_siblings(4, 3, draws(5, 2))) == NAMES


@pytest.mark.parametrize(("seed", "stream"), [(5, 3), (6, 2)])
def test_another_seed_or_stream_gives_others(seed: int, stream: int) -> None:
    assert not same(draw_formulas(12, draws(5, 2)), draw_formulas(12, draws(seed, stream)))


def test_numbers_keep_their_ranges() -> None:
    chance = draws()
    even, wide = chance.uniform(-2, 3, 4000), chance.log_uniform(0.1, 10, 4000)
    flags, whole = chance.flags(0.25, 4000), chance.integers(3, 4000)

    assert (float(even.min()), float(even.max())) == pytest.approx((-2, 3), abs=0.01)
    assert (float(wide.min()), float(wide.max())) == pytest.approx((0.1, 10), rel=0.02)
    assert (wide < 1).float().mean() == pytest.approx(0.5, abs=0.03)  # a tenth is as likely as ten times
    assert set(flags.tolist()) == {0.0, 1.0}
    assert flags.mean() == pytest.approx(0.25, abs=0.03)
    assert set(whole.tolist()) == {0, 1, 2}


# Numbers of a formula


def test_every_number_is_finite_and_has_the_things_first(formulas: Formulas) -> None:
    assert len(formulas) == 400
    for name in NAMES:
        values = getattr(formulas, name)
        assert len(values) == 400, name
        assert values.isfinite().all(), name


def test_numbers_of_parts_are_those_with_an_axis_of_parts(formulas: Formulas) -> None:
    with_axis = [name for name in NAMES if getattr(formulas, name).shape[1:2] == (PARTS,)]
    assert sorted(with_axis) == sorted(PER_PART)


def test_take_repeats(formulas: Formulas) -> None:
    taken = formulas.take(torch.tensor([7, 2, 7]))
    assert len(taken) == 3
    for name in NAMES:
        values = getattr(formulas, name)
        assert torch.equal(getattr(taken, name), torch.stack([values[7], values[2], values[7]])), name


def test_attributes_are_a_table_of_finite_numbers_that_vary(formulas: Formulas) -> None:
    attributes = formulas.attributes()
    assert attributes.shape == (400, attributes.shape[1])
    assert attributes.isfinite().all()
    assert (attributes.std(0) > 0.01).all()
    taken = formulas.take(torch.tensor([3, 3])).attributes()
    torch.testing.assert_close(taken, attributes[[3, 3]])


def test_one_kind_of_surface_prevails_in_each_part(formulas: Formulas) -> None:
    ordered = formulas.kind.sort(dim=-1, descending=True).values
    assert ordered[..., 0].min() >= 0.8
    assert ordered[..., 0].max() <= 1
    assert ordered[..., 1:].min() >= 0
    assert ordered[..., 1:].max() <= 0.2
    shares = formulas.kind.argmax(-1).flatten().bincount() / (400 * PARTS)
    torch.testing.assert_close(shares, torch.tensor([0.42, 0.2, 0.13, 0.25]), atol=0.04, rtol=0)


def test_waves_around_a_centre_close(formulas: Formulas) -> None:
    around = formulas.wave[formulas.polar > 0][..., 1]
    assert torch.equal(around, around.round())
    assert len(around) > 0


# Colours


def test_palettes_are_colours(formulas: Formulas, siblings: Formulas) -> None:
    for things in (formulas, siblings):
        assert things.palette.shape == (len(things), PARTS, COLOURS, 3)
        assert things.palette.min() >= 0
        assert things.palette.max() <= 1


def test_hsv_is_converted_as_colorsys_does() -> None:
    chance = draws()
    hue, saturation, value = (chance.uniform(0, 1, 50) for _ in range(3))
    hue[:7] = torch.arange(7) / 6  # the corners of the hexagon

    found = hsv_to_rgb(hue, saturation, value)

    colours = zip(hue.tolist(), saturation.tolist(), value.tolist(), strict=True)
    expected = torch.tensor([colorsys.hsv_to_rgb(*colour) for colour in colours])
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


# Siblings


def by_group(values: Tensor) -> Tensor:
    return values.view(GROUPS, SIZE, *values.shape[1:])


def test_siblings_stand_together_and_are_alike(siblings: Formulas, formulas: Formulas) -> None:
    sample = formulas.attributes()
    standardised = (siblings.attributes() - sample.mean(0)) / sample.std(0)
    distance = torch.cdist(standardised, standardised)
    group = torch.arange(GROUPS * SIZE) // SIZE
    alike, self_ = group[:, None] == group[None, :], torch.eye(GROUPS * SIZE, dtype=torch.bool)

    within, between = distance[alike & ~self_], distance[~alike]

    assert within.median() < 0.6 * between.median()
    nearest = distance.masked_fill(self_, float("inf")).argmin(1)
    assert (group[nearest] == group).float().mean() > 0.85


def shared_by_two(siblings: Formulas, name: str) -> Tensor:
    """Where the first two of each group have the same numbers: (GROUPS, PARTS), or (GROUPS, 1) of the whole thing."""
    values = by_group(getattr(siblings, name))
    same_numbers = values[:, 0] == values[:, 1]
    return same_numbers.view(GROUPS, PARTS if name in PER_PART else 1, -1).all(-1)


@pytest.mark.parametrize("name", ["angle", "phase", "wave", "sharpness", "kind", "rim", "mirrored", "stained", "cell"])
def test_siblings_share_most_traits(siblings: Formulas, name: str) -> None:
    shared = shared_by_two(siblings, name).float().mean()
    assert 0.6 < shared < 0.95  # a thing keeps a trait of a part with 0.85, two things with its square


def test_siblings_differ(siblings: Formulas) -> None:
    attributes = by_group(siblings.attributes())
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert ((attributes[:, one] - attributes[:, other]).abs().amax(-1) > 0.01).all()


@pytest.mark.parametrize(("one", "other"), [("wave", "readout"), ("wave", "sharpness"), ("rim", "opacity")])
def test_numbers_that_belong_together_are_exchanged_together(siblings: Formulas, one: str, other: str) -> None:
    kept, also_kept = shared_by_two(siblings, one), shared_by_two(siblings, other)
    assert (also_kept | ~kept).all()
    assert not kept.all()
