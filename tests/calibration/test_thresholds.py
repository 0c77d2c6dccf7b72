import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mentum.calibration.temperatures import at_ranks, at_temperature
from mentum.calibration.thresholds import (
    LEAST,
    Answers,
    RankThreshold,
    defended_rank,
    learn_thresholds,
    most_probable,
)
from mentum.taxonomy import Rank, Taxon, Taxonomy

SPECIES, GENUS, SUBFAMILY = RANKS = (Rank.SPECIES, Rank.GENUS, Rank.SUBFAMILY)


def _tree():
    """Two subfamilies of two genera of two species."""
    paths = [(f"{a}inae", f"{a}{b}us", f"{a}{b}us {c}") for a in "AB" for b in "ab" for c in ("primus", "secundus")]
    return Taxonomy.from_taxa(
        Taxon(tuple(zip((Rank.SUBFAMILY, Rank.GENUS, Rank.SPECIES), path, strict=True))) for path in paths
    )


TREE = _tree()


def answered(agrees=None, **probability):
    """Answers with these probabilities, of the first taxon at each rank."""
    by_rank = {Rank(rank): np.array(values, dtype=np.float64) for rank, values in probability.items()}
    n = len(next(iter(by_rank.values())))
    if agrees is None:
        agrees = {rank: np.ones(n, dtype=bool) for rank in by_rank}
    return Answers(dict.fromkeys(by_rank, np.zeros(n, dtype=np.int64)), by_rank, agrees)


def learn(answers, right, error_rate=0.05):
    """From specimens that count 1 each."""
    by_rank = {Rank(rank): np.array(values, dtype=np.float64) for rank, values in right.items()}
    return learn_thresholds(answers, by_rank, np.ones(len(answers)), error_rate)


def tree_answers(logits):
    return most_probable(at_ranks({"tree": at_temperature(np.asarray(logits, dtype=np.float64), 1.0)}, TREE), TREE)


# The most probable taxon


def test_the_most_probable_taxa_of_separate_networks_may_contradict_each_other():
    """The genus network names a genus of the other subfamily; the species lies in neither of both."""
    found = most_probable(
        {
            SPECIES: np.array([[0.9, 0.1, 0, 0, 0, 0, 0, 0], [0, 0, 0.6, 0.4, 0, 0, 0, 0]]),
            GENUS: np.array([[0.2, 0.1, 0.7, 0.0], [0.3, 0.7, 0.0, 0.0]]),
            SUBFAMILY: np.array([[0.8, 0.2], [0.55, 0.45]]),
        },
        TREE,
    )
    assert found.ranks == RANKS
    assert {rank: values.tolist() for rank, values in found.column.items()} == {
        SPECIES: [0, 2], GENUS: [2, 1], SUBFAMILY: [0, 0],
    }  # fmt: skip
    assert {rank: values.tolist() for rank, values in found.probability.items()} == {
        SPECIES: [0.9, 0.6], GENUS: [0.7, 0.7], SUBFAMILY: [0.8, 0.55],
    }  # fmt: skip
    assert {rank: values.tolist() for rank, values in found.agrees.items()} == {
        SPECIES: [False, True], GENUS: [False, True], SUBFAMILY: [True, True],
    }  # fmt: skip


def test_a_taxon_that_is_open_at_a_rank_is_no_answer_there_however_probable():
    """Learned beside its two species, a genus is named no further: the rank above it is what can be answered."""
    genus = TREE.leaves[0].at(GENUS)
    tree = Taxonomy.from_taxa([genus, *TREE.leaves])
    y_prob = np.array([[0.97, 0.01, 0.01, 0.01, 0, 0, 0, 0, 0], [0.01, 0.97, 0.01, 0.01, 0, 0, 0, 0, 0]])
    found = most_probable(at_ranks({"tree": y_prob}, tree), tree)
    assert found.agrees[SPECIES].tolist() == [False, True]
    assert found.agrees[GENUS].tolist() == [True, True]
    thresholds = learn(answered(species=[0.96] * 40, genus=[0.98] * 40), {"species": [1] * 40, "genus": [1] * 40})
    alone = [each.model_copy(update={"threshold": 0.9}) for each in thresholds]
    assert defended_rank(found, alone).tolist() == [1, 0]


