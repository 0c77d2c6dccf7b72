"""Could a model cheat? How well the taxon can be told from what is not the specimen, each cue against chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mentum.audit.cues import CUES, OF_SPECIMEN_TOO, Pictures
from mentum.evaluation.intervals import accuracy_interval
from mentum.evaluation.metrics import accuracy
from mentum.records import Interval, Record

N_FOLDS = 5
PENALTY = 1.0
"""Of the ridge, per image that is learned from: each standardised feature then counts as much as the penalty."""
LEVEL = 0.05
"""Of the p values, over all cues of a data set together."""
MARGIN = 0.1
"""Part of the way from chance to certainty that balanced accuracy must have gone to be worth naming.

On drawn specimens without any shortcut, what an imperfect mask leaves of the specimen goes 0.01 of that way in the mean
(40 sets of 80 images) and 0.08 at most in a set of 200 images.
"""
FEWEST_ARRANGEMENTS = 200
"""Ways to hand the labels round, without which no p value could become small."""


class CueResult(Record):
    """How well one cue alone tells the taxon, judged on other specimens than learned from.

    Attributes:
        cue: one of `CUES`, or the caller's own name.
        n_images: images of taxa with two specimens or more; the others are left out.
        n_specimens: theirs.
        n_taxa: theirs.
        accuracy: share of images whose taxon the cue tells, 0-1.
        interval: of the accuracy, over specimens.
        balanced_accuracy: mean over taxa of that share; it is what is tested.
        chance: balanced accuracy of a guess, one over the number of taxa.
        majority: share of images of the commonest taxon.
        p: share of permutations, those of no label moved among them, in which the cue does as well or better.
        p_corrected: the same, corrected for the number of cues (Holm); equal to `p` for one cue alone.
        n_permutations: of labels among specimens.
        of_specimen_too: whether the cue holds the specimen too, so that it may tell the taxon by rights.
        above_chance: whether `p_corrected` is at most 0.05 and the balanced accuracy is worth naming (see `MARGIN`).
        found: a shortcut: above chance by a cue that does not hold the specimen.
    """

    cue: str
    n_images: int
    n_specimens: int
    n_taxa: int
    accuracy: float
    interval: Interval
    balanced_accuracy: float
    chance: float
    majority: float
    p: float
    p_corrected: float
    n_permutations: int
    of_specimen_too: bool
    above_chance: bool
    found: bool


class _Hat(NamedTuple):
    """One fold's ridge: `unknown @ (solved @ one_hot)` is what it predicts above the mean of the labels.

    Attributes:
        judged, learned: rows of images.
        unknown, known: (judged, F) and (learned, F), their standardised features.
        solved: (F, learned).
    """

    judged: NDArray[np.int64]
    learned: NDArray[np.int64]
    unknown: NDArray[np.float64]
    known: NDArray[np.float64]
    solved: NDArray[np.float64]


class _Labels(NamedTuple):
    """Specimens of each image (N,), and taxon (S,) and fold (S,) of each specimen, all int."""

    specimens: NDArray[np.int64]
    taxa: NDArray[np.int64]
    parts: NDArray[np.int64]


def audit_shortcuts(
    pixels: NDArray[np.uint8],
    paths: Sequence[Path],
    y_true: NDArray[np.int64],
    specimens: NDArray[np.str_],
    masks: NDArray[np.bool_] | None = None,
    seed: int = 0,
) -> tuple[CueResult, ...]:
    """Measure for each cue of `CUES` how well it tells the taxon, with p values corrected for their number.

    Args:
        pixels: (N, size, size, 3) uint8, as in the pixel cache.
        paths: the N files.
        y_true: (N,) int, the taxon at the lowest rank.
        specimens: (N,) the specimen of each image.
        masks: (N, size, size) bool, where the specimen is; none of an image set means that it is not outlined.
        seed: of folds, permutations and draws.

    Raises:
        ValueError: if lengths differ, a specimen has several taxa, or there are too few specimens to tell.
    """
    return audit_pictures(Pictures(pixels, paths, masks), y_true, specimens, seed)


def audit_pictures(
    pictures: Pictures, y_true: NDArray[np.int64], specimens: NDArray[np.str_], seed: int
) -> tuple[CueResult, ...]:
    """Measure cues as `audit_shortcuts` does, of pictures that may be cropped."""
    n_images, pixels, paths, masks = len(y_true), pictures.pixels, pictures.paths, pictures.masks
    if not len(pixels) == len(paths) == n_images or (masks is not None and len(masks) != n_images):
        raise ValueError(f"{len(pixels)} squares, {len(paths)} paths and {n_images} labels; expected as many of each")
    _ranged(y_true, specimens, seed)  # tells at once what is wrong
    results = [audit_cue(name, describe(pictures), y_true, specimens, seed) for name, describe in CUES.items()]
    corrected = holm([result.p for result in results])
    return tuple(_concluded(result, p) for result, p in zip(results, corrected, strict=True))


def audit_cue(
    name: str,
    features: NDArray[np.float32],
    y_true: NDArray[np.int64],
    specimens: NDArray[np.str_],
    seed: int,
    n_permutations: int = 199,
) -> CueResult:
    """Measure how well one cue tells the taxon of specimens that its ridge classifier did not see.

    Folds hold whole specimens, those of each taxon spread over all. Labels are permuted among the specimens of each
    fold, so that every permutation spreads the taxa over the folds as the true labels do: where the cue knows nothing
    of the taxon, the p value is exact.

    Args:
        name: of the cue.
        features: (N, F).
        y_true: (N,) int, the taxon.
        specimens: (N,) the specimen of each image.
        seed: of folds, permutations and draws.
        n_permutations: how many.

    Raises:
        ValueError: if lengths differ, a specimen has several taxa, or there are too few specimens to tell.

    Source: Ojala & Garriga (2010), J. Mach. Learn. Res. 11: 1833-1863, test 1, within folds.
    """
    if len(features) != len(y_true):
        raise ValueError(f"features of {len(features)} images and {len(y_true)} labels; expected as many of each")
    kept, labels = _ranged(y_true, specimens, seed)
    hats = fit_hats(features[kept], labels.parts[labels.specimens])
    truth = labels.taxa[labels.specimens]
    identified = predict(hats, truth)
    reached = _balanced_accuracy(truth, identified)
    rng = np.random.default_rng((seed, 1))
    at_least = sum(_permuted(hats, labels, rng) >= reached - 1e-9 for _ in range(n_permutations))
    p = (at_least + 1) / (n_permutations + 1)
    counts = np.bincount(truth)
    result = CueResult(
        cue=name, n_images=len(truth), n_specimens=len(labels.taxa), n_taxa=len(counts),
        accuracy=accuracy(truth, identified),
        interval=accuracy_interval(truth == identified, specimens[kept], seed),
        balanced_accuracy=reached, chance=1 / len(counts), majority=float(counts.max() / len(truth)),
        p=p, p_corrected=p, n_permutations=n_permutations,
        of_specimen_too=name in OF_SPECIMEN_TOO, above_chance=False, found=False,
    )  # fmt: skip
    return _concluded(result, p)


def _concluded(result: CueResult, p_corrected: float) -> CueResult:
    worth_naming = result.balanced_accuracy >= result.chance + MARGIN * (1 - result.chance)
    above = p_corrected <= LEVEL and worth_naming
    found = above and not result.of_specimen_too
    return result.model_copy(update={"p_corrected": p_corrected, "above_chance": above, "found": found})


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p values for their number.

    Source: Holm (1979), Scand. J. Stat. 6: 65-70.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03, 0.5])]
    [0.04, 0.09, 0.09, 0.5]
    """
    corrected, largest = [0.0] * len(p_values), 0.0
    for done, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - done) * p_values[place]))
        corrected[place] = largest
    return corrected


