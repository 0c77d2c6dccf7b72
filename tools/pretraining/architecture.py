"""The network that is trained: a small ResNet of transformers."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel
from transformers.utils import logging

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "resnet-s16": {"embedding_size": 24, "hidden_sizes": [96, 192, 512], "depths": [1, 2, 3]},
    "resnet-s32": {"embedding_size": 32, "hidden_sizes": [96, 192, 384, 640], "depths": [1, 2, 3, 2]},
}
"""Options of a ResNet of bottlenecks; "s16": the cells of its map lie 16 px apart. 0.349 and 0.353 GMAC at 224 px."""

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""How the input is normalised: the customary values."""


class Network(nn.Module):
    """Backbone, normalisation of its input and global average pooling."""

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.register_buffer("mean", 255 * torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", 255 * torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Features (N, K) of pixels (N, 3, S, S), 0-255."""
        normalised = ((pixels - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        features: Tensor = self.backbone(normalised).last_hidden_state.mean((2, 3))
        return features


def make_network(name: str) -> Network:
    """A network with random weights from torch's generator."""
    config = AutoConfig.for_model("resnet", layer_type="bottleneck", **ARCHITECTURES[name])
    return Network(AutoModel.from_config(config))


def write_backbone(network: Network, folder: Path) -> None:
    """Write the backbone in Hugging Face format, float16, for Mentum to read."""
    logging.disable_progress_bar()
    halved: Any = copy.deepcopy(network.backbone).cpu().half()
    halved.save_pretrained(folder)
    normalisation = {"image_mean": list(MEAN), "image_std": list(STD)}
    (folder / "preprocessor_config.json").write_text(json.dumps(normalisation, indent=2) + "\n", encoding="utf-8")
