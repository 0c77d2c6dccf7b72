"""Tests of ranks, taxa and sums up the tree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from mentum.taxonomy import (
    SMALL,
    WHOLE_TREE,
    Rank,
    Target,
    Taxon,
    Taxonomy,
    clean_name,
    conflicting_parents,
    sum_columns,
    taxon_from_row,
)
from support.trees import CHIRONOMUS, MIDGES, ORTHOCLADIUS, RANKS, TVETENIA, closed, taxon, taxonomies

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
def test_every_leaf_is_its_own_truth_where_it_is_not_open(taxonomy: Taxonomy, rank: Rank) -> None:
    found = [taxonomy.truth(leaf, rank) for leaf in taxonomy.leaves]
    opened = [taxonomy.is_open(leaf, rank) for leaf in taxonomy.leaves]
    columns = taxonomy.columns(rank).tolist()
    assert found == [-1 if is_open else column for column, is_open in zip(columns, opened, strict=True)]
    assert [taxonomy.column(leaf, rank) for leaf in taxonomy.leaves] == columns


@given(taxonomy=taxonomies(), rank=st.sampled_from(RANKS))
def test_a_label_is_open_below_its_rank_wherever_lower_leaves_lie_within_it(taxonomy: Taxonomy, rank: Rank) -> None:
    for ancestor in {above for leaf in taxonomy.leaves for above in leaf.ancestors}:
        below = [leaf for leaf in taxonomy.leaves if leaf != ancestor and leaf.is_within(ancestor)]
        is_open = bool(below) and ancestor.rank.depth < rank.depth
        assert taxonomy.is_open(ancestor, rank) == is_open
        expected = -1 if is_open else taxonomy.taxa(rank).index(ancestor.at(rank))
        assert taxonomy.truth(ancestor, rank) == expected


@given(taxonomy=taxonomies())
def test_a_label_means_its_own_leaf_or_else_those_within_it(taxonomy: Taxonomy) -> None:
    for ancestor in {above for leaf in taxonomy.leaves for above in leaf.ancestors}:
        means = [leaf for leaf, may in zip(taxonomy.leaves, taxonomy.leaves_of(ancestor), strict=True) if may]
        within = [leaf for leaf in taxonomy.leaves if leaf.is_within(ancestor)]
        assert means == ([ancestor] if ancestor in taxonomy.leaves else within)


@given(taxonomy=taxonomies(), rank=st.sampled_from(RANKS))
def test_open_columns_are_those_that_are_no_answer(taxonomy: Taxonomy, rank: Rank) -> None:
    taxa, opened = taxonomy.taxa(rank), taxonomy.open_columns(rank)
    assert len(taxa) == len(opened) == taxonomy.columns(rank).max() + 1
    assert taxonomy.answers(rank) == tuple(taxon for taxon, is_open in zip(taxa, opened, strict=True) if not is_open)
    for each, is_open in zip(taxa, opened, strict=True):
        assert taxonomy.title(each, rank) == (f"{each.name} ({each.rank} only)" if is_open else each.name)


@given(taxonomy=taxonomies())
def test_leaves_are_sorted_and_distinct(taxonomy: Taxonomy) -> None:
    assert list(taxonomy.leaves) == sorted(set(taxonomy.leaves), key=lambda leaf: [name for _, name in leaf.path])
    above = {leaf for leaf in taxonomy.leaves for other in taxonomy.leaves if other != leaf and other.is_within(leaf)}
    assert taxonomy.open_leaves == above


@given(taxonomy=taxonomies())
def test_a_rank_is_reported_where_it_tells_two_taxa_apart(taxonomy: Taxonomy) -> None:
    """Open columns alone are nothing to tell apart; the leaves are then the columns of the lowest rank reported."""
    assert all(len(taxonomy.answers(rank)) > 1 for rank in taxonomy.ranks)
    if taxonomy.ranks:
        assert taxonomy.columns(taxonomy.ranks[0]).tolist() == list(range(len(taxonomy.leaves)))


def test_probabilities_are_put_in_the_columns_of_their_taxa() -> None:
    aus, bus, cus, dus = (Taxon(((Rank.GENUS, name),)) for name in ("Aus", "Bus", "Cus", "Dus"))
    y_prob = np.array([[0.25, 0.75], [1, 0]], dtype=np.float32)
    wanted, ends = Taxonomy((aus, bus, cus, dus)), Taxonomy((cus, aus))
    found = WHOLE_TREE.spread(y_prob, ends, wanted)
    assert found.dtype == np.float32
    assert found.tolist() == [[0.75, 0, 0.25, 0], [0, 0, 1, 0]]
    np.testing.assert_array_equal(WHOLE_TREE.spread(y_prob, ends, ends), y_prob)
    genus = Target(Rank.GENUS).spread(y_prob, Taxonomy((aus, cus)), wanted)
    assert genus.tolist() == [[0.25, 0, 0.75, 0], [1, 0, 0, 0]]


def test_sum_up_by_hand() -> None:
    y_prob = np.array([[0.1, 0.2, 0.7], [0.5, 0.25, 0.25]], dtype=np.float32)  # Chironomus, Orthocladius, Tvetenia
    assert [leaf.name for leaf in MIDGES.leaves] == ["Chironomus riparius", "Orthocladius", "Tvetenia calvescens"]
    np.testing.assert_allclose(MIDGES.sum_up(y_prob, Rank.SUBFAMILY), [[0.1, 0.9], [0.5, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(MIDGES.sum_up(y_prob, Rank.FAMILY), [[1.0], [1.0]], rtol=1e-6)


def test_a_genus_with_named_species_leaves_the_species_open() -> None:
    assert [leaf.name for leaf in POLLEN.leaves] == [
        "Matayba guianensis", "Serjania", "Serjania erecta", "Serjania hebecarpa", "Serjania laruotteana",
    ]  # fmt: skip
    assert POLLEN.truth(SERJANIA_SP, Rank.SPECIES) == -1
    assert POLLEN.taxa(Rank.GENUS)[POLLEN.truth(SERJANIA_SP, Rank.GENUS)] == SERJANIA_SP
    assert POLLEN.truth(SERJANIA_SP, Rank.FAMILY) == 0
    assert POLLEN.leaves_of(SERJANIA_SP).tolist() == [False, True, False, False, False]
    assert POLLEN.truth(SERJANIA[1], Rank.GENUS) == POLLEN.truth(SERJANIA_SP, Rank.GENUS)
    assert POLLEN.open_columns(Rank.SPECIES).tolist() == [False, True, False, False, False]
    assert len(POLLEN.answers(Rank.SPECIES)) == 4


def test_at_its_rank_an_open_label_and_its_species_sum_up() -> None:
    y_prob = np.array([[0.1, 0.3, 0.2, 0.25, 0.15]], dtype=np.float32)
    np.testing.assert_allclose(POLLEN.sum_up(y_prob, Rank.SPECIES), y_prob, rtol=1e-6)
    np.testing.assert_allclose(POLLEN.sum_up(y_prob, Rank.GENUS), [[0.1, 0.9]], rtol=1e-6)


@pytest.mark.parametrize("n_species", [1, 2, 3])
def test_a_genus_stays_open_beside_any_number_of_species(n_species: int) -> None:
    tree = Taxonomy.from_taxa([*SERJANIA[:n_species], MATAYBA, SERJANIA_SP])
    assert tree.truth(SERJANIA_SP, Rank.SPECIES) == -1
    assert tree.truth(SERJANIA_SP, Rank.GENUS) == tree.truth(SERJANIA[0], Rank.GENUS) >= 0
    assert tree.ranks == (Rank.SPECIES, Rank.GENUS)
    without = closed(tree.leaves)
    assert without.truth(SERJANIA_SP, Rank.SPECIES) == -1, "also where no training image bears the label"
    assert without.leaves_of(SERJANIA_SP).tolist() == [False, *[True] * n_species]


def test_a_family_is_open_beside_a_single_genus_and_a_species_beside_a_single_subspecies() -> None:
    ranks = (Rank.FAMILY, Rank.GENUS, Rank.SPECIES, Rank.SUBSPECIES)
    genus = taxon("Fidae", "Aus", ranks=ranks)
    subspecies, other = (
        taxon("Gidae", "Bus", f"Bus {name}", *rest, ranks=ranks) for name, *rest in (("b", "Bus b c"), "d")
    )
    tree = Taxonomy.from_taxa([genus, genus.at(Rank.FAMILY), subspecies, subspecies.at(Rank.SPECIES), other])
    assert tree.open_leaves == {genus.at(Rank.FAMILY), subspecies.at(Rank.SPECIES)}
    assert [tree.truth(genus.at(Rank.FAMILY), rank) >= 0 for rank in ranks] == [True, False, False, False]
    assert [tree.truth(subspecies.at(Rank.SPECIES), rank) >= 0 for rank in ranks] == [True, True, True, False]
    assert [tree.truth(genus, rank) >= 0 for rank in ranks] == [True] * 4, "Aus stands for itself"
    assert tree.ranks == tuple(reversed(ranks))


def test_labels_at_every_rank_of_one_lineage() -> None:
    """Family, subfamily, genus and species: each is open below itself, and they sum up above."""
    chain = [TVETENIA.at(rank) for rank in RANKS]
    tree = Taxonomy.from_taxa([*chain, CHIRONOMUS])
    assert tree.open_leaves == set(chain[:3])
    assert [[tree.truth(label, rank) >= 0 for rank in RANKS] for label in chain] == [
        [True, False, False, False], [True, True, False, False], [True, True, True, False], [True] * 4,
    ]  # fmt: skip
    assert tree.ranks == (Rank.SPECIES, Rank.GENUS, Rank.SUBFAMILY)
    uniform = np.full((1, 5), 0.2, dtype=np.float32)
    for rank in tree.ranks:
        np.testing.assert_allclose(tree.sum_up(uniform, rank).sum(), 1.0, rtol=1e-6)
    assert [taxon.name for taxon in tree.answers(Rank.SUBFAMILY)] == ["Chironominae", "Orthocladiinae"]


def test_a_genus_and_its_only_species_are_nothing_to_tell_apart() -> None:
    assert Taxonomy.from_taxa([SERJANIA_SP, SERJANIA[0]]).ranks == ()


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


# Many taxa: the fast paths say what the plain definitions say


@given(n_columns=st.integers(1, 400), n_leaves=st.integers(1, 2 * SMALL), seed=st.integers(0, 99))
def test_columns_sum_up_as_by_a_matrix_whatever_their_number_and_order(n_columns, n_leaves, seed):
    rng = np.random.default_rng(seed)
    columns = rng.permutation(np.append(np.arange(n_columns), rng.integers(0, n_columns, n_leaves)))
    values = rng.dirichlet(np.ones(len(columns)), 3)
    members = (columns[:, None] == np.arange(n_columns)).astype(np.float64)
    for dtype, tolerance in ((np.float64, 1e-14), (np.float32, 1e-6)):
        found = sum_columns(values.astype(dtype), columns)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, values @ members, rtol=tolerance, atol=tolerance)


@given(n=st.integers(1, 2 * SMALL), seed=st.integers(0, 99))
def test_where_each_column_holds_one_leaf_nothing_is_added_and_nothing_shared(n, seed):
    rng = np.random.default_rng(seed)
    columns, values = rng.permutation(n), rng.random((2, n)).astype(np.float32)
    found = sum_columns(values, columns)
    assert (found[:, columns] == values).all()
    assert not np.shares_memory(found, values)


@given(taxonomy=taxonomies(), rank=st.sampled_from(RANKS))
def test_what_is_known_of_a_rank_is_kept_and_cannot_be_changed(taxonomy: Taxonomy, rank: Rank) -> None:
    taxa = sorted({leaf.at(rank) for leaf in taxonomy.leaves}, key=lambda taxon: [name for _, name in taxon.path])
    for _ in range(2):
        assert list(taxonomy.taxa(rank)) == taxa
        assert [taxa[column] for column in taxonomy.columns(rank)] == [leaf.at(rank) for leaf in taxonomy.leaves]
    with pytest.raises(ValueError, match="read-only"):
        taxonomy.columns(rank)[0] = 0
    assert taxonomy.place_of == {leaf: taxonomy.leaves.index(leaf) for leaf in taxonomy.leaves}


@given(taxonomy=taxonomies(), rank=st.sampled_from(RANKS), higher=st.sampled_from(RANKS))
def test_parents_are_the_taxa_themselves_at_the_higher_rank(taxonomy: Taxonomy, rank: Rank, higher: Rank) -> None:
    if higher.depth <= rank.depth:
        above = [taxonomy.taxa(higher)[column] for column in taxonomy.parents(rank, higher)]
        assert above == [taxon.at(higher) for taxon in taxonomy.taxa(rank)]
