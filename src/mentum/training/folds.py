"""Train a recipe on the folds of a cross-validation and keep what the networks say of the images that they judge."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import cached_property, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from mentum.errors import SettingsError
from mentum.model.session import Outputs
from mentum.network.backbones import Backbone, load_backbone
from mentum.network.head import Head
from mentum.records import Progress, ProgressCallback, ignore_progress
from mentum.runs import Run, write_parquet
from mentum.settings import Settings
from mentum.specimens.folds import Fold
from mentum.taxonomy import WHOLE_TREE, Target, Taxonomy
from mentum.training.again import judge_features, learn_head, look, settings_for
from mentum.training.batches import ImageSource
from mentum.training.features import CachedViews, extract_features, kept
from mentum.training.machine import choose_device, repeatable
from mentum.training.predict import Predictor
from mentum.training.preparation import Prepared, prepare
from mentum.training.tasks import make_tasks, task_ranks
from mentum.training.train import train_prepared


@dataclass(frozen=True)
class FoldTraining:
    """A recipe that is trained on one fold after the other.

    Attributes:
        prepared: all images; its own subsets are not used.
        folder: of the cross-validation.
        stage: 2 trains both stages, 1 the top classifier on features of the frozen backbone.
    """

    prepared: Prepared
    settings: Settings
    folder: Path
    stage: Literal[1, 2]
    report: ProgressCallback

    def learn(self, fold: Fold) -> None:
        """Train on a fold and write its predictions, unless that is done already."""
        file = fold_file(self.folder, fold)
        if not file.is_file():
            outputs = self._head(fold) if self.stage == 1 else self._both_stages(fold)
            write_parquet(self._predictions(fold, outputs), file)
        shutil.rmtree(file.with_suffix(""), ignore_errors=True)

    def judge(self, fold: Fold) -> dict[str, NDArray[np.float32]]:
        """Train the top classifier on a fold: network → probabilities (n, C) of the fold's test images, in order."""
        found = self._head(fold).y_prob
        return {model: self._spread(fold, model, y_prob[fold.rows("test")]) for model, y_prob in found.items()}

    def _both_stages(self, fold: Fold) -> Outputs:
        out = fold_file(self.folder, fold).with_suffix("")
        prepared = replace(self.prepared, subsets=fold.subsets, taxonomy=fold.taxonomy)
        settings, run = settings_for(self.settings, fold.taxonomy), Run(out)
        if run.record_file.is_file():  # begun by a process with another share of the threads
            settings = settings.model_copy(update={"threads": run.record().settings.threads})
        if not run.record_file.is_file() or run.record().status != "complete":
            backbone = partial(load_backbone, settings.backbone, settings.seed)
            train_prepared(lambda: prepared, out, settings, backbone=backbone, command="", report=self.report)
        with repeatable(settings):
            return look(Predictor.open(run), prepared.pixels.pixels, self.report)

    def _head(self, fold: Fold) -> Outputs:
        with repeatable(self.settings):
            y_prob = {model: judge_features(head, self._views[0]) for model, head in self._heads(fold).items()}
        self.report(Progress(task=f"fold {fold.name}", done=1, total=1, unit="training"))
        return Outputs(y_prob, self._views[0], {})

    def _heads(self, fold: Fold) -> dict[str, Head]:
        """Network → top classifier of a fold, learned once."""
        key = (fold.name, fold.subsets.tobytes())  # a thinned fold keeps its name
        if key not in self._learned:
            settings = settings_for(self.settings, fold.taxonomy)
            tasks = make_tasks(fold.taxonomy, self.prepared.table.lowest, settings.head)
            train = fold.rows("train")
            views = CachedViews([view[train] for view in self._views], settings.seed)
            with repeatable(settings):
                self._learned[key] = {
                    task.model: learn_head(task, settings, fold.subsets, self._views[0], views) for task in tasks
                }
        return self._learned[key]

    @cached_property
    def _learned(self) -> dict[tuple[str, bytes], dict[str, Head]]:
        return {}

    def judge_squares(
        self, folds: Sequence[Fold], squares: NDArray[np.uint8], rows: NDArray[np.int64]
    ) -> dict[str, NDArray[np.float32]]:
        """Identify changed versions of images by the top classifiers of the folds that did not see their specimens.

        Args:
            folds: all, with a place for each of the images.
            squares: (n, S, S, 3) uint8.
            rows: (n,) int, numbers of the images.

        Returns:
            Network → probabilities (n, C) over the taxa of the whole data set.
        """
        features = self._extract(squares, None, ignore_progress)
        found: dict[str, NDArray[np.float32]] = {}
        for fold in folds:
            of_fold = np.flatnonzero(fold.subsets[rows] == "test")
            for model, head in self._heads(fold).items() if len(of_fold) else ():
                y_prob = self._spread(fold, model, judge_features(head, features[of_fold]))
                found.setdefault(model, np.zeros((len(rows), y_prob.shape[1]), np.float32))[of_fold] = y_prob
        return found

    @property
    def features(self) -> NDArray[np.float32]:
        """(N, K) of the frozen backbone, of all images as they are."""
        return self._views[0]

    @cached_property
    def _views(self) -> list[NDArray[np.float32]]:
        """Features (N, K) of all images: as they are, and deformed as in `stage1.views`; computed once."""
        require_pretrained(self.settings)
        pixels = self.prepared.pixels.pixels
        epochs = [None, *range(1, max(self.settings.stage1.views, 1))]
        files = [self.folder / "features" / f"view-{epoch or 0}.npy" for epoch in epochs]
        extract = partial(self._extract, pixels, report=self.report)
        return [kept(file, partial(extract, epoch)) for file, epoch in zip(files, epochs, strict=True)]

    def _extract(self, pixels: NDArray[np.uint8], epoch: int | None, report: ProgressCallback) -> NDArray[np.float32]:
        """Features (n, K) of squares (n, S, S, 3), as they are or deformed as in an epoch."""
        settings = self.settings
        with repeatable(settings):
            source = ImageSource(
                pixels, settings.augmentation, settings.pixels.padding, settings.seed, choose_device(settings)
            )
            return extract_features(self._backbone, source, np.arange(len(pixels)), epoch, report)

    @cached_property
    def _backbone(self) -> Backbone:
        """The frozen one, on the machine's device."""
        backbone = load_backbone(self.settings.backbone, self.settings.seed).to(choose_device(self.settings))
        return backbone.to(memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload]

    def _predictions(self, fold: Fold, outputs: Outputs) -> pl.DataFrame:
        """Of the images judged, and of those that training looked at, over the taxa of the whole data set."""
        rows = np.concatenate([fold.rows("test"), fold.rows("validation")])
        names = self.prepared.table.file_names
        columns = {
            "file_name": pl.Series([names[row] for row in rows.tolist()]),
            "subset": pl.Series(fold.subsets[rows].tolist()),
        }
        head = self.settings.head
        models = (
            [WHOLE_TREE.name] if head.kind == WHOLE_TREE.name else map(str, task_ranks(self.prepared.taxonomy, head))
        )
        for model in models:
            told = outputs.y_prob.get(model)
            spread = self._spread(fold, model, _only(fold.taxonomy, model, len(rows)) if told is None else told[rows])
            columns[model] = pl.Series(spread, dtype=pl.Array(pl.Float32, spread.shape[1]))
        return pl.DataFrame(columns)

    def _spread(self, fold: Fold, model: str, y_prob: NDArray[np.float32]) -> NDArray[np.float32]:
        return Target.of(model).spread(y_prob, fold.taxonomy, self.prepared.table.taxonomy)


