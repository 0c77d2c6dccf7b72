"""Tests of studies from Python; their commands have tests of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

import mentum
from mentum.errors import SettingsError
from mentum.studies import read_study
from support.drawn_data import write_drawn


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three specimens of each of three taxa."""
    return write_drawn(tmp_path_factory.mktemp("studies") / "data", per_taxon=(3, 3, 3), views=1)


SETTINGS = mentum.load_settings("quick", ["pixels.size=64", "stage1.views=1", "stage1.epochs=2"])


def test_a_cross_validation_from_python(data: Path, tmp_path: Path) -> None:
    both = mentum.crossvalidate(
        data, tmp_path / "cv", SETTINGS, folds=3, stage=1, cache=tmp_path / "cache", command="by hand"
    )
    found, calibration = both.scores, both.calibration

    assert (found.n_images, found.n_specimens, found.design, found.stage) == (9, 9, "3 folds by specimen", 1)
    assert sum(fold.n_images for fold in found.folds) == 9
    assert type(found).read(tmp_path / "cv" / "crossvalidation.json") == found
    assert type(calibration).read(tmp_path / "cv" / "calibration.json") == calibration
    study = read_study(tmp_path / "cv")
    assert (study.command, study.settings, study.mentum) == ("by hand", SETTINGS, mentum.__version__)


def test_unless_asked_otherwise_there_are_five_folds(data: Path, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"seed": 1})
    found = mentum.crossvalidate(data, tmp_path / "cv", settings, stage=1, cache=tmp_path / "cache").scores
    assert [fold.name for fold in found.folds] == ["1", "2", "3", "4", "5"]


def test_two_designs_at_once_are_refused_before_the_folder_is_taken(data: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="found both, expected one"):
        mentum.crossvalidate(
            data, tmp_path / "cv", SETTINGS, folds=3, leave_out="locality", stage=1, cache=tmp_path / "cache"
        )
    assert not (tmp_path / "cv").exists()


def test_a_learning_curve_from_python(data: Path, tmp_path: Path) -> None:
    found = mentum.learning_curve(data, tmp_path / "curve", SETTINGS, folds=3, cache=tmp_path / "cache")

    assert type(found).read(tmp_path / "curve" / "learning_curve.json") == found
    assert (tmp_path / "curve" / "figures" / "learning_curve.svg").is_file()
    assert read_study(tmp_path / "curve").design == "learning curve, 3 folds by specimen"
