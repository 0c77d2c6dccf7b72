"""Tests of learning rates, of parameter groups and of normalisations."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mentum.settings import Stage2Settings
from mentum.training.optimizers import (
    calibrate_norms,
    cosine,
    freeze_norms,
    layerwise_groups,
    make_optimizer,
    set_rate,
)
from support.drawn_data import tiny_settings
from support.tiny_lessons import drawn_source, tiny_backbone, tiny_network


def stage2(*overrides: str) -> Stage2Settings:
    return tiny_settings(*overrides).stage2


# Rates


@pytest.mark.parametrize(
    ("step", "total", "warmup", "expected"),
    [
        (0, 100, 0.0, 1.0),
        (25, 100, 0.0, 0.5 * (1 + math.cos(math.pi / 4))),
        (50, 100, 0.0, 0.5),
        (100, 100, 0.0, 0.0),
        (0, 100, 0.1, 0.1),
        (4, 100, 0.1, 0.5),
        (9, 100, 0.1, 1.0),
        (10, 100, 0.1, 1.0),
        (55, 100, 0.1, 0.5),
        (1, 12, 0.1, 1.0),  # the warm-up ends between two steps
    ],
)
def test_the_rate_rises_in_a_line_and_falls_along_a_cosine(
    step: int, total: int, warmup: float, expected: float
) -> None:
    assert cosine(step, total, warmup) == pytest.approx(expected)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 300), st.floats(0, 0.99))
def test_the_rate_never_passes_its_peak_and_never_turns_twice(total: int, warmup: float) -> None:
    rates = [cosine(step, total, warmup) for step in range(total)]
    top = rates.index(max(rates))
    assert min(rates[: top + 1]) > 0
    assert max(rates) <= 1
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)


def test_each_group_takes_its_share_of_the_rate() -> None:
    optimizer = torch.optim.AdamW([{"params": [nn.Parameter(torch.ones(1))], "factor": factor} for factor in (1, 0.1)])
    set_rate(optimizer, 0.02)
    assert [group["lr"] for group in optimizer.param_groups] == [0.02, 0.002]


# Groups


def test_pretrained_blocks_take_geometrically_smaller_rates_towards_the_input() -> None:
    network = tiny_network(pretrained=True)

    groups = layerwise_groups(network, stage2("stage2.layer_decay=0.01"))

    factor_of = {id(parameter): group["factor"] for group in groups for parameter in group["params"]}
    blocks = network.backbone.blocks()
    factors = [{round(factor_of[id(parameter)], 9) for parameter in block} for block in blocks.values()]
    assert factors == [{0.01}, {0.1}, {1.0}]
    assert {factor_of[id(parameter)] for parameter in network.head.parameters()} == {1.0}


def test_random_blocks_all_take_the_same_rate() -> None:
    assert {group["factor"] for group in layerwise_groups(tiny_network(), stage2("stage2.layer_decay=0.01"))} == {1.0}


def test_every_parameter_is_in_one_group_and_only_weights_decay() -> None:
    network = tiny_network()
    groups = layerwise_groups(network, stage2("stage2.weight_decay=0.3"))
    grouped = [parameter for group in groups for parameter in group["params"]]
    assert sorted(map(id, grouped)) == sorted(map(id, network.parameters()))
    for group in groups:
        assert {parameter.ndim > 1 for parameter in group["params"]} == {group["weight_decay"] == 0.3}


def test_weight_decay_reaches_the_optimizer() -> None:
    weight, bias = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2))
    groups = [{"params": [weight], "weight_decay": 0.5}, {"params": [bias], "weight_decay": 0.0}]
    optimizer = make_optimizer(groups, learning_rate=0.1, weight_decay=0.9)
    for parameter in (weight, bias):
        parameter.grad = torch.zeros_like(parameter)

    optimizer.step()

    torch.testing.assert_close(weight.detach(), torch.full((2, 2), 0.95))
    torch.testing.assert_close(bias.detach(), torch.ones(2))


# Normalisations


def norms_of(network: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


def test_frozen_norms_keep_their_statistics() -> None:
    network = tiny_network()
    before = [norm.running_mean.clone() for norm in norms_of(network)]
    network.train()
    freeze_norms(network)
    network(torch.rand(4, 3, 32, 32) * 255)
    assert all(torch.equal(norm.running_mean, old) for norm, old in zip(norms_of(network), before, strict=True))
    assert network.head.training


def test_calibrated_norms_give_features_of_mean_0_and_variance_1() -> None:
    backbone = tiny_backbone()
    weights = [parameter.clone() for parameter in backbone.parameters()]
    (_, pixels), *_ = drawn_source().batches(torch.arange(24).numpy(), 24)

    calibrate_norms(backbone, [pixels])

    found: list[tuple[float, float]] = []
    for norm in norms_of(backbone):
        norm.register_forward_hook(
            lambda _, __, out: found.append((out.mean((0, 2, 3)).abs().max(), out.var((0, 2, 3)).sub(1).abs().max()))
        )
    with torch.inference_mode():
        backbone(pixels)
    assert len(found) >= 5
    for mean, variance in found:
        assert mean < 0.01
        assert variance < 0.02
    assert all(torch.equal(old, new) for old, new in zip(weights, backbone.parameters(), strict=True))


def test_calibration_averages_over_batches_and_leaves_the_network_in_eval_mode() -> None:
    backbone = tiny_backbone()
    momenta = [norm.momentum for norm in norms_of(backbone)]
    batches = [torch.full((2, 3, 32, 32), level) for level in (0.0, 255.0)]

    calibrate_norms(backbone, iter(batches))

    first = norms_of(backbone)[0]
    seen = []
    first.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].mean((0, 2, 3))))
    with torch.inference_mode():
        for pixels in batches:
            backbone(pixels)
    torch.testing.assert_close(first.running_mean, torch.stack(seen).mean(0), atol=1e-5, rtol=1e-4)
    assert not backbone.training
    assert [norm.momentum for norm in norms_of(backbone)] == momenta
