"""Learn a recipe once more on part of the specimens: on a fold, without some of them, or without a taxon."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mentum.errors import RunError, SettingsError
from mentum.files import UNFINISHED, require_same_images
from mentum.model.session import Outputs, join
from mentum.network.backbones import Backbone, load_backbone, reopen_backbone
from mentum.network.head import Head
from mentum.records import Progress, ProgressCallback
from mentum.runs import Run
from mentum.settings import Settings
from mentum.specimens.folds import Fold
from mentum.taxonomy import Target, Taxonomy
from mentum.training.batches import ImageSource
from mentum.training.features import BATCH_SIZE, CachedViews, FrozenFeatures, Views
from mentum.training.machine import choose_device, repeatable
from mentum.training.predict import Predictor, probabilities
from mentum.training.preparation import Prepared, prepare
from mentum.training.tasks import Task, make_tasks
from mentum.training.top_classifier import learn_head
from mentum.training.train import train_prepared


@dataclass(frozen=True)
class Retraining:
    """A recipe and all images, to train on one part of the specimens after the other.

    Attributes:
        prepared: all images; a part says which of them are learned from.
        open_backbone: the backbone as before any training.
        frozen: features that the top classifier alone learns from.
        report: told about every step.
        train_stages: trains both stages into a folder, as `train_prepared` does.
        train_top: trains the top classifier alone, as `learn_head` does.
    """

    prepared: Prepared
    settings: Settings
    open_backbone: Callable[[], Backbone]
    frozen: FrozenFeatures
    report: ProgressCallback
    train_stages: Callable[..., object] = train_prepared
    train_top: Callable[[Task, Settings, NDArray[np.str_], NDArray[np.float32], Views], Head] = learn_head

    @classmethod
    def of_run(cls, run: Run, data: Path | None, cache: Path, report: ProgressCallback) -> Retraining:
        """The recipe of a run, on its images, found again.

        Args:
            run: a complete run.
            data: what it was trained on, where that has moved.
            cache: folder of the pixel cache.
            report: told about every step.

        Raises:
            RunError: if the images, or their labels and specimens, are not those of the training.
        """
        record = run.record()
        source, settings = data or Path(record.data.source), record.settings
        prepared = prepare(source, settings, cache, report)
        require_same_images(prepared.pixels.content_hash, record.data.content_hash, source, run.path)
        _refuse_other_labels(run, prepared)
        stored = partial(reopen_backbone, run.path / "backbone")
        # A random one is drawn anew: its normalisations were set from images that may now be left out.
        drawn = partial(load_backbone, settings.backbone, settings.seed)
        backbone = drawn if settings.backbone.source == "random" else stored
        frozen = FrozenFeatures(_images(prepared, settings, torch.device("cpu")), stored, report)
        return cls(prepared, settings, backbone, frozen, report)

    @classmethod
    def of_data(cls, prepared: Prepared, settings: Settings, folder: Path, report: ProgressCallback) -> Retraining:
        """A recipe on a data set.

        Args:
            prepared: all images; its own subsets are not used.
            settings: the recipe.
            folder: of the study; features are kept in it.
            report: told about every step.
        """
        device = choose_device(settings)
        frozen = FrozenFeatures(
            _images(prepared, settings, device),
            partial(_open_pretrained, settings, device),
            report,
            n_views=max(settings.stage1.views, 1),
            folder=folder / "features",
            conditions=partial(repeatable, settings),
        )
        return cls(prepared, settings, partial(load_backbone, settings.backbone, settings.seed), frozen, report)

    def train(self, part: Fold, out: Path) -> Outputs:
        """Train in both stages and look at all images.

        Args:
            part: what is learned; images labelled outside its taxonomy teach nothing.
            out: folder of the training; an interrupted one is taken up again. Left there until `discard`.

        Returns:
            Of all images.
        """
        prepared = replace(self.prepared, subsets=part.subsets, taxonomy=part.taxonomy)
        settings, run = settings_for(self.settings, part.taxonomy), Run(out)
        begun = run.record() if run.record_file.is_file() else None
        if begun is not None:  # perhaps by a process with another share of the threads
            settings = settings.model_copy(update={"threads": begun.settings.threads})
        if begun is None or begun.status != "complete":
            backbone, report = self.open_backbone, self.report
            self.train_stages(lambda: prepared, out, settings, backbone=backbone, command="", report=report)
        with repeatable(settings):
            return look(Predictor.open(run), prepared.pixels.pixels, self.report)

    def train_once(self, part: Fold, out: Path) -> Outputs:
        """Train in both stages and keep no more than what was seen."""
        outputs = self.train(part, out)
        discard(out)
        return outputs

    def train_head(self, part: Fold) -> Outputs:
        """Train only the top classifier, on features of the frozen backbone, which are computed once."""
        return Outputs(self._identify(part, self.features), self.features, {})

    def judge(self, fold: Fold) -> dict[str, NDArray[np.float32]]:
        """Train the top classifier on a fold: network → probabilities (n, C) of the fold's test images, in order."""
        found = self._identify(fold, self.features)
        self.report(trained(fold))
        return {model: self.spread(fold, model, y_prob[fold.rows("test")]) for model, y_prob in found.items()}

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
        features = self.frozen.of(squares)
        found: dict[str, NDArray[np.float32]] = {}
        for fold in folds:
            of_fold = np.flatnonzero(fold.subsets[rows] == "test")
            judged = self._identify(fold, features[of_fold]) if len(of_fold) else {}
            for model, y_prob in judged.items():
                spread = self.spread(fold, model, y_prob)
                found.setdefault(model, np.zeros((len(rows), spread.shape[1]), np.float32))[of_fold] = spread
        return found

    @property
    def features(self) -> NDArray[np.float32]:
        """(N, K) of the frozen backbone, of all images as they are."""
        return self.frozen.views[0]

    def spread(self, part: Fold, model: str, y_prob: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities (n, C) of what a network learned, over its taxa of the whole data set."""
        return Target.of(model).spread(y_prob, part.taxonomy, self.prepared.table.taxonomy)

    def _identify(self, part: Fold, features: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Network → probabilities (n, C) by the top classifiers of a part, from features (n, K)."""
        heads = self._heads(part)
        with repeatable(self.settings), torch.inference_mode():
            return {model: probabilities(head(torch.from_numpy(features))) for model, head in heads.items()}

    def _heads(self, part: Fold) -> dict[str, Head]:
        """Network → top classifier of a part, learned once."""
        key = (tuple(part.subsets.tolist()), part.taxonomy)  # a thinned fold keeps its name
        if key not in self._learned:
            settings = settings_for(self.settings, part.taxonomy)
            tasks = make_tasks(part.taxonomy, self.prepared.table.lowest, settings.head)
            train, clean = part.rows("train"), self.features
            views = CachedViews([view[train] for view in self.frozen.views], settings.seed)
            with repeatable(settings):
                heads = {task.model: self.train_top(task, settings, part.subsets, clean, views) for task in tasks}
            self._learned[key] = heads
        return self._learned[key]

    @cached_property
    def _learned(self) -> dict[tuple[tuple[str, ...], Taxonomy], dict[str, Head]]:
        return {}


def settings_for(settings: Settings, taxonomy: Taxonomy) -> Settings:
    """Settings without the ranks at which a smaller tree leaves nothing to tell apart."""
    head = settings.head
    ranks = tuple(rank for rank in head.ranks if rank in taxonomy.ranks)
    return settings.model_copy(update={"head": head.model_copy(update={"ranks": ranks or head.ranks})})


def look(predictor: Predictor, pixels: NDArray[np.uint8], report: ProgressCallback) -> Outputs:
    """What trained networks say of all images (N, S, S, 3) uint8."""
    parts = []
    for start in range(0, len(pixels), BATCH_SIZE):
        parts.append(predictor.outputs(np.array(pixels[start : start + BATCH_SIZE])))  # a copy: torch wants to write
        done = min(start + BATCH_SIZE, len(pixels))
        report(Progress(task="looking", done=done, total=len(pixels), unit="images"))
    return join(parts)


def discard(training: Path) -> None:
    """Remove the folder of a training, if there is one; a kill in the middle leaves no half under its name."""
    half = training.with_name(f"{training.name}{UNFINISHED}")
    shutil.rmtree(half, ignore_errors=True)
    if training.is_dir():
        training.rename(half)
    shutil.rmtree(half, ignore_errors=True)


def trained(fold: Fold) -> Progress:
    """Says that the top classifier of a fold is trained."""
    return Progress(task=f"fold {fold.name}", done=1, total=1, unit="training")


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


def _open_pretrained(settings: Settings, device: torch.device) -> Backbone:
    require_pretrained(settings)
    backbone = load_backbone(settings.backbone, settings.seed).to(device)
    return backbone.to(memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload]


def _images(prepared: Prepared, settings: Settings, device: torch.device) -> ImageSource:
    return ImageSource(
        prepared.pixels.pixels, settings.augmentation, settings.pixels.padding, settings.seed, device
    )  # fmt: skip


def _refuse_other_labels(run: Run, prepared: Prepared) -> None:
    table, trained = prepared.table, run.table()
    now = zip(table.labels, table.specimens.tolist(), strict=True)
    then = zip(run.labels(), trained["specimen"].to_list(), strict=True)
    changed = [name for name, one, other in zip(table.file_names, now, then, strict=True) if one != other]
    if changed:
        raise RunError(
            f"{table.source}: {len(changed)} images ({changed[0]} is the first) have another label, lineage or "
            f"specimen than when {run.path} was trained; expected the very same table; give --data the one that was "
            "trained on, or train again."
        )
