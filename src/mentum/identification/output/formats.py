"""The formats of an identification's output: a format is one file in this folder and one line in `FORMATS`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mentum.errors import DataError
from mentum.identification.output.camtrap_dp import write_camtrap_dp
from mentum.identification.output.darwin_core import Agent
from mentum.identification.output.dataset import Dataset
from mentum.identification.output.megadetector import write_megadetector
from mentum.identification.output.records import write_records
from mentum.identification.output.tables import TABLE_SUFFIXES, write_table
from mentum.records import Identification
from mentum.taxonomy import Rank, Taxonomy


@dataclass(frozen=True)
class Findings:
    """What a format may write: identifications, and what they have in common.

    Attributes:
        identifications: they can be gone through several times, and need not fit into memory.
        agent: who identified.
        taxonomy: of the model.
        ranks: at which the model answers.
        about: what the data set is about.
        spreadsheet: whether cells of CSV are written such that no spreadsheet program takes one for a formula.
    """

    identifications: Iterable[Identification]
    agent: Agent
    taxonomy: Taxonomy
    ranks: tuple[Rank, ...]
    about: Dataset
    spreadsheet: bool = False

    def __iter__(self) -> Iterator[Identification]:
        """All identifications, from the first one."""
        return iter(self.identifications)


@dataclass(frozen=True)
class Format:
    """One form that an output may have.

    Attributes:
        write: given the findings and the place; what it writes appears whole or not at all.
        suffixes: those that the place may have; none = any.
    """

    write: Callable[[Findings, Path], None]
    suffixes: tuple[str, ...] = ()

    def require_suffix(self, out: Path) -> None:
        """Refuse a place that this format cannot have, before any work.

        Raises:
            DataError: if its suffix is another one.
        """
        if self.suffixes and out.suffix.lower() not in self.suffixes:
            expected = ("one of " if len(self.suffixes) > 1 else "") + ", ".join(self.suffixes)
            raise DataError(f"{out}: found the suffix '{out.suffix}', expected {expected}; give --out one of these.")


def _write_table(found: Findings, out: Path) -> None:
    write_table(lambda: found, found.agent, found.ranks, out, spreadsheet=found.spreadsheet)


FORMATS: dict[str, Format] = {
    "table": Format(_write_table, TABLE_SUFFIXES),
    "megadetector-json": Format(lambda found, out: write_megadetector(found, found.agent, found.taxonomy.leaves, out)),
    "camtrap-dp": Format(lambda found, out: write_camtrap_dp(found, found.agent, found.about, out)),
    "records": Format(lambda found, out: write_records(found, out), (".jsonl",)),
}
"""Name, as in `mentum identify --format`, → how it is written."""


def format_named(name: str) -> Format:
    """The format of that name.

    Raises:
        ValueError: if there is none.
    """
    if name not in FORMATS:
        raise ValueError(f"{name!r} is not one of {', '.join(map(repr, FORMATS))}.")
    return FORMATS[name]
