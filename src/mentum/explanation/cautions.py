"""What a reader of maps and shares must know, in plain sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mentum.evaluation.wording import role
from mentum.explanation.evidence import RankEvidence
from mentum.explanation.results import BACKGROUND, NONE, SEVERAL, UNASSIGNED, CharacterShare, Occlusion, Randomisation
from mentum.explanation.shares import Regions
from mentum.explanation.summary import ImageShares
from mentum.maps import CellGeometry, positive
from mentum.taxonomy import Rank

ALWAYS = (
    "A map that lies on the right character does not rule out a shortcut: a network may use what goes with the taxon "
    "for other reasons, and maps have been seen to look right all the same."
)
UNTESTED = (
    "What the maps show need not be what the identification needs; that was not measured here (--fast, or no annotated "
    "image of another taxon)."
)
LEAST_CELLS = 2
"""Cells of the map that a character must cover to be resolved."""

LEAST_POSITIVE = 0.05
"""Share of a map's absolute relevance that must be positive."""

ALIKE = 0.95
"""Correlation of the maps of two taxa from which they say nothing of the difference."""

STUBBORN = 0.5
"""Rank correlation with the maps of a network with random weights above which maps do not show what was learned."""

SATURATED = 0.999
"""Probability from which softmax leaves no room to tell two images apart."""


def on_sizes(regions: Regions, geometry: CellGeometry) -> Iterator[str]:
    """Name the characters that the map is too coarse for."""
    covered = regions.areas[:, : regions.n_characters]
    present = covered > 0
    px = covered.sum(axis=0) / np.maximum(present.sum(axis=0), 1) * geometry.size**2
    cells = px / geometry.stride**2
    small = [
        f"{name} ({each:.1f} cells; from {_resolving(geometry, area)} px on)"
        for name, each, area in zip(regions.characters, cells, px, strict=True)
        if 0 < each < LEAST_CELLS
    ]
    if small:
        yield (
            f"The map's cells lie {geometry.stride:.0f} px apart; smaller than {LEAST_CELLS} cells, and so hardly told "
            f"from their neighbours by the map, are {', '.join(small)}. A pixels.size from there on, or a backbone "
            "with a smaller stride, resolves them."
        )


def _resolving(geometry: CellGeometry, area: float) -> int:
    """The pixels.size at which a character of an area, px, is as wide as two cells; in tens, rounded up."""
    return math.ceil(geometry.size * 2 * geometry.stride / math.sqrt(area) / 10) * 10


def on_maps(evidence: RankEvidence) -> Iterator[str]:
    """Say where maps are empty, alike or of saturated answers."""
    n = len(evidence.relevance)
    empty = int(np.count_nonzero(_positive_share(evidence.relevance) < LEAST_POSITIVE))
    if empty:
        yield (
            f"{_of(empty, n)} {evidence.rank} maps hold (almost) no positive relevance: these identifications rest on "
            "what is absent, or on the bias, and no place explains them."
        )
    alike = int(np.count_nonzero(map_correlations(evidence.relevance, evidence.runner_up_relevance) > ALIKE))
    if alike:
        yield (
            f"In {_of(alike, n)} images the {evidence.rank} maps of the taxon identified and of the second correlate "
            f"above {ALIKE}: they show what was looked at, not what told the two apart."
        )
    saturated = int(np.count_nonzero(evidence.y_prob.max(axis=1) > SATURATED))
    if saturated:
        yield (
            f"In {_of(saturated, n)} images the {evidence.rank} probability is above {SATURATED}. The maps explain "
            "log-odds and stay readable, but what differs between such images cannot be read from their probabilities."
        )


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole}"


def _positive_share(relevance: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N,) share of the absolute relevance that is positive; 0 for a map of zeros."""
    above = positive(relevance).sum(axis=(1, 2), dtype=np.float64)
    total = np.abs(relevance).sum(axis=(1, 2), dtype=np.float64)
    share: NDArray[np.float64] = np.divide(above, total, out=np.zeros_like(above), where=total > 0)
    return share


def map_correlations(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N,) Pearson's correlation of each pair of maps (N, cells, cells); 0 where a map is flat."""
    flat = [each.reshape(len(each), -1).astype(np.float64) for each in (one, other)]
    flat = [each - each.mean(axis=1, keepdims=True) for each in flat]
    norms = np.linalg.norm(flat[0], axis=1) * np.linalg.norm(flat[1], axis=1)
    products = (flat[0] * flat[1]).sum(axis=1)
    found: NDArray[np.float64] = np.divide(products, norms, out=np.zeros_like(norms), where=norms > 0)
    return found


def on_background(shares: Sequence[CharacterShare]) -> Iterator[str]:
    """Warn where the background holds more relevance than maps laid anywhere would give it."""
    for share in shares:
        if share.character == BACKGROUND and share.taxon is None and share.group == "correct":
            mass, low, high = share.mass, share.mass_low, share.shifted_high
            if mass is not None and low is not None and high is not None and low > high:
                yield (
                    f"The background holds {mass:.0%} of the relevance at {share.rank} rank, more than maps shifted at "
                    f"random give it ({share.shifted_mass:.0%}, at most {high:.0%}): the network looks beside the "
                    "specimens. Look for marks, labels or lighting that go with the taxon."
                )


