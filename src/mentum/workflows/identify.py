"""Identify images with a released model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from mentum.calibration.cases import Unit
from mentum.disks import require_place
from mentum.errors import SettingsError
from mentum.identification.identifier import Explained, Identifier, load
from mentum.identification.inputs import Inputs
from mentum.identification.job import Job, Outcome
from mentum.identification.output.dataset import Dataset
from mentum.identification.output.writing import require_output
from mentum.identification.places import Places
from mentum.identification.publishing import Terms, agree_terms
from mentum.model.signature import require_signature
from mentum.records import ProgressCallback, ignore_progress
from mentum.workflows.arguments import PathLike, path_or_none


def identify(
    model: PathLike,
    images: PathLike | Sequence[PathLike],
    out: PathLike | None = None,
    *,
    by: Unit = "image",
    error_rate: float | None = None,
    false_rejection: float | None = None,
    heatmaps: PathLike | None = None,
    archive: PathLike | None = None,
    form: str = "table",
    title: str | None = None,
    creator: str | None = None,
    licence: str | None = None,
    media_url: str | None = None,
    key: PathLike | None = None,
    spreadsheet: bool = False,
    stream: TextIO | None = None,
    as_json: bool = False,
    report: ProgressCallback = ignore_progress,
) -> Outcome:
    """Identify images at the rank that can be defended, in Darwin Core.

    Memory does not grow with the number of images where rows go to `out` or `stream`.

    Args:
        model: folder of a released model.
        images: images, folders, globs, a CSV or Parquet table with `file_name`, or "-" for standard input.
        out: file to write, or a folder for Camtrap DP; None = rows go to `stream`.
        by: one row per image, or per specimen of a table.
        error_rate: share of the answers at a rank that may be wrong; None = as in the model.
        false_rejection: share of known specimens that may be called unknown; None = as in the model.
        heatmaps: folder for a heat map of each image.
        archive: Darwin Core Archive (.zip) to write as well.
        form: what `out` is: "table", "megadetector-json", "camtrap-dp" or "records".
        title: of the data set, for an archive.
        creator: who publishes the data set, for an archive.
        licence: of the data set, such as "CC-BY-4.0"; None = the one that all rows of a table name.
        media_url: what makes an address of an image's name, for an archive or Camtrap DP.
        key: public key of whoever released the model, as a file of minisign or the line in it, which must have signed
            it; None = whoever signed it.
        spreadsheet: write cells of a CSV table such that no spreadsheet program takes one for a formula.
        stream: text stream to write rows to instead of a file; None = the outcome holds the identifications.
        as_json: one JSON object per line instead of CSV, to `stream`.
        report: told now and then.

    Returns:
        How many rows there are, and what failed; an image that cannot be read is a row with its reason.

    Raises:
        ModelError: if the model is none, changed since its release, or not signed with the key.
        DataError: if images are not there, or an output cannot be written or is what another one is, or is read.
        BusyError: if another process writes an output.
        SettingsError: if an archive or another format is asked for without `out`, an archive without title, creator or
            licence, or cells for spreadsheets in something that is no CSV.
    """
    for file in (out, archive):
        if file is not None:
            require_output(Path(file))
    if heatmaps is not None:
        require_place(Path(heatmaps))
    if spreadsheet:
        _require_csv(path_or_none(out), form, as_json=as_json and out is None)
    given = (images,) if isinstance(images, str | Path) else tuple(images)
    inputs = Inputs(tuple(str(each) for each in given), by == "specimen")
    if out is None and (archive is not None or form != "table"):
        raise SettingsError("an archive or another format is written beside a file; give --out as well.")
    places = Places(path_or_none(out), path_or_none(archive), path_or_none(heatmaps))
    places.require_apart(Path(model), inputs.names)
    identifier = load(model, error_rate, false_rejection)
    if key is not None:
        require_signature(identifier.model, key)
    identifier.require_whole()
    published = archive is not None or form == "camtrap-dp"
    _require_names(title, creator, needed=archive is not None)
    terms = agree_terms(inputs, licence, media_url, needed=archive is not None) if published else None
    with places.taken():
        job = Job(identifier, inputs, by, _overlays(identifier, places.heatmaps), spreadsheet)
        if places.out is not None:
            about = _dataset(title, creator, terms, identifier)
            found = job.write(places.out, form, places.archive, about, report)
        elif stream is not None:
            found = job.print(stream, as_json=as_json, report=report)
        else:
            found = job.collect(report)
    return replace(found, notes=(*inputs.notes, *(terms.notes if terms else ())))


def _require_csv(out: Path | None, form: str, *, as_json: bool) -> None:
    """Cells for spreadsheets make sense in a CSV table alone: nothing else is opened there by a double click."""
    if form != "table" or as_json or (out is not None and out.suffix.lower() != ".csv"):
        found = f"--format {form}" if form != "table" else "--json" if as_json else f"--out {out}"
        raise SettingsError(f"--spreadsheet is for a CSV table, found {found}; leave it out, or give an --out .csv.")


def _overlays(identifier: Identifier, folder: Path | None) -> Callable[[Explained], None] | None:
    if folder is None:
        return None
    from mentum.reporting.figures.heat_maps import OverlayWriter

    record, taxonomy = identifier.record, identifier.taxonomy
    return OverlayWriter(
        folder, {rank: taxonomy.taxa(rank) for rank in record.ranks}, record.geometry, record.map_scale
    )


def _require_names(title: str | None, creator: str | None, *, needed: bool) -> None:
    if not (title and creator) and (needed or title or creator):
        raise SettingsError("a published data set must name both --title and --creator; give them with --archive.")


def _dataset(title: str | None, creator: str | None, terms: Terms | None, identifier: Identifier) -> Dataset:
    """What is published, or would be: without a name of its own, it has the model's."""
    name = identifier.agent.name
    return Dataset(
        title=title or f"Identifications by {name}",
        creator=creator or name,
        description=f"{title}: specimens identified by {name}." if title else f"Photographs identified by {name}.",
        licence=terms.licence if terms else None,
        media_url=terms.media_url if terms else "",
    )
