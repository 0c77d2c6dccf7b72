"""Pictures as PNG, written as fast as zlib allows."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mentum.files import whole
from mentum.reporting.figures.style import DPI

Pixels = NDArray[np.uint8]


def filter_up(rows: Pixels, filtered: Pixels) -> Pixels:
    """PNG's filter "up", each line less the one above: (height, width, 3) → (height, 1 + 3 width).

    Args:
        rows: the picture.
        filtered: what an earlier call gave, to be overwritten if it has the size.
    """
    height, width, _ = rows.shape
    if filtered.shape != (height, 1 + 3 * width):
        filtered = np.empty((height, 1 + 3 * width), dtype=np.uint8)
    lines = rows.reshape(height, -1)
    filtered[:, 0] = 2
    filtered[0, 1:] = lines[0]
    np.subtract(lines[1:], lines[:-1], out=filtered[1:, 1:])
    return filtered


def write_png(filtered: Pixels, file: Path) -> Path:
    """Write an RGB picture in about half of Pillow's time, which tries every filter on every line."""
    height, length = filtered.shape
    per_metre = round(DPI / 0.0254)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", length // 3, height, 8, 2, 0, 0, 0)),
        (b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1)),
        (b"IDAT", zlib.compress(filtered.data, level=1)),
        (b"IEND", b""),
    )
    with whole(file) as beside, beside.open("wb") as stream:
        stream.write(b"\x89PNG\r\n\x1a\n")
        for name, content in chunks:
            stream.write(struct.pack(">I", len(content)) + name + content)
            stream.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(name))))
    return file
