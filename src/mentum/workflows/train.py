"""Train an identifier."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mentum.locks import sole_owner
from mentum.records import ProgressCallback, ignore_progress
from mentum.runs import Run
from mentum.settings import Settings
from mentum.training.train import train_identifier
from mentum.workflows.arguments import PathLike, cache_folder, settings_of


def train(
    data: PathLike,
    out: PathLike,
    recipe: PathLike | Settings = "default",
    *,
    overrides: Sequence[str] = (),
    backbone: str | None = None,
    seed: int | None = None,
    layout: str | None = None,
    cache: PathLike | None = None,
    report: ProgressCallback = ignore_progress,
    command: str = "",
) -> Run:
    """Train in two stages, the top classifier, then the whole network, and write a run folder.

    An interrupted training goes on from its last epoch when it is called again.

    Args:
        data: a folder per taxon, a folder with specimens.csv, or a CSV or Parquet table.
        out: the run folder, new or of the same training interrupted.
        recipe: "default", "paper", "quick", "characters", a TOML file, or complete settings.
        overrides: values of the recipe to replace, such as "stage2.epochs=20".
        backbone: hub id, local Hugging Face folder, "builtin" or "random"; None = the recipe's.
        seed: of every random choice; None = the recipe's.
        layout: what each level of folders is, such as "genus/species"; None = the recipe's.
        cache: folder of the pixel cache; None = the user's.
        report: told about every step.
        command: how it was asked for, for the record.

    Raises:
        DataError: listing all faults of the data.
        RunError: if `out` holds something else.
        SettingsError: if a key or value is not understood.
        BackboneError: if the backbone cannot be had.
        BusyError: if another process writes `out`.
    """
    settings = settings_of(recipe, overrides, backbone, seed, layout)
    with sole_owner(Path(out)):
        return train_identifier(
            Path(data), Path(out), settings, cache=cache_folder(cache), command=command, report=report
        )
