"""The run folder: its files, its record, the predictions of each stage."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, model_validator

from mentum.errors import RunError
from mentum.files import whole
from mentum.maps import CellGeometry
from mentum.records import Record, table_html
from mentum.settings import Settings
from mentum.stored import probabilities_in, read_frame, readable, require_columns
from mentum.taxonomy import Rank, Taxon, Taxonomy, require_lineages, taxon_from_lineage

STAGES: Mapping[str, str] = {"stage1": "top classifier", "stage2": "fine-tuned"}
"""Folder of each stage → its name in the paper's table."""

TRAIN_AGAIN = "train again into a new folder"
"""What to do about a run that is damaged."""

OUT_OF_FOLD = "out_of_fold.parquet"
"""File of all out-of-fold predictions, in the folder of a run or of a cross-validation."""


class Machine(Record):
    """What a run was computed on.

    Attributes:
        memory: GB of main memory.
        accelerator: model of the GPU used, or None.
    """

    processor: str
    cores: int
    threads: int
    memory: float
    accelerator: str | None
    platform: str


class Epoch(Record):
    """Losses and accuracies (at the lowest rank, 0-1) after one epoch; the rate is the head's."""

    epoch: int
    rate: float
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    images_per_second: float


class StageRecord(Record):
    """How one stage of one model went.

    Attributes:
        model: name of its target, the whole tree or the rank of a separate model.
        best_epoch: the epoch whose weights were kept; 0 where stage 2 brought nothing and stage 1's network was kept.
        stopped: why the stage ended, in words.
        moved: relative change of the kept backbone's weights, |after - before| / |before|; 0 in stage 1.
    """

    stage: Literal["stage1", "stage2"]
    model: str
    epochs: tuple[Epoch, ...]
    best_epoch: int
    stopped: str
    moved: float
    moved_per_block: dict[str, float] = Field(default_factory=dict)


class BackboneRecord(Record):
    """Where the network came from and what it is.

    Attributes:
        map_geometry: where the cells of its map lie; measured when an explanation first asks.
    """

    source: str
    architecture: str
    pretrained: bool
    n_parameters: int
    n_features: int
    weights_hash: str
    map_geometry: CellGeometry | None = None


class DataRecord(Record):
    """What was learned from, with hashes that tell whether it is still the same.

    Attributes:
        table_hash: over file names, labels, specimens and subsets.
        content_hash: over the bytes of all images.
        counts: subset → (images, specimens).
        layout: how the source was read, in words.
    """

    source: str
    table_hash: str
    content_hash: str
    counts: dict[str, tuple[int, int]]
    specimens_named: bool
    warnings: tuple[str, ...]
    layout: str = ""


class RunRecord(Record):
    """Everything in `run.json`.

    Attributes:
        taxa: lineage of every leaf, in the order of the probability columns.
        imbalance: what was done about uneven numbers of images, in words.
        timings: seconds per phase.
        peak_memory: GB, the largest resident size of the process.
    """

    schema_version: Literal[1] = 1
    status: Literal["running", "complete"]
    mentum: str
    started: datetime
    finished: datetime | None = None
    command: str
    settings: Settings
    taxa: tuple[dict[Rank, str], ...]
    ranks: tuple[Rank, ...]
    data: DataRecord
    machine: Machine
    versions: dict[str, str]
    backbone: BackboneRecord | None = None
    imbalance: str | None = None
    stages: tuple[StageRecord, ...] = ()
    timings: dict[str, float] = Field(default_factory=dict)
    peak_memory: float | None = None
    resumed: int = 0

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        require_lineages(self.taxa, self.ranks)
        if unknown := [stage.model for stage in self.stages if stage.model not in {"tree", *self.ranks}]:
            raise ValueError(f"found a network for {unknown[0]}, expected the tree or one of the ranks")
        return self

    def summary(self) -> dict[str, str]:
        """What a reader wants to know first: heading → text, "" where there is nothing to say yet."""
        backbone, ended = self.backbone, self.finished
        trained = [f"{STAGES[each.stage]} ({each.model}): {len(each.epochs)} epochs" for each in self.stages]
        return {
            "Status": self.status,
            "Trained": "; ".join(trained),
            "Started": f"{self.started:%Y-%m-%d %H:%M %Z}" + (f", finished {ended:%Y-%m-%d %H:%M %Z}" if ended else ""),
            "Command": self.command,
            "Images": "; ".join(map(self._count, self.data.counts)),
            "Backbone": f"{backbone.source} ({backbone.architecture})" if backbone else "",
            "Taxa": f"{len(self.taxa)}; ranks: {', '.join(self.ranks)}",
            "Validation accuracy": self._validation(),
        }

    def _count(self, subset: str) -> str:
        images, specimens = self.data.counts[subset]
        return f"{subset}: {images} images" + (f" of {specimens} specimens" if self.data.specimens_named else "")

    def _validation(self) -> str:
        """Accuracy after the last epoch that measured one, at the lowest rank."""
        lowest = [each for each in self.stages if each.model in {"tree", *self.ranks[:1]}]
        for stage in reversed(lowest):
            for epoch in reversed(stage.epochs):
                if epoch.validation_accuracy is not None:
                    kept = f"epoch {stage.best_epoch}" if stage.best_epoch else "the network of stage 1"
                    at = f"{STAGES[stage.stage]}, last epoch ({epoch.epoch}; kept is {kept})"
                    return f"{epoch.validation_accuracy:.2f} at {self.ranks[0]} rank; {at}; {self._count('validation')}"
        return ""


