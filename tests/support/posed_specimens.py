"""Drawn specimens in known poses, with relevance that peaks where it was planted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from mentum.explanation.evidence import RankEvidence, RunEvidence
from mentum.explanation.proposals.frames import Frame
from mentum.maps import CellGeometry
from mentum.specimens.pixels import SquarePlacement
from mentum.taxonomy import Rank, Taxon

SIZE = 112
WIDTH, HEIGHT = 200, 160  # px of the image files
GEOMETRY = CellGeometry(size=SIZE, cells=14, stride=8, offset=3.5)
TAXA = tuple(Taxon(((Rank.GENUS, "Aus"), (Rank.SPECIES, name))) for name in ("Aus bus", "Aus cus"))
LONG, SHORT = 1.4, 1 / 1.4  # an ellipse's diameters times sqrt(pi) / 2, so that its area is 1
MARKS = {"mouth": (0.0, 0.42), "eyes": (0.2, 0.2), "spot": (-0.15, -0.3)}
"""Frame coordinates of what is drawn on every specimen; eyes on both sides."""


def pose(rng: np.random.Generator) -> Frame:
    """A random pose of a specimen that stays within the image."""
    x, y = SIZE / 2 + rng.uniform(-8, 8, size=2)
    return Frame(x=x, y=y, angle=rng.uniform(-40, 40), scale=rng.uniform(32, 40), axis="mirror")


def square_of(frame: Frame, *, marks: bool = True) -> np.ndarray:
    """(SIZE, SIZE, 3) uint8: a brown ellipse with a dark mouth and eyes on pale blue, between grey padding."""
    finer = 4
    image = Image.new("RGB", (SIZE * finer, SIZE * finer), (127, 127, 127))
    place = SquarePlacement(WIDTH, HEIGHT, SIZE)
    draw = ImageDraw.Draw(image)
    right, bottom = place.left + place.inner[0], place.top + place.inner[1]
    draw.rectangle([finer * side for side in (place.left, place.top, right, bottom)], fill=(190, 215, 225))
    _blob(draw, frame, (0, 0), (SHORT, LONG), (150, 100, 60), finer)
    if marks:
        _blob(draw, frame, MARKS["mouth"], (0.4, 0.2), (70, 40, 30), finer)
        for side in (1, -1):
            _blob(draw, frame, (side * MARKS["eyes"][0], MARKS["eyes"][1]), (0.15, 0.15), (90, 50, 30), finer)
    return np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BOX))


def _blob(draw, frame, middle, diameters, colour, finer):
    turn = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    outline = np.stack([np.cos(turn), np.sin(turn)], axis=1) * np.array(diameters) / np.sqrt(np.pi)
    draw.polygon([tuple(finer * point) for point in frame.to_square(outline + np.array(middle))], fill=colour)


def relevance_of(frame: Frame, places: Sequence[tuple[float, float]], heights: Sequence[float]) -> np.ndarray:
    """(cells, cells) float32 with a bump at each place of the frame."""
    centres = np.arange(GEOMETRY.cells) * GEOMETRY.stride + GEOMETRY.offset + 0.5
    bumps = [
        height * np.exp(-0.5 * (((centres - x) ** 2)[None, :] + ((centres - y) ** 2)[:, None]) / 6.0**2)
        for (x, y), height in zip(frame.to_square(np.array(places)), heights, strict=True)
    ]
    return np.sum(bumps, axis=0).astype(np.float32) - 0.01


@dataclass(frozen=True)
class Planted:
    """Evidence, and the true frames."""

    evidence: RunEvidence
    frames: list[Frame]


def planted(n: int = 30, wrong: int = 2, seed: int = 0) -> Planted:
    """Images of two taxa by turns: relevance of the first peaks at mouth or spot, of the second at either eye.

    The last `wrong` images are identified as the other taxon, with relevance in a corner.
    """
    rng = np.random.default_rng(seed)
    frames = [pose(rng) for _ in range(n)]
    y_true = np.arange(n) % 2
    y_pred = np.where(np.arange(n) < n - wrong, y_true, 1 - y_true)
    eyes = [(side * MARKS["eyes"][0], MARKS["eyes"][1]) for side in (1, -1)]
    spots = {0: [MARKS["mouth"], MARKS["mouth"], MARKS["spot"]], 1: eyes}
    relevance = np.stack(
        [
            relevance_of(frame, [spots[taxon][i // 2 % len(spots[taxon])]], [rng.uniform(1, 3)])
            if y_pred[i] == taxon
            else relevance_of(frame, [(1.0, -1.0)], [5.0])
            for i, (frame, taxon) in enumerate(zip(frames, y_true.tolist(), strict=True))
        ]
    )
    y_prob = np.eye(2, dtype=np.float32)[y_pred]
    ranks = {
        Rank.SPECIES: RankEvidence(
            Rank.SPECIES, TAXA, y_true, y_pred, 1 - y_pred, y_prob, relevance, relevance, relevance
        )
    }
    names = [f"images/{i}.jpg" for i in range(n)]
    evidence = RunEvidence(
        file_names=names,
        specimens=np.array(names),
        subsets=np.full(n, "test"),
        pixels=np.stack([square_of(frame) for frame in frames]),
        sizes=np.tile(np.array([[WIDTH, HEIGHT]]), (n, 1)),
        geometry=GEOMETRY,
        ranks=ranks,
    )
    return Planted(evidence, frames)
