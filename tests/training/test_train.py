"""Tests of a whole training: the run folder, repeatability, resumption after a kill, faulty data."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

import mentum
from mentum.errors import BackboneError, DataError, RunError, SettingsError
from mentum.files import LOCK
from mentum.network.backbones import reopen_backbone
from mentum.records import Progress
from mentum.runs import Run, RunRecord
from mentum.taxonomy import Rank
from mentum.training.checkpoints import load_tensors
from mentum.training.train import refuse_foreign, train_identifier
from support.awkward_images import write_empty, write_truncated
from support.deep_images import write_deep_png
from support.drawn_data import TINY, tiny_settings, write_drawn

Train = Callable[..., Run]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drawn(tmp_path_factory.mktemp("drawn") / "data")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def training(data: Path, cache: Path, tmp_path: Path) -> Train:
    """Train on the drawn data with these overrides, into a folder of this name."""

    def run(*overrides: str, out: str = "run", cache: Path = cache, **more: object) -> Run:
        return train_identifier(data, tmp_path / out, tiny_settings(*overrides), cache=cache, **more)

    return run


@pytest.fixture(scope="module")
def run(data: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A complete training of one tree."""
    return train_identifier(
        data, tmp_path_factory.mktemp("tree") / "run", tiny_settings(), cache=cache, command="mentum train x"
    )


def files_of(run: Run) -> set[str]:
    return {file.relative_to(run.path).as_posix() for file in run.path.rglob("*") if file.is_file()}


def parquet(run: Run, stage: str) -> pl.DataFrame:
    return pl.read_parquet(run.stage_folder(stage) / "predictions.parquet")


def assert_same_results(one: Run, other: Run) -> None:
    """Bit for bit: predictions, weights and the record of every epoch (but for the speed)."""
    for stage in ("stage1", "stage2"):
        assert parquet(one, stage).equals(parquet(other, stage))
        for file in one.stage_folder(stage).glob("*.safetensors"):
            assert file.read_bytes() == (other.stage_folder(stage) / file.name).read_bytes()
    assert figures(one.record()) == figures(other.record())


def figures(record: RunRecord) -> list[object]:
    return [
        (stage.stage, stage.model, stage.moved, stage.best_epoch, epoch.model_dump(exclude={"images_per_second"}))
        for stage in record.stages for epoch in stage.epochs
    ]  # fmt: skip


# The run folder


def test_the_run_folder_holds_results_and_nothing_else(run: Run) -> None:
    models = {f"{stage}/tree.{suffix}" for stage in ("stage1", "stage2") for suffix in ("json", "safetensors")}
    predictions = {f"{stage}/predictions.parquet" for stage in ("stage1", "stage2")}
    backbone = {f"backbone/{name}" for name in ("config.json", "model.safetensors", "preprocessor_config.json")}
    assert files_of(run) == {"run.json", "specimens.parquet", *models, *predictions, *backbone}


def test_the_record_is_complete(run: Run) -> None:
    record = Run.open(run.path).record()

    assert (record.status, record.mentum, record.command) == ("complete", mentum.__version__, "mentum train x")
    assert record.settings == tiny_settings()
    assert [lineage[max(lineage, key=lambda rank: rank.depth)] for lineage in record.taxa] == [
        "Chironomus plumosus", "Chironomus riparius", "Polypedilum laetum", "Orthocladius",
    ]  # fmt: skip
    assert record.ranks == (Rank.SPECIES, Rank.GENUS, Rank.SUBFAMILY)
    assert record.data.counts == {"train": (32, 16), "validation": (8, 4)}
    assert record.machine.threads == 1
    assert {"python", "torch", "transformers", "numpy", "mentum"} <= set(record.versions)
    assert record.backbone is not None
    assert (record.backbone.architecture, record.backbone.pretrained, record.backbone.n_features) == (
        "resnet", False, 16,
    )  # fmt: skip
    assert "log of each taxon's share" in (record.imbalance or "")
    assert {"reading images", "features", "stage 1, tree", "stage 2, tree", "predictions"} == set(record.timings)
    assert record.finished is not None
    assert record.finished >= record.started
    assert (record.peak_memory or 0) > 0
    assert record.resumed == 0


