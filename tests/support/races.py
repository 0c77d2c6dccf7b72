"""Several processes give the same command at the same moment, again and again; some of them are killed.

As a program, for many rounds: python tests/support/races.py ROUNDS FOLDER COMMAND …, where {out} in the command stands
for a new place in FOLDER each round.
"""

from __future__ import annotations

import csv
import hashlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import NamedTuple

REFUSED = (
    r"is being written by (process \d+ since [-\d: ]+|another process); wait until that has ended, or stop it, and "
    r"give the same command again\.$"
)
"""How a process ends that finds the place taken."""


class Ended(NamedTuple):
    """How a process ended: its exit code, negative for a signal, and what it said on standard error."""

    code: int
    err: str


class Round(NamedTuple):
    """A round of the race.

    Attributes:
        ended: how each process ended.
        last: how the command ended that was given once more in the end.
        written: digest of all that was written, but for dates.
        left: names in the folder in the end.
    """

    ended: list[Ended]
    last: Ended
    written: str
    left: list[str]


def main() -> None:
    """Run the races that the command line asks for, and print them as lines of JSON."""
    import mentum.cli  # noqa: F401 - loaded once, before all forks

    for name in ("polars", "onnxruntime", "torch") if "train" in sys.argv else ("polars", "onnxruntime"):
        __import__(name)
    rounds, folder, *command = sys.argv[1:]
    for number in range(int(rounds)):
        sys.stdout.write(json.dumps(_round(number, Path(folder), command)) + "\n")
        sys.stdout.flush()


def _round(number: int, folder: Path, command: list[str]) -> Round:
    """Two to eight processes; in every second round one of them is killed."""
    chance = random.Random(number)  # noqa: S311 - of a test
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    given = [word.replace("{out}", str(folder / "out")) for word in command]  # settings hold braces, too
    context = multiprocessing.get_context("fork")
    waits = [chance.choice((0.0, 0.0, chance.random())) for _ in range(2 + number % 7)]
    logs = [folder.with_name(f"{folder.name}-{place}.err") for place in range(len(waits))]
    workers = [context.Process(target=_give, args=(given, wait, log)) for wait, log in zip(waits, logs, strict=True)]
    for worker in workers:
        worker.start()
    if number % 2:
        time.sleep(chance.uniform(0.1, 1.5))
        os.kill(chance.choice(workers).pid or 0, signal.SIGKILL)
    ended = [_end(worker, log) for worker, log in zip(workers, logs, strict=True)]
    last = context.Process(target=_give, args=(given, 0.0, logs[0]))
    last.start()
    return Round(ended, _end(last, logs[0]), written(folder), sorted(file.name for file in folder.iterdir()))


def written(folder: Path) -> str:
    """A digest of the files below a folder; records and pages, which hold dates and durations, count by their names."""
    digest = hashlib.sha256()
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        digest.update(f"{file.relative_to(folder)}\n".encode())
        if file.suffix == ".csv":
            with file.open(encoding="utf-8", newline="") as stream:
                rows = [{**row, "dateIdentified": ""} for row in csv.DictReader(stream)]
            digest.update(json.dumps(rows).encode())
        elif file.suffix not in {".json", ".html", ".md"}:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _give(command: list[str], wait: float, log: Path) -> None:
    time.sleep(wait)
    with log.open("w") as stream:
        os.dup2(stream.fileno(), 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.argv = ["mentum", *command]
        code = 0
        try:
            from mentum import cli

            cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        except BaseException:  # noqa: BLE001 - a child that must not run on as its parent
            traceback.print_exc()
            code = 70
        sys.stderr.flush()
        os._exit(code)


def _end(worker: multiprocessing.process.BaseProcess, log: Path) -> Ended:
    worker.join()
    return Ended(worker.exitcode or 0, log.read_text() if log.exists() else "")


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1])]
    main()
