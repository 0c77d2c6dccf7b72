"""Accuracy, scores that weigh rare taxa as much as common ones, top-k accuracy: arrays in, numbers out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


def n_misclassified(y_true: NDArray[np.int64], y_pred: NDArray[np.int64]) -> int:
    """Count the wrong identifications.

    >>> n_misclassified(np.array([0, 1, 1]), np.array([0, 1, 0]))
    1
    """
    return int(np.count_nonzero(y_true != y_pred))


def accuracy(y_true: NDArray[np.int64], y_pred: NDArray[np.int64]) -> float:
    """Share of right identifications, 0-1.

    Raises:
        ValueError: if there is none to count.

    >>> accuracy(np.array([0, 1, 1, 2]), np.array([0, 1, 0, 2]))
    0.75
    """
    if len(y_true) == 0:
        raise ValueError("accuracy of no identifications at all")
    return float(np.count_nonzero(y_true == y_pred) / len(y_true))


def confusion_matrix(
    y_true: NDArray[np.int64], y_pred: NDArray[np.int64], n_taxa: int, times: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """(n_taxa, n_taxa) int: images by label (rows) and identification (columns), each counted so many times.

    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0]), 2).tolist()
    [[1, 0], [1, 1]]
    """
    counts = np.bincount(y_true * n_taxa + y_pred, weights=times, minlength=n_taxa**2)
    return counts.astype(np.int64, copy=False).reshape(n_taxa, n_taxa)


def confused_pairs(y_true: NDArray[np.int64], y_pred: NDArray[np.int64], n_taxa: int) -> NDArray[np.int64]:
    """(P, 3) int: label, identification and images of every cell of the confusion matrix that is not empty.

    >>> confused_pairs(np.array([0, 1, 1]), np.array([0, 0, 0]), 2).tolist()
    [[0, 0, 1], [1, 0, 2]]
    """
    cells, counts = np.unique(y_true * n_taxa + y_pred, return_counts=True)
    return np.column_stack([cells // n_taxa, cells % n_taxa, counts])


class Tally(NamedTuple):
    """Images of each of the C taxa, (C,) int each: of which it is the label, and that are identified as it.

    Attributes:
        hits: both at once.
    """

    labelled: NDArray[np.int64]
    identified: NDArray[np.int64]
    hits: NDArray[np.int64]


def tally(
    y_true: NDArray[np.int64], y_pred: NDArray[np.int64], n_taxa: int, times: NDArray[np.int64] | None = None
) -> Tally:
    """Count the images of each taxon, each so many times: the margins and the diagonal of the confusion matrix.

    >>> [of_taxa.tolist() for of_taxa in tally(np.array([0, 1, 1]), np.array([0, 1, 0]), 2)]
    [[1, 2], [2, 1], [1, 1]]
    """
    hits = y_true == y_pred
    hit_times = None if times is None else times[hits]
    pairs = ((y_true, times), (y_pred, times), (y_true[hits], hit_times))
    labelled, identified, hit = (
        np.bincount(columns, weights=each, minlength=n_taxa).astype(np.int64, copy=False) for columns, each in pairs
    )
    return Tally(labelled, identified, hit)


def precision_recall_f1(found: Tally) -> NDArray[np.float64]:
    """(3, C) float: precision, recall and F1 of each taxon, 0 where undefined.

    >>> precision_recall_f1(tally(np.array([0, 1, 1]), np.array([0, 1, 0]), 2)).round(3).tolist()
    [[0.5, 1.0], [1.0, 0.5], [0.667, 0.667]]
    """
    hits = found.hits.astype(np.float64)
    both = found.identified + found.labelled
    return np.stack([_ratio(hits, found.identified), _ratio(hits, found.labelled), _ratio(2 * hits, both)])


def _ratio(above: NDArray[np.float64], below: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def balanced_accuracy(y_true: NDArray[np.int64], y_pred: NDArray[np.int64]) -> float:
    """Mean recall over the taxa that `y_true` names, 0-1: each counts the same, however many images it has.

    Args:
        y_true: (N,) int, column of the label.
        y_pred: (N,) int, column of the identification.

    Source: Brodersen et al. 2010, The balanced accuracy and its posterior distribution; as scikit-learn's
        `balanced_accuracy_score`.

    Raises:
        ValueError: if there are no images, lengths differ, or a column is negative (a label left open).

    >>> balanced_accuracy(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0]))
    0.5
    """
    return mean_recall(_tally(y_true, y_pred))


def mean_recall(found: Tally) -> float:
    """Balanced accuracy from a tally of at least one image.

    >>> mean_recall(tally(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0]), 2))
    0.5
    """
    occur = found.labelled > 0
    return float((found.hits[occur] / found.labelled[occur]).mean())


def macro_f1(y_true: NDArray[np.int64], y_pred: NDArray[np.int64]) -> float:
    """Mean F1 over the taxa that occur among labels or identifications, 0-1.

    Args:
        y_true: (N,) int, column of the label.
        y_pred: (N,) int, column of the identification.

    Source: scikit-learn's `f1_score(average="macro")` with its default labels: a taxon that is identified but never
        labelled counts with 0, one that occurs in neither is left out.

    Raises:
        ValueError: if there are no images, lengths differ, or a column is negative (a label left open).

    >>> round(macro_f1(np.array([0, 1, 1]), np.array([0, 1, 0])), 3)
    0.667
    """
    return mean_f1(_tally(y_true, y_pred))


def mean_f1(found: Tally, answers: NDArray[np.bool_] | None = None) -> float:
    """Macro F1 from a tally of at least one image, over the taxa (C,) that are an answer; all unless given.

    >>> round(mean_f1(tally(np.array([0, 1, 1]), np.array([0, 1, 0]), 2)), 3)
    0.667
    """
    named = found.identified + found.labelled
    occur = named > 0 if answers is None else (named > 0) & answers
    return float((2 * found.hits[occur] / named[occur]).mean())


def _tally(y_true: NDArray[np.int64], y_pred: NDArray[np.int64]) -> Tally:
    if len(y_true) == 0 or y_true.shape != y_pred.shape:
        raise ValueError(f"a score of {len(y_true)} labels and {len(y_pred)} identifications")
    if min(y_true.min(), y_pred.min()) < 0:
        raise ValueError("a label or an identification names no taxon (column below 0); leave those images out")
    return tally(y_true, y_pred, int(max(y_true.max(), y_pred.max())) + 1)


def top_k_accuracy(y_true: NDArray[np.int64], y_prob: NDArray[np.floating], k: int = 3) -> float:
    """Share of images whose label is among the k most probable taxa, 0-1.

    Of equally probable taxa the one in the later column comes first: a tie favours columns, never the label.

    Args:
        y_true: (N,) int, column of the label.
        y_prob: (N, C) float, probability of each taxon.
        k: how many taxa are looked at; with k >= C every image counts as a hit.

    Source: scikit-learn's `top_k_accuracy_score`, of which this is also the rule for ties.

    Raises:
        ValueError: if there are no images, k is below 1, a probability is not a finite number, or a label has no
            column.

    >>> y_prob = np.array([[0.5, 0.3, 0.2], [0.6, 0.3, 0.1]])
    >>> top_k_accuracy(np.array([1, 2]), y_prob, k=2)
    0.5
    """
    return float(in_top_k(y_true, y_prob, k).mean())


def in_top_k(y_true: NDArray[np.int64], y_prob: NDArray[np.floating], k: int = 3) -> NDArray[np.bool_]:
    """(N,) bool: whether the label of each image is among the k most probable taxa; see `top_k_accuracy`.

    >>> in_top_k(np.array([1, 2]), np.array([[0.5, 0.3, 0.2], [0.6, 0.3, 0.1]]), k=2).tolist()
    [True, False]
    """
    _check_columns(y_true, y_prob, k)
    of_label = y_prob[np.arange(len(y_true)), y_true][:, None]
    later = np.arange(y_prob.shape[1]) > y_true[:, None]
    n_before = ((y_prob > of_label) | ((y_prob == of_label) & later)).sum(axis=1)
    in_top: NDArray[np.bool_] = n_before < k
    return in_top


def _check_columns(y_true: NDArray[np.int64], y_prob: NDArray[np.floating], k: int) -> None:
    if len(y_true) == 0 or len(y_true) != len(y_prob) or k < 1:
        raise ValueError(f"top-{k} accuracy of {len(y_true)} labels and {len(y_prob)} rows of probabilities")
    if not np.isfinite(y_prob).all():
        raise ValueError("a probability is not a finite number")
    if y_true.min() < 0 or y_true.max() >= y_prob.shape[1]:
        raise ValueError(f"a label has no column among the {y_prob.shape[1]} of the probabilities")
