"""The report: one HTML file with all that a run's folder says, to read, to print and to send."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pydantic import ValidationError

from mentum.errors import RunError
from mentum.evaluation.results import CalibrationReport, UnknownTaxa
from mentum.explanation.results import BACKGROUND, NONE, UNASSIGNED, CharacterShare, Explanation
from mentum.explanation.tables import shares_of_correct
from mentum.records import Confusion, Evaluation, Record, ResultRow, write_text
from mentum.reporting import report_sections as sections
from mentum.reporting.figures import DRAWN_SUBSETS
from mentum.reporting.report_pictures import embed_figure, make_galleries
from mentum.reporting.style import name_spans
from mentum.runs import STAGES, Run, RunRecord, StageRecord
from mentum.taxonomy import Rank

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

AnyRecord = TypeVar("AnyRecord", bound=Record)


class Figure(NamedTuple):
    """A figure of the run: its file, what it shows, and the drawing itself where the file is there."""

    file: str
    label: str
    drawing: Markup | None


def write_report(run: Run, out: Path | None = None, images: Path | None = None) -> Path:
    """Write a run's report: one HTML file that needs no other file, no script and no network.

    The same run folder gives the same bytes, under the same version of Mentum.

    Args:
        run: a complete run that was evaluated.
        out: the file; `report.html` in the run's folder unless given.
        images: folder or table that the run was trained on, where it has moved.

    Returns:
        The file, which appears whole or not at all.

    Raises:
        RunError: if the run was not evaluated, or a file of it is damaged.
    """
    out = out or run.path / "report.html"
    if not run.evaluation_file.is_file():
        raise RunError(
            f"{run.path}: found no evaluation.json, from which a report is made; run `mentum evaluate RUN` first."
        )
    html = _environment().get_template("report.html").render(_content(run, images))
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(html, out)
    return out


def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    templates = resources.files("mentum.reporting") / "templates"
    environment = Environment(
        loader=FunctionLoader(lambda name: (templates / name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for filter_ in (sections.percent, sections.bounds, sections.rate, sections.number_of):
        environment.filters[filter_.__name__] = filter_
    environment.globals["name_spans"] = name_spans
    return environment


def _content(run: Run, images: Path | None) -> dict[str, Any]:
    """All that the template shows."""
    record, taxonomy = run.record(), run.taxonomy()
    evaluation = _read(run.evaluation_file, Evaluation, "mentum evaluate")
    calibration = _read_if_there(run.calibration_file, CalibrationReport, "mentum evaluate")
    explanation = _read_if_there(run.characters_file, Explanation, "mentum explain")
    rows = sections.headline(evaluation)
    temperatures = calibration.temperatures if calibration else {}
    return {
        "record": record,
        "evaluation": evaluation,
        "calibration": calibration,
        "explanation": explanation,
        "unknowns": _read_if_there(run.novelty_file, UnknownTaxa, "mentum evaluate --novelty"),
        "title": _name_of_data(record),
        "facts": sections.title_block(record, taxonomy),
        "summary": sections.summary(evaluation, calibration),
        "headline": rows,
        "network": sections.network_name(rows[0].stage) if rows else "",
        "stage_rows": _stage_rows(evaluation),
        "confusions": _confusions(run, evaluation),
        "taxon_tables": _taxon_tables(evaluation),
        "defended": sections.defended_tables(calibration) if calibration else (),
        "calibration_figures": [_figure(run, name, label) for name, label in _CALIBRATION.items()],
        "character_figures": _character_figures(run, explanation),
        "character_rows": _character_rows(explanation),
        "galleries": make_galleries(run, rows[0].subset, temperatures, images) if rows else None,
        "notes": _notes(record, calibration, explanation),
        "stages": [(_stage_name(each), each, _what_chose(each)) for each in record.stages],
        "provenance": sections.provenance(record),
        "settings": sections.settings_table(record),
    }


_CALIBRATION = {
    "reliability": "Reliability diagrams: share identified correctly against probability, as trained and calibrated",
    "risk_coverage": "Share of wrong answers against the share of specimens answered",
}
"""Figure → what it shows."""


def _read(file: Path, kind: type[AnyRecord], command: str) -> AnyRecord:
    try:
        return kind.read(file)
    except (ValidationError, UnicodeDecodeError) as error:
        raise RunError(f"{file}: not readable by this version of Mentum; run `{command}` again.") from error


def _read_if_there(file: Path, kind: type[AnyRecord], command: str) -> AnyRecord | None:
    return _read(file, kind, command) if file.is_file() else None


def _figure(run: Run, name: str, label: str) -> Figure:
    return Figure(f"{name}.svg", label, embed_figure(run.path / "figures" / f"{name}.svg", name, label))


@dataclass(frozen=True)
class _Matrix:
    """A confusion matrix and how often it is off its diagonal."""

    rank: Rank
    n_images: int
    n_misclassified: int
    figure: Figure


def _confusions(run: Run, evaluation: Evaluation) -> dict[tuple[str, str], list[_Matrix]]:
    """The matrices of held-out images by stage, the last one first, and subset."""
    drawn = [each for each in evaluation.confusions if each.subset in DRAWN_SUBSETS]
    last = evaluation.table[-1].stage if evaluation.table else ""
    found: dict[tuple[str, str], list[_Matrix]] = {}
    for each in sorted(drawn, key=lambda each: (each.stage != last, each.subset != "test")):
        found.setdefault((each.stage, each.subset), []).append(_matrix(run, each))
    return found


def _matrix(run: Run, confusion: Confusion) -> _Matrix:
    name = f"confusion_{confusion.stage.replace(' ', '-')}_{confusion.rank}_{confusion.subset}"
    label = f"Confusion matrix, {confusion.stage}, {confusion.rank} rank, {confusion.subset} images"
    n = sum(map(sum, confusion.counts))
    right = sum(row[place] for place, row in enumerate(confusion.counts))
    return _Matrix(confusion.rank, n, n - right, _figure(run, name, label))


@dataclass(frozen=True)
class _TaxonLine:
    """One taxon at one rank; None where a score is undefined."""

    name: str
    own_rank: Rank
    n_images: int
    precision: float | None
    recall: float | None
    f1: float | None


def _taxon_tables(evaluation: Evaluation) -> dict[Rank, list[_TaxonLine]]:
    """Scores of every taxon by rank, of the headline's images."""
    tables: dict[Rank, list[_TaxonLine]] = {}
    for row in sections.headline(evaluation):
        key = (row.stage, row.rank, row.subset)
        confusion = next(each for each in evaluation.confusions if (each.stage, each.rank, each.subset) == key)
        given = [sum(column) for column in zip(*confusion.counts, strict=True)]
        scores = [each for each in evaluation.taxa if (each.stage, each.rank, each.subset) == key]
        tables[row.rank] = [
            _TaxonLine(
                name=score.scientific_name,
                own_rank=own,
                n_images=score.n_images,
                precision=score.precision if answers else None,
                recall=score.recall if score.n_images else None,
                f1=score.f1 if answers or score.n_images else None,
            )
            for score, own, answers in zip(scores, confusion.label_ranks, given, strict=True)
        ]
    return tables