def _ranged(y_true: NDArray[np.int64], specimens: NDArray[np.str_], seed: int) -> tuple[NDArray[np.bool_], _Labels]:
    """Which images count (N,) bool, and their labels: taxa numbered from 0, specimens dealt to the folds."""
    if len(y_true) != len(specimens):
        raise ValueError(f"{len(y_true)} labels and specimens of {len(specimens)} images; expected as many of each")
    _, first, codes = np.unique(specimens, return_index=True, return_inverse=True)
    taxon_of = y_true[first]
    if divided := np.unique(specimens[taxon_of[codes] != y_true]).tolist():
        raise ValueError(f"{len(divided)} specimens ({divided[0]} is the first) have several taxa; expected one each")
    names, counts = np.unique(taxon_of, return_counts=True)
    kept = np.isin(y_true, names[counts > 1])
    if np.count_nonzero(counts > 1) < 2:
        raise ValueError(f"{np.count_nonzero(counts > 1)} taxa have two specimens or more; expected two taxa or more")
    codes = np.unique(codes[kept], return_inverse=True)[1]
    taxa = np.unique(taxon_of[np.isin(taxon_of, names[counts > 1])], return_inverse=True)[1]
    parts = deal_specimens(taxa, seed)
    if (ways := _arrangements(taxa, parts)) < FEWEST_ARRANGEMENTS:
        raise ValueError(
            f"{len(taxa)} specimens of {taxa.max() + 1} taxa can be labelled in {ways:.0f} ways within "
            f"{N_FOLDS} folds; expected {FEWEST_ARRANGEMENTS} or more, to tell anything from chance; add specimens"
        )
    return kept, _Labels(codes, taxa, parts)


