"""Stage 1: the top classifier on features of the frozen backbone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mentum.network.head import Head, make_objective
from mentum.records import ignore_progress
from mentum.runs import Epoch, StageRecord
from mentum.settings import Settings, Stage1Settings
from mentum.training.batches import shuffled
from mentum.training.features import Views
from mentum.training.optimizers import cosine, make_optimizer, set_rate
from mentum.training.stages import (
    Lesson,
    Tally,
    progress_of,
    require_finite,
    restore_state,
    save_state,
    seed_torch,
    summarise,
)
from mentum.training.tasks import Task


def train_head(
    head: Head, views: Views, validation_features: Tensor, lesson: Lesson, settings: Stage1Settings
) -> StageRecord:
    """Stage 1: train the top classifier on features of the frozen backbone to the end of its schedule.

    Args:
        head: with its standardisation set; trained in place, left in eval mode.
        views: features (n, K) of the training images for an epoch.
        validation_features: (n', K), looked at but not used for any choice.
        lesson: what to learn.
        settings: of stage 1.
    """
    optimizer = make_optimizer([{"params": list(head.parameters())}], settings.learning_rate, settings.weight_decay)
    history = restore_state(lesson, head, optimizer)
    for epoch in range(len(history) + 1, settings.epochs + 1):
        seed_torch(lesson.seed, lesson.model, "stage1", epoch)
        rate = settings.learning_rate * cosine(epoch - 1, settings.epochs)
        set_rate(optimizer, rate)
        tally = _head_epoch(head, optimizer, views(epoch), lesson, settings.batch_size, epoch)
        checked = _check_head(head, validation_features, lesson)
        require_finite(checked.mean_loss, lesson, epoch)
        history.append(summarise(epoch, rate, tally, checked, tally.images_per_second))
        save_state(lesson, head, optimizer, history)
        task = f"stage 1, {lesson.model}: top classifier"
        lesson.report(progress_of(task, epoch, settings.epochs, "epochs", tally, rate))
    head.eval()
    return StageRecord(
        stage="stage1", model=lesson.model, epochs=tuple(history), best_epoch=len(history), moved=0.0,
        stopped=_convergence(history),
    )  # fmt: skip


def learn_head(
    task: Task, settings: Settings, subsets: NDArray[np.str_], clean: NDArray[np.float32], views: Views
) -> Head:
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
    lesson = Lesson(
        model=task.model,
        objective=objective,
        train=rows["train"],
        validation=rows["validation"],
        seed=settings.seed,
        checkpoint=Path("stage1", f"{task.model}.checkpoint"),
        report=ignore_progress,
        kept=False,
    )
    train_head(head, lambda epoch: views(epoch)[usable], features[rows["validation"]], lesson, settings.stage1)
    return head


def _head_epoch(
    head: Head,
    optimizer: torch.optim.Optimizer,
    features: NDArray[np.float32],
    lesson: Lesson,
    batch_size: int,
    epoch: int,
) -> Tally:
    head.train()
    device = head.linear.weight.device
    order = shuffled(np.arange(len(lesson.train)), lesson.seed, epoch)
    shown, rows = torch.from_numpy(features[order]), torch.from_numpy(lesson.train[order])
    tally = Tally()
    for batch, of in zip(torch.split(shown, batch_size), torch.split(rows, batch_size), strict=True):
        logits = head(batch.to(device))
        loss = lesson.objective.loss(logits, of, training=True)
        require_finite(loss.item(), lesson, epoch)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        tally.add(loss, lesson.objective.hits(logits, of))
    return tally


def _check_head(head: Head, features: Tensor, lesson: Lesson) -> Tally:
    tally = Tally()
    if len(lesson.validation):
        head.eval()
        rows = torch.from_numpy(lesson.validation)
        with torch.no_grad():
            logits = head(features.to(head.linear.weight.device))
            tally.add(lesson.objective.loss(logits, rows, training=False), lesson.objective.hits(logits, rows))
    return tally


def _convergence(history: list[Epoch]) -> str:
    tail = history[-max(len(history) // 10, 1) - 1 :]
    change = abs(tail[0].loss - tail[-1].loss) / max(tail[0].loss, 1e-12)
    return f"the schedule ended; the training loss changed by {100 * change:.1f} % over the last {len(tail) - 1} epochs"
