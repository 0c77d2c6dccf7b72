"""Tests of out-of-fold predictions: who teaches whom, what is kept, what an interruption leaves. Nothing is trained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from mentum.calibration.cross_fitting import cross_fit
from mentum.calibration.held_out import held_out, read_folds
from mentum.calibration.novelty import Density
from mentum.errors import RunError
from mentum.evaluation.probabilities import evaluate_probabilities
from mentum.model.session import Outputs
from mentum.runs import Run
from mentum.specimens.folds import Fold
from mentum.taxonomy import Rank, Taxonomy
from support.runs_by_hand import SHOTS, TEST_SHOTS, Shot, make_run

LABELS = ("Chironomus plumosus", "Chironomus riparius", "Polypedilum laetum", "Orthocladius")


def specimens_of(label: str, subsets: Sequence[str], images: Sequence[int] = (1,)) -> list[Shot]:
    """One specimen per subset named, with so many images in turn."""
    return [
        Shot(label, f"{label}-{number}", subset, "Orthocladius")
        for number, subset in enumerate(subsets)
        for _ in range(images[number % len(images)])
    ]


MANY = (
    *(shot for label in LABELS for shot in specimens_of(label, ["train"] * 5 + ["validation", "test"], (1, 2, 3))),
    *specimens_of("Chironomus", ["train", "validation"], (2,)),
)
"""Seven specimens of each of four taxa, the last one of the test subset, and two named to genus only."""


@dataclass
class Trainings:
    """Stands in for training, and notes what was asked for; other numbers each time.

    Attributes:
        models: network → its number of taxa.
        fails_at: which training is interrupted, counted from 1.
    """

    n_images: int
    models: dict[str, int] = field(default_factory=lambda: {"tree": 4})
    fails_at: int | None = None
    asked: list[tuple[str, NDArray[np.str_], Taxonomy]] = field(default_factory=list)
    said: list[Outputs] = field(default_factory=list)

    def __call__(self, fold: Fold) -> Outputs:
        self.asked.append((fold.name, fold.subsets, fold.taxonomy))
        if len(self.asked) == self.fails_at:
            raise KeyboardInterrupt
        rng = np.random.default_rng(len(self.asked))
        y_prob = {
            model: rng.dirichlet(np.ones(n_taxa), self.n_images).astype(np.float32)
            for model, n_taxa in self.models.items()
        }
        self.said.append(Outputs(y_prob, rng.normal(size=(self.n_images, 5)).astype(np.float32), {}))
        return self.said[-1]


@dataclass
class Fitted:
    """A run with its out-of-fold predictions, and the trainings that they came from."""

    run: Run
    trainings: Trainings
    file: Path

    @property
    def frame(self) -> pl.DataFrame:
        return pl.read_parquet(self.file)

    @property
    def rows(self) -> list[int]:
        """Rows of the run's table, in the order of the predictions."""
        names = self.run.table()["file_name"].to_list()
        return [names.index(name) for name in self.frame["file_name"]]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    run = make_run(tmp_path_factory.mktemp("runs") / "run", shots=MANY)
    trainings = Trainings(len(MANY))
    return Fitted(run, trainings, cross_fit(run, trainings, 3))


# Who teaches whom


def test_every_image_is_identified_once_by_networks_that_did_not_learn_its_specimen(fitted: Fitted) -> None:
    table = fitted.run.table()
    usable = table.filter(pl.col("subset") != "test")
    assert sorted(fitted.frame["file_name"]) == sorted(usable["file_name"])
    specimens = table["specimen"].to_numpy()
    for row, fold in zip(fitted.rows, fitted.frame["fold"], strict=True):
        _, subsets, _ = fitted.trainings.asked[int(fold) - 1]
        assert specimens[row] not in specimens[subsets == "train"]


def test_each_training_learns_all_other_folds_and_the_whole_tree(fitted: Fitted) -> None:
    tested = (fitted.run.table()["subset"] == "test").to_numpy()
    assert [name for name, _, _ in fitted.trainings.asked] == ["folds/3-1", "folds/3-2", "folds/3-3"]
    for _, subsets, taxonomy in fitted.trainings.asked:
        assert taxonomy == fitted.run.taxonomy()
        assert set(subsets[~tested]) == {"train", "test"}
        assert set(subsets[tested]) == {"unused"}
    left_out = np.sum([subsets == "test" for _, subsets, _ in fitted.trainings.asked], axis=0)
    assert left_out.tolist() == (~tested).astype(int).tolist()


