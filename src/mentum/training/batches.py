"""Batches of images, clean or deformed, read ahead while the network works."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mentum.network.augmentation import deform, draw_deformation, to_tensor
from mentum.settings import AugmentationSettings


@dataclass(frozen=True)
class ImageSource:
    """Pixels of all images and how training images are deformed.

    Attributes:
        pixels: (N, S, S, 3) uint8, usually memory-mapped.
        padding: grey level around an image that is not square.
    """

    pixels: NDArray[np.uint8]
    augmentation: AugmentationSettings
    padding: int
    seed: int
    device: torch.device

    def batches(
        self, rows: NDArray[np.int64], batch_size: int, epoch: int | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Give the images `rows` in this order.

        Args:
            rows: image numbers.
            batch_size: images per batch; the last may be smaller.
            epoch: deform the images as in this epoch; None leaves them as they are.

        Yields:
            Row numbers (B,) and pixels (B, 3, S, S) float32, 0-255, on the device.
        """
        chunks = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
        if not chunks:
            return
        with ThreadPoolExecutor(max_workers=1) as reader:
            ahead = reader.submit(self._read, chunks[0])
            for place, chunk in enumerate(chunks):
                pixels = to_tensor(ahead.result(), self.device)
                if place + 1 < len(chunks):
                    ahead = reader.submit(self._read, chunks[place + 1])
                yield torch.from_numpy(chunk), self._deform(pixels, chunk, epoch)

    def _read(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        return self.pixels[rows]

    # Not in the reader's thread: the network keeps every core busy, and a rival thread would hold up its own.
    def _deform(self, pixels: Tensor, rows: NDArray[np.int64], epoch: int | None) -> Tensor:
        if epoch is None:
            return pixels
        deformation = draw_deformation(self.augmentation, self.seed, epoch, rows.tolist())
        return deform(pixels, deformation, self.augmentation, self.padding)


def shuffled(rows: NDArray[np.int64], seed: int, epoch: int) -> NDArray[np.int64]:
    """The rows in an order that belongs to this epoch."""
    return np.random.default_rng([seed, epoch]).permutation(rows)
