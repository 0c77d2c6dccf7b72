"""The section on the characters that the network used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mentum.explanation.results import BACKGROUND, NONE, UNASSIGNED, CharacterShare, Explanation
from mentum.explanation.tables import shares_of_correct
from mentum.reporting.report import figures
from mentum.reporting.report.known import Known
from mentum.reporting.report.rendering import render_file
from mentum.taxonomy import Rank

if TYPE_CHECKING:
    from markupsafe import Markup


def show(known: Known) -> Markup:
    """The shares of the characters, with their figures."""
    return render_file(
        "characters.html",
        explanation=known.explanation,
        character_figures=figures.character_figures(known.run, known.explanation),
        character_rows=_character_rows(known.explanation),
    )


def _character_rows(explanation: Explanation | None) -> dict[Rank, list[CharacterShare]]:
    """Shares of the correct identifications by rank, most used first, then what is no character."""
    rows: dict[Rank, list[CharacterShare]] = {}
    for share in shares_of_correct(explanation) if explanation else ():
        rows.setdefault(share.rank, []).append(share)
    others = (NONE, UNASSIGNED, BACKGROUND)
    return {
        rank: sorted(shares, key=lambda share: (share.character in others, -share.used))
        for rank, shares in rows.items()
    }