def test_no_specimen_is_torn_apart(fitted: Fitted) -> None:
    specimens = fitted.run.table()["specimen"].to_numpy()
    for _, subsets, _ in fitted.trainings.asked:
        roles = defaultdict(set)
        for specimen, subset in zip(specimens, subsets, strict=True):
            roles[specimen].add(subset)
        assert all(len(of_one) == 1 for of_one in roles.values())


def test_folds_are_of_equal_size_and_share_every_taxon(fitted: Fitted) -> None:
    table = fitted.run.table()
    sizes = []
    for _, subsets, _ in fitted.trainings.asked:
        left_out = table.filter(pl.Series(subsets == "test")).unique("specimen")
        sizes.append(len(left_out))
        counts = dict(left_out["scientificName"].value_counts().iter_rows())
        assert {label: counts[label] for label in LABELS} == dict.fromkeys(LABELS, 2)
    assert sorted(sizes) == [8, 9, 9]


def test_test_specimens_do_not_upset_the_folds(tmp_path: Path) -> None:
    """Two specimens of each taxon are enough for two folds, however many test specimens stand between them."""
    shots = [shot for label in LABELS for shot in specimens_of(label, ["train", "test", "validation", "test", "test"])]
    run = make_run(tmp_path / "run", shots=shots)
    cross_fit(run, trainings := Trainings(len(shots)), 2)
    for _, subsets, _ in trainings.asked:
        assert sorted(run.table()["scientificName"].to_numpy()[subsets == "test"]) == sorted(LABELS)


def test_the_seed_of_the_run_decides_who_is_in_which_fold(tmp_path: Path) -> None:
    def folds(seed: int, name: str) -> list[list[str]]:
        run = make_run(tmp_path / name, shots=MANY)
        run.update(settings=run.record().settings.model_copy(update={"seed": seed}))
        cross_fit(run, trainings := Trainings(len(MANY)), 3)
        return [subsets.tolist() for _, subsets, _ in trainings.asked]

    assert folds(0, "one") == folds(0, "again")
    assert folds(0, "one more") != folds(1, "other")


# What is kept


def test_what_the_networks_say_of_the_images_left_out_is_kept(fitted: Fitted) -> None:
    frame = fitted.frame
    ranks = [f"{rank}_{what}" for rank in ("species", "genus", "subfamily") for what in ("identified", "right")]
    assert frame.columns == ["file_name", "specimen", "fold", *ranks, "tree", "distance", "energy"]
    for place, (row, fold) in enumerate(zip(fitted.rows, frame["fold"], strict=True)):
        said = fitted.trainings.said[int(fold) - 1].y_prob["tree"][row]
        assert frame["tree"].to_numpy()[place].tolist() == said.tolist()


def test_each_image_stands_beside_the_truth(fitted: Fitted) -> None:
    frame, table, labels = fitted.frame, fitted.run.table(), fitted.run.labels()
    taxa = fitted.run.taxonomy().taxa(Rank.SPECIES)
    assert frame["specimen"].to_list() == [table["specimen"][row] for row in fitted.rows]
    for row, image in zip(fitted.rows, frame.iter_rows(named=True), strict=True):
        taken_for = next(taxon for taxon in taxa if taxon.name == image["species_identified"])
        assert image["species_right"] == (taken_for == labels[row] if labels[row] in taxa else None)


