"""Whose characters an image is given: those of a near relative of its taxon, and of a far one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NO_DONOR = -1
N_DONORS = 2
"""Donors of each image: of the taxon that shares most ranks with its own, and of one that shares fewest."""


def choose_donors(
    answers: Sequence[NDArray[np.int64]], labels: Sequence[NDArray[np.int64]], allowed: NDArray[np.int64], seed: int
) -> NDArray[np.int64]:
    """Draw the donors of every image, from other taxa at the lowest rank.

    Args:
        answers: at each rank, lowest first, (N,) the column of the taxon that each image is identified as.
        labels: likewise of what each image is labelled as, -1 where open.
        allowed: rows of images that may be donors.
        seed: of the draws.

    Returns:
        (N, N_DONORS) rows of images; `NO_DONOR` where there is none of another taxon.
    """
    answered, labelled = np.stack(answers), np.stack(labels)[:, allowed]
    named = labelled[0] >= 0
    chosen = np.full((answered.shape[1], N_DONORS), NO_DONOR)
    for row in range(answered.shape[1]):
        shared = (labelled == answered[:, row : row + 1]).sum(axis=0)
        others = np.flatnonzero(named & (labelled[0] != answered[0, row]))
        if len(others):
            rng = np.random.default_rng([seed, row])
            for place, wanted in enumerate((shared[others].max(), shared[others].min())):
                chosen[row, place] = allowed[_draw(others[shared[others] == wanted], labelled[0], rng)]
    return chosen


def _draw(candidates: NDArray[np.int64], taxa: NDArray[np.int64], rng: np.random.Generator) -> int:
    """One of the candidates: first a taxon, so that those with many images do not count more."""
    known = np.unique(taxa[candidates])
    taxon = known[rng.integers(len(known))]
    of_taxon = candidates[taxa[candidates] == taxon]
    return int(of_taxon[rng.integers(len(of_taxon))])
