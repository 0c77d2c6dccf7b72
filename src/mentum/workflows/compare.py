"""Compare two identifiers."""

from __future__ import annotations

from pathlib import Path

from mentum.evaluation.run_comparison import RunComparison, compare_folders
from mentum.locks import undisturbed
from mentum.workflows.arguments import PathLike


def compare(a: PathLike, b: PathLike, *, seed: int = 0) -> RunComparison:
    """Say whether one identifier is better than another, by a paired test on images that neither learned from.

    Args:
        a: folder of a run or of a cross-validation.
        b: another one, of the same images.
        seed: of the draws for the intervals.

    Raises:
        RunError: if a folder is neither, or the two have no held-out image or rank in common.
        BusyError: if another process writes into one of them.
    """
    with undisturbed(Path(a), Path(b)):
        return compare_folders(Path(a), Path(b), seed)
