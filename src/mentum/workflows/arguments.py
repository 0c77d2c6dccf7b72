"""What the arguments of tasks mean: a recipe with changes, a run given as a path, the folder of the pixel cache."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from platformdirs import user_cache_path

from mentum.runs import Run
from mentum.settings import Settings, load_settings

PathLike = str | Path


def settings_of(
    recipe: PathLike | Settings,
    overrides: Sequence[str],
    backbone: str | None,
    seed: int | None,
    layout: str | None = None,
) -> Settings:
    """A recipe with what replaces some of its values.

    Args:
        recipe: "default", "paper", "quick", "characters", a TOML file, or complete settings.
        overrides: such as "stage2.epochs=20".
        backbone: hub id, local Hugging Face folder, "builtin" or "random"; None = the recipe's.
        seed: None = the recipe's.
        layout: what each level of folders is, such as "genus/species"; None = the recipe's.

    Raises:
        SettingsError: if a key or value is not understood.
        ValueError: if complete settings are given along with values to replace.
    """
    texts = {"backbone.source": backbone, "specimens.layout": layout}
    given = {key: text and json.dumps(text, ensure_ascii=False) for key, text in texts.items()} | {"seed": seed}
    changes = [*overrides, *(f"{key}={value}" for key, value in given.items() if value is not None)]
    if not isinstance(recipe, Settings):
        return load_settings(str(recipe), changes)
    if changes:
        raise ValueError(
            f"settings and {', '.join(changes)}; expected a recipe's name or file beside values to replace"
        )
    return recipe


def cache_folder(cache: PathLike | None) -> Path:
    """The folder of the pixel cache: as given, or the user's."""
    return Path(cache) if cache is not None else user_cache_path("mentum") / "pixels"


def open_run(run: PathLike | Run) -> Run:
    """A run, or the one in a folder.

    Raises:
        RunError: if there is no complete run.
    """
    return run if isinstance(run, Run) else Run.open(Path(run))


def path_or_none(path: PathLike | None) -> Path | None:
    """A path, where one is given."""
    return None if path is None else Path(path)
