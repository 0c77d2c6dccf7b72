"""What probabilities and thresholds are learned from: specimens that the network was not trained on."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mentum.errors import ModelError
from mentum.identification.decision import Answers, RankThreshold, learn_thresholds, most_probable
from mentum.identification.novelty import KnownScores, Novelty
from mentum.identification.probabilities import (
    at_ranks,
    at_temperature,
    combine,
    fit_temperature,
    log_probabilities,
    mean_of_groups,
)
from mentum.records import write_text
from mentum.taxonomy import Rank, Taxon, Taxonomy

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


def fit_temperatures(cases: Cases) -> dict[str, float]:
    """The temperature of each network."""
    return {
        name: fit_temperature(log_prob, allowed_taxa(cases.taxonomy, cases.labels, name), cases.weights)
        for name, log_prob in cases.log_prob.items()
    }


def allowed_taxa(taxonomy: Taxonomy, labels: Sequence[Taxon], network: str) -> NDArray[np.bool_]:
    """(N, C) bool: the taxa of a network that each label may mean; none where the label leaves the rank open."""
    distinct = set(labels)
    if network == "tree":
        of_label = {label: taxonomy.leaves_of(label) for label in distinct}
    else:
        columns = np.arange(len(taxonomy.taxa(Rank(network))))
        of_label = {label: columns == taxonomy.truth(label, Rank(network)) for label in distinct}
    return np.stack([of_label[label] for label in labels])


@dataclass(frozen=True)
class Verdicts:
    """Answers about N images, or specimens, beside the truth.

    Attributes:
        y_prob: rank → (N, C), calibrated.
        y_true: rank → (N,) int, column of the label, -1 where it leaves the rank open.
        weights: (N,), which sum to the number of specimens.
    """

    unit: Unit
    y_prob: Mapping[Rank, NDArray[np.float64]]
    y_true: Mapping[Rank, NDArray[np.int64]]
    answers: Answers
    weights: NDArray[np.float64]

    @cached_property
    def right(self) -> dict[Rank, NDArray[np.float64]]:
        """Rank → (N,): 1 right, 0 wrong, NaN where the label leaves the rank open."""
        return {
            rank: np.where(self.y_true[rank] < 0, np.nan, self.y_true[rank] == column)
            for rank, column in self.answers.column.items()
        }

    def thresholds(self, error_rate: float) -> tuple[RankThreshold, ...]:
        """Learn from these."""
        return learn_thresholds(self.answers, self.right, self.weights, error_rate)


def pronounce(cases: Cases, temperatures: Mapping[str, float], unit: Unit) -> Verdicts:
    """Calibrate, combine the images of each specimen where it is the unit, and compare with the labels."""
    taxonomy = cases.taxonomy
    calibrated = {name: at_temperature(values, temperatures[name]) for name, values in cases.log_prob.items()}
    labels, weights = cases.labels, cases.weights
    if unit == "specimen":
        calibrated = {name: combine(log_probabilities(each), cases.groups) for name, each in calibrated.items()}
        labels, weights = cases.specimen_labels, np.ones(cases.n_specimens)
    y_prob = at_ranks(calibrated, taxonomy, cases.ranks)
    column_of = {rank: {label: taxonomy.truth(label, rank) for label in set(labels)} for rank in y_prob}
    y_true = {rank: np.array([column_of[rank][label] for label in labels], dtype=np.int64) for rank in y_prob}
    return Verdicts(unit, y_prob, y_true, most_probable(y_prob, taxonomy), weights)


@dataclass(frozen=True)
class Experience:
    """What a model keeps of its calibration: enough to learn thresholds for any rate that a user asks for.

    Attributes:
        answers, right, weights: as in `learn_thresholds`, by unit.
        known: scores of strangeness by unit; None where the model has none.
    """

    answers: Mapping[Unit, Answers]
    right: Mapping[Unit, Mapping[Rank, NDArray[np.float64]]]
    weights: Mapping[Unit, NDArray[np.float64]]
    known: Mapping[Unit, KnownScores | None]

    def thresholds(self, unit: Unit, error_rate: float) -> tuple[RankThreshold, ...]:
        """Learn from which probability on to answer."""
        return learn_thresholds(self.answers[unit], self.right[unit], self.weights[unit], error_rate)


def write_experience(cases: Cases, temperatures: Mapping[str, float], novelty: Novelty | None, file: Path) -> None:
    """Store, for each calibration image and specimen, the answers, whether they were right, and the strangeness.

    As CSV: small, for everyone to read, and quickly loaded.
    """
    scores = novelty.score(cases.measures) if novelty and cases.measures is not None else None
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for unit in UNITS:
        verdicts = pronounce(cases, temperatures, unit)
        of_unit = scores if scores is None or unit == "image" else mean_of_groups(scores, cases.groups)
        names = cases.specimens if unit == "image" else np.unique(cases.specimens)
        columns = {"unit": [unit] * len(names), "specimen": names.tolist(), "weight": verdicts.weights.tolist()}
        for rank in verdicts.answers.ranks:
            columns[f"{rank}_probability"] = verdicts.answers.probability[rank].tolist()
            columns[f"{rank}_agrees"] = verdicts.answers.agrees[rank].astype(int).tolist()
            columns[f"{rank}_right"] = ["" if np.isnan(each) else int(each) for each in verdicts.right[rank]]
        columns["novelty"] = [""] * len(names) if of_unit is None else of_unit.tolist()
        if unit == UNITS[0]:
            writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    write_text(text.getvalue(), file)


def read_experience(file: Path, ranks: Sequence[Rank]) -> Experience:
    """Read what `write_experience` wrote.

    Raises:
        ModelError: if the file is damaged.
    """
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, strict=True))
        if not rows or any(None in (*row, *row.values()) for row in rows):
            raise ValueError("rows or cells are missing")
        tables = {unit: _Table([row for row in rows if row["unit"] == unit]) for unit in UNITS}
        return Experience(
            {unit: table.answers(ranks) for unit, table in tables.items()},
            {unit: {rank: table.numbers(f"{rank}_right") for rank in ranks} for unit, table in tables.items()},
            {unit: table.numbers("weight") for unit, table in tables.items()},
            {unit: table.known() for unit, table in tables.items()},
        )
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise ModelError(f"{file}: not readable ({error}); copy the model folder again.") from error


@dataclass(frozen=True)
class _Table:
    """Rows of one unit, as text."""

    rows: Sequence[Mapping[str, str]]

    def numbers(self, column: str) -> NDArray[np.float64]:
        """(n,), NaN where a cell is empty."""
        return np.array([float(row[column] or "nan") for row in self.rows])

    def answers(self, ranks: Sequence[Rank]) -> Answers:
        """Probabilities at each rank; which taxon it was does not matter to a threshold."""
        return Answers(
            dict.fromkeys(ranks, np.zeros(len(self.rows), dtype=np.int64)),
            {rank: self.numbers(f"{rank}_probability") for rank in ranks},
            {rank: self.numbers(f"{rank}_agrees") == 1 for rank in ranks},
        )

    def known(self) -> KnownScores | None:
        """Scores of strangeness, where there are any."""
        scores = self.numbers("novelty")
        told = ~np.isnan(scores)
        return KnownScores.of(scores[told], self.numbers("weight")[told]) if told.any() else None
