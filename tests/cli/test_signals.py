"""Tests of signals that end a command, of readers that go away, and of Ctrl-C at any moment."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mentum.cli.endings import describe_stop
from support.command_line import start
from support.data_sets import Row, write_data_set
from support.drawn_data import write_drawn

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no such signals")
ANEW = "nothing half-written is left, and the same command starts anew"
RUN = "from mentum.cli import main; main()"


def interrupted(number: int, then: str = "pass", before: str = "") -> str:
    """A program that sends itself a signal while it checks a data set, and does more while that is being undone."""
    return f"""
import os, signal, time
{before}
from mentum.workflows import check
def stop(*_):
    try:
        os.kill(os.getpid(), {int(number)})
        time.sleep(1)
    finally:
        {then}
check.check_specimens = stop
{RUN}
"""


AGAIN = "os.kill(os.getpid(), signal.SIGINT)"


@pytest.mark.parametrize(
    ("number", "how"),
    [
        (signal.SIGINT, "interrupted"),
        (signal.SIGTERM, "ended by SIGTERM"),
        (signal.SIGHUP, "ended by SIGHUP"),
    ],
)
def test_a_signal_ends_a_command_in_one_sentence(trained_data: Path, number: int, how: str) -> None:
    found = start("check", trained_data, code=interrupted(number))
    assert found == (
        128 + number,
        "",
        f"mentum: {how}; {ANEW}.\n",
    )


def test_a_second_ctrl_c_ends_at_once(trained_data: Path) -> None:
    found = start("check", trained_data, code=interrupted(signal.SIGINT, f"time.sleep(0.4); {AGAIN}; time.sleep(60)"))
    assert found == (130, "", "")


def test_ctrl_c_that_comes_twice_at_once_counts_once(trained_data: Path) -> None:
    found = start("check", trained_data, code=interrupted(signal.SIGINT, AGAIN))
    assert (found.code, found.err.count("\n")) == (130, 1)


def test_a_signal_that_a_process_was_started_to_ignore_stays_ignored(trained_data: Path) -> None:
    before = "signal.signal(signal.SIGHUP, signal.SIG_IGN)"  # as nohup does
    found = start("check", trained_data, code=interrupted(signal.SIGHUP, "raise KeyError('went on')", before))
    assert "went on" in found.err


@pytest.mark.parametrize("seconds", [0.1, 0.4, 1.0])
def test_ctrl_c_while_imports_run_shows_no_traceback(tmp_path: Path, seconds: float) -> None:
    """Python itself may be slow to start: the process says when it has begun."""
    data = write_drawn(tmp_path / "data", per_taxon=(2, 2), views=1)
    program = RUN.replace("main()", "print('begun', flush=True); main()")
    command = [sys.executable, "-c", program, "train", str(data), "--out", str(tmp_path / "run")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert process.returncode in {130, 2}  # the two taxa may have been refused before


def test_a_reader_that_goes_away_is_no_fault(tmp_path: Path) -> None:
    rows = [Row(f"{number}.png", f"Quercus robur{chr(97 + number % 26)}", f"S{number}") for number in range(4)]
    data = write_data_set(tmp_path, rows)
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", RUN, "check", str(data)]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
def test_standard_output_on_a_full_disk_is_named(trained_data: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-c", RUN, "check", str(trained_data)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert re.fullmatch(
        r"mentum: standard output(, or a temporary file)?: No space left on device; make .*\n", done.stderr
    )


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("train data --out run", "the same command goes on where it stopped"),
        ("evaluate run --novelty", "the same command goes on where it stopped"),
        ("identify model images --out=found.csv", "the same command goes on where it stopped"),
        ("identify model images", "rows that were printed are whole"),
        ("explain run", "some of its results may be missing from the run"),
        ("export run --out model", "nothing half-written is left"),
        ("--debug report run", "nothing half-written is left"),
    ],
)
def test_what_is_said_about_going_on_is_true_of_the_command(words: str, left: str) -> None:
    assert left in describe_stop(signal.SIGTERM, words.split())


def test_processes_at_work_end_with_the_command(tmp_path: Path) -> None:
    stop = "import os, signal, threading; threading.Timer(2.5, os.kill, (os.getpid(), signal.SIGTERM)).start()"
    many = ("phantoms", tmp_path / "drawn", "--images-per-taxon", "4000", "--width", "64")
    found = start(*many, code=f"{stop}\n{RUN}")
    assert found.code == 128 + signal.SIGTERM
    assert found.err == f"mentum: ended by SIGTERM; {ANEW}.\n"
    assert list(tmp_path.iterdir()) == []
