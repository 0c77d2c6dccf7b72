"""A small complete run folder with known answers, written without any training."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

import mentum
from mentum.evaluation.result_table import score_run
from mentum.evaluation.results import Evaluation
from mentum.runs import (
    BackboneRecord,
    DataRecord,
    Epoch,
    Machine,
    Run,
    RunRecord,
    StageRecord,
    hash_table,
    write_parquet,
)
from mentum.settings import Settings, load_settings
from mentum.taxonomy import Rank, Taxon, Taxonomy
from support.trees import closed

LINEAGES = {
    path[-1]: dict(zip((Rank.SUBFAMILY, Rank.GENUS, Rank.SPECIES), path, strict=False))
    for path in (
        ("Chironominae", "Chironomus", "Chironomus plumosus"),
        ("Chironominae", "Chironomus", "Chironomus riparius"),
        ("Chironominae", "Polypedilum", "Polypedilum laetum"),
        ("Orthocladiinae", "Orthocladius"),
        ("Chironominae", "Chironomus"),
    )
}
"""Verbatim label → lineage. Orthocladius is a leaf named to genus only; Chironomus is a label above two leaves."""


_BACKBONE = BackboneRecord(
    source="random", architecture="resnet", pretrained=False, n_parameters=10, n_features=4, weights_hash="2" * 64
)


@dataclass(frozen=True)
class Shot:
    """One image: its label, and what the network says.

    Attributes:
        leaf: identified in stage 2, with this confidence; the other leaves share the rest.
        first: identified in stage 1, where it differs.
        genus: what the separate genus models say, where it does not follow from the leaf.
    """

    label: str
    specimen: str
    subset: str
    leaf: str
    confidence: float = 0.7
    first: str | None = None
    genus: str | None = None


SHOTS = (
    Shot("Chironomus plumosus", "T1", "train", "Chironomus plumosus"),
    Shot("Chironomus riparius", "T2", "train", "Chironomus riparius", first="Chironomus plumosus"),
    Shot("Polypedilum laetum", "T3", "train", "Polypedilum laetum"),
    Shot("Orthocladius", "T4", "train", "Orthocladius"),
    Shot("Chironomus", "T5", "train", "Chironomus riparius"),
    Shot("Chironomus riparius", "V1", "validation", "Chironomus riparius", genus="Polypedilum"),
    Shot("Chironomus riparius", "V1", "validation", "Chironomus plumosus"),
    Shot("Polypedilum laetum", "V2", "validation", "Polypedilum laetum"),
    Shot("Polypedilum laetum", "V2", "validation", "Orthocladius", confidence=0.85),
    Shot("Chironomus", "V3", "validation", "Chironomus plumosus"),
    Shot("Orthocladius", "V4", "validation", "Orthocladius"),
    Shot("Chironomus plumosus", "V5", "validation", "Chironomus plumosus", first="Polypedilum laetum"),
)
"""Validation in stage 2: species 4 of 6 right (one image left out), genus and subfamily 6 of 7."""

TEST_SHOTS = (
    Shot("Chironomus plumosus", "E1", "test", "Chironomus plumosus"),
    Shot("Polypedilum laetum", "E2", "test", "Chironomus riparius"),
)


def make_run(
    folder: Path,
    heads: str = "tree",
    shots: Iterable[Shot] = SHOTS,
    specimens_named: bool = True,
    stages: Sequence[str] = ("stage1", "stage2"),
    open_leaves: bool = False,
    lineages: Mapping[str, Mapping[Rank, str]] = LINEAGES,
) -> Run:
    """Write `run.json`, `specimens.parquet` and the predictions of each stage; no weights.

    Args:
        folder: the run's folder; made where missing.
        heads: "tree" or "separate"; in a tree every rank follows from the leaves.
        shots: the images, such as `(*SHOTS, *TEST_SHOTS)`.
        specimens_named: whether the data named its specimens; else each image is one.
        stages: those that were trained; ("stage1",) is a run with `stage2.epochs` 0.
        open_leaves: whether labels above others were learned as leaves of their own.
        lineages: of every label.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shots = tuple(shots)
    files = [f"image-{place:02}.png" for place in range(len(shots))]
    specimens = [shot.specimen for shot in shots] if specimens_named else files
    tree = Taxonomy.from_taxa if open_leaves else closed
    taxonomy = tree(Taxon(tuple(lineages[shot.label].items())) for shot in shots)
    settings = load_settings("default", [f"head.kind={heads}"])
    run = Run(folder)
    table = _table(shots, files, specimens, lineages)
    write_parquet(table, run.table_file)
    for stage in stages:
        run.write_predictions(stage, files, _probabilities(shots, taxonomy, stage, heads))
    data = _data_record(shots, specimens, specimens_named, hash_table(table))
    _run_record(settings, taxonomy, data, stages).write(run.record_file)
    return Run.open(folder)


