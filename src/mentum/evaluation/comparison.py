"""Is one identifier better than another? Paired comparison of two identifications of the same images."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mentum.evaluation.intervals import bootstrap_interval
from mentum.records import Interval, Record

LEVEL = 0.05
"""Below this p a difference is called significant."""


class Comparison(Record):
    """Two identifications, a and b, of the same images.

    Attributes:
        accuracy_a: share of images that a has right, 0-1.
        accuracy_b: share of images that b has right, 0-1.
        difference: `accuracy_b` - `accuracy_a`.
        interval: 95 % of the difference, from draws of whole specimens, the same for a and b.
        unit: what `only_a`, `only_b` and `mcnemar_p` count: "image" where every specimen has one, else "specimen".
        only_a: images, resp. specimens, that only a has right.
        only_b: images, resp. specimens, that only b has right.
        mcnemar_p: exact two-sided p of the hypothesis that both kinds are equally frequent.
    """

    n_images: int
    n_specimens: int
    accuracy_a: float
    accuracy_b: float
    difference: float
    interval: Interval
    unit: Literal["image", "specimen"]
    only_a: int
    only_b: int
    mcnemar_p: float


def mcnemar(only_a: int, only_b: int) -> float:
    """Exact two-sided p of McNemar's test: twice the smaller tail of a fair coin, at most 1.

    Source: McNemar 1947, Psychometrika 12: 153-157; exact form as statsmodels' `mcnemar(exact=True)`.

    Raises:
        ValueError: if a count is negative.

    >>> mcnemar(0, 6), mcnemar(2, 2), mcnemar(0, 0)
    (0.03125, 1.0, 1.0)
    """
    if min(only_a, only_b) < 0:
        raise ValueError(f"counts of {only_a} and {only_b}")
    n = only_a + only_b
    ways = tail = 1
    for k in range(min(only_a, only_b)):
        ways = ways * (n - k) // (k + 1)
        tail += ways
    return min(1.0, float(2 * tail / 2**n))


def compare_right(
    right_a: NDArray[np.bool_], right_b: NDArray[np.bool_], specimens: NDArray[np.str_], seed: int
) -> Comparison:
    """Compare what two identifiers have right of the same images.

    Images of one specimen are no independent witnesses: where there are such, McNemar's test counts specimens. A
    specimen is right where more than half of its images are, wrong where fewer are; one with half of them right, by
    either identifier, speaks for neither and is left out of the discordant counts (not of the accuracies).

    Args:
        right_a: (N,) bool, whether a identified each image correctly.
        right_b: (N,) bool, the same of b.
        specimens: (N,) the specimen of each image.
        seed: of the draws for the interval.

    Raises:
        ValueError: if there are no images or lengths differ.

    >>> right_a, right_b = np.array([True, False, False]), np.array([True, True, True])
    >>> found = compare_right(right_a, right_b, np.array(["x", "y", "z"]), seed=0)
    >>> found.unit, found.only_a, found.only_b, found.mcnemar_p, round(found.difference, 3)
    ('image', 0, 2, 0.5, 0.667)
    """
    if len(right_a) == 0 or not len(right_a) == len(right_b) == len(specimens):
        raise ValueError(f"a comparison of {len(right_a)} and {len(right_b)} images of {len(specimens)} specimens")
    gain = right_b.astype(np.int64) - right_a.astype(np.int64)
    only_a, only_b, n_specimens = _discordant(right_a, right_b, specimens)
    return Comparison(
        n_images=len(gain),
        n_specimens=n_specimens,
        accuracy_a=float(right_a.mean()),
        accuracy_b=float(right_b.mean()),
        difference=float(gain.mean()),
        interval=bootstrap_interval(lambda rows: float(gain[rows].mean()), specimens, seed),
        unit="image" if n_specimens == len(gain) else "specimen",
        only_a=only_a,
        only_b=only_b,
        mcnemar_p=mcnemar(only_a, only_b),
    )


def _discordant(
    right_a: NDArray[np.bool_], right_b: NDArray[np.bool_], specimens: NDArray[np.str_]
) -> tuple[int, int, int]:
    """Specimens that only a has right, that only b has right, and of all; by majority of their images."""
    _, codes, sizes = np.unique(specimens, return_inverse=True, return_counts=True)
    lead_a, lead_b = (2 * np.bincount(codes, weights=right) - sizes for right in (right_a, right_b))
    only_a = np.count_nonzero((lead_a > 0) & (lead_b < 0))
    only_b = np.count_nonzero((lead_a < 0) & (lead_b > 0))
    return int(only_a), int(only_b), len(sizes)


def better(comparison: Comparison) -> Literal["a", "b"] | None:
    """Name the significantly better identifier; None where neither is.

    McNemar's p must be below 0.05 and the interval of the difference exclude 0, and both must point the same way
    (they may not: the one counts specimens, the other images).

    >>> right_b = np.array([True] * 9)
    >>> better(compare_right(~right_b, right_b, np.array(list("abcdefghi")), seed=0))
    'b'
    """
    if comparison.mcnemar_p >= LEVEL:
        return None
    if comparison.interval.low > 0 and comparison.only_b > comparison.only_a:
        return "b"
    if comparison.interval.high < 0 and comparison.only_a > comparison.only_b:
        return "a"
    return None
