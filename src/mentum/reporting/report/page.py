"""The report: one HTML file with all that a run's folder says, to read, to print and to send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mentum.errors import RunError
from mentum.evaluation.results import CalibrationReport, Evaluation, ResultRow, UnknownTaxa
from mentum.evaluation.scores import METRICS, other_metrics
from mentum.explanation.results import BACKGROUND, NONE, UNASSIGNED, CharacterShare, Explanation
from mentum.explanation.tables import shares_of_correct
from mentum.files import write_text
from mentum.records import Record
from mentum.reporting.figures.style import name_spans
from mentum.reporting.report import figures, sections
from mentum.reporting.report.audit import shortcut_sentence, show_audit
from mentum.reporting.report.comparisons import ShownComparison, compare_all
from mentum.reporting.report.photographs import Photographs
from mentum.reporting.report.pictures import make_galleries
from mentum.reporting.report.studies import Studies, find_studies, read_record, unlike
from mentum.reporting.report.validation import curve_sentences, show_validation, validation_sentences
from mentum.runs import STAGES, Run, RunRecord, StageRecord
from mentum.taxonomy import Rank

if TYPE_CHECKING:
    from jinja2 import Environment

AnyRecord = TypeVar("AnyRecord", bound=Record)


def write_report(
    run: Run,
    out: Path | None = None,
    images: Path | None = None,
    studies: Sequence[Path] = (),
    others: Sequence[Path] = (),
) -> Path:
    """Write a run's report: one HTML file that needs no other file, no script and no network.

    The same folders give the same bytes, under the same version of Mentum. Figures without files are drawn into the
    `figures` of the folder that they belong to.

    Args:
        run: a complete run that was evaluated.
        out: the file; `report.html` in the run's folder unless given.
        images: folder or table that the run was trained on, where it has moved.
        studies: folders of cross-validations, of a learning curve or of an audit, beside those in the run's folder.
        others: folders of runs or cross-validations to compare with.

    Returns:
        The file, which appears whole or not at all.

    Raises:
        RunError: if the run was not evaluated, a file of it is damaged, a study is of other images, or nothing can be
            compared.
    """
    out = out or run.path / "report.html"
    if not run.evaluation_file.is_file():
        raise RunError(
            f"{run.path}: found no evaluation.json, from which a report is made; run `mentum evaluate RUN` first."
        )
    html = _environment().get_template("report.html").render(_content(run, images, studies, others))
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(html, out)
    return out


def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    templates = resources.files("mentum.reporting.report") / "templates"
    environment = Environment(
        loader=FunctionLoader(lambda name: (templates / name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for filter_ in (
        sections.percent, sections.bounds, sections.rate, sections.number_of, sections.points, sections.p_value
    ):  # fmt: skip
        environment.filters[filter_.__name__] = filter_
    environment.globals |= {"name_spans": name_spans, "metrics": METRICS, "other_metrics": other_metrics}
    return environment


def _content(run: Run, images: Path | None, given: Sequence[Path], others: Sequence[Path]) -> dict[str, Any]:
    """All that the templates show."""
    studies = find_studies(run, given)
    evaluation = read_record(run.evaluation_file, Evaluation, "mentum evaluate")
    calibration = _read_if_there(run.calibration_file, CalibrationReport, "mentum evaluate")
    comparisons = compare_all(run, studies, others)
    photographs = Photographs.find(run, images)
    figures.draw_missing(run, evaluation, calibration, studies)
    return {
        **_of_run(run, evaluation, calibration, photographs),
        **_of_studies(studies, run.record(), photographs),
        "comparisons": comparisons,
        "summary": _summary(evaluation, calibration, studies),
        "provenance": sections.provenance(run.record()) | _origins(studies, comparisons),
    }


def _of_run(
    run: Run, evaluation: Evaluation, calibration: CalibrationReport | None, photographs: Photographs
) -> dict[str, Any]:
    """What the run's own folder tells."""
    record, taxonomy = run.record(), run.taxonomy()
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
        "headline": rows,
        "network": sections.network_name(rows[0].stage) if rows else "",
        "stage_rows": _stage_rows(evaluation),
        "confusions": figures.confusions(run, evaluation),
        "taxon_tables": _taxon_tables(evaluation),
        "defended": sections.defended_tables(calibration) if calibration else (),
        "calibration_figures": figures.calibration_figures(run),
        "character_figures": figures.character_figures(run, explanation),
        "character_rows": _character_rows(explanation),
        "galleries": make_galleries(run, rows[0].subset, temperatures, photographs) if rows else None,
        "notes": _notes(record, calibration, explanation),
        "stages": [(_stage_name(each), each, _what_chose(each)) for each in record.stages],
        "settings": sections.settings_table(record),
    }


def _of_studies(studies: Studies, record: RunRecord, photographs: Photographs) -> dict[str, Any]:
    """What cross-validations, the learning curve and the audit tell."""
    curve, audit = studies.curve, studies.audit
    return {
        "validations": [show_validation(each, record.settings) for each in studies.cross_validations],
        "curve": curve.record if curve else None,
        "curve_sentences": curve_sentences(curve.record) if curve else (),
        "curve_unlike": unlike(curve.study, record.settings) if curve else None,
        "audit": show_audit(audit.record, photographs) if audit else None,
        "photographs_missing": photographs.missing,
        "figures": figures.study_figures(studies),
        "study_files": [(each.name, each.file) for each in studies.every],
    }


def _summary(evaluation: Evaluation, calibration: CalibrationReport | None, studies: Studies) -> list[str]:
    """Some sentences for a reader with little time."""
    accuracy, *defence = sections.summary(evaluation, calibration)
    shortcut = shortcut_sentence(studies.audit.record) if studies.audit else None
    return [accuracy, *validation_sentences(studies.cross_validations), *defence, *([shortcut] if shortcut else [])]


def _origins(studies: Studies, comparisons: Sequence[ShownComparison]) -> dict[str, sections.Pairs]:
    """Where studies and what was compared come from."""
    origins = [(each.name, f"{each.study.command} (Mentum {each.study.mentum})") for each in studies.every]
    origins += [(f"compared: {each.other}", each.command) for each in comparisons]
    return {"Studies and comparisons": origins} if origins else {}


def _read_if_there(file: Path, kind: type[AnyRecord], command: str) -> AnyRecord | None:
    return read_record(file, kind, command) if file.is_file() else None


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
    if stage.best_epoch == 0:
        return "lowest validation loss, that of stage 1"
    judged = all(epoch.validation_loss is not None for epoch in stage.epochs)
    return "lowest validation loss" if judged else "the last one, there were no validation images"


def _stage_name(stage: StageRecord) -> str:
    """As in the table."""
    return STAGES[stage.stage]
