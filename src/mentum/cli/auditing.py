"""The command that looks for what a model could cheat by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import mentum
from mentum.cli.caching import VerifyCacheOption, verify_cache
from mentum.cli.data import JsonOption, LayoutOption, LogOption
from mentum.cli.learning import CacheOption, DataOption, command_line
from mentum.cli.progress import Log, shown_progress


def audit(
    source: Annotated[Path, typer.Argument(help="A training's folder, or a data set.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the result, its sheets, and the features that it keeps; otherwise RUN/audit."),
    ] = None,
    backbone: Annotated[
        str | None, typer.Option(help="Whose features judge labels and pairs; otherwise the training's, or builtin.")
    ] = None,
    outlines: Annotated[
        Path | None, typer.Option(help="COCO file with outlines of specimens; otherwise they are found by colour.")
    ] = None,
    crossvalidation: Annotated[
        Path | None, typer.Option(help="Folder of `mentum crossvalidate`, whose predictions then judge the labels.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**64 - 1, help="Of folds, permutations and backgrounds.")] = 0,
    layout: LayoutOption = None,
    data: DataOption = None,
    cache: CacheOption = None,
    verify: VerifyCacheOption = False,
    as_json: JsonOption = False,
    log: LogOption = Log.AUTO,
) -> None:
    """Look for shortcuts, for images on both sides of a split, and for labels that look wrong."""
    from mentum.cli.display_audit import print_audit

    verify_cache(cache, asked=verify)
    with shown_progress(log) as report:
        found = mentum.audit(
            source, out, backbone=backbone, outlines=outlines, crossvalidation=crossvalidation, seed=seed,
            layout=layout, data=data, cache=cache, report=report, command=command_line(),
        )  # fmt: skip
    if as_json:
        typer.echo(found.findings.model_dump_json(indent=2))
    else:
        print_audit(found.findings, found.folder)
