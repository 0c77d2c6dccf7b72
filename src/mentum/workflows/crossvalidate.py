"""Cross-validate a recipe on a data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mentum.evaluation.cross_validation import OUT_OF_FOLD, CrossValidation, Judged, calibrate_folds, score
from mentum.evaluation.results import CalibrationReport
from mentum.records import ProgressCallback, ignore_progress
from mentum.settings import Settings
from mentum.training.folds import FoldTraining, fold_file, learn_folds
from mentum.training.preparation import prepare
from mentum.training.tasks import task_ranks
from mentum.workflows.study_folder import choose_folds, take_folder


@dataclass(frozen=True)
class Plan:
    """How a recipe is judged.

    Attributes:
        n_folds: parts of the specimens, as many trainings; None = 5.
        leave_out: column whose groups are judged in turn instead, such as "locality".
        stage: 2 trains both stages, 1 the top classifier on features of the frozen backbone.
        jobs: folds that are trained at a time, where both stages are.
        error_rate: share of the answers at a rank that may be wrong, 0-1.
        command: how it was asked for, for the record.
    """

    n_folds: int | None = None
    leave_out: str | None = None
    stage: Literal[1, 2] = 2
    jobs: int = 1
    error_rate: float = 0.05
    command: str = ""


def crossvalidate(
    data: Path,
    out: Path,
    settings: Settings,
    *,
    cache: Path,
    plan: Plan = Plan(),
    report: ProgressCallback = ignore_progress,
) -> tuple[CrossValidation, CalibrationReport]:
    """Judge a recipe on every specimen once, by trainings that neither learned from it nor stopped by it.

    Writes `crossvalidation.json`, `calibration.json` and `out_of_fold.parquet`.

    Args:
        data: folder or table.
        out: folder for it; folds that an earlier, interrupted try left there are not repeated.
        settings: of the recipe.
        cache: folder of the pixel cache.
        plan: how.
        report: told about every step.

    Raises:
        DataError: listing all faults of the data, or if it does not allow such folds.
        RunError: if `out` holds something else.
        SettingsError: if the plan contradicts itself or the recipe.
    """
    prepared = prepare(data, settings, cache, report)
    design, folds = choose_folds(prepared.table, plan.n_folds, plan.leave_out, settings)
    take_folder(out, prepared, settings, design, plan.stage, plan.command)
    learn_folds(FoldTraining(prepared, settings, out, plan.stage, report), folds, cache, plan.jobs)
    files = [fold_file(out, fold) for fold in folds]
    judged = Judged.read(prepared.table, folds, files, task_ranks(prepared.taxonomy, settings.head))
    judged.write(out / OUT_OF_FOLD)
    about = {"design": design, "stage": plan.stage, "backbone": settings.backbone.source, "seed": settings.seed}
    found, calibration = score(judged, about), calibrate_folds(judged, plan.error_rate)
    found.write(out / "crossvalidation.json")
    calibration.write(out / "calibration.json")
    return found, calibration
