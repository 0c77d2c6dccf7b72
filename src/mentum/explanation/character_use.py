"""Explain a run: which character was used, at each rank, for each taxon, and how far that can be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mentum.errors import DataError
from mentum.explanation import cautions
from mentum.explanation.annotation.characters import Annotations
from mentum.explanation.evidence import RankEvidence, RunEvidence
from mentum.explanation.faithfulness import choose_images, occlude, randomise
from mentum.explanation.necessity.asking import RULE as RULE_OF_NECESSITY
from mentum.explanation.necessity.asking import chances, character_pairs, needs, try_characters
from mentum.explanation.necessity.measures import RankNecessity
from mentum.explanation.necessity.told_apart import told_apart
from mentum.explanation.necessity.trials import Trials
from mentum.explanation.needs import ImageNeeds
from mentum.explanation.results import (
    CharacterPair,
    CharacterShare,
    Explanation,
    Occlusion,
    Randomisation,
    TaxonPair,
)
from mentum.explanation.shares import RULE, Regions, project_regions
from mentum.explanation.summary import ImageShares, agreement, measure_images, summarise
from mentum.maps import Alignment, Evidence
from mentum.records import Progress, ProgressCallback
from mentum.runs import Run
from mentum.taxonomy import Rank


class Explainer(Protocol):
    """A trained network that says where it looks."""

    def __call__(self, pixels: NDArray[np.uint8]) -> Mapping[Rank, NDArray[np.float32]]:
        """Squares (N, S, S, 3) uint8 → probabilities (N, C) at each rank."""

    def explain(self, pixels: NDArray[np.uint8]) -> Mapping[Rank, Evidence]:
        """Squares (N, S, S, 3) uint8 → evidence for every taxon at each rank."""

    def randomised(self, *, last_block: bool, seed: int) -> Explainer:
        """The same with random weights in its head and, if asked, in the last block of its backbone."""


@dataclass(frozen=True)
class Asked:
    """How thoroughly characters are measured.

    Attributes:
        occluded: images in which characters are hidden to test the maps; 0 = no test.
        fast: by the maps alone.
    """

    occluded: int = 0
    fast: bool = False


@dataclass(frozen=True)
class CharacterEvidence:
    """An explanation with what its figures need.

    Attributes:
        used: rank → the character used in each image, or "none"; "" where the image has no annotation.
        exemplar: row of an image that shows the characters well.
        needs: rank → how much each image needs each character, where that was measured.
    """

    explanation: Explanation
    used: Mapping[Rank, list[str]]
    exemplar: int
    needs: Mapping[Rank, ImageNeeds]


def explain_characters(
    run: Run,
    evidence: RunEvidence,
    annotations: Annotations,
    network: Explainer,
    asked: Asked,
    report: ProgressCallback,
) -> CharacterEvidence:
    """Measure which character was used.

    Args:
        run: a complete run.
        evidence: images of the run.
        annotations: their characters; images without any are left out.
        network: the run's own, which is asked again.
        asked: how thoroughly.
        report: told about every step.

    Raises:
        DataError: if none of the images is annotated.
    """
    seed = run.record().settings.seed
    rows = _annotated(evidence, annotations)
    regions = _regions(evidence, annotations, rows, report)
    trials = None if asked.fast else try_characters(network, evidence, annotations, rows, seed, report)
    needed = needs(trials, annotations, rows, seed) if trials else {}
    measured = {
        rank: measure_images(_rows_of(each, rows), regions, evidence.specimens[rows], seed, needed.get(rank))
        for rank, each in evidence.ranks.items()
    }
    shares = tuple(share for images in measured.values() for share in summarise(images, seed))
    occlusions, randomisation = _test(evidence, annotations, network, asked.occluded, seed, report)
    warnings = (
        *annotations.warnings,
        *_warnings(evidence, measured, shares),
        *cautions.on_occlusions(shares, occlusions),
        *cautions.on_randomisation(randomisation),
        *((cautions.UNTESTED,) if not needed else ()),
        cautions.ALWAYS,
    )
    explanation = Explanation(
        run=run.path.resolve().name,
        subsets=tuple(dict.fromkeys(evidence.subsets.tolist())),
        annotation=annotations.source.name,
        alignment=_alignment(evidence),
        geometry=evidence.geometry,
        rule=RULE_OF_NECESSITY if needed else RULE,
        characters=annotations.characters,
        shares=shares,
        chances=chances(needed),
        pairs=_pairs(measured, annotations, seed),
        n_credited=max((each.n_credited for each in needed.values()), default=0),
        told_apart=_told_apart(evidence, trials, needed, annotations) if trials else (),
        agreement=tuple(agreement(images) for images in measured.values()),
        occlusions=tuple(occlusions),
        randomisation=tuple(randomisation),
        warnings=warnings,
    )
    used = {rank: _spread(images.used_names, rows, len(evidence.file_names)) for rank, images in measured.items()}
    image_needs = {rank: _of_images(each, annotations, rows, len(evidence.file_names)) for rank, each in needed.items()}
    return CharacterEvidence(explanation, used, _exemplar(measured, regions, rows), image_needs)


def _of_images(found: RankNecessity, annotations: Annotations, rows: NDArray[np.int64], n: int) -> ImageNeeds:
    necessity = np.full((n, len(annotations.characters)), np.nan)
    necessity[rows] = found.necessity
    return ImageNeeds(annotations.characters, necessity, found.chance)


def _annotated(evidence: RunEvidence, annotations: Annotations) -> NDArray[np.int64]:
    """Rows of the images that have characters."""
    rows = np.array([row for row, name in enumerate(evidence.file_names) if name in annotations.regions])
    if not len(rows):
        raise DataError(
            f"{annotations.source}: annotates none of the {len(evidence.file_names)} images to explain; choose another "
            "--subset, or annotate some of them."
        )
    return rows


def _pairs(measured: Mapping[Rank, ImageShares], annotations: Annotations, seed: int) -> tuple[CharacterPair, ...]:
    return tuple(
        pair
        for images in measured.values()
        if images.needed is not None
        for pair in character_pairs(images.evidence, images.needed, images.specimens, annotations.characters, seed)
    )


def _told_apart(
    evidence: RunEvidence, trials: Trials, needed: Mapping[Rank, RankNecessity], annotations: Annotations
) -> tuple[TaxonPair, ...]:
    return tuple(
        pair
        for rank, found in needed.items()
        for pair in told_apart(evidence, evidence.ranks[rank], trials, found, annotations.characters)
    )


def _alignment(evidence: RunEvidence) -> Alignment:
    return "half-pixel" if evidence.geometry == evidence.geometry.half_pixel else "receptive-field"


def _regions(
    evidence: RunEvidence, annotations: Annotations, rows: NDArray[np.int64], report: ProgressCallback
) -> Regions:
    def masks() -> Iterator[NDArray[np.float32]]:
        for done, row in enumerate(rows.tolist(), start=1):
            yield annotations.masks(evidence.file_names[row], evidence.geometry.size)
            report(Progress(task="characters", done=done, total=len(rows), unit="images"))

    return project_regions(annotations.characters, masks(), evidence.geometry)


def _rows_of(each: RankEvidence, rows: NDArray[np.int64]) -> RankEvidence:
    arrays = ("y_true", "y_pred", "runner_up", "y_prob", "relevance", "label_relevance", "runner_up_relevance")
    return RankEvidence(each.rank, each.taxa, **{name: getattr(each, name)[rows] for name in arrays})


def _test(
    evidence: RunEvidence,
    annotations: Annotations,
    network: Explainer,
    n_images: int,
    seed: int,
    report: ProgressCallback,
) -> tuple[list[Occlusion], list[Randomisation]]:
    if n_images == 0:
        return [], []
    annotated = [name in annotations.regions for name in evidence.file_names]
    chosen = choose_images(evidence, annotated, n_images, seed)
    random_head = network.randomised(last_block=False, seed=seed)
    random_block = network.randomised(last_block=True, seed=seed)
    return (
        occlude(network.explain, evidence, annotations, chosen, seed, report),
        randomise({"head": random_head.explain, "head and last block": random_block.explain}, evidence, chosen, report),
    )


def _warnings(
    evidence: RunEvidence,
    measured: Mapping[Rank, ImageShares],
    shares: tuple[CharacterShare, ...],
) -> Iterator[str]:
    first = next(iter(measured.values()))
    yield from cautions.on_sizes(first.regions, evidence.geometry)
    for images in measured.values():
        yield from cautions.on_maps(images.evidence)
        yield from cautions.on_unmeasured(images)
        yield from cautions.on_ground(images, shares)
    yield from cautions.on_maps_against_necessity(shares)
    yield from cautions.on_null(shares)
    yield from cautions.on_background(shares)


def _spread(names: list[str], rows: NDArray[np.int64], n: int) -> list[str]:
    spread = [""] * n
    for row, name in zip(rows.tolist(), names, strict=True):
        spread[row] = name
    return spread


def _exemplar(measured: Mapping[Rank, ImageShares], regions: Regions, rows: NDArray[np.int64]) -> int:
    """The correctly identified image with the most characters and, among these, the largest among their least ones."""
    correct = next(iter(measured.values())).evidence.correct
    areas = regions.areas[:, : regions.n_characters]
    present = (areas > 0).sum(axis=1)
    order = np.lexsort([areas.min(axis=1, initial=1), present, correct])
    return int(rows[order[-1]])
