import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentum.evaluation.hierarchy import (
    ancestor_heights,
    count_ancestors,
    hierarchical_precision_recall,
    mean_height_of_mistakes,
    precision_recall_of_counts,
)
from mentum.taxonomy import Rank, Taxon

RANKS = (Rank.SPECIES, Rank.GENUS, Rank.SUBFAMILY)
PATH_RANKS = (Rank.SUBFAMILY, Rank.GENUS, Rank.SPECIES)


def taxon(text, ranks=PATH_RANKS):
    """A taxon from "Subfamily Genus species"; fewer words name a higher one."""
    words = text.split()
    return Taxon(tuple(zip(ranks, words, strict=False)))


def taxa(*texts):
    return [taxon(text) for text in texts]


def path_strings(taxon):
    """Every ancestor as one string that spells its whole path."""
    nodes = [f"{rank.value}:{name}" for rank, name in taxon.path]
    return [" > ".join(nodes[: depth + 1]) for depth in range(len(nodes))]


def slow_precision_recall(true, predicted):
    """HiClass's formulas, with sets."""
    shared = named = labelled = 0
    for label, identified in zip(true, predicted, strict=True):
        alpha, beta = set(path_strings(identified)), set(path_strings(label))
        shared += len(alpha & beta)
        named += len(alpha)
        labelled += len(beta)
    precision = shared / named if named else 0
    recall = shared / labelled
    return precision, recall, 2 * precision * recall / (precision + recall) if shared else 0


def drawn_taxa(seed, n):
    """Taxa of unequal depth, with homonyms: "a" is a genus in every subfamily, "x" a species in every genus."""
    rng = np.random.default_rng(seed)
    words = [rng.choice(list(names), n) for names in ("SU", "abc", "xyz")]
    depths = rng.integers(1, 4, n)
    return [taxon(" ".join(row[:depth])) for *row, depth in zip(*words, depths, strict=True)]


@pytest.mark.parametrize("seed", range(5))
def test_precision_and_recall_agree_with_sets_of_whole_paths(seed):
    true, predicted = drawn_taxa(seed, 200), drawn_taxa(seed + 100, 200)
    found = hierarchical_precision_recall(true, predicted)
    assert found == pytest.approx(slow_precision_recall(true, predicted), abs=1e-14)


def test_hand_computed_case():
    """Right; right genus, wrong species; stopped at the genus; wrong altogether."""
    true = taxa("S a x", "S a x", "S a x", "S a x")
    predicted = taxa("S a x", "S a y", "S a", "T b z")
    assert count_ancestors(true, predicted).tolist() == [[3, 3, 3], [2, 3, 3], [2, 2, 3], [0, 3, 3]]
    assert hierarchical_precision_recall(true, predicted) == pytest.approx((7 / 11, 7 / 12, 14 / 23))


def test_homonyms_in_two_genera_are_two_taxa():
    """The same epithet, and even the same genus name, under another parent shares nothing below that parent."""
    assert count_ancestors(taxa("S a x", "S a x"), taxa("S b x", "T a x")).tolist() == [[1, 3, 3], [0, 3, 3]]
    assert ancestor_heights(taxa("S a x", "S a x"), taxa("S b x", "T a x"), RANKS).tolist() == [2, 3]


def test_the_same_name_at_another_rank_is_another_taxon():
    genus, subgenus = (Taxon(((rank, "Aus"),)) for rank in (Rank.GENUS, Rank.SUBGENUS))
    assert hierarchical_precision_recall([genus], [subgenus]) == (0, 0, 0)


def test_no_identification_at_all_has_no_precision():
    assert hierarchical_precision_recall(taxa("S a x"), [Taxon(())]) == (0, 0, 0)
    assert hierarchical_precision_recall(taxa("S a x", "S a x"), [Taxon(()), taxon("S a x")]) == (1, 0.5, 2 / 3)


def test_rows_of_counts_can_be_drawn():
    true, predicted = drawn_taxa(1, 50), drawn_taxa(2, 50)
    rows = np.random.default_rng(0).integers(0, 50, 80)
    expected = hierarchical_precision_recall([true[row] for row in rows], [predicted[row] for row in rows])
    assert precision_recall_of_counts(count_ancestors(true, predicted)[rows]) == expected


@pytest.mark.parametrize(
    ("label", "identified", "height"),
    [
        ("S a x", "S a x", 0),
        ("S a x", "S a y", 1),
        ("S a x", "S b x", 2),
        ("S a x", "T a x", 3),
        # Identified to a higher rank: as far as it stops short, or further where it is wrong.
        ("S a x", "S a", 1),
        ("S a x", "S b", 2),
        ("S a x", "S", 2),
        ("S a x", "T", 3),
        # A label at the genus starts there.
        ("S a", "S a", 0),
        ("S a", "S a x", 0),
        ("S a", "S b x", 1),
        ("S a", "T a x", 2),
        ("S", "T", 1),
    ],
)
def test_heights_count_ranks_above_the_label(label, identified, height):
    assert ancestor_heights(taxa(label), taxa(identified), RANKS).tolist() == [height]


