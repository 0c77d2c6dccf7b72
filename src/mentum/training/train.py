"""Train an identifier: from a folder of labelled images to a run folder."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from mentum.disks import require_place, require_room
from mentum.errors import RunError
from mentum.files import require_free
from mentum.network.backbones import Backbone, load_backbone
from mentum.records import ProgressCallback, ignore_progress
from mentum.runs import DataRecord, Machine, Run, RunRecord, StageRecord, write_parquet
from mentum.settings import Settings, differences
from mentum.taxonomy import Rank, Taxonomy
from mentum.training.batches import ImageSource
from mentum.training.features import read_kept
from mentum.training.learning import Learner
from mentum.training.machine import choose_device, describe_machine, describe_versions, peak_memory, repeatable
from mentum.training.preparation import Prepared, hash_data, prepare
from mentum.training.tasks import Task, by_rank, make_tasks, task_ranks

IMBALANCE = {
    "logit-adjustment": "log of each taxon's share of the training images added to its logit in training (tau = 1)",
    "class-weights": "each image weighted by the inverse of its taxon's share of the training images",
    "none": "nothing",
}
"""What is done about uneven numbers of images, in words."""


_DATA = "the images or the specimen table"


@dataclass
class Stopwatch:
    """Seconds per phase of a training, summed over its resumptions; a phase that is killed does not count.

    Attributes:
        keep: given all seconds at the end of each phase.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    keep: Callable[[dict[str, float]], object] = dict

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time one phase."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.add({name: time.monotonic() - start})
            self.keep(dict(self.seconds))

    def add(self, seconds: Mapping[str, float]) -> None:
        """Add to the seconds of some phases."""
        for name, more in seconds.items():
            self.seconds[name] = round(self.seconds.get(name, 0.0) + more, 2)


def train_identifier(
    data: Path,
    out: Path,
    settings: Settings,
    *,
    cache: Path,
    command: str = "",
    report: ProgressCallback = ignore_progress,
) -> Run:
    """Train in two stages and write a run folder; an interrupted training goes on from its last epoch.

    A training that is complete stays as it is.

    Args:
        data: as in `read_specimens`.
        out: the run folder, new or of the same training.
        settings: all settings.
        cache: folder of the pixel cache.
        command: how the training was asked for, for the record.
        report: told about every step.

    Raises:
        DataError: for faulty data, listing all faults.
        RunError: if `out` holds something else.
        BackboneError: if the backbone cannot be had.
        OSError: if the folder cannot be made.
    """
    if is_complete(Run(out)):
        return _stay_complete(Run(out), data, settings)
    return train_prepared(
        lambda: prepare(data, settings, cache, report),
        out,
        settings,
        backbone=lambda: load_backbone(settings.backbone, settings.seed),
        command=command,
        report=report,
    )


def train_prepared(
    make_ready: Callable[[], Prepared],
    out: Path,
    settings: Settings,
    *,
    backbone: Callable[[], Backbone],
    command: str,
    report: ProgressCallback,
) -> Run:
    """Train as `train_identifier` does; data is made ready and the backbone loaded when they are needed."""
    watch = Stopwatch()
    refuse_foreign(out)
    require_place(out)
    with repeatable(settings):
        device = choose_device(settings)
        # Before any work and before the run folder is made: a hub that cannot be reached must leave nothing behind.
        loaded = None if (out / "backbone").is_dir() else backbone()
        with watch.phase("reading images"):
            prepared = make_ready()
        settings = settings.model_copy(update={"pixels": prepared.pixels.settings})  # with the depth that was found
        if loaded is not None:
            require_room(out, _bytes_needed(loaded, prepared, settings), "the training")
        run = Run(out)
        _take_up(run, _new_record(prepared, settings, command, describe_machine(device)), watch)
        write_parquet(prepared.frame(), run.table_file)
        source = ImageSource(
            prepared.pixels.pixels, settings.augmentation, settings.pixels.padding, settings.seed, device
        )
        train_rows, validation_rows = prepared.rows("train"), prepared.rows("validation")
        learner = Learner(run, settings, loaded, source, train_rows, validation_rows, watch.phase, report)
        _learn(run, learner, prepared)
    return run


def refuse_foreign(out: Path) -> None:
    """Make sure that a folder is new, empty or a training's own.

    Raises:
        RunError: if it holds anything else, or a complete run.
    """
    run = Run(out)
    if not run.record_file.is_file():
        require_free(out, but_unfinished=True)
    elif is_complete(run):
        raise RunError(f"{out}: holds a complete training already; give another --out, or remove the folder.")


def is_complete(run: Run) -> bool:
    """Whether a folder holds a training that has come to its end."""
    return run.record_file.is_file() and run.record().status == "complete"


