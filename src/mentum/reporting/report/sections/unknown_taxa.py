"""The section on taxa outside the training set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mentum.reporting.report.known import Known
from mentum.reporting.report.rendering import render_file

if TYPE_CHECKING:
    from markupsafe import Markup


def show(known: Known) -> Markup:
    """How taxa were taken that were left out of training."""
    return render_file("unknown_taxa.html", unknowns=known.unknown_taxa)
