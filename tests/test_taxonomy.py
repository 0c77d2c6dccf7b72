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
    Rank,
    Taxon,
    Taxonomy,
    clean_name,
    conflicting_parents,
    sum_columns,
    taxon_from_name,
    taxon_from_row,
)
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
    assert [rank.depth for rank in Rank] == list(range(13))
    assert Rank.SPECIES.depth > Rank.GENUS.depth > Rank.TRIBE.depth > Rank.SUBFAMILY.depth


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("Aus bus", [("genus", "Aus"), ("species", "Aus bus")]),
        ("Aus_bus", [("genus", "Aus"), ("species", "Aus bus")]),
        ("Aus bus-dus", [("genus", "Aus"), ("species", "Aus bus-dus")]),
        ("Aus bus dus", [("genus", "Aus"), ("species", "Aus bus"), ("subspecies", "Aus bus dus")]),
        ("Aus sp", [("genus", "Aus")]),
        ("Aus spp.", [("genus", "Aus")]),
        ("Aus cf. bus", [("genus", "Aus")]),
        ("Aus sp. A", [("genus", "Aus"), ("species", "Aus sp. A")]),
        ("Aus sp3", [("genus", "Aus"), ("species", "Aus sp3")]),
        ("Aoidea", [("superfamily", "Aoidea")]),
        ("aus bus", None),
        ("", None),
        ("Class 1", None),
    ],
)
def test_names(name: str, path: list[tuple[str, str]] | None) -> None:
    found = taxon_from_name(name)
    assert (found and [(rank.value, text) for rank, text in found.path]) == path


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


@given(taxonomy=taxonomies(), data=st.data())
def test_leaves_without_label_are_those_in_which_no_label_lies(taxonomy: Taxonomy, data: st.DataObject) -> None:
    labels = data.draw(st.lists(st.sampled_from(taxonomy.leaves)))
    labels += [Taxon((*leaf.path, (Rank.SUBSPECIES, "Aus bus cus"))) for leaf in labels[::2]]
    labels = labels[1::2] + [Taxon(leaf.path[:1]) for leaf in taxonomy.leaves if len(leaf.path) > 1]
    plain = [leaf for leaf in taxonomy.leaves if not any(label.is_within(leaf) for label in labels)]
    assert taxonomy.without_label(labels) == plain


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
