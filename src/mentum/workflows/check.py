"""Check a data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mentum.records import CheckReport, ProgressCallback, ignore_progress
from mentum.specimens.checks import check_specimens
from mentum.workflows.arguments import PathLike, settings_of


def check(
    data: PathLike,
    *,
    overrides: Sequence[str] = (),
    layout: str | None = None,
    report: ProgressCallback = ignore_progress,
) -> CheckReport:
    """Show what a data set holds and every fault in it; nothing is written.

    Args:
        data: a folder per taxon, a folder with specimens.csv, or a CSV or Parquet table.
        overrides: such as 'specimens.not_taxa=["debris"]', as the training will be given them.
        layout: what each level of folders means, such as "genus/species"; None = the setting, or what the names tell.
        report: told after each image.

    Raises:
        DataError: if there is nothing to read, the table lacks a required column, or the folders can be read in two
            ways.
        SettingsError: if a key or value is not understood, or the layout is none.
    """
    settings = settings_of("default", overrides, None, None, layout).specimens
    return check_specimens(Path(data), report, settings.layout, settings.not_taxa)
