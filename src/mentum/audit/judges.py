"""Out-of-fold predictions of a cross-validation, to judge labels by."""

from __future__ import annotations

from pathlib import Path

from mentum.calibration.cases import Cases
from mentum.calibration.out_of_fold import OutOfFold
from mentum.errors import RunError
from mentum.runs import OUT_OF_FOLD
from mentum.specimens.manifest import SpecimenTable
from mentum.studies import Study


def read_out_of_fold(folder: Path, table: SpecimenTable) -> Cases:
    """Read what the networks of a cross-validation say of every image, in the order of the table.

    Args:
        folder: of `mentum crossvalidate`.
        table: what was cross-validated.

    Raises:
        RunError: if it is not complete, damaged, or lists other images.
    """
    file = folder / OUT_OF_FOLD
    again = "give the same `mentum crossvalidate` command again"
    if not file.is_file():
        raise RunError(f"{folder}: found no {OUT_OF_FOLD}, expected a complete cross-validation; {again}.")
    found = OutOfFold.read(file, again)
    if found.file_names != table.file_names or not found.knows(table.taxonomy):
        raise RunError(f"{file}: lists other images than {table.source}, or other taxa; {again}.")
    return Cases("held-out", table.taxonomy, table.specimens, table.labels, found.log_prob)


def judges_of(folder: Path, study: Study) -> str:
    """Whose predictions these are, in words."""
    whose = "networks trained in both stages" if study.stage == 2 else "top classifiers"
    return f"{whose} of the cross-validation {folder.name} ({study.design}, backbone {study.settings.backbone.source})"
