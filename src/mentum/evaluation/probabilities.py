"""Judge calibrated probabilities and defended ranks on specimens that nothing was learned from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mentum.calibration.cases import UNITS, Cases, Unit
from mentum.calibration.held_out import HeldOut, Turn, held_out
from mentum.calibration.temperatures import fit_temperatures
from mentum.calibration.thresholds import Answers, RankThreshold, defended_rank
from mentum.calibration.verdicts import Verdicts, give_verdicts
from mentum.evaluation.intervals import wilson
from mentum.evaluation.notes import enumerate_words
from mentum.evaluation.reliability import (
    area_under,
    brier_score,
    expected_calibration_error,
    reliability,
    risk_coverage,
)
from mentum.evaluation.results import CalibrationReport, DefendedRanks, RankAnswers, RankCalibration, RiskCoverage
from mentum.runs import Run
from mentum.taxonomy import Rank

ERROR_RATES = (0.01, 0.05, 0.1)
"""For which it is shown what can be defended, besides the one asked for."""

N_POINTS = 200

_Scalar = TypeVar("_Scalar", bound=np.generic)


def evaluate_probabilities(run: Run, error_rate: float = 0.05) -> CalibrationReport:
    """Learn temperatures and thresholds, and judge them.

    Args:
        run: a complete run.
        error_rate: share of the answers that may be wrong.

    Raises:
        RunError: if the run has no specimens to learn from.
    """
    return judge(held_out(run, run.record().settings.seed), error_rate)


def judge(material: HeldOut, error_rate: float) -> CalibrationReport:
    """Judge each part by what was learned from the others, and learn once more from all that a model learns from."""
    rates = tuple(sorted({error_rate, *ERROR_RATES}))
    whole = _Round.of(material.cases, Turn(material.learned, material.learned))
    rounds = [_Round.of(material.cases, turn) for turn in material.turns]
    judged = np.concatenate([turn.judged for turn in material.turns])
    units = _units(material.cases[judged])
    defended = [_defended(whole, rounds, unit, rate) for unit in units for rate in rates]
    before, after = _join([each.as_trained() for each in rounds]), _join([each.verdicts("image") for each in rounds])
    by_specimen = _join([each.verdicts("specimen") for each in rounds])
    reached = [rank for rank in after.y_true if all(each.judged(rank).any() for each in (before, after, by_specimen))]
    return CalibrationReport(
        source=material.cases.source,
        method=material.method,
        n_images=len(judged),
        n_specimens=material.cases[judged].n_specimens,
        temperatures={name: round(value, 4) for name, value in whole.temperatures.items()},
        ranks=tuple(_rank_calibration(rank, material.cases[judged], before, after, by_specimen) for rank in reached),
        defended=tuple(defended),
        curves=tuple(_curve(rank, by_specimen) for rank in reached),
        notes=tuple(_notes(defended, error_rate)),
    )


def _units(cases: Cases) -> tuple[Unit, ...]:
    """Images and specimens are the same where each specimen has one image."""
    return UNITS if cases.n_specimens < len(cases) else ("specimen",)


@dataclass(frozen=True)
class _Round:
    """Images that are judged by what was learned from others."""

    learned: Cases
    judged: Cases
    temperatures: Mapping[str, float]

    @classmethod
    def of(cls, cases: Cases, turn: Turn) -> _Round:
        """Learn the temperatures of a turn."""
        learned = cases[turn.learned]
        return cls(learned, cases[turn.judged], fit_temperatures(learned))

    def verdicts(self, unit: Unit) -> Verdicts:
        """Of the images judged, or of their specimens."""
        return give_verdicts(self.judged, self.temperatures, unit)

    def as_trained(self) -> Verdicts:
        """Of the images judged, uncalibrated."""
        return give_verdicts(self.judged, dict.fromkeys(self.temperatures, 1.0), "image")

    @cached_property
    def answered(self) -> dict[Unit, Verdicts]:
        """Of the images judged, by unit: kept without the probabilities, which are large and not needed for answers."""
        return {unit: replace(self.verdicts(unit), y_prob={}) for unit in UNITS}

    @cached_property
    def known(self) -> dict[Unit, Verdicts]:
        """Of the images learned from, likewise."""
        return {unit: replace(give_verdicts(self.learned, self.temperatures, unit), y_prob={}) for unit in UNITS}


def _join(parts: Sequence[Verdicts]) -> Verdicts:
    answers = Answers(
        _joined([part.answers.column for part in parts]),
        _joined([part.answers.probability for part in parts]),
        _joined([part.answers.agrees for part in parts]),
    )
    y_prob, y_true = _joined([part.y_prob for part in parts]), _joined([part.y_true for part in parts])
    weights, is_open = np.concatenate([part.weights for part in parts]), _joined([part.is_open for part in parts])
    return Verdicts(parts[0].unit, y_prob, y_true, answers, weights, is_open)


def _joined(of: Sequence[Mapping[Rank, NDArray[_Scalar]]]) -> dict[Rank, NDArray[_Scalar]]:
    return {rank: np.concatenate([part[rank] for part in of]) for rank in of[0]}


def _rank_calibration(
    rank: Rank, cases: Cases, before: Verdicts, after: Verdicts, by_specimen: Verdicts
) -> RankCalibration:
    known = after.y_true[rank] >= 0

    def brier(verdicts: Verdicts) -> float:
        return brier_score(verdicts.y_prob[rank][known], verdicts.y_true[rank][known], verdicts.weights[known])

    told_before, told_after = (_answers_told(verdicts, rank) for verdicts in (before, after))
    return RankCalibration(
        rank=rank,
        n_images=int(known.sum()),
        n_specimens=len(np.unique(cases.specimens[known])),
        accuracy=(float(np.mean(after.right[rank][known])), float(np.nanmean(by_specimen.right[rank]))),
        ece=(expected_calibration_error(*told_before), expected_calibration_error(*told_after)),
        brier=(brier(before), brier(after)),
        bins_before=reliability(*told_before),
        bins_after=reliability(*told_after),
    )


def _answers_told(
    verdicts: Verdicts, rank: Rank
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Probability, right or wrong, and weight of the answers at a rank that can be judged."""
    rows = verdicts.judged(rank)
    return verdicts.answers.probability[rank][rows], verdicts.right[rank][rows], verdicts.weights[rows]


