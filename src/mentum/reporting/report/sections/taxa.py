"""The section with the scores of every taxon."""

from __future__ import annotations

from markupsafe import Markup

from mentum.evaluation.result_table import taxon_lines
from mentum.reporting.report.known import Known
from mentum.reporting.report.rendering import render_file


def show(known: Known) -> Markup:
    """Precision, recall and F1 of each taxon by rank, on the images of the headline."""
    tables = {row.rank: taxon_lines(known.evaluation, row) for row in known.headline}
    return render_file("taxa.html", taxon_tables=tables, network=known.network, sample=known.sample)
