"""Name the characters that an explanation proposed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mentum.disks import require_place
from mentum.errors import DataError
from mentum.explanation.proposals.naming import write_named_characters
from mentum.explanation.proposals.propose import read_proposals
from mentum.locks import same_place, sole_writer, undisturbed
from mentum.runs import Run
from mentum.workflows.arguments import PathLike


def name_characters(run: PathLike | Run, names: Mapping[int, str], out: PathLike) -> Path:
    """Write named characters as a COCO file, for `explain`.

    Args:
        run: a run whose explanation proposed characters, or its folder.
        names: number of a proposal → name; several numbers may share a name.
        out: the COCO file.

    Returns:
        The file.

    Raises:
        RunError: if nothing was proposed.
        DataError: listing all numbers and names that cannot be, or if the file cannot be written.
        BusyError: if another process writes the file, or into the run's folder.
    """
    folder = run.path if isinstance(run, Run) else Path(run)
    require_place(Path(out))
    _refuse_results(Run(folder), Path(out))
    with sole_writer(Path(out)):
        with undisturbed(folder):
            proposals = read_proposals(folder)
        write_named_characters(proposals, names, Path(out))
    return Path(out)


def _refuse_results(run: Run, out: Path) -> None:
    """What the run is, and what was found of it, stays."""
    results = (
        run.record_file, run.evaluation_file, run.characters_file, run.proposals_file, run.calibration_file,
        run.novelty_file, run.table_file, run.folds_file,
    )  # fmt: skip
    if any(same_place(out, each) for each in results):
        raise DataError(
            f"{out}: is a result of the run, expected a new name, or an earlier file of outlines; give another."
        )
