"""Small drawn data sets that a tiny network learns within seconds, and the settings for it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mentum.settings import Settings, load_settings

TAXA = ("Chironomus plumosus", "Chironomus riparius", "Polypedilum laetum", "Orthocladius")
"""Four leaves in three genera and two subfamilies; one is named to genus only."""

TAXONOMY = """scientificName,taxonRank,subfamily,genus
Chironomus plumosus,species,Chironominae,Chironomus
Chironomus riparius,species,Chironominae,Chironomus
Polypedilum laetum,species,Chironominae,Polypedilum
Orthocladius,genus,Orthocladiinae,
"""

TINY = (
    "threads=1", "device=cpu", "pixels.size=32", "backbone.source=random", "stage1.views=2",
    "stage1.epochs=4", "stage1.batch_size=8", "stage2.epochs=3", "stage2.batch_size=8",
    'backbone.options={ embedding_size = 8, hidden_sizes = [8, 16], depths = [1, 1], layer_type = "basic" }',
)  # fmt: skip
"""What makes a training last a second or two."""

COLOURS = ((200, 60, 60), (60, 170, 70), (70, 80, 200), (190, 180, 60))


def tiny_settings(*overrides: str) -> Settings:
    """The quick recipe with a network of two small blocks."""
    return load_settings("quick", [*TINY, *overrides])


def draw_taxon(taxon: int, seed: int, size: tuple[int, int] = (40, 32)) -> Image.Image:
    """Stripes in the taxon's colour and direction, with noise."""
    width, height = size
    rng = np.random.default_rng([taxon, seed])
    y, x = np.mgrid[:height, :width]
    stripes = np.sin((x if taxon % 2 else y) * 0.9 + rng.uniform(0, 6))[..., None]
    noise = rng.normal(0, 8, (height, width, 3))
    pixels = np.array(COLOURS[taxon % len(COLOURS)]) * (0.7 + 0.3 * stripes) + noise
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def write_drawn(
    folder: Path,
    per_taxon: Sequence[int] = (5, 5, 5, 5),
    views: int = 2,
    genus_only: Iterable[tuple[str, str]] = (),
    splits: Sequence[str] | None = None,
) -> Path:
    """Write images, `specimens.csv` and `taxonomy.csv`.

    Args:
        folder: made where missing.
        per_taxon: specimens of each of `TAXA`.
        views: images of each specimen.
        genus_only: (specimen, label) whose images carry that coarser label.
        splits: subset of each specimen, in turn; None = no such column.
    """
    relabelled = dict(genus_only)
    rows = []
    for taxon, n_specimens in enumerate(per_taxon):
        for number in range(n_specimens):
            specimen = f"{taxon}-{number}"
            for view in range(views):
                file = folder / "images" / f"{specimen}-{view}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                draw_taxon(taxon, number * 100 + view).save(file)
                row = [f"images/{file.name}", relabelled.get(specimen, TAXA[taxon]), specimen]
                rows.append([*row, splits[number % len(splits)]] if splits else row)
    with (folder / "specimens.csv").open("w", encoding="utf-8", newline="") as file:
        header = ["file_name", "scientificName", "catalogNumber", *(["split"] if splits else [])]
        csv.writer(file).writerows([header, *rows])
    (folder / "taxonomy.csv").write_text(TAXONOMY, encoding="utf-8")
    return folder
