"""Backbones: networks of transformers that turn an image into a map of features."""

from __future__ import annotations

import hashlib
import json
import re
import urllib.request
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mentum.errors import BackboneError
from mentum.network.configuration import IMAGENET_MEAN, IMAGENET_STD, normalisation, read_json, require_harmless
from mentum.settings import BackboneSettings
from mentum.texts import in_brief, visible

BUILTIN = Path(str(resources.files("mentum").joinpath("weights/builtin")))
"""The weights that come with Mentum, and their model card."""

MOST_PARAMETERS = 1_000_000_000
"""Of a network with random weights: 4 GB, four times that in training; the largest known have half."""
MOST_LAYERS = 1000
LONGEST = 300
"""Characters of what the library says that are shown."""
_REPEATS = ("depths", "num_hidden_layers", "num_layers", "layers", "num_blocks")
"""Fields of configurations that say how often something is repeated."""

_ALTERNATIVES = "give --backbone a local folder in Hugging Face format, or 'builtin'"


class Backbone(nn.Module):
    """A network up to its last feature map, with the normalisation of its input.

    Attributes:
        source: what the user asked for.
        pretrained: whether the weights come from elsewhere; False = random.
        n_features: K, channels of the feature map.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: Iterable[float], std: Iterable[float], source: str) -> None:
        super().__init__()
        self.network = network
        self.source = source
        self.pretrained = source != "random"
        self.register_buffer("mean", torch.tensor(list(mean)).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(list(std)).view(1, 3, 1, 1), persistent=False)
        self.n_features = self._measure()

    def forward(self, pixels: Tensor) -> Tensor:
        """Turn pixels (N, 3, S, S) float, 0-255, into feature maps (N, K, h, w)."""
        normalised = (pixels / 255 - self.mean) / self.std
        features: Tensor = self.network(normalised).last_hidden_state
        return features

    @property
    def architecture(self) -> str:
        """`model_type` of transformers."""
        config: Any = self.network.config
        return str(config.model_type)

    def blocks(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by block, from input to output; a block is an element of an outermost list.

        "encoder.stages.2.layers.0.…" belongs to "encoder.stages.2", "embedder.…" to "embedder".
        """
        found: dict[str, list[nn.Parameter]] = {}
        for name, parameter in self.network.named_parameters():
            parts = name.split(".")
            depth = next((place for place, part in enumerate(parts) if part.isdigit()), 0)
            found.setdefault(".".join(parts[: depth + 1]), []).append(parameter)
        return found

    def weights_hash(self) -> str:
        """sha256 over all weights and statistics."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.network.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def save(self, folder: Path) -> None:
        """Write the network as a Hugging Face folder."""
        network: Any = self.network
        network.save_pretrained(folder)
        normalisation = {"image_mean": self.mean.flatten().tolist(), "image_std": self.std.flatten().tolist()}
        text = json.dumps({**normalisation, "source": self.source}, indent=2)
        (folder / "preprocessor_config.json").write_text(text, encoding="utf-8")

    def _measure(self) -> int:
        """K, from a small trial image; the network is left in eval mode."""
        self.eval()
        try:
            with torch.inference_mode():
                features: Tensor | None = self.network(torch.zeros(1, 3, 64, 64)).last_hidden_state
        except (ValueError, AttributeError, TypeError, RuntimeError, LookupError, ArithmeticError, AssertionError):
            features = None
        if features is None or features.ndim != 4:
            found = "no map of features" if features is None else f"features of the shape {tuple(features.shape)}"
            raise BackboneError(
                f"backbone {self.source} ({self.architecture}): gives {found} for a 64 px image, expected (N, K, h, w) "
                "as convolutional networks give; take one of those (ResNet, RegNet, ConvNeXt, MobileNet, EfficientNet)."
            )
        return int(features.shape[1])


def load_backbone(settings: BackboneSettings, seed: int) -> Backbone:
    """Load a backbone, or make one with random weights.

    Raises:
        BackboneError: if the source cannot be reached or read, or does not give a feature map.
    """
    _silence()
    if settings.source == "random":
        return _random_backbone(settings, seed)
    if settings.source == "builtin":
        return _read_folder(BUILTIN, settings.source)
    folder = Path(settings.source).expanduser()
    if folder.is_dir():
        return _read_folder(folder, settings.source)
    return _read_hub(settings.source)


def reopen_backbone(folder: Path) -> Backbone:
    """Read a backbone that `Backbone.save` wrote.

    Raises:
        BackboneError: if the folder is missing or damaged.
    """
    _silence()
    try:
        source = str(read_json(folder / "preprocessor_config.json", str(folder))["source"])
    except (BackboneError, KeyError) as reason:
        raise BackboneError(
            f"{folder}: holds no backbone that a training kept ({in_brief(reason)}); train again into a new folder."
        ) from reason
    return _read_folder(folder, source)


def _random_backbone(settings: BackboneSettings, seed: int) -> Backbone:
    from transformers import AutoConfig, AutoModel

    try:
        known = AutoConfig.for_model(settings.architecture).to_dict()
        if unknown := sorted(set(settings.options) - set(known)):
            raise ValueError(f"it has no option {', '.join(unknown)}")
        config = AutoConfig.for_model(settings.architecture, **settings.options)
        _require_size(config)
        torch.manual_seed(seed)
        network = AutoModel.from_config(config)
    except Exception as reason:  # whatever these options lead to inside transformers
        raise BackboneError(
            f"backbone.architecture {visible(settings.architecture)}: cannot be made ({_first_clause(reason)}), "
            "expected a model type of transformers and options that it knows; "
            "give one such as resnet, regnet, convnextv2 or "
            "mobilenet_v2, or correct backbone.options."
        ) from reason
    return Backbone(network, IMAGENET_MEAN, IMAGENET_STD, "random")


def _require_size(config: Any) -> None:  # noqa: ANN401 - of transformers
    """Make sure that a network fits somewhere: it is made without memory first, which tells its parameters.

    Raises:
        ValueError: if it does not.
    """
    from transformers import AutoModel

    known = config.to_dict()
    repeated = [known.get(field) for field in _REPEATS]
    n_layers = sum(each for value in repeated for each in (value if isinstance(value, list) else [value]) if each)
    if n_layers > MOST_LAYERS:
        raise ValueError(f"it would have {n_layers} layers, at most {MOST_LAYERS} are possible")
    with torch.device("meta"):
        n_parameters = sum(each.numel() for each in AutoModel.from_config(config).parameters())
    if n_parameters > MOST_PARAMETERS:
        raise ValueError(f"it would have {n_parameters} parameters, at most {MOST_PARAMETERS} are possible")


def _read_folder(folder: Path, source: str) -> Backbone:
    if not (folder / "config.json").is_file():
        raise BackboneError(
            f"backbone {folder}: found no config.json, expected a folder in Hugging Face format; give one."
        )
    return _from_pretrained(folder, source, f"backbone {folder}: not readable")


def _read_hub(source: str) -> Backbone:
    if source.count("/") != 1:
        raise BackboneError(f"backbone {source}: neither a folder nor a hub id (owner/name); {_ALTERNATIVES}.")
    complaint = f"backbone {source}: the hub cannot be reached or has no such network, and no copy of it is stored here"
    if not _is_stored(source):
        _ask_hub(source, complaint)
    return _from_pretrained(source, source, complaint)


def _is_stored(source: str) -> bool:
    """Whether an earlier download left the network on this machine."""
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(source, "model.safetensors"), str)


def _ask_hub(source: str, complaint: str) -> None:
    """Fail after one question rather than after half a minute of the library's retries."""
    from huggingface_hub.constants import ENDPOINT

    question = urllib.request.Request(f"{ENDPOINT}/api/models/{source}", method="HEAD")  # noqa: S310 - the hub's own
    try:
        urllib.request.urlopen(question, timeout=10).close()  # noqa: S310 - likewise
    except OSError as reason:
        raise BackboneError(f"{complaint} ({_first_clause(reason)}); {_ALTERNATIVES}.") from reason