@dataclass
class _Count:
    """Answers at one rank."""

    given: float = 0.0
    judged: float = 0.0
    wrong: float = 0.0


def _defended(whole: _Round, rounds: Sequence[_Round], unit: Unit, error_rate: float) -> DefendedRanks:
    """Answer each part by the thresholds of the others."""
    of_all = whole.known[unit].thresholds(error_rate)
    counts = [_Count() for _ in of_all]
    total = 0.0
    for each in rounds:
        thresholds, verdicts = each.known[unit].thresholds(error_rate), each.answered[unit]
        total += float(verdicts.weights.sum())
        _count(verdicts, thresholds, counts)
    ranks = tuple(_rank_answers(each, count, total) for each, count in zip(of_all, counts, strict=True))
    n, wrong = sum(count.judged for count in counts), sum(count.wrong for count in counts)
    error = wrong / n if n else None
    return DefendedRanks(
        unit=unit,
        error_rate=error_rate,
        ranks=ranks,
        answered=sum(count.given for count in counts) / total,
        n_answered=n,
        n_wrong=wrong,
        error=error,
        standard_error=None
        if error is None
        else math.sqrt(max(error * (1 - error), error_rate * (1 - error_rate)) / n),
    )


def _count(verdicts: Verdicts, thresholds: Sequence[RankThreshold], counts: Sequence[_Count]) -> None:
    chosen = defended_rank(verdicts.answers, thresholds)
    for place, (each, count) in enumerate(zip(thresholds, counts, strict=True)):
        rows = chosen == place
        right = verdicts.right[each.rank][rows]
        known, weights = ~np.isnan(right), verdicts.weights[rows]
        count.given += float(weights.sum())
        count.judged += float(weights[known].sum())
        count.wrong += float((weights[known] * (1 - right[known])).sum())


def _rank_answers(threshold: RankThreshold, count: _Count, total: float) -> RankAnswers:
    n = round(count.judged)
    return RankAnswers(
        rank=threshold.rank,
        threshold=threshold.threshold,
        promise=threshold.promise,
        n_calibration=threshold.n_answered,
        coverage=count.given / total,
        n_answered=count.judged,
        n_wrong=count.wrong,
        interval=wilson(min(count.wrong / count.judged, 1.0), n) if n else None,
    )


def _curve(rank: Rank, verdicts: Verdicts) -> RiskCoverage:
    coverage, error = risk_coverage(*_answers_told(verdicts, rank))
    shown = np.unique(np.linspace(0, len(coverage) - 1, min(N_POINTS, len(coverage))).round().astype(np.int64))
    return RiskCoverage(
        rank=rank,
        coverage=tuple(coverage[shown].round(6).tolist()),
        error=tuple(error[shown].round(6).tolist()),
        area=area_under(coverage, error),
    )


def _notes(defended: Sequence[DefendedRanks], error_rate: float) -> Iterator[str]:
    """Say at which ranks nothing, or less, can be promised."""
    asked = f"an error of at most {100 * error_rate:g}%"
    for each in (each for each in defended if each.error_rate == error_rate):
        silent = [f"{rank.rank} ({rank.n_calibration:.0f} left)" for rank in each.ranks if rank.promise == "none"]
        if silent:
            yield (
                f"By {each.unit}, no answer is given at {enumerate_words(silent)}: of the calibration specimens left "
                f"there, no {math.ceil(1 / error_rate) - 1} or more are identified surely and rightly enough to "
                f"promise {asked}; answers stay coarser. More specimens, or `mentum calibrate`, would help."
            )
        shared = [str(rank.rank) for rank in each.ranks if rank.promise == "at this rank or lower"]
        if shared:
            yield (
                f"By {each.unit}, too few calibration specimens were left at {enumerate_words(shared)} to promise "
                f"{asked} there alone; it holds together with the lower ranks, and each answer there has a "
                f"probability of {1 - error_rate:g} or more."
            )
