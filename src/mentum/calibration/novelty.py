"""Not in the training set: how strange a specimen is, from its features and from its probabilities.

Two measures, each in units of its spread over known specimens, are added: how far the features lie from every known
taxon, compared with how far they lie from the training images as a whole; and how little the network leans towards any
taxon at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mentum.errors import ModelError
from mentum.files import whole
from mentum.stored import read_arrays, readable, require_finite

N_DIRECTIONS = 128
"""Directions of features whose variance is kept; that of the others counts as one number."""

SHRINKAGE = 0.5
"""Share of the mean variance in every variance: few images tell little of single directions."""

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """A covariance of features (K, K), as its strongest directions and one variance for all the rest.

    Attributes:
        directions: (R, K), orthonormal.
        variances: (R,), all above zero.
        rest: of every other direction.
    """

    directions: Vector
    variances: Vector
    rest: float

    @classmethod
    def of(cls, centred: Vector, n_directions: int = N_DIRECTIONS) -> Spread:
        """Of rows (N, K) whose mean is zero, with the variances of so many directions kept."""
        n, k = centred.shape
        values, vectors = np.linalg.eigh(centred.T @ centred / n)
        values, kept = np.maximum(values[::-1], 0), min(n_directions, k)
        mean = max(float(values.mean()), float(np.finfo(np.float32).tiny))
        others = float(values[kept:].mean()) if kept < k else mean
        shrunk = (1 - SHRINKAGE) * np.append(values[:kept], [others]) + SHRINKAGE * mean
        return cls(vectors[:, ::-1][:, :kept].T, shrunk[:-1], float(shrunk[-1]))

    def squared_distances(self, features: Vector, centres: Vector) -> Vector:
        """Squared Mahalanobis distances (N, C) of features (N, K) from centres (C, K)."""
        plain = _squared_distances(features, centres)
        along, centre = features @ self.directions.T, centres @ self.directions.T
        gain = np.sqrt(self.rest / self.variances)
        strong = _squared_distances(along * gain, centre * gain) - _squared_distances(along, centre)
        return np.asarray((plain + strong) / self.rest)


def _squared_distances(points: Vector, centres: Vector) -> Vector:
    products = points @ centres.T
    return np.asarray((points**2).sum(1)[:, None] - 2 * products + (centres**2).sum(1))


@dataclass(frozen=True)
class Density:
    """Where the features of known taxa lie.

    Attributes:
        mean: (K,), of all training images.
        centres: (C, K), mean of each taxon, less `mean`.
        within: spread of images about the centre of their taxon.
        total: spread of all images about `mean`.
    """

    mean: Vector
    centres: Vector
    within: Spread
    total: Spread

    @classmethod
    def fit(cls, features: NDArray[np.float32], taxa: NDArray[np.int64]) -> Density:
        """Learn from training images.

        Args:
            features: (N, K).
            taxa: (N,) int, the lowest taxon of each; -1 for images labelled above that, which are left out.
        """
        known = features[taxa >= 0].astype(np.float64)
        place = np.unique(taxa[taxa >= 0], return_inverse=True)[1]
        mean = known.mean(axis=0)
        centred = known - mean
        ends = np.cumsum(np.bincount(place))[:-1]
        by_taxon = np.split(centred[np.argsort(place, kind="stable")], ends)
        centres = np.stack([of_taxon.mean(axis=0) for of_taxon in by_taxon])
        return cls(mean, centres, Spread.of(centred - centres[place]), Spread.of(centred))

    def distance(self, features: NDArray[np.float32]) -> Vector:
        """(N,): distance from the nearest known taxon, less that from the training images as a whole.

        Source: Ren et al. 2021, A simple fix to Mahalanobis distance for improving near-OOD detection; the covariances
        are shrunk.
        """
        centred = features.astype(np.float64) - self.mean
        nearest = self.within.squared_distances(centred, self.centres).min(axis=1)
        return np.asarray(nearest - self.total.squared_distances(centred, np.zeros((1, len(self.mean))))[:, 0])


def energy(log_prob: Vector) -> Vector:
    """(N,): how little the network leans towards any taxon, from logarithms of uncalibrated probabilities (N, C).

    Mentum's heads are centred, so that the logits, less their mean, follow from the probabilities.

    Source: Liu et al. 2020, Energy-based out-of-distribution detection.
    """
    logits = log_prob - log_prob.mean(axis=1, keepdims=True)
    largest = logits.max(axis=1)
    return np.asarray(-largest - np.log(np.exp(logits - largest[:, None]).sum(axis=1)))


@dataclass(frozen=True)
class Novelty:
    """Scores of strangeness: the sum of both measures, each less its mean over known specimens and over its spread.

    Attributes:
        location: (2,), means; likewise `scale`, standard deviations.
    """

    density: Density
    location: Vector
    scale: Vector

    @classmethod
    def fit(cls, density: Density, measures: Vector, weights: Vector) -> Novelty:
        """Take location and scale from the measures (N, 2) of known specimens that were not trained on."""
        location = np.average(measures, axis=0, weights=weights)
        variance = np.average((measures - location) ** 2, axis=0, weights=weights)
        return cls(density, location, np.sqrt(np.maximum(variance, 1e-12)))

    def score(self, measures: Vector) -> Vector:
        """(N,), larger is stranger; from measures (N, 2)."""
        return np.asarray(((measures - self.location) / self.scale).sum(axis=1))

    def score_images(self, features: NDArray[np.float32], log_prob: Vector) -> Vector:
        """(N,), likewise, from features (N, K) and logarithms of uncalibrated probabilities (N, C)."""
        return self.score(measure(self.density, features, log_prob))

    def save(self, file: Path) -> None:
        """Write plain arrays."""
        density = self.density
        arrays: dict[str, Any] = {"mean": density.mean, "centres": density.centres}
        for name, spread in (("within", density.within), ("total", density.total)):
            arrays |= {f"{name}_directions": spread.directions, f"{name}_variances": spread.variances}
        single = {name: values.astype(np.float32) for name, values in arrays.items()}
        rests = np.array([density.within.rest, density.total.rest])
        with whole(file) as beside, beside.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **single, rests=rests, location=self.location, scale=self.scale)

    @classmethod
    def load(cls, file: Path) -> Novelty:
        """Read what `save` wrote.

        Raises:
            ModelError: if the file is damaged.
        """
        with readable(file, "copy the model folder again", ModelError):
            arrays = {name: values.astype(np.float64) for name, values in read_arrays(file).items()}
            require_finite(arrays)
            _require_shapes(arrays)
            within, total = (
                Spread(arrays[f"{name}_directions"], arrays[f"{name}_variances"], float(arrays["rests"][place]))
                for place, name in enumerate(("within", "total"))
            )
            density = Density(arrays["mean"], arrays["centres"], within, total)
            return cls(density, arrays["location"], arrays["scale"])


def _require_shapes(arrays: Mapping[str, Vector]) -> None:
    """Make sure that the arrays belong to one density.

    Raises:
        ValueError: naming one that does not.
    """
    n_features = len(arrays["mean"])
    expected = {"mean": (n_features,), "centres": (len(arrays["centres"]), n_features)}
    expected |= dict.fromkeys(("rests", "location", "scale"), (2,))
    for name in ("within", "total"):
        n_directions = len(arrays[f"{name}_variances"])
        expected |= {f"{name}_directions": (n_directions, n_features), f"{name}_variances": (n_directions,)}
    for name, shape in expected.items():
        if arrays[name].shape != shape or not arrays[name].size:
            raise ValueError(f"found {arrays[name].shape} for {name}, expected {shape}")
    for name in ("within_variances", "total_variances", "rests", "scale"):
        if not (arrays[name] > 0).all():
            raise ValueError(f"found {name} that are not above 0")


def measure(density: Density, features: NDArray[np.float32], log_prob: Vector) -> Vector:
    """(N, 2): distance of the features, energy of the uncalibrated probabilities."""
    return np.column_stack([density.distance(features), energy(log_prob)])


@dataclass(frozen=True)
class KnownScores:
    """Scores of known specimens that were not trained on: the measure of what is strange.

    Attributes:
        scores: (n,) sorted.
        weights: (n,) in that order; they sum to the number of specimens.
    """

    scores: Vector
    weights: Vector

    @classmethod
    def of(cls, scores: Vector, weights: Vector) -> KnownScores:
        """Sort them."""
        order = np.argsort(scores, kind="stable")
        return cls(scores[order], weights[order])

    @property
    def n_specimens(self) -> float:
        """How many specimens."""
        return float(self.weights.sum())

    def less_strange(self, scores: Vector) -> Vector:
        """(N,): share of known specimens, and the specimen itself, that look less strange, 0-1.

        At least 1 - r marks the strangest r of known specimens, whatever the distribution: a conformal test.

        Source: Bates et al. 2023, Testing for outliers with conformal p-values, eq. 2.
        """
        heavier = np.append(0.0, np.cumsum(self.weights))
        return np.asarray(heavier[np.searchsorted(self.scores, scores, side="left")] / (self.n_specimens + 1))

    def can_reject(self, false_rejection: float) -> bool:
        """Whether there are enough specimens to keep to this rate of false rejections at all.

        >>> [KnownScores(np.zeros(n), np.ones(n)).can_reject(0.05) for n in (19, 18)]
        [True, False]
        """
        return (1 - false_rejection) * (self.n_specimens + 1) <= self.n_specimens + 1e-9


def is_novel(less_strange: Vector, false_rejection: float) -> NDArray[np.bool_]:
    """(N,) bool: stranger than all but `false_rejection` of the known specimens."""
    return np.asarray(less_strange >= 1 - false_rejection - 1e-9)
