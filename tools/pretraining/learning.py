"""Pre-training in rounds: draw things, learn from them, checkpoint. A stopped run goes on with the next round."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from pretraining.architecture import make_network, write_backbone
from pretraining.formulas import Draws, draw_formulas, draw_siblings
from pretraining.objectives import OBJECTIVES
from pretraining.scenes import draw_scenes
from pretraining.views import draw_views

SIBLINGS = 3
"""Things of a group, which share a formula and differ a little."""
DRAWINGS = 4
"""Pictures of each thing in a round."""
CHUNKS = {"cuda": 384, "cpu": 8}
"""Pictures drawn at once: many for a GPU, as many as a processor's cache holds for a processor."""
CHECKPOINT, RECORD = "checkpoint.safetensors", "pretraining.json"


@dataclass(frozen=True)
class Plan:
    """What a pre-training does; the defaults are those of the backbone in the box.

    Attributes:
        architecture: a key of `ARCHITECTURES`; `objective`: of `OBJECTIVES`.
        rounds: each draws new things.
        things: per round, a multiple of `batch`.
        passes: how often each thing is looked at in a round, every time in two pictures.
        batch: things per step, a multiple of `SIBLINGS`; a step sees two views of each.
        picture: pixels a side of a drawn picture; `view`: of a view, which the network sees.
        learning_rate: of AdamW; it rises over the share `warmup` of all steps and falls to zero along a cosine.

    Raises:
        ValueError: if a number is too small, or they do not divide each other.
    """

    architecture: str = "resnet-s16"
    objective: str = "both"
    rounds: int = 11
    things: int = 12288
    passes: int = 16
    batch: int = 768
    picture: int = 160
    view: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warmup: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.rounds, self.things, self.passes, self.batch) < 1 or min(self.picture, self.view) < 32:
            raise ValueError("rounds, things, passes and batch: expected 1 or more; picture and view: 32 px or more")
        if not 0 < self.warmup < 1:
            raise ValueError(f"warmup {self.warmup}: expected a share between 0 and 1")
        if self.batch % SIBLINGS or self.things % self.batch:
            raise ValueError(
                f"things {self.things}, batch {self.batch}: expected a batch that {SIBLINGS} divides, "
                "and a multiple of it as things"
            )

    @property
    def steps_per_round(self) -> int:
        """Steps of the optimiser."""
        return self.things // self.batch * self.passes

    @property
    def views_per_round(self) -> int:
        """Views that the network sees."""
        return 2 * self.things * self.passes


@dataclass(frozen=True)
class Drawn:
    """The things of a round.

    Attributes:
        pictures: (T, DRAWINGS, 3, R, R) uint8.
        attributes: (T, D) float32, standardised.
    """

    pictures: Tensor
    attributes: Tensor


@dataclass(frozen=True)
class Round:
    """What a round gave: the mean loss, and seconds."""

    loss: float
    seconds_drawing: float
    seconds_learning: float


