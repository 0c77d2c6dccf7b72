"""Commands that judge a recipe honestly and compare two."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, cast

import typer

import mentum
from mentum.cli.caching import VerifyCacheOption, verify_cache
from mentum.cli.data import DataArgument, JsonOption, LayoutOption, LogOption
from mentum.cli.learning import CacheOption, command_line
from mentum.cli.progress import Log, shown_progress

SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Replace a value of the recipe.")
]
BackboneOption = Annotated[str | None, typer.Option(help="Hub id, local Hugging Face folder, builtin, or random.")]
SeedOption = Annotated[int | None, typer.Option(min=0, max=2**32 - 1, help="Seed of every random choice.")]


def crossvalidate(
    data: DataArgument,
    out: Annotated[Path, typer.Option(help="Folder of the cross-validation; the same command goes on with it.")],
    folds: Annotated[
        int | None, typer.Option(min=2, max=1000, help="Parts of the specimens, 5 unless given; as many trainings.")
    ] = None,
    leave_out: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Judge each group once instead, such as each locality or recordedBy."),
    ] = None,
    stage: Annotated[
        int, typer.Option(min=1, max=2, help="1: the top classifier alone, on features that are computed once.")
    ] = 2,
    jobs: Annotated[int, typer.Option(min=1, max=1024, help="Folds that are trained at a time, with --stage 2.")] = 1,
    recipe: Annotated[str, typer.Option(help="default, paper, quick, characters, or a TOML file.")] = "default",
    set_: SetOption = None,
    backbone: BackboneOption = None,
    seed: SeedOption = None,
    layout: LayoutOption = None,
    error_rate: Annotated[
        float, typer.Option(min=0.001, max=0.5, help="Share of the answers at a rank that may be wrong.")
    ] = 0.05,
    cache: CacheOption = None,
    verify: VerifyCacheOption = False,
    as_json: JsonOption = False,
    log: LogOption = Log.AUTO,
) -> None:
    """Judge a recipe on every specimen once: train without it, and stop and calibrate without it."""
    from mentum.cli.display import print_calibration
    from mentum.cli.display_scores import print_cross_validation

    verify_cache(cache, asked=verify)
    with shown_progress(log) as report:
        found = mentum.crossvalidate(
            data, out, recipe, folds=folds, leave_out=leave_out, stage=cast(Literal[1, 2], stage), jobs=jobs,
            error_rate=error_rate, overrides=set_ or (), backbone=backbone, seed=seed, layout=layout, cache=cache,
            report=report, command=command_line(),
        )  # fmt: skip
    if as_json:
        typer.echo(found.scores.model_dump_json(indent=2))
    else:
        print_cross_validation(found.scores)
        print_calibration(found.calibration, error_rate)


def learning_curve(
    data: DataArgument,
    out: Annotated[Path, typer.Option(help="Folder for the features, the result and its figure.")],
    folds: Annotated[int, typer.Option(min=2, max=1000, help="Parts of the specimens, each judged by the others.")] = 5,
    recipe: Annotated[str, typer.Option(help="default, paper, quick, characters, or a TOML file.")] = "default",
    set_: SetOption = None,
    backbone: BackboneOption = None,
    seed: SeedOption = None,
    layout: LayoutOption = None,
    cache: CacheOption = None,
    verify: VerifyCacheOption = False,
    as_json: JsonOption = False,
    log: LogOption = Log.AUTO,
) -> None:
    """Say what more specimens would bring: accuracy against specimens per taxon, on features of the frozen backbone."""
    from mentum.cli.display import print_learning_curve

    verify_cache(cache, asked=verify)
    with shown_progress(log) as report:
        found = mentum.learning_curve(
            data, out, recipe, folds=folds, overrides=set_ or (), backbone=backbone, seed=seed, layout=layout,
            cache=cache, report=report, command=command_line(),
        )  # fmt: skip
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        print_learning_curve(found)


def compare(
    run_a: Annotated[Path, typer.Argument(help="Folder of `mentum train` or `mentum crossvalidate`.")],
    run_b: Annotated[Path, typer.Argument(help="Another one, of the same images.")],
    seed: Annotated[int, typer.Option(min=0, max=2**64 - 1, help="Of the draws for the intervals.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Say whether one identifier is better than another, by a paired test on images that neither learned from."""
    from mentum.cli.display import print_comparison

    found = mentum.compare(run_a, run_b, seed=seed)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        print_comparison(found)
