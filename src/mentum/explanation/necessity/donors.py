"""Who gives an image characters, a near relative of its taxon and a far one, and who of its own taxon gives ground."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NO_DONOR = -1
N_DONORS = 2
"""Donors of each image: of the taxon that shares most ranks with its own, and of one that shares fewest."""
N_GIVING = 96
"""Images that give, two of each taxon at least: a few dozen are read once and kept, all would be read over and over."""


def choose_giving(labels: NDArray[np.int64], allowed: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Draw the images that may be donors, as evenly over the taxa as there are images.

    Args:
        labels: (N,) at the lowest rank, -1 where open.
        allowed: rows of images that have characters.
        seed: of the draw.

    Returns:
        Rows, ascending.
    """
    named = allowed[labels[allowed] >= 0]
    most = max(N_GIVING, 2 * len(np.unique(labels[named])))
    return np.sort(evenly(labels, named, most, seed))


def evenly(taxa: NDArray[np.int64], rows: NDArray[np.int64], n: int, seed: int) -> NDArray[np.int64]:
    """Draw up to n rows, the first of each taxon before the second of any."""
    order = np.random.default_rng(seed).permutation(rows)
    turn: dict[int, int] = {}
    rounds = []
    for taxon in taxa[order].tolist():
        turn[taxon] = turn.get(taxon, -1) + 1
        rounds.append(turn[taxon])
    return np.asarray(order[np.argsort(rounds, kind="stable")[:n]])


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


def choose_peers(
    answers: NDArray[np.int64],
    labels: NDArray[np.int64],
    specimens: NDArray[np.str_],
    allowed: NDArray[np.int64],
    seed: int,
) -> NDArray[np.int64]:
    """Draw for every image another specimen of the taxon that it is identified as; (N,) rows or `NO_DONOR`.

    Args:
        answers: (N,) at the lowest rank.
        labels: likewise, -1 where open.
        specimens: (N,) whose images they are.
        allowed: rows of images that may be drawn.
        seed: of the draws.
    """
    chosen = np.full(len(answers), NO_DONOR)
    for row, taxon in enumerate(answers.tolist()):
        others = allowed[(labels[allowed] == taxon) & (specimens[allowed] != specimens[row])]
        if len(others):
            chosen[row] = others[np.random.default_rng([seed, row]).integers(len(others))]
    return chosen
