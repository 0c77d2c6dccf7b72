"""Tests of where a model came from: the training as it was, without the places where it was."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import polars as pl
import pytest

from mentum.model.folder import Model
from mentum.model.provenance import training_record, verbatim_labels
from mentum.runs import Run
from support.runs_by_hand import make_run, replace_table


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path / "midges 2026")


def test_a_training_is_on_record(run: Run) -> None:
    found, record = training_record(run), run.record()
    assert (found.run, found.command, found.trained) == ("midges 2026", "mentum train images", record.finished)
    assert (found.backbone, found.architecture, found.pretrained) == ("random", "resnet", False)
    assert (found.seed, found.settings["seed"]) == (record.settings.seed, record.settings.seed)
    assert (found.table_hash, found.content_hash) == (record.data.table_hash, "1" * 64)
    assert found.processor == "x86"
    installed = {name: version(name) for name in ("onnxruntime", "pillow")}
    assert found.versions == record.versions | installed


def test_images_and_specimens_of_each_label_in_training_are_counted(run: Run) -> None:
    assert training_record(run).specimens == {
        "Chironomus": (1, 1), "Chironomus plumosus": (1, 1), "Chironomus riparius": (1, 1), "Orthocladius": (1, 1),
        "Polypedilum laetum": (1, 1),
    }  # fmt: skip


def test_several_images_of_a_specimen_count_once(run: Run) -> None:
    table = run.table().with_columns(subset=pl.lit("train"))
    replace_table(run, table)
    counts = {"train": (table.height, table["specimen"].n_unique())}
    run.update(data=run.record().data.model_copy(update={"counts": counts}))
    counted = training_record(run).specimens
    assert counted["Chironomus riparius"] == (3, 2)
    assert counted["Polypedilum laetum"] == (3, 2)


def test_only_the_name_of_the_data_is_kept(trained_run: Path, released: Path) -> None:
    training = Model.open(released).record.training
    assert (training.data, training.run) == (Path(Run.open(trained_run).record().data.source).name, "run")


def test_leaves_keep_the_label_that_most_images_have(run: Run) -> None:
    table = run.table()
    written = table["scientificName"].to_list()
    spelt = ["Chironomus  riparius L." if name == "Chironomus riparius" else name for name in written]
    spelt[written.index("Chironomus riparius")] = "Chironomus riparius"
    replace_table(run, table.with_columns(scientificName=pl.Series(spelt)))
    assert verbatim_labels(run) == (
        "Chironomus plumosus", "Chironomus  riparius L.", "Polypedilum laetum", "Orthocladius",
    )  # fmt: skip
