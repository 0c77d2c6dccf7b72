"""The section on what probabilities mean, and on the rank that can be defended."""

from __future__ import annotations

from markupsafe import Markup

from mentum.evaluation.results import CalibrationReport, DefendedRanks
from mentum.reporting.report import figures
from mentum.reporting.report.known import Known
from mentum.reporting.report.rendering import render_file


def show(known: Known) -> Markup:
    """The calibration, with its figures."""
    return render_file(
        "probabilities.html",
        calibration=known.calibration,
        defended=defended_tables(known.calibration) if known.calibration else (),
        calibration_figures=figures.calibration_figures(known.run),
    )


def defended_tables(calibration: CalibrationReport) -> list[DefendedRanks]:
    """By specimen before by image, fewest errors first."""
    return sorted(calibration.defended, key=lambda each: (each.unit != "specimen", each.error_rate))