def test_no_answer_is_given_at_a_rank_that_a_higher_one_contradicts():
    found = most_probable(
        {GENUS: np.array([[0.0, 0.0, 0.99, 0.01], [0.99, 0.01, 0, 0]]), SUBFAMILY: np.array([[0.9, 0.1]] * 2)}, TREE
    )
    thresholds = [threshold(GENUS, 0.6), threshold(SUBFAMILY, 0.6)]
    assert defended_rank(found, thresholds).tolist() == [1, 0]


def test_some_of_the_answers_keep_their_order():
    answers = answered(species=[0.9, 0.8, 0.7], genus=[0.95, 0.85, 0.75])
    some = answers[np.array([2, 0])]
    assert (len(answers), len(some)) == (3, 2)
    assert some.probability[SPECIES].tolist() == [0.7, 0.9]
    assert some.probability[GENUS].tolist() == [0.75, 0.95]
    assert len(answers[np.array([True, False, False])]) == 1


# Thresholds by hand


def threshold(rank, value, promise="at this rank", n_answered=0.0, n_wrong=0.0):
    return RankThreshold(rank=rank, threshold=value, promise=promise, n_answered=n_answered, n_wrong=n_wrong)


def test_eighteen_right_specimens_promise_no_error_of_5_percent_but_nineteen_do():
    assert learn(answered(species=[0.99] * 18), {"species": [1] * 18}) == (threshold(SPECIES, None, "none", 18),)
    assert learn(answered(species=[0.99] * 19), {"species": [1] * 19}) == (threshold(SPECIES, 0.99, n_answered=19),)


@pytest.mark.parametrize(("n", "n_wrong", "gives"), [(39, 1, True), (38, 1, False), (59, 2, True), (58, 2, False)])
def test_one_more_wrong_than_seen_must_keep_to_the_rate(n, n_wrong, gives):
    """2 of 40 and 3 of 60 are 5 %. The wrong ones are as probable as the right ones, so all stand or fall together."""
    (found,) = learn(answered(species=[0.99] * n), {"species": [0] * n_wrong + [1] * (n - n_wrong)})
    assert (found.threshold is not None) is gives
    assert (found.n_answered, found.n_wrong) == (n, n_wrong)


@pytest.mark.parametrize("order", [1, -1])
def test_equal_probabilities_stand_or_fall_together_whatever_their_order(order):
    """Thirty right at 0.99; of ten at 0.96 three are wrong. Some of the ten right ones alone would keep the rate."""
    probability, right = [0.99] * 30 + [0.96] * 10, [1] * 37 + [0] * 3
    (found,) = learn(answered(species=probability[::order]), {"species": right[::order]})
    assert found == threshold(SPECIES, 0.99, n_answered=30)


def test_a_run_of_luck_is_not_enough_the_probabilities_must_promise_as_much():
    """All right, but forty with 0.9 expect four wrong; beside sixty with 0.99 that is 4.6 of 100."""
    (alone,) = learn(answered(species=[0.9] * 40), {"species": [1] * 40})
    assert alone == threshold(SPECIES, None, "none", 40)
    (beside,) = learn(answered(species=[0.9] * 40 + [0.99] * 60), {"species": [1] * 100})
    assert beside == threshold(SPECIES, 0.9, n_answered=100)


def test_no_answer_rests_on_less_than_half_of_the_probability():
    (found,) = learn(answered(species=[0.8] * 50 + [0.49] * 50), {"species": [1] * 100}, error_rate=0.9)
    assert found == threshold(SPECIES, 0.8, n_answered=50)
    assert learn(answered(species=[0.49] * 50), {"species": [1] * 50}, error_rate=0.9)[0].threshold is None


