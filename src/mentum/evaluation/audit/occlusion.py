"""Does the background decide? Identifications again with the same specimens on other backgrounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mentum.evaluation.audit.cues import Pictures
from mentum.evaluation.audit.scenes import Grid
from mentum.evaluation.audit.segmentation import RIM, Field, find_body, grow, quadratic, surface
from mentum.evaluation.comparison import better, compare_right
from mentum.evaluation.cross_validation import Estimate
from mentum.evaluation.metrics import accuracy_interval
from mentum.records import Progress, ProgressCallback, Record, ignore_progress
from mentum.taxonomy import Rank

SMALLEST = 0.005
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

    Each specimen is judged three times: in its image, on a smooth version of its own background (what cutting it out
    costs by itself), and on a smooth background from an image of another taxon.

    Attributes:
        judge: whose identifications, in words.
        n_images: held-out images whose specimen was found; `n_specimens` theirs.
        accuracy: in the untouched images.
        accuracy_own: on the smooth version of its own background.
        accuracy_other: on the background of another taxon.
        changed: share whose answer on another taxon's background differs from that on its own.
        followed: share whose answer becomes the taxon that the background came from, where it was not on its own.
        decides: whether `accuracy_own` is significantly higher than `accuracy_other` (paired test).
    """

    judge: str
    n_images: int
    n_specimens: int
    accuracy: Estimate
    accuracy_own: Estimate
    accuracy_other: Estimate
    changed: Estimate
    followed: Estimate
    decides: bool


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
        return None, (*notes, f"Whether the background decides was not looked at: {why}.")
    donors = draw_donors(y_true[rows], seed)
    answers = [np.empty(len(rows), dtype=np.int64) for _ in range(3)]
    for start in range(0, len(rows), BATCH_SIZE):
        part = np.arange(start, min(start + BATCH_SIZE, len(rows)))
        pairs = [(row, found[int(rows[donor])].ground) for row, donor in zip(rows[part], donors[part], strict=True)]
        own = [repaint(pictures, row, found[row], found[row].ground) for row, _ in pairs]
        other = [repaint(pictures, row, found[row], ground) for row, ground in pairs]
        for answer, squares in zip(answers, (pictures.pixels[rows[part]], own, other), strict=True):
            answer[part] = judge.judge(np.array(squares), rows[part]).argmax(axis=1)
        report(Progress(task="other backgrounds", done=int(part[-1]) + 1, total=len(rows), unit="images"))
    taxa = (y_true[rows], y_true[rows[donors]])
    return compare_backgrounds((answers[0], answers[1], answers[2]), taxa, specimens[rows], judge.name, seed), notes


def _left_out(n_missed: int, n_images: int) -> tuple[str, ...]:
    if not n_missed:
        return ()
    left_out = f"{n_missed} of {n_images} held-out images were not put on other backgrounds"
    return (f"{left_out}: no specimen was found in them, or it fills them.",)


def draw_donors(taxa: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """(N,) int: for each image, one of another taxon, each of these being as likely.

    >>> draw_donors(np.array([0, 0, 1]), seed=0)[:2].tolist()
    [2, 2]
    """
    rng = np.random.default_rng((seed, 2))
    return np.array([rng.choice(np.flatnonzero(taxa != taxon)) for taxon in taxa.tolist()], dtype=np.int64)


def compare_backgrounds(
    answers: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    taxa: tuple[NDArray[np.int64], NDArray[np.int64]],
    specimens: NDArray[np.str_],
    name: str,
    seed: int,
) -> BackgroundSwap:
    """Count what changed.

    Args:
        answers: (N,) int each: in the untouched image, on its own background, on that of another taxon.
        taxa: (N,) int each: the label, and that of the image which the other background came from.
        specimens: (N,) the specimen of each image.
        name: whose answers these are, in words.
        seed: of the draws for the intervals.

    >>> answers = tuple(np.array(each) for each in ([0, 0, 1], [0, 0, 1], [0, 1, 0]))
    >>> taxa = np.array([0, 0, 1]), np.array([1, 1, 0])
    >>> found = compare_backgrounds(answers, taxa, np.array(["a", "b", "c"]), "a network", seed=0)
    >>> round(found.accuracy_own.value, 2), round(found.accuracy_other.value, 2), round(found.followed.value, 2)
    (1.0, 0.33, 0.67)
    """
    (untouched, own, other), (label, donor) = answers, taxa

    def share(which: NDArray[np.bool_]) -> Estimate:
        return Estimate(value=float(which.mean()), interval=accuracy_interval(which, specimens, seed))

    return BackgroundSwap(
        judge=name,
        n_images=len(label),
        n_specimens=len(np.unique(specimens)),
        accuracy=share(untouched == label),
        accuracy_own=share(own == label),
        accuracy_other=share(other == label),
        changed=share(own != other),
        followed=share((other == donor) & (own != donor)),
        decides=better(compare_right(other == label, own == label, specimens, seed)) == "b",
    )


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
    if seen.mean() < LEAST_SEEN or (mask is None and cells.mean() < SMALLEST):
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
