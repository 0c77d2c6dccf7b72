"""A run's recipe once more, on part of its images: without some specimens, or without a taxon."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mentum.errors import RunError
from mentum.files import require_same_images
from mentum.model.session import Outputs, join
from mentum.network.backbones import Backbone, load_backbone, reopen_backbone
from mentum.network.head import Head, make_objective
from mentum.records import Progress, ProgressCallback, ignore_progress
from mentum.runs import Run
from mentum.settings import Settings
from mentum.taxonomy import Taxonomy
from mentum.training.batches import ImageSource
from mentum.training.features import BATCH_SIZE, Views, extract_features
from mentum.training.machine import repeatable
from mentum.training.predict import Predictor, probabilities
from mentum.training.preparation import Prepared, prepare
from mentum.training.stages import Lesson
from mentum.training.tasks import Task, make_tasks
from mentum.training.top_classifier import train_head
from mentum.training.train import train_prepared

Subsets = NDArray[np.str_]


@dataclass(frozen=True)
class Again:
    """The images of a run, ready to be learned from again.

    Attributes:
        prepared: all images of the run, with its own subsets.
    """

    run: Run
    settings: Settings
    prepared: Prepared
    report: ProgressCallback

    @classmethod
    def open(cls, run: Run, data: Path | None, cache: Path, report: ProgressCallback) -> Again:
        """Find the images of a run again.

        Args:
            run: a complete run.
            data: what it was trained on, where that has moved.
            cache: folder of the pixel cache.
            report: told about every step.

        Raises:
            RunError: if the images, or their labels and specimens, are not those of the training.
        """
        record = run.record()
        source = data or Path(record.data.source)
        prepared = prepare(source, record.settings, cache, report)
        require_same_images(prepared.pixels.content_hash, record.data.content_hash, source, run.path)
        _refuse_other_labels(run, prepared)
        return cls(run, record.settings, prepared, report)

    def train(self, out: Path, subsets: Subsets, taxonomy: Taxonomy) -> Outputs:
        """Train in both stages, look at all images, and keep no more than what was seen.

        Args:
            out: folder of the training while it goes on; an interrupted one is taken up again.
            subsets: (N,) the subset of each image; those labelled outside `taxonomy` teach nothing.
            taxonomy: what is learned.

        Returns:
            Of all images of the run.
        """
        prepared = dataclasses.replace(self.prepared, subsets=subsets, taxonomy=taxonomy)
        settings = settings_for(self.settings, taxonomy)
        if not (out / "run.json").is_file() or Run(out).record().status != "complete":
            train_prepared(lambda: prepared, out, settings, backbone=self._backbone, command="", report=self.report)
        with repeatable(self.settings):
            outputs = look(Predictor.open(Run(out)), self.prepared.pixels.pixels, self.report)
        done = out.with_name(f"{out.name}.part")  # a kill in the middle leaves no half of a training
        shutil.rmtree(done, ignore_errors=True)
        out.rename(done)
        shutil.rmtree(done)
        return outputs

    def _backbone(self) -> Backbone:
        """As before any training."""
        if self.settings.backbone.source == "random":
            return load_backbone(self.settings.backbone, self.settings.seed)
        return reopen_backbone(self.run.path / "backbone")

    def train_head(self, subsets: Subsets, taxonomy: Taxonomy) -> Outputs:
        """Train only the top classifier, on features of the frozen backbone, computed once and without deformation."""
        settings = settings_for(self.settings, taxonomy)
        tasks = make_tasks(taxonomy, self.prepared.table.lowest, settings.head)
        clean = self._features
        train = clean[subsets == "train"]
        with repeatable(self.settings):
            heads = {task.model: learn_head(task, settings, subsets, clean, lambda _: train) for task in tasks}
            y_prob = {model: judge_features(head, clean) for model, head in heads.items()}
        return Outputs(y_prob, clean, {})

    @cached_property
    def _features(self) -> NDArray[np.float32]:
        """(N, K) of the backbone before any training."""
        settings = self.settings
        source = ImageSource(
            self.prepared.pixels.pixels, settings.augmentation, settings.pixels.padding, settings.seed,
            torch.device("cpu"),
        )  # fmt: skip
        backbone = reopen_backbone(self.run.path / "backbone")
        return extract_features(backbone, source, np.arange(len(source.pixels)), None, self.report)


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


def learn_head(task: Task, settings: Settings, subsets: Subsets, clean: NDArray[np.float32], views: Views) -> Head:
    """Train a top classifier on features of the frozen backbone.

    Args:
        task: what it learns.
        settings: of the run.
        subsets: (N,) the subset of each image.
        clean: (N, K) features of all images as they are.
        views: features of the training images for an epoch.
    """
    objective = make_objective(task.allowed, subsets == "train", settings.head.imbalance)
    rows = {name: np.flatnonzero((subsets == name) & objective.usable) for name in ("train", "validation")}
    usable = objective.usable[subsets == "train"]
    features = torch.from_numpy(clean)
    head = Head(features.shape[1], objective.n_taxa, settings.head.dropout)
    head.standardise_on(features[rows["train"]])
    with tempfile.TemporaryDirectory() as folder:
        lesson = Lesson(
            model=task.model,
            objective=objective,
            train=rows["train"],
            validation=rows["validation"],
            seed=settings.seed,
            checkpoint=Path(folder) / f"{task.model}.checkpoint",
            report=ignore_progress,
        )
        train_head(head, lambda epoch: views(epoch)[usable], features[rows["validation"]], lesson, settings.stage1)
    return head


def judge_features(head: Head, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Identify images by their features (n, K): probabilities (n, C)."""
    with torch.inference_mode():
        return probabilities(head(torch.from_numpy(features)))


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
