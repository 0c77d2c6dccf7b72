"""Commands that learn, judge and identify."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mentum.cli.data import DataArgument, JsonOption, LogOption
from mentum.cli.progress import Log, shown_progress

if TYPE_CHECKING:
    from mentum.evaluation.results import CalibrationReport
    from mentum.runs import Run
    from mentum.settings import Settings

RunArgument = Annotated[Path, typer.Argument(help="Folder that `mentum train` made.")]
CacheOption = Annotated[Path | None, typer.Option(help="Folder of the pixel cache.")]
DataOption = Annotated[Path | None, typer.Option(help="Where the images of the run are now, if they have moved.")]


def pixel_cache(given: Path | None) -> Path:
    """The folder of the pixel cache: as given, or the user's."""
    from platformdirs import user_cache_path

    return given or user_cache_path("mentum") / "pixels"


def chosen_settings(recipe: str, set_: list[str] | None, backbone: str | None, seed: int | None) -> Settings:
    """A recipe with what the command line replaces in it."""
    from mentum.settings import load_settings

    given = {"backbone.source": backbone and json.dumps(backbone, ensure_ascii=False), "seed": seed}
    return load_settings(
        recipe, [*(set_ or []), *(f"{key}={value}" for key, value in given.items() if value is not None)]
    )


def train(
    data: DataArgument,
    out: Annotated[Path, typer.Option(help="Run folder; give the same command again to resume a killed training.")],
    recipe: Annotated[str, typer.Option(help="default, paper, quick, or a TOML file.")] = "default",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Replace a value of the recipe, such as stage2.epochs=20."),
    ] = None,
    backbone: Annotated[str | None, typer.Option(help="Hub id, local Hugging Face folder, builtin, or random.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of every random choice.")] = None,
    cache: CacheOption = None,
    log: LogOption = Log.AUTO,
) -> None:
    """Train an identifier in two stages: the top classifier, then the whole network."""
    from mentum.training.train import train as train_identifier

    settings = chosen_settings(recipe, set_, backbone, seed)
    command = shlex.join(["mentum", *sys.argv[1:]])
    with shown_progress(log) as report:
        run = train_identifier(data, out, settings, cache=pixel_cache(cache), command=command, report=report)
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
    log: LogOption = Log.AUTO,
) -> None:
    """Print the paper's table, what probabilities mean, and the ranks that can be defended; write them with figures."""
    from mentum.cli.display import print_calibration
    from mentum.cli.display_scores import print_evaluation
    from mentum.evaluation.result_table import evaluate as evaluate_run
    from mentum.evaluation.result_table import result_csv
    from mentum.reporting.figures.confusions import draw_confusions
    from mentum.runs import Run

    opened = Run.open(run)
    if novelty:
        _evaluate_novelty(opened, stage, (data, pixel_cache(cache), log), as_json=as_json)
        return
    evaluation = evaluate_run(opened)
    draw_confusions(evaluation, run / "figures")
    calibration = _calibrate(opened, error_rate)
    if as_json:
        typer.echo(evaluation.model_dump_json(indent=2))
    elif as_csv:
        typer.echo(result_csv(evaluation), nl=False)
    else:
        print_evaluation(evaluation)
        if calibration is not None:
            print_calibration(calibration, error_rate)


def _calibrate(run: Run, error_rate: float) -> CalibrationReport | None:
    """Judge probabilities and defended ranks, where the run has held-out specimens for that."""
    from mentum.errors import RunError
    from mentum.evaluation.probabilities import evaluate_probabilities
    from mentum.reporting.figures.calibration import draw_calibration

    try:
        found = evaluate_probabilities(run, error_rate)
    except RunError as reason:
        typer.echo(f"mentum: {reason}", err=True)
        return None
    found.write(run.calibration_file)
    draw_calibration(found, run.path / "figures")
    return found


def _evaluate_novelty(run: Run, stage: int, where: tuple[Path | None, Path, Log], *, as_json: bool) -> None:
    """Leave out each taxon in turn."""
    from mentum.cli.display import print_unknown_taxa
    from mentum.evaluation.unknown_taxa import leave_taxa_out
    from mentum.training.again import Again

    data, cache, log = where
    with shown_progress(log) as report:
        again = Again.open(run, data, cache, report)
        found = (
            leave_taxa_out(run, lambda _, subsets, taxonomy: again.train_head(subsets, taxonomy), 1)
            if stage == 1
            else leave_taxa_out(run, lambda name, subsets, taxonomy: again.train(run.path / name, subsets, taxonomy), 2)
        )
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        print_unknown_taxa(found)


def calibrate(
    run: RunArgument,
    folds: Annotated[int, typer.Option(min=2, help="Parts of the specimens; as many trainings.")] = 5,
    data: DataOption = None,
    cache: CacheOption = None,
    log: LogOption = Log.AUTO,
) -> None:
    """Train the run's recipe on folds, so that every specimen can calibrate: where validation specimens are few."""
    from mentum.calibration.cross_fitting import cross_fit
    from mentum.runs import Run
    from mentum.training.again import Again

    opened = Run.open(run)
    with shown_progress(log) as report:
        again = Again.open(opened, data, pixel_cache(cache), report)
        file = cross_fit(opened, lambda name, subsets, taxonomy: again.train(run / name, subsets, taxonomy), folds)
    typer.echo(file)