def test_each_stage_is_on_record(run: Run) -> None:
    first, second = run.record().stages

    assert (first.stage, first.model, first.moved, first.best_epoch) == ("stage1", "tree", 0.0, 4)
    assert [epoch.epoch for epoch in first.epochs] == [1, 2, 3, 4]
    assert "the schedule ended; the training loss changed by" in first.stopped
    assert (second.stage, second.model, len(second.epochs)) == ("stage2", "tree", 3)
    assert second.stopped == "the schedule of 3 epochs ended"
    assert second.moved > 0
    assert set(second.moved_per_block) == {"embedder", "encoder.stages.0", "encoder.stages.1"}
    assert min(second.moved_per_block.values()) > 0


def test_the_first_stage_trains_the_head_alone(run: Run) -> None:
    record = run.record()
    assert record.backbone is not None
    assert reopen_backbone(run.path / "backbone").weights_hash() == record.backbone.weights_hash

    first, _ = load_tensors(run.stage_folder("stage1") / "tree.safetensors")
    second, _ = load_tensors(run.stage_folder("stage2") / "tree.safetensors")
    assert set(first) == {"mean", "scale", "linear.weight", "linear.bias"}
    assert {f"head.{name}" for name in first} < set(second)


def test_losses_fall(run: Run) -> None:
    first, second = run.record().stages
    assert first.epochs[-1].loss < first.epochs[0].loss
    assert second.epochs[-1].loss < first.epochs[0].loss


def test_the_table_names_subset_and_ranks_of_each_image(run: Run) -> None:
    table = run.table()
    assert len(table) == 40
    assert table.group_by("specimen").agg(pl.col("subset").n_unique())["subset"].max() == 1
    assert table.filter(pl.col("scientificName") == "Orthocladius")["species"].null_count() == 10
    assert set(table["subfamily"]) == {"Chironominae", "Orthocladiinae"}


def test_predictions_of_both_stages_sum_to_one_at_each_rank(run: Run) -> None:
    stages = list(run.predictions())

    assert [stage.stage for stage in stages] == ["top classifier", "fine-tuned"]
    for stage in stages:
        assert {rank: y_prob.shape for rank, y_prob in stage.probabilities.items()} == {
            Rank.SPECIES: (40, 4), Rank.GENUS: (40, 3), Rank.SUBFAMILY: (40, 2),
        }  # fmt: skip
        for y_prob in stage.probabilities.values():
            np.testing.assert_allclose(y_prob.sum(1), 1, atol=1e-5)


def test_a_tree_never_contradicts_itself(run: Run) -> None:
    _, stage = run.predictions()
    species = stage.probabilities[Rank.SPECIES]
    np.testing.assert_allclose(stage.probabilities[Rank.GENUS][:, 0], species[:, :2].sum(1), atol=1e-6)


def test_separate_models_one_per_rank(training: Train) -> None:
    run = training("head.kind=separate", 'head.ranks=["subfamily", "species"]')

    record = run.record()
    assert record.ranks == (Rank.SPECIES, Rank.SUBFAMILY)
    assert [(stage.stage, stage.model) for stage in record.stages] == [
        ("stage1", "species"), ("stage1", "subfamily"), ("stage2", "species"), ("stage2", "subfamily"),
    ]  # fmt: skip
    for stage in run.predictions():
        assert list(stage.probabilities) == [Rank.SPECIES, Rank.SUBFAMILY]
    assert not list(run.path.glob("**/*.npy"))


def test_separate_models_at_a_rank_without_taxa(training: Train) -> None:
    with pytest.raises(DataError, match=r"head.ranks: found tribe; .* at species, genus, subfamily; give some"):
        training("head.kind=separate", 'head.ranks=["tribe"]')


