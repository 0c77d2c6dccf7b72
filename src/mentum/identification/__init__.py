"""What is it? Names and probabilities for new images."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mentum.identification.output.records import read_records

__all__ = ["read_records"]

_HOMES = {"read_records": "mentum.identification.output.records"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'mentum.identification' has no attribute '{name}'")
