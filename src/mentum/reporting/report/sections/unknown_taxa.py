"""The section on taxa outside the training set."""

from __future__ import annotations

from markupsafe import Markup

from mentum.reporting.report.known import Known
from mentum.reporting.report.rendering import render_file


def show(known: Known) -> Markup:
    """How taxa were taken that were left out of training."""
    return render_file("unknown_taxa.html", unknowns=known.unknown_taxa)
