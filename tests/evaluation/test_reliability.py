import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from mentum.evaluation.reliability import (
    N_BINS,
    area_under,
    brier_score,
    expected_calibration_error,
    reliability,
    risk_coverage,
)


@pytest.fixture
def identified():
    """Of 500 images, some in pairs of one specimen: probability, whether right, weight."""
    random = np.random.default_rng(2)
    probability = random.beta(4, 1.5, 500).round(3)
    right = (random.random(500) < probability**2).astype(np.float64)
    return probability, right, random.choice([1.0, 0.5], 500)


# Reliability


def test_bins_by_hand():
    """Of fifteen bins, 0.70 lies in the eleventh; 1 belongs to the last, which ends there."""
    found = reliability(
        np.array([0.70, 0.72, 1.0, 0.0]), np.array([1.0, 0.0, 1.0, 0.0]), np.array([1.0, 3.0, 2.0, 0.5])
    )
    assert [(each.low, each.high) for each in found] == [(0, 1 / 15), (10 / 15, 11 / 15), (14 / 15, 1)]
    assert [each.n for each in found] == [0.5, 4, 2]
    assert [each.probability for each in found] == pytest.approx([0, (0.70 + 3 * 0.72) / 4, 1])
    assert [each.accuracy for each in found] == [0, 0.25, 1]


def test_bins_agree_with_scikit_learn_where_all_weigh_the_same(identified):
    probability, right = identified[0] * 0.9999, identified[1]  # scikit-learn puts the edges into the lower bins
    accuracy, mean = calibration_curve(right, probability, n_bins=N_BINS)
    found = reliability(probability, right, np.ones(500))
    assert [each.accuracy for each in found] == pytest.approx(accuracy.tolist())
    assert [each.probability for each in found] == pytest.approx(mean.tolist())


def test_bins_hold_every_specimen_and_keep_its_share(identified):
    found = reliability(*identified)
    _, right, weights = identified
    assert sum(each.n for each in found) == pytest.approx(weights.sum())
    assert sum(each.n * each.accuracy for each in found) == pytest.approx((weights * right).sum())
    assert all(each.low <= each.probability <= each.high for each in found)


def slow_error(probability, right, weights):
    """Each bin in turn, one image after the other."""
    total = 0.0
    for number in range(N_BINS):
        low, high = number / N_BINS, (number + 1) / N_BINS
        rows = [row for row, value in enumerate(probability) if low <= value < high or value == high == 1]
        said = sum(weights[row] * probability[row] for row in rows)
        total += abs(said - sum(weights[row] * right[row] for row in rows))
    return total / sum(weights)


def test_expected_calibration_error_agrees_with_an_obvious_loop(identified):
    assert expected_calibration_error(*identified) == pytest.approx(slow_error(*identified), abs=1e-9)


def test_expected_calibration_error_by_hand():
    """Half of two right at 0.8 is off by 0.3; one right at 0.95 by 0.05: (2 * 0.3 + 0.05) / 3."""
    found = expected_calibration_error(np.array([0.8, 0.8, 0.95]), np.array([1.0, 0.0, 1.0]), np.ones(3))
    assert found == pytest.approx(0.65 / 3)


def test_drawn_from_its_probabilities_a_network_has_hardly_any_calibration_error():
    random = np.random.default_rng(0)
    probability = random.random(50_000)
    right = (random.random(50_000) < probability).astype(np.float64)
    assert expected_calibration_error(probability, right, np.ones(50_000)) < 0.01
    assert expected_calibration_error(np.sqrt(probability), right, np.ones(50_000)) == pytest.approx(1 / 6, abs=0.01)


# Brier score


def test_brier_score_by_hand():
    """(0.3² + 3 · 0.1²), (0.7² + 0.9² + 2 · 0.1²), weighted 3 to 1."""
    y_prob = np.array([[0.7, 0.1, 0.1, 0.1], [0.1, 0.7, 0.1, 0.1]])
    found = brier_score(y_prob, np.array([0, 0]), np.array([3.0, 1.0]))
    assert found == pytest.approx((3 * 0.12 + 1.32) / 4)


