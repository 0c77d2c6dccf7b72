"""The images that a run was trained on, found again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mentum.errors import RunError
from mentum.files import require_same_images
from mentum.records import ProgressCallback
from mentum.runs import Run
from mentum.specimens.pixels import PixelRows, open_cache
from mentum.specimens.placements import Box

Subset = Literal["train", "validation", "test", "all"]


@dataclass(frozen=True)
class RunImages:
    """The images of a run's subset, ready to be explained.

    Attributes:
        root: folder that file names are relative to.
        rows: (N,) int, their rows in the run's table.
        boxes: name of any file of the run's table → the part of it that its square shows; without one, the whole.
    """

    run: Run
    root: Path
    rows: NDArray[np.int64]
    pixels: PixelRows
    boxes: Mapping[str, Box] = field(default_factory=dict)

    @cached_property
    def table_files(self) -> list[str]:
        """Names of all files of the run's table, whatever the subset."""
        return self.run.table()["file_name"].to_list()


def open_images(run: Run, subset: Subset, data: Path | None, cache: Path, report: ProgressCallback) -> RunImages:
    """Find the images of a run again, and open their pixel cache.

    Args:
        run: a complete run.
        subset: whose images.
        data: folder or table that the run was trained on, where it has moved.
        cache: folder of the pixel cache.
        report: told while images are read.

    Raises:
        RunError: if the images are not there, are not those of the training, or the subset is empty.
    """
    record, table = run.record(), run.table()
    source = data or Path(record.data.source)
    root = source.parent if source.is_file() else source
    paths = [root / name for name in table["file_name"]]
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise RunError(
            f"{run.path}: {len(missing)} of the {len(paths)} images that it was trained on are not where they were "
            f"({missing[0]} is the first); give --data the folder or table that holds them now."
        )
    pixels = open_cache(paths, record.settings.pixels, cache, report)
    require_same_images(pixels.content_hash, record.data.content_hash, root, run.path)
    chosen = np.ones(len(table), dtype=bool) if subset == "all" else (table["subset"] == subset).to_numpy()
    if not chosen.any():
        raise RunError(f"{run.path}: has no {subset} images; choose another --subset.")
    rows = np.flatnonzero(chosen)
    boxes = pixels.crops.named(table["file_name"].to_list()) if pixels.crops else {}
    return RunImages(run, root, rows, PixelRows(pixels.pixels, rows), boxes)
