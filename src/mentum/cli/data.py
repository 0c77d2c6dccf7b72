"""Commands on data: what is there, and drawn specimens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

import mentum
from mentum.cli.display import print_check
from mentum.cli.progress import Log, shown_progress
from mentum.phantoms.settings import CHARACTERS, LARGEST_SEED, MOST_IMAGES, WIDEST
from mentum.specimens.layouts import EXAMPLES

DataArgument = Annotated[
    Path, typer.Argument(help="A folder per taxon, a folder with specimens.csv, or a CSV or Parquet table.")
]
LayoutOption = Annotated[
    str | None,
    typer.Option(help=f"What each level of folders is: {', '.join(EXAMPLES)} …; otherwise what the names tell."),
]
LogOption = Annotated[Log, typer.Option(help="Progress on standard error; auto: bars on a terminal, else nothing.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def check(
    data: DataArgument,
    layout: LayoutOption = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help='A setting, such as specimens.not_taxa=["debris"].'),
    ] = None,
    as_json: JsonOption = False,
    log: LogOption = Log.AUTO,
) -> None:
    """Show what a data set holds and every fault in it. Exit code: 0 clean, 1 warnings, 2 errors."""
    with shown_progress(log) as report:
        found = mentum.check(data, overrides=set_ or (), layout=layout, report=report)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        print_check(found)
    raise typer.Exit(found.exit_code)


def phantoms(
    out: Annotated[Path, typer.Argument(help="Folder to make.")],
    images_per_taxon: Annotated[int, typer.Option(min=1, max=MOST_IMAGES // 10, help="Images of each taxon.")] = 40,
    images: Annotated[
        int | None, typer.Option(min=1, max=MOST_IMAGES, help="Images in all, instead of per taxon.")
    ] = None,
    images_per_specimen: Annotated[
        int, typer.Option(min=1, max=MOST_IMAGES, help="Images that show the same specimen.")
    ] = 1,
    width: Annotated[int, typer.Option(min=64, max=WIDEST, help="Image width, px; the height is 0.74 of it.")] = 512,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="The same seed draws the same bytes.")] = 0,
    shortcut: Annotated[
        Literal["none", "tint", "corner"], typer.Option(help="Plant a trait of the background that betrays the taxon.")
    ] = "none",
    decisive: Annotated[
        str,
        typer.Option(
            metavar=f"<none|{'|'.join(CHARACTERS)}>",
            help="Draw four taxa that differ in this character only, or in two, as in mentum,mandible.",
        ),
    ] = "none",
    redundant: Annotated[
        bool, typer.Option("--redundant", help="Let any one of the decisive characters suffice.")
    ] = False,
    counterfactual: Annotated[
        bool,
        typer.Option(
            "--counterfactual",
            help="Draw each image also with a decisive character as in another taxon, all else equal.",
        ),
    ] = False,
    log: LogOption = Log.AUTO,
) -> None:
    """Draw head capsules of midge taxa, with taxonomy and outlines of the characters, to try things on."""
    with shown_progress(log) as report:
        made = mentum.phantoms(
            out, images_per_taxon=images_per_taxon, images=images, images_per_specimen=images_per_specimen,
            width=width, seed=seed, shortcut=shortcut, decisive=decisive, redundant=redundant,
            counterfactual=counterfactual, report=report,
        )  # fmt: skip
    typer.echo(made)
