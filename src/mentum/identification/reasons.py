"""Why an answer stops at its rank, in words."""

from __future__ import annotations

from dataclasses import dataclass

from mentum.calibration.thresholds import RankThreshold
from mentum.records import Candidate, RankIdentification, Status
from mentum.taxonomy import Taxon, Taxonomy


@dataclass(frozen=True)
class Ground:
    """What an answer rests on.

    Attributes:
        ranks: the most probable taxon at each rank, lowest first; likewise `thresholds`; `agrees`, whether it can be an
            answer; and `is_open`, whether it cannot as it is named to a higher rank only and others lie within it.
        defended: place of the lowest rank that can be defended, -1 where there is none.
        taxon: at that rank.
        novelty: share of known specimens that look less strange; None where the model cannot tell.
        novel: whether that is too many.
    """

    ranks: tuple[RankIdentification, ...]
    candidates: tuple[Candidate, ...]
    thresholds: tuple[RankThreshold, ...]
    defended: int
    taxon: Taxon | None
    agrees: tuple[bool, ...]
    is_open: tuple[bool, ...]
    novelty: float | None
    novel: bool
    error_rate: float
    false_rejection: float


def explain_status(ground: Ground, taxonomy: Taxonomy) -> tuple[Status, str]:
    """Name the status and say why."""
    if ground.novel:
        return Status.UNKNOWN, (
            f"stranger than {ground.novelty:.1%} of known specimens; at most {100 * ground.false_rejection:g}% of "
            "specimens of known taxa are taken for unknown"
        )
    refused = "; ".join(_refusal(ground, place) for place in range(_n_refused(ground)))
    if ground.taxon is None:
        return Status.UNDETERMINED, f"no rank can be defended: {refused}"
    given = _defence(ground)
    if not ground.taxon.is_a_taxon:
        return Status.NOT_A_TAXON, given
    is_leaf = ground.taxon in taxonomy.place_of and ground.taxon not in taxonomy.open_leaves
    status = Status.IDENTIFIED if is_leaf else Status.HIGHER_RANK
    return status, given if is_leaf or not refused else f"{given}; {refused}"


def _n_refused(ground: Ground) -> int:
    return len(ground.ranks) if ground.defended < 0 else ground.defended


def _defence(ground: Ground) -> str:
    found, threshold = ground.ranks[ground.defended], ground.thresholds[ground.defended]
    least = f"{threshold.threshold:.2f}, the least for an error of at most {100 * ground.error_rate:g}%"
    assert ground.taxon is not None, "asked for a defended rank only"
    # A taxon that is not named so far down stands for itself: its own rank is what was defended.
    said = f"{ground.taxon.rank} defended" if ground.taxon.is_a_taxon else f"taken for '{ground.taxon.name}', no taxon"
    return f"{said}: probability {_two_digits(found.probability)}, not below {least}"


def _refusal(ground: Ground, place: int) -> str:
    found, threshold = ground.ranks[place], ground.thresholds[place]
    if ground.is_open[place]:
        return (
            f"{found.rank} not defended: most like the specimens that are named to {found.scientific_name} and no "
            f"further, probability {_two_digits(found.probability)}"
        )
    if threshold.threshold is None:
        return f"{found.rank} not defended: too few sure calibration specimens to promise anything at this rank"
    if not ground.agrees[place]:
        return f"{found.rank} not defended: the networks of higher ranks contradict {found.scientific_name}"
    below = next(
        (digits for digits in range(2, 6) if round(found.probability, digits) < round(threshold.threshold, digits)), 6
    )
    return (
        f"{found.rank} not defended: probability {found.probability:.{below}f} of {found.scientific_name}, below "
        f"{threshold.threshold:.{below}f}"
    )


def _two_digits(probability: float) -> str:
    """Never "1.00", which nothing but arithmetic is.

    >>> _two_digits(0.9999), _two_digits(0.25)
    ('more than 0.99', '0.25')
    """
    return "more than 0.99" if probability >= 0.995 else f"{probability:.2f}"
