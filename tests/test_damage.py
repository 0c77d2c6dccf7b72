"""Tests of damaged runs and models: a sentence each, never a traceback, a hang, or another answer in silence."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import mentum
from mentum.identification.identifier import Identifier
from mentum.model.folder import RECORD, Model, seal
from mentum.runs import Run
from support.damages import (
    Damage,
    cut,
    empty,
    flip,
    in_a_sentence,
    make_folder,
    make_pipe,
    nest,
    remove,
    replace_by_another,
)

DAMAGES: tuple[Damage, ...] = (cut, empty, flip, replace_by_another, nest, make_folder, make_pipe, remove)
RESULTS = (
    "run.json",
    "specimens.parquet",
    "stage1/predictions.parquet",
    "stage2/predictions.parquet",
)
MODEL = (RECORD, "calibration.csv", "density.npz", "model.onnx", "README.md", "samples")


@pytest.fixture
def run(evaluated_run: Path, tmp_path: Path) -> Path:
    return shutil.copytree(evaluated_run, tmp_path / "run")


def predicted(run: Path) -> dict[str, list[object]]:
    """What a run says of its images, as every reader of it is told."""
    return {
        stage.stage: [*stage.subsets.tolist(), *stage.labels, *(each.tolist() for each in stage.probabilities.values())]
        for stage in Run.open(run).predictions()
    }


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda each: each.__name__)
def test_a_damaged_file_of_a_run(run: Path, name: str, damage: Damage) -> None:
    unharmed = predicted(run)
    damage(run / name, random.Random(f"{name} {damage.__name__}"))  # noqa: S311 - of a test
    found: list[object] = []
    said = in_a_sentence(lambda: found.append(predicted(run)))
    assert said or found == [unharmed] or damage is flip, "another result, in silence"
    if said:
        assert in_a_sentence(lambda: mentum.evaluate(run)) == said


@pytest.mark.parametrize("name", ["evaluation.json", "calibration.json"])
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda each: each.__name__)
def test_a_damaged_file_of_an_evaluation(run: Path, name: str, damage: Damage) -> None:
    damage(run / name, random.Random(f"{name} {damage.__name__}"))  # noqa: S311 - of a test
    said = in_a_sentence(lambda: mentum.report(run))
    assert said.count(name) == 1 or not said
    assert said or name == "calibration.json" or damage is flip  # without it, the report says what to run


@pytest.fixture
def model(released: Path, tmp_path: Path) -> Path:
    return shutil.copytree(released, tmp_path / "model")


def first_file(model: Path, name: str) -> Path:
    return sorted((model / name).iterdir())[0] if (model / name).is_dir() else model / name


@pytest.mark.parametrize("name", MODEL)
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda each: each.__name__)
def test_a_damaged_file_of_a_model_is_found_out(model: Path, name: str, damage: Damage) -> None:
    damage(first_file(model, name), random.Random(f"{name} {damage.__name__}"))  # noqa: S311 - of a test
    found: list[tuple[str, ...]] = []
    said = in_a_sentence(lambda: found.append(mentum.verify(model).faults))
    assert said or any(found)


@pytest.mark.parametrize("name", ["calibration.csv", "density.npz", "model.onnx"])
@pytest.mark.parametrize("damage", [cut, empty, flip, replace_by_another], ids=lambda each: each.__name__)
def test_a_damaged_file_that_was_sealed_again(model: Path, trained_data: Path, name: str, damage: Damage) -> None:
    record = Model.open(model).record
    damage(model / name, random.Random(f"{name} {damage.__name__}"))  # noqa: S311 - of a test
    seal(record, model)
    image = sorted((trained_data / "images").iterdir())[0]

    def identify() -> None:
        identifier = Identifier(model)
        identifier.require_whole()
        (found,) = identifier.identify(image)
        json.loads(found.model_dump_json())

    in_a_sentence(identify)
    in_a_sentence(lambda: mentum.verify(model))


@pytest.mark.parametrize(
    "changes",
    [
        {"taxa": lambda taxa: taxa[:-1]},
        {"taxa": lambda taxa: [*taxa, taxa[0]]},
        {"verbatim": lambda names: names[:-1]},
        {"ranks": lambda ranks: [*ranks, ranks[0]]},
        {"ranks": lambda _: []},
        {"networks": lambda networks: [{**networks[0], "file": "../outside.onnx"}]},
        {"networks": lambda networks: [{**networks[0], "file": "/etc/passwd"}]},
        {"networks": lambda networks: [{**networks[0], "temperature": 0.0}]},
        {"networks": lambda networks: [{**networks[0], "temperature": -1.0}]},
        {"networks": lambda networks: [*networks, networks[0]]},
        {"networks": lambda _: []},
    ],
)
def test_a_model_whose_parts_do_not_fit_is_refused_though_its_seal_does(
    model: Path, changes: dict[str, Callable[[list[object]], list[object]]]
) -> None:
    content = json.loads((model / RECORD).read_text("utf-8"))
    for key, change in changes.items():
        content[key] = change(content[key])
    blank = json.dumps(content | {"seal": "0" * 64}, indent=2)
    seal_of_forger = hashlib.sha256(blank.encode()).hexdigest()
    (model / RECORD).write_text(blank.replace("0" * 64, seal_of_forger), encoding="utf-8")
    found: list[tuple[str, ...]] = []
    said = in_a_sentence(lambda: found.append(mentum.verify(model).faults))
    assert said or any(found)