def test_the_lowest_threshold_counts_even_where_a_higher_one_fails():
    """The most probable of all is wrong; among forty-five it is one of few enough."""
    (found,) = learn(answered(species=[1.0] + [0.99] * 44), {"species": [0] + [1] * 44})
    assert found == threshold(SPECIES, 0.99, n_answered=45, n_wrong=1)


def test_a_higher_rank_is_learned_from_the_specimens_that_are_left():
    """Twenty are answered as species. Of the twenty-five left, three have a wrong genus, at the lowest probability."""
    answers = answered(species=[0.99] * 20 + [0.5] * 25, genus=[0.999] * 20 + [0.98] * 22 + [0.9] * 3)
    right = {"species": [1] * 20 + [0] * 25, "genus": [1] * 42 + [0] * 3}
    assert learn(answers, right) == (
        threshold(SPECIES, 0.99, n_answered=20),
        threshold(GENUS, 0.98, n_answered=22),
    )


def test_too_few_specimens_left_share_the_promise_of_the_lower_ranks_down_to_its_floor():
    """Five left are no promise of their own; with the hundred below, whatever reaches 1 - 5 % may be answered."""
    answers = answered(species=[0.999] * 100 + [0.4] * 6, genus=[0.9995] * 100 + [0.97] * 5 + [0.94])
    right = {"species": [1] * 100 + [0] * 6, "genus": [1] * 106}
    found = learn(answers, right)
    assert found[1] == threshold(GENUS, 0.95, "at this rank or lower", 105)
    assert defended_rank(answers, found).tolist() == [0] * 100 + [1] * 5 + [-1]


def test_the_shared_promise_counts_what_is_wrong_in_it():
    """Seven wrong at 0.96 are too many beside a hundred right ones; one right at 0.99 is not."""
    answers = answered(species=[0.999] * 100 + [0.4] * 8, genus=[0.9995] * 100 + [0.99] + [0.96] * 7)
    found = learn(answers, {"species": [1] * 100 + [0] * 8, "genus": [1] * 101 + [0] * 7})
    assert found[1] == threshold(GENUS, 0.99, "at this rank or lower", 101)


def test_no_promise_is_shared_with_lower_answers_that_break_it():
    """Thirty labelled to the genus only are answered as species, in a wrong genus."""
    answers = answered(species=[0.999] * 60 + [0.4] * 3, genus=[0.9995] * 60 + [0.99] * 3)
    right = {"species": [1] * 30 + [math.nan] * 30 + [0] * 3, "genus": [1] * 30 + [0] * 30 + [1] * 3}
    species, genus = learn(answers, right)
    assert species == threshold(SPECIES, 0.999, n_answered=30)
    assert genus == threshold(GENUS, None, "none", 3)


def test_labels_that_leave_a_rank_open_say_nothing_there():
    answers = answered(species=[0.99] * 40)
    (found,) = learn(answers, {"species": [1] * 18 + [math.nan] * 22})
    assert found == threshold(SPECIES, None, "none", 18)
    (found,) = learn(answers, {"species": [math.nan] * 40})
    assert found == threshold(SPECIES, None, "none", 0)


def test_answers_that_a_higher_rank_contradicts_teach_nothing():
    agrees = {SPECIES: np.arange(40) < 18, GENUS: np.ones(40, dtype=bool)}
    answers = answered(agrees, species=[0.99] * 40, genus=[0.99] * 40)
    found = learn(answers, {"species": [1] * 40, "genus": [1] * 40})
    assert found == (threshold(SPECIES, None, "none", 18), threshold(GENUS, 0.99, n_answered=40))


def test_two_images_that_count_half_are_one_specimen():
    answers, right = answered(species=[0.99] * 36), {SPECIES: np.ones(36)}
    assert learn_thresholds(answers, right, np.full(36, 0.5), 0.05)[0].threshold is None
    (found,) = learn_thresholds(answered(species=[0.99] * 38), {SPECIES: np.ones(38)}, np.full(38, 0.5), 0.05)
    assert found == threshold(SPECIES, 0.99, n_answered=19)


# Thresholds by an obvious loop


