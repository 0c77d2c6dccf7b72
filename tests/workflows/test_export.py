"""Tests of the release: the folder whole or not at all, parity with the trained network, everything on record."""

from __future__ import annotations

import getpass
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mentum.calibration.novelty import Novelty
from mentum.errors import ModelError, RunError
from mentum.evaluation.results import CalibrationReport
from mentum.model.folder import Model
from mentum.model.session import Outputs, Session
from mentum.records import Progress
from mentum.runs import Run
from mentum.taxonomy import Rank
from mentum.training.network_files import ExportedNetwork
from mentum.workflows import export as release
from mentum.workflows.export import PARITY, export

SETTINGS: dict[str, object] = {
    "name": "drawn4", "version": "1.1.0", "doi": "10.5281/zenodo.1", "licence": "CC0-1.0", "error_rate": 0.1,
    "samples": 2,
}  # fmt: skip


@pytest.fixture
def exporting(
    trained_run: Path, released: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Model, CalibrationReport]]:
    """Export the run once more, with the networks that were exported before and without figures."""

    def copy_networks(_: Run, folder: Path, __: object) -> list[ExportedNetwork]:
        network = ExportedNetwork("tree", "model.onnx", "network.safetensors")
        for name in (network.file, network.weights):
            shutil.copyfile(released / name, folder / name)
        return [network]

    monkeypatch.setattr(release, "export_networks", copy_networks)
    monkeypatch.setattr(release, "draw_calibration", lambda *_: [])

    def run(out: Path, **more: object) -> tuple[Model, CalibrationReport]:
        found = export(trained_run, out, cache=trained_run.parent / "cache", **(SETTINGS | more))  # type: ignore[arg-type]
        return found.model, found.calibration

    return run


Exporting = Callable[..., tuple[Model, CalibrationReport]]


# The folder


def test_the_record_of_a_release(released: Path, trained_run: Path) -> None:
    record, run = Model.open(released).record, Run.open(trained_run)
    assert (record.name, record.version, record.doi, record.licence) == ("drawn4", "1.0.0", None, "CC-BY-4.0")
    assert record.taxonomy == run.taxonomy()
    assert record.ranks == (Rank.SPECIES, Rank.GENUS, Rank.SUBFAMILY)
    assert (record.pixels.size, record.geometry.cells) == (32, 4)
    (network,) = record.networks
    assert (network.name, network.file, network.weights, network.n_parity) == (
        "tree", "model.onnx", "network.safetensors", 4,
    )  # fmt: skip
    assert network.parity < PARITY
    calibration = record.calibration
    assert (calibration.source, calibration.n_images, calibration.n_specimens, calibration.n_density) == (
        "validation", 4, 4, 16,
    )  # fmt: skip
    assert (calibration.error_rate, calibration.false_rejection) == (0.05, 0.05)
    assert set(record.map_scale) == set(record.ranks)
    assert min(record.map_scale.values()) > 0


def test_separate_networks_are_on_record(separate_model: Path) -> None:
    record = Model.open(separate_model).record
    assert record.name == "separate"
    assert record.ranks == (Rank.SPECIES, Rank.SUBFAMILY)
    assert [network.name for network in record.networks] == ["species", "subfamily"]
    assert set(record.map_scale) == {Rank.SPECIES, Rank.SUBFAMILY}


def test_nothing_in_the_folder_is_a_pickle(released: Path) -> None:
    suffixes = {file.suffix for file in released.rglob("*") if file.is_file()}
    assert suffixes == {".md", ".json", ".csv", ".npz", ".png", ".svg", ".onnx", ".safetensors"}
    with np.load(released / "density.npz", allow_pickle=False) as arrays:
        assert all(arrays[name].dtype != object for name in arrays.files)
    for file in released.rglob("*.*"):
        assert not file.read_bytes().startswith(b"\x80\x04"), file


def test_the_folder_does_not_tell_where_it_was_made(released: Path, trained_run: Path) -> None:
    traces = (str(trained_run.parent), str(Path.cwd()), f"{Path.home()}/", f"/{getpass.getuser()}/", "pytest-of")
    for file in (file for file in released.rglob("*") if file.is_file()):
        content = file.read_bytes()
        assert not [trace for trace in traces if trace.encode() in content], file


def test_the_command_of_the_training_is_kept_without_its_folders(released: Path) -> None:
    command = Model.open(released).record.training.command
    assert command.startswith("mentum train ")
    assert "/" not in command


