"""Name the characters that an explanation proposed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mentum.disks import require_place
from mentum.explanation.proposals.naming import write_named_characters
from mentum.explanation.proposals.propose import read_proposals
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
    """
    folder = run.path if isinstance(run, Run) else Path(run)
    require_place(Path(out))
    write_named_characters(read_proposals(folder), names, Path(out))
    return Path(out)
