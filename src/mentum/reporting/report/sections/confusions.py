"""The section with the confusion matrices."""

from __future__ import annotations

from markupsafe import Markup

from mentum.reporting.report import figures
from mentum.reporting.report.known import Known
from mentum.reporting.report.rendering import render_file


def show(known: Known) -> Markup:
    """The matrices of held-out images."""
    found = figures.confusions(known.run, known.evaluation)
    has_figures = any(matrix.figure for matrices in found.values() for matrix in matrices)
    return render_file("confusions.html", confusions=found, has_figures=has_figures)
