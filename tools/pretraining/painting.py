"""Paint things on a canvas: contours, surfaces, relief and light, all images of a batch at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from pretraining.formulas import COLOURS, HARMONICS, PARTS, PER_PART, Draws, Formulas


@dataclass(frozen=True)
class Poses:
    """How each of N things is seen.

    Attributes:
        matrix: (N, 2, 2) from canvas coordinates (-1 to 1) to those of the thing.
        shift: (N, 2) place of the thing on the canvas.
        bend: (N, 2, K, K) smooth displacement, in units of the canvas.
        light: (N, 3) direction towards the light.
        ambient: (N,) share of light without direction.
        softness: (N,) width of edges, in pixels.
    """

    matrix: Tensor
    shift: Tensor
    bend: Tensor
    light: Tensor
    ambient: Tensor
    softness: Tensor


def draw_poses(n: int, draws: Draws, size: tuple[float, float], turn: float) -> Poses:
    """Draw poses.

    Args:
        n: number of things.
        draws: random numbers.
        size: smallest and largest radius, in units of half the canvas.
        turn: largest angle in either direction, radians.
    """
    angle, radius = draws.uniform(-turn, turn, n), draws.log_uniform(*size, n)
    stretch = torch.exp(draws.normal(n, 2) * 0.08)
    stretch[:, 0] *= 1 - 2 * draws.flags(0.5, n)  # mirror images
    cos, sin = angle.cos(), angle.sin()
    rotation = torch.stack([torch.stack([cos, sin], -1), torch.stack([-sin, cos], -1)], -2)
    height = draws.uniform(0.3, 1.2, n)
    around = draws.uniform(0, 6.2832, n)
    light = functional.normalize(torch.stack([around.cos(), around.sin(), height], -1), dim=-1)
    room = (1 - radius).clamp(min=0.12)
    return Poses(
        matrix=rotation * stretch[:, :, None] / radius[:, None, None],
        shift=draws.uniform(-1, 1, n, 2) * room[:, None] * 0.8,
        bend=draws.normal(n, 2, 4, 4) * 0.04,
        light=light,
        ambient=draws.uniform(0.25, 0.9, n),
        softness=draws.log_uniform(0.7, 2.5, n),
    )


class Paint(NamedTuple):
    """One part of N things as it is seen, shapes as in `Formulas` and `Poses` without the axis of the parts."""

    place: Tensor
    scale: Tensor
    angle: Tensor
    amplitude: Tensor
    phase: Tensor
    wave: Tensor
    wave_phase: Tensor
    wave_weight: Tensor
    polar: Tensor
    sharpness: Tensor
    network: Tensor
    readout: Tensor
    kind: Tensor
    palette: Tensor
    rim: Tensor
    relief: Tensor
    opacity: Tensor
    stained: Tensor
    light: Tensor
    ambient: Tensor
    softness: Tensor


def paint(canvas: Tensor, formulas: Formulas, poses: Poses) -> Tensor:
    """Paint one thing on each canvas.

    Args:
        canvas: (N, 3, S, S), 0-1.
        formulas: of N things.
        poses: of N things.

    Returns:
        (N, 3, S, S), 0-1.
    """
    size = canvas.shape[-1]
    x, y = _thing_coordinates(poses, formulas.mirrored, size)
    cells, seams = cell_pattern(x, y, formulas.cell)
    pixel = 2 / size * poses.matrix.norm(dim=(1, 2)) / 2**0.5
    for number in range(PARTS):
        part = {name: getattr(formulas, name)[:, number] for name in PER_PART}
        seen = {"stained": formulas.stained, "light": poses.light, "ambient": poses.ambient}
        canvas = _paint_part(canvas, x, y, cells, seams, Paint(**part, **seen, softness=pixel * poses.softness))
    return canvas


def _thing_coordinates(poses: Poses, mirrored: Tensor, size: int) -> tuple[Tensor, Tensor]:
    centres = (2 * torch.arange(size, device=poses.shift.device) + 1) / size - 1
    bend = functional.interpolate(poses.bend, (size, size), mode="bicubic", align_corners=True)
    across = centres[None, None, :] - poses.shift[:, 0, None, None] + bend[:, 0]
    down = centres[None, :, None] - poses.shift[:, 1, None, None] + bend[:, 1]
    m = poses.matrix[..., None, None]
    x, y = m[:, 0, 0] * across + m[:, 0, 1] * down, m[:, 1, 0] * across + m[:, 1, 1] * down
    return torch.where(mirrored[:, None, None] > 0, x.abs(), x), y


def _paint_part(canvas: Tensor, x: Tensor, y: Tensor, cells: Tensor, seams: Tensor, part: Paint) -> Tensor:
    """Lay one part over what is there; all fields (N, S, S)."""
    u, v = part_coordinates(part, x, y)
    radius = (u * u + v * v).sqrt() + 1e-4
    cos, sin = u / radius, v / radius
    depth = 1 - radius / contour_of(part, cos, sin)  # 0 at the edge, 1 in the middle
    edge = (depth * (part.scale.amin(-1) / part.softness)[:, None, None]).clamp(-8, 8)
    mask = torch.sigmoid(2.5 * edge) * part.opacity[:, None, None]
    surface = surface_of(part, u, v, cells, seams)
    width, dark = part.rim[:, 0, None, None], part.rim[:, 1, None, None]
    shade = 1 - dark * 0.8 * torch.exp(-((depth / width) ** 2))
    light, gloss = light_of(depth, surface, part)
    lit = colour_of(surface, part.palette) * (shade * light)[:, None] + gloss[:, None]
    through = canvas * (0.4 + 0.75 * lit).clamp(0, 1.15)
    seen = torch.where(part.stained[:, None, None, None] > 0, through, lit)
    return torch.lerp(canvas, seen.clamp(0, 1), mask[:, None])


def part_coordinates(part: Paint, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Coordinates in which the part is a circle of radius 1."""
    cos, sin = part.angle.cos()[:, None, None], part.angle.sin()[:, None, None]
    dx, dy = x - part.place[:, 0, None, None], y - part.place[:, 1, None, None]
    return (cos * dx + sin * dy) / part.scale[:, 0, None, None], (cos * dy - sin * dx) / part.scale[:, 1, None, None]


