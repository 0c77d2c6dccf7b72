"""The command line: parse, call one function, print."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

import mentum
from mentum.cli.auditing import audit
from mentum.cli.console import bear_any_name, describe, silence_libraries
from mentum.cli.data import check, phantoms
from mentum.cli.explaining import characters, explain
from mentum.cli.learning import calibrate, evaluate, train
from mentum.cli.releasing import export, identify, verify
from mentum.cli.reporting import report
from mentum.cli.usage import Commands, Task
from mentum.cli.validating import compare, crossvalidate, learning_curve
from mentum.errors import MentumError
from mentum.texts import printable

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
    export, verify, identify, phantoms,
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


def main() -> None:
    """Run the command line; a fault in the user's material becomes one message and exit code 2."""
    # Threads that spin while they wait make a training several times slower when anything else runs on the machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    bear_any_name()
    try:
        app()
    except MentumError as error:
        _fail(str(error))
    except OSError as error:
        _fail(describe(error))
    except UnicodeEncodeError as error:
        _fail(f"a name that is not in UTF-8 ({error.object[:200]}) cannot be written; rename it.")
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in {"torch", "transformers", "safetensors", "psutil", "onnx", "onnxscript"}:
            raise
        _fail(f"training needs the package {package}, which is not installed; run: pip install 'mentum[train]'")
    except SystemExit as ended:
        if ended.code == 130:  # what Typer makes of Ctrl-C
            typer.echo("mentum: interrupted; the same command goes on where it stopped.", err=True)
        raise


def _fail(message: str) -> None:
    if "--debug" in sys.argv:
        raise
    typer.echo(f"mentum: {printable(message, keep=chr(10))}", err=True)
    sys.exit(2)
