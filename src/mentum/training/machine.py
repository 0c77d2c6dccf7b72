"""What a training ran on: processor, memory, accelerator, versions; and how it is made repeatable."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import psutil
import torch

from mentum.errors import SettingsError
from mentum.runs import Machine
from mentum.settings import Settings

_PACKAGES = ("mentum", "torch", "transformers", "safetensors", "numpy", "pillow", "polars", "pydantic")


def choose_device(settings: Settings) -> torch.device:
    """The GPU where there is one and the settings allow it.

    Raises:
        SettingsError: if a GPU is asked for and there is none.
    """
    available = torch.cuda.is_available()
    if settings.device == "cuda" and not available:
        raise SettingsError(
            "device: found no GPU that this torch can use, expected one for 'cuda'; give 'auto' or 'cpu'."
        )
    return torch.device("cuda" if available and settings.device != "cpu" else "cpu")


@contextlib.contextmanager
def repeatable(settings: Settings) -> Iterator[None]:
    """Deterministic algorithms and a fixed number of threads for the time of a training."""
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it, deterministic algorithms fail on a GPU
    torch.set_num_threads(settings.threads or os.cpu_count() or 1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)


def describe_machine(device: torch.device) -> Machine:
    """The machine, for the run's record."""
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        threads=torch.get_num_threads(),
        memory=round(psutil.virtual_memory().total / 1e9, 1),
        accelerator=torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        platform=platform.platform(),
    )


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def describe_versions() -> dict[str, str]:
    """Versions of Python and of the packages that shape a result."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in _PACKAGES}


def peak_memory() -> float:
    """Largest resident size of this process so far, GB."""
    if sys.platform == "win32":
        return float(psutil.Process().memory_info().peak_wset) / 1e9
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kilobytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
