"""Tests of translated networks: they say what the trained ones say, and leave nothing behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mentum.model.folder import Model
from mentum.records import Progress
from mentum.runs import Run
from mentum.training.compiled import LEAST_IMAGES, CompiledPredictor, open_predictor
from mentum.training.predict import Predictor


def squares(n: int) -> np.ndarray:
    return np.random.default_rng(n).integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", ["tree", "separate"])
def test_translated_networks_say_what_the_trained_ones_say(request: pytest.FixtureRequest, kind: str) -> None:
    run, folder = ("trained_run", "released") if kind == "tree" else ("separate_run", "separate_model")
    opened = Run.open(request.getfixturevalue(run))
    model = Model.open(request.getfixturevalue(folder))
    compiled, predictor = CompiledPredictor(opened, opened.taxonomy(), model.session), Predictor.open(opened)
    found, expected = compiled(squares(5)), predictor(squares(5))
    assert list(found) == list(expected)
    for rank, y_prob in expected.items():
        np.testing.assert_allclose(found[rank], y_prob, atol=1e-5)
    for rank, evidence in predictor.explain(squares(3)).items():
        np.testing.assert_allclose(compiled.explain(squares(3))[rank].relevance, evidence.relevance, atol=1e-5)


def test_few_images_are_asked_of_the_trained_networks_themselves(trained_run: Path) -> None:
    with open_predictor(Run.open(trained_run), LEAST_IMAGES - 1, pytest.fail) as predictor:
        assert isinstance(predictor, Predictor)


def test_many_images_are_asked_of_translated_ones_which_then_are_gone(trained_run: Path) -> None:
    run, told = Run.open(trained_run), list[Progress]()
    before = sorted(trained_run.rglob("*"))
    with open_predictor(run, LEAST_IMAGES, told.append) as predictor:
        assert isinstance(predictor, CompiledPredictor)
        (rank, y_prob), *_ = Predictor.open(run)(squares(4)).items()
        np.testing.assert_allclose(predictor(squares(4))[rank], y_prob, atol=1e-5)
        assert predictor.randomised(last_block=False, seed=0)(squares(1))
    assert sorted(trained_run.rglob("*")) == before
    assert [each.done for each in told] == [0, 1]
