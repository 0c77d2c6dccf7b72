"""Where a model came from."""

from __future__ import annotations

import shlex
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mentum.model.record import TrainingRecord
from mentum.runs import Run
from mentum.settings import Settings
from mentum.taxonomy import Taxon


def verbatim_labels(run: Run) -> tuple[str, ...]:
    """The label of each leaf as most images of the training set have it."""
    names: dict[Taxon, Counter[str]] = {}
    for name, label in zip(run.table()["scientificName"].to_list(), run.labels(), strict=True):
        names.setdefault(label, Counter())[name] += 1
    leaves = run.taxonomy().leaves
    return tuple(names[leaf].most_common(1)[0][0] if leaf in names else leaf.name for leaf in leaves)


def training_record(run: Run) -> TrainingRecord:
    """The training behind a model."""
    record = run.record()
    assert record.backbone is not None, "a complete run knows its backbone"
    return TrainingRecord(
        run=run.path.name,
        trained=record.finished,
        command=shlex.join(without_folders(word) for word in shlex.split(record.command)),
        backbone=without_folders(record.backbone.source),
        architecture=record.backbone.architecture,
        pretrained=record.backbone.pretrained,
        settings=_public_settings(record.settings),
        seed=record.settings.seed,
        data=Path(record.data.source).name,
        table_hash=record.data.table_hash,
        content_hash=record.data.content_hash,
        specimens=_training_specimens(run),
        versions=record.versions | {name: version(name) for name in ("onnxruntime", "pillow")},
        processor=record.machine.processor,
    )


def _public_settings(settings: Settings) -> dict[str, Any]:
    dumped = settings.model_dump(mode="json")
    dumped["backbone"]["source"] = without_folders(settings.backbone.source)
    return dumped


def without_folders(word: str) -> str:
    """Where things lie on the maker's disk concerns nobody else; a hub id is no such place.

    >>> without_folders("/home/ana/backbones/resnet"), without_folders("microsoft/resnet-50"), without_folders("--seed")
    ('resnet', 'microsoft/resnet-50', '--seed')
    """
    return Path(word).name if word.startswith(("/", "./", "../", "~")) else word


def _training_specimens(run: Run) -> dict[str, tuple[int, int]]:
    """Taxon, as labelled → images and specimens in training."""
    table, names = run.table(), [label.name for label in run.labels()]
    training = (table["subset"] == "train").to_list()
    specimens: dict[str, list[str]] = {}
    for name, specimen, kept in zip(names, table["specimen"], training, strict=True):
        if kept:
            specimens.setdefault(name, []).append(specimen)
    return {name: (len(of_images), len(set(of_images))) for name, of_images in sorted(specimens.items())}
