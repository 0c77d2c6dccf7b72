"""Let every specimen of a run calibrate it: out-of-fold predictions."""

from __future__ import annotations

from pathlib import Path

from mentum.calibration.cross_fitting import cross_fit
from mentum.disks import require_place
from mentum.locks import sole_owner
from mentum.records import ProgressCallback, ignore_progress
from mentum.runs import Run
from mentum.training.retraining import Retraining
from mentum.workflows.arguments import PathLike, cache_folder, open_run, path_or_none


def calibrate(
    run: PathLike | Run,
    *,
    folds: int = 5,
    data: PathLike | None = None,
    cache: PathLike | None = None,
    report: ProgressCallback = ignore_progress,
) -> Path:
    """Train the run's recipe on all folds but one, in turn, and keep what the networks say of the images left out.

    `evaluate` and `export` then learn probabilities and thresholds from these. A fold that is done is not repeated.

    Args:
        run: a complete run, or its folder.
        folds: parts of the specimens, 2 or more; as many trainings.
        data: where the images of the run are now, if they have moved.
        cache: folder of the pixel cache; None = the user's.
        report: told about every step.

    Returns:
        `out_of_fold.parquet` in the run's folder.

    Raises:
        RunError: if there are too few specimens, or the images are not those of the training.
        BusyError: if another process writes into the run's folder.
    """
    opened = open_run(run)
    require_place(opened.path)
    with sole_owner(opened.path):
        retraining = Retraining.of_run(opened, path_or_none(data), cache_folder(cache), report)
        return cross_fit(opened, lambda fold: retraining.train_once(fold, opened.path / fold.name), folds)
