"""Sheets of what an audit found: pairs of near-duplicates and doubtful labels, with thumbnails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mentum.audit.findings import NO_SUBSETS, Audit, AuditImage, LabelSuspect, NearDuplicate
from mentum.reporting.figures.lettering import Spans, plain
from mentum.reporting.figures.poster import Poster, Tile, write_posters
from mentum.reporting.numbers import in_percent
from mentum.taxonomy import Rank, name_spans

SIDE = 180
"""Of a thumbnail, px."""

PER_ROW = 6
MOST = 48
"""Suspects, or pairs, that a sheet shows."""

Picture = Callable[[str], NDArray[np.uint8]]
"""File name → the image's square (S, S, 3) uint8."""


def draw_audit(audit: Audit, picture: Picture, folder: Path) -> list[Path]:
    """Draw `suspects.png` and `duplicates.png`; a sheet without anything to show is left out.

    Args:
        audit: what was found.
        picture: gives the images.
        folder: made where missing.

    Returns:
        The files.
    """
    sheets = {"suspects.png": _suspects(audit, picture), "duplicates.png": _duplicates(audit, picture)}
    return write_posters(((name, poster) for name, poster in sheets.items() if poster), folder)


def _suspects(audit: Audit, picture: Picture) -> Poster | None:
    shown = audit.suspects[:MOST]
    if not shown:
        return None
    return Poster(
        title=plain("Labels that look wrong"),
        subtitle=plain(
            f"the {len(shown)} most doubtful of {audit.n_images} images, by networks that did not see the specimen "
            f"({in_percent(audit.accuracy, 0)} % right)"
        ),
        rows=_rows([_suspect(each, picture) for each in shown]),
        legend=plain("Nothing was changed or left out: look at the specimens."),
    )


def _suspect(suspect: LabelSuspect, picture: Picture) -> Tile:
    label = _likely(suspect.image.scientific_name, suspect.image.taxon_rank, suspect.probability_of_label)
    rather = _likely(suspect.suggested, suspect.suggested_rank, suspect.probability_suggested)
    return _tile(suspect.image, picture, [label, rather])


def _duplicates(audit: Audit, picture: Picture) -> Poster | None:
    shown = audit.duplicates[:MOST]
    if not shown:
        return None
    pairs = [tile for each in shown for tile in _pair(each, picture)]
    return Poster(
        title=plain("Images that look like the same photograph"),
        subtitle=plain(f"{len(shown)} of {len(audit.duplicates)} pairs, the two of a pair side by side"),
        rows=_rows(pairs),
        legend=plain("Across subsets, a test is no test; across taxa, one of two labels is wrong."),
    )


def _pair(found: NearDuplicate, picture: Picture) -> list[Tile]:
    kind = plain(f"{found.kind}, {found.distance} of 64 bits")
    return [_tile(image, picture, [kind, _placed(image)]) for image in (found.one, found.other)]


def _tile(image: AuditImage, picture: Picture, lines: Sequence[Spans]) -> Tile:
    square = Image.fromarray(np.asarray(picture(image.file_name)))
    return Tile.of_file(square.resize((SIDE, SIDE), Image.Resampling.LANCZOS), lines, image.file_name)


def _rows(tiles: Sequence[Tile]) -> list[tuple[Spans, Sequence[Tile]]]:
    return [(plain(""), tiles[start : start + PER_ROW]) for start in range(0, len(tiles), PER_ROW)]


def _likely(name: str, rank: Rank, probability: float) -> Spans:
    return [*name_spans(name, rank), (f": {in_percent(probability, 0)} %", False)]


def _placed(image: AuditImage) -> Spans:
    subset = "" if image.subset == NO_SUBSETS else f", {image.subset}"
    return [*name_spans(image.scientific_name, image.taxon_rank), (f", specimen {image.specimen}{subset}", False)]