def replace_table(run: Run, table: pl.DataFrame) -> None:
    """Give a run another table, as if it had been trained on that."""
    write_parquet(table, run.table_file)
    run.update(data=run.record().data.model_copy(update={"table_hash": hash_table(table)}))


def _table(
    shots: tuple[Shot, ...],
    files: list[str],
    specimens: list[str],
    lineages: Mapping[str, Mapping[Rank, str]],
) -> pl.DataFrame:
    columns = {
        "file_name": files,
        "scientificName": [shot.label for shot in shots],
        "specimen": specimens,
        "subset": [shot.subset for shot in shots],
    }
    ranks = {
        rank.value: pl.Series([lineages[shot.label].get(rank) for shot in shots], dtype=pl.String) for rank in Rank
    }
    return pl.DataFrame({**columns, **ranks})


def _probabilities(shots: tuple[Shot, ...], taxonomy: Taxonomy, stage: str, heads: str) -> dict[Rank, np.ndarray]:
    names = [leaf.name for leaf in taxonomy.leaves]
    said = [(shot.first or shot.leaf) if stage == "stage1" else shot.leaf for shot in shots]
    y_prob = np.stack([_peak(names, leaf, shot.confidence) for leaf, shot in zip(said, shots, strict=True)])
    probabilities = {rank: taxonomy.sum_up(y_prob, rank) for rank in taxonomy.ranks}
    if heads == "separate":
        genera = [taxon.name for taxon in taxonomy.taxa(Rank.GENUS)]
        for row, shot in enumerate(shots):
            if shot.genus:
                probabilities[Rank.GENUS][row] = _peak(genera, shot.genus, shot.confidence)
    return probabilities


def _peak(names: list[str], chosen: str, confidence: float) -> np.ndarray:
    rest = (1 - confidence) / (len(names) - 1)
    return np.array([confidence if name == chosen else rest for name in names], dtype=np.float32)


def _data_record(shots: tuple[Shot, ...], specimens: list[str], specimens_named: bool, table_hash: str) -> DataRecord:
    owners = {
        subset: [name for name, shot in zip(specimens, shots, strict=True) if shot.subset == subset]
        for subset in dict.fromkeys(shot.subset for shot in shots)
    }
    return DataRecord(
        source="images",
        table_hash=table_hash,
        content_hash="1" * 64,
        counts={subset: (len(members), len(set(members))) for subset, members in owners.items()},
        specimens_named=specimens_named,
        warnings=(),
    )


def _run_record(settings: Settings, taxonomy: Taxonomy, data: DataRecord, stages: Sequence[str]) -> RunRecord:
    models = ("tree",) if settings.head.kind == "tree" else tuple(rank.value for rank in taxonomy.ranks)
    return RunRecord(
        status="complete",
        mentum=mentum.__version__,
        started=datetime(2024, 5, 4, 9, 0, tzinfo=UTC),
        finished=datetime(2024, 5, 4, 9, 30, tzinfo=UTC),
        command="mentum train images",
        settings=settings,
        taxa=tuple(leaf.lineage for leaf in taxonomy.leaves),
        ranks=taxonomy.ranks,
        data=data,
        machine=Machine(processor="x86", cores=2, threads=2, memory=8.0, accelerator=None, platform="Linux"),
        versions={"numpy": np.__version__},
        backbone=_BACKBONE,
        imbalance="none",
        stages=tuple(_stage_record(stage, model) for stage in stages for model in models),
        timings=dict.fromkeys(stages, 60.0),
        peak_memory=1.5,
    )


def _stage_record(stage: str, model: str) -> StageRecord:
    epoch = Epoch(
        epoch=1, rate=0.001, loss=0.4, accuracy=0.9, validation_loss=0.5, validation_accuracy=0.8, images_per_second=9.0
    )
    moved = 0.0 if stage == "stage1" else 0.01
    return StageRecord(stage=stage, model=model, epochs=(epoch,), best_epoch=1, stopped="last epoch", moved=moved)


def store_scores(run: Run) -> Evaluation:
    """Score a run and keep that in its folder, without figures."""
    evaluation = score_run(run)
    evaluation.write(run.evaluation_file)
    return evaluation
