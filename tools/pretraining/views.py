"""Random views of pictures: cut-outs, light and colour, blur, black bars; all images of a batch at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from pretraining.formulas import Draws


def draw_views(pictures: Tensor, size: int, draws: Draws) -> Tensor:
    """Look at each picture anew.

    Args:
        pictures: (N, 3, R, R) uint8.
        size: S, pixels of a view.
        draws: random numbers.

    Returns:
        (N, 3, S, S) float32, 0-255, as backbones are fed.
    """
    pictures = pictures.float().div_(255)
    views = cut_view(pictures, size, draws)
    views = relight(views, draws)
    views = soften(views, draws)
    views = views + draws.uniform(0, 1, len(views), 1, 1, 1) ** 3 * 0.05 * draws.normal(*views.shape)
    return bar_some(views.clamp_(0, 1), draws) * 255


def cut_view(pictures: Tensor, size: int, draws: Draws) -> Tensor:
    """A part of each picture, turned, stretched, mirrored and brought to a size."""
    n = len(pictures)
    angle, zoom = draws.uniform(-1, 1, n) * math.radians(25), draws.log_uniform(0.45, 1.1, n)
    aspect = torch.exp(draws.normal(n) * 0.12)
    across, down = zoom * aspect * (1 - 2 * draws.flags(0.5, n)), zoom / aspect
    cos, sin = angle.cos(), angle.sin()
    room = (1 - zoom).clamp(min=0.05)[:, None]
    shift = draws.uniform(-1, 1, n, 2) * room
    first = torch.stack([cos * across, -sin * down, shift[:, 0]], -1)
    second = torch.stack([sin * across, cos * down, shift[:, 1]], -1)
    grid = functional.affine_grid(torch.stack([first, second], 1), [n, 3, size, size], align_corners=False)
    return functional.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)


def relight(views: Tensor, draws: Draws) -> Tensor:
    """Other brightness, tint and contrast for each view; some lose their colours."""
    n = len(views)
    tint = torch.exp(draws.normal(n, 3, 1, 1) * 0.04) * draws.log_uniform(0.75, 1.33, n, 1, 1, 1)
    grey = views.mean(1, keepdim=True)
    saturation = draws.uniform(0.8, 1.2, n, 1, 1, 1) * (1 - draws.flags(0.05, n, 1, 1, 1))
    views = grey + saturation * (views - grey)
    mean = views.mean((1, 2, 3), keepdim=True)
    views = (mean + draws.log_uniform(0.75, 1.33, n, 1, 1, 1) * (views - mean)) * tint
    return views.clamp(0, 1) ** draws.log_uniform(0.85, 1.18, n, 1, 1, 1)


def soften(views: Tensor, draws: Draws) -> Tensor:
    """Blur by a small kernel of a width of its own for each view."""
    n, _, size, _ = views.shape
    width = draws.uniform(0, 1.3, n) * draws.flags(0.5, n) + 0.05
    steps = torch.arange(-2, 3, device=views.device)
    kernel = torch.exp(-(steps**2) / (2 * width[:, None] ** 2))
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(3, 0)
    flat = functional.pad(views, (2, 2, 2, 2), mode="replicate").reshape(1, 3 * n, size + 4, size + 4)
    flat = functional.conv2d(flat, kernel[:, None, None, :], groups=3 * n)
    return functional.conv2d(flat, kernel[:, None, :, None], groups=3 * n).view(n, 3, size, size)


def bar_some(views: Tensor, draws: Draws) -> Tensor:
    """Black bars on some, as where a picture that is no square was padded to one."""
    n, _, size, _ = views.shape
    part = draws.uniform(0.55, 1, n) + draws.flags(0.5, n)
    centres = ((2 * torch.arange(size, device=views.device) + 1) / size - 1).abs()
    inside = (centres < part[:, None]).float()
    upright = draws.flags(0.5, n)[:, None]
    rows, columns = torch.maximum(inside, upright), torch.maximum(inside, 1 - upright)
    return views * rows[:, None, :, None] * columns[:, None, None, :]
