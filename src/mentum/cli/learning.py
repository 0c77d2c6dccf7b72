"""Commands that learn, judge and identify."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

import mentum
from mentum.cli.caching import VerifyCacheOption, verify_cache
from mentum.cli.console import say
from mentum.cli.data import DataArgument, JsonOption, LayoutOption, LogOption
from mentum.cli.progress import Log, shown_progress
from mentum.texts import printable

RunArgument = Annotated[Path, typer.Argument(help="Folder that `mentum train` made.")]
CacheOption = Annotated[Path | None, typer.Option(help="Folder of the pixel cache.")]
DataOption = Annotated[Path | None, typer.Option(help="Where the images of the run are now, if they have moved.")]


def command_line() -> str:
    """The command as it was given."""
    return printable(shlex.join(["mentum", *sys.argv[1:]]))


def train(
    data: DataArgument,
    out: Annotated[Path, typer.Option(help="Run folder; give the same command again to resume a killed training.")],
    recipe: Annotated[str, typer.Option(help="default, paper, quick, characters, or a TOML file.")] = "default",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Replace a value of the recipe, such as stage2.epochs=20."),
    ] = None,
    backbone: Annotated[str | None, typer.Option(help="Hub id, local Hugging Face folder, builtin, or random.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**32 - 1, help="Seed of every random choice.")] = None,
    layout: LayoutOption = None,
    cache: CacheOption = None,
    verify: VerifyCacheOption = False,
    log: LogOption = Log.AUTO,
) -> None:
    """Train an identifier in two stages: the top classifier, then the whole network."""
    verify_cache(cache, asked=verify)
    begun = datetime.now(UTC)
    with shown_progress(log) as report:
        run = mentum.train(
            data, out, recipe, overrides=set_ or (), backbone=backbone, seed=seed, layout=layout, cache=cache,
            report=report, command=command_line(),
        )  # fmt: skip
    finished = run.record().finished
    if finished is not None and finished < begun:
        following = shlex.join(["mentum", "evaluate", str(out)])
        say(
            f"mentum: {out}: this very training was finished on {finished:%Y-%m-%d at %H:%M %Z}; nothing was done. "
            f"Next: {following}",
            err=True,
        )
    typer.echo(run.path)


def evaluate(
    run: RunArgument,
    as_json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the table as CSV.")] = False,
    error_rate: Annotated[
        float, typer.Option(min=0.001, max=0.5, help="Share of the answers at a rank that may be wrong.")
    ] = 0.05,
    novelty: Annotated[
        bool, typer.Option("--novelty", help="Leave each taxon out in turn: is it noticed? Trains once per taxon.")
    ] = False,
    stage: Annotated[
        int, typer.Option(min=1, max=2, help="With --novelty: 1 trains the top classifier only, in seconds per taxon.")
    ] = 2,
    data: DataOption = None,
    cache: CacheOption = None,
    verify: VerifyCacheOption = False,
    log: LogOption = Log.AUTO,
) -> None:
    """Print the paper's table, what probabilities mean, and the ranks that can be defended; write them with figures."""
    from mentum.cli.display import print_calibration
    from mentum.cli.display_scores import print_evaluation
    from mentum.evaluation.result_table import result_csv

    verify_cache(cache, asked=verify)
    if novelty:
        _leave_taxa_out(run, cast(Literal[1, 2], stage), (data, cache, log), as_json=as_json)
        return
    found = mentum.evaluate(run, error_rate=error_rate)
    if found.not_calibrated:
        say(f"mentum: {found.not_calibrated}", err=True)
    if as_json:
        typer.echo(found.evaluation.model_dump_json(indent=2))
    elif as_csv:
        typer.echo(result_csv(found.evaluation), nl=False)
    else:
        print_evaluation(found.evaluation)
        if found.calibration is not None:
            print_calibration(found.calibration, error_rate)


def _leave_taxa_out(
    run: Path, stage: Literal[1, 2], where: tuple[Path | None, Path | None, Log], *, as_json: bool
) -> None:
    from mentum.cli.display import print_unknown_taxa

    data, cache, log = where
    with shown_progress(log) as report:
        found = mentum.novelty(run, stage=stage, data=data, cache=cache, report=report)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        print_unknown_taxa(found)


def calibrate(
    run: RunArgument,
    folds: Annotated[int, typer.Option(min=2, max=1000, help="Parts of the specimens; as many trainings.")] = 5,
    data: DataOption = None,
    cache: CacheOption = None,
    verify: VerifyCacheOption = False,
    log: LogOption = Log.AUTO,
) -> None:
    """Train the run's recipe on folds, so that every specimen can calibrate: where validation specimens are few."""
    verify_cache(cache, asked=verify)
    with shown_progress(log) as report:
        file = mentum.calibrate(run, folds=folds, data=data, cache=cache, report=report)
    typer.echo(file)
