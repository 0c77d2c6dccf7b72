import math
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from mentum.evaluation.intervals import accuracy_interval, bootstrap, wilson
from mentum.evaluation.metrics import accuracy, confusion_matrix, n_misclassified, precision_recall_f1


@pytest.fixture
def columns():
    """Labels and identifications of 300 images of 7 taxa, of which one is never labelled and one never identified."""
    rng = np.random.default_rng(3)
    y_true = rng.integers(0, 6, 300)
    y_pred = np.where(rng.random(300) < 0.7, y_true, rng.integers(0, 7, 300))
    y_pred[y_pred == 2] = 3
    return y_true, y_pred


def test_accuracy_agrees_with_scikit_learn(columns):
    assert accuracy(*columns) == pytest.approx(oracle.accuracy_score(*columns), abs=1e-15)
    assert n_misclassified(*columns) == oracle.accuracy_score(*columns, normalize=False) * -1 + 300


def test_accuracy_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no identifications"):
        accuracy(np.array([], dtype=np.int64), np.array([], dtype=np.int64))


def test_confusion_matrix_agrees_with_scikit_learn(columns):
    expected = oracle.confusion_matrix(*columns, labels=range(7))
    np.testing.assert_array_equal(confusion_matrix(*columns, 7), expected)


def test_precision_recall_f1_agree_with_scikit_learn_where_undefined_too(columns):
    *expected, _ = oracle.precision_recall_fscore_support(*columns, labels=range(7), zero_division=0)
    found = precision_recall_f1(confusion_matrix(*columns, 7))
    np.testing.assert_allclose(found, expected, atol=1e-15)
    assert found[:, 2].tolist() == [0, 0, 0]
    assert found[:, 6].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("n_wrong", "low", "high"),
    [(0, 98.98, 100), (1, 98.50, 99.95), (2, 98.07, 99.85), (7, 96.19, 99.09)],
)
def test_wilson_gives_the_paper_s_intervals(n_wrong, low, high):
    interval = wilson((374 - n_wrong) / 374, 374)
    assert (round(100 * interval.low, 2), round(100 * interval.high, 2)) == (low, high)
    assert interval.method == "Wilson"


def test_wilson_solves_its_defining_equation():
    """A bound p is where the observed share lies z standard errors away: |share - p| = z sqrt(p (1 - p) / n)."""
    interval = wilson(0.8, 25)
    for bound in (interval.low, interval.high):
        assert abs(0.8 - bound) == pytest.approx(1.959964 * math.sqrt(bound * (1 - bound) / 25), rel=1e-5)


@pytest.mark.parametrize(("share", "n"), [(0.5, 0), (-0.1, 5), (1.1, 5)])
def test_wilson_refuses_what_is_no_share(share, n):
    with pytest.raises(ValueError, match="a share of"):
        wilson(share, n)


def slow_bootstrap(right, specimens, n_draws, rng):
    """The textbook's loop: draw specimens with replacement, collect their images, score them."""
    names = sorted(set(specimens))
    images_of = {name: [ok for ok, owner in zip(right, specimens, strict=True) if owner == name] for name in names}
    scores = []
    for _ in range(n_draws):
        images = [ok for name in rng.choice(names, len(names)) for ok in images_of[name]]
        scores.append(sum(images) / len(images))
    return np.percentile(scores, [2.5, 97.5])


@pytest.mark.parametrize("share", [0.6, 0.9])
def test_bootstrap_agrees_with_the_obvious_loop(share):
    rng = np.random.default_rng(5)
    specimens = np.repeat([f"s{k}" for k in range(40)], rng.integers(1, 6, 40))
    difficulty = dict(zip(np.unique(specimens), rng.beta(8 * share, 8 * (1 - share), 40), strict=True))
    right = np.array([rng.random() < difficulty[name] for name in specimens])
    found = bootstrap(right, specimens, seed=0)
    low, high = slow_bootstrap(right.tolist(), specimens.tolist(), 4000, rng)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.015)
    assert found.method == "bootstrap over specimens"


def test_images_of_one_specimen_widen_the_interval():
    right = np.repeat([True, True, True, True, False], 20)
    specimens = np.repeat(["a", "b", "c", "d", "e"], 20)
    clustered = accuracy_interval(right, specimens, seed=0)
    independent = wilson(0.8, 100)
    assert clustered.high - clustered.low > 2 * (independent.high - independent.low)


def test_bootstrap_depends_on_the_seed_and_not_on_the_order_of_images():
    rng = np.random.default_rng(1)
    right, specimens = rng.random(200) < 0.8, rng.integers(0, 60, 200).astype(str)
    order = rng.permutation(200)
    assert bootstrap(right, specimens, 7) == bootstrap(right[order], specimens[order], 7)
    assert bootstrap(right, specimens, 7) != bootstrap(right, specimens, 8)


@pytest.mark.parametrize("right", [[True] * 6, [False] * 6, [True, False] * 3])
def test_where_specimens_do_not_differ_wilson_counts_them(right):
    interval = accuracy_interval(np.array(right), np.array(["a", "a", "b", "b", "c", "c"]), seed=0)
    assert interval == wilson(sum(right) / 6, 3)


def test_one_image_per_specimen_takes_wilson():
    right, specimens = np.array([True, True, False]), np.array(["a", "b", "c"])
    assert accuracy_interval(right, specimens, seed=0) == wilson(2 / 3, 3)


def test_interval_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no images at all"):
        accuracy_interval(np.array([], dtype=bool), np.array([], dtype=str), seed=0)


def test_ten_thousand_specimens_take_no_time():
    rng = np.random.default_rng(0)
    specimens = rng.integers(0, 10_000, 40_000).astype(str)
    start = perf_counter()
    interval = bootstrap(rng.random(40_000) < 0.9, specimens, seed=0)
    assert perf_counter() - start < 5
    assert (interval.low, interval.high) == pytest.approx((0.897, 0.903), abs=0.003)


images = st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=1, max_size=60)


@given(images)
def test_interval_lies_within_0_and_1_and_holds_the_accuracy(images):
    right = np.array([ok for ok, _ in images])
    specimens = np.array([f"s{owner}" for _, owner in images])
    interval = accuracy_interval(right, specimens, seed=0)
    assert 0 <= interval.low <= right.sum() / len(right) <= interval.high <= 1


@given(st.floats(0, 1), st.integers(1, 10**6))
def test_wilson_lies_within_0_and_1_and_holds_the_share(share, n):
    interval = wilson(share, n)
    assert 0 <= interval.low <= share <= interval.high <= 1


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1))
def test_confusions_count_every_image_once(pairs):
    y_true, y_pred = np.array(pairs).T
    counts = confusion_matrix(y_true, y_pred, 5)
    assert counts.sum() == len(pairs)
    assert counts.sum(axis=1).tolist() == np.bincount(y_true, minlength=5).tolist()
    scores = precision_recall_f1(counts)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert np.trace(counts) == len(pairs) - n_misclassified(y_true, y_pred)
