"""Checkpoints: the state of a stage after an epoch, in one safetensors file that appears whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mentum.errors import RunError
from mentum.files import scratch, whole


def save_tensors(file: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any] | None = None) -> None:
    """Write tensors with facts that JSON can hold.

    Raises:
        OSError: if the disk does not take them.
    """
    # Cloned, since safetensors refuses tensors that share memory.
    owned = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    # Safetensors writes under a name of its own first, which a kill would leave: that name lies in a folder of ours.
    with whole(file) as beside, scratch(file) as folder:
        save_file(owned, folder / file.name, metadata={"facts": json.dumps(facts or {})})
        (folder / file.name).replace(beside)


def load_tensors(file: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read tensors and facts back.

    Raises:
        RunError: if the file is missing or damaged.
    """
    try:
        with safe_open(file, framework="pt") as stored:
            facts = json.loads((stored.metadata() or {}).get("facts", "{}"))
            return {name: stored.get_tensor(name) for name in stored.keys()}, facts  # noqa: SIM118 - not a dict
    except (OSError, SafetensorError, ValueError) as reason:
        raise RunError(f"{file}: cannot be read ({reason}); train again into a new folder.") from reason


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
