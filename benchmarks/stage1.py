"""Stage 1 on cached features against the literal procedure, which computes new features in every epoch.

    python benchmarks/stage1.py [--data FOLDER] [--backbone FOLDER] [--epochs 50]

The same data, backbone, recipe and number of epochs in one run; without data, 200 specimens are drawn. Times are
those of the run's record, features and top classifier together.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from mentum.phantoms.dataset import draw_phantoms
from mentum.phantoms.settings import PhantomSettings
from mentum.runs import RunRecord
from mentum.settings import load_settings
from mentum.training.train import train_identifier


def main() -> None:
    """Print seconds of both procedures, their ratio and the validation accuracies."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path)
    parser.add_argument("--backbone", default="random")
    parser.add_argument("--epochs", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = options.data or draw_phantoms(folder / "drawn", PhantomSettings(images=200, width=256))
        views = load_settings("default").stage1.views
        cached, literal = (record_of(data, folder, options, number) for number in (views, 0))
    for label, record in ((f"{views} cached views", cached), ("literal", literal)):
        last = record.stages[0].epochs[-1]
        print(f"{label}: {seconds(record):.1f} s, validation accuracy {last.validation_accuracy:.3f}")
    print(f"ratio {seconds(cached) / seconds(literal):.3f} over {options.epochs} epochs, {cached.data.counts} images")


def record_of(data: Path, folder: Path, options: argparse.Namespace, views: int) -> RunRecord:
    """Train stage 1 only."""
    source, epochs = f"backbone.source={options.backbone}", f"stage1.epochs={options.epochs}"
    settings = load_settings("default", [source, epochs, f"stage1.views={views}", "stage2.epochs=0"])
    return train_identifier(data, folder / f"views-{views}", settings, cache=folder / "cache").record()


def seconds(record: RunRecord) -> float:
    """Features and top classifier."""
    return record.timings["features"] + record.timings["stage 1, tree"]


if __name__ == "__main__":
    main()
