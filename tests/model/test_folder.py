"""Tests of the model folder: what opens, what is refused, and the seal."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from mentum.errors import ModelError
from mentum.model.folder import Model, seal
from support.models_by_hand import make_model
from support.runs_by_hand import make_run


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return make_model(tmp_path / "model")


def test_a_folder_opens_with_its_record(model: Model) -> None:
    opened = Model.open(model.path)
    assert (opened.path, opened.record) == (model.path, model.record)
    assert opened.changed_files() == []
    assert Model.open(str(model.path)).path == model.path


def test_every_file_is_listed_with_its_hash(model: Model) -> None:
    expected = {
        file.relative_to(model.path).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in model.path.rglob("*") if file.is_file() and file.name != "model.json"
    }  # fmt: skip
    assert model.record.files == expected
    assert set(expected) == {"tree.onnx", "calibration.csv", "density.npz"}


def test_the_seal_is_the_hash_of_the_record_with_zeros_in_its_place(model: Model) -> None:
    text = (model.path / "model.json").read_text("utf-8")
    blank = text.replace(model.record.seal, "0" * 64)
    assert blank.count("0" * 64) >= 1
    assert hashlib.sha256(blank.encode()).hexdigest() == model.record.seal


def test_sealing_again_changes_nothing(model: Model) -> None:
    before = (model.path / "model.json").read_bytes()
    assert seal(model.record, model.path) == model.record
    assert (model.path / "model.json").read_bytes() == before


def test_another_version_has_another_seal(model: Model, tmp_path: Path) -> None:
    assert make_model(tmp_path / "again").record.seal == model.record.seal
    assert make_model(tmp_path / "other", version="2.1").record.seal != model.record.seal


@pytest.mark.parametrize("name", ["tree.onnx", "calibration.csv", "density.npz"])
def test_what_identifies_is_checked_whenever_a_model_is_opened(model: Model, name: str) -> None:
    file = model.path / name
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(ModelError, match=rf"{name}: changed since the release \(sha256 \w+…, expected \w+…\); copy"):
        Model.open(model.path)
    file.unlink()
    with pytest.raises(ModelError, match=rf"{name}: not found, expected a file of the model; copy the model folder"):
        Model.open(model.path)


def test_other_files_do_not_keep_a_model_from_identifying(model: Model) -> None:
    (model.path / "notes.txt").write_text("mine")
    assert Model.open(model.path).changed_files() == [
        f"{model.path / 'notes.txt'}: not listed in model.json, expected only the files of the release; remove it."
    ]


def test_a_run_is_no_model(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run").path
    with pytest.raises(ModelError, match=r"found a training, expected a model; run: mentum export .*run --out MODEL"):
        Model.open(run)


@pytest.mark.parametrize("name", ["gone", "."])
def test_a_folder_without_a_record(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match=r"found no model.json, expected a model folder; give the --out of `mentum"):
        Model.open(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b'{"seal": "' + b"0" * 64 + b'"}'])
def test_a_record_without_its_seal(model: Model, content: bytes) -> None:
    (model.path / "model.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"model.json: changed since the release, its seal does not fit"):
        Model.open(model.path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": 2}, r"\(schema_version: Input should be 1\)"),
        ({"colour": "red"}, r"\(colour: Extra inputs are not permitted\)"),
        ({"name": ""}, r"\(name: String should have at least 1 character\)"),
    ],
)
def test_a_record_of_another_version_of_mentum(model: Model, changes: dict[str, object], message: str) -> None:
    file = model.path / "model.json"
    record = json.loads(file.read_text("utf-8")) | changes | {"seal": "0" * 64}
    text = json.dumps(record, indent=2)
    text = re.sub(r'"seal": "0+"', f'"seal": "{hashlib.sha256(text.encode()).hexdigest()}"', text)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=rf"model.json: not readable by this version of Mentum {message}; install"):
        Model.open(model.path)
