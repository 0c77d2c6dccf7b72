"""Probabilities and relevance maps from trained networks."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mentum.maps import CellGeometry, Evidence, against_rivals, evidence_at_ranks
from mentum.model.session import Outputs
from mentum.network.augmentation import to_tensor
from mentum.network.backbones import reopen_backbone
from mentum.network.head import Head, Network
from mentum.network.relevance import ExplainedNetwork, measure_geometry
from mentum.records import Progress, ProgressCallback
from mentum.runs import Run, StageRecord
from mentum.taxonomy import Rank, Target, Taxonomy
from mentum.training.batches import ImageSource
from mentum.training.checkpoints import put_weights
from mentum.training.features import BATCH_SIZE
from mentum.training.tasks import Task, by_rank


def probabilities(logits: Tensor) -> NDArray[np.float32]:
    """Softmax over the taxa: (N, C) → (N, C) float32, rows sum to 1."""
    return logits.detach().double().softmax(1).float().cpu().numpy()


def predict_images(network: Network, source: ImageSource, report: ProgressCallback) -> NDArray[np.float32]:
    """Identify every image of a run as it is, undeformed.

    Returns:
        (N, C) float32.
    """
    network.eval()
    rows = np.arange(len(source.pixels))
    found = []
    with torch.inference_mode():
        for _, pixels in source.batches(rows, BATCH_SIZE):
            found.append(probabilities(network(pixels)))
            done = sum(map(len, found))
            report(Progress(task="predictions", done=done, total=len(rows), unit="images"))
    return np.concatenate(found)


@dataclass(frozen=True)
class Predictor:
    """The trained networks of a run, ready for new images."""

    taxonomy: Taxonomy
    networks: Sequence[tuple[Task, Network]]

    @classmethod
    def open(cls, run: Run) -> Predictor:
        """Load the networks of the last stage of a complete run."""
        record, taxonomy = run.record(), run.taxonomy()
        last = [stage for stage in record.stages if stage.stage == record.stages[-1].stage]
        return cls(taxonomy, [_load(run, stage, taxonomy) for stage in last])

    def __call__(self, pixels: NDArray[np.uint8]) -> dict[Rank, NDArray[np.float32]]:
        """Identify squares (N, S, S, 3) uint8: probabilities (N, C) for each rank."""
        batch = to_tensor(pixels, torch.device("cpu"))
        found: dict[Rank, NDArray[np.float32]] = {}
        with torch.inference_mode():
            for task, network in self.networks:
                found |= by_rank(task, self.taxonomy, probabilities(network(batch)))
        return found

    def explain(self, pixels: NDArray[np.uint8]) -> dict[Rank, Evidence]:
        """Identify squares (N, S, S, 3) uint8, with the relevance map of every taxon, from the same forward pass.

        Raises:
            BackboneError: if the networks are such that no map explains them.
        """
        batch = to_tensor(pixels, torch.device("cpu"))
        found: dict[Rank, Evidence] = {}
        with torch.inference_mode():
            for task, network in self._explained:
                y_prob, relevance, _ = network(batch)
                outputs = Evidence(y_prob.numpy(), relevance.numpy())
                rank = Target.of(task.model).rank
                if rank is None:
                    found |= evidence_at_ranks(outputs, self.taxonomy)
                else:
                    found[rank] = against_rivals(outputs, np.arange(len(task.taxa)))
        return found

    def outputs(self, pixels: NDArray[np.uint8]) -> Outputs:
        """What a released model says of squares (N, S, S, 3) uint8, without maps."""
        batch = to_tensor(pixels, torch.device("cpu"))
        y_prob, features = {}, []
        with torch.inference_mode():
            for task, network in self._explained:
                found, _, pooled = network(batch)
                y_prob[task.model] = found.numpy()
                features.append(pooled.numpy())
        return Outputs(y_prob, features[0], {})

    @cached_property
    def _explained(self) -> list[tuple[Task, ExplainedNetwork]]:
        return [(task, ExplainedNetwork(network)) for task, network in self.networks]

    def randomised(self, *, last_block: bool, seed: int) -> Predictor:
        """The same with random heads and, if asked, a random last block of the backbone: a sanity check of maps.

        Weights are shuffled within each tensor, so that their distribution stays.

        Source: Adebayo et al. 2018, Sanity checks for saliency maps, cascading randomisation.
        """
        generator = torch.Generator().manual_seed(seed)
        copies = [(task, copy.deepcopy(network)) for task, network in self.networks]
        for _, network in copies:
            shaken = [network.head.linear.weight, network.head.linear.bias]
            if last_block:
                shaken += list(network.backbone.blocks().values())[-1]
            for parameter in shaken:
                order = torch.randperm(parameter.numel(), generator=generator)
                parameter.data = parameter.data.flatten()[order].view_as(parameter)
        return Predictor(self.taxonomy, copies)


def map_geometry(run: Run) -> CellGeometry:
    """Where the cells of the run's maps lie: measured once on its backbone and kept in `run.json`."""
    record = run.record()
    if record.backbone is None or record.backbone.map_geometry is None:
        geometry = measure_geometry(reopen_backbone(run.path / "backbone"), record.settings.pixels.size)
        if record.backbone is None:
            return geometry
        run.update(backbone=record.backbone.model_copy(update={"map_geometry": geometry}))
        return geometry
    return record.backbone.map_geometry


def _load(run: Run, stage: StageRecord, taxonomy: Taxonomy) -> tuple[Task, Network]:
    taxa = Target.of(stage.model).taxa(taxonomy)
    backbone = reopen_backbone(run.path / "backbone")
    network = Network(backbone, Head(backbone.n_features, len(taxa), dropout=0.0))
    target = network if stage.stage == "stage2" else network.head
    put_weights(target, run.stage_folder(stage.stage) / f"{stage.model}.safetensors")
    network.eval()
    return Task(stage.model, taxa, np.empty((0, len(taxa)), dtype=bool)), network
