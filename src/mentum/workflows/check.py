"""Check a data set."""

from __future__ import annotations

from pathlib import Path

from mentum.records import CheckReport, ProgressCallback, ignore_progress
from mentum.specimens.checks import check_specimens
from mentum.workflows.arguments import PathLike


def check(data: PathLike, *, report: ProgressCallback = ignore_progress) -> CheckReport:
    """Show what a data set holds and every fault in it; nothing is written.

    Args:
        data: a folder per taxon, a folder with specimens.csv, or a CSV or Parquet table.
        report: told after each image.

    Raises:
        DataError: if there is nothing to read, or the table lacks a required column.
    """
    return check_specimens(Path(data), report)
