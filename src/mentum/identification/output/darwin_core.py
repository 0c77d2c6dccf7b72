"""Identifications in Darwin Core's terms.

Source: Darwin Core, https://dwc.tdwg.org/list. A probability stands in `identificationRemarks` only;
`identificationQualifier` belongs to a person's doubts ("cf.", "aff.") and is never written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from mentum.records import Identification, Status, in_words
from mentum.taxonomy import Rank

TERMS: tuple[str, ...] = (
    "identificationID", "scientificName", "taxonRank", "kingdom", "phylum", "class", "order", "superfamily", "family",
    "subfamily", "tribe", "subtribe", "genus", "subgenus", "specificEpithet", "infraspecificEpithet",
    "higherClassification", "verbatimIdentification", "identifiedBy", "identifiedByID", "dateIdentified",
    "identificationReferences", "identificationVerificationStatus", "identificationRemarks",
)  # fmt: skip
"""Columns of an identification, in order: what it is, then who says so."""

OCCURRENCE_TERMS: tuple[str, ...] = (
    "occurrenceID", "catalogNumber", "otherCatalogNumbers", "recordNumber", "materialEntityID", "organismID",
    "institutionCode", "collectionCode", "basisOfRecord", "typeStatus", "preparations", "disposition",
    "individualCount", "sex", "lifeStage", "occurrenceStatus", "occurrenceRemarks", "associatedSequences",
    "previousIdentifications", "eventID", "eventDate", "recordedBy", "recordedByID", "samplingProtocol", "habitat",
    "fieldNumber", "locationID", "continent", "country", "countryCode", "stateProvince", "county", "municipality",
    "waterBody", "locality", "verbatimLocality", "minimumElevationInMeters", "maximumElevationInMeters",
    "minimumDepthInMeters", "maximumDepthInMeters", "decimalLatitude", "decimalLongitude", "geodeticDatum",
    "coordinateUncertaintyInMeters", "license", "rightsHolder",
)  # fmt: skip
"""Columns of the specimen, in order, which a user's table may give and which are handed on as they stand."""

INCERTAE_SEDIS = "incertae sedis"
"""Scientific name of an occurrence for which no name is defended; GBIF takes no empty one."""

MACHINE = "PredictedByMachine"
"""What `identificationVerificationStatus` says until a person has looked."""

MEDIA_COLUMNS = ("accessURI", "associatedMedia")
"""Columns of a user's table that say where others find an image; the first that is there counts."""

_SPECIMEN_TERMS = ("catalogNumber", "materialEntityID", "organismID", "occurrenceID")
_DUBLIN_CORE = frozenset({"license", "rightsHolder", "type", "format", "identifier", "description"})
_NAME = re.compile(
    r"(?!.*(?:/| (?:gr\.|agg\.|s\.l\.|complex\b|type\b)))"
    r"(?:\u00d7 )?[A-Z][a-z-]+(?: \([A-Z][a-z-]+\))? (?:\u00d7 )?(?!(?:spp?|cf|aff|nr)\b)([a-z-]{2,})"
    r"(?: (?:subsp\. )?([a-z-]{2,}))?(?: .*)?"
)
_N_SIMILAR = 3


@dataclass(frozen=True)
class Agent:
    """Who identified.

    Attributes:
        name: of the model with its version, such as "chiro10 1.0.0".
        identifier: an address that names this version alone, by DOI or by hash.
        references: software, model and publications, parted by " | ".
    """

    name: str
    identifier: str
    references: str = ""


def term_address(term: str) -> str:
    """The address under which a column's term is defined.

    >>> term_address("tribe"), term_address("license")
    ('http://rs.tdwg.org/dwc/terms/tribe', 'http://purl.org/dc/terms/license')
    """
    return f"http://{'purl.org/dc' if term in _DUBLIN_CORE else 'rs.tdwg.org/dwc'}/terms/{term}"


def is_named(identification: Identification) -> bool:
    """Whether a name is defended, at whatever rank."""
    return identification.is_named


def occurrence_terms(identification: Identification) -> dict[str, str]:
    """Give every one of `OCCURRENCE_TERMS`, as in the user's table, "" where it says nothing.

    A specimen that the table named under no term of Darwin Core's is taken for a catalogue number.
    """
    given = identification.occurrence
    terms = {term: given.get(term, "") for term in OCCURRENCE_TERMS}
    if identification.specimen and not any(terms[term] for term in _SPECIMEN_TERMS):
        terms["catalogNumber"] = identification.specimen
    return terms


