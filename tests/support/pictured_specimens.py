"""Oval specimens with a coloured mark, small in a large picture, and a data set of them with outlines."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from mentum.specimens.placements import Box
from support.annotated_data import box, categories, image, region, write_coco_by_hand

GROUND, BODY, MARK, OTHER = (200, 205, 190), (90, 60, 40), (30, 60, 250), (60, 220, 60)
SPECIMEN: Box = (150, 110, 250, 180)
MARKED: Box = (190, 120, 222, 152)
"""Where specimen and mark lie, unless said otherwise."""
SIZE = (400, 300)


def pictured(
    size: tuple[int, int] = SIZE,
    specimen: Box | None = SPECIMEN,
    seed: int = 0,
    mark: tuple[int, int, int] = MARK,
    marked: Box = MARKED,
) -> Image.Image:
    """An oval specimen with a mark on an even ground; without a specimen the ground alone."""
    noise = np.random.default_rng(seed).normal(0, 2, (size[1], size[0], 3))
    drawn = Image.fromarray((np.array(GROUND) + noise).clip(0, 255).astype(np.uint8))
    if specimen is not None:
        draw = ImageDraw.Draw(drawn)
        draw.ellipse(specimen, BODY)
        draw.rectangle((*marked[:2], marked[2] - 1, marked[3] - 1), mark)
    return drawn


def write_pictured(folder: Path, per_taxon: int = 6) -> Path:
    """Two species told by their mark, a specimen an image, each elsewhere; in the last image there is none.

    Beside `specimens.csv` lies `characters.coco.json` with the outlines.
    """
    rows, images, regions = [], [], []
    (folder / "images").mkdir(parents=True)
    for number in range(2 * per_taxon):
        left, top = (np.random.default_rng(number).integers(10, (240, 150))).tolist()
        specimen, marked = (left, top, left + 100, top + 70), (left + 40, top + 10, left + 72, top + 42)
        shown = specimen if number < 2 * per_taxon - 1 else None
        name = f"images/{number}.png"
        pictured(specimen=shown, seed=number, mark=(MARK, OTHER)[number % 2], marked=marked).save(folder / name)
        rows.append([name, f"Chironomus {('plumosus', 'riparius')[number % 2]}", number])
        images.append(image(number + 1, name, SIZE))
        for kind, place in enumerate((specimen, marked), start=1):
            regions.append(region(len(regions) + 1, number + 1, kind, box(*place)))
    with (folder / "specimens.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["file_name", "scientificName", "catalogNumber"], *rows])
    write_coco_by_hand(
        folder / "characters.coco.json", images, regions, categories(specimen="specimen", mark="character")
    )
    return folder
