"""Which images of a subset were identified wrongly and which rightly at the lowest rank, the most certain first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mentum.calibration.temperatures import at_ranks, at_temperature, log_probabilities
from mentum.errors import RunError
from mentum.runs import Run, StagePredictions
from mentum.taxonomy import WHOLE_TREE, Rank, Taxon

BELOW_ONE = 1 - 1e-9
"""The largest probability that is shown: rounding, not certainty, makes a 1."""


@dataclass(frozen=True)
class Identified:
    """One image and what it was identified as.

    Attributes:
        probability: of the taxon identified, 0-1.
    """

    file_name: str
    specimen: str
    label: Taxon
    taxon: Taxon
    probability: float


@dataclass(frozen=True)
class ByCertainty:
    """Images of a subset whose labels reach the lowest rank, each list from the most certain to the least."""

    rank: Rank
    wrong: list[Identified]
    right: list[Identified]


def by_certainty(run: Run, subset: str, temperatures: Mapping[str, float]) -> ByCertainty:
    """Sort the images of a subset by how certain the last stage is of them.

    Args:
        run: a complete run.
        subset: whose images.
        temperatures: of the networks, as in a calibration report; empty = probabilities as trained.

    Raises:
        RunError: if the run has no predictions.
    """
    stages = list(run.predictions())
    if not stages:
        raise RunError(f"{run.path}: found no predictions of any stage; train again into a new folder.")
    predictions, taxonomy, rank = stages[-1], run.taxonomy(), run.record().ranks[0]
    y_prob = _calibrate(run, predictions, rank, temperatures)
    y_true = np.array([taxonomy.truth(label, rank) for label in predictions.labels], dtype=np.int64)
    y_pred, taxa, names = y_prob.argmax(axis=1), taxonomy.taxa(rank), predictions.file_names
    chosen = np.flatnonzero((predictions.subsets == subset) & (y_true >= 0)).tolist()
    images = [
        Identified(
            names[row],
            str(predictions.specimens[row]),
            taxa[y_true[row]],
            taxa[y_pred[row]],
            min(float(y_prob[row].max()), BELOW_ONE),
        )
        for row in sorted(chosen, key=lambda row: (-y_prob[row].max(), names[row]))
    ]
    return ByCertainty(
        rank,
        wrong=[image for image in images if image.label != image.taxon],
        right=[image for image in images if image.label == image.taxon],
    )


def _calibrate(
    run: Run, predictions: StagePredictions, rank: Rank, temperatures: Mapping[str, float]
) -> NDArray[np.float64]:
    """Probabilities (N, C) at a rank."""
    taxonomy = run.taxonomy()
    if WHOLE_TREE.name in temperatures:
        leaves = log_probabilities(predictions.probabilities[taxonomy.ranks[0]])
        whole_tree = at_temperature(leaves, temperatures[WHOLE_TREE.name])
        return at_ranks({WHOLE_TREE.name: whole_tree}, taxonomy, [rank])[rank]
    return at_temperature(log_probabilities(predictions.probabilities[rank]), temperatures.get(rank.value, 1.0))
