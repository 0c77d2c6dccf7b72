"""From the shares of single images to those of taxa and ranks, with intervals over specimens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mentum.evaluation.intervals import N_RESAMPLES, accuracy_interval
from mentum.explanation.evidence import RankEvidence
from mentum.explanation.necessity.measures import NO_CHARACTER, SEVERAL_CHARACTERS, RankNecessity
from mentum.explanation.results import BACKGROUND, NONE, SEVERAL, UNASSIGNED, CharacterShare, RuleAgreement
from mentum.explanation.shares import (
    Regions,
    at_peak,
    null_of_other_images,
    null_of_shifts,
    relevance_mass,
    used_by_density,
    used_by_mass,
    used_by_peak,
)


@dataclass(frozen=True)
class ImageShares:
    """The shares of N images at one rank, of the map of the taxon identified.

    Attributes:
        map_used: (N,) int, the character used by the map's rule, -1 for none.
        mass: (N, R) float, rows sum to 1; NaN where a map holds nothing positive.
        hits: (N, R) bool, regions within half a cell of the map's peak.
        null: (draws, N, R) float, mass with masks on other specimens' maps; likewise `shifted` with shifted maps.
        needed: how much the identification needs each character; None where that was not measured.
    """

    evidence: RankEvidence
    regions: Regions
    specimens: NDArray[np.str_]
    map_used: NDArray[np.int64]
    mass: NDArray[np.float64]
    hits: NDArray[np.bool_]
    null: NDArray[np.float64]
    shifted: NDArray[np.float64]
    needed: RankNecessity | None = None

    @property
    def used(self) -> NDArray[np.int64]:
        """(N,) int: the character used, -1 for none, -2 for any of several."""
        return self.map_used if self.needed is None else self.needed.used

    @property
    def judged(self) -> NDArray[np.bool_]:
        """(N,) bool: images of which it is known which character was used."""
        return np.ones(len(self.mass), dtype=bool) if self.needed is None else self.needed.measured

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the R regions."""
        return *self.regions.characters, UNASSIGNED, BACKGROUND

    @property
    def used_names(self) -> list[str]:
        """The character used in each image, "any of several" or "none"; "" where that is not known."""
        others = {NO_CHARACTER: NONE, SEVERAL_CHARACTERS: SEVERAL}
        return [
            (others.get(each) or self.regions.characters[each]) if known else ""
            for each, known in zip(self.used.tolist(), self.judged.tolist(), strict=True)
        ]

    @property
    def answers(self) -> dict[str, int]:
        """What `used` may say beside the characters."""
        return {NONE: NO_CHARACTER} if self.needed is None else {SEVERAL: SEVERAL_CHARACTERS, NONE: NO_CHARACTER}


def measure_images(
    evidence: RankEvidence,
    regions: Regions,
    specimens: NDArray[np.str_],
    seed: int,
    needed: RankNecessity | None = None,
) -> ImageShares:
    """Measure the shares of each image at one rank; how much each character is needed is handed on."""
    mass = relevance_mass(evidence.relevance, regions.weights)
    return ImageShares(
        evidence,
        regions,
        specimens,
        used_by_density(mass, regions.areas, regions.n_characters),
        mass,
        at_peak(evidence.relevance, regions.covers) > 0,
        null_of_other_images(evidence.relevance, regions.weights, specimens, seed),
        null_of_shifts(evidence.relevance, regions.weights, seed),
        needed,
    )


def summarise(images: ImageShares, seed: int) -> Iterator[CharacterShare]:
    """Shares of all taxa together, then of each taxon; correct identifications apart from incorrect ones."""
    groups: tuple[tuple[Literal["correct", "incorrect"], NDArray[np.bool_]], ...] = (
        ("correct", images.evidence.correct & images.judged),
        ("incorrect", images.evidence.incorrect & images.judged),
    )
    for group, members in groups:
        for column, taxon in enumerate((None, *images.evidence.taxa), start=-1):
            rows = np.flatnonzero(members if taxon is None else members & (images.evidence.y_pred == column))
            if len(rows):
                yield from _rows(images, rows, None if taxon is None else taxon.name, group, seed)


def _rows(
    images: ImageShares,
    rows: NDArray[np.int64],
    taxon: str | None,
    group: Literal["correct", "incorrect"],
    seed: int,
) -> Iterator[CharacterShare]:
    """One row per region, then one for each answer that is none."""
    specimens, seen = images.specimens[rows], _seen(images, rows, seed)
    place = {name: place for place, name in enumerate(images.names)} | images.answers
    for name in (*images.names, *images.answers):
        used = images.used[rows] == place[name]
        by_map = images.map_used[rows] == place[name]
        is_region = name not in images.answers
        yield CharacterShare(
            rank=images.evidence.rank,
            taxon=taxon,
            group=group,
            character=name,
            used=float(used.mean()),
            interval=accuracy_interval(used, specimens, seed),
            n=len(rows),
            n_specimens=len(np.unique(specimens)),
            map_used=float(by_map.mean()),
            map_interval=accuracy_interval(by_map, specimens, seed),
            **{key: _finite(values[place[name]]) if is_region else None for key, values in seen.items()},
        )


