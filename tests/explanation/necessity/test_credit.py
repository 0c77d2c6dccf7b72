"""Tests of shared credit: values known by hand, sampled against exact ones, and interactions."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from mentum.explanation.necessity.credit import MOST_EXACT, coalitions, interaction, pairs, shapley_values


def worth(weights: list[float], extra: float = 0.0) -> dict[int, float]:
    """Falls that add up, and an extra where the first two are both replaced."""
    return {
        mask: sum(weight for place, weight in enumerate(weights) if mask >> place & 1) + (extra if mask & 3 == 3 else 0)
        for mask in range(1 << len(weights))
    }


@pytest.mark.parametrize("n", [1, 2, 5, MOST_EXACT])
def test_falls_that_add_up_are_credited_as_they_are(n: int) -> None:
    weights = [float(place) for place in range(n)]
    found = shapley_values(worth(weights), list(range(n)), seed=0)
    assert [found[place] for place in range(n)] == pytest.approx(weights)


def test_what_two_cost_together_is_shared_between_them() -> None:
    found = shapley_values(worth([1, 1, 1], extra=4), [0, 1, 2], seed=0)
    assert found == pytest.approx({0: 3, 1: 3, 2: 1})


def test_credit_sums_to_what_all_cost() -> None:
    rng = np.random.default_rng(0)
    falls = {0: 0.0} | {mask: float(rng.normal()) for mask in range(1, 32)}
    assert sum(shapley_values(falls, list(range(5)), seed=0).values()) == pytest.approx(falls[31])


def test_many_characters_are_credited_from_sampled_orders() -> None:
    n = MOST_EXACT + 2
    falls, present = worth([float(place) for place in range(n)], extra=6), list(range(n))
    tried = coalitions(present, seed=3)
    assert len(tried) < 1 << n
    found = shapley_values({mask: falls[mask] for mask in tried}, present, seed=3)
    assert sum(found.values()) == pytest.approx(falls[(1 << n) - 1])
    assert found[0] == pytest.approx(3, abs=0.5)  # a half of the extra
    assert found[5] == pytest.approx(5)


def test_characters_of_an_image_need_not_be_the_first() -> None:
    present = [1, 4]
    assert coalitions(present, seed=0) == [0, 2, 16, 18]
    assert shapley_values({0: 0, 2: 1, 16: 2, 18: 5}, present, seed=0) == {1: 2.0, 4: 3.0}
    assert pairs(present) == [(1, 4)]


@pytest.mark.parametrize(("extra", "sign"), [(5.0, 1), (0.0, 0), (-5.0, -1)])
def test_interaction_is_positive_where_either_suffices(extra: float, sign: int) -> None:
    falls = worth([1, 1, 1], extra)
    assert np.sign(interaction(falls, (0, 1))) == sign
    assert all(interaction(falls, pair) == 0 for pair in combinations(range(3), 2) if pair != (0, 1))
