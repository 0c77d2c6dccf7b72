"""Tests of relevance maps: exact against gradients and another library, and drawn where the image has the cause."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from torch import Tensor, nn

from mentum.errors import BackboneError
from mentum.maps import Evidence, against_rivals
from mentum.network.backbones import Backbone, load_backbone
from mentum.network.head import Head, Network
from mentum.network.relevance import ExplainedNetwork, centred_rows, measure_geometry
from mentum.settings import load_settings
from mentum.taxonomy import Rank, Taxon, Taxonomy
from support.drawn_data import TINY

N_TAXA = 5
TREE = Taxonomy(
    tuple(
        Taxon(((Rank.SUBFAMILY, subfamily), (Rank.GENUS, genus), (Rank.SPECIES, f"{genus} {epithet}")))
        for subfamily, genus, epithet in (
            ("Aainae", "Aus", "alba"), ("Aainae", "Aus", "nigra"), ("Aainae", "Bus", "alba"),
            ("Cinae", "Cus", "alba"), ("Cinae", "Cus", "nigra"),
        )
    )
)  # fmt: skip
"""Five species of three genera in two subfamilies."""


FOUR_BLOCKS = "{embedding_size=32, hidden_sizes=[32,64,128,256], depths=[1,1,1,1], layer_type='basic'}"
"""A small ResNet whose cells lie 32 px apart."""


def make_network(dtype: torch.dtype = torch.float64, seed: int = 0) -> Network:
    """A small backbone, and a head as training leaves it: standardised features, rows with a common part."""
    backbone = load_backbone(load_settings("quick", TINY).backbone, seed)
    head = Head(backbone.n_features, N_TAXA, dropout=0.5)
    torch.manual_seed(seed)
    head.standardise_on(torch.rand(20, backbone.n_features))
    head.scale[3] = torch.inf  # a feature that never varies
    nn.init.normal_(head.linear.weight)
    nn.init.normal_(head.linear.bias)
    return Network(backbone, head).to(dtype).eval()


def images(dtype: torch.dtype = torch.float64, n: int = 3, size: int = 64) -> Tensor:
    return 255 * torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(1), dtype=dtype)


def gradient_cam(network: Network, pixels: Tensor, score: Callable[[Tensor], Tensor]) -> Tensor:
    """Grad-CAM before its ReLU, by the book: weights are mean gradients, maps are weighted sums."""
    features = network.backbone(pixels)
    features.retain_grad()
    score(network.head(features.mean(dim=(2, 3)))).sum().backward()
    weights = features.grad.mean(dim=(2, 3), keepdim=True)
    return (weights * features).sum(1).detach()


def centred(logits: Tensor) -> Tensor:
    return logits - logits.mean(1, keepdim=True)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_leaf_maps_are_those_of_gradients(dtype, tolerance):
    network, pixels = make_network(dtype), images(dtype)
    relevance = ExplainedNetwork(network)(pixels)[1].detach()

    for taxon in range(N_TAXA):
        expected = gradient_cam(network, pixels, lambda logits, taxon=taxon: centred(logits)[:, taxon])
        difference = (relevance[:, taxon] - expected).abs().max() / expected.abs().max()
        assert difference <= tolerance


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@pytest.mark.parametrize("rank", [Rank.SPECIES, Rank.GENUS, Rank.SUBFAMILY])
def test_maps_at_ranks_are_those_of_gradients_of_log_odds(rank, dtype, tolerance):
    network, pixels = make_network(dtype), images(dtype)
    y_prob, relevance, _ = ExplainedNetwork(network)(pixels)
    columns = TREE.columns(rank)
    found = against_rivals(Evidence(y_prob.detach().numpy(), relevance.detach().numpy()), columns)

    for taxon in range(found.relevance.shape[1]):
        inside = torch.from_numpy(columns == taxon)
        expected = gradient_cam(
            network, pixels,
            lambda logits, inside=inside: logits[:, inside].logsumexp(1) - logits[:, ~inside].logsumexp(1),
        ).numpy()  # fmt: skip
        difference = np.abs(found.relevance[:, taxon] - expected).max() / np.abs(expected).max()
        assert difference <= tolerance


def test_the_positive_part_is_captums_grad_cam():
    network, pixels = make_network(), images()
    relevance = ExplainedNetwork(network)(pixels)[1].detach()
    last = network.backbone.network.encoder.stages[-1]
    oracle = LayerGradCam(lambda pixels: centred(network(pixels)), last)

    for taxon in range(N_TAXA):
        expected = oracle.attribute(pixels, target=taxon, relu_attributions=True)[:, 0].detach()
        torch.testing.assert_close(relevance[:, taxon].clamp(min=0), expected, rtol=1e-10, atol=1e-12)


def test_probabilities_and_features_are_the_networks_own():
    network, pixels = make_network(), images()
    y_prob, _, features = ExplainedNetwork(network)(pixels)

    torch.testing.assert_close(y_prob, network(pixels).softmax(1))
    torch.testing.assert_close(features, network.backbone(pixels).mean(dim=(2, 3)))


def test_maps_and_biases_sum_to_the_centred_logits():
    network, pixels = make_network(), images()
    relevance = ExplainedNetwork(network)(pixels)[1]

    torch.testing.assert_close(relevance.sum(dim=(2, 3)) + centred_rows(network.head)[1], centred(network(pixels)))


def test_a_vector_common_to_all_rows_changes_no_map():
    network, pixels = make_network(), images()
    before = ExplainedNetwork(network)(pixels)[1]
    with torch.no_grad():
        network.head.linear.weight += 3 * torch.randn(1, network.backbone.n_features, dtype=torch.float64)
    torch.testing.assert_close(ExplainedNetwork(network)(pixels)[1], before)


def test_a_batch_gives_the_maps_of_single_images():
    explained, pixels = ExplainedNetwork(make_network()), images()
    together = explained(pixels)[1]
    alone = torch.cat([explained(each[None])[1] for each in pixels])
    torch.testing.assert_close(together, alone, rtol=1e-10, atol=1e-12)


def test_a_mirrored_image_gives_the_mirrored_map_where_the_network_is_symmetrical():
    network = make_network()
    for layer in network.backbone.modules():
        if isinstance(layer, nn.Conv2d):
            layer.weight.data += layer.weight.data.flip(3)
    explained, pixels = ExplainedNetwork(network), images(size=65)  # strides fall on the middle of an odd side
    torch.testing.assert_close(explained(pixels.flip(3))[1], explained(pixels)[1].flip(3), rtol=1e-8, atol=1e-10)


def test_nothing_is_left_on_the_network():
    network = make_network()
    ExplainedNetwork(network)(images())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(layer._forward_hooks or layer._backward_hooks for layer in network.modules())


def test_a_network_in_training_mode_is_refused():
    explained = ExplainedNetwork(make_network())
    explained.backbone.train()
    with pytest.raises(ValueError, match=r"training mode; call \.eval\(\) first"):
        explained(images())


class LargestPooling(Network):
    """Pools by the maximum, so that a map shows places that were not used."""

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(self.backbone(pixels).amax(dim=(2, 3)))


class TwoLayers(Network):
    """A bent function of the logits."""

    def forward(self, pixels: Tensor) -> Tensor:
        return super().forward(pixels).relu()


@pytest.mark.parametrize("kind", [LargestPooling, TwoLayers])
def test_a_network_whose_logits_are_no_sums_over_a_map_is_refused(kind):
    network = make_network()
    with pytest.raises(BackboneError, match=r"differ from the sums over its map .* expected global average pooling"):
        ExplainedNetwork(kind(network.backbone, network.head).eval())


# Where the cells lie


class Blocks(nn.Module):
    """Means of patches: cell i lies on the middle of its patch."""

    def __init__(self, stride: int, padding: int = 0) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, stride, stride, padding)
        self.convolution.weight.data = 2.0 ** torch.arange(4)[:, None, None, None].expand_as(self.convolution.weight)
        self.config = type("Config", (), {"model_type": "blocks"})()

    def forward(self, pixels: Tensor) -> object:
        return type("Output", (), {"last_hidden_state": self.convolution(pixels)})()


@pytest.mark.parametrize(("stride", "padding", "offset"), [(16, 0, 7.5), (32, 0, 15.5), (16, 8, -0.5)])
def test_geometry_of_known_networks(stride, padding, offset):
    backbone = Backbone(Blocks(stride, padding), (0, 0, 0), (1, 1, 1), "random")
    found = measure_geometry(backbone, 128)
    assert found.stride == stride
    assert found.cells == (128 + 2 * padding) // stride
    assert found.offset == pytest.approx(offset, abs=0.2)


def test_a_resnets_cells_lie_on_multiples_of_its_stride():
    backbone = load_backbone(
        load_settings("quick", ["backbone.source=random", f"backbone.options={FOUR_BLOCKS}"]).backbone, seed=0
    )
    found = measure_geometry(backbone, 128)
    assert (found.cells, found.stride) == (4, 32)
    assert abs(found.offset) < 2


def test_a_map_of_one_cell_has_no_geometry():
    backbone = Backbone(Blocks(32), (0, 0, 0), (1, 1, 1), "somewhere/tiny")
    with pytest.raises(BackboneError, match="somewhere/tiny: its map of a 32 px image is a single cell"):
        measure_geometry(backbone, 32)


def test_the_drawn_peak_lies_on_a_bright_blob():
    """A head that answers to a blob anywhere, on an untrained ResNet: half-pixel drawing misses by half a stride."""
    backbone = load_backbone(
        load_settings("quick", ["backbone.source=random", f"backbone.options={FOUR_BLOCKS}"]).backbone, seed=0
    ).eval()
    geometry = measure_geometry(backbone, 224)
    centres = 32 * np.indices((5, 5)).reshape(2, -1).T + 48 + np.random.default_rng(0).uniform(-24, -8, size=(25, 2))
    y, x = np.mgrid[:224, :224]
    blobs = [np.exp(-(((x - across) ** 2 + (y - down) ** 2) / (2 * 12**2))) for across, down in centres]
    pixels = torch.from_numpy(60 + 180 * np.stack(blobs)).float()[:, None].expand(-1, 3, -1, -1)
    with torch.inference_mode():
        maps = backbone(pixels)
        empty = backbone(torch.full((1, 3, 224, 224), 60.0))
        row = (maps - empty).mean(dim=(0, 2, 3))
        relevance = torch.einsum("k,nkij->nij", row, maps - empty).numpy()

    def distances(geometry):
        drawn = geometry.draw(relevance)
        peaks = [np.unravel_index(each.argmax(), each.shape)[::-1] for each in drawn]
        return np.abs(np.array(peaks) - centres)

    assert distances(geometry).max() <= geometry.stride / 2
    assert distances(geometry.half_pixel).mean() > 1.5 * distances(geometry).mean()
