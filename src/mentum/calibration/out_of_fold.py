"""Out-of-fold predictions: what networks say of images whose specimens they did not learn from, in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mentum.calibration.cases import Cases
from mentum.calibration.temperatures import log_probabilities
from mentum.calibration.verdicts import give_verdicts
from mentum.errors import RunError
from mentum.runs import write_parquet
from mentum.stored import probabilities_in, read_frame, readable, require_columns, require_finite
from mentum.taxonomy import WHOLE_TREE, Rank, Target, Taxonomy

_NAMES = ("file_name", "specimen", "fold")
_MEASURES = ("distance", "energy")
_IDENTIFIED, _RIGHT = "_identified", "_right"


@dataclass(frozen=True)
class OutOfFold:
    """Images, each identified once, by networks of a fold that did not learn from its specimen.

    Attributes:
        file_names: of N images.
        specimens: (N,) str.
        folds: names of the folds that the images were left out of.
        identified: rank → the most probable taxon of each image.
        right: rank → whether it is the right one; None where the label leaves the rank open.
        y_prob: network → (N, C) float32, uncalibrated.
        measures: (N, 2) of strangeness; None where features were not kept.
    """

    file_names: Sequence[str]
    specimens: Sequence[str]
    folds: Sequence[str]
    identified: Mapping[Rank, Sequence[str]]
    right: Mapping[Rank, Sequence[bool | None]]
    y_prob: Mapping[str, NDArray[np.float32]]
    measures: NDArray[np.float64] | None = None

    @classmethod
    def of(
        cls, file_names: Sequence[str], folds: Sequence[str], cases: Cases, y_prob: Mapping[str, NDArray[np.float32]]
    ) -> OutOfFold:
        """What is said of N images, beside the truth.

        Args:
            file_names: of the images.
            folds: of each image.
            cases: the images, with logarithms of `y_prob`.
            y_prob: network → (N, C).
        """
        verdicts = give_verdicts(cases, dict.fromkeys(cases.log_prob, 1.0), "image")
        identified, right = {}, {}
        for rank, values in verdicts.right.items():
            titles = [cases.taxonomy.title(taxon, rank) for taxon in cases.taxonomy.taxa(rank)]
            identified[rank] = [titles[column] for column in verdicts.answers.column[rank]]
            right[rank] = [None if np.isnan(value) else bool(value) for value in values]
        return cls(file_names, cases.specimens.tolist(), folds, identified, right, y_prob, cases.measures)

    def write(self, file: Path) -> None:
        """Store a row per image."""
        columns = dict(zip(_NAMES, map(_texts, (self.file_names, self.specimens, self.folds)), strict=True))
        for rank, names in self.identified.items():
            columns[f"{rank}{_IDENTIFIED}"] = _texts(names)
            columns[f"{rank}{_RIGHT}"] = pl.Series(self.right[rank], dtype=pl.Boolean)
        for network, y_prob in self.y_prob.items():
            columns[network] = pl.Series(y_prob, dtype=pl.Array(pl.Float32, y_prob.shape[1]))
        for place, name in enumerate(_MEASURES):
            values = [None] * len(self.file_names) if self.measures is None else self.measures[:, place]
            columns[name] = pl.Series(values, dtype=pl.Float64)
        write_parquet(pl.DataFrame(columns), file)

    @classmethod
    def read(cls, file: Path, remedy: str) -> OutOfFold:
        """Read what `write` stored.

        Args:
            file: `out_of_fold.parquet` of a run or of a cross-validation.
            remedy: what to do if it is faulty, as the end of a sentence.

        Raises:
            RunError: if it is damaged, or of another version.
        """
        with readable(file, remedy):
            frame = read_frame(file)
            if fault := _wrong_column(frame) or _wrong_row(frame):
                raise RunError(f"{file}: {fault}; {remedy}.")
            y_prob = {name: probabilities_in(frame, name, _width(frame, name)) for name in _networks(frame)}
            measured = _MEASURES[0] in frame.columns and not frame[_MEASURES[0]].null_count()
            measures = frame.select(_MEASURES).to_numpy() if measured else None
            require_finite({} if measures is None else {"distance and energy": measures})
        ranks = [rank for rank in reversed(Rank) if f"{rank}{_RIGHT}" in frame.columns]
        file_names, specimens, folds = (frame[name].to_list() for name in _NAMES)
        return cls(
            file_names,
            specimens,
            folds,
            {rank: frame[f"{rank}{_IDENTIFIED}"].to_list() for rank in ranks},
            {rank: frame[f"{rank}{_RIGHT}"].to_list() for rank in ranks},
            y_prob,
            measures,
        )

    @cached_property
    def log_prob(self) -> dict[str, NDArray[np.float64]]:
        """Network → (N, C) logarithms of its probabilities."""
        return {name: log_probabilities(y_prob) for name, y_prob in self.y_prob.items()}

    def knows(self, taxonomy: Taxonomy) -> bool:
        """Whether the probabilities may be those of a tree's taxa."""
        return all(y_prob.shape[1] == len(Target.of(name).taxa(taxonomy)) for name, y_prob in self.y_prob.items())


