"""Run a case in a process of its own, cloned from one that has everything loaded, within limits."""

from __future__ import annotations

import gc
import importlib
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
import warnings
from pathlib import Path

from fuzz.cases import Case, Ground
from fuzz.corpus import FAMILIES
from fuzz.judging import Ending, Verdict, judge

PROCESSOR_SECONDS = 40
"""More is a hang: what is in order takes three, an audit twenty on a busy machine."""
CLOCK_SECONDS = 120
MEBIBYTES = 1500
"""More is a fault: what is in order takes 700, most of it libraries."""
DATA_BYTES = 6 * 2**30
"""Where the system refuses memory, so that a fault does not take the machine with it."""


def load_everything() -> None:
    """Load what commands load while they run, so that clones have it; libraries load more at the first use."""
    import matplotlib.pyplot
    import onnxruntime  # noqa: F401
    import pillow_heif  # noqa: F401
    import polars  # noqa: F401
    import torch
    import torch.onnx

    for module in ("audit", "explain", "export", "identify", "train", "evaluate", "report", "verify", "calibrate"):
        importlib.import_module(f"mentum.workflows.{module}")
    from mentum.network.backbones import load_backbone
    from mentum.settings import load_settings

    torch.set_num_threads(1)
    torch.optim.AdamW(load_backbone(load_settings("quick").backbone, 0).parameters())
    load_backbone(load_settings("quick", ["backbone.source=random"]).backbone, 0)
    matplotlib.pyplot.close(matplotlib.pyplot.figure())
    gc.freeze()  # no clone walks through what it shares


def run_case(
    case: Case, ground: Ground, folder: Path, seed: int, *, show: bool = False
) -> tuple[list[str], Ending, Verdict]:
    """Make the input of a case, give it to its command, and judge what came of it.

    Returns:
        The command line, the ending and the verdict.
    """
    _remove(folder)
    (folder / "in").mkdir(parents=True)
    began = time.monotonic()
    child = os.fork()
    if not child:
        _be_the_command(case, ground, folder, seed)
    status, usage, overtime = _await(child, began + CLOCK_SECONDS)
    command = (
        (folder / "command").read_bytes().decode("utf-8", "surrogateescape").split("\0")
        if (folder / "command").exists()
        else []
    )
    out, err = ((folder / name).read_bytes().decode("utf-8", "replace") for name in ("out", "err"))
    code = os.waitstatus_to_exitcode(status)
    ending = Ending(
        code, out, err, time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024, overtime
    )
    if show:
        print(command, out, err, ending.code, f"{ending.busy:.1f} s, {ending.mebibytes} MiB", sep="\n")
    _remove(folder)
    if not command:  # the trick itself failed
        return command, ending, Verdict(["not made"])
    return command, ending, judge(command[0], ending, PROCESSOR_SECONDS, MEBIBYTES)


def _remove(folder: Path) -> None:
    """With the system's own command: Python's fails at folders a thousand deep."""
    subprocess.run(["rm", "-rf", "--", folder], check=True)


def _await(child: int, until: float) -> tuple[int, resource.struct_rusage, bool]:
    while True:
        ended, status, usage = os.wait4(child, os.WNOHANG)
        if ended:
            return status, usage, os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU
        if time.monotonic() > until:
            os.killpg(child, signal.SIGKILL)
            _, status, usage = os.wait4(child, 0)
            return status, usage, True
        time.sleep(0.005)


def _be_the_command(case: Case, ground: Ground, folder: Path, seed: int) -> None:
    """In the clone: make the input, then be the command; never returns."""
    code = 99
    try:
        os.setsid()
        for name, number in (("out", 1), ("err", 2)):
            os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT, 0o600), number)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.environ.update(
            HOME=str(folder / "in"), XDG_CACHE_HOME=str(folder / "in/.cache"), COLUMNS="200", HF_HUB_OFFLINE="1"
        )
        place = case.place(folder / "in", ground, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a library's remarks on what is being made are none of the command's
            words = list(FAMILIES[case.family][1][case.trick](place))
        arguments = [os.fspath(word) if isinstance(word, Path) else str(word) for word in words]
        arguments = [word.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape") for word in arguments]
        (folder / "command").write_bytes("\0".join(arguments).encode("utf-8", "surrogateescape"))
        os.chdir(folder / "in")
        _limit()
        code = _command(arguments)
    except BaseException:  # noqa: BLE001 - whatever it is, the clone must not go on as its parent
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _limit() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + PROCESSOR_SECONDS + 2
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_DATA, (DATA_BYTES, DATA_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _command(arguments: list[str]) -> int:
    from mentum.cli import main

    sys.argv = ["mentum", *arguments]
    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - what a person would see
        traceback.print_exc()
        return 1
    return 0
