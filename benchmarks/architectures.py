"""Small convolutional architectures for a built-in backbone: size, work and speed, all with random weights.

    OMP_WAIT_POLICY=PASSIVE python benchmarks/architectures.py [--only NAME …] [--exported FOLDER]

One row per candidate. GMAC are those of convolutions and linear layers. Inference is ONNX Runtime, 16 images a batch;
training is torch, 32 images of 160 px, forward, backward and step. The second round goes through the candidates in
reverse, and the median is over both. A number over its limit is marked with "!".
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel
from transformers.utils import logging as library_logging

SIZES = (160, 224)
"""px."""
LIMIT_MEGABYTES, LIMIT_GMAC = 4.0, 0.35
INFERENCE_BATCH, TRAINING_BATCH, THREADS = 16, 32, 2

CANDIDATES: dict[str, tuple[str, dict[str, Any]]] = {
    "resnet-basic-s32": (
        "resnet",
        {"embedding_size": 32, "hidden_sizes": [32, 64, 128, 256], "depths": [1, 1, 1, 1], "layer_type": "basic"},
    ),
    "resnet-basic-s16": (
        "resnet",
        {"embedding_size": 32, "hidden_sizes": [32, 96, 256], "depths": [1, 2, 1], "layer_type": "basic"},
    ),
    "resnet-basic-s16-wide": (
        "resnet",
        {"embedding_size": 32, "hidden_sizes": [48, 96, 288], "depths": [1, 1, 1], "layer_type": "basic"},
    ),
    "resnet-bottleneck-s16": (
        "resnet",
        {"embedding_size": 24, "hidden_sizes": [96, 192, 512], "depths": [1, 2, 3], "layer_type": "bottleneck"},
    ),
    "resnet-bottleneck-s16-deep": (
        "resnet",
        {"embedding_size": 24, "hidden_sizes": [64, 160, 512], "depths": [2, 3, 4], "layer_type": "bottleneck"},
    ),
    "resnet-bottleneck-s32": (
        "resnet",
        {"embedding_size": 32, "hidden_sizes": [64, 128, 256, 512], "depths": [1, 2, 3, 2], "layer_type": "bottleneck"},
    ),
    "regnet-x-s16": (
        "regnet",
        {
            "embedding_size": 32,
            "hidden_sizes": [48, 128, 384],
            "depths": [1, 3, 4],
            "groups_width": 16,
            "layer_type": "x",
        },
    ),
    "regnet-y-s16": (
        "regnet",
        {
            "embedding_size": 32,
            "hidden_sizes": [48, 128, 384],
            "depths": [1, 3, 4],
            "groups_width": 16,
            "layer_type": "y",
        },
    ),
    "regnet-x-s32": (
        "regnet",
        {
            "embedding_size": 32,
            "hidden_sizes": [24, 56, 152, 368],
            "depths": [1, 1, 4, 5],
            "groups_width": 8,
            "layer_type": "x",
        },
    ),
    "mobilenet-v2-0.75": ("mobilenet_v2", {"depth_multiplier": 0.75}),
    "mobilenet-v2-0.75-s16": ("mobilenet_v2", {"depth_multiplier": 0.75, "output_stride": 16}),
    "mobilenet-v2-0.9": ("mobilenet_v2", {"depth_multiplier": 0.9}),
    "convnextv2-s16": ("convnextv2", {"hidden_sizes": [48, 96, 224], "depths": [2, 2, 4], "num_stages": 3}),
    "convnextv2-s32": ("convnextv2", {"hidden_sizes": [40, 80, 160, 320], "depths": [1, 1, 3, 1]}),
    "efficientnet-0.6-0.6": (
        "efficientnet",
        {"width_coefficient": 0.6, "depth_coefficient": 0.6, "hidden_dim": 768},
    ),
    "efficientnet-0.6-0.8": (
        "efficientnet",
        {"width_coefficient": 0.6, "depth_coefficient": 0.8, "hidden_dim": 768},
    ),
}
"""Name -> model type of transformers and its options."""


@dataclass
class Times:
    """Seconds per image, one number per timed run of either round."""

    inference: dict[int, list[float]] = field(default_factory=lambda: {size: [] for size in SIZES})
    training: list[float] = field(default_factory=list)


class _Pooled(nn.Module):
    """Pixels to the mean of the last feature map."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        pooled: Tensor = self.network(pixels).last_hidden_state.mean((2, 3))
        return pooled


def make(name: str) -> nn.Module:
    """A candidate with random weights and statistics of its own activations, so that none vanish or overflow."""
    kind, options = CANDIDATES[name]
    torch.manual_seed(0)
    network: nn.Module = AutoModel.from_config(AutoConfig.for_model(kind, **options)).train()
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    kept = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        network(torch.randn(8, 3, SIZES[0], SIZES[0]))
    for norm, momentum in zip(norms, kept, strict=True):
        norm.momentum = momentum
    return network.eval()


