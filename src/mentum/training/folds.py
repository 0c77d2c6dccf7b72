"""Train a recipe on the folds of a data set, one file of predictions each."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import as_completed
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mentum.model.session import Outputs
from mentum.processes import signals_kept_back, worker_pool
from mentum.records import Progress, ignore_progress
from mentum.runs import write_parquet
from mentum.settings import Settings
from mentum.specimens.folds import Fold
from mentum.taxonomy import WHOLE_TREE, Target, Taxonomy
from mentum.training.preparation import prepare
from mentum.training.retraining import Retraining, discard, trained
from mentum.training.tasks import task_ranks


def fold_file(folder: Path, fold: Fold) -> Path:
    """Where the predictions of a fold lie; a group's name, of which a file name may hold only a part, with its hash."""
    if fold.name.isdecimal():
        return folder / "folds" / f"{fold.name}.parquet"
    plain = "".join(letter if letter.isalnum() else "_" for letter in fold.name[:40])
    return folder / "folds" / f"{plain}-{hashlib.sha256(fold.name.encode()).hexdigest()[:8]}.parquet"


def learn_fold(retraining: Retraining, fold: Fold, folder: Path, stage: Literal[1, 2]) -> None:
    """Train on a fold and write its predictions, unless that is done already.

    Args:
        retraining: the recipe and all images.
        fold: to train on.
        folder: of the study.
        stage: 2 trains both stages, 1 the top classifier on features of the frozen backbone.
    """
    file = fold_file(folder, fold)
    training = file.with_suffix("")
    if not file.is_file():
        outputs = retraining.train_head(fold) if stage == 1 else retraining.train(fold, training)
        if stage == 1:
            retraining.report(trained(fold))
        write_parquet(_predictions(retraining, fold, outputs), file)
    discard(training)  # only now: after a kill it is taken up again


def learn_folds(
    retraining: Retraining, folds: Sequence[Fold], folder: Path, stage: Literal[1, 2], cache: Path, jobs: int
) -> None:
    """Train on all folds, in several processes where asked to.

    Args:
        retraining: the recipe and all images, in this process.
        folds: all; those that are done are not repeated.
        folder: of the study.
        stage: 2 trains both stages, 1 the top classifier on features of the frozen backbone.
        cache: folder of the pixel cache.
        jobs: processes that train at a time, each with its share of the threads; only where both stages are trained.
    """
    waiting = [fold for fold in folds if not fold_file(folder, fold).is_file()]
    for file in (fold_file(folder, fold) for fold in folds):
        if file.is_file():
            discard(file.with_suffix(""))  # what a kill kept from being removed
    if jobs == 1 or stage == 1 or len(waiting) < 2:
        for fold in waiting:
            learn_fold(retraining, fold, folder, stage)
        return
    threads = max((retraining.settings.threads or os.cpu_count() or 1) // jobs, 1)
    settings = retraining.settings.model_copy(update={"threads": threads})
    job = partial(_learn_elsewhere, retraining.prepared.table.source, settings, folder, cache)
    with worker_pool(jobs) as pool:
        with signals_kept_back():
            futures = [pool.submit(job, fold) for fold in waiting]
        for done, future in enumerate(as_completed(futures), start=1):
            if future.exception():
                pool.shutdown(cancel_futures=True)  # a fold under way is finished, and kept
            future.result()
            retraining.report(Progress(task="folds", done=done, total=len(waiting), unit="folds"))


def _learn_elsewhere(source: Path, settings: Settings, folder: Path, cache: Path, fold: Fold) -> None:
    """In another process, which finds the images in the pixel cache."""
    prepared = prepare(source, settings, cache, ignore_progress)
    learn_fold(Retraining.of_data(prepared, settings, folder, ignore_progress), fold, folder, 2)


def _predictions(retraining: Retraining, fold: Fold, outputs: Outputs) -> pl.DataFrame:
    """Of the images judged, and of those that training looked at, over the taxa of the whole data set."""
    rows = np.concatenate([fold.rows("test"), fold.rows("validation")])
    prepared, head = retraining.prepared, retraining.settings.head
    columns = {
        "file_name": pl.Series([prepared.table.file_names[row] for row in rows.tolist()]),
        "subset": pl.Series(fold.subsets[rows].tolist()),
    }
    models = [WHOLE_TREE.name] if head.kind == WHOLE_TREE.name else map(str, task_ranks(prepared.taxonomy, head))
    for model in models:
        told = outputs.y_prob.get(model)
        y_prob = _only(fold.taxonomy, model, len(rows)) if told is None else told[rows]
        spread = retraining.spread(fold, model, y_prob)
        columns[model] = pl.Series(spread, dtype=pl.Array(pl.Float32, spread.shape[1]))
    return pl.DataFrame(columns)


def _only(taxonomy: Taxonomy, model: str, n: int) -> NDArray[np.float32]:
    """Probabilities (n, C) at a rank at which a fold leaves nothing to tell apart, so that nothing was learned."""
    n_taxa = len(Target.of(model).taxa(taxonomy))
    return np.full((n, n_taxa), 1 / n_taxa, dtype=np.float32)
