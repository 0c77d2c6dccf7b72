"""Folds of a cross-validation: who is judged, who is trained on, and whose loss says when to stop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mentum.errors import DataError
from mentum.settings import SplitSettings
from mentum.specimens.columns import COLUMNS
from mentum.specimens.manifest import SpecimenTable
from mentum.specimens.splits import split_specimens
from mentum.taxonomy import Taxon, Taxonomy, lowest_labels, order_of


@dataclass(frozen=True)
class Fold:
    """One training on part of the specimens.

    Attributes:
        name: its number, the group that is judged, or where in the folder of a run it lies.
        subsets: (N,) str: "train" and "validation" are all that the training sees; "test" is judged.
        taxonomy: what is learned; in a cross-validation the lowest taxa of which the training sees a specimen or more.
    """

    name: str
    subsets: NDArray[np.str_]
    taxonomy: Taxonomy

    def rows(self, subset: str) -> NDArray[np.int64]:
        """Image numbers of a subset."""
        return np.flatnonzero(self.subsets == subset)


def deal_folds(table: SpecimenTable, n_folds: int, split: SplitSettings, seed: int) -> list[Fold]:
    """Judge each specimen once: specimens of every taxon are dealt to the folds in turn.

    Args:
        table: all images.
        n_folds: at least 2.
        split: says which share of the other folds' specimens training looks at without learning from them.
        seed: of the order of specimens.

    Raises:
        DataError: if there are more folds than specimens.
    """
    n_specimens = len(set(table.specimens.tolist()))
    if n_specimens < n_folds:
        raise DataError(
            f"{table.source}: has {n_specimens} specimens, expected {n_folds} or more for {n_folds} folds; give fewer "
            "--folds."
        )
    parts = spread_over_parts(table.specimens, table.labels, n_folds, seed)
    return [_fold(table, str(part + 1), parts == part, split, seed) for part in range(n_folds)]


def leave_groups_out(table: SpecimenTable, column: str, split: SplitSettings, seed: int) -> list[Fold]:
    """Judge each group once by what was learned from the others, such as each locality or each collector.

    Raises:
        DataError: if the column is not there, has empty cells or a single value, or divides a specimen.
    """
    groups = _column(table, column)
    names = sorted(set(groups.tolist()))
    if len(names) < 2:
        raise DataError(
            f"{table.source}: {column} is {names[0]} in every row, expected two values or more; give another column."
        )
    divided = _divided(table.specimens, groups)
    if divided:
        raise DataError(
            f"{table.source}: {len(divided)} specimens ({divided[0]} is the first) stand in several groups of {column} "
            "and would be judged by networks that know them; expected one value for all images of a specimen; "
            "correct the column or give another."
        )
    return [_fold(table, name, groups == name, split, seed) for name in names]


def _column(table: SpecimenTable, column: str) -> NDArray[np.str_]:
    """Values of a column under any name that it may have in the user's table, whatever its capitals."""
    ours = {alias.lower(): name for name, aliases in COLUMNS.items() for alias in (name, *aliases)}
    held = {series.name.lower(): series for series in (*table.frame, *table.others)}
    values = held.get(column.lower(), held.get(ours.get(column.lower(), column).lower()))
    if values is None:
        known = [series.name for series in held.values() if series.name not in ("file_name", "split")]
        raise DataError(
            f"{table.source}: has no column {column}, expected one of {', '.join(known)}; give one of these."
        )
    if empty := values.null_count():
        raise DataError(
            f"{table.source}: {empty} of {len(values)} rows have no {column}; fill them in, or leave these images out."
        )
    return np.array(values.to_list(), dtype=str)


def _divided(specimens: NDArray[np.str_], groups: NDArray[np.str_]) -> list[str]:
    """Specimens with images in several groups."""
    first: dict[str, str] = {}
    pairs = zip(specimens.tolist(), groups.tolist(), strict=True)
    return sorted({specimen for specimen, group in pairs if first.setdefault(specimen, group) != group})


def _fold(table: SpecimenTable, name: str, judged: NDArray[np.bool_], split: SplitSettings, seed: int) -> Fold:
    rest = np.flatnonzero(~judged)
    subsets = np.full(len(judged), "test", dtype="<U10")
    policy = "random" if split.policy == "column" else split.policy
    inner = split.model_copy(update={"policy": policy, "test": 0.0})
    subsets[rest] = split_specimens(table.take(rest), inner, seed)
    taxonomy = table.learned(subsets == "train")
    if not taxonomy.ranks:
        raise DataError(
            f"{table.source}: without fold {name} fewer than two taxa are left to learn; expected specimens of each "
            "taxon in several folds; give fewer --folds, or another column."
        )
    return Fold(name, subsets, taxonomy)


def thin(fold: Fold, table: SpecimenTable, per_taxon: int, seed: int) -> Fold:
    """Leave at most so many specimens of each taxon to learn from; what fewer keep, more keep too.

    Args:
        fold: of the table.
        table: all images.
        per_taxon: 1 or more.
        seed: of the choice.
    """
    lowest = lowest_labels(table.specimens.tolist(), table.labels)
    learned = sorted({str(table.specimens[row]) for row in fold.rows("train").tolist()})
    kept: dict[Taxon, list[str]] = {}
    for place in np.random.default_rng(seed).permutation(len(learned)).tolist():
        chosen = kept.setdefault(lowest[learned[place]], [])
        if len(chosen) < per_taxon:
            chosen.append(learned[place])
    stay = np.isin(table.specimens, [specimen for chosen in kept.values() for specimen in chosen])
    return replace(fold, subsets=np.where((fold.subsets == "train") & ~stay, "unused", fold.subsets).astype(str))


def unseen(table: SpecimenTable, folds: Sequence[Fold]) -> Iterator[tuple[Fold, Taxon, int]]:
    """Taxa that are judged in a fold but were not learned in it, with the number of their images there.

    Without those that lower taxa leave open: they need nothing but one of these to be right where they count.
    """
    closed = set(table.taxonomy.leaves) - table.taxonomy.open_leaves
    for fold in folds:
        judged = Counter(table.labels[row] for row in fold.rows("test").tolist())
        for taxon in sorted(judged.keys() - fold.taxonomy.place_of.keys(), key=order_of):
            if taxon in closed:
                yield fold, taxon, judged[taxon]


def spread_over_parts(
    specimens: NDArray[np.str_], labels: Sequence[Taxon], n_parts: int, seed: int
) -> NDArray[np.int64]:
    """The part of each image: all images of a specimen in one, the specimens of each taxon spread over all.

    Args:
        specimens: (N,).
        labels: N taxa.
        n_parts: how many.
        seed: of the order of specimens.

    Returns:
        (N,) int, 0 to n_parts - 1.
    """
    taxon_of = {specimen: order_of(label) for specimen, label in lowest_labels(specimens.tolist(), labels).items()}
    names = sorted(taxon_of)
    shuffled = [names[place] for place in np.random.default_rng(seed).permutation(len(names))]
    by_taxon = sorted(shuffled, key=lambda specimen: taxon_of[specimen])
    part_of = {specimen: place % n_parts for place, specimen in enumerate(by_taxon)}
    return np.array([part_of[specimen] for specimen in specimens.tolist()], dtype=np.int64)
