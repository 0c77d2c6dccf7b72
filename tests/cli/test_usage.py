"""Tests of faults of a command line: which option, what was found, what was expected, what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import typer

from mentum.cli import app
from mentum.cli.usage import PATHS
from support.command_line import Command

COMMANDS: Any = typer.main.get_command(app)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "phantoms d --shortcut x",
            "--shortcut: found 'x', expected one of 'none', 'tint', 'corner'; give one; `mentum phantoms --help` tells",
        ),
        ("phantoms d --decisive x", "decisive 'x': no drawn character; give some of mentum, ventromental_plate"),
        ("identify m i --by x", "--by: found 'x', expected one of 'image', 'specimen'; give one;"),
        (
            "phantoms d --width 99999999",
            "--width: found '99999999', expected a whole number from 64 to 4096; give one;",
        ),
        ("phantoms d --width -1", "--width: found '-1', expected a whole number from 64 to 4096; give one;"),
        ("phantoms d --images 1000000000", "--images: found '1000000000', expected a whole number from 1 to 100000;"),
        ("phantoms d --width nan", "--width: found 'nan', expected a whole number from 64 to 4096; give one;"),
        ("crossvalidate d --out o --folds 1", "--folds: found '1', expected a whole number from 2 to 1000; give one;"),
        ("evaluate r --error-rate nan", "--error-rate: found 'nan', expected a number from 0.001 to 0.5; give one;"),
        ("evaluate r --error-rate 1e300", "--error-rate: found '1e300', expected a number from 0.001 to 0.5; give"),
        (f"compare a b --seed {'9' * 5000}", "--seed: found '9999"),
        ("train d", "Missing option '--out'; give it; `mentum train --help` tells more."),
        ("compare a", "Missing argument 'run_b'; give it; `mentum compare --help` tells more."),
        ("compare a b c", "Got unexpected extra argument(s) (c); leave out what is too much;"),
        ("train d --out", "Option '--out' requires an argument; give one;"),
        ("check d --json=1", "Option '--json' does not take a value; give it without;"),
        (
            "check d --layot x",
            "No such option: --layot; did you mean --layout, --log? `mentum check --help` tells more.",
        ),
        ("--x", "No such option: --x; give one that the command has; `mentum --help` tells more."),
        ("chek d", "No such command 'chek'; did you mean 'check', 'cache'? `mentum --help` tells more."),
        ("zzzz", "No such command 'zzzz'; give one that `mentum --help` lists."),
    ],
    ids=lambda text: text[:40],
)
def test_faults_of_usage(mentum_: Command, arguments: str, message: str) -> None:
    found = mentum_(*arguments.split())
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith(f"mentum: {message}")
    assert found.err.count("\n") == 1
    assert len(found.err) < 1000


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (["check", ""], "an argument"),
        (["check", "--json", ""], "an argument"),
        (["identify", "model", ""], "an argument"),
        (["train", "data", "--out", ""], "--out"),
        (["train", "data", "--out="], "--out"),
        (["export", "run", "--out", "x", "--cache", ""], "--cache"),
    ],
)
def test_an_empty_text_is_no_path(mentum_: Command, arguments: list[str], where: str) -> None:
    found = mentum_(*arguments)
    assert (found.code, found.out) == (2, "")
    assert found.err == f"mentum: {where}: found an empty text, expected the name of a file or a folder; give one.\n"


def test_an_empty_text_that_is_no_path_is_let_through(mentum_: Command, tmp_path: Path) -> None:
    found = mentum_("export", tmp_path, "--out", tmp_path / "model", "--name", "")
    assert "found an empty text" not in found.err


def test_options_that_take_a_path_are_known() -> None:
    found = set()
    for command in COMMANDS.commands.values():
        hints = get_type_hints(command.callback)
        for param in command.params:
            kinds = [
                inner for each in (hints[param.name], *get_args(hints[param.name])) for inner in (each, *get_args(each))
            ]
            if Path in kinds and param.opts[0].startswith("--"):
                found.add(param.opts[0])
    assert found == PATHS


def test_every_number_has_two_ends() -> None:
    numbers = {
        f"{name} {param.opts[0]}": (param.min, param.max)
        for name, command in COMMANDS.commands.items()
        for param in command.params
        if {int, float} & {(hint := get_type_hints(command.callback)[param.name]), *get_args(hint)}
    }
    assert len(numbers) > 15
    assert [name for name, ends in numbers.items() if None in ends] == []
