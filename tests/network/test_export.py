"""Tests of a network as ONNX: the same answers for any number of images, the same bytes, no traces of the machine."""

from __future__ import annotations

import getpass
import logging
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from mentum.errors import BackboneError
from mentum.network.export import OUTPUTS, export_onnx
from mentum.network.head import Network
from mentum.network.relevance import ExplainedNetwork
from support.tiny_lessons import N_TAXA, tiny_network

SIZE = 32


def trained_network() -> Network:
    """A head as training leaves it: standardised features, rows with a common part, a feature that never varies."""
    network = tiny_network().eval()
    torch.manual_seed(0)
    network.head.standardise_on(torch.rand(20, network.backbone.n_features))
    network.head.scale[3] = torch.inf
    nn.init.normal_(network.head.linear.weight)
    nn.init.normal_(network.head.linear.bias)
    return network


@pytest.fixture(scope="module")
def network() -> Network:
    return trained_network()


@pytest.fixture(scope="module")
def file(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("onnx") / "model.onnx"
    export_onnx(network, SIZE, out)
    return out


def squares(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, SIZE, SIZE, 3), dtype=np.uint8)


@pytest.mark.parametrize("n", [1, 3, 17])
def test_any_number_of_images_gets_the_answers_of_the_trained_network(network: Network, file: Path, n: int) -> None:
    pixels = squares(n, seed=n)
    with torch.inference_mode():
        expected = ExplainedNetwork(network)(torch.from_numpy(pixels).permute(0, 3, 1, 2).float())

    found = onnxruntime.InferenceSession(file).run(list(OUTPUTS), {"pixels": pixels})

    assert [values.shape for values in found] == [(n, N_TAXA), (n, N_TAXA, 4, 4), (n, 16)]
    for name, values, own in zip(OUTPUTS, found, expected, strict=True):
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, own.numpy(), rtol=1e-4, atol=1e-5, err_msg=name)
    with torch.inference_mode():
        logits = network(torch.from_numpy(pixels).permute(0, 3, 1, 2).float())
    np.testing.assert_allclose(found[0], logits.softmax(1).numpy(), atol=1e-5)


def test_inputs_and_outputs_have_names_and_any_number_of_images(file: Path) -> None:
    session = onnxruntime.InferenceSession(file)
    (pixels,) = session.get_inputs()
    assert (pixels.name, pixels.type, pixels.shape[1:]) == ("pixels", "tensor(uint8)", [SIZE, SIZE, 3])
    assert isinstance(pixels.shape[0], str)
    assert tuple(output.name for output in session.get_outputs()) == OUTPUTS


def test_the_file_is_valid_and_needs_no_other(file: Path) -> None:
    onnx.checker.check_model(onnx.load(file), full_check=True)
    assert [each.name for each in file.parent.iterdir()] == ["model.onnx"]


def test_the_same_network_gives_the_same_bytes(file: Path, tmp_path: Path) -> None:
    export_onnx(trained_network(), SIZE, tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == file.read_bytes()


def test_the_file_does_not_tell_where_it_was_made(file: Path) -> None:
    content = file.read_bytes()
    for trace in (str(Path.home()), str(Path.cwd()), getpass.getuser() + "/", "site-packages", ".py", str(file.parent)):
        assert trace.encode() not in content


class Undecided(nn.Module):
    """A network that takes one way or the other by what it sees, which ONNX cannot express."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> SimpleNamespace:
        features = self.network(pixels).last_hidden_state
        return SimpleNamespace(last_hidden_state=features if float(features.mean()) > 0 else 2 * features)


@pytest.fixture
def undecided() -> Network:
    network = trained_network()
    network.backbone.network = Undecided(network.backbone.network)
    return network.eval()


def test_a_part_that_onnx_cannot_express_is_said(undecided: Network, tmp_path: Path) -> None:
    level = logging.getLogger("torch.onnx").level
    with pytest.raises(BackboneError, match=r"backbone random: has a part that ONNX cannot express \(.*\); train"):
        export_onnx(undecided, SIZE, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
    assert logging.getLogger("torch.onnx").level == level


def test_a_failure_leaves_the_earlier_file_and_is_said_in_one_line(undecided: Network, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"earlier")
    with pytest.raises(BackboneError) as caught:
        export_onnx(undecided, SIZE, tmp_path / "model.onnx")
    assert len(str(caught.value).splitlines()) == 1
    assert (tmp_path / "model.onnx").read_bytes() == b"earlier"
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]
