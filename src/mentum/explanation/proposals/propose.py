"""Characters proposed where nobody has outlined any: parts of specimens that relevance maps peak on, to be named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from mentum.errors import DataError, RunError
from mentum.explanation.evidence import RankEvidence, RunEvidence
from mentum.explanation.proposals.clusters import Cluster, Peaks, cluster_peaks, find_peaks, kernel_for
from mentum.explanation.proposals.frames import Frame, find_frame
from mentum.records import Progress, ProgressCallback, Record, ignore_progress
from mentum.runs import Run
from mentum.specimens.placements import Box
from mentum.stored import readable
from mentum.taxonomy import Rank

N_TAXA = 3
N_EXAMPLES = 4

Outlines = Callable[[str], NDArray[np.floating] | None]
"""File name → (S, S) float, above 0.5 within the specimen, in the network's square; None where it is not outlined."""


class FramedImage(Record):
    """One image and the frame of its specimen.

    Attributes:
        width, height: of the upright image file, px.
        box: the part of it that the square shows; None = the whole.
    """

    file_name: str
    width: int
    height: int
    frame: Frame
    box: Box | None = Field(default=None, exclude_if=lambda box: box is None)

    @model_validator(mode="after")
    def _lies_in_the_image(self) -> Self:
        left, top, right, bottom = self.box or (0, 0, self.width, self.height)
        if not (0 <= left < right <= self.width and 0 <= top < bottom <= self.height):
            raise ValueError(f"found the box {self.box} in an image of {self.width} x {self.height} px")
        return self


class ProposedTaxon(Record):
    """How often one taxon's images peak in a character.

    Attributes:
        share: of its `n` images, 0-1.
    """

    scientific_name: str
    rank: Rank
    share: float
    n: int


class ProposedExample(Record):
    """An image with a high peak in a character, and the peak's place in the frame, units."""

    file_name: str
    x: float
    y: float


class ProposedCharacter(Record):
    """A cluster of peaks, which may be a character.

    Attributes:
        number: from 1, the one with most weight.
        weight: share of the weight of all peaks, 0-1; an image's peaks weigh 1 together, each by its height.
        images: share of images that peak in it.
        x, y: its densest place, units of the frame; of a pair, on the viewer's right.
        outlines: where the density is above half of that there: one polygon of (x, y), or two mirror images.
        taxa: those that peak in it most often.
        examples: highest peaks, of different taxa as far as possible.
    """

    number: int
    weight: float
    images: float
    x: float
    y: float
    outlines: tuple[tuple[tuple[float, float], ...], ...]
    taxa: tuple[ProposedTaxon, ...]
    examples: tuple[ProposedExample, ...]


class Proposals(Record):
    """Proposed characters, and all that is needed to lay them on the images.

    Coordinates are those of the specimen's own frame (see `mentum.explanation.proposals.frames`).

    Attributes:
        rank: whose maps were used.
        size: side of the network's square, px; the frames are in it.
        symmetrical: whether the two sides of the body were taken together.
        kernel: standard deviation by which the density of peaks was smoothed, units.
        n_images: images used: those identified correctly.
        n_unframed: of all `images`, those in which no specimen was found.
    """

    schema_version: Literal[1] = 1
    rank: Rank
    size: int = Field(ge=1)
    symmetrical: bool
    kernel: float
    n_images: int
    n_unframed: int
    characters: tuple[ProposedCharacter, ...]
    images: tuple[FramedImage, ...]


def propose_characters(
    evidence: RunEvidence,
    outlines: Outlines | None = None,
    *,
    rank: Rank | None = None,
    symmetrical: bool | None = None,
    progress: ProgressCallback = ignore_progress,
) -> Proposals:
    """Propose characters: clusters of the peaks of maps, in the specimens' own frame.

    Args:
        evidence: of the images to look at.
        outlines: of specimens, where known; else they are found by colour.
        rank: whose maps to use; the lowest one by default.
        symmetrical: take both sides of the body together, so that symmetrical parts are one character. By default where
            most specimens are symmetrical about their body axis.
        progress: told after each image.

    Raises:
        DataError: if no image is identified correctly with evidence for it, so that there is nothing to propose.
    """
    used = next(iter(evidence.ranks)) if rank is None else rank
    at_rank = evidence.ranks[used]
    rows = np.flatnonzero(at_rank.correct)
    peaks = find_peaks(at_rank.relevance[rows], evidence.geometry)
    if not len(peaks.image):
        raise DataError(
            f"no image is identified correctly at {used} rank on positive evidence, so no characters can be proposed; "
            "give images that the model knows, or train it for longer."
        )
    images = _framed(evidence, outlines, progress)
    axes = [image.frame.axis for image in images]
    both_sides = 2 * axes.count("mirror") > len(axes) if symmetrical is None else symmetrical
    peaks = _into_frames(peaks, rows, images)
    unit = float(np.median([images[row].frame.scale for row in rows]))
    kernel = kernel_for(peaks, evidence.geometry.stride / unit)
    clusters = cluster_peaks(peaks, kernel, symmetrical=both_sides)
    return Proposals(
        rank=used,
        size=evidence.geometry.size,
        symmetrical=both_sides,
        kernel=kernel,
        n_images=len(rows),
        n_unframed=axes.count("image"),
        characters=tuple(_character(n, found, peaks, at_rank, images) for n, found in enumerate(clusters, start=1)),
        images=tuple(images),
    )