def _seen(images: ImageShares, rows: NDArray[np.int64], seed: int) -> dict[str, NDArray[np.floating]]:
    """Measures (R,) of every region in some images."""
    specimens = images.specimens[rows]
    low, high = bootstrap_means(images.mass[rows], specimens, seed)
    measures: dict[str, NDArray[np.floating]] = {
        "mass": _mean(images.mass[rows]),
        "mass_low": low,
        "mass_high": high,
        "area": images.regions.areas[rows].mean(axis=0),
        "pointing": images.hits[rows].mean(axis=0),
        **_null_measures("null", images.null[:, rows]),
        **_null_measures("shifted", images.shifted[:, rows]),
    }
    measures["enrichment"] = np.divide(
        measures["mass"], measures["area"], out=np.full(len(images.names), np.nan), where=measures["area"] > 0
    )
    if images.needed is not None:
        for name, values in (("necessity", images.needed.of_regions), ("credit", images.needed.credit)):
            measures |= _of_regions(name, values[rows], len(images.names), specimens, seed)
    return measures


def _of_regions(
    name: str, values: NDArray[np.float64], n_regions: int, specimens: NDArray[np.str_], seed: int
) -> dict[str, NDArray[np.floating]]:
    """Means (R,) with 95 % bounds of values of the first regions, each over the images where it is known; else NaN."""
    found = np.full((3, n_regions), np.nan)
    for place, column in enumerate(values.T):
        known = ~np.isnan(column)
        if known.any():
            low, high = bootstrap_means(column[known, None], specimens[known], seed)
            found[:, place] = column[known].mean(), low[0], high[0]
    return {name: found[0], f"{name}_low": found[1], f"{name}_high": found[2]}


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the images (N, R) whose map holds anything positive; NaN where none does."""
    known = values[~np.isnan(values[:, 0])]
    return known.mean(axis=0) if len(known) else np.full(values.shape[1], np.nan)


def _null_measures(name: str, draws: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Mean over images, then mean and 95 % bounds over draws; of draws (D, N, R)."""
    means = np.stack([_mean(draw) for draw in draws])
    means = means[~np.isnan(means[:, 0])]
    if not len(means):
        return {f"{name}_{part}": np.full(draws.shape[2], np.nan) for part in ("mass", "low", "high")}
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    return {f"{name}_mass": means.mean(axis=0), f"{name}_low": low, f"{name}_high": high}


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def bootstrap_means(
    values: NDArray[np.float64], specimens: NDArray[np.str_], seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % percentile bounds of means (R,) over images: specimens are drawn with replacement, with all their images.

    Args:
        values: (N, R); rows of NaN do not count.
        specimens: (N,).
        seed: of the draws.

    >>> low, high = bootstrap_means(np.array([[0.0], [1.0]]), np.array(["a", "b"]), seed=0)
    >>> low.tolist(), high.tolist()
    ([0.0], [1.0])
    """
    known = ~np.isnan(values[:, 0])
    if not known.any():
        nothing = np.full(values.shape[1], np.nan)
        return nothing, nothing
    _, codes = np.unique(specimens[known], return_inverse=True)
    n_specimens = int(codes.max()) + 1
    sums = np.zeros((n_specimens, values.shape[1]))
    np.add.at(sums, codes, values[known])
    draws = np.random.default_rng(seed).multinomial(n_specimens, np.full(n_specimens, 1 / n_specimens), N_RESAMPLES)
    draws = draws.astype(np.float32)  # several times faster to multiply than whole numbers
    means = (draws @ sums.astype(np.float32)) / (draws @ np.bincount(codes).astype(np.float32))[:, None]
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    return low.astype(np.float64), high.astype(np.float64)


def agreement(images: ImageShares) -> RuleAgreement:
    """How often three rules name the same character."""
    density = images.map_used
    mass = used_by_mass(images.mass, images.regions.areas, images.regions.n_characters)
    peak = used_by_peak(images.evidence.relevance, images.regions)
    return RuleAgreement(
        rank=images.evidence.rank,
        mass_density=float((mass == density).mean()),
        mass_peak=float((mass == peak).mean()),
        density_peak=float((density == peak).mean()),
        all_three=float(((mass == density) & (mass == peak)).mean()),
        n=len(mass),
    )