@pytest.mark.parametrize("heads", ["tree", "separate"])
def test_labels_at_any_rank(heads: str, tmp_path: Path, cache: Path) -> None:
    coarse = [("0-1", "Chironomus"), ("1-2", "Chironomus"), ("2-0", "Chironominae")]
    data = write_drawn(tmp_path / "data", genus_only=coarse)

    run = train_identifier(data, tmp_path / "run", tiny_settings(f"head.kind={heads}", "stage2.epochs=1"), cache=cache)

    assert len(run.record().taxa) == 6  # four, and the two that others leave open
    assert sum(label.name == "Chironomus" for label in run.labels()) == 4
    assert all(np.isfinite(y_prob).all() for stage in run.predictions() for y_prob in stage.probabilities.values())


def test_a_rank_model_without_validation_labels_keeps_its_last_epoch(tmp_path: Path, cache: Path) -> None:
    # Given a data set whose validation images are all labelled above the species
    splits = ["validation", "train", "train", "train", "train"]
    coarse = [("0-0", "Chironomus"), ("1-0", "Chironomus"), ("2-0", "Chironominae"), ("3-0", "Chironominae")]
    data = write_drawn(tmp_path / "data", genus_only=coarse, splits=splits)
    settings = tiny_settings("split.policy=column", "head.kind=separate", "stage2.patience=1")

    run = train_identifier(data, tmp_path / "run", settings, cache=cache)

    species = next(stage for stage in run.record().stages if (stage.stage, stage.model) == ("stage2", "species"))
    assert species.epochs[0].validation_loss is None
    assert (species.best_epoch, len(species.epochs)) == (3, 3)


def test_a_test_subset_is_predicted_but_not_learned(training: Train) -> None:
    run = training("split.test=0.2", "stage2.epochs=1")
    assert run.record().data.counts == {"train": (24, 12), "validation": (8, 4), "test": (8, 4)}
    assert set(next(run.predictions()).subsets) == {"train", "validation", "test"}


def test_no_second_stage(training: Train) -> None:
    run = training("stage2.epochs=0")

    assert [stage.stage for stage in run.record().stages] == ["stage1"]
    assert [stage.stage for stage in run.predictions()] == ["top classifier"]
    assert not run.stage_folder("stage2").exists()


# Repeatability


def test_equal_seeds_give_equal_results(run: Run, training: Train) -> None:
    assert_same_results(run, training())


def test_another_seed_gives_other_results(run: Run, training: Train) -> None:
    other = training("seed=1")
    assert not parquet(run, "stage2").equals(parquet(other, "stage2"))


# Resumption

