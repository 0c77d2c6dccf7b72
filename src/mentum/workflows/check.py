"""Check a data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mentum.records import CheckReport, ProgressCallback, ignore_progress
from mentum.settings import load_settings
from mentum.specimens.checks import check_specimens
from mentum.workflows.arguments import PathLike


def check(data: PathLike, *, overrides: Sequence[str] = (), report: ProgressCallback = ignore_progress) -> CheckReport:
    """Show what a data set holds and every fault in it; nothing is written.

    Args:
        data: a folder per taxon, a folder with specimens.csv, or a CSV or Parquet table.
        overrides: such as 'specimens.not_taxa=["debris"]', as the training will be given them.
        report: told after each image.

    Raises:
        DataError: if there is nothing to read, or the table lacks a required column.
        SettingsError: if a key or value is not understood.
    """
    settings = load_settings("default", overrides)
    return check_specimens(Path(data), report, settings.specimens.not_taxa)
