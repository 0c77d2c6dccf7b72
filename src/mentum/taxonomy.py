"""Ranks, taxa with their lineages, how their names are set, and sums of probabilities up the tree.

A taxon is keyed by its whole path, so that homonyms in two genera stay two taxa.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import groupby

import numpy as np
from numpy.typing import NDArray


class Rank(StrEnum):
    """Darwin Core's ranks, from the highest to the lowest."""

    KINGDOM = "kingdom"
    PHYLUM = "phylum"
    CLASS = "class"
    ORDER = "order"
    SUPERFAMILY = "superfamily"
    FAMILY = "family"
    SUBFAMILY = "subfamily"
    TRIBE = "tribe"
    SUBTRIBE = "subtribe"
    GENUS = "genus"
    SUBGENUS = "subgenus"
    SPECIES = "species"
    SUBSPECIES = "subspecies"

    @property
    def depth(self) -> int:
        """Place in the order of ranks: 0 for kingdom, growing downwards."""
        return list(Rank).index(self)


_UPRIGHT = {"sp", "spp", "cf", "aff", "nr", "gr"}
"""Words of open nomenclature, as written without their full stop."""


def is_italic(rank: Rank) -> bool:
    """Whether names of this rank are set in italics, as zoologists do from the genus downwards."""
    return rank.depth >= Rank.GENUS.depth


def is_latin(word: str) -> bool:
    """Whether a word belongs to the name itself; "sp.", "cf." and numbers do not."""
    return word.strip("()").replace("-", "").isalpha() and word not in _UPRIGHT


def name_spans(name: str, rank: Rank) -> list[tuple[str, bool]]:
    """A name cut into pieces, each with whether it is italic; "sp.", "cf." and numbers stay upright.

    >>> name_spans("Chironomus riparius", Rank.SPECIES)
    [('Chironomus riparius', True)]
    >>> name_spans("Orthocladius sp. 1", Rank.SPECIES)
    [('Orthocladius', True), (' sp. 1', False)]
    """
    words = [(word, is_italic(rank) and is_latin(word)) for word in name.split(" ")]
    pieces = [(" ".join(word for word, _ in same), italic) for italic, same in groupby(words, key=lambda word: word[1])]
    return [(" " * (place > 0) + text, italic) for place, (text, italic) in enumerate(pieces)]


@dataclass(frozen=True)
class Taxon:
    """One node of the tree.

    Attributes:
        path: (rank, name) from the highest known ancestor down to the taxon itself.
    """

    path: tuple[tuple[Rank, str], ...]

    @property
    def rank(self) -> Rank:
        """The taxon's own rank."""
        return self.path[-1][0]

    @property
    def name(self) -> str:
        """The taxon's scientific name."""
        return self.path[-1][1]

    @property
    def lineage(self) -> dict[Rank, str]:
        """Name at each known rank, the taxon itself last."""
        return dict(self.path)

    def at(self, rank: Rank) -> Taxon:
        """The ancestor at `rank`, or, where the taxon is not named so far down, the taxon itself.

        >>> genus = Taxon(((Rank.FAMILY, "Chironomidae"), (Rank.GENUS, "Orthocladius")))
        >>> genus.at(Rank.FAMILY).name, genus.at(Rank.SPECIES).name
        ('Chironomidae', 'Orthocladius')
        """
        kept = tuple(node for node in self.path if node[0].depth <= rank.depth)
        return Taxon(kept) if kept else self

    def is_within(self, other: Taxon) -> bool:
        """Whether the taxon is `other` or lies below it."""
        return self.path[: len(other.path)] == other.path


def taxon_from_lineage(lineage: Mapping[Rank, str]) -> Taxon:
    """Turn a lineage back into a taxon, whatever the order of its entries."""
    return Taxon(tuple(sorted(lineage.items(), key=lambda node: node[0].depth)))


def order_of(taxon: Taxon) -> tuple[str, ...]:
    """Sort key that keeps relatives together."""
    return tuple(name for _, name in taxon.path)


