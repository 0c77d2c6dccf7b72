"""Ranks, taxa with their lineages, how their names are set, and sums of probabilities up the tree.

A taxon is keyed by its whole path, so that homonyms in two genera stay two taxa.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import groupby
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_Number = TypeVar("_Number", bound=np.floating)


class Rank(StrEnum):
    """Darwin Core's ranks, from the highest to the lowest; after them, where a class stands that is no taxon."""

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
    NOT_A_TAXON = "not a taxon"

    @property
    def depth(self) -> int:
        """Place in the order of ranks: 0 for kingdom, growing downwards; what is no taxon lies above all of them."""
        return _DEPTHS[self]


TAXON_RANKS = tuple(rank for rank in Rank if rank is not Rank.NOT_A_TAXON)
"""The ranks that taxa have."""

_DEPTHS = {Rank.NOT_A_TAXON: -1} | {rank: depth for depth, rank in enumerate(TAXON_RANKS)}

_UPRIGHT = {"sp", "spp", "cf", "aff", "nr", "gr", "type", "complex"}
"""Words of open nomenclature, as written without their full stop."""


def is_italic(rank: Rank) -> bool:
    """Whether names of this rank are set in italics, as zoologists do from the genus downwards."""
    return rank.depth >= Rank.GENUS.depth


def is_latin(word: str) -> bool:
    """Whether a word belongs to the name itself; "sp.", "cf.", numbers and the words of "(genus only)" do not."""
    bracketed = word.startswith("("), word.endswith(")")
    return word.strip("()").replace("-", "").isalpha() and word not in _UPRIGHT and bracketed[0] == bracketed[1]


