"""Evaluate a run."""

from __future__ import annotations

from dataclasses import dataclass

from mentum.disks import require_place
from mentum.errors import RunError
from mentum.evaluation.probabilities import evaluate_probabilities
from mentum.evaluation.result_table import score_run
from mentum.evaluation.results import CalibrationReport, Evaluation
from mentum.locks import sole_owner
from mentum.reporting.figures.calibration import draw_calibration
from mentum.reporting.figures.confusions import draw_confusions
from mentum.runs import Run
from mentum.workflows.arguments import PathLike, open_run


@dataclass(frozen=True)
class Evaluated:
    """How good a run is.

    Attributes:
        evaluation: the paper's table, scores of taxa, confusion matrices, misclassified images.
        calibration: what probabilities mean and which ranks can be defended; None where that cannot be said.
        not_calibrated: why it cannot, in words.
    """

    evaluation: Evaluation
    calibration: CalibrationReport | None = None
    not_calibrated: str | None = None


def evaluate(run: PathLike | Run, *, error_rate: float = 0.05) -> Evaluated:
    """Score a run, say what its probabilities mean, and which ranks can be defended.

    Writes `evaluation.json`, `calibration.json` and `figures/` into the run's folder.

    Args:
        run: a complete run, or its folder.
        error_rate: share of the answers at a rank that may be wrong, 0-1.

    Raises:
        RunError: if there is no complete run, or it is damaged.
        BusyError: if another process writes into its folder.
    """
    opened = open_run(run)
    require_place(opened.path)
    with sole_owner(opened.path):
        return _evaluate(opened, error_rate)


def _evaluate(opened: Run, error_rate: float) -> Evaluated:
    evaluation = score_run(opened)
    evaluation.write(opened.evaluation_file)
    draw_confusions(evaluation, opened.path / "figures")
    try:
        calibration = evaluate_probabilities(opened, error_rate)
    except RunError as reason:
        return Evaluated(evaluation, not_calibrated=str(reason))
    calibration.write(opened.calibration_file)
    draw_calibration(calibration, opened.path / "figures")
    return Evaluated(evaluation, calibration)
