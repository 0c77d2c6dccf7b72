"""Tests of labels beside a taxonomy, of classes that are no taxa, and of what is said about names."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from mentum.names import NameResolver
from mentum.records import Fault, Severity
from mentum.taxonomy import Rank, Taxon


def species(family: str, name: str, written: str = "") -> Taxon:
    return Taxon(((Rank.FAMILY, family), (Rank.GENUS, name.split()[0]), (Rank.SPECIES, written or name)))


SALIX, QUERCUS = species("Salicaceae", "Salix alba"), species("Fagaceae", "Quercus robur")
NURSERY = (SALIX, QUERCUS, species("Salicaceae", "Populus nigra", "Populus nigra L."))


def resolved(labels: Iterable[str], taxa: tuple[Taxon, ...] = (), not_taxa: Iterable[str] = ()) -> NameResolver:
    resolver = NameResolver(taxa, not_taxa)
    for label in labels:
        resolver.resolve(label)
    return resolver


def only(resolver: NameResolver, code: str) -> Fault:
    (fault,) = [each for each in resolver.faults() if each.code == code]
    return fault


@pytest.mark.parametrize(
    ("label", "taxon"),
    [
        ("Salix alba", SALIX),
        ("Salix alba L.", SALIX),
        ("SALIX ALBA", SALIX),
        ("salix alba", SALIX),
        ("Salix Alba", SALIX),
        ("Quercus robur (Mill. 1768)", QUERCUS),
        ("Populus nigra", NURSERY[2]),
        ("Populus nigra Linnaeus, 1753", NURSERY[2]),
        ("Salix", SALIX.at(Rank.GENUS)),
        ("Salix sp.", SALIX.at(Rank.GENUS)),
        ("Salicaceae indet.", SALIX.at(Rank.FAMILY)),
        ("Salix fragilis L.", species("Salicaceae", "Salix fragilis")),
        ("Salix gr. alba", species("Salicaceae", "Salix alba gr.")),
        ("Salix cf. alba", SALIX.at(Rank.GENUS)),
        ("Salix alba subsp. vitellina", Taxon((*SALIX.path, (Rank.SUBSPECIES, "Salix alba subsp. vitellina")))),
        ("Salix/Populus", Taxon(((Rank.FAMILY, "Salicaceae"), (Rank.GENUS, "Populus/Salix")))),
        ("Salix/Quercus", Taxon(((Rank.GENUS, "Quercus/Salix"),))),
        ("Alnus glutinosa", None),
        ("Salix/Alnus", None),
        ("Zus zus Smith", None),
    ],
)
def test_the_taxonomy_brings_the_lineage(label: str, taxon: Taxon | None) -> None:
    assert NameResolver(NURSERY).resolve(label) == taxon


def test_the_taxonomy_always_wins() -> None:
    odd = (
        Taxon(((Rank.ORDER, "Diptera"), (Rank.SPECIES, "Red fox"))),
        Taxon(((Rank.GENUS, "Debris"),)),
        Taxon(((Rank.SPECIES, "Chironomus riparius female"),)),
        Taxon(((Rank.GENUS, "Nothinae"),)),
    )
    resolver = NameResolver(odd)
    assert [resolver.resolve(taxon.name) for taxon in odd] == list(odd)
    assert resolver.resolve("red fox") == odd[0]
    assert only(resolver, "name-assumed").message.endswith("read 'red fox' as Red fox.")


@pytest.mark.parametrize(
    "labels",
    [
        ("Polypedilum gr. nubeculosum", "Polypedilum nubeculosum gr.", "Polypedilum nubeculosum-group"),
        ("Tvetenia discoloripes/verralli", "Tvetenia verralli/discoloripes"),
        ("Salix alba subsp. vitellina", "Salix alba vitellina"),
        ("Chironomus tentans", "Chironomus (Camptochironomus) tentans Fabricius, 1805"),
    ],
)
def test_spellings_of_one_taxon_are_one_taxon(labels: tuple[str, ...]) -> None:
    resolver = NameResolver(())
    assert len({resolver.resolve(label) for label in labels}) == 1


def test_a_group_in_the_taxonomy_is_found_in_any_spelling() -> None:
    listed = species("Chironomidae", "Polypedilum", "Polypedilum gr. nubeculosum")
    assert NameResolver((listed,)).resolve("Polypedilum nubeculosum-group") == listed


def test_why_a_label_has_no_taxon() -> None:
    resolver = NameResolver(NURSERY)
    assert "stands for no taxon" in resolver.explain("Debris")
    assert resolver.explain("Alnus glutinosa") == (
        "the taxon 'Alnus glutinosa' and its genus are not in taxonomy.csv; add a row with its rank and lineage."
    )


# What is said


def test_what_was_assumed_is_counted_by_kind_with_examples() -> None:
    resolver = resolved(["Salix alba L.", "Quercus robur L.", "CHIRONOMUS RIPARIUS", "Salix alba", "Zus yus"])
    said = {fault.where: fault for fault in resolver.faults()}
    assert set(said) == {"authors", "letter_case"}
    assert {fault.severity for fault in said.values()} == {Severity.WARNING}
    assert said["authors"].message == (
        "in 2 names authors are left out: read 'Salix alba L.' as Salix alba, 'Quercus robur L.' as Quercus robur."
    )


def test_examples_are_three_at_most() -> None:
    resolver = resolved([f"Salix {epithet}a L." for epithet in ("alb", "nigr", "rubr", "flav", "vird")])
    assert only(resolver, "name-assumed").message.endswith(" and 2 more.")


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("Salix cf. alba", "an open name; its images are labelled to genus Salix only."),
        ("Salix alba var. vitellina", "a name of a variety; its images are labelled to species Salix alba only."),
        ("Salix (Vetrix) sp.", "a name of a subgenus; its images are labelled to genus Salix only."),
        ("Salicaceae indet.", "an open name; its images are labelled to family Salicaceae only."),
    ],
)
def test_labels_that_are_read_at_a_higher_rank_are_named(label: str, message: str) -> None:
    fault = only(resolved([label]), "open-name")
    assert (fault.severity, fault.where, fault.message) == (Severity.WARNING, label, message)


@pytest.mark.parametrize("others", [("Aus bus Jones, 1950",), ("Aus bus (Zeller)",), ("Aus bus Smith, 1901",)])
def test_one_name_with_two_authors_may_be_two_taxa(others: tuple[str, ...]) -> None:
    fault = only(resolved(["Aus bus Smith, 1900", *others]), "two-authors")
    assert (fault.severity, fault.where) == (Severity.WARNING, "Aus bus")
    assert "read as one taxon" in fault.message


@pytest.mark.parametrize("other", ["Salix alba Linnaeus", "Salix alba (L.)", "Salix alba Linnaeus, 1753", "Salix alba"])
def test_spellings_of_one_author_are_one_author(other: str) -> None:
    assert not [fault for fault in resolved(["Salix alba L.", other]).faults() if fault.code == "two-authors"]


# Classes that are no taxa


@pytest.mark.parametrize("label", ["debris", "Debris", "DEBRIS", " debris "])
def test_a_class_that_is_no_taxon_bears_its_label_as_in_the_setting(label: str) -> None:
    assert NameResolver(NURSERY, ["debris"]).resolve(label) == Taxon(((Rank.NOT_A_TAXON, "debris"),))


@pytest.mark.parametrize("label", ["Red fox", "air_bubble", "Chironomus riparius female", "Iris", "x-1"])
def test_whatever_the_user_says_is_no_taxon(label: str) -> None:
    taxon = NameResolver((), [label]).resolve(label)
    assert taxon is not None
    assert not taxon.is_a_taxon


def test_a_class_that_no_image_bears_is_said() -> None:
    fault = only(resolved(["Salix alba", "debris"], not_taxa=["debris", "bubbel"]), "unused-not-taxon")
    assert (fault.severity, fault.where) == (Severity.WARNING, "bubbel")


def test_a_taxon_cannot_be_no_taxon() -> None:
    fault = only(resolved(["Salix alba"], NURSERY, ["salix alba"]), "taxon-or-not")
    assert (fault.severity, fault.where) == (Severity.ERROR, "salix alba")
