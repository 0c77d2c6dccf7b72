"""Labels that look wrong: where networks that never saw the specimen find the label improbable."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mentum.calibration.temperatures import mean_of_groups
from mentum.records import Record

Array = NDArray[np.float64]


class Suspect(Record):
    """An image whose label was judged out of fold.

    Attributes:
        row: of the image.
        probability_of_label: summed over the taxa that the label may mean.
        suggested: column of the most probable taxon that the label cannot mean.
        score: 0-1, the larger the more suspicious.
        confident: the suggested taxon beats the label and is as probable as it usually is where it is the label.
        reason: one sentence in words.
    """

    row: int
    specimen: str
    probability_of_label: float
    suggested: int
    probability_suggested: float
    score: float
    confident: bool
    reason: str


def find_suspects(
    y_prob: NDArray[np.floating],
    allowed: NDArray[np.bool_],
    specimens: NDArray[np.str_],
    labels: Sequence[str] | None = None,
    taxa: Sequence[str] | None = None,
) -> tuple[Suspect, ...]:
    """Order all images whose label can be judged, the most suspicious first.

    The order is that of self-confidence, the probability of the label. Where a specimen has several images it is
    multiplied by the mean over them: labels are mostly given to specimens, but a single photograph may be misplaced.

    Args:
        y_prob: (N, C) out of fold, rows sum to 1; calibration is not needed.
        allowed: (N, C) bool, the taxa that each label may mean; a label that may mean none or all is left out.
        specimens: (N,) the specimen of each image.
        labels: N names, for the reasons.
        taxa: C names, for the reasons.

    Raises:
        ValueError: if the arrays do not go together, or a probability is not finite.

    Source: Northcutt, Jiang & Chuang (2021), Confident learning, J. Artif. Intell. Res. 70: 1373-1411: ranking by
        self-confidence (section 3.2), thresholds of the taxa and the confident joint (section 3.1, equations 1 and 2).
        Ours: labels that allow several taxa, specimens that count once, and that a taxon must beat the label. Of labels
        swapped on purpose, normalised margins and class-adjusted probabilities (section 3.2) found fewer.

    >>> y_prob = np.array([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9]])
    >>> allowed = np.array([[True, False], [True, False], [False, True]])
    >>> [(each.row, each.suggested) for each in find_suspects(y_prob, allowed, np.array(["a", "b", "c"]))]
    [(1, 1), (0, 1), (2, 0)]
    """
    _require_fitting(y_prob, allowed, specimens)
    rows = np.flatnonzero(allowed.any(axis=1) & ~allowed.all(axis=1))
    if not len(rows):
        return ()
    p, may, groups = y_prob[rows].astype(np.float64), allowed[rows], _numbered(specimens[rows])
    of_label = (p * may).sum(axis=1).clip(0, 1)
    suggested = np.where(may, -1, p).argmax(axis=1)
    of_suggested = p[np.arange(len(p)), suggested]
    thresholds = class_thresholds(p, may, 1 / np.bincount(groups)[groups])
    confident = (of_suggested >= thresholds[suggested]) & (of_suggested > of_label)
    trust = np.sqrt(of_label * mean_of_groups(of_label, groups)[groups])
    return tuple(
        Suspect(
            row=int(rows[at]),
            specimen=str(specimens[rows[at]]),
            probability_of_label=float(of_label[at]),
            suggested=int(suggested[at]),
            probability_suggested=float(of_suggested[at]),
            score=1 - float(trust[at]),
            confident=bool(confident[at]),
            reason=_reason(
                (labels[rows[at]] if labels else "the label", float(of_label[at])),
                (taxa[suggested[at]] if taxa else f"taxon {suggested[at]}", float(of_suggested[at])),
            ),
        )
        for at in np.lexsort((groups, trust))  # ties: a specimen's images stay together
    )


def class_thresholds(y_prob: Array, allowed: NDArray[np.bool_], weights: Array) -> Array:
    """(C,): how probable each taxon is on average where it is the label; infinite where it is nobody's.

    Args:
        y_prob: (N, C).
        allowed: (N, C) bool; only labels that mean one taxon count.
        weights: (N,), how much each image counts.

    >>> class_thresholds(np.array([[0.9, 0.1], [0.5, 0.5]]), np.array([[True, False]] * 2), np.ones(2)).tolist()
    [0.7, inf]
    """
    told = (allowed & (allowed.sum(axis=1, keepdims=True) == 1)) * weights[:, None]
    total = told.sum(axis=0)
    means = np.divide((told * y_prob).sum(axis=0), total, out=np.full(len(total), np.inf), where=total > 0)
    return np.asarray(means)


def _require_fitting(y_prob: NDArray[np.floating], allowed: NDArray[np.bool_], specimens: NDArray[np.str_]) -> None:
    if y_prob.ndim != 2 or y_prob.shape != allowed.shape or len(specimens) != len(y_prob):
        found = f"{y_prob.shape} probabilities, {allowed.shape} allowed and {len(specimens)} specimens"
        raise ValueError(f"{found} do not go together")
    if not np.isfinite(y_prob).all():
        raise ValueError("a probability is not finite")


def _numbered(specimens: NDArray[np.str_]) -> NDArray[np.int64]:
    return np.unique(specimens, return_inverse=True)[1].astype(np.int64)


def _reason(label: tuple[str, float], suggested: tuple[str, float]) -> str:
    return f"out of fold, {_percent(label[1])} for {label[0]}, {_percent(suggested[1])} for {suggested[0]}"


def _percent(probability: float) -> str:
    """In words.

    >>> _percent(0.004), _percent(0.254), _percent(0.999)
    ('under 1 %', '25 %', 'over 99 %')
    """
    if probability < 0.01:
        return "under 1 %"
    return "over 99 %" if probability > 0.99 else f"{100 * probability:.0f} %"
