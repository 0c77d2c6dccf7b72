"""How tests run the command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

from drawn_data import TINY


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


def sets(*overrides: str) -> list[str]:
    """Options that make a training small, and more of them."""
    return [word for override in (*TINY, *overrides) for word in ("--set", override)]
