"""Learning rates: lower towards the input, rising at first, falling along a cosine."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from mentum.network.head import Network
from mentum.settings import Stage2Settings


def cosine(step: int, total: int, warmup: float = 0.0) -> float:
    """Factor of the learning rate at `step` of `total`: linear warm-up, then half a cosine down to zero.

    >>> [round(cosine(step, 10, warmup=0.2), 2) for step in (0, 1, 2, 6, 10)]
    [0.5, 1.0, 1.0, 0.5, 0.0]
    """
    rising = warmup * total
    if step < rising:
        return min((step + 1) / rising, 1.0)
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(total - rising, 1)))


def layerwise_groups(network: Network, settings: Stage2Settings) -> list[dict[str, Any]]:
    """Parameter groups with a factor of the learning rate each: 1 for head and last block, `layer_decay` for the first.

    The factors of the blocks in between fall geometrically. Random weights all take the same rate. Biases and the
    weights of normalisations are not decayed.
    """
    blocks = list(network.backbone.blocks().values())
    decay = settings.layer_decay if network.backbone.pretrained else 1.0
    last = max(len(blocks) - 1, 1)
    scaled = [(parameters, decay ** ((last - place) / last)) for place, parameters in enumerate(blocks)]
    scaled.append((list(network.head.parameters()), 1.0))
    groups = []
    for parameters, factor in scaled:
        for decayed in (True, False):
            chosen = [parameter for parameter in parameters if (parameter.ndim > 1) is decayed]
            if chosen:
                weight_decay = settings.weight_decay if decayed else 0.0
                groups.append({"params": chosen, "factor": factor, "weight_decay": weight_decay})
    return groups


def make_optimizer(groups: list[dict[str, Any]], learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    """AdamW over the groups."""
    return torch.optim.AdamW(groups, lr=learning_rate, weight_decay=weight_decay)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give each group its share of the rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("factor", 1.0)


def freeze_norms(network: nn.Module) -> None:
    """Put batch normalisations into eval mode: they keep the statistics of pretraining."""
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def calibrate_norms(network: nn.Module, batches: Any) -> None:  # noqa: ANN401 - any iterable of pixel batches
    """Give batch normalisations of a random network the statistics of real images, without learning anything.

    Args:
        network: takes pixel batches.
        batches: (N, 3, S, S) float tensors; the statistics are averages over all of them.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative average
    network.train()
    with torch.no_grad():
        for pixels in batches:
            network(pixels)
    network.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
