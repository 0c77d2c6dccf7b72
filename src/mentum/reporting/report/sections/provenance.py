"""The section on where the run comes from: stages, data, machine, versions, recipe and what was changed in it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from markupsafe import Markup

from mentum.reporting.numbers import decimals, number_of, seconds
from mentum.reporting.report.known import Known
from mentum.reporting.report.rendering import render_file
from mentum.runs import STAGES, RunRecord, StageRecord
from mentum.settings import RECIPES, all_values, load_settings

Pairs = list[tuple[str, str]]


def show(known: Known) -> Markup:
    """Everything that went into the run."""
    record = known.record
    return render_file(
        "provenance.html",
        stages=[(STAGES[each.stage], each, _what_chose(each)) for each in record.stages],
        provenance=_provenance(record) | _origins(known),
        settings=_settings_table(record),
    )


def _what_chose(stage: StageRecord) -> str:
    """Which epoch's weights were kept, and why that one."""
    if stage.stage == "stage1":
        return "the last one, nothing was chosen"
    if stage.best_epoch == 0:
        return "lowest validation loss, that of stage 1"
    judged = all(epoch.validation_loss is not None for epoch in stage.epochs)
    return "lowest validation loss" if judged else "the last one, there were no validation images"


def _origins(known: Known) -> dict[str, Pairs]:
    """Where studies and what was compared come from."""
    origins = [(each.name, f"{each.study.command} (Mentum {each.study.mentum})") for each in known.studies.every]
    origins += [(f"compared: {each.other}", each.command) for each in known.comparisons]
    return {"Studies and comparisons": origins} if origins else {}


def _provenance(record: RunRecord) -> dict[str, Pairs]:
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
            **machine.model_dump(exclude={"memory"}), "memory": f"{decimals(machine.memory, 1)} GB",
            "largest memory used": None if record.peak_memory is None else f"{decimals(record.peak_memory, 2)} GB",
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


def _settings_table(record: RunRecord) -> list[tuple[str, str, str | None]]:
    """Key, value, and what the recipe says where that differs (None where not)."""
    recipe = _recipe_settings(record)
    return [
        (
            key,
            _in_words(value),
            None if not recipe or recipe.get(key) == value else _in_words(recipe.get(key, "absent")),
        )
        for key, value in all_values(record.settings).items()
    ]


def recipe_in_words(record: RunRecord) -> str:
    """The recipe's name and how many of its settings were changed."""
    name, given = _recipe(record), _recipe_settings(record)
    if name is None:
        return "settings of its own"
    values = all_values(record.settings)
    changed = sum(given.get(key) != value for key, value in values.items()) if given else 0
    return f"{name}, {number_of(changed, 'value')} changed" if changed else name


def _recipe_settings(record: RunRecord) -> dict[str, Any]:
    """What the recipe says, by key; empty where that is not known."""
    name = _recipe(record)
    # Another version's recipe may say something else.
    if name not in RECIPES or record.mentum != metadata.version("mentum"):
        return {}
    source = json.dumps(record.settings.backbone.source, ensure_ascii=False)
    given = all_values(load_settings(name, [f"backbone.source={source}"]))
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
