"""Commands that tell people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import mentum
from mentum.cli.learning import DataOption, RunArgument


def report(
    run: RunArgument,
    out: Annotated[Path | None, typer.Option(help="The file; report.html in the run's folder unless given.")] = None,
    data: DataOption = None,
    with_: Annotated[
        list[Path] | None,
        typer.Option(
            "--with", metavar="FOLDER", help="A cross-validation, learning curve or audit to take up; may be repeated."
        ),
    ] = None,
    compare: Annotated[
        list[Path] | None,
        typer.Option(metavar="OTHER", help="A training or cross-validation to compare with; may be repeated."),
    ] = None,
) -> None:
    """Write one HTML file with all that is known of a training, to read, to print and to send."""
    typer.echo(mentum.report(run, out, data=data, studies=with_ or (), compare=compare or ()))
