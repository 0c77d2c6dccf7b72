"""The section with the scores of every taxon."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from mentum.evaluation.result_table import TaxonLine, taxon_lines
from mentum.reporting.report.known import Known
from mentum.reporting.report.rendering import render_file


def show(known: Known) -> Markup:
    """Precision, recall and F1 of each taxon by rank, on the images of the headline."""
    tables = {row.rank: taxon_lines(known.evaluation, row) for row in known.headline}
    return render_file(
        "taxa.html",
        taxon_tables=tables,
        worst=_worst,
        longest=LONGEST_SHOWN,
        network=known.network,
        sample=known.sample,
    )


LONGEST_SHOWN = 100
"""Taxa that a table shows at once; of more, the worst are shown, and all are folded away."""
N_WORST = 30


def _worst(lines: Sequence[TaxonLine]) -> list[TaxonLine]:
    """The lowest F1 first, then those with most images."""
    scored = [line for line in lines if line.f1 is not None]
    return sorted(scored, key=lambda line: (line.f1 or 0.0, -line.n_images))[:N_WORST]
