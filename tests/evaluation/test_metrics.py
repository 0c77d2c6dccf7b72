import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from mentum.evaluation.metrics import (
    accuracy,
    balanced_accuracy,
    confused_pairs,
    confusion_matrix,
    macro_f1,
    mean_f1,
    n_misclassified,
    precision_recall_f1,
    tally,
    top_k_accuracy,
)


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
    found = precision_recall_f1(tally(*columns, 7))
    np.testing.assert_allclose(found, expected, atol=1e-15)
    assert found[:, 2].tolist() == [0, 0, 0]
    assert found[:, 6].tolist() == [0, 0, 0]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1))
def test_confusions_count_every_image_once(pairs):
    y_true, y_pred = np.array(pairs).T
    counts = confusion_matrix(y_true, y_pred, 5)
    assert counts.sum() == len(pairs)
    assert counts.sum(axis=1).tolist() == np.bincount(y_true, minlength=5).tolist()
    scores = precision_recall_f1(tally(y_true, y_pred, 5))
    assert ((scores >= 0) & (scores <= 1)).all()
    assert np.trace(counts) == len(pairs) - n_misclassified(y_true, y_pred)


def drawn_columns(seed, *, never_labelled=(), never_identified=()):
    """Labels and identifications of 400 images of 9 taxa of very unequal size, some of them missing."""
    rng = np.random.default_rng(seed)
    shares = 0.6 ** np.arange(9)
    y_true = rng.choice(9, 400, p=shares / shares.sum())
    y_pred = np.where(rng.random(400) < 0.6, y_true, rng.integers(0, 9, 400))
    labelled = ~np.isin(y_true, never_labelled)
    y_pred[np.isin(y_pred, never_identified)] = 0
    return y_true[labelled], y_pred[labelled]


missing_taxa = pytest.mark.parametrize(
    "missing",
    [
        {},
        {"never_labelled": (2, 8)},
        {"never_identified": (0, 5)},
        {"never_labelled": (8,), "never_identified": (8, 1)},
    ],
)


@missing_taxa
@pytest.mark.parametrize("seed", range(5))
def test_balanced_accuracy_agrees_with_scikit_learn(missing, seed):
    y_true, y_pred = drawn_columns(seed, **missing)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of taxa that are identified but never labelled
        expected = oracle.balanced_accuracy_score(y_true, y_pred)
    assert balanced_accuracy(y_true, y_pred) == pytest.approx(expected, abs=1e-14)


@missing_taxa
@pytest.mark.parametrize("seed", range(5))
def test_macro_f1_agrees_with_scikit_learn(missing, seed):
    y_true, y_pred = drawn_columns(seed, **missing)
    expected = oracle.f1_score(y_true, y_pred, average="macro")
    assert macro_f1(y_true, y_pred) == pytest.approx(expected, abs=1e-14)


def test_a_rare_taxon_weighs_as_much_as_a_common_one():
    y_true, y_pred = np.array([0] * 99 + [1]), np.zeros(100, dtype=np.int64)
    assert balanced_accuracy(y_true, y_pred) == 0.5
    assert macro_f1(y_true, y_pred) == pytest.approx(2 * 99 / 199 / 2)


def test_taxa_that_occur_nowhere_are_left_out():
    """Columns 0-6 are taxa of other subsets."""
    y_true, y_pred = np.array([7, 8, 8, 8]), np.array([7, 8, 8, 7])
    assert balanced_accuracy(y_true, y_pred) == pytest.approx((1 + 2 / 3) / 2)
    assert macro_f1(y_true, y_pred) == pytest.approx((2 / 3 + 4 / 5) / 2)


def test_what_is_no_answer_lowers_recall_but_is_no_taxon_of_macro_f1():
    found = tally(np.array([0, 0, 2, 2]), np.array([0, 1, 2, 2]), 3)
    assert mean_f1(found) == pytest.approx((2 / 3 + 0 + 1) / 3)
    assert mean_f1(found, np.array([True, False, True])) == pytest.approx((2 / 3 + 1) / 2)


def test_a_taxon_identified_but_never_labelled_lowers_macro_f1_only():
    y_true, y_pred = np.array([0, 0, 1, 1]), np.array([0, 2, 1, 1])
    assert balanced_accuracy(y_true, y_pred) == 0.75
    assert macro_f1(y_true, y_pred) == pytest.approx((2 / 3 + 1 + 0) / 3)


