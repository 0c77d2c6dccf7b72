"""Tests of verification: no byte of a model folder changes unnoticed, and the samples get their answers again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from mentum.model.folder import Model, seal
from mentum.model.record import SampleRecord
from mentum.model.session import Outputs
from mentum.workflows.verify import TOLERANCE, verify
from support.command_line import Command
from support.models_by_hand import write_level

FILES = (
    "README.md", "calibration.json", "calibration.csv", "density.npz", "figures/reliability.png",
    "figures/reliability.svg", "figures/risk_coverage.png", "figures/risk_coverage.svg", "model.json", "model.onnx",
    "network.safetensors", "samples/1.png", "samples/2.png", "samples/3.png", "samples/4.png",
)  # fmt: skip
"""All that `released` holds."""


@pytest.fixture
def copy(released: Path, tmp_path: Path) -> Path:
    """A model folder to spoil."""
    return Path(shutil.copytree(released, tmp_path / "copy"))


def flip(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


def test_a_model_as_released(released: Path) -> None:
    found = verify(Model.open(released))
    assert (found.n_files, found.n_samples, found.faults) == (len(FILES) - 1, 4, ())
    assert found.largest < 1e-6


def test_a_copy_is_the_same_model(copy: Path) -> None:
    assert verify(Model.open(copy)).faults == ()


def test_the_files_of_a_model(released: Path) -> None:
    found = {file.relative_to(released).as_posix() for file in released.rglob("*") if file.is_file()}
    assert found == set(FILES)


@pytest.mark.parametrize("share", [0, 0.5, 1], ids=["first", "middle", "last"])
@pytest.mark.parametrize("name", FILES)
def test_a_changed_byte_is_noticed(mentum_: Command, copy: Path, name: str, share: float) -> None:
    file = copy / name
    flip(file, round(share * (file.stat().st_size - 1)))
    found = mentum_("verify", copy)
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith(f"mentum: {file}: changed since the release")
    assert found.err.count("\n") == 1


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_noticed(mentum_: Command, copy: Path, name: str) -> None:
    (copy / name).unlink()
    found = mentum_("verify", copy)
    assert (found.code, found.out) == (2, "")
    assert name in found.err
    assert "expected a" in found.err


@pytest.mark.parametrize("name", ["more.bin", "samples/5.png", ".DS_Store"])
def test_a_file_that_was_not_released_is_noticed(mentum_: Command, copy: Path, name: str) -> None:
    (copy / name).write_bytes(b"")
    assert mentum_("verify", copy) == (
        2, "", f"mentum: {copy / name}: not listed in model.json, expected only the files of the release; remove it.\n"
    )  # fmt: skip


def test_all_faults_are_said_at_once(mentum_: Command, copy: Path) -> None:
    flip(copy / "README.md", 0)
    (copy / "samples" / "1.png").unlink()
    (copy / "more.bin").write_bytes(b"")
    found = mentum_("verify", copy)
    assert (found.code, found.err.count("\n")) == (2, 3)


def test_every_byte_of_the_record_counts(copy: Path) -> None:
    whole = (copy / "model.json").read_bytes()
    for place in range(0, len(whole), 97):
        (copy / "model.json").write_bytes(whole)
        flip(copy / "model.json", place)
        with pytest.raises(ValueError, match=r"model.json: changed since the release, its seal does not fit"):
            Model.open(copy)


# Samples


def resealed(copy: Path, *samples: SampleRecord) -> Model:
    """The model with other samples, as if it had been released with them."""
    seal(Model.open(copy).record.model_copy(update={"samples": samples}), copy)
    return Model.open(copy)


def test_other_probabilities_than_released_are_noticed(copy: Path) -> None:
    first, *others = Model.open(copy).record.samples
    (values,) = first.probabilities.values()
    moved = tuple(value + change for value, change in zip(values, (2 * TOLERANCE, -2 * TOLERANCE, 0, 0), strict=True))
    found = verify(resealed(copy, first.model_copy(update={"probabilities": {"tree": moved}}), *others))
    (fault,) = found.faults
    assert "samples/1.png: its probabilities differ by up to 0.002 from those released, expected at most 0.001" in fault
    assert found.largest == pytest.approx(2 * TOLERANCE, rel=0.01)


def test_a_network_that_gives_no_number_is_noticed(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model.open(copy)
    outputs = model.session(np.zeros((1, 32, 32, 3), dtype=np.uint8))
    nothing = Outputs({"tree": outputs.y_prob["tree"] * np.nan}, outputs.features * np.nan, {})
    monkeypatch.setitem(model.__dict__, "session", lambda _: nothing)
    found = verify(model)
    assert len(found.faults) == 8
    assert "its probabilities differ by up to nan from those released" in found.faults[0]


def test_other_novelty_than_released_is_noticed(copy: Path) -> None:
    first, *others = Model.open(copy).record.samples
    assert first.novelty is not None
    found = verify(resealed(copy, first.model_copy(update={"novelty": first.novelty + 1}), *others))
    assert [fault.partition(": its novelty score is ")[0] for fault in found.faults] == [
        str(copy / "samples" / "1.png")
    ]


def test_a_sample_that_cannot_be_read(copy: Path) -> None:
    (copy / "samples" / "1.png").write_bytes(b"no image")
    found = verify(resealed(copy, *Model.open(copy).record.samples))
    assert "1.png: found a file that begins with" in found.faults[0]
    assert found.n_samples == 4


def test_a_model_without_samples(copy: Path) -> None:
    shutil.rmtree(copy / "samples")
    found = verify(resealed(copy))
    assert (found.n_samples, found.largest, found.faults) == (0, 0.0, ())


def test_a_model_with_two_networks(separate_model: Path) -> None:
    found = verify(Model.open(separate_model))
    assert (found.n_samples, found.faults) == (4, ())


def test_a_sample_as_another_picture_is_another_answer(copy: Path) -> None:
    write_level(copy / "samples" / "1.png", 255)
    found = verify(resealed(copy, *Model.open(copy).record.samples))
    assert "samples/1.png: its probabilities differ by up to" in found.faults[0]