def _stay_complete(run: Run, data: Path, settings: Settings) -> Run:
    """A complete training that is given again, where it is the very same.

    Raises:
        RunError: if the settings or the data are others.
    """
    record = run.record()
    if settings.pixels.depth == "auto":  # as the training found it; other images would have another hash
        settings = settings.model_copy(
            update={"pixels": settings.pixels.model_copy(update={"depth": record.settings.pixels.depth})}
        )
    unequal = differences(record.settings, settings)
    if not unequal and (record.data.table_hash, record.data.content_hash) != hash_data(data, settings):
        unequal.append(_DATA)
    if unequal:
        raise RunError(
            f"{run.path}: holds a complete training already, which differs in {'; '.join(unequal)}; give another "
            "--out, or remove the folder."
        )
    _tidy(run)  # a kill at the very end may have left something to remove
    return run


def _bytes_needed(backbone: Backbone, prepared: Prepared, settings: Settings) -> int:
    """What a run folder takes at most: cached features, the backbone, what is kept of it, and two checkpoints."""
    n_train, n_views = len(prepared.rows("train")), settings.stage1.views
    n_features = len(prepared.table.paths) + max(n_views - 1, 0) * n_train if n_views else 0
    weights = sum(parameter.numel() for parameter in backbone.parameters())
    # A checkpoint holds the weights and two moments of each; the next is written beside it.
    return 4 * (n_features * backbone.n_features + weights * (1 + 2 + 2 * 3))


def _new_record(prepared: Prepared, settings: Settings, command: str, machine: Machine) -> RunRecord:
    taxonomy, versions = prepared.taxonomy, describe_versions()
    return RunRecord(
        status="running",
        mentum=versions["mentum"],
        started=datetime.now(UTC),
        command=command,
        settings=settings,
        taxa=tuple(leaf.lineage for leaf in taxonomy.leaves),
        ranks=task_ranks(taxonomy, settings.head),
        data=prepared.record(),
        machine=machine,
        versions=versions,
        imbalance=IMBALANCE[settings.head.imbalance],
    )


def _take_up(run: Run, record: RunRecord, watch: Stopwatch) -> None:
    """Begin a run folder, or go on with one that the same settings and data began."""
    if run.record_file.is_file():
        earlier = run.record()
        _refuse_other(run, earlier, record.settings, record.data)
        watch.add(earlier.timings)
        record = earlier.model_copy(update={"resumed": earlier.resumed + 1, "machine": record.machine})
    run.path.mkdir(parents=True, exist_ok=True)
    record.write(run.record_file)
    watch.keep = lambda seconds: run.update(timings=seconds)


def _refuse_other(run: Run, earlier: RunRecord, settings: Settings, data: DataRecord) -> None:
    unequal = differences(earlier.settings, settings)
    found = (data.table_hash, data.content_hash)
    if not unequal and (earlier.data.table_hash, earlier.data.content_hash) != found:  # other settings split otherwise
        unequal.append(_DATA)
    if unequal:
        raise RunError(
            f"{run.path}: holds an interrupted training that differs in {'; '.join(unequal)}; give the same command to "
            "go on with it, or another --out."
        )


def _learn(run: Run, learner: Learner, prepared: Prepared) -> None:
    taxonomy = prepared.taxonomy
    tasks = make_tasks(taxonomy, prepared.table.lowest, learner.settings.head)
    stages: list[StageRecord] = []
    for task in tasks:
        stages += learner.learn(task)
        run.update(
            stages=tuple(sorted(stages, key=lambda stage: stage.stage)),
            backbone=learner.describe_backbone(),
            peak_memory=round(peak_memory(), 2),
        )
    for folder in {stage.stage: None for stage in stages}:
        _combine_predictions(run, folder, tasks, taxonomy, prepared.table.file_names)
    run.update(status="complete", finished=datetime.now(UTC))
    _tidy(run)


def _combine_predictions(
    run: Run, stage: str, tasks: Sequence[Task], taxonomy: Taxonomy, file_names: list[str]
) -> None:
    """Join the models' probabilities into the stage's `predictions.parquet`."""
    found: dict[Rank, np.ndarray] = {}
    files = [run.stage_folder(stage) / f"{task.model}.npy" for task in tasks]
    for task, file in zip(tasks, files, strict=True):
        found |= by_rank(task, taxonomy, read_kept(file, (len(file_names), len(task.taxa))))
    run.write_predictions(stage, file_names, found)


def _tidy(run: Run) -> None:
    """Remove what only a resumed training would need; last, so that a kill at any moment leaves a resumable run."""
    for left in run.path.glob("stage*/*"):  # also what a kill in the middle of writing left
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        elif left.suffix not in {".json", ".safetensors", ".parquet"}:
            left.unlink()
