"""Runs of very many taxa, written without any training."""

from __future__ import annotations

from itertools import product
from pathlib import Path

from mentum.runs import Run
from mentum.taxonomy import Rank
from support.runs_by_hand import Shot, make_run

_STEMS = tuple(
    map("".join, product(("Bar", "Cer", "Dol", "Fus", "Gal", "Lim", "Mel", "Nor"), ("ama", "edo", "ico", "olu"), "bdl"))
)
_EPITHETS = ("alba", "nigra", "rubra", "montana", "palustris", "gracilis", "robusta", "minor", "vulgaris", "elegans")


def lineages_of(n_species: int) -> dict[str, dict[Rank, str]]:
    """Species, ten in a genus and ten genera in a family, by name."""
    pairs = list(product(_STEMS, _EPITHETS))[:n_species]
    return {
        f"{stem}us {epithet}": {
            Rank.FAMILY: f"{_STEMS[place // 100]}idae",
            Rank.GENUS: f"{stem}us",
            Rank.SPECIES: f"{stem}us {epithet}",
        }
        for place, (stem, epithet) in enumerate(pairs)
    }


def make_run_of_many(folder: Path, n_species: int) -> Run:
    """A run of stage 1 with one training and two validation images per species.

    Of every fourth species both validation images are identified as the next species, of the one after it, one is.
    """
    lineages = lineages_of(n_species)
    names = list(lineages)
    shots = [shot for place in range(n_species) for shot in _shots(names, place)]
    return make_run(folder, shots=shots, stages=("stage1",), lineages=lineages)


def _shots(names: list[str], place: int) -> list[Shot]:
    name, following = names[place], names[(place + 1) % len(names)]
    n_wrong = max(2 - place % 4, 0)
    found = [following if number < n_wrong else name for number in range(2)]
    judged = [Shot(name, f"{place}-{number}", "validation", each) for number, each in enumerate(found)]
    return [Shot(name, f"{place}-t", "train", name), *judged]
