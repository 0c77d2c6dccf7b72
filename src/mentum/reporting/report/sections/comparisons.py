"""The section that sets the run, or its cross-validation, beside others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mentum.reporting.report.known import Known
from mentum.reporting.report.rendering import render_file

if TYPE_CHECKING:
    from markupsafe import Markup


def show(known: Known) -> Markup:
    """Who has what right, and whether the difference is more than chance."""
    return render_file("comparisons.html", comparisons=known.comparisons)