def name_spans(name: str, rank: Rank) -> list[tuple[str, bool]]:
    """A name cut into pieces, each with whether it is italic; "sp.", "cf." and numbers stay upright.

    >>> name_spans("Chironomus riparius", Rank.SPECIES)
    [('Chironomus riparius', True)]
    >>> name_spans("Orthocladius sp. 1", Rank.SPECIES)
    [('Orthocladius', True), (' sp. 1', False)]
    >>> name_spans("Salix (genus only)", Rank.GENUS)
    [('Salix', True), (' (genus only)', False)]
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
    def is_a_taxon(self) -> bool:
        """False for a class such as "debris", which is learned beside the taxa and never published as one."""
        return self.rank is not Rank.NOT_A_TAXON

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

    @property
    def ancestors(self) -> tuple[Taxon, ...]:
        """The taxa that it lies within, the highest first, itself last."""
        return tuple(Taxon(self.path[:depth]) for depth in range(1, len(self.path) + 1))

    def is_within(self, other: Taxon) -> bool:
        """Whether the taxon is `other` or lies below it."""
        return self.path[: len(other.path)] == other.path


def taxon_from_lineage(lineage: Mapping[Rank, str]) -> Taxon:
    """Turn a lineage back into a taxon, whatever the order of its entries."""
    return Taxon(tuple(sorted(lineage.items(), key=lambda node: node[0].depth)))


def require_lineages(lineages: Sequence[Mapping[Rank, str]], ranks: Sequence[Rank]) -> None:
    """Make sure that lineages on record are those of a tree whose taxa can be told apart at given ranks.

    Args:
        lineages: of every leaf.
        ranks: lowest first, which are reported.

    Raises:
        ValueError: if a lineage is empty or stands twice, or a rank cannot be reported.
    """
    leaves = [taxon_from_lineage(lineage) for lineage in lineages]
    if not leaves or not all(leaf.path and all(name.strip() for _, name in leaf.path) for leaf in leaves):
        raise ValueError("found a taxon without a name, expected a lineage of each")
    if len(set(leaves)) < len(leaves):
        twice = next(leaf for place, leaf in enumerate(leaves) if leaf in leaves[:place])
        raise ValueError(f"found the taxon {twice.name} twice, expected each once")
    known = Taxonomy(tuple(leaves)).ranks
    if not ranks or list(ranks) != [rank for rank in known if rank in ranks]:
        raise ValueError(f"found the ranks {', '.join(ranks) or 'none'}, expected some of {', '.join(known)}, in order")


def lowest_labels(specimens: Iterable[str], labels: Iterable[Taxon]) -> dict[str, Taxon]:
    """The lowest label of each specimen, of which one image may name more than another."""
    lowest: dict[str, Taxon] = {}
    for specimen, label in zip(specimens, labels, strict=True):
        if specimen not in lowest or label.is_within(lowest[specimen]):
            lowest[specimen] = label
    return lowest


def order_of(taxon: Taxon) -> tuple[str, ...]:
    """Sort key that keeps relatives together."""
    return tuple(name for _, name in taxon.path)


@dataclass(frozen=True)
class Taxonomy:
    """The tree over the taxa that labels name.

    Every taxon that a label names is a leaf. One below which other leaves lie (*Salix* beside *Salix alba*) is an open
    leaf: "of this genus, and no more is said". Below its own rank it has a column beside those of its species, which is
    no answer there; at its own rank and above their probabilities sum up.

    Attributes:
        leaves: sorted by lineage; their order is the order of every probability array.
    """

    leaves: tuple[Taxon, ...]

    @classmethod
    def from_taxa(cls, taxa: Iterable[Taxon]) -> Taxonomy:
        """The tree whose leaves are all the taxa that labels name.

        >>> species = Taxon(((Rank.GENUS, "Serjania"), (Rank.SPECIES, "Serjania erecta")))
        >>> [leaf.name for leaf in Taxonomy.from_taxa([species, species.at(Rank.GENUS)]).leaves]
        ['Serjania', 'Serjania erecta']
        """
        return cls(tuple(sorted(set(taxa), key=order_of)))

    @cached_property
    def _above(self) -> frozenset[Taxon]:
        """The taxa that lie above a leaf."""
        return frozenset(above for leaf in self.leaves for above in leaf.ancestors[:-1])

    @cached_property
    def open_leaves(self) -> frozenset[Taxon]:
        """The leaves below which others lie."""
        return self._above.intersection(self.leaves)

    def is_open(self, taxon: Taxon, rank: Rank) -> bool:
        """Whether a taxon says nothing at a rank: it is named to a higher one, and lower leaves lie within it."""
        return taxon.rank.depth < rank.depth and taxon in self._above

    @cached_property
    def ranks(self) -> tuple[Rank, ...]:
        """Ranks that can be reported, lowest first: two taxa or more that answer there, and no lineage skips it."""
        return tuple(rank for rank in reversed(TAXON_RANKS) if self._is_complete(rank) and self._tells_apart(rank))

    def _tells_apart(self, rank: Rank) -> bool:
        return sum(taxon.is_a_taxon for taxon in self.answers(rank)) > 1

    @cached_property
    def skipped_ranks(self) -> tuple[Rank, ...]:
        """Ranks that some lineages name and others skip; they are left out of every table."""
        named = {rank for leaf in self.leaves for rank in leaf.lineage}
        return tuple(rank for rank in TAXON_RANKS if rank in named and not self._is_complete(rank))

    def _is_complete(self, rank: Rank) -> bool:
        named = [rank in leaf.lineage for leaf in self.leaves]
        coarser = [leaf.rank.depth < rank.depth for leaf in self.leaves]
        return any(named) and all(has or above for has, above in zip(named, coarser, strict=True))

    def taxa(self, rank: Rank) -> tuple[Taxon, ...]:
        """The taxa that stand at `rank`, in the order of its probability columns.

        A leaf that is not named down to `rank` stands for itself, as *Orthocladius* among the paper's ten "species".
        """
        return self._level(rank)[0]

    def columns(self, rank: Rank) -> NDArray[np.int64]:
        """(L,) int: for each leaf, its column at `rank`."""
        return self._level(rank)[1]

    def parents(self, rank: Rank, higher: Rank) -> NDArray[np.int64]:
        """(C,) int: for each taxon at `rank`, its column at `higher`."""
        parents = np.zeros(len(self.taxa(rank)), dtype=np.int64)
        parents[self.columns(rank)] = self.columns(higher)
        return parents

    def _level(self, rank: Rank) -> tuple[tuple[Taxon, ...], NDArray[np.int64], dict[Taxon, int]]:
        """Taxa at a rank, the column of each leaf, and that of each taxon."""
        if rank not in self._levels:
            at_rank = [leaf.at(rank) for leaf in self.leaves]
            taxa = tuple(sorted(set(at_rank), key=order_of))
            place = {taxon: column for column, taxon in enumerate(taxa)}
            columns = np.array([place[taxon] for taxon in at_rank], dtype=np.int64)
            columns.flags.writeable = False
            self._levels[rank] = taxa, columns, place
        return self._levels[rank]

    @cached_property
    def _levels(self) -> dict[Rank, tuple[tuple[Taxon, ...], NDArray[np.int64], dict[Taxon, int]]]:
        """What is known of the ranks that were asked for: it is needed for every label again."""
        return {}

    @cached_property
    def _below(self) -> dict[tuple[tuple[Rank, str], ...], list[int]]:
        """Path of each taxon of the tree → the leaves at or below it."""
        below: dict[tuple[tuple[Rank, str], ...], list[int]] = {}
        for place, leaf in enumerate(self.leaves):
            for depth in range(1, len(leaf.path) + 1):
                below.setdefault(leaf.path[:depth], []).append(place)
        return below

    @cached_property
    def place_of(self) -> dict[Taxon, int]:
        """Leaf → its place among the leaves."""
        return {leaf: place for place, leaf in enumerate(self.leaves)}

    def answers(self, rank: Rank) -> tuple[Taxon, ...]:
        """The taxa at `rank` without the open ones: what a table of that rank tells apart."""
        return tuple(taxon for taxon in self.taxa(rank) if not self.is_open(taxon, rank))

    def title(self, taxon: Taxon, rank: Rank) -> str:
        """How a column at `rank` is headed: the name, and where it is open there how far it goes.

        >>> alba = Taxon(((Rank.GENUS, "Salix"), (Rank.SPECIES, "Salix alba")))
        >>> tree = Taxonomy.from_taxa([alba, alba.at(Rank.GENUS)])
        >>> [tree.title(taxon, Rank.SPECIES) for taxon in tree.leaves]
        ['Salix (genus only)', 'Salix alba']
        """
        return f"{taxon.name} ({taxon.rank} only)" if self.is_open(taxon, rank) else taxon.name

    def open_columns(self, rank: Rank) -> NDArray[np.bool_]:
        """(C,) bool: the columns at `rank` that are no answer there, as their taxa are named to a higher one only."""
        return np.array([self.is_open(taxon, rank) for taxon in self.taxa(rank)], dtype=bool)

    def sum_up(self, y_prob: NDArray[np.float32], rank: Rank) -> NDArray[np.float32]:
        """Sum leaf probabilities (N, L) to those of the taxa at `rank` (N, C); rows keep their sum."""
        return np.asarray(sum_columns(y_prob, self.columns(rank)), dtype=np.float32)

    def knows(self, taxon: Taxon) -> bool:
        """Whether a taxon is a leaf or lies above one."""
        return taxon in self._above or taxon in self.place_of

    def leaves_of(self, label: Taxon) -> NDArray[np.bool_]:
        """(L,) bool: the leaves that a label may mean: its own, or those within it where it has none.

        So *Salix* teaches its open leaf and never one of its species. Where training has no such image, the label says
        no more than that the specimen lies somewhere in the genus.
        """
        mask = np.zeros(len(self.leaves), dtype=bool)
        own = self.place_of.get(label)
        mask[self._below.get(label.path, []) if own is None else own] = True
        return mask

    def column(self, taxon: Taxon, rank: Rank) -> int:
        """Column in which a taxon stands at `rank`, be it open there; -1 where it has none."""
        return self._level(rank)[2].get(taxon.at(rank), -1) if self.knows(taxon) else -1

    def truth(self, taxon: Taxon, rank: Rank) -> int:
        """Column of `taxon` at `rank`, or -1 where the label leaves it open (or lies outside the tree).

        A label above the rank leaves it open even where a single lower taxon is known: *Salix* is not *Salix alba*.
        """
        return -1 if self.is_open(taxon, rank) else self.column(taxon, rank)


def sum_columns(values: NDArray[_Number], columns: NDArray[np.int64]) -> NDArray[_Number]:
    """Sum values (N, L) to (N, C), given for each of the L its column, 0 to C - 1, each of which occurs.

    >>> sum_columns(np.array([[1.0, 2.0, 4.0]]), np.array([1, 0, 1])).tolist()
    [[2.0, 5.0]]
    """
    n_columns = int(columns.max()) + 1
    if n_columns == len(columns):
        return values[:, np.argsort(columns)]
    if len(columns) <= SMALL:
        return np.asarray(values @ (columns[:, None] == np.arange(n_columns)).astype(values.dtype))
    order = np.argsort(columns, kind="stable")
    starts = np.searchsorted(columns[order], np.arange(n_columns))
    return np.asarray(np.add.reduceat(values[:, order], starts, axis=1))


SMALL = 256
"""Leaves up to which sums are matrix products, which are fast for few, but grow with leaves times taxa."""


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

    def allowed(self, taxonomy: Taxonomy, label: Taxon) -> NDArray[np.bool_]:
        """(C,) bool: the taxa told apart that a label may mean; none where it has no place among them."""
        if self.rank is None:
            return taxonomy.leaves_of(label)
        return np.asarray(np.arange(len(taxonomy.taxa(self.rank))) == taxonomy.column(label, self.rank))

    def spread(self, y_prob: NDArray[np.float32], known: Taxonomy, wanted: Taxonomy) -> NDArray[np.float32]:
        """Probabilities (N, C) of the taxa of a tree as those of a larger tree, whose other taxa get none.

        >>> one, other = (Taxon(((Rank.GENUS, name),)) for name in ("Aus", "Bus"))
        >>> small, large = Taxonomy.from_taxa([other]), Taxonomy.from_taxa([one, other])
        >>> WHOLE_TREE.spread(np.ones((1, 1), np.float32), small, large).tolist()
        [[0.0, 1.0]]
        """
        place = {taxon: column for column, taxon in enumerate(self.taxa(wanted))}
        found = np.zeros((len(y_prob), len(place)), dtype=np.float32)
        found[:, [place[taxon] for taxon in self.taxa(known)]] = y_prob
        return found

    def at_ranks(self, taxonomy: Taxonomy, y_prob: NDArray[np.float32]) -> dict[Rank, NDArray[np.float32]]:
        """The network's probabilities (N, C) as those at each rank that it answers for, lowest first."""
        if self.rank is None:
            return {rank: taxonomy.sum_up(y_prob, rank) for rank in taxonomy.ranks}
        return {self.rank: y_prob}


WHOLE_TREE = Target()


def clean_name(text: str) -> str:
    """Fold blanks and underscores, as in folder names.

    >>> clean_name(" Polypedilum_laetum ")
    'Polypedilum laetum'
    """
    return re.sub(r"[\s_]+", " ", text).strip()


def taxon_from_row(row: Mapping[str, str | None]) -> Taxon:
    """Build a taxon from one row of `taxonomy.csv`: `scientificName`, `taxonRank` and a column per higher rank.

    Raises:
        ValueError: if `taxonRank` is not one of Darwin Core's ranks.
    """
    name = clean_name(row["scientificName"] or "")
    own = Rank((row.get("taxonRank") or "").strip().lower())
    if own is Rank.NOT_A_TAXON:
        raise ValueError(f"{own.value!r} is not a rank of taxa")
    higher = [(rank, clean_name(row.get(rank) or "")) for rank in TAXON_RANKS if rank.depth < own.depth]
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
