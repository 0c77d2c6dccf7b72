"""Checkpoints: the state of a stage after an epoch, in one safetensors file that appears whole or not at all."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from mentum.errors import RunError
from mentum.files import scratch, whole
from mentum.runs import TRAIN_AGAIN
from mentum.stored import in_a_clause, read_json, require_file

_CHECKSUM = "crc32"
"""Fact that is added to those given: safetensors itself would not notice a changed byte."""


def save_tensors(file: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any] | None = None) -> None:
    """Write tensors with facts that JSON can hold, and a checksum of both.

    Raises:
        OSError: if the disk does not take them.
    """
    # Cloned, since safetensors refuses tensors that share memory.
    owned = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    told = {**(facts or {}), _CHECKSUM: _checksum(owned, facts or {})}
    file.parent.mkdir(parents=True, exist_ok=True)
    # Safetensors writes under a name of its own first, which a kill would leave: that name lies in a folder of ours.
    with whole(file) as beside, scratch(file) as folder:
        save_file(owned, folder / file.name, metadata={"facts": json.dumps(told)})
        (folder / file.name).replace(beside)


def load_tensors(file: Path, remedy: str = TRAIN_AGAIN) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read tensors and facts back.

    Args:
        file: written by `save_tensors`.
        remedy: what to do if it is damaged, as the end of a sentence.

    Raises:
        RunError: if the file is missing or damaged.
    """
    try:
        require_file(file)
        with safe_open(file, framework="pt") as stored:
            facts = read_json((stored.metadata() or {}).get("facts", "{}").encode())
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - not a dict
        if not isinstance(facts, dict):
            raise ValueError(f"found facts that are {type(facts).__name__}, expected an object")
        if broken := [name for name, each in tensors.items() if _has_no_number(each)]:
            raise ValueError(f"found weights in {broken[0]} that are no numbers")
        if facts.pop(_CHECKSUM, None) not in {None, _checksum(tensors, facts)}:  # None: of an earlier version
            raise ValueError("its checksum does not fit what it holds")
    except (OSError, SafetensorError, ValueError, TypeError, MemoryError) as reason:
        raise RunError(f"{file}: cannot be read ({in_a_clause(reason)}); {remedy}.") from reason
    return tensors, facts


def _checksum(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> int:
    found = zlib.crc32(json.dumps(facts, sort_keys=True).encode())
    for name in sorted(tensors):
        found = zlib.crc32(name.encode(), found)
        found = zlib.crc32(tensors[name].reshape(-1).view(torch.uint8).numpy().data, found)
    return found


def _has_no_number(weights: Tensor) -> bool:
    """Infinity is one: features that tell nothing are divided by it."""
    return bool((weights.isnan() | weights.isneginf()).any()) if weights.is_floating_point() else False


def put_weights(target: nn.Module, file: Path) -> None:
    """Put the weights of a file into a network.

    Raises:
        RunError: if they are damaged, or of another network.
    """
    fill(target, load_tensors(file)[0], file)


def fill(target: nn.Module, tensors: Mapping[str, Tensor], file: Path) -> None:
    """Put weights into a network.

    Args:
        target: the network.
        tensors: by the names of its own.
        file: they come from.

    Raises:
        RunError: if they are those of another network.
    """
    expected = {name: tensor.shape for name, tensor in target.state_dict().items()}
    found = {name: tensor.shape for name, tensor in tensors.items()}
    if found != expected:
        name = next(name for name in [*expected, *found] if expected.get(name) != found.get(name))
        shapes = [str(tuple(each[name])) if name in each else "none" for each in (found, expected)]
        raise RunError(f"{file}: found {shapes[0]} for {name}, expected {shapes[1]}; {TRAIN_AGAIN}.")
    target.load_state_dict(tensors)


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimizer's moments, named optimizer.NUMBER.KEY."""
    state = optimizer.state_dict()["state"]
    return {f"optimizer.{number}.{key}": tensor for number, each in state.items() for key, tensor in each.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put the moments back into a freshly built optimizer."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, number, key = name.split(".")
            state.setdefault(int(number), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors below a prefix, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def with_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors with a prefix to their names."""
    return {prefix + name: tensor for name, tensor in tensors.items()}
