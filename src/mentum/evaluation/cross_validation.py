"""Cross-validation: every image is judged by networks that neither learned from its specimen nor stopped by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import ConfigDict

from mentum.calibration.cases import Cases, Unit
from mentum.calibration.held_out import HeldOut, Turn
from mentum.calibration.out_of_fold import OutOfFold, read_fold
from mentum.calibration.temperatures import log_probabilities
from mentum.calibration.verdicts import Verdicts, give_verdicts
from mentum.errors import RunError
from mentum.evaluation.hierarchy import (
    ancestor_heights,
    count_ancestors,
    mean_height_of_mistakes,
    precision_recall_of_counts,
)
from mentum.evaluation.intervals import bootstrap_interval
from mentum.evaluation.metrics import n_misclassified
from mentum.evaluation.probabilities import judge
from mentum.evaluation.results import CalibrationReport, Estimate
from mentum.evaluation.scores import ACCURACY, Sample, score_sample
from mentum.records import Record
from mentum.specimens.folds import Fold, unseen
from mentum.specimens.manifest import SpecimenTable
from mentum.taxonomy import Rank


class RankScores(Record):
    """How the images, or specimens, that reach one rank are identified.

    Attributes:
        unit: "image", or "specimen", whose images are combined.
        accuracy: beside it stand the other metrics, by name; null where one is not defined.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Estimate | None]

    rank: Rank
    unit: Unit
    n_images: int
    n_specimens: int
    n_misclassified: int
    accuracy: Estimate

    @property
    def scores(self) -> dict[str, Estimate | None]:
        """By every metric, by name, the accuracy first."""
        return {ACCURACY: self.accuracy, **self.__pydantic_extra__}


class TreeScores(Record):
    """How far up the tree identifications go wrong, by image, over those labelled down to the lowest rank.

    Attributes:
        height: mean number of ranks up to the lowest common ancestor of label and identification, over the mistakes;
            None without any.
    """

    n_images: int
    precision: Estimate
    recall: Estimate
    f1: Estimate
    height: Estimate | None


class FoldScores(Record):
    """One fold.

    Attributes:
        n_train: images that it was learned from; `n_validation` those that training looked at.
        accuracies: rank → share of right images; None where no image reaches the rank.
    """

    name: str
    n_train: int
    n_validation: int
    n_images: int
    n_specimens: int
    accuracies: dict[Rank, float | None]


class CrossValidation(Record):
    """What `mentum crossvalidate` found.

    Attributes:
        design: how specimens were kept apart, in words.
        stage: 2 = both stages were trained, 1 = the top classifier on features of the frozen backbone.
        ranks: by rank, lowest first, and unit.
        unseen: what could not be identified because its fold's training did not have it, in words.
    """

    schema_version: Literal[1] = 1
    data: str
    design: str
    stage: Literal[1, 2]
    backbone: str
    seed: int
    n_images: int
    n_specimens: int
    ranks: tuple[RankScores, ...]
    tree: TreeScores | None
    folds: tuple[FoldScores, ...]
    unseen: tuple[str, ...]


@dataclass(frozen=True)
class Judged:
    """What the folds' networks say.

    Attributes:
        table: all images.
        folds: how they were kept apart.
        rows: (M,) int, numbers of images; those judged in a fold, then those that its training looked at, fold by fold.
        fold_of: (M,) int, number of the fold whose networks speak.
        watched: (M,) bool, whether training looked at the image.
        cases: the M images.
    """

    table: SpecimenTable
    folds: Sequence[Fold]
    rows: NDArray[np.int64]
    fold_of: NDArray[np.int64]
    watched: NDArray[np.bool_]
    cases: Cases

    @classmethod
    def read(
        cls, table: SpecimenTable, folds: Sequence[Fold], files: Sequence[Path], ranks: tuple[Rank, ...]
    ) -> Judged:
        """Read the predictions of all folds.

        Args:
            table: all images.
            folds: all.
            files: of each fold, as its training wrote them.
            ranks: to report; none = all.

        Raises:
            RunError: if a file lists other images than its fold.
        """
        row_of = {name: row for row, name in enumerate(table.file_names)}
        frames = [read_fold(file, ("file_name", "subset")) for file in files]
        for fold, file, frame in zip(folds, files, frames, strict=True):
            expected = {table.file_names[row] for row in fold.rows("test").tolist()}
            if set(frame.filter(subset="test")["file_name"]) != expected:
                raise RunError(
                    f"{file}: lists other images than fold {fold.name}; remove it and give the command again."
                )
        joined = pl.concat(frames)
        rows = np.array([row_of[name] for name in joined["file_name"]], dtype=np.int64)
        models = [name for name in joined.columns if name not in ("file_name", "subset")]
        log_prob = {name: log_probabilities(joined[name].to_numpy()) for name in models}
        labels = [table.labels[row] for row in rows.tolist()]
        cases = Cases("held-out", table.taxonomy, table.specimens[rows], labels, log_prob, ranks=ranks)
        fold_of = np.repeat(np.arange(len(folds)), [len(frame) for frame in frames])
        return cls(table, folds, rows, fold_of, (joined["subset"] != "test").to_numpy(), cases)

    @cached_property
    def held_out(self) -> Cases:
        """The images judged, each once, by networks that were trained without their specimens."""
        return self.cases[np.flatnonzero(~self.watched)]

    def in_order(self) -> Cases:
        """The images judged, in the order of the table."""
        return self.cases[self._judged()]

    def material(self) -> HeldOut:
        """What probabilities and thresholds are learned from and judged on, fold by fold."""
        folds = [self.fold_of == fold for fold in range(len(self.folds))]
        turns = [Turn(np.flatnonzero(of & self.watched), np.flatnonzero(of & ~self.watched)) for of in folds]
        # A specimen that several trainings looked at was seen by other networks each time.
        told_apart = [f"{fold}/{name}" for fold, name in zip(self.fold_of, self.cases.specimens, strict=True)]
        cases = replace(self.cases, specimens=np.array(told_apart))
        method = "each fold judged by what was learned from the validation specimens among the other folds"
        return HeldOut(cases, turns, method, np.flatnonzero(self.watched))

    def write(self, file: Path) -> None:
        """Store the out-of-fold predictions: a row per image judged, in the order of the table."""
        judged, cases = self._judged(), self.in_order()
        names = [self.table.file_names[row] for row in self.rows[judged].tolist()]
        folds = [self.folds[fold].name for fold in self.fold_of[judged].tolist()]
        y_prob = {network: np.exp(log_prob).astype(np.float32) for network, log_prob in cases.log_prob.items()}
        OutOfFold.of(names, folds, cases, y_prob).write(file)

    def _judged(self) -> NDArray[np.int64]:
        """Places of the images judged, in the order of the table."""
        judged = np.flatnonzero(~self.watched)
        return judged[np.argsort(self.rows[judged])]


