"""Tests of what a run says of its machine, and of repeatability."""

from __future__ import annotations

import contextlib
from importlib import metadata

import pytest
import torch

from mentum.errors import SettingsError
from mentum.training.machine import (
    choose_device,
    describe_machine,
    describe_versions,
    peak_memory,
    repeatable,
)
from support.drawn_data import tiny_settings


def test_a_gpu_is_taken_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [choose_device(tiny_settings(f"device={name}")).type for name in ("auto", "cpu", "cuda")] == [
        "cuda", "cpu", "cuda",
    ]  # fmt: skip


def test_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device(tiny_settings("device=auto")).type == "cpu"
    with pytest.raises(SettingsError, match=r"device: found no GPU .*, expected one for 'cuda'; give 'auto' or 'cpu'"):
        choose_device(tiny_settings("device=cuda"))


def test_threads_and_algorithms_are_set_for_the_time_of_a_training_only() -> None:
    before = (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled())
    with contextlib.suppress(KeyboardInterrupt), repeatable(tiny_settings("threads=3")):
        assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == (3, True)
        raise KeyboardInterrupt
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before


def test_the_machine_and_the_versions_are_described() -> None:
    machine = describe_machine(torch.device("cpu"))
    assert machine.accelerator is None
    assert machine.processor
    assert machine.cores >= 1
    assert machine.memory > 0.1
    assert describe_versions()["torch"] == metadata.version("torch")
    assert 0.01 < peak_memory() < machine.memory
