"""Commands on released models: make one, check one, identify with one."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import mentum
from mentum.cli.caching import VerifyCacheOption, verify_cache
from mentum.cli.console import say
from mentum.cli.data import LogOption
from mentum.cli.learning import CacheOption, DataOption, RunArgument
from mentum.cli.progress import Log, shown_progress
from mentum.identification.output.formats import FORMATS, format_named
from mentum.reporting.numbers import tiny

if TYPE_CHECKING:
    from mentum.identification.job import Outcome

PASSWORD = "MENTUM_KEY_PASSWORD"  # noqa: S105 - its name
"""Variable of the environment with the password of a secret key."""

ModelArgument = Annotated[Path, typer.Argument(help="Folder that `mentum export` made.")]
KeyOption = Annotated[
    str | None,
    typer.Option(help="Public key that must have signed the model: a file of minisign, or the line in it."),
]
ErrorRateOption = Annotated[
    float | None,
    typer.Option(min=0.001, max=0.5, help="Share of the answers at a rank that may be wrong; else as in the model."),
]


def export(
    run: RunArgument,
    out: Annotated[Path, typer.Option(help="Model folder to make.")],
    name: Annotated[str | None, typer.Option(help="Name of the model, for identifiedBy; else the run's.")] = None,
    version: Annotated[str, typer.Option(help="Version of the model.")] = "1.0.0",
    doi: Annotated[str | None, typer.Option(help="DOI under which the model is published.")] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the model, such as CC-BY-4.0.")] = None,
    error_rate: Annotated[
        float, typer.Option(min=0.001, max=0.5, help="Share of the answers at a rank that may be wrong.")
    ] = 0.05,
    false_rejection: Annotated[
        float, typer.Option(min=0.001, max=0.5, help="Share of specimens of known taxa that may be called unknown.")
    ] = 0.05,
    samples: Annotated[int, typer.Option(min=0, max=1000, help="Images that go with the model, to verify it by.")] = 5,
    sign: Annotated[
        Path | None,
        typer.Option(metavar="KEY", help=f"Secret key of minisign to sign with; its password: asked, or {PASSWORD}."),
    ] = None,
    data: DataOption = None,
    cache: CacheOption = None,
    verify: VerifyCacheOption = False,
    log: LogOption = Log.AUTO,
) -> None:
    """Turn a run into a model folder that identifies without torch: ONNX, calibration, thresholds, model card."""
    from mentum.cli.display import print_calibration

    verify_cache(cache, asked=verify)
    with shown_progress(log) as report:
        found = mentum.export(
            run, out, name=name, version=version, doi=doi, licence=licence, error_rate=error_rate,
            false_rejection=false_rejection, samples=samples, sign=sign, password=_password, data=data, cache=cache,
            report=report,
        )  # fmt: skip
    for note in found.notes:
        say(f"mentum: {note}.", err=True)
    network = found.model.record.networks[0]
    print_calibration(found.calibration, error_rate)
    say(
        f"{out}: largest difference of a probability from the trained network's {tiny(network.parity)} over "
        f"{network.n_parity} images."
    )
    if found.public_key:
        say(f"{out}: signed; publish the public key where people know you: {found.public_key}")


def _password() -> str:
    """Of a secret key: from the environment, else asked for; never from the command line, which others can see."""
    return os.environ.get(PASSWORD) or str(typer.prompt("Password of the key", hide_input=True, err=True))


def verify(model: ModelArgument, key: KeyOption = None) -> None:
    """Check every file of a model against its hash, and its samples against the answers released with them."""
    found = mentum.verify(model, key=key)
    for fault in found.faults:
        say(f"mentum: {fault}", err=True)
    if found.faults:
        raise typer.Exit(2)
    say(
        f"{model}: {found.n_files} files as released; {found.n_samples} samples identified again, probabilities within "
        f"{tiny(found.largest)}."
    )
    if found.signed_with:
        say(f"{model}: signed with the key {found.signed_with}.")
    elif found.signed:
        say(f"{model}: signed; give --key to see whether by whom you think.")


def _form(name: str) -> str:
    """The name of a format that can be written."""
    format_named(name)
    return name


class By(StrEnum):
    """What a row is about."""

    IMAGE = "image"
    SPECIMEN = "specimen"


def identify(
    model: ModelArgument,
    images: Annotated[
        list[str],
        typer.Argument(help="Images, folders, globs, a CSV or Parquet table with file_name, or - for standard input."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="File to write: .csv, .parquet or .jsonl; else CSV on standard output.")
    ] = None,
    by: Annotated[By, typer.Option(help="One row per image, or per specimen of a table.")] = By.IMAGE,
    error_rate: ErrorRateOption = None,
    false_rejection: Annotated[
        float | None,
        typer.Option(min=0.001, max=0.5, help="Share of known specimens that may be called unknown; else the model's."),
    ] = None,
    heatmaps: Annotated[Path | None, typer.Option(help="Folder for a heat map of each image.")] = None,
    archive: Annotated[Path | None, typer.Option(help="Darwin Core Archive (.zip) to write as well.")] = None,
    form: Annotated[
        str, typer.Option("--format", parser=_form, metavar=f"<{'|'.join(FORMATS)}>", help="What --out is.")
    ] = "table",
    title: Annotated[str | None, typer.Option(help="Title of the data set, for an archive.")] = None,
    creator: Annotated[str | None, typer.Option(help="Who publishes the data set, for an archive.")] = None,
    licence: Annotated[
        str | None, typer.Option(help="Licence of the data set, such as CC-BY-4.0; else the one that all rows name.")
    ] = None,
    media_url: Annotated[
        str | None, typer.Option(help="What makes an address of an image's name, for --archive and camtrap-dp.")
    ] = None,
    key: KeyOption = None,
    spreadsheet: Annotated[
        bool, typer.Option("--spreadsheet", help="Write CSV in which no cell is a formula to a spreadsheet program.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line instead of CSV.")] = False,
    log: LogOption = Log.AUTO,
) -> None:
    """Identify images at the rank that can be defended, in Darwin Core. Exit code 1 where one could not be read."""
    with shown_progress(log) as report:
        found = mentum.identify(
            model, images, out, by=by.value, error_rate=error_rate, false_rejection=false_rejection, heatmaps=heatmaps,
            archive=archive, form=form, title=title, creator=creator, licence=licence, media_url=media_url,
            key=key, spreadsheet=spreadsheet, stream=sys.stdout, as_json=as_json, report=report,
        )  # fmt: skip
    for note in found.notes:
        say(f"mentum: {note}", err=True)
    if out is not None:
        _print_outcome(found, out, archive)
    if found.left_out:
        listed = ", ".join(f"{reason} ({number})" for reason, number in found.left_out.items())
        say(f"left out: {listed}.", err=True)
    raise typer.Exit(1 if found.n_failed else 0)


def _print_outcome(found: Outcome, out: Path, archive: Path | None) -> None:
    parts = [f"{out}: {found.n_rows} rows"]
    parts += [f"{found.n_resumed} of them from the interrupted run"] if found.n_resumed else []
    parts += [f"{found.n_anew} identified anew as their image or row has changed"] if found.n_anew else []
    parts += [f"{found.n_gone} of images that are no longer given"] if found.n_gone else []
    parts += [f"{found.n_failed} with an image that could not be read"] if found.n_failed else []
    parts += [f"{found.n_uncropped} images used whole as no specimen was found"] if found.n_uncropped else []
    if found.n_not_a_taxon:
        left_out = f", which {archive} leaves out" if archive is not None else ""
        parts.append(f"{found.n_not_a_taxon} of classes that are no taxon{left_out}")
    say(", ".join(parts) + ".", err=True)
