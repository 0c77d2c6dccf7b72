"""The folder that a study takes, and the folds that it judges."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Literal

from mentum.errors import SettingsError
from mentum.settings import Settings
from mentum.specimens.folds import Fold, deal_folds, leave_groups_out
from mentum.specimens.manifest import SpecimenTable
from mentum.studies import STUDY_FILE, Study, begin_study
from mentum.training.preparation import Prepared
from mentum.training.retraining import require_pretrained

N_FOLDS = 5
"""Parts of the specimens, unless asked otherwise."""


def choose_folds(
    table: SpecimenTable, n_folds: int | None, leave_out: str | None, settings: Settings
) -> tuple[str, list[Fold]]:
    """How specimens are kept apart, in words, and the folds.

    Args:
        table: all images.
        n_folds: parts of the specimens; None = 5.
        leave_out: column whose groups are judged in turn instead.
        settings: the split within a fold's training, and the seed.

    Raises:
        SettingsError: if both a number and a column are given.
        DataError: if the table does not allow such folds.
    """
    if leave_out is None:
        n_folds = n_folds or N_FOLDS
        return f"{n_folds} folds by specimen", deal_folds(table, n_folds, settings.split, settings.seed)
    if n_folds is not None:
        raise SettingsError(
            f"--folds {n_folds}, --leave-out {leave_out}: found both, expected one; the groups of a column are the "
            "folds; give one of the two."
        )
    return f"each {leave_out} judged in turn", leave_groups_out(table, leave_out, settings.split, settings.seed)


def take_folder(
    out: Path, prepared: Prepared, settings: Settings, design: str, stage: Literal[1, 2], command: str
) -> None:
    """Take a folder for this very study, or go on with it.

    Raises:
        RunError: if the folder holds something else.
        SettingsError: if the top classifier alone is to learn from a random network.
    """
    if stage == 1 and not (out / STUDY_FILE).is_file():  # before the folder is taken
        require_pretrained(settings)
    record = prepared.record()
    study = Study(
        mentum=metadata.version("mentum"),
        design=design,
        stage=stage,
        settings=settings,
        table_hash=record.table_hash,
        content_hash=record.content_hash,
        command=command,
    )
    begin_study(out, study)