def require_pretrained(settings: Settings) -> None:
    """Make sure that there are features for a top classifier to learn from.

    Raises:
        SettingsError: if the backbone is random.
    """
    if settings.backbone.source == "random":
        raise SettingsError(
            "backbone.source: found random, expected pretrained weights for --stage 1: the features of a frozen "
            "random network say little; give --backbone, or --stage 2."
        )


def _only(taxonomy: Taxonomy, model: str, n: int) -> NDArray[np.float32]:
    """Probabilities (n, C) at a rank at which a fold leaves nothing to tell apart, so that nothing was learned."""
    n_taxa = len(Target.of(model).taxa(taxonomy))
    return np.full((n, n_taxa), 1 / n_taxa, dtype=np.float32)


def fold_file(folder: Path, fold: Fold) -> Path:
    """Where the predictions of a fold lie; a group's name, of which a file name may hold only a part, with its hash."""
    if fold.name.isdecimal():
        return folder / "folds" / f"{fold.name}.parquet"
    plain = "".join(letter if letter.isalnum() else "_" for letter in fold.name[:40])
    return folder / "folds" / f"{plain}-{hashlib.sha256(fold.name.encode()).hexdigest()[:8]}.parquet"


def learn_folds(training: FoldTraining, folds: Sequence[Fold], cache: Path, jobs: int) -> None:
    """Train on all folds, in several processes where asked to.

    Args:
        training: of this process.
        folds: all; those that are done are not repeated.
        cache: folder of the pixel cache.
        jobs: processes that train at a time, each with its share of the threads; only where both stages are trained.
    """
    waiting = [fold for fold in folds if not fold_file(training.folder, fold).is_file()]
    if jobs == 1 or training.stage == 1 or len(waiting) < 2:
        for fold in waiting:
            training.learn(fold)
        return
    threads = max((training.settings.threads or os.cpu_count() or 1) // jobs, 1)
    settings = training.settings.model_copy(update={"threads": threads})
    job = partial(_learn_elsewhere, training.prepared.table.source, settings, training.folder, cache)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for done, future in enumerate(as_completed([pool.submit(job, fold) for fold in waiting]), start=1):
            if future.exception():
                pool.shutdown(cancel_futures=True)
            future.result()
            training.report(Progress(task="folds", done=done, total=len(waiting), unit="folds"))


def _learn_elsewhere(source: Path, settings: Settings, folder: Path, cache: Path, fold: Fold) -> None:
    """In another process, which finds the images in the pixel cache."""
    FoldTraining(prepare(source, settings, cache, ignore_progress), settings, folder, 2, ignore_progress).learn(fold)
