"""All commands, as one application."""

from __future__ import annotations

from typing import Annotated

import typer

import mentum
from mentum.cli.auditing import audit
from mentum.cli.caching import cache
from mentum.cli.console import silence_libraries
from mentum.cli.data import check, phantoms
from mentum.cli.explaining import characters, explain
from mentum.cli.learning import calibrate, evaluate, train
from mentum.cli.releasing import export, identify, verify
from mentum.cli.reporting import report
from mentum.cli.usage import Commands, Task
from mentum.cli.validating import compare, crossvalidate, learning_curve

app = typer.Typer(
    name="mentum",
    cls=Commands,
    help="From labelled photographs of specimens to an identifier that a taxonomist can trust and publish from.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _command in (
    check, audit, train, evaluate, crossvalidate, learning_curve, compare, calibrate, explain, characters, report,
    export, verify, identify, phantoms, cache,
):  # fmt: skip
    app.command(cls=Task)(_command)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"mentum {mentum.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    del version, debug  # both act before a command runs
    silence_libraries()
