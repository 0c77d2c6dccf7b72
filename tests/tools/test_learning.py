"""Tests of pre-training: the plan, rounds, checkpoints and the backbone that is written."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from mentum.network.backbones import Backbone, load_backbone
from mentum.settings import BackboneSettings
from pretraining import learning
from pretraining.architecture import ARCHITECTURES, MEAN, STD, Network, make_network
from pretraining.formulas import Draws
from pretraining.learning import CHECKPOINT, DRAWINGS, SIBLINGS, Drawn, Plan, Pretraining, pretrain

CPU = torch.device("cpu")
PLAN = Plan(rounds=2, things=6, passes=1, batch=3, picture=32, view=32)


@pytest.fixture(scope="module", autouse=True)
def cudnn_as_it_was() -> Iterator[None]:
    """`pretrain` lets cuDNN choose by trial, for the whole process."""
    before = torch.backends.cudnn.benchmark
    yield
    torch.backends.cudnn.benchmark = before


def run_to(round_: int, folder: Path, plan: Plan = PLAN) -> tuple[Pretraining, list[str]]:
    lines: list[str] = []
    return pretrain(plan, folder, CPU, round_, lines.append), lines


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the whole plan was run without a stop."""
    return tmp_path_factory.mktemp("pretraining") / "whole"


@pytest.fixture(scope="module")
def whole(folder: Path) -> tuple[Pretraining, list[str]]:
    return run_to(2, folder)


@pytest.fixture(scope="module")
def trained(whole: tuple[Pretraining, list[str]]) -> Pretraining:
    return whole[0]


@pytest.fixture(scope="module")
def backbone(trained: Pretraining, folder: Path) -> Backbone:
    """The written backbone as Mentum reads it."""
    return load_backbone(BackboneSettings(source=str(folder / "backbone"), architecture="resnet", options={}), 0)


# The plan


@pytest.mark.parametrize(("things", "batch"), [(12, 4), (14, 6), (9, 6)])
def test_a_plan_that_does_not_divide(things: int, batch: int) -> None:
    expected = rf"things {things}, batch {batch}: expected a batch that 3 divides, and a multiple of it as things"
    with pytest.raises(ValueError, match=expected):
        Plan(things=things, batch=batch)


def test_steps_and_views_of_a_round() -> None:
    plan = Plan(things=24, batch=6, passes=5)
    assert (plan.steps_per_round, plan.views_per_round) == (20, 240)


def test_the_rate_rises_and_falls_along_a_cosine() -> None:
    run = Pretraining(replace(PLAN, passes=25, warmup=0.1), CPU)  # 100 steps

    rates = [run.rate_at(step) for step in range(100)]

    assert rates[:10] == pytest.approx([0.1 * step for step in range(1, 11)])
    assert rates[54] == pytest.approx(0.5)  # half way down
    assert rates[31] == pytest.approx(0.5 + 0.5 * math.cos(math.pi * 22 / 90))
    assert rates[99] == pytest.approx(0, abs=1e-9)
    assert all(later < earlier for earlier, later in pairwise(rates[9:]))


# Drawing


@pytest.mark.parametrize(("objective", "again"), [("both", False), ("classes", True)])
def test_rounds_draw_other_pictures_and_things_as_the_objective_wants(objective: str, again: bool) -> None:
    run = Pretraining(replace(PLAN, objective=objective), CPU)
    first, second = run.draw_round(0), run.draw_round(1)
    assert (first.pictures.shape, first.pictures.dtype) == ((6, DRAWINGS, 3, 32, 32), torch.uint8)
    assert torch.equal(first.attributes, second.attributes) is again
    assert not torch.equal(first.pictures, second.pictures)
    assert torch.equal(run.draw_round(1).pictures, second.pictures)


def test_attributes_are_standardised(trained: Pretraining) -> None:
    spread = learning.spread_of_attributes(0, CPU)
    assert torch.equal(spread, trained.spread)
    values = learning.draw_formulas(4096, Draws.seeded(3, 0, CPU)).attributes()
    standardised = (values - spread[0]) / spread[1]
    torch.testing.assert_close(standardised.mean(0), torch.zeros(spread.shape[1]), atol=0.1, rtol=0)
    torch.testing.assert_close(standardised.std(0), torch.ones(spread.shape[1]), atol=0.3, rtol=0)