def test_strangeness_is_measured_against_the_images_that_were_learned(fitted: Fitted) -> None:
    frame, labels = fitted.frame, fitted.run.labels()
    leaves = list(fitted.run.taxonomy().leaves)
    for number, ((_, subsets, _), outputs) in enumerate(
        zip(fitted.trainings.asked, fitted.trainings.said, strict=True)
    ):
        learned = [row for row in np.flatnonzero(subsets == "train") if labels[row] in leaves]
        taxa = np.array([leaves.index(labels[row]) for row in learned])
        density = Density.fit(outputs.features[learned], taxa)
        left_out = np.flatnonzero(subsets == "test")
        logits = np.log(outputs.y_prob["tree"][left_out].astype(np.float64))
        centred = logits - logits.mean(axis=1)[:, None]
        of_fold = frame.filter(pl.col("fold") == str(number + 1))
        np.testing.assert_allclose(of_fold["distance"], density.distance(outputs.features[left_out]), rtol=1e-9)
        np.testing.assert_allclose(of_fold["energy"], -np.log(np.exp(centred).sum(axis=1)), rtol=1e-9)


def test_stored_predictions_are_read_back(fitted: Fitted) -> None:
    found = read_folds(fitted.run)
    assert found is not None
    source, rows, log_prob, measures = found
    assert (source, rows.tolist(), list(log_prob)) == ("out-of-fold", fitted.rows, ["tree"])
    np.testing.assert_allclose(np.exp(log_prob["tree"]), fitted.frame["tree"].to_numpy(), rtol=1e-6)
    assert measures is not None
    assert measures.tolist() == fitted.frame.select("distance", "energy").to_numpy().tolist()


def test_calibration_then_learns_from_all_specimens_and_test_specimens_only_judge(fitted: Fitted) -> None:
    report = evaluate_probabilities(fitted.run)
    assert (report.source, report.n_specimens) == ("out-of-fold", 4)
    assert report.method == "learned from the out-of-fold specimens, judged on the test specimens"
    material = held_out(fitted.run, 0)
    assert material.cases[material.learned].n_specimens == 26


