"""Tests of the checks of maps: a network made by hand needs one character and not the other."""

from __future__ import annotations

import numpy as np
import pytest

from mentum.explanation.faithfulness import choose_images, occlude, randomise, rank_correlation
from mentum.records import Progress, ignore_progress
from mentum.taxonomy import Rank
from support.explained_by_hand import MANDIBLE, MENTUM, DarknessNetwork, annotate, make_evidence

ROWS = np.arange(12)


@pytest.fixture(scope="module")
def annotations(tmp_path_factory):
    return annotate(make_evidence(), tmp_path_factory.mktemp("faithful"))


@pytest.fixture(scope="module")
def occlusions(annotations):
    found = occlude(DarknessNetwork().explain, make_evidence(), annotations, ROWS, 0, ignore_progress)
    return {(each.character, each.fill): each for each in found}


@pytest.mark.parametrize("fill", ["blurred", "mean"])
def test_hiding_the_character_that_is_used_costs_certainty(occlusions, fill):
    found = occlusions["mentum", fill]
    assert found.drop > 0.01
    assert found.log_odds_drop > 1
    assert found.excess_low > 0
    assert found.excess_low <= found.excess <= found.excess_high
    assert found.excess == pytest.approx(found.log_odds_drop - found.control_log_odds_drop)
    assert (found.n, found.n_specimens) == (12, 12)


@pytest.mark.parametrize("fill", ["blurred", "mean"])
def test_hiding_another_character_costs_nothing(occlusions, fill):
    found = occlusions["mandible", fill]
    assert abs(found.drop) < 0.05
    assert found.excess_low <= 0.05


def test_a_network_that_uses_the_other_character_gives_the_other_answer(annotations):
    network = DarknessNetwork(MANDIBLE)
    found = occlude(network.explain, make_evidence(network), annotations, ROWS, 0, ignore_progress)
    changes = {each.character: abs(each.log_odds_drop) for each in found}
    assert changes["mandible"] > 3 * changes["mentum"]


def test_accuracy_falls_with_the_character_that_is_used(annotations):
    network = DarknessNetwork(bias=1.0)  # with the mentum hidden, everything is taken for the first taxon
    found = occlude(network.explain, make_evidence(network), annotations, ROWS, 0, ignore_progress)
    accuracy = {(each.character, each.fill): each.accuracy_drop for each in found}
    assert accuracy["mentum", "mean"] > 0.3
    assert accuracy["mandible", "mean"] == 0


def test_progress_is_told(annotations):
    told: list[Progress] = []
    occlude(DarknessNetwork().explain, make_evidence(), annotations, ROWS[:3], 0, told.append)
    assert [(each.done, each.total) for each in told] == [(1, 3), (2, 3), (3, 3)]


def test_images_are_chosen_evenly_over_taxa_and_only_if_annotated():
    evidence = make_evidence(n=20)
    annotated = [row != 4 for row in range(20)]
    chosen = choose_images(evidence, annotated, 6, seed=0)
    labels = evidence.ranks[Rank.SPECIES].y_true[chosen]
    assert len(set(chosen.tolist())) == 6
    assert 4 not in chosen
    assert np.bincount(labels).tolist() == [3, 3]
    assert choose_images(evidence, annotated, 100, seed=0).tolist() == [row for row in range(20) if row != 4]


def test_random_weights_lower_the_agreement_of_maps():
    evidence = make_evidence()
    same = randomise({"head": DarknessNetwork(MENTUM).explain}, evidence, ROWS, ignore_progress)
    other = randomise({"head": DarknessNetwork(MENTUM, seed=1).explain}, evidence, ROWS, ignore_progress)
    assert same[0].correlation == pytest.approx(1)
    assert other[0].correlation < 0.5
    assert (other[0].rank, other[0].randomised, other[0].n) == (Rank.SPECIES, "head", 12)


def test_rank_correlation_is_scipys():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 7, 7)).astype(np.float32)
    assert rank_correlation(one, other) == pytest.approx(stats.spearmanr(one.ravel(), other.ravel()).statistic)
