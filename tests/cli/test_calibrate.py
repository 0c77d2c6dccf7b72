"""Tests of the command line: out-of-fold predictions and what follows from them, taxa left out in turn."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from mentum.cli.display import print_unknown_taxa
from mentum.evaluation.results import CalibrationReport, UnknownTaxa, UnknownTaxon
from mentum.model.folder import Model
from mentum.model.session import Outputs
from mentum.records import Progress
from mentum.runs import Run
from mentum.specimens.folds import Fold
from mentum.taxonomy import Rank
from mentum.training.network_files import ExportedNetwork
from mentum.training.retraining import Retraining
from mentum.workflows import export as release
from support.command_line import Command, sets
from support.drawn_data import TAXA, write_drawn


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in which no sentence breaks."""
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture
def run(trained_run: Path, tmp_path: Path) -> Path:
    """A copy of the small training, to be written into."""
    shutil.copytree(trained_run, tmp_path / "run", ignore=shutil.ignore_patterns("calibration.json", "figures"))
    return tmp_path / "run"


@pytest.fixture
def cache(trained_run: Path) -> Path:
    return trained_run.parent / "cache"


# calibrate


def test_calibrate_lets_every_specimen_serve(
    mentum_: Command, run: Path, cache: Path, tmp_path: Path, released: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copy_networks(_: Run, folder: Path, __: object) -> list[ExportedNetwork]:
        """Those of the run before it was copied."""
        for name in ("model.onnx", "network.safetensors"):
            shutil.copyfile(released / name, folder / name)
        return [ExportedNetwork("tree", "model.onnx", "network.safetensors")]

    file = run / "out_of_fold.parquet"
    found = mentum_("calibrate", run, "--folds", "2", "--cache", cache, "--log", "json")
    assert (found.code, found.out) == (0, f"{file}\n")
    steps = [Progress.model_validate_json(line) for line in found.err.splitlines()]
    assert [step.task for step in steps if step.done == step.total].count("looking") == 2
    frame = pl.read_parquet(file)
    assert sorted(frame["file_name"]) == sorted(Run.open(run).table()["file_name"])
    assert sorted(child.name for child in (run / "folds").iterdir()) == ["2-1.parquet", "2-2.parquet"]

    again = mentum_("calibrate", run, "--folds", "2", "--cache", cache, "--log", "json")
    assert (again.code, again.out, again.err) == (0, f"{file}\n", "")

    evaluated = mentum_("evaluate", run)
    assert (evaluated.code, evaluated.err) == (0, "")
    assert "Probabilities: 20 images of 20 specimens; out-of-fold specimens in 5 parts" in evaluated.out
    assert CalibrationReport.read(run / "calibration.json").source == "out-of-fold"

    monkeypatch.setattr(release, "export_networks", copy_networks)
    monkeypatch.setattr(release, "draw_calibration", lambda *_: [])
    exported = mentum_("export", run, "--out", tmp_path / "model", "--cache", cache, "--log", "quiet")
    assert (exported.code, exported.err) == (0, "")
    calibration = Model.open(tmp_path / "model").record.calibration
    assert (calibration.source, calibration.n_images, calibration.n_specimens) == ("out-of-fold", 20, 20)


def test_calibrate_of_other_images(mentum_: Command, run: Path, tmp_path: Path) -> None:
    data = write_drawn(tmp_path / "data", per_taxon=(5, 5, 5, 4), views=1)
    found = mentum_("calibrate", run, "--data", data, "--cache", tmp_path / "cache", "--log", "quiet")
    assert (found.code, found.out) == (2, "")
    assert f"mentum: {data}: the images are not those that {run} was trained on" in found.err
    assert found.err.count("\n") == 1
    assert not (run / "folds").exists()


def test_calibrate_with_too_many_folds(mentum_: Command, run: Path, cache: Path) -> None:
    found = mentum_("calibrate", run, "--folds", "21", "--cache", cache, "--log", "quiet")
    assert (found.code, found.out) == (2, "")
    assert "has 20 specimens to learn from, expected 21 or more for 21 folds" in found.err


def test_one_fold_is_a_fault_of_usage(mentum_: Command, run: Path) -> None:
    found = mentum_("calibrate", run, "--folds", "1")
    assert (found.code, found.out) == (2, "")
    assert "--folds" in found.err


@pytest.mark.parametrize("arguments", [["calibrate"], ["evaluate", "--novelty"]])
def test_something_else_than_a_run(mentum_: Command, tmp_path: Path, arguments: list[str]) -> None:
    found = mentum_(*arguments, tmp_path)
    assert (found.code, found.out) == (2, "")
    assert (
        found.err == f"mentum: {tmp_path}: found no run.json, expected a training; give the --out of `mentum train`.\n"
    )


# evaluate --novelty


def test_each_taxon_is_left_out_in_turn(mentum_: Command, run: Path, cache: Path) -> None:
    options = ("--novelty", "--stage", "1", "--cache", cache, "--log", "quiet")
    found = mentum_("evaluate", run, *options)
    assert (found.code, found.err) == (0, "")
    for words in ("left out", "specimens", "AUROC", "caught %", "named wrongly %", "right at higher rank %", *TAXA):
        assert words in found.out
    assert "Each taxon left out of training in turn (the top classifier alone): mean AUROC " in found.out
    assert "(too few to say how many were).\n" in found.out

    as_json = mentum_("evaluate", run, *options, "--json")
    assert (as_json.code, as_json.err) == (0, "")
    assert json.loads(as_json.out) == json.loads((run / "novelty.json").read_text(encoding="utf-8"))
    stored = UnknownTaxa.model_validate_json(as_json.out)
    assert [(each.scientific_name, each.n_specimens, each.n_known) for each in stored.taxa] == [
        (name, 5, 3) for name in TAXA
    ]
    assert (stored.stage, stored.rejected) == (1, None)
    assert not (run / "calibration.json").exists()


def test_without_a_stage_both_are_trained(
    mentum_: Command, run: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = []

    def train(self: Retraining, part: Fold, out: Path) -> Outputs:
        folders.append(out)
        return self.train_head(part)

    monkeypatch.setattr(Retraining, "train", train)
    found = mentum_("evaluate", run, "--novelty", "--cache", cache, "--log", "quiet", "--json")
    assert (found.code, found.err) == (0, "")
    assert UnknownTaxa.model_validate_json(found.out).stage == 2
    assert len(set(folders)) == 4
    assert {folder.parent for folder in folders} == {run / "novelty"}


def test_separate_networks_leave_out_each_taxon_too(
    mentum_: Command, separate_run: Path, cache: Path, tmp_path: Path
) -> None:
    """One of them makes a whole rank meaningless."""
    shutil.copytree(separate_run, tmp_path / "run")
    options = ("--novelty", "--stage", "1", "--cache", cache, "--log", "quiet", "--json")
    found = mentum_("evaluate", tmp_path / "run", *options)
    assert (found.code, found.err) == (0, "")
    named = {each.scientific_name: set(each.named) for each in UnknownTaxa.model_validate_json(found.out).taxa}
    assert named == {name: {Rank.SUBFAMILY} for name in TAXA[:3]} | {"Orthocladius": set()}


def test_of_two_taxa_none_can_be_left_out(mentum_: Command, tmp_path: Path, cache: Path) -> None:
    data, run = write_drawn(tmp_path / "data", per_taxon=(5, 5), views=1), tmp_path / "run"
    options = ("--cache", tmp_path / "cache", "--log", "quiet")
    small = sets("stage1.epochs=1", "stage1.views=1", "stage2.epochs=0")
    assert mentum_("train", data, "--out", run, "--recipe", "quick", *options, *small).code == 0
    found = mentum_("evaluate", run, "--novelty", *options)
    assert (found.code, found.out) == (2, "")
    assert f"mentum: {run}: no taxon can be left out (" in found.err
    assert found.err.count("\n") == 1


def unknown(name: str, **changes: object) -> UnknownTaxon:
    figures = {
        "taxon_rank": Rank.SPECIES, "n_images": 8, "n_specimens": 4, "n_known": 24, "auroc": 0.9375,
        "auroc_distance": 0.9, "auroc_energy": 0.8, "caught": 0.75, "rejected": 0.04, "named": {},
        "wrongly_identified": 0.25,
    }  # fmt: skip
    return UnknownTaxon(scientific_name=name, **figures | changes)


def test_the_table_of_taxa_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    taxa = (unknown("Aus [bus]", named={Rank.GENUS: 0.5, Rank.FAMILY: 1.0}), unknown("Cus", auroc=1.0))
    figures = {"stage": 2, "false_rejection": 0.05, "mean_auroc": 0.96875, "mean_caught": 0.75, "taxa": taxa}
    print_unknown_taxa(UnknownTaxa(rejected=0.0417, missed=("Dus: without it only one taxon is left",), **figures))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "Aus [bus] 4 0.938 75 25 genus 50, family 100" in lines
    assert "Cus 4 1.000 75 25 no relative" in lines
    assert (
        "Each taxon left out of training in turn (both stages): mean AUROC 0.969; 75% caught where 5% of known "
        "specimens may be called unknown (4.2% were)." in lines
    )
    assert "- not left out: Dus: without it only one taxon is left" in lines

    print_unknown_taxa(UnknownTaxa(rejected=None, missed=(), **figures))
    assert "may be called unknown (too few to say how many were)." in capsys.readouterr().out
