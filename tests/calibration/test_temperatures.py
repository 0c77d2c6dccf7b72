import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize_scalar
from scipy.stats import gmean
from sklearn.metrics import log_loss

from mentum.calibration.temperatures import (
    COOLEST,
    HOTTEST,
    LEAST,
    at_ranks,
    at_temperature,
    combine,
    fit_temperature,
    log_probabilities,
    mean_of_groups,
)
from mentum.taxonomy import Rank, Taxonomy
from support.trees import MIDGES, RANKS, taxonomies

RECOVERED = 0.04
"""Relative error allowed of a temperature from 8,000 specimens."""


def log_probs():
    """Logarithms of probabilities, as far down as single precision goes."""
    shapes = st.tuples(st.integers(1, 6), st.integers(2, 5))
    return shapes.flatmap(lambda shape: arrays(np.float64, shape, elements=st.floats(math.log(LEAST), 0)))


def draw(temperature, n=8_000, n_taxa=6, seed=0):
    """What a network says of n specimens, and their taxa, drawn at a known temperature."""
    random = np.random.default_rng(seed)
    log_prob = np.log(at_temperature(random.normal(0, 3, (n, n_taxa)), 1.0))
    y_prob = at_temperature(log_prob, temperature)
    y_true = (random.random((n, 1)) > y_prob.cumsum(axis=1)).sum(axis=1)
    return log_prob, np.minimum(y_true, n_taxa - 1)


# Logarithms and temperatures


def test_logarithms_are_finite_where_a_network_said_never():
    found = log_probabilities(np.array([[1.0, 0.0], [0.25, 0.75]], dtype=np.float32))
    np.testing.assert_allclose(found, [[0, math.log(1e-30)], [math.log(0.25), math.log(0.75)]], atol=1e-12)
    assert found.dtype == np.float64


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [(1.0, [0.9, 0.1]), (2.0, [0.75, 0.25]), (0.5, [81 / 82, 1 / 82])],
)
def test_temperature_takes_a_root_of_the_odds(temperature, expected):
    """Odds of 9 become 3 at temperature 2 and 81 at temperature 1/2."""
    np.testing.assert_allclose(at_temperature(np.log([[0.9, 0.1]]), temperature), [expected], atol=1e-15)


@given(log_probs(), st.floats(COOLEST, HOTTEST))
def test_rows_sum_to_1_and_keep_their_ranking_at_any_temperature(log_prob, temperature):
    y_prob = at_temperature(log_prob, temperature)
    np.testing.assert_allclose(y_prob.sum(axis=1), 1, atol=1e-12)
    first, second = log_prob[:, :, None], log_prob[:, None, :]
    assert (y_prob[:, :, None] >= y_prob[:, None, :])[first > second].all()


@given(log_probs(), st.floats(-50, 50))
def test_a_constant_in_the_logits_changes_nothing(log_prob, constant):
    np.testing.assert_allclose(at_temperature(log_prob + constant, 1.7), at_temperature(log_prob, 1.7), atol=1e-12)


# The temperature that is fitted


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_labels_were_drawn_at_is_found_again(temperature):
    log_prob, y_true = draw(temperature)
    found = fit_temperature(log_prob, np.eye(6, dtype=bool)[y_true], np.ones(len(y_true)))
    assert found == pytest.approx(temperature, rel=RECOVERED)


def test_no_other_temperature_has_a_lower_log_loss_by_scikit_learn():
    log_prob, y_true = draw(1.8, seed=1)
    found = fit_temperature(log_prob, np.eye(6, dtype=bool)[y_true], np.ones(len(y_true)))
    least = log_loss(y_true, at_temperature(log_prob, found))
    for factor in (0.9, 0.97, 1.03, 1.1):
        assert log_loss(y_true, at_temperature(log_prob, found * factor)) > least


def test_labels_above_the_leaves_tell_the_temperature_too():
    """Every second specimen is labelled to its genus only, which holds three of six species."""
    log_prob, y_true = draw(2.0, seed=2)
    allowed = np.eye(6, dtype=bool)[y_true]
    genera = np.arange(6) // 3
    allowed[::2] = (genera[None] == genera[y_true][:, None])[::2]
    assert fit_temperature(log_prob, allowed, np.ones(len(y_true))) == pytest.approx(2.0, rel=RECOVERED)