def darwin_core(identification: Identification, agent: Agent) -> dict[str, str]:
    """Give every one of `TERMS`, "" where nothing is known; names are filled down to the answered rank only."""
    seen = identification.status is not Status.FAILED
    terms = dict.fromkeys(TERMS, "") | {
        "identificationID": identification.identification_id,
        "identifiedBy": agent.name,
        "identifiedByID": agent.identifier,
        "identificationReferences": agent.references,
        "dateIdentified": iso_date(identification.date_identified),
        "identificationVerificationStatus": MACHINE if seen else "",
        "identificationRemarks": remarks(identification),
    }
    return terms | _names(identification) if is_named(identification) else terms


def iso_date(moment: datetime) -> str:
    """Write date and time with their zone; a moment that has none is in the machine's own.

    >>> from datetime import UTC
    >>> iso_date(datetime(2026, 5, 3, 14, 7, tzinfo=UTC))
    '2026-05-03T14:07:00+00:00'
    """
    return (moment if moment.tzinfo else moment.astimezone()).isoformat(timespec="seconds")


def _names(identification: Identification) -> dict[str, str]:
    name, rank = identification.scientific_name or "", identification.taxon_rank
    known = {at: each for at, each in identification.lineage.items() if rank is None or at.depth <= rank.depth}
    above = [known[at] for at in Rank if at in known and at is not rank]
    # "Cricotopus/Orthocladius" is one of two genera, not a genus.
    columns = {at.value: each for at, each in known.items() if at.depth <= Rank.SUBGENUS.depth and "/" not in each}
    return columns | _epithets(name, rank) | {
        "scientificName": name,
        "taxonRank": rank.value if rank else "",
        "higherClassification": " | ".join(above),
        "verbatimIdentification": identification.verbatim_identification or "",
    }  # fmt: skip


def _epithets(name: str, rank: Rank | None) -> dict[str, str]:
    """The words after the genus; a numbered species ("Orthocladius sp. 1") and a group of species have none."""
    match = _NAME.fullmatch(name) if rank in {Rank.SPECIES, Rank.SUBSPECIES} else None
    if match is None:
        return {}
    return {
        "specificEpithet": match[1],
        "infraspecificEpithet": (match[2] or "") if rank is Rank.SUBSPECIES else "",
    }


def answer_probability(identification: Identification) -> float | None:
    """Calibrated probability of the name that is defended; None where there is no such name."""
    return identification.probability


def remarks(identification: Identification) -> str:
    """Say in one sentence what the machine answered, with what probability, and why it stopped there."""
    named = _named_remarks if is_named(identification) else _unnamed_remarks
    parts = [part for part in named(identification) if part]
    if identification.novelty is not None:
        parts.append(f"novelty {identification.novelty:.2f}")
    return "; ".join(parts) + "."


def _named_remarks(identification: Identification) -> Iterable[str]:
    probability = answer_probability(identification)
    rank = identification.taxon_rank
    opening = f"Identified by a machine to {rank.value if rank else 'an unstated rank'}"
    yield opening if probability is None else f"{opening} with a calibrated probability of {in_words(probability)}"
    if identification.reason:
        yield _clause(identification.reason)
    elif identification.status is Status.HIGHER_RANK:
        yield f"{_rank_below(identification)} not defended"
    if identification.failure:
        yield f"not every image could be read: {_clause(identification.failure)}"


def _unnamed_remarks(identification: Identification) -> Iterable[str]:
    if identification.status is Status.FAILED:
        yield f"Not identified: {_clause(identification.failure or 'no image could be read')}"
        return
    reason = _clause(identification.reason)
    if identification.status is Status.NOT_A_TAXON:
        yield f"Not a specimen of a taxon: {reason}"
        return
    if identification.status is Status.UNKNOWN:
        yield "Not identified: to the machine this is unlike all taxa that it was trained on"
        yield reason
    else:
        yield f"Not identified by the machine: {reason or 'no name can be defended at any rank'}"
    similar = [each.scientific_name for each in identification.candidates[:_N_SIMILAR]]
    if similar:
        yield f"most similar to {_listed(similar)}, which is not an identification"


def _rank_below(identification: Identification) -> str:
    own = identification.taxon_rank
    lower = [each.rank for each in identification.ranks if own and each.rank.depth > own.depth]
    return min(lower, key=lambda rank: rank.depth).value if lower else "lower ranks"


def _clause(sentence: str) -> str:
    return sentence.strip().rstrip(".")


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
