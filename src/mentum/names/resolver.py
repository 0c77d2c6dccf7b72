"""Find the taxon that a label means: a class that is no taxon, a name of taxonomy.csv, or by the form of the name."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from mentum.names.assumed import name_faults
from mentum.names.interpretation import Assumption, Reading
from mentum.names.reading import read_name
from mentum.records import Fault
from mentum.taxonomy import Rank, Taxon, clean_name


class NameResolver:
    """Finds the taxa of labels, and tells what was wrong or assumed."""

    def __init__(self, taxa: tuple[Taxon, ...], not_taxa: Iterable[str] = ()) -> None:
        """Start with what the user says.

        Args:
            taxa: of taxonomy.csv; where there are any, they must name each taxon or its genus.
            not_taxa: labels of classes that are no taxa.
        """
        self._taxa = taxa
        self._not_taxa = {_folded(name): clean_name(name) for name in not_taxa}
        self._known: dict[str, Taxon] = {}
        self._homonyms: dict[str, set[Taxon]] = {}
        for taxon in taxa:
            for depth in range(1, len(taxon.path) + 1):
                node = Taxon(taxon.path[:depth])
                first = self._known.setdefault(node.name, node)
                if node.rank.depth > Rank.SUBGENUS.depth and node != first:
                    self._homonyms.setdefault(node.name, {first}).add(node)
        self._found: dict[str, Reading] = {}
        self._same: dict[str, Taxon] = {}

    def resolve(self, label: str | None) -> Taxon | None:
        """The taxon of a label, or None where it cannot be told."""
        if label is None:
            return None
        name = clean_name(label)
        if name not in self._found:
            self._found[name] = self._look_up(name)
        return self._found[name].taxon

    def explain(self, label: str | None) -> str:
        """Why a label has no taxon, and what to do."""
        self.resolve(label)
        return self._found[clean_name(label or "")].refusal

    def faults(self) -> list[Fault]:
        """Names under two parents or of two species, and what was assumed of labels."""
        return name_faults(self._found, self._taxa, self._homonyms, self._not_taxa)

    def _look_up(self, name: str) -> Reading:
        if (folded := _folded(name)) in self._not_taxa:
            return Reading(Taxon(((Rank.NOT_A_TAXON, self._not_taxa[folded]),)))
        if name in self._known:
            return Reading(self._known[name])
        found = read_name(name)
        if found.taxon is None:
            return self._in_another_spelling(name) or found
        if not self._taxa:
            return found.with_taxon(self._same.setdefault(_unmarked(found.taxon.name), found.taxon))
        if (placed := self._placed(found.taxon)) is not None:
            return found.with_taxon(placed)
        return Reading(
            refusal=f"the taxon '{name}' and its genus are not in taxonomy.csv; add a row with its rank and lineage."
        )

    def _in_another_spelling(self, name: str) -> Reading | None:
        """A name of the taxonomy that cannot be read, in other capitals."""
        taxon = self._folded_names.get(_folded(name))
        return Reading(taxon).but(Assumption.LETTER_CASE) if taxon else None

    def _placed(self, taxon: Taxon) -> Taxon | None:
        """The taxon in the taxonomy's tree: it, or the lowest of its path that the tree names, with what lies below."""
        if taxon.rank.depth <= Rank.GENUS.depth and "/" in taxon.name:
            return self._beside(taxon)
        for depth in range(len(taxon.path), 0, -1):
            name = taxon.path[depth - 1][1]
            above = self._known.get(name) or self._other_names.get(_unmarked(name))
            if above is not None:
                return Taxon((*above.path, *taxon.path[depth:]))
        return None

    def _beside(self, taxon: Taxon) -> Taxon | None:
        """Two taxa joined by a slash, below what both belong to."""
        paths = [self._known[name].path[:-1] for name in taxon.name.split("/") if name in self._known]
        if len(paths) <= taxon.name.count("/"):
            return None
        shared = [nodes[0] for nodes in zip(*paths, strict=False) if len(set(nodes)) == 1]
        return Taxon((*shared, *taxon.path))

    @cached_property
    def _folded_names(self) -> dict[str, Taxon]:
        return {_folded(name): taxon for name, taxon in reversed(self._known.items())}

    @cached_property
    def _other_names(self) -> dict[str, Taxon]:
        """Names of the taxonomy as labels are read: without authors, groups in one spelling."""
        names: dict[str, Taxon] = {}
        for name, taxon in self._known.items():
            found = read_name(name)
            if found.taxon is not None and found.taxon.rank is taxon.rank and not found.doubt:
                names.setdefault(_unmarked(found.taxon.name), taxon)
        return names


def _folded(name: str) -> str:
    return clean_name(name).casefold()


def _unmarked(name: str) -> str:
    """A subspecies' name without the mark that plants need and animals do without."""
    return name.replace(" subsp. ", " ")