def contour_of(part: Paint, cos: Tensor, sin: Tensor) -> Tensor:
    """Radius of the edge in each direction, by Chebyshev's recurrence for the harmonics."""
    a = (part.amplitude * part.phase.cos())[..., None, None]
    b = (part.amplitude * part.phase.sin())[..., None, None]
    edge = torch.ones_like(cos)
    c_before, s_before, c, s = torch.ones_like(cos), torch.zeros_like(cos), cos, sin
    for order in range(HARMONICS):
        edge = edge + a[:, order] * c - b[:, order] * s
        c, c_before = 2 * cos * c - c_before, c
        s, s_before = 2 * cos * s - s_before, s
    return edge.clamp(min=0.15)


def surface_of(part: Paint, u: Tensor, v: Tensor, cells: Tensor, seams: Tensor) -> Tensor:
    """(N, S, S) a field of -1 to 1."""
    radius = (u * u + v * v).sqrt()
    polar = part.polar[:, None, None] > 0
    p, q = torch.where(polar, radius * 3.14, u * 3.14), torch.where(polar, torch.atan2(v, u), v * 3.14)
    weight = part.wave_weight / part.wave_weight.norm(dim=1, keepdim=True).clamp(min=1e-3)
    waves = torch.zeros_like(u)
    for k in range(weight.shape[1]):
        across, down, phase = (value[:, None, None] for value in (*part.wave[:, k].unbind(1), part.wave_phase[:, k]))
        waves = waves + weight[:, k, None, None] * torch.sin(across * p + down * q + phase)
    kind = part.kind[..., None, None]
    mixed = kind[:, 0] * waves * 1.4 + kind[:, 1] * cells + kind[:, 2] * seams
    mixed = mixed + kind[:, 3] * _network(part, u, v, radius)
    return torch.tanh(mixed * part.sharpness[:, None, None])


def _network(part: Paint, u: Tensor, v: Tensor, radius: Tensor) -> Tensor:
    """A random network of coordinates: a layer of sines, half of them turned into bells, then a sum."""
    readout = part.readout / part.readout.norm(dim=1, keepdim=True)
    value = torch.zeros_like(u)
    for k in range(readout.shape[1]):
        weights = part.network[:, k, :, None, None]
        hidden = torch.sin(weights[:, 0] * u + weights[:, 1] * v + weights[:, 2] * radius + weights[:, 3])
        value = value + readout[:, k, None, None] * (torch.exp(-4 * hidden * hidden) if k % 2 else hidden)
    return value


def cell_pattern(x: Tensor, y: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """Cellular texture of jittered points on a lattice: height within cells and seams between them.

    Source: Worley 1996; the two nearest points of the 3 x 3 lattice squares around each pixel.
    """
    count, jitter, seed, other = (cell[:, k, None, None] for k in range(4))
    x, y = x * count, y * count
    column, row = x.floor(), y.floor()
    nearest, second = torch.full_like(x, 9.0), torch.full_like(x, 9.0)
    shade = torch.zeros_like(x)
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            key = (column + i) * 12.9898 + (row + j) * 78.233 + seed
            first = (torch.sin(key) * 4375.85) % 1
            last = (torch.sin(key + other) * 2741.37) % 1
            dx, dy = column + i + 0.5 + jitter * (first - 0.5) - x, row + j + 0.5 + jitter * (last - 0.5) - y
            distance = dx * dx + dy * dy
            shade = torch.where(distance < nearest, first, shade)
            second = torch.minimum(second, torch.maximum(distance, nearest))
            nearest = torch.minimum(nearest, distance)
    nearest, second = nearest.sqrt(), second.sqrt()
    return (0.9 - 2 * nearest) + (shade - 0.5), 1 - 5 * (second - nearest).clamp(max=0.5)


def colour_of(surface: Tensor, palette: Tensor) -> Tensor:
    """(N, 3, S, S) by linear interpolation in the palette (N, C, 3)."""
    place = ((surface + 1) * ((COLOURS - 1) / 2))[:, None]
    mixed = torch.zeros_like(place)
    for k in range(COLOURS):
        mixed = mixed + (1 - (place - k).abs()).clamp(min=0) * palette[:, k, :, None, None]
    return mixed


def light_of(depth: Tensor, surface: Tensor, part: Paint) -> tuple[Tensor, Tensor]:
    """Brightness of a dome with bumps under one lamp, and its highlights."""
    dome, bumps, gloss = (part.relief[:, k, None, None] for k in range(3))
    height = dome * depth.clamp(0, 1).sqrt() * 0.6 + bumps * surface
    scale = depth.shape[-1] / 4
    slope_x = (torch.roll(height, -1, 2) - torch.roll(height, 1, 2)) * scale
    slope_y = (torch.roll(height, -1, 1) - torch.roll(height, 1, 1)) * scale
    lamp = part.light[..., None, None]
    facing = (lamp[:, 2] - slope_x * lamp[:, 0] - slope_y * lamp[:, 1]) / (1 + slope_x**2 + slope_y**2).sqrt()
    facing = facing.clamp(0, 1)
    ambient = part.ambient[:, None, None]
    return ambient + (1 - ambient) * facing * 1.4, gloss * facing**16