def test_without_test_specimens_every_specimen_is_judged_by_the_others(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    assert evaluate_probabilities(run).source == "validation"
    cross_fit(run, Trainings(len(SHOTS)), 2)
    report = evaluate_probabilities(run)
    assert (report.source, report.n_images, report.n_specimens) == ("out-of-fold", 12, 10)


def test_separate_networks_are_kept_separate(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", heads="separate", shots=(*SHOTS, *TEST_SHOTS))
    trainings = Trainings(14, {"species": 4, "genus": 3, "subfamily": 2})
    frame = pl.read_parquet(cross_fit(run, trainings, 2))
    assert [name for name, kind in frame.schema.items() if isinstance(kind, pl.Array)] == [
        "species", "genus", "subfamily",
    ]  # fmt: skip
    logits = np.log(frame["species"].to_numpy().astype(np.float64))
    centred = logits - logits.mean(axis=1)[:, None]
    np.testing.assert_allclose(frame["energy"], -np.log(np.exp(centred).sum(axis=1)), rtol=1e-6)
    cases = held_out(run, 0).cases
    assert {name: values.shape for name, values in cases.log_prob.items()} == {
        "species": (14, 4), "genus": (14, 3), "subfamily": (14, 2),
    }  # fmt: skip


# Interruptions


def test_a_fold_that_is_done_is_not_repeated(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", shots=MANY)
    with pytest.raises(KeyboardInterrupt):
        cross_fit(run, first := Trainings(len(MANY), fails_at=3), 4)
    assert not run.folds_file.exists()
    assert evaluate_probabilities(run).source == "validation"

    file = cross_fit(run, second := Trainings(len(MANY)), 4)

    assert [name for name, _, _ in first.asked] == ["folds/4-1", "folds/4-2", "folds/4-3"]
    assert [name for name, _, _ in second.asked] == ["folds/4-3", "folds/4-4"]
    assert second.asked[0][1].tolist() == first.asked[2][1].tolist()
    assert sorted(pl.read_parquet(file)["file_name"]) == sorted(
        run.table().filter(pl.col("subset") != "test")["file_name"]
    )


def test_another_number_of_folds_begins_anew(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", shots=MANY)
    cross_fit(run, Trainings(len(MANY)), 2)
    frame = pl.read_parquet(cross_fit(run, trainings := Trainings(len(MANY)), 3))
    assert len(trainings.asked) == 3
    assert (set(frame["fold"]), frame["file_name"].n_unique()) == ({"1", "2", "3"}, len(frame))
    cross_fit(run, done := Trainings(len(MANY)), 2)
    assert (done.asked, set(pl.read_parquet(run.folds_file)["fold"])) == ([], {"1", "2"})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda file: file.write_bytes(b"PAR1 and no more"), r"2-1.parquet: not readable \("),
        (lambda file: pl.read_parquet(file).drop("energy").write_parquet(file), "2-1.parquet: found no column energy"),
        (lambda file: pl.read_parquet(file)[1:].write_parquet(file), "2-1.parquet: lists other images than its fold"),
    ],
    ids=["bytes", "column", "row"],
)
def test_a_damaged_fold_is_refused(tmp_path: Path, damage: Callable[[Path], object], message: str) -> None:
    run = make_run(tmp_path / "run")
    cross_fit(run, Trainings(len(SHOTS)), 2)
    damage(run.path / "folds" / "2-1.parquet")
    with pytest.raises(RunError, match=f"{message}.*; remove it and give the command again.$"):
        cross_fit(run, Trainings(len(SHOTS)), 2)


# What cannot be done


def test_a_taxon_of_one_specimen_cannot_be_left_out(tmp_path: Path) -> None:
    shots = [shot for label in LABELS[:3] for shot in specimens_of(label, ["train", "train", "validation"])]
    shots += specimens_of("Orthocladius", ["train"], (3,))
    run = make_run(tmp_path / "run", shots=shots)
    with pytest.raises(
        RunError, match=r"without fold \d no specimen of Orthocladius is left to learn from; each taxon"
    ):
        cross_fit(run, trainings := Trainings(len(shots)), 3)
    assert trainings.asked == []
    assert not (run.path / "folds").exists()


@dataclass
class Alike:
    """Stands in for training: every leaf that is learned is as probable as any other."""

    n_images: int
    trees: list[Taxonomy] = field(default_factory=list)

    def __call__(self, part: Fold) -> Outputs:
        leaves = part.taxonomy.leaves
        self.trees.append(part.taxonomy)
        y_prob = np.full((self.n_images, len(leaves)), 1 / len(leaves), dtype=np.float32)
        return Outputs(
            {"tree": y_prob}, np.random.default_rng(0).normal(size=(self.n_images, 5)).astype(np.float32), {}
        )


def test_a_fold_without_the_only_specimen_of_an_open_label_learns_the_other_leaves(tmp_path: Path) -> None:
    shots = [
        *(shot for label in LABELS for shot in specimens_of(label, ["train"] * 5)),
        *specimens_of("Chironomus", ["train"]),
    ]
    run = make_run(tmp_path / "run", shots=shots, open_leaves=True)
    frame = pl.read_parquet(cross_fit(run, alike := Alike(len(shots)), 3))
    open_column = [leaf.name for leaf in run.taxonomy().leaves].index("Chironomus")
    assert sorted(len(tree.leaves) for tree in alike.trees) == [4, 5, 5]
    for number, tree in enumerate(alike.trees, start=1):
        y_prob = frame.filter(fold=str(number))["tree"].to_numpy()
        assert y_prob.shape[1] == 5
        assert (y_prob[:, open_column] > 0).all() == (len(tree.leaves) == 5)
        np.testing.assert_allclose(y_prob.sum(axis=1), 1, rtol=1e-6)


def test_a_specimen_of_the_test_subset_teaches_nothing(tmp_path: Path) -> None:
    shots = [shot for label in LABELS[:3] for shot in specimens_of(label, ["train", "train", "validation"])]
    shots += specimens_of("Orthocladius", ["train", "test"])
    run = make_run(tmp_path / "run", shots=shots)
    with pytest.raises(RunError, match="no specimen of Orthocladius is left to learn from"):
        cross_fit(run, Trainings(len(shots)), 3)


def test_there_are_no_more_folds_than_specimens(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    with pytest.raises(RunError, match="has 10 specimens to learn from, expected 11 or more for 11 folds; give fewer"):
        cross_fit(run, trainings := Trainings(len(SHOTS)), 11)
    assert trainings.asked == []
    cross_fit(run, trainings, 10)
    assert len(trainings.asked) == 10
