"""Tests of shares of relevance: hand-made maps and masks with known answers, and a slow re-implementation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentum.explanation.shares import (
    MASS_FLOOR,
    N_NULL,
    NO_CHARACTER,
    Regions,
    at_peak,
    null_of_other_images,
    null_of_shifts,
    project_regions,
    relevance_mass,
    used_by_density,
    used_by_mass,
    used_by_peak,
)
from mentum.maps import CellGeometry

GEOMETRY = CellGeometry(size=32, cells=4, stride=8, offset=3.5)
"""Cells tile the square, eight px each."""

NAMES = ("mentum", "mandible")


def masks_of(*boxes: tuple[slice, slice]) -> np.ndarray:
    """Characters in boxes, the specimen in the left half, background in the right."""
    masks = np.zeros((len(boxes) + 2, 32, 32), dtype=np.float32)
    for mask, box in zip(masks, boxes, strict=False):
        mask[box] = 1
    masks[-2, :, :16] = 1
    masks[-2] = np.clip(masks[-2] - masks[:-2].sum(0), 0, 1)
    masks[-1] = 1 - masks[:-1].sum(0)
    return masks


UPPER, LOWER = (slice(0, 8), slice(0, 8)), (slice(24, 32), slice(0, 16))
MASKS = masks_of(UPPER, LOWER)
REGIONS = project_regions(NAMES, [MASKS], GEOMETRY)


def one_map(**cells: float) -> np.ndarray:
    """A map that is zero but for cells such as r0c3=2.0."""
    relevance = np.zeros((1, 4, 4), dtype=np.float32)
    for name, value in cells.items():
        relevance[0, int(name[1]), int(name[3])] = value
    return relevance


def slow_mass(relevance: np.ndarray, masks: np.ndarray) -> list[float]:
    """Draw the positive map pixel by pixel and add up what lies in each mask."""
    drawn = GEOMETRY.draw(np.maximum(relevance, 0))
    return [float((drawn * mask).sum() / drawn.sum()) for mask in masks]


def test_areas_are_shares_of_the_square():
    np.testing.assert_allclose(REGIONS.areas, [[1 / 16, 1 / 8, 1 / 2 - 3 / 16, 1 / 2]])


def test_mass_is_that_of_the_drawn_map():
    relevance = np.random.default_rng(0).normal(size=(1, 4, 4)).astype(np.float32)
    found = relevance_mass(relevance, REGIONS.weights)
    np.testing.assert_allclose(found[0], slow_mass(relevance[0], MASKS), rtol=1e-5)


@given(st.integers(0, 2**32 - 1))
def test_masses_sum_to_one(seed):
    relevance = np.random.default_rng(seed).normal(size=(3, 4, 4)).astype(np.float32)
    regions = project_regions(NAMES, [MASKS] * 3, GEOMETRY)
    np.testing.assert_allclose(relevance_mass(relevance, regions.weights).sum(axis=1), 1, atol=1e-6)


def test_a_map_without_positive_relevance_has_no_shares():
    relevance = -np.ones((1, 4, 4), dtype=np.float32)
    mass = relevance_mass(relevance, REGIONS.weights)
    assert np.isnan(mass).all()
    assert used_by_mass(mass, REGIONS.areas, 2).tolist() == [NO_CHARACTER]
    assert used_by_density(mass, REGIONS.areas, 2).tolist() == [NO_CHARACTER]
    assert used_by_peak(relevance, REGIONS).tolist() == [NO_CHARACTER]


def test_negative_relevance_counts_nowhere():
    with_negative = one_map(r0c0=1.0, r3c0=-5.0)
    np.testing.assert_array_equal(
        relevance_mass(with_negative, REGIONS.weights), relevance_mass(one_map(r0c0=1.0), REGIONS.weights)
    )


def used(rule, mass: list[float], areas: list[float]) -> int:
    return int(rule(np.array([mass]), np.array([areas], dtype=np.float32), 2)[0])


def test_the_main_rule_takes_the_character_with_the_most_relevance_for_its_area():
    assert used(used_by_density, [0.3, 0.31, 0.0, 0.39], [0.05, 0.2, 0.25, 0.5]) == 0


def test_the_rule_of_mass_takes_the_character_with_the_largest_mass():
    assert used(used_by_mass, [0.3, 0.31, 0.0, 0.39], [0.05, 0.2, 0.25, 0.5]) == 1


@pytest.mark.parametrize("rule", [used_by_density, used_by_mass])
def test_a_mass_below_the_floor_is_none(rule):
    below = MASS_FLOOR - 0.001
    assert used(rule, [below, 0.0, 0.35, 0.65 - below], [0.001, 0.1, 0.3, 0.599]) == NO_CHARACTER
    assert used(rule, [MASS_FLOOR, 0.0, 0.35, 0.65 - MASS_FLOOR], [0.001, 0.1, 0.3, 0.599]) == 0


@pytest.mark.parametrize("rule", [used_by_density, used_by_mass])
def test_a_mass_below_its_own_area_is_none(rule):
    assert used(rule, [0.2, 0.04, 0.1, 0.66], [0.25, 0.05, 0.2, 0.5]) == NO_CHARACTER


@pytest.mark.parametrize("rule", [used_by_density, used_by_mass])
def test_background_and_the_rest_of_the_specimen_are_no_characters(rule):
    assert used(rule, [0.1, 0.2, 0.3, 0.4], [0.05, 0.05, 0.1, 0.05]) == 1


def test_an_absent_character_is_never_used():
    masks = masks_of((slice(0, 0), slice(0, 0)), LOWER)
    regions = project_regions(NAMES, [masks], GEOMETRY)
    relevance = one_map(r3c0=1.0)
    mass = relevance_mass(relevance, regions.weights)
    for rule in (used_by_mass, used_by_density):
        assert rule(mass, regions.areas, 2).tolist() == [1]


@pytest.mark.parametrize(("cell", "expected"), [("r0c0", 0), ("r3c1", 1), ("r1c3", NO_CHARACTER)])
def test_the_peak_rule_names_what_covers_the_peaks_cell(cell, expected):
    assert used_by_peak(one_map(**{cell: 1.0}), REGIONS).tolist() == [expected]


def test_a_peak_hits_all_regions_within_half_a_cell():
    hits = at_peak(one_map(r3c1=1.0), REGIONS.covers) > 0
    assert hits.tolist() == [[False, True, False, False]]
    assert (at_peak(one_map(r1c1=1.0), REGIONS.covers) > 0).tolist() == [[False, False, True, False]]


def test_other_images_never_lend_a_map_of_the_same_specimen():
    """Two specimens of two images; the maps of one lie in the first character, of the other in the background."""
    relevance = np.concatenate([one_map(r0c0=1.0)] * 2 + [one_map(r0c3=1.0)] * 2)
    regions = project_regions(NAMES, [MASKS] * 4, GEOMETRY)
    null = null_of_other_images(relevance, regions.weights, np.array(["a", "a", "b", "b"]), seed=0)

    assert null.shape == (N_NULL, 4, 4)
    assert np.nanmax(null[:, :2, 0]) == 0
    assert np.nanmin(null[:, 2:, 0]) > 0.5


def test_one_specimen_has_no_null_of_others():
    null = null_of_other_images(one_map(r0c0=1.0), REGIONS.weights, np.array(["a"]), seed=0)
    assert np.isnan(null).all()


def test_shifted_maps_give_regions_their_areas_on_average():
    relevance = np.concatenate([one_map(r0c0=1.0)] * 60)
    regions = Regions(
        NAMES, *(np.repeat(each, 60, axis=0) for each in (REGIONS.weights, REGIONS.covers, REGIONS.areas))
    )
    null = null_of_shifts(relevance, regions.weights, seed=0)
    np.testing.assert_allclose(null.mean(axis=(0, 1)), REGIONS.areas[0], atol=0.03)


def test_the_same_seed_gives_the_same_draws():
    relevance = np.random.default_rng(0).normal(size=(3, 4, 4)).astype(np.float32)
    regions = project_regions(NAMES, [MASKS] * 3, GEOMETRY)
    specimens = np.array(["a", "b", "c"])
    for draw in (lambda: null_of_other_images(relevance, regions.weights, specimens, 4),
                 lambda: null_of_shifts(relevance, regions.weights, 4)):  # fmt: skip
        np.testing.assert_array_equal(draw(), draw())
