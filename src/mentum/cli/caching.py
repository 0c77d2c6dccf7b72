"""The command that looks after the pixel cache, and the option that checks it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import mentum
from mentum.cli.console import say
from mentum.cli.data import JsonOption

if TYPE_CHECKING:
    from mentum.caches.storage import CacheEntry
    from mentum.workflows.cache import CacheReport

VerifyCacheOption = Annotated[
    bool,
    typer.Option("--verify-cache", help="Check every file of the pixel cache first, not only what is used."),
]


def verify_cache(folder: Path | None, *, asked: bool) -> None:
    """Check the whole pixel cache where that is asked for, and say what was damaged."""
    if asked:
        _say_damaged(mentum.cache(folder, verify=True))


def cache(
    folder: Annotated[
        Path | None, typer.Option("--cache", help="Folder of the pixel cache; otherwise the user's.")
    ] = None,
    limit: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Remove what was not used for longest until the rest fits, such as 5GB."),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Remove everything that is not in use.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Check every byte, and remove what is damaged.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show where the pixel cache is, what it holds and how large it is; make it smaller."""
    found = mentum.cache(folder, limit=limit, clear=clear, verify=verify)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    _say_damaged(found)
    _print(found)


def _say_damaged(found: CacheReport) -> None:
    for entry in found.damaged:
        say(f"mentum: {found.folder}: {entry.file} was damaged and is removed; it is made anew.", err=True)


def _print(found: CacheReport) -> None:
    from mentum.caches.storage import DEFAULT_LIMIT, LIMIT, in_size

    typer.echo(found.folder)
    for entry in found.entries:
        say(f"  {entry.file}  {in_size(entry.size):>9}  last used {_when(entry)}  {_what(entry)}".rstrip())
    allowed = "no limit" if found.limit is None else f"limit {in_size(found.limit)}"
    typer.echo(f"{len(found.entries)} files, {in_size(found.total)}; {allowed} ({LIMIT}, {DEFAULT_LIMIT} unless set).")
    if found.removed:
        freed = in_size(sum(entry.size for entry in found.removed))
        typer.echo(f"Removed {len(found.removed)} files, {freed}.")


def _when(entry: CacheEntry) -> str:
    return f"{entry.last_used.astimezone():%Y-%m-%d %H:%M}"


def _what(entry: CacheEntry) -> str:
    images = f"{entry.images} images of {entry.side} px" if entry.images is not None else ""
    return ", ".join(filter(None, (images, "in use" if entry.in_use else "")))
