"""Share specimens out among training, validation and test; no specimen ever stands on two sides."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mentum.errors import DataError
from mentum.settings import SplitSettings
from mentum.specimens.folders import SUBSETS
from mentum.specimens.manifest import SpecimenTable
from mentum.taxonomy import Taxon, lowest_labels, order_of


def split_specimens(table: SpecimenTable, settings: SplitSettings, seed: int) -> NDArray[np.str_]:
    """Name the subset of each image: "train", "validation" or "test".

    Returns:
        (N,) str; all images of a specimen are in one subset.

    Raises:
        DataError: if a subset that is needed stays empty, or the table's own `split` column is unusable.
    """
    if settings.policy == "column":
        subsets = _from_column(table)
    else:
        groups = _specimens_by_taxon(table)
        place = {taxon: _share_out(specimens, settings, seed) for taxon, specimens in groups.items()}
        subset_of = {specimen: subset for subsets in place.values() for specimen, subset in subsets.items()}
        subsets = [subset_of[specimen] for specimen in table.specimens]
    result = np.array(subsets, dtype=str)
    for needed in ("train", "validation"):
        if needed not in result:
            raise DataError(
                f"{table.source}: the split leaves no {needed} images ({len(set(table.specimens))} specimens in all); "
                "add specimens or choose another split policy."
            )
    return result


def _specimens_by_taxon(table: SpecimenTable) -> dict[Taxon, list[str]]:
    """Specimens of each taxon in the order of the table; a specimen counts under its lowest label."""
    groups: dict[Taxon, list[str]] = {}
    for specimen, label in lowest_labels(table.specimens.tolist(), table.labels).items():
        groups.setdefault(label, []).append(specimen)
    return dict(sorted(groups.items(), key=lambda group: order_of(group[0])))


def _share_out(specimens: Sequence[str], settings: SplitSettings, seed: int) -> dict[str, str]:
    """Subset of each specimen of one taxon."""
    shuffled = sorted(specimens, key=lambda specimen: _ticket(specimen, seed))
    held_out = shuffled[: _quota(len(shuffled), settings.test)]
    rest = [specimen for specimen in specimens if specimen not in set(held_out)]
    if settings.policy == "every-fifth":
        validation = set(rest[::5]) if len(rest) > 1 else set()
    else:
        remaining = [specimen for specimen in shuffled if specimen not in set(held_out)]
        wanted = _quota(len(specimens), settings.validation)
        validation = set(remaining[: min(wanted, len(remaining) - 1)])
    named = dict.fromkeys(rest, "train") | dict.fromkeys(validation, "validation")
    return named | dict.fromkeys(held_out, "test")


def _quota(n: int, share: float) -> int:
    """How many of n specimens: rounded, at least one where the share is above zero, and one left for training.

    >>> [_quota(n, 0.2) for n in (1, 2, 5, 14)]
    [0, 1, 1, 3]
    """
    return min(max(round(n * share), 1), n - 1) if share > 0 and n > 1 else 0


def _ticket(specimen: str, seed: int) -> str:
    """A draw that depends on the specimen and the seed alone: adding specimens leaves the others' order."""
    return hashlib.sha256(f"{seed}/{specimen}".encode()).hexdigest()


def given_subsets(table: SpecimenTable) -> NDArray[np.str_] | None:
    """(N,) str: the subset of each image as the table or its folders give it, "" where they give none that is known.

    None where no image has one.
    """
    found = [SUBSETS.get((value or "").lower(), "") for value in table.frame["split"]]
    return np.array(found, dtype=str) if any(found) else None


def _from_column(table: SpecimenTable) -> list[str]:
    given = table.frame["split"].to_list()
    known = [SUBSETS.get((value or "").lower()) for value in given]
    wrong = sorted({str(value) for value, subset in zip(given, known, strict=True) if subset is None})
    if wrong:
        raise DataError(
            f"{table.source}: the column 'split' holds {', '.join(wrong[:5])}; expected train, validation or test "
            "in every row; correct them."
        )
    subsets = [subset for subset in known if subset is not None]
    sides: dict[str, set[str]] = {}
    for specimen, subset in zip(table.specimens.tolist(), subsets, strict=True):
        sides.setdefault(specimen, set()).add(subset)
    torn = sorted(specimen for specimen, found in sides.items() if len(found) > 1)
    if torn:
        raise DataError(
            f"{table.source}: the column 'split' puts images of one specimen on two sides ({', '.join(torn[:5])}"
            f"{' …' if len(torn) > 5 else ''}); give all images of a specimen the same subset."
        )
    return subsets
