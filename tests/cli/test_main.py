"""Tests of the command line: what goes to which stream, exit codes, and what a start loads."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import mentum
from mentum import cli
from mentum.evaluation.results import CalibrationReport, Evaluation
from mentum.records import CheckReport, Progress
from mentum.runs import Run
from support.awkward_images import write_truncated
from support.command_line import Command, sets, start
from support.data_sets import Row, write_data_set
from support.drawn_data import write_drawn

# Starting

COMMANDS = ("check", "train", "evaluate", "calibrate", "export", "verify", "identify", "phantoms")
HEAVY = ("torch", "transformers", "safetensors", "huggingface_hub", "matplotlib", "onnxruntime", "nicegui", "ray")
LOADED = f"""
import sys, atexit
atexit.register(lambda: print("loaded:", sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr))
from mentum.cli import main
main()
"""


def test_the_package_loads_nothing_heavy() -> None:
    found = start(code=f"import sys, mentum; print(sorted(set({HEAVY!r}) & set(sys.modules)))")
    assert (found.code, found.out.strip()) == (0, "[]")


def test_help_loads_nothing_heavy() -> None:
    found = start("--help", code=LOADED)
    assert (found.code, found.err.strip()) == (0, "loaded: []")
    for command in COMMANDS:
        assert command in found.out


def test_check_loads_no_torch(trained_data: Path) -> None:
    found = start("check", trained_data, code=LOADED)
    assert (found.code, found.err.strip()) == (1, "loaded: []")


def test_the_console_script_is_installed() -> None:
    script = Path(sys.executable).with_name("mentum")
    if not script.exists():
        pytest.skip("mentum is not installed beside this Python")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"mentum {mentum.__version__}\n"


def test_no_command_shows_the_help(mentum_: Command) -> None:
    found = mentum_()
    assert found.code == 2
    assert "Usage" in found.out + found.err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(mentum_: Command, command: str) -> None:
    found = mentum_(command, "--help")
    assert found.code == 0
    assert f"mentum {command}" in found.out


# check


def test_check_of_clean_data(mentum_: Command, trained_data: Path) -> None:
    found = mentum_("check", trained_data)
    assert (found.code, found.err) == (1, "")  # the drawings are small, which is a warning
    assert "20 images of 20 specimens" in found.out
    assert "warnings only: training can go on" in found.out


def test_check_gives_json_and_nothing_else(mentum_: Command, trained_data: Path) -> None:
    found = mentum_("check", trained_data, "--json")
    report = CheckReport.model_validate_json(found.out)
    assert (found.code, report.n_images, found.err) == (1, 20, "")


def test_check_of_faulty_data(mentum_: Command, tmp_path: Path) -> None:
    data = write_drawn(tmp_path / "data")
    write_truncated(data / "images" / "2-1-0.png")

    found = mentum_("check", data)

    assert found.code == 2
    assert "images/2-1-0.png: found a broken file" in found.out
    assert "errors: fix them before training" in found.out


def test_check_of_clean_large_images(mentum_: Command, tmp_path: Path) -> None:
    assert mentum_("phantoms", tmp_path / "drawn", "--images-per-taxon", "5", "--width", "128").code == 0
    found = mentum_("check", tmp_path / "drawn", "--json")
    assert found.code in (0, 1)
    assert not [fault for fault in json.loads(found.out)["faults"] if fault["severity"] == "error"]


# train and evaluate


def test_train_names_its_folder_on_stdout(mentum_: Command, trained_data: Path, tmp_path: Path) -> None:
    out, cache = tmp_path / "run", trained_data.parent / "cache"
    found = mentum_(
        "train", trained_data, "--out", out, "--recipe", "quick", "--cache", cache, "--log", "json", "--backbone",
        "random", *sets("stage2.epochs=1", "stage1.epochs=2"),
    )  # fmt: skip

    assert (found.code, found.out) == (0, f"{out}\n")
    steps = [Progress.model_validate_json(line) for line in found.err.splitlines()]
    tasks = list(dict.fromkeys(step.task for step in steps))
    assert tasks[-4:] == [
        "features", "stage 1, tree: top classifier", "stage 2, tree: epoch 1/1", "predictions",
    ]  # fmt: skip
    assert set(steps[-2].figures) == {"loss", "accuracy", "rate", "validation loss", "validation accuracy"}


def test_train_records_its_command_and_settings(trained_run: Path) -> None:
    record = Run.open(trained_run).record()
    assert record.command.startswith("mentum train ")
    assert "--seed 3" in record.command
    assert (record.settings.seed, record.settings.pixels.size, record.settings.backbone.source) == (3, 32, "random")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "stage2.epoch=3"], r"recipe quick: stage2.epoch: unknown key; did you mean 'epochs'?"),
        (
            ["--recipe", "quickly"],
            "recipe quickly: no file found, expected one in TOML; give default, paper, quick, characters or its path.",
        ),
        (["--backbone", "no/where/here"], "backbone no/where/here: neither a folder nor a hub id (owner/name)"),
        (["--backbone", 'odd "name" \U0001f41b'], 'backbone odd "name" \U0001f41b: neither a folder nor a hub id'),
        (["--backbone", ""], "recipe quick: backbone.source: found '', expected a text that is not empty; give one."),
        (
            ["--seed", "4294967296"],
            "--seed: found '4294967296', expected a whole number from 0 to 4294967295; give one",
        ),
    ],
)
def test_a_fault_is_one_line_on_stderr(
    mentum_: Command, trained_data: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    found = mentum_(
        "train", trained_data, "--out", tmp_path / "run", "--recipe", "quick", "--cache", tmp_path, *arguments
    )
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith(f"mentum: {message}")
    assert found.err.count("\n") == 1


def test_debug_gives_the_traceback(tmp_path: Path) -> None:
    quiet, loud = (start(*flags, "check", tmp_path / "gone") for flags in ([], ["--debug"]))
    message = f"{tmp_path / 'gone'}: not found; expected a folder of images or a CSV or Parquet table; give its path.\n"
    assert (quiet.code, quiet.err) == (2, f"mentum: {message}")
    assert loud.code != 0
    assert loud.err.startswith("Traceback (most recent call last)")
    assert loud.err.endswith(f"mentum.errors.DataError: {message}")


def test_an_unknown_option_is_a_fault_of_usage(mentum_: Command, trained_data: Path) -> None:
    found = mentum_("train", trained_data, "--epochs", "3")
    assert (found.code, found.out) == (2, "")
    assert "No such option" in found.err


def test_a_file_that_cannot_be_written(mentum_: Command, trained_data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    found = mentum_(
        "train",
        trained_data,
        "--out",
        tmp_path / "file" / "run",
        "--recipe",
        "quick",
        "--cache",
        trained_data.parent / "cache",
        *sets(),
    )
    assert (found.code, found.err.count("\n")) == (2, 1)
    assert "file is a file, expected a folder" in found.err


@pytest.mark.parametrize("package", ["torch", "transformers"])
def test_training_without_its_packages(trained_data: Path, tmp_path: Path, package: str) -> None:
    code = f"import sys; sys.modules['{package}'] = None; from mentum.cli import main; main()"
    found = start("train", trained_data, "--out", tmp_path / "run", "--cache", tmp_path / "cache", code=code)
    assert found.code == 2
    assert found.err == (
        f"mentum: training needs the package {package}, which is not installed; run: pip install 'mentum[train]'\n"
    )
    assert not (tmp_path / "run").exists()


def test_another_missing_module_is_our_own_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ModuleNotFoundError("No module named 'nonsense'", name="nonsense")

    monkeypatch.setattr("mentum.cli.commands.app", fail)
    with pytest.raises(ModuleNotFoundError, match="nonsense"):
        cli.main()


INTERRUPTED = """
import os, signal
from mentum.workflows import check
check.check_specimens = lambda *_: os.kill(os.getpid(), signal.SIGINT)
from mentum.cli import main
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_an_interruption_is_no_fault(trained_data: Path) -> None:
    found = start("check", trained_data, code=INTERRUPTED)
    assert found.code == 128 + signal.SIGINT
    assert found.err == "mentum: interrupted; nothing half-written is left, and the same command starts anew.\n"


