"""Pictures that tell a network what it should find out: near-duplicates and bursts on both sides of a split."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from mentum.records import Record
from mentum.specimens.alike import Pairs
from mentum.specimens.folders import SUBSETS

Kind = Literal["across taxa", "across subsets", "two specimens"]
KINDS: tuple[Kind, ...] = ("across taxa", "across subsets", "two specimens")
"""Worst first: one of two labels is wrong; a test is no test; a specimen counts twice."""

SECONDS = 5
LONGEST = 12
"""Numbers of one stem above which they are a list, not a camera's count, if at least half of those between are used."""

_EXIF, _DATE_TAKEN = 0x8769, 0x9003
_BROKEN = (Exception,)
"""As in `specimens.image_refusals.decoding`: headers fail in every way, and what they do not tell stays unknown."""


class Leak(Record):
    """Two images that show the same.

    Attributes:
        rows: of the images.
        distance: bits of 64 in which their perceptual hashes differ.
        cosine: of their whitened features; None without features.
        kind: the worst that is true of them.
        subsets: where they stand.
    """

    rows: tuple[int, int]
    distance: int
    cosine: float | None
    kind: Kind
    subsets: tuple[str, str]


def find_leaks(
    pairs: Pairs, subsets: Sequence[str], labels: Sequence[str], specimens: Sequence[str]
) -> tuple[Leak, ...]:
    """Say what is wrong with near-duplicates, worst first; two images of one specimen in one subset are no leak.

    Args:
        pairs: of `near_duplicates`.
        subsets: of each image.
        labels: name of each image's taxon.
        specimens: of each image.
    """
    leaks = []
    for rows, distance, cosine in zip(pairs.rows.tolist(), pairs.distance.tolist(), pairs.cosine.tolist(), strict=True):
        kind = _kind(*((labels[row], subsets[row], specimens[row]) for row in rows))
        if kind is not None:
            measured = None if np.isnan(cosine) else cosine
            where = (subsets[rows[0]], subsets[rows[1]])
            leaks.append(Leak(rows=tuple(rows), distance=distance, cosine=measured, kind=kind, subsets=where))
    return tuple(sorted(leaks, key=lambda leak: (KINDS.index(leak.kind), leak.distance, -(leak.cosine or 0))))


def _kind(one: tuple[str, str, str], other: tuple[str, str, str]) -> Kind | None:
    return next((kind for kind, here, there in zip(KINDS, one, other, strict=True) if here != there), None)


def exif_times(paths: Sequence[Path]) -> list[datetime | None]:
    """When each picture was taken (EXIF DateTimeOriginal), to the second; None where the file does not tell."""
    return [_exif_time(path) for path in paths]


def _exif_time(path: Path) -> datetime | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large images, whose pixels are not read
            with Image.open(path) as image:
                text = image.getexif().get_ifd(_EXIF).get(_DATE_TAKEN)
        return datetime.strptime(str(text).strip("\0 "), "%Y:%m:%d %H:%M:%S")
    except _BROKEN:
        return None


def bursts(file_names: Sequence[str], times: Sequence[datetime | None]) -> tuple[tuple[int, ...], ...]:
    """Groups of images that were taken one after another, such as a burst, or the fields of one slide.

    Two images belong together if at most `SECONDS` lie between them; where a time is missing (midnight sharp is a date
    without time), if their names end in consecutive numbers after the same stem. Numbers that begin at 0 or 1, or are
    more than `LONGEST` and closely used, are a list that someone made, and tell nothing.

    Args:
        file_names: relative to the data; a leading folder that names a subset is not part of the stem.
        times: of each image.

    Returns:
        rows of each group in ascending order, groups of two or more.

    >>> bursts(["train/IMG_2031.jpg", "test/IMG_2032.jpg", "test/IMG_2051.jpg"], [None] * 3)
    ((0, 1),)
    """
    clock = [None if time is None or time.time() == datetime.min.time() else time for time in times]
    groups = {row: [row] for row in range(len(file_names))}
    for one, other in (*_close_in_time(clock), *_consecutive(file_names, clock)):
        small, large = sorted((groups[one], groups[other]), key=len)
        if small is not large:
            large += small
            groups.update(dict.fromkeys(small, large))
    distinct = {id(rows): rows for rows in groups.values() if len(rows) > 1}
    return tuple(sorted(tuple(sorted(rows)) for rows in distinct.values()))


def _close_in_time(clock: Sequence[datetime | None]) -> Iterator[tuple[int, int]]:
    known = sorted((time.replace(tzinfo=None), row) for row, time in enumerate(clock) if time is not None)
    for (before, one), (after, other) in pairwise(known):
        if (after - before).total_seconds() <= SECONDS:
            yield one, other


def _consecutive(file_names: Sequence[str], clock: Sequence[datetime | None]) -> Iterator[tuple[int, int]]:
    stems: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for row, name in enumerate(file_names):
        folder, _, rest = name.replace("\\", "/").partition("/")
        within = rest if rest and folder.lower() in SUBSETS else name
        if match := re.fullmatch(r"(.*?)(\d+)(\.\w+)?", within):
            stems.setdefault((match[1], (match[3] or "").lower()), []).append((int(match[2]), row))
    for numbered in map(sorted, stems.values()):
        if not _is_list([number for number, _ in numbered]):
            for (before, one), (after, other) in pairwise(numbered):
                if after - before == 1 and (clock[one] is None or clock[other] is None):
                    yield one, other


def _is_list(numbers: Sequence[int]) -> bool:
    """Whether ascending numbers are someone's list rather than a camera's count."""
    return numbers[0] <= 1 or (len(numbers) > LONGEST and 2 * len(numbers) > numbers[-1] - numbers[0])


def torn(
    groups: Sequence[Sequence[int]], subsets: Sequence[str], specimens: Sequence[str]
) -> tuple[tuple[int, ...], ...]:
    """The groups of `bursts` that stand in several subsets under several specimens.

    >>> torn([(0, 1), (2, 3)], ["train", "test", "train", "train"], ["a", "b", "c", "d"])
    ((0, 1),)
    """
    return tuple(
        tuple(rows)
        for rows in groups
        if len({subsets[row] for row in rows}) > 1 and len({specimens[row] for row in rows}) > 1
    )
