"""A whole path on real images with a pretrained backbone; skipped where these are not on the machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mentum.explanation.annotation.characters import read_annotations
from mentum.explanation.character_use import Asked, explain_characters
from mentum.explanation.gathering import gather_evidence
from mentum.identification.identifier import Identifier
from mentum.records import ignore_progress
from mentum.runs import Run
from mentum.settings import load_settings
from mentum.specimens.run_images import open_images
from mentum.taxonomy import Rank
from mentum.training.predict import Predictor, map_geometry
from mentum.training.train import train_identifier
from mentum.workflows.export import export
from mentum.workflows.verify import verify
from support.data_sets import REAL_DATA, real_data
from support.runs_by_hand import store_scores

WEIGHTS = REAL_DATA.parent / "weights" / "mobilenet-v2-imagenet"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Ten taxa of midges, five images each, one epoch of fine-tuning at 96 px."""
    data, folder = real_data("chiro10"), tmp_path_factory.mktemp("real")
    if not WEIGHTS.is_dir():
        pytest.skip("the weights mobilenet-v2-imagenet are not on this machine")
    overrides = ["device=cpu", "threads=1", "pixels.size=96", "stage1.views=1", "stage2.epochs=1"]
    settings = load_settings("default", [*overrides, f'backbone.source="{WEIGHTS.as_posix()}"'])
    return train_identifier(data, folder / "run", settings, cache=folder / "cache")


def test_training_from_pretrained_weights(run: Run) -> None:
    record = run.record()
    assert record.backbone is not None
    assert (record.backbone.architecture, record.backbone.pretrained) == ("mobilenet_v2", True)
    assert (len(record.taxa), record.data.counts) == (10, {"train": (40, 40), "validation": (10, 10)})
    first, second = record.stages
    assert first.moved == 0
    assert second.moved < 0.1
    assert (second.moved == 0) == (
        second.best_epoch == 0
    )  # one epoch may bring nothing; then stage 1's network is kept


def test_the_top_classifier_tells_genera_better_than_chance(run: Run) -> None:
    (row,) = [
        row for row in store_scores(run).table
        if (row.stage, row.rank, row.subset) == ("top classifier", Rank.GENUS, "validation")
    ]  # fmt: skip
    genera = [label.at(Rank.GENUS) for label in run.labels()]
    most_frequent = max(genera.count(genus) for genus in genera) / len(genera)
    assert row.n_images == 10
    assert row.accuracy > most_frequent


def test_a_released_model_identifies_images_as_the_training_did(run: Run, tmp_path: Path) -> None:
    data, cache = real_data("chiro10"), run.path.parent / "cache"
    *_, stage = run.predictions()

    model = export(run, tmp_path / "model", name="chiro10", version="1", cache=cache).model
    found = Identifier(model).identify([data / name for name in stage.file_names[:12]])

    assert model.record.networks[0].parity < 1e-5
    assert verify(model).faults == ()
    temperature = model.record.networks[0].temperature
    scaled = stage.probabilities[Rank.SPECIES][:12].astype(np.float64) ** (1 / temperature)
    y_prob = scaled / scaled.sum(1, keepdims=True)
    names = [taxon.name for taxon in run.taxonomy().taxa(Rank.SPECIES)]
    for row, image in enumerate(found):
        assert Path(image.file_names[0]).is_file()
        assert image.ranks[0].scientific_name == names[y_prob[row].argmax()]
        np.testing.assert_allclose(image.ranks[0].probability, y_prob[row].max(), atol=1e-3)


def test_characters_of_real_images(run: Run) -> None:
    data, cache = real_data("chiro10"), run.path.parent / "cache"
    images = open_images(run, "all", None, cache, ignore_progress)
    annotations = read_annotations(data / "characters.coco.json", images.table_files, images.root)
    predictor = Predictor.open(run)
    evidence = gather_evidence(images, predictor.explain, (), map_geometry(run), ignore_progress)

    explanation = explain_characters(
        run, evidence, annotations, predictor, Asked(occluded=2), ignore_progress
    ).explanation

    assert explanation.characters == (
        "mentum", "ventromental_plate", "mandible", "submentum", "postoccipital_margin",
    )  # fmt: skip
    assert {share.rank for share in explanation.shares} == {Rank.SPECIES, Rank.GENUS, Rank.SUBFAMILY}
    whole = [share for share in explanation.shares if share.taxon is None and share.group == "correct"]
    for rank in (Rank.SPECIES, Rank.GENUS, Rank.SUBFAMILY):
        at_rank = [share for share in whole if share.rank == rank]
        assert sum(share.mass or 0 for share in at_rank) == pytest.approx(1)
        assert sum(share.used for share in at_rank) == pytest.approx(1)
    assert any("hardly told from their neighbours" in warning for warning in explanation.warnings)
