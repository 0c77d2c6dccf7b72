"""Tests of backbones: made from random weights, read from folders, refused with the reason."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from safetensors.torch import load_file, save_file
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from mentum.errors import BackboneError
from mentum.network.backbones import BUILTIN, Backbone, load_backbone, reopen_backbone
from mentum.network.configuration import IMAGENET_MEAN
from mentum.settings import BackboneSettings
from support.data_sets import real_data

TINY: dict[str, Any] = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 2], "layer_type": "basic"}
SMALL_VIT = {
    "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8, "patch_size": 16,
}  # fmt: skip


def load(source: str = "random", architecture: str = "resnet", seed: int = 0, **options: Any) -> Backbone:
    chosen = BackboneSettings(source=source, architecture=architecture, options=options)
    return load_backbone(chosen, seed)


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load(**TINY)


@pytest.fixture
def folder(backbone: Backbone, tmp_path: Path) -> Path:
    """The tiny backbone as a folder."""
    backbone.save(tmp_path / "tiny")
    return tmp_path / "tiny"


def features_of(backbone: Backbone) -> Tensor:
    pixels = torch.rand(2, 3, 64, 48, generator=torch.Generator().manual_seed(3)) * 255
    with torch.inference_mode():
        return backbone(pixels)


# Random weights


def test_a_random_backbone_gives_a_map_of_features(backbone: Backbone) -> None:
    assert (backbone.source, backbone.architecture, backbone.pretrained) == ("random", "resnet", False)
    assert backbone.n_features == 16
    assert features_of(backbone).shape[:2] == (2, 16)
    assert not backbone.training


def test_random_weights_belong_to_the_seed(backbone: Backbone) -> None:
    torch.rand(7)  # whatever was drawn before
    assert load(**TINY).weights_hash() == backbone.weights_hash()
    assert load(seed=1, **TINY).weights_hash() != backbone.weights_hash()


@pytest.mark.parametrize(
    ("architecture", "options", "reason"),
    [
        ("nonsense", {}, "Unrecognized model identifier: nonsense"),
        ("resnet", {"wings": 2, "legs": 6}, "it has no option legs, wings"),
        ("resnet", TINY | {"layer_type": "odd"}, "layer_type=odd is not one of basic,bottleneck"),
        ("resnet", TINY | {"embedding_size": "wide"}, "'embedding_size' expected int, got str"),
        ("resnet", TINY | {"embedding_size": -1}, "negative dimension"),
        ("resnet", TINY | {"hidden_sizes": []}, "list index out of range"),
        ("resnet", TINY | {"hidden_act": "shout"}, "'shout'"),
        ("resnet", TINY | {"hidden_sizes": [99_999, 99_999]}, "parameters, at most 1000000000 are possible"),
        ("resnet", TINY | {"depths": [10**9, 1]}, "it would have 1000000001 layers, at most 1000 are possible"),
        ("convnextv2", {"depths": [5000, 1, 1, 1]}, "it would have 5003 layers"),
    ],
)
def test_what_transformers_cannot_make(architecture: str, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(BackboneError) as caught:
        load(architecture=architecture, **options)
    message = str(caught.value)
    assert message.startswith(f"backbone.architecture {architecture}: cannot be made (")
    assert reason in message
    assert "give one such as resnet" in message


@pytest.mark.parametrize(
    ("options", "found"),
    [({"image_size": 64}, r"features of the shape \(1, 17, 8\)"), ({"image_size": 224}, "no map of features")],
)
def test_a_transformer_without_a_map_is_refused(options: dict[str, int], found: str) -> None:
    with pytest.raises(BackboneError, match=rf"backbone random \(vit\): gives {found} for a 64 px image, .* take one"):
        load(architecture="vit", **SMALL_VIT, **options)


# Blocks


def test_blocks_of_a_resnet_run_from_input_to_output(backbone: Backbone) -> None:
    blocks = backbone.blocks()
    assert list(blocks) == ["embedder", "encoder.stages.0", "encoder.stages.1"]
    assert sum(map(len, blocks.values())) == len(list(backbone.parameters()))


def test_blocks_of_a_mobilenet_run_from_input_to_output() -> None:
    mobile = load(architecture="mobilenet_v2", depth_multiplier=0.1, min_depth=8, finegrained_output=False)
    assert list(mobile.blocks()) == ["conv_stem", *(f"layer.{number}" for number in range(16)), "conv_1x1"]


# Folders


def test_a_saved_backbone_reopens_with_equal_outputs(backbone: Backbone, folder: Path) -> None:
    again = reopen_backbone(folder)
    assert torch.equal(features_of(again), features_of(backbone))
    assert again.weights_hash() == backbone.weights_hash()
    assert (again.source, again.pretrained) == ("random", False)


def test_a_folder_given_by_the_user_is_pretrained(backbone: Backbone, folder: Path) -> None:
    given = load(source=str(folder))
    assert torch.equal(features_of(given), features_of(backbone))
    assert (given.source, given.pretrained, given.architecture) == (str(folder), True, "resnet")

    given.save(folder.with_name("kept"))
    assert reopen_backbone(folder.with_name("kept")).source == str(folder)


def test_normalisation_is_the_backbone_s_own(folder: Path) -> None:
    values = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.5, 0.25, 0.2]}
    (folder / "preprocessor_config.json").write_text(json.dumps(values))

    given = load(source=str(folder))

    torch.testing.assert_close(given.mean.flatten(), torch.tensor([0.5, 0.4, 0.3]))
    seen: list[Tensor] = []
    given.network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        given(torch.full((1, 3, 64, 64), 255.0))
    torch.testing.assert_close(seen[0][0, :, 0, 0], torch.tensor([1.0, 2.4, 3.5]))


def test_normalisation_is_imagenet_s_where_none_is_given(folder: Path) -> None:
    (folder / "preprocessor_config.json").unlink()
    torch.testing.assert_close(load(source=str(folder)).mean.flatten(), torch.tensor(IMAGENET_MEAN))


def test_a_folder_without_config(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"found no config.json, expected a folder in Hugging Face format"):
        load(source=str(tmp_path))


def test_a_folder_without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(BackboneError, match=r"tiny: not readable \(.*\); give --backbone a local folder"):
        load(source=str(folder))


def test_a_folder_with_damaged_weights(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-50])
    with pytest.raises(BackboneError, match=r"tiny: not readable \(.*\); give --backbone a local folder"):
        load(source=str(folder))


def test_a_folder_with_a_broken_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")
    with pytest.raises(BackboneError, match=r"tiny: not readable \(.*\); give --backbone a local folder"):
        load(source=str(folder))


def test_a_folder_whose_weights_are_missing_in_part(folder: Path) -> None:
    file = folder / "model.safetensors"
    weights = {name: tensor for name, tensor in load_file(file).items() if not name.startswith("encoder.stages.1")}
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(BackboneError, match=r"weights are missing \(encoder.stages.1.* and \d+ more\)"):
        load(source=str(folder))


@pytest.mark.parametrize("content", [None, "{}", "{"])
def test_a_run_s_backbone_that_is_gone_or_damaged(folder: Path, content: str | None) -> None:
    file = folder / "preprocessor_config.json"
    file.unlink() if content is None else file.write_text(content)
    with pytest.raises(BackboneError, match=r"tiny: holds no backbone that a training kept \(.*\); train again"):
        reopen_backbone(folder)


# The hub


@pytest.mark.parametrize("source", ["resnet-50", "a/b/c", "/no/such/folder"])
def test_neither_a_folder_nor_a_hub_id(source: str) -> None:
    with pytest.raises(BackboneError, match=rf"backbone {source}: neither a folder nor a hub id \(owner/name\); give"):
        load(source=source)


def test_an_unreachable_hub_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    began = time.monotonic()

    with pytest.raises(BackboneError) as caught:
        load(source="microsoft/resnet-nowhere")

    assert time.monotonic() - began < 5
    assert str(caught.value) == (
        "backbone microsoft/resnet-nowhere: the hub cannot be reached or has no such network, and no copy of it is "
        "stored here (<urlopen error Name or service not known>); give --backbone a local folder in Hugging Face "
        "format, or 'builtin'."
    )


def test_a_stored_copy_is_used_without_asking_the_hub(folder: Path, backbone: Backbone, tmp_path: Path) -> None:
    """The hub's library reads where its copies lie when it is first imported, hence a process of its own."""
    stored = tmp_path / "hub" / "models--someone--tiny"
    shutil.copytree(folder, stored / "snapshots" / "0a1b")
    (stored / "refs").mkdir()
    (stored / "refs" / "main").write_text("0a1b")
    nobody = {"HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1", "HF_ENDPOINT": "http://127.0.0.1:9"}
    code = (
        "from mentum.network.backbones import load_backbone\n"
        "from mentum.settings import BackboneSettings\n"
        "found = load_backbone(BackboneSettings(source='someone/tiny', architecture='resnet', options={}), 0)\n"
        "print(found.source, found.pretrained, found.weights_hash())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | nobody, capture_output=True, text=True, check=False
    )
    assert ended.stdout == f"someone/tiny True {backbone.weights_hash()}\n", ended.stderr


