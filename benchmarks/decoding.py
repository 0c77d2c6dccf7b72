"""Decode a large JPEG into the pixel cache's square, against full decoding and resizing with Pillow.

    python benchmarks/decoding.py [--image FILE] [--repeats 15]

Without an image, a drawn micrograph is enlarged to 2592 x 1944 px. Both ways run in turn; the
ratio of the medians is printed.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from mentum.phantoms.dataset import draw_phantoms
from mentum.phantoms.settings import PhantomSettings
from mentum.settings import PixelSettings
from mentum.specimens.pixels import square_pixels

SIZE = (2592, 1944)


def main() -> None:
    """Print the medians and their ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--image", type=Path)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    settings = PixelSettings(size=224, padding=0)
    with tempfile.TemporaryDirectory() as folder:
        file = options.image or enlarged_phantom(Path(folder))
        ours, full, difference = measure(file, settings, options.repeats)
    print(f"{file.name}: into the cache {1000 * ours:.1f} ms, full decoding and resizing {1000 * full:.1f} ms")
    print(f"ratio {ours / full:.3f}; mean difference of the pixels {difference:.2f} grey levels")


def enlarged_phantom(folder: Path) -> Path:
    """A drawn micrograph at the size of a microscope camera."""
    draw_phantoms(folder / "drawn", PhantomSettings(images=1, width=1024))
    file = folder / "micrograph.jpg"
    with Image.open(next((folder / "drawn" / "images").iterdir())) as image:
        image.resize(SIZE, Image.Resampling.BICUBIC).save(file, quality=92)
    return file


def measure(file: Path, settings: PixelSettings, repeats: int) -> tuple[float, float, float]:
    """Median seconds of both ways, run in turn, and the mean difference of their pixels."""
    ways: tuple[Callable[[], np.ndarray], ...] = (
        lambda: square_pixels(file, settings),
        lambda: in_full(file, settings),
    )
    times: tuple[list[float], ...] = ([], [])
    for _ in range(repeats):
        for way, taken in zip(ways, times, strict=True):
            start = time.perf_counter()
            way()
            taken.append(time.perf_counter() - start)
    difference = np.abs(ways[0]().astype(float) - ways[1]().astype(float)).mean()
    return statistics.median(times[0]), statistics.median(times[1]), float(difference)


def in_full(file: Path, settings: PixelSettings) -> np.ndarray:
    """The square by decoding every pixel first."""
    with Image.open(file) as image:
        upright = ImageOps.exif_transpose(image.convert("RGB"))
    side = (settings.size, settings.size)
    return np.asarray(ImageOps.pad(upright, side, Image.Resampling.BILINEAR, color=(settings.padding,) * 3))


if __name__ == "__main__":
    main()
