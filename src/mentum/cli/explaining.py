"""Commands that say why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import mentum
from mentum.cli.caching import VerifyCacheOption, verify_cache
from mentum.cli.data import JsonOption, LogOption
from mentum.cli.display import print_agreement, print_explanation, print_proposals
from mentum.cli.learning import CacheOption, RunArgument
from mentum.cli.progress import Log, shown_progress
from mentum.taxonomy import Rank

if TYPE_CHECKING:
    from mentum.explanation.proposals.propose import Proposals
    from mentum.explanation.results import Explanation
    from mentum.explanation.several_runs import RunsAgreement


def explain(
    runs: Annotated[
        list[Path], typer.Argument(help="Folder that `mentum train` made; several of the same images are compared.")
    ],
    characters: Annotated[
        Path | None, typer.Option(help="COCO file with outlines of characters; without it, characters are proposed.")
    ] = None,
    outline: Annotated[
        str | None, typer.Option(help="Category that outlines the whole specimen, where its name does not tell.")
    ] = None,
    subset: Annotated[
        Literal["train", "validation", "test", "all"], typer.Option(help="Whose images are explained.")
    ] = "train",
    rank: Annotated[list[Rank] | None, typer.Option(help="Rank to explain; may be given several times.")] = None,
    align: Annotated[
        Literal["receptive-field", "half-pixel"],
        typer.Option(help="Draw a map's cells where they look, or as other libraries do."),
    ] = "receptive-field",
    occlude: Annotated[
        int,
        typer.Option(min=0, max=1_000_000, help="Images in which characters are blurred and filled, to test the maps."),
    ] = 0,
    fast: Annotated[bool, typer.Option("--fast", help="Tell the characters used by the maps alone.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="Folder or table of the training's images, where they have moved.")
    ] = None,
    cache: CacheOption = None,
    verify: VerifyCacheOption = False,
    as_json: JsonOption = False,
    log: LogOption = Log.AUTO,
) -> None:
    """Show where the network looks, and the share of images in which each character was the one used."""
    verify_cache(cache, asked=verify)
    with shown_progress(log) as report:
        found = mentum.explain(
            *runs, characters=characters, outline=outline, subset=subset, ranks=rank or (), align=align,
            occlude=occlude, fast=fast, data=data, cache=cache, report=report,
        )  # fmt: skip
    if found.agreement is not None:
        _print_agreement(found.agreement, as_json=as_json)
    elif found.characters is not None:
        _print_characters(found.characters, as_json=as_json)
    elif found.proposals is not None:
        _print_proposals(runs[0], found.proposals, as_json=as_json)


def _print_characters(explanation: Explanation, *, as_json: bool) -> None:
    from mentum.explanation.tables import by_rank

    if as_json:
        typer.echo(json.dumps(by_rank(explanation), indent=2))
    else:
        print_explanation(explanation)


def _print_agreement(agreement: RunsAgreement, *, as_json: bool) -> None:
    if as_json:
        typer.echo(agreement.model_dump_json(indent=2))
    else:
        print_agreement(agreement)


def _print_proposals(run: Path, proposals: Proposals, *, as_json: bool) -> None:
    if as_json:
        typer.echo(proposals.model_dump_json(indent=2))
    else:
        print_proposals(proposals, run)


def characters(
    run: RunArgument,
    names: Annotated[list[str], typer.Argument(help="Number and name of proposed characters, such as 1=mentum.")],
    out: Annotated[Path, typer.Option(help="COCO file to write, for `mentum explain --characters`.")],
) -> None:
    """Name the characters that `mentum explain` proposed, and write them as a COCO file."""
    from mentum.explanation.proposals.naming import read_names

    typer.echo(mentum.name_characters(run, read_names(names), out))
