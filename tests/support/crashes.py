"""Crash a command at each of its changes of files, give it again, and compare with a command that was never broken.

    python -m support.crashes COMMAND FAULT,FAULT,… FIRST STEP

prints one line per trouble, then, for each fault, how many changes there are and how many were tried. Commands run in
forks of this process, which has imported all they need and has no threads; so the beginning, too, is made once.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from support.drawn_data import TINY, write_drawn
from support.faults import Fault, arm

TRAINING = [word for each in (*TINY, "stage1.epochs=2", "stage2.epochs=2") for word in ("--set", each)]
TRAIN = ["train", "data", "--out", "run", "--cache", "cache", "--recipe", "quick", "--log", "quiet", *TRAINING]
FOLDS = [*TRAINING, "--set", "stage1.epochs=1", "--set", "stage2.epochs=1", "--set", "stage1.views=1"]
EXPORT = ["export", "run", "--out", "model", "--cache", "cache", "--samples", "2"]
EVALUATE = ["evaluate", "run"]


class Scenario(NamedTuple):
    """A command, and those whose results it needs."""

    command: list[str]
    before: tuple[list[str], ...] = ()


SCENARIOS = {
    "train": Scenario(TRAIN),
    "evaluate": Scenario(EVALUATE, (TRAIN,)),
    "report": Scenario(["report", "run"], (TRAIN, EVALUATE)),
    "explain": Scenario(["explain", "run", "--cache", "cache", "--rank", "species"], (TRAIN,)),
    "export": Scenario(EXPORT, (TRAIN,)),
    "identify": Scenario(
        ["identify", "model", "data/specimens.csv", "--out", "found.csv", "--archive", "found.zip", "--title", "T",
         "--creator", "C", "--licence", "CC0-1.0", "--heatmaps", "maps"], (TRAIN, EXPORT),
    ),
    "calibrate": Scenario(["calibrate", "run", "--folds", "2", "--cache", "cache"], (TRAIN,)),
    "crossvalidate": Scenario(
        ["crossvalidate", "data", "--out", "study", "--folds", "2", "--cache", "cache", "--recipe", "quick", *FOLDS]
    ),
    "learning-curve": Scenario(
        ["learning-curve", "data", "--out", "study", "--folds", "2", "--cache", "cache", "--recipe", "quick", *FOLDS,
         "--set", "backbone.source=builtin"]
    ),
    "phantoms": Scenario(["phantoms", "drawn", "--images-per-taxon", "1", "--width", "64"]),
}  # fmt: skip


class Ended(NamedTuple):
    """How a command ended in a fork: its exit code, minus the signal that killed it, and what it said."""

    code: int
    said: str


class Bench:
    """A folder in which a command is tried again and again from the same beginning."""

    def __init__(self, folder: Path, scenario: Scenario) -> None:
        self.folder, self.scenario = folder, scenario
        self.work, self.given, self.log, self.said = (folder / name for name in ("work", "given", "log", "said"))
        self.work.mkdir()
        _in_fork(lambda: write_drawn(self.work / "data", per_taxon=(4, 4, 4, 4), views=1) and 0, self.said)
        for command in scenario.before:
            ended = self.run(command)
            assert ended.code == 0, ended
        shutil.copytree(self.work, self.given)
        self.reset()

    def reset(self) -> None:
        """Back to the beginning."""
        shutil.rmtree(self.work)
        shutil.copytree(self.given, self.work)

    def run(self, command: list[str], fault: Fault = Fault.NONE, at: int = 0) -> Ended:
        """Run a command, with a fault."""

        def program() -> int:
            from mentum.cli import main

            os.chdir(self.work)
            arm(self.work, fault, at, self.log)
            sys.argv = ["mentum", *command]
            try:
                main()
            except SystemExit as ended:
                return int(ended.code or 0)
            return 0

        return _in_fork(program, self.said)

    def changes(self) -> list[str]:
        """What the last command changed, in order."""
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()

    def tree(self) -> dict[str, object]:
        """What lies in the folder, without times and identities."""
        files = sorted(path for path in self.work.rglob("*"))
        return {
            path.relative_to(self.work).as_posix(): _content(path) if path.is_file() else "folder" for path in files
        }

    def attempt(self, fault: Fault, at: int, unbroken: dict[str, object]) -> Iterator[str]:
        """Everything that is wrong after a fault and the same command once more."""
        self.reset()
        broken = self.run(self.scenario.command, fault, at)
        met = next((line for line in self.changes() if line.startswith(f"{at} ")), f"{at} ?")
        if fault not in {Fault.KILL_BEFORE, Fault.KILL_AFTER, Fault.TEAR}:
            yield from (f"{met}: {each}" for each in _unclear(broken))
        again = self.run(self.scenario.command)
        found = self.tree()
        if again.code != 0 and found != unbroken:  # what is whole already may be refused
            yield f"{met}: again: {again}"
        for name in sorted(found.keys() | unbroken.keys()):
            if found.get(name) != unbroken.get(name):
                what = "missing" if name not in found else "left" if name not in unbroken else "differs"
                yield f"{met}: {name} {what}"


def _unclear(ended: Ended) -> Iterator[str]:
    """What is wrong with the message about a fault that leaves the process alive."""
    if ended.code == 0:
        return  # it did without, such as where a list that only saves time cannot be kept
    if ended.code != 2 or not ended.said.startswith("mentum: ") or "Traceback" in ended.said or "[Errno" in ended.said:
        yield f"unclear: {ended}"


_TIMES = {"started", "finished", "timings", "peak_memory", "resumed", "images_per_second", "created", "seal", "command"}


def _content(path: Path) -> object:
    if path.suffix == ".json":
        return _scrubbed(json.loads(path.read_text(encoding="utf-8")))
    if path.suffix == ".zip":
        import zipfile

        with zipfile.ZipFile(path) as archive:
            return {name: _undated(archive.read(name)) for name in archive.namelist()}
    return _undated(path.read_bytes())


def _undated(content: bytes) -> bytes:
    content = re.sub(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?([.]\d+)?(Z|[+]00:00| UTC)?", b"TIME", content)
    return re.sub(rb"(?m)^.*(Peak memory|images/s|images per second|seconds|resumed| min\b).*$", b"", content)


def _scrubbed(value: object) -> object:
    if isinstance(value, dict):
        return {key: _scrubbed(each) for key, each in value.items() if key not in _TIMES}
    if isinstance(value, list):
        return [_scrubbed(each) for each in value]
    return value


def _in_fork(program: Callable[[], int], said: Path) -> Ended:
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 99
        with contextlib.suppress(BaseException):
            descriptor = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(descriptor, 2)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            try:
                code = program()
            except BaseException:  # noqa: BLE001 - a fork must not go on as its parent
                import traceback

                traceback.print_exc()
            sys.stderr.flush()
        os._exit(code)
    _, status = os.waitpid(child, 0)
    return Ended(os.waitstatus_to_exitcode(status), said.read_text(encoding="utf-8", errors="replace"))


def _import_all() -> None:
    """Everything that commands import; nothing may start threads."""
    import matplotlib.pyplot
    import onnxscript
    import torch
    import transformers.models.resnet.modeling_resnet

    import mentum
    import mentum.cli
    import mentum.training.train

    del matplotlib, onnxscript, transformers
    torch.set_num_threads(1)
    for name in mentum.__all__:
        getattr(mentum, name)


def main(name: str, faults: str, first: str = "1", step: str = "1") -> None:
    """Try a command with kinds of faults at the changes first, first + step, …"""
    _import_all()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), SCENARIOS[name])
        ended = bench.run(bench.scenario.command)
        assert ended.code == 0, ended
        n_changes, unbroken = len(bench.changes()), bench.tree()
        numbers = range(int(first), n_changes + 1, int(step))
        for fault in faults.split(","):
            troubles = [each for at in numbers for each in _told(bench.attempt(Fault[fault], at, unbroken), folder)]
            counts = {"fault": fault, "changes": n_changes, "tried": len(numbers), "troubles": len(troubles)}
            print(json.dumps(counts), flush=True)  # noqa: T201


def _told(troubles: Iterator[str], folder: str) -> Iterator[str]:
    """Troubles, each printed as it comes, without the folder's own name."""
    for trouble in troubles:
        print(trouble.replace(folder, ""), flush=True)  # noqa: T201
        yield trouble


if __name__ == "__main__":
    main(*sys.argv[1:])
