"""Tests of the command line of the pre-training."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image

import pretrain_builtin
from pretraining.learning import CHECKPOINT, Plan

Run = Callable[..., None]
TINY = ("--device", "cpu", "--things", "6", "--batch", "6", "--passes", "1", "--picture", "32", "--view", "32")


@pytest.fixture(scope="module", autouse=True)
def cudnn_as_it_was() -> Iterator[None]:
    before = torch.backends.cudnn.benchmark
    yield
    torch.backends.cudnn.benchmark = before


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the tool in this process."""

    def call(*arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", ["pretrain_builtin.py", *map(str, arguments)])
        pretrain_builtin.main()

    return call


def refused(run: Run, *arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    return ended.value.code


def test_a_sheet_of_pictures(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"

    run("--out", out, "--look", *TINY)

    with Image.open(out / "look.png") as sheet:
        assert (sheet.format, sheet.mode, sheet.size) == ("PNG", "RGB", (9 * 32, 8 * 32))
        colours = sheet.getcolors(9 * 8 * 32 * 32)
    assert colours is not None
    assert len(colours) > 1000
    assert [file.name for file in out.iterdir()] == ["look.png"]


def test_a_seed_fixes_the_sheet(run: Run, tmp_path: Path) -> None:
    for name, seed in (("one", 4), ("same", 4), ("other", 5)):
        run("--out", tmp_path / name, "--look", "--seed", seed, *TINY)
    one, same, other = ((tmp_path / name / "look.png").read_bytes() for name in ("one", "same", "other"))
    assert one == same
    assert one != other


def test_a_plan_that_does_not_divide(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(run, "--out", tmp_path / "out", "--things", 14, "--batch", 6) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith(
        "error: things 14, batch 6: expected a batch that 3 divides, and a multiple of it as things\n"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("option", "value"), [("--architecture", "resnet-50"), ("--objective", "fame")])
def test_a_choice_that_is_none(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    assert refused(run, "--out", tmp_path, option, value) == 2
    assert f"argument {option}: invalid choice: '{value}'" in capsys.readouterr().err


def test_a_round_and_another_plan_after_it(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("--out", tmp_path, "--rounds", 2, "--until", 1, *TINY)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert " s, round 1 of 2: loss " in lines[0]
    assert (tmp_path / CHECKPOINT).is_file()
    assert (tmp_path / "backbone" / "config.json").is_file()

    assert refused(run, "--out", tmp_path, "--rounds", 3, *TINY) == 2
    assert "begun with another plan (rounds 2 / 3); give the same options" in capsys.readouterr().err


def test_options_are_the_plan_s() -> None:
    options = vars(pretrain_builtin.make_parser().parse_args(["--out", "folder"]))
    for name in ("out", "device", "threads", "until", "look"):
        del options[name]
    assert Plan(**options) == Plan()
