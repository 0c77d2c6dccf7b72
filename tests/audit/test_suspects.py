import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentum.audit.suspects import class_thresholds, find_suspects


def one_label_each(labels, n_taxa):
    return np.asarray(labels)[:, None] == np.arange(n_taxa)


def names(n):
    return np.array([f"s{row}" for row in range(n)])


def drawn(seed, n=40, n_taxa=4, n_specimens=15):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_taxa, n)
    allowed = one_label_each(labels, n_taxa)
    open_ones = rng.random(n) < 0.3
    allowed[open_ones, (labels[open_ones] + 1) % n_taxa] = True
    return rng.dirichlet(np.full(n_taxa, 0.5), n), allowed, rng.integers(0, n_specimens, n).astype(str)


def slow_suspects(y_prob, allowed, specimens):
    """Row → (probability of the label, suggested, its probability, score, confident), with loops and no arrays."""
    rows = [row for row in range(len(y_prob)) if any(allowed[row]) and not all(allowed[row])]
    of_label = {row: sum(p for p, may in zip(y_prob[row], allowed[row], strict=True) if may) for row in rows}
    members = {name: [row for row in rows if specimens[row] == name] for name in {specimens[row] for row in rows}}
    thresholds = []
    for taxon in range(y_prob.shape[1]):
        means = []  # of specimens, weighted by how many of their images name the taxon
        for images in members.values():
            told = [y_prob[row][taxon] for row in images if allowed[row][taxon] and sum(allowed[row]) == 1]
            means += [(sum(told), len(told), len(images))] if told else []
        weight = sum(count / size for _, count, size in means)
        thresholds.append(sum(total / size for total, _, size in means) / weight if means else float("inf"))
    found = {}
    for row in rows:
        others = [taxon for taxon in range(y_prob.shape[1]) if not allowed[row][taxon]]
        suggested = max(others, key=lambda taxon: y_prob[row][taxon])
        p = y_prob[row][suggested]
        of_specimen = members[specimens[row]]
        mean = sum(of_label[each] for each in of_specimen) / len(of_specimen)
        score = 1 - (of_label[row] * mean) ** 0.5
        found[row] = (of_label[row], suggested, p, score, p >= thresholds[suggested] and p > of_label[row])
    return found


@pytest.mark.parametrize("seed", range(10))
def test_suspects_are_those_of_the_obvious_loops(seed):
    material = drawn(seed)
    expected = slow_suspects(*material)
    found = find_suspects(*material)
    assert {each.row for each in found} == set(expected)
    assert any(each.confident for each in found)
    for each in found:
        p, suggested, of_suggested, score, confident = expected[each.row]
        assert each.probability_of_label == pytest.approx(p)
        assert each.score == pytest.approx(score)
        assert (each.suggested, each.probability_suggested) == (suggested, pytest.approx(of_suggested))
        assert each.confident == confident
        assert each.specimen == material[2][each.row]
    scores = [each.score for each in found]
    assert scores == sorted(scores, reverse=True)


def test_thresholds_by_hand():
    y_prob = np.array([[0.9, 0.1, 0.0], [0.6, 0.4, 0.0], [0.2, 0.8, 0.0]])
    weights = np.array([0.5, 1.5, 1.0])
    found = class_thresholds(y_prob, one_label_each([0, 0, 1], 3), weights)
    assert found == pytest.approx([(0.45 + 0.9) / 2, 0.8, np.inf])


def test_a_label_at_a_higher_rank_is_the_sum_of_what_it_may_mean():
    y_prob = np.array([[0.35, 0.35, 0.3], [0.1, 0.1, 0.8]])
    allowed = np.array([[True, True, False]] * 2)
    worst, other = find_suspects(y_prob, allowed, names(2))
    assert (worst.row, worst.suggested, worst.probability_of_label) == (1, 2, pytest.approx(0.2))
    assert (other.row, other.probability_of_label, other.confident) == (0, pytest.approx(0.7), False)


def test_labels_that_may_mean_everything_or_nothing_are_left_out():
    allowed = np.array([[True, True], [False, False], [True, False]])
    assert [each.row for each in find_suspects(np.full((3, 2), 0.5), allowed, names(3))] == [2]
    assert find_suspects(np.full((2, 2), 0.5), allowed[:2], names(2)) == ()
    assert find_suspects(np.zeros((0, 2)), allowed[:0], names(0)) == ()


def test_confident_needs_what_the_taxon_usually_has():
    """Taxon 1 is hard: its own specimens get 0.5. Taxon 0 is easy, its own get 0.9."""
    y_prob = np.array([[0.95, 0.05], [0.95, 0.05], [0.4, 0.6], [0.3, 0.7], [0.55, 0.45], [0.7, 0.3]])
    found = {each.row: each for each in find_suspects(y_prob, one_label_each([0, 0, 0, 1, 1, 1], 2), names(6))}
    assert found[2].confident  # 0.6 for taxon 1, whose mean is 0.48
    assert not found[5].confident  # 0.7 for taxon 0, whose mean is 0.77
    assert not found[0].confident