class Pretraining:
    """Network, heads and optimiser, and how far they are in the plan."""

    def __init__(self, plan: Plan, device: torch.device) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.device = plan, device
        self.rounds: list[Round] = []
        self.network = make_network(plan.architecture).to(device)
        self.spread = spread_of_attributes(plan.seed, device)
        n_features = self.network(torch.zeros(2, 3, 64, 64, device=device)).shape[1]
        self.objective = OBJECTIVES[plan.objective](n_features, plan.things, self.spread.shape[1]).to(device)
        self.optimizer = torch.optim.AdamW(self._groups(), lr=plan.learning_rate)

    def _groups(self) -> list[dict[str, object]]:
        """Weights decay, biases and normalisation do not."""
        parameters = [*self.network.parameters(), *self.objective.parameters()]
        weights, others = [p for p in parameters if p.ndim > 1], [p for p in parameters if p.ndim <= 1]
        return [{"params": weights, "weight_decay": self.plan.weight_decay}, {"params": others, "weight_decay": 0.0}]

    def draw_round(self, number: int) -> Drawn:
        """Draw the things of a round, which depend on the plan's seed and the round's number only."""
        plan, draws = self.plan, self._draws(2 * number)
        of_things = self._draws(1) if self.objective.fixed_things else draws
        formulas = draw_siblings(plan.things // SIBLINGS, SIBLINGS, of_things)
        which = torch.arange(plan.things, device=self.device).repeat_interleave(DRAWINGS)
        chunks = torch.split(which, CHUNKS[self.device.type])
        pictures = torch.cat([draw_scenes(formulas.take(chunk), plan.picture, draws) for chunk in chunks])
        attributes = (formulas.attributes() - self.spread[0]) / self.spread[1]
        return Drawn(pictures.view(plan.things, DRAWINGS, *pictures.shape[1:]), attributes.clamp(-3, 3))

    def learn_round(self, number: int, drawn: Drawn) -> float:
        """Learn from the things of a round and return the mean loss."""
        self.network.train()
        draws = self._draws(2 * number + 1)
        losses = []
        for step, things in enumerate(self.batches(draws)):
            for group in self.optimizer.param_groups:
                group["lr"] = self.plan.learning_rate * self.rate_at(number * self.plan.steps_per_round + step)
            losses.append(self._step(drawn, things, draws))
        return float(torch.stack(losses).mean())

    def batches(self, draws: Draws) -> Iterator[Tensor]:
        """Things of each step; siblings stay together, as they are the hardest to tell apart."""
        groups = torch.arange(self.plan.things, device=self.device).view(-1, SIBLINGS)
        for _ in range(self.plan.passes):
            order = torch.randperm(len(groups), generator=draws.generator, device=self.device)
            yield from groups[order].view(-1, self.plan.batch)

    def _step(self, drawn: Drawn, things: Tensor, draws: Draws) -> Tensor:
        first = draws.integers(DRAWINGS, len(things))
        second = (first + 1 + draws.integers(DRAWINGS - 1, len(things))) % DRAWINGS
        twice = torch.cat([things, things])
        views = draw_views(drawn.pictures[twice, torch.cat([first, second])], self.plan.view, draws)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            features = self.network(views)
        loss: Tensor = self.objective(features.float(), twice, drawn.attributes[twice])
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([p for group in self.optimizer.param_groups for p in group["params"]], 1.0)
        self.optimizer.step()
        return loss.detach()

    def rate_at(self, step: int) -> float:
        """Share of the learning rate: linear warm-up, then half a cosine to zero."""
        done = (step + 1) / (self.plan.rounds * self.plan.steps_per_round)
        if done < self.plan.warmup:
            return done / self.plan.warmup
        return 0.5 * (1 + math.cos(math.pi * (done - self.plan.warmup) / (1 - self.plan.warmup)))

    def _draws(self, stream: int) -> Draws:
        return Draws.seeded(self.plan.seed, stream, self.device)

    def save(self, folder: Path) -> None:
        """Write the backbone as it stands, then a checkpoint, whole or not at all: a kill between repeats the round."""
        state = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        state |= {f"objective.{name}": value for name, value in self.objective.state_dict().items()}
        for place, values in self.optimizer.state_dict()["state"].items():
            state |= {f"optimizer.{place}.{name}": value for name, value in values.items()}
        write_backbone(self.network, folder / "backbone")
        (folder / "backbone" / RECORD).write_text(json.dumps(self._record(), indent=2) + "\n", encoding="utf-8")
        about = {"plan": json.dumps(asdict(self.plan)), "rounds": json.dumps([asdict(each) for each in self.rounds])}
        beside = folder / f"{CHECKPOINT}.part"
        save_file({name: value.contiguous() for name, value in state.items()}, beside, about)
        beside.replace(folder / CHECKPOINT)

    def _record(self) -> dict[str, object]:
        """What was run, for how long, on what."""
        cuda = self.device.type == "cuda"
        return {
            "plan": asdict(self.plan),
            "device": torch.cuda.get_device_name() if cuda else f"cpu, {torch.get_num_threads()} threads",
            "torch": torch.__version__,
            "rounds": [asdict(each) for each in self.rounds],
        }

    def resume(self, folder: Path) -> None:
        """Go on where a checkpoint of the same plan ended; without one, stay at the start.

        Raises:
            ValueError: if the checkpoint belongs to another plan.
        """
        file = folder / CHECKPOINT
        if not file.exists():
            return
        with safe_open(file, "pt") as opened:
            about = opened.metadata()
        if (theirs := json.loads(about["plan"])) != (ours := asdict(self.plan)):
            others = ", ".join(
                f"{key} {theirs.get(key)} / {ours.get(key)}"
                for key in {**ours, **theirs}
                if theirs.get(key) != ours.get(key)
            )
            raise ValueError(f"{file}: begun with another plan ({others}); give the same options, or another --out")
        state = load_file(file, str(self.device))
        self.network.load_state_dict(_below(state, "network."))
        self.objective.load_state_dict(_below(state, "objective."))
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in _below(state, "optimizer.").items():
            place, _, kind = name.partition(".")
            moments.setdefault(int(place), {})[kind] = value.cpu() if kind == "step" else value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": moments})
        self.rounds = [Round(**each) for each in json.loads(about["rounds"])]


def pretrain(plan: Plan, folder: Path, device: torch.device, until: int, report: Callable[[str], None]) -> Pretraining:
    """Run a plan, or what is left of it.

    Args:
        plan: what to do.
        folder: takes `checkpoint.safetensors` and `backbone/` after every round.
        device: "cuda" or "cpu".
        until: the last round to run now, counted from 1.
        report: takes a line about every round.

    Raises:
        ValueError: if the folder holds a checkpoint of another plan.
        ArithmeticError: if the loss is no longer a number; the last checkpoint stays.
    """
    torch.backends.cudnn.benchmark = True  # a third faster; results differ in the last digits from run to run
    run = Pretraining(plan, device)
    run.resume(folder)
    for number in range(len(run.rounds), min(until, plan.rounds)):
        start = time.perf_counter()
        drawn = run.draw_round(number)
        _wait(device)
        between = time.perf_counter()
        loss = run.learn_round(number, drawn)
        if not math.isfinite(loss):
            raise ArithmeticError(f"round {number + 1}: the loss is {loss}; begin anew with a lower --learning-rate")
        run.rounds.append(Round(loss, between - start, time.perf_counter() - between))
        run.save(folder)
        report(_line(plan, run.rounds))
    return run


def _line(plan: Plan, rounds: list[Round]) -> str:
    last = rounds[-1]
    drawn, seen = DRAWINGS * plan.things / last.seconds_drawing, plan.views_per_round / last.seconds_learning
    rates = f"{drawn:.0f} pictures/s drawn, {seen:.0f} views/s learned"
    return f"round {len(rounds)} of {plan.rounds}: loss {last.loss:.3f}, {rates}"


def spread_of_attributes(seed: int, device: torch.device) -> Tensor:
    """(2, D) mean and standard deviation of the attributes of formulas."""
    values = draw_formulas(4096, Draws.seeded(seed, 1 << 19, device)).attributes()
    return torch.stack([values.mean(0), values.std(0).clamp(min=1e-3)])


def _below(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
