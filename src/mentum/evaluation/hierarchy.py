"""How far up the tree do wrong identifications lead? Taxa in, numbers out.

A taxon is keyed by its whole path, so that homonyms in two genera stay two taxa.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mentum.taxonomy import Rank, Taxon


def count_ancestors(true: Sequence[Taxon], predicted: Sequence[Taxon]) -> NDArray[np.int64]:
    """Count, for each image, the ancestors that label and identification share, and those of either.

    A taxon is among its own ancestors, the root is not. An identification with an empty path has none.

    Args:
        true: (N,) the labels.
        predicted: (N,) the identifications.

    Returns:
        (N, 3) int: shared ancestors, ancestors of the identification, ancestors of the label.

    Raises:
        ValueError: if there are no images or lengths differ.

    >>> genus = Taxon(((Rank.FAMILY, "Chironomidae"), (Rank.GENUS, "Orthocladius")))
    >>> count_ancestors([genus], [genus.at(Rank.FAMILY)]).tolist()
    [[1, 1, 2]]
    """
    if len(true) == 0 or len(true) != len(predicted):
        raise ValueError(f"{len(true)} labels and {len(predicted)} identifications")
    counts = [
        (_n_shared(label, identified), len(identified.path), len(label.path))
        for label, identified in zip(true, predicted, strict=True)
    ]
    return np.array(counts, dtype=np.int64)


def _n_shared(one: Taxon, other: Taxon) -> int:
    """Length of the common start of two paths."""
    for depth, (node, beside) in enumerate(zip(one.path, other.path, strict=False)):
        if node != beside:
            return depth
    return min(len(one.path), len(other.path))


def precision_recall_of_counts(counts: NDArray[np.int64]) -> tuple[float, float, float]:
    """Hierarchical precision, recall and F1 of the rows of `count_ancestors`, each 0-1, 0 where undefined.

    Resampling counts the ancestors once and calls this for each draw of rows.

    Args:
        counts: (N, 3) int, as `count_ancestors` returns them.

    Source: Kiritchenko et al. 2005, as in `hierarchical_precision_recall`.

    >>> precision_recall_of_counts(np.array([[1, 1, 2]]))
    (1.0, 0.5, 0.6666666666666666)
    """
    shared, predicted, true = counts.sum(axis=0).tolist()
    return _share(shared, predicted), _share(shared, true), _share(2 * shared, predicted + true)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def hierarchical_precision_recall(true: Sequence[Taxon], predicted: Sequence[Taxon]) -> tuple[float, float, float]:
    """Share of the ancestors identified that are right, share of the right ones that are identified, and their F1.

    Each 0-1, over the ancestors of all images together ("micro"): a wrong species in the right genus is partly right,
    and stopping at the genus costs recall but no precision.

    Args:
        true: (N,) the labels.
        predicted: (N,) the identifications.

    Returns:
        Precision, recall and their harmonic mean.

    Source: Kiritchenko et al. 2005, Functional annotation of genes using hierarchical text categorization, hP, hR
        and hF with beta = 1; as HiClass computes them, but a taxon is its whole path instead of its name.

    Raises:
        ValueError: if there are no images or lengths differ.

    >>> laetum = Taxon(((Rank.GENUS, "Polypedilum"), (Rank.SPECIES, "Polypedilum laetum")))
    >>> hierarchical_precision_recall([laetum, laetum], [laetum, laetum.at(Rank.GENUS)])
    (1.0, 0.75, 0.8571428571428571)
    """
    return precision_recall_of_counts(count_ancestors(true, predicted))


def ancestor_heights(true: Sequence[Taxon], predicted: Sequence[Taxon], ranks: Sequence[Rank]) -> NDArray[np.float64]:
    """Height of the lowest common ancestor of label and identification, in steps of `ranks` above the label's level.

    0 where the identification is right or lies within the label (a species of the genus that the label names), 1 where
    they share the taxon one rank up, and so on; where they share none at any of the ranks, the steps to a root above
    the highest: `len(ranks)` for a label at the lowest rank, fewer for a label that names less. An identification that
    stops at a higher rank counts as that rank. A label named below the lowest rank counts as its taxon there.

    Args:
        true: (N,) the labels.
        predicted: (N,) the identifications.
        ranks: the levels of the tree, lowest first, as `Taxonomy.ranks`.

    Returns:
        (N,) float, whole numbers from 0 to `len(ranks)`.

    Source: Bertinetto et al. 2020, Making better mistakes; there the height of the ancestor above its lowest leaf, here
        in ranks above the label.

    Raises:
        ValueError: if there are no images, lengths differ, or there are no ranks.

    >>> laetum, genus = (Rank.SPECIES, "Polypedilum laetum"), (Rank.GENUS, "Polypedilum")
    >>> label, identified = Taxon((genus, laetum)), Taxon((genus, (Rank.SPECIES, "Polypedilum nubifer")))
    >>> ancestor_heights([label, label], [label, identified], [Rank.SPECIES, Rank.GENUS]).tolist()
    [0.0, 1.0]
    """
    if len(true) == 0 or len(true) != len(predicted) or len(ranks) == 0:
        raise ValueError(f"heights of {len(true)} labels and {len(predicted)} identifications at {len(ranks)} ranks")
    pairs = zip(true, predicted, strict=True)
    return np.array([_height(label, identified, ranks) for label, identified in pairs], dtype=np.float64)


def _height(label: Taxon, identified: Taxon, ranks: Sequence[Rank]) -> int:
    if identified.is_within(label):
        return 0
    # A label between two of the ranks stands for itself at the lower of them, as `Taxon.at` has it.
    level_of_label = max(0, sum(rank.depth >= label.rank.depth for rank in ranks) - 1)
    n_shared = _n_shared(label, identified)
    depth_shared = label.path[n_shared - 1][0].depth if n_shared else -1
    return sum(rank.depth > depth_shared for rank in ranks) - level_of_label


def mean_height_of_mistakes(heights: NDArray[np.float64]) -> float | None:
    """Mean height of the wrong identifications (those above 0); None if there are none.

    Args:
        heights: (N,) float, as `ancestor_heights` returns them.

    Source: Bertinetto et al. 2020, Making better mistakes: "hierarchical distance of a mistake".

    >>> mean_height_of_mistakes(np.array([0.0, 1.0, 0.0, 2.0]))
    1.5
    """
    mistakes = heights[heights > 0]
    return float(mistakes.mean()) if len(mistakes) else None
