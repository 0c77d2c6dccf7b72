"""The top classifier, the whole network, and the loss for labels at any rank."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mentum.network.backbones import Backbone


class Head(nn.Module):
    """Standardised features → dropout → one fully connected layer.

    Standardising is linear, so it folds into the layer; it makes one learning rate fit every backbone.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, n_features: int, n_taxa: int, dropout: float) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(n_features))
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(n_features, n_taxa)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def standardise_on(self, features: Tensor) -> None:
        """Take mean and standard deviation from training features (N, K); features that never vary stay silent."""
        self.mean.copy_(features.mean(0))
        spread = features.std(0)
        self.scale.copy_(torch.where(spread > 1e-6 * spread.max(), spread, torch.inf))

    def forward(self, features: Tensor) -> Tensor:
        """Turn pooled features (N, K) into logits (N, C)."""
        logits: Tensor = self.linear(self.dropout((features - self.mean) / self.scale))
        return logits


class Network(nn.Module):
    """Backbone, global average pooling, top classifier."""

    def __init__(self, backbone: Backbone, head: Head) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head

    def forward(self, pixels: Tensor) -> Tensor:
        """Turn pixels (N, 3, S, S) float, 0-255, into logits (N, C)."""
        logits: Tensor = self.head(pool(self.backbone(pixels)))
        return logits


def pool(features: Tensor) -> Tensor:
    """Global average pooling: (N, K, h, w) → (N, K)."""
    return features.mean(dim=(2, 3))


@dataclass(frozen=True)
class Objective:
    """What a model learns: for each image, the taxa that its label allows.

    Attributes:
        allowed: (N, C) bool; several per row where the label is above the lowest rank, none where it is unusable.
        log_prior: (C,) float32, added to the logits in training ("logit-adjustment"), else zeros.
        weights: (N,) float32, weight of each image ("class-weights"), else ones.
    """

    allowed: Tensor
    log_prior: Tensor
    weights: Tensor

    @property
    def n_taxa(self) -> int:
        """C."""
        return int(self.allowed.shape[1])

    @property
    def usable(self) -> NDArray[np.bool_]:
        """(N,) bool: images whose label says anything about these taxa."""
        return np.asarray(self.allowed.any(1).numpy(), dtype=bool)

    def loss(self, logits: Tensor, rows: Tensor, *, training: bool) -> Tensor:
        """Mean negative log marginal likelihood of the labels of `rows`.

        The probability of a label is the sum over the taxa that it allows. Adjustment for uneven numbers of images
        applies in training only.

        Source: Menon et al. 2021, Long-tail learning via logit adjustment, eq. 10 (τ = 1), with marginal labels.
        """
        allowed = self.allowed[rows].to(logits.device)
        if not training:
            return _negative_log_likelihood(logits, allowed).mean()
        each = _negative_log_likelihood(logits + self.log_prior.to(logits.device), allowed)
        weights = self.weights[rows].to(logits.device)
        return (each * weights).sum() / weights.sum()

    def hits(self, logits: Tensor, rows: Tensor) -> Tensor:
        """(N,) bool: whether the most probable taxon is one that the label allows."""
        allowed = self.allowed[rows].to(logits.device)
        return allowed.gather(1, logits.argmax(1, keepdim=True)).squeeze(1)


def _negative_log_likelihood(logits: Tensor, allowed: Tensor) -> Tensor:
    matching = logits.masked_fill(~allowed, -torch.inf).logsumexp(1)
    return logits.logsumexp(1) - matching


def make_objective(allowed: NDArray[np.bool_], in_training: NDArray[np.bool_], imbalance: str) -> Objective:
    """Set up what a model learns.

    Args:
        allowed: (N, C) bool.
        in_training: (N,) bool, the images whose numbers count.
        imbalance: as in `HeadSettings`.
    """
    chances = allowed / np.maximum(allowed.sum(1, keepdims=True), 1)
    images_per_taxon = chances[in_training].sum(0)
    prior = images_per_taxon / images_per_taxon.sum()
    log_prior = np.log(prior) if imbalance == "logit-adjustment" else np.zeros(len(prior))
    weights = chances @ (1 / (prior * len(prior))) if imbalance == "class-weights" else np.ones(len(allowed))
    as_floats = (torch.from_numpy(values.astype(np.float32)) for values in (log_prior, weights))
    return Objective(torch.from_numpy(allowed), *as_floats)