KILLED = """
import contextlib, os, signal, sys
import mentum.cli.learning as learning
from mentum.cli import main

task, done = sys.argv.pop(1), int(sys.argv.pop(1))

@contextlib.contextmanager
def deadly(log):
    def report(progress):
        if progress.task.startswith(task) and progress.done == done:
            os.kill(os.getpid(), signal.SIGKILL)
    yield report

learning.shown_progress = deadly
main()
"""
"""`mentum train` that is killed, as by `kill -9`, when a task has come so far."""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill -9")
@pytest.mark.parametrize(
    ("overrides", "task", "done", "kept"),
    [
        (["stage1.views=0"], "stage 1, tree", 2, "stage1/tree.checkpoint"),
        ([], "stage 2, tree: epoch 3", 16, "stage2/tree.checkpoint"),
    ],
    ids=["stage 1", "stage 2"],
)
def test_a_killed_training_resumes_with_the_same_result(
    data: Path, cache: Path, tmp_path: Path, training: Train, overrides: list[str], task: str, done: int, kept: str
) -> None:
    out = tmp_path / "run"
    sets = [word for override in (*TINY, *overrides) for word in ("--set", override)]
    command = ["train", str(data), "--out", str(out), "--recipe", "quick", "--cache", str(cache), *sets]
    killed = subprocess.run([sys.executable, "-c", KILLED, task, str(done), *command], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (out / kept).is_file()

    resumed = training(*overrides)

    assert resumed.record().resumed == 1
    unbroken = training(*overrides, out="unbroken")
    assert_same_results(resumed, unbroken)
    assert files_of(resumed) - {LOCK} == files_of(unbroken)  # the command takes the lock away the next time


class Interruption(BaseException):
    """What no handler in a training may swallow."""


def interrupt_at(task: str, done: int) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if progress.task.startswith(task) and progress.done == done:
            raise Interruption

    return report


@pytest.mark.parametrize(
    ("task", "done"),
    [("reading images", 1), ("features", 32), ("stage 2, tree: epoch 1", 8), ("stage 2, tree: epoch 3", 32),
     ("predictions", 32)],
)  # fmt: skip
def test_a_training_resumes_wherever_it_stopped(
    run: Run, training: Train, tmp_path: Path, task: str, done: int
) -> None:
    with pytest.raises(Interruption):
        training(report=interrupt_at(task, done), cache=tmp_path / "fresh")

    assert_same_results(run, training())


def test_what_a_kill_left_half_written_is_removed(training: Train, tmp_path: Path) -> None:
    with pytest.raises(Interruption):
        training(report=interrupt_at("stage 2, tree: epoch 2", 8))
    for name in (".tmp7Qx2aB", "tree.checkpoint.part", "tree.best.part"):
        (tmp_path / "run" / "stage2" / name).write_bytes(b"half")

    resumed = training()

    assert {Path(name).suffix for name in files_of(resumed)} == {".json", ".parquet", ".safetensors"}


def test_separate_models_resume_too(training: Train) -> None:
    with pytest.raises(Interruption):
        training("head.kind=separate", report=interrupt_at("stage 2, genus: epoch 2", 16))

    resumed = training("head.kind=separate")

    assert_same_results(resumed, training("head.kind=separate", out="unbroken"))


def test_an_interrupted_training_resumes_only_with_its_own_settings(training: Train) -> None:
    with pytest.raises(Interruption):
        training(report=interrupt_at("features", 32))

    with pytest.raises(RunError, match=r"differs in seed: 0 / 5; stage2.epochs: 3 / 9; give the same command"):
        training("stage2.epochs=9", "seed=5")


def test_an_interrupted_training_resumes_only_with_its_own_data(tmp_path: Path, cache: Path) -> None:
    data, out = write_drawn(tmp_path / "data"), tmp_path / "run"
    with pytest.raises(Interruption):
        train_identifier(data, out, tiny_settings(), cache=cache, report=interrupt_at("stage 1", 1))
    write_drawn(data, per_taxon=(5, 5, 5, 6))

    with pytest.raises(RunError, match=r"differs in the images or the specimen table; give the same command"):
        train_identifier(data, out, tiny_settings(), cache=cache)


def test_a_complete_training_is_left_alone(run: Run) -> None:
    with pytest.raises(RunError, match=r"holds a complete training already; give another --out"):
        refuse_foreign(run.path)


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path, training: Train) -> None:
    (tmp_path / "run").mkdir()
    other = tmp_path / "run" / "thesis.docx"
    other.write_text("years of work")

    with pytest.raises(RunError, match=r"run: found other files, expected a new or empty folder"):
        training()
    assert other.read_text() == "years of work"


def test_a_file_where_the_folder_should_be(tmp_path: Path, training: Train) -> None:
    (tmp_path / "run").write_text("not a folder")
    with pytest.raises(RunError, match=r"found other files, expected a new or empty folder"):
        training()


def test_an_empty_folder_will_do(tmp_path: Path, training: Train) -> None:
    (tmp_path / "run").mkdir()
    assert training("stage2.epochs=0").record().status == "complete"


# Faulty material


