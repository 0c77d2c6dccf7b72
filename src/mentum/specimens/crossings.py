"""What stands on several sides of a split: one specimen, one photograph, one session of photography."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from mentum.records import Fault, Record, warning
from mentum.specimens.alike import SURE_DISTANCE, groups_of, near_duplicates, perceptual_hashes
from mentum.specimens.manifest import SpecimenTable
from mentum.specimens.splits import given_subsets
from mentum.texts import visible

CODE = "split-crossed"
"""Of the faults that say what crosses the user's split."""

N_KEPT = 10
"""Groups that are kept by name, and images of each side of them."""
N_SHOWN = 3

SAME_BYTES, ALIKE, ONE_SPECIMEN = "images with the same bytes", "photographs that look alike", "images of one specimen"

_SESSION: tuple[str, ...] = ("eventDate", "locality", "recordedBy")
_DAY = re.compile(r"\d{4}-\d\d?-\d\d?|\d{4}/\d\d?/\d\d?|\d\d?[./-]\d\d?[./-]\d{2,4}|\d{8}(?!\d)")


class Crossing(Record):
    """Groups of images that belong together, and how many of them a split tears apart.

    Attributes:
        what: what the images of a group have in common, in words.
        n_groups: groups of two images or more.
        n_crossing: those on several sides.
        n_pairs: pairs of images on two sides.
        sides: "train and test" → such pairs, most first.
        worst: the groups with most images on several sides: subset → file names.
    """

    what: str
    n_groups: int
    n_crossing: int
    n_pairs: int
    sides: dict[str, int]
    worst: tuple[dict[str, tuple[str, ...]], ...]

    @property
    def sentence(self) -> str:
        """Say it."""
        if not self.n_crossing:
            return f"none of {self.n_groups} groups of {self.what} stands on several sides of the split."
        sides = ", ".join(f"{number} {names}" for names, number in self.sides.items())
        pairs = f"{self.n_pairs} pair{'s' if self.n_pairs > 1 else ''}"
        shown = "; ".join(map(_named, self.worst[:N_SHOWN]))
        return (
            f"{self.n_crossing} of {self.n_groups} groups of {self.what} stand on several sides of the split "
            f"({pairs}: {sides}), such as {shown}."
        )


def _named(group: Mapping[str, Sequence[str]]) -> str:
    """One image of each side, and how many more."""
    first = " and ".join(f"{visible(names[0])} ({subset})" for subset, names in group.items())
    more = sum(len(names) - 1 for names in group.values())
    return f"{first}{f' with {more} more' if more else ''}"


def find_crossing(
    what: str,
    groups: Iterable[Sequence[int]],
    subsets: Sequence[str],
    names: Sequence[str],
    pairs: Sequence[Sequence[int]] | None = None,
) -> Crossing:
    """Count the groups that stand on several sides of a split.

    Args:
        what: what the images of a group have in common, in words.
        groups: rows of each.
        subsets: of each image; "" where it stands in none.
        names: file names.
        pairs: of rows, where not all images of a group are pairs.
    """
    placed = [[row for row in group if subsets[row]] for group in groups]
    kept = [group for group in placed if len(group) > 1]
    torn = [group for group in kept if len({subsets[row] for row in group}) > 1]
    counted = _pairs_of_groups(torn, subsets) if pairs is None else _pairs_by_row(pairs, subsets)
    torn.sort(key=len, reverse=True)
    return Crossing(
        what=what,
        n_groups=len(kept),
        n_crossing=len(torn),
        n_pairs=sum(counted.values()),
        sides=dict(counted.most_common()),
        worst=tuple(_by_subset(group, subsets, names) for group in torn[:N_KEPT]),
    )


