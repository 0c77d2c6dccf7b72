"""Fixtures that several test files use."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from mentum import cli
from support.command_line import Command, Outcome, call, sets
from support.drawn_data import write_drawn


@pytest.fixture
def mentum_(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in this process, as the console script does."""

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["mentum", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def trained_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty drawn images of twenty specimens, which `trained_run` was trained on."""
    return write_drawn(tmp_path_factory.mktemp("trained") / "data", per_taxon=(5, 5, 5, 5), views=1)


@pytest.fixture(scope="session")
def trained_run(trained_data: Path) -> Path:
    """A small training of one tree, made by the command."""
    return _train(trained_data, "run")


@pytest.fixture(scope="session")
def evaluated_run(trained_run: Path) -> Path:
    """A copy of `trained_run`, evaluated by the command; tests that change it take a copy."""
    copy = shutil.copytree(trained_run, trained_run.with_name("evaluated"))
    assert call("evaluate", copy).code == 0
    return copy


@pytest.fixture(scope="session")
def separate_run(trained_data: Path) -> Path:
    """A small training with a network each for species and subfamily."""
    separate = ("head.kind=separate", 'head.ranks=["subfamily", "species"]', "stage1.epochs=1", "stage2.epochs=1")
    return _train(trained_data, "separate", *separate)


def _train(data: Path, name: str, *overrides: str) -> Path:
    out, cache = data.parent / name, data.parent / "cache"
    options = ("--recipe", "quick", "--log", "quiet", "--cache", cache, "--seed", "3", *sets(*overrides))
    assert call("train", data, "--out", out, *options) == (0, f"{out}\n", "")
    return out


@pytest.fixture(scope="session")
def exported(trained_run: Path) -> Outcome:
    """How the export of `trained_run` ended, into the folder `model` beside it."""
    folder = trained_run.parent
    named = ("--name", "drawn4", "--licence", "CC-BY-4.0")
    return call("export", trained_run, "--out", folder / "model", "--cache", folder / "cache", *named)


@pytest.fixture(scope="session")
def released(exported: Outcome, trained_run: Path) -> Path:
    """A model folder of one tree; tests that change it take a copy."""
    assert (exported.code, exported.err) == (0, "")
    return trained_run.parent / "model"


@pytest.fixture(scope="session")
def separate_model(separate_run: Path) -> Path:
    """A model folder with two networks."""
    folder = separate_run.parent
    done = call("export", separate_run, "--out", folder / "two", "--cache", folder / "cache")
    assert (done.code, done.err) == (0, "")
    return folder / "two"
