"""Small data sets on disk, and where the real ones lie."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from support.awkward_images import write_plain

REAL_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


class Row(NamedTuple):
    """One row of a specimen table."""

    file_name: str
    label: str | None
    specimen: str | None


def write_data_set(folder: Path, rows: Sequence[Row], taxonomy: str | None = None) -> Path:
    """Write `specimens.csv`, an image per row (but for names that begin with "gone"), and `taxonomy.csv` if given."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "specimens.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file_name", "scientificName", "catalogNumber"])
        writer.writerows(rows)
    for seed, row in enumerate(rows):
        if not row.file_name.startswith("gone"):
            write_plain(folder / row.file_name, seed=seed)
    if taxonomy is not None:
        (folder / "taxonomy.csv").write_text(taxonomy, encoding="utf-8")
    return folder


def real_data(name: str) -> Path:
    """A real data set beside the repository; the test is skipped where it is absent."""
    folder = REAL_DATA / name
    if not folder.is_dir():
        pytest.skip(f"the data set {name} is not on this machine")
    return folder
