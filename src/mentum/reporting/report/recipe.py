"""Which recipe a run was trained by, and what it changed in it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

from mentum.reporting.numbers import number_of
from mentum.runs import RunRecord
from mentum.settings import RECIPES, load_settings


def recipe_in_words(record: RunRecord) -> str:
    """The recipe's name and how many of its settings were changed."""
    name, given = _recipe(record), recipe_settings(record)
    if name is None:
        return "settings of its own"
    values = dict(flat_settings(record.settings.model_dump(mode="json")))
    changed = sum(given.get(key) != value for key, value in values.items()) if given else 0
    return f"{name}, {number_of(changed, 'value')} changed" if changed else name


def recipe_settings(record: RunRecord) -> dict[str, Any]:
    """What the recipe says, by key; empty where that is not known."""
    name = _recipe(record)
    if name not in RECIPES or record.mentum != metadata.version(
        "mentum"
    ):  # another version's recipe may say something else
        return {}
    source = json.dumps(record.settings.backbone.source, ensure_ascii=False)
    given = dict(flat_settings(load_settings(name, [f"backbone.source={source}"]).model_dump(mode="json")))
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


def flat_settings(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting with its whole key, such as `stage2.epochs`."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from flat_settings(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value
