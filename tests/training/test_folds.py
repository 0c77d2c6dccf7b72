"""Tests of training on the folds of a cross-validation: what is kept, what is not done twice, the same numbers."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mentum.errors import SettingsError
from mentum.evaluation.cross_validation import Judged
from mentum.network.head import Head
from mentum.records import Progress, ignore_progress
from mentum.runs import Run
from mentum.settings import Settings
from mentum.specimens.folds import Fold, deal_folds, leave_groups_out
from mentum.taxonomy import Rank, Taxon, Taxonomy
from mentum.training.features import Views
from mentum.training.folds import fold_file, learn_fold, learn_folds
from mentum.training.preparation import Prepared, prepare
from mentum.training.retraining import Retraining, settings_for
from mentum.training.tasks import Task
from mentum.training.top_classifier import learn_head
from support.drawn_data import tiny_settings, write_drawn
from support.tiny_lessons import tiny_backbone

SHORT = ("stage1.epochs=2", "stage2.epochs=2")


@dataclass
class Material:
    """A drawn data set with a locality in which *Orthocladius* alone was found, and its folds.

    Attributes:
        folds: two, by specimen.
    """

    data: Path
    cache: Path
    prepared: Prepared
    settings: Settings
    folds: list[Fold]

    def retraining(
        self, folder: Path, report: Callable[[Progress], None] = ignore_progress, settings: Settings | None = None
    ) -> Retraining:
        return Retraining.of_data(self.prepared, settings or self.settings, folder, report)


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """Four specimens of each of four taxa, with two images each."""
    folder = tmp_path_factory.mktemp("folds")
    data, settings = write_drawn(folder / "data", per_taxon=(4, 4, 4, 4), views=2), tiny_settings(*SHORT)
    frame = pl.read_csv(data / "specimens.csv")
    places = [
        "pond" if name[0] == "3" else ("brook", "lake")[int(name[-1]) % 2] for name in frame["catalogNumber"].to_list()
    ]
    frame.with_columns(locality=pl.Series(places)).write_csv(data / "specimens.csv")
    prepared = prepare(data, settings, folder / "cache", ignore_progress)
    return Material(data, folder / "cache", prepared, settings, deal_folds(prepared.table, 2, settings.split, 0))


@pytest.fixture(scope="module")
def pretrained(material: Material, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with the tiny backbone as a folder of the user's."""
    folder = tmp_path_factory.mktemp("backbones") / "tiny"
    tiny_backbone().save(folder)
    given = material.settings.backbone.model_copy(update={"source": str(folder)})
    return material.settings.model_copy(update={"backbone": given})


