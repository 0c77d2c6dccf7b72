"""Gather what a network says of a run's images and where it sees that, and keep the maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mentum.errors import RunError
from mentum.explanation.evidence import ExplainPixels, RankEvidence, RunEvidence
from mentum.explanation.run_images import RunImages
from mentum.maps import CellGeometry, Evidence
from mentum.records import Progress, ProgressCallback
from mentum.specimens.images import upright_size
from mentum.taxonomy import Rank, Taxonomy

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
        raise RunError(f"{run.path}: does not report {', '.join(unknown)}; expected some of {', '.join(known)}.")
    labels = np.array(run.labels(), dtype=object)[images.rows]
    taxonomy = run.taxonomy()
    explained = [rank for rank in known if not ranks or rank in ranks]
    truth = {rank: np.array([taxonomy.truth(label, rank) for label in labels]) for rank in explained}
    parts: dict[Rank, list[RankEvidence]] = {rank: [] for rank in explained}
    for start in range(0, len(images.rows), BATCH_SIZE):
        batch = slice(start, start + BATCH_SIZE)
        found = network(images.pixels[batch])
        for rank in explained:
            parts[rank].append(_select(rank, found[rank], truth[rank][batch], taxonomy))
        done = min(start + BATCH_SIZE, len(images.rows))
        report(Progress(task="relevance", done=done, total=len(images.rows), unit="images"))
    return RunEvidence(
        file_names=table["file_name"].to_list(),
        specimens=table["specimen"].to_numpy().astype(str),
        subsets=table["subset"].to_numpy().astype(str),
        pixels=images.pixels,
        sizes=np.array([upright_size(images.root / name) for name in table["file_name"]]),
        geometry=geometry,
        ranks={rank: _joined(parts[rank]) for rank in explained},
    )


def _select(rank: Rank, found: Evidence, y_true: NDArray[np.int64], taxonomy: Taxonomy) -> RankEvidence:
    """Keep three maps of each image: of the taxon identified, of the second, of the label."""
    order = np.argsort(-found.y_prob, axis=1, kind="stable")
    rows = np.arange(len(order))
    label = found.relevance[rows, y_true].astype(np.float32)
    label[y_true < 0] = np.nan
    return RankEvidence(
        rank=rank,
        taxa=taxonomy.taxa(rank),
        y_true=y_true,
        y_pred=order[:, 0],
        runner_up=order[:, 1],
        y_prob=found.y_prob,
        relevance=found.relevance[rows, order[:, 0]],
        label_relevance=label,
        runner_up_relevance=found.relevance[rows, order[:, 1]],
    )


def _joined(parts: Sequence[RankEvidence]) -> RankEvidence:
    arrays = ("y_true", "y_pred", "runner_up", "y_prob", "relevance", "label_relevance", "runner_up_relevance")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in arrays}
    return RankEvidence(rank=parts[0].rank, taxa=parts[0].taxa, **joined)


def write_maps(evidence: RunEvidence, folder: Path) -> list[Path]:
    """Store the signed maps of each rank as `RANK.npz`: plain arrays, one row per image.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for rank, each in evidence.ranks.items():
        file, beside = folder / f"{rank}.npz", folder / f"{rank}.part"
        with beside.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **_arrays(evidence, each))
        beside.replace(file)
        files.append(file)
    return files


def _arrays(evidence: RunEvidence, each: RankEvidence) -> dict[str, NDArray[np.generic]]:
    names = np.array([taxon.name for taxon in each.taxa])
    return {
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