def _from_pretrained(where: str | Path, source: str, complaint: str) -> Backbone:
    """Read weights from safetensors alone, and nothing that runs code."""
    from transformers import AutoModel

    try:
        require_harmless(_beside(where, "config.json", source), source)
        mean, std = normalisation(_beside(where, "preprocessor_config.json", source), source)
        network, report = AutoModel.from_pretrained(
            where, dtype=torch.float32, use_safetensors=True, trust_remote_code=False, output_loading_info=True
        )
    except BackboneError:
        raise
    except Exception as reason:  # whatever a stranger's configuration leads to inside transformers
        raise BackboneError(f"{complaint} ({_first_clause(reason)}); {_ALTERNATIVES}.") from reason
    if report["missing_keys"]:
        missing = sorted(report["missing_keys"])
        raise BackboneError(
            f"backbone {source}: weights are missing ({missing[0]} and {len(missing) - 1} more), expected those of all "
            "layers that config.json describes; download the backbone again or take another."
        )
    return Backbone(network, mean, std, source)


def _beside(where: str | Path, name: str, source: str) -> dict[str, object]:
    """A JSON file beside the weights; empty where there is none."""
    from transformers.utils import cached_file

    file = cached_file(where, name, _raise_exceptions_for_missing_entries=False)
    return read_json(Path(file), source) if file else {}


def _first_clause(reason: Exception) -> str:
    lines = str(reason).strip().splitlines() or [type(reason).__name__]
    telling = lines[1] if lines[0].endswith(":") and len(lines) > 1 else lines[0]
    said = re.sub(
        r"^(?:\w+\.)*\w+(?:Error|Exception): ", "", telling.strip()
    )  # the name of a class tells nobody anything
    return visible(said.partition(". ")[0].rstrip("."))[:LONGEST]


def _silence() -> None:
    """Keep the library's own bars and notices off the terminal; what matters is raised."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
