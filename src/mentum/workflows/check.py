"""Check a data set."""

from __future__ import annotations

from pathlib import Path

from mentum.records import CheckReport, ProgressCallback, ignore_progress
from mentum.specimens.checks import check_specimens
from mentum.specimens.layouts import AUTO
from mentum.workflows.arguments import PathLike


def check(data: PathLike, *, layout: str = AUTO, report: ProgressCallback = ignore_progress) -> CheckReport:
    """Show what a data set holds and every fault in it; nothing is written.

    Args:
        data: a folder per taxon, a folder with specimens.csv, or a CSV or Parquet table.
        layout: what each level of folders means, such as "genus/species"; "auto" = what the names tell.
        report: told after each image.

    Raises:
        DataError: if there is nothing to read, the table lacks a required column, or the folders can be read in two
            ways.
        SettingsError: if the layout is none.
    """
    return check_specimens(Path(data), report, layout)
