"""Galleries of a taxon's images with their heat maps, and contrasts of two taxa: why this name and not that one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mentum.explanation.evidence import RankEvidence, RunEvidence
from mentum.maps import positive
from mentum.reporting.figures.colouring import (
    UNIT,
    contrast_colouring,
    contrast_levels,
    heat_colouring,
    heat_levels,
    photograph,
)
from mentum.reporting.figures.lettering import WHITE, Spans, plain
from mentum.reporting.figures.pictured import Pictured
from mentum.reporting.figures.poster import Bar, Poster, Tile, write_posters
from mentum.reporting.numbers import counted, decimals, three_digits
from mentum.taxonomy import Rank, name_spans

TILES = 5
"""In a row, at most."""

_BAR = (220, 12)
_CONTRAST_LEGEND = (
    f"difference of the two maps ({UNIT}), on one scale for all images here, symmetric about zero, where the bare "
    "photograph is seen. Numbers beside names are probabilities."
)


def draw_galleries(
    evidence: RunEvidence,
    used: Mapping[Rank, Sequence[str]] | None,
    folder: Path,
    pictured: Pictured | None = None,
) -> list[Path]:
    """Draw a gallery of each taxon that images are labelled as, at each rank, as `gallery_<rank>_<Taxon_name>.png`.

    Args:
        evidence: the images.
        used: rank → the character used in each image, "none" where none was; None leaves characters out.
        folder: made where missing.
        pictured: how the images are shown; None = as the network sees them.

    Returns:
        The files, by rank, then taxon.
    """
    return write_posters(gallery_posters(evidence, used, pictured), folder)


def gallery_posters(
    evidence: RunEvidence, used: Mapping[Rank, Sequence[str]] | None, pictured: Pictured | None = None
) -> Iterator[tuple[str, Poster]]:
    """The galleries before they are drawn, each with the name of its file."""
    shown = pictured or Pictured(evidence)
    for rank, at_rank in evidence.ranks.items():
        for column, name in enumerate(names_for_files([taxon.name for taxon in at_rank.taxa])):
            if (at_rank.y_true == column).any():
                poster = _gallery(shown, at_rank, column, None if used is None else used[rank])
                yield f"gallery_{rank}_{name}.png", poster


def names_for_files(names: Sequence[str]) -> list[str]:
    """Names of taxa for files; homonyms are numbered.

    >>> names_for_files(["Aus bus", "Cus", "Cus", "Dus (Eus) sp. 1"])
    ['Aus_bus', 'Cus', 'Cus_2', 'Dus_(Eus)_sp._1']
    """
    plain = [re.sub(r"[^\w.()-]+", "_", name) for name in names]
    before = [plain[:place].count(name) for place, name in enumerate(plain)]
    return [f"{name}_{count + 1}" if count else name for name, count in zip(plain, before, strict=True)]


def _gallery(shown: Pictured, at_rank: RankEvidence, column: int, used: Sequence[str] | None) -> Poster:
    labelled = at_rank.y_true == column
    correct, incorrect = (at_rank.most_certain_first(labelled & each) for each in (at_rank.correct, at_rank.incorrect))
    most, least = correct[:TILES], correct[TILES:][::-1][:TILES]
    rows = {"Correct, most certain": most, "Correct, least certain": least, "Incorrect": incorrect[:TILES]}
    taxon = at_rank.taxa[column]
    images = counted(labelled.sum(), "image")
    counts = f"{images} with this label: {len(correct)} identified correctly, {len(incorrect)} incorrectly"
    return Poster(
        title=name_spans(taxon.name, taxon.rank),
        subtitle=plain(f"{at_rank.rank} rank, {counts}"),
        rows=[
            (plain(heading), [_heat_tile(shown, at_rank, row, used) for row in chosen])
            for heading, chosen in rows.items()
        ],
        bar=Bar(plain("0"), heat_colouring().bar(*_BAR), plain("the image's largest relevance for the name given")),
        legend=plain(
            f"Colours: {UNIT}. Each heat map is scaled to its own maximum, which makes weak evidence look strong."
        ),
    )


def _heat_tile(shown: Pictured, at_rank: RankEvidence, row: int, used: Sequence[str] | None) -> Tile:
    evidence = shown.evidence
    drawn = evidence.geometry.draw(positive(at_rank.relevance[row]))
    picture = heat_colouring().lay(heat_levels(drawn, float(drawn.max())), shown.photograph(row))
    bars = shown.bars(at_rank.rank)
    if bars is not None:
        picture = _above(picture, bars.draw(row))
    lines: list[Spans] = []
    if at_rank.incorrect[row]:
        lines.append([("identified as ", False), *_name(at_rank, at_rank.y_pred[row])])
    lines.append(plain(f"probability {decimals(at_rank.probabilities[row], 2)}"))
    if used is not None:
        lines.append(plain(f"character used: {used[row].replace('_', ' ')}"))
    return Tile.of_file(picture, lines, evidence.file_names[row])


def _above(picture: Image.Image, chart: Image.Image) -> Image.Image:
    """A picture with a chart beneath it."""
    both = Image.new("RGB", (picture.width, picture.height + chart.height), WHITE)
    both.paste(picture, (0, 0))
    both.paste(chart, (0, picture.height))
    return both


def _name(at_rank: RankEvidence, column: int) -> Spans:
    taxon = at_rank.taxa[column]
    return name_spans(taxon.name, taxon.rank)


def draw_contrasts(evidence: RunEvidence, folder: Path, most: int = 6) -> list[Path]:
    """Draw why images of one taxon were given its name and not another, as `contrast_<rank>_<Taxon>_not_<Taxon>.png`.

    Drawn are the pairs confused most often or, at a rank without any confusion, those in which the second taxon is the
    strongest runner-up.

    Args:
        evidence: the images.
        folder: made where missing.
        most: pairs at each rank.

    Returns:
        The files, by rank, most confused pair first.
    """
    return write_posters(contrast_posters(evidence, most), folder)


def contrast_posters(evidence: RunEvidence, most: int = 6) -> Iterator[tuple[str, Poster]]:
    """The contrasts before they are drawn, each with the name of its file."""
    for rank, at_rank in evidence.ranks.items():
        names = names_for_files([taxon.name for taxon in at_rank.taxa])
        for label, other in islice(at_rank.pairs(), most):
            yield f"contrast_{rank}_{names[label]}_not_{names[other]}.png", _contrast(evidence, at_rank, label, other)


def _contrast(evidence: RunEvidence, at_rank: RankEvidence, label: int, other: int) -> Poster:
    """Both rows show the relevance for the label less that for the other taxon, on one scale."""
    labelled = at_rank.y_true == label
    confused = labelled & (at_rank.y_pred == other)
    right = at_rank.most_certain_first(labelled & at_rank.correct & (at_rank.runner_up == other))[:TILES]
    wrong = at_rank.most_certain_first(confused)[:TILES]
    drawn = evidence.geometry.draw(at_rank.contrasts(right, wrong, label, other))
    largest = float(np.abs(drawn).max())
    tiles = [
        _contrast_tile(evidence, at_rank, row, map_, largest) for row, map_ in zip((*right, *wrong), drawn, strict=True)
    ]
    one, two = _name(at_rank, label), _name(at_rank, other)
    here = plain(f"{at_rank.rank} rank; {counted(confused.sum(), 'image')} of ")
    return Poster(
        title=[("Why ", False), *one, (" and not ", False), *two],
        subtitle=[*here, *one, (" identified as ", False), *two],
        rows=[
            (
                [("Identified as ", False), *one, (", with ", False), *two, (" as the runner-up", False)],
                tiles[: len(right)],
            ),
            ([("Labelled ", False), *one, (" but identified as ", False), *two], tiles[len(right) :]),
        ],
        bar=Bar(plain(f"−{three_digits(largest)}"), contrast_colouring().bar(*_BAR), plain(three_digits(largest))),  # noqa: RUF001
        legend=[("Red speaks for ", False), *one, (", blue for ", False), *two, (f": {_CONTRAST_LEGEND}", False)],
    )


def _contrast_tile(
    evidence: RunEvidence, at_rank: RankEvidence, row: int, drawn: NDArray[np.float32], largest: float
) -> Tile:
    picture = contrast_colouring().lay(contrast_levels(drawn, largest), photograph(evidence.pixels[row]))
    second = at_rank.runner_up[row] if at_rank.correct[row] else at_rank.y_true[row]
    columns = (at_rank.y_pred[row], second)
    lines = [[*_name(at_rank, each), (f" {decimals(at_rank.y_prob[row, each], 2)}", False)] for each in columns]
    return Tile.of_file(picture, lines, evidence.file_names[row])
