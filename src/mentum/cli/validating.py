"""Commands that judge a recipe honestly and compare two."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from mentum.cli.data import DataArgument, JsonOption, LogOption
from mentum.cli.learning import CacheOption, chosen_settings, pixel_cache
from mentum.cli.progress import Log, shown_progress
from mentum.errors import SettingsError

if TYPE_CHECKING:
    from mentum.settings import Settings
    from mentum.specimens.folds import Fold
    from mentum.specimens.manifest import SpecimenTable


SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Replace a value of the recipe.")
]
N_FOLDS = 5

BackboneOption = Annotated[str | None, typer.Option(help="Hub id, local Hugging Face folder, builtin, or random.")]
SeedOption = Annotated[int | None, typer.Option(min=0, help="Seed of every random choice.")]


def crossvalidate(
    data: DataArgument,
    out: Annotated[Path, typer.Option(help="Folder of the cross-validation; the same command goes on with it.")],
    folds: Annotated[
        int | None, typer.Option(min=2, help="Parts of the specimens, 5 unless given; as many trainings.")
    ] = None,
    leave_out: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Judge each group once instead, such as each locality or recordedBy."),
    ] = None,
    stage: Annotated[
        int, typer.Option(min=1, max=2, help="1: the top classifier alone, on features that are computed once.")
    ] = 2,
    jobs: Annotated[int, typer.Option(min=1, help="Folds that are trained at a time, with --stage 2.")] = 1,
    recipe: Annotated[str, typer.Option(help="default, paper, quick, or a TOML file.")] = "default",
    set_: SetOption = None,
    backbone: BackboneOption = None,
    seed: SeedOption = None,
    error_rate: Annotated[
        float, typer.Option(min=0.001, max=0.5, help="Share of the answers at a rank that may be wrong.")
    ] = 0.05,
    cache: CacheOption = None,
    as_json: JsonOption = False,
    log: LogOption = Log.AUTO,
) -> None:
    """Judge a recipe on every specimen once: train without it, and stop and calibrate without it."""
    from mentum.cli.display import print_calibration, print_cross_validation
    from mentum.evaluation.cross_validation import OUT_OF_FOLD, Judged, calibrate_folds, score
    from mentum.training.folds import FoldTraining, fold_file, learn_folds
    from mentum.training.preparation import prepare
    from mentum.training.tasks import task_ranks

    if folds is not None and leave_out is not None:
        raise SettingsError(
            f"--folds {folds}, --leave-out {leave_out}: found both, expected one; the groups of a column are the folds."
        )
    settings = chosen_settings(recipe, set_, backbone, seed)
    chosen = cast(Literal[1, 2], stage)
    with shown_progress(log) as report:
        prepared = prepare(data, settings, pixel_cache(cache), report)
        design, dealt = _folds(prepared.table, folds or N_FOLDS, leave_out, settings)
        record = prepared.record()
        training = FoldTraining(prepared, settings, out, chosen, report)
        begin(out, design, chosen, settings, (record.table_hash, record.content_hash))
        learn_folds(training, dealt, pixel_cache(cache), jobs)
    files = [fold_file(out, fold) for fold in dealt]
    judged = Judged.read(prepared.table, dealt, files, task_ranks(prepared.taxonomy, settings.head))
    judged.write(out / OUT_OF_FOLD)
    about = {"design": design, "stage": stage, "backbone": settings.backbone.source, "seed": settings.seed}
    found, calibration = score(judged, about), calibrate_folds(judged, error_rate)
    found.write(out / "crossvalidation.json")
    calibration.write(out / "calibration.json")
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        print_cross_validation(found)
        print_calibration(calibration, error_rate)


def learning_curve(
    data: DataArgument,
    out: Annotated[Path, typer.Option(help="Folder for the features, the result and its figure.")],
    folds: Annotated[int, typer.Option(min=2, help="Parts of the specimens, each judged by the others.")] = N_FOLDS,
    recipe: Annotated[str, typer.Option(help="default, paper, quick, or a TOML file.")] = "default",
    set_: SetOption = None,
    backbone: BackboneOption = None,
    seed: SeedOption = None,
    cache: CacheOption = None,
    as_json: JsonOption = False,
    log: LogOption = Log.AUTO,
) -> None:
    """Say what more specimens would bring: accuracy against specimens per taxon, on features of the frozen backbone."""
    from mentum.cli.display import print_learning_curve
    from mentum.evaluation.learning_curve import learning_curve as follow_curve
    from mentum.reporting.learning_figure import draw_learning_curve
    from mentum.training.folds import FoldTraining
    from mentum.training.preparation import prepare

    settings = chosen_settings(recipe, set_, backbone, seed)
    with shown_progress(log) as report:
        prepared = prepare(data, settings, pixel_cache(cache), report)
        design, dealt = _folds(prepared.table, folds, None, settings)
        record = prepared.record()
        training = FoldTraining(prepared, settings, out, 1, report)
        begin(out, f"learning curve, {design}", 1, settings, (record.table_hash, record.content_hash))
        found = follow_curve(prepared.table, dealt, training.judge, settings.backbone.source, settings.seed)
    found.write(out / "learning_curve.json")
    draw_learning_curve(found, out / "figures")
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        print_learning_curve(found)


def _folds(table: SpecimenTable, n_folds: int, column: str | None, settings: Settings) -> tuple[str, list[Fold]]:
    """How specimens are kept apart, in words, and the folds."""
    from mentum.specimens.folds import deal_folds, leave_groups_out

    if column is not None:
        return f"each {column} judged in turn", leave_groups_out(table, column, settings.split, settings.seed)
    return f"{n_folds} folds by specimen", deal_folds(table, n_folds, settings.split, settings.seed)


def begin(out: Path, design: str, stage: Literal[1, 2], settings: Settings, hashes: tuple[str, str]) -> None:
    """Take the folder for this very study, or go on with it."""
    import mentum
    from mentum.evaluation.study import STUDY_FILE, Study, begin_study
    from mentum.training.folds import require_pretrained

    if stage == 1 and not (out / STUDY_FILE).is_file():  # before the folder is taken
        require_pretrained(settings)
    study = Study(
        mentum=mentum.__version__,
        design=design,
        stage=stage,
        settings=settings,
        table_hash=hashes[0],
        content_hash=hashes[1],
        command=shlex.join(["mentum", *sys.argv[1:]]),
    )
    begin_study(out, study)


def compare(
    run_a: Annotated[Path, typer.Argument(help="Folder of `mentum train` or `mentum crossvalidate`.")],
    run_b: Annotated[Path, typer.Argument(help="Another one, of the same images.")],
    seed: Annotated[int, typer.Option(min=0, help="Of the draws for the intervals.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Say whether one identifier is better than another, by a paired test on images that neither learned from."""
    from mentum.cli.display import print_comparison
    from mentum.evaluation.compare import compare as compare_runs

    found = compare_runs(run_a, run_b, seed)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        print_comparison(found)