def test_the_backbone_in_the_box_needs_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: pytest.fail("something was asked for"))

    found = load(source="builtin")

    assert (found.source, found.pretrained, found.n_features) == ("builtin", True, 512)
    assert found(torch.zeros(1, 3, 128, 128)).shape == (1, 512, 8, 8)
    assert (BUILTIN / "model.safetensors").stat().st_size < 4e6


def test_frozen_features_of_the_backbone_in_the_box_tell_pollen_apart() -> None:
    """Ten taxa, ten images of each to learn from and ten to judge: well above the same network with random weights."""
    folders = sorted((real_data("pollen20") / "images").iterdir())[:10]
    files = [file for folder in folders for file in sorted(folder.iterdir())[:20]]
    squares = [np.asarray(ImageOps.pad(Image.open(file).convert("RGB"), (128, 128))) for file in files]
    pixels = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).float()
    labels, judged = np.repeat(np.arange(10), 20), np.tile(np.arange(20) >= 10, 10)

    def accuracy(backbone: Backbone) -> float:
        with torch.inference_mode():
            features = backbone(pixels).mean((2, 3)).double().numpy()
        head = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
        return float(head.fit(features[~judged], labels[~judged]).score(features[judged], labels[judged]))

    trained = load(source="builtin")
    like_it = {name: getattr(trained.network.config, name) for name in ("embedding_size", "hidden_sizes", "depths")}
    assert accuracy(trained) > accuracy(load(layer_type="bottleneck", **like_it)) + 0.05
