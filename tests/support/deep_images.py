"""Images in 16 bit, of which a camera used fewer: PNG and TIFF as several programs write them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.uint16]

_PNG_KINDS = {1: 0, 2: 4, 3: 2, 4: 6}
"""Channels → PNG's type of colour."""


def samples(channels: int, bits: int, size: tuple[int, int] = (90, 70), seed: int = 0) -> Samples:
    """Noise (height, width, channels) that uses all of its bits; the first pixel is white, the second black."""
    width, height = size
    drawn = np.random.default_rng(seed).integers(0, 1 << bits, (height, width, channels)).astype(np.uint16)
    drawn[0, 0], drawn[0, 1] = (1 << bits) - 1, 0
    return drawn


def write_deep_png(path: Path, drawn: Samples) -> Path:
    """A PNG of grey, grey with alpha, colour, or colour with alpha; its rows are filtered by all of PNG's filters."""
    height, width, channels = drawn.shape
    header = struct.pack(">IIBBBBB", width, height, 16, _PNG_KINDS[channels], 0, 0, 0)
    rows = drawn.astype(">u2").reshape(height, -1).view(np.uint8).astype(np.int16)
    above = np.vstack([np.zeros_like(rows[:1]), rows[:-1]])
    left = np.pad(rows, ((0, 0), (2 * channels, 0)))[:, : rows.shape[1]]
    predicted = [np.zeros_like(rows), left, above, (left + above) // 2]
    lines = [
        bytes([number % 4]) + (rows[number] - predicted[number % 4][number]).astype(np.uint8).tobytes()
        for number in range(height)
    ]
    content = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"".join(lines))) + _chunk(b"IEND", b"")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    return path


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def write_deep_tiff(
    path: Path,
    drawn: Samples,
    *,
    order: str = "<",
    deflated: bool = False,
    planes: bool = False,
    tags: Mapping[int, int | str] | None = None,
) -> Path:
    """A TIFF of grey or colour.

    Args:
        path: of the file.
        drawn: (height, width, channels).
        order: of the bytes in a sample.
        deflated: compressed.
        planes: one plane for each channel.
        tags: replace or add to the file's own.
    """
    height, width, channels = drawn.shape
    parts = [drawn[:, :, place] for place in range(channels)] if planes else [drawn]
    stored = [part.astype(f"{order}u2").tobytes() for part in parts]
    stored = [zlib.compress(part) for part in stored] if deflated else stored
    starts = np.cumsum([8, *map(len, stored)]).tolist()
    fields: dict[int, object] = {
        256: width, 257: height, 258: [16] * channels, 259: 8 if deflated else 1, 262: 1 if channels == 1 else 2,
        273: starts[:-1], 277: channels, 278: height, 279: [len(part) for part in stored], 284: 2 if planes else 1,
    }  # fmt: skip
    fields |= {338: 2} if channels == 4 else {}
    directory = _directory(fields | dict(tags or {}), starts[-1], order)
    path.parent.mkdir(parents=True, exist_ok=True)
    head = (b"II*\x00" if order == "<" else b"MM\x00*") + struct.pack(f"{order}I", starts[-1])
    path.write_bytes(head + b"".join(stored) + directory)
    return path


def _directory(fields: Mapping[int, object], start: int, order: str) -> bytes:
    """The directory of a TIFF, with values that do not fit into it behind it."""
    behind = start + 2 + 12 * len(fields) + 4
    entries, extra = b"", b""
    for tag, value in sorted(fields.items()):
        kind, count, content = _content(tag, value, order)
        if len(content) > 4:
            content, extra = struct.pack(f"{order}I", behind + len(extra)), extra + content
        entries += struct.pack(f"{order}HHI", tag, kind, count) + content.ljust(4, b"\x00")
    return struct.pack(f"{order}H", len(fields)) + entries + struct.pack(f"{order}I", 0) + extra


def _content(tag: int, value: object, order: str) -> tuple[int, int, bytes]:
    if isinstance(value, str):
        text = value.encode() + b"\x00"
        return 2, len(text), text
    numbers = value if isinstance(value, list) else [value]
    kind, letter = (4, "I") if tag in {273, 279} else (3, "H")
    return kind, len(numbers), struct.pack(f"{order}{len(numbers)}{letter}", *numbers)
