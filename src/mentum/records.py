"""Frozen results, which go to JSON and come back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from html import escape
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from mentum.files import write_text
from mentum.stored import read_bytes, read_json
from mentum.taxonomy import Rank, name_spans
from mentum.texts import printable


class Record(BaseModel):
    """A frozen result with JSON both ways."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def write(self, path: Path) -> None:
        """Write the record as indented JSON; the file appears whole or not at all."""
        write_text(self.model_dump_json(indent=2) + "\n", path)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a record back.

        Raises:
            OSError: if there is no regular file.
            ValueError: if it holds no such record.
        """
        return cls.of_json(read_bytes(path))

    @classmethod
    def of_json(cls, content: bytes) -> Self:
        """Read a record from its JSON, in which every number is one.

        Raises:
            ValueError: if it is no such record.
        """
        content.decode("utf-8")
        read_json(content)
        return cls.model_validate_json(content, strict=True)


N_SHOWN = 3
"""Names of files that are shown of many."""


def table_html(rows: Mapping[str, str | Sequence[tuple[str, bool]]]) -> str:
    """A small table for a notebook, without rows that say nothing; every text is escaped.

    Args:
        rows: heading → a text, or its pieces, each with whether it is italic.

    >>> table_html({"Name": [("Orthocladius", True), (" <sp. 1>", False)], "Status": ""})
    '<table><tr><th align="left">Name</th><td align="left"><i>Orthocladius</i> &lt;sp. 1&gt;</td></tr></table>'
    """
    lines = []
    for heading, said in rows.items():
        pieces = [(said, False)] if isinstance(said, str) else said
        cell = "".join(f"<i>{escape(text)}</i>" if italic else escape(text) for text, italic in pieces)
        if cell:
            lines.append(f'<tr><th align="left">{escape(heading)}</th><td align="left">{cell}</td></tr>')
    return f"<table>{''.join(lines)}</table>"


def in_words(probability: float) -> str:
    """Two decimals, which may not round to certainty.

    >>> in_words(0.934), in_words(0.9987), in_words(0.001)
    ('0.93', 'more than 0.99', 'less than 0.01')
    """
    if 0.995 <= probability < 1:
        return "more than 0.99"
    return "less than 0.01" if 0 < probability < 0.005 else f"{probability:.2f}"


class Severity(StrEnum):
    """How bad a fault is: a warning lets training go on, an error does not."""

    WARNING = "warning"
    ERROR = "error"


class Fault(Record):
    """One thing that is wrong with a user's material.

    Attributes:
        code: short fixed word for programs, such as `unreadable-image`.
        where: the file, row, specimen or taxon.
        message: what was found, what was expected, what to do.
    """

    severity: Severity
    code: str
    where: str
    message: str


def error(code: str, where: str, message: str) -> Fault:
    """A fault that stops a training; invisible characters of the user's names are spelt out."""
    return Fault(severity=Severity.ERROR, code=code, where=printable(where), message=printable(message))


def warning(code: str, where: str, message: str) -> Fault:
    """A fault that a training can go on with; invisible characters of the user's names are spelt out."""
    return Fault(severity=Severity.WARNING, code=code, where=printable(where), message=printable(message))


class TaxonCount(Record):
    """Images and specimens of one taxon at its own rank."""

    scientific_name: str
    rank: Rank
    n_images: int
    n_specimens: int


class SpecimenSize(Record):
    """How large specimens are in their pictures, as found by their colour.

    Attributes:
        share: median share of the picture, 0-1, over the pictures in which one was found.
        n_images: pictures looked at, spread evenly over the data set; `n_found` of them with a specimen.
    """

    share: float
    n_images: int
    n_found: int


class CheckReport(Record):
    """What `mentum check` found.

    Attributes:
        taxa_per_rank: number of taxa at each rank that can be reported, lowest rank first.
        sizes: image size "width x height" → number of images, most frequent first.
        layout: how the source was read: what each level of folders means, with an example, or the table.
        left_out: reason → number of files that are not used.
        imbalance: images of the largest taxon over images of the one with fewest.
        assumed: what reading the table assumed, in words.
        specimen_size: None where none was found.
    """

    data: str
    n_images: int
    n_specimens: int
    taxa_per_rank: dict[Rank, int]
    taxa: tuple[TaxonCount, ...]
    sizes: dict[str, int]
    modes: dict[str, int]
    imbalance: float
    faults: tuple[Fault, ...]
    layout: str = ""
    left_out: dict[str, int] = Field(default_factory=dict)
    assumed: tuple[str, ...] = ()
    specimen_size: SpecimenSize | None = None

    @property
    def exit_code(self) -> int:
        """0 clean, 1 warnings, 2 errors."""
        severities = {fault.severity for fault in self.faults}
        return 2 if Severity.ERROR in severities else int(Severity.WARNING in severities)