@pytest.mark.parametrize("score", [balanced_accuracy, macro_f1])
@pytest.mark.parametrize(
    ("y_true", "y_pred", "message"),
    [
        ([], [], "0 labels and 0 identifications"),
        ([0, 1], [0], "2 labels and 1 identifications"),
        ([0, -1], [0, 1], "names no taxon"),
        ([0, 1], [-1, 1], "names no taxon"),
    ],
)
def test_what_cannot_be_scored_is_refused(score, y_true, y_pred, message):
    with pytest.raises(ValueError, match=message):
        score(np.array(y_true, dtype=np.int64), np.array(y_pred, dtype=np.int64))


@pytest.mark.parametrize("decimals", [1, 16])
@pytest.mark.parametrize("k", [1, 2, 3, 6])
@pytest.mark.parametrize("n_labelled", [1, 2, 4, 7])
def test_top_k_accuracy_agrees_with_scikit_learn_in_ties_too(k, decimals, n_labelled):
    """Probabilities rounded to one decimal tie in most rows; only some of the 7 taxa are labelled."""
    rng = np.random.default_rng(10 * k + n_labelled)
    y_true, y_prob = rng.integers(0, n_labelled, 500), rng.dirichlet(np.ones(7), 500).round(decimals)
    expected = oracle.top_k_accuracy_score(y_true, y_prob, k=k, labels=range(7))
    assert top_k_accuracy(y_true, y_prob, k) == pytest.approx(expected, abs=1e-14)


def test_equal_probabilities_are_no_hits_for_free():
    """A model that knows nothing has k of C labels among its k first, not all."""
    y_true, y_prob = np.arange(10), np.full((10, 10), 0.1, dtype=np.float32)
    assert [top_k_accuracy(y_true, y_prob, k) for k in (1, 3, 10, 99)] == pytest.approx([0.1, 0.3, 1, 1])


@pytest.mark.parametrize(
    ("y_true", "y_prob", "k", "message"),
    [
        ([], np.empty((0, 3)), 3, "0 labels"),
        ([0, 1], np.ones((1, 3)), 3, "2 labels and 1 rows"),
        ([0], np.ones((1, 3)), 0, "top-0"),
        ([3], np.ones((1, 3)), 1, "no column among the 3"),
        ([-1], np.ones((1, 3)), 1, "no column among the 3"),
        ([0], np.array([[np.nan, 0.5, 0.5]]), 1, "not a finite number"),
    ],
)
def test_what_has_no_top_k_is_refused(y_true, y_prob, k, message):
    with pytest.raises(ValueError, match=message):
        top_k_accuracy(np.array(y_true, dtype=np.int64), y_prob, k)


pairs = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=40)


@given(pairs, st.permutations(range(7)))
def test_scores_lie_within_0_and_1_whatever_the_order_of_taxa(pairs, order):
    y_true, y_pred = np.array(pairs).T
    renamed = np.array(order)
    for score in (balanced_accuracy, macro_f1):
        assert 0 <= score(y_true, y_pred) <= 1
        assert score(renamed[y_true], renamed[y_pred]) == pytest.approx(score(y_true, y_pred))
        assert score(y_true, y_true) == 1


@given(st.integers(0, 10**6))
def test_top_k_grows_with_k_from_the_accuracy_to_1(seed):
    rng = np.random.default_rng(seed)
    y_true, y_prob = rng.integers(0, 5, 30), rng.dirichlet(np.ones(5), 30)
    found = [top_k_accuracy(y_true, y_prob, k) for k in range(1, 6)]
    assert found == sorted(found)
    assert found[0] == (y_prob.argmax(axis=1) == y_true).mean()
    assert found[-1] == 1


@given(pairs, st.lists(st.integers(0, 3), min_size=40, max_size=40))
def test_a_tally_is_the_margins_and_the_diagonal_of_the_confusion_matrix(pairs, times):
    y_true, y_pred = np.array(pairs).T
    for drawn in (None, np.array(times[: len(pairs)])):
        counts, found = confusion_matrix(y_true, y_pred, 7, drawn), tally(y_true, y_pred, 7, drawn)
        assert found.labelled.tolist() == counts.sum(axis=1).tolist()
        assert found.identified.tolist() == counts.sum(axis=0).tolist()
        assert found.hits.tolist() == np.diagonal(counts).tolist()


@given(pairs)
def test_confused_pairs_are_the_cells_that_are_not_empty(pairs):
    y_true, y_pred = np.array(pairs).T
    counts = confusion_matrix(y_true, y_pred, 7)
    cells = [[row, column, counts[row, column]] for row, column in np.argwhere(counts).tolist()]
    assert confused_pairs(y_true, y_pred, 7).tolist() == cells
