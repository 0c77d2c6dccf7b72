"""Cross-validate a recipe on a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mentum.evaluation.cross_validation import CrossValidation, Judged, calibrate_folds, score
from mentum.evaluation.results import CalibrationReport
from mentum.locks import sole_owner
from mentum.records import ProgressCallback, ignore_progress
from mentum.runs import OUT_OF_FOLD
from mentum.settings import Settings
from mentum.studies import require_study_place
from mentum.training.folds import fold_file, learn_folds
from mentum.training.preparation import prepare
from mentum.training.retraining import Retraining
from mentum.training.tasks import task_ranks
from mentum.workflows.arguments import PathLike, cache_folder, settings_of
from mentum.workflows.folds import choose_folds, take_folder


@dataclass(frozen=True)
class CrossValidated:
    """How good a recipe is, and what its probabilities mean."""

    scores: CrossValidation
    calibration: CalibrationReport


def crossvalidate(
    data: PathLike,
    out: PathLike,
    recipe: PathLike | Settings = "default",
    *,
    folds: int | None = None,
    leave_out: str | None = None,
    stage: Literal[1, 2] = 2,
    jobs: int = 1,
    error_rate: float = 0.05,
    overrides: Sequence[str] = (),
    backbone: str | None = None,
    seed: int | None = None,
    layout: str | None = None,
    cache: PathLike | None = None,
    report: ProgressCallback = ignore_progress,
    command: str = "",
) -> CrossValidated:
    """Judge a recipe on every specimen once, by trainings that neither learned from it nor stopped by it.

    Writes `crossvalidation.json`, `calibration.json` and `out_of_fold.parquet`.

    Args:
        data: a folder per taxon, a folder with specimens.csv, or a CSV or Parquet table.
        out: folder for it; folds that an earlier, interrupted call left there are not repeated.
        recipe: "default", "paper", "quick", "characters", a TOML file, or complete settings.
        folds: parts of the specimens, as many trainings; None = 5.
        leave_out: column whose groups are judged in turn instead, such as "locality".
        stage: 2 trains both stages, 1 the top classifier on features of the frozen backbone.
        jobs: folds that are trained at a time, where both stages are.
        error_rate: share of the answers at a rank that may be wrong, 0-1.
        overrides: values of the recipe to replace, such as "stage2.epochs=20".
        backbone: hub id, local Hugging Face folder, "builtin" or "random"; None = the recipe's.
        seed: of every random choice; None = the recipe's.
        layout: what each level of folders is, such as "genus/species"; None = the recipe's.
        cache: folder of the pixel cache; None = the user's.
        report: told about every step.
        command: how it was asked for, for the record.

    Raises:
        DataError: listing all faults of the data, or if it does not allow such folds.
        RunError: if `out` holds something else.
        SettingsError: if the arguments contradict each other or the recipe.
        BusyError: if another process writes `out`.
    """
    settings, out = settings_of(recipe, overrides, backbone, seed, layout), Path(out)
    require_study_place(out)
    with sole_owner(out):
        prepared = prepare(Path(data), settings, cache_folder(cache), report)
        design, dealt = choose_folds(prepared.table, folds, leave_out, settings)
        take_folder(out, prepared, settings, design, stage, command)
        retraining = Retraining.of_data(prepared, settings, out, report)
        learn_folds(retraining, dealt, out, stage, cache_folder(cache), jobs)
        about = {"design": design, "stage": stage, "backbone": settings.backbone.source, "seed": settings.seed}
        files = [fold_file(out, fold) for fold in dealt]
        judged = Judged.read(prepared.table, dealt, files, task_ranks(prepared.taxonomy, settings.head))
        return _score(judged, about, error_rate, out)


def _score(judged: Judged, about: Mapping[str, Any], error_rate: float, out: Path) -> CrossValidated:
    """Score what the folds predicted, and write all of it."""
    judged.write(out / OUT_OF_FOLD)
    found = CrossValidated(score(judged, about), calibrate_folds(judged, error_rate))
    found.scores.write(out / "crossvalidation.json")
    found.calibration.write(out / "calibration.json")
    return found
