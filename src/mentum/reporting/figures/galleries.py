"""Galleries of a taxon's images with their heat maps, and contrasts of two taxa: why this name and not that one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mentum.explanation.evidence import RankEvidence, RunEvidence
from mentum.maps import contrast, positive
from mentum.reporting.figures.colouring import (
    UNIT,
    contrast_colouring,
    contrast_levels,
    heat_colouring,
    heat_levels,
    photograph,
    save_picture,
)
from mentum.reporting.figures.lettering import BLACK, GREY, Colour, Lettering, Spans
from mentum.reporting.figures.poster import Bar, Poster, Tile
from mentum.reporting.figures.style import DPI
from mentum.reporting.numbers import three_digits
from mentum.taxonomy import Rank, name_spans

TILES = 5
"""In a row, at most."""

_BAR = (220, 12)
_CONTRAST_LEGEND = (
    f"difference of the two maps ({UNIT}), on one scale for all images here, symmetric about zero, where the bare "
    "photograph is seen. Numbers beside names are probabilities."
)

Rows = NDArray[np.int64]


def draw_galleries(evidence: RunEvidence, used: Mapping[Rank, Sequence[str]] | None, folder: Path) -> list[Path]:
    """Draw a gallery of each taxon that images are labelled as, at each rank, as `gallery_<rank>_<Taxon_name>.png`.

    Args:
        evidence: the images.
        used: rank → the character used in each image, "none" where none was; None leaves characters out.
        folder: made where missing.

    Returns:
        The files, by rank, then taxon.
    """
    return _save(gallery_posters(evidence, used), folder)


def gallery_posters(evidence: RunEvidence, used: Mapping[Rank, Sequence[str]] | None) -> Iterator[tuple[str, Poster]]:
    """The galleries before they are drawn, each with the name of its file."""
    for rank, at_rank in evidence.ranks.items():
        for column, name in enumerate(names_for_files([taxon.name for taxon in at_rank.taxa])):
            if (at_rank.y_true == column).any():
                poster = _gallery(evidence, at_rank, column, None if used is None else used[rank])
                yield f"gallery_{rank}_{name}.png", poster


def _save(posters: Iterable[tuple[str, Poster]], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    return [save_picture(poster.draw(), folder / name, DPI) for name, poster in posters]


def names_for_files(names: Sequence[str]) -> list[str]:
    """Names of taxa for files; homonyms are numbered.

    >>> names_for_files(["Aus bus", "Cus", "Cus", "Dus (Eus) sp. 1"])
    ['Aus_bus', 'Cus', 'Cus_2', 'Dus_(Eus)_sp._1']
    """
    plain = [re.sub(r"[^\w.()-]+", "_", name) for name in names]
    before = [plain[:place].count(name) for place, name in enumerate(plain)]
    return [f"{name}_{count + 1}" if count else name for name, count in zip(plain, before, strict=True)]


def _gallery(evidence: RunEvidence, at_rank: RankEvidence, column: int, used: Sequence[str] | None) -> Poster:
    labelled, y_prob = at_rank.y_true == column, at_rank.y_prob[np.arange(len(at_rank.y_pred)), at_rank.y_pred]
    correct, incorrect = (_falling(labelled & chosen, y_prob) for chosen in (at_rank.correct, at_rank.incorrect))
    most, least = correct[:TILES], correct[TILES:][::-1][:TILES]
    rows = {"Correct, most certain": most, "Correct, least certain": least, "Incorrect": incorrect[:TILES]}
    taxon = at_rank.taxa[column]
    counts = (
        f"{_count(labelled.sum())} with this label: {len(correct)} identified correctly, {len(incorrect)} incorrectly"
    )
    return Poster(
        title=name_spans(taxon.name, taxon.rank),
        subtitle=_plain(f"{at_rank.rank} rank, {counts}"),
        rows=[
            (_plain(heading), [_heat_tile(evidence, at_rank, row, used) for row in chosen])
            for heading, chosen in rows.items()
        ],
        bar=Bar(_plain("0"), heat_colouring().bar(*_BAR), _plain("the image's largest relevance for the name given")),
        legend=_plain(
            f"Colours: {UNIT}. Each heat map is scaled to its own maximum, which makes weak evidence look strong."
        ),
    )


def _falling(chosen: NDArray[np.bool_], y_prob: NDArray[np.float32]) -> Rows:
    """Rows of the chosen images, the most probable first."""
    rows = np.flatnonzero(chosen)
    return rows[np.argsort(-y_prob[rows], kind="stable")]


def _heat_tile(evidence: RunEvidence, at_rank: RankEvidence, row: int, used: Sequence[str] | None) -> Tile:
    drawn = evidence.geometry.draw(positive(at_rank.relevance[row]))
    picture = heat_colouring().lay(heat_levels(drawn, float(drawn.max())), photograph(evidence.pixels[row]))
    lines: list[tuple[Spans, Colour]] = []
    if at_rank.incorrect[row]:
        lines.append(([("identified as ", False), *_name(at_rank, at_rank.y_pred[row])], BLACK))
    lines.append((_plain(f"probability {at_rank.y_prob[row, at_rank.y_pred[row]]:.2f}"), BLACK))
    if used is not None:
        lines.append((_plain(f"character used: {used[row].replace('_', ' ')}"), BLACK))
    return Tile(picture, [*lines, _source(evidence, row, picture.width)])


def _source(evidence: RunEvidence, row: int, width: int) -> tuple[Spans, Colour]:
    """The caption's last line, the name of the image file."""
    return _plain(Lettering.load(12).shorten(Path(evidence.file_names[row]).name, width)), GREY


