"""Does the network need what its maps show? Characters are hidden, and its weights made random."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mentum.explanation.annotation.characters import Annotations
from mentum.explanation.evidence import ExplainPixels, RunEvidence
from mentum.explanation.results import Occlusion, Randomisation
from mentum.explanation.summary import bootstrap_means
from mentum.records import Progress, ProgressCallback
from mentum.taxonomy import Rank

Fill = Literal["blurred", "mean"]
FILLS: tuple[Fill, ...] = ("blurred", "mean")
BATCH_SIZE = 16
N_PLACES = 32
"""Places tried for a control region; the one that lies best within the specimen and off the character is taken."""


def choose_images(evidence: RunEvidence, annotated: Sequence[bool], n: int, seed: int) -> NDArray[np.int64]:
    """Draw n annotated images, as evenly as possible over the taxa that they are labelled as at the lowest rank."""
    lowest = next(iter(evidence.ranks.values()))
    order = np.random.default_rng(seed).permutation(len(lowest.y_true))
    order = order[np.asarray(annotated)[order] & (lowest.y_true[order] >= 0)]
    turn: dict[int, int] = {}
    rounds = []
    for row in order.tolist():
        taxon = int(lowest.y_true[row])
        turn[taxon] = turn.get(taxon, -1) + 1
        rounds.append(turn[taxon])
    return np.sort(order[np.argsort(rounds, kind="stable")][:n])


@dataclass(frozen=True)
class _Hidden:
    """One image with one region hidden.

    Attributes:
        control: whether the region is the character's form laid elsewhere.
    """

    character: int
    fill: Fill
    control: bool
    pixels: NDArray[np.uint8]


def occlude(
    network: ExplainPixels,
    evidence: RunEvidence,
    annotations: Annotations,
    rows: NDArray[np.int64],
    seed: int,
    report: ProgressCallback,
) -> list[Occlusion]:
    """Hide each character in some images, and measure how much less sure the network is of the label.

    Source: part removal as ground truth of importance, Hesse et al. 2023 (FunnyBirds), with an equal region elsewhere
    as control.
    """
    falls: dict[tuple[Rank, int, Fill], list[_Fall]] = {}
    for done, row in enumerate(rows.tolist(), start=1):
        masks = annotations.masks(evidence.file_names[row], evidence.geometry.size)
        hidden = list(_hide_each(evidence.pixels[row], masks, np.random.default_rng([seed, row])))
        if hidden:
            found = network(np.stack([each.pixels for each in hidden]))
            for rank, said in found.items():
                if rank in evidence.ranks and evidence.ranks[rank].y_true[row] >= 0:
                    _note_falls(falls, evidence, rank, row, hidden, said.y_prob)
        report(Progress(task="hiding characters", done=done, total=len(rows), unit="images"))
    return [_summarise(key, each, annotations, evidence, seed) for key, each in falls.items()]


@dataclass(frozen=True)
class _Fall:
    """Probability of the label's taxon and whether it is the most probable: as it is, hidden, and in the control."""

    row: int
    probabilities: tuple[float, float, float]
    correct: tuple[bool, bool, bool]


def _note_falls(
    falls: dict[tuple[Rank, int, Fill], list[_Fall]],
    evidence: RunEvidence,
    rank: Rank,
    row: int,
    hidden: Sequence[_Hidden],
    y_prob: NDArray[np.float32],
) -> None:
    known = evidence.ranks[rank]
    truth = int(known.y_true[row])
    place = {(each.character, each.fill, each.control): at for at, each in enumerate(hidden)}
    for character, fill, control in place:
        if not control:
            three = (known.y_prob[row], y_prob[place[character, fill, False]], y_prob[place[character, fill, True]])
            fall = _Fall(
                row,
                (float(three[0][truth]), float(three[1][truth]), float(three[2][truth])),
                (three[0].argmax() == truth, three[1].argmax() == truth, three[2].argmax() == truth),
            )
            falls.setdefault((rank, character, fill), []).append(fall)