def test_evaluate_prints_the_table_and_which_ranks_can_be_defended(
    mentum_: Command, trained_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    found = mentum_("evaluate", trained_run, "--error-rate", "0.3")
    assert (found.code, found.err) == (0, "")
    for words in (
        "top classifier", "fine-tuned", "species", "subfamily", "validation", "95 % interval",
        "Probabilities: 4 images of 4 specimens; validation specimens in 5 parts", "asked for at most 30.0% wrong, by ",
    ):  # fmt: skip
        assert words in found.out
    assert (trained_run / "evaluation.json").is_file()
    report = CalibrationReport.read(trained_run / "calibration.json")
    assert {each.error_rate for each in report.defended} == {0.01, 0.05, 0.1, 0.3}
    figures = {file.name for file in (trained_run / "figures").iterdir()}
    assert any(name.startswith("confusion") for name in figures)
    assert {"reliability.png", "reliability.svg", "risk_coverage.png", "risk_coverage.svg"} <= figures


def test_evaluate_gives_json_or_csv_and_nothing_else(mentum_: Command, trained_run: Path) -> None:
    as_json = mentum_("evaluate", trained_run, "--json")
    assert (as_json.code, as_json.err) == (0, "")
    evaluation = Evaluation.model_validate_json(as_json.out)

    as_csv = mentum_("evaluate", trained_run, "--csv")
    assert len(list(csv.DictReader(io.StringIO(as_csv.out)))) == len(evaluation.table)


def test_evaluate_of_something_else(mentum_: Command, tmp_path: Path) -> None:
    found = mentum_("evaluate", tmp_path)
    assert found == (2, "", f"mentum: {tmp_path}: found no run.json, expected a training; give the --out of "
                     "`mentum train`.\n")  # fmt: skip


# phantoms


def test_phantoms_names_its_folder(mentum_: Command, tmp_path: Path) -> None:
    out = tmp_path / "drawn"
    found = mentum_("phantoms", out, "--images", "4", "--width", "64", "--log", "json")
    assert (found.code, found.out) == (0, f"{out}\n")
    assert Progress.model_validate_json(found.err.splitlines()[-1]).done == 4


def test_progress_as_bars(mentum_: Command, trained_data: Path, tmp_path: Path) -> None:
    found = mentum_("phantoms", tmp_path / "drawn", "--images", "2", "--width", "64", "--log", "bars")
    assert found.code == 0
    assert "drawing: 2 of 2 images" in found.err


def test_brackets_in_file_names_are_printed_as_they_are(tmp_path: Path) -> None:
    data = write_data_set(tmp_path / "data", [Row("gone [1].jpg", "Aus bus", "A1"), Row("a.jpg", "Aus bus", "A2")])

    result = CliRunner().invoke(cli.app, ["check", str(data)])

    assert "gone [1].jpg: not found" in result.stdout
