"""Random deformation of images: one sampling grid per batch composes every geometric change.

Random numbers are keyed by (seed, epoch, image), so that neither batch order nor worker changes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mentum.settings import AugmentationSettings

ELASTIC_KNOTS = 5
"""Knots per side of the smooth random displacement."""


@dataclass(frozen=True)
class Deformation:
    """How each of N images is changed.

    Attributes:
        matrices: (N, 2, 3) float32, from output to input coordinates, in units where the image spans -1 to 1.
        displacements: (N, 2, knots, knots) float32, same units.
        brightness: (N,) float32, factor; likewise `contrast`, about the image's mean.
    """

    matrices: Tensor
    displacements: Tensor
    brightness: Tensor
    contrast: Tensor

    def to(self, device: torch.device) -> Deformation:
        """The same on another device."""
        moved = (values.to(device) for values in (self.matrices, self.displacements, self.brightness, self.contrast))
        return Deformation(*moved)


def draw_deformation(settings: AugmentationSettings, seed: int, epoch: int, images: Sequence[int]) -> Deformation:
    """Draw the deformation of each image for one epoch.

    Args:
        settings: ranges.
        seed: of the run.
        epoch: any number; another epoch gives other draws.
        images: N image numbers.
    """
    return deformation_from(settings, np.stack([_uniform_draws(seed, epoch, image) for image in images]))


def deformation_from(settings: AugmentationSettings, draws: NDArray[np.float64]) -> Deformation:
    """The deformation of each image from its numbers in the place of random ones.

    Args:
        settings: ranges.
        draws: (N, 9 + 2 knots²) in [0, 1): for rotation, shear, zoom, both flips, both shifts, brightness, contrast and
            the displacements; 0.5 is the middle of a range.
    """
    displacements = settings.elastic * 2 * (2 * draws[:, 9:].reshape(-1, 2, ELASTIC_KNOTS, ELASTIC_KNOTS) - 1)
    return Deformation(
        matrices=torch.from_numpy(_matrices(settings, draws).astype(np.float32)),
        displacements=torch.from_numpy(displacements.astype(np.float32)),
        brightness=torch.from_numpy(_log_range(settings.brightness, draws[:, 7]).astype(np.float32)),
        contrast=torch.from_numpy(_log_range(settings.contrast, draws[:, 8]).astype(np.float32)),
    )


def _uniform_draws(seed: int, epoch: int, image: int) -> NDArray[np.float64]:
    """(9 + 2 knots²,) uniform numbers in [0, 1) that belong to this image in this epoch."""
    key = np.array([seed, epoch], dtype=np.uint64)
    counter = np.array([0, 0, 0, image], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter)).random(9 + 2 * ELASTIC_KNOTS**2)


def _matrices(settings: AugmentationSettings, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 2, 3): scale and flip, then shear, then rotation, then shift."""
    signed = 2 * draws - 1
    angle, shear = np.radians(settings.rotation) * signed[:, 0], np.radians(settings.shear) * signed[:, 1]
    factor = 1 / _log_range(settings.zoom, draws[:, 2])
    across = np.where(draws[:, 3] < settings.flip_horizontal, -factor, factor)
    along = np.where(draws[:, 4] < settings.flip_vertical, -factor, factor)
    cos, sin = np.cos(angle), np.sin(angle)
    first = np.stack([cos * across, (cos * np.tan(shear) - sin) * along, 2 * settings.shift * signed[:, 5]], axis=1)
    second = np.stack([sin * across, (sin * np.tan(shear) + cos) * along, 2 * settings.shift * signed[:, 6]], axis=1)
    return np.stack([first, second], axis=1)


def _log_range(limits: tuple[float, float], draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Factors between the limits, even on a logarithmic scale: halving is as likely as doubling."""
    low, high = np.log(limits)
    return np.asarray(np.exp(low + (high - low) * draws))


def sampling_grid(deformation: Deformation, size: int) -> Tensor:
    """Where in the input each output pixel is read.

    Returns:
        (N, size, size, 2) float32, x then y, -1 to 1 from edge to edge of the image.
    """
    device = deformation.matrices.device
    centres = (2 * torch.arange(size, device=device) + 1) / size - 1
    planes = []
    for axis in (0, 1):  # summed by broadcasting: several times faster than functional.affine_grid
        across, down, start = deformation.matrices[:, axis, :, None].unbind(1)
        plane = (down * centres + start)[:, :, None] + (across * centres)[:, None, :]
        if deformation.displacements.any():
            basis = _spline_basis(size).to(device)
            plane += basis @ deformation.displacements[:, axis] @ basis.T
        planes.append(plane)
    return torch.stack(planes, dim=-1)


def _spline_basis(size: int) -> Tensor:
    """(size, knots): weight of each knot at each pixel of one axis, cubic."""
    knots = torch.eye(ELASTIC_KNOTS)[None, None]
    return functional.interpolate(knots, (size, ELASTIC_KNOTS), mode="bicubic", align_corners=True)[0, 0]


def to_tensor(pixels: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Turn cached pixels (N, S, S, 3) uint8 into (N, 3, S, S) float32, 0-255, channels last in memory."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).to(device).permute(0, 3, 1, 2).float()


def deform(pixels: Tensor, deformation: Deformation, settings: AugmentationSettings, padding: int) -> Tensor:
    """Deform a batch with one interpolation.

    Args:
        pixels: (N, 3, S, S) float32, 0-255.
        deformation: one per image.
        settings: `fill` says what appears beyond the edge.
        padding: grey level of the square's padding.

    Returns:
        (N, 3, S, S) float32, 0-255.
    """
    deformation = deformation.to(pixels.device)
    grid = sampling_grid(deformation, pixels.shape[-1])
    mode = {"padding": "zeros", "border": "border", "reflection": "reflection"}[settings.fill]
    offset = padding if settings.fill == "padding" else 0
    moved = functional.grid_sample(pixels - offset if offset else pixels, grid, padding_mode=mode, align_corners=False)
    return _relight(moved + offset if offset else moved, deformation)


def _relight(pixels: Tensor, deformation: Deformation) -> Tensor:
    gain = (deformation.brightness * deformation.contrast).view(-1, 1, 1, 1)
    about = (deformation.brightness * (1 - deformation.contrast)).view(-1, 1, 1, 1)
    return (pixels * gain + pixels.mean(dim=(1, 2, 3), keepdim=True) * about).clamp_(0, 255)
