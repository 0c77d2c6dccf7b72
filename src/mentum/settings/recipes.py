"""Read settings from recipes in TOML, and replace single values.

A recipe's table `when.SOURCE` holds values that replace others where `backbone.source` is SOURCE, such as "builtin" or
"random".
"""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from mentum.errors import SettingsError
from mentum.files import require_regular
from mentum.settings.faults import in_words
from mentum.settings.sections import Settings
from mentum.texts import visible

RECIPES = ("default", "paper", "quick", "characters")
"""Recipes that come with Mentum."""

DEEPEST = 20
"""Tables and lists within each other; a recipe has three levels, options of networks a few more."""
LARGEST = 1_000_000
"""Bytes of a recipe; those that come with Mentum have 1,500."""
LONGEST = 200
"""Characters that are shown of what the user gave."""
SHOWN = 20
"""Faults that are listed."""


def load_settings(recipe: str, overrides: Iterable[str] = ()) -> Settings:
    """Read a recipe and replace single values.

    Args:
        recipe: a name from `RECIPES` or the path of a TOML file.
        overrides: "section.key=value" with the value in TOML; a bare word is taken as text.

    Raises:
        SettingsError: for an unknown recipe, an unknown key (naming its nearest neighbour) or an ill-typed value; all
            faults are listed at once.
    """
    values, given = _read_recipe(recipe), list(overrides)
    if isinstance(values.get("pixels"), dict):
        values["pixels"].setdefault("depth", "auto")  # a recipe from before this setting
    _adapt(values, given, recipe)
    for override in given:
        _replace(values, override)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        faults = error.errors()
        listed = "; ".join(in_words(fault, Settings) for fault in faults[:SHOWN])
        more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise SettingsError(f"recipe {_short(recipe)}: {listed}{more}.") from error


def _read_recipe(recipe: str) -> dict[str, Any]:
    if recipe in RECIPES:
        return tomllib.loads(resources.files("mentum").joinpath(f"recipes/{recipe}.toml").read_text("utf-8"))
    where = f"recipe {_short(recipe)}"
    path = Path(recipe)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # longer than any name, or with a NUL
        is_file = False
    if not is_file:
        raise SettingsError(f"{where}: no file found, expected one in TOML; give {', '.join(RECIPES)} or its path.")
    try:
        require_regular(path)
        if path.stat().st_size > LARGEST:
            raise SettingsError(
                f"{where}: found {path.stat().st_size} bytes, expected at most {LARGEST}; give a recipe."
            )
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{where}: not readable as TOML ({error}); save the file in UTF-8.") from error
    except OSError as error:
        raise SettingsError(f"{where}: not readable ({error.strerror}); check the file and its permissions.") from error
    return _parse(text, where, "correct the file")


def _parse(text: str, where: str, todo: str) -> dict[str, Any]:
    """TOML that is within limits.

    Raises:
        SettingsError: if it is beyond them, or no TOML; `tomllib.TOMLDecodeError` is the cause of the latter.
    """
    try:
        values = tomllib.loads(text)
        # Python itself takes no number of more digits, and fails at tables that are nested deeper than its stack.
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{where}: not readable as TOML ({visible(str(error))[:LONGEST]}); {todo}.") from error
    except ValueError as error:
        raise SettingsError(f"{where}: found a number with thousands of digits; {todo}.") from error
    except RecursionError as error:
        raise SettingsError(f"{where}: found lists or tables nested deeper than {DEEPEST}; {todo}.") from error
    layer: list[Any] = [values]
    for _ in range(DEEPEST):
        layer = [inner for value in layer for inner in _inside(value)]
    if layer:
        raise SettingsError(f"{where}: found lists or tables nested deeper than {DEEPEST}; {todo}.")
    return values


def _inside(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _adapt(values: dict[str, Any], overrides: Iterable[str], recipe: str) -> None:
    """Put the values of `when.SOURCE` in their places, where that is the backbone asked for."""
    when = values.pop("when", {})
    asked = copy.deepcopy(values)
    for override in overrides:
        _replace(asked, override)
    example = "write tables such as [when.builtin.stage2]"
    if not isinstance(when, dict):
        raise SettingsError(f"recipe {recipe}: 'when' is a value, expected tables by backbone and section; {example}.")
    source = asked["backbone"].get("source") if isinstance(asked.get("backbone"), dict) else None
    chosen = when.get(source, {}) if isinstance(source, str) else {}
    if not isinstance(chosen, dict):
        raise SettingsError(f"recipe {recipe}: 'when.{source}' is a value, expected tables by section; {example}.")
    for section, replaced in chosen.items():
        if not isinstance(values.get(section), dict) or not isinstance(replaced, dict):
            raise SettingsError(
                f"recipe {recipe}: when.{source}.{visible(section)}: expected a table with values of a section; "
                f"{example}."
            )
        values[section] |= replaced


def _replace(values: dict[str, Any], override: str) -> None:
    where = f"--set {_short(override)}"
    key, separator, text = override.partition("=")
    example = "section.key=value, such as stage2.epochs=10"
    if not separator or not key.strip():
        found = "no '='" if not separator else "no key"
        raise SettingsError(f"{where}: found {found}, expected section.key=value; give one such as stage2.epochs=10.")
    *sections, last = key.strip().split(".")
    if len(sections) >= DEEPEST:
        raise SettingsError(
            f"{where}: found a key of {len(sections) + 1} parts, expected two or three; give {example}."
        )
    target = values
    for section in sections:
        target = target.setdefault(section, {})
        if not isinstance(target, dict):
            raise SettingsError(f"{where}: '{_short(section)}' is a value, not a section; give one of its neighbours.")
    target[last] = _parse_value(text.strip(), where)


def _parse_value(text: str, where: str) -> Any:  # noqa: ANN401 - any TOML value
    try:
        return _parse(f"value = {text}", where, "give a value as in the recipes")["value"]
    except SettingsError as error:
        if not isinstance(error.__cause__, tomllib.TOMLDecodeError):
            raise
        return text  # a bare word


def _short(name: str) -> str:
    """What the user gave, short enough for a sentence."""
    return name if len(name) <= LONGEST else f"{name[:LONGEST]}…"


def differences(one: Settings, other: Settings) -> list[str]:
    """Keys whose values differ, as "stage2.epochs: 10 / 20"."""
    left, right = all_values(one, "python"), all_values(other, "python")
    unequal = [key for key in sorted(left | right) if left.get(key) != right.get(key)]
    return [f"{key}: {left.get(key)} / {right.get(key)}" for key in unequal]


def all_values(settings: Settings, mode: Literal["json", "python"] = "json") -> dict[str, Any]:
    """Every setting with its whole key; those of a crop also where nothing is cropped."""
    crop = {"crop": settings.pixels.crop, "margin": settings.pixels.margin}
    written = settings.model_dump(mode=mode)
    return flatten(written | {"pixels": written["pixels"] | crop})


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Every setting with its whole key, such as `stage2.epochs`."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
