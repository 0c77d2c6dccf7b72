"""Tests of a recipe once more: the same images or none, another tree, nothing left behind, the same numbers."""

from __future__ import annotations

import csv
import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mentum.errors import RunError
from mentum.model.session import Outputs
from mentum.network.backbones import reopen_backbone
from mentum.records import Progress, ignore_progress
from mentum.runs import Run
from mentum.specimens.folds import Fold
from mentum.taxonomy import Taxonomy
from mentum.training.retraining import Retraining
from support.drawn_data import draw_taxon

PLUMOSUS, RIPARIUS, LAETUM, ORTHOCLADIUS = range(4)


@pytest.fixture(scope="module")
def run(trained_run: Path) -> Run:
    return Run.open(trained_run)


@pytest.fixture(scope="module")
def again(run: Run) -> Retraining:
    return Retraining.of_run(run, None, run.path.parent / "cache", ignore_progress)


def whole(again: Retraining) -> Fold:
    """All that the run learned."""
    return Fold("whole", again.prepared.subsets, again.prepared.taxonomy)


def without(again: Retraining, leaf: int) -> Fold:
    """Subsets and tree without one taxon."""
    leaves = again.prepared.taxonomy.leaves
    left_out = [label.is_within(leaves[leaf]) for label in again.prepared.table.labels]
    subsets = np.where(left_out, "left out", again.prepared.subsets).astype(str)
    return Fold("without", subsets, Taxonomy(tuple(each for each in leaves if each != leaves[leaf])))


def hashes(folder: Path) -> dict[str, str]:
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def assert_same(one: Outputs, other: Outputs) -> None:
    """Bit for bit."""
    assert {name: each.tobytes() for name, each in one.y_prob.items()} == {
        name: each.tobytes() for name, each in other.y_prob.items()
    }
    assert one.features.tobytes() == other.features.tobytes()


# The images


def test_the_images_of_a_run_are_found_again(again: Retraining, run: Run) -> None:
    assert again.prepared.table.file_names == run.table()["file_name"].to_list()
    assert list(again.prepared.table.labels) == run.labels()
    assert again.prepared.subsets.tolist() == run.table()["subset"].to_list()
    assert again.prepared.taxonomy == run.taxonomy()
    assert len(again.prepared.pixels.pixels) == 20


def test_they_may_have_moved(trained_run: Path, trained_data: Path, tmp_path: Path) -> None:
    shutil.copytree(trained_data, tmp_path / "moved")
    opened = Retraining.of_run(Run.open(trained_run), tmp_path / "moved", tmp_path / "cache", ignore_progress)
    assert opened.prepared.table.root == tmp_path / "moved"


def draw_another(data: Path) -> None:
    draw_taxon(0, 999).save(data / "images" / "0-0-0.png")


