"""Small trees of taxa, and any tree at all."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from mentum.taxonomy import Rank, Taxon, Taxonomy

RANKS = (Rank.FAMILY, Rank.SUBFAMILY, Rank.GENUS, Rank.SPECIES)


def taxon(*names: str | None, ranks: tuple[Rank, ...] = RANKS) -> Taxon:
    """A taxon from its names, highest rank first; None skips a rank."""
    return Taxon(tuple((rank, name) for rank, name in zip(ranks, names, strict=False) if name))


ORTHOCLADIUS = taxon("Chironomidae", "Orthocladiinae", "Orthocladius")
TVETENIA = taxon("Chironomidae", "Orthocladiinae", "Tvetenia", "Tvetenia calvescens")
CHIRONOMUS = taxon("Chironomidae", "Chironominae", "Chironomus", "Chironomus riparius")
MIDGES = Taxonomy.from_taxa([ORTHOCLADIUS, TVETENIA, CHIRONOMUS])


def closed(taxa: Iterable[Taxon]) -> Taxonomy:
    """The tree of a training in which no image taught a label above another: no leaf of it is open."""
    tree = Taxonomy.from_taxa(taxa)
    return Taxonomy(tuple(leaf for leaf in tree.leaves if leaf not in tree.open_leaves))


@st.composite
def taxonomies(draw: st.DrawFn) -> Taxonomy:
    """Trees over up to four ranks, with leaves at any of them, some open, and epithets that recur across genera."""
    letters = st.sampled_from("abc")
    paths = draw(st.lists(st.tuples(letters, letters, letters, letters, st.integers(1, 4)), min_size=1, max_size=12))
    return Taxonomy.from_taxa(taxon(*(letter for letter in path[:depth])) for *path, depth in paths)
