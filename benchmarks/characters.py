"""Is the character that decides the one that is named? Drawn taxa that differ in one only, and a planted mark.

Run as `python benchmarks/characters.py [--only mentum] [--out FOLDER] [--shallow]`. For each character, four taxa
that differ in nothing else are drawn, the quick recipe is trained on them (--shallow: a random network of three
blocks), and its training images are explained. Then, in addition to other mandibles, a mark in a corner goes with the
taxon. Takes half an hour on two cores; what is done already in --out is not repeated.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from mentum.evaluation.result_table import score_run
from mentum.explanation.annotation.characters import read_annotations
from mentum.explanation.character_use import Asked, explain_characters
from mentum.explanation.gathering import gather_evidence
from mentum.explanation.results import BACKGROUND, Explanation
from mentum.explanation.tables import by_rank
from mentum.phantoms.dataset import draw_phantoms
from mentum.phantoms.settings import CHARACTERS, PhantomSettings
from mentum.records import ignore_progress
from mentum.runs import Run
from mentum.settings import Settings, load_settings
from mentum.specimens.run_images import open_images
from mentum.training.predict import Predictor, map_geometry
from mentum.training.train import train_identifier

SHALLOW = (
    "backbone.source=random", "stage2.epochs=40", "stage2.learning_rate=0.002", "stage2.layer_decay=0.1",
)  # fmt: skip
"""Of the quick recipe: its network of three blocks from random weights, whose cells see 99 px."""


def main() -> None:
    """Print accuracies, the character named most often at each rank, and what the warnings say of the background."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=CHARACTERS)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--occlude", type=int, default=40)
    parser.add_argument("--shallow", action="store_true")
    options = parser.parse_args()
    settings = load_settings("quick", SHALLOW if options.shallow else ())
    out = options.out or Path(tempfile.mkdtemp())
    for character in [options.only] if options.only else CHARACTERS:
        drawn = PhantomSettings(decisive=character, images_per_taxon=110, width=256)
        show(character, explained(out / character, drawn, settings, options.occlude))
    if not options.only:
        drawn = PhantomSettings(decisive="mandible", shortcut="corner", images_per_taxon=110, width=256)
        show("mandible, or a mark in a corner", explained(out / "corner", drawn, settings, 0))


def explained(folder: Path, drawn: PhantomSettings, settings: Settings, n_occluded: int) -> Explanation:
    """Draw, train and explain."""
    if not (folder / "data").exists():
        draw_phantoms(folder / "data", drawn)
    run = Run(folder / "run")
    if not run.record_file.is_file() or run.record().status != "complete":
        run = train_identifier(folder / "data", run.path, settings, cache=folder / "cache")
    for row in score_run(run).table:
        if (row.stage, row.subset) == ("fine-tuned", "validation"):
            print(f"{folder.name}: {row.rank} {row.accuracy:.1%} of {row.n_images} validation images")
    images = open_images(run, "train", None, folder / "cache", ignore_progress)
    file = folder / "data" / "characters.coco.json"
    annotations = read_annotations(file, images.table_files, images.root).cropped(images.boxes)
    predictor = Predictor.open(run)
    evidence = gather_evidence(images, predictor.explain, (), map_geometry(run), ignore_progress)
    found = explain_characters(run, evidence, annotations, predictor, Asked(n_occluded), ignore_progress)
    return found.explanation


def show(name: str, explanation: Explanation) -> None:
    """Print one explanation."""
    for rank, rows in by_rank(explanation).items():
        first, second, *_ = rows
        background = next(row for row in rows if row["character"] == BACKGROUND)
        print(
            f"{name}, {rank}: {first['character']} {first['used']:.1%} of {first['n']} images, then "
            f"{second['character']} {second['used']:.1%}; background holds {background['mass']:.1%}"
        )
    for warning in explanation.warnings:
        if "occlusion" in warning or "background holds" in warning:
            print(f"  {warning}")


if __name__ == "__main__":
    main()
