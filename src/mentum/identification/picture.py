"""One identification as a picture: the photograph, where the network saw evidence, the lineage with probabilities."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mentum.maps import CellGeometry, positive
from mentum.model.record import ModelRecord
from mentum.records import Identification, RankIdentification, Status, in_words
from mentum.specimens.placements import SquarePlacement
from mentum.taxonomy import Taxon, Taxonomy, name_spans

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mentum.identification.identifier import Explained

LONGEST_SIDE = 1000
"""Of the photograph as drawn, px: enough for print at this size."""

_BOX, _NARROWEST, _PANEL, _MARGIN, _GAP = 3.3, 2.4, 3.3, 0.3, 0.25
_HEAD, _CAPTION, _LINE = 0.95, 0.5, 0.17
_ROW = (0.62, 0.9)
"""Inches: side of the square that holds a photograph, its narrowest column, width of the lineage, and so on."""

_INK, _GREY, _PALE, _DEFENDED, _OPEN = "#222222", "#6f6f6f", "#e6e6e6", "#2b5c8a", "#a9a9a9"
_LONGEST_NAME = 36
_COLOURS = "plasma"
_STRONGEST, _VISIBLE = 0.65, 0.15
"""Opacity of the strongest evidence, 0-1, so that what lies beneath is seen; and of what a reader notices."""

_Spans = Sequence[tuple[str, bool]]
_Placed = tuple[NDArray[np.float64], tuple[float, float, float, float]]


def draw_identification(explained: Explained, photograph: Image.Image, record: ModelRecord) -> Figure:
    """Draw why one image was identified as it was.

    The heat map is that of the answer, or where no name is defended of the most probable taxon at the lowest rank. Its
    colours end where those of the model's other images do, so that weak evidence looks weak, or at the image's own
    largest relevance where that is more.

    Args:
        explained: with its maps.
        photograph: the whole image, upright, RGB.
        record: of the model.
    """
    found = explained.identification
    shown = _explained_rank(found, record.taxonomy)
    at = explained.placement
    at = at if at.box else SquarePlacement(*photograph.size, at.size)
    heat = _heat(explained, shown, record, at)
    sheet = _Sheet.for_image(photograph.size, len(found.ranks), _reason(found))
    name = _spans_of(record.taxonomy, shown)
    file_name = PurePath(found.file_names[0]).name
    file_name = file_name if len(file_name) <= _LONGEST_NAME else f"{file_name[: _LONGEST_NAME - 1]}…"
    sheet.head(found)
    sheet.photograph(0, photograph, [(file_name, False)])
    evident = "Evidence for " if heat[..., 3].max() > _VISIBLE else "Hardly any evidence for "
    sheet.photograph(1, photograph, [(evident, False), *name], (heat, _extent(at)))
    sheet.lineage(found, record.taxonomy)
    sheet.foot()
    return sheet.figure


def _explained_rank(found: Identification, taxonomy: Taxonomy) -> RankIdentification:
    """The rank whose most probable taxon was the answer, else the lowest one."""
    same = [each for each in found.ranks if each.scientific_name == found.scientific_name]
    own = [each for each in same if not taxonomy.is_open(_taxon_of(taxonomy, each), each.rank)]
    return (own or same or found.ranks)[0]


def _taxon_of(taxonomy: Taxonomy, at: RankIdentification) -> Taxon:
    """The taxon, whose own rank may lie above the one that was asked for."""
    named = Taxon(((at.rank, at.scientific_name),))
    return next((taxon for taxon in taxonomy.taxa(at.rank) if taxon.name == at.scientific_name), named)


def _spans_of(taxonomy: Taxonomy, at: RankIdentification) -> _Spans:
    taxon = _taxon_of(taxonomy, at)
    return name_spans(taxonomy.title(taxon, at.rank), taxon.rank)


def _heat(
    explained: Explained, shown: RankIdentification, record: ModelRecord, at: SquarePlacement
) -> NDArray[np.float64]:
    """(height, width, 4): colours of the evidence over the part of the network's square that holds the image."""
    names = [taxon.name for taxon in record.taxonomy.taxa(shown.rank)]
    relevance = explained.evidence[shown.rank].relevance[0, names.index(shown.scientific_name)]
    strength = _strength(relevance, record.geometry, record.map_scale[shown.rank])
    strength = strength[at.top : min(at.top + at.inner[1], at.size), at.left : min(at.left + at.inner[0], at.size)]
    return _coloured(strength)


