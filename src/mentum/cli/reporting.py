"""Commands that tell people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mentum.cli.learning import DataOption, RunArgument


def report(
    run: RunArgument,
    out: Annotated[Path | None, typer.Option(help="The file; report.html in the run's folder unless given.")] = None,
    data: DataOption = None,
) -> None:
    """Write one HTML file with all that is known of a training, to read, to print and to send."""
    from mentum.reporting.report import write_report
    from mentum.runs import Run

    typer.echo(write_report(Run.open(run), out, data))
