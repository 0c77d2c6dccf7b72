"""How tests run the command line."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from mentum import cli
from support.drawn_data import TINY


class Outcome(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Outcome]


def start(*arguments: object, code: str = "from mentum.cli import main; main()") -> Outcome:
    """Run a command in a process of its own."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return Outcome(done.returncode, done.stdout, done.stderr)


def call(*arguments: object) -> Outcome:
    """Run a command in this process, outside any test."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setattr(sys, "argv", ["mentum", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    return Outcome(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def sets(*overrides: str) -> list[str]:
    """Options that make a training small, and more of them."""
    return [word for override in (*TINY, *overrides) for word in ("--set", override)]
