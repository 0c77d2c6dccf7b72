"""Tests of a training that crops to the specimen, and of all that is made of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import mentum
from mentum.explanation.annotation.characters import read_annotations
from mentum.explanation.gathering import read_maps
from mentum.explanation.proposals.propose import read_proposals
from mentum.identification.identifier import Identifier
from mentum.model.folder import Model
from mentum.records import ignore_progress
from mentum.runs import Run
from mentum.specimens.pixels import read_square
from mentum.specimens.run_images import open_images
from mentum.taxonomy import Rank
from support.drawn_data import tiny_settings
from support.pictured_specimens import GROUND, write_pictured

SETTINGS = tiny_settings("pixels.size=48", "pixels.crop=specimen", "pixels.margin=0.15")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("cropping")
    return mentum.train(write_pictured(folder / "data"), folder / "run", SETTINGS, cache=folder / "cache")


@pytest.fixture(scope="module")
def model(run: Run) -> Model:
    folder = run.path.parent
    return mentum.export(run, folder / "model", cache=folder / "cache").model


@pytest.fixture
def explained(run: Run, tmp_path: Path) -> Run:
    """The run, explained in a copy by outlined characters."""
    copied = Run(shutil.copytree(run.path, tmp_path / "run"))
    data = run.path.parent / "data"
    mentum.explain(
        copied, characters=data / "characters.coco.json", subset="all", fast=True, cache=run.path.parent / "cache"
    )
    return copied


def test_the_crop_is_on_record(run: Run, model: Model) -> None:
    (said,) = run.record().data.warnings[:1]
    assert "11 of 12 images are cropped to the specimen as found by its colour; in 1 none was found" in said
    for pixels in (run.record().settings.pixels, model.record.pixels):
        assert (pixels.crop, pixels.margin) == ("specimen", 0.15)
    assert "cropped to the specimen" in (model.path / "README.md").read_text("utf-8")


def test_a_model_sees_what_the_training_saw(run: Run, model: Model) -> None:
    data = run.path.parent / "data"
    assert mentum.verify(model).faults == ()
    predictions = list(run.predictions())[-1]
    found = Identifier(model).predict_proba([data / name for name in predictions.file_names], "species")
    shown = [each.argmax() for each in found]
    assert shown == predictions.probabilities[Rank.SPECIES].argmax(axis=1).tolist()


def test_an_image_without_a_specimen_is_used_whole_and_says_so(run: Run, model: Model) -> None:
    data = run.path.parent / "data"
    done = mentum.identify(model.path, [data / "images" / "0.png", data / "images" / "11.png"])
    cropped, whole = done.identifications
    assert done.n_uncropped == whole.n_uncropped == 1
    assert whole.reason.endswith("no specimen was found in the picture by its colour, so nothing was cropped there")
    assert (cropped.n_uncropped, "cropped" in cropped.reason) == (0, False)
    assert "n_uncropped" not in cropped.model_dump_json()


def test_a_picture_of_an_identification_has_its_heat_where_the_network_looked(run: Run, model: Model) -> None:
    file = run.path.parent / "data" / "images" / "0.png"
    figure = Identifier(model).show(file)
    heat = figure.axes[1].images[1]
    box = read_square(file, model.record.pixels).placement.shown
    assert heat.get_extent() == pytest.approx([box[0] / 400, box[2] / 400, 1 - box[3] / 300, 1 - box[1] / 300])


def test_maps_and_outlines_lie_on_the_crop(explained: Run, run: Run) -> None:
    images = open_images(explained, "all", None, run.path.parent / "cache", ignore_progress)
    maps = read_maps(explained, Rank.SPECIES)
    assert maps is not None
    assert maps.boxes == images.boxes | {"images/11.png": (0, 0, 400, 300)}
    annotations = read_annotations(images.root / "characters.coco.json", images.table_files, images.root)
    laid = annotations.cropped(images.boxes)
    for row, name in enumerate(images.table_files[:11]):
        mark = laid.masks(name, 48)[0] > 0.99
        pixels = images.pixels[row].astype(int)
        assert mark.sum() > annotations.masks(name, 48)[0].sum() * 3
        assert (np.abs(pixels[mark] - GROUND).max(axis=1) > 60).all()
        assert (pixels[mark].max(axis=1) - pixels[mark].min(axis=1) > 100).all()  # of a bright colour


def test_proposals_keep_the_crop_of_each_image(run: Run, tmp_path: Path) -> None:
    copied = Run(shutil.copytree(run.path, tmp_path / "run"))
    mentum.explain(copied, subset="all", cache=run.path.parent / "cache")
    boxes = {image.file_name: image.box for image in read_proposals(copied.path).images}
    assert [name for name, box in boxes.items() if box is None] == ["images/11.png"]
