"""Faults at the n-th change of files: a kill, half of a write, a disk that is full or read-only from then on.

A library that stands before the system's sees every change, also those by libraries in C, C++ and Rust. It is compiled
when it is first needed; where there is no compiler, or the system is not Linux, there are no such faults.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from enum import IntEnum
from pathlib import Path

SOURCE = Path(__file__).with_name("faults.c")


class Fault(IntEnum):
    """What happens at the n-th change; the numbers are those of the library."""

    NONE = 1
    KILL_BEFORE = 2
    KILL_AFTER = 3
    TEAR = 4
    FULL_DISK = 5
    READ_ONLY = 6
    NO_MEMORY = 7


def compiler() -> str | None:
    """The system's compiler, where faults can be made."""
    return shutil.which("cc") if sys.platform == "linux" else None


def compiled(folder: Path) -> Path:
    """The library."""
    library = folder / "faults.so"
    if not library.exists():
        command = ["cc", "-shared", "-fPIC", "-O1", str(SOURCE), "-o", str(library), "-ldl"]
        subprocess.run(command, check=True, capture_output=True)
    return library


def arm(folder: Path, fault: Fault, at: int, log: Path) -> None:
    """Count the changes below a folder in this process from now on; at the n-th, the fault happens.

    Args:
        folder: whose files are watched.
        fault: what happens.
        at: n, from 1 on.
        log: file, elsewhere, of all changes, one per line.
    """
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.set_inheritable(descriptor, True)
    library = ctypes.CDLL(None)
    library.faults_arm(os.fsencode(folder), int(min(fault, Fault.READ_ONLY)), 0, descriptor)
    if fault is Fault.NO_MEMORY:
        library.faults_arm(os.fsencode(folder), int(Fault.NONE), 0, descriptor)
        _lack_memory(folder, at)
    else:
        library.faults_arm(os.fsencode(folder), int(fault), at, descriptor)


def _lack_memory(folder: Path, at: int) -> None:
    """No library can raise Python's error: let Python do so where it is told of a change."""
    seen = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event not in {"open", "os.rename", "os.mkdir", "os.remove"} or not isinstance(arguments[0], str | bytes):
            return
        if os.fsdecode(arguments[0]).startswith(str(folder)):
            seen += 1
            if seen == at:
                raise MemoryError

    sys.addaudithook(hook)
