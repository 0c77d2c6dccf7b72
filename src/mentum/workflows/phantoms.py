"""Draw specimens to try things on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from mentum.locks import sole_writer
from mentum.phantoms.dataset import draw_phantoms
from mentum.phantoms.settings import read_settings
from mentum.records import Progress, ProgressCallback, ignore_progress
from mentum.workflows.arguments import PathLike


def phantoms(
    out: PathLike,
    *,
    images_per_taxon: int = 40,
    images: int | None = None,
    images_per_specimen: int = 1,
    width: int = 512,
    seed: int = 0,
    shortcut: Literal["none", "tint", "corner"] = "none",
    decisive: str | Sequence[str] = "none",
    redundant: bool = False,
    counterfactual: bool = False,
    report: ProgressCallback = ignore_progress,
) -> Path:
    """Draw head capsules of midge taxa, with taxonomy and outlines of the characters.

    Args:
        out: folder to make.
        images_per_taxon: images of each taxon.
        images: images in all, instead of per taxon.
        images_per_specimen: images that show the same specimen.
        width: of an image, px; the height is 0.74 of it.
        seed: the same seed draws the same bytes.
        shortcut: a trait of the background that betrays the taxon.
        decisive: the characters in which four taxa differ, such as "mentum" or "mentum,mandible"; "none" draws ten taxa
            as they are. Of two, the first sets the genera apart and the second the species within them.
        redundant: each taxon has forms of its own of all of these characters, so that any one suffices.
        counterfactual: draw each image also with a decisive character as in another taxon, and all else the same.
        report: told after each image.

    Returns:
        The folder.

    Raises:
        MentumError: if `out` holds something.
        SettingsError: if a setting is out of range, or they contradict one another.
        BusyError: if another process writes it.
    """
    settings = read_settings(
        images_per_taxon=images_per_taxon,
        images=images,
        images_per_specimen=images_per_specimen,
        width=width,
        seed=seed,
        shortcut=shortcut,
        decisive=decisive,
        redundant=redundant,
        counterfactual=counterfactual,
    )
    with sole_writer(Path(out)):
        return draw_phantoms(
            Path(out),
            settings,
            lambda done, total: report(Progress(task="drawing", done=done, total=total, unit="images")),
        )