@pytest.mark.parametrize(
    ("label", "identified", "height"),
    [
        # The tribe is none of the ranks: sharing it is sharing the subfamily, and a label at it starts at the genus.
        ("S t a x", "S t b y", 2),
        ("S t a x", "S u b y", 2),
        ("S t", "S t a x", 0),
        ("S t", "S u a x", 1),
        ("S t", "T v a x", 2),
    ],
)
def test_taxa_between_the_ranks(label, identified, height):
    ranks = (Rank.SUBFAMILY, Rank.TRIBE, Rank.GENUS, Rank.SPECIES)
    assert ancestor_heights([taxon(label, ranks)], [taxon(identified, ranks)], RANKS).tolist() == [height]


def test_taxa_beyond_the_ranks():
    """A label below all ranks is right where the lowest of them is; one above all is wrong by one step or not."""
    below, beside = taxa("S a x", "S a y")
    assert ancestor_heights([below, below], [beside, taxon("S b x")], RANKS[1:]).tolist() == [0, 1]
    assert ancestor_heights(taxa("S", "S", "S"), taxa("S", "S a x", "T a x"), RANKS[:1]).tolist() == [0, 0, 1]


def test_a_lineage_that_skips_a_rank_shares_what_it_names():
    """Both lie in the subfamily; that neither label nor ancestor names a genus does not bring them closer."""
    label = Taxon(((Rank.SUBFAMILY, "S"), (Rank.SPECIES, "x")))
    assert ancestor_heights([label], taxa("S a y"), RANKS).tolist() == [2]


def test_mean_height_is_over_mistakes_only():
    heights = ancestor_heights(taxa("S a x", "S a x", "S a x"), taxa("S a x", "S a y", "T a x"), RANKS)
    assert mean_height_of_mistakes(heights) == 2
    assert mean_height_of_mistakes(heights[:1]) is None
    assert mean_height_of_mistakes(heights[:0]) is None


@pytest.mark.parametrize("measure", [count_ancestors, hierarchical_precision_recall])
def test_unequal_or_no_columns_are_refused(measure):
    with pytest.raises(ValueError, match="0 labels and 0 identifications"):
        measure([], [])
    with pytest.raises(ValueError, match="1 labels and 2 identifications"):
        measure(taxa("S"), taxa("S", "T"))


@pytest.mark.parametrize(
    ("true", "predicted", "ranks"), [([], [], RANKS), (taxa("S"), taxa("S", "T"), RANKS), (taxa("S"), taxa("S"), ())]
)
def test_heights_of_nothing_are_refused(true, predicted, ranks):
    with pytest.raises(ValueError, match=r"labels and . identifications at . ranks"):
        ancestor_heights(true, predicted, ranks)


words = st.tuples(st.sampled_from("STU"), st.sampled_from("ab"), st.sampled_from("xy"))
species = words.map(lambda path: taxon(" ".join(path)))
any_taxon = st.builds(lambda path, depth: taxon(" ".join(path[:depth])), words, st.integers(1, 3))


@given(st.lists(any_taxon, min_size=1))
def test_right_identifications_give_1_and_height_0(true):
    assert hierarchical_precision_recall(true, true) == (1, 1, 1)
    assert not ancestor_heights(true, true, RANKS).any()


@given(st.lists(st.tuples(any_taxon, any_taxon), min_size=1))
def test_values_lie_in_their_ranges(pairs):
    true, predicted = zip(*pairs, strict=True)
    precision, recall, f1 = hierarchical_precision_recall(true, predicted)
    assert 0 <= min(precision, recall) <= f1 <= max(precision, recall) <= 1
    heights = ancestor_heights(true, predicted, RANKS)
    assert set(heights) <= {0, 1, 2, 3}
    within = [identified.is_within(label) for label, identified in pairs]
    assert (heights == 0).tolist() == within


@given(st.lists(st.tuples(any_taxon, any_taxon), min_size=1))
def test_precision_of_one_is_recall_of_the_other(pairs):
    true, predicted = zip(*pairs, strict=True)
    precision, recall, f1 = hierarchical_precision_recall(true, predicted)
    assert hierarchical_precision_recall(predicted, true) == (recall, precision, f1)


@given(st.lists(st.tuples(species, species), min_size=1))
def test_where_all_paths_are_equally_long_one_minus_precision_is_the_mean_height(pairs):
    true, predicted = zip(*pairs, strict=True)
    precision, recall, f1 = hierarchical_precision_recall(true, predicted)
    assert precision == recall == f1
    assert 1 - precision == pytest.approx(ancestor_heights(true, predicted, RANKS).mean() / 3)
