"""One picture per image and rank: the photograph, and twice its heat map, on the scale of all images and on its own.

A heat map shows the positive part of the relevance for the taxon identified. Thousands of these pictures are written
after an identification: whatever they share is drawn once, and the rest goes into arrays that are used again.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import numpy as np

from mentum.explanation.evidence import RankEvidence, RunEvidence
from mentum.identification.identifier import Explained
from mentum.maps import CellGeometry, shared_maximum
from mentum.records import Identification, Progress, ProgressCallback
from mentum.reporting.figures.colouring import photograph
from mentum.reporting.figures.lettering import GREY, Lettering, plain
from mentum.reporting.figures.necessity_bars import beside
from mentum.reporting.figures.overlay import HEAD, Overlay
from mentum.reporting.figures.pictured import Pictured
from mentum.reporting.figures.png import filter_up, write_png
from mentum.taxonomy import Rank, Taxon
from mentum.texts import short_stem

_BATCH = 16
"""Images that one thread draws into the same arrays."""


def write_overlays(
    evidence: RunEvidence, folder: Path, report: ProgressCallback, pictured: Pictured | None = None
) -> list[Path]:
    """Write the heat maps of all images at all ranks, as `folder/<rank>/<name of the image file>.png`.

    Args:
        evidence: the images.
        folder: made where missing.
        report: told after each batch.
        pictured: how the images are shown; None = as the network sees them.

    Returns:
        The files, by image, then rank, lowest first. Each appears whole or not at all.
    """
    n = len(evidence.file_names)
    if not n:
        return []
    stems = unique_stems(evidence.file_names)
    shown = pictured or Pictured(evidence)
    side = shown.side
    sheets = {
        rank: Overlay.draw(
            (rank, at_rank.taxa), evidence.geometry, side, shared_maximum(at_rank.relevance, evidence.geometry)
        )
        for rank, at_rank in evidence.ranks.items()
    }
    for rank in sheets:
        (folder / rank).mkdir(parents=True, exist_ok=True)

    def write(rows: range) -> list[Path]:
        return _write_batch(shown, sheets, {row: f"{stems[row]}.png" for row in rows}, folder)

    written: list[Path] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for files in pool.map(write, [range(n)[start : start + _BATCH] for start in range(0, n, _BATCH)]):
            written += files
            report(Progress(task="heat maps", done=len(written) // len(sheets), total=n, unit="images"))
    return written


def unique_stems(file_names: Sequence[str]) -> list[str]:
    """Names for the pictures of image files: folders joined by "_", without suffix, numbered where two would be alike.

    What would be too long for a file is shortened.

    >>> unique_stems(["a/1.jpg", "b/1.jpg", "b/1.png"])
    ['a_1', 'b_1', 'b_1_2']
    """
    taken: set[str] = set()
    stems = []
    for file_name in file_names:
        stem = short_stem("_".join(part.strip("/") for part in PurePosixPath(file_name).with_suffix("").parts))
        choices = itertools.chain([stem], (f"{stem}_{k}" for k in itertools.count(2)))
        chosen = next(choice for choice in choices if choice.casefold() not in taken)
        taken.add(chosen.casefold())
        stems.append(chosen)
    return stems


def _write_batch(shown: Pictured, sheets: Mapping[Rank, Overlay], names: Mapping[int, str], folder: Path) -> list[Path]:
    """Write the pictures of some images, rows of the evidence, under these names."""
    evidence, bars = shown.evidence, {rank: shown.bars(rank) for rank in sheets}
    plates = {rank: sheet.blank.copy() for rank, sheet in sheets.items()}
    filtered = np.empty((0, 0), dtype=np.uint8)
    files = []
    small = Lettering.load(10)
    for row, name in names.items():
        image = shown.photograph(row)
        file_name = small.strip(plain(small.shorten(evidence.file_names[row], image.width)), GREY, image.width)
        for rank, sheet in sheets.items():
            sheet.fill(plates[rank], evidence.ranks[rank], row, image, file_name)
            chart = bars[rank]
            plate = plates[rank] if chart is None else beside(plates[rank], chart.draw(row), HEAD)
            filtered = filter_up(plate, filtered)
            files.append(write_png(filtered, folder / rank / name))
    return files


class OverlayWriter:
    """Writes the heat map of one image after another, as they are identified.

    Attributes:
        folder: where the pictures go, as `<name of the image file>-<part of the identification's id>.png`.
    """

    def __init__(
        self,
        folder: Path,
        taxa: Mapping[Rank, Sequence[Taxon]],
        geometry: CellGeometry,
        maxima: Mapping[Rank, float],
    ) -> None:
        """Set up the pictures.

        Args:
            folder: made where there is none.
            taxa: of each rank, lowest first.
            geometry: where the cells lie.
            maxima: rank → where the scale shared by all images ends.
        """
        self.folder = folder
        self._taxa, self._geometry, self._maxima = taxa, geometry, maxima
        self._small = Lettering.load(10)
        self._sheets: dict[tuple[Rank, str], Overlay] = {}
        self._filtered = np.empty((0, 0), dtype=np.uint8)
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, explained: Explained) -> None:
        """Draw why an image was identified as it was, at the rank that is defended, else at the lowest one."""
        found = explained.identification
        rank = self._rank(found)
        image = photograph(explained.pixels)
        status = found.status.value
        if (rank, status) not in self._sheets:
            self._sheets[rank, status] = Overlay.draw(
                (rank, self._taxa[rank]), self._geometry, image.width, self._maxima[rank], status
            )
        sheet = self._sheets[rank, status]
        plate = sheet.blank.copy()
        line = self._small.strip(plain(self._small.shorten(found.file_names[0], image.width)), GREY, image.width)
        sheet.fill(plate, RankEvidence.of_one(rank, self._taxa[rank], explained), 0, image, line)
        self._filtered = filter_up(plate, self._filtered)
        name = f"{unique_stems([Path(found.file_names[0]).name])[0]}-{found.identification_id[-12:]}.png"
        write_png(self._filtered, self.folder / name)

    def _rank(self, found: Identification) -> Rank:
        """The rank whose most probable taxon was the answer."""
        at_own = [each.rank for each in found.ranks if each.scientific_name == found.scientific_name]
        return at_own[0] if at_own else found.ranks[0].rank
