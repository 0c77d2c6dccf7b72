"""Figures of a report: those without files are drawn first, so that each is there as SVG and PNG too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring as parse_xml
from markupsafe import Markup

from mentum.errors import RunError
from mentum.evaluation.results import CalibrationReport, Confusion, Evaluation
from mentum.explanation.results import Explanation
from mentum.locks import sole_owner
from mentum.reporting.figures.calibration import draw_calibration
from mentum.reporting.figures.confusions import (
    DRAWN_SUBSETS,
    LARGEST_WITH_COUNTS,
    confusion_stem,
    draw_confusions,
    is_drawn,
)
from mentum.reporting.figures.learning_curve import CURVE, draw_learning_curve
from mentum.reporting.figures.shortcuts import SHORTCUTS, draw_shortcuts
from mentum.reporting.report.studies import Studies
from mentum.runs import Run
from mentum.taxonomy import Rank

CALIBRATION = {
    "reliability": "Reliability diagrams: share identified correctly against probability, as trained and calibrated",
    "risk_coverage": "Share of wrong answers against the share of specimens answered",
}
"""Figure → what it shows."""

_DRAWN = frozenset({"svg", "g", "defs", "path", "rect", "use", "text", "tspan", "image", "clipPath"})
_GEOMETRY = frozenset({"d", "x", "y", "width", "height"})
_TOO_EXACT = re.compile(r"-?\d+\.\d{3,}")


class Figure(NamedTuple):
    """A figure: its file, what it shows, and the drawing itself where the file is there."""

    file: str
    label: str
    drawing: Markup | None


WORST_PAIRS = 30
"""Shown of a matrix that is too large for numbers in its cells."""


class Pair(NamedTuple):
    """Images of one label that are identified as another taxon, of all with the label; and the other way round."""

    label: tuple[str, Rank]
    identified: tuple[str, Rank]
    n_images: int
    n_labelled: int
    n_reversed: int


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix and how often it is off its diagonal.

    Attributes:
        figure: None where there are too many taxa for their names to be read.
        worst: the pairs confused most often, of `n_pairs`; none where the cells of the figure hold numbers.
    """

    rank: Rank
    n_taxa: int
    n_images: int
    n_misclassified: int
    figure: Figure | None
    worst: tuple[Pair, ...] = ()
    n_pairs: int = 0


def draw_missing(run: Run, evaluation: Evaluation, calibration: CalibrationReport | None, studies: Studies) -> None:
    """Draw the figures that are not there as SVG and PNG, each into the `figures` of the folder that it belongs to.

    That of the shortcuts is drawn each time, as one on disk may be of an earlier audit.
    """
    folder = run.path / "figures"
    drawn = [each for each in evaluation.confusions if is_drawn(each)]
    missing = [each for each in drawn if not _is_there(folder / confusion_stem(each))]
    if missing:
        with sole_owner(run.path):
            draw_confusions(evaluation.model_copy(update={"confusions": tuple(missing)}), folder)
    if calibration and not all(_is_there(folder / name) for name in CALIBRATION):
        with sole_owner(run.path):
            draw_calibration(calibration, folder)
    if studies.curve and not _is_there(studies.curve.folder / "figures" / CURVE):
        with sole_owner(studies.curve.folder):
            draw_learning_curve(studies.curve.record, studies.curve.folder / "figures")
    if studies.audit and studies.audit.record.shortcuts:
        with sole_owner(studies.audit.folder):
            draw_shortcuts(studies.audit.record.shortcuts, studies.audit.folder / "figures")


def _is_there(stem: Path) -> bool:
    return all(stem.with_name(f"{stem.name}.{suffix}").is_file() for suffix in ("svg", "png"))


def _held_out(evaluation: Evaluation) -> list[Confusion]:
    return [each for each in evaluation.confusions if each.subset in DRAWN_SUBSETS]


