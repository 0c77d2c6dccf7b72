"""What each model of a run learns: one tree over the leaves, or one rank each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mentum.errors import DataError
from mentum.settings import HeadSettings
from mentum.taxonomy import WHOLE_TREE, Rank, Target, Taxon, Taxonomy


@dataclass(frozen=True)
class Task:
    """One model's job.

    Attributes:
        model: name of its target, the whole tree or the rank of a separate model.
        taxa: C taxa in the order of the logits.
        allowed: (N, C) bool, the taxa that each image's label may mean.
    """

    model: str
    taxa: tuple[Taxon, ...]
    allowed: NDArray[np.bool_]


def make_tasks(taxonomy: Taxonomy, labels: Sequence[Taxon], settings: HeadSettings) -> tuple[Task, ...]:
    """Set up the models of a run.

    Raises:
        DataError: if separate models are asked for ranks that the data cannot report.
    """
    whole = settings.kind == WHOLE_TREE.name
    targets = [WHOLE_TREE] if whole else [Target(rank) for rank in task_ranks(taxonomy, settings)]
    return tuple(_task(taxonomy, labels, target) for target in targets)


def _task(taxonomy: Taxonomy, labels: Sequence[Taxon], target: Target) -> Task:
    allowed = {label: target.allowed(taxonomy, label) for label in set(labels)}
    return Task(target.name, target.taxa(taxonomy), np.stack([allowed[label] for label in labels]))


def task_ranks(taxonomy: Taxonomy, settings: HeadSettings) -> tuple[Rank, ...]:
    """The ranks that a run reports, lowest first."""
    absent = [rank for rank in settings.ranks if rank not in taxonomy.ranks]
    if absent:
        raise DataError(
            f"head.ranks: found {', '.join(absent)}; the data has two taxa or more, and no lineage that skips the "
            f"rank, at {', '.join(taxonomy.ranks)}; give some of these or [] for all."
        )
    if settings.ranks:
        return tuple(rank for rank in taxonomy.ranks if rank in settings.ranks)
    return taxonomy.ranks


def by_rank(task: Task, taxonomy: Taxonomy, y_prob: NDArray[np.float32]) -> dict[Rank, NDArray[np.float32]]:
    """Probabilities (N, C) of one model → probabilities at each rank that it answers for."""
    return Target.of(task.model).at_ranks(taxonomy, y_prob)