def test_calibration_is_written_for_people_and_for_identification(released: Path) -> None:
    report = CalibrationReport.read(released / "calibration.json")
    assert (report.n_images, report.n_specimens) == (4, 4)
    table = pl.read_csv(released / "calibration.csv")
    assert table["unit"].to_list() == ["image"] * 4 + ["specimen"] * 4
    assert {f"{rank}_{what}" for rank in ("species", "genus", "subfamily") for what in ("probability", "right")} <= set(
        table.columns
    )
    assert Novelty.load(released / "density.npz").density.centres.shape == (4, 16)


def test_what_whoever_releases_decides(exporting: Exporting, tmp_path: Path) -> None:
    told: list[Progress] = []
    model, found = exporting(tmp_path / "model", report=told.append)
    record = model.record
    assert (record.title, record.identifier) == ("drawn4 1.1.0", "https://doi.org/10.5281/zenodo.1")
    assert (record.licence, record.calibration.error_rate, len(record.samples)) == ("CC0-1.0", 0.1, 2)
    assert 0.1 in {each.error_rate for each in found.defended}
    assert model.changed_files() == []
    assert {step.task for step in told} == {"model"}
    assert (told[-1].done, told[-1].total) == (20, 20)


def test_a_release_without_samples(exporting: Exporting, tmp_path: Path) -> None:
    model, _ = exporting(tmp_path / "model", samples=0)
    assert model.record.samples == ()
    assert not (tmp_path / "model" / "samples").exists()


def test_the_same_run_gives_the_same_files(exporting: Exporting, tmp_path: Path) -> None:
    one, other = (exporting(tmp_path / name)[0].record for name in ("one", "other"))
    assert one.files == other.files
    assert one.samples == other.samples


def test_images_that_have_moved(exporting: Exporting, trained_data: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(trained_data, tmp_path / "moved")
    model, _ = exporting(tmp_path / "model", data=moved)
    assert len(model.record.samples) == 2
    (moved / "images" / "0-0-0.png").unlink()
    with pytest.raises(RunError, match=r"1 of the 20 images that it was trained on are not where they were"):
        exporting(tmp_path / "again", data=moved)
    assert not (tmp_path / "again").exists()


# Whole or not at all


def test_an_empty_folder_is_taken(exporting: Exporting, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    exporting(tmp_path / "model")
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_there_is_not_overwritten(exporting: Exporting, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "model"
    kept = out / "thesis.docx" if kind == "folder" else out
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("years of work")
    with pytest.raises(
        ModelError, match=r"model: exists already, expected a new or empty folder; give another --out, or"
    ):
        exporting(out)
    assert kept.read_text() == "years of work"
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("step", ["export_networks", "write_calibration", "write_samples", "write_card", "seal"])
def test_an_interruption_leaves_nothing(
    exporting: Exporting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(release, step, interrupt)
    with pytest.raises(KeyboardInterrupt):
        exporting(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_what_a_kill_left_is_removed(exporting: Exporting, tmp_path: Path) -> None:
    (tmp_path / "model.part").mkdir()
    (tmp_path / "model.part" / "half.onnx").write_bytes(b"half")
    model, _ = exporting(tmp_path / "model")
    assert model.changed_files() == []
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


# Parity


def drifting(monkeypatch: pytest.MonkeyPatch, difference: float) -> None:
    """Let the exported network say something else than the trained one."""
    original = Session.__call__

    def drift(self: Session, pixels: np.ndarray, *, relevance: bool = False) -> Outputs:
        outputs = original(self, pixels, relevance=relevance)
        moved = outputs.y_prob["tree"] + np.array([difference, -difference, 0, 0], dtype=np.float32)
        return Outputs({"tree": moved}, outputs.features, outputs.relevance)

    monkeypatch.setattr(Session, "__call__", drift)


@pytest.mark.parametrize("difference", [2e-4, 0.3, float("nan")])
def test_a_network_that_says_something_else_is_not_released(
    exporting: Exporting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, difference: float
) -> None:
    drifting(monkeypatch, difference)
    with pytest.raises(
        ModelError, match=r"gives probabilities that differ by up to \S+ from those of the trained one on 4"
    ):
        exporting(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_a_difference_of_rounding_is_released_and_on_record(
    exporting: Exporting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drifting(monkeypatch, 5e-5)
    model, _ = exporting(tmp_path / "model")
    assert model.record.networks[0].parity == pytest.approx(5e-5, rel=0.05)


def test_parity_is_judged_at_every_rank_of_the_tree(
    exporting: Exporting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A difference that cancels within a genus counts at the species."""
    drifting(monkeypatch, 3e-5)
    (network,) = exporting(tmp_path / "model")[0].record.networks
    assert (network.parity, network.n_parity) == (pytest.approx(3e-5, rel=0.05), 4)
