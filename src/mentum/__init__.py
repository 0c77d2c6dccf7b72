"""Mentum: from labelled photographs of specimens to an identifier that a taxonomist can trust.

Names are loaded when they are first used, so that `import mentum` stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mentum.errors import MentumError
    from mentum.evaluation.result_table import evaluate
    from mentum.evaluation.run_comparison import compare
    from mentum.identification.identifier import Identifier, load
    from mentum.reporting.report.page import write_report
    from mentum.runs import Run
    from mentum.settings import load_settings
    from mentum.specimens.checks import check
    from mentum.training.train import train
    from mentum.workflows.audit import Means, audit
    from mentum.workflows.crossvalidate import Plan, crossvalidate
    from mentum.workflows.export import export
    from mentum.workflows.learning_curve import learning_curve

__version__ = "0.1.0"
__all__ = [
    "Identifier",
    "Means",
    "MentumError",
    "Plan",
    "Run",
    "__version__",
    "audit",
    "check",
    "compare",
    "crossvalidate",
    "evaluate",
    "export",
    "learning_curve",
    "load",
    "load_settings",
    "train",
    "write_report",
]

_HOMES = {
    "Identifier": "mentum.identification.identifier",
    "Means": "mentum.workflows.audit",
    "MentumError": "mentum.errors",
    "Plan": "mentum.workflows.crossvalidate",
    "Run": "mentum.runs",
    "audit": "mentum.workflows.audit",
    "check": "mentum.specimens.checks",
    "compare": "mentum.evaluation.run_comparison",
    "crossvalidate": "mentum.workflows.crossvalidate",
    "evaluate": "mentum.evaluation.result_table",
    "export": "mentum.workflows.export",
    "learning_curve": "mentum.workflows.learning_curve",
    "load": "mentum.identification.identifier",
    "load_settings": "mentum.settings",
    "train": "mentum.training.train",
    "write_report": "mentum.reporting.report.page",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'mentum' has no attribute '{name}'")
