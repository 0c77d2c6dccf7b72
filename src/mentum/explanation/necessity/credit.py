"""How characters share the credit for an identification: Shapley values, exact for few of them, and interactions.

The game: a set of characters is worth the log-odds of the taxon identified where they are the specimen's own and all
others another taxon's. Source: Shapley 1953, A value for n-person games; Grabisch and Roubens 1999 for pairs; Castro et
al. 2009 for values from sampled orders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import factorial

import numpy as np

MOST_EXACT = 7
"""Characters up to which every set of them is tried."""
N_ORDERS = 24
"""Orders in which more characters are replaced, each with its reverse."""

Falls = Mapping[int, float]
"""Characters replaced, a bit each → fall of the log-odds."""


def coalitions(present: Sequence[int], seed: int) -> list[int]:
    """The sets of characters, a bit each, that must be replaced to share the credit.

    Args:
        present: characters of the image.
        seed: of the orders, where there are too many for all sets.
    """
    if len(present) <= MOST_EXACT:
        return [sum(1 << place for place in chosen) for chosen in _subsets(present)]
    sets = {mask for order in orders(present, seed) for mask in _prefixes(order)}
    sets |= {1 << one | 1 << other for one, other in combinations(present, 2)}
    return sorted(sets)


def orders(present: Sequence[int], seed: int) -> list[list[int]]:
    """Random orders of the characters, each followed by its reverse, which makes the mean steadier."""
    rng = np.random.default_rng(seed)
    drawn = [[present[place] for place in rng.permutation(len(present))] for _ in range(N_ORDERS)]
    return [order for each in drawn for order in (each, each[::-1])]


def _subsets(members: Sequence[int]) -> list[tuple[int, ...]]:
    return [chosen for size in range(len(members) + 1) for chosen in combinations(members, size)]


def _prefixes(order: Sequence[int]) -> list[int]:
    return [sum(1 << place for place in order[:length]) for length in range(len(order) + 1)]


def shapley_values(falls: Falls, present: Sequence[int], seed: int) -> dict[int, float]:
    """Credit of each character; together they are the fall where all are replaced.

    >>> shapley_values({0: 0.0, 1: 1.0, 2: 2.0, 3: 5.0}, [0, 1], seed=0)
    {0: 2.0, 1: 3.0}
    """
    if len(present) > MOST_EXACT:
        return _sampled(falls, orders(present, seed), present)
    n = len(present)
    weight = [factorial(size) * factorial(n - size - 1) / factorial(n) for size in range(n)]
    return {
        place: sum(
            weight[len(chosen)] * _cost(falls, chosen, place)
            for chosen in _subsets([each for each in present if each != place])
        )
        for place in present
    }


def _cost(falls: Falls, before: Sequence[int], place: int) -> float:
    """What replacing a character costs beyond those that are replaced already."""
    mask = sum(1 << each for each in before)
    return falls[mask | 1 << place] - falls[mask]


def _sampled(falls: Falls, drawn: Sequence[Sequence[int]], present: Sequence[int]) -> dict[int, float]:
    totals = dict.fromkeys(present, 0.0)
    for order in drawn:
        for length, place in enumerate(order):
            totals[place] += _cost(falls, order[:length], place)
    return {place: total / len(drawn) for place, total in totals.items()}


def interaction(falls: Falls, pair: tuple[int, int]) -> float:
    """What replacing two characters costs beyond the cost of each alone: above 0 where either suffices.

    >>> interaction({0: 0.0, 1: 0.5, 2: 0.5, 3: 6.0}, (0, 1))
    5.0
    """
    one, other = (1 << place for place in pair)
    return falls[one | other] - falls[one] - falls[other]


def pairs(present: Sequence[int]) -> list[tuple[int, int]]:
    """Every two characters of an image."""
    return list(combinations(sorted(present), 2))
