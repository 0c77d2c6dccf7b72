"""The rank that can be defended: thresholds learned on specimens that were not trained on, and answers by them.

A threshold of 0.5 at least makes answers coherent: a taxon with more than half of the probability lies in the only taxa
of the higher ranks that have it too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mentum.records import Record
from mentum.taxonomy import Rank, Taxonomy

LEAST = 0.5
"""No answer is given with a probability of less."""

Promise = Literal["at this rank", "at this rank or lower", "none"]


class RankThreshold(Record):
    """From which probability on an answer is given at a rank.

    Attributes:
        threshold: least calibrated probability; None = no answer at this rank.
        promise: of which answers the error stays below the rate that was asked for: "at this rank" where it was learned
            from the specimens that reach no lower rank; "at this rank or lower" where these were too few, so that it
            holds for them and the lower answers together, and each has at least the probability that was asked for.
        n_answered: calibration specimens above the threshold; `n_wrong` of them identified wrongly.
    """

    rank: Rank
    threshold: float | None
    promise: Promise
    n_answered: float
    n_wrong: float


@dataclass(frozen=True)
class Answers:
    """The most probable taxon of N images, or specimens, at each rank, lowest rank first.

    Attributes:
        column: rank → (N,) int, column of that taxon.
        probability: rank → (N,), calibrated.
        agrees: rank → (N,) bool, whether it can be an answer: it is not open at that rank ("of this genus, and no more
            is said"), and the most probable taxa of all higher ranks are its ancestors; separate networks may
            contradict one another.
    """

    column: Mapping[Rank, NDArray[np.int64]]
    probability: Mapping[Rank, NDArray[np.float64]]
    agrees: Mapping[Rank, NDArray[np.bool_]]

    @property
    def ranks(self) -> tuple[Rank, ...]:
        """Lowest first."""
        return tuple(self.column)

    def __len__(self) -> int:
        return len(next(iter(self.column.values())))

    def __getitem__(self, rows: NDArray[np.generic]) -> Answers:
        """Some of them."""
        return Answers(
            {rank: values[rows] for rank, values in self.column.items()},
            {rank: values[rows] for rank, values in self.probability.items()},
            {rank: values[rows] for rank, values in self.agrees.items()},
        )


def most_probable(y_prob: Mapping[Rank, NDArray[np.float64]], taxonomy: Taxonomy) -> Answers:
    """The most probable taxon at each rank.

    Args:
        y_prob: rank → (N, C), lowest rank first.
        taxonomy: names the columns.
    """
    column = {rank: values.argmax(axis=1) for rank, values in y_prob.items()}
    probability = {rank: values.max(axis=1) for rank, values in y_prob.items()}
    agrees: dict[Rank, NDArray[np.bool_]] = {}
    for rank, chosen in column.items():
        above = [higher for higher in column if higher.depth < rank.depth]
        same = [taxonomy.parents(rank, higher)[chosen] == column[higher] for higher in above]
        agrees[rank] = np.logical_and.reduce([~taxonomy.open_columns(rank)[chosen], *same])
    return Answers(column, probability, agrees)


def learn_thresholds(
    answers: Answers,
    right: Mapping[Rank, NDArray[np.float64]],
    weights: NDArray[np.float64],
    error_rate: float,
) -> tuple[RankThreshold, ...]:
    """Learn from which probability on to answer, so that at most `error_rate` of the answers are wrong.

    The lowest rank comes first and is learned from all specimens, each higher one from those that are left. With k
    wrong of m answers, (k + 1) / (m + 1) must not exceed the rate: the one more that a new specimen may be. So no
    promise is made from fewer than 1 / rate - 1 answers. And the mean of the answers' probabilities must promise as
    much.

    Args:
        answers: for images or specimens that were not trained on.
        right: rank → (N,) 1 right, 0 wrong, NaN where the label leaves the rank open.
        weights: (N,), how much each counts; they sum to the number of specimens.
        error_rate: 0-1, share of the answers at a rank that may be wrong.

    Source: El-Yaniv & Wiener 2010 (selective prediction); Goren et al. 2024, Hierarchical selective classification; the
    correction is that of conformal risk control (Angelopoulos et al. 2022, eq. 4) and of Barber & Candès 2015.
    """
    left = np.ones(len(weights), dtype=bool)
    learned: list[RankThreshold] = []
    for rank in answers.ranks:
        found = _rung(rank, answers, right[rank], weights, left).learn(error_rate)
        if found.threshold is not None:
            left &= ~(answers.agrees[rank] & (answers.probability[rank] >= found.threshold))
        learned.append(found)
    return tuple(learned)


@dataclass(frozen=True)
class _Tally:
    """Answers already given below a rank, as seen at that rank: how many, how many of them wrong, and as expected."""

    n: float = 0.0
    wrong: float = 0.0
    expected: float = 0.0


@dataclass(frozen=True)
class _Rung:
    """The specimens that an answer at one rank is learned from.

    Attributes:
        probability: (n,) of the most probable taxon, from the largest down.
        right: (n,) 1 or 0; likewise `weights`.
        below: the answers at lower ranks.
    """

    rank: Rank
    probability: NDArray[np.float64]
    right: NDArray[np.float64]
    weights: NDArray[np.float64]
    below: _Tally

    def learn(self, error_rate: float) -> RankThreshold:
        """Promise an error for this rank alone, else for it and the lower ones together, else nothing."""
        own = self._largest(error_rate, LEAST, _Tally())
        if own is not None:
            return self._threshold("at this rank", *own)
        together = self._largest(error_rate, max(LEAST, 1 - error_rate), self.below) if self.below.n else None
        if together is not None:
            return self._threshold("at this rank or lower", *together)
        tally = _Tally(float(self.weights.sum()), float((self.weights * (1 - self.right)).sum()))
        return self._threshold("none", None, tally)

    def _threshold(self, promise: Promise, threshold: float | None, tally: _Tally) -> RankThreshold:
        return RankThreshold(
            rank=self.rank, threshold=threshold, promise=promise, n_answered=tally.n, n_wrong=tally.wrong
        )

    def _largest(self, error_rate: float, least: float, below: _Tally) -> tuple[float, _Tally] | None:
        """The lowest threshold that keeps the promise, with what lies above it."""
        n = np.count_nonzero(self.probability >= least)
        probability, weights = self.probability[:n], self.weights[:n]
        # The first element is for no answer at this rank at all.
        answered = below.n + np.append(0.0, np.cumsum(weights))
        wrong = below.wrong + np.append(0.0, np.cumsum(weights * (1 - self.right[:n])))
        expected = below.expected + np.append(0.0, np.cumsum(weights * (1 - probability)))
        # A run of luck among few specimens is not enough: the probabilities themselves must promise as much.
        kept = (wrong + 1 <= error_rate * (answered + 1) + 1e-9) & (expected <= error_rate * answered + 1e-9)
        kept[1:n] &= np.diff(probability) != 0  # equals stand or fall together
        last = np.flatnonzero(kept)[-1] if kept.any() else 0
        if below.n and last == n and kept[n]:
            threshold = least  # beside lower answers, whatever is probable enough may be answered
        elif last:
            threshold = float(probability[last - 1])  # alone, nothing less probable than was seen
        else:
            return None
        return threshold, _Tally(float(answered[last]), float(wrong[last]))


def _rung(
    rank: Rank,
    answers: Answers,
    right: NDArray[np.float64],
    weights: NDArray[np.float64],
    left: NDArray[np.bool_],
) -> _Rung:
    """Set up a rank, given which specimens (N,) have no answer yet."""
    probability, is_known = answers.probability[rank], ~np.isnan(right)
    rows = np.flatnonzero(left & is_known & answers.agrees[rank])
    rows = rows[np.argsort(-probability[rows], kind="stable")]
    below = ~left & is_known
    tally = _Tally(
        float(weights[below].sum()),
        float((weights * (1 - right))[below].sum()),
        float((weights * (1 - probability))[below].sum()),
    )
    return _Rung(rank, probability[rows], right[rows], weights[rows], tally)


def defended_rank(answers: Answers, thresholds: Sequence[RankThreshold]) -> NDArray[np.int64]:
    """(N,) int: place in `thresholds` of the lowest rank at which an answer can be given, -1 where there is none."""
    chosen = np.full(len(answers), -1)
    for place in reversed(range(len(thresholds))):
        each = thresholds[place]
        if each.threshold is not None:
            reached = answers.agrees[each.rank] & (answers.probability[each.rank] >= each.threshold)
            chosen[reached] = place
    return chosen
