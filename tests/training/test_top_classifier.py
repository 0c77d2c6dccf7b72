"""Tests of stage 1: the head alone, on features."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mentum.errors import RunError
from mentum.network.head import Head
from mentum.records import Progress, ProgressCallback, ignore_progress
from mentum.runs import StageRecord
from mentum.settings import Stage1Settings
from mentum.training.top_classifier import train_head
from support.tiny_lessons import N_TAXA, PER_TAXON, TRAIN, VALIDATION, tiny_lesson

K = 5


def settings(**changes: object) -> Stage1Settings:
    values = {"views": 1, "epochs": 20, "batch_size": 6, "learning_rate": 0.05, "weight_decay": 0.0}
    return Stage1Settings.model_validate(values | changes)


def features() -> np.ndarray:
    """One cloud per taxon."""
    rng = np.random.default_rng(0)
    centres = 3 * rng.normal(size=(N_TAXA, K))
    return (np.repeat(centres, PER_TAXON, axis=0) + rng.normal(size=(N_TAXA * PER_TAXON, K))).astype(np.float32)


def learn(
    folder: Path,
    chosen: Stage1Settings | None = None,
    report: ProgressCallback = ignore_progress,
    drawn: np.ndarray | None = None,
) -> tuple[Head, StageRecord]:
    drawn = features() if drawn is None else drawn
    head = Head(K, N_TAXA, dropout=0.2)
    head.standardise_on(torch.from_numpy(drawn[TRAIN]))
    lesson = tiny_lesson(folder, report=report)
    return head, train_head(
        head, lambda _: drawn[TRAIN], torch.from_numpy(drawn[VALIDATION]), lesson, chosen or settings()
    )


def test_the_head_learns_taxa_that_lie_apart(tmp_path: Path) -> None:
    head, record = learn(tmp_path)

    assert record.epochs[-1].validation_accuracy == 1.0
    assert record.epochs[-1].loss < record.epochs[0].loss / 2
    assert (record.stage, record.moved, record.best_epoch, len(record.epochs)) == ("stage1", 0.0, 20, 20)
    assert not head.training


def test_the_rate_falls_along_a_cosine(tmp_path: Path) -> None:
    _, record = learn(tmp_path, settings(epochs=4, learning_rate=0.08))
    rates = [epoch.rate for epoch in record.epochs]
    assert rates == pytest.approx([0.08, 0.08 * 0.853553, 0.04, 0.08 * 0.146447], rel=1e-5)


def test_the_record_says_how_far_the_loss_still_fell(tmp_path: Path) -> None:
    _, record = learn(tmp_path)
    before, after = record.epochs[-3].loss, record.epochs[-1].loss
    change = f"{100 * abs(before - after) / before:.1f} %"
    assert record.stopped == f"the schedule ended; the training loss changed by {change} over the last 2 epochs"


def test_the_last_of_a_single_epoch_is_compared_with_itself(tmp_path: Path) -> None:
    assert "changed by 0.0 %" in learn(tmp_path, settings(epochs=1))[1].stopped


def test_progress_comes_once_per_epoch(tmp_path: Path) -> None:
    seen: list[Progress] = []
    learn(tmp_path, settings(epochs=3), seen.append)
    assert [(step.task, step.done, step.total) for step in seen] == [
        ("stage 1, tree: top classifier", epoch, 3) for epoch in (1, 2, 3)
    ]


def test_an_interrupted_head_goes_on_from_its_last_epoch(tmp_path: Path) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(tmp_path / "run", report=interrupt)
    again: list[Progress] = []
    resumed, record = learn(tmp_path / "run", report=again.append)
    unbroken, other = learn(tmp_path / "unbroken")

    assert again[0].done == 8
    assert torch.equal(resumed.linear.weight, unbroken.linear.weight)
    assert [epoch.loss for epoch in record.epochs] == [epoch.loss for epoch in other.epochs]


def test_a_loss_that_is_not_finite(tmp_path: Path) -> None:
    spoilt = features()
    spoilt[TRAIN[3]] = np.nan
    with pytest.raises(RunError, match=r"the loss of epoch 1 is not finite; lower stage1.learning_rate"):
        learn(tmp_path / "stage1", drawn=spoilt)


def test_a_head_whose_state_is_not_kept_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    drawn = features()
    for spoilt in (False, True):
        if spoilt:
            drawn[TRAIN[3]] = np.nan
        head = Head(K, N_TAXA, dropout=0.2)
        head.standardise_on(torch.from_numpy(features()[TRAIN]))
        lesson = replace(tiny_lesson(Path("stage1")), kept=False)
        expected = pytest.raises(RunError, match=r"^stage1: .* lower stage1.learning_rate") if spoilt else nullcontext()
        with expected:
            train_head(head, lambda _: drawn[TRAIN], torch.from_numpy(drawn[VALIDATION]), lesson, settings())
    assert list(tmp_path.iterdir()) == []
