"""Mentum: from labelled photographs of specimens to an identifier that a taxonomist can trust.

One function per task, as the commands of the same names, and what they give and take. Names are loaded when they are
first used, so that `import mentum` stays light.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mentum.errors import (
        BackboneError,
        BusyError,
        DataError,
        ImageError,
        MentumError,
        ModelError,
        RunError,
        SettingsError,
    )
    from mentum.identification.identifier import Identifier, load
    from mentum.runs import Run
    from mentum.settings import load_settings
    from mentum.taxonomy import Rank, Taxon, Taxonomy
    from mentum.workflows.audit import audit
    from mentum.workflows.cache import cache
    from mentum.workflows.calibrate import calibrate
    from mentum.workflows.check import check
    from mentum.workflows.compare import compare
    from mentum.workflows.crossvalidate import crossvalidate
    from mentum.workflows.evaluate import evaluate
    from mentum.workflows.explain import explain
    from mentum.workflows.export import export
    from mentum.workflows.identify import identify
    from mentum.workflows.learning_curve import learning_curve
    from mentum.workflows.name_characters import name_characters
    from mentum.workflows.novelty import novelty
    from mentum.workflows.phantoms import phantoms
    from mentum.workflows.report import report
    from mentum.workflows.train import train
    from mentum.workflows.verify import verify

__version__ = "0.1.0"

# ONNX Runtime looks these up when it is loaded, whoever loads it: without them it writes an identity of the device into
# the user's cache and calls its maker. Nothing that Mentum does may leave the machine unasked.
os.environ.update(ORT_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")

__all__ = [
    "BackboneError",
    "BusyError",
    "DataError",
    "Identifier",
    "ImageError",
    "MentumError",
    "ModelError",
    "Rank",
    "Run",
    "RunError",
    "SettingsError",
    "Taxon",
    "Taxonomy",
    "__version__",
    "audit",
    "cache",
    "calibrate",
    "check",
    "compare",
    "crossvalidate",
    "evaluate",
    "explain",
    "export",
    "identify",
    "learning_curve",
    "load",
    "load_settings",
    "name_characters",
    "novelty",
    "phantoms",
    "report",
    "train",
    "verify",
]

_TASKS = (
    "audit", "cache", "calibrate", "check", "compare", "crossvalidate", "evaluate", "explain", "export", "identify",
    "learning_curve", "name_characters", "novelty", "phantoms", "report", "train", "verify",
)  # fmt: skip
_ERRORS = (
    "BackboneError", "BusyError", "DataError", "ImageError", "MentumError", "ModelError", "RunError", "SettingsError",
)  # fmt: skip

_HOMES = {
    **{name: f"mentum.workflows.{name}" for name in _TASKS},
    **dict.fromkeys(_ERRORS, "mentum.errors"),
    **dict.fromkeys(("Identifier", "load"), "mentum.identification.identifier"),
    **dict.fromkeys(("Rank", "Taxon", "Taxonomy"), "mentum.taxonomy"),
    "Run": "mentum.runs",
    "load_settings": "mentum.settings",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'mentum' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """`mentum.audit` and `mentum.phantoms` are tasks; the rooms of these names are reached by their modules.

    Python sets a room as an attribute of the package once one of its modules is imported, which would hide the task.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _TASKS and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