@pytest.fixture(scope="module")
def unbroken(material: Material, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a cross-validation in both stages that nothing disturbed."""
    folder = tmp_path_factory.mktemp("unbroken")
    learn_folds(material.retraining(folder), material.folds, folder, 2, material.cache, jobs=1)
    return folder


def read(folder: Path, fold: Fold) -> pl.DataFrame:
    return pl.read_parquet(fold_file(folder, fold))


def assert_of_this_fold(frame: pl.DataFrame, fold: Fold, taxa: Sequence[Taxon], model: str = "tree") -> None:
    """Images judged and images looked at and no others, with probabilities of what was taught alone."""
    judged, watched = fold.rows("test").tolist(), fold.rows("validation").tolist()
    assert frame["subset"].to_list() == ["test"] * len(judged) + ["validation"] * len(watched)
    y_prob = frame[model].to_numpy()
    assert (y_prob.dtype, y_prob.shape) == (np.float32, (len(judged) + len(watched), len(taxa)))
    np.testing.assert_allclose(y_prob.sum(axis=1), 1, atol=1e-5)
    known = fold.taxonomy.leaves if model == "tree" else fold.taxonomy.taxa(Rank(model))
    taught = np.array([taxon in known for taxon in taxa])
    assert (y_prob[:, ~taught] == 0).all()
    assert (y_prob[:, taught] > 0).all()


def refuse(*_: object, **__: object) -> None:
    raise AssertionError("trained once more")


# Names of files


def named(name: str) -> Fold:
    return Fold(name, np.array(["test"]), Taxonomy(()))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("3", r"3\.parquet"),
        ("Müggelsee", r"Müggelsee-[0-9a-f]{8}\.parquet"),
        ("2019-05-04", r"2019_05_04-[0-9a-f]{8}\.parquet"),
        ("St. 12", r"St__12-[0-9a-f]{8}\.parquet"),
    ],
)
def test_the_file_of_a_fold_bears_its_name(tmp_path: Path, name: str, file: str) -> None:
    found = fold_file(tmp_path, named(name))
    assert found.parent == tmp_path / "folds"
    assert re.fullmatch(file, found.name)


@pytest.mark.parametrize("name", ["../../etc", "a/b", "/root", "C:\\data", "a\0b", "x:y*?<>|", "..", ".", "a\nb"])
def test_no_name_leaves_the_folder(tmp_path: Path, name: str) -> None:
    file = fold_file(tmp_path, named(name))
    assert file.parent == tmp_path / "folds"
    assert (file.resolve().parent, file.suffix) == (tmp_path.resolve() / "folds", ".parquet")
    assert not set(file.name) & set('/\\\0:*?"<>|\n')


@pytest.mark.parametrize(("one", "other"), [("Lake 1", "Lake_1"), ("a/b", "a\\b"), ("Berlin (N)", "Berlin [N]")])
def test_two_groups_have_two_files(tmp_path: Path, one: str, other: str) -> None:
    assert fold_file(tmp_path, named(one)) != fold_file(tmp_path, named(other))


def test_a_long_name_has_a_file_too(tmp_path: Path) -> None:
    """As where the groups are those of a column of remarks."""
    file = fold_file(tmp_path, named("dead leaves " * 30))
    file.parent.mkdir()
    file.touch()


# Both stages


def test_both_stages_leave_predictions_and_nothing_else(material: Material, unbroken: Path) -> None:
    assert sorted(path.relative_to(unbroken).as_posix() for path in unbroken.rglob("*")) == [
        "folds",
        "folds/1.parquet",
        "folds/2.parquet",
    ]
    names, taxa = material.prepared.table.file_names, material.prepared.taxonomy.leaves
    for fold in material.folds:
        frame = read(unbroken, fold)
        assert frame.columns == ["file_name", "subset", "tree"]
        expected = [*fold.rows("test").tolist(), *fold.rows("validation").tolist()]
        assert frame["file_name"].to_list() == [names[row] for row in expected]
        assert_of_this_fold(frame, fold, taxa)


def test_what_was_not_taught_is_never_answered(material: Material, tmp_path: Path) -> None:
    table = material.prepared.table
    brook, _, pond = leave_groups_out(table, "locality", material.settings.split, 0)
    assert (pond.name, len(pond.taxonomy.leaves)) == ("pond", 3)
    assert brook.taxonomy == table.taxonomy
    learn_folds(material.retraining(tmp_path), [pond], tmp_path, 2, material.cache, jobs=1)
    assert_of_this_fold(read(tmp_path, pond), pond, table.taxonomy.leaves)


def test_networks_learn_the_training_images_alone(material: Material, tmp_path: Path, unbroken: Path) -> None:
    """Whatever the images are called that are judged, the same is said of them."""
    fold = material.folds[0]
    held_out = set(fold.rows("test").tolist())
    turned = tuple(
        material.prepared.taxonomy.leaves[0] if row in held_out else label
        for row, label in enumerate(material.prepared.table.labels)
    )
    prepared = replace(material.prepared, table=replace(material.prepared.table, labels=turned))
    learn_fold(replace(material.retraining(tmp_path), prepared=prepared), fold, tmp_path, 2)
    assert read(tmp_path, fold).equals(read(unbroken, fold))


def test_a_fold_that_is_done_is_not_trained_again(material: Material, unbroken: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(unbroken, out)
    retraining = replace(material.retraining(out), train_stages=refuse)
    learn_fold(retraining, material.folds[0], out, 2)
    learn_folds(retraining, material.folds, out, 2, material.cache, jobs=2)
    assert read(out, material.folds[1]).equals(read(unbroken, material.folds[1]))

    fold_file(out, material.folds[1]).unlink()
    with pytest.raises(AssertionError, match="trained once more"):
        learn_folds(retraining, material.folds, out, 2, material.cache, jobs=1)


def test_an_interrupted_fold_is_taken_up_and_ends_as_if_nothing_had_been(
    material: Material, unbroken: Path, tmp_path: Path
) -> None:
    seen: list[str] = []

    def interrupt(progress: Progress) -> None:
        if progress.task == "stage 2, tree: epoch 2/2":
            raise KeyboardInterrupt
        seen.append(progress.task)

    fold = material.folds[0]
    with pytest.raises(KeyboardInterrupt):
        learn_fold(material.retraining(tmp_path, interrupt), fold, tmp_path, 2)
    assert not fold_file(tmp_path, fold).exists()
    assert Run(tmp_path / "folds" / "1").record().status == "running"
    assert "stage 1, tree: top classifier" in seen

    seen.clear()
    learn_fold(material.retraining(tmp_path, lambda progress: seen.append(progress.task)), fold, tmp_path, 2)

    assert "stage 1, tree: top classifier" not in seen
    assert read(tmp_path, fold).equals(read(unbroken, fold))
    assert [path.name for path in (tmp_path / "folds").iterdir()] == ["1.parquet"]


def test_a_fold_whose_training_had_just_ended_is_only_looked_at(
    material: Material, unbroken: Path, tmp_path: Path
) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.task == "looking":
            raise KeyboardInterrupt

    fold = material.folds[0]
    with pytest.raises(KeyboardInterrupt):
        learn_fold(material.retraining(tmp_path, interrupt), fold, tmp_path, 2)
    assert Run(tmp_path / "folds" / "1").record().status == "complete"

    learn_fold(replace(material.retraining(tmp_path), train_stages=refuse), fold, tmp_path, 2)
    assert read(tmp_path, fold).equals(read(unbroken, fold))


def test_a_kill_while_tidying_loses_nothing(
    material: Material, unbroken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the fold's training is gone, but its record, which says that it is complete."""
    remove = shutil.rmtree

    def remove_half(folder: Path, *_: object, **options: object) -> None:
        if not (folder / "backbone").is_dir():  # something else
            remove(folder, **options)
            return
        remove(folder / "backbone")
        raise KeyboardInterrupt

    fold, out = material.folds[0], tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", remove_half)
        with pytest.raises(KeyboardInterrupt):
            learn_fold(material.retraining(out), fold, out, 2)
    learn_fold(material.retraining(out), fold, out, 2)
    assert read(out, fold).equals(read(unbroken, fold))
    assert [path.name for path in (out / "folds").iterdir()] == ["1.parquet"]


def test_the_last_fold_of_several_jobs_is_taken_up_by_the_same_command(
    material: Material, unbroken: Path, tmp_path: Path
) -> None:
    """Killed while only one of two folds was left, which a process with half the threads had begun."""

    def interrupt(progress: Progress) -> None:
        if progress.task == "stage 2, tree: epoch 2/2":
            raise KeyboardInterrupt

    first, second = material.folds
    (tmp_path / "folds").mkdir()
    shutil.copyfile(fold_file(unbroken, first), fold_file(tmp_path, first))
    with pytest.raises(KeyboardInterrupt):
        # with threads=1, as a child of threads=2 and jobs=2
        learn_fold(material.retraining(tmp_path, interrupt), second, tmp_path, 2)

    whole = material.retraining(tmp_path, settings=material.settings.model_copy(update={"threads": 2}))
    learn_folds(whole, material.folds, tmp_path, 2, material.cache, jobs=2)
    assert fold_file(tmp_path, second).is_file()


def test_several_processes_give_the_same_predictions(material: Material, unbroken: Path, tmp_path: Path) -> None:
    steps: list[Progress] = []
    learn_folds(material.retraining(tmp_path, steps.append), material.folds, tmp_path, 2, material.cache, jobs=2)
    for fold in material.folds:
        assert read(tmp_path, fold).equals(read(unbroken, fold))
    assert [(step.task, step.done, step.total) for step in steps] == [("folds", 1, 2), ("folds", 2, 2)]
    assert len(list((tmp_path / "folds").iterdir())) == 2


# The top classifier alone


def test_the_top_classifier_alone_learns_from_features_that_are_computed_once(
    material: Material, pretrained: Settings, tmp_path: Path
) -> None:
    steps: list[Progress] = []
    retraining = material.retraining(tmp_path, steps.append, pretrained)
    learn_folds(retraining, material.folds, tmp_path, 1, material.cache, jobs=2)  # several jobs change nothing here

    assert sorted(path.name for path in (tmp_path / "features").iterdir()) == ["view-0.npy", "view-1.npy"]
    assert [step.task for step in steps if step.done == step.total] == ["features", "features", "fold 1", "fold 2"]
    clean = np.load(tmp_path / "features" / "view-0.npy")
    assert (clean.shape, clean.dtype) == ((32, 16), np.float32)
    for fold in material.folds:
        assert_of_this_fold(read(tmp_path, fold), fold, material.prepared.taxonomy.leaves)

    # Killed before the second fold: its features are there
    before = read(tmp_path, material.folds[1])
    fold_file(tmp_path, material.folds[1]).unlink()
    steps.clear()
    anew = material.retraining(tmp_path, steps.append, pretrained)
    learn_folds(anew, material.folds, tmp_path, 1, material.cache, jobs=1)
    assert [step.task for step in steps] == ["fold 2"]
    assert read(tmp_path, material.folds[1]).equals(before)


def test_the_top_classifier_learns_what_a_fold_teaches(
    material: Material, pretrained: Settings, tmp_path: Path
) -> None:
    settings = pretrained.model_copy(update={"stage1": pretrained.stage1.model_copy(update={"epochs": 60})})
    table = material.prepared.table
    folds = leave_groups_out(table, "locality", settings.split, 0)
    learn_folds(material.retraining(tmp_path, settings=settings), folds, tmp_path, 1, material.cache, jobs=1)
    for fold in folds:
        assert_of_this_fold(read(tmp_path, fold), fold, table.taxonomy.leaves)
    brook, _, _ = folds
    said = read(tmp_path, brook).filter(subset="test")["tree"].to_numpy().argmax(axis=1)
    labelled = [table.taxonomy.leaves.index(table.labels[row]) for row in brook.rows("test").tolist()]
    assert (said == labelled).mean() >= 0.6  # a random backbone, but four colours


@pytest.mark.parametrize("kind", ["tree", "separate"])
def test_changed_pictures_are_judged_by_the_fold_that_did_not_see_the_specimen(
    material: Material, pretrained: Settings, tmp_path: Path, kind: str
) -> None:
    head = pretrained.head.model_copy(update={"kind": kind})
    settings = pretrained.model_copy(update={"head": head})
    retraining = material.retraining(tmp_path, settings=settings)
    learn_folds(retraining, material.folds, tmp_path, 1, material.cache, jobs=1)
    pixels, rows = material.prepared.pixels.pixels, np.array([30, 2, 17, 9, 2])

    same = retraining.judge_squares(material.folds, pixels[rows], rows)
    dark = retraining.judge_squares(material.folds, np.zeros_like(pixels[rows]), rows)

    files = [fold_file(tmp_path, fold) for fold in material.folds]
    stored = Judged.read(material.prepared.table, material.folds, files, ()).in_order().log_prob
    assert [*same] == [*stored]
    for model, y_prob in same.items():
        np.testing.assert_allclose(y_prob, np.exp(stored[model][rows]), atol=1e-5)
        assert abs(dark[model] - y_prob).max() > 1e-3


def test_the_top_classifier_of_a_fold_is_learned_once(material: Material, pretrained: Settings, tmp_path: Path) -> None:
    learned: set[bytes] = set()

    def learn(task: Task, settings: Settings, subsets: np.ndarray, clean: np.ndarray, views: Views) -> Head:
        assert subsets.tobytes() not in learned, "learned once more"
        learned.add(subsets.tobytes())
        return learn_head(task, settings, subsets, clean, views)

    retraining = replace(material.retraining(tmp_path, settings=pretrained), train_top=learn)
    learn_folds(retraining, material.folds, tmp_path, 1, material.cache, jobs=1)

    retraining.judge_squares(material.folds, material.prepared.pixels.pixels[:2], np.arange(2))


def test_a_thinned_fold_is_learned_anew(material: Material, pretrained: Settings, tmp_path: Path) -> None:
    retraining, fold = material.retraining(tmp_path, settings=pretrained), material.folds[0]
    unused = np.isin(np.arange(len(fold.subsets)), fold.rows("train")[::2])
    thinned = replace(fold, subsets=np.where(unused, "unused", fold.subsets).astype(str))

    whole, less, again = (retraining.judge(each)["tree"] for each in (fold, thinned, fold))

    assert abs(whole - less).max() > 1e-5
    np.testing.assert_array_equal(whole, again)


def test_a_frozen_random_network_is_refused(material: Material, tmp_path: Path) -> None:
    retraining = material.retraining(tmp_path)
    with pytest.raises(
        SettingsError,
        match=r"^backbone.source: found random, expected pretrained weights for --stage 1: the features of a frozen "
        r"random network say little; give --backbone, or --stage 2\.$",
    ):
        learn_folds(retraining, material.folds, tmp_path, 1, material.cache, jobs=1)
    assert list(tmp_path.iterdir()) == []


# A network for each rank


def separate(pretrained: Settings, *ranks: Rank) -> Settings:
    head = pretrained.head.model_copy(update={"kind": "separate", "ranks": ranks})
    return pretrained.model_copy(update={"head": head})


def test_separate_networks_each_have_a_column(material: Material, pretrained: Settings, tmp_path: Path) -> None:
    settings = separate(pretrained, Rank.GENUS, Rank.SPECIES)
    learn_folds(material.retraining(tmp_path, settings=settings), material.folds, tmp_path, 1, material.cache, jobs=1)
    taxonomy = material.prepared.taxonomy
    for fold in material.folds:
        frame = read(tmp_path, fold)
        assert frame.columns == ["file_name", "subset", "species", "genus"]
        for rank in (Rank.GENUS, Rank.SPECIES):
            assert_of_this_fold(frame, fold, taxonomy.taxa(rank), rank)


def test_a_rank_with_nothing_to_tell_apart_in_one_fold(
    material: Material, pretrained: Settings, tmp_path: Path
) -> None:
    """Without the pond's *Orthocladius* there is one subfamily only."""
    settings, table = separate(pretrained), material.prepared.table
    folds = leave_groups_out(table, "locality", settings.split, 0)
    assert Rank.SUBFAMILY not in settings_for(settings, folds[2].taxonomy).head.ranks
    learn_folds(material.retraining(tmp_path, settings=settings), folds, tmp_path, 1, material.cache, jobs=1)
    files = [fold_file(tmp_path, fold) for fold in folds]
    judged = Judged.read(table, folds, files, table.taxonomy.ranks)
    assert len(judged.held_out) == 32
