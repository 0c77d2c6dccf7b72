"""Tests of evidence from a run: the right images, the right maps, and files that say what they hold."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from mentum.errors import RunError
from mentum.explanation.gathering import gather_evidence, write_maps
from mentum.records import ignore_progress
from mentum.runs import Run
from mentum.specimens.run_images import open_images
from mentum.taxonomy import Rank
from mentum.training.predict import Predictor, map_geometry
from mentum.training.train import train_identifier
from support.drawn_data import tiny_settings, write_drawn

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gathering")


def trained(folder: Path, name: str, *overrides: str) -> Run:
    data = folder / "data"
    if not data.exists():
        # One specimen is labelled to genus only, where two species of the genus are named.
        write_drawn(data, per_taxon=(5, 5, 5, 5), views=2, genus_only=[("0-1", "Chironomus")])
    return train_identifier(data, folder / name, tiny_settings("pixels.size=64", *overrides), cache=folder / "cache")


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return trained(folder, "run")


@pytest.fixture(scope="module")
def separate(folder: Path) -> Run:
    return trained(folder, "separate", "head.kind=separate", "stage2.epochs=1")


def gather(run: Run, subset="all", ranks=(), network=None):
    images = open_images(run, subset, None, run.path.parent / "cache", ignore_progress)
    predictor = network or Predictor.open(run)
    return gather_evidence(images, predictor.explain, ranks, map_geometry(run), ignore_progress)


@pytest.mark.parametrize("kind", ["run", "separate"])
def test_probabilities_are_those_of_the_training(kind, request):
    run = request.getfixturevalue(kind)
    *_, stage = run.predictions()
    evidence = gather(run)
    assert list(evidence.ranks) == list(run.record().ranks) == [Rank.SPECIES, Rank.GENUS, Rank.SUBFAMILY]
    for rank, found in evidence.ranks.items():
        np.testing.assert_allclose(found.y_prob, stage.probabilities[rank], atol=1e-5)
        assert found.y_pred.tolist() == stage.probabilities[rank].argmax(1).tolist()


@pytest.mark.parametrize("kind", ["run", "separate"])
def test_maps_are_of_the_taxon_identified_of_the_label_and_of_the_second(kind, request):
    run = request.getfixturevalue(kind)
    evidence, predictor = gather(run), Predictor.open(run)
    straight = predictor.explain(evidence.pixels[slice(0, 40)])
    for rank, found in evidence.ranks.items():
        rows, known = np.arange(40), found.y_true >= 0
        maps, order = straight[rank].relevance, np.argsort(-straight[rank].y_prob, axis=1)
        np.testing.assert_allclose(found.relevance, maps[rows, order[:, 0]], atol=1e-4)
        np.testing.assert_allclose(found.runner_up_relevance, maps[rows, order[:, 1]], atol=1e-4)
        np.testing.assert_allclose(found.label_relevance[known], maps[rows[known], found.y_true[known]], atol=1e-4)


def test_a_label_above_the_rank_leaves_its_map_open(run):
    found = gather(run).ranks
    open_images_ = found[Rank.SPECIES].y_true < 0
    assert np.count_nonzero(open_images_) == 2
    assert np.isnan(found[Rank.SPECIES].label_relevance[open_images_]).all()
    assert not np.isnan(found[Rank.GENUS].label_relevance).any()
    assert not (found[Rank.SPECIES].correct | found[Rank.SPECIES].incorrect)[open_images_].any()


def test_a_subset_has_its_own_images(run):
    whole, part = gather(run), gather(run, "validation")
    assert set(part.subsets.tolist()) == {"validation"}
    assert part.file_names == [
        name for name, subset in zip(whole.file_names, whole.subsets, strict=True) if subset == "validation"
    ]
    rows = np.flatnonzero(whole.subsets == "validation")
    np.testing.assert_array_equal(part.pixels[0], whole.pixels[int(rows[0])])
    assert len(list(part.pixels)) == len(part.pixels) == len(part.file_names)
    assert part.sizes.tolist() == [[40, 32]] * len(part.file_names)


def test_chosen_ranks_only(run):
    assert list(gather(run, ranks=[Rank.GENUS]).ranks) == [Rank.GENUS]


def test_a_rank_that_is_not_reported_is_refused(run):
    with pytest.raises(RunError, match="does not report family; expected some of species, genus, subfamily"):
        gather(run, ranks=[Rank.FAMILY])


def test_geometry_is_measured_once_and_kept(run):
    geometry = map_geometry(run)
    assert run.record().backbone.map_geometry == geometry
    assert (geometry.size, geometry.cells, geometry.stride) == (64, 8, 8)
    shutil.move(run.path / "backbone", run.path / "elsewhere")
    try:
        assert map_geometry(run) == geometry
    finally:
        shutil.move(run.path / "elsewhere", run.path / "backbone")


def test_random_weights_change_the_maps_and_not_the_network(run):
    predictor = Predictor.open(run)
    pixels = gather(run).pixels[slice(0, 4)]
    before = predictor.explain(pixels)[Rank.SPECIES].relevance
    for last_block in (False, True):
        other = predictor.randomised(last_block=last_block, seed=0).explain(pixels)[Rank.SPECIES].relevance
        assert not np.allclose(other, before, atol=1e-3)
    np.testing.assert_array_equal(predictor.explain(pixels)[Rank.SPECIES].relevance, before)


def test_maps_are_stored_with_what_they_mean(run, tmp_path):
    evidence = gather(run)
    files = write_maps(evidence, tmp_path / "relevance")
    assert [file.name for file in files] == ["species.npz", "genus.npz", "subfamily.npz"]
    with np.load(files[0], allow_pickle=False) as stored:
        np.testing.assert_array_equal(stored["relevance"], evidence.ranks[Rank.SPECIES].relevance)
        assert stored["file_name"].tolist() == evidence.file_names
        assert stored["label"].tolist().count("") == 2
        assert float(stored["stride"]) == 8
    assert not list((tmp_path / "relevance").glob("*.part"))


def test_images_that_have_gone_are_asked_for(run, tmp_path):
    with pytest.raises(RunError, match=r"40 of the 40 images .* give --data the folder or table that holds them now"):
        open_images(run, "all", tmp_path, tmp_path, ignore_progress)


def test_moved_images_are_found_by_table_or_folder(run, tmp_path):
    moved = shutil.copytree(run.path.parent / "data", tmp_path / "moved")
    for given in (moved, moved / "specimens.csv"):
        images = open_images(run, "train", given, tmp_path / "cache", ignore_progress)
        assert images.root == moved


def test_changed_images_are_refused(run, tmp_path):
    moved = shutil.copytree(run.path.parent / "data", tmp_path / "moved")
    first, second, *_ = sorted((moved / "images").iterdir())
    shutil.copy(second, first)
    with pytest.raises(RunError, match=r"are not those that .* was trained on, or have changed since"):
        open_images(run, "all", moved, tmp_path / "cache", ignore_progress)


def test_an_empty_subset_is_refused(run):
    with pytest.raises(RunError, match="has no test images; choose another --subset"):
        gather(run, "test")