def _extent(at: SquarePlacement) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of what the network saw, as shares of the photograph from its lower left corner."""
    left, top, right, bottom = at.shown
    return left / at.width, right / at.width, 1 - bottom / at.height, 1 - top / at.height


def _coloured(strength: NDArray[np.float32]) -> NDArray[np.float64]:
    """Strengths, 0-1 → (…, 4) colours: clear where there is no evidence, then violet, orange and yellow."""
    from matplotlib import colormaps

    colours = np.asarray(colormaps[_COLOURS](strength), dtype=np.float64)
    # Rises smoothly, without an edge that a map does not have.
    rise = np.clip((strength - 0.03) / 0.57, 0, 1)
    colours[..., 3] = _STRONGEST * rise * (2 - rise)
    return colours


def _strength(relevance: NDArray[np.float32], geometry: CellGeometry, largest: float) -> NDArray[np.float32]:
    """(size, size), 0-1: the evidence for a taxon where its cells look, as a share of the largest."""
    drawn = geometry.draw(positive(relevance))
    most = max(largest, float(drawn.max()), 1e-30)
    return np.asarray(drawn / most, dtype=np.float32)


def _reason(found: Identification) -> str:
    return f"{found.reason[:1].upper()}{found.reason[1:].rstrip('.')}."


_UNNAMED = {Status.UNKNOWN: "Unlike all known taxa", Status.NOT_A_TAXON: "Not a taxon"}


@dataclass
class _Sheet:
    """A figure that is filled from the left to the right; places are in inches from its lower left corner.

    Attributes:
        image: width and height of a photograph.
        row: height of a rank in the lineage.
        text: lines at the foot.
    """

    figure: Figure
    image: tuple[float, float]
    row: float
    text: list[str]

    @classmethod
    def for_image(cls, size: tuple[int, int], n_ranks: int, reason: str) -> _Sheet:
        """An empty sheet as large as it needs to be."""
        scale = _BOX / max(size)
        image = (size[0] * scale, size[1] * scale)
        width = 2 * _MARGIN + 2 * (max(image[0], _NARROWEST) + _GAP) + _PANEL
        text = textwrap.wrap(reason, int(15.5 * (width - 2 * _MARGIN)))
        row = min(max(image[1] / n_ranks, _ROW[0]), _ROW[1])
        body = max(image[1] + _CAPTION, n_ranks * row)
        return cls(_figure(width, _HEAD + body + len(text) * _LINE + _MARGIN), image, row, text)

    @property
    def top(self) -> float:
        """Where photographs and lineage begin."""
        return float(self.figure.get_figheight()) - _HEAD

    def column(self, place: int) -> float:
        """Left edge of the first photograph, the second one, or the lineage."""
        return _MARGIN + place * (max(self.image[0], _NARROWEST) + _GAP)

    def head(self, found: Identification) -> None:
        """The answer in large letters, with its rank, probability and status."""
        name, rank, probability = found.scientific_name, found.taxon_rank, found.probability
        if found.is_named and name and rank:
            spans: _Spans = name_spans(name, rank)
            below = [rank.value, "" if probability is None else f"probability {in_words(probability)}", found.status]
        else:
            said = _UNNAMED.get(found.status, "No name can be defended")
            spans, below = [(said, False)], [found.status.value]
        self.write((_MARGIN, self.top + 0.42), spans, _fitting(spans, self.figure.get_figwidth() - 2 * _MARGIN, 18))
        self.write((_MARGIN, self.top + 0.17), [("  ·  ".join(filter(None, below)), False)], 10, _GREY)

    def photograph(self, place: int, photograph: Image.Image, caption: _Spans, heat: _Placed | None = None) -> None:
        """Draw the photograph at the first or second place, with colours over a part of it and words beneath."""
        width, height = self.image
        left, bottom = self.column(place), self.top - height
        axes = self.axes((left, bottom, width, height))
        extent = (0.0, 1.0, 0.0, 1.0)
        axes.imshow(np.asarray(_within(photograph)), extent=extent, aspect="auto", interpolation="antialiased")
        self.write((left, bottom - 0.22), caption, _fitting(caption, max(width, _NARROWEST), 9), _GREY)
        if heat is not None:
            colours, part = heat
            axes.imshow(colours, extent=part, aspect="auto", interpolation="bilinear")
            axes.set(xlim=extent[:2], ylim=extent[2:])
            self._scale(left, bottom)

    def _scale(self, left: float, bottom: float) -> None:
        """What the colours of a heat map mean."""
        self.write((left, bottom - 0.42), [("weak", False)], 8, _GREY)
        axes = self.axes((left + 0.36, bottom - 0.42, 0.9, 0.08))
        bar = _coloured(np.linspace(0, 1, 256, dtype=np.float32)[None])
        axes.imshow(bar, extent=(0.0, 1.0, 0.0, 1.0), aspect="auto")
        self.write((left + 1.33, bottom - 0.42), [("strong", False)], 8, _GREY)

    def lineage(self, found: Identification, taxonomy: Taxonomy) -> None:
        """Every rank with its most probable taxon, the highest first; those that are defended in colour."""
        left, width = self.column(2) + 0.1, _PANEL - 0.1
        own = found.taxon_rank if found.is_named else None
        for row, at in enumerate(sorted(found.ranks, key=lambda each: each.rank.depth)):
            defended = own is not None and at.rank.depth <= own.depth
            top = self.top - row * self.row
            self.write((left, top - 0.13), [(at.rank.value, False)], 8, _GREY)
            name = _spans_of(taxonomy, at)
            self.write((left, top - 0.35), name, _fitting(name, width - 0.6, 11), _INK if defended else _GREY)
            said = in_words(at.probability).replace("more than", ">").replace("less than", "<")
            self.write((left + width, top - 0.35), [(said, False)], 11, _INK if defended else _GREY, right=True)
            axes = self.axes((left, top - 0.48, width, 0.06))
            axes.barh([0, 0], [1, at.probability], color=[_PALE, _DEFENDED if defended else _OPEN], height=1)
            axes.set(xlim=(0, 1), ylim=(-0.5, 0.5))

    def foot(self) -> None:
        """Why the answer stops where it does."""
        for row, line in enumerate(reversed(self.text)):
            self.write((_MARGIN, 0.2 + row * _LINE), [(line, False)], 8.5, _GREY)

    def axes(self, place: tuple[float, float, float, float]) -> Any:  # noqa: ANN401 - matplotlib is imported late
        """Axes without frame and ticks, given left, bottom, width and height."""
        width, height = self.figure.get_size_inches()
        axes = self.figure.add_axes((place[0] / width, place[1] / height, place[2] / width, place[3] / height))
        axes.set_axis_off()
        return axes

    def write(
        self, place: tuple[float, float], spans: _Spans, size: float, colour: str = _INK, *, right: bool = False
    ) -> None:
        """Write a line, its baseline at `place`, in upright and italic pieces; nothing in it is taken for a formula."""
        from matplotlib.artist import Artist
        from matplotlib.offsetbox import AnnotationBbox, HPacker, TextArea

        font = {"size": size, "color": colour, "family": "DejaVu Sans", "parse_math": False, "usetex": False}
        pieces: list[Artist] = [
            TextArea(text, textprops=font | {"style": "italic" if leans else "normal"}) for text, leans in spans
        ]
        line = HPacker(children=pieces, align="baseline", pad=0, sep=0)
        alignment = (1.0 if right else 0.0, 0.0)
        self.figure.add_artist(
            AnnotationBbox(
                line, place, xycoords=self.figure.dpi_scale_trans, box_alignment=alignment, frameon=False, pad=0
            )
        )


def _fitting(spans: _Spans, width: float, size: float) -> float:
    """The size, points, at which a line of letters of ordinary width fits into some inches, at most `size`."""
    return min(size, 140 * width / max(sum(len(text) for text, _ in spans), 1))


def _within(photograph: Image.Image) -> Image.Image:
    smaller = photograph.copy()
    smaller.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return smaller


def _figure(width: float, height: float) -> Figure:
    """A figure that a notebook shows whether or not pyplot is loaded."""
    import io

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    class Picture(Figure):
        def _repr_png_(self) -> bytes:
            stream = io.BytesIO()
            self.savefig(stream, format="png")
            return stream.getvalue()

    figure = Picture(figsize=(width, height), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    return figure
