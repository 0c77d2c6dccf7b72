"""Is the character that decides the one that is named? Every method against the true effects in drawn specimens.

Run as `python benchmarks/characters.py [--only mentum] [--recipe default] [--backbone FOLDER] [--out FOLDER]`. For each
character, four taxa that differ in nothing else are drawn, and each image once more with that character as another
taxon has it, all else equal to the pixel: the fall of the log-odds between the two is the true effect in that image.
A network is trained, its validation images are explained, and methods are scored by the share of images in which they
put the right character first, by rank correlation with the true effects over images and characters, and by the share
of images in which they name a character that carries nothing. (On these networks Grad-CAM and HiResCAM are the map
itself, but for a scale: after global average pooling the gradient is the same in every cell.)

`--shortcut corner` plants a mark in the background as well; the last line of a set tells what the background costs.
What is done already in --out is not repeated.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from mentum.explanation.annotation.characters import Annotations, read_annotations
from mentum.explanation.evidence import RankEvidence, RunEvidence
from mentum.explanation.gathering import gather_evidence
from mentum.explanation.necessity.asking import needs, try_characters
from mentum.explanation.necessity.measures import RankNecessity
from mentum.explanation.necessity.trials import Answer, log_odds
from mentum.explanation.shares import Regions, at_peak, project_regions, relevance_mass
from mentum.explanation.summary import bootstrap_means
from mentum.phantoms.dataset import draw_phantoms
from mentum.phantoms.settings import CHARACTERS, PhantomSettings
from mentum.records import ignore_progress
from mentum.runs import Run
from mentum.settings import Settings, load_settings
from mentum.specimens.pixels import square_pixels
from mentum.specimens.run_images import open_images
from mentum.taxonomy import Rank
from mentum.training.compiled import open_predictor
from mentum.training.predict import map_geometry
from mentum.training.train import train_identifier


def main() -> None:
    """Print accuracies and the scores of every method, per set and rank."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", help="decisive characters, parted by commas")
    parser.add_argument("--redundant", action="store_true")
    parser.add_argument("--shortcut", choices=["none", "corner"], default="none")
    parser.add_argument("--images", type=int, default=60, help="per taxon")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--recipe", default="quick")
    parser.add_argument("--backbone")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    chosen = [f"backbone.source={options.backbone}"] if options.backbone else []
    settings = load_settings(options.recipe, [*chosen, f"seed={options.seed}"])
    out = options.out or Path(tempfile.mkdtemp())
    for decisive in [options.only] if options.only else CHARACTERS:
        drawn = PhantomSettings(
            decisive=decisive, redundant=options.redundant, shortcut=options.shortcut, counterfactual=True,
            images_per_taxon=options.images, width=256, seed=options.seed,
        )  # fmt: skip
        for line in scored(out / decisive.replace(",", "_"), drawn, settings):
            print(f"{decisive}, {line}", flush=True)


@dataclass(frozen=True)
class Explained:
    """A trained network's validation images."""

    run: Run
    evidence: RunEvidence
    annotations: Annotations
    data: Path


def scored(folder: Path, drawn: PhantomSettings, settings: Settings) -> Iterator[str]:
    """Draw, train, explain and score one set."""
    if not (folder / "data").exists():
        draw_phantoms(folder / "data", drawn)
    run = Run(folder / "run")
    if not run.record_file.is_file() or run.record().status != "complete":
        run = train_identifier(folder / "data", run.path, settings, cache=folder / "cache")
    images = open_images(run, "validation", None, folder / "cache", ignore_progress)
    annotations = read_annotations(folder / "data" / "characters.coco.json", images.table_files, images.root)
    with open_predictor(run, len(images.rows), ignore_progress) as network:
        evidence = gather_evidence(images, network.explain, (), map_geometry(run), ignore_progress)
        began = time.process_time()
        rows = np.arange(len(evidence.file_names))
        trials = try_characters(network, evidence, annotations, rows, settings.seed, ignore_progress)
        found = needs(trials, annotations, rows, settings.seed)
        yield f"{len(rows)} validation images: asked in {time.process_time() - began:.0f} s of processor time"
        explained = Explained(run, evidence, annotations, folder / "data")
        for rank, needed in found.items():
            true = true_effects(explained, rank, network)
            yield from scores(explained, rank, needed, true, drawn.decisive)


