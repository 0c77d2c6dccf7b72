"""What a report says: sentences, tables and provenance, from the records of a run."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from typing import Any

from mentum.evaluation.notes import enumerate_words
from mentum.evaluation.results import CalibrationReport, DefendedRanks, Evaluation, RankAnswers, ResultRow
from mentum.records import Interval
from mentum.runs import RunRecord
from mentum.settings import RECIPES, load_settings
from mentum.taxonomy import Taxonomy

THIN = "\u202f"
"""A narrow blank at which no line breaks."""

HELD_OUT = ("test", "validation")
"""Subsets that a network was not trained on, the better judge first."""

ERROR_RATE = 0.05
"""Share of wrong answers that the summary asks for."""

Pairs = list[tuple[str, str]]


def percent(share: float, unit: bool = True) -> str:
    r"""A share in per cent; only what is whole reads 0 or 100.

    >>> percent(0.98755, unit=False), percent(1.0, unit=False), percent(0.99996, unit=False)
    ('98.8', '100', '>\u202f99.9')
    """
    text = f"{100 * share:.1f}"
    if text in ("0.0", "100.0"):
        whole = {0.0: "0", 1.0: "100"}
        text = whole.get(share) or (f"<{THIN}0.1" if share < 1 / 2 else f">{THIN}99.9")
    return f"{text}{THIN}%" if unit else text


def rate(share: float) -> str:
    r"""A share that was asked for, as it was asked.

    >>> rate(0.05)
    '5\u202f%'
    """
    return f"{100 * share:g}{THIN}%"


def bounds(interval: Interval | None, unit: bool = True) -> str:
    """An interval in per cent, empty where there is none."""
    if interval is None:
        return ""
    low, high = (f"{100 * end:.1f}" if 0 < end < 1 else f"{100 * end:.0f}" for end in (interval.low, interval.high))
    text = f"{low}\u2013{high}"
    return f"{text}{THIN}%" if unit else text


def points(difference: float) -> str:
    r"""A difference of shares in percentage points, with its sign.

    >>> points(0.0421), points(-0.01), points(0.0)
    ('+4.2', '\u22121.0', '0.0')
    """
    text = f"{100 * abs(difference):.1f}"
    return text if text == "0.0" else f"{'+' if difference > 0 else chr(0x2212)}{text}"


def p_value(p: float) -> str:
    r"""A p value to three digits, never 0.

    >>> p_value(0.0351), p_value(0.0)
    ('0.035', '<\u202f0.001')
    """
    return f"{p:.3f}" if p >= 0.0005 else f"<{THIN}0.001"


def number_of(n: float, noun: str = "") -> str:
    """A count with its noun, thousands set apart; one decimal where parts of specimens count.

    >>> number_of(1, "image"), number_of(160, "specimen"), number_of(2.5)
    ('1 image', '160 specimens', '2.5')
    """
    text = f"{n:,.0f}" if n == round(n) else f"{n:,.1f}"
    text = text.replace(",", THIN)
    return f"{text} {noun}{'' if n == 1 else 's'}" if noun else text


def seconds(value: float) -> str:
    """A duration.

    >>> seconds(2.26), seconds(198.6), seconds(7300)
    ('2.3 s', '3 min 19 s', '2 h 1 min')
    """
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def headline(evaluation: Evaluation) -> list[ResultRow]:
    """The rows that count: the last stage on the best held-out subset, lowest rank first; none without such images."""
    last = evaluation.table[-1].stage if evaluation.table else ""
    rows = [row for row in evaluation.table if row.stage == last]
    for subset in HELD_OUT:
        if found := [row for row in rows if row.subset == subset]:
            return found
    return []


def title_block(record: RunRecord, taxonomy: Taxonomy) -> Pairs:
    """What was trained, on what, when."""
    counts = record.data.counts.values()
    images, specimens = sum(each[0] for each in counts), sum(each[1] for each in counts)
    taxa = [f"{len(taxonomy.taxa(rank))} at {rank} rank" for rank in record.ranks]
    named = number_of(specimens) if record.data.specimens_named else "not named; each image counts as one"
    backbone = record.backbone
    return [
        ("Images", number_of(images)),
        ("Specimens", named),
        ("Taxa", ", ".join(taxa)),
        ("Backbone", backbone.source if backbone else record.settings.backbone.source),
        ("Recipe", _recipe_in_words(record)),
        ("Mentum", record.mentum),
    ]


def summary(evaluation: Evaluation, calibration: CalibrationReport | None) -> list[str]:
    """Two or three sentences for a reader with little time."""
    return [_accuracy_sentence(headline(evaluation)), *_defence_sentences(calibration)]


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


def network_name(stage: str) -> str:
    """How a stage's network is called in a sentence.

    >>> network_name("fine-tuned"), network_name("top classifier")
    ('fine-tuned network', 'top classifier')
    """
    return f"{stage} network" if stage == "fine-tuned" else stage


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
    return f"{percent(rank.coverage)} of the {unit}s, those with a probability of {rank.threshold:.2f} or more"


def _verdict(rank: RankAnswers) -> str:
    """Whether judged specimens bear the promise out."""
    share = rank.n_wrong / rank.n_answered
    wrong = f"{number_of(rank.n_wrong)} of {number_of(rank.n_answered)} such answers were wrong ({percent(share)}"
    interval = f", 95{THIN}% interval {bounds(rank.interval)})" if rank.interval else ")"
    more = ", which is more than was asked for" if share > ERROR_RATE else ""
    return f"judged on specimens that took no part in setting this limit, {wrong}{interval}{more}"


def defended_tables(calibration: CalibrationReport) -> list[DefendedRanks]:
    """By specimen before by image, fewest errors first."""
    return sorted(calibration.defended, key=lambda each: (each.unit != "specimen", each.error_rate))


def provenance(record: RunRecord) -> dict[str, Pairs]:
    """Everything that went into the run, by heading."""
    data, machine, backbone = record.data, record.machine, record.backbone
    counts = {
        f"{subset} images": f"{number_of(images)} of {number_of(specimens, 'specimen')}"
        for subset, (images, specimens) in data.counts.items()
    }
    facts: dict[str, Mapping[str, object]] = {
        "Training": {
            "command": record.command or "started from Python",
            "started": f"{record.started:%Y-%m-%d %H:%M %Z}",
            "finished": f"{record.finished:%Y-%m-%d %H:%M %Z}" if record.finished else None,
            "resumed": f"{record.resumed} times" if record.resumed else None,
            "seed": record.settings.seed,
            "split policy": record.settings.split.policy,
            "imbalance": record.imbalance,
        },
        "Data": {
            "source": data.source, **counts, "specimens named": "yes" if data.specimens_named else "no",
            "hash of the table": data.table_hash, "hash of the images": data.content_hash,
        },
        "Backbone": backbone.model_dump(exclude={"map_geometry"}) if backbone else {},
        "Machine": {
            **machine.model_dump(exclude={"memory"}), "memory": f"{machine.memory:.1f} GB",
            "largest memory used": None if record.peak_memory is None else f"{record.peak_memory:.2f} GB",
        },
        "Time": {phase: seconds(value) for phase, value in record.timings.items()},
        "Versions": record.versions,
    }  # fmt: skip
    return {heading: _pairs(values) for heading, values in facts.items() if values}


def _pairs(values: Mapping[str, object]) -> Pairs:
    return [(name.replace("_", " "), _in_words(value)) for name, value in values.items() if value is not None]


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_in_words, value)) or "all"
    return number_of(value) if isinstance(value, int) and value >= 10_000 else str(value)


def settings_table(record: RunRecord) -> list[tuple[str, str, str | None]]:
    """Key, value, and what the recipe says where that differs (None where not)."""
    recipe = _recipe_settings(record)
    return [
        (
            key,
            _in_words(value),
            None if not recipe or recipe.get(key) == value else _in_words(recipe.get(key, "absent")),
        )
        for key, value in _flat(record.settings.model_dump(mode="json"))
    ]


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _recipe_settings(record: RunRecord) -> dict[str, Any]:
    name = _recipe(record)
    if name not in RECIPES or record.mentum != metadata.version(
        "mentum"
    ):  # another version's recipe may say something else
        return {}
    source = json.dumps(record.settings.backbone.source, ensure_ascii=False)
    given = dict(_flat(load_settings(name, [f"backbone.source={source}"]).model_dump(mode="json")))
    return given | {"backbone.source": load_settings(name).backbone.source}


def _recipe(record: RunRecord) -> str | None:
    """The recipe that the command names; None where there was no command."""
    try:
        words = shlex.split(record.command)
    except ValueError:  # not as a shell would have it
        return None
    for place, word in enumerate(words):
        if word == "--recipe" and place + 1 < len(words):
            return words[place + 1]
        if word.startswith("--recipe="):
            return word.partition("=")[2]
    return "default" if words else None


def _recipe_in_words(record: RunRecord) -> str:
    name, given = _recipe(record), _recipe_settings(record)
    if name is None:
        return "settings of its own"
    values = dict(_flat(record.settings.model_dump(mode="json")))
    changed = sum(given.get(key) != value for key, value in values.items()) if given else 0
    return f"{name}, {number_of(changed, 'value')} changed" if changed else name
