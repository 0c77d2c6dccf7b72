"""Follow a learning curve: what would more specimens bring?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mentum.evaluation.learning_curve import LearningCurve, follow_curve
from mentum.locks import sole_owner
from mentum.records import ProgressCallback, ignore_progress
from mentum.reporting.figures.learning_curve import draw_learning_curve
from mentum.settings import Settings
from mentum.studies import require_study_place
from mentum.training.preparation import prepare
from mentum.training.retraining import Retraining
from mentum.workflows.arguments import PathLike, cache_folder, settings_of
from mentum.workflows.folds import choose_folds, take_folder


def learning_curve(
    data: PathLike,
    out: PathLike,
    recipe: PathLike | Settings = "default",
    *,
    folds: int = 5,
    overrides: Sequence[str] = (),
    backbone: str | None = None,
    seed: int | None = None,
    layout: str | None = None,
    cache: PathLike | None = None,
    report: ProgressCallback = ignore_progress,
    command: str = "",
) -> LearningCurve:
    """Measure accuracy against specimens per taxon, by the top classifier on features of the frozen backbone.

    Writes `learning_curve.json` and its figure.

    Args:
        data: a folder per taxon, a folder with specimens.csv, or a CSV or Parquet table.
        out: folder for it and for the features, which are kept.
        recipe: "default", "paper", "quick", "characters", a TOML file, or complete settings.
        folds: parts of the specimens, each judged by what was learned from the others.
        overrides: values of the recipe to replace, such as "stage1.epochs=20".
        backbone: hub id, local Hugging Face folder or "builtin"; None = the recipe's.
        seed: of every random choice; None = the recipe's.
        layout: what each level of folders is, such as "genus/species"; None = the recipe's.
        cache: folder of the pixel cache; None = the user's.
        report: told about every step.
        command: how it was asked for, for the record.

    Raises:
        DataError: listing all faults of the data, or if it does not allow such folds.
        RunError: if `out` holds something else.
        SettingsError: if the backbone is random.
        BusyError: if another process writes `out`.
    """
    settings, out = settings_of(recipe, overrides, backbone, seed, layout), Path(out)
    require_study_place(out)
    with sole_owner(out):
        prepared = prepare(Path(data), settings, cache_folder(cache), report)
        design, dealt = choose_folds(prepared.table, folds, None, settings)
        take_folder(out, prepared, settings, f"learning curve, {design}", 1, command)
        retraining = Retraining.of_data(prepared, settings, out, report)
        found = follow_curve(prepared.table, dealt, retraining.judge, settings.backbone.source, settings.seed)
        found.write(out / "learning_curve.json")
        draw_learning_curve(found, out / "figures")
    return found