def deal_specimens(taxa: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """(S,) int: the fold of each specimen, 0 to 4; those of each taxon are spread over all.

    >>> sorted(deal_specimens(np.array([0, 0, 0, 0, 0, 1]), seed=0)[:5].tolist())
    [0, 1, 2, 3, 4]
    """
    shuffled = np.random.default_rng(seed).permutation(len(taxa))
    by_taxon = shuffled[np.argsort(taxa[shuffled], kind="stable")]
    parts = np.empty(len(taxa), dtype=np.int64)
    parts[by_taxon] = np.arange(len(taxa)) % N_FOLDS
    return parts


def _arrangements(taxa: NDArray[np.int64], parts: NDArray[np.int64]) -> float:
    """Number of different labellings that permuting within the folds gives, at most 1e9."""
    log_ways = 0.0
    for part in np.unique(parts):
        counts = np.bincount(taxa[parts == part])
        log_ways += math.lgamma(counts.sum() + 1) - sum(math.lgamma(count + 1) for count in counts)
    return math.exp(min(log_ways, math.log(1e9)))


def fit_hats(features: NDArray[np.float32], parts: NDArray[np.int64]) -> list[_Hat]:
    """Ridge regression on standardised features, one for each fold, without the labels, in which it is linear.

    Mean and spread are those of the images learned from; features that do not vary there are left out.

    Args:
        features: (N, F).
        parts: (N,) the fold of each image.
    """
    hats = []
    for part in np.unique(parts):
        judged, learned = np.flatnonzero(parts == part), np.flatnonzero(parts != part)
        known = features[learned].astype(np.float64)
        mean, spread = known.mean(axis=0), known.std(axis=0)
        varies = spread > 1e-6 * (1 + np.abs(mean))
        known = (known[:, varies] - mean[varies]) / spread[varies]
        penalty = PENALTY * len(learned) * np.eye(known.shape[1])
        unknown = (features[judged][:, varies] - mean[varies]) / spread[varies]
        hats.append(_Hat(judged, learned, unknown, known, np.linalg.solve(known.T @ known + penalty, known.T)))
    return hats


def predict(hats: Sequence[_Hat], taxa: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N,) int: the taxon of each image by the ridge of the fold that judges it.

    A score is how far the one-hot label is predicted above its mean over taxa, in units of the label's spread, so that
    a common taxon is not preferred for being common.
    """
    identified = np.empty_like(taxa)
    for hat in hats:
        one_hot = np.eye(taxa.max() + 1)[taxa[hat.learned]]
        midst = hat.known.T @ (one_hot / one_hot.sum(axis=0)).mean(axis=1)
        scores = ((hat.unknown - midst) @ (hat.solved @ one_hot)) / one_hot.std(axis=0)
        identified[hat.judged] = scores.argmax(axis=1)
    return identified


def _balanced_accuracy(truth: NDArray[np.int64], identified: NDArray[np.int64]) -> float:
    counts = np.bincount(truth)
    return float(np.mean(np.bincount(truth[truth == identified], minlength=len(counts)) / counts))


def _permuted(hats: Sequence[_Hat], labels: _Labels, rng: np.random.Generator) -> float:
    """Balanced accuracy with the labels permuted among the specimens of each fold."""
    order = np.lexsort((rng.random(len(labels.parts)), labels.parts))
    taxa = np.empty_like(labels.taxa)
    taxa[np.argsort(labels.parts, kind="stable")] = labels.taxa[order]
    truth = taxa[labels.specimens]
    return _balanced_accuracy(truth, predict(hats, truth))
