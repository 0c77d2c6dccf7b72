"""What part does the background play? Identifications again with the same specimens on other backgrounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mentum.audit.cues import Pictures
from mentum.audit.scenes import Grid
from mentum.evaluation.comparison import better, compare_right
from mentum.evaluation.intervals import accuracy_interval
from mentum.evaluation.results import Estimate
from mentum.evaluation.wording import SOME
from mentum.records import Progress, ProgressCallback, Record, ignore_progress
from mentum.specimens.outlines.masks import grow
from mentum.specimens.outlines.patches import RIM, find_body
from mentum.specimens.outlines.surfaces import Field, quadratic, surface
from mentum.taxonomy import Rank

LEAST = 0.005
"""Share of a picture's cells; a smaller specimen counts as not found."""
LEAST_SEEN = 0.1
"""Share of a picture's cells that must be background, so that a surface can be laid through it."""
SOFT = 0.004
"""Width of the edge of an outlined specimen, as a share of the picture's long side."""
BATCH_SIZE = 32
"""Images changed and judged at a time."""

Judge = Callable[[NDArray[np.uint8], NDArray[np.int64]], NDArray[np.floating]]
"""Squares (n, S, S, 3) and the rows (n,) of the images that they were made from → (n, C) probabilities."""


class BackgroundSwap(Record):
    """How identifications change when only the background does, by image at the lowest rank.

    Each specimen is judged four times: in its image, on a smooth version of its own background (what cutting it out
    costs by itself), on a smooth background from another specimen of the same taxon (what a foreign background costs by
    its mere seam), and on one from an image of another taxon.

    Attributes:
        judge: whose identifications, in words.
        n_images: held-out images whose specimen was found; `n_specimens` theirs.
        accuracy: in the untouched images.
        accuracy_own: on the smooth version of its own background.
        accuracy_same: on the background of another specimen of the same taxon, over the images that have one; None
            where none has.
        accuracy_other: on the background of another taxon.
        changed: share whose answer on another taxon's background differs from that on its own.
        followed: share whose answer becomes the taxon that the background came from, where it was not on its own.
        cost: share that is right on the background of another specimen of the same taxon less that on another taxon's,
            over the images that have both: what the foreign taxon costs beyond a mere seam; None where none has.
        plays_a_part: whether significantly more are right on their own background than on another taxon's, and
            significantly more on that of another specimen of the same taxon than on another taxon's (paired tests);
            False where no image has such a background; None in records from before it was kept apart.
        decides: whether it plays a part and answers follow it, as `wording.role` says.
    """

    judge: str
    n_images: int
    n_specimens: int
    accuracy: Estimate
    accuracy_own: Estimate
    accuracy_same: Estimate | None = None
    accuracy_other: Estimate
    changed: Estimate
    followed: Estimate
    cost: Estimate | None = None
    plays_a_part: bool | None = None
    decides: bool

    @property
    def is_sure(self) -> bool:
        """Whether the background plays a part, in old records too."""
        return self.decides if self.plays_a_part is None else self.plays_a_part


@dataclass(frozen=True)
class HeldOutJudge:
    """Networks, and the images whose specimens they did not learn from.

    Attributes:
        name: whose identifications, in words.
        rows: (n,) int, numbers of the images.
        rank: the lowest that they answer at.
        judge: identifies changed versions of the images at this rank.
    """

    name: str
    rows: NDArray[np.int64]
    rank: Rank
    judge: Judge


class Cutout(NamedTuple):
    """What is kept of a picture whose specimen was found.

    Attributes:
        cells: (rows, columns) bool, where the specimen is.
        ground: (6, 3), the smooth surface through the background, as in `surface`.
    """

    cells: NDArray[np.bool_]
    ground: Field