def test_other_images_of_a_specimen_speak_too():
    """Rows 0 and 1 look alike, but the other images of row 0's specimen agree that its label is wrong."""
    y_prob = np.array([[0.2, 0.8], [0.2, 0.8], [0.1, 0.9], [0.9, 0.1]])
    allowed = one_label_each([0, 0, 0, 0], 2)
    found = find_suspects(y_prob, allowed, np.array(["a", "b", "a", "b"]))
    assert [each.row for each in found] == [2, 0, 1, 3]
    assert found[1].score > found[2].score


def test_one_misplaced_photograph_is_not_outvoted():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.7, 1, 60)
    p[17] = 0.02
    found = find_suspects(np.column_stack([p, 1 - p]), one_label_each([0] * 60, 2), np.repeat(names(20), 3))
    assert found[0].row == 17


def test_reasons_name_the_taxa():
    y_prob, allowed = np.array([[0.031, 0.92, 0.049], [0.999, 0.001, 0.0]]), one_label_each([0, 0], 3)
    first, second = find_suspects(y_prob, allowed, names(2), ["Aus", "Aus"], ["Aus", "Bus", "Cus"])
    assert first.reason == "out of fold, 3 % for Aus, 92 % for Bus"
    assert second.reason == "out of fold, over 99 % for Aus, under 1 % for Bus"
    assert find_suspects(y_prob, allowed, names(2))[0].reason == "out of fold, 3 % for the label, 92 % for taxon 1"


@pytest.mark.parametrize(
    ("y_prob", "allowed", "n", "message"),
    [
        (np.ones((2, 2)), np.ones((2, 3), dtype=bool), 2, "(2, 2) probabilities, (2, 3) allowed and 2 specimens"),
        (np.ones((2, 2)), np.ones((2, 2), dtype=bool), 3, "3 specimens do not go together"),
        (np.ones(2), np.ones(2, dtype=bool), 2, "do not go together"),
        (np.array([[np.nan, 1.0]]), np.array([[True, False]]), 1, "not finite"),
    ],
)
def test_material_that_does_not_fit_is_refused(y_prob, allowed, n, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        find_suspects(y_prob, allowed, names(n))


@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(seed, shuffling):
    y_prob, allowed, specimens = drawn(seed, n=12, n_specimens=6)
    order = list(range(12))
    shuffling.shuffle(order)
    found = {each.row: each for each in find_suspects(y_prob, allowed, specimens)}
    again = find_suspects(y_prob[order], allowed[order], specimens[order])
    assert {order[each.row] for each in again} == set(found)
    for each in again:
        same = found[order[each.row]]
        assert (each.suggested, each.confident) == (same.suggested, same.confident)
        assert each.score == pytest.approx(same.score)


@given(st.integers(0, 10_000))
def test_every_judged_image_is_listed_once_and_suggested_something_else(seed):
    y_prob, allowed, specimens = drawn(seed, n=20)
    found = find_suspects(y_prob, allowed, specimens)
    rows = [each.row for each in found]
    assert sorted(rows) == np.flatnonzero(allowed.any(axis=1) & ~allowed.all(axis=1)).tolist()
    assert all(not allowed[each.row, each.suggested] and 0 <= each.score <= 1 for each in found)


@pytest.mark.parametrize("seed", range(3))
def test_four_in_five_swapped_labels_are_among_the_first_six_percent(seed):
    """Ten taxa as clouds in 20 dimensions, 3 % of labels swapped; a Gaussian classifier learned from the swapped."""
    rng = np.random.default_rng(seed)
    n, n_taxa = 600, 10
    true = rng.integers(0, n_taxa, n)
    points = 0.8 * rng.normal(size=(n_taxa, 20))[true] + rng.normal(size=(n, 20))
    labels, swapped = true.copy(), rng.choice(n, round(0.03 * n), replace=False)
    labels[swapped] = (labels[swapped] + rng.integers(1, n_taxa, len(swapped))) % n_taxa
    y_prob = np.empty((n, n_taxa))
    for fold in range(5):
        judged = np.arange(n) % 5 == fold
        means = np.stack([points[~judged & (labels == taxon)].mean(axis=0) for taxon in range(n_taxa)])
        logits = -((points[judged, None] - means) ** 2).sum(axis=2) / 2
        y_prob[judged] = np.exp(logits - logits.max(axis=1, keepdims=True))
    y_prob /= y_prob.sum(axis=1, keepdims=True)
    found = find_suspects(y_prob, one_label_each(labels, n_taxa), names(n))
    first = [each.row for each in found[: round(0.06 * n)]]
    assert np.isin(swapped, first).mean() >= 0.8
    right = [each.suggested == true[each.row] for each in found if each.row in set(swapped.tolist())]
    assert np.mean(right) >= 0.8