def embed_figure(file: Path, prefix: str, label: str) -> Markup | None:
    """An SVG that Mentum has drawn, to stand inside HTML: only what draws is kept, and its ids get a prefix.

    Args:
        file: the SVG.
        prefix: for every id, other than that of any other figure on the page.
        label: what it shows, for those who do not see it.

    Returns:
        The element, or None where there is no such file.

    Raises:
        RunError: if the file is damaged.
    """
    if not file.is_file():
        return None
    try:
        drawing = parse_xml(file.read_bytes())
    except (ElementTree.ParseError, DefusedXmlException) as error:
        raise RunError(f"{file}: not readable as SVG ({error}); expected a figure; draw it again.") from error
    _clean(drawing, prefix)
    for name in ("width", "height"):
        drawing.set(name, f"{float(drawing.get(name, '0').removesuffix('pt')) * 4 / 3:.0f}")
    drawing.attrib.update({"role": "img", "aria-label": label})
    return Markup(ElementTree.tostring(drawing, encoding="unicode"))  # noqa: S704 - cleaned above


def _clean(element: ElementTree.Element, prefix: str) -> None:
    """Leave out whatever does not draw, and namespaces, which HTML does not need."""
    element.tag = _local(element.tag)
    cleaned = {_local(name): _clean_value(_local(name), value, prefix) for name, value in element.attrib.items()}
    element.attrib.clear()
    element.attrib.update({name: value for name, value in cleaned.items() if value is not None})
    for child in list(element):
        if _local(child.tag) in _DRAWN:
            _clean(child, prefix)
        else:
            element.remove(child)
    if element.tag not in ("text", "tspan"):
        element.text = None
    if element.tag != "tspan":
        element.tail = None


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _clean_value(name: str, value: str, prefix: str) -> str | None:
    if name.lower().startswith("on") or name in ("version", "class"):
        return None
    if name == "id":
        return f"{prefix}-{value}"
    if name == "href":
        if value.startswith("#"):
            return f"#{prefix}-{value[1:]}"
        return "".join(value.split()) if value.startswith("data:image/png;base64,") else None
    if name in _GEOMETRY:
        return _TOO_EXACT.sub(lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), " ".join(value.split()))
    if "url(" in value.replace("url(#", ""):
        return None
    return value.replace("url(#", f"url(#{prefix}-")


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
    for each in sorted(_held_out(evaluation), key=lambda each: (each.stage != last, each.subset != "test")):
        found.setdefault((each.stage, each.subset), []).append(_matrix(run, each))
    return found


def _matrix(run: Run, confusion: Confusion) -> Matrix:
    label = f"Confusion matrix, {confusion.stage}, {confusion.rank} rank, {confusion.subset} images"
    n_taxa, worst = len(confusion.labels), confusion.worst
    return Matrix(
        rank=confusion.rank,
        n_taxa=n_taxa,
        n_images=confusion.n_images,
        n_misclassified=confusion.n_misclassified,
        figure=take_figure(run.path, confusion_stem(confusion), label) if is_drawn(confusion) else None,
        worst=tuple(_pairs(confusion)) if n_taxa > LARGEST_WITH_COUNTS else (),
        n_pairs=len(worst),
    )


def _pairs(confusion: Confusion) -> Iterator[Pair]:
    """The pairs that are confused most often."""
    worst, labelled = confusion.worst, confusion.labelled
    names = list(zip(confusion.labels, confusion.label_ranks, strict=True))
    images = {(row, column): n for row, column, n in worst}
    for row, column, n in worst[:WORST_PAIRS]:
        yield Pair(names[row], names[column], n, labelled[row], images.get((column, row), 0))


FIGURE_3 = "character_shares"


def figure_of_shares(run: Run, explanation: Explanation | None) -> Figure | None:
    """The paper's Figure 3, where characters were measured and drawn."""
    if explanation is None:
        return None
    found = take_figure(run.path, FIGURE_3, "Share of images in which each character was used")
    return found if found.drawing else None


def character_figures(run: Run, explanation: Explanation | None) -> list[Figure]:
    """Taxa and the characters that they are told by, a figure for each rank."""
    if explanation is None:
        return []
    ranks = dict.fromkeys(share.rank for share in explanation.shares)
    labels = {f"characters_by_taxon_{rank}": f"Taxa and the characters used, {rank} rank" for rank in ranks}
    return [take_figure(run.path, name, label) for name, label in labels.items()]


def pair_figures(run: Run, explanation: Explanation | None) -> list[Figure]:
    """What tells taxa apart, a figure for each rank."""
    ranks = dict.fromkeys(pair.rank for pair in explanation.told_apart) if explanation else {}
    return [take_figure(run.path, f"told_apart_{rank}", f"What tells taxa apart, {rank} rank") for rank in ranks]
