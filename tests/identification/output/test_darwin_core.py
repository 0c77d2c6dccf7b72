"""Tests of Darwin Core: the terms of every kind of answer, and where probabilities stand."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from mentum.identification.output.darwin_core import (
    OCCURRENCE_TERMS,
    TERMS,
    Agent,
    answer_probability,
    darwin_core,
    iso_date,
    occurrence_terms,
    term_address,
)
from mentum.records import Candidate, Identification, RankIdentification, Status
from mentum.taxonomy import Rank

AGENT = Agent("chiro10 1.0.0", "https://doi.org/10.5281/zenodo.1", "Mentum 0.1.0 | https://doi.org/10.5281/zenodo.1")
LINEAGE = {
    Rank.CLASS: "Insecta",
    Rank.FAMILY: "Chironomidae",
    Rank.SUBFAMILY: "Orthocladiinae",
    Rank.GENUS: "Cricotopus",
    Rank.SPECIES: "Cricotopus bicinctus",
}
RANKS = tuple(
    RankIdentification(rank=rank, scientific_name=LINEAGE[rank], probability=probability)
    for rank, probability in ((Rank.SPECIES, 0.61), (Rank.GENUS, 0.934), (Rank.SUBFAMILY, 0.9987))
)
CANDIDATES = tuple(
    Candidate(scientific_name=name, taxon_rank=Rank.SPECIES, probability=probability)
    for name, probability in (
        ("Cricotopus bicinctus", 0.61),
        ("Cricotopus annulator", 0.32),
        ("Orthocladius sp. 1", 0.05),
        ("Chironomus riparius", 0.01),
    )
)


def identified(**changes: object) -> Identification:
    """A larva identified to species, or with `changes` something else."""
    given: dict[str, object] = {
        "identification_id": "urn:uuid:1",
        "file_names": ("a.png",),
        "status": Status.IDENTIFIED,
        "scientific_name": "Cricotopus bicinctus",
        "taxon_rank": Rank.SPECIES,
        "lineage": LINEAGE,
        "ranks": RANKS,
        "candidates": CANDIDATES,
        "date_identified": datetime(2026, 5, 3, 14, 7, 9, 123456, UTC),
    }
    return Identification.model_validate(given | changes)


def unnamed(status: Status, **changes: object) -> Identification:
    nothing = {"scientific_name": None, "taxon_rank": None, "lineage": {}}
    return identified(status=status, **nothing, **changes)


GENUS = identified(
    status=Status.HIGHER_RANK,
    scientific_name="Cricotopus",
    taxon_rank=Rank.GENUS,
    reason="genus defended: at least 0.85; species not defended: below 0.80.",
    novelty=0.12,
)


def filled(identification: Identification) -> dict[str, str]:
    return {term: value for term, value in darwin_core(identification, AGENT).items() if value}


# Every term


def test_a_species_fills_every_column_down_to_its_epithet() -> None:
    assert filled(identified(verbatim_identification="C_bicinctus", novelty=0.4)) == {
        "identificationID": "urn:uuid:1",
        "scientificName": "Cricotopus bicinctus",
        "taxonRank": "species",
        "class": "Insecta",
        "family": "Chironomidae",
        "subfamily": "Orthocladiinae",
        "genus": "Cricotopus",
        "specificEpithet": "bicinctus",
        "higherClassification": "Insecta | Chironomidae | Orthocladiinae | Cricotopus",
        "verbatimIdentification": "C_bicinctus",
        "identifiedBy": "chiro10 1.0.0",
        "identifiedByID": "https://doi.org/10.5281/zenodo.1",
        "dateIdentified": "2026-05-03T14:07:09+00:00",
        "identificationReferences": "Mentum 0.1.0 | https://doi.org/10.5281/zenodo.1",
        "identificationVerificationStatus": "PredictedByMachine",
        "identificationRemarks": (
            "Identified by a machine to species with a calibrated probability of 0.61; novelty 0.40."
        ),
    }


@pytest.mark.parametrize(
    "identification",
    [identified(), GENUS, *(unnamed(status) for status in (Status.UNKNOWN, Status.UNDETERMINED, Status.FAILED))],
)
def test_every_term_is_there_in_order_and_none_is_a_qualifier(identification: Identification) -> None:
    assert tuple(darwin_core(identification, AGENT)) == TERMS
    assert "identificationQualifier" not in TERMS
    assert not set(TERMS) & set(OCCURRENCE_TERMS)


def test_a_higher_rank_fills_nothing_below_itself() -> None:
    terms = darwin_core(GENUS, AGENT)
    assert (terms["scientificName"], terms["taxonRank"], terms["genus"]) == ("Cricotopus", "genus", "Cricotopus")
    assert terms["specificEpithet"] == ""
    assert terms["higherClassification"] == "Insecta | Chironomidae | Orthocladiinae"
    assert "bicinctus" not in " ".join(terms.values())


def test_a_subfamily_leaves_the_genus_open() -> None:
    terms = filled(identified(scientific_name="Orthocladiinae", taxon_rank=Rank.SUBFAMILY, status=Status.HIGHER_RANK))
    assert terms["subfamily"] == "Orthocladiinae"
    assert terms["higherClassification"] == "Insecta | Chironomidae"
    assert "genus" not in terms


@pytest.mark.parametrize(
    ("name", "rank", "epithets"),
    [
        ("Chironomus riparius", Rank.SPECIES, ("riparius", "")),
        ("Chironomus riparius Meigen, 1804", Rank.SPECIES, ("riparius", "")),
        ("Chironomus (Camptochironomus) tentans", Rank.SPECIES, ("tentans", "")),
        ("Serjania erecta de Geer", Rank.SPECIES, ("erecta", "")),
        ("Motacilla alba yarrellii", Rank.SUBSPECIES, ("alba", "yarrellii")),
        ("Salix alba subsp. vitellina", Rank.SUBSPECIES, ("alba", "vitellina")),
        ("Salix \u00d7 fragilis", Rank.SPECIES, ("fragilis", "")),
        ("Polypedilum nubeculosum gr.", Rank.SPECIES, ("", "")),
        ("Tanytarsus lugens type", Rank.SPECIES, ("", "")),
        ("Anopheles gambiae complex", Rank.SPECIES, ("", "")),
        ("Tvetenia discoloripes/verralli", Rank.SPECIES, ("", "")),
        ("Orthocladius sp. 1", Rank.SPECIES, ("", "")),
        ("Orthocladius sp A", Rank.SPECIES, ("", "")),
        ("Orthocladius cf. rubicundus", Rank.SPECIES, ("", "")),
        ("Orthocladius", Rank.GENUS, ("", "")),
    ],
)
def test_epithets_come_from_binomials_alone(name: str, rank: Rank, epithets: tuple[str, str]) -> None:
    terms = darwin_core(identified(scientific_name=name, taxon_rank=rank, lineage={rank: name}), AGENT)
    assert (terms["specificEpithet"], terms["infraspecificEpithet"]) == epithets


def test_dates_keep_their_zone_and_get_one_where_they_have_none() -> None:
    moment = datetime(2026, 5, 3, 14, 7, tzinfo=timezone(timedelta(hours=2)))
    assert iso_date(moment) == "2026-05-03T14:07:00+02:00"
    assert re.fullmatch(r"2026-05-03T14:07:00[+-]\d\d:\d\d", iso_date(moment.replace(tzinfo=None)))


def test_terms_have_the_addresses_of_their_vocabularies() -> None:
    purl = {term for term in (*TERMS, *OCCURRENCE_TERMS) if term_address(term).startswith("http://purl.org/dc/terms/")}
    assert purl == {"license", "rightsHolder"}
    assert term_address("superfamily") == "http://rs.tdwg.org/dwc/terms/superfamily"


# Remarks


def test_remarks_say_why_the_answer_stops() -> None:
    assert darwin_core(GENUS, AGENT)["identificationRemarks"] == (
        "Identified by a machine to genus with a calibrated probability of 0.93; genus defended: at least 0.85; "
        "species not defended: below 0.80; novelty 0.12."
    )


def test_remarks_name_the_rank_just_below_and_never_say_certain() -> None:
    subfamily = identified(scientific_name="Orthocladiinae", taxon_rank=Rank.SUBFAMILY, status=Status.HIGHER_RANK)
    assert darwin_core(subfamily, AGENT)["identificationRemarks"] == (
        "Identified by a machine to subfamily with a calibrated probability of more than 0.99; genus not defended."
    )


def test_remarks_do_without_what_is_not_known() -> None:
    bare = identified(ranks=(), candidates=(), status=Status.HIGHER_RANK, failure="b.png: the file is empty.")
    assert darwin_core(bare, AGENT)["identificationRemarks"] == (
        "Identified by a machine to species; lower ranks not defended; "
        "not every image could be read: b.png: the file is empty."
    )


def test_an_unknown_specimen_has_no_name_but_relatives() -> None:
    terms = filled(unnamed(Status.UNKNOWN, novelty=0.99, reason="stranger than 99.0% of known specimens"))
    assert not {"scientificName", "taxonRank", "class", "genus", "higherClassification"} & set(terms)
    assert terms["identificationRemarks"] == (
        "Not identified: to the machine this is unlike all taxa that it was trained on; stranger than 99.0% of known "
        "specimens; most similar to Cricotopus bicinctus, Cricotopus annulator and Orthocladius sp. 1, which is not an "
        "identification; novelty 0.99."
    )


def test_a_name_that_came_with_an_unknown_specimen_is_not_written() -> None:
    terms = darwin_core(identified(status=Status.UNKNOWN), AGENT)
    assert {terms[term] for term in ("scientificName", "taxonRank", "genus", "verbatimIdentification")} == {""}


def test_an_undetermined_specimen_says_why() -> None:
    reason = "no rank can be defended: family not defended: below 0.80"
    undetermined = unnamed(Status.UNDETERMINED, reason=reason, candidates=CANDIDATES[:1])
    assert darwin_core(undetermined, AGENT)["identificationRemarks"] == (
        "Not identified by the machine: no rank can be defended: family not defended: below 0.80; most similar to "
        "Cricotopus bicinctus, which is not an identification."
    )
    silent = darwin_core(unnamed(Status.UNDETERMINED, candidates=()), AGENT)
    assert silent["identificationRemarks"] == "Not identified by the machine: no name can be defended at any rank."


def test_a_failure_is_no_prediction() -> None:
    terms = filled(unnamed(Status.FAILED, failure="a.png: the file is empty.", candidates=(), ranks=()))
    assert terms["identificationRemarks"] == "Not identified: a.png: the file is empty."
    assert "identificationVerificationStatus" not in terms


def test_a_probability_stands_in_the_remarks_only() -> None:
    terms = darwin_core(identified(), AGENT)
    assert [term for term, value in terms.items() if "0.61" in value] == ["identificationRemarks"]


def test_the_probability_is_that_of_the_name_at_its_own_rank() -> None:
    genus_only = (
        RankIdentification(rank=Rank.SPECIES, scientific_name="Cricotopus", probability=0.5),
        RankIdentification(rank=Rank.GENUS, scientific_name="Cricotopus", probability=0.9),
    )
    changes = {"scientific_name": "Cricotopus", "taxon_rank": Rank.GENUS}
    assert answer_probability(identified(ranks=genus_only, **changes)) == 0.9
    assert answer_probability(identified(ranks=genus_only[:1], **changes)) == 0.5
    assert answer_probability(identified(ranks=())) == 0.61  # from the candidates
    assert answer_probability(identified(ranks=(), candidates=())) is None
    assert answer_probability(unnamed(Status.UNKNOWN)) is None


# The specimen


def test_the_users_terms_are_handed_on_and_no_others() -> None:
    occurrence = {"eventDate": "1987-07", "previousIdentifications": "Cricotopus sp.", "identificationQualifier": "cf."}
    terms = occurrence_terms(identified(occurrence=occurrence, specimen="K 12"))
    assert tuple(terms) == OCCURRENCE_TERMS
    assert {term: value for term, value in terms.items() if value} == {
        "eventDate": "1987-07",
        "previousIdentifications": "Cricotopus sp.",
        "catalogNumber": "K 12",
    }


def test_a_specimen_that_the_table_names_is_not_named_twice() -> None:
    terms = occurrence_terms(identified(occurrence={"materialEntityID": "K 12"}, specimen="K 12"))
    assert (terms["catalogNumber"], terms["materialEntityID"]) == ("", "K 12")


def test_a_class_that_is_no_taxon_has_no_name_in_darwin_core() -> None:
    found = identified(
        status=Status.NOT_A_TAXON, scientific_name=None, taxon_rank=None, lineage={}, verbatim_identification="debris",
        reason="taken for 'debris', no taxon: probability 0.94",
    )  # fmt: skip
    terms = darwin_core(found, AGENT)
    assert not any(terms[term] for term in ("scientificName", "taxonRank", "genus", "higherClassification"))
    assert terms["identificationRemarks"].startswith("Not a specimen of a taxon: taken for 'debris', no taxon")
