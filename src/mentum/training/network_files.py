"""The trained networks of a run as files of a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mentum.network.export import export_onnx
from mentum.records import Progress, ProgressCallback
from mentum.runs import Run
from mentum.taxonomy import WHOLE_TREE
from mentum.training.checkpoints import save_tensors
from mentum.training.predict import Predictor


@dataclass(frozen=True)
class ExportedNetwork:
    """One network, named after what it predicts, with its files below the model's folder."""

    name: str
    file: str
    weights: str


def export_networks(run: Run, folder: Path, report: ProgressCallback) -> list[ExportedNetwork]:
    """Write every network of a run as ONNX, and its weights as safetensors with the backbone's configuration.

    Raises:
        BackboneError: if a network cannot be expressed in ONNX.
        RunError: if the weights cannot be written.
    """
    networks = Predictor.open(run).networks
    size = run.record().settings.pixels.size
    done = []
    for task, network in networks:
        alone = task.model == WHOLE_TREE.name
        stems = ("model", "network") if alone else (task.model, task.model)
        exported = ExportedNetwork(task.model, f"{stems[0]}.onnx", f"{stems[1]}.safetensors")
        export_onnx(network, size, folder / exported.file)
        configuration = network.backbone.network.config.to_dict()  # type: ignore[union-attr,operator]
        configuration.pop("_name_or_path", None)  # the run's folder on this machine
        facts = {
            "backbone": configuration,
            "image_mean": network.backbone.mean.flatten().tolist(),
            "image_std": network.backbone.std.flatten().tolist(),
            "taxa": [taxon.name for taxon in task.taxa],
        }
        save_tensors(folder / exported.weights, network.state_dict(), facts)
        (folder / exported.weights).chmod(0o644)  # a model is for others to read
        done.append(exported)
        report(Progress(task="networks", done=len(done), total=len(networks), unit="networks"))
    return done
