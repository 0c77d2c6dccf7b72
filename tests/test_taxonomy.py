"""Tests of ranks, taxa and sums up the tree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from mentum.taxonomy import Rank, Taxon, Taxonomy, clean_name, conflicting_parents, taxon_from_row
from support.trees import MIDGES, ORTHOCLADIUS, RANKS, TVETENIA, taxon, taxonomies

SERJANIA = [
    taxon("Sapindaceae", None, "Serjania", f"Serjania {name}") for name in ("erecta", "hebecarpa", "laruotteana")
]
MATAYBA = taxon("Sapindaceae", None, "Matayba", "Matayba guianensis")
SERJANIA_SP = SERJANIA[0].at(Rank.GENUS)
POLLEN = Taxonomy.from_taxa([*SERJANIA, MATAYBA, SERJANIA_SP])


def slow_sum_up(taxonomy: Taxonomy, y_prob: NDArray[np.float32], rank: Rank) -> NDArray[np.float32]:
    """What `sum_up` says, one number at a time."""
    taxa = taxonomy.taxa(rank)
    result = np.zeros((len(y_prob), len(taxa)), dtype=np.float64)
    for row in range(len(y_prob)):
        for leaf, probability in zip(taxonomy.leaves, y_prob[row], strict=True):
            result[row, taxa.index(leaf.at(rank))] += probability
    return result.astype(np.float32)


@given(taxonomy=taxonomies(), data=st.data(), rank=st.sampled_from(RANKS))
def test_sums_agree_with_a_slow_loop_and_keep_their_mass(taxonomy: Taxonomy, data: st.DataObject, rank: Rank) -> None:
    shape = (data.draw(st.integers(1, 4)), len(taxonomy.leaves))
    y_prob = data.draw(arrays(np.float32, shape, elements=st.floats(0, 1, width=32)))
    summed = taxonomy.sum_up(y_prob, rank)
    assert summed.dtype == np.float32
    np.testing.assert_allclose(summed, slow_sum_up(taxonomy, y_prob, rank), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(summed.sum(axis=1), y_prob.sum(axis=1), rtol=1e-5, atol=1e-6)


@given(taxonomy=taxonomies(), rank=st.sampled_from(RANKS))
def test_every_leaf_is_its_own_truth_at_every_rank(taxonomy: Taxonomy, rank: Rank) -> None:
    assert [taxonomy.truth(leaf, rank) for leaf in taxonomy.leaves] == taxonomy.columns(rank).tolist()


@given(taxonomy=taxonomies(), rank=st.sampled_from(RANKS))
def test_truth_of_an_ancestor_is_open_where_its_leaves_part(taxonomy: Taxonomy, rank: Rank) -> None:
    for leaf in taxonomy.leaves:
        ancestor = Taxon(leaf.path[:1])
        below = [other for other in taxonomy.leaves if other.path[0] == leaf.path[0]]
        assert taxonomy.leaves_of(ancestor).tolist() == [other in below for other in taxonomy.leaves]
        columns = {taxonomy.taxa(rank).index(other.at(rank)) for other in below}
        assert taxonomy.truth(ancestor, rank) == (columns.pop() if len(columns) == 1 else -1)


@given(taxonomy=taxonomies())
def test_leaves_are_sorted_distinct_and_never_above_each_other(taxonomy: Taxonomy) -> None:
    assert list(taxonomy.leaves) == sorted(set(taxonomy.leaves), key=lambda leaf: [name for _, name in leaf.path])
    assert not any(one != other and one.is_within(other) for one in taxonomy.leaves for other in taxonomy.leaves)


def test_sum_up_by_hand() -> None:
    y_prob = np.array([[0.1, 0.2, 0.7], [0.5, 0.25, 0.25]], dtype=np.float32)  # Chironomus, Orthocladius, Tvetenia
    assert [leaf.name for leaf in MIDGES.leaves] == ["Chironomus riparius", "Orthocladius", "Tvetenia calvescens"]
    np.testing.assert_allclose(MIDGES.sum_up(y_prob, Rank.SUBFAMILY), [[0.1, 0.9], [0.5, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(MIDGES.sum_up(y_prob, Rank.FAMILY), [[1.0], [1.0]], rtol=1e-6)


def test_a_genus_with_named_species_leaves_the_species_open() -> None:
    assert SERJANIA_SP not in POLLEN.leaves
    assert POLLEN.truth(SERJANIA_SP, Rank.SPECIES) == -1
    assert POLLEN.taxa(Rank.GENUS)[POLLEN.truth(SERJANIA_SP, Rank.GENUS)] == SERJANIA_SP
    assert POLLEN.truth(SERJANIA_SP, Rank.FAMILY) == 0
    assert POLLEN.leaves_of(SERJANIA_SP).tolist() == [False, True, True, True]
    assert POLLEN.truth(SERJANIA[1], Rank.GENUS) == POLLEN.truth(SERJANIA_SP, Rank.GENUS)


def test_a_genus_without_species_stands_among_the_species() -> None:
    assert [name.name for name in MIDGES.taxa(Rank.SPECIES)] == [
        "Chironomus riparius",
        "Orthocladius",
        "Tvetenia calvescens",
    ]
    assert MIDGES.truth(ORTHOCLADIUS, Rank.SPECIES) == 1
    assert MIDGES.ranks == (Rank.SPECIES, Rank.GENUS, Rank.SUBFAMILY)


def test_a_label_outside_the_tree_is_no_truth() -> None:
    stranger = taxon("Chironomidae", "Tanypodinae")
    assert not MIDGES.leaves_of(stranger).any()
    assert MIDGES.truth(stranger, Rank.SUBFAMILY) == -1


def test_the_same_epithet_in_two_genera_stays_apart() -> None:
    ranks = (Rank.FAMILY, Rank.GENUS, Rank.SPECIES)
    tree = Taxonomy.from_taxa([taxon("Fidae", genus, "vulgaris", ranks=ranks) for genus in ("Aus", "Bus")])
    assert [leaf.path[1][1] for leaf in tree.leaves] == ["Aus", "Bus"]
    assert tree.columns(Rank.SPECIES).tolist() == [0, 1]
    np.testing.assert_allclose(
        tree.sum_up(np.array([[0.3, 0.7]], dtype=np.float32), Rank.GENUS), [[0.3, 0.7]], rtol=1e-6
    )


def test_ranks_that_some_skip_or_that_hold_one_taxon_are_not_reported() -> None:
    ranks = (Rank.FAMILY, Rank.TRIBE, Rank.GENUS)
    tree = Taxonomy.from_taxa(
        [taxon("Fidae", tribe, genus, ranks=ranks) for tribe, genus in ((None, "Aus"), ("Bini", "Bus"))]
    )
    assert tree.ranks == (Rank.GENUS,)
    assert tree.skipped_ranks == (Rank.TRIBE,)


def test_an_empty_tree() -> None:
    assert Taxonomy.from_taxa([]).ranks == ()


def test_at_and_lineage() -> None:
    assert TVETENIA.at(Rank.GENUS).name == "Tvetenia"
    assert TVETENIA.at(Rank.TRIBE).name == "Orthocladiinae"
    assert TVETENIA.at(Rank.ORDER) == TVETENIA
    assert TVETENIA.lineage == {
        Rank.FAMILY: "Chironomidae",
        Rank.SUBFAMILY: "Orthocladiinae",
        Rank.GENUS: "Tvetenia",
        Rank.SPECIES: "Tvetenia calvescens",
    }
    assert TVETENIA.is_within(TVETENIA.at(Rank.FAMILY))
    assert not TVETENIA.at(Rank.FAMILY).is_within(TVETENIA)


def test_depths_grow_downwards() -> None:
    assert [rank.depth for rank in Rank] == [*range(13), -1]
    assert Rank.SPECIES.depth > Rank.GENUS.depth > Rank.TRIBE.depth > Rank.SUBFAMILY.depth


def test_rows() -> None:
    row = {
        "scientificName": " Aus  bus",
        "taxonRank": "Species",
        "genus": "Aus",
        "tribe": None,
        "family": "",
        "order": "Oa",
    }
    assert [(rank.value, name) for rank, name in taxon_from_row(row).path] == [
        ("order", "Oa"),
        ("genus", "Aus"),
        ("species", "Aus bus"),
    ]
    with pytest.raises(ValueError, match="not a rank of taxa"):
        taxon_from_row({"scientificName": "Debris", "taxonRank": "not a taxon"})
    with pytest.raises(ValueError, match="'specie' is not a valid Rank"):
        taxon_from_row({"scientificName": "Aus bus", "taxonRank": "specie"})


def test_conflicting_parents_look_at_genera_and_above_only() -> None:
    ranks = (Rank.GENUS, Rank.SPECIES)
    assert conflicting_parents(taxon(genus, "vulgaris", ranks=ranks) for genus in ("Aus", "Bus")) == {}
    assert conflicting_parents([taxon("Fidae", None, "Aus"), taxon("Fidae", "Finae", "Aus")]) == {
        (Rank.GENUS, "Aus"): ["Fidae", "Fidae > Finae"]
    }


def test_clean_name() -> None:
    assert clean_name("\tAus__bus  dus ") == "Aus bus dus"


def test_a_class_that_is_no_taxon_stands_for_itself_at_every_rank_and_makes_none() -> None:
    debris = Taxon(((Rank.NOT_A_TAXON, "debris"),))
    tree = Taxonomy.from_taxa([*MIDGES.leaves, debris])
    assert (debris.is_a_taxon, MIDGES.leaves[0].is_a_taxon) == (False, True)
    assert tree.ranks == MIDGES.ranks
    assert tree.skipped_ranks == MIDGES.skipped_ranks
    for rank in tree.ranks:
        assert tree.taxa(rank)[tree.truth(debris, rank)] == debris
        assert set(tree.taxa(rank)) == {*MIDGES.taxa(rank), debris}
