"""Pictures that stand inside a report: figures whose ids do not clash, thumbnails with their heat maps."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mentum.calibration.temperatures import at_ranks, at_temperature, log_probabilities
from mentum.errors import RunError
from mentum.maps import CellGeometry, positive
from mentum.reporting.figures.colouring import heat_colouring, heat_levels
from mentum.reporting.report.photographs import Photographs, jpeg
from mentum.runs import Run, StagePredictions
from mentum.specimens.pixels import SquarePlacement
from mentum.taxonomy import WHOLE_TREE, Rank, Taxon

if TYPE_CHECKING:
    from markupsafe import Markup

MOST = 12
"""Images in a gallery."""

BELOW_ONE = 1 - 1e-9
"""The largest probability that is shown: rounding, not certainty, makes a 1."""

_DRAWN = frozenset({"svg", "g", "defs", "path", "rect", "use", "text", "tspan", "image", "clipPath"})
_GEOMETRY = frozenset({"d", "x", "y", "width", "height"})
_TOO_EXACT = re.compile(r"-?\d+\.\d{3,}")
Temperatures = Mapping[str, float]


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
    from markupsafe import Markup

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


@dataclass(frozen=True)
class Shown:
    """One photograph of a gallery.

    Attributes:
        photograph: data URI of a JPEG; likewise `heat_map`, where the image was explained.
        probability: of the taxon identified, 0-1.
    """

    photograph: str
    heat_map: str | None
    label: Taxon
    identified: Taxon
    probability: float
    specimen: str
    file_name: str


@dataclass(frozen=True)
class Gallery:
    """Photographs of one kind, of `total` that there are."""

    title: str
    total: int
    shown: tuple[Shown, ...]


@dataclass(frozen=True)
class Galleries:
    """Held-out images at the lowest rank; without any, `missing` says why.

    Attributes:
        calibrated: whether the probabilities are.
    """

    subset: str
    rank: Rank
    calibrated: bool
    galleries: tuple[Gallery, ...] = ()
    missing: str | None = None

    @property
    def explained(self) -> bool:
        """Whether there are heat maps."""
        return any(each.heat_map for gallery in self.galleries for each in gallery.shown)


def make_galleries(run: Run, subset: str, temperatures: Temperatures, photographs: Photographs) -> Galleries:
    """Choose the wrong, the least certain right and the surest right images of a subset, by the last stage.

    No image stands in two galleries.

    Args:
        run: a complete run.
        subset: whose images.
        temperatures: of the networks, as in a calibration report; empty = probabilities as trained.
        photographs: of the run.
    """
    record, rank = run.record(), run.record().ranks[0]
    stages = list(run.predictions())
    if not stages:
        raise RunError(f"{run.path}: found no predictions of any stage; train again into a new folder.")
    predictions = stages[-1]
    if photographs.missing:
        return Galleries(subset, rank, bool(temperatures), missing=photographs.missing)
    judged = _judge(run, predictions, subset, temperatures)
    pictures = _Pictures(photographs, _read_maps(run, rank), record.settings.pixels.size)
    kinds = (("Wrong, most certain first", judged.wrong[:MOST], len(judged.wrong)),
             ("Right, least certain first", judged.right[::-1][:MOST], len(judged.right)),
             ("Right, surest first", judged.right[:-MOST][:MOST], len(judged.right)))  # fmt: skip
    galleries = tuple(
        Gallery(title, total, tuple(_show(judged, row, predictions, pictures) for row in rows))
        for title, rows, total in kinds
        if rows
    )
    return Galleries(subset, rank, bool(temperatures), galleries)


@dataclass(frozen=True)
class _Judged:
    """Columns of labels and identifications, probabilities (N,), and rows, the most certain first."""

    taxa: tuple[Taxon, ...]
    y_true: NDArray[np.int64]
    y_pred: NDArray[np.int64]
    y_prob: NDArray[np.float64]
    wrong: list[int]
    right: list[int]


def _judge(run: Run, predictions: StagePredictions, subset: str, temperatures: Temperatures) -> _Judged:
    taxonomy, rank = run.taxonomy(), run.record().ranks[0]
    probabilities = _calibrate(run, predictions, temperatures)
    y_true = np.array([taxonomy.truth(label, rank) for label in predictions.labels], dtype=np.int64)
    y_pred = probabilities.argmax(axis=1)
    y_prob = probabilities.max(axis=1)
    chosen = np.flatnonzero((predictions.subsets == subset) & (y_true >= 0))
    names = predictions.file_names
    falling = sorted(chosen.tolist(), key=lambda row: (-y_prob[row], names[row]))
    right = [row for row in falling if y_true[row] == y_pred[row]]
    wrong = [row for row in falling if y_true[row] != y_pred[row]]
    return _Judged(taxonomy.taxa(rank), y_true, y_pred, y_prob, wrong, right)


def _calibrate(run: Run, predictions: StagePredictions, temperatures: Temperatures) -> NDArray[np.float64]:
    """Probabilities (N, C) at the lowest rank of the run."""
    taxonomy, rank = run.taxonomy(), run.record().ranks[0]
    if WHOLE_TREE.name in temperatures:
        leaves = log_probabilities(predictions.probabilities[taxonomy.ranks[0]])
        return at_ranks({WHOLE_TREE.name: at_temperature(leaves, temperatures[WHOLE_TREE.name])}, taxonomy, [rank])[
            rank
        ]
    return at_temperature(log_probabilities(predictions.probabilities[rank]), temperatures.get(rank.value, 1.0))


def _show(judged: _Judged, row: int, predictions: StagePredictions, pictures: _Pictures) -> Shown:
    name = predictions.file_names[row]
    photograph, heat_map = pictures.of(name)
    return Shown(
        photograph=photograph,
        heat_map=heat_map,
        label=judged.taxa[judged.y_true[row]],
        identified=judged.taxa[judged.y_pred[row]],
        probability=min(float(judged.y_prob[row]), BELOW_ONE),
        specimen=str(predictions.specimens[row]),
        file_name=name,
    )


@dataclass(frozen=True)
class _Maps:
    """Maps of the taxa identified, and where the cells lie."""

    relevance: Mapping[str, NDArray[np.float32]]
    geometry: CellGeometry


@dataclass(frozen=True)
class _Pictures:
    photographs: Photographs
    maps: _Maps | None
    size: int

    def of(self, file_name: str) -> tuple[str, str | None]:
        """Thumbnail and heat map."""
        image, whole = self.photographs.read_small(file_name)
        placement = SquarePlacement(*whole, size=self.size)
        if self.maps is None or file_name not in self.maps.relevance or self.maps.geometry.size != self.size:
            return jpeg(image), None
        drawn = self.maps.geometry.draw(positive(self.maps.relevance[file_name]))
        left, top, (width, height) = placement.left, placement.top, placement.inner
        levels = heat_levels(drawn, float(drawn.max()))[top : top + height, left : left + width]
        smooth = Image.fromarray(levels).resize(image.size, Image.Resampling.BILINEAR)
        return jpeg(image), jpeg(heat_colouring().lay(np.asarray(smooth), image))


def _read_maps(run: Run, rank: Rank) -> _Maps | None:
    """The maps that `mentum explain` has stored at a rank, if any."""
    file = run.relevance_folder / f"{rank}.npz"
    if not file.is_file():
        return None
    try:
        with np.load(file, allow_pickle=False) as arrays:
            relevance = dict(zip(arrays["file_name"].tolist(), arrays["relevance"], strict=True))
            cells = arrays["relevance"].shape[-1]
            size, stride, offset = (arrays[name].item() for name in ("size", "stride", "offset"))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise RunError(f"{file}: not readable as maps ({error}); run `mentum explain` again.") from error
    return _Maps(relevance, CellGeometry(size=size, cells=cells, stride=stride, offset=offset))
