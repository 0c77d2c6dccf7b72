"""Would a run's recipe notice a taxon that it was not trained on?"""

from __future__ import annotations

from typing import Literal

from mentum.disks import require_place
from mentum.evaluation.results import UnknownTaxa
from mentum.evaluation.unknown_taxa import leave_taxa_out
from mentum.locks import sole_owner
from mentum.records import ProgressCallback, ignore_progress
from mentum.runs import Run
from mentum.training.retraining import Retraining
from mentum.workflows.arguments import PathLike, cache_folder, open_run, path_or_none


def novelty(
    run: PathLike | Run,
    *,
    stage: Literal[1, 2] = 2,
    data: PathLike | None = None,
    cache: PathLike | None = None,
    report: ProgressCallback = ignore_progress,
) -> UnknownTaxa:
    """Leave each taxon out of training in turn and see how its specimens are identified.

    Writes `novelty.json` into the run's folder; what an interrupted call has done is not repeated.

    Args:
        run: a complete run, or its folder.
        stage: 2 trains both stages, 1 the top classifier alone on features of the frozen backbone.
        data: where the images of the run are now, if they have moved.
        cache: folder of the pixel cache; None = the user's.
        report: told about every step.

    Raises:
        RunError: if no taxon can be left out, or the images are not those of the training.
        BusyError: if another process writes into the run's folder.
    """
    opened = open_run(run)
    require_place(opened.path)
    with sole_owner(opened.path):
        retraining = Retraining.of_run(opened, path_or_none(data), cache_folder(cache), report)
        if stage == 1:
            return leave_taxa_out(opened, retraining.train_head, 1)
        return leave_taxa_out(opened, lambda fold: retraining.train_once(fold, opened.path / fold.name), 2)
