"""The section for a reader with little time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from mentum.evaluation.notes import enumerate_words
from mentum.evaluation.results import CalibrationReport, RankAnswers, ResultRow
from mentum.explanation.results import BACKGROUND, NONE, SEVERAL, UNASSIGNED, CharacterShare, Explanation
from mentum.explanation.tables import ranked_shares
from mentum.reporting.numbers import THIN, bounds, decimals, number_of, percent, rate
from mentum.reporting.report import figures
from mentum.reporting.report.known import Known, network_name
from mentum.reporting.report.rendering import render_file
from mentum.reporting.report.sections.audit import shortcut_sentence
from mentum.reporting.report.sections.cross_validation import validation_sentences
from mentum.reporting.report.sections.probabilities import defended_tables

OTHERS = (UNASSIGNED, BACKGROUND, SEVERAL, NONE)

ERROR_RATE = 0.05
"""Share of wrong answers that the summary asks for."""


def show(known: Known) -> Markup:
    """The accuracies that count, and some sentences."""
    return render_file(
        "summary.html",
        summary=_sentences(known),
        headline=known.headline,
        sample=known.sample,
        shares=figures.figure_of_shares(known.run, known.explanation),
        explanation=known.explanation,
    )


def _sentences(known: Known) -> list[str]:
    audit = known.studies.audit
    shortcut = shortcut_sentence(audit.record) if audit else None
    return [
        _accuracy_sentence(known.headline),
        *validation_sentences(known.studies.cross_validations),
        *_defence_sentences(known.calibration),
        *([shortcut] if shortcut else []),
        *_character_sentences(known.explanation),
    ]


def _accuracy_sentence(rows: Sequence[ResultRow]) -> str:
    if not rows:
        return "There are no held-out images, so that nothing can be said of the accuracy on new ones."
    first = rows[0]
    samples = {(row.n_images, row.n_specimens) for row in rows}
    found = [
        f"{percent(row.accuracy)} correctly at {row.rank} rank (95{THIN}% interval {bounds(row.interval)}"
        + (")" if len(samples) == 1 else f"; {_sample(row)})")
        for row in rows
    ]
    whose = f"Of {_sample(first)}" if len(samples) == 1 else f"Of the {first.subset} images"
    return f"{whose}, which it was not trained on, the {network_name(first.stage)} identified {enumerate_words(found)}."


def _character_sentences(explanation: Explanation | None) -> Iterator[str]:
    """Which characters were used most often, rank by rank."""
    shares = ranked_shares(explanation) if explanation else {}
    for rank, listed in shares.items():
        named = [each for each in listed if each.character not in OTHERS and each.used > 0][:2]
        if listed[0].n and named:
            found = [f"the {_in_words(each)} in {percent(each.used)} ({bounds(each.interval)})" for each in named]
            yield (
                f"At {rank} rank the character used is {enumerate_words(found)} of "
                f"{number_of(listed[0].n, 'correctly identified image')}."
            )


def _in_words(share: CharacterShare) -> str:
    return share.character.replace("_", " ")


def _sample(row: ResultRow) -> str:
    return f"{number_of(row.n_images, f'{row.subset} image')} of {number_of(row.n_specimens, 'specimen')}"


def _defence_sentences(calibration: CalibrationReport | None) -> Iterator[str]:
    if calibration is None:
        yield "Which rank can be defended has not been measured."
        return
    found = next((each for each in defended_tables(calibration) if each.error_rate == ERROR_RATE), None)
    if found is None:
        return
    asked = f"If at most {rate(ERROR_RATE)} of the answers may be wrong"
    rank = next((each for each in found.ranks if each.threshold is not None and each.n_answered), None)
    if rank is None:
        yield f"{asked}, no rank can be defended yet."
        return
    kept = rank.n_wrong / rank.n_answered <= ERROR_RATE
    verb = "can be defended" if kept else "is answered"
    yield f"{asked}, the {rank.rank} {verb} for {_answered(found.unit, rank)}; {_verdict(rank)}."
    if len(found.ranks) > 1 and found.error is not None:
        yield (
            f"With answers at higher ranks where the {rank.rank} is in doubt, {percent(found.answered)} of the "
            f"{found.unit}s get an answer, and {number_of(found.n_wrong)} of {number_of(found.n_answered)} answers are "
            f"wrong ({percent(found.error)})."
        )


def _answered(unit: str, rank: RankAnswers) -> str:
    return f"{percent(rank.coverage)} of the {unit}s, those with a probability of {decimals(rank.threshold, 2)} or more"


def _verdict(rank: RankAnswers) -> str:
    """Whether judged specimens bear the promise out."""
    share = rank.n_wrong / rank.n_answered
    wrong = f"{number_of(rank.n_wrong)} of {number_of(rank.n_answered)} such answers were wrong ({percent(share)}"
    interval = f", 95{THIN}% interval {bounds(rank.interval)})" if rank.interval else ")"
    more = ", which is more than was asked for" if share > ERROR_RATE else ""
    return f"judged on specimens that took no part in setting this limit, {wrong}{interval}{more}"