@dataclass(frozen=True)
class Taxonomy:
    """The tree over the taxa that training data names.

    Attributes:
        leaves: the lowest taxa, sorted by lineage; their order is the order of every probability array.
    """

    leaves: tuple[Taxon, ...]

    @classmethod
    def from_taxa(cls, taxa: Iterable[Taxon]) -> Taxonomy:
        """Keep the taxa below which no other taxon is named.

        >>> species = Taxon(((Rank.GENUS, "Serjania"), (Rank.SPECIES, "Serjania erecta")))
        >>> [leaf.name for leaf in Taxonomy.from_taxa([species, species.at(Rank.GENUS)]).leaves]
        ['Serjania erecta']
        """
        distinct = set(taxa)
        above = {Taxon(taxon.path[:depth]) for taxon in distinct for depth in range(1, len(taxon.path))}
        return cls(tuple(sorted(distinct - above, key=order_of)))

    @cached_property
    def ranks(self) -> tuple[Rank, ...]:
        """Ranks that can be reported, lowest first: two taxa or more, and no lineage skips the rank."""
        return tuple(rank for rank in reversed(Rank) if self._is_complete(rank) and len(self.taxa(rank)) > 1)

    @cached_property
    def skipped_ranks(self) -> tuple[Rank, ...]:
        """Ranks that some lineages name and others skip; they are left out of every table."""
        named = {rank for leaf in self.leaves for rank in leaf.lineage}
        return tuple(rank for rank in Rank if rank in named and not self._is_complete(rank))

    def _is_complete(self, rank: Rank) -> bool:
        named = [rank in leaf.lineage for leaf in self.leaves]
        coarser = [leaf.rank.depth < rank.depth for leaf in self.leaves]
        return any(named) and all(has or above for has, above in zip(named, coarser, strict=True))

    def taxa(self, rank: Rank) -> tuple[Taxon, ...]:
        """The taxa that stand at `rank`, in the order of its probability columns.

        A leaf that is not named down to `rank` stands for itself, as *Orthocladius* among the paper's ten "species".
        """
        return tuple(sorted({leaf.at(rank) for leaf in self.leaves}, key=order_of))

    def columns(self, rank: Rank) -> NDArray[np.int64]:
        """(L,) int: for each leaf, its column at `rank`."""
        place = {taxon: column for column, taxon in enumerate(self.taxa(rank))}
        return np.array([place[leaf.at(rank)] for leaf in self.leaves], dtype=np.int64)

    def sum_up(self, y_prob: NDArray[np.float32], rank: Rank) -> NDArray[np.float32]:
        """Sum leaf probabilities (N, L) to those of the taxa at `rank` (N, C); rows keep their sum."""
        columns = self.columns(rank)
        membership = (columns[:, None] == np.arange(columns.max() + 1)[None, :]).astype(np.float32)
        return np.asarray(y_prob @ membership, dtype=np.float32)

    def leaves_of(self, taxon: Taxon) -> NDArray[np.bool_]:
        """(L,) bool: the leaves that `taxon` may mean."""
        return np.array([leaf.is_within(taxon) for leaf in self.leaves], dtype=bool)

    def truth(self, taxon: Taxon, rank: Rank) -> int:
        """Column of `taxon` at `rank`, or -1 where the label leaves it open (or lies outside the tree)."""
        columns = set(self.columns(rank)[self.leaves_of(taxon)].tolist())
        return columns.pop() if len(columns) == 1 else -1


@dataclass(frozen=True)
class Target:
    """What a network predicts: the leaves of the whole tree, or the taxa at one rank.

    Attributes:
        rank: of a separate network; None for the whole tree, which answers at every rank.
    """

    rank: Rank | None = None

    @classmethod
    def of(cls, name: str) -> Target:
        """Read a network's name.

        >>> Target.of("genus").rank, Target.of("tree") == WHOLE_TREE
        (<Rank.GENUS: 'genus'>, True)

        Raises:
            ValueError: if it is no network's name.
        """
        return cls() if name == "tree" else cls(Rank(name))

    @property
    def name(self) -> str:
        """The network's name, as files and columns bear it."""
        return "tree" if self.rank is None else self.rank.value

    def taxa(self, taxonomy: Taxonomy) -> tuple[Taxon, ...]:
        """The taxa told apart, in the order of the probability columns."""
        return taxonomy.leaves if self.rank is None else taxonomy.taxa(self.rank)

    def at_ranks(self, taxonomy: Taxonomy, y_prob: NDArray[np.float32]) -> dict[Rank, NDArray[np.float32]]:
        """The network's probabilities (N, C) as those at each rank that it answers for, lowest first."""
        if self.rank is None:
            return {rank: taxonomy.sum_up(y_prob, rank) for rank in taxonomy.ranks}
        return {self.rank: y_prob}


