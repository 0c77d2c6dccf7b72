"""Scenes: a background, things lying about, the thing that counts, light and camera."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from pretraining.formulas import Draws, Formulas, draw_formulas
from pretraining.painting import draw_poses, paint


def draw_scenes(formulas: Formulas, size: int, draws: Draws) -> Tensor:
    """Draw one picture of each thing, with everything but its formula left to chance.

    Args:
        formulas: of N things.
        size: S, pixels.
        draws: random numbers.

    Returns:
        (N, 3, S, S) uint8.
    """
    n = len(formulas)
    poses = draw_poses(n, draws, (0.35, 1.15), math.pi / 5)
    picture = paint(draw_background(n, size, draws), articulate(formulas, draws), poses)
    picture = light_unevenly(picture, draws)
    picture = defocus(picture, draws, (0.25, 0.6, 1.0), (0.5, 0.3, 0.2))
    noise = draws.uniform(0, 1, n, 1, 1, 1) ** 2 * 0.05
    picture = picture + noise * draws.normal(n, 3, size, size)
    return (picture.clamp(0, 1) * 255 + 0.5).to(torch.uint8)


def articulate(formulas: Formulas, draws: Draws) -> Formulas:
    """Move the parts against each other a little."""
    n, parts = formulas.angle.shape
    return replace(
        formulas,
        place=formulas.place + 0.05 * draws.normal(n, parts, 2),
        angle=formulas.angle + 0.15 * draws.normal(n, parts),
        scale=formulas.scale * torch.exp(0.06 * draws.normal(n, parts, 2)),
    )


def draw_background(n: int, size: int, draws: Draws) -> Tensor:
    """Plain and clouded fields, with other things on a share of them, mostly out of focus; half the size, for speed."""
    half = size // 2
    canvas = draw_clouds(n, half, draws)
    things = draws.flags(0.65, n, 1, 1, 1)
    crowded = paint(canvas, draw_formulas(n, draws), draw_poses(n, draws, (0.5, 3.0), math.pi))
    crowded = paint(crowded, draw_formulas(n, draws), draw_poses(n, draws, (0.15, 1.5), math.pi))
    canvas = torch.lerp(canvas, crowded, things)
    canvas = defocus(canvas, draws, (0.25, 1.5, 4.0), (0.35, 0.35, 0.3))
    return functional.interpolate(canvas, (size, size), mode="bilinear", align_corners=False)


def draw_clouds(n: int, size: int, draws: Draws) -> Tensor:
    """Noise whose power falls with frequency, between two colours.

    Source: spectra of natural images fall as 1 / frequency²; Baradad et al. 2021.
    """
    across = torch.fft.rfftfreq(size, device=draws.device) * size
    down = torch.fft.fftfreq(size, device=draws.device) * size
    stretch = torch.exp(draws.normal(n, 1, 1, 1) * 0.5)
    frequency = ((across * stretch) ** 2 + (down[:, None] / stretch) ** 2).sqrt().clamp(min=0.7)
    falloff = frequency ** -draws.uniform(0.8, 2.6, n, 1, 1, 1)
    noise = torch.complex(draws.normal(n, 3, size, size // 2 + 1), draws.normal(n, 3, size, size // 2 + 1))
    field = torch.fft.irfft2(noise * falloff, s=(size, size))
    field = field / field.std(dim=(2, 3), keepdim=True).clamp(min=1e-6)
    colourful = draws.uniform(0, 1, n, 1, 1, 1) ** 2
    field = field[:, :1] * (1 - colourful) + field * colourful
    contrast = draws.uniform(0, 1, n, 1, 1, 1) ** 2 * 0.3
    base = draws.uniform(0.05, 1, n, 1) + draws.normal(n, 3) * draws.uniform(0, 0.25, n, 1)
    clouds: Tensor = base[..., None, None] + contrast * field
    return clouds.clamp(0, 1)


def light_unevenly(picture: Tensor, draws: Draws) -> Tensor:
    """Uneven light of one colour over the whole picture."""
    n, size = len(picture), picture.shape[-1]
    knots = 1 + draws.uniform(0, 0.25, n, 1, 1, 1) * draws.normal(n, 1, 3, 3)
    field = functional.interpolate(knots, (size, size), mode="bicubic", align_corners=True)
    colour = torch.exp(draws.normal(n, 3, 1, 1) * 0.07)
    return (picture * field * colour * draws.log_uniform(0.75, 1.25, n, 1, 1, 1)).clamp(0, 1)


def defocus(picture: Tensor, draws: Draws, widths: tuple[float, ...], shares: tuple[float, ...]) -> Tensor:
    """Blur each picture by one of a few widths (standard deviations in pixels)."""
    chances = torch.tensor(shares, device=picture.device)
    chosen = torch.multinomial(chances, len(picture), replacement=True, generator=draws.generator)
    blurred = picture
    for number, width in enumerate(widths):
        if width >= 0.4:
            here = chosen == number
            blurred = torch.where(here[:, None, None, None], blur(picture, width), blurred)
    return blurred


def blur(picture: Tensor, width: float) -> Tensor:
    """Out of focus: a Gaussian of this width in pixels."""
    reach = max(1, math.ceil(2.5 * width))
    steps = torch.arange(-reach, reach + 1, device=picture.device)
    kernel = torch.exp(-(steps**2) / (2 * width**2))
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1).expand(3, 1, 1, -1)
    padded = functional.pad(picture, (reach, reach, reach, reach), mode="reflect")
    across = functional.conv2d(padded, kernel, groups=3)
    blurred: Tensor = functional.conv2d(across, kernel.transpose(2, 3), groups=3)
    return blurred
