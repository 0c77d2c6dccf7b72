"""Gather what a network says of a run's images and where it sees that; keep the maps, and read them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mentum.errors import RunError
from mentum.explanation.evidence import ExplainPixels, RankEvidence, RunEvidence
from mentum.files import whole
from mentum.maps import CellGeometry, Evidence
from mentum.records import Progress, ProgressCallback
from mentum.runs import Run
from mentum.specimens.images import upright_size
from mentum.specimens.placements import Box
from mentum.specimens.run_images import RunImages
from mentum.stored import read_arrays, readable, require_finite
from mentum.taxonomy import Rank, Taxon

BATCH_SIZE = 16


def gather_evidence(
    images: RunImages,
    network: ExplainPixels,
    ranks: Sequence[Rank],
    geometry: CellGeometry,
    report: ProgressCallback,
) -> RunEvidence:
    """Identify and explain images: one forward pass each for all ranks.

    Args:
        images: of a run.
        network: gives probabilities and maps.
        ranks: to explain, empty = all that the run reports.
        geometry: where the cells are drawn.
        report: told after each batch.

    Raises:
        RunError: if the run does not report one of the ranks.
    """
    run, table = images.run, images.run.table()[images.rows]
    known = run.record().ranks
    if unknown := [rank for rank in ranks if rank not in known]:
        raise RunError(
            f"{run.path}: does not report {', '.join(unknown)}; expected some of {', '.join(known)}; give one of these."
        )
    labels = np.array(run.labels(), dtype=object)[images.rows]
    taxonomy = run.taxonomy()
    explained = [rank for rank in known if not ranks or rank in ranks]
    truth = {rank: np.array([taxonomy.truth(label, rank) for label in labels]) for rank in explained}
    evidence = {rank: _blank(rank, taxonomy.taxa(rank), truth[rank], geometry.cells) for rank in explained}
    for start in range(0, len(images.rows), BATCH_SIZE):
        batch = slice(start, start + BATCH_SIZE)
        found = network(images.pixels[batch])
        for rank, each in evidence.items():
            _fill(each, found[rank], batch)
        done = min(start + BATCH_SIZE, len(images.rows))
        report(Progress(task="relevance", done=done, total=len(images.rows), unit="images"))
    return RunEvidence(
        file_names=table["file_name"].to_list(),
        specimens=table["specimen"].to_numpy().astype(str),
        subsets=table["subset"].to_numpy().astype(str),
        pixels=images.pixels,
        sizes=np.array([upright_size(images.root / name) for name in table["file_name"]]),
        geometry=geometry,
        ranks=evidence,
        boxes=images.boxes,
    )


def _blank(rank: Rank, taxa: tuple[Taxon, ...], y_true: NDArray[np.int64], cells: int) -> RankEvidence:
    """Room for all images at once: small arrays kept between the batches' large ones would scatter the memory."""
    n = len(y_true)
    y_pred, runner_up = np.empty((2, n), dtype=np.int64)
    relevance, of_label, of_runner_up = np.empty((3, n, cells, cells), dtype=np.float32)
    y_prob = np.empty((n, len(taxa)), dtype=np.float32)
    return RankEvidence(rank, taxa, y_true, y_pred, runner_up, y_prob, relevance, of_label, of_runner_up)


def _fill(each: RankEvidence, found: Evidence, batch: slice) -> None:
    """Keep three maps of each image: of the taxon identified, of the second, of the label."""
    order = np.argsort(-found.y_prob, axis=1, kind="stable")
    rows, y_true = np.arange(len(order)), each.y_true[batch]
    each.y_pred[batch], each.runner_up[batch] = order[:, 0], order[:, 1]
    each.y_prob[batch] = found.y_prob
    each.relevance[batch] = found.relevance[rows, order[:, 0]]
    each.runner_up_relevance[batch] = found.relevance[rows, order[:, 1]]
    each.label_relevance[batch] = np.where((y_true < 0)[:, None, None], np.nan, found.relevance[rows, y_true])


def write_maps(evidence: RunEvidence, folder: Path) -> list[Path]:
    """Store the signed maps of each rank as `RANK.npz`: plain arrays, one row per image.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for rank, each in evidence.ranks.items():
        files.append(folder / f"{rank}.npz")
        with whole(files[-1]) as beside, beside.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **_arrays(evidence, each))
    return files


def _arrays(evidence: RunEvidence, each: RankEvidence) -> dict[str, NDArray[np.generic]]:
    names = np.array([taxon.name for taxon in each.taxa])
    boxes = np.array([evidence.placement(row).shown for row in range(len(evidence.file_names))]).reshape(-1, 4)
    return {
        **({"box": boxes} if evidence.boxes else {}),
        "file_name": np.array(evidence.file_names),
        "subset": evidence.subsets,
        "taxa": names,
        "label": np.where(each.y_true < 0, "", names[each.y_true]),
        "identified_as": names[each.y_pred],
        "runner_up": names[each.runner_up],
        "probabilities": each.y_prob,
        "relevance": each.relevance,
        "label_relevance": each.label_relevance,
        "runner_up_relevance": each.runner_up_relevance,
        "size": np.array(evidence.geometry.size),
        "stride": np.array(evidence.geometry.stride),
        "offset": np.array(evidence.geometry.offset),
    }


@dataclass(frozen=True)
class StoredMaps:
    """File name → signed map of the taxon identified, and where the cells lie.

    Attributes:
        boxes: file name → the part of the image that its square shows; empty where that is the whole of all.
    """

    relevance: Mapping[str, NDArray[np.float32]]
    geometry: CellGeometry
    boxes: Mapping[str, Box] = field(default_factory=dict)


def read_maps(run: Run, rank: Rank) -> StoredMaps | None:
    """The maps that were stored of a run at a rank, if any.

    Raises:
        RunError: if the file is damaged.
    """
    file = run.relevance_folder / f"{rank}.npz"
    if not file.is_file():
        return None
    with readable(file, "run `mentum explain` again", wanted=" as maps"):
        arrays = read_arrays(file)
        names, maps = arrays["file_name"].tolist(), arrays["relevance"]
        require_finite({name: arrays[name] for name in ("relevance", "size", "stride", "offset")})
        cells = maps.shape[-1]
        if maps.shape != (len(names), cells, cells) or len(set(names)) < len(names):
            raise ValueError(f"found {maps.shape} for {len(set(names))} images, expected a square map of each image")
        if unknown := set(names) - set(run.table()["file_name"]):
            raise ValueError(f"found a map of {min(unknown)}, expected images of the run alone")
        size, stride, offset = (arrays[name].item() for name in ("size", "stride", "offset"))
        geometry = CellGeometry(size=size, cells=cells, stride=stride, offset=offset)
        boxes = _boxes(arrays["box"], names) if "box" in arrays else {}
    return StoredMaps(dict(zip(names, maps, strict=True)), geometry, boxes)


def _boxes(stored: NDArray[np.int64], names: Sequence[str]) -> dict[str, Box]:
    if stored.shape != (len(names), 4) or stored.dtype.kind != "i" or not _are_boxes(stored):
        raise ValueError(
            f"found boxes {stored.shape} of {stored.dtype}, expected left, top, right, bottom of each image"
        )
    return {
        name: (left, top, right, bottom)
        for name, (left, top, right, bottom) in zip(names, stored.tolist(), strict=True)
    }


def _are_boxes(stored: NDArray[np.int64]) -> bool:
    return bool((stored[:, :2] >= 0).all() and (stored[:, :2] < stored[:, 2:]).all())