def _framed(evidence: RunEvidence, outlines: Outlines | None, progress: ProgressCallback) -> list[FramedImage]:
    found = []
    for row, name in enumerate(evidence.file_names):
        at = evidence.placement(row)
        outline = None if outlines is None else outlines(name)
        frame = find_frame(evidence.pixels[row], at, outline)
        found.append(FramedImage(file_name=name, width=at.width, height=at.height, frame=frame, box=at.box))
        progress(Progress(task="frames of specimens", done=row + 1, total=len(evidence.file_names), unit="images"))
    return found


def _into_frames(peaks: Peaks, rows: NDArray[np.int64], images: Sequence[FramedImage]) -> Peaks:
    """Peaks of the maps of `rows` in px of their squares → peaks of all images in coordinates of their frames."""
    places = [images[row].frame.from_square(point) for row, point in zip(rows[peaks.image], peaks.points, strict=True)]
    return Peaks(rows[peaks.image], np.stack(places), peaks.heights, peaks.weights)


def _character(
    number: int, cluster: Cluster, peaks: Peaks, evidence: RankEvidence, images: Sequence[FramedImage]
) -> ProposedCharacter:
    members = cluster.members
    outlines = tuple(tuple((float(x), float(y)) for x, y in outline.round(3)) for outline in cluster.outlines)
    return ProposedCharacter(
        number=number,
        weight=float(peaks.weights[members].sum() / peaks.weights.sum()),
        images=len(np.unique(peaks.image[members])) / int(evidence.correct.sum()),
        x=round(cluster.mode[0], 4),
        y=round(cluster.mode[1], 4),
        outlines=outlines,
        taxa=_most_frequent(np.unique(peaks.image[members]), evidence),
        examples=_examples(cluster, peaks, evidence, images),
    )


def _most_frequent(rows: NDArray[np.int64], evidence: RankEvidence) -> tuple[ProposedTaxon, ...]:
    """The taxa of which the largest shares of images are among `rows`."""
    n_taxa = len(evidence.taxa)
    within = np.bincount(evidence.y_pred[rows], minlength=n_taxa)
    correct = np.bincount(evidence.y_pred[evidence.correct], minlength=n_taxa)
    shares = within / np.maximum(correct, 1)
    columns = sorted(np.flatnonzero(within).tolist(), key=lambda column: (-shares[column], -within[column]))
    return tuple(
        ProposedTaxon(
            scientific_name=evidence.taxa[column].name,
            rank=evidence.taxa[column].rank,
            share=float(shares[column]),
            n=int(correct[column]),
        )
        for column in columns[:N_TAXA]
    )


def _examples(
    cluster: Cluster, peaks: Peaks, evidence: RankEvidence, images: Sequence[FramedImage]
) -> tuple[ProposedExample, ...]:
    """The highest peak of each taxon, the highest first; then further ones, each image once."""
    highest = sorted(np.flatnonzero(cluster.members).tolist(), key=lambda peak: -peaks.heights[peak])
    once = {int(peaks.image[peak]): peak for peak in reversed(highest)}
    first_of_taxon = {int(evidence.y_pred[row]): row for row in once}
    ranked = sorted(once, key=lambda row: (first_of_taxon[int(evidence.y_pred[row])] != row, -peaks.heights[once[row]]))
    return tuple(
        ProposedExample(
            file_name=images[row].file_name,
            x=round(float(peaks.points[once[row], 0]), 4),
            y=round(float(peaks.points[once[row], 1]), 4),
        )
        for row in ranked[:N_EXAMPLES]
    )


def read_proposals(run: Path) -> Proposals:
    """Read what `mentum explain` proposed for a run.

    Raises:
        RunError: if nothing was proposed, or the file is damaged.
    """
    file = Run(run).proposals_file
    if not file.is_file():
        raise RunError(f"{run}: found no proposals.json; run `mentum explain` without --characters first.")
    with readable(file, "run `mentum explain` again", wanted=" as proposals"):
        return Proposals.read(file)
