"""The section on the learning curve: what more specimens would bring."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from mentum.evaluation.learning_curve import LEAST_POINTS, Forecast, LearningCurve
from mentum.evaluation.notes import enumerate_words
from mentum.records import Interval
from mentum.reporting.numbers import decimals, estimate
from mentum.reporting.report import figures
from mentum.reporting.report.known import Known
from mentum.reporting.report.rendering import render_file
from mentum.reporting.report.studies import unlike

_TIMES = {2: "twice", 3: "three times", 4: "four times"}


def show(known: Known) -> Markup:
    """Accuracy against specimens per taxon."""
    found = known.studies.curve
    return render_file(
        "specimens.html",
        curve=found.record if found else None,
        curve_sentences=curve_sentences(found.record) if found else (),
        curve_unlike=unlike(found.study, known.record.settings) if found else None,
        intervals=_intervals(found.record) if found else (),
        figures=figures.study_figures(known.studies),
    )


def _intervals(curve: LearningCurve) -> list[Interval]:
    at_hand = [found for point in curve.points for found in point.accuracies.values()]
    return [found.interval for found in (*at_hand, *(each.accuracy for each in curve.forecasts)) if found]


def curve_sentences(curve: LearningCurve) -> list[str]:
    """What more specimens would bring, and whether that is certain."""
    if not curve.forecasts:
        return [
            f"What more specimens would bring cannot be predicted: that takes {LEAST_POINTS} steps of ever more "
            f"specimens per taxon, and there are {len(curve.points)}."
        ]
    sizes = dict.fromkeys(each.per_taxon for each in curve.forecasts)
    predicted = [[each for each in curve.forecasts if each.per_taxon == size] for size in sizes]
    return [*(_forecast(each, curve) for each in predicted), *_doubts(predicted[0], curve)]


def _forecast(predicted: Sequence[Forecast], curve: LearningCurve) -> str:
    size, now = predicted[0].per_taxon, curve.points[-1].per_taxon
    times = _TIMES.get(round(size / now), f"{decimals(size / now, 0)} times")
    shares = [f"{estimate(each.accuracy)} at {each.rank} rank" for each in predicted]
    return (
        f"With {decimals(size, 0)} specimens per taxon to learn from, {times} as many as now, about "
        f"{enumerate_words(shares)} would be identified correctly."
    )


def _doubts(predicted: Sequence[Forecast], curve: LearningCurve) -> Iterator[str]:
    now = curve.points[-1].accuracies
    unsure = [each.rank for each in predicted if each.accuracy.interval.low <= now[each.rank].value]
    if unsure:
        yield (
            f"At {enumerate_words(unsure)} rank the interval holds what is reached now, so that a gain is not certain."
        )
