"""What was wrong with the names of a data set, and what reading them assumed, counted and with examples."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from mentum.names.interpretation import Assumption, Reading
from mentum.records import N_SHOWN, Fault, error, warning
from mentum.taxonomy import Taxon, conflicting_parents

_YEAR = re.compile(r"\d{4}")


def name_faults(
    found: Mapping[str, Reading],
    listed: Iterable[Taxon],
    homonyms: Mapping[str, set[Taxon]],
    not_taxa: Mapping[str, str],
) -> list[Fault]:
    """All faults of names.

    Args:
        found: label → how it was read.
        listed: the taxa of taxonomy.csv.
        homonyms: name → the taxa of taxonomy.csv that bear it, where there are several.
        not_taxa: label, folded → label of a class that is no taxon.
    """
    read = {label: reading for label, reading in found.items() if reading.taxon is not None}
    taxa = [reading.taxon for reading in read.values() if reading.taxon is not None]
    return [
        *_two_parents([*listed, *taxa]),
        *(_ambiguous(name, homonyms[name]) for name in homonyms if name in _names(read)),
        *_not_taxa_faults(not_taxa, listed, taxa),
        *(_open(label, reading) for label, reading in read.items() if reading.doubt),
        *_two_authors(read),
        *(_assumed(each, read) for each in Assumption if any(each in one.assumptions for one in read.values())),
    ]


def _two_parents(taxa: Iterable[Taxon]) -> list[Fault]:
    return [
        error("two-parents", f"{rank} {name}", f"stands under {' and under '.join(above)}; keep one lineage.")
        for (rank, name), above in conflicting_parents(taxa).items()
    ]


def _names(read: Mapping[str, Reading]) -> set[str]:
    return set(read) | {reading.taxon.name for reading in read.values() if reading.taxon is not None}


def _ambiguous(name: str, taxa: set[Taxon]) -> Fault:
    lineages = " and ".join(sorted(" > ".join(above for _, above in taxon.path) for taxon in taxa))
    message = f"may mean {lineages}; write genus and epithet in full, in the labels and in taxonomy.csv."
    return error("ambiguous-name", name, message)


def _not_taxa_faults(not_taxa: Mapping[str, str], listed: Iterable[Taxon], taxa: Iterable[Taxon]) -> list[Fault]:
    named = {name.casefold() for taxon in listed for _, name in taxon.path}
    used = {taxon.name for taxon in taxa if not taxon.is_a_taxon}
    both = "stands in taxonomy.csv and in specimens.not_taxa; take it out of one of them."
    unused = "stands in specimens.not_taxa, but no image bears this label; correct the setting or leave it out."
    return [error("taxon-or-not", name, both) for folded, name in not_taxa.items() if folded in named] + [
        warning("unused-not-taxon", name, unused) for name in not_taxa.values() if name not in used
    ]


def _open(label: str, reading: Reading) -> Fault:
    taxon = reading.taxon
    assert taxon is not None, "labels that were read only"
    message = f"{reading.doubt}; its images are labelled to {taxon.rank} {taxon.name} only."
    return warning("open-name", label, message)


def _two_authors(read: Mapping[str, Reading]) -> list[Fault]:
    authors: dict[Taxon, set[str]] = {}
    for reading in read.values():
        if reading.taxon is not None and reading.authors:
            authors.setdefault(reading.taxon, set()).add(reading.authors)
    return [
        warning(
            "two-authors",
            taxon.name,
            f"bears the authors {' and '.join(sorted(named))}; read as one taxon; where two taxa share the name, tell "
            "them apart in the labels and in taxonomy.csv.",
        )
        for taxon, named in authors.items()
        if _differ(named)
    ]


def _differ(authors: Iterable[str]) -> bool:
    """Whether authors are not spellings of one: another initial or another year."""
    initials = {re.sub(r"[^A-ZÀ-Þ]", "", each)[:1] for each in authors}
    years = {year for each in authors for year in _YEAR.findall(each)[-1:]}
    return len(initials) > 1 or len(years) > 1


def _assumed(assumption: Assumption, read: Mapping[str, Reading]) -> Fault:
    labels = [label for label, reading in read.items() if assumption in reading.assumptions]
    shown = ", ".join(f"'{label}' as {_name(read[label])}" for label in labels[:N_SHOWN])
    more = f" and {len(labels) - N_SHOWN} more" if len(labels) > N_SHOWN else ""
    names = "name" if len(labels) == 1 else "names"
    return warning(
        "name-assumed", assumption.name.lower(), f"in {len(labels)} {names} {assumption}: read {shown}{more}."
    )


def _name(reading: Reading) -> str:
    assert reading.taxon is not None, "labels that were read only"
    return reading.taxon.name
