"""How much frozen backbones know of specimens: a linear head on their features, five-fold by specimen.

    python benchmarks/backbones.py SET... --backbones NAME=SOURCE[@SIZE] ... [--size 224] [--cache FOLDER] [--markdown]

SET is a data folder as `mentum` reads it. SOURCE is a folder in Hugging Face format, "builtin", "random:" before
either (the same architecture with random weights of seed 0), or "pixels" (16 x 16 of the square's pixels: at 224 px
every 14th). SIZE is the input of this backbone alone, px. With backbones named "random" and "imagenet", each row also
says how much of the gap between these two its backbone closes at the lowest taxon.

Images are padded to a black square; features are pooled, standardised on the training folds and given to a logistic
regression (C = 0.1). The class is the taxon of the label, at whatever rank; at higher ranks the predicted taxon's
ancestor is judged. Accuracies are by image.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from mentum.evaluation.intervals import wilson
from mentum.evaluation.metrics import accuracy
from mentum.network.backbones import Backbone, load_backbone
from mentum.records import ignore_progress
from mentum.settings import PixelSettings, load_settings
from mentum.specimens.checks import table_faults
from mentum.specimens.manifest import SpecimenTable, read_specimens
from mentum.specimens.pixels import PixelCache, open_cache
from mentum.taxonomy import Rank, Taxon, order_of
from mentum.training.batches import ImageSource
from mentum.training.features import extract_features, kept
from mentum.training.preparation import refuse

HIGHER_RANKS = (Rank.GENUS, Rank.SUBFAMILY, Rank.FAMILY)
PIXELS_A_SIDE = 16
HEADER = (
    "set", "backbone", "px", "images", "specimens", "lowest taxon", "95 % (Wilson, n = specimens)",
    *HIGHER_RANKS, "gap closed",
)  # fmt: skip


@dataclass(frozen=True)
class LabelledSet:
    """A data set with the classes of its lowest taxa.

    Attributes:
        taxa: the distinct taxa of the labels, at whatever rank.
        labels: (N,) int, place of each image's taxon in `taxa`.
        groups: (N,) int, number of each image's specimen.
    """

    name: str
    table: SpecimenTable
    taxa: tuple[Taxon, ...]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]

    def squares(self, size: int, cache: Path) -> PixelCache:
        """The images as black-padded squares (N, size, size, 3) uint8, kept in a folder."""
        return open_cache(self.table.paths, PixelSettings(size=size, padding=0), cache)

    def accuracy_at(self, rank: Rank, y_pred: NDArray[np.int64]) -> float | None:
        """Share of images whose predicted taxon has the right ancestor; None where the rank is not reported.

        Args:
            rank: a rank above the lowest.
            y_pred: (N,) int, predicted place in `taxa`.
        """
        if rank not in self.table.taxonomy.ranks[1:]:
            return None
        columns = np.array([self.table.taxonomy.truth(taxon, rank) for taxon in self.taxa])
        judged = columns[self.labels] >= 0
        return accuracy(columns[self.labels[judged]], columns[y_pred[judged]])


@dataclass(frozen=True)
class Candidate:
    """A backbone that is compared.

    Attributes:
        source: as in the module's docstring, without the size.
        size: side of its input, px.
    """

    name: str
    source: str
    size: int


def main() -> None:
    """Print one row per set and backbone."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sets", type=Path, nargs="+", metavar="SET")
    parser.add_argument("--backbones", nargs="+", required=True, metavar="NAME=SOURCE[@SIZE]")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    candidates = [read_candidate(text, options.size) for text in options.backbones]
    if len({each.name for each in candidates}) < len(candidates):
        parser.error("two backbones have the same name")
    rows: list[Sequence[str]] = [HEADER]
    with tempfile.TemporaryDirectory() as name:
        for folder in options.sets:
            rows += compare(read_set(folder), candidates, options.cache or Path(name))
    print(as_markdown(rows) if options.markdown else as_columns(rows))


def read_candidate(text: str, size: int) -> Candidate:
    """Read NAME=SOURCE[@SIZE]; a name alone is its own source.

    Args:
        text: from the command line.
        size: where the text names none, px.
    """
    name, _, source = text.partition("=")
    source, at, own = (source or name).rpartition("@")
    if not (at and own.isdigit()):
        source, own = f"{source}{at}{own}", str(size)
    return Candidate(name.partition("@")[0], source, int(own))


def read_set(folder: Path) -> LabelledSet:
    """Read a data folder.

    Raises:
        DataError: if its table has faults.
    """
    table = read_specimens(folder)
    refuse(table, [*table.faults, *table_faults(table)])
    taxa = tuple(sorted(set(table.labels), key=order_of))
    place = {taxon: number for number, taxon in enumerate(taxa)}
    labels = np.array([place[label] for label in table.labels], dtype=np.int64)
    _, groups = np.unique(table.specimens, return_inverse=True)
    return LabelledSet(folder.resolve().name, table, taxa, labels, groups)


