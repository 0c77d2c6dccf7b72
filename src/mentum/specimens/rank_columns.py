"""Labels and lineages from columns of ranks: family, genus, species."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from mentum.records import Fault, error, warning
from mentum.tables.delimited import number_list
from mentum.taxonomy import Rank, Taxon, clean_name
from mentum.texts import visible

RANK_COLUMNS: Mapping[str, Rank] = {
    **{rank.value: rank for rank in Rank},
    "specificEpithet": Rank.SPECIES,
    "infraspecificEpithet": Rank.SUBSPECIES,
}
"""Column → the rank of the names in it; a species may be an epithet beside its genus."""

_BY_NAME = {name.lower(): rank for name, rank in RANK_COLUMNS.items()}
_NAMES = ("scientificname", "scientific_name", "label", "taxon")
"""Columns that hold the name, whatever columns of ranks stand beside them."""
_NAMES_WITHOUT_SPECIES = ("classification", "name")
"""Likewise where there is no column `species`."""
_SELF_SUFFICIENT = ("species", "class")
"""Columns of ranks that, as the only one, hold the name, as tables of other tools write it."""
_NOTHING = frozenset(
    ("na", "n/a", "#n/a", "nan", "null", "none", "-", "?", "unknown", "unidentified", "undetermined", "incertae sedis")
)
_UNINOMIAL = re.compile(r"[^\W\d_a-z][a-zë-]+")
_PLAIN = re.compile(rf"{_UNINOMIAL.pattern}(?: (?!(?:spp?|cf|aff|nr|gr|near|type)\b)[a-zë-]{{2,}}){{0,2}}")
"""A name that is a taxon as it stands; any other is left to who reads names."""

_LABEL, _PLACE = "label:", "place:"
Lineage = dict[Rank, str]


@dataclass(frozen=True)
class RankedLabels:
    """What columns of ranks say.

    Attributes:
        labels: the name of each row, None where no rank is filled.
        taxa: each distinct label with its lineage.
    """

    labels: list[str | None]
    taxa: tuple[Taxon, ...]
    faults: tuple[Fault, ...]


def find_ranks(frame: pl.DataFrame) -> dict[str, str]:
    """The columns that give the label rank by rank, highest first: as named in `RANK_COLUMNS` → as in the table.

    None where a column holds the name, or a single column holds names of any rank. `class` is a rank only where it
    holds single words, for other tools call any label so.

    >>> find_ranks(pl.DataFrame({"file_name": ["1.jpg"], "Genus": ["Salix"], "family": ["Salicaceae"]}))
    {'family': 'family', 'genus': 'Genus'}
    >>> find_ranks(pl.DataFrame({"file_name": ["1.jpg"], "class": ["Salix alba"], "family": ["Salicaceae"]}))
    {}
    """
    found = {column.lower(): column for column in reversed(frame.columns)}
    names = _NAMES if "species" in found else (*_NAMES, *_NAMES_WITHOUT_SPECIES)
    if any(name in found for name in names):
        return {}
    ranked = {name: found[name.lower()] for name in RANK_COLUMNS if name.lower() in found}
    if len(ranked) == 1 and next(iter(ranked)) in _SELF_SUFFICIENT:
        return {}
    return {} if Rank.CLASS.value in ranked and not has_class_rank(frame) else ranked


def has_class_rank(frame: pl.DataFrame) -> bool:
    """Whether `class` is a rank among others: it holds single words, and another column of a rank stands beside it."""
    ranked = {column.lower(): column for column in frame.columns if column.lower() in _BY_NAME}
    return "class" in ranked and len(ranked) > 1 and _are_uninomials(frame[ranked["class"]])


def _are_uninomials(column: pl.Series) -> bool:
    words = [word for word in column.unique().to_list() if word and word.lower() not in _NOTHING]
    return all(_UNINOMIAL.fullmatch(word.capitalize() if word.isupper() else word) for word in words)


def labels_from_ranks(frame: pl.DataFrame, numbers: Sequence[int], assumed: list[str]) -> RankedLabels:
    """The lowest rank that is filled is the label of a row; the ranks above are its lineage.

    Args:
        frame: the table.
        numbers: of its rows, for messages.
        assumed: what had to be assumed is added here.
    """
    columns = list(find_ranks(frame).values())
    cells, faults = frame.select(columns), []
    rows_of = _distinct(cells)
    lineages: dict[tuple[str | None, ...], Lineage] = {}
    empty: dict[str, int] = {}
    for values, rows in rows_of.items():
        filled = _filled(dict(zip(columns, values, strict=True)), len(rows), empty)
        try:
            lineages[values] = _lineage(filled)
        except ValueError as reason:
            listed = number_list("row", [numbers[row] for row in rows])
            faults.append(error("rank-columns", listed, f"{reason}."))
            lineages[values] = {}
    if empty:
        listed = ", ".join(f"'{visible(word)}' ({count})" for word, count in empty.items())
        assumed.append(f"in columns of ranks these words name no taxon and count as empty: {listed}")
    first_rows = {values: numbers[rows[0]] for values, rows in rows_of.items()}
    conflicts, taxa = _joined([(lineage, first_rows[values]) for values, lineage in lineages.items() if lineage])
    labels: list[str | None] = [None] * len(frame)
    for values, rows in rows_of.items():
        for row in rows:
            labels[row] = _lowest(lineages[values])
    return RankedLabels(labels, taxa, (*faults, *conflicts))


def _distinct(frame: pl.DataFrame) -> dict[tuple[str | None, ...], list[int]]:
    rows_of: dict[tuple[str | None, ...], list[int]] = {}
    for row, values in enumerate(frame.iter_rows()):
        rows_of.setdefault(values, []).append(row)
    return rows_of


def _filled(values: Mapping[str, str | None], n_rows: int, empty: dict[str, int]) -> dict[str, str]:
    """Column, in small letters → its name, without words that name nothing; those are counted."""
    filled = {}
    for column, value in values.items():
        if value and value.lower() in _NOTHING:
            empty[value] = empty.get(value, 0) + n_rows
        elif value:
            filled[column.lower()] = _in_small_letters(clean_name(value), _BY_NAME[column.lower()])
    return filled


def _in_small_letters(name: str, rank: Rank) -> str:
    """A name in capitals as it is otherwise written."""
    is_epithet = rank.depth >= Rank.SPECIES.depth and " " not in name
    return name if not name.isupper() else name.lower() if is_epithet else name.capitalize()


def _lowest(lineage: Lineage) -> str | None:
    return lineage[max(lineage, key=lambda rank: rank.depth)] if lineage else None


def _lineage(filled: Mapping[str, str]) -> Lineage:
    """The names at each rank, epithets joined to what they belong to.

    Raises:
        ValueError: if they do not fit together, in words.
    """
    lineage = {_BY_NAME[column]: name for column, name in filled.items() if "epithet" not in column}
    for column, rank in (("specificepithet", Rank.SPECIES), ("infraspecificepithet", Rank.SUBSPECIES)):
        if column in filled and rank not in lineage:
            lineage[rank] = filled[column]
    if Rank.SPECIES in lineage:
        lineage[Rank.SPECIES] = _in_full(lineage[Rank.SPECIES], lineage.get(Rank.GENUS), "species", "genus")
    if Rank.SUBSPECIES in lineage:
        below = lineage.get(Rank.SPECIES)
        lineage[Rank.SUBSPECIES] = _in_full(lineage[Rank.SUBSPECIES], below, "subspecies", "species")
    return {rank: lineage[rank] for rank in Rank if rank in lineage}


def _in_full(name: str, above: str | None, rank: str, rank_above: str) -> str:
    """A name with what stands before its epithet.

    >>> _in_full("alba", "Salix", "species", "genus"), _in_full("S. alba", "Salix", "species", "genus")
    ('Salix alba', 'Salix alba')
    """
    if above is None:
        if name[:1].islower():
            raise ValueError(f"the {rank} '{visible(name)}' is an epithet and the {rank_above} is empty; fill it in")
        return name
    first, _, rest = name.partition(" ")
    genus = above.partition(" ")[0]
    if first == genus:
        return name
    if rest and re.fullmatch(r"[A-Z]\.", first) and genus.startswith(first[0]):
        return f"{genus} {rest}"
    if first[:1].isupper() and first[1:2].islower():
        raise ValueError(
            f"the {rank} '{visible(name)}' does not lie within the {rank_above} '{visible(above)}'; correct one of them"
        )
    return f"{above} {name}"


def _joined(lineages: Sequence[tuple[Lineage, int]]) -> tuple[list[Fault], tuple[Taxon, ...]]:
    """Lineages of the same name filled up from one another, and faults where they contradict."""
    known: dict[tuple[Rank, str], dict[Rank, tuple[str, int]]] = {}
    faults: dict[tuple[Rank, str], Fault] = {}
    for lineage, row in lineages:
        for rank, name in lineage.items():
            above = {higher: (each, row) for higher, each in lineage.items() if higher.depth < rank.depth}
            _compare(rank, name, above, known.setdefault((rank, name), {}), faults)
    taxa = (_taxon(lineage, known, faults) for lineage, _ in lineages)
    return list(faults.values()), tuple({taxon: None for taxon in taxa if taxon is not None})


def _compare(
    rank: Rank,
    name: str,
    above: Mapping[Rank, tuple[str, int]],
    known: dict[Rank, tuple[str, int]],
    faults: dict[tuple[Rank, str], Fault],
) -> None:
    for higher, (parent, row) in above.items():
        other, first = known.setdefault(higher, (parent, row))
        if other != parent and (rank, name) not in faults:
            faults[rank, name] = _two_parents(f"{rank} {name}", f"{higher} {other}", first, f"{higher} {parent}", row)


def _two_parents(what: str, one: str, row: int, other: str, other_row: int) -> Fault:
    message = (
        f"stands under {visible(one)} in row {row} and under {visible(other)} in row {other_row}; correct the lineage, "
        "or, if two taxa bear this name, label one of them at a rank above."
    )
    return error("two-parents", what, message)


def _taxon(
    lineage: Lineage,
    known: Mapping[tuple[Rank, str], Mapping[Rank, tuple[str, int]]],
    faulty: Container[tuple[Rank, str]],
) -> Taxon | None:
    """The lowest taxon of a row that is a plain name; a genus that only the binomial names stands above it.

    Lineages that contradict, which is said elsewhere, are all read as the first of them.
    """
    full = dict(lineage)
    if Rank.SPECIES in full:
        full.setdefault(Rank.GENUS, full[Rank.SPECIES].partition(" ")[0])
    for rank in reversed(Rank):
        node = (rank, full.get(rank, ""))
        for higher, (name, _) in known.get(node, {}).items():
            full[higher] = name if node in faulty else full.get(higher, name)
    lowest = max(lineage, key=lambda rank: rank.depth)
    path = [(rank, full[rank]) for rank in Rank if rank in full and rank.depth <= lowest.depth]
    while path and not _PLAIN.fullmatch(path[-1][1]):
        path.pop()
    return Taxon(tuple(path)) if path else None


def find_parents(frame: pl.DataFrame) -> dict[str, Rank]:
    """The columns of a table that name taxa of genus rank or above, and epithets, with their ranks."""
    ranked = {column: _BY_NAME.get(column.lower()) for column in frame.columns}
    alone = {column for column in frame.columns if column.lower() in ("species", "subspecies")}
    return {column: rank for column, rank in ranked.items() if rank is not None and column not in alone}


def parents_of_labels(labels: Sequence[str | None], frame: pl.DataFrame, numbers: Sequence[int]) -> list[Fault]:
    """Names of one spelling that columns of ranks beside them put under two parents: they would be taken for one taxon.

    Args:
        labels: the name in each row.
        frame: the table.
        numbers: of its rows, for messages.
    """
    higher = {column: rank for column, rank in find_parents(frame).items() if rank.depth <= Rank.GENUS.depth}
    beside = frame.select(list(higher)) if higher else pl.DataFrame({"": [None] * len(labels)})
    distinct = beside.insert_column(0, pl.Series(_LABEL, labels, dtype=pl.String)).with_row_index(_PLACE)
    distinct = distinct.unique(distinct.columns[1:], keep="first", maintain_order=True)
    known: dict[tuple[str, Rank], tuple[str, int]] = {}
    faults: dict[str, Fault] = {}
    for place, label, *values in distinct.filter(pl.col(_LABEL).is_not_null()).iter_rows():
        above, is_certain = _above(clean_name(label), dict(zip(higher.values(), values, strict=False)))
        for rank, value in above.items():
            first, row = known.setdefault((label, rank), (value, numbers[place]))
            if first.lower() != value.lower():
                fault = _two_parents(label, f"{rank} {first}", row, f"{rank} {value}", numbers[place])
                faults.setdefault(label, fault if is_certain else warning(fault.code, fault.where, fault.message))
    return list(faults.values())


def _above(name: str, cells: Mapping[Rank, str | None]) -> tuple[Lineage, bool]:
    """The taxa above a name, authors aside, and whether they certainly are: no column says what rank a word has."""
    words = {rank: clean_name(cell).partition(" ")[0] for rank, cell in cells.items() if cell}
    named = {rank: word for rank, word in words.items() if word.lower() not in _NOTHING}
    own = next((rank for rank, word in named.items() if word == name), None)
    above = {rank: word for rank, word in named.items() if own is None or rank.depth < own.depth}
    return above, own is not None or " " in name
