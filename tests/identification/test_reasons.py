"""Tests of the words that say why an answer stops at its rank."""

from __future__ import annotations

from typing import Any

import pytest

from mentum.calibration.thresholds import RankThreshold
from mentum.identification.reasons import Ground, explain_status
from mentum.records import RankIdentification, Status
from mentum.taxonomy import Rank, Taxon, Taxonomy
from support.models_by_hand import LEAVES, RANKS

TREE = Taxonomy(tuple(Taxon(tuple(lineage.items())) for lineage in LEAVES))
PLUMOSUS, ORTHOCLADIUS = TREE.leaves[0], TREE.leaves[3]
NAMES = ("Chironomus plumosus", "Chironomus", "Chironominae")


def threshold(rank: Rank, least: float | None) -> RankThreshold:
    promise = "none" if least is None else "at this rank"
    return RankThreshold(rank=rank, threshold=least, promise=promise, n_answered=40, n_wrong=1)


def ground(
    probabilities: tuple[float, float, float],
    defended: int,
    taxon: Taxon | None,
    least: tuple[float | None, float | None, float | None] = (0.9, 0.8, 0.7),
    **more: Any,
) -> Ground:
    found = [
        RankIdentification(rank=rank, scientific_name=name, probability=probability)
        for rank, name, probability in zip(RANKS, NAMES, probabilities, strict=True)
    ]
    given: dict[str, Any] = {
        "ranks": tuple(found),
        "candidates": (),
        "thresholds": tuple(map(threshold, RANKS, least)),
        "defended": defended,
        "taxon": taxon,
        "agrees": (True, True, True),
        "is_open": (False, False, False),
        "novelty": 0.5,
        "novel": False,
        "error_rate": 0.05,
        "false_rejection": 0.1,
    }
    return Ground(**(given | more))


def test_a_lowest_taxon_is_identified() -> None:
    assert explain_status(ground((0.94, 0.96, 0.98), 0, PLUMOSUS), TREE) == (
        Status.IDENTIFIED,
        "species defended: probability 0.94, not below 0.90, the least for an error of at most 5%",
    )


def test_a_taxon_that_is_named_to_genus_only_is_identified_at_that_rank() -> None:
    status, reason = explain_status(ground((0.94, 0.94, 0.98), 0, ORTHOCLADIUS), TREE)
    assert status is Status.IDENTIFIED
    assert reason.startswith("genus defended: probability 0.94")


def test_a_higher_rank_says_what_was_refused_below() -> None:
    assert explain_status(ground((0.6, 0.75, 0.98), 2, PLUMOSUS.at(Rank.SUBFAMILY)), TREE) == (
        Status.HIGHER_RANK,
        "subfamily defended: probability 0.98, not below 0.70, the least for an error of at most 5%; species not "
        "defended: probability 0.60 of Chironomus plumosus, below 0.90; genus not defended: probability 0.75 of "
        "Chironomus, below 0.80",
    )


def test_no_rank_that_can_be_defended() -> None:
    status, reason = explain_status(ground((0.5, 0.55, 0.6), -1, None), TREE)
    assert status is Status.UNDETERMINED
    assert reason.startswith("no rank can be defended: species not defended: probability 0.50 of Chironomus plumosus")
    assert reason.endswith("subfamily not defended: probability 0.60 of Chironominae, below 0.70")


def test_too_few_specimens_to_promise_anything() -> None:
    _, reason = explain_status(ground((0.99, 0.99, 0.99), -1, None, (None, None, None)), TREE)
    assert reason.count("not defended: too few sure calibration specimens to promise anything at this rank") == 3


def test_networks_that_contradict_one_another() -> None:
    contradicted = ground((0.97, 0.96, 0.98), 1, PLUMOSUS.at(Rank.GENUS), agrees=(False, True, True))
    status, reason = explain_status(contradicted, TREE)
    assert status is Status.HIGHER_RANK
    assert reason.endswith("species not defended: the networks of higher ranks contradict Chironomus plumosus")


def test_the_unknown_is_unknown_however_sure_the_network_is() -> None:
    assert explain_status(ground((0.99, 0.99, 0.99), 0, PLUMOSUS, novelty=0.9873, novel=True), TREE) == (
        Status.UNKNOWN,
        "stranger than 98.7% of known specimens; at most 10% of specimens of known taxa are taken for unknown",
    )


@pytest.mark.parametrize(
    ("probability", "said"), [(0.9949, "0.99"), (0.995, "more than 0.99"), (1.0, "more than 0.99")]
)
def test_no_probability_is_certainty(probability: float, said: str) -> None:
    _, reason = explain_status(ground((probability, 1, 1), 0, PLUMOSUS), TREE)
    assert f"probability {said}, not below" in reason


def test_a_class_that_is_no_taxon_is_never_identified() -> None:
    debris = Taxon(((Rank.NOT_A_TAXON, "debris"),))
    tree = Taxonomy((*TREE.leaves, debris))
    status, reason = explain_status(ground((0.94, 0.94, 0.94), 0, debris), tree)
    assert status is Status.NOT_A_TAXON
    assert reason.startswith("taken for 'debris', no taxon: probability 0.94, not below 0.90")
