"""Tests of objectives: losses computed by hand, and gradients."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from pretraining.objectives import OBJECTIVES, TEMPERATURE, Attributes, Both, Classes, Contrast

BATCH, FEATURES, THINGS, ATTRIBUTES = 6, 8, 12, 5


class Reader(nn.Module):
    """A module that answers by a function."""

    def __init__(self, answer: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, features: Tensor) -> Tensor:
        return self.answer(features)


@pytest.fixture
def features() -> Tensor:
    return torch.randn(2 * BATCH, FEATURES, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def things() -> Tensor:
    return torch.tensor([7, 0, 3, 11, 5, 2]).repeat(2)


@pytest.fixture
def attributes() -> Tensor:
    return torch.randn(BATCH, ATTRIBUTES, generator=torch.Generator().manual_seed(2)).repeat(2, 1)


def contrast_of_features() -> Contrast:
    """The loss of the features themselves."""
    contrast = Contrast(FEATURES, THINGS, ATTRIBUTES)
    contrast.projector = nn.Identity()
    return contrast


# Contrast


def test_contrast_by_hand(features: Tensor, things: Tensor, attributes: Tensor) -> None:
    found = contrast_of_features()(features, things, attributes)

    rows = [[value / math.hypot(*row) for value in row] for row in features.tolist()]
    losses = []
    for i, one in enumerate(rows):
        partner = (i + BATCH) % (2 * BATCH)
        pulls = {}
        for j, other in enumerate(rows):
            if j != i:
                pulls[j] = math.exp(sum(a * b for a, b in zip(one, other, strict=True)) / TEMPERATURE)
        losses.append(-math.log(pulls[partner] / sum(pulls.values())))
    assert float(found) == pytest.approx(sum(losses) / len(losses), rel=1e-4)


def test_contrast_vanishes_where_pairs_agree_and_others_are_orthogonal(things: Tensor, attributes: Tensor) -> None:
    pairs = torch.eye(BATCH, FEATURES).repeat(2, 1) * 3.0
    found = float(contrast_of_features()(pairs, things, attributes))
    assert found == pytest.approx(math.log1p((2 * BATCH - 2) * math.exp(-1 / TEMPERATURE)), rel=1e-3)
    assert found < 1e-3


def test_contrast_is_large_where_other_things_agree(things: Tensor, attributes: Tensor) -> None:
    wrong = torch.cat([torch.eye(BATCH, FEATURES), torch.eye(BATCH, FEATURES).roll(1, 0)])
    assert contrast_of_features()(wrong, things, attributes) > 0.9 / TEMPERATURE


# Attributes


def test_a_perfect_reader_has_no_loss(features: Tensor, things: Tensor, attributes: Tensor) -> None:
    objective = Attributes(FEATURES, THINGS, ATTRIBUTES)
    objective.reader = Reader(lambda _: attributes)
    assert objective(features, things, attributes) == 0


@pytest.mark.parametrize(("error", "loss"), [(0.5, 0.125), (-3.0, 2.5)])
def test_errors_count_squared_when_small_and_plainly_when_large(
    features: Tensor, things: Tensor, attributes: Tensor, error: float, loss: float
) -> None:
    objective = Attributes(FEATURES, THINGS, ATTRIBUTES)
    objective.reader = Reader(lambda _: attributes + error)
    assert float(objective(features, things, attributes)) == pytest.approx(loss, rel=1e-4)


# Classes


def test_classes_by_hand(features: Tensor, things: Tensor, attributes: Tensor) -> None:
    objective = Classes(FEATURES, THINGS, ATTRIBUTES)
    objective.classifier = Reader(lambda seen: torch.cat([seen, seen[:, :4]], dim=1))

    found = objective(features, things, attributes)

    losses = []
    for row, thing in zip(features.tolist(), things.tolist(), strict=True):
        logits = row + row[:4]
        total = math.log(sum(map(math.exp, logits)))
        wanted = [0.1 / THINGS + (0.9 if place == thing else 0) for place in range(THINGS)]
        losses.append(sum(share * (total - logit) for share, logit in zip(wanted, logits, strict=True)))
    assert float(found) == pytest.approx(sum(losses) / len(losses), rel=1e-4)


def test_only_classes_need_the_same_things_in_every_round() -> None:
    fixed = {name: made(FEATURES, THINGS, ATTRIBUTES).fixed_things for name, made in OBJECTIVES.items()}
    assert fixed == {"contrast": False, "attributes": False, "classes": True, "both": False}


# All


def test_both_is_contrast_and_twice_attributes(features: Tensor, things: Tensor, attributes: Tensor) -> None:
    both = Both(FEATURES, THINGS, ATTRIBUTES)
    parts = both.contrast(features, things, attributes), both.attributes(features, things, attributes)
    torch.testing.assert_close(both(features, things, attributes), parts[0] + 2 * parts[1])


@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradients_reach_features_and_heads(name: str, features: Tensor, things: Tensor, attributes: Tensor) -> None:
    objective = OBJECTIVES[name](FEATURES, THINGS, ATTRIBUTES)
    features.requires_grad_()

    loss = objective(features, things, attributes)
    loss.backward()

    assert loss.shape == ()
    assert loss.isfinite()
    assert loss > 0
    assert features.grad is not None
    assert features.grad.isfinite().all()
    assert (features.grad.abs().amax(1) > 0).all()  # of every view
    assert all(parameter.grad is not None for parameter in objective.parameters())
