"""Figures of a report: those without files are drawn first, so that each is there as SVG and PNG too."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from markupsafe import Markup

from mentum.errors import RunError
from mentum.evaluation.results import CalibrationReport, Confusion, Evaluation
from mentum.explanation.results import Explanation
from mentum.reporting.figures.calibration import draw_calibration
from mentum.reporting.figures.confusions import DRAWN_SUBSETS, confusion_stem, draw_confusions
from mentum.reporting.figures.learning_curve import CURVE, draw_learning_curve
from mentum.reporting.figures.shortcuts import SHORTCUTS, draw_shortcuts
from mentum.reporting.report.studies import Studies
from mentum.runs import Run

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
        drawing = ElementTree.fromstring(file.read_bytes())
    except ElementTree.ParseError as error:
        raise RunError(f"{file}: not readable as SVG ({error}); expected a figure; draw it again.") from error
    _clean(drawing, prefix)
    for name in ("width", "height"):
        drawing.set(name, f"{float(drawing.get(name, '0').removesuffix('pt')) * 4 / 3:.0f}")
    drawing.attrib.update({"role": "img", "aria-label": label})
    return Markup(ElementTree.tostring(drawing, encoding="unicode"))


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


def confusions(run: Run, evaluation: Evaluation) -> dict[tuple[str, str], list[tuple[Confusion, Figure]]]:
    """The matrices of held-out images by stage, the last one first, and subset."""
    last = evaluation.table[-1].stage if evaluation.table else ""
    found: dict[tuple[str, str], list[tuple[Confusion, Figure]]] = {}
    for each in sorted(_drawn(evaluation), key=lambda each: (each.stage != last, each.subset != "test")):
        label = f"Confusion matrix, {each.stage}, {each.rank} rank, {each.subset} images"
        figure = take_figure(run.path, confusion_stem(each), label)
        found.setdefault((each.stage, each.subset), []).append((each, figure))
    return found


def character_figures(run: Run, explanation: Explanation | None) -> list[Figure]:
    """Shares of the characters, over all and by taxon."""
    if explanation is None:
        return []
    labels = {"character_shares": "Share of images in which each character was used"}
    for rank in dict.fromkeys(share.rank for share in explanation.shares):
        labels[f"characters_by_taxon_{rank}"] = f"Characters used by taxon, {rank} rank"
    return [take_figure(run.path, name, label) for name, label in labels.items()]
