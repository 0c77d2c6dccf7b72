"""The section on the characters that the network used."""

from __future__ import annotations

from markupsafe import Markup

from mentum.explanation.necessity.told_apart import PAIRS_RULE
from mentum.explanation.tables import ranked_shares
from mentum.reporting.report import figures
from mentum.reporting.report.known import Known
from mentum.reporting.report.rendering import render_file


def show(known: Known) -> Markup:
    """The shares of the characters, with their figures."""
    return render_file(
        "characters.html",
        explanation=known.explanation,
        character_figures=figures.character_figures(known.run, known.explanation),
        pair_figures=figures.pair_figures(known.run, known.explanation),
        pairs_rule=PAIRS_RULE,
        agreement=known.agreement,
        character_rows=ranked_shares(known.explanation) if known.explanation else {},
    )
