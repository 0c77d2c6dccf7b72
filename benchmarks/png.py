"""Write heat maps as PNG, against Pillow at its fastest level.

    python benchmarks/png.py [--size 224] [--pictures 40] [--repeats 7]

The pictures are those of images with their maps, drawn from noise and discs. Both ways write the same pixels, in turn;
the ratio of the medians and of the sizes is printed.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from mentum.reporting.figures.colouring import heat_colouring
from mentum.reporting.figures.png import filter_up, write_png
from mentum.reporting.figures.style import DPI


def main() -> None:
    """Print the medians and their ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--pictures", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    pictures = [picture(options.size, seed) for seed in range(options.pictures)]
    ways = {"ours": by_hand, "Pillow": by_pillow}
    times: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder) / f"{name}.png" for name in ways}
        for _ in range(options.repeats):
            for name, way in ways.items():
                start = time.perf_counter()
                for each in pictures:
                    way(each, files[name])
                times[name].append((time.perf_counter() - start) / len(pictures))
        with Image.open(files["ours"]) as one, Image.open(files["Pillow"]) as other:
            assert np.array_equal(np.asarray(one), np.asarray(other)), "both write the same pixels"
        sizes = {name: file.stat().st_size for name, file in files.items()}
    ours, pillow = (statistics.median(times[name]) for name in ways)
    print(
        f"{pictures[0].shape[1]} x {pictures[0].shape[0]} px: ours {1000 * ours:.1f} ms, Pillow {1000 * pillow:.1f} ms"
    )
    print(f"ratio {pillow / ours:.2f}; of the files' sizes {sizes['Pillow'] / sizes['ours']:.2f}")


def picture(size: int, seed: int) -> np.ndarray:
    """A photograph with its grain beside two heat maps of it, as (size, 3 size, 3) uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    away = np.hypot(x - rng.uniform(0.3, 0.7), y - rng.uniform(0.3, 0.7))
    grain = rng.normal(0, 3, (size, size, 1))
    photograph = np.clip(170 - 90 * (away < 0.3)[..., None] + grain, 0, 255).astype(np.uint8).repeat(3, axis=2)
    levels = (255 * np.clip(1 - 3 * away, 0, 1)).astype(np.uint8)
    laid = np.asarray(heat_colouring().lay(levels, Image.fromarray(photograph)))
    return np.concatenate([photograph, laid, laid], axis=1)


def by_hand(pixels: np.ndarray, file: Path) -> None:
    """As heat maps are written."""
    write_png(filter_up(pixels, np.empty((0, 0), dtype=np.uint8)), file)


def by_pillow(pixels: np.ndarray, file: Path) -> None:
    """By Pillow, at its fastest level."""
    Image.fromarray(pixels).save(file, format="PNG", compress_level=1, dpi=(DPI, DPI))


if __name__ == "__main__":
    main()