def _character_figures(run: Run, explanation: Explanation | None) -> list[Figure]:
    if explanation is None:
        return []
    ranks = dict.fromkeys(share.rank for share in explanation.shares)
    by_taxon = [_figure(run, f"characters_by_taxon_{rank}", f"Characters used by taxon, {rank} rank") for rank in ranks]
    return [_figure(run, "character_shares", "Share of images in which each character was used"), *by_taxon]


def _character_rows(explanation: Explanation | None) -> dict[Rank, list[CharacterShare]]:
    """Shares of the correct identifications by rank, most used first, then what is no character."""
    rows: dict[Rank, list[CharacterShare]] = {}
    for share in shares_of_correct(explanation) if explanation else ():
        rows.setdefault(share.rank, []).append(share)
    others = (NONE, UNASSIGNED, BACKGROUND)
    return {
        rank: sorted(shares, key=lambda share: (share.character in others, -share.used))
        for rank, shares in rows.items()
    }


def _notes(
    record: RunRecord, calibration: CalibrationReport | None, explanation: Explanation | None
) -> list[tuple[str, tuple[str, ...]]]:
    """What else was said, in the words of the commands; the notes on accuracies stand beneath their table."""
    said = [
        ("On the data", record.data.warnings),
        ("On probabilities and ranks", calibration.notes if calibration else ()),
        ("On characters", explanation.warnings if explanation else ()),
    ]
    return [(heading, texts) for heading, texts in said if texts]


def _name_of_data(record: RunRecord) -> str:
    """The folder or table that was trained on, without the way there."""
    return Path(record.data.source).name or record.data.source


def _stage_rows(evaluation: Evaluation) -> list[tuple[str, list[ResultRow]]]:
    """The paper's table, by stage."""
    return [(stage, list(rows)) for stage, rows in groupby(evaluation.table, key=lambda row: row.stage)]


def _what_chose(stage: StageRecord) -> str:
    """Which epoch's weights were kept, and why that one."""
    if stage.stage == "stage1":
        return "the last one, nothing was chosen"
    judged = all(epoch.validation_loss is not None for epoch in stage.epochs)
    return "lowest validation loss" if judged else "the last one, there were no validation images"


def _stage_name(stage: StageRecord) -> str:
    """As in the table."""
    return STAGES[stage.stage]
