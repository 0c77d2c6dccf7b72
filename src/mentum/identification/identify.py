"""Identify new images: for each, the most probable taxon at every rank, or why it could not be read."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from mentum.errors import DataError, ImageError
from mentum.records import Identification, Progress, ProgressCallback, RankIdentification, ignore_progress
from mentum.settings import PixelSettings
from mentum.specimens.images import IMAGE_SUFFIXES
from mentum.specimens.pixels import square_pixels
from mentum.taxonomy import Rank, Taxonomy

BATCH_SIZE = 16

Predict = Callable[[NDArray[np.uint8]], Mapping[Rank, NDArray[np.float32]]]
"""Squares (N, S, S, 3) uint8 → probabilities (N, C) at each rank."""


def find_images(given: Iterable[Path]) -> list[Path]:
    """List the images that the user means: files as they are, folders searched to their depths.

    Raises:
        DataError: if a path does not exist or a folder holds no image.
    """
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if _is_image(file))
            if not inside:
                raise DataError(f"{path}: found no image in the folder, expected files such as .jpg, .png or .tif.")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise DataError(f"{path}: not found; give images or folders of images.")
    return found


def _is_image(path: Path) -> bool:
    """As in a specimen table: by the suffix, and no hidden file."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()


def identify(
    paths: Sequence[Path],
    predict: Predict,
    taxonomy: Taxonomy,
    settings: PixelSettings,
    report: ProgressCallback = ignore_progress,
) -> Iterator[Identification]:
    """Identify images in batches; an unreadable image yields its failure and the others go on.

    Args:
        paths: images.
        predict: gives probabilities.
        taxonomy: names their columns.
        settings: the square that the network was trained on.
        report: told after each batch.

    Yields:
        One record per image, in order.
    """
    for start in range(0, len(paths), BATCH_SIZE):
        batch = paths[start : start + BATCH_SIZE]
        yield from _identify_batch(batch, predict, taxonomy, settings)
        report(Progress(task="identifying", done=start + len(batch), total=len(paths), unit="images"))


def _identify_batch(
    paths: Sequence[Path], predict: Predict, taxonomy: Taxonomy, settings: PixelSettings
) -> Iterator[Identification]:
    read: dict[Path, NDArray[np.uint8]] = {}
    failures: dict[Path, str] = {}
    for path in paths:
        try:
            read[path] = square_pixels(path, settings)
        except ImageError as reason:
            failures[path] = str(reason)
    y_prob = predict(np.stack(list(read.values()))) if read else {}
    row_of = {path: row for row, path in enumerate(read)}
    for path in paths:
        if path in failures:
            yield Identification(file_name=str(path), failure=failures[path])
        else:
            ranks = tuple(_most_probable(rank, each[row_of[path]], taxonomy) for rank, each in y_prob.items())
            yield Identification(file_name=str(path), ranks=ranks)


def _most_probable(rank: Rank, y_prob: NDArray[np.float32], taxonomy: Taxonomy) -> RankIdentification:
    column = int(y_prob.argmax())
    name = taxonomy.taxa(rank)[column].name
    return RankIdentification(rank=rank, scientific_name=name, probability=round(float(y_prob[column]), 6))


def write_identifications(
    identifications: Iterable[Identification], ranks: Sequence[Rank], out: Path | None, *, as_json: bool = False
) -> int:
    """Write one row per image as CSV (file_name, a name and a probability per rank, failure) or one JSON per line.

    Args:
        identifications: as `identify` yields them.
        ranks: columns; the highest rank comes first in the file.
        out: a file, which appears whole or not at all; None = standard output.
        as_json: JSON lines instead of CSV.

    Returns:
        Number of images that could not be read.
    """
    write = _write_json if as_json else _write_csv
    ordered = sorted(ranks, key=lambda rank: rank.depth)
    if out is None:
        return write(identifications, ordered, sys.stdout)
    beside = out.with_name(out.name + ".part")
    try:
        with beside.open("w", encoding="utf-8", newline="") as stream:
            failed = write(identifications, ordered, stream)
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
    return failed


def _write_json(identifications: Iterable[Identification], ranks: Sequence[Rank], stream: TextIO) -> int:
    failed = 0
    for each in identifications:
        stream.write(each.model_dump_json() + "\n")
        failed += each.failure is not None
    return failed


def _write_csv(identifications: Iterable[Identification], ranks: Sequence[Rank], stream: TextIO) -> int:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["file_name", *(name for rank in ranks for name in (rank, f"{rank}_probability")), "failure"])
    failed = 0
    for each in identifications:
        named = {rank.rank: rank for rank in each.ranks}
        cells = [cell for rank in ranks for cell in _cells(named.get(rank))]
        writer.writerow([each.file_name, *cells, each.failure or ""])
        failed += each.failure is not None
    return failed


def _cells(rank: RankIdentification | None) -> tuple[str, str]:
    return (rank.scientific_name, f"{rank.probability:.6f}") if rank else ("", "")
