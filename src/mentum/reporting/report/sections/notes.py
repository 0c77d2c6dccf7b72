"""The section with whatever else was said of the run."""

from __future__ import annotations

from markupsafe import Markup

from mentum.reporting.report.known import Known
from mentum.reporting.report.rendering import render_file

N_SHOWN = 20
"""Notes of one kind; more are folded away, as thousands of taxa may each have one."""


def show(known: Known) -> Markup:
    """Notes and warnings in the words of the commands; those on accuracies stand beneath their table."""
    said = [
        ("On the data", known.record.data.warnings),
        ("On probabilities and ranks", known.calibration.notes if known.calibration else ()),
        ("On characters", known.explanation.warnings if known.explanation else ()),
    ]
    return render_file("notes.html", notes=[(heading, texts) for heading, texts in said if texts], shown=N_SHOWN)
