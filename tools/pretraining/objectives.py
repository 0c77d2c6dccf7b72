"""What the network is asked to learn from the drawn things."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

TEMPERATURE = 0.1


class Contrast(nn.Module):
    """Which two pictures show the same thing? Siblings are in the batch, as the hardest others.

    Source: InfoNCE as in SimCLR (Chen et al. 2020), with two drawings of a formula instead of two cut-outs of an image.
    """

    fixed_things = False

    def __init__(self, n_features: int, things: int, n_attributes: int) -> None:
        super().__init__()
        self.projector = _perceptron(n_features, 1024, 128)

    def forward(self, features: Tensor, things: Tensor, attributes: Tensor) -> Tensor:
        """The loss of features (2 B, K): the first B and the last B show the same things in the same order."""
        codes = functional.normalize(self.projector(features).float(), dim=1)
        similarity = codes @ codes.T / TEMPERATURE
        similarity.fill_diagonal_(float("-inf"))
        half = len(codes) // 2
        partner = torch.arange(2 * half, device=codes.device).roll(half)
        return functional.cross_entropy(similarity, partner)


class Attributes(nn.Module):
    """What are the numbers of the formula: colours, contour, surface, proportions? Supervised regression."""

    fixed_things = False

    def __init__(self, n_features: int, things: int, n_attributes: int) -> None:
        super().__init__()
        self.reader = _perceptron(n_features, 512, n_attributes)

    def forward(self, features: Tensor, things: Tensor, attributes: Tensor) -> Tensor:
        """Mean error against attributes (2 B, D), which are standardised."""
        return functional.smooth_l1_loss(self.reader(features).float(), attributes)


class Classes(nn.Module):
    """Which of a fixed number of formulas is it? Supervised, as formulas are usually learned (Kataoka et al. 2020)."""

    fixed_things = True

    def __init__(self, n_features: int, things: int, n_attributes: int) -> None:
        super().__init__()
        self.classifier = nn.Linear(n_features, things)

    def forward(self, features: Tensor, things: Tensor, attributes: Tensor) -> Tensor:
        """Cross-entropy over all things."""
        return functional.cross_entropy(self.classifier(features).float(), things, label_smoothing=0.1)


class Both(nn.Module):
    """`Contrast`, and `Attributes` beside it."""

    fixed_things = False

    def __init__(self, n_features: int, things: int, n_attributes: int) -> None:
        super().__init__()
        self.contrast = Contrast(n_features, things, n_attributes)
        self.attributes = Attributes(n_features, things, n_attributes)

    def forward(self, features: Tensor, things: Tensor, attributes: Tensor) -> Tensor:
        """Sum, the attributes weighted so that both have a similar pull."""
        loss: Tensor = self.contrast(features, things, attributes) + 2 * self.attributes(features, things, attributes)
        return loss


OBJECTIVES: dict[str, Callable[[int, int, int], nn.Module]] = {
    "contrast": Contrast,
    "attributes": Attributes,
    "classes": Classes,
    "both": Both,
}


def _perceptron(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True), nn.Linear(hidden, outputs)
    )
