"""Tests of identifications from what networks say, with answers known by hand."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from mentum.identification.conclusions import Judge, Looked
from mentum.identification.identifier import Identifier
from mentum.identification.inputs import Given
from mentum.identification.reading import Picture
from mentum.records import Candidate, Identification, RankIdentification, Status
from mentum.taxonomy import Rank
from support.models_by_hand import (
    CONTRADICTION,
    GENUS,
    NOTHING,
    OPEN_LEAVES,
    OPEN_VERBATIM,
    ORTHOCLADIUS,
    PLUMOSUS,
    SEPARATE,
    SUBFAMILY,
    TREE,
    make_model,
)

WHEN = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    return Identifier(make_model(tmp_path / "model")).judges["specimen"]


def looked(red: int, name: str = "a.png", strangeness: float = 0.0, **given: object) -> Looked:
    picture = Picture(Given(Path(name), name, **given), f"hash of {name}")  # type: ignore[arg-type]
    return Looked(picture, {"tree": np.log(TREE[red])}, strangeness)


def failed(name: str, **given: object) -> Looked:
    picture = Picture(Given(Path(name), name, **given), f"hash of {name}", failure=f"{name}: found a file of 0 bytes.")  # type: ignore[arg-type]
    return Looked(picture, {}, float("nan"))


def conclude(judge: Judge, *images: Looked) -> Identification:
    (found,) = judge.conclude([images], WHEN)
    return found


# Status by status


@pytest.mark.parametrize(
    ("red", "status", "name", "rank"),
    [
        (PLUMOSUS, Status.IDENTIFIED, "Chironomus plumosus", Rank.SPECIES),
        (ORTHOCLADIUS, Status.IDENTIFIED, "Orthocladius", Rank.GENUS),
        (GENUS, Status.HIGHER_RANK, "Chironomus", Rank.GENUS),
        (SUBFAMILY, Status.HIGHER_RANK, "Chironominae", Rank.SUBFAMILY),
        (NOTHING, Status.UNDETERMINED, None, None),
    ],
)
def test_the_lowest_rank_that_can_be_defended_is_answered(
    judge: Judge, red: int, status: Status, name: str | None, rank: Rank | None
) -> None:
    found = conclude(judge, looked(red))
    assert (found.status, found.scientific_name, found.taxon_rank) == (status, name, rank)
    assert found.date_identified == WHEN
    assert found.failure is None


OPEN_TREE = {
    GENUS: (0.98, 0.005, 0.005, 0.005, 0.005),
    PLUMOSUS: (0.01, 0.975, 0.005, 0.005, 0.005),
    SUBFAMILY: (0.6, 0.1, 0.1, 0.17, 0.03),
}
"""Red level → probabilities of OPEN_LEAVES."""


@pytest.fixture
def open_judge(tmp_path: Path) -> Judge:
    """Of a model that learned "Chironomus, and no more is said" beside two species of the genus."""
    model = make_model(tmp_path / "open", {"tree": OPEN_TREE}, taxa=OPEN_LEAVES, verbatim=OPEN_VERBATIM)
    return Identifier(model).judges["specimen"]


def opened(red: int) -> Looked:
    return Looked(Picture(Given(Path("a.png"), "a.png"), "hash"), {"tree": np.log(OPEN_TREE[red])}, 0.0)


def test_what_is_of_the_genus_and_no_more_is_answered_at_its_rank(open_judge: Judge) -> None:
    """However sure the network is: at species rank that is no answer."""
    found = conclude(open_judge, opened(GENUS))
    assert (found.status, found.scientific_name, found.taxon_rank) == (Status.HIGHER_RANK, "Chironomus", Rank.GENUS)
    assert (found.probability, found.lineage) == (0.99, {Rank.SUBFAMILY: "Chironominae", Rank.GENUS: "Chironomus"})
    assert found.verbatim_identification is None
    assert found.reason == (
        "genus defended: probability 0.99, not below 0.96, the least for an error of at most 5%; species not defended: "
        "most like the specimens that are named to Chironomus and no further, probability 0.98"
    )
    first = Candidate(scientific_name="Chironomus", taxon_rank=Rank.GENUS, probability=0.98)
    assert found.candidates[0] == first


def test_beside_an_open_genus_its_species_are_answered_as_ever(open_judge: Judge) -> None:
    found = conclude(open_judge, opened(PLUMOSUS))
    assert (found.status, found.scientific_name) == (Status.IDENTIFIED, "Chironomus plumosus")
    assert found.verbatim_identification == "C. plumosus"


def test_above_an_open_genus_too(open_judge: Judge) -> None:
    found = conclude(open_judge, opened(SUBFAMILY))
    assert (found.status, found.scientific_name) == (Status.HIGHER_RANK, "Chironominae")


def test_a_model_answers_at_the_ranks_that_it_was_trained_to_report(tmp_path: Path) -> None:
    """Without genera, what is sure of its genus alone is answered at subfamily."""
    model = make_model(tmp_path / "model", ranks=(Rank.SPECIES, Rank.SUBFAMILY))
    found = conclude(Identifier(model).judges["specimen"], looked(GENUS))
    assert (found.scientific_name, found.taxon_rank) == ("Chironominae", Rank.SUBFAMILY)
    assert [each.rank for each in found.ranks] == [Rank.SPECIES, Rank.SUBFAMILY]
    assert "genus" not in found.reason


def test_an_identification_in_full(judge: Judge) -> None:
    found = conclude(judge, looked(GENUS))
    assert found.lineage == {Rank.SUBFAMILY: "Chironominae", Rank.GENUS: "Chironomus"}
    assert found.ranks == (
        RankIdentification(rank=Rank.SPECIES, scientific_name="Chironomus plumosus", probability=0.5),
        RankIdentification(rank=Rank.GENUS, scientific_name="Chironomus", probability=0.98),
        RankIdentification(rank=Rank.SUBFAMILY, scientific_name="Chironominae", probability=0.99),
    )
    assert found.candidates == (
        Candidate(scientific_name="Chironomus plumosus", taxon_rank=Rank.SPECIES, probability=0.5),
        Candidate(scientific_name="Chironomus riparius", taxon_rank=Rank.SPECIES, probability=0.48),
        Candidate(scientific_name="Polypedilum laetum", taxon_rank=Rank.SPECIES, probability=0.01),
        Candidate(scientific_name="Orthocladius", taxon_rank=Rank.GENUS, probability=0.01),
    )
    assert found.reason.startswith("genus defended: probability 0.98, not below 0.96")


def test_the_label_of_the_training_is_given_for_the_lowest_taxa_only(judge: Judge) -> None:
    assert conclude(judge, looked(PLUMOSUS)).verbatim_identification == "C. plumosus"
    assert conclude(judge, looked(ORTHOCLADIUS)).verbatim_identification == "Orthocladius sp."
    assert conclude(judge, looked(GENUS)).verbatim_identification is None


def test_a_strange_specimen_is_unknown_and_keeps_what_it_resembles(judge: Judge) -> None:
    found = conclude(judge, looked(PLUMOSUS, strangeness=9.96))
    assert (found.status, found.scientific_name, found.taxon_rank, found.lineage) == (Status.UNKNOWN, None, None, {})
    assert found.novelty == round(100 / 101, 4)
    assert found.candidates[0].scientific_name == "Chironomus plumosus"
    assert found.reason.startswith("stranger than 99.0% of known specimens")


@pytest.mark.parametrize(
    ("score", "novelty", "status"),
    [
        (0.0, 0.0, Status.IDENTIFIED),
        (5.0, 50 / 101, Status.IDENTIFIED),
        (9.5, 95 / 101, Status.IDENTIFIED),
        (9.6, 96 / 101, Status.UNKNOWN),
    ],
)
def test_novelty_is_the_share_of_known_specimens_that_look_less_strange(
    judge: Judge, score: float, novelty: float, status: Status
) -> None:
    found = conclude(judge, looked(PLUMOSUS, strangeness=score))
    assert (found.novelty, found.status) == (round(novelty, 4), status)


def test_a_model_that_cannot_tell_calls_nothing_unknown(tmp_path: Path) -> None:
    identifier = Identifier(make_model(tmp_path / "model"), false_rejection=0.001)
    found = conclude(identifier.judges["image"], looked(PLUMOSUS, strangeness=1e6))
    assert (found.status, found.novelty) == (Status.IDENTIFIED, None)


def test_an_image_that_could_not_be_read(judge: Judge) -> None:
    found = conclude(judge, failed("b.png"))
    assert (found.status, found.failure) == (Status.FAILED, "b.png: found a file of 0 bytes.")
    assert (found.scientific_name, found.ranks, found.candidates, found.novelty) == (None, (), (), None)
    assert found.reason == "no image could be read"


def test_failures_among_others_leave_them_their_places(judge: Judge) -> None:
    units = [[looked(PLUMOSUS)], [failed("b.png")], [looked(ORTHOCLADIUS, "c.png")]]
    assert [found.scientific_name for found in judge.conclude(units, WHEN)] == [
        "Chironomus plumosus", None, "Orthocladius",
    ]  # fmt: skip
    assert judge.conclude([], WHEN) == []


# Separate networks


def test_networks_of_higher_ranks_may_contradict(tmp_path: Path) -> None:
    judge = Identifier(make_model(tmp_path / "model", SEPARATE)).judges["image"]
    picture = Picture(Given(Path("a"), "a"), "hash")

    def of(red: int) -> Identification:
        said = {name: np.log(levels[red]) for name, levels in SEPARATE.items()}
        return conclude(judge, Looked(picture, said, 0.0))

    assert of(PLUMOSUS).scientific_name == "Chironomus plumosus"
    found = of(CONTRADICTION)
    assert (found.status, found.scientific_name) == (Status.HIGHER_RANK, "Polypedilum")
    assert [each.scientific_name for each in found.ranks] == ["Chironomus plumosus", "Polypedilum", "Chironominae"]
    assert found.reason.endswith("species not defended: the networks of higher ranks contradict Chironomus plumosus")


# Specimens


def test_images_of_a_specimen_are_combined_by_the_mean_of_their_logarithms(judge: Judge) -> None:
    found = conclude(judge, looked(PLUMOSUS, "1.png"), looked(GENUS, "2.png"))

    products = [math.sqrt(one * other) for one, other in zip(TREE[PLUMOSUS], TREE[GENUS], strict=True)]
    expected = [product / sum(products) for product in products]
    assert expected[0] == pytest.approx(0.89, abs=0.01)
    assert [each.probability for each in found.candidates] == pytest.approx(sorted(expected, reverse=True), abs=1e-6)
    assert found.ranks[1].probability == pytest.approx(expected[0] + expected[1], abs=1e-6)
    assert (found.status, found.scientific_name) == (Status.HIGHER_RANK, "Chironomus")
    assert found.file_names == ("1.png", "2.png")


def test_strangeness_of_a_specimen_is_the_mean_of_its_images(judge: Judge) -> None:
    found = conclude(judge, looked(PLUMOSUS, "1.png", strangeness=1.0), looked(PLUMOSUS, "2.png", strangeness=2.0))
    assert found.novelty == round(15 / 101, 4)


def test_one_failed_image_of_two_leaves_the_other(judge: Judge) -> None:
    alone = conclude(judge, looked(PLUMOSUS, "1.png"))
    found = conclude(judge, failed("0.png"), looked(PLUMOSUS, "1.png"))
    assert (found.status, found.ranks) == (Status.IDENTIFIED, alone.ranks)
    assert found.file_names == ("0.png", "1.png")
    assert found.failure == "0.png: found a file of 0 bytes."


def test_all_images_failed(judge: Judge) -> None:
    found = conclude(judge, failed("0.png"), failed("1.png"))
    assert found.status is Status.FAILED
    assert found.failure == "0.png: found a file of 0 bytes.; 1.png: found a file of 0 bytes."


def test_terms_that_differ_between_images_are_not_those_of_the_specimen(judge: Judge) -> None:
    one = {"catalogNumber": "K 1", "eventDate": "1987", "sex": "female"}
    other = {"catalogNumber": "K 1", "eventDate": "1988"}
    found = conclude(
        judge,
        looked(PLUMOSUS, "1.png", specimen="K 1", occurrence=one),
        looked(PLUMOSUS, "2.png", specimen="K 1", occurrence=other),
    )
    assert (found.specimen, found.occurrence) == ("K 1", {"catalogNumber": "K 1"})


# Identifiers


def test_the_same_images_and_model_always_give_the_same_identifier(judge: Judge, tmp_path: Path) -> None:
    one, two = looked(PLUMOSUS, "1.png"), looked(PLUMOSUS, "2.png")
    identifier = conclude(judge, one, two).identification_id
    assert identifier.startswith("urn:uuid:")
    assert conclude(judge, two, one).identification_id == identifier
    others = {
        conclude(judge, one).identification_id,
        conclude(judge, looked(PLUMOSUS, "1.png", specimen="K 1"), two).identification_id,
        conclude(Identifier(make_model(tmp_path / "b", version="2.1")).judges["specimen"], one, two).identification_id,
        conclude(Identifier(make_model(tmp_path / "c", doi="10.5281/z.1")).judges["image"], one, two).identification_id,
    }
    assert len(others | {identifier}) == 5
