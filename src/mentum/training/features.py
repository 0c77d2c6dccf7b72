"""Features of the frozen backbone, computed once for a few deformed views of each training image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mentum.files import whole
from mentum.network.backbones import Backbone
from mentum.network.head import pool
from mentum.records import Progress, ProgressCallback
from mentum.training.batches import ImageSource

BATCH_SIZE = 32
"""Images per forward pass without gradients."""

Views = Callable[[int], NDArray[np.float32]]
"""Epoch → features (n, K) of the training images for that epoch."""


def extract_features(
    backbone: Backbone, source: ImageSource, rows: NDArray[np.int64], epoch: int | None, report: ProgressCallback
) -> NDArray[np.float32]:
    """Compute pooled features of images, deformed as in `epoch` or clean, with the backbone in eval mode.

    Returns:
        (n, K) float32.
    """
    backbone.eval()
    found = np.empty((len(rows), backbone.n_features), dtype=np.float32)
    done = 0
    with torch.inference_mode():
        for batch, pixels in source.batches(rows, BATCH_SIZE, epoch):
            found[done : done + len(batch)] = pool(backbone(pixels)).cpu().numpy()
            done += len(batch)
            report(Progress(task="features", done=done, total=len(rows), unit="images"))
    return found


class CachedViews:
    """Features of V views of the training images; in each epoch, each image shows one, drawn by (seed, epoch)."""

    def __init__(self, views: Sequence[NDArray[np.float32]], seed: int) -> None:
        self._views = views
        self._seed = seed

    def __call__(self, epoch: int) -> NDArray[np.float32]:
        """Features (n, K) for one epoch."""
        choice = np.random.default_rng([self._seed, epoch]).integers(len(self._views), size=len(self._views[0]))
        features = np.empty_like(self._views[0])
        for view, stored in enumerate(self._views):
            features[choice == view] = stored[choice == view]
        return features


def kept(file: Path, compute: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
    """An array from a file, or computed and kept there for the next time."""
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole(file) as beside, beside.open("wb") as stream:
            np.save(stream, compute())
    stored: NDArray[np.float32] = np.load(file)
    return stored
