"""What both stages share: the lesson, the tally of an epoch, the checkpoint after it."""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mentum.errors import RunError
from mentum.network.head import Objective
from mentum.records import Progress, ProgressCallback
from mentum.runs import Epoch
from mentum.stored import readable
from mentum.training.checkpoints import (
    fill,
    load_tensors,
    optimizer_tensors,
    part,
    restore_optimizer,
    save_tensors,
    with_prefix,
)


@dataclass(frozen=True)
class Lesson:
    """What one model learns from, and where it keeps its state.

    Attributes:
        model: name of its target, the whole tree or the rank of a separate model.
        train: image numbers; likewise `validation`.
        checkpoint: file of the state after each epoch.
        kept: whether there is such a file; what is learned within seconds needs none.
    """

    model: str
    objective: Objective
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    seed: int
    checkpoint: Path
    report: ProgressCallback
    kept: bool = True


@dataclass
class Tally:
    """Running loss and accuracy over the images of an epoch."""

    images: int = 0
    loss: float = 0.0
    hits: float = 0.0
    started: float = field(default_factory=time.monotonic)

    def add(self, loss: Tensor, hits: Tensor) -> None:
        """Count one batch."""
        self.images += len(hits)
        self.loss += float(loss.detach()) * len(hits)
        self.hits += float(hits.sum())

    @property
    def mean_loss(self) -> float:
        """Loss per image."""
        return self.loss / max(self.images, 1)

    @property
    def accuracy(self) -> float:
        """Share of hits, 0-1."""
        return self.hits / max(self.images, 1)

    @property
    def images_per_second(self) -> float:
        """Since the tally began."""
        return self.images / max(time.monotonic() - self.started, 1e-9)


def seed_torch(*parts: object) -> None:
    """Seed torch by name, so that dropout in an epoch does not depend on what ran before it."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    torch.manual_seed(int.from_bytes(digest[:8], "big", signed=True))


def require_finite(loss: float, lesson: Lesson, epoch: int) -> None:
    """Stop a training whose loss has exploded.

    Raises:
        RunError: if the loss is infinite or not a number.
    """
    if not math.isfinite(loss):
        folder = lesson.checkpoint.parent  # stage1 or stage2, as the section of the settings
        raise RunError(
            f"{folder}: the loss of epoch {epoch} is not finite; lower {folder.name}.learning_rate and give a new "
            "--out."
        )


def summarise(epoch: int, rate: float, learned: Tally, checked: Tally, images_per_second: float) -> Epoch:
    """Put an epoch on record."""
    return Epoch(
        epoch=epoch,
        rate=rate,
        loss=learned.mean_loss,
        accuracy=learned.accuracy,
        validation_loss=checked.mean_loss if checked.images else None,
        validation_accuracy=checked.accuracy if checked.images else None,
        images_per_second=images_per_second,
    )


def save_state(lesson: Lesson, network: nn.Module, optimizer: torch.optim.Optimizer, history: list[Epoch]) -> None:
    """Write the state after an epoch, where it is kept; a killed training goes on from here."""
    if not lesson.kept:
        return
    tensors = with_prefix(network.state_dict(), "network.") | optimizer_tensors(optimizer)
    save_tensors(lesson.checkpoint, tensors, {"history": [epoch.model_dump() for epoch in history]})


def restore_state(lesson: Lesson, network: nn.Module, optimizer: torch.optim.Optimizer) -> list[Epoch]:
    """Put back the state of an earlier, unfinished training; no epochs where there is none."""
    if not (lesson.kept and lesson.checkpoint.exists()):
        return []
    remedy = "remove it and give the same command again"
    tensors, facts = load_tensors(lesson.checkpoint, remedy)
    fill(network, part(tensors, "network."), lesson.checkpoint)
    with readable(lesson.checkpoint, remedy):
        restore_optimizer(optimizer, tensors)
        return [Epoch.model_validate(epoch) for epoch in facts["history"]]


def progress_of(task: str, done: int, total: int, unit: str, tally: Tally, rate: float) -> Progress:
    """Progress with loss, accuracy and learning rate."""
    figures = {"loss": tally.mean_loss, "accuracy": tally.accuracy, "rate": rate}
    return Progress(task=task, done=done, total=total, unit=unit, figures=figures)
