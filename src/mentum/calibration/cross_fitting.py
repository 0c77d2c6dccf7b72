"""Out-of-fold predictions: every specimen is identified by networks of the same recipe that were trained without it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mentum.calibration.cases import Cases
from mentum.calibration.novelty import Density, measure
from mentum.calibration.out_of_fold import OutOfFold, read_fold
from mentum.calibration.temperatures import log_probabilities
from mentum.errors import RunError
from mentum.model.session import Outputs
from mentum.runs import Run, write_parquet
from mentum.specimens.folds import Fold, spread_over_parts
from mentum.taxonomy import Target, Taxon, Taxonomy, lowest_labels

Train = Callable[[Fold], Outputs]
"""What is learned, and where in the folder of the run → what the networks say of all images."""


def cross_fit(run: Run, train: Train, n_folds: int) -> Path:
    """Train on all folds but one, in turn, and keep what the networks say of the images left out.

    The images of a test subset stay out of everything. A fold that is done is not repeated.

    Args:
        run: a complete run.
        train: trains and predicts.
        n_folds: at least 2.

    Returns:
        The file, `out_of_fold.parquet` of the run.

    Raises:
        RunError: if a taxon has fewer specimens than it takes to leave one fold out, or there are more folds than
            specimens; if the file of a fold is damaged.
    """
    table, labels, taxonomy = run.table(), run.labels(), run.taxonomy()
    folds = _folds(run, table, labels, n_folds)
    learned = [_learned(run, np.flatnonzero((folds != fold) & (folds >= 0)), fold) for fold in range(n_folds)]
    names, frames = table["file_name"], []
    for fold in range(n_folds):
        file = run.path / "folds" / f"{n_folds}-{fold + 1}.parquet"
        if not file.is_file():
            subsets = np.where(folds == fold, "test", np.where(folds < 0, "unused", "train")).astype(str)
            outputs = train(Fold(f"folds/{n_folds}-{fold + 1}", subsets, learned[fold]))
            y_prob = {
                name: Target.of(name).spread(values, learned[fold], taxonomy) for name, values in outputs.y_prob.items()
            }
            spread = dataclasses.replace(outputs, y_prob=y_prob)
            write_parquet(_frame(names, spread, subsets, labels, taxonomy), file)
        frames.append(_read(file, names.filter(pl.Series(folds == fold))).with_columns(fold=pl.lit(str(fold + 1))))
    _joined(run, pl.concat(frames)).write(run.folds_file)
    return run.folds_file


def _folds(run: Run, table: pl.DataFrame, labels: Sequence[Taxon], n_folds: int) -> NDArray[np.int64]:
    """(N,) int: the fold of each image, -1 in the test subset, whose specimens take no place among the others."""
    usable = np.flatnonzero((table["subset"] != "test").to_numpy())
    specimens = table["specimen"].to_numpy().astype(str)[usable]
    n_specimens = len(np.unique(specimens))
    if n_specimens < n_folds:
        raise RunError(
            f"{run.path}: has {n_specimens} specimens to learn from, expected {n_folds} or more for {n_folds} folds; "
            "give fewer --folds."
        )
    folds = np.full(len(table), -1)
    seed = run.record().settings.seed
    folds[usable] = spread_over_parts(specimens, [labels[row] for row in usable.tolist()], n_folds, seed)
    return folds


def _learned(run: Run, rows: NDArray[np.int64], fold: int) -> Taxonomy:
    """The tree that a training on some of the images learns: all taxa, but those left open that have no image there."""
    of_specimen = lowest_labels(run.table()["specimen"].to_list(), run.labels())
    specimens = set(run.table()["specimen"].gather(rows).to_list())
    named = {of_specimen[specimen] for specimen in specimens}
    taxonomy = run.taxonomy()
    learned = Taxonomy(tuple(leaf for leaf in taxonomy.leaves if leaf in named))
    absent = [leaf.name for leaf in taxonomy.leaves if not learned.knows(leaf)]
    if absent:
        raise RunError(
            f"{run.path}: without fold {fold + 1} no specimen of {', '.join(absent[:5])} is left to learn from; "
            "each taxon needs two specimens or more; add specimens, or calibrate on the validation specimens."
        )
    return learned


def _frame(
    file_names: pl.Series, outputs: Outputs, subsets: NDArray[np.str_], labels: Sequence[Taxon], taxonomy: Taxonomy
) -> pl.DataFrame:
    """Probabilities of the images left out, and how strange they look to the networks that do not know them."""
    left_out, learned = np.flatnonzero(subsets == "test"), np.flatnonzero(subsets == "train")
    taxa = np.array([taxonomy.place_of.get(labels[row], -1) for row in learned.tolist()])
    density = Density.fit(outputs.features[learned], taxa)
    first = log_probabilities(next(iter(outputs.y_prob.values()))[left_out])
    measures = measure(density, outputs.features[left_out], first)
    columns: dict[str, pl.Series] = {"file_name": file_names.gather(left_out)}
    for name, y_prob in outputs.y_prob.items():
        columns[name] = pl.Series(y_prob[left_out], dtype=pl.Array(pl.Float32, y_prob.shape[1]))
    columns["distance"], columns["energy"] = pl.Series(measures[:, 0]), pl.Series(measures[:, 1])
    return pl.DataFrame(columns)


def _read(file: Path, left_out: pl.Series) -> pl.DataFrame:
    """The predictions of a fold, of the images left out."""
    frame = read_fold(file, ("file_name", "distance", "energy"))
    if frame["file_name"].to_list() != left_out.to_list():
        raise RunError(f"{file}: lists other images than its fold; remove it and give the command again.")
    return frame


def _joined(run: Run, frame: pl.DataFrame) -> OutOfFold:
    """All predictions, beside the truth."""
    table, labels = run.table(), run.labels()
    row_of = {name: row for row, name in enumerate(table["file_name"])}
    rows = [row_of[name] for name in frame["file_name"]]
    y_prob = {name: frame[name].to_numpy() for name, kind in frame.schema.items() if isinstance(kind, pl.Array)}
    cases = Cases(
        "out-of-fold",
        run.taxonomy(),
        table["specimen"].to_numpy().astype(str)[rows],
        [labels[row] for row in rows],
        {name: log_probabilities(values) for name, values in y_prob.items()},
        frame.select("distance", "energy").to_numpy(),
        run.record().ranks,
    )
    return OutOfFold.of(frame["file_name"].to_list(), frame["fold"].to_list(), cases, y_prob)