def test_siblings_share_a_batch_and_each_thing_comes_once_a_pass(trained: Pretraining) -> None:
    trained.plan, plan = replace(PLAN, things=24, batch=6, passes=2), trained.plan
    batches = list(trained.batches(Draws.seeded(0, 0, CPU)))
    trained.plan = plan

    assert [len(batch) for batch in batches] == [6] * 8
    for batch in batches:
        first = batch.view(-1, SIBLINGS)[:, :1]
        assert (first % SIBLINGS == 0).all()
        assert torch.equal(batch.view(-1, SIBLINGS), first + torch.arange(SIBLINGS))
    one, other = torch.cat(batches[:4]), torch.cat(batches[4:])
    assert torch.equal(one.sort().values, torch.arange(24))
    assert torch.equal(other.sort().values, torch.arange(24))
    assert not torch.equal(one, other)


def test_a_step_sees_two_different_drawings_of_each_thing(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Pretraining(replace(PLAN, things=12, batch=6, passes=5), CPU)
    numbers = torch.arange(12 * DRAWINGS, dtype=torch.uint8).view(12, DRAWINGS, 1, 1, 1)
    drawn = Drawn(numbers.expand(12, DRAWINGS, 3, 32, 32), torch.zeros(12, run.spread.shape[1]))
    seen: list[Tensor] = []

    def remember(pictures: Tensor, size: int, draws: Draws) -> Tensor:
        seen.append(pictures[:, 0, 0, 0].long())
        return torch.randn(len(pictures), 3, size, size) * 50 + 100

    monkeypatch.setattr(learning, "draw_views", remember)
    run.learn_round(0, drawn)

    assert len(seen) == 10
    first, second = torch.stack(seen).view(10, 2, 6).unbind(1)
    assert torch.equal(first // DRAWINGS, second // DRAWINGS)
    assert (first % DRAWINGS != second % DRAWINGS).all()
    assert set((first % DRAWINGS).flatten().tolist()) == set(range(DRAWINGS))
    assert set(((second - first) % DRAWINGS).flatten().tolist()) == {1, 2, 3}


# Learning


def test_every_weight_moves(trained: Pretraining) -> None:
    torch.manual_seed(PLAN.seed)
    before = dict(make_network(PLAN.architecture).named_parameters())
    after = dict(trained.network.named_parameters())
    assert before.keys() == after.keys()
    assert [name for name, values in after.items() if torch.equal(values, before[name])] == []
    assert all(values.isfinite().all() for values in trained.network.state_dict().values())


def test_the_rate_has_come_down_at_the_end(trained: Pretraining) -> None:
    assert [group["lr"] for group in trained.optimizer.param_groups] == pytest.approx([0, 0], abs=1e-12)
    assert [group["weight_decay"] for group in trained.optimizer.param_groups] == [PLAN.weight_decay, 0]
    assert all(values.ndim <= 1 for values in trained.optimizer.param_groups[1]["params"])


def test_every_round_is_reported(whole: tuple[Pretraining, list[str]]) -> None:
    run, lines = whole
    expected = [f"round {number} of 2: loss {run.rounds[number - 1].loss:.3f}, " for number in (1, 2)]
    assert [line[: len(start)] for line, start in zip(lines, expected, strict=True)] == expected
    assert all("pictures/s drawn" in line and "views/s learned" in line for line in lines)


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pretraining, "draw_round", lambda *_: None)
    monkeypatch.setattr(Pretraining, "learn_round", lambda _, number, __: math.nan if number else 1.5)
    with pytest.raises(ArithmeticError, match=r"round 2: the loss is nan; begin anew with a lower --learning-rate"):
        run_to(2, tmp_path)
    again = Pretraining(PLAN, CPU)
    again.resume(tmp_path)
    assert [each.loss for each in again.rounds] == [1.5]


# Checkpoints


def test_a_stopped_run_goes_on_to_the_very_same_network(
    whole: tuple[Pretraining, list[str]], folder: Path, tmp_path: Path
) -> None:
    stopped, lines = run_to(1, tmp_path)
    assert (len(stopped.rounds), len(lines)) == (1, 1)
    (tmp_path / f"{CHECKPOINT}.part").write_bytes(b"half a checkpoint")  # as a kill while writing leaves it
    torch.rand(7)

    resumed, lines = run_to(2, tmp_path)

    assert [line[:13] for line in lines] == ["round 2 of 2:"]
    assert [each.loss for each in resumed.rounds] == [each.loss for each in whole[0].rounds]
    ours, theirs = (load_file(where / CHECKPOINT) for where in (tmp_path, folder))
    assert ours.keys() == theirs.keys()
    assert [name for name, values in ours.items() if not torch.equal(values, theirs[name])] == []
    written = [(where / "backbone" / "model.safetensors").read_bytes() for where in (tmp_path, folder)]
    assert written[0] == written[1]
    assert not list(tmp_path.rglob("*.part"))


def test_a_finished_run_has_nothing_left_to_do(trained: Pretraining, folder: Path) -> None:
    before = (folder / CHECKPOINT).stat().st_mtime_ns
    again, lines = run_to(9, folder)
    assert (lines, again.rounds) == ([], trained.rounds)
    assert (folder / CHECKPOINT).stat().st_mtime_ns == before
    ours, theirs = again.network.state_dict(), trained.network.state_dict()
    assert all(torch.equal(values, theirs[name]) for name, values in ours.items())


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"seed": 1}, "seed 0 / 1"), ({"view": 48, "objective": "contrast"}, "objective both / contrast, view 32 / 48")],
)
def test_a_checkpoint_of_another_plan_is_refused(
    trained: Pretraining, folder: Path, changes: dict[str, Any], told: str
) -> None:
    expected = rf"{CHECKPOINT}: begun with another plan \({told}\); give the same options, or another --out"
    with pytest.raises(ValueError, match=expected):
        run_to(2, folder, replace(PLAN, **changes))


