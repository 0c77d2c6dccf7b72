"""Mentum: from labelled photographs of specimens to an identifier that a taxonomist can trust.

Names are loaded when they are first used, so that `import mentum` stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mentum.errors import MentumError
    from mentum.evaluation.compare import compare
    from mentum.evaluation.evaluate import evaluate
    from mentum.identification.identify import Identifier, load
    from mentum.release.export import export
    from mentum.reporting.report import write_report
    from mentum.runs import Run
    from mentum.settings import load_settings
    from mentum.specimens.checks import check
    from mentum.studies.audit import Means, audit
    from mentum.studies.cross_validation import Plan, crossvalidate
    from mentum.studies.learning_curve import learning_curve
    from mentum.training.train import train

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
    "Identifier": "mentum.identification.identify",
    "Means": "mentum.studies.audit",
    "MentumError": "mentum.errors",
    "Plan": "mentum.studies.cross_validation",
    "Run": "mentum.runs",
    "audit": "mentum.studies.audit",
    "check": "mentum.specimens.checks",
    "compare": "mentum.evaluation.compare",
    "crossvalidate": "mentum.studies.cross_validation",
    "evaluate": "mentum.evaluation.evaluate",
    "export": "mentum.release.export",
    "learning_curve": "mentum.studies.learning_curve",
    "load": "mentum.identification.identify",
    "load_settings": "mentum.settings",
    "train": "mentum.training.train",
    "write_report": "mentum.reporting.report",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'mentum' has no attribute '{name}'")