@dataclass(frozen=True)
class StagePredictions:
    """What one stage says of every image of the run.

    Attributes:
        stage: "top classifier" or "fine-tuned".
        file_names: N file names, relative to the data's root.
        specimens: (N,) str, the specimen of each image.
        subsets: (N,) str: "train", "validation" or "test".
        labels: N taxa as labelled.
        probabilities: rank → (N, C) float32, rows sum to 1, columns in the order of `Taxonomy.taxa(rank)`.
    """

    stage: str
    file_names: list[str]
    specimens: NDArray[np.str_]
    subsets: NDArray[np.str_]
    labels: list[Taxon]
    probabilities: dict[Rank, NDArray[np.float32]]


class Run:
    """A training's folder."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """Open a folder that a training has completed.

        Raises:
            RunError: if there is no complete run in `path`.
        """
        run = cls(path)
        if not run.record_file.is_file():
            raise RunError(f"{path}: found no run.json, expected a training; give the --out of `mentum train`.")
        if run.record().status != "complete":
            raise RunError(f"{path}: the training is not complete; give the same `mentum train` command again.")
        return run

    @property
    def record_file(self) -> Path:
        """`run.json`."""
        return self.path / "run.json"

    @property
    def table_file(self) -> Path:
        """`specimens.parquet`: the specimen table with its split."""
        return self.path / "specimens.parquet"

    @property
    def evaluation_file(self) -> Path:
        """`evaluation.json`."""
        return self.path / "evaluation.json"

    @property
    def characters_file(self) -> Path:
        """`characters.json`: which character was used."""
        return self.path / "characters.json"

    @property
    def proposals_file(self) -> Path:
        """`proposals.json`: characters proposed where none were annotated."""
        return self.path / "proposals.json"

    @property
    def calibration_file(self) -> Path:
        """`calibration.json`: what probabilities mean and which ranks can be defended."""
        return self.path / "calibration.json"

    @property
    def folds_file(self) -> Path:
        """`out_of_fold.parquet`: predictions by networks of the same recipe that were trained without the specimen."""
        return self.path / OUT_OF_FOLD

    @property
    def novelty_file(self) -> Path:
        """`novelty.json`: how taxa that were left out of training were taken."""
        return self.path / "novelty.json"

    @property
    def relevance_folder(self) -> Path:
        """`relevance/`: maps and their pictures."""
        return self.path / "relevance"

    def stage_folder(self, stage: str) -> Path:
        """`stage1/` or `stage2/`."""
        return self.path / stage

    def record(self) -> RunRecord:
        """Read `run.json`.

        Raises:
            RunError: if the file is damaged or of another version.
        """
        with readable(self.record_file, TRAIN_AGAIN, wanted=" as a run of this version of Mentum"):
            return RunRecord.read(self.record_file)

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        shown = {"Run": self.path.resolve().name}
        try:
            record = self.record()
        except (RunError, OSError) as error:
            return table_html(shown | {"Fault": str(error)})
        evaluated = str(self.evaluation_file) if self.evaluation_file.is_file() else ""
        return table_html(shown | record.summary() | {"Evaluation": evaluated})

    def update(self, **changes: object) -> None:
        """Replace fields of `run.json`."""
        self.record().model_copy(update=changes).write(self.record_file)

    def table(self) -> pl.DataFrame:
        """The specimen table: file_name, scientificName, specimen, subset and a column per rank.

        Raises:
            RunError: if the file is missing or damaged.
        """
        with readable(self.table_file, TRAIN_AGAIN):
            frame, data = read_frame(self.table_file), self.record().data
            _require_counts(frame, data.counts)
            if hash_table(frame) != data.table_hash:
                raise ValueError(
                    "found other names, labels, specimens or subsets than were trained on, expected those whose hash "
                    "stands in run.json"
                )
        return frame

    def taxonomy(self) -> Taxonomy:
        """The tree, with the leaves in the order of the probability columns."""
        return Taxonomy(tuple(taxon_from_lineage(lineage) for lineage in self.record().taxa))

    def labels(self) -> list[Taxon]:
        """The taxon that each row of the table is labelled as."""
        table = self.table()
        rows = table.select([rank.value for rank in Rank if rank.value in table.columns]).iter_rows(named=True)
        return [taxon_from_lineage({Rank(rank): name for rank, name in row.items() if name}) for row in rows]

    def predictions(self) -> Iterator[StagePredictions]:
        """The predictions of each stage, stage 1 first."""
        table, labels, record, taxonomy = self.table(), self.labels(), self.record(), self.taxonomy()
        trained = {stage.stage for stage in record.stages}
        for folder, name in STAGES.items():
            file = self.stage_folder(folder) / "predictions.parquet"
            if folder not in trained and not file.is_file():  # stage2.epochs = 0
                continue
            with readable(file, TRAIN_AGAIN):
                frame = read_frame(file)
                require_columns(frame, {"file_name": pl.String})
                if frame["file_name"].to_list() != table["file_name"].to_list():
                    raise RunError(f"{file}: lists other images than {self.table_file}; {TRAIN_AGAIN}.")
                ranks = dict.fromkeys([*record.ranks, *(Rank(each) for each in frame.columns if each != "file_name")])
                y_prob = {rank: probabilities_in(frame, rank, len(taxonomy.taxa(rank))) for rank in ranks}
            yield StagePredictions(
                stage=name,
                file_names=table["file_name"].to_list(),
                specimens=table["specimen"].to_numpy().astype(str),
                subsets=table["subset"].to_numpy().astype(str),
                labels=labels,
                probabilities=y_prob,
            )

    def write_predictions(self, stage: str, file_names: list[str], probabilities: Mapping[Rank, NDArray[Any]]) -> None:
        """Store `predictions.parquet` of a stage: one column per rank, an array of probabilities per image."""
        columns = {
            rank.value: pl.Series(y_prob, dtype=pl.Array(pl.Float32, y_prob.shape[1]))
            for rank, y_prob in probabilities.items()
        }
        frame = pl.DataFrame({"file_name": file_names, **columns})
        write_parquet(frame, self.stage_folder(stage) / "predictions.parquet")


def _require_counts(table: pl.DataFrame, counts: Mapping[str, tuple[int, int]]) -> None:
    """Make sure that a table has the images of a run, and the columns that every reader needs.

    Raises:
        ValueError: if it has not.
    """
    require_columns(table, dict.fromkeys(("file_name", "scientificName", "specimen", "subset"), pl.String))
    if lacking := [rank for rank in Rank if table.schema.get(rank) != pl.String]:
        raise ValueError(f"found no names in a column {lacking[0]}, expected one for every rank")
    if repeated := table.height - table["file_name"].n_unique():
        raise ValueError(f"found {repeated} images more than once, expected each once")
    for subset, expected in counts.items():
        of_subset = table.filter(pl.col("subset") == subset)
        found = of_subset.height, of_subset["specimen"].n_unique()
        if found != tuple(expected):
            raise ValueError(
                f"found {found[0]} {subset} images of {found[1]} specimens, expected {expected[0]} of {expected[1]}, "
                "as run.json says"
            )
    if others := set(table["subset"]) - set(counts):
        raise ValueError(f"found the subset {min(others)}, expected {', '.join(counts)}")


def hash_table(frame: pl.DataFrame) -> str:
    """Hash of a specimen table; it must stay the same with every version of Mentum, so nothing is left to defaults."""
    rows = frame.write_csv(separator=",", line_terminator="\n", quote_style="necessary", null_value="")
    return hashlib.sha256(rows.encode()).hexdigest()


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Write a table that appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as beside:
        frame.write_parquet(beside)
