"""Draws a whole data set: images, tables and outlines, written whole or not at all."""

import csv
import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from PIL import Image

from mentum.disks import require_place
from mentum.errors import MentumError
from mentum.files import is_free, whole
from mentum.phantoms.decisive import taxa
from mentum.phantoms.micrograph import Planted, photograph
from mentum.phantoms.plan import PlannedImage, counterfactuals, generator, plan
from mentum.phantoms.regions import Region, regions, write_coco
from mentum.phantoms.settings import PhantomSettings
from mentum.phantoms.specimen import grow
from mentum.processes import signals_kept_back, worker_pool

JPEG_QUALITY = 92
WORTH_A_POOL = 48  # images of 512 pixels; fewer are drawn sooner than processes start
SPECIMEN_COLUMNS = ("file_name", "scientificName", "catalogNumber")
COUNTERFACTUAL_COLUMNS = ("file_name", "character", "donor", "counterfactual")
TAXONOMY_COLUMNS = ("scientificName", "taxonRank", "genus", "tribe", "subfamily", "family", "order")


def draw_phantoms(out: Path, settings: PhantomSettings, progress: Callable[[int, int], None] | None = None) -> Path:
    """Draws labelled micrographs of ten chironomid taxa, or of four that differ in one character, into a new folder.

    The folder holds `images/`, `specimens.csv`, `taxonomy.csv` and `characters.coco.json`, and with counterfactuals
    `counterfactuals/` and `counterfactuals.csv`. It appears whole or not at all, and the same settings always give the
    same bytes. Many images are drawn by a pool of spawned processes, so a
    script that calls this needs the usual `if __name__ == "__main__":`.

    Args:
        out: folder to make; it may exist if it is empty.
        settings: what to draw.
        progress: called with the number of images drawn and the number to draw.

    Returns:
        `out`.

    Raises:
        MentumError: `out` is a file or holds something.
    """
    _check_free(out)
    require_place(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with whole(out) as draft:
        for name in ("images", "counterfactuals") if settings.counterfactual else ("images",):
            (draft / name).mkdir(parents=True)
        _write(draft, settings, progress)
    return out


def _check_free(out: Path) -> None:
    if is_free(out):
        return
    if not out.is_dir():
        raise MentumError(f"{out}: found a file, expected a new or empty folder; name another folder.")
    found = sum(1 for _ in out.iterdir())
    raise MentumError(
        f"{out}: found {found} entries, expected a new or empty folder; name another folder or empty this one."
    )


def _write(folder: Path, settings: PhantomSettings, progress: Callable[[int, int], None] | None) -> None:
    images = plan(settings)
    changed = counterfactuals(settings) if settings.counterfactual else []
    all_images = [*images, *(each.drawn for each in changed)]
    drawn: list[list[Region]] = []
    for found in _drawn(folder, settings, all_images):
        drawn.append(found)
        if progress:
            progress(len(drawn), len(all_images))
    sizes = [(image.file_name, settings.width, settings.height) for image in images]
    write_coco(folder / "characters.coco.json", sizes, drawn[: len(images)])
    if changed:
        pairs = (
            (each.factual.file_name, each.character, each.donor.scientific_name, each.drawn.file_name)
            for each in changed
        )
        _write_table(folder / "counterfactuals.csv", COUNTERFACTUAL_COLUMNS, pairs)
    rows = ((image.file_name, image.anatomy.scientific_name, image.catalog_number) for image in images)
    _write_table(folder / "specimens.csv", SPECIMEN_COLUMNS, rows)
    lineages = (
        (taxon.scientific_name, taxon.rank, taxon.genus, taxon.tribe, taxon.subfamily, "Chironomidae", "Diptera")
        for taxon in taxa(settings)
    )
    _write_table(folder / "taxonomy.csv", TAXONOMY_COLUMNS, lineages)


def _write_table(path: Path, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _drawn(folder: Path, settings: PhantomSettings, images: list[PlannedImage]) -> Iterator[list[Region]]:
    """Draws the images in order, in this process or in several."""
    draw = partial(draw_image, folder, settings)
    workers = min(os.cpu_count() or 1, len(images))
    if workers == 1 or len(images) * settings.width**2 < WORTH_A_POOL * 512**2:
        yield from map(draw, images)
        return
    with worker_pool(workers) as pool:
        with signals_kept_back():
            drawn = pool.map(draw, images, chunksize=4)
        yield from drawn


def draw_image(folder: Path, settings: PhantomSettings, image: PlannedImage) -> list[Region]:
    """Draws one image into `folder` and returns the regions of its characters."""
    place = (image.taxon, image.specimen)
    specimen = grow(image.anatomy, generator(settings.seed, *place, 0))
    planted = Planted(settings.shortcut, image.taxon)
    rng = generator(settings.seed, *place, 1 + image.view)
    micrograph = photograph(specimen, settings.width, settings.height, planted, rng)
    Image.fromarray(micrograph.pixels).save(folder / image.file_name, quality=JPEG_QUALITY)
    return regions(micrograph.characters, settings.width, settings.height)