def slow_thresholds(answers, right, weights, error_rate):
    """The rule as `learn_thresholds` tells it: (threshold, promise) of each rank, one candidate after the other."""
    unanswered = set(range(len(answers)))
    found = []
    for rank in answers.ranks:
        probability = answers.probability[rank].tolist()
        known = [row for row in range(len(answers)) if not math.isnan(right[rank][row])]
        rows = [row for row in known if row in unanswered and answers.agrees[rank][row]]
        below = [row for row in known if row not in unanswered]

        def keeps(given, rank=rank, probability=probability):
            """One more wrong than seen keeps to the rate, and so does what the probabilities expect."""
            n = sum(weights[row] for row in given)
            wrong = sum(weights[row] for row in given if right[rank][row] == 0)
            expected = sum(weights[row] * (1 - probability[row]) for row in given)
            return (wrong + 1) / (n + 1) <= error_rate + 1e-12 and expected <= error_rate * n + 1e-12

        def reaching(least, rows=rows, probability=probability):
            return [row for row in rows if probability[row] >= least]

        candidates = sorted({probability[row] for row in rows if probability[row] >= LEAST})
        own = [least for least in candidates if keeps(reaching(least))]
        floor = max(LEAST, 1 - error_rate)
        shared = [least for least in [floor, *candidates] if least >= floor and keeps(below + reaching(least))]
        if own:
            found.append((own[0], "at this rank"))
        elif below and shared and (shared[0] == floor or reaching(shared[0])):
            found.append((shared[0], "at this rank or lower"))
        else:
            found.append((None, "none"))
        if found[-1][0] is not None:
            unanswered -= {
                row
                for row in unanswered
                if answers.agrees[rank][row] and probability[row] >= found[-1][0]
            }  # fmt: skip
    return found


def slow_defended_rank(answers, thresholds):
    """Walk up from the lowest rank until one can be defended."""
    chosen = []
    for row in range(len(answers)):
        for place, (rank, least) in enumerate(zip(answers.ranks, thresholds, strict=True)):
            if least is not None and answers.agrees[rank][row] and answers.probability[rank][row] >= least:
                chosen.append(place)
                break
        else:
            chosen.append(-1)
    return chosen


def draw_case(seed):
    """A network more or less sure and more or less right; ties, open labels, contradictions, several images."""
    random = np.random.default_rng(seed)
    n = int(random.integers(1, 120))
    logits = random.normal(0, random.choice([2.0, 5.0, 9.0]), (n, 8))
    y_prob = at_temperature(logits, 1.0)
    truth = at_temperature(logits, random.choice([0.7, 1.0, 1.5]))
    leaf = np.minimum((random.random((n, 1)) > truth.cumsum(axis=1)).sum(axis=1), 7)
    found = most_probable(at_ranks({"tree": y_prob}, TREE), TREE)
    digits = int(random.choice([2, 3, 15]))
    probability = {rank: values.round(digits) for rank, values in found.probability.items()}
    agrees = {rank: values & (random.random(n) < random.choice([0.9, 1.0])) for rank, values in found.agrees.items()}
    right = {rank: (found.column[rank] == TREE.columns(rank)[leaf]).astype(float) for rank in RANKS}
    right[SPECIES][random.random(n) < random.choice([0.0, 0.3])] = math.nan
    right[GENUS][np.isnan(right[SPECIES]) & (random.random(n) < 0.3)] = math.nan
    weights = random.choice([1.0, 0.5, 1 / 3], n) if seed % 2 else np.ones(n)
    rate = float(random.choice([0.02, 0.05, 0.1, 0.2, 0.6]))
    return Answers(found.column, probability, agrees), right, weights, rate