def test_faulty_rows_are_all_listed_before_anything_is_written(tmp_path: Path, cache: Path) -> None:
    data = write_drawn(tmp_path / "data")
    with (data / "specimens.csv").open("a") as table:
        table.write("gone.png,Orthocladius,x-1\nimages/0-0-0.png,Orthocladius,x-2\nimages/0-0-1.png,Nonsense,0-0\n")

    with pytest.raises(DataError) as caught:
        train_identifier(data, tmp_path / "run", tiny_settings(), cache=cache)

    message = str(caught.value)
    assert "3 faults to fix before training:\n" in message
    assert "gone.png: not found below" in message
    assert message.count("listed in rows") == 2
    assert not (tmp_path / "run").exists()


def test_unreadable_images_are_all_listed(tmp_path: Path, cache: Path) -> None:
    data = write_drawn(tmp_path / "data")
    write_empty(data / "images" / "0-0-0.png")
    write_truncated(data / "images" / "3-4-1.png")

    with pytest.raises(DataError, match=r"2 of 40 images cannot be read: .*0-0-0.png.*; .*3-4-1.png"):
        train_identifier(data, tmp_path / "run", tiny_settings(), cache=cache)
    assert not (tmp_path / "run").exists()


def test_one_image_of_every_taxon_is_too_few(tmp_path: Path, cache: Path) -> None:
    data = write_drawn(tmp_path / "data", per_taxon=(1, 1, 1, 1), views=1)

    with pytest.raises(DataError, match="4 faults to fix before training") as caught:
        train_identifier(data, tmp_path / "run", tiny_settings(), cache=cache)
    assert "Orthocladius: found one specimen, which cannot be both learned and checked" in str(caught.value)


def test_a_taxon_without_training_images(tmp_path: Path, cache: Path) -> None:
    data = write_drawn(tmp_path / "data", splits=["train", "validation"])
    table = data / "specimens.csv"
    table.write_text(table.read_text().replace("Orthocladius,3-0,train", "Orthocladius,3-0,val"))
    for number in (2, 4):
        table.write_text(table.read_text().replace(f"3-{number},train", f"3-{number},test"))

    with pytest.raises(DataError, match=r"the split leaves no training image of Orthocladius; give each taxon"):
        train_identifier(data, tmp_path / "run", tiny_settings("split.policy=column"), cache=cache)


def test_a_gpu_that_is_not_there(training: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(SettingsError, match=r"device: found no GPU that this torch can use"):
        training("device=cuda")


def test_a_loss_that_explodes_in_either_stage(training: Train) -> None:
    with pytest.raises(RunError, match=r"the loss of epoch \d+ is not finite; lower stage1.learning_rate"):
        training("stage1.learning_rate=10", "stage1.weight_decay=10", "stage1.epochs=60")
    with pytest.raises(RunError, match=r"the loss of epoch \d+ is not finite; lower stage2.learning_rate"):
        training(
            "stage2.learning_rate=10", "stage2.weight_decay=10", "stage2.warmup=0", "stage2.epochs=60", out="other"
        )


def test_a_backbone_that_cannot_be_had_leaves_nothing_behind(training: Train, tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="neither a folder nor a hub id"):
        training("backbone.source=nowhere")

    assert not (tmp_path / "run").exists()


def test_12_bits_in_16_train_as_the_8_bits_they_hold(data: Path, run: Run, cache: Path, tmp_path: Path) -> None:
    """The depth is found once, and kept in the run's settings."""
    deep = tmp_path / "deep"
    shutil.copytree(data, deep)
    for file in deep.rglob("*.png"):
        with Image.open(file) as image:
            pixels = np.asarray(image.convert("RGB")).astype(float)
        write_deep_png(file, np.round(pixels * 4095 / 255).astype(np.uint16))
    trained = train_identifier(deep, tmp_path / "run", tiny_settings(), cache=cache)
    assert (trained.record().settings.pixels.depth, run.record().settings.pixels.depth) == (12, "auto")
    assert any("are taken for 12 bit (0-4095)" in each for each in trained.record().data.warnings)
    assert not any("16-bit" in each for each in run.record().data.warnings)
    for stage in ("stage1", "stage2"):
        assert parquet(trained, stage).equals(parquet(run, stage))