WHOLE_TREE = Target()


_QUALIFIERS = r"(?:cf|aff|nr|near|\?)\.?"
_SUFFIXES = {
    "idae": Rank.FAMILY,
    "aceae": Rank.FAMILY,
    "oidea": Rank.SUPERFAMILY,
    "inae": Rank.SUBFAMILY,
    "ini": Rank.TRIBE,
}


def clean_name(text: str) -> str:
    """Fold blanks and underscores, as in folder names.

    >>> clean_name(" Polypedilum_laetum ")
    'Polypedilum laetum'
    """
    return re.sub(r"[\s_]+", " ", text).strip()


def taxon_from_name(text: str) -> Taxon | None:
    """Read rank and genus from the name itself, where no taxonomy names it; None where that cannot be told.

    An open name ("sp.", "cf.") stands for its genus; a numbered morphospecies is kept as a species.

    >>> taxon_from_name("Chironomus riparius").path
    ((<Rank.GENUS: 'genus'>, 'Chironomus'), (<Rank.SPECIES: 'species'>, 'Chironomus riparius'))
    >>> taxon_from_name("Orthocladius sp.").name, taxon_from_name("Tanypodinae").rank.value
    ('Orthocladius', 'subfamily')
    >>> taxon_from_name("unknown thing 3") is None
    True
    """
    name = clean_name(text)
    if re.fullmatch(r"[A-Z][a-z-]+", name):
        rank = next((rank for suffix, rank in _SUFFIXES.items() if name.endswith(suffix)), Rank.GENUS)
        return Taxon(((rank, name),))
    if match := re.fullmatch(rf"([A-Z][a-z-]+) (?:spp?\.?|{_QUALIFIERS}.*)", name):
        return Taxon(((Rank.GENUS, match[1]),))
    if match := re.fullmatch(r"([A-Z][a-z-]+) (?:[a-z-]+|spp?\.? ?\w+)", name):
        return Taxon(((Rank.GENUS, match[1]), (Rank.SPECIES, name)))
    if match := re.fullmatch(r"([A-Z][a-z-]+) ([a-z-]+) [a-z-]+", name):
        binomial = f"{match[1]} {match[2]}"
        return Taxon(((Rank.GENUS, match[1]), (Rank.SPECIES, binomial), (Rank.SUBSPECIES, name)))
    return None


def taxon_from_row(row: Mapping[str, str | None]) -> Taxon:
    """Build a taxon from one row of `taxonomy.csv`: `scientificName`, `taxonRank` and a column per higher rank.

    Raises:
        ValueError: if `taxonRank` is not one of Darwin Core's ranks.
    """
    name = clean_name(row["scientificName"] or "")
    own = Rank((row.get("taxonRank") or "").strip().lower())
    higher = [(rank, clean_name(row.get(rank) or "")) for rank in Rank if rank.depth < own.depth]
    return Taxon((*((rank, above) for rank, above in higher if above), (own, name)))


def conflicting_parents(taxa: Iterable[Taxon]) -> dict[tuple[Rank, str], list[str]]:
    """Names above species rank that stand under two lineages, each with those lineages.

    >>> here, there = (Taxon(((Rank.FAMILY, family), (Rank.GENUS, "Aus"))) for family in ("Fidae", "Gidae"))
    >>> conflicting_parents([here, there])
    {(<Rank.GENUS: 'genus'>, 'Aus'): ['Fidae', 'Gidae']}
    """
    parents: dict[tuple[Rank, str], set[str]] = {}
    for taxon in taxa:
        for depth, node in enumerate(taxon.path):
            if node[0].depth <= Rank.SUBGENUS.depth:
                above = " > ".join(name for _, name in taxon.path[:depth])
                parents.setdefault(node, set()).add(above)
    return {node: sorted(above) for node, above in parents.items() if len(above) > 1}
