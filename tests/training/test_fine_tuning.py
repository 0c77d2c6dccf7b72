"""Tests of stage 2: what moves, what stays, when it ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mentum.errors import RunError
from mentum.network.head import Network
from mentum.records import Progress
from mentum.runs import Epoch, StageRecord
from mentum.training.checkpoints import load_tensors, part
from mentum.training.fine_tuning import best_epoch, fine_tune, movement, reason_to_stop
from support.drawn_data import tiny_settings
from support.tiny_lessons import VALIDATION, drawn_source, tiny_backbone, tiny_lesson, tiny_network


def tune(folder: Path, *overrides: str, pretrained: bool = False) -> tuple[Network, StageRecord]:
    network = tiny_network(pretrained)
    settings = tiny_settings("stage2.epochs=2", *overrides).stage2
    return network, fine_tune(network, tiny_backbone(), drawn_source(), tiny_lesson(folder), settings)


def epoch(number: int, validation_loss: float | None) -> Epoch:
    return Epoch(
        epoch=number, rate=0.1, loss=1.0, accuracy=0.5, validation_loss=validation_loss, validation_accuracy=None,
        images_per_second=1.0,
    )  # fmt: skip


def history(*losses: float | None) -> list[Epoch]:
    return [epoch(number, loss) for number, loss in enumerate(losses, start=1)]


# What moves


def test_every_block_moves_and_the_record_says_how_far(tmp_path: Path) -> None:
    network, record = tune(tmp_path)

    whole, per_block = movement(tiny_backbone(), network.backbone)
    assert (record.stage, record.model, record.moved, record.moved_per_block) == ("stage2", "tree", whole, per_block)
    assert list(per_block) == ["embedder", "encoder.stages.0", "encoder.stages.1"]
    assert 0 < min(per_block.values()) <= whole <= max(per_block.values())
    assert not network.training


def test_movement_by_hand() -> None:
    before, after = tiny_backbone(), tiny_backbone()
    with torch.no_grad():
        for name, block in after.blocks().items():
            for parameter in block:
                parameter.mul_(1.0 if name == "embedder" else 1.25)
    whole, per_block = movement(before, after)
    assert per_block == pytest.approx({"embedder": 0, "encoder.stages.0": 0.25, "encoder.stages.1": 0.25}, abs=1e-6)
    assert 0 < whole < 0.25


def test_pretrained_blocks_near_the_input_move_less(tmp_path: Path) -> None:
    first, *_, last = tune(tmp_path, "stage2.layer_decay=0.001", pretrained=True)[1].moved_per_block.values()
    assert first < last / 20


def statistics(network: nn.Module) -> list[Tensor]:
    return [buffer.clone() for name, buffer in network.named_buffers() if "running_" in name]


@pytest.mark.parametrize(
    ("pretrained", "batch_norm", "kept"),
    [(True, "auto", True), (False, "auto", False), (True, "train", False), (False, "eval", True)],
)
def test_statistics_of_normalisations(tmp_path: Path, pretrained: bool, batch_norm: str, kept: bool) -> None:
    before = statistics(tiny_network(pretrained))
    network, _ = tune(tmp_path, f"stage2.batch_norm={batch_norm}", pretrained=pretrained)
    same = [torch.equal(old, new) for old, new in zip(before, statistics(network), strict=True)]
    assert all(same) if kept else not any(same)


def test_the_network_learns(tmp_path: Path) -> None:
    _, record = tune(tmp_path, "stage2.epochs=6", "stage2.learning_rate=0.005")
    assert record.epochs[-1].loss < record.epochs[0].loss
    assert (record.epochs[-1].validation_accuracy or 0) > 1 / 3
    assert all(each.rate <= 0.005 for each in record.epochs)


def test_a_rate_that_explodes(tmp_path: Path) -> None:
    with pytest.raises(
        RunError, match=r"the loss of epoch \d is not finite; lower stage2.learning_rate and give a new"
    ):
        tune(
            tmp_path / "stage2",
            "stage2.learning_rate=10",
            "stage2.weight_decay=10",
            "stage2.warmup=0",
            "stage2.epochs=40",
        )


# When it ends


def validation_loss(network: Network, folder: Path) -> float:
    """Mean loss of the drawn validation images."""
    objective, total = tiny_lesson(folder).objective, 0.0
    with torch.inference_mode():
        for of, pixels in drawn_source().batches(VALIDATION, len(VALIDATION)):
            total += float(objective.loss(network(pixels), of, training=False))
    return total


def test_the_best_weights_are_kept_when_it_stops_early(tmp_path: Path) -> None:
    network, record = tune(tmp_path, "stage2.epochs=9", "stage2.patience=2", "stage2.learning_rate=0.02")

    losses = [each.validation_loss or 0.0 for each in record.epochs]
    assert record.stopped == "the validation loss had not improved for 2 epochs"
    assert 0 < record.best_epoch == len(losses) - 2 < 7
    assert losses[record.best_epoch - 1] == min(losses) < losses[-1]
    assert validation_loss(network, tmp_path) == pytest.approx(min(losses), rel=1e-3)
    assert not network.training

    last = tiny_network()
    last.load_state_dict(part(load_tensors(tmp_path / "tree.checkpoint")[0], "network."))
    assert validation_loss(last.eval(), tmp_path) == pytest.approx(losses[-1], rel=1e-3)


def test_where_no_epoch_brings_anything_the_network_of_stage_1_is_kept(tmp_path: Path) -> None:
    """A rate that is far too high."""
    overrides = ("stage2.epochs=3", "stage2.patience=3", "stage2.learning_rate=0.1")
    before = tiny_network().eval()
    network, record = tune(tmp_path, *overrides)

    assert min(each.validation_loss or 0.0 for each in record.epochs) > validation_loss(before, tmp_path)
    assert (record.best_epoch, len(record.epochs), record.moved) == (0, 3, 0)
    assert record.stopped == (
        "the schedule of 3 epochs ended; no epoch was better than the network of stage 1, which is kept"
    )
    assert validation_loss(network, tmp_path) == validation_loss(before, tmp_path)
    assert all(torch.equal(old, new) for old, new in zip(before.parameters(), network.parameters(), strict=True))
    assert set(record.moved_per_block.values()) == {0.0}
    assert not network.training


@pytest.mark.parametrize(
    ("losses", "best"),
    [([1.0], 1), ([3.0, 1.0, 2.0], 2), ([2.0, 1.0, 1.0], 2), ([None, None, None], 3)],
)
def test_the_best_epoch_is_the_earliest_of_equals_and_the_last_without_validation(
    losses: list[float | None], best: int
) -> None:
    assert best_epoch(history(*losses)) == best


def test_reasons_to_stop() -> None:
    settings = tiny_settings("stage2.epochs=5", "stage2.patience=2").stage2
    assert reason_to_stop([], settings) is None
    assert reason_to_stop(history(1.0, 2.0), settings) is None
    assert reason_to_stop(history(1.0, 2.0, 3.0), settings) == "the validation loss had not improved for 2 epochs"
    assert reason_to_stop(history(None, None, None), settings) is None
    assert reason_to_stop(history(5, 4, 3, 2, 1), settings) == "the schedule of 5 epochs ended"


def test_no_validation_images_are_no_obstacle(tmp_path: Path) -> None:
    network, lesson = tiny_network(), tiny_lesson(tmp_path)
    seen: list[Progress] = []
    bare = replace(lesson, validation=np.array([], dtype=np.int64), report=seen.append)
    record = fine_tune(network, tiny_backbone(), drawn_source(), bare, tiny_settings("stage2.epochs=2").stage2)
    assert (record.best_epoch, record.epochs[-1].validation_loss) == (2, None)
    assert set(seen[-1].figures) == {"loss", "accuracy", "rate"}