def swap_backgrounds(
    pictures: Pictures,
    y_true: NDArray[np.int64],
    specimens: NDArray[np.str_],
    judge: HeldOutJudge,
    seed: int,
    report: ProgressCallback = ignore_progress,
) -> tuple[BackgroundSwap | None, tuple[str, ...]]:
    """Identify specimens on their own background made smooth, and on that of an image of another taxon.

    Args:
        pictures: all N images.
        y_true: (N,) int, column of the taxon, -1 where the label leaves it open; such images are left out.
        specimens: (N,) the specimen of each image.
        judge: says what they are.
        seed: of the choice of backgrounds and of the draws for the intervals.
        report: told after each batch.

    Returns:
        What was found, None where there is too little to look at; and what was left out, in words.
    """
    named = judge.rows[y_true[judge.rows] >= 0]
    found = {row: cutout for row in named.tolist() if (cutout := cut_out(*pictures.picture(row))) is not None}
    rows = np.array([*found], dtype=np.int64)
    notes = _left_out(len(named) - len(rows), len(named))
    if len(np.unique(y_true[rows])) < 2:
        why = "specimens of two taxa or more must be found in the held-out images"
        return None, (*notes, f"What part the background plays was not looked at: {why}.")
    others, same = draw_donors(y_true[rows], specimens[rows], seed)
    untouched, own, kin, other = _answers(pictures, found, (np.arange(len(rows)), same, others), judge, report)
    answers = Answers(untouched, own, kin, other, same >= 0)
    taxa = (y_true[rows], y_true[rows[others]])
    return compare_backgrounds(answers, taxa, specimens[rows], judge.name, seed), notes


def _answers(
    pictures: Pictures,
    found: dict[int, Cutout],
    donors: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    judge: HeldOutJudge,
    report: ProgressCallback,
) -> list[NDArray[np.int64]]:
    """What each image is taken for untouched, and on the background of each donor (its own where there is none)."""
    rows = np.array([*found], dtype=np.int64)
    answers = [np.empty(len(rows), dtype=np.int64) for _ in range(4)]
    for start in range(0, len(rows), BATCH_SIZE):
        part = np.arange(start, min(start + BATCH_SIZE, len(rows)))
        shown = [np.array(pictures.pixels[rows[part]])]
        for drawn in donors:
            givers = rows[np.where(drawn[part] < 0, part, drawn[part])]
            pairs = zip(rows[part].tolist(), givers.tolist(), strict=True)
            shown.append(np.stack([repaint(pictures, row, found[row], found[giver].ground) for row, giver in pairs]))
        for answer, squares in zip(answers, shown, strict=True):
            answer[part] = judge.judge(squares, rows[part]).argmax(axis=1)
        report(Progress(task="other backgrounds", done=int(part[-1]) + 1, total=len(rows), unit="images"))
    return answers


def _left_out(n_missed: int, n_images: int) -> tuple[str, ...]:
    if not n_missed:
        return ()
    left_out = f"{n_missed} of {n_images} held-out images were not put on other backgrounds"
    return (f"{left_out}: no specimen was found in them, or it fills them.",)


