"""Out-of-fold predictions: every specimen is identified by networks of the same recipe that were trained without it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mentum.calibration.novelty import Density, measure
from mentum.calibration.temperatures import log_probabilities
from mentum.errors import RunError
from mentum.model.session import Outputs
from mentum.runs import Run, write_parquet
from mentum.specimens.folds import spread_over_parts
from mentum.taxonomy import Taxon, Taxonomy

Train = Callable[[str, NDArray[np.str_], Taxonomy], Outputs]
"""A name for the training, the subset of each image and the tree to learn → what the networks say of all images."""


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
            specimens.
    """
    table, labels, taxonomy = run.table(), run.labels(), run.taxonomy()
    folds = _folds(run, table, labels, n_folds)
    _require_teachers(run, labels, folds, taxonomy)
    frames = []
    for fold in range(n_folds):
        file = run.path / "folds" / f"{n_folds}-{fold + 1}.parquet"
        if not file.is_file():
            subsets = np.where(folds == fold, "test", np.where(folds < 0, "unused", "train")).astype(str)
            outputs = train(f"folds/{n_folds}-{fold + 1}", subsets, taxonomy)
            write_parquet(_frame(table["file_name"], outputs, subsets, labels, taxonomy), file)
        frames.append(pl.read_parquet(file).with_columns(fold=pl.lit(fold + 1)))
    write_parquet(pl.concat(frames), run.folds_file)
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


def _require_teachers(run: Run, labels: Sequence[Taxon], folds: NDArray[np.int64], taxonomy: Taxonomy) -> None:
    for fold in range(int(folds.max()) + 1):
        learned = (label for label, of in zip(labels, folds.tolist(), strict=True) if of not in (fold, -1))
        absent = [leaf.name for leaf in taxonomy.without_label(learned)]
        if absent:
            raise RunError(
                f"{run.path}: without fold {fold + 1} no specimen of {', '.join(absent[:5])} is left to learn from; "
                "each taxon needs two specimens or more; add specimens, or calibrate on the validation specimens."
            )


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
