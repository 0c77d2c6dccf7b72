"""A network of two small blocks, drawn pixels and a lesson about them, in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from mentum.network.backbones import Backbone, load_backbone
from mentum.network.head import Head, Network, make_objective
from mentum.records import ProgressCallback, ignore_progress
from mentum.settings import AugmentationSettings
from mentum.training.batches import ImageSource
from mentum.training.stages import Lesson
from support.drawn_data import draw_taxon, tiny_settings

torch.set_num_threads(1)  # threads that wait for each other cost far more than such small networks

N_TAXA, PER_TAXON = 3, 8
N_IMAGES = N_TAXA * PER_TAXON
TRAIN = np.flatnonzero(np.arange(N_IMAGES) % PER_TAXON < 6)
VALIDATION = np.flatnonzero(np.arange(N_IMAGES) % PER_TAXON >= 6)


def tiny_backbone(pretrained: bool = False, seed: int = 0) -> Backbone:
    """The backbone of `tiny_settings`; with `pretrained` it is taken for one from elsewhere."""
    backbone = load_backbone(tiny_settings().backbone, seed)
    backbone.pretrained = pretrained
    return backbone


def tiny_network(pretrained: bool = False) -> Network:
    """The tiny backbone with a new head."""
    backbone = tiny_backbone(pretrained)
    return Network(backbone, Head(backbone.n_features, N_TAXA, dropout=0.1))


def drawn_source(augmentation: AugmentationSettings | None = None) -> ImageSource:
    """Images of three taxa, in the order of the taxa."""
    drawn = [draw_taxon(taxon, seed, (32, 32)) for taxon in range(N_TAXA) for seed in range(PER_TAXON)]
    pixels = np.stack([np.asarray(image) for image in drawn])
    return ImageSource(pixels, augmentation or tiny_settings().augmentation, 0, 0, torch.device("cpu"))


def tiny_lesson(folder: Path, train: np.ndarray = TRAIN, report: ProgressCallback = ignore_progress) -> Lesson:
    """The drawn images, six of each taxon to learn from; the state is kept in `folder`."""
    allowed = np.repeat(np.eye(N_TAXA, dtype=bool), PER_TAXON, axis=0)
    objective = make_objective(allowed, np.isin(np.arange(N_IMAGES), train), "none")
    return Lesson("tree", objective, train, VALIDATION, 0, folder / "tree.checkpoint", report)
