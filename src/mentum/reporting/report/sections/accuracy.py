"""The section with the paper's table: what was identified correctly, by stage, rank and subset."""

from __future__ import annotations

from itertools import groupby

from markupsafe import Markup

from mentum.evaluation.scores import other_metrics
from mentum.reporting.report.known import Known
from mentum.reporting.report.rendering import render_file


def show(known: Known) -> Markup:
    """All scores of the evaluation and its notes."""
    table = known.evaluation.table
    scores = [score for row in table for score in row.scores.values() if score]
    return render_file(
        "accuracy.html",
        stage_rows=[(stage, list(rows)) for stage, rows in groupby(table, key=lambda row: row.stage)],
        others=other_metrics() if any(row.scores for row in table) else [],
        methods=sorted({row.interval.method for row in table}),
        intervals=[row.interval for row in table] + [score.interval for score in scores],
        evaluation=known.evaluation,
    )
