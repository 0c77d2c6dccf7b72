"""Formulas of drawn things: numbers that say what a thing is, apart from how it is seen.

A thing consists of parts. Each part has a contour (radius as a Fourier series of the angle, as in radial contour data
sets), a surface (sinusoids, cells, or a small random network of coordinates) and a palette. Things come in groups of
siblings, which share a formula and differ from it a little, so that telling them apart takes more than colour.

Source: learning from formulas: Kataoka et al. 2020 (fractals), 2022 (radial contours), Takashima et al. 2023 (Visual
Atoms); from noise and programs: Baradad et al. 2021, 2022. The family of things drawn here is our own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

PARTS, HARMONICS, WAVES, HIDDEN, COLOURS = 5, 10, 8, 10, 4
"""P, H, W, HIDDEN and C below: parts of a thing; terms of a contour, waves, network units and colours of a part."""


PER_PART = (
    "place", "scale", "angle", "amplitude", "phase", "wave", "wave_phase", "wave_weight", "polar", "sharpness",
    "network", "readout", "kind", "palette", "rim", "relief", "opacity",
)  # fmt: skip
"""Numbers that each part of a thing has for itself; the others belong to the whole thing."""


@dataclass(frozen=True)
class Formulas:
    """What each of N things is; lengths in units of the thing's radius.

    Attributes:
        place: (N, P, 2) centres of the parts.
        scale: (N, P, 2) half axes of the parts.
        angle: (N, P) turn of each part.
        amplitude: (N, P, H) of the contour's harmonics, relative to its radius; likewise `phase`.
        mirrored: (N,) 1 where left and right are alike.
        wave: (N, P, W, 2) wave vectors of the surface; `wave_phase`, `wave_weight`: (N, P, W).
        polar: (N, P) 1 where the waves run around and outwards instead of across.
        sharpness: (N, P) of the surface's steps.
        cell: (N, 4) cells across the thing, their irregularity, and two seeds.
        network: (N, P, HIDDEN, 4) and `readout` (N, P, HIDDEN): a random network of coordinates.
        kind: (N, P, 4) weights of the surfaces: waves, cells, seams between the cells, network.
        palette: (N, P, C, 3) colours, 0-1.
        rim: (N, P, 2) width and darkness of the edge.
        relief: (N, P, 3) height of the dome, of the surface's bumps, and gloss.
        opacity: (N, P).
        stained: (N,) 1 where light passes through the thing and takes its colour.
    """

    place: Tensor
    scale: Tensor
    angle: Tensor
    amplitude: Tensor
    phase: Tensor
    mirrored: Tensor
    wave: Tensor
    wave_phase: Tensor
    wave_weight: Tensor
    polar: Tensor
    sharpness: Tensor
    cell: Tensor
    network: Tensor
    readout: Tensor
    kind: Tensor
    palette: Tensor
    rim: Tensor
    relief: Tensor
    opacity: Tensor
    stained: Tensor

    def __len__(self) -> int:
        return len(self.place)

    def take(self, indices: Tensor) -> Formulas:
        """Those at `indices`, also repeatedly."""
        return Formulas(**{field.name: getattr(self, field.name)[indices] for field in fields(self)})

    def attributes(self) -> Tensor:
        """(N, D) what a picture shows of a formula, for regression: colours, contour, kind of surface, proportions."""
        radius = self.scale.prod(-1).sqrt()
        shown = [
            self.palette[:, :2, :2].flatten(1),
            self.amplitude[:, 0] * 4,
            self.kind[:, :2].flatten(1),
            self.scale[:, 0].log(),
            radius,
            self.wave[:, 0].norm(dim=-1).clamp(min=1).log().mean(-1, keepdim=True),
            self.cell[:, :1].log(),
            self.mirrored[:, None],
            self.rim[:, 0],
            self.relief[:, 0],
            self.opacity[:, :1],
        ]
        return torch.cat(shown, dim=1)


class Draws:
    """Random numbers on one device from one generator."""

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator
        self.device = generator.device

    @classmethod
    def seeded(cls, seed: int, stream: int, device: torch.device) -> Draws:
        """Those of one stream of a seed."""
        return cls(torch.Generator(device).manual_seed((seed << 20) + stream))

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Evenly between `low` and `high`."""
        return low + (high - low) * torch.rand(*shape, generator=self.generator, device=self.device)

    def log_uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Evenly on a logarithmic scale."""
        return torch.exp(self.uniform(math.log(low), math.log(high), *shape))

    def normal(self, *shape: int) -> Tensor:
        """Standard normal."""
        return torch.randn(*shape, generator=self.generator, device=self.device)

    def flags(self, share: float, *shape: int) -> Tensor:
        """1.0 with probability `share`, else 0.0."""
        return (torch.rand(*shape, generator=self.generator, device=self.device) < share).float()

    def integers(self, count: int, *shape: int) -> Tensor:
        """0 to count - 1."""
        return torch.randint(count, shape, generator=self.generator, device=self.device)


def draw_formulas(n: int, draws: Draws) -> Formulas:
    """Draw N unrelated formulas."""
    return Formulas(**_proportions(n, draws), **_contours(n, draws), **_surfaces(n, draws), **_looks(n, draws))


def _proportions(n: int, draws: Draws) -> dict[str, Tensor]:
    place = draws.normal(n, PARTS, 2) * 0.42
    place[:, 0] *= 0.15
    radius = draws.uniform(0.18, 0.62, n, PARTS)
    radius[:, 0] = draws.uniform(0.5, 0.95, n)
    radius[:, 1:] *= draws.flags(0.7, n, PARTS - 1).clamp(min=0.02)  # some parts are too small to see
    slender = draws.flags(0.25, n, PARTS) * draws.uniform(-1.1, 1.1, n, PARTS)
    aspect = torch.exp(draws.normal(n, PARTS) * 0.3 + slender)
    scale = torch.stack([radius * aspect, radius / aspect], dim=-1).clamp(max=1.3)
    return {"place": place, "scale": scale, "angle": draws.uniform(-math.pi, math.pi, n, PARTS)}


def _contours(n: int, draws: Draws) -> dict[str, Tensor]:
    order = torch.arange(1, HARMONICS + 1, device=draws.device).float()
    roughness = draws.uniform(0.8, 2.5, n, PARTS, 1)
    size = draws.log_uniform(0.03, 0.45, n, PARTS, 1) * draws.flags(0.85, n, PARTS, 1)
    only = draws.flags(0.35, n, PARTS, 1)  # some contours have one harmonic only: stars, flowers, triangles
    chosen = torch.nn.functional.one_hot(draws.integers(HARMONICS - 1, n, PARTS) + 1, HARMONICS).float()
    spread = draws.normal(n, PARTS, HARMONICS) * order**-roughness
    return {
        "amplitude": size * (only * chosen * 0.7 + (1 - only) * spread),
        "phase": draws.uniform(0, 2 * math.pi, n, PARTS, HARMONICS),
        "mirrored": draws.flags(0.4, n),
    }


def _surfaces(n: int, draws: Draws) -> dict[str, Tensor]:
    base = draws.log_uniform(0.6, 9.0, n, PARTS, 1)
    octave = draws.uniform(0.0, 1.6, n, PARTS, WAVES) * draws.flags(0.6, n, PARTS, 1)
    frequency = base * torch.exp2(octave)
    spread = draws.uniform(0.0, 1.0, n, PARTS, 1) ** 2 * math.pi  # narrow: stripes; wide: blotches
    direction = draws.uniform(0, math.pi, n, PARTS, 1) + spread * draws.uniform(-1, 1, n, PARTS, WAVES)
    wave = frequency[..., None] * torch.stack([direction.cos(), direction.sin()], dim=-1)
    polar = draws.flags(0.2, n, PARTS)
    around = torch.stack([wave[..., 0], wave[..., 1].round()], dim=-1)
    kinds = torch.tensor([0.42, 0.2, 0.13, 0.25], device=draws.device)
    kind = torch.multinomial(kinds.expand(n * PARTS, 4), 1, generator=draws.generator).view(n, PARTS)
    count, irregularity = draws.log_uniform(1.2, 14.0, n), draws.uniform(0.3, 1.0, n)
    seeds = draws.uniform(0, 99, n), draws.uniform(0, 99, n)
    return {
        "wave": torch.where(polar[..., None, None] > 0, around, wave),
        "wave_phase": draws.uniform(0, 2 * math.pi, n, PARTS, WAVES),
        "wave_weight": draws.normal(n, PARTS, WAVES) * torch.exp2(-octave * draws.uniform(0, 1.5, n, PARTS, 1)),
        "polar": polar,
        "sharpness": draws.log_uniform(0.4, 9.0, n, PARTS),
        "cell": torch.stack([count, irregularity, *seeds], dim=1),
        "network": draws.normal(n, PARTS, HIDDEN, 4) * draws.log_uniform(0.8, 4.0, n, PARTS, 1, 1),
        "readout": draws.normal(n, PARTS, HIDDEN),
        "kind": torch.nn.functional.one_hot(kind, 4).float() * 0.8 + 0.2 * draws.uniform(0, 1, n, PARTS, 4) ** 3,
    }


def _looks(n: int, draws: Draws) -> dict[str, Tensor]:
    rim = torch.stack([draws.log_uniform(0.02, 0.25, n, PARTS), draws.uniform(-0.4, 1.0, n, PARTS)], dim=-1)
    dome, bumps = draws.uniform(0, 1.2, n, PARTS), draws.log_uniform(0.005, 0.12, n, PARTS)
    gloss = draws.uniform(0, 0.8, n, PARTS) * draws.flags(0.35, n, PARTS)
    glassy = draws.flags(0.25, n, 1)
    opacity = 1 - glassy * draws.uniform(0.1, 0.65, n, PARTS)
    return {
        "palette": draw_palettes(n, draws),
        "rim": rim,
        "relief": torch.stack([dome, bumps, gloss], -1),
        "opacity": opacity,
        "stained": draws.flags(0.25, n),
    }


def draw_palettes(n: int, draws: Draws) -> Tensor:
    """(N, P, C, 3) colours: those of one thing go together, some bright ones among many dull ones."""
    hue = draws.uniform(0, 1, n, 1, 1) + draws.normal(n, PARTS, 1) * draws.uniform(0.0, 0.25, n, 1, 1)
    hue = hue + draws.normal(n, PARTS, COLOURS) * draws.uniform(0.0, 0.12, n, PARTS, 1)
    saturation = draws.uniform(0, 1, n, PARTS, 1) ** draws.uniform(0.6, 3.0, n, 1, 1)
    saturation = saturation + draws.normal(n, PARTS, COLOURS) * 0.1
    value = draws.uniform(0.05, 1, n, PARTS, 1)
    value = value + draws.normal(n, PARTS, COLOURS) * draws.uniform(0.05, 0.4, n, PARTS, 1)
    return hsv_to_rgb(hue % 1, saturation.clamp(0, 1), value.clamp(0.02, 1))


def hsv_to_rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """Colours (…, 3), all 0-1."""
    corner = torch.tensor([0.0, 2 / 3, 1 / 3], device=hue.device)
    ramp = (((hue[..., None] + corner) % 1) * 6 - 3).abs().sub(1).clamp(0, 1)
    return value[..., None] * (1 - saturation[..., None] * (1 - ramp))


def draw_siblings(groups: int, size: int, draws: Draws) -> Formulas:
    """Draw groups of siblings: (groups * size) formulas, those of a group next to each other.

    A sibling keeps its group's formula but for a few traits of some parts, which are its own, and small shifts of the
    measures and colours.
    """
    parents = draw_formulas(groups, draws)
    repeated = parents.take(torch.arange(groups, device=draws.device).repeat_interleave(size))
    own = draw_formulas(groups * size, draws)
    return _drift(_exchange(repeated, own, draws), draws)


_TRAITS = (
    ("place", "scale", "angle"),
    ("amplitude", "phase"),
    ("mirrored",),
    ("wave", "wave_phase", "wave_weight", "polar", "sharpness", "network", "readout"),
    ("cell",),
    ("kind",),
    ("palette",),
    ("rim", "relief", "opacity"),
    ("stained",),
)
"""Numbers of a formula that change together."""


def _exchange(kept: Formulas, other: Formulas, draws: Draws) -> Formulas:
    """Take each trait from `other` in a quarter of the things, there in most parts."""
    n = len(kept)
    mixed = {}
    for names in _TRAITS:
        changed = draws.flags(0.25, n, 1) * draws.flags(0.6, n, PARTS)
        for name in names:
            old, new = getattr(kept, name), getattr(other, name)
            flags = changed if name in PER_PART else changed[:, 0]
            mixed[name] = torch.where(flags.view(*flags.shape, *[1] * (old.ndim - flags.ndim)) > 0, new, old)
    return Formulas(**mixed)


def _drift(formulas: Formulas, draws: Draws) -> Formulas:
    n, size = len(formulas), draws.uniform(0.0, 0.12, len(formulas), 1)
    values = {field.name: getattr(formulas, field.name) for field in fields(formulas)}
    values["scale"] = values["scale"] * torch.exp(size[..., None] * draws.normal(n, PARTS, 2))
    values["place"] = values["place"] + size[..., None] * draws.normal(n, PARTS, 2)
    values["palette"] = (values["palette"] + size[..., None, None] * draws.normal(n, PARTS, 1, 3)).clamp(0, 1)
    values["amplitude"] = values["amplitude"] * torch.exp(2 * size[..., None] * draws.normal(n, PARTS, 1))
    return Formulas(**values)
