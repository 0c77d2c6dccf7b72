"""Out-of-fold predictions of a cross-validation, to judge labels by."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from mentum.calibration.cases import Cases
from mentum.calibration.temperatures import log_probabilities
from mentum.errors import RunError
from mentum.evaluation.cross_validation import OUT_OF_FOLD
from mentum.specimens.manifest import SpecimenTable
from mentum.studies import Study


def read_out_of_fold(folder: Path, table: SpecimenTable) -> Cases:
    """Read what the networks of a cross-validation say of every image, in the order of the table.

    Args:
        folder: of `mentum crossvalidate`.
        table: what was cross-validated.

    Raises:
        RunError: if it is not complete, or lists other images.
    """
    file = folder / OUT_OF_FOLD
    again = "give the same `mentum crossvalidate` command again"
    if not file.is_file():
        raise RunError(f"{folder}: found no {OUT_OF_FOLD}, expected a complete cross-validation; {again}.")
    try:
        frame = pl.read_parquet(file)
        models = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Array)]
        names = frame["file_name"].to_list()
    except (OSError, pl.exceptions.PolarsError) as reason:
        raise RunError(f"{file}: not readable ({reason}); {again}.") from reason
    if names != table.file_names or not models:
        raise RunError(f"{file}: lists other images than {table.source}; {again}.")
    log_prob = {name: log_probabilities(frame[name].to_numpy()) for name in models}
    return Cases("held-out", table.taxonomy, table.specimens, table.labels, log_prob)


def judges_of(folder: Path, study: Study) -> str:
    """Whose predictions these are, in words."""
    whose = "networks trained in both stages" if study.stage == 2 else "top classifiers"
    return f"{whose} of the cross-validation {folder.name} ({study.design}, backbone {study.settings.backbone.source})"
