"""The section that sets the run, or its cross-validation, beside others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from mentum.evaluation.cross_validation import CrossValidation
from mentum.evaluation.notes import enumerate_words
from mentum.evaluation.run_comparison import RankComparison, RunComparison, compare_folders
from mentum.reporting.report.rendering import render_file
from mentum.reporting.report.studies import OWN_FOLDERS, VALIDATION, Found, Studies
from mentum.runs import Run
from mentum.studies import STUDY_FILE, read_study
from mentum.taxonomy import Rank

if TYPE_CHECKING:
    from mentum.reporting.report.known import Known


@dataclass(frozen=True)
class ShownComparison:
    """Two identifiers.

    Attributes:
        one: "this training" or "this cross-validation", then with its `design`.
        other: the other's name.
        verdict: which is better, in sentences.
        units: what p counts, such as "specimen".
        notes: what a reader must know.
        command: that made the other.
    """

    one: str
    design: str | None
    other: str
    verdict: str
    ranks: tuple[RankComparison, ...]
    units: str
    notes: tuple[str, ...]
    command: str


def show(known: Known) -> Markup:
    """Who has what right, and whether the difference is more than chance."""
    return render_file("comparisons.html", comparisons=known.comparisons)


def compare_all(run: Run, studies: Studies, others: Sequence[Path]) -> list[ShownComparison]:
    """Compare the run with each of the others; where both sides have a cross-validation, these are compared.

    Raises:
        RunError: if one of the others is neither a run nor a cross-validation, or has no image in common.
    """
    return [_show(run, studies, other) for other in others]


def _show(run: Run, studies: Studies, other: Path) -> ShownComparison:
    matching = _same_design(studies, other) if (other / VALIDATION).is_file() else None
    found = compare_folders(matching.folder if matching else run.path, other)
    one, name = "this cross-validation" if matching else "this training", _name(other, run)
    return ShownComparison(
        one=one,
        design=matching.record.design if matching else None,
        other=name,
        verdict=" ".join(_verdict(found, one, name)),
        ranks=found.ranks,
        units=" and ".join(sorted({row.comparison.unit for row in found.ranks})),
        notes=tuple(_notes(found, one, name)),
        command=_command(other),
    )


def _same_design(studies: Studies, other: Path) -> Found[CrossValidation] | None:
    """The report's cross-validation that keeps specimens apart as the other does, else its first, but never itself."""
    design = read_study(other).design
    apart = [each for each in studies.cross_validations if each.folder.resolve() != other.resolve()]
    same = [each for each in apart if each.record.design == design]
    return next(iter([*same, *apart]), None)


def _name(folder: Path, run: Run) -> str:
    """Of the folder, with that above it where the run's own folder is called likewise."""
    whole, own = folder.resolve(), (run.path.resolve().name, *OWN_FOLDERS)
    return f"\u201c{whole.parent.name}/{whole.name}\u201d" if whole.name in own else f"\u201c{whole.name}\u201d"


def _verdict(found: RunComparison, one: str, other: str) -> Iterator[str]:
    by_winner: dict[str | None, list[Rank]] = {}
    for row in found.ranks:
        by_winner.setdefault(row.better, []).append(row.rank)
    for winner, name in (("a", one), ("b", other)):
        if ranks := by_winner.get(winner):
            yield f"At {enumerate_words(ranks)} rank, {name} is better."
    if ranks := by_winner.get(None):
        yield (
            f"At {enumerate_words(ranks)} rank no difference could be shown, which does not prove that there is none."
        )


def _notes(found: RunComparison, one: str, other: str) -> Iterator[str]:
    """The notes of the comparison with names for letters."""
    for note in found.notes:
        letter, _, text = note.partition(": ")
        name = {"a": one[0].upper() + one[1:], "b": other}.get(letter)
        yield f"{name}: {text}" if name else note


def _command(folder: Path) -> str:
    """That made the folder."""
    if (folder / STUDY_FILE).is_file():
        return read_study(folder).command
    return Run(folder).record().command or "started from Python"
