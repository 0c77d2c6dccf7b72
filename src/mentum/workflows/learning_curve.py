"""Follow a learning curve: what would more specimens bring?"""

from __future__ import annotations

from pathlib import Path

from mentum.evaluation.learning_curve import LearningCurve
from mentum.evaluation.learning_curve import learning_curve as follow
from mentum.records import ProgressCallback, ignore_progress
from mentum.reporting.figures.learning_curve import draw_learning_curve
from mentum.settings import Settings
from mentum.training.folds import FoldTraining
from mentum.training.preparation import prepare
from mentum.workflows.crossvalidate import Plan
from mentum.workflows.study_folder import choose_folds, take_folder


def learning_curve(
    data: Path,
    out: Path,
    settings: Settings,
    *,
    cache: Path,
    plan: Plan = Plan(),  # noqa: B008 - frozen
    report: ProgressCallback = ignore_progress,
) -> LearningCurve:
    """Measure accuracy against specimens per taxon, by the top classifier on features of the frozen backbone.

    Writes `learning_curve.json` and its figure.

    Args:
        data: folder or table.
        out: folder for it and for the features, which are kept.
        settings: of the recipe.
        cache: folder of the pixel cache.
        plan: how many folds, each judged by what was learned from the others.
        report: told about every step.

    Raises:
        DataError: listing all faults of the data, or if it does not allow such folds.
        RunError: if `out` holds something else.
        SettingsError: if the backbone is random.
    """
    prepared = prepare(data, settings, cache, report)
    design, folds = choose_folds(prepared.table, plan.n_folds, plan.leave_out, settings)
    take_folder(out, prepared, settings, f"learning curve, {design}", 1, plan.command)
    training = FoldTraining(prepared, settings, out, 1, report)
    found = follow(prepared.table, folds, training.judge, settings.backbone.source, settings.seed)
    found.write(out / "learning_curve.json")
    draw_learning_curve(found, out / "figures")
    return found