def test_thresholds_agree_with_an_obvious_loop_on_many_random_cases():
    promises = dict.fromkeys(("at this rank", "at this rank or lower", "none"), 0)
    for seed in range(120):
        answers, right, weights, rate = draw_case(seed)
        found = learn_thresholds(answers, right, weights, rate)
        expected = slow_thresholds(answers, right, weights, rate)
        assert [(each.threshold, each.promise) for each in found] == expected, seed
        chosen = defended_rank(answers, found)
        assert chosen.tolist() == slow_defended_rank(answers, [least for least, _ in expected]), seed
        for place, each in enumerate(found):
            promises[each.promise] += 1
            if each.promise != "none":
                first = place if each.promise == "at this rank" else 0
                given = (chosen >= first) & (chosen <= place) & ~np.isnan(right[each.rank])
                wrong = weights[given] * (1 - right[each.rank][given])
                assert each.n_answered == pytest.approx(weights[given].sum())
                assert each.n_wrong == pytest.approx(wrong.sum())
    assert min(promises.values()) > 20


# Coherence


@settings(max_examples=50, deadline=None)
@given(
    logits=arrays(np.float64, (6, 8), elements=st.floats(-8, 8)),
    least=st.lists(st.one_of(st.none(), st.floats(LEAST, 1)), min_size=3, max_size=3),
)
def test_the_taxon_that_is_answered_lies_in_the_most_probable_ones_of_all_higher_ranks(logits, least):
    answers = tree_answers(logits)
    thresholds = [threshold(rank, value) for rank, value in zip(RANKS, least, strict=True)]
    for row, place in enumerate(defended_rank(answers, thresholds).tolist()):
        if place < 0:
            continue
        rank = RANKS[place]
        taxon = TREE.taxa(rank)[answers.column[rank][row]]
        for higher in RANKS[place:]:
            assert taxon.at(higher) == TREE.taxa(higher)[answers.column[higher][row]]


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, (6, 8), elements=st.floats(-8, 8)))
def test_more_than_half_of_the_probability_of_a_tree_is_never_contradicted(logits):
    answers = tree_answers(logits)
    for rank in RANKS:
        assert answers.agrees[rank][answers.probability[rank] > 0.5 + 1e-12].all()


# The promise


def pool(random, n):
    """Calibrated answers, easy and hard, and whether they are right: the truth is drawn from the probabilities."""
    hardness = random.choice([1.5, 4.0, 9.0], (n, 1), p=[0.2, 0.3, 0.5])
    y_prob = at_temperature(random.normal(0, 1, (n, 8)) * hardness, 1.0)
    leaf = np.minimum((random.random((n, 1)) > y_prob.cumsum(axis=1)).sum(axis=1), 7)
    answers = most_probable(at_ranks({"tree": y_prob}, TREE), TREE)
    return answers, {rank: (answers.column[rank] == TREE.columns(rank)[leaf]).astype(float) for rank in RANKS}


@pytest.mark.parametrize("error_rate", [0.05, 0.1])
@pytest.mark.parametrize("n", [30, 60, 200])
def test_answers_of_calibrated_probabilities_keep_to_the_rate_on_new_specimens(n, error_rate):
    """Over 200 draws of n calibration specimens; each answer is judged at its own rank.

    At one rank, a draw that leads to no answers has none wrong.
    """
    random = np.random.default_rng(n)
    learned, right = pool(random, 20_000)
    new, new_right = pool(random, 5_000)
    together, of_rank = [], {rank: [] for rank in RANKS}
    for _ in range(200):
        rows = random.choice(20_000, n, replace=False)
        thresholds = learn_thresholds(
            learned[rows], {rank: values[rows] for rank, values in right.items()}, np.ones(n), error_rate
        )
        chosen = defended_rank(new, thresholds)
        wrong = [1 - new_right[rank][chosen == place] for place, rank in enumerate(RANKS)]
        if (chosen >= 0).any():
            together.append(np.concatenate(wrong).mean())
        for each, of_place in zip(thresholds, wrong, strict=True):
            promised = each.promise == "at this rank" and len(of_place)
            of_rank[each.rank].append(of_place.mean() if promised else 0.0)
    assert len(together) > 100
    assert np.mean(together) <= error_rate + 0.01
    assert max(np.mean(errors) for errors in of_rank.values()) <= error_rate + 0.01
