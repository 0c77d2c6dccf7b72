"""Tests of what tells taxa apart, on trials made by hand: three species of two genera, two characters."""

from __future__ import annotations

import numpy as np
import pytest

from mentum.explanation.necessity.measures import RankNecessity
from mentum.explanation.necessity.told_apart import told_apart
from mentum.explanation.necessity.trials import NO_CONTROL, RankOutcome, Trials
from mentum.taxonomy import Rank
from support.pictured_evidence import at_species, run_evidence

MAPS = np.zeros((7, 7, 7))
BUS, CUS, DUS = np.eye(3) * 0.8 + 0.05
"""Aus bus and Aus cus are near relatives, Dus sp. 1 is of another genus."""

TRUTH = [0, 0, 0, 1, 1, 2, 2]
"""The third image, of Aus bus, is identified as Aus cus."""


def evidence():
    at_rank = at_species(TRUTH, [BUS, BUS, CUS, CUS, CUS, DUS, DUS], MAPS)
    return run_evidence(at_rank), at_rank


def trials(*made: tuple[int, int, int, float], control: int = NO_CONTROL) -> Trials:
    """Pictures: image, donor, character, fall."""
    row, donor, character, fall = (np.array(each) for each in zip(*made, strict=True))
    answered = np.array([0, 0, 1, 1, 1, 2, 2])[row]
    foreign, stays = np.array(TRUTH)[donor] != answered, np.ones(len(row), dtype=bool)
    outcome = RankOutcome(fall.astype(float), foreign, stays, ~stays)
    controls = np.full(len(row), control)
    return Trials(row, donor, 1 << character, controls, np.full(7, 3), {Rank.SPECIES: outcome})


def necessity(chance: float = 1.0, usual: float = 0.0) -> RankNecessity:
    nothing, of_pairs = np.full((7, 2), np.nan), np.full((7, 2, 2), np.nan)
    control = np.full((7, 2), usual)
    return RankNecessity(
        nothing, control, nothing[:, 0], nothing[:, 0], nothing[:, 0], chance, nothing, of_pairs, of_pairs, np.zeros(7)
    )


def found(made: Trials, **measured: float):
    images, at_rank = evidence()
    return told_apart(images, at_rank, made, necessity(**measured), ("mentum", "wing"))


def test_shares_are_of_the_images_that_were_given_the_other_s_characters() -> None:
    [pair] = found(trials((0, 3, 0, 5.0), (0, 3, 1, 0.0), (1, 4, 0, 0.5), (1, 4, 1, 0.0)))
    assert (pair.taxon, pair.other, pair.n, pair.n_specimens, pair.n_confused) == ("Aus bus", "Aus cus", 2, 2, 1)
    assert {each.character: each.used for each in pair.shares} == {"mentum": 0.5, "wing": 0.0, "none": 0.5}
    assert [each.necessity for each in pair.shares] == [pytest.approx(2.75), 0.0, None]
    assert pair.images == ("images/0.jpg", "images/3.jpg")
    assert pair.says_little


def test_what_forms_elsewhere_cost_is_taken_off() -> None:
    [pair] = found(trials((0, 3, 0, 5.0)), usual=4.5)
    assert (pair.shares[0].used, pair.shares[0].necessity) == (0, 0.5)
    assert pair.shares[1].necessity is None


def test_several_donors_of_a_taxon_count_as_one_image() -> None:
    [pair] = found(trials((0, 3, 0, 5.0), (0, 4, 0, -5.0)))
    assert (pair.n, pair.shares[0].necessity, pair.shares[0].used) == (1, 0, 0)


def test_confused_taxa_come_first_then_the_nearest_relatives_alone() -> None:
    pairs = found(
        trials((3, 5, 0, 2.0), (3, 0, 0, 2.0), (5, 0, 0, 2.0), (5, 3, 0, 2.0), (0, 3, 0, 2.0), (0, 5, 0, 2.0))
    )
    assert [(each.taxon, each.other) for each in pairs] == [
        ("Aus bus", "Aus cus"), ("Aus cus", "Aus bus"), ("Dus sp. 1", "Aus bus"), ("Dus sp. 1", "Aus cus"),
    ]  # fmt: skip


def test_wrong_identifications_and_controls_are_left_out() -> None:
    assert found(trials((2, 5, 0, 9.0))) == []
    assert found(trials((0, 3, 0, 9.0), control=0)) == []
