"""What a label was understood to mean: a taxon, with what was left out or assumed, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from mentum.taxonomy import Rank, Taxon

HYBRID = "\N{MULTIPLICATION SIGN}"
"""The sign of a hybrid."""


class Assumption(StrEnum):
    """What reading a name may assume or leave out, in words that follow "in 3 names"."""

    AUTHORS = "authors are left out"
    LETTER_CASE = "capital and small letters are corrected"
    SUBGENUS = "the subgenus in brackets is left out"
    SENSE = "'sensu stricto' and the like are left out"
    DAGGER = "the sign of an extinct taxon is left out"
    DIAERESIS = "letters with two dots are read without them"


@dataclass(frozen=True)
class Reading:
    """What a label means.

    Attributes:
        taxon: None where the label is refused.
        assumptions: what was left out or assumed.
        authors: of the name, as the label gives them.
        doubt: why the images are labelled to a higher taxon than the label writes; "" where they are not.
        refusal: why there is no taxon, and what to do; "" where there is one.
    """

    taxon: Taxon | None = None
    assumptions: frozenset[Assumption] = frozenset()
    authors: str = ""
    doubt: str = ""
    refusal: str = ""

    def but(self, *assumptions: Assumption, doubt: str = "") -> Reading:
        """The same with more assumed, or with a doubt."""
        if self.taxon is None:
            return self
        return replace(self, assumptions=self.assumptions | set(assumptions), doubt=doubt or self.doubt)

    def with_taxon(self, taxon: Taxon) -> Reading:
        """The same for the taxon in its place in a tree."""
        return replace(self, taxon=taxon)

    def below(self, rank: Rank, name: str) -> Reading:
        """A taxon below the one that was read."""
        assert self.taxon is not None, "asked for what was read only"
        return replace(self, taxon=Taxon((*self.taxon.path, (rank, name))))


ADVICE = "write the scientific name alone, or add the label to taxonomy.csv (scientificName, taxonRank) if it is one"
NO_TAXON_ADVICE = (
    "name the images at the rank that is certain, leave them out, or list the label in the setting specimens.not_taxa, "
    "which makes it a class that is never published as a taxon"
)


def refused(why: str, advice: str = ADVICE) -> Reading:
    """A label that is not read."""
    return Reading(refusal=f"{why}; {advice}.")
