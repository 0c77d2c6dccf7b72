"""The section with the scores of every taxon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mentum.reporting.report.known import Known
from mentum.reporting.report.rendering import render_file
from mentum.taxonomy import Rank

if TYPE_CHECKING:
    from markupsafe import Markup


def show(known: Known) -> Markup:
    """Precision, recall and F1 of each taxon by rank."""
    return render_file(
        "taxa.html",
        taxon_tables=_taxon_tables(known),
        worst=_worst,
        longest=LONGEST_SHOWN,
        network=known.network,
        sample=known.sample,
    )


LONGEST_SHOWN = 100
"""Taxa that a table shows at once; of more, the worst are shown, and all are folded away."""
N_WORST = 30


@dataclass(frozen=True)
class _TaxonLine:
    """One taxon at one rank; None where a score is undefined."""

    name: str
    own_rank: Rank
    n_images: int
    precision: float | None
    recall: float | None
    f1: float | None


def _worst(lines: Sequence[_TaxonLine]) -> list[_TaxonLine]:
    """The lowest F1 first, then those with most images."""
    scored = [line for line in lines if line.f1 is not None]
    return sorted(scored, key=lambda line: (line.f1 or 0.0, -line.n_images))[:N_WORST]


def _taxon_tables(known: Known) -> dict[Rank, list[_TaxonLine]]:
    """Scores of every taxon by rank, of the headline's images."""
    tables: dict[Rank, list[_TaxonLine]] = {}
    for row in known.headline:
        key = (row.stage, row.rank, row.subset)
        confusion = next(each for each in known.evaluation.confusions if (each.stage, each.rank, each.subset) == key)
        scores = [each for each in known.evaluation.taxa if (each.stage, each.rank, each.subset) == key]
        tables[row.rank] = [
            _TaxonLine(
                name=score.scientific_name,
                own_rank=own,
                n_images=score.n_images,
                precision=score.precision if answers else None,
                recall=score.recall if score.n_images else None,
                f1=score.f1 if answers or score.n_images else None,
            )
            for score, own, answers in zip(scores, confusion.label_ranks, confusion.identified, strict=True)
        ]
    return tables
