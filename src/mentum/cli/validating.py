"""Commands that judge a recipe honestly and compare two."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from mentum.cli.data import DataArgument, JsonOption, LogOption
from mentum.cli.learning import CacheOption, chosen_settings, pixel_cache
from mentum.cli.progress import Log, shown_progress

SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Replace a value of the recipe.")
]
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
    from mentum.cli.display import print_calibration
    from mentum.cli.display_scores import print_cross_validation
    from mentum.workflows.crossvalidate import Plan
    from mentum.workflows.crossvalidate import crossvalidate as judge_recipe

    settings = chosen_settings(recipe, set_, backbone, seed)
    plan = Plan(folds, leave_out, cast(Literal[1, 2], stage), jobs, error_rate, command_line())
    with shown_progress(log) as report:
        found, calibration = judge_recipe(data, out, settings, cache=pixel_cache(cache), plan=plan, report=report)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        print_cross_validation(found)
        print_calibration(calibration, error_rate)


def learning_curve(
    data: DataArgument,
    out: Annotated[Path, typer.Option(help="Folder for the features, the result and its figure.")],
    folds: Annotated[int, typer.Option(min=2, help="Parts of the specimens, each judged by the others.")] = 5,
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
    from mentum.workflows.crossvalidate import Plan
    from mentum.workflows.learning_curve import learning_curve as follow_curve

    settings = chosen_settings(recipe, set_, backbone, seed)
    plan = Plan(folds, command=command_line())
    with shown_progress(log) as report:
        found = follow_curve(data, out, settings, cache=pixel_cache(cache), plan=plan, report=report)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        print_learning_curve(found)


def command_line() -> str:
    """The command as it was given."""
    return shlex.join(["mentum", *sys.argv[1:]])


def compare(
    run_a: Annotated[Path, typer.Argument(help="Folder of `mentum train` or `mentum crossvalidate`.")],
    run_b: Annotated[Path, typer.Argument(help="Another one, of the same images.")],
    seed: Annotated[int, typer.Option(min=0, help="Of the draws for the intervals.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Say whether one identifier is better than another, by a paired test on images that neither learned from."""
    from mentum.cli.display import print_comparison
    from mentum.evaluation.run_comparison import compare as compare_runs

    found = compare_runs(run_a, run_b, seed)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        print_comparison(found)
