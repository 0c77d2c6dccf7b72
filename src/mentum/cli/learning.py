"""Commands that learn, judge and identify."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from mentum.cli.data import DataArgument, JsonOption, LogOption
from mentum.cli.display import print_evaluation
from mentum.cli.progress import Log, shown_progress

RunArgument = Annotated[Path, typer.Argument(help="Folder that `mentum train` made.")]
CacheOption = Annotated[Path | None, typer.Option(help="Folder of the pixel cache.")]


def pixel_cache(given: Path | None) -> Path:
    """The folder of the pixel cache: as given, or the user's."""
    from platformdirs import user_cache_path

    return given or user_cache_path("mentum") / "pixels"


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
    from mentum.settings import load_settings
    from mentum.training.train import train as train_identifier

    given = {"backbone.source": backbone and json.dumps(backbone, ensure_ascii=False), "seed": seed}
    settings = load_settings(
        recipe, [*(set_ or []), *(f"{key}={value}" for key, value in given.items() if value is not None)]
    )
    command = shlex.join(["mentum", *sys.argv[1:]])
    with shown_progress(log) as report:
        run = train_identifier(data, out, settings, cache=pixel_cache(cache), command=command, report=report)
    typer.echo(run.path)


def evaluate(
    run: RunArgument,
    as_json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the table as CSV.")] = False,
) -> None:
    """Print the paper's table: accuracy per stage, rank and subset; write evaluation.json and confusion matrices."""
    from mentum.evaluation.evaluate import evaluate as evaluate_run
    from mentum.evaluation.tables import result_csv
    from mentum.reporting.figures import draw_confusions
    from mentum.runs import Run

    evaluation = evaluate_run(Run.open(run))
    draw_confusions(evaluation, run / "figures")
    if as_json:
        typer.echo(evaluation.model_dump_json(indent=2))
    elif as_csv:
        typer.echo(result_csv(evaluation), nl=False)
    else:
        print_evaluation(evaluation)


def identify(
    run: RunArgument,
    images: Annotated[list[Path], typer.Argument(help="Images or folders of images.")],
    out: Annotated[Path | None, typer.Option(help="CSV file to write; else standard output.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line instead of CSV.")] = False,
    log: LogOption = Log.AUTO,
) -> None:
    """Identify images: name and probability at each rank. Exit code 1 where an image could not be read."""
    from mentum.identification.identify import find_images, write_identifications
    from mentum.identification.identify import identify as identify_images
    from mentum.runs import Run
    from mentum.training.predict import Predictor

    opened = Run.open(run)
    predictor = Predictor.open(opened)
    paths = find_images(images)
    with shown_progress(log) as report:
        found = identify_images(paths, predictor, predictor.taxonomy, opened.record().settings.pixels, report)
        failed = write_identifications(found, opened.record().ranks, out, as_json=as_json)
    raise typer.Exit(1 if failed else 0)
