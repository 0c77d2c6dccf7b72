"""How much the identifications of a run need each character: which images are asked, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mentum.evaluation.intervals import accuracy_interval
from mentum.explanation.annotation.characters import Annotations
from mentum.explanation.evidence import RankEvidence, RunEvidence
from mentum.explanation.necessity.credit import pairs
from mentum.explanation.necessity.donors import choose_giving, evenly
from mentum.explanation.necessity.measures import FALSE_POSITIVE, RankNecessity, measure
from mentum.explanation.necessity.trials import Answer, Plan, Trials, run_trials
from mentum.explanation.results import Chance, CharacterPair
from mentum.records import ProgressCallback
from mentum.taxonomy import Rank

N_CONTROLS = 100
"""Images in which the form of each character is laid elsewhere, and which are laid on other ground."""
N_CREDITED = 50
"""Images in which all sets of characters are replaced."""
RULE = (
    "the character used is the one without which, with another taxon's in its place, the log-odds of the taxon fall "
    f'most, where that is more than forms laid elsewhere cost in {1 - FALSE_POSITIVE:.0%} of the images; "any of '
    'several" where only the loss of all is so much; otherwise none'
)
"""How the character used is told, in words."""


def try_characters(
    answer: Answer,
    evidence: RunEvidence,
    annotations: Annotations,
    rows: NDArray[np.int64],
    seed: int,
    report: ProgressCallback,
) -> Trials:
    """Replace the characters of images and ask the network again.

    Args:
        answer: the run's network.
        evidence: what it says of the images.
        annotations: their characters.
        rows: the annotated images.
        seed: of all draws.
        report: told after each image.
    """
    lowest = next(iter(evidence.ranks.values()))
    plan = Plan(
        rows,
        choose_giving(lowest.y_true, rows, seed),
        frozenset(evenly(lowest.y_pred, rows, N_CONTROLS, seed).tolist()),
        frozenset(evenly(lowest.y_pred, rows, N_CREDITED, seed).tolist()),
        seed,
    )
    return run_trials(answer, evidence, annotations, plan, report)


def needs(trials: Trials, annotations: Annotations, rows: NDArray[np.int64], seed: int) -> dict[Rank, RankNecessity]:
    """What each character costs, of each rank at which some image could be given that of another taxon."""
    found = {
        rank: measure(trials, outcome, len(annotations.characters), seed) for rank, outcome in trials.ranks.items()
    }
    return {rank: each.take(rows) for rank, each in found.items() if each.measured[rows].any()}


def chances(found: Mapping[Rank, RankNecessity]) -> tuple[Chance, ...]:
    """What a character's loss must exceed at each rank."""
    return tuple(
        Chance(rank=rank, threshold=each.chance, false_positive_rate=FALSE_POSITIVE, n=each.n_controls)
        for rank, each in found.items()
    )


def character_pairs(
    evidence: RankEvidence, found: RankNecessity, specimens: NDArray[np.str_], characters: Sequence[str], seed: int
) -> list[CharacterPair]:
    """Every two characters that occur together in a correctly identified image of which all sets were tried."""
    listed = []
    for one, other in pairs(range(len(characters))):
        known = ~np.isnan(found.either[:, one, other]) & evidence.correct
        if known.any():
            either = found.either[known, one, other]
            listed.append(
                CharacterPair(
                    rank=evidence.rank,
                    characters=(characters[one], characters[other]),
                    either=float(either.mean()),
                    interval=accuracy_interval(either > 0.5, specimens[known], seed),
                    interaction=float(found.interaction[known, one, other].mean()),
                    n=int(known.sum()),
                )
            )
    return listed
