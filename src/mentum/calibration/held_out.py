"""The specimens on which a run's probabilities and thresholds are learned and judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mentum.calibration.cases import Cases
from mentum.calibration.out_of_fold import OutOfFold
from mentum.calibration.temperatures import log_probabilities
from mentum.errors import RunError
from mentum.runs import Run
from mentum.specimens.folds import spread_over_parts
from mentum.taxonomy import WHOLE_TREE

N_GROUPS = 5
"""Parts that specimens are shared into, where they are judged by what was learned from the others."""


@dataclass(frozen=True)
class Turn:
    """Rows that something is learned from, and rows that are judged by it."""

    learned: NDArray[np.int64]
    judged: NDArray[np.int64]


@dataclass(frozen=True)
class HeldOut:
    """Images that the networks were not trained on.

    Attributes:
        cases: all of them.
        turns: how they are kept apart.
        method: that, in words.
        learned: rows from which a released model learns.
    """

    cases: Cases
    turns: Sequence[Turn]
    method: str
    learned: NDArray[np.int64]


def held_out(run: Run, seed: int) -> HeldOut:
    """Find the material for calibration: out-of-fold predictions where there are any, else the validation images.

    Test images, where the run has any, only judge; without them, each part of the specimens is judged by what was
    learned from the other parts.

    Raises:
        RunError: if the run has no validation images, or those of one specimen only and no test images.
    """
    folds = read_folds(run)
    source, chosen, log_prob, measures = folds if folds else _of_last_stage(run, "validation")
    _, tested, test_prob, _ = _of_last_stage(run, "test")
    if not len(chosen):
        raise RunError(
            f"{run.path}: has no validation images, from which probabilities could be calibrated; "
            "run `mentum calibrate` first."
        )
    labels, specimens = run.labels(), run.table()["specimen"].to_numpy().astype(str)
    rows = np.concatenate([chosen, tested])
    joined = {name: np.concatenate([values, test_prob[name]]) for name, values in log_prob.items()}
    kept = None if measures is None else np.vstack([measures, np.full((len(tested), 2), np.nan)])
    chosen_labels, ranks = [labels[row] for row in rows.tolist()], run.record().ranks
    cases = Cases(source, run.taxonomy(), specimens[rows], chosen_labels, joined, kept, ranks)
    learned = np.arange(len(chosen))
    if len(tested):
        turn = Turn(learned, np.arange(len(chosen), len(rows)))
        return HeldOut(cases, [turn], f"learned from the {source} specimens, judged on the test specimens", learned)
    if cases.n_specimens < 2:
        raise RunError(
            f"{run.path}: has 1 {source} specimen, expected 2 or more: none is judged by what was learned from "
            "itself; add specimens."
        )
    method = f"{source} specimens in {N_GROUPS} parts, each judged by what was learned from the others"
    return HeldOut(cases, _turns(cases, seed), method, learned)


def _of_last_stage(
    run: Run, subset: str
) -> tuple[str, NDArray[np.int64], dict[str, NDArray[np.float64]], NDArray[np.float64] | None]:
    """Rows of a subset, and the uncalibrated probabilities of the networks for them."""
    predictions = list(run.predictions())[-1]
    rows = np.flatnonzero(predictions.subsets == subset)
    by_rank = {rank: log_probabilities(values[rows]) for rank, values in predictions.probabilities.items()}
    if run.record().settings.head.kind == WHOLE_TREE.name:
        return subset, rows, {WHOLE_TREE.name: by_rank[run.taxonomy().ranks[0]]}, None
    return subset, rows, {str(rank): values for rank, values in by_rank.items()}, None


def _turns(cases: Cases, seed: int) -> list[Turn]:
    """Parts of about equal size, each with specimens of every taxon as far as they go."""
    parts = spread_over_parts(cases.specimens, cases.labels, N_GROUPS, seed)
    return [Turn(np.flatnonzero(parts != part), np.flatnonzero(parts == part)) for part in np.unique(parts).tolist()]


def read_folds(
    run: Run,
) -> tuple[str, NDArray[np.int64], dict[str, NDArray[np.float64]], NDArray[np.float64] | None] | None:
    """Out-of-fold predictions that `mentum calibrate` has stored, or None.

    Raises:
        RunError: if they are damaged, or belong to other images.
    """
    if not run.folds_file.is_file():
        return None
    remedy = "give `mentum calibrate` again"
    found, table = OutOfFold.read(run.folds_file, remedy), run.table()
    places = {place: row for row, place in enumerate(zip(table["file_name"], table["specimen"], strict=True))}
    rows = [places.get(place, -1) for place in zip(found.file_names, found.specimens, strict=True)]
    if -1 in rows or not found.knows(run.taxonomy()):
        raise RunError(
            f"{run.folds_file}: lists other images than {run.table_file}, or other specimens or taxa; {remedy}."
        )
    return "out-of-fold", np.array(rows, dtype=np.int64), found.log_prob, found.measures
