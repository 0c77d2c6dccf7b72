"""What maps at three ranks cost: a forward pass with them over one without, and the way of gradients over both.

python benchmarks/relevance.py --backbone FOLDER
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from mentum.maps import Evidence, evidence_at_ranks
from mentum.network.backbones import load_backbone
from mentum.network.head import Head, Network
from mentum.network.relevance import ExplainedNetwork
from mentum.settings import load_settings
from mentum.taxonomy import Rank, Taxon, Taxonomy

TREE = Taxonomy(
    tuple(
        Taxon(((Rank.SUBFAMILY, f"S{species // 5}"), (Rank.GENUS, f"G{species // 2}"), (Rank.SPECIES, f"s{species}")))
        for species in range(10)
    )
)
"""Ten species of five genera in two subfamilies."""


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Print milliseconds per image and the median ratio of the rounds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--backbone", default="random")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    backbone = load_backbone(load_settings("paper", [f'backbone.source="{given.backbone}"']).backbone, seed=0)
    head = Head(backbone.n_features, len(TREE.leaves), dropout=0.5)
    torch.nn.init.normal_(head.linear.weight)
    network = Network(backbone, head).eval()
    explained = ExplainedNetwork(network)
    pixels = 255 * torch.rand(16, 3, given.size, given.size).contiguous(memory_format=torch.channels_last)

    def forward() -> None:
        with torch.inference_mode():
            network(pixels).softmax(1).numpy()

    def maps() -> None:
        with torch.inference_mode():
            y_prob, relevance, _ = explained(pixels)
            evidence_at_ranks(Evidence(y_prob.numpy(), relevance.numpy()), TREE)

    def gradients() -> None:
        """Grad-CAM of the taxon identified, at one rank, by a backward pass to the last feature map."""
        features = network.backbone(pixels)
        logits = network.head(features.mean(dim=(2, 3)))
        logits.max(1).values.sum().backward(inputs=list(network.parameters()))

    rows = np.array([[seconds(way) for way in (forward, maps, gradients)] for _ in range(given.rounds)])
    alone, mapped, backward = np.median(rows, axis=0) / len(pixels) * 1000
    print(f"{backbone.architecture} at {given.size} px, 16 images, {torch.get_num_threads()} threads")
    ratios = np.median(rows[:, 1:] / rows[:, :1], axis=0)
    print(f"forward {alone:.1f} ms/image; with maps at three ranks {mapped:.1f}, ratio {ratios[0]:.3f}")
    print(f"forward and one backward pass {backward:.1f}, ratio {ratios[1]:.2f}")


if __name__ == "__main__":
    main()
