"""Identify many images into files: streamed, kept after every image, taken up again after an interruption."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TextIO

from mentum.calibration.cases import Unit
from mentum.identification.identifier import Explained, Identifier
from mentum.identification.inputs import Inputs, Survey
from mentum.identification.journal import Journal
from mentum.identification.output.archive import write_archive
from mentum.identification.output.darwin_core import TERMS, Agent
from mentum.identification.output.dataset import Dataset, require_licence
from mentum.identification.output.formats import Findings, format_named
from mentum.identification.output.tables import columns, json_line, row_of, write_csv_rows
from mentum.identification.output.writing import digest
from mentum.identification.resumption import Remaining, drop_changed
from mentum.records import Identification, Progress, ProgressCallback, Status, ignore_progress

Draw = Callable[[Explained], None]

_EVERY = 16
"""Images between two reports of progress."""


@dataclass(frozen=True)
class Outcome:
    """How an identification of many images ended.

    Attributes:
        n_rows: identifications, of images or specimens; `n_resumed` of them from an interrupted run.
        n_failed: rows with an image that could not be read.
        n_anew: rows that were made anew, since the file or the row of an image changed after the interruption.
        n_gone: rows from the interrupted run whose images are no longer among those given.
        n_not_a_taxon: rows that are of a class which is no taxon; an archive has none of them.
        n_uncropped: images that were used whole, as the specimen to which the model crops was not found.
        notes: what the user should know of the input and of what is published, in words.
        left_out: reason → number of files in folders and globs that are no images to identify.
        identifications: the rows, where they went to no file or stream.
    """

    n_rows: int
    n_resumed: int
    n_failed: int
    identifications: tuple[Identification, ...] = ()
    n_anew: int = 0
    n_gone: int = 0
    n_not_a_taxon: int = 0
    n_uncropped: int = 0
    notes: tuple[str, ...] = ()
    left_out: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """What is to be identified, and how.

    Attributes:
        unit: one identification per image, or per specimen.
        draw: given every image with its maps.
        spreadsheet: whether cells of CSV are written such that no spreadsheet program takes one for a formula.
    """

    identifier: Identifier
    inputs: Inputs
    unit: Unit = "image"
    draw: Draw | None = None
    spreadsheet: bool = False

    @property
    def agent(self) -> Agent:
        """Who identifies."""
        return self.identifier.agent

    def print(self, stream: TextIO, *, as_json: bool = False, report: ProgressCallback = ignore_progress) -> Outcome:
        """Write rows as they come: CSV, or lines of JSON."""
        ranks = self.identifier.record.ranks
        tally = _Tally(self.inputs.survey(), report)
        found = tally.count(distinct(self.identifier.stream(self.inputs, by=self.unit, draw=self.draw), set()))
        rows = (row_of(each, self.agent, ranks) for each in found)
        printed = _PRINTED | ({"catalogNumber"} if self.unit == "specimen" else set())
        named = [name for name in columns(ranks) if name in printed or name.startswith(ranks) or name in TERMS]
        if as_json:
            for row in rows:
                stream.write(json_line(row, named))
        else:
            write_csv_rows(rows, named, stream, spreadsheet=self.spreadsheet)
        return tally.outcome

    def collect(self, report: ProgressCallback = ignore_progress) -> Outcome:
        """Keep all identifications in memory."""
        tally = _Tally(self.inputs.survey(), report)
        found = tuple(tally.count(distinct(self.identifier.stream(self.inputs, by=self.unit, draw=self.draw), set())))
        return replace(tally.outcome, identifications=found)

    def write(
        self,
        out: str | Path,
        form: str = "table",
        archive: str | Path | None = None,
        about: Dataset | None = None,
        report: ProgressCallback = ignore_progress,
    ) -> Outcome:
        """Write a file that appears whole or not at all; after a kill the same call goes on where it stopped.

        Args:
            out: .csv, .parquet or .jsonl for a table, .jsonl for records, a .json file, or a folder for Camtrap DP.
            form: what it is, one of `FORMATS`.
            archive: a Darwin Core Archive to write as well.
            about: what the archive, or the Camtrap DP package, says of itself; otherwise the model's name.
            report: told now and then.

        Raises:
            DataError: if something is not there or cannot be written.
            ValueError: if there is no such form.
        """
        out, chosen, described = Path(out), format_named(form), about or _described(self.agent)
        chosen.require_suffix(out)
        if archive is not None:
            require_licence(described, Path(archive))
        tally = _Tally(self.inputs.survey(), report)
        journal = Journal.open(out, self._terms())
        changes = drop_changed(self.inputs, journal)
        known: set[bytes] = set()
        for each in journal:
            tally.add(each, resumed=True)
            known.add(digest(each.identification_id))
        rest = Remaining(self.inputs, journal)
        found = distinct(self.identifier.stream(rest, by=self.unit, draw=self.draw), known)
        for _ in tally.count(journal.extend(rest.with_states(found))):
            pass
        if archive is not None:
            write_archive(journal, self.agent, described, Path(archive))
        record, taxonomy = self.identifier.record, self.identifier.taxonomy
        chosen.write(Findings(journal, self.agent, taxonomy, record.ranks, described, self.spreadsheet), out)
        journal.remove()
        return replace(tally.outcome, n_anew=changes.n_anew, n_gone=changes.n_gone)

    def _terms(self) -> dict[str, object]:
        """What all lines of a journal have in common."""
        return {
            "mentum": version("mentum"),
            "model": self.identifier.record.seal,
            "unit": self.unit,
            "images": hashlib.sha256(os.fsencode("\n".join(self.inputs.names))).hexdigest(),
            "error_rate": self.identifier.error_rate,
            "false_rejection": self.identifier.false_rejection,
        }


def distinct(identifications: Iterable[Identification], known: set[bytes]) -> Iterator[Identification]:
    """Give identifications of the same image, in several rows or files, identifiers of their own.

    Args:
        identifications: the first of an image keeps its identifier.
        known: digests of the identifiers that are taken, 16 bytes each; it grows.
    """
    copies: Counter[str] = Counter()
    for each in identifications:
        own = each.identification_id
        while digest(own) in known:
            copies[each.identification_id] += 1
            own = uuid.uuid5(uuid.NAMESPACE_URL, f"{each.identification_id}#{copies[each.identification_id]}").urn
        known.add(digest(own))
        yield each if own == each.identification_id else each.model_copy(update={"identification_id": own})


_PRINTED = frozenset({"file_name", "status", "candidates", "novelty", "reason", "failure"})


def _described(agent: Agent) -> Dataset:
    return Dataset(
        title=f"Identifications by {agent.name}",
        creator=agent.name,
        description=f"Photographs identified by {agent.name}.",
    )


class _Tally:
    """Counts what is identified, and reports it now and then with images per second."""

    def __init__(self, survey: Survey, report: ProgressCallback) -> None:
        self._total, self._left_out, self._report = survey.n_images, survey.left_out, report
        self._rows = self._resumed = self._failed = self._images = self._resumed_images = self._not_a_taxon = 0
        self._uncropped = 0
        self._started = time.monotonic()

    def add(self, each: Identification, *, resumed: bool = False) -> None:
        """Count one."""
        self._rows += 1
        self._images += len(each.file_names)
        self._failed += each.failure is not None or each.status is Status.FAILED
        self._not_a_taxon += each.status is Status.NOT_A_TAXON
        self._uncropped += each.n_uncropped
        if resumed:
            self._resumed += 1
            self._resumed_images += len(each.file_names)

    def count(self, identifications: Iterable[Identification]) -> Iterator[Identification]:
        """Count them as they pass."""
        for each in identifications:
            self.add(each)
            if self._rows % _EVERY == 0 or self._images >= self._total:
                self._tell()
            yield each

    def _tell(self) -> None:
        speed = (self._images - self._resumed_images) / max(time.monotonic() - self._started, 1e-9)
        self._report(
            Progress(
                task="identifying", done=self._images, total=max(self._total, self._images), unit="images",
                figures={"images/s": speed},
            )
        )  # fmt: skip

    @property
    def outcome(self) -> Outcome:
        """The counts so far."""
        return Outcome(
            self._rows,
            self._resumed,
            self._failed,
            n_not_a_taxon=self._not_a_taxon,
            n_uncropped=self._uncropped,
            left_out=self._left_out,
        )
