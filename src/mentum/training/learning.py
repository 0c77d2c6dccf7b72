"""Take one model of a run through both stages, from wherever an earlier try was interrupted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mentum.caches.checked_arrays import is_whole
from mentum.files import whole
from mentum.network.backbones import Backbone, reopen_backbone
from mentum.network.head import Head, Network, Objective, make_objective
from mentum.records import Notice, ProgressCallback
from mentum.runs import TRAIN_AGAIN, BackboneRecord, Run, StageRecord
from mentum.settings import Settings
from mentum.stored import readable
from mentum.training.batches import ImageSource
from mentum.training.checkpoints import put_weights, save_tensors
from mentum.training.features import BATCH_SIZE, CachedViews, Views, extract_features, kept
from mentum.training.fine_tuning import fine_tune
from mentum.training.optimizers import calibrate_norms
from mentum.training.predict import predict_images, probabilities
from mentum.training.stages import Lesson
from mentum.training.tasks import Task
from mentum.training.top_classifier import train_head

CALIBRATION_IMAGES = 512
"""Training images from which a random network takes the statistics of its normalisations."""

Phase = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True)
class Learner:
    """Everything that the models of a run share.

    Attributes:
        loaded: the backbone as it comes from its source; None where the run folder keeps it already.
        train: image numbers; likewise `validation`.
        phase: times a named phase.
    """

    run: Run
    settings: Settings
    loaded: Backbone | None
    source: ImageSource
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    phase: Phase
    report: ProgressCallback

    @cached_property
    def backbone(self) -> Backbone:
        """The backbone before any training; the run folder keeps it."""
        folder = self.run.path / "backbone"
        if self.loaded is not None:
            self._keep_backbone(self.loaded, folder)
        return self._reopen()

    def _keep_backbone(self, backbone: Backbone, folder: Path) -> None:
        if not backbone.pretrained:
            chosen = np.random.default_rng(self.settings.seed).permutation(self.train)[:CALIBRATION_IMAGES]
            calibrate_norms(backbone, (pixels.cpu() for _, pixels in self.source.batches(chosen, BATCH_SIZE)))
        with whole(folder) as beside:
            backbone.save(beside)

    def _reopen(self) -> Backbone:
        backbone = reopen_backbone(self.run.path / "backbone").to(self.source.device)
        # On processors, convolutions over channels-last memory take as little as half the time.
        return backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

    def describe_backbone(self) -> BackboneRecord:
        """The backbone, for the run's record."""
        return BackboneRecord(
            source=self.backbone.source,
            architecture=self.backbone.architecture,
            pretrained=self.backbone.pretrained,
            n_parameters=sum(parameter.numel() for parameter in self.backbone.parameters()),
            n_features=self.backbone.n_features,
            weights_hash=self.backbone.weights_hash(),
        )

    @cached_property
    def clean_features(self) -> NDArray[np.float32]:
        """(N, K) features of all images as they are; the models of a run share them."""
        return self._features("clean", np.arange(len(self.source.pixels)), None)

    @cached_property
    def views(self) -> Views:
        """Features of the training images for an epoch: from the cache, or computed anew where `views` is 0."""
        n_views = self.settings.stage1.views
        if n_views == 0:
            return lambda epoch: extract_features(self.backbone, self.source, self.train, epoch, self.report)
        deformed = [self._features(f"view-{view}", self.train, view) for view in range(1, n_views)]
        return CachedViews([self.clean_features[self.train], *deformed], self.settings.seed)

    def _features(self, name: str, rows: NDArray[np.int64], epoch: int | None) -> NDArray[np.float32]:
        file = self.run.stage_folder("stage1") / "views" / f"{name}.npy"
        shape = (len(rows), self.backbone.n_features)
        with self.phase("features"):
            compute = partial(extract_features, self.backbone, self.source, rows, epoch, self.report)
            return kept(file, compute, shape, self.report)

    def learn(self, task: Task) -> list[StageRecord]:
        """Train one model in both stages; what an earlier try completed is not repeated."""
        in_training = np.isin(np.arange(len(task.allowed)), self.train)
        objective = make_objective(task.allowed, in_training, self.settings.head.imbalance)
        head = Head(self.backbone.n_features, objective.n_taxa, self.settings.head.dropout).to(self.source.device)
        stages = [self._stage1(head, self._lesson("stage1", task, objective))]
        if self.settings.stage2.epochs:
            stages.append(self._stage2(head, self._lesson("stage2", task, objective)))
        return stages

    def _lesson(self, stage: str, task: Task, objective: Objective) -> Lesson:
        return Lesson(
            model=task.model,
            objective=objective,
            train=self.train[objective.usable[self.train]],
            validation=self.validation[objective.usable[self.validation]],
            seed=self.settings.seed,
            checkpoint=self.run.stage_folder(stage) / f"{task.model}.checkpoint",
            report=self.report,
        )

    def _stage1(self, head: Head, lesson: Lesson) -> StageRecord:
        if record := self._completed(head, lesson):
            return record
        views, clean = self.views, torch.from_numpy(self.clean_features)
        head.standardise_on(clean[lesson.train].to(self.source.device))
        usable = np.isin(self.train, lesson.train)
        with self.phase(f"stage 1, {lesson.model}"):
            record = train_head(
                head, lambda epoch: views(epoch)[usable], clean[lesson.validation], lesson, self.settings.stage1
            )
        with torch.inference_mode():
            y_prob = probabilities(head(clean.to(self.source.device)))
        return self._complete(head, lesson, record, y_prob)

    def _stage2(self, head: Head, lesson: Lesson) -> StageRecord:
        network = Network(self._reopen(), head)
        if record := self._completed(network, lesson):
            return record
        with self.phase(f"stage 2, {lesson.model}"):
            record = fine_tune(network, self.backbone, self.source, lesson, self.settings.stage2)
        with self.phase("predictions"):
            y_prob = predict_images(network, self.source, self.report)
        return self._complete(network, lesson, record, y_prob)

    def _completed(self, network: nn.Module, lesson: Lesson) -> StageRecord | None:
        """The record of a stage that an earlier try ended, with its weights put into the network."""
        file = lesson.checkpoint.with_suffix(".json")
        if not file.is_file():
            return None
        predicted = lesson.checkpoint.with_suffix(".npy")
        if not is_whole(predicted):
            self.report(Notice(task=f"{predicted}: is damaged; this stage is trained again."))
            return None
        put_weights(network, lesson.checkpoint.with_suffix(".safetensors"))
        with readable(file, TRAIN_AGAIN):
            return StageRecord.read(file)

    def _complete(
        self, network: nn.Module, lesson: Lesson, record: StageRecord, y_prob: NDArray[np.float32]
    ) -> StageRecord:
        """Keep weights, probabilities and, last, the record, which marks the stage as complete."""
        save_tensors(lesson.checkpoint.with_suffix(".safetensors"), network.state_dict())
        kept(lesson.checkpoint.with_suffix(".npy"), lambda: y_prob, y_prob.shape)
        record.write(lesson.checkpoint.with_suffix(".json"))
        for suffix in (".checkpoint", ".best"):
            lesson.checkpoint.with_suffix(suffix).unlink(missing_ok=True)
        return record
