"""Images of specimens that the networks were not trained on: what temperatures and thresholds are learned from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mentum.taxonomy import Rank, Target, Taxon, Taxonomy

Unit = Literal["image", "specimen"]
UNITS: tuple[Unit, ...] = ("image", "specimen")


@dataclass(frozen=True)
class Cases:
    """Images of specimens that the network was not trained on.

    Attributes:
        source: where they come from, such as "validation".
        specimens: (N,) str.
        labels: N taxa as labelled.
        log_prob: network → (N, C) logarithms of its uncalibrated probabilities.
        measures: (N, 2) of strangeness, None where features were not kept.
        ranks: to answer at; none = all that the tree can report.
    """

    source: str
    taxonomy: Taxonomy
    specimens: NDArray[np.str_]
    labels: Sequence[Taxon]
    log_prob: Mapping[str, NDArray[np.float64]]
    measures: NDArray[np.float64] | None = None
    ranks: tuple[Rank, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: NDArray[np.int64]) -> Cases:
        """Some of the images."""
        return dataclasses.replace(
            self,
            specimens=self.specimens[rows],
            labels=[self.labels[row] for row in rows.tolist()],
            log_prob={name: values[rows] for name, values in self.log_prob.items()},
            measures=None if self.measures is None else self.measures[rows],
        )

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """(N,) int: the specimen of each image, in alphabetical order of specimens."""
        return np.unique(self.specimens, return_inverse=True)[1].astype(np.int64)

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """(N,): how much each image counts, so that every specimen counts 1."""
        return 1 / np.bincount(self.groups)[self.groups]

    @property
    def n_specimens(self) -> int:
        """How many specimens."""
        return len(np.unique(self.specimens))

    @cached_property
    def specimen_labels(self) -> list[Taxon]:
        """The lowest label of each specimen, in the order of `groups`."""
        lowest: dict[int, Taxon] = {}
        for group, label in zip(self.groups.tolist(), self.labels, strict=True):
            if group not in lowest or label.is_within(lowest[group]):
                lowest[group] = label
        return [lowest[group] for group in range(len(lowest))]


def allowed_taxa(taxonomy: Taxonomy, labels: Sequence[Taxon], network: str) -> NDArray[np.bool_]:
    """(N, C) bool: the taxa of a network that each label may mean; none where it has no place among them."""
    target = Target.of(network)
    allowed = {label: target.allowed(taxonomy, label) for label in set(labels)}
    return np.stack([allowed[label] for label in labels])