class Progress(Record):
    """One step of a long job, given to the caller's callback.

    Attributes:
        task: what is being done, in words, such as "stage 1, features".
        figures: current values such as loss, accuracy, rate.
    """

    task: str
    done: int
    total: int
    unit: str
    figures: dict[str, float] = Field(default_factory=dict)


class Notice(Progress):
    """What the user should know while a job runs, such as that a cache was damaged; `task` says it in words."""

    done: int = 1
    total: int = 1
    unit: str = "notice"


ProgressCallback = Callable[[Progress], None]


def ignore_progress(_: Progress) -> None:
    """The callback of a caller who does not look."""


class Interval(Record):
    """A 95 % interval of a score, and how it was made.

    Attributes:
        method: "bootstrap over specimens", or "Wilson" where each specimen has one image, or where all have the same
            share right (n is then the number of specimens).
    """

    low: float
    high: float
    method: Literal["bootstrap over specimens", "Wilson"]

    @property
    def no_spread(self) -> bool:
        """Whether every draw of specimens gave the same score, so that the ends meet."""
        return self.low == self.high


class RankIdentification(Record):
    """The most probable taxon at one rank, with its calibrated probability.

    Attributes:
        rank: the rank asked for; a taxon that is not named so far down stands for itself.
    """

    rank: Rank
    scientific_name: str
    probability: float


class Candidate(Record):
    """One of the lowest taxa that a specimen may be, with its calibrated probability."""

    scientific_name: str
    taxon_rank: Rank
    probability: float


class Status(StrEnum):
    """What became of an identification.

    "identified": down to a taxon of the training set; "higher rank": to a taxon above those; "undetermined": no rank
    can be defended; "unknown": unlike the training set; "not a taxon": one of the classes that are none, such as
    debris; "failed": no image could be read.
    """

    IDENTIFIED = "identified"
    HIGHER_RANK = "higher rank"
    UNDETERMINED = "undetermined"
    UNKNOWN = "unknown"
    NOT_A_TAXON = "not a taxon"
    FAILED = "failed"


class Identification(Record):
    """What one image, or one specimen with several, was identified as.

    Attributes:
        identification_id: a URN, the same for the same images and the same model.
        file_names: the images, as given.
        specimen: catalogue number or the like, where the user named it.
        occurrence: Darwin Core terms that the user's table gave of the specimen, such as eventDate, as written there.
        media: where others find each of the images, as the user's table says; () where it does not.
        scientific_name: of the lowest taxon that can be defended; None where there is none.
        verbatim_identification: the label of that taxon as in the training set, where it is one of its lowest taxa; or
            of the class that is no taxon.
        lineage: name at each known rank down to that taxon.
        ranks: the most probable taxon at every rank, lowest first, whether or not it can be defended.
        candidates: the most probable of the lowest taxa, at most five.
        novelty: how many of 100 specimens of the known taxa look less strange, as a share, 0-1; None where the model
            cannot tell.
        reason: why the answer stops at this rank, in words.
        failure: why images could not be read, in words.
        n_uncropped: images that a model which crops to the specimen used whole, as it was not found.
    """

    identification_id: str
    file_names: tuple[str, ...]
    specimen: str | None = None
    occurrence: dict[str, str] = Field(default_factory=dict)
    media: tuple[str, ...] = ()
    status: Status
    scientific_name: str | None = None
    taxon_rank: Rank | None = None
    verbatim_identification: str | None = None
    lineage: dict[Rank, str] = Field(default_factory=dict)
    ranks: tuple[RankIdentification, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    novelty: float | None = None
    reason: str = ""
    failure: str | None = None
    n_uncropped: int = Field(default=0, exclude_if=lambda n: n == 0)
    date_identified: datetime

    @property
    def is_named(self) -> bool:
        """Whether a name is defended, at whatever rank."""
        return bool(self.scientific_name) and self.status in {Status.IDENTIFIED, Status.HIGHER_RANK}

    @property
    def probability(self) -> float | None:
        """Calibrated probability of the name that is defended; None where there is no such name."""
        if not self.is_named:
            return None
        # A taxon may stand for itself at the ranks below its own: its own rank comes first.
        at_ranks = sorted(self.ranks, key=lambda each: each.rank is not self.taxon_rank)
        same = [each.probability for each in at_ranks if each.scientific_name == self.scientific_name]
        same += [each.probability for each in self.candidates if each.scientific_name == self.scientific_name]
        return same[0] if same else None

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        name, rank, probability = self.scientific_name or "", self.taxon_rank, self.probability
        spans = name_spans(name, rank) if rank else [(name, False)]
        more = len(self.file_names) - N_SHOWN
        return table_html(
            {
                "Name": spans if self.is_named else "none defended",
                "Rank": rank.value if rank and self.is_named else "",
                "Probability": "" if probability is None else in_words(probability),
                "Status": self.status.value,
                "Reason": self.reason,
                "Failure": self.failure or "",
                "Specimen": self.specimen or "",
                "Images": ", ".join(self.file_names[:N_SHOWN]) + (f" and {more} more" if more > 0 else ""),
            }
        )
