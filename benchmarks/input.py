"""Does reading and deforming images hold up stage 2? The training loop fed from the pixel cache, against memory.

    python benchmarks/input.py [--backbone FOLDER] [--size 224] [--images 160] [--rounds 3]

Both loops run the same steps on the same network in turn: one reads and deforms each batch as in training, the other
takes deformed tensors that are already in memory.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mentum.network.backbones import load_backbone
from mentum.network.head import Head, Network, make_objective
from mentum.phantoms.dataset import draw_phantoms
from mentum.phantoms.settings import PhantomSettings
from mentum.settings import load_settings
from mentum.specimens.manifest import read_specimens
from mentum.specimens.pixels import open_cache
from mentum.training.batches import ImageSource
from mentum.training.optimizers import layerwise_groups, make_optimizer


def main() -> None:
    """Print images per second of both loops and their ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--backbone", default="random")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--images", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    settings = load_settings("default", [f"backbone.source={options.backbone}", f"pixels.size={options.size}"])
    with tempfile.TemporaryDirectory() as name:
        data = draw_phantoms(Path(name) / "drawn", PhantomSettings(images=options.images, width=256))
        table = read_specimens(data)
        pixels = open_cache(table.paths, settings.pixels, Path(name) / "cache").pixels
        source = ImageSource(pixels, settings.augmentation, settings.pixels.padding, 0, torch.device("cpu"))
        allowed = np.stack([table.taxonomy.leaves_of(label) for label in table.labels])
        speeds = compare(source, allowed, settings, options.rounds)
    ours, memory = (statistics.median(speed) for speed in speeds)
    print(f"{options.backbone} at {options.size} px: from the cache {ours:.1f}, from memory {memory:.1f} images/s")
    print(f"ratio {statistics.median(np.divide(*speeds)):.3f}")


def compare(source: ImageSource, allowed: np.ndarray, settings, rounds: int) -> tuple[list[float], list[float]]:  # noqa: ANN001
    """Images per second of both loops, one figure a round."""
    backbone = load_backbone(settings.backbone, 0).to(memory_format=torch.channels_last)
    network = Network(backbone, Head(backbone.n_features, allowed.shape[1], settings.head.dropout))
    optimizer = make_optimizer(layerwise_groups(network, settings.stage2), 1e-6, 0.0)
    objective = make_objective(allowed, np.ones(len(allowed), dtype=bool), "none")
    rows = np.arange(len(allowed))
    in_memory = [(of, pixels.clone()) for of, pixels in source.batches(rows, settings.stage2.batch_size, 1)]

    def loop(batches: Iterable[tuple[Tensor, Tensor]]) -> float:
        network.train()
        start = time.perf_counter()
        for of, pixels in batches:
            loss = objective.loss(network(pixels), of, training=True)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return len(rows) / (time.perf_counter() - start)

    loop(in_memory)  # warm-up
    speeds: tuple[list[float], list[float]] = ([], [])
    for epoch in range(rounds):
        speeds[0].append(loop(source.batches(rows, settings.stage2.batch_size, epoch)))
        speeds[1].append(loop(in_memory))
    return speeds


if __name__ == "__main__":
    main()