def slow_loss(temperature, log_prob, allowed, weights):
    """Negative log posterior, one specimen at a time, with a standard deviation of one half for the logarithm."""
    total = math.log(temperature) ** 2 / (2 * 0.5**2)
    for row, may, weight in zip(log_prob, allowed, weights, strict=True):
        odds = [math.exp(value / temperature) for value in row]
        right = sum(odd for odd, is_allowed in zip(odds, may, strict=True) if is_allowed) / sum(odds)
        total -= weight * math.log(right)
    return total


@pytest.mark.parametrize("seed", range(5))
def test_few_specimens_get_the_temperature_of_the_slow_posterior(seed):
    random = np.random.default_rng(seed)
    log_prob, y_true = draw(1.5, n=25, n_taxa=4, seed=seed)
    weights = random.choice([1.0, 0.5], 25)
    allowed = np.eye(4, dtype=bool)[y_true]
    allowed[:5, :2] |= allowed[:5, :2].any(axis=1, keepdims=True)
    expected = minimize_scalar(
        lambda each: slow_loss(math.exp(each), log_prob, allowed, weights),
        bounds=(math.log(COOLEST), math.log(HOTTEST)),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert fit_temperature(log_prob, allowed, weights) == pytest.approx(math.exp(expected.x), rel=1e-4)


@pytest.mark.parametrize("n", [1, 10, 200])
def test_where_all_are_right_the_prior_keeps_the_temperature_finite(n):
    """Odds of 7 to 3 throughout: at the best temperature the prior pulls as the likelihood does."""
    log_prob, allowed = np.log(np.tile([0.7, 0.3], (n, 1))), np.tile([True, False], (n, 1))
    found = fit_temperature(log_prob, allowed, np.ones(n))
    logit = math.log(7 / 3) / found
    assert COOLEST < found < 1
    assert 4 * math.log(found) == pytest.approx(-n * logit / (1 + math.exp(logit)), rel=1e-5)


def test_where_all_are_right_to_the_genus_its_species_count_together():
    """Two species of 0.45 beside another genus of 0.1: odds of 2 * 4.5 ** (1 / temperature)."""
    log_prob, allowed = np.log(np.tile([0.45, 0.45, 0.1], (10, 1))), np.tile([True, True, False], (10, 1))
    found = fit_temperature(log_prob, allowed, np.ones(10))
    odds = 2 * 4.5 ** (1 / found)
    assert 4 * math.log(found) == pytest.approx(-10 * math.log(4.5) / found / (1 + odds), rel=1e-5)


def test_one_specimen_hardly_moves_the_temperature():
    assert fit_temperature(np.log([[0.3, 0.7]]), np.array([[True, False]]), np.ones(1)) == pytest.approx(1.1, abs=0.06)


@pytest.mark.parametrize(("allowed", "bound"), [([True, False], COOLEST), ([False, True], HOTTEST)])
def test_a_temperature_keeps_within_its_bounds(allowed, bound):
    n = 6_000
    log_prob = np.log(np.tile([0.7, 0.3], (n, 1)))
    assert fit_temperature(log_prob, np.tile(allowed, (n, 1)), np.ones(n)) == pytest.approx(bound, rel=1e-6)


@pytest.mark.parametrize("telling", [True, False])
def test_labels_that_say_nothing_leave_the_temperature_at_1(telling):
    log_prob, _ = draw(2.0, n=20)
    assert fit_temperature(log_prob, np.full((20, 6), telling), np.ones(20)) == 1.0


def test_labels_that_say_nothing_do_not_count_beside_others():
    log_prob, y_true = draw(2.0, n=60)
    allowed = np.eye(6, dtype=bool)[y_true]
    expected = fit_temperature(log_prob[:40], allowed[:40], np.ones(40))
    allowed[40:50], allowed[50:] = True, False
    assert fit_temperature(log_prob, allowed, np.ones(60)) == expected


def test_two_images_that_count_half_weigh_as_one():
    log_prob, y_true = draw(2.0, n=50)
    allowed = np.eye(6, dtype=bool)[y_true]
    twice = fit_temperature(np.repeat(log_prob, 2, axis=0), np.repeat(allowed, 2, axis=0), np.full(100, 0.5))
    assert twice == pytest.approx(fit_temperature(log_prob, allowed, np.ones(50)), rel=1e-6)


# Ranks


def test_a_rank_has_the_sum_of_its_leaves():
    """Chironomus riparius; Orthocladius, which is not named further; Tvetenia calvescens."""
    assert [leaf.name for leaf in MIDGES.leaves] == ["Chironomus riparius", "Orthocladius", "Tvetenia calvescens"]
    found = at_ranks({"tree": np.array([[0.5, 0.3, 0.2]])}, MIDGES)
    assert list(found) == [Rank.SPECIES, Rank.GENUS, Rank.SUBFAMILY]
    np.testing.assert_allclose(found[Rank.SPECIES], [[0.5, 0.3, 0.2]])
    np.testing.assert_allclose(found[Rank.SUBFAMILY], [[0.5, 0.5]])


def test_separate_networks_are_taken_as_they_are_lowest_rank_first():
    genus, species = np.array([[0.2, 0.8, 0.0]]), np.array([[0.9, 0.1, 0.0]])
    found = at_ranks({"genus": genus, "species": species}, MIDGES)
    assert list(found) == [Rank.SPECIES, Rank.GENUS]
    assert found[Rank.GENUS] is genus
    assert found[Rank.SPECIES] is species


@settings(max_examples=40, deadline=None)
@given(taxonomies(), st.data())
def test_sums_up_the_tree_keep_their_mass(taxonomy: Taxonomy, data):
    shape = (data.draw(st.integers(1, 4)), len(taxonomy.leaves))
    y_prob = at_temperature(data.draw(arrays(np.float64, shape, elements=st.floats(-30, 0))), 1.0)
    found = at_ranks({"tree": y_prob}, taxonomy)
    assert set(found) <= set(RANKS)
    for rank, values in found.items():
        assert values.shape == (len(y_prob), len(taxonomy.taxa(rank)))
        np.testing.assert_allclose(values.sum(axis=1), 1, atol=1e-12)
        np.testing.assert_allclose(values, taxonomy.sum_up(y_prob.astype(np.float32), rank), atol=1e-6)


# Specimens


@settings(max_examples=50, deadline=None)
@given(log_probs(), st.data())
def test_specimens_take_the_geometric_mean_of_their_images_in_whatever_order(log_prob, data):
    n = len(log_prob)
    owners = data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    groups = np.unique(owners, return_inverse=True)[1]
    found = combine(log_prob, groups)
    for group in range(groups.max() + 1):
        mean = gmean(np.exp(log_prob[groups == group]), axis=0)
        np.testing.assert_allclose(found[group], mean / mean.sum(), atol=1e-9)
    order = np.array(data.draw(st.permutations(range(n))))
    np.testing.assert_allclose(combine(log_prob[order], groups[order]), found, atol=1e-12)


def test_the_same_image_twice_makes_nothing_surer():
    y_prob = np.array([[0.6, 0.3, 0.1]])
    np.testing.assert_allclose(combine(np.log(np.repeat(y_prob, 3, axis=0)), np.zeros(3, dtype=np.int64)), y_prob)


def test_an_image_that_contradicts_another_takes_its_certainty():
    found = combine(np.log([[0.9, 0.1], [0.1, 0.9], [0.8, 0.2]]), np.array([1, 1, 0]))
    np.testing.assert_allclose(found, [[0.8, 0.2], [0.5, 0.5]])


def test_means_of_groups_agree_with_a_loop_for_numbers_and_rows():
    random = np.random.default_rng(0)
    groups = np.append(np.arange(7), random.integers(0, 7, 43))
    for values in (random.normal(size=50), random.normal(size=(50, 3))):
        expected = [np.mean([value for value, group in zip(values, groups, strict=True) if group == k], axis=0)
                    for k in range(7)]  # fmt: skip
        np.testing.assert_allclose(mean_of_groups(values, groups), expected, atol=1e-14)
