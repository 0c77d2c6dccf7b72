"""A trained network as one ONNX file: probabilities, relevance and features from a single forward pass."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from mentum.errors import BackboneError
from mentum.files import whole
from mentum.network.head import Network
from mentum.network.relevance import ExplainedNetwork

OUTPUTS = ("probabilities", "relevance", "features")


class _FromBytes(nn.Module):
    """A network that takes squares as they are read, (N, S, S, 3) uint8."""

    def __init__(self, network: ExplainedNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        explained: tuple[Tensor, Tensor, Tensor] = self.network(pixels.permute(0, 3, 1, 2).to(torch.float32))
        return explained


def export_onnx(network: Network, size: int, file: Path) -> None:
    """Write a network as ONNX; the file appears whole or not at all.

    Input `pixels` (N, S, S, 3) uint8; outputs `probabilities` (N, C), `relevance` (N, C, h, w), `features` (N, K), for
    any N. The normalisation of the input is part of the file.

    Args:
        network: in eval mode.
        size: S, px.
        file: to write.

    Raises:
        BackboneError: if the network has a part that ONNX cannot express.
    """
    answering = _FromBytes(ExplainedNetwork(network)).eval()
    example = torch.zeros(2, size, size, 3, dtype=torch.uint8)  # one image would fix the number of images
    try:
        with _quiet():
            program = torch.onnx.export(
                answering,
                (example,),
                dynamo=True,
                input_names=["pixels"],
                output_names=list(OUTPUTS),
                dynamic_shapes={"pixels": {0: torch.export.Dim("images")}},
                external_data=False,
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        reason = str(error).partition("\n")[0]
        raise BackboneError(
            f"backbone {network.backbone.source}: has a part that ONNX cannot express ({reason}); train with another "
            "one (ResNet, RegNet, ConvNeXt, MobileNet, EfficientNet)."
        ) from error
    assert program is not None, "the exporter gives a program unless it is told to write a file"
    _forget_origin(program.model)
    with whole(file) as beside:
        program.save(beside)


def _forget_origin(model: object) -> None:
    """Drop notes on each node about the code and the folders it came from: the same network gives the same bytes."""
    graph = model.graph  # type: ignore[attr-defined]
    for owner in (model, graph, *graph):
        owner.metadata_props.clear()
        owner.doc_string = None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks on packages that are not needed here."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
