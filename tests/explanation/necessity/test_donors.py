"""Tests of whose characters an image is given."""

from __future__ import annotations

import numpy as np

from mentum.explanation.necessity.donors import N_GIVING, NO_DONOR, choose_donors, choose_giving, choose_peers

SPECIES = np.array([0, 0, 1, 1, 2, 2, 3, 3])
GENUS = np.array([0, 0, 0, 0, 1, 1, 1, 1])
ALL = np.arange(8)


def test_one_donor_is_a_near_relative_and_one_a_far_one() -> None:
    donors = choose_donors([SPECIES, GENUS], [SPECIES, GENUS], ALL, seed=0)
    near, far = donors.T
    assert (SPECIES[near] != SPECIES).all()
    assert (GENUS[near] == GENUS).all()
    assert (GENUS[far] != GENUS).all()


def test_donors_are_of_another_taxon_than_the_one_identified() -> None:
    answered = [np.full(8, 1), np.full(8, 0)]
    donors = choose_donors(answered, [SPECIES, GENUS], ALL, seed=0)
    assert set(SPECIES[donors[:, 0]].tolist()) == {0}
    assert set(GENUS[donors[:, 1]].tolist()) == {1}


def test_only_annotated_images_of_a_named_taxon_give() -> None:
    open_label = np.where(ALL == 4, -1, SPECIES)
    donors = choose_donors([SPECIES, GENUS], [open_label, GENUS], np.array([0, 1, 4, 5]), seed=1)
    assert set(donors[:4].ravel().tolist()) == {5} | set(donors[2:4].ravel().tolist())
    assert 4 not in donors


def test_without_another_taxon_there_is_no_donor() -> None:
    one = np.zeros(3, dtype=np.int64)
    assert (choose_donors([one], [one], np.arange(3), seed=0) == NO_DONOR).all()


def test_the_same_seed_draws_the_same_donors_and_another_others() -> None:
    found = [choose_donors([SPECIES, GENUS], [SPECIES, GENUS], ALL, seed=seed) for seed in (0, 0, 1)]
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_a_taxon_with_many_images_gives_no_more_often() -> None:
    labels = np.array([0] + [1] * 97 + [2] * 2)
    answered = np.zeros(100, dtype=np.int64)
    donors = choose_donors([answered], [labels], np.arange(100), seed=0)
    assert 0.35 < (labels[donors] == 2).mean() < 0.65


def test_those_that_give_are_few_and_of_all_taxa() -> None:
    labels = np.array([0] * 300 + [1] * 300 + [2] * 5 + [-1] * 50)
    found = choose_giving(labels, np.arange(len(labels)), seed=0)
    counts = np.bincount(labels[found])
    assert len(found) == N_GIVING == counts.sum()
    assert counts[2] == 5
    assert abs(counts[0] - counts[1]) <= 1


def test_with_many_taxa_two_of_each_give() -> None:
    labels = np.repeat(np.arange(200), 4)
    found = choose_giving(labels, np.arange(len(labels)), seed=0)
    assert (np.bincount(labels[found]) == 2).all()


def test_a_peer_is_another_specimen_of_the_taxon_identified() -> None:
    specimens = np.array(["a", "a", "b", "c", "d", "e", "f", "f"])
    answers = np.where(ALL == 3, 0, SPECIES)
    peers = choose_peers(answers, SPECIES, specimens, ALL, seed=0)
    assert peers[0] == peers[1] == NO_DONOR  # both images of the taxon are of one specimen
    assert peers[2] == 3
    assert peers[3] in (0, 1)
    assert (peers[4], peers[5]) == (5, 4)
    assert peers[6] == peers[7] == NO_DONOR
