"""How time and memory grow with the number of taxa: every command that learns, judges or tells, at two sizes.

    python benchmarks/taxa.py [--taxa 300 2000] [--images 2 3] [--size 48] [--set KEY=VALUE ...]
        [--commands check train ...] [--work FOLDER]

Draws small images of so many taxa, each with three colours of its own, named like species in genera and families, and
runs each command on them as a user would, in a process of its own. Printed are seconds by the clock and of the
processor, GB of memory at most, and how many times the last size takes what the first takes; the last line says how
many times the taxa and the images. Fixed costs, as of loading torch, make a growth look small.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path

import numpy as np
from PIL import Image

EPITHETS = ("alba", "nigra", "rubra", "montana", "palustris", "gracilis", "robusta", "minor", "vulgaris", "elegans")
"""Species of each genus; ten genera make a family."""
NEW = 40
"""Images that are identified, at most."""
COMMANDS = ("check", "train", "evaluate", "report", "export", "identify", "calibrate", "crossvalidate")


@dataclass(frozen=True)
class Cost:
    """What one command took.

    Attributes:
        seconds: by the clock; `processor` those of all its threads, which others on the machine change less.
        memory: GB at most.
    """

    seconds: float
    processor: float
    memory: float


def main() -> None:
    """Print a table in Markdown."""
    given = read_options()
    with tempfile.TemporaryDirectory() as temporary:
        work = given.work or Path(temporary)
        costs = []
        for n_taxa, n_images in zip(given.taxa, given.images, strict=True):
            folder = work / f"{n_taxa}x{n_images}"
            draw_taxa(folder / "data", n_taxa, n_images, given.size)
            costs.append({command: run(arguments(command, folder, given.set)) for command in given.commands})
    print("\n".join(as_markdown(given, costs)))


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--taxa", type=int, nargs="+", default=[300, 2000])
    parser.add_argument("--images", type=int, nargs="+", default=[2, 3], help="of each taxon, by size")
    parser.add_argument("--size", type=int, default=48, help="of the images, px")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="of the recipe, for a quicker look")
    parser.add_argument("--commands", nargs="+", choices=COMMANDS, default=COMMANDS)
    parser.add_argument("--work", type=Path, help="a folder to keep everything in")
    return parser.parse_args()


# Data


def draw_taxa(folder: Path, n_taxa: int, n_images: int, size: int) -> None:
    """A folder of images per taxon, and `taxonomy.csv` with families; an image has three stripes of its taxon's."""
    rng = np.random.default_rng(0)
    rows = list(islice(taxon_rows(), n_taxa))
    for row in rows:
        taxon = folder / row["scientificName"]
        taxon.mkdir(parents=True, exist_ok=True)
        colours = rng.integers(40, 216, (3, 3))
        stripes = np.repeat(np.repeat(colours[None], size, 0), -(-size // 3), 1)[:, :size]
        for number in range(n_images):
            pixels = np.clip(stripes + rng.normal(0, 12, stripes.shape), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(taxon / f"{number}.jpg")
    with (folder / "taxonomy.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def taxon_rows() -> Iterator[dict[str, str]]:
    """Species without end, ten in a genus, ten genera in a family."""
    stems = map(
        "".join,
        product(
            ("Bar", "Cer", "Dol", "Fus", "Gal", "Hel", "Lim", "Mel", "Nor", "Par", "Ric", "Sal", "Tan"),
            ("ama", "edo", "ico", "olu", "uri"),
            "bdlmnrst",
        ),
    )
    for number, stem in enumerate(stems):
        if number % 10 == 0:
            family = f"{stem}idae"
        genus = f"{stem}us"
        for epithet in EPITHETS:
            name = f"{genus} {epithet}"
            yield {"scientificName": name, "taxonRank": "species", "genus": genus, "family": family}


# Commands


def arguments(command: str, folder: Path, settings: Sequence[str]) -> list[str]:
    """What a user would write, with further settings of the recipe."""
    data, trained, model = str(folder / "data"), str(folder / "run"), str(folder / "model")
    cache = ["--cache", str(folder / "cache")]
    recipe = ["--recipe", "quick", *(word for each in ("stage2.epochs=0", *settings) for word in ("--set", each))]
    return {
        "check": ["check", data],
        "train": ["train", data, "--out", trained, *recipe, *cache],
        "evaluate": ["evaluate", trained],
        "report": ["report", trained],
        "export": ["export", trained, "--out", model],
        "identify": ["identify", model, *new_images(folder / "data"), "--out", str(folder / "found.csv")],
        "calibrate": ["calibrate", trained, *cache],
        "crossvalidate": ["crossvalidate", data, "--stage", "1", "--out", str(folder / "study"), *recipe, *cache],
    }[command]


def new_images(data: Path) -> list[str]:
    """The first image of the first taxa."""
    return [str(taxon / "0.jpg") for taxon in sorted(data.iterdir())[:NEW] if taxon.is_dir()]


def run(words: Sequence[str]) -> Cost:
    """Run a command in a process of its own.

    Raises:
        SystemExit: if it fails.
    """
    start = time.monotonic()
    program = "from mentum.cli import main; main()"
    with subprocess.Popen([sys.executable, "-c", program, *words], stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)  # unlike process.wait, it says what was used
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):  # 1 = warnings, or images that could not be read
        raise SystemExit(f"mentum {' '.join(words)} failed")
    cost = Cost(time.monotonic() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6)
    print(
        f"{words[0]}: {cost.seconds:.1f} s, {cost.processor:.1f} s of processor, {cost.memory:.2f} GB", file=sys.stderr
    )
    return cost


def as_markdown(given: argparse.Namespace, costs: Sequence[dict[str, Cost]]) -> Iterator[str]:
    """A row per command, columns per size, and the growth from the first size to the last."""
    sizes = [f"{taxa} x {images}" for taxa, images in zip(given.taxa, given.images, strict=True)]
    headings = [f"{size}: s | processor, s | GB" for size in sizes]
    yield f"| Command | {' | '.join(headings)} | growth: processor | memory |"
    yield f"|---|{'---|' * (3 * len(sizes) + 2)}"
    for command in given.commands:
        each = [of_size[command] for of_size in costs]
        cells = [f"{cost.seconds:.1f} | {cost.processor:.1f} | {cost.memory:.2f}" for cost in each]
        growth = f"{each[-1].processor / each[0].processor:.1f} | {each[-1].memory / each[0].memory:.1f}"
        yield f"| `{command}` | {' | '.join(cells)} | {growth} |"
    taxa, images = given.taxa[-1] / given.taxa[0], given.images[-1] / given.images[0]
    yield f"\nTaxa: {taxa:.1f} times; images: {taxa * images:.1f} times."


if __name__ == "__main__":
    main()
