"""Tests of a run's networks as files: parity, the weights beside them, names by rank, no traces of the machine."""

from __future__ import annotations

import getpass
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from mentum.model.folder import Model
from mentum.records import Progress
from mentum.runs import Run
from mentum.training.checkpoints import load_tensors
from mentum.training.network_files import export_networks
from mentum.training.predict import Predictor


def squares(n: int) -> np.ndarray:
    return np.random.default_rng(n).integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize("n", [1, 3, 17])
@pytest.mark.parametrize("kind", ["tree", "separate"])
def test_exported_networks_answer_as_trained_ones(request: pytest.FixtureRequest, kind: str, n: int) -> None:
    run, folder = ("trained_run", "released") if kind == "tree" else ("separate_run", "separate_model")
    predictor = Predictor.open(Run.open(request.getfixturevalue(run)))
    model = Model.open(request.getfixturevalue(folder))
    pixels = squares(n)

    found, expected = model.session(pixels, relevance=True), predictor.outputs(pixels)

    assert list(found.y_prob) == list(expected.y_prob)
    for name, y_prob in expected.y_prob.items():
        np.testing.assert_allclose(found.y_prob[name], y_prob, atol=1e-5)
    np.testing.assert_allclose(found.features, expected.features, atol=1e-4)
    for rank, evidence in predictor.explain(pixels).items():
        same = found.evidence(model.record.taxonomy)[rank]
        np.testing.assert_allclose(same.y_prob, evidence.y_prob, atol=1e-5)
        np.testing.assert_allclose(same.relevance, evidence.relevance, atol=1e-5)


def test_one_tree_is_the_model(trained_run: Path, tmp_path: Path) -> None:
    told: list[Progress] = []
    (network,) = export_networks(Run.open(trained_run), tmp_path, told.append)
    assert (network.name, network.file, network.weights) == ("tree", "model.onnx", "network.safetensors")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["model.onnx", "network.safetensors"]
    (pixels,) = onnxruntime.InferenceSession(tmp_path / "model.onnx").get_inputs()
    assert pixels.shape[1:] == [32, 32, 3]
    assert [(step.done, step.total, step.unit) for step in told] == [(1, 1, "networks")]


def test_separate_networks_are_named_by_rank_the_lowest_first(separate_run: Path, tmp_path: Path) -> None:
    found = export_networks(Run.open(separate_run), tmp_path, lambda _: None)
    assert [(network.name, network.file, network.weights) for network in found] == [
        ("species", "species.onnx", "species.safetensors"), ("subfamily", "subfamily.onnx", "subfamily.safetensors"),
    ]  # fmt: skip
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(
        name for network in found for name in (network.file, network.weights)
    )


def test_weights_come_with_all_that_a_further_training_needs(released: Path, trained_run: Path) -> None:
    tensors, facts = load_tensors(released / "network.safetensors")
    trained, _ = load_tensors(trained_run / "stage2" / "tree.safetensors")
    assert tensors.keys() == trained.keys()
    assert all((tensors[name] == trained[name]).all() for name in trained)
    assert set(facts) == {"backbone", "image_mean", "image_std", "taxa"}
    assert (facts["backbone"]["model_type"], facts["backbone"]["hidden_sizes"]) == ("resnet", [8, 16])
    assert facts["taxa"] == ["Chironomus plumosus", "Chironomus riparius", "Polypedilum laetum", "Orthocladius"]
    assert facts["image_mean"] == pytest.approx([0.485, 0.456, 0.406])


@pytest.mark.parametrize("name", ["model.onnx", "network.safetensors"])
def test_networks_do_not_tell_where_they_were_made(released: Path, trained_run: Path, name: str) -> None:
    content = (released / name).read_bytes()
    for trace in (str(trained_run.parent), str(Path.cwd()), str(Path.home()) + "/", f"/{getpass.getuser()}/"):
        assert trace.encode() not in content


def test_a_run_at_another_place_gives_the_same_files(trained_run: Path, released: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(trained_run, tmp_path / "elsewhere")
    (tmp_path / "model").mkdir()
    export_networks(Run.open(moved), tmp_path / "model", lambda _: None)
    for name in ("model.onnx", "network.safetensors"):
        assert (tmp_path / "model" / name).read_bytes() == (released / name).read_bytes()


def test_weights_that_cannot_be_written(trained_run: Path, tmp_path: Path) -> None:
    (tmp_path / "network.safetensors").mkdir()
    with pytest.raises(OSError, match="directory"):
        export_networks(Run.open(trained_run), tmp_path, lambda _: None)
    assert not list(tmp_path.glob("*.part"))
