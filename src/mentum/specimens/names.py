"""From the names that labels carry to taxa with their lineage."""

from __future__ import annotations

from pathlib import Path

from mentum.records import Fault, error, warning
from mentum.specimens.tables import read_table
from mentum.taxonomy import Rank, Taxon, clean_name, conflicting_parents, taxon_from_name, taxon_from_row

_COLUMNS = {name.lower(): name for name in ("scientificName", "taxonRank", *Rank)}


def read_taxonomy(file: Path, faults: list[Fault]) -> tuple[Taxon, ...]:
    """Read `taxonomy.csv`: scientificName, taxonRank and a column per higher rank.

    Args:
        file: may be absent, then there are no taxa.
        faults: what is wrong is added here.
    """
    if not file.is_file():
        return ()
    frame = read_table(file)
    frame = frame.rename({column: _COLUMNS.get(column.lower(), column) for column in frame.columns})
    needed = [name for name in ("scientificName", "taxonRank") if name not in frame.columns]
    if needed:
        message = f"found the columns {', '.join(frame.columns)}; expected also {', '.join(needed)}."
        faults.append(error("taxonomy-column", str(file), message))
        return ()
    rows = enumerate(frame.iter_rows(named=True), start=1)
    return tuple(taxon for number, row in rows if (taxon := _read_row(f"{file} row {number}", row, faults)))


def _read_row(where: str, row: dict[str, str | None], faults: list[Fault]) -> Taxon | None:
    if not row["scientificName"]:
        message = "scientificName is empty; name the taxon or remove the row."
    else:
        try:
            return taxon_from_row(row)
        except ValueError:
            message = f"found the rank '{row['taxonRank'] or ''}'; expected one of {', '.join(Rank)}."
    faults.append(error("taxonomy-row", where, message))
    return None


class NameResolver:
    """Finds the taxon that a label means: in the taxonomy first, else by the form of the name."""

    def __init__(self, taxa: tuple[Taxon, ...]) -> None:
        self._listed = bool(taxa)
        self._taxa = taxa
        self._known: dict[str, Taxon] = {}
        self._homonyms: dict[str, set[Taxon]] = {}
        for taxon in taxa:
            for depth in range(1, len(taxon.path) + 1):
                node = Taxon(taxon.path[:depth])
                first = self._known.setdefault(node.name, node)
                if node.rank.depth > Rank.SUBGENUS.depth and node != first:
                    self._homonyms.setdefault(node.name, {first}).add(node)
        self._resolved: dict[str, Taxon] = {}

    def resolve(self, label: str | None) -> Taxon | None:
        """The taxon of a label, or None where it cannot be told."""
        if label is None:
            return None
        name = clean_name(label)
        taxon = self._known.get(name) or self._from_form(name)
        if taxon is not None:
            self._resolved[name] = taxon
        return taxon

    def _from_form(self, name: str) -> Taxon | None:
        """Read the name itself; the genus brings its lineage from the taxonomy, which must name it if there is one."""
        taxon = taxon_from_name(name)
        if taxon is None or not self._listed:
            return taxon
        genus = self._known.get(taxon.path[0][1])
        return Taxon((*genus.path, *taxon.path[1:])) if genus else None

    def explain(self, label: str | None) -> str:
        """Why a label has no taxon, and what to do."""
        if self._listed:
            return f"the taxon '{label}' and its genus are not in taxonomy.csv; add a row with its rank and lineage."
        return (
            f"the rank of '{label}' cannot be told from the name; add it to taxonomy.csv (scientificName, taxonRank)."
        )

    def faults(self) -> list[Fault]:
        """Names under two parents or of two species, and labels whose doubt was read as a higher rank."""
        conflicts = conflicting_parents([*self._taxa, *self._resolved.values()])
        found = [
            error("two-parents", f"{rank} {name}", f"stands under {' and under '.join(above)}; keep one lineage.")
            for (rank, name), above in conflicts.items()
        ]
        found += [_ambiguous(name, taxa) for name, taxa in self._homonyms.items() if name in self._resolved]
        doubtful = {name: taxon for name, taxon in self._resolved.items() if _has_qualifier(name)}
        return found + [
            warning("open-name", name, f"an open name; its images are labelled to {taxon.rank} {taxon.name} only.")
            for name, taxon in doubtful.items()
        ]


def _ambiguous(name: str, taxa: set[Taxon]) -> Fault:
    lineages = " and ".join(sorted(" > ".join(above for _, above in taxon.path) for taxon in taxa))
    message = f"may mean {lineages}; write genus and epithet in full, in the labels and in taxonomy.csv."
    return error("ambiguous-name", name, message)


def _has_qualifier(name: str) -> bool:
    return any(f" {mark}" in name for mark in ("cf", "aff", "nr ", "nr.", "near ", "?"))
