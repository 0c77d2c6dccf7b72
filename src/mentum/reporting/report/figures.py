"""Figures of a report: those without files are drawn first, so that each is there as SVG and PNG too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mentum.evaluation.results import CalibrationReport, Confusion, Evaluation
from mentum.explanation.results import Explanation
from mentum.reporting.figures.calibration import draw_calibration
from mentum.reporting.figures.confusions import DRAWN_SUBSETS, confusion_stem, draw_confusions
from mentum.reporting.figures.learning_curve import draw_learning_curve
from mentum.reporting.figures.shortcuts import SHORTCUTS, draw_shortcuts
from mentum.reporting.report.pictures import embed_figure
from mentum.reporting.report.studies import Studies
from mentum.runs import Run
from mentum.taxonomy import Rank

if TYPE_CHECKING:
    from markupsafe import Markup

CALIBRATION = {
    "reliability": "Reliability diagrams: share identified correctly against probability, as trained and calibrated",
    "risk_coverage": "Share of wrong answers against the share of specimens answered",
}
"""Figure → what it shows."""

CURVE = "learning_curve"


class Figure(NamedTuple):
    """A figure: its file, what it shows, and the drawing itself where the file is there."""

    file: str
    label: str
    drawing: Markup | None


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix and how often it is off its diagonal."""

    rank: Rank
    n_images: int
    n_misclassified: int
    figure: Figure


def draw_missing(run: Run, evaluation: Evaluation, calibration: CalibrationReport | None, studies: Studies) -> None:
    """Draw the figures that are not there as SVG and PNG, each into the `figures` of the folder that it belongs to.

    That of the shortcuts is drawn each time, as one on disk may be of an earlier audit.
    """
    folder = run.path / "figures"
    missing = [each for each in _drawn(evaluation) if not _is_there(folder / confusion_stem(each))]
    if missing:
        draw_confusions(evaluation.model_copy(update={"confusions": tuple(missing)}), folder)
    if calibration and not all(_is_there(folder / name) for name in CALIBRATION):
        draw_calibration(calibration, folder)
    if studies.curve and not _is_there(studies.curve.folder / "figures" / CURVE):
        draw_learning_curve(studies.curve.record, studies.curve.folder / "figures")
    if studies.audit and studies.audit.record.shortcuts:
        draw_shortcuts(studies.audit.record.shortcuts, studies.audit.folder / "figures")


def _is_there(stem: Path) -> bool:
    return all(stem.with_name(f"{stem.name}.{suffix}").is_file() for suffix in ("svg", "png"))


def _drawn(evaluation: Evaluation) -> list[Confusion]:
    return [each for each in evaluation.confusions if each.subset in DRAWN_SUBSETS]


def take_figure(folder: Path, name: str, label: str) -> Figure:
    """A figure of a folder's `figures`."""
    return Figure(f"{name}.svg", label, embed_figure(folder / "figures" / f"{name}.svg", name, label))


def calibration_figures(run: Run) -> list[Figure]:
    """Reliability, and risk against coverage."""
    return [take_figure(run.path, name, label) for name, label in CALIBRATION.items()]


def study_figures(studies: Studies) -> dict[str, Figure]:
    """The learning curve and the shortcuts, by name, where there are such."""
    found = {}
    if studies.curve:
        found[CURVE] = take_figure(studies.curve.folder, CURVE, "Accuracy against specimens per taxon")
    if studies.audit and studies.audit.record.shortcuts:
        label = "How well each cue alone tells the taxon, against chance"
        found[SHORTCUTS] = take_figure(studies.audit.folder, SHORTCUTS, label)
    return found


def confusions(run: Run, evaluation: Evaluation) -> dict[tuple[str, str], list[Matrix]]:
    """The matrices of held-out images by stage, the last one first, and subset."""
    last = evaluation.table[-1].stage if evaluation.table else ""
    found: dict[tuple[str, str], list[Matrix]] = {}
    for each in sorted(_drawn(evaluation), key=lambda each: (each.stage != last, each.subset != "test")):
        found.setdefault((each.stage, each.subset), []).append(_matrix(run, each))
    return found


def _matrix(run: Run, confusion: Confusion) -> Matrix:
    label = f"Confusion matrix, {confusion.stage}, {confusion.rank} rank, {confusion.subset} images"
    n = sum(map(sum, confusion.counts))
    right = sum(row[place] for place, row in enumerate(confusion.counts))
    return Matrix(confusion.rank, n, n - right, take_figure(run.path, confusion_stem(confusion), label))


def character_figures(run: Run, explanation: Explanation | None) -> list[Figure]:
    """Shares of the characters, over all and by taxon."""
    if explanation is None:
        return []
    labels = {"character_shares": "Share of images in which each character was used"}
    for rank in dict.fromkeys(share.rank for share in explanation.shares):
        labels[f"characters_by_taxon_{rank}"] = f"Characters used by taxon, {rank} rank"
    return [take_figure(run.path, name, label) for name, label in labels.items()]
