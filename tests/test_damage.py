"""Tests of damaged runs and models: a sentence each, never a traceback, a hang, or another answer in silence."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import mentum
from mentum.errors import MentumError
from mentum.identification.identifier import Identifier
from mentum.model.folder import RECORD, Model, seal

Damage = Callable[[Path, random.Random], None]


def cut(file: Path, chance: random.Random) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: chance.randrange(len(content))])


def empty(file: Path, _: random.Random) -> None:
    file.write_bytes(b"")


def flip(file: Path, chance: random.Random) -> None:
    content = bytearray(file.read_bytes())
    for _ in range(max(1, len(content) // 200)):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    file.write_bytes(bytes(content))


def replace_by_another(file: Path, chance: random.Random) -> None:
    others = sorted(each for each in file.parent.iterdir() if each.is_file() and each != file)
    file.write_bytes(chance.choice(others).read_bytes() if others else b"GIF89a")


def nest(file: Path, _: random.Random) -> None:
    file.write_bytes(b'{"a":' * 10_000 + b"1" + b"}" * 10_000)


def make_folder(file: Path, _: random.Random) -> None:
    file.unlink()
    file.mkdir()


def make_pipe(file: Path, _: random.Random) -> None:
    file.unlink()
    os.mkfifo(file)


def remove(file: Path, _: random.Random) -> None:
    file.unlink()


DAMAGES: tuple[Damage, ...] = (cut, empty, flip, replace_by_another, nest, make_folder, make_pipe, remove)
RESULTS = (
    "run.json",
    "specimens.parquet",
    "evaluation.json",
    "stage1/predictions.parquet",
    "stage2/predictions.parquet",
)
MODEL = (RECORD, "calibration.csv", "density.npz", "model.onnx", "README.md", "samples")


def in_a_sentence(act: Callable[[], object]) -> str:
    """What an act on damaged files raises; "" where it goes through."""
    try:
        act()
    except (MentumError, OSError) as error:
        said = str(error)
        assert said, "an error says nothing"
        assert "Traceback" not in said
        return said
    return ""


@pytest.fixture(scope="module")
def unharmed(trained_run: Path, tmp_path_factory: pytest.TempPathFactory) -> object:
    """What an evaluation says of the run as it is."""
    return mentum.evaluate(shutil.copytree(trained_run, tmp_path_factory.mktemp("unharmed") / "run"))


@pytest.fixture
def run(trained_run: Path, tmp_path: Path) -> Path:
    copy = shutil.copytree(trained_run, tmp_path / "run")
    if not (copy / "evaluation.json").is_file():
        (copy / "evaluation.json").write_text("{}")
    return copy


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda each: each.__name__)
def test_a_damaged_file_of_a_run(run: Path, unharmed: object, name: str, damage: Damage) -> None:
    damage(run / name, random.Random(f"{name} {damage.__name__}"))  # noqa: S311 - of a test
    found: list[object] = []
    said = in_a_sentence(lambda: found.append(mentum.evaluate(run)))
    if not said and name != "evaluation.json":
        assert found == [unharmed] or damage is flip, "another result, in silence"
    if name == "evaluation.json":
        in_a_sentence(lambda: mentum.report(run))


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