def score(judged: Judged, about: Mapping[str, Any]) -> CrossValidation:
    """Score the images judged, at every rank, by image and by specimen.

    Args:
        judged: what the folds' networks say.
        about: `design`, `stage`, `backbone` and `seed`, for the record.
    """
    cases, seed = judged.held_out, int(about["seed"])
    units: tuple[Unit, ...] = ("image",) if cases.n_specimens == len(cases) else ("image", "specimen")
    verdicts = {unit: give_verdicts(cases, dict.fromkeys(cases.log_prob, 1.0), unit) for unit in units}
    names = {"image": cases.specimens, "specimen": np.unique(cases.specimens)}
    scored = [
        _rank_scores(rank, verdicts[unit], names[unit], cases, seed)
        for rank, y_true in verdicts["image"].y_true.items()
        if (y_true >= 0).any()
        for unit in units
    ]
    return CrossValidation.model_validate(
        {
            **about,
            "data": str(judged.table.source),
            "n_images": len(cases),
            "n_specimens": cases.n_specimens,
            "ranks": scored,
            "tree": _tree_scores(cases, verdicts["image"], seed),
            "folds": list(_fold_scores(judged)),
            "unseen": list(_unseen(judged)),
        }
    )


def calibrate_folds(judged: Judged, error_rate: float) -> CalibrationReport:
    """Judge, fold by fold, temperatures and thresholds that were learned within its training's specimens."""
    return judge(judged.material(), error_rate)


def _rank_scores(rank: Rank, verdicts: Verdicts, specimens: NDArray[np.str_], cases: Cases, seed: int) -> RankScores:
    known = verdicts.y_true[rank] >= 0
    y_true, y_prob = verdicts.y_true[rank][known], verdicts.y_prob[rank][known]
    y_pred, of = verdicts.answers.column[rank][known], specimens[known]
    counts = {
        "n_images": len(of) if verdicts.unit == "image" else int(np.isin(cases.specimens, of).sum()),
        "n_specimens": len(np.unique(of)),
        "n_misclassified": n_misclassified(y_true, y_pred),
    }
    answers = ~cases.taxonomy.open_columns(rank)
    scores = score_sample(Sample(y_true, y_pred, y_prob, answers=answers), of, seed)
    return RankScores.model_validate({"rank": rank, "unit": verdicts.unit, **counts, **scores})


def _tree_scores(cases: Cases, verdicts: Verdicts, seed: int) -> TreeScores | None:
    rank = next(iter(verdicts.y_true))
    known = np.flatnonzero(verdicts.y_true[rank] >= 0)
    if not len(known):
        return None
    taxa = cases.taxonomy.taxa(rank)
    true = [taxa[column] for column in verdicts.y_true[rank][known].tolist()]
    predicted = [taxa[column] for column in verdicts.answers.column[rank][known].tolist()]
    counts, of = count_ancestors(true, predicted), cases.specimens[known]
    heights = ancestor_heights(true, predicted, list(verdicts.y_true))

    def estimate(measure: Callable[[NDArray[np.int64]], float]) -> Estimate:
        return Estimate(value=measure(np.arange(len(known))), interval=bootstrap_interval(measure, of, seed))

    def height(rows: NDArray[np.int64]) -> float:
        found = mean_height_of_mistakes(heights[rows])
        return float("nan") if found is None else found

    def share(place: int) -> Estimate:
        return estimate(lambda rows: precision_recall_of_counts(counts[rows])[place])

    return TreeScores(
        n_images=len(known),
        precision=share(0),
        recall=share(1),
        f1=share(2),
        height=estimate(height) if heights.any() else None,
    )


def _fold_scores(judged: Judged) -> Iterator[FoldScores]:
    for number, fold in enumerate(judged.folds):
        cases = judged.cases[np.flatnonzero((judged.fold_of == number) & ~judged.watched)]
        right = give_verdicts(cases, dict.fromkeys(cases.log_prob, 1.0), "image").right
        yield FoldScores(
            name=fold.name,
            n_train=len(fold.rows("train")),
            n_validation=len(fold.rows("validation")),
            n_images=len(cases),
            n_specimens=cases.n_specimens,
            accuracies={
                rank: None if np.isnan(values).all() else float(np.nanmean(values)) for rank, values in right.items()
            },
        )


def _unseen(judged: Judged) -> Iterator[str]:
    for fold, taxon, n_images in unseen(judged.table, judged.folds):
        yield f"fold {fold.name}: {taxon.name} ({n_images} images) is not in its training, so that these count as wrong"