def _plain(text: str) -> Spans:
    return [(text, False)]


def _name(at_rank: RankEvidence, column: int) -> Spans:
    taxon = at_rank.taxa[column]
    return name_spans(taxon.name, taxon.rank)


def _count(n: int) -> str:
    return f"{n} {'image' if n == 1 else 'images'}"


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
    return _save(contrast_posters(evidence, most), folder)


def contrast_posters(evidence: RunEvidence, most: int = 6) -> Iterator[tuple[str, Poster]]:
    """The contrasts before they are drawn, each with the name of its file."""
    for rank, at_rank in evidence.ranks.items():
        names = names_for_files([taxon.name for taxon in at_rank.taxa])
        for label, other in islice(_pairs(at_rank), most):
            yield f"contrast_{rank}_{names[label]}_not_{names[other]}.png", _contrast(evidence, at_rank, label, other)


def _pairs(at_rank: RankEvidence) -> list[tuple[int, int]]:
    """Columns of label and other taxon, the pairs most worth a picture first."""
    wrong = at_rank.incorrect
    confused = Counter(zip(at_rank.y_true[wrong].tolist(), at_rank.y_pred[wrong].tolist(), strict=True))
    if confused:
        return [pair for pair, _ in sorted(confused.items(), key=lambda item: (-item[1], item[0]))]
    strength: dict[tuple[int, int], float] = {}
    for row in np.flatnonzero(at_rank.correct).tolist():
        label, other = int(at_rank.y_true[row]), int(at_rank.runner_up[row])
        share = float(at_rank.y_prob[row, other] / (at_rank.y_true == label).sum())
        strength[label, other] = strength.get((label, other), 0.0) + share
    return sorted(strength, key=lambda pair: (-strength[pair], pair))


def _contrast(evidence: RunEvidence, at_rank: RankEvidence, label: int, other: int) -> Poster:
    """Both rows show the relevance for the label less that for the other taxon, on one scale."""
    y_prob = at_rank.y_prob[np.arange(len(at_rank.y_pred)), at_rank.y_pred]
    labelled = at_rank.y_true == label
    right = _falling(labelled & at_rank.correct & (at_rank.runner_up == other), y_prob)[:TILES]
    wrong = _falling(labelled & (at_rank.y_pred == other), y_prob)[:TILES]
    drawn = evidence.geometry.draw(_compared(at_rank, right, wrong, label, other))
    largest = float(np.abs(drawn).max())
    tiles = [
        _contrast_tile(evidence, at_rank, row, map_, largest) for row, map_ in zip((*right, *wrong), drawn, strict=True)
    ]
    one, two = _name(at_rank, label), _name(at_rank, other)
    here = _plain(f"{at_rank.rank} rank; {_count(int((labelled & (at_rank.y_pred == other)).sum()))} of ")
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
        bar=Bar(_plain(f"−{three_digits(largest)}"), contrast_colouring().bar(*_BAR), _plain(three_digits(largest))),  # noqa: RUF001
        legend=[("Red speaks for ", False), *one, (", blue for ", False), *two, (f": {_CONTRAST_LEGEND}", False)],
    )


def _compared(at_rank: RankEvidence, right: Rows, wrong: Rows, label: int, other: int) -> NDArray[np.float32]:
    """Contrasts (n, cells, cells) of the label with the other taxon, the right images before the wrong ones."""
    rows = np.concatenate([right, wrong]).astype(np.int64)
    return contrast(
        np.concatenate([at_rank.relevance[right], at_rank.label_relevance[wrong]]),
        np.concatenate([at_rank.runner_up_relevance[right], at_rank.relevance[wrong]]),
        at_rank.y_prob[rows, label],
        at_rank.y_prob[rows, other],
    )


def _contrast_tile(
    evidence: RunEvidence, at_rank: RankEvidence, row: int, drawn: NDArray[np.float32], largest: float
) -> Tile:
    picture = contrast_colouring().lay(contrast_levels(drawn, largest), photograph(evidence.pixels[row]))
    second = at_rank.runner_up[row] if at_rank.correct[row] else at_rank.y_true[row]
    columns = (at_rank.y_pred[row], second)
    lines = [([*_name(at_rank, column), (f" {at_rank.y_prob[row, column]:.2f}", False)], BLACK) for column in columns]
    return Tile(picture, [*lines, _source(evidence, row, picture.width)])