def _pairs_of_groups(groups: Iterable[Sequence[int]], subsets: Sequence[str]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for group in groups:
        sizes = Counter(subsets[row] for row in group)
        for one, other in combinations(sorted(sizes, key=_order), 2):
            counted[f"{one} and {other}"] += sizes[one] * sizes[other]
    return counted


def _pairs_by_row(pairs: Iterable[Sequence[int]], subsets: Sequence[str]) -> Counter[str]:
    sides = (sorted({subsets[row] for row in pair} - {""}, key=_order) for pair in pairs)
    return Counter(" and ".join(both) for both in sides if len(both) == 2)


def _order(subset: str) -> tuple[int, str]:
    usual = ("train", "validation", "test")
    return (usual.index(subset) if subset in usual else len(usual), subset)


def _by_subset(group: Sequence[int], subsets: Sequence[str], names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    sides = sorted({subsets[row] for row in group}, key=_order)
    return {side: tuple(names[row] for row in group if subsets[row] == side)[:N_KEPT] for side in sides}


def group_by(keys: Iterable[str | None]) -> list[list[int]]:
    """Rows with the same key, for keys that several have; None and "" are no keys."""
    rows_of: dict[str, list[int]] = {}
    for row, key in enumerate(keys):
        if key:
            rows_of.setdefault(key, []).append(row)
    return [rows for rows in rows_of.values() if len(rows) > 1]


def known_crossings(table: SpecimenTable, subsets: Sequence[str]) -> list[Crossing]:
    """What the table alone tells: specimens, and sessions, that stand on several sides."""
    found = []
    if table.specimens_named:
        found.append(find_crossing(ONE_SPECIMEN, group_by(table.specimens.tolist()), subsets, table.file_names))
    keys, columns = _sessions(table)
    if keys:
        what = f"images of one session ({', '.join(columns)})"
        found.append(find_crossing(what, group_by(keys), subsets, table.file_names))
    return [each for each in found if each.n_groups]


def _sessions(table: SpecimenTable) -> tuple[list[str | None], list[str]]:
    """The day, place and photographer of each image as a key, None without a day and one of the others."""
    columns = [name for name in _SESSION if name in table.frame.columns]
    if len(columns) < 2 or columns[0] != "eventDate":
        return [], columns
    keys = []
    for date, *others in table.frame.select(columns).iter_rows():
        day = _DAY.search(date or "")
        keys.append("\n".join((day[0], *(other or "" for other in others))) if day and any(others) else None)
    return keys, columns


def split_faults(table: SpecimenTable, hashes: Sequence[str]) -> list[Fault]:
    """What crosses the split that the user gave: specimens, sessions and images with the same bytes.

    Args:
        table: the data set; without a split nothing is wrong with it.
        hashes: `content_hash` of each row's image, "" where it cannot be read.
    """
    subsets = given_subsets(table)
    if subsets is None:
        return []
    bytes_alike = find_crossing(SAME_BYTES, group_by(hashes), subsets.tolist(), table.file_names)
    found = [bytes_alike, *known_crossings(table, subsets.tolist())]
    return [*_unplaced(table, subsets), *(_fault(each) for each in found if each.n_crossing)]


def alike_faults(table: SpecimenTable, pixels: NDArray[np.uint8]) -> list[Fault]:
    """Photographs that look alike and stand on several sides of the user's split, by their hashes alone.

    Args:
        table: the data set.
        pixels: (N, S, S, 3) uint8, its squares.
    """
    subsets = given_subsets(table)
    if subsets is None or len(set(subsets.tolist()) - {""}) < 2:
        return []
    pairs = near_duplicates(perceptual_hashes(pixels), max_distance=SURE_DISTANCE)
    found = alike_crossing(pairs.rows, subsets.tolist(), table.file_names)
    return [_fault(found)] if found.n_crossing else []


def alike_crossing(pairs: NDArray[np.int64], subsets: Sequence[str], names: Sequence[str]) -> Crossing:
    """Near-duplicates on several sides of a split, from (P, 2) rows of theirs."""
    return find_crossing(ALIKE, groups_of(pairs), subsets, names, pairs.tolist())


def _fault(found: Crossing) -> Fault:
    return warning(CODE, "split", f"{found.sentence} They make a test too easy; put each group on one side.")


def _unplaced(table: SpecimenTable, subsets: NDArray[np.str_]) -> list[Fault]:
    """Rows whose subset is none."""
    given = table.frame["split"].to_list()
    odd = Counter(value or "" for value, subset in zip(given, subsets.tolist(), strict=True) if not subset)
    if not odd:
        return []
    listed = ", ".join(f"'{visible(value)}' ({number})" for value, number in odd.most_common(N_SHOWN))
    message = f"{odd.total()} images stand in no subset (found {listed}); expected train, validation or test."
    return [warning("no-subset", "split", message)]
