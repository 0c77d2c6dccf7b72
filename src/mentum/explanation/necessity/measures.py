"""From single pictures to every image: how much each character is needed, beyond what chance forms cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mentum.explanation.necessity.credit import interaction, pairs, shapley_values
from mentum.explanation.necessity.trials import NO_CONTROL, RankOutcome, Trials

FALSE_POSITIVE = 0.05
"""Share of images in which the most costly of the forms laid elsewhere may pass for a character that is needed."""
NO_CHARACTER, SEVERAL_CHARACTERS = -1, -2
"""Answers beside the characters: none is needed, or any of several suffices."""


@dataclass(frozen=True)
class RankNecessity:
    """N images and C characters at one rank.

    Attributes:
        necessity: (N, C) fall of the log-odds of the taxon identified where a character is another taxon's, less the
            mean fall of its form laid elsewhere; NaN where it is absent or was not measured.
        control: (N, C) fall of its form laid elsewhere; NaN where that was not tried.
        background: (N,) fall on the ground of another taxon's image, less that on the ground of another image of the
            same taxon; NaN where that was not measured.
        background_followed: (N,) share of such grounds on which the identification becomes the taxon that the ground
            came from; NaN likewise.
        joint: (N,) fall where all characters are another taxon's.
        chance: the least necessity of a character that is needed.
        credit: (N, C) share of the credit, in log-odds; NaN where it was not measured.
        interaction: (N, C, C) cost of both of two characters beyond the cost of each; NaN likewise.
        either: (N, C, C) 1 where the identification survives the loss of each of two but not of both, else 0; NaN
            likewise.
        used: (N,) int, the character needed most, `SEVERAL_CHARACTERS` or `NO_CHARACTER`.
    """

    necessity: NDArray[np.float64]
    control: NDArray[np.float64]
    background: NDArray[np.float64]
    background_followed: NDArray[np.float64]
    joint: NDArray[np.float64]
    chance: float
    credit: NDArray[np.float64]
    interaction: NDArray[np.float64]
    either: NDArray[np.float64]
    used: NDArray[np.int64]

    @property
    def measured(self) -> NDArray[np.bool_]:
        """(N,) bool: images in which at least one character was replaced by that of another taxon."""
        return np.asarray(~np.isnan(self.necessity).all(axis=1))

    @property
    def usual(self) -> NDArray[np.float64]:
        """(C,) mean fall of each character's form laid elsewhere; 0 where that was not tried."""
        return _mean_of_columns(self.control)

    @property
    def of_regions(self) -> NDArray[np.float64]:
        """(N, C + 2) necessity of the characters, of the rest of the specimen (NaN) and of the background."""
        rest = np.full(len(self.background), np.nan)
        return np.column_stack([self.necessity, rest, self.background])

    @property
    def n_controls(self) -> int:
        """Images in which forms were laid elsewhere."""
        return int(np.count_nonzero(~np.isnan(self.control).all(axis=1)))

    @property
    def n_credited(self) -> int:
        """Images whose characters share the credit."""
        return int(np.count_nonzero(~np.isnan(self.credit).all(axis=1)))

    def take(self, rows: NDArray[np.int64]) -> RankNecessity:
        """Some of the images."""
        arrays: dict[str, Any] = {name: each[rows] for name, each in vars(self).items() if isinstance(each, np.ndarray)}
        return replace(self, **arrays)


def measure(trials: Trials, outcome: RankOutcome, n_characters: int, seed: int) -> RankNecessity:
    """Measure every image at one rank."""
    means = _Means(trials, outcome)
    replaced = trials.control == NO_CONTROL
    characters = range(n_characters)
    fall = np.column_stack([means.of(replaced & (trials.replaced == 1 << place)) for place in characters])
    control = np.column_stack([means.of(trials.control == place) for place in characters])
    joint = means.of((trials.replaced == trials.present[trials.row]) & (trials.replaced & (trials.replaced - 1) != 0))
    usual = _mean_of_columns(control)
    necessity = fall - usual
    chance = _chance(control - usual)
    used = _used(necessity, joint - np.nansum(np.where(np.isnan(fall), np.nan, usual), axis=1), chance)
    shares = _Shares.of(trials, outcome, n_characters, seed)
    background, followed = _of_background(means, n_characters + 1)
    return RankNecessity(
        necessity, control, background, followed, joint, chance, shares.credit, shares.interaction, shares.either, used
    )


