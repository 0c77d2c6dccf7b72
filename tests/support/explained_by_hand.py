"""Images with two characters, of which a network made by hand uses one: evidence with known answers."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mentum.explanation.annotation.characters import Annotations, read_annotations
from mentum.explanation.evidence import RankEvidence, RunEvidence
from mentum.maps import CellGeometry, Evidence, against_rivals
from mentum.taxonomy import Rank, Taxon

SIZE, CELLS = 64, 8
GEOMETRY = CellGeometry(size=SIZE, cells=CELLS, stride=8, offset=3.5)
MENTUM, MANDIBLE, SPECIMEN = (16, 16, 16, 16), (16, 40, 16, 8), (8, 8, 32, 48)
"""Left, top, width, height, px."""

TAXA = tuple(Taxon(((Rank.GENUS, "Aus"), (Rank.SPECIES, f"Aus {epithet}"))) for epithet in ("alba", "nigra"))


def draw_specimen(dark: bool, seed: int) -> np.ndarray:
    """A grey square; the mentum is black or white, the mandible anything, the rest noise."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(110, 140, size=(SIZE, SIZE, 3)).astype(np.uint8)
    for (left, top, width, height), shade in ((MENTUM, 20 if dark else 230), (MANDIBLE, rng.integers(20, 230))):
        pixels[top : top + height, left : left + width] = shade
    return pixels


@dataclass(frozen=True)
class DarknessNetwork:
    """Knows two taxa by the shade of the cells in one box: dark speaks for the second, light for the first.

    Attributes:
        box: left, top, width, height, px; multiples of a cell.
        bias: of the first taxon.
        seed: where given, the sign of each cell is drawn at random, as with random weights.
    """

    box: tuple[int, int, int, int] = MENTUM
    seed: int | None = None
    bias: float = 0.0

    def __call__(self, pixels: np.ndarray) -> dict[Rank, np.ndarray]:
        return {rank: found.y_prob for rank, found in self.explain(pixels).items()}

    def explain(self, pixels: np.ndarray) -> dict[Rank, Evidence]:
        shades = pixels.astype(np.float32).mean(axis=3) / 127.5 - 1
        cells = shades.reshape(len(pixels), CELLS, 8, CELLS, 8).mean(axis=(2, 4))
        left, top, width, height = (each // 8 for each in self.box)
        seen = np.zeros_like(cells)
        seen[:, top : top + height, left : left + width] = cells[:, top : top + height, left : left + width]
        if self.seed is not None:
            seen = cells * np.random.default_rng(self.seed).choice([-1, 1], size=cells.shape[1:])
        maps = np.stack([seen, -seen], axis=1).astype(np.float32)
        logits = maps.sum(axis=(2, 3)) + np.array([self.bias, 0.0], dtype=np.float32)
        y_prob = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        return {Rank.SPECIES: against_rivals(Evidence(y_prob, maps), np.arange(2))}

    def randomised(self, *, last_block: bool, seed: int) -> DarknessNetwork:
        return DarknessNetwork(self.box, seed + last_block)


def make_evidence(network: DarknessNetwork | None = None, n: int = 12, per_specimen: int = 1) -> RunEvidence:
    """Images labelled by the shade of the mentum, half of each taxon, as a network sees them."""
    labels = np.arange(n) % 2
    pixels = np.stack([draw_specimen(bool(label), seed) for seed, label in enumerate(labels.tolist())])
    found = (network or DarknessNetwork()).explain(pixels)[Rank.SPECIES]
    rows, order = np.arange(n), np.argsort(-found.y_prob, axis=1)
    at_rank = RankEvidence(
        rank=Rank.SPECIES,
        taxa=TAXA,
        y_true=labels,
        y_pred=order[:, 0],
        runner_up=order[:, 1],
        y_prob=found.y_prob,
        relevance=found.relevance[rows, order[:, 0]],
        label_relevance=found.relevance[rows, labels],
        runner_up_relevance=found.relevance[rows, order[:, 1]],
    )
    return RunEvidence(
        file_names=[f"{row}.png" for row in range(n)],
        specimens=np.array([f"s{row // per_specimen}" for row in range(n)]),
        subsets=np.array(["train"] * n),
        pixels=pixels,
        sizes=np.full((n, 2), SIZE),
        geometry=GEOMETRY,
        ranks={Rank.SPECIES: at_rank},
    )


def write_images(evidence: RunEvidence, folder: Path) -> Path:
    """Write the images and a specimen table."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in zip(evidence.file_names, evidence.pixels, strict=True):
        Image.fromarray(pixels).save(folder / name)
    labels = evidence.ranks[Rank.SPECIES].y_true
    with (folder / "specimens.csv").open("w", encoding="utf-8", newline="") as file:
        rows = zip(evidence.file_names, (TAXA[label].name for label in labels), evidence.specimens, strict=True)
        csv.writer(file).writerows([["file_name", "scientificName", "catalogNumber"], *rows])
    return folder


def annotate(evidence: RunEvidence, folder: Path, categories: Sequence[str] = ("specimen",)) -> Annotations:
    """Outline both characters in every image, and what else is asked for, in a COCO file beside the images."""
    write_images(evidence, folder)
    boxes = {"mentum": MENTUM, "mandible": MANDIBLE, "specimen": SPECIMEN}
    names = ["mentum", "mandible", *categories]
    images = [
        {"id": row, "file_name": name, "width": SIZE, "height": SIZE} for row, name in enumerate(evidence.file_names)
    ]
    annotations = [
        {"id": row * len(names) + place, "image_id": row, "category_id": place, "bbox": boxes[name]}
        for row in range(len(images))
        for place, name in enumerate(names)
    ]
    file = folder / "characters.coco.json"
    record = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": place, "name": name} for place, name in enumerate(names)],
    }
    file.write_text(json.dumps(record), encoding="utf-8")
    return read_annotations(file, evidence.file_names, folder)
