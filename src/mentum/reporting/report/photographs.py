"""Photographs inside a report: the very images of the training, as small data URIs."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from mentum.errors import RunError
from mentum.files import hash_together
from mentum.runs import Run, RunRecord
from mentum.specimens.bit_depth import FULL
from mentum.specimens.images import read_rgb, upright_size
from mentum.specimens.pixels import hash_images

LONGEST = 160
"""Side of a thumbnail, px."""
QUALITY = 75


@dataclass(frozen=True)
class Photographs:
    """The images of a run.

    Attributes:
        root: what file names are relative to; None where the images are not there, and `missing` then says why.
        file_names: of the run; no others are read.
        depth: bits that 16-bit images use.
    """

    root: Path | None
    file_names: frozenset[str]
    missing: str | None = None
    depth: int = FULL

    @classmethod
    def find(cls, run: Run, images: Path | None) -> Photographs:
        """Look for the images of a run.

        Args:
            run: a complete run.
            images: folder or table that the run was trained on, where it has moved.
        """
        names, record = run.table()["file_name"].to_list(), run.record()
        try:
            root = _find_images(record, names, images)
            return cls(root, frozenset(names), depth=record.settings.pixels.bits)
        except RunError as reason:
            return cls(None, frozenset(names), str(reason))

    def shows(self, file_name: str) -> bool:
        """Whether an image is one of the run's, and there."""
        return self.root is not None and file_name in self.file_names

    def thumbnail(self, file_name: str) -> str | None:
        """Data URI of a small JPEG; None where the run has no such image, or none are there."""
        return jpeg(self.read_small(file_name)[0]) if self.shows(file_name) else None

    def read_small(self, file_name: str) -> tuple[Image.Image, tuple[int, int]]:
        """An image of at most `LONGEST` px, and the size that it had when it was read, in the same proportions."""
        assert self.root is not None, "callers ask for photographs that are there"
        image = read_rgb(self.root / file_name, at_least=2 * LONGEST, depth=self.depth)
        size = image.size
        image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
        return image, size

    def size(self, file_name: str) -> tuple[int, int]:
        """Width and height of an image in full, upright, px."""
        assert self.root is not None, "callers ask for photographs that are there"
        return upright_size(self.root / file_name)


def jpeg(image: Image.Image) -> str:
    """Data URI of an image as JPEG."""
    stream = io.BytesIO()
    image.save(stream, format="JPEG", quality=QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def _find_images(record: RunRecord, file_names: Sequence[str], images: Path | None) -> Path:
    """The folder that file names are relative to, if it holds the very images of the training."""
    source = images or Path(record.data.source)
    root = source.parent if source.is_file() else source
    paths = [root / name for name in file_names]
    missing = sum(not path.is_file() for path in paths)
    if missing:
        raise RunError(f"{missing} of the {len(paths)} images of the training are no longer in {root}")
    if hash_together(hash_images(paths)) != record.data.content_hash:
        raise RunError(f"the images in {root} are not those of the training, or have changed since")
    return root
