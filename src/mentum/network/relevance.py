"""Relevance maps of every taxon from one forward pass, and where the cells of a map lie in the image.

After global average pooling and one linear layer, Grad-CAM needs no gradient: it is the class activation map of Zhou et
al. 2016, cut at zero and divided by the number of cells.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mentum.errors import BackboneError
from mentum.maps import CellGeometry
from mentum.network.backbones import Backbone
from mentum.network.head import Head, Network, pool

TOLERANCE = 1e-3
"""Largest difference between logits and sums of maps, as a share of the spread of the logits."""


class ExplainedNetwork(nn.Module):
    """A trained network that gives, with its probabilities, the relevance map of each taxon.

    The head's rows are centred: a vector common to all rows changes no probability, but every map, and training leaves
    it at random.
    """

    rows: Tensor
    biases: Tensor

    def __init__(self, network: Network) -> None:
        """Take over a network in eval mode.

        Raises:
            BackboneError: if its logits are not sums over the cells of a map, so that no such map explains them.
        """
        super().__init__()
        self.backbone = network.backbone
        rows, biases = centred_rows(network.head)
        self.register_buffer("rows", rows)
        self.register_buffer("biases", biases)
        self.train(network.training)
        self._require_identity(network)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Explain pixels (N, 3, S, S) float, 0-255.

        Returns:
            Probabilities (N, C); relevance (N, C, h, w), signed, whose sum over the cells is the centred logit but for
            the bias; features (N, K).

        Raises:
            ValueError: in training mode, where dropout and batch statistics would make another map each time.
        """
        if self.training or self.backbone.training:
            raise ValueError("relevance of a network in training mode; call .eval() first")
        maps = self.backbone(pixels)
        relevance = self._relevance(maps)
        return self._logits(relevance).softmax(1), relevance, pool(maps)

    def _relevance(self, maps: Tensor) -> Tensor:
        return functional.conv2d(maps, self.rows[:, :, None, None]) / (maps.shape[2] * maps.shape[3])

    def _logits(self, relevance: Tensor) -> Tensor:
        return relevance.sum(dim=(2, 3)) + self.biases

    @torch.inference_mode()
    def _require_identity(self, network: Network) -> None:
        """Compare the network's own logits with the sums of its maps, on images of noise."""
        noise = torch.Generator().manual_seed(0)
        pixels = (255 * torch.rand(2, 3, 64, 64, generator=noise)).to(self.rows)
        logits = network(pixels)
        logits -= logits.mean(1, keepdim=True)
        spread = float(logits.abs().max())
        difference = float((self._logits(self._relevance(self.backbone(pixels))) - logits).abs().max())
        if not difference <= TOLERANCE * max(spread, 1.0):
            raise BackboneError(
                f"backbone {self.backbone.source}: its logits differ from the sums over its map by {difference:.3g} "
                f"(they spread over {spread:.3g}), so that a relevance map would show places that were not used; "
                "expected global average pooling followed by one linear layer; train with Mentum's own top classifier."
            )


def centred_rows(head: Head) -> tuple[Tensor, Tensor]:
    """The head as one linear layer on pooled features: rows (C, K) and biases (C,), means over the taxa removed."""
    rows = (head.linear.weight / head.scale).detach()
    biases = head.linear.bias.detach() - rows @ head.mean
    return rows - rows.mean(0), biases - biases.mean()


N_NOISE, N_INNER, N_EXTRA = 8, 3, 4
"""Images of noise; cells whose place is measured; cells by which the square is enlarged for that, at least."""


def measure_geometry(backbone: Backbone, size: int) -> CellGeometry:
    """Find where the cells of a backbone's map lie in a square of `size` px.

    A cell's place is the centre of mass of the squared gradient of its features by the pixels, on images of noise. It
    is measured on the innermost cells of a square enlarged by whole strides, where the image's edge is far away. The
    arithmetic of paddings does not tell it: a network with one-sided padding learns to look around that.

    Raises:
        BackboneError: if the map is a single cell.
    """
    cells = _cells(backbone, size)
    if cells < 2:
        raise BackboneError(
            f"backbone {backbone.source}: its map of a {size} px image is a single cell, which shows no place; train "
            "with a larger pixels.size."
        )
    step = 2 ** round(float(np.log2(size / cells)))
    larger = size + step * (N_EXTRA + (cells + N_EXTRA + 1) % 2)  # an odd number of cells has one in the middle
    n_larger = _cells(backbone, larger)
    stride = (larger - size) / (n_larger - cells)
    inner = n_larger // 2 + np.arange(N_INNER) - N_INNER // 2
    offset = float(np.mean(_gradient_centres(backbone, larger, inner) - stride * inner[:, None]))
    return CellGeometry(size=size, cells=cells, stride=stride, offset=round(offset, 1))


@torch.inference_mode()
def _cells(backbone: Backbone, size: int) -> int:
    parameter = next(backbone.parameters())
    return int(backbone(torch.zeros(1, 3, size, size).to(parameter)).shape[-1])


def _gradient_centres(backbone: Backbone, size: int, cells: np.ndarray) -> np.ndarray:
    """(len(cells), 2) float: x and y of the cells on the map's diagonal, px."""
    noise = torch.Generator().manual_seed(0)
    parameter = next(backbone.parameters())
    pixels = (255 * torch.rand(N_NOISE, 3, size, size, generator=noise)).to(parameter).requires_grad_()
    features = backbone.eval()(pixels)
    signs = (torch.randint(0, 2, features.shape[:2], generator=noise) * 2 - 1).to(features)
    place = torch.arange(size).to(features)
    centres = []
    for cell in cells.tolist():
        # With random signs the squared gradient of the sum is, on average, the sum of the channels' squared gradients.
        (gradient,) = torch.autograd.grad((features[:, :, cell, cell] * signs).sum(), pixels, retain_graph=True)
        energy = gradient.square().sum(1)
        energy = (energy / energy.sum(dim=(1, 2), keepdim=True)).mean(0)  # each image counts alike
        across, down = energy.sum(0) @ place, energy.sum(1) @ place
        centres.append([float(across), float(down)])
    return np.array(centres)