def gmac(network: nn.Module, size: int) -> tuple[float, tuple[int, ...]]:
    """Multiply-accumulates of one image, 1e9, and the shape of its feature map."""
    counts: list[int] = []

    def count(module: nn.Module, _: object, output: Tensor) -> None:
        weight: Any = module.weight
        counts.append(weight[0].numel() * output.numel())

    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    with torch.inference_mode():
        shape = tuple(network(torch.zeros(1, 3, size, size)).last_hidden_state.shape)
    for hook in hooks:
        hook.remove()
    return sum(counts) / 1e9, shape


def export(network: nn.Module, size: int, file: Path) -> None:
    """Write the pooled network as ONNX for one size of batch and image."""
    example = torch.zeros(INFERENCE_BATCH, 3, size, size)
    with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _Pooled(network).eval(), (example,), dynamo=True, input_names=["pixels"], verbose=False
        )
    assert program is not None
    program.save(file)


def export_missing(names: list[str], folder: Path) -> None:
    """Write the ONNX files of the candidates that the folder does not have yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        for size in SIZES:
            file = folder / f"{name}-{size}.onnx"
            if not file.exists():
                export(make(name), size, file)


def timed(work: Callable[[], object], runs: int, warm: int) -> list[float]:
    """Seconds of each run after some that do not count."""
    for _ in range(warm):
        work()
    found = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return found


def time_inference(file: Path, size: int, runs: int) -> list[float]:
    """Seconds per image in ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(0).standard_normal((INFERENCE_BATCH, 3, size, size), dtype=np.float32)
    times = timed(lambda: session.run(None, {"pixels": pixels}), runs, warm=2)
    return [seconds / INFERENCE_BATCH for seconds in times]


def time_training(name: str, steps: int) -> list[float]:
    """Seconds per image in torch: forward, backward and a step of SGD, channels last."""
    network = _Pooled(make(name)).train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9)
    pixels = torch.randn(TRAINING_BATCH, 3, SIZES[0], SIZES[0]).contiguous(memory_format=torch.channels_last)

    def step() -> None:
        optimizer.zero_grad()
        network(pixels).square().mean().backward()
        optimizer.step()

    return [seconds / TRAINING_BATCH for seconds in timed(step, steps, warm=1)]


def measure(names: list[str], runs: int, steps: int, folder: Path) -> dict[str, Times]:
    """Time all candidates in turn, then once more in reverse."""
    found = {name: Times() for name in names}
    for name in (*names, *reversed(names)):
        print(f"{time.strftime('%H:%M:%S')} {name}", file=sys.stderr, flush=True)
        for size in SIZES:
            found[name].inference[size] += time_inference(folder / f"{name}-{size}.onnx", size, runs)
        found[name].training += time_training(name, steps)
    return found


def marked(value: float, limit: float, digits: int) -> str:
    """A number, with a mark if it is over its limit."""
    return f"{value:.{digits}f}{'!' if value > limit else ''}"


def row(name: str, times: Times) -> str:
    """A candidate's line of the table."""
    network = make(name)
    parameters = sum(parameter.numel() for parameter in network.parameters()) / 1e6
    megabytes = sum(tensor.numel() for tensor in network.state_dict().values()) * 2 / 1e6
    work = [gmac(network, size) for size in SIZES]
    _, channels, height, _ = work[-1][1]
    cells = [
        name,
        f"{parameters:.2f}",
        marked(megabytes, LIMIT_MEGABYTES, 2),
        *(marked(count, LIMIT_GMAC, 3) for count, _ in work),
        str(SIZES[-1] // height),
        str(channels),
        *(f"{1 / np.median(times.inference[size]):.0f}" for size in SIZES),
        f"{1 / np.median(times.training):.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="+", choices=CANDIDATES, default=list(CANDIDATES), metavar="NAME")
    parser.add_argument("--runs", type=int, default=5, help="of inference, per round")
    parser.add_argument("--steps", type=int, default=4, help="of training, per round")
    parser.add_argument("--exported", type=Path, help="folder of ONNX files to reuse, to which missing ones are added")
    given = parser.parse_args()
    torch.set_num_threads(THREADS)
    library_logging.set_verbosity_error()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as name:
        folder = given.exported or Path(name)
        export_missing(given.only, folder)
        times = measure(given.only, given.runs, given.steps, folder)
    sizes = " | ".join([f"GMAC {size}" for size in SIZES] + ["stride", "K"] + [f"img/s {size}" for size in SIZES])
    print(f"| name | M parameters | float16 MB | {sizes} | training img/s |")
    print("|---" + "|--:" * 9 + "|")
    for candidate in given.only:
        print(row(candidate, times[candidate]))


if __name__ == "__main__":
    main()
