"""The section with the paper's table: what was identified correctly, by stage, rank and subset."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from mentum.evaluation.scores import other_metrics
from mentum.reporting.report.known import Known
from mentum.reporting.report.rendering import render_file

if TYPE_CHECKING:
    from markupsafe import Markup


def show(known: Known) -> Markup:
    """All scores of the evaluation and its notes."""
    table = known.evaluation.table
    return render_file(
        "accuracy.html",
        stage_rows=[(stage, list(rows)) for stage, rows in groupby(table, key=lambda row: row.stage)],
        others=other_metrics() if any(row.scores for row in table) else [],
        evaluation=known.evaluation,
    )