def _of_background(means: _Means, place: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N,) what the ground of another taxon costs beyond that of the same taxon, and how often answers follow it."""
    trials = means.trials
    foreign, peer = trials.replaced == 1 << place, trials.control == place
    background = means.of(foreign) - means.of(peer, foreign=False)
    followed = means.of(foreign, means.outcome.follows.astype(np.float64))
    return background, np.where(np.isnan(background), np.nan, followed)


@dataclass(frozen=True)
class _Means:
    """Means over the donors of each image."""

    trials: Trials
    outcome: RankOutcome

    def of(
        self, chosen: NDArray[np.bool_], values: NDArray[np.float64] | None = None, *, foreign: bool = True
    ) -> NDArray[np.float64]:
        """(N,) mean of the chosen pictures of each image; NaN where there is none.

        Args:
            chosen: (T,) pictures.
            values: (T,) of each; None = its fall.
            foreign: only of donors of another taxon at this rank.
        """
        chosen = chosen & self.outcome.foreign if foreign else chosen
        rows, n = self.trials.row[chosen], len(self.trials.present)
        sums = np.bincount(rows, (self.outcome.fall if values is None else values)[chosen], minlength=n)
        counts = np.bincount(rows, minlength=n)
        return np.asarray(np.divide(sums, counts, out=np.full(n, np.nan), where=counts > 0))


def _mean_of_columns(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(C,) means over the images where a value is known; 0 where none is."""
    known = ~np.isnan(values)
    return np.asarray(np.where(known, values, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1))


def _chance(controls: NDArray[np.float64]) -> float:
    """What the most costly form laid elsewhere costs in all but `FALSE_POSITIVE` of the images; 0 at least."""
    tried = controls[~np.isnan(controls).all(axis=1)]
    if not len(tried):
        return 0.0
    return max(0.0, float(np.quantile(np.nanmax(tried, axis=1), 1 - FALSE_POSITIVE, method="higher")))


def _used(necessity: NDArray[np.float64], joint: NDArray[np.float64], chance: float) -> NDArray[np.int64]:
    known = np.where(np.isnan(necessity), -np.inf, necessity)
    most = known.argmax(axis=1)
    alone = known[np.arange(len(known)), most] > chance
    together = np.nan_to_num(joint, nan=-np.inf) > chance
    return np.where(alone, most, np.where(together, SEVERAL_CHARACTERS, NO_CHARACTER))


@dataclass(frozen=True)
class _Shares:
    """Credit and pairs of the images in which all sets were tried."""

    credit: NDArray[np.float64]
    interaction: NDArray[np.float64]
    either: NDArray[np.float64]

    @classmethod
    def of(cls, trials: Trials, outcome: RankOutcome, n_characters: int, seed: int) -> _Shares:
        n = len(trials.present)
        credit = np.full((n, n_characters), np.nan)
        of_pairs, either = np.full((2, n, n_characters, n_characters), np.nan)
        found: dict[int, list[_Game]] = defaultdict(list)
        for game in _games(trials, outcome, seed):
            found[game.row].append(game)
        for row, games in found.items():
            for character in games[0].present:
                credit[row, character] = np.mean([game.credit[character] for game in games])
            for one, other in pairs(games[0].present):
                costs = [interaction(game.falls, (one, other)) for game in games]
                of_pairs[row, one, other] = of_pairs[row, other, one] = np.mean(costs)
                suffices = all(game.either(one, other) for game in games)
                either[row, one, other] = either[row, other, one] = suffices
        return cls(credit, of_pairs, either)


@dataclass(frozen=True)
class _Game:
    """All sets of an image's characters replaced by those of one donor."""

    row: int
    present: list[int]
    falls: dict[int, float]
    survives: dict[int, bool]
    credit: dict[int, float]

    def either(self, one: int, other: int) -> bool:
        """Whether the identification survives the loss of each of two characters, but not of both."""
        alone, both = (1 << one, 1 << other), 1 << one | 1 << other
        return all(self.survives[mask] for mask in alone) and not self.survives[both]


def _games(trials: Trials, outcome: RankOutcome, seed: int) -> Iterator[_Game]:
    """The donors of each image with which enough sets were tried."""
    kept = np.flatnonzero((trials.control == NO_CONTROL) & outcome.foreign)
    of_donor: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place in kept.tolist():
        of_donor[int(trials.row[place]), int(trials.donor[place])].append(place)
    for (row, _), places in of_donor.items():
        present = [place for place in range(int(trials.present[row]).bit_length()) if trials.present[row] >> place & 1]
        falls = {0: 0.0} | {int(trials.replaced[place]): float(outcome.fall[place]) for place in places}
        if len(present) > 1 and all(1 << one | 1 << other in falls for one, other in pairs(present)):
            survives = {int(trials.replaced[place]): bool(outcome.survives[place]) for place in places}
            yield _Game(row, present, falls, survives, shapley_values(falls, present, seed + row))
