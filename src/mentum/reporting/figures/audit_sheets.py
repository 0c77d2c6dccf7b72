"""Sheets of what an audit found: pairs of near-duplicates and doubtful labels, with thumbnails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mentum.audit.findings import NO_SUBSETS, Audit, AuditImage, LabelSuspect, NearDuplicate
from mentum.reporting.figures.colouring import save_picture
from mentum.reporting.figures.lettering import BLACK, GREY, Colour, Lettering, Spans
from mentum.reporting.figures.poster import Poster, Tile
from mentum.reporting.figures.style import DPI
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
    folder.mkdir(parents=True, exist_ok=True)
    sheets = {"suspects": _suspects(audit, picture), "duplicates": _duplicates(audit, picture)}
    files = []
    for name, poster in sheets.items():
        if poster is not None:
            files.append(save_picture(poster.draw(), folder / f"{name}.png", DPI))
    return files


def _suspects(audit: Audit, picture: Picture) -> Poster | None:
    shown = audit.suspects[:MOST]
    if not shown:
        return None
    return Poster(
        title=_plain("Labels that look wrong"),
        subtitle=_plain(
            f"the {len(shown)} most doubtful of {audit.n_images} images, by networks that did not see the specimen "
            f"({100 * audit.accuracy:.0f} % right)"
        ),
        rows=_rows([_suspect(each, picture) for each in shown]),
        bar=None,
        legend=_plain("Nothing was changed or left out: look at the specimens."),
    )


def _suspect(suspect: LabelSuspect, picture: Picture) -> Tile:
    return Tile(
        _thumbnail(picture(suspect.image.file_name)),
        [
            (_likely(suspect.image.scientific_name, suspect.image.taxon_rank, suspect.probability_of_label), BLACK),
            (_likely(suspect.suggested, suspect.suggested_rank, suspect.probability_suggested), BLACK),
            _source(suspect.image),
        ],
    )


def _duplicates(audit: Audit, picture: Picture) -> Poster | None:
    shown = audit.duplicates[:MOST]
    if not shown:
        return None
    pairs = [tile for each in shown for tile in _pair(each, picture)]
    return Poster(
        title=_plain("Images that look like the same photograph"),
        subtitle=_plain(f"{len(shown)} of {len(audit.duplicates)} pairs, the two of a pair side by side"),
        rows=_rows(pairs),
        bar=None,
        legend=_plain("Across subsets, a test is no test; across taxa, one of two labels is wrong."),
    )


def _pair(found: NearDuplicate, picture: Picture) -> list[Tile]:
    return [
        Tile(
            _thumbnail(picture(image.file_name)),
            [
                (_plain(f"{found.kind}, {found.distance} of 64 bits"), BLACK),
                (_placed(image), BLACK),
                _source(image),
            ],
        )
        for image in (found.one, found.other)
    ]


def _rows(tiles: Sequence[Tile]) -> list[tuple[Spans, Sequence[Tile]]]:
    return [(_plain(""), tiles[start : start + PER_ROW]) for start in range(0, len(tiles), PER_ROW)]


def _likely(name: str, rank: Rank, probability: float) -> Spans:
    return [*name_spans(name, rank), (f": {100 * probability:.0f} %", False)]


def _placed(image: AuditImage) -> Spans:
    subset = "" if image.subset == NO_SUBSETS else f", {image.subset}"
    return [*name_spans(image.scientific_name, image.taxon_rank), (f", specimen {image.specimen}{subset}", False)]


def _thumbnail(square: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(np.asarray(square)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def _source(image: AuditImage) -> tuple[Spans, Colour]:
    return _plain(Lettering.load(12).shorten(Path(image.file_name).name, SIDE)), GREY


def _plain(text: str) -> Sequence[tuple[str, bool]]:
    return [(text, False)]
