"""Identifications as a table: CSV, Parquet or lines of JSON, one row per image or specimen."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from mentum.errors import DataError
from mentum.files import WRITING, whole
from mentum.identification.output.darwin_core import OCCURRENCE_TERMS, TERMS, Agent, darwin_core, occurrence_terms
from mentum.records import Identification
from mentum.taxonomy import Rank

if TYPE_CHECKING:
    import polars as pl

Row = dict[str, Any]


def columns(ranks: Sequence[Rank]) -> dict[str, type]:
    """Names and types of all columns, in order; ranks are those of the model, the highest comes first."""
    own: dict[str, type] = {"file_name": str, "status": str}
    terms = dict.fromkeys((*TERMS, *OCCURRENCE_TERMS), str)
    per_rank: dict[str, type] = {}
    for rank in sorted(ranks, key=lambda rank: rank.depth):
        per_rank |= {f"{rank}_name": str, f"{rank}_probability": float}
    last = {"candidates": str, "novelty": float, "reason": str, "failure": str}
    return own | terms | per_rank | last


def row_of(each: Identification, agent: Agent, ranks: Sequence[Rank]) -> Row:
    """All cells of an identification; None where there is nothing to say."""
    at = {found.rank: found for found in each.ranks}
    cells: Row = dict.fromkeys(columns(ranks))
    cells |= {term: value or None for term, value in (occurrence_terms(each) | darwin_core(each, agent)).items()}
    for rank in ranks:
        if rank in at:
            cells[f"{rank}_name"] = at[rank].scientific_name
            cells[f"{rank}_probability"] = at[rank].probability
    candidates = [f"{one.scientific_name} {one.probability:.4f}" for one in each.candidates]
    cells |= {
        "file_name": " | ".join(each.file_names),
        "status": each.status.value,
        "candidates": " | ".join(candidates) or None,
        "novelty": each.novelty,
        "reason": each.reason or None,
        "failure": each.failure,
    }
    return cells


def frame_of(identifications: Iterable[Identification], agent: Agent, ranks: Sequence[Rank]) -> pl.DataFrame:
    """A table of identifications, without columns that hold nothing."""
    import polars as pl  # takes longer to load than an image to identify

    schema = columns(ranks)
    frame = pl.DataFrame([row_of(each, agent, ranks) for each in identifications], schema=schema)
    empty = [name for name in OCCURRENCE_TERMS if frame[name].null_count() == len(frame)]
    return frame.drop(empty)


def write_table(
    identifications: Callable[[], Iterable[Identification]],
    agent: Agent,
    ranks: Sequence[Rank],
    out: Path,
    *,
    spreadsheet: bool = False,
) -> None:
    """Write a table in the format that the suffix names; it appears whole or not at all, and is never held in memory.

    Args:
        identifications: gives them from the start, as often as it is called.
        agent: who identified.
        ranks: of the model.
        out: a .csv, .parquet or .jsonl file.
        spreadsheet: write cells of CSV such that no spreadsheet program takes one for a formula.

    Raises:
        DataError: if the suffix is another one.
    """
    writer = _write_csv_for_spreadsheets if spreadsheet else _WRITERS[require_format(out)]
    used = {term for each in identifications() for term, value in occurrence_terms(each).items() if value}
    named = [name for name in columns(ranks) if name not in OCCURRENCE_TERMS or name in TERMS or name in used]
    try:
        with whole(out, WRITING) as beside:
            writer((row_of(each, agent, ranks) for each in identifications()), named, ranks, beside)
    except OSError as error:
        raise DataError(
            f"{out}: cannot be written ({error.strerror}); make room and give the same command again, nothing is lost."
        ) from error


def require_format(out: Path) -> str:
    """The suffix of a table, in lower case.

    Raises:
        DataError: if it is none that can be written.
    """
    suffix = out.suffix.lower()
    if suffix not in _WRITERS:
        raise DataError(
            f"{out}: found the suffix '{out.suffix}', expected one of {', '.join(_WRITERS)}; give --out one of these."
        )
    return suffix


def write_csv_rows(
    rows: Iterable[Mapping[str, Any]], named: Sequence[str], stream: TextIO, *, spreadsheet: bool = False
) -> None:
    """Write CSV with a header to an open file; probabilities to six digits."""
    cell = _cell_of_spreadsheet if spreadsheet else _text
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(named)
    writer.writerows([cell(row[name]) for name in named] for row in rows)


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What spreadsheet programs take for the beginning of a formula, in full width too."""


def _cell_of_spreadsheet(cell: object) -> str:
    """A cell in which no spreadsheet program sees a formula: an apostrophe before it makes it a text."""
    text = _text(cell)
    is_formula = isinstance(cell, str) and text.lstrip(" ").startswith(_FORMULA)
    return f"'{text}" if is_formula else text


def _text(cell: object) -> str:
    if cell is None:
        return ""
    return f"{cell:.6f}" if isinstance(cell, float) else str(cell)


def _write_csv(rows: Iterable[Row], named: Sequence[str], ranks: Sequence[Rank], file: Path) -> None:
    del ranks
    with file.open("w", encoding="utf-8", newline="") as stream:
        write_csv_rows(rows, named, stream)


def _write_csv_for_spreadsheets(rows: Iterable[Row], named: Sequence[str], ranks: Sequence[Rank], file: Path) -> None:
    del ranks
    with file.open("w", encoding="utf-8", newline="") as stream:
        write_csv_rows(rows, named, stream, spreadsheet=True)


def _write_jsonl(rows: Iterable[Row], named: Sequence[str], ranks: Sequence[Rank], file: Path) -> None:
    del ranks
    with file.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(json_line(row, named) for row in rows)


def json_line(row: Mapping[str, Any], named: Sequence[str]) -> str:
    """A row as one line of JSON."""
    return json.dumps({name: row[name] for name in named}, ensure_ascii=False) + "\n"


def _write_parquet(rows: Iterator[Row], named: Sequence[str], ranks: Sequence[Rank], file: Path) -> None:
    import polars as pl

    lines = file.with_name(file.name + ".jsonl")
    schema = {name: pl.Float64 if kind is float else pl.String for name, kind in columns(ranks).items()}
    try:
        _write_jsonl(rows, named, ranks, lines)
        if lines.stat().st_size:
            frame = pl.scan_ndjson(lines, schema={name: schema[name] for name in named})
            frame.sink_parquet(file)
        else:
            pl.DataFrame(schema={name: schema[name] for name in named}).write_parquet(file)
    finally:
        lines.unlink(missing_ok=True)


_WRITERS: Mapping[str, Callable[..., None]] = {".csv": _write_csv, ".parquet": _write_parquet, ".jsonl": _write_jsonl}

TABLE_SUFFIXES: tuple[str, ...] = tuple(_WRITERS)
"""Of the tables that can be written."""