def change(data: Path, column: str, value: str) -> None:
    with (data / "specimens.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0][column] = value
    with (data / "specimens.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


RELABELLED = (
    r"1 images \(images/0-0-0.png is the first\) have another label, lineage or specimen than when .* was trained"
)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (draw_another, "the images are not those that .* was trained on, or have changed since; .* give --data"),
        (lambda data: change(data, "scientificName", "Orthocladius"), RELABELLED),
        (lambda data: change(data, "catalogNumber", "new"), RELABELLED),
    ],
    ids=["images", "labels", "specimens"],
)
def test_other_images_or_labels_are_refused(
    trained_run: Path, trained_data: Path, tmp_path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    data = tmp_path / "data"
    shutil.copytree(trained_data, data)
    spoil(data)
    with pytest.raises(RunError, match=message):
        Retraining.of_run(Run.open(trained_run), data, tmp_path / "cache", ignore_progress)


# The top classifier alone


def test_the_top_classifier_learns_the_smaller_tree(again: Retraining, run: Run) -> None:
    part = without(again, LAETUM)
    outputs = again.train_head(part)
    assert (list(outputs.y_prob), outputs.y_prob["tree"].shape, outputs.relevance) == (["tree"], (20, 3), {})
    np.testing.assert_allclose(outputs.y_prob["tree"].sum(axis=1), 1, atol=1e-6)
    assert outputs.features.shape == (20, 16)
    learned = part.rows("train")
    expected = [part.taxonomy.leaves.index(label) for label in np.array(run.labels(), dtype=object)[learned]]
    assert (outputs.y_prob["tree"][learned].argmax(axis=1) == expected).mean() >= 0.9


def test_the_same_subsets_give_the_same_top_classifier(again: Retraining, run: Run) -> None:
    part = without(again, RIPARIUS)
    first = again.train_head(part)
    again.train_head(without(again, PLUMOSUS))
    assert_same(first, again.train_head(part))
    reopened = Retraining.of_run(run, None, run.path.parent / "cache", ignore_progress)
    assert_same(first, reopened.train_head(part))


def test_images_that_are_not_taught_do_not_matter(again: Retraining) -> None:
    """As the taxon left out does not, whatever it is called."""
    part = without(again, ORTHOCLADIUS)
    shown = replace(part, subsets=np.where(part.subsets == "left out", "train", part.subsets))
    assert_same(again.train_head(part), again.train_head(shown))


def test_separate_networks_learn_the_smaller_trees(separate_run: Path) -> None:
    """Without Orthocladius there is only one subfamily, and nothing to learn at that rank."""
    opened = Retraining.of_run(Run.open(separate_run), None, separate_run.parent / "cache", ignore_progress)
    shapes = []
    for leaf in (PLUMOSUS, ORTHOCLADIUS):
        outputs = opened.train_head(without(opened, leaf))
        shapes.append({name: each.shape for name, each in outputs.y_prob.items()})
        for each in outputs.y_prob.values():
            np.testing.assert_allclose(each.sum(axis=1), 1, atol=1e-6)
    assert shapes == [{"species": (20, 3), "subfamily": (20, 2)}, {"species": (20, 3)}]


# Both stages


@pytest.fixture(scope="module")
def trained(again: Retraining, run: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outputs, Path, bool]:
    """Both stages without Orthocladius; where that took place; whether the run stayed as it was."""
    out, before = tmp_path_factory.mktemp("again") / "novelty" / "without", hashes(run.path)
    outputs = again.train_once(without(again, ORTHOCLADIUS), out)
    return outputs, out, hashes(run.path) == before


def test_all_images_are_looked_at(trained: tuple[Outputs, Path, bool]) -> None:
    outputs, _, _ = trained
    assert (list(outputs.y_prob), outputs.y_prob["tree"].shape, outputs.relevance) == (["tree"], (20, 3), {})
    np.testing.assert_allclose(outputs.y_prob["tree"].sum(axis=1), 1, atol=1e-6)
    assert outputs.features.shape == (20, 16)
    assert np.isfinite(outputs.features).all()


def test_only_the_numbers_are_left_of_it(trained: tuple[Outputs, Path, bool]) -> None:
    _, out, unchanged = trained
    assert not out.exists()
    assert unchanged


def test_features_are_those_of_the_trained_network(trained: tuple[Outputs, Path, bool], again: Retraining) -> None:
    outputs, _, _ = trained
    frozen = again.train_head(without(again, ORTHOCLADIUS))
    assert np.abs(outputs.features - frozen.features).max() > 1e-3


def test_an_interrupted_training_is_taken_up_and_ends_as_if_nothing_had_been(
    trained: tuple[Outputs, Path, bool], again: Retraining, tmp_path: Path
) -> None:
    seen: list[str] = []

    def interrupt(progress: Progress) -> None:
        if progress.task == "stage 2, tree: epoch 2/3":
            raise KeyboardInterrupt
        seen.append(progress.task)

    part = without(again, ORTHOCLADIUS)
    with pytest.raises(KeyboardInterrupt):
        replace(again, report=interrupt).train_once(part, tmp_path / "without")
    assert Run(tmp_path / "without").record().status == "running"
    assert "stage 1, tree: top classifier" in seen

    seen.clear()
    taken_up = replace(again, report=lambda progress: seen.append(progress.task))
    outputs = taken_up.train_once(part, tmp_path / "without")

    assert list(tmp_path.iterdir()) == []
    assert "stage 1, tree: top classifier" not in seen
    assert_same(outputs, trained[0])


def test_a_training_that_ended_just_before_is_only_looked_at(again: Retraining, run: Run, tmp_path: Path) -> None:
    """Killed after its last epoch: here the run itself, under another name."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("trained once more")

    shutil.copytree(run.path, tmp_path / "done")
    outputs = replace(again, train_stages=refuse).train_once(whole(again), tmp_path / "done")
    *_, last = run.predictions()
    np.testing.assert_allclose(outputs.y_prob["tree"], last.probabilities[again.prepared.taxonomy.ranks[0]], atol=1e-5)
    assert not (tmp_path / "done").exists()


def test_a_folder_of_something_else_is_refused(again: Retraining, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="found other files, expected a new or empty folder"):
        again.train_once(whole(again), tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("source", ["random", "elsewhere"])
def test_the_backbone_is_that_of_before_any_training(run: Run, tmp_path: Path, source: str) -> None:
    """A random one is drawn anew, as its normalisations were set from images that are now left out."""
    asked = []

    def stop(*_: object, backbone: Callable[[], object], **__: object) -> None:
        asked.append(backbone())
        raise InterruptedError

    shutil.copytree(run.path, tmp_path / "run")
    settings = run.record().settings
    given = settings.backbone.model_copy(update={"source": source})
    Run(tmp_path / "run").update(settings=settings.model_copy(update={"backbone": given}))
    again = Retraining.of_run(Run.open(tmp_path / "run"), None, run.path.parent / "cache", ignore_progress)
    with pytest.raises(InterruptedError):
        replace(again, train_stages=stop).train_once(whole(again), tmp_path / "never")
    kept, found = reopen_backbone(run.path / "backbone"), asked[0]
    assert (found.weights_hash() == kept.weights_hash()) is (source == "elsewhere")
    pairs = zip(kept.network.parameters(), found.network.parameters(), strict=True)
    assert all(one.equal(other) for one, other in pairs)


def test_a_kill_while_tidying_leaves_no_half_of_a_training(
    again: Retraining, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remove_half(folder: Path, **_: object) -> None:
        if folder.is_dir():
            (folder / "run.json").unlink()
            raise KeyboardInterrupt

    shutil.copytree(run.path, tmp_path / "done")
    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", remove_half)
        with pytest.raises(KeyboardInterrupt):
            again.train_once(whole(again), tmp_path / "done")
    assert not (tmp_path / "done").exists()
    shutil.copytree(run.path, tmp_path / "done")
    again.train_once(whole(again), tmp_path / "done")
    assert list(tmp_path.iterdir()) == []
