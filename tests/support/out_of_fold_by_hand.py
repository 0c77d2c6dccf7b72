"""Out-of-fold predictions with given answers at species."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mentum.calibration.out_of_fold import OutOfFold
from mentum.runs import OUT_OF_FOLD
from mentum.taxonomy import Rank


def write_answers(folder: Path, names: Sequence[str], specimens: Sequence[str], right: Sequence[bool | None]) -> None:
    """`out_of_fold.parquet` of images that are all taken for one of two species."""
    identified, even = {Rank.SPECIES: ["Aus bus"] * len(names)}, np.full((len(names), 2), 0.5, np.float32)
    folds = ["1"] * len(names)
    OutOfFold(names, specimens, folds, identified, {Rank.SPECIES: right}, {"tree": even}).write(folder / OUT_OF_FOLD)