def true_effects(explained: Explained, rank: Rank, network: Answer) -> NDArray[np.float64]:
    """(N, C) fall of the log-odds where a character is drawn as in a taxon that is another at this rank."""
    evidence, annotations = explained.evidence.ranks[rank], explained.annotations
    taxonomy, pixels = explained.run.taxonomy(), explained.run.record().settings.pixels
    named = {label.name: taxonomy.truth(label, rank) for label in explained.run.labels()}
    place = {name: row for row, name in enumerate(explained.evidence.file_names)}
    sums, counts = np.zeros((2, len(place), len(annotations.characters)))
    with (explained.data / "counterfactuals.csv").open(encoding="utf-8") as file:
        for line in csv.DictReader(file):
            row = place.get(line["file_name"])
            if row is None or named[line["donor"]] == evidence.y_pred[row]:
                continue
            answered = evidence.y_pred[row : row + 1]
            picture = square_pixels(explained.data / line["counterfactual"], pixels)
            said = network(picture[None])[rank]
            at = row, annotations.characters.index(line["character"])
            sums[at] += (log_odds(evidence.y_prob[row : row + 1], answered) - log_odds(said, answered))[0]
            counts[at] += 1
    return sums / np.maximum(counts, 1)


def scores(
    explained: Explained, rank: Rank, needed: RankNecessity, true: NDArray[np.float64], decisive: tuple[str, ...]
) -> Iterator[str]:
    """One line per method, over the correctly identified images."""
    evidence, characters = explained.evidence.ranks[rank], explained.annotations.characters
    kept = evidence.correct & needed.measured
    right = [characters.index(name) for name in decisive]
    yield f"{rank}: accuracy {evidence.correct.mean():.1%}, true effects {np.round(true[kept][:, right].mean(0), 1)}"
    for name, (values, least) in methods(explained, evidence, needed).items():
        values = np.nan_to_num(values[kept], nan=-np.inf)
        first = np.where(values.max(axis=1) > least, values.argmax(axis=1), -1)
        shown = np.where(values > least, values, 0)
        correlation = spearmanr(shown.ravel(), true[kept].ravel()).statistic
        named = {each: float((first == characters.index(each)).mean()) for each in characters}
        false = max((share for each, share in named.items() if each not in decisive), default=0.0)
        shares = ", ".join(f"{each} {named[each]:.0%}" for each in decisive)
        yield f"{rank}, {name}: {shares}; another at most {false:.0%}; rank correlation {correlation:.2f}"
    costs, specimens = needed.background[kept], explained.evidence.specimens[kept]
    known = ~np.isnan(costs)
    if known.any():
        (low,), (high,) = bootstrap_means(costs[known, None], specimens[known], seed=0)
        yield f"{rank}, background: costs {costs[known].mean():.2f} ({low:.2f} to {high:.2f}), n = {known.sum()}"


def methods(
    explained: Explained, evidence: RankEvidence, needed: RankNecessity
) -> dict[str, tuple[NDArray[np.float64], float]]:
    """Method → (N, C) its values, and the least that names a character."""
    regions, n = _regions(explained), len(explained.annotations.characters)
    mass = relevance_mass(evidence.relevance, regions.weights)
    density = mass / np.maximum(regions.areas, 1e-9)
    peak = at_peak(evidence.relevance, regions.covers).astype(np.float64)
    return {
        "necessity": (needed.necessity, needed.chance),
        "Shapley credit": (needed.credit, needed.chance),
        "map, density": (density[:, :n], 1.0),
        "map, mass": (mass[:, :n], 0.0),
        "map, peak": (peak[:, :n], 0.0),
    }


def _regions(explained: Explained) -> Regions:
    geometry, annotations = explained.evidence.geometry, explained.annotations
    masks = (annotations.masks(name, geometry.size) for name in explained.evidence.file_names)
    return project_regions(annotations.characters, masks, geometry)


if __name__ == "__main__":
    main()