def on_ground(images: ImageShares, shares: Sequence[CharacterShare]) -> Iterator[str]:
    """Say how much the ground around the specimens counts, where it surely does; strong words where answers follow."""
    rank, needed = images.evidence.rank, images.needed
    own = [share for share in shares if (share.rank, share.character, share.taxon) == (rank, BACKGROUND, None)]
    for share in own:
        if needed is None or share.group != "correct" or share.necessity_low is None or share.necessity_low <= 0:
            continue
        followed = needed.background_followed[images.evidence.correct & ~np.isnan(needed.background_followed)]
        part = role("the background", float(followed.mean()), is_sure=True)
        yield (
            f"At {rank} rank {part}: on that of another taxon's image the log-odds fall by {share.necessity:.1f} "
            f"({share.necessity_low:.1f} to {share.necessity_high:.1f}) more than on that of another image of the same "
            f"taxon, and {followed.mean():.0%} of the answers in {len(followed)} images become the taxon that it came "
            "from. Look for marks, labels or lighting that go with the taxon."
        )


def on_occlusions(shares: Sequence[CharacterShare], occlusions: Sequence[Occlusion]) -> Iterator[str]:
    """Say whether hiding characters agrees with the maps, rank by rank."""
    for rank in dict.fromkeys(each.rank for each in occlusions):
        used = {share.character: share.map_used or 0 for share in _characters(shares, rank)}
        effects = {character: _effect(occlusions, rank, character) for character in used}
        effects = {character: found for character, found in effects.items() if found}
        if effects and max(used.values(), default=0) > 0:
            yield _compare(str(rank), max(used, key=lambda each: used[each]), effects)


def _effect(occlusions: Sequence[Occlusion], rank: Rank, character: str) -> list[Occlusion]:
    return [each for each in occlusions if each.rank == rank and each.character == character]


def _compare(rank: str, mapped: str, effects: dict[str, list[Occlusion]]) -> str:
    mean = {character: float(np.mean([each.excess for each in found])) for character, found in effects.items()}
    strongest = max(mean, key=lambda each: mean[each])
    if mapped not in effects:
        return f"At {rank} rank the maps name {mapped}, which none of the images tested by occlusion shows."
    needed = all(each.excess_low > 0 for each in effects[mapped])
    costs = f"but hiding {strongest} costs most" if strongest != mapped else "although hiding it costs most on average"
    if needed and strongest == mapped:
        return f"At {rank} rank map and occlusion agree: {mapped} is used most, and hiding it costs most certainty."
    if needed:
        return (
            f"At {rank} rank map and occlusion disagree in part: the maps name {mapped}, and hiding it costs more than "
            f"hiding other places of that size, {costs}."
        )
    return (
        f"At {rank} rank map and occlusion disagree: the maps name {mapped}, and hiding it does not surely cost "
        f"more certainty than hiding other places of that size, {costs}. Do not report {mapped} as the one used."
    )


def on_randomisation(randomisation: Sequence[Randomisation]) -> Iterator[str]:
    """Warn where maps outlive the weights that they should show."""
    for each in randomisation:
        if each.correlation > STUBBORN:
            yield (
                f"With a random {each.randomised} the {each.rank} maps stay much the same (rank correlation "
                f"{each.correlation:.2f}): they show the form of the images more than what was learned."
            )


def on_unmeasured(images: ImageShares) -> Iterator[str]:
    """Say how many images could not be given another taxon's characters, and are in no share."""
    missing = int(np.count_nonzero(~images.judged))
    if missing:
        yield (
            f"At {images.evidence.rank} rank {_of(missing, len(images.judged))} images are in no share: no annotated "
            "image of another taxon has a character to put in the place of theirs."
        )


def on_maps_against_necessity(shares: Sequence[CharacterShare]) -> Iterator[str]:
    """Say where the maps name another character than the one that is needed most often."""
    for rank in dict.fromkeys(share.rank for share in shares):
        rows = _characters(shares, rank)
        if not rows or all(share.necessity is None for share in rows):
            continue
        needed, mapped = max(rows, key=lambda each: each.used), max(rows, key=lambda each: each.map_used or 0)
        if needed.character != mapped.character and needed.used > 0 and mapped.map_used:
            yield (
                f"At {rank} rank the maps name {mapped.character} most often ({mapped.map_used:.0%} of images), but "
                f"without {needed.character} most identifications change ({needed.used:.0%}; without "
                f"{mapped.character} {mapped.used:.0%}). The figures of what was used follow the change."
            )


def on_null(shares: Sequence[CharacterShare]) -> Iterator[str]:
    """Warn where the character used most gets as much relevance from the maps of other specimens."""
    for rank in dict.fromkeys(share.rank for share in shares):
        most = max(_characters(shares, rank), key=lambda share: share.map_used or 0, default=None)
        if most is None or not most.map_used or most.mass is None or most.null_high is None:
            continue
        if most.mass <= most.null_high:
            yield (
                f"At {rank} rank {most.character} gets no more relevance than when its outline is laid on maps of "
                f"other specimens ({most.mass:.1%} against up to {most.null_high:.1%}): the maps follow where "
                "specimens lie in the image rather than where this one's character is."
            )


def _characters(shares: Sequence[CharacterShare], rank: Rank) -> list[CharacterShare]:
    """Rows of the characters proper, over all taxa, of the correct identifications at a rank."""
    others = {NONE, SEVERAL, UNASSIGNED, BACKGROUND}
    return [
        share
        for share in shares
        if share.rank == rank and share.taxon is None and share.group == "correct" and share.character not in others
    ]