def compare(data: LabelledSet, candidates: Sequence[Candidate], cache: Path) -> list[list[str]]:
    """Rows of a set, one per backbone."""
    predicted = {
        each.name: evaluate_features(features_of(data, each, cache), data.labels, data.groups) for each in candidates
    }
    lowest = {name: accuracy(data.labels, y_pred) for name, y_pred in predicted.items()}
    return [row_of(data, each, predicted[each.name], gap_closed(lowest, each.name)) for each in candidates]


def evaluate_features(
    features: NDArray[np.float32], labels: NDArray[np.int64], groups: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Predict each image by a linear head that saw none of its specimen's fold.

    Args:
        features: (N, K) float32.
        labels: (N,) int.
        groups: (N,) int, specimens.

    Returns:
        (N,) int, predicted labels.
    """
    y_pred = np.empty(len(labels), dtype=np.int64)
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    with threadpool_limits(1):  # the matrices are small: more threads take several times as long
        for learned, judged in folds.split(features, labels, groups):
            head = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=5000))
            y_pred[judged] = head.fit(features[learned], labels[learned]).predict(features[judged])
    return y_pred


def features_of(data: LabelledSet, candidate: Candidate, cache: Path) -> NDArray[np.float32]:
    """Features (N, K) of all images, from the cache where they are there."""
    squares = data.squares(candidate.size, cache)
    if candidate.source == "pixels":
        step = candidate.size // PIXELS_A_SIDE
        places = step * np.arange(PIXELS_A_SIDE)
        return squares.pixels[:, places][:, :, places].reshape(len(data.labels), -1).astype(np.float32)
    backbone = load(candidate.source)
    key = f"{data.name}-{squares.content_hash[:8]}-{candidate.size}-{fingerprint(backbone)[:16]}"
    settings = load_settings("default").augmentation  # not used: the images stay as they are
    source = ImageSource(squares.pixels, settings, 0, 0, torch.device("cpu"))
    rows = np.arange(len(data.labels))
    return kept(cache / f"{key}.npy", lambda: extract_features(backbone, source, rows, None, ignore_progress))


def load(source: str) -> Backbone:
    """Load a backbone, channels last; after "random:", one like it with random weights."""
    if source.startswith("random:"):
        return randomised(load(source.removeprefix("random:")))
    settings = load_settings("default").backbone.model_copy(update={"source": source})
    return load_backbone(settings, 0).to(memory_format=torch.channels_last)


def randomised(trained: Backbone) -> Backbone:
    """The same architecture and normalisation with random weights of seed 0."""
    from transformers import AutoModel

    config: Any = trained.network.config
    torch.manual_seed(0)
    network = AutoModel.from_config(config, dtype=torch.float32)
    fresh = Backbone(network, trained.mean.flatten().tolist(), trained.std.flatten().tolist(), "random")
    return fresh.to(memory_format=torch.channels_last)


def fingerprint(backbone: Backbone) -> str:
    """What the features depend on: weights, architecture and normalisation, as sha256."""
    config: Any = backbone.network.config
    normalisation = [backbone.mean.flatten().tolist(), backbone.std.flatten().tolist()]
    return hashlib.sha256(f"{backbone.weights_hash()} {normalisation} {config.to_json_string()}".encode()).hexdigest()


def gap_closed(lowest: Mapping[str, float], name: str) -> float | None:
    """Share of the way from "random" to "imagenet" in accuracy; None where either is missing or they are equal.

    >>> gap_closed({"random": 0.2, "imagenet": 0.6, "ours": 0.5}, "ours")
    0.75
    """
    low, high = lowest.get("random"), lowest.get("imagenet")
    if low is None or high is None or low == high:
        return None
    return round((lowest[name] - low) / (high - low), 6)


def row_of(data: LabelledSet, candidate: Candidate, y_pred: NDArray[np.int64], gap: float | None) -> list[str]:
    """One row, under `HEADER`."""
    lowest, n_specimens = accuracy(data.labels, y_pred), int(data.groups.max()) + 1
    interval = wilson(lowest, n_specimens)
    counts = [str(candidate.size), str(len(y_pred)), str(n_specimens)]
    higher = [shown(data.accuracy_at(rank, y_pred)) for rank in HIGHER_RANKS]
    bounds = f"{interval.low:.3f} – {interval.high:.3f}"  # noqa: RUF001, an interval
    return [data.name, candidate.name, *counts, shown(lowest), bounds, *higher, shown(gap)]


def shown(value: float | None) -> str:
    """Three digits, or a dash."""
    return "–" if value is None else f"{value:.3f}"  # noqa: RUF001, as in our tables


def as_markdown(rows: Sequence[Sequence[str]]) -> str:
    """Rows, the header first, as a Markdown table."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def as_columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows, the header first, as columns of even width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


if __name__ == "__main__":
    main()
