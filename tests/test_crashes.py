"""A kill, a full disk, a lack of memory at the n-th change of files: the same command then ends as if nothing had been.

A few changes of each command, spread over all of them; `slow` tries every one. For a single command:
`LD_PRELOAD=faults.so python -m support.crashes COMMAND FAULT`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.faults import compiled, compiler

pytestmark = pytest.mark.skipif(compiler() is None, reason="no compiler, or no Linux, to make faults with")
COMMANDS = ("train", "calibrate", "crossvalidate", "explain", "export", "identify", "report", "evaluate", "phantoms")
KILLS = "KILL_BEFORE,KILL_AFTER,TEAR"
REFUSALS = "FULL_DISK,READ_ONLY,NO_MEMORY"


def troubles(folder: Path, command: str, faults: str, first: int = 1, step: int = 1) -> list[str]:
    """What goes wrong where a command meets faults at the changes first, first + step, …"""
    tests = Path(__file__).parent
    surroundings = {
        **os.environ, "LD_PRELOAD": str(compiled(folder)), "PYTHONPATH": os.pathsep.join([str(tests), *sys.path]),
        "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1",
    }  # fmt: skip
    program = [sys.executable, "-m", "support.crashes", command, faults, str(first), str(step)]
    done = subprocess.run(program, env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    counts = [json.loads(line) for line in lines if line.startswith('{"fault"')]
    assert [each["fault"] for each in counts if each["tried"]] == faults.split(",")
    return [line for line in lines if not line.startswith('{"fault"')]


@pytest.mark.parametrize(
    ("command", "faults", "first", "step"),
    [
        ("train", "KILL_BEFORE,FULL_DISK", 90, 200),
        ("identify", "KILL_AFTER,FULL_DISK", 80, 110),
        ("export", "TEAR", 40, 100),
    ],
)
def test_the_same_command_ends_as_if_nothing_had_been(
    tmp_path: Path, command: str, faults: str, first: int, step: int
) -> None:
    assert troubles(tmp_path, command, faults, first, step) == []


@pytest.mark.slow
@pytest.mark.parametrize("faults", [KILLS, REFUSALS])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_change_of_every_command(tmp_path: Path, command: str, faults: str) -> None:
    assert troubles(tmp_path, command, faults) == []
