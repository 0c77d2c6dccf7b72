"""Features of the frozen backbone, computed once for a few deformed views of each training image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mentum.caches.checked_arrays import is_whole, seal_array
from mentum.files import whole
from mentum.network.backbones import Backbone
from mentum.network.head import pool
from mentum.records import Notice, Progress, ProgressCallback, ignore_progress
from mentum.stored import read_array, readable, require_finite
from mentum.training.batches import ImageSource

BATCH_SIZE = 32
"""Images per forward pass without gradients."""

Shape = tuple[int | None, ...]
"""Of an array; None = any length."""

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


def kept(
    file: Path,
    compute: Callable[[], NDArray[np.float32]],
    shape: Shape,
    report: ProgressCallback = ignore_progress,
) -> NDArray[np.float32]:
    """An array from a file, or computed and kept there for the next time; likewise where the file is damaged.

    Raises:
        RunError: if the file holds another array.
    """
    if not is_whole(file):
        if file.is_file():
            report(Notice(task=f"{file}: is damaged, or was kept without checksums; it is computed anew."))
        computed = compute()
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole(file) as beside:
            with beside.open("wb") as stream:
                np.save(stream, computed)
            seal_array(beside)
    return read_kept(file, shape)


def read_kept(file: Path, shape: Shape) -> NDArray[np.float32]:
    """An array that was kept.

    Raises:
        RunError: if it is damaged or of another shape.
    """
    with readable(file, "remove it and give the same command again"):
        stored: NDArray[np.float32] = read_array(file)
        wanted = tuple(found if side is None else side for side, found in zip(shape, stored.shape, strict=False))
        if len(stored.shape) != len(shape) or stored.shape != wanted or stored.dtype != np.float32:
            raise ValueError(f"found {stored.dtype} {stored.shape}, expected float32 {shape}")
        require_finite({"it": stored})
        return stored


@dataclass(frozen=True)
class FrozenFeatures:
    """Features of all images by the frozen backbone; each view is computed once, when it is first needed.

    Attributes:
        source: the images, and the device that computes.
        open_backbone: loads the backbone onto that device.
        n_views: of every image: as it is, then deformed as in the epochs from 1 on.
        folder: keeps the views; None = they are not kept.
        conditions: under which features are computed, such as a number of threads, on which their last digits depend.
    """

    source: ImageSource
    open_backbone: Callable[[], Backbone]
    report: ProgressCallback
    n_views: int = 1
    folder: Path | None = None
    conditions: Callable[[], AbstractContextManager[None]] = nullcontext

    @cached_property
    def views(self) -> list[NDArray[np.float32]]:
        """Features (N, K) of each view of all images."""
        return [self._view(number) for number in range(self.n_views)]

    def of(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (n, K) of other squares (n, S, S, 3), as they are."""
        return self._extract(replace(self.source, pixels=pixels), None, ignore_progress)

    def _view(self, number: int) -> NDArray[np.float32]:
        compute = partial(self._extract, self.source, number or None, self.report)
        shape = (len(self.source.pixels), None)
        file = None if self.folder is None else self.folder / f"view-{number}.npy"
        return compute() if file is None else kept(file, compute, shape, self.report)

    def _extract(self, source: ImageSource, epoch: int | None, report: ProgressCallback) -> NDArray[np.float32]:
        with self.conditions():
            return extract_features(self._backbone, source, np.arange(len(source.pixels)), epoch, report)

    @cached_property
    def _backbone(self) -> Backbone:
        return self.open_backbone()
