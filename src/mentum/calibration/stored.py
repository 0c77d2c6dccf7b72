"""What a model keeps of its calibration: `calibration.csv`."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mentum.calibration.cases import UNITS, Cases, Unit
from mentum.calibration.novelty import KnownScores, Novelty
from mentum.calibration.temperatures import mean_of_groups
from mentum.calibration.thresholds import Answers, RankThreshold, learn_thresholds
from mentum.calibration.verdicts import give_verdicts
from mentum.errors import ModelError
from mentum.files import write_text
from mentum.stored import read_bytes, readable
from mentum.taxonomy import Rank


@dataclass(frozen=True)
class StoredCalibration:
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


def write_calibration(cases: Cases, temperatures: Mapping[str, float], novelty: Novelty | None, file: Path) -> None:
    """Store, for each calibration image and specimen, the answers, whether they were right, and the strangeness.

    As CSV: small, for everyone to read, and quickly loaded.
    """
    scores = novelty.score(cases.measures) if novelty and cases.measures is not None else None
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for unit in UNITS:
        verdicts = give_verdicts(cases, temperatures, unit)
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


def read_calibration(file: Path, ranks: Sequence[Rank]) -> StoredCalibration:
    """Read what `write_calibration` wrote.

    Raises:
        ModelError: if the file is damaged.
    """
    with readable(file, "copy the model folder again", ModelError):
        rows = list(csv.DictReader(io.StringIO(read_bytes(file).decode("utf-8"), newline=""), strict=True))
        if not rows or any(None in (*row, *row.values()) for row in rows):
            raise ValueError("rows or cells are missing")
        if other := {row["unit"] for row in rows} - set(UNITS):
            raise ValueError(f"found rows of the unit '{min(other)}', expected {' and '.join(UNITS)}")
        tables = {unit: _Table([row for row in rows if row["unit"] == unit]) for unit in UNITS}
        for table in tables.values():
            table.require_sense(ranks)
        return StoredCalibration(
            {unit: table.answers(ranks) for unit, table in tables.items()},
            {unit: {rank: table.numbers(f"{rank}_right") for rank in ranks} for unit, table in tables.items()},
            {unit: table.numbers("weight") for unit, table in tables.items()},
            {unit: table.known() for unit, table in tables.items()},
        )


@dataclass(frozen=True)
class _Table:
    """Rows of one unit, as text."""

    rows: Sequence[Mapping[str, str]]

    def numbers(self, column: str) -> NDArray[np.float64]:
        """(n,), NaN where a cell is empty."""
        return np.array([float(row[column] or "nan") for row in self.rows])

    def require_sense(self, ranks: Sequence[Rank]) -> None:
        """Make sure that there are specimens, and numbers that can be probabilities, verdicts, weights and scores.

        Raises:
            ValueError: naming the first column with others.
        """
        if not self.rows:
            raise ValueError("found no rows of a unit, expected images and specimens")
        bounds = {"weight": (0.0, np.inf, False), "novelty": (-np.inf, np.inf, True)}
        for rank in ranks:
            bounds |= {f"{rank}_probability": (0.0, 1.0, False), f"{rank}_agrees": (0.0, 1.0, False)}
            bounds[f"{rank}_right"] = (0.0, 1.0, True)
        for column, (least, most, may_lack) in bounds.items():
            values = self.numbers(column)
            told = values[~np.isnan(values)] if may_lack else values
            if not (np.isfinite(told) & (told >= least) & (told <= most)).all():
                raise ValueError(f"found other values in {column} than numbers that can be")

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
