"""Tests of the top classifier and of the loss, against values computed by hand or slowly."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mentum.network.head import Head, Network, make_objective, pool

# Five images over three taxa: two of taxon 0, one of taxon 1, one that is taxon 1 or 2 (a genus), one unusable.
ALLOWED = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 1], [0, 0, 0]], dtype=bool)
ALL = np.ones(5, dtype=bool)
LOGITS = torch.tensor([[1.0, 0.5, -2.0], [0.0, 3.0, 1.0], [2.0, 2.0, 0.0], [-1.0, 0.3, 0.8], [0.0, 0.0, 0.0]])
USABLE = torch.arange(4)


def slow_loss(logits: Tensor, allowed: np.ndarray) -> list[float]:
    """-log of the summed probability of the allowed taxa, number by number."""
    losses = []
    for row, may in zip(logits.double().tolist(), allowed.tolist(), strict=True):
        total = sum(math.exp(each) for each in row)
        losses.append(-math.log(sum(math.exp(each) / total for each, ok in zip(row, may, strict=True) if ok)))
    return losses


def test_the_loss_is_the_marginal_likelihood_of_the_label() -> None:
    objective = make_objective(ALLOWED, ALL, "none")
    expected = slow_loss(LOGITS[:4], ALLOWED[:4])
    for training in (True, False):
        loss = objective.loss(LOGITS[:4], USABLE, training=training)
        assert loss.item() == pytest.approx(np.mean(expected), rel=1e-6)


def test_rows_pick_the_labels() -> None:
    objective = make_objective(ALLOWED, ALL, "none")
    loss = objective.loss(LOGITS[2:4], torch.tensor([0, 3]), training=False)
    assert loss.item() == pytest.approx(np.mean(slow_loss(LOGITS[2:4], ALLOWED[[0, 3]])), rel=1e-6)


def test_a_label_that_allows_every_taxon_teaches_nothing() -> None:
    objective = make_objective(np.ones((1, 3), dtype=bool), np.ones(1, dtype=bool), "none")
    logits = LOGITS[:1].clone().requires_grad_()
    loss = objective.loss(logits, torch.tensor([0]), training=True)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert logits.grad is not None
    assert logits.grad.abs().max() < 1e-6


def test_the_gradient_of_a_genus_keeps_the_shares_of_its_species() -> None:
    logits = LOGITS[3:4].clone().requires_grad_()

    make_objective(ALLOWED, ALL, "none").loss(logits, torch.tensor([3]), training=True).backward()

    probability = LOGITS[3].softmax(0)
    within = probability * torch.tensor([0.0, 1.0, 1.0])
    torch.testing.assert_close(logits.grad, (probability - within / within.sum())[None])


def test_logit_adjustment_adds_the_log_of_each_share_in_training_only() -> None:
    # Shares: taxon 0 two images, taxon 1 one and a half, taxon 2 one half
    log_prior = np.log(np.array([2, 1.5, 0.5]) / 4)
    objective = make_objective(ALLOWED, ALL, "logit-adjustment")

    np.testing.assert_allclose(objective.log_prior, log_prior, rtol=1e-6)
    adjusted = LOGITS[:4] + torch.tensor(log_prior)
    assert objective.loss(LOGITS[:4], USABLE, training=True).item() == pytest.approx(
        np.mean(slow_loss(adjusted, ALLOWED[:4])), rel=1e-6
    )
    assert objective.loss(LOGITS[:4], USABLE, training=False).item() == pytest.approx(
        np.mean(slow_loss(LOGITS[:4], ALLOWED[:4])), rel=1e-6
    )


def test_class_weights_are_the_inverse_of_the_share() -> None:
    objective = make_objective(ALLOWED, ALL, "class-weights")

    # 1 / (share x number of taxa); the genus takes the mean of its two species
    weights = [4 / (2 * 3), 4 / (2 * 3), 4 / (1.5 * 3), (4 / (1.5 * 3) + 4 / (0.5 * 3)) / 2]
    np.testing.assert_allclose(objective.weights[:4], weights, rtol=1e-6)
    each = slow_loss(LOGITS[:4], ALLOWED[:4])
    assert objective.loss(LOGITS[:4], USABLE, training=True).item() == pytest.approx(
        np.average(each, weights=weights), rel=1e-6
    )
    assert objective.loss(LOGITS[:4], USABLE, training=False).item() == pytest.approx(np.mean(each), rel=1e-6)


def test_even_numbers_need_no_weights() -> None:
    even = np.eye(3, dtype=bool)
    weighted = make_objective(even, np.ones(3, dtype=bool), "class-weights")
    np.testing.assert_allclose(weighted.weights, 1, rtol=1e-6)
    adjusted = make_objective(even, np.ones(3, dtype=bool), "logit-adjustment")
    np.testing.assert_allclose(adjusted.log_prior, math.log(1 / 3), rtol=1e-6)


def test_only_training_images_count_for_the_shares() -> None:
    in_training = np.array([True, False, True, True, False])
    objective = make_objective(ALLOWED, in_training, "logit-adjustment")
    np.testing.assert_allclose(objective.log_prior, np.log([1 / 3, 1.5 / 3, 0.5 / 3]), rtol=1e-6)


def test_a_label_that_allows_no_taxon_is_not_usable() -> None:
    objective = make_objective(ALLOWED, ALL, "none")
    assert objective.usable.tolist() == [True, True, True, True, False]
    assert objective.n_taxa == 3


def test_a_hit_is_any_taxon_that_the_label_allows() -> None:
    objective = make_objective(ALLOWED, ALL, "none")
    assert objective.hits(LOGITS[:4], USABLE).tolist() == [True, False, False, True]


# The head


@pytest.fixture
def head() -> Head:
    torch.manual_seed(0)
    head = Head(4, 3, dropout=0.5).eval()
    nn.init.normal_(head.linear.weight)
    nn.init.normal_(head.linear.bias)
    return head


@pytest.fixture
def features() -> Tensor:
    drawn = torch.randn(20, 4, generator=torch.Generator().manual_seed(1)) * torch.tensor([1.0, 100.0, 0.01, 1.0])
    drawn[:, 3] = 7.0  # never varies
    return drawn


def test_a_new_head_gives_every_taxon_the_same_logit(features: Tensor) -> None:
    assert Head(4, 3, dropout=0.0)(features).abs().max() == 0


def test_standardisation_folds_into_the_layer(head: Head, features: Tensor) -> None:
    head.standardise_on(features)

    with torch.no_grad():
        weight = head.linear.weight / torch.tensor([*features[:, :3].std(0), torch.inf])
        bias = head.linear.bias - weight @ features.mean(0)
        torch.testing.assert_close(head(features), features @ weight.T + bias, atol=1e-4, rtol=1e-4)


def test_features_that_never_varied_stay_silent(head: Head, features: Tensor) -> None:
    head.standardise_on(features)
    changed = features.clone()
    changed[:, 3] = 1e6
    with torch.no_grad():
        assert torch.equal(head(changed), head(features))


def test_features_that_all_never_varied_give_the_bias(head: Head) -> None:
    head.standardise_on(torch.ones(5, 4))
    with torch.no_grad():
        torch.testing.assert_close(head(torch.randn(2, 4)), head.linear.bias.expand(2, 3))


def test_dropout_acts_in_training_only(head: Head, features: Tensor) -> None:
    with torch.no_grad():
        assert torch.equal(head(features), head(features))
        head.train()
        assert not torch.equal(head(features), head(features))


def test_standardisation_travels_with_the_weights(head: Head, features: Tensor) -> None:
    head.standardise_on(features)
    other = Head(4, 3, dropout=0.0).eval()
    other.load_state_dict(head.state_dict())
    with torch.no_grad():
        assert torch.equal(other(features), head(features))


def test_the_network_pools_the_map_and_asks_the_head(head: Head) -> None:
    maps = torch.randn(2, 4, 3, 5)

    class Fixed(nn.Module):
        def forward(self, pixels: Tensor) -> Tensor:
            return maps

    network = Network(Fixed(), head)
    with torch.no_grad():
        torch.testing.assert_close(network(torch.zeros(2, 3, 8, 8)), head(maps.sum((2, 3)) / 15))
    assert pool(maps).shape == (2, 4)
