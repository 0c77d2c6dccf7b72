"""A stranger's backbone folder describes a network; whatever else it asks for is refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mentum.errors import BackboneError
from mentum.network.backbones import load_backbone
from mentum.network.configuration import IMAGENET_MEAN, IMAGENET_STD, normalisation, require_harmless
from mentum.settings import BackboneSettings

TINY = {"depths": [1, 1], "hidden_sizes": [8, 16], "embedding_size": 8, "layer_type": "basic"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    load_backbone(BackboneSettings(source="random", architecture="resnet", options=TINY), 0).save(tmp_path / "tiny")
    return tmp_path / "tiny"


def load(folder: Path) -> None:
    load_backbone(BackboneSettings(source=str(folder), architecture="resnet", options={}), 0)


def change(folder: Path, **fields: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("auto_map", {"AutoModel": "evil.Model", "AutoConfig": "evil.Config"}, "code of its own"),
        ("custom_pipelines", {"x": {"impl": "evil.Pipeline"}}, "code of its own"),
        ("trust_remote_code", True, "code of its own"),
        ("quantization_config", {"quant_method": "bitsandbytes", "load_in_8bit": True}, "a quantiser"),
        ("quantization_config", {"quant_method": "gptq", "bits": 4}, "a quantiser"),
        ("_attn_implementation", "kernels-community/flash-attn", "a kernel"),
        ("attn_implementation", "someone/kernel@main", "a kernel"),
        ("use_kernels", True, "a kernel"),
        ("use_pretrained_backbone", True, "other weights"),
        ("backbone_config", {"model_type": "resnet", "auto_map": {"AutoModel": "evil.Model"}}, "code of its own"),
    ],
)
def test_what_loads_more_than_a_network_is_refused_by_name(folder: Path, field: str, value: Any, what: str) -> None:
    marker = folder.parent / "ran"
    (folder / "evil.py").write_text(f"open({str(marker)!r}, 'w')\n")
    change(folder, **{field: value})
    named = "auto_map" if field == "backbone_config" else field
    with pytest.raises(BackboneError, match=rf"asks for {what} \(the field '{named}'\), which Mentum never loads"):
        load(folder)
    assert not marker.exists()


def test_what_says_nothing_is_let_through() -> None:
    require_harmless({"auto_map": None, "quantization_config": {}, "_attn_implementation": "sdpa", "deep": [[{}]]}, "x")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model_type", "no-such-network"),
        ("model_type", 7),
        ("model_type", None),
        ("hidden_sizes", "wide"),
        ("hidden_sizes", [8, -16]),
        ("hidden_sizes", {}),
        ("depths", [1, 1, 1]),
        ("depths", "deep"),
        ("embedding_size", 1e300),
        ("embedding_size", None),
        ("num_channels", 5),
        ("num_channels", [3]),
        ("layer_type", 3),
        ("hidden_act", "shout"),
        ("hidden_act", ["relu"]),
        ("dtype", "float7"),
        ("out_features", [7]),
        ("architectures", 5),
        ("transformers_version", {}),
    ],
)
def test_fields_of_a_wrong_kind_are_one_sentence_or_harmless(folder: Path, field: str, value: object) -> None:
    change(folder, **{field: value})
    message = refusal(folder)
    assert "\n" not in message
    assert not message or any(act in message for act in ("; give --backbone", "; take one", "take another"))


def refusal(folder: Path) -> str:
    """Why the folder is refused, "" where it is not; anything but a sentence of ours would be raised."""
    try:
        load(folder)
    except BackboneError as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize("content", ["[]", "7", '"text"', "{", "", "[" * 100_000, "\udcff"])
def test_a_configuration_that_is_no_object(folder: Path, content: str) -> None:
    (folder / "config.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(BackboneError, match=r"not readable \(.*; give --backbone a local folder"):
        load(folder)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"image_mean": "grey"}, "image_mean in preprocessor_config.json is grey"),
        ({"image_mean": [0.5, 0.5]}, r"image_mean in preprocessor_config.json is \[0.5, 0.5\]"),
        ({"image_mean": [0.5, None, 0.5]}, "image_mean"),
        ({"image_std": [0.5, 0.5, 0]}, "image_std .*expected three numbers above 0"),
        ({"image_std": [0.5, 0.5, 1e300]}, "image_std"),
        ({"image_std": {"r": 1}}, "image_std"),
    ],
)
def test_normalisation_that_is_no_three_numbers(values: dict[str, object], found: str) -> None:
    with pytest.raises(BackboneError, match=rf"backbone x: {found}"):
        normalisation(values, "x")


def test_normalisation_of_a_preprocessor_that_says_nothing() -> None:
    assert normalisation({}, "x") == (list(IMAGENET_MEAN), list(IMAGENET_STD))


def test_weights_of_pickle_are_not_opened(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(BackboneError, match="not readable"):
        load(folder)
