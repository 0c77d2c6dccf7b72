"""The section with the scores of every taxon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mentum.reporting.report.known import Known
from mentum.reporting.report.rendering import render_file
from mentum.taxonomy import Rank

if TYPE_CHECKING:
    from markupsafe import Markup


def show(known: Known) -> Markup:
    """Precision, recall and F1 of each taxon by rank."""
    return render_file("taxa.html", taxon_tables=_taxon_tables(known), network=known.network, sample=known.sample)


@dataclass(frozen=True)
class _TaxonLine:
    """One taxon at one rank; None where a score is undefined."""

    name: str
    own_rank: Rank
    n_images: int
    precision: float | None
    recall: float | None
    f1: float | None


def _taxon_tables(known: Known) -> dict[Rank, list[_TaxonLine]]:
    """Scores of every taxon by rank, of the headline's images."""
    tables: dict[Rank, list[_TaxonLine]] = {}
    for row in known.headline:
        key = (row.stage, row.rank, row.subset)
        confusion = next(each for each in known.evaluation.confusions if (each.stage, each.rank, each.subset) == key)
        given = [sum(column) for column in zip(*confusion.counts, strict=True)]
        scores = [each for each in known.evaluation.taxa if (each.stage, each.rank, each.subset) == key]
        scored = {each.scientific_name for each in scores}  # what is open at the rank is no taxon there
        columns = [
            (own, answers)
            for name, own, answers in zip(confusion.labels, confusion.label_ranks, given, strict=True)
            if name in scored
        ]
        tables[row.rank] = [
            _TaxonLine(
                name=score.scientific_name,
                own_rank=own,
                n_images=score.n_images,
                precision=score.precision if answers else None,
                recall=score.recall if score.n_images else None,
                f1=score.f1 if answers or score.n_images else None,
            )
            for score, (own, answers) in zip(scores, columns, strict=True)
        ]
    return tables