def test_no_file_is_left_half_written(trained: Pretraining, folder: Path) -> None:
    names = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    inside = ("config.json", "model.safetensors", "preprocessor_config.json", "pretraining.json")
    assert names == [*(f"backbone/{name}" for name in inside), CHECKPOINT]


# The backbone


def test_the_backbone_is_written_in_half_precision(trained: Pretraining, folder: Path) -> None:
    weights = load_file(folder / "backbone" / "model.safetensors")
    kinds = {values.dtype for name, values in weights.items() if not name.endswith("num_batches_tracked")}
    assert kinds == {torch.float16}
    assert all(values.dtype == torch.float32 for values in trained.network.parameters())  # the run's own stay


def test_the_backbone_has_the_normalisation_that_it_was_trained_with(backbone: Backbone) -> None:
    torch.testing.assert_close(backbone.mean.flatten(), torch.tensor(MEAN))
    torch.testing.assert_close(backbone.std.flatten(), torch.tensor(STD))


def test_the_backbone_sees_what_the_network_saw(backbone: Backbone, trained: Pretraining) -> None:
    pixels = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(3)) * 255
    trained.network.eval()
    with torch.inference_mode():
        expected, found = trained.network(pixels), backbone(pixels).mean((2, 3))
    assert found.shape == (4, backbone.n_features)
    assert (found - expected).norm() < 0.005 * expected.norm()
    assert (expected[0] - expected[1]).norm() > 0.02 * expected.norm()  # which is not one answer to everything


def test_the_backbone_says_how_it_was_trained(trained: Pretraining, folder: Path) -> None:
    record = json.loads((folder / "backbone" / "pretraining.json").read_text(encoding="utf-8"))
    assert record["plan"] == asdict(PLAN)
    assert record["device"] == f"cpu, {torch.get_num_threads()} threads"
    assert record["torch"] == torch.__version__
    assert record["rounds"] == [asdict(each) for each in trained.rounds]
    assert len(record["rounds"]) == 2
    assert all(each["seconds_drawing"] > 0 and each["seconds_learning"] > 0 for each in record["rounds"])


# Architectures


def multiplications(network: Network, size: int) -> int:
    """Multiply-accumulate operations of all convolutions for one image."""
    counted: list[int] = []

    def count(module: nn.Module, _: object, output: Tensor) -> None:
        assert isinstance(module, nn.Conv2d | nn.Linear)
        counted.append(module.weight[0].numel() * output[0].numel())

    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(count)
    with torch.inference_mode():
        network.eval()(torch.zeros(1, 3, size, size))
    return sum(counted)


def test_the_shipped_architecture_is_small() -> None:
    network = make_network(Plan().architecture)
    values = sum(values.numel() for values in network.backbone.state_dict().values())
    assert 2 * values < 4e6  # bytes in half precision
    assert 1e8 < multiplications(network, 224) < 0.35e9


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_cells_of_the_map_lie_as_far_apart_as_the_name_says(name: str) -> None:
    stride = int(name.removeprefix("resnet-s"))
    with torch.inference_mode():
        seen = make_network(name).eval().backbone(torch.zeros(1, 3, 128, 128)).last_hidden_state
    assert seen.shape[2:] == (128 // stride, 128 // stride)