def draw_donors(
    taxa: NDArray[np.int64], specimens: NDArray[np.str_], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each image, one of another taxon, and one of another specimen of its own; each such being as likely.

    Returns:
        (N,) int each; -1 where no other specimen is of the taxon.

    >>> others, same = draw_donors(np.array([0, 0, 1]), np.array(["a", "b", "c"]), seed=0)
    >>> others[:2].tolist(), same.tolist()
    ([2, 2], [1, 0, -1])
    """
    rng = np.random.default_rng((seed, 2))
    pairs = list(zip(taxa.tolist(), specimens.tolist(), strict=True))
    others = [rng.choice(np.flatnonzero(taxa != taxon)) for taxon, _ in pairs]
    kin = [np.flatnonzero((taxa == taxon) & (specimens != specimen)) for taxon, specimen in pairs]
    return np.array(others, dtype=np.int64), np.array([rng.choice(each) if len(each) else -1 for each in kin])


class Answers(NamedTuple):
    """What N images are taken for, (N,) int each.

    Attributes:
        untouched: as they are.
        own: on their own background, made smooth.
        same: on that of another specimen of the same taxon.
        other: on that of another taxon.
        has_same: (N,) bool, whether there was another specimen of the same taxon; `same` is void elsewhere.
    """

    untouched: NDArray[np.int64]
    own: NDArray[np.int64]
    same: NDArray[np.int64]
    other: NDArray[np.int64]
    has_same: NDArray[np.bool_]


def compare_backgrounds(
    answers: Answers,
    taxa: tuple[NDArray[np.int64], NDArray[np.int64]],
    specimens: NDArray[np.str_],
    name: str,
    seed: int,
) -> BackgroundSwap:
    """Count what changed.

    Args:
        answers: of N images.
        taxa: (N,) int each: the label, and that of the image which the other background came from.
        specimens: (N,) the specimen of each image.
        name: whose answers these are, in words.
        seed: of the draws for the intervals.

    >>> untouched, own, same, other = (np.array(each) for each in ([0, 0, 1], [0, 0, 1], [0, 0, 0], [0, 1, 0]))
    >>> taxa = np.array([0, 0, 1]), np.array([1, 1, 0])
    >>> answers = Answers(untouched, own, same, other, np.array([True, True, False]))
    >>> found = compare_backgrounds(answers, taxa, np.array(["a", "b", "c"]), "a network", seed=0)
    >>> [round(each.value, 2) for each in (found.accuracy_own, found.accuracy_same, found.accuracy_other)]
    [1.0, 1.0, 0.33]
    """
    label, donor = taxa
    everyone = np.ones(len(label), dtype=bool)

    def share(which: NDArray[np.bool_], of: NDArray[np.bool_] = everyone) -> Estimate:
        return Estimate(value=float(which[of].mean()), interval=accuracy_interval(which[of], specimens[of], seed))

    def beats_other(right: NDArray[np.bool_], of: NDArray[np.bool_]) -> bool:
        return better(compare_right((answers.other == label)[of], right[of], specimens[of], seed)) == "b"

    own, same, paired = answers.own == label, answers.same == label, answers.has_same
    plays = bool(paired.any()) and beats_other(own, everyone) and beats_other(same, paired)
    followed = share((answers.other == donor) & (answers.own != donor))
    return BackgroundSwap(
        judge=name,
        n_images=len(label),
        n_specimens=len(np.unique(specimens)),
        accuracy=share(answers.untouched == label),
        accuracy_own=share(own),
        accuracy_same=share(same, paired) if paired.any() else None,
        accuracy_other=share(answers.other == label),
        changed=share(answers.own != answers.other),
        followed=followed,
        cost=_cost(same[paired], (answers.other == label)[paired], specimens[paired], seed) if paired.any() else None,
        plays_a_part=plays,
        decides=plays and followed.value >= SOME,
    )


def _cost(same: NDArray[np.bool_], other: NDArray[np.bool_], specimens: NDArray[np.str_], seed: int) -> Estimate:
    found = compare_right(other, same, specimens, seed)
    return Estimate(value=found.difference, interval=found.interval)


def cut_out(picture: Field, mask: NDArray[np.bool_] | None) -> Cutout | None:
    """Find the specimen and the smooth background; None where either is too small.

    Args:
        picture: (height, width, 3) of 0-1, without padding.
        mask: (height, width) bool, where it is outlined.
    """
    grid = Grid.over(picture)
    colours = grid.means(picture)
    outlined = None if mask is None else grid.touched(mask)
    cells = find_body(colours, grid.texture(picture)[..., 0], outlined)
    seen = ~grow(cells, RIM)
    if seen.mean() < LEAST_SEEN or (mask is None and cells.mean() < LEAST):
        return None
    return Cutout(cells, surface(colours, seen)[0])


def repaint(pictures: Pictures, row: int, cutout: Cutout, ground: Field) -> NDArray[np.uint8]:
    """(S, S, 3) uint8: a square with its specimen on a smooth background; the padding stays.

    Args:
        pictures: of which it is one.
        row: its number.
        cutout: its own.
        ground: (6, 3), coefficients of a surface, which may be another picture's.
    """
    picture, mask = pictures.picture(row)
    height, width = picture.shape[:2]
    if mask is None:
        soft = Image.fromarray(grow(cutout.cells, 1).astype(np.float32))
        alpha = np.asarray(soft.resize((width, height), Image.Resampling.BILINEAR))
    else:
        drawn = Image.fromarray(mask.astype(np.uint8) * 255)
        alpha = np.asarray(drawn.filter(ImageFilter.GaussianBlur(SOFT * max(height, width)))) / np.float32(255)
    painted = alpha[..., None] * picture + (1 - alpha[..., None]) * (quadratic((height, width)) @ ground).clip(0, 1)
    square = np.array(pictures.pixels[row])
    square[pictures.inner(row)] = np.rint(255 * painted).astype(np.uint8)
    return square