def read_fold(file: Path, columns: Sequence[str]) -> pl.DataFrame:
    """Read the predictions of one fold, as its training left them.

    Args:
        file: of the fold.
        columns: that it must have.

    Raises:
        RunError: if it is damaged.
    """
    remedy = "remove it and give the command again"
    with readable(file, remedy):
        frame = read_frame(file)
        if missing := [name for name in columns if name not in frame.columns]:
            raise RunError(f"{file}: found no column {missing[0]}, expected predictions of one fold; {remedy}.")
        require_columns(frame, {name: pl.Float64 if name in _MEASURES else pl.String for name in columns})
        require_finite({name: frame[name].to_numpy() for name in columns if name in _MEASURES})
        if not _networks(frame):
            raise ValueError("found no probabilities, expected a column of them for each network")
        for name in _networks(frame):
            probabilities_in(frame, name, _width(frame, name))
    return frame


def _texts(values: Sequence[str]) -> pl.Series:
    return pl.Series(values, dtype=pl.String)


def _width(frame: pl.DataFrame, name: str) -> int:
    kind = frame.schema[name]
    return kind.size if isinstance(kind, pl.Array) else 0


def _networks(frame: pl.DataFrame) -> list[str]:
    targets = {WHOLE_TREE.name, *Rank}
    return [name for name, kind in frame.schema.items() if isinstance(kind, pl.Array) and name in targets]


def _wrong_column(frame: pl.DataFrame) -> str | None:
    """What is wrong with the columns, and what was expected."""
    expected: dict[str, pl.DataType] = dict.fromkeys(_NAMES, pl.String())
    for rank in Rank:
        if {f"{rank}{_IDENTIFIED}", f"{rank}{_RIGHT}"} & set(frame.columns):
            expected |= {f"{rank}{_IDENTIFIED}": pl.String(), f"{rank}{_RIGHT}": pl.Boolean()}
    if set(_MEASURES) & set(frame.columns):
        expected |= dict.fromkeys(_MEASURES, pl.Float64())
    for name, kind in expected.items():
        found = frame.schema.get(name)
        if found != kind:
            return f"found {'no column' if found is None else f'{found} in'} {name}, expected {kind}"
    if not _networks(frame):
        return "found no probabilities, expected a column of them for each network"
    return None


def _wrong_row(frame: pl.DataFrame) -> str | None:
    """What is wrong with the rows, and what was expected."""
    if not frame.height:
        return "found no images, expected one or more"
    for name in (*_NAMES, *_networks(frame)):
        if empty := frame[name].null_count():
            return f"found no {name} in {empty} rows, expected one in each"
    if repeated := frame.height - frame["file_name"].n_unique():
        return f"found {repeated} images more than once, expected each once"
    empty_measures = {frame[name].null_count() for name in _MEASURES if name in frame.columns}
    if empty_measures not in (set(), {0}, {frame.height}):
        return "found distance and energy of some images, expected those of all or of none"
    return None
