"""Stage 2: the whole network, with smaller rates towards the input."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Tensor

from mentum.network.backbones import Backbone
from mentum.network.head import Network
from mentum.runs import Epoch, StageRecord
from mentum.settings import Stage2Settings
from mentum.training.batches import ImageSource, shuffled
from mentum.training.checkpoints import fill, load_tensors, save_tensors
from mentum.training.features import BATCH_SIZE
from mentum.training.optimizers import cosine, freeze_norms, layerwise_groups, make_optimizer, set_rate
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


def fine_tune(
    network: Network, reference: Backbone, source: ImageSource, lesson: Lesson, settings: Stage2Settings
) -> StageRecord:
    """Train the whole network, stop on the validation loss and keep the weights of the best epoch.

    Where no epoch has a lower validation loss than the network had after stage 1, that is kept as it was.

    Args:
        network: with the top classifier of stage 1; trained in place, left in eval mode with the best weights.
        reference: the backbone as it was before, against which its movement is measured.
        source: pixels.
        lesson: what to learn.
        settings: of stage 2.
    """
    start, started_from = _look(network, source, lesson), copy.deepcopy(network.state_dict())
    optimizer = make_optimizer(layerwise_groups(network, settings), settings.learning_rate, settings.weight_decay)
    history = restore_state(lesson, network, optimizer)
    best_file = lesson.checkpoint.with_suffix(".best")
    while (stopped := reason_to_stop(history, settings)) is None:
        history.append(_epoch(network, optimizer, source, lesson, settings, len(history) + 1))
        if best_epoch(history) == len(history):
            save_tensors(best_file, network.state_dict())
        save_state(lesson, network, optimizer, history)
    assert movement(reference, network.backbone)[0] > 0, "stage 2 left the backbone's weights where they were"
    best = best_epoch(history)
    if start.images and not _improved(history[best - 1], start):
        best, stopped = 0, f"{stopped}; no epoch was better than the network of stage 1, which is kept"
    fill(network, load_tensors(best_file)[0] if best else started_from, best_file)
    network.eval()
    moved, per_block = movement(reference, network.backbone)
    return StageRecord(
        stage="stage2",
        model=lesson.model,
        epochs=tuple(history),
        best_epoch=best,
        stopped=stopped,
        moved=moved,
        moved_per_block=per_block,
    )


def _improved(epoch: Epoch, start: Tally) -> bool:
    return epoch.validation_loss is not None and epoch.validation_loss < start.mean_loss


def _epoch(
    network: Network,
    optimizer: torch.optim.Optimizer,
    source: ImageSource,
    lesson: Lesson,
    settings: Stage2Settings,
    epoch: int,
) -> Epoch:
    """Train on all training images once, then measure on the validation images."""
    seed_torch(lesson.seed, lesson.model, "stage2", epoch)
    learned = _teach(network, optimizer, source, lesson, settings, epoch)
    speed = learned.images_per_second
    rate = optimizer.param_groups[-1]["lr"]
    checked = _look(network, source, lesson)
    require_finite(checked.mean_loss, lesson, epoch)
    done = progress_of(task_name(lesson, settings, epoch), learned.images, learned.images, "images", learned, rate)
    seen = {"validation loss": checked.mean_loss, "validation accuracy": checked.accuracy} if checked.images else {}
    lesson.report(done.model_copy(update={"figures": done.figures | seen}))
    return summarise(epoch, rate, learned, checked, speed)


def _teach(
    network: Network,
    optimizer: torch.optim.Optimizer,
    source: ImageSource,
    lesson: Lesson,
    settings: Stage2Settings,
    epoch: int,
) -> Tally:
    network.train()
    if keeps_norms(network, settings):
        freeze_norms(network)
    rows = shuffled(lesson.train, lesson.seed, epoch)
    steps = -(-len(rows) // settings.batch_size)
    tally = Tally()
    for step, (of, pixels) in enumerate(source.batches(rows, settings.batch_size, epoch)):
        rate = settings.learning_rate * cosine((epoch - 1) * steps + step, settings.epochs * steps, settings.warmup)
        set_rate(optimizer, rate)
        logits = network(pixels)
        loss = lesson.objective.loss(logits, of, training=True)
        require_finite(loss.item(), lesson, epoch)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
        optimizer.step()
        tally.add(loss, lesson.objective.hits(logits, of))
        if tally.images < len(rows):  # the last word of an epoch comes after the look at validation images
            lesson.report(
                progress_of(task_name(lesson, settings, epoch), tally.images, len(rows), "images", tally, rate)
            )
    return tally


def task_name(lesson: Lesson, settings: Stage2Settings, epoch: int) -> str:
    """What the epoch is called in progress reports."""
    return f"stage 2, {lesson.model}: epoch {epoch}/{settings.epochs}"


def _look(network: Network, source: ImageSource, lesson: Lesson) -> Tally:
    network.eval()
    tally = Tally()
    with torch.inference_mode():
        for of, pixels in source.batches(lesson.validation, BATCH_SIZE):
            logits = network(pixels)
            tally.add(lesson.objective.loss(logits, of, training=False), lesson.objective.hits(logits, of))
    return tally


def keeps_norms(network: Network, settings: Stage2Settings) -> bool:
    """Whether batch normalisations keep their statistics."""
    return settings.batch_norm == "eval" or (settings.batch_norm == "auto" and network.backbone.pretrained)


def best_epoch(history: list[Epoch]) -> int:
    """The epoch with the lowest validation loss, the earliest of equals; the last where nothing can be validated."""
    losses = [epoch.validation_loss for epoch in history if epoch.validation_loss is not None]
    return int(np.argmin(losses)) + 1 if losses else len(history)


def reason_to_stop(history: list[Epoch], settings: Stage2Settings) -> str | None:
    """Why no further epoch is due, or None."""
    if len(history) >= settings.epochs:
        return f"the schedule of {settings.epochs} epochs ended"
    if history and len(history) - best_epoch(history) >= settings.patience:
        return f"the validation loss had not improved for {settings.patience} epochs"
    return None


def movement(before: Backbone, after: Backbone) -> tuple[float, dict[str, float]]:
    """Relative change of the weights, |after - before| / |before|: of the whole backbone and of each block."""
    old, new = before.blocks(), after.blocks()
    moved = {name: _norms(old[name], new[name]) for name in new}
    change, size = (float(np.sqrt(sum(pair[place] ** 2 for pair in moved.values()))) for place in (0, 1))
    return change / size, {name: each[0] / max(each[1], 1e-12) for name, each in moved.items()}


def _norms(before: list[torch.nn.Parameter], after: list[torch.nn.Parameter]) -> tuple[float, float]:
    def norm(tensors: list[Tensor]) -> float:
        return float(torch.stack([tensor.detach().double().square().sum() for tensor in tensors]).sum().sqrt())

    pairs = zip(before, after, strict=True)
    return norm([new.detach().cpu() - old.detach().cpu() for old, new in pairs]), norm(list(before))
