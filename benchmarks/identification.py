"""Images per second of identification with maps at three ranks, beside the ways of gradients, on the same files.

python benchmarks/identification.py IMAGES            # needs mentum[train], captum and grad-cam in the environment

Ours: one ResNet-50 in ONNX, maps of the answers at species, genus and subfamily from one pass. The paper's way: three
ResNet-50 models, each explained by Grad-CAM, by pytorch-grad-cam and by Captum; and Captum on the one network that we
use. All read the same files by the same function, in the same batches, with the same number of threads. Weights are
random: they do not change the time. The ways take turns; the ratio of each round is taken, and their median printed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mentum.identification.inputs import Inputs
from mentum.model.session import Session
from mentum.network.backbones import load_backbone
from mentum.network.export import export_onnx
from mentum.network.head import Head, Network
from mentum.settings import PixelSettings, load_settings
from mentum.specimens.pixels import square_pixels
from mentum.taxonomy import Rank, Taxon, Taxonomy

BATCH = 16
TREE = Taxonomy(
    tuple(
        Taxon(((Rank.SUBFAMILY, f"S{species // 5}"), (Rank.GENUS, f"G{species // 2}"), (Rank.SPECIES, f"s{species}")))
        for species in range(10)
    )
)
"""Ten species of five genera in two subfamilies."""

Way = Callable[[NDArray[np.uint8]], object]


def make_network(taxa: int, seed: int) -> Network:
    """A ResNet-50 with random weights."""
    settings = load_settings("paper", ["backbone.source=random", "backbone.architecture=resnet"])
    backbone = load_backbone(settings.backbone, seed)
    head = Head(backbone.n_features, taxa, dropout=0.0)
    nn.init.normal_(head.linear.weight)
    return Network(backbone, head).eval()


def to_pixels(squares: NDArray[np.uint8]) -> torch.Tensor:
    """As the networks take them."""
    return torch.from_numpy(squares).permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)


def ours(folder: Path, size: int, threads: int) -> Way:
    """One pass; maps of every taxon at every rank."""
    export_onnx(make_network(10, 0), size, folder / "model.onnx")
    session = Session({"tree": folder / "model.onnx"}, threads)

    def work(squares: NDArray[np.uint8]) -> object:
        evidence = session(squares, relevance=True).evidence(TREE)
        rows = np.arange(len(squares))
        return [each.relevance[rows, each.y_prob.argmax(1)] for each in evidence.values()]

    return work


def grad_cam(networks: list[Network]) -> Way:
    """One forward and one backward pass per network, by pytorch-grad-cam."""
    stand_in_for_torchvision()
    from pytorch_grad_cam import GradCAM

    layers = [list(network.backbone.network.encoder.stages)[-1] for network in networks]
    cams = [GradCAM(model=network, target_layers=[layer]) for network, layer in zip(networks, layers, strict=True)]
    return lambda squares: [cam(input_tensor=to_pixels(squares), targets=None) for cam in cams]


def captum(networks: list[Network], rank_columns: list[NDArray[np.int64]] | None = None) -> Way:
    """Likewise by Captum; with `rank_columns`, for three ranks of one network."""
    from captum.attr import LayerGradCam

    def target_of(network: Network, columns: NDArray[np.int64] | None) -> Callable[[torch.Tensor], torch.Tensor]:
        if columns is None:
            return network
        members = torch.from_numpy((columns[:, None] == np.arange(columns.max() + 1)).astype(np.float32))
        return lambda pixels: (network(pixels).softmax(1) @ members).log()

    ways = []
    for network in networks:
        layer = list(network.backbone.network.encoder.stages)[-1]
        for columns in rank_columns or [None]:
            forward = target_of(network, columns)
            ways.append((forward, LayerGradCam(forward, layer)))

    def work(squares: NDArray[np.uint8]) -> object:
        pixels = to_pixels(squares)
        maps = []
        for forward, explainer in ways:
            with torch.no_grad():
                answer = forward(pixels).argmax(1)
            maps.append(explainer.attribute(pixels, target=answer).detach().numpy())
        return maps

    return work


def stand_in_for_torchvision() -> None:
    """pytorch-grad-cam imports torchvision for what Grad-CAM does not need; where that is absent, names suffice."""
    try:
        import torchvision  # noqa: F401
    except ImportError:
        for name in ("torchvision", "torchvision.transforms", "torchvision.transforms.functional", "torchvision.ops"):
            sys.modules[name] = types.ModuleType(name)
        transforms = sys.modules["torchvision.transforms"]
        for name in ("Compose", "Normalize", "ToTensor"):
            setattr(transforms, name, object)
        sys.modules["torchvision.transforms.functional"].resize = None  # type: ignore[attr-defined]


def batches(paths: list[Path], size: int, pool: ThreadPoolExecutor) -> Iterator[NDArray[np.uint8]]:
    """Read ahead by one batch, as identification does."""
    settings = PixelSettings(size=size, padding=0)

    def read(start: int) -> list:
        return [pool.submit(square_pixels, path, settings) for path in paths[start : start + BATCH]]

    ahead = read(0)
    for start in range(0, len(paths), BATCH):
        now, ahead = ahead, read(start + BATCH)
        yield np.stack([each.result() for each in now])


def main() -> None:
    """Print images per second and ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("images")
    parser.add_argument("--limit", type=int, default=48)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    paths = [each.path for each in Inputs((given.images,))][: given.limit]
    three = [make_network(taxa, seed) for seed, taxa in enumerate((10, 5, 2))]
    columns = [TREE.columns(rank) for rank in TREE.ranks]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(given.threads) as pool:
        ways = {
            "mentum, one pass": ours(Path(folder), given.size, given.threads),
            "pytorch-grad-cam, three networks": grad_cam(three),
            "captum, three networks": captum(three),
            "captum, one network, three ranks": captum(three[:1], columns),
        }
        speeds: dict[str, list[float]] = {name: [] for name in ways}
        for work in ways.values():
            work(next(batches(paths[:BATCH], given.size, pool)))  # warm
        for _ in range(given.rounds):
            for name, work in ways.items():
                start = time.perf_counter()
                for squares in batches(paths, given.size, pool):
                    work(squares)
                speeds[name].append(len(paths) / (time.perf_counter() - start))
    first = speeds["mentum, one pass"]
    print(f"{len(paths)} images, {given.size} px, {given.threads} threads, torch {torch.__version__}")
    for name, each in speeds.items():
        ratio = statistics.median(a / b for a, b in zip(first, each, strict=True))
        print(f"{name}: {statistics.median(each):.2f} images/s, ours is {ratio:.1f} times as fast")


if __name__ == "__main__":
    main()
