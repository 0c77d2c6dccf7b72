"""Tests of what both stages share."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mentum.errors import RunError
from mentum.training.optimizers import make_optimizer
from mentum.training.stages import (
    Tally,
    progress_of,
    require_finite,
    restore_state,
    save_state,
    seed_torch,
    summarise,
)
from support.tiny_lessons import tiny_lesson, tiny_network


def tally(*batches: tuple[float, list[bool]]) -> Tally:
    found = Tally()
    for loss, hits in batches:
        found.add(torch.tensor(loss), torch.tensor(hits))
    return found


def test_a_tally_weighs_batches_by_their_images() -> None:
    found = tally((1.0, [True, False, True]), (3.0, [False]))
    assert (found.images, found.mean_loss, found.accuracy) == (4, 1.5, 0.5)
    assert found.images_per_second > 0


def test_an_empty_tally_divides_by_nothing() -> None:
    assert (Tally().mean_loss, Tally().accuracy) == (0.0, 0.0)


def test_an_epoch_without_validation_says_so() -> None:
    epoch = summarise(2, 0.01, tally((1.0, [True])), Tally(), 8.0)
    assert (epoch.loss, epoch.accuracy, epoch.validation_loss, epoch.validation_accuracy) == (1.0, 1.0, None, None)
    assert summarise(2, 0.01, Tally(), tally((2.0, [False])), 8.0).validation_loss == 2.0


def test_draws_depend_on_the_names_alone() -> None:
    def draw(*names: object) -> float:
        seed_torch(*names)
        return torch.rand(1).item()

    assert draw(0, "tree", 1) == draw(0, "tree", 1)
    assert len({draw(0, "tree", 1), draw(1, "tree", 1), draw(0, "genus", 1), draw(0, "tree", 2)}) == 4


def test_state_comes_back(tmp_path: Path) -> None:
    lesson, network = tiny_lesson(tmp_path), tiny_network()
    optimizer = make_optimizer([{"params": list(network.parameters())}], 0.01, 0.1)
    network(torch.rand(2, 3, 32, 32)).square().sum().backward()
    optimizer.step()
    history = [summarise(1, 0.01, tally((0.1 + 0.2, [True])), Tally(), 8.0)]
    save_state(lesson, network, optimizer, history)

    fresh = tiny_network()
    other = make_optimizer([{"params": list(fresh.parameters())}], 0.01, 0.1)

    assert restore_state(lesson, fresh, other) == history
    assert all(torch.equal(one, two) for one, two in zip(network.parameters(), fresh.parameters(), strict=True))
    old, new = optimizer.state_dict()["state"], other.state_dict()["state"]
    assert all(torch.equal(old[number][key], new[number][key]) for number in old for key in old[number])


def test_there_is_nothing_to_restore_at_first(tmp_path: Path) -> None:
    network = tiny_network()
    assert restore_state(tiny_lesson(tmp_path), network, make_optimizer([{"params": network.parameters()}], 1, 0)) == []


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite(tmp_path: Path, loss: float) -> None:
    lesson = tiny_lesson(tmp_path / "stage1")
    require_finite(3.0, lesson, 7)
    with pytest.raises(RunError, match=r"stage1: the loss of epoch 7 is not finite; lower stage1.learning_rate and"):
        require_finite(loss, lesson, 7)


def test_progress_carries_loss_accuracy_and_rate() -> None:
    progress = progress_of("stage 1", 3, 4, "epochs", tally((1.0, [True])), 0.5)
    assert (progress.done, progress.total, progress.unit) == (3, 4, "epochs")
    assert progress.figures == {"loss": 1.0, "accuracy": 1.0, "rate": 0.5}