def _summarise(
    key: tuple[Rank, int, Fill],
    falls: Sequence[_Fall],
    annotations: Annotations,
    evidence: RunEvidence,
    seed: int,
) -> Occlusion:
    rank, character, fill = key
    p = np.array([fall.probabilities for fall in falls])
    odds = np.log(np.clip(p, 1e-7, 1 - 1e-7)) - np.log1p(-np.clip(p, 1e-7, 1 - 1e-7))
    correct = np.array([fall.correct for fall in falls]).mean(axis=0)
    specimens = evidence.specimens[[fall.row for fall in falls]]
    excess = odds[:, 2:] - odds[:, 1:2]
    low, high = bootstrap_means(excess, specimens, seed)
    return Occlusion(
        rank=rank,
        character=annotations.characters[character],
        fill=fill,
        drop=float((p[:, 0] - p[:, 1]).mean()),
        control_drop=float((p[:, 0] - p[:, 2]).mean()),
        log_odds_drop=float((odds[:, 0] - odds[:, 1]).mean()),
        control_log_odds_drop=float((odds[:, 0] - odds[:, 2]).mean()),
        excess=float(excess.mean()),
        excess_low=float(low[0]),
        excess_high=float(high[0]),
        accuracy_drop=float(correct[0] - correct[1]),
        control_accuracy_drop=float(correct[0] - correct[2]),
        n=len(falls),
        n_specimens=len(np.unique(specimens)),
    )


def _hide_each(pixels: NDArray[np.uint8], masks: NDArray[np.float32], rng: np.random.Generator) -> Iterator[_Hidden]:
    """The image (size, size, 3) with each character hidden in each way, and with each control."""
    specimen = 1 - masks[-1]
    fills = {fill: _filling(pixels, specimen, fill) for fill in FILLS}
    for character, mask in enumerate(masks[:-2]):
        if mask.max() > 0:
            for control, region in ((False, mask), (True, _elsewhere(mask, specimen, rng))):
                veil = _feathered(region)[:, :, None]
                for fill, colours in fills.items():
                    covered = pixels * (1 - veil) + colours * veil
                    yield _Hidden(character, fill, control, np.round(covered).astype(np.uint8))


def _filling(pixels: NDArray[np.uint8], specimen: NDArray[np.float32], fill: Fill) -> NDArray[np.float32]:
    """What a hidden region shows: (size, size, 3), or (3,) for one colour."""
    if fill == "blurred":
        blurred = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(len(pixels) / 14))
        return np.asarray(blurred, dtype=np.float32)
    weights = specimen if specimen.sum() > 0 else np.ones_like(specimen)
    mean: NDArray[np.float32] = (pixels * weights[:, :, None]).sum(axis=(0, 1)) / weights.sum()
    return mean


def _elsewhere(
    mask: NDArray[np.float32], specimen: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """The same form elsewhere on the specimen, as far as it goes; the shift is cyclic, so that its area stays."""
    shifts = rng.integers(len(mask), size=(N_PLACES, 2))
    tried = [np.roll(mask, (int(down), int(across)), axis=(0, 1)) for down, across in shifts]
    return max(tried, key=lambda placed: float((placed * (specimen - 2 * mask)).sum()))


def _feathered(mask: NDArray[np.float32]) -> NDArray[np.floating]:
    """The mask a little larger and with a soft edge: a sharp one would be a new structure to see."""
    grown = Image.fromarray(np.round(255 * mask).astype(np.uint8)).filter(ImageFilter.MaxFilter(5))
    return np.asarray(grown.filter(ImageFilter.GaussianBlur(1.5)), dtype=np.float32) / np.float32(255)


def randomise(
    networks: Mapping[Literal["head", "head and last block"], ExplainPixels],
    evidence: RunEvidence,
    rows: NDArray[np.int64],
    report: ProgressCallback,
) -> list[Randomisation]:
    """Compare maps with those of the same taxa from networks whose weights were made random.

    A map that stays the same does not show what was learned.

    Source: Adebayo et al. 2018, arXiv 1810.03292.
    """
    found: dict[tuple[Literal["head", "head and last block"], Rank], list[float]] = {}
    for start in range(0, len(rows), BATCH_SIZE):
        batch = rows[start : start + BATCH_SIZE]
        for name, network in networks.items():
            for rank, said in network(evidence.pixels[batch]).items():
                if rank in evidence.ranks:
                    known = evidence.ranks[rank]
                    others = said.relevance[np.arange(len(batch)), known.y_pred[batch]]
                    pairs = zip(known.relevance[batch], others, strict=True)
                    found.setdefault((name, rank), []).extend(rank_correlation(*pair) for pair in pairs)
        report(Progress(task="random weights", done=start + len(batch), total=len(rows), unit="images"))
    return [
        Randomisation(rank=rank, randomised=name, correlation=float(np.mean(values)), n=len(values))
        for (name, rank), values in found.items()
    ]


def rank_correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Spearman's correlation of two maps without ties.

    >>> rank_correlation(np.array([[1.0, 2.0], [3.0, 9.0]]), np.array([[0.1, 0.2], [0.3, 0.4]]))
    1.0
    """
    order, other_order = (np.argsort(np.argsort(each.ravel())) for each in (one, other))
    return round(float(np.corrcoef(order, other_order)[0, 1]), 12)