@pytest.mark.parametrize(("y_true", "expected"), [(0, 0.0), (1, 2.0)])
def test_brier_score_lies_between_0_and_2(y_true, expected):
    assert brier_score(np.array([[1.0, 0.0]]), np.array([y_true]), np.ones(1)) == expected


@pytest.mark.parametrize("n_taxa", [2, 5])
def test_brier_score_agrees_with_scikit_learn(n_taxa):
    random = np.random.default_rng(n_taxa)
    y_prob = random.dirichlet(np.ones(n_taxa), 200)
    y_true, weights = random.integers(0, n_taxa, 200), random.choice([1.0, 0.5, 0.25], 200)
    expected = brier_score_loss(y_true, y_prob, sample_weight=weights, labels=np.arange(n_taxa), scale_by_half=False)
    assert brier_score(y_prob, y_true, weights) == pytest.approx(expected, abs=1e-12)


# Risk and coverage


def slow_curve(probability, right, weights):
    """Answer all that reach a probability, for every probability there is."""
    points = []
    for least in sorted(set(probability), reverse=True):
        rows = [row for row, value in enumerate(probability) if value >= least]
        answered = sum(weights[row] for row in rows)
        points.append((answered / sum(weights), sum(weights[row] * (1 - right[row]) for row in rows) / answered))
    return np.array(points).T


identifications = st.lists(
    st.tuples(st.sampled_from([0.3, 0.5, 0.7, 0.71, 0.9, 1.0]), st.booleans(), st.sampled_from([1.0, 0.5, 0.25])),
    min_size=1,
    max_size=40,
)


@given(identifications)
def test_risk_and_coverage_agree_with_an_obvious_loop(each):
    probability, right, weights = np.array(each, dtype=np.float64).T
    coverage, error = risk_coverage(probability, right, weights)
    expected = slow_curve(probability.tolist(), right.tolist(), weights.tolist())
    np.testing.assert_allclose([coverage, error], expected, atol=1e-12)
    assert coverage[-1] == 1
    assert error[-1] == pytest.approx(1 - np.average(right, weights=weights))


@settings(max_examples=40)
@given(identifications, st.randoms(use_true_random=False))
def test_order_does_not_matter_to_risk_and_coverage(each, random):
    shuffled = random.sample(each, len(each))
    found, other = (risk_coverage(*np.array(which, dtype=np.float64).T) for which in (each, shuffled))
    np.testing.assert_allclose(found, other, atol=1e-12)


def test_risk_and_coverage_by_hand():
    """Right, wrong and right at 0.9, 0.6 and 0.6: equal probabilities are one point."""
    coverage, error = risk_coverage(np.array([0.6, 0.9, 0.6]), np.array([0.0, 1.0, 1.0]), np.ones(3))
    assert coverage.tolist() == pytest.approx([1 / 3, 1])
    assert error.tolist() == pytest.approx([0, 1 / 3])
    assert area_under(coverage, error) == pytest.approx(2 / 3 * 1 / 3)


def test_area_is_zero_where_all_are_right_and_one_where_all_are_wrong():
    probability, weights = np.array([0.9, 0.8, 0.7]), np.array([1.0, 0.5, 0.5])
    assert area_under(*risk_coverage(probability, np.ones(3), weights)) == 0
    assert area_under(*risk_coverage(probability, np.zeros(3), weights)) == pytest.approx(1)


def test_area_is_smaller_the_better_probabilities_rank(identified):
    _, right, weights = identified
    ranked, reversed_ = (area_under(*risk_coverage(each, right, weights)) for each in (right + 1, 2 - right))
    random = area_under(*risk_coverage(np.random.default_rng(0).random(500), right, weights))
    wrong = 1 - np.average(right, weights=weights)
    assert ranked == pytest.approx(wrong**2)
    assert reversed_ == pytest.approx(wrong + (1 - wrong) * wrong)
    assert random == pytest.approx(wrong, abs=0.1)
