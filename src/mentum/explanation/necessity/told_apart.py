"""What tells a taxon from another: how much its images need each character where the other one gave its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mentum.evaluation.intervals import accuracy_interval
from mentum.explanation.evidence import RankEvidence, RunEvidence
from mentum.explanation.necessity.measures import RankNecessity
from mentum.explanation.necessity.trials import NO_CONTROL, Trials
from mentum.explanation.results import FEWEST_GIVEN, NONE, PairShare, TaxonPair

MOST_PAIRS = 6
"""Pairs of taxa at a rank."""
SEED = 0
"""Of the draws for intervals."""
PAIRS_RULE = (
    "Pairs of which one was identified as the other come first, those confused most often before others; then each "
    f"taxon beside its nearest relative among those that gave characters; those with fewer than {FEWEST_GIVEN} images, "
    f"which say little, come last, and there are at most {MOST_PAIRS} pairs at a rank."
)


@dataclass(frozen=True)
class _Falls:
    """What single characters cost: a row for each image and each taxon that gave its characters.

    Attributes:
        row: (M,) of the image; likewise `donor` one of those that gave, and `taxon`, `other` the columns of the taxa.
        fall: (M, C) mean over the donors of that taxon; NaN where a character was not replaced.
    """

    row: NDArray[np.int64]
    donor: NDArray[np.int64]
    taxon: NDArray[np.int64]
    other: NDArray[np.int64]
    fall: NDArray[np.float64]


def told_apart(
    evidence: RunEvidence, at_rank: RankEvidence, trials: Trials, found: RankNecessity, characters: Sequence[str]
) -> list[TaxonPair]:
    """What tells taxa apart that are near relatives or were confused, as `PAIRS_RULE` says.

    Args:
        evidence: all images.
        at_rank: the same at the rank.
        trials: all pictures in which characters were replaced.
        found: what each character costs at the rank, and by chance.
        characters: their names.
    """
    falls = _falls(at_rank, trials, len(characters))
    pairs = list(_chosen(at_rank, falls))[:MOST_PAIRS]
    return [
        _pair(evidence, at_rank, falls, (pair, falls.fall - found.usual, found.chance), characters) for pair in pairs
    ]


def _falls(at_rank: RankEvidence, trials: Trials, n: int) -> _Falls:
    """Correct identifications alone."""
    outcome = trials.ranks[at_rank.rank]
    single = np.isin(trials.replaced, [1 << place for place in range(n)]) & (trials.control == NO_CONTROL)
    kept = np.flatnonzero(single & outcome.foreign & at_rank.correct[trials.row])
    row, donor = trials.row[kept], trials.donor[kept]
    of_donor = at_rank.y_true[donor]
    keys, first, place = np.unique(np.stack([row, of_donor]), axis=1, return_index=True, return_inverse=True)
    sums, counts = np.zeros((2, keys.shape[1], n))
    character = np.log2(np.maximum(trials.replaced[kept], 1)).round().astype(int)
    np.add.at(sums, (place.ravel(), character), outcome.fall[kept])
    np.add.at(counts, (place.ravel(), character), 1)
    fall = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    return _Falls(keys[0], donor[first], at_rank.y_pred[keys[0]], keys[1], fall)


def _chosen(at_rank: RankEvidence, falls: _Falls) -> Iterator[tuple[int, int, int]]:
    """Taxon, the other one, and how many images were confused, the most instructive first."""
    there = sorted({*zip(falls.taxon.tolist(), falls.other.tolist(), strict=True)})
    shared = {pair: _ranks_shared(at_rank, *pair) for pair in there}
    confused = {pair: _confused(at_rank, *pair) for pair in there}
    nearest = {one: max(shared[pair] for pair in there if pair[0] == one) for one, _ in there}
    images = {pair: np.count_nonzero((falls.taxon == pair[0]) & (falls.other == pair[1])) for pair in there}
    wanted = [pair for pair in there if confused[pair] or shared[pair] == nearest[pair[0]]]
    few = {pair: images[pair] < FEWEST_GIVEN for pair in there}
    for pair in sorted(wanted, key=lambda pair: (few[pair], -confused[pair], -shared[pair], -images[pair], pair)):
        yield *pair, confused[pair]


def _ranks_shared(at_rank: RankEvidence, one: int, other: int) -> int:
    return len(set(at_rank.taxa[one].path) & set(at_rank.taxa[other].path))


def _confused(at_rank: RankEvidence, one: int, other: int) -> int:
    """Images of either that were identified as the other one."""
    there = (at_rank.y_true == one) & (at_rank.y_pred == other)
    back = (at_rank.y_true == other) & (at_rank.y_pred == one)
    return int(np.count_nonzero(there | back))


def _pair(
    evidence: RunEvidence,
    at_rank: RankEvidence,
    falls: _Falls,
    measured: tuple[tuple[int, int, int], NDArray[np.float64], float],
    characters: Sequence[str],
) -> TaxonPair:
    (one, other, confused), necessity, chance = measured
    chosen = np.flatnonzero((falls.taxon == one) & (falls.other == other))
    rows = falls.row[chosen]
    specimens = evidence.specimens[rows]
    known = np.where(np.isnan(necessity[chosen]), -np.inf, necessity[chosen])
    used = np.where(known.max(axis=1) > chance, known.argmax(axis=1), -1)
    best = chosen[np.argmax(at_rank.probabilities[rows])]
    shares = [
        PairShare(
            character=name,
            used=float((used == place).mean()),
            interval=accuracy_interval(used == place, specimens, SEED),
            necessity=_mean(necessity[chosen, place]) if place >= 0 else None,
        )
        for place, name in [*enumerate(characters), (-1, NONE)]
    ]
    return TaxonPair(
        rank=at_rank.rank,
        taxon=at_rank.taxa[one].name,
        other=at_rank.taxa[other].name,
        n_confused=confused,
        shares=tuple(shares),
        n=len(rows),
        n_specimens=len(np.unique(specimens)),
        images=(evidence.file_names[int(falls.row[best])], evidence.file_names[int(falls.donor[best])]),
    )


def _mean(values: NDArray[np.float64]) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
