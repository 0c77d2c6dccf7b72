"""Frozen results of an explanation, which go to `characters.json` and come back."""

from __future__ import annotations

from typing import Literal

from mentum.maps import Alignment, CellGeometry
from mentum.records import Interval, Record
from mentum.taxonomy import Rank

UNASSIGNED, BACKGROUND = "unassigned", "background"
"""Regions beside the characters: the rest of the specimen, and what is outside it."""
NONE, SEVERAL = "none", "any of several"
"""Answers beside the characters: none was used, or several were of which no one is needed."""

LEAST_EITHER = 0.1
"""Share of images from which on two characters are called redundant."""


class CharacterShare(Record):
    """How much one character counted, for one taxon or all, at one rank.

    Attributes:
        character: a category of the annotation, "unassigned" (the rest of the specimen), "background", "none" (no
            character was used) or "any of several" (no one of them is needed); the last two have only what was used.
        taxon: identified as; None = all.
        group: whether these are correct identifications or incorrect ones.
        used: share of images in which it was the character used, 0-1, by necessity, or by the maps where that was not
            measured; 0 for unassigned and background.
        interval: of `used`.
        necessity: mean fall of the log-odds of the taxon identified where the character is that of another taxon's
            specimen, beyond what its form costs elsewhere; of the background, on the ground of another taxon's image
            beyond that of another image of the same taxon, over some of the images; None where it was not measured.
            necessity_low and necessity_high bound 95 % of bootstrap draws of specimens.
        credit: its mean Shapley value among the characters, in log-odds, over some of the images; likewise bounds.
        map_used: share of images in which the map's rule names it; likewise its interval.
        mass: mean share of positive relevance that lies in it, 0-1, over images whose map holds any; mass_low and
            mass_high bound 95 % of bootstrap draws of specimens.
        area: mean share of the square.
        enrichment: `mass` over `area`; None where it never occurs.
        pointing: share of images whose map peaks in it.
        null_mass: `mass` with the masks laid on other specimens' maps, None where there is none; null_low and null_high
            bound 95 % of draws.
        shifted_mass: `mass` with the maps shifted at random, cyclically; shifted_low and shifted_high as above.
    """

    rank: Rank
    taxon: str | None
    group: Literal["correct", "incorrect"]
    character: str
    used: float
    interval: Interval
    mass: float | None
    mass_low: float | None
    mass_high: float | None
    area: float | None
    enrichment: float | None
    pointing: float | None
    null_mass: float | None
    null_low: float | None
    null_high: float | None
    shifted_mass: float | None
    shifted_low: float | None
    shifted_high: float | None
    n: int
    n_specimens: int
    necessity: float | None = None
    necessity_low: float | None = None
    necessity_high: float | None = None
    credit: float | None = None
    credit_low: float | None = None
    credit_high: float | None = None
    map_used: float | None = None
    map_interval: Interval | None = None


class Chance(Record):
    """What forms laid elsewhere on the specimen cost: the measure of what a character's loss must exceed.

    Attributes:
        threshold: least necessity of a character that is used, in log-odds.
        false_positive_rate: share of images in which the most costly of such forms exceeds it.
        n: images in which forms were laid elsewhere.
    """

    rank: Rank
    threshold: float
    false_positive_rate: float
    n: int


class CharacterPair(Record):
    """Two characters of the correctly identified images in which all sets of them were tried.

    Attributes:
        either: share of images whose identification survives the loss of each, but not of both, 0-1.
        interval: of `either`.
        interaction: mean cost of losing both beyond the costs of losing each, in log-odds; above 0 where each can stand
            in for the other, below 0 where they tell only together.
    """

    rank: Rank
    characters: tuple[str, str]
    either: float
    interval: Interval
    interaction: float
    n: int

    @property
    def is_redundant(self) -> bool:
        """Whether either suffices, surely in more than a tenth of the images."""
        return self.interval.low > LEAST_EITHER


FEWEST_GIVEN = 5
"""Images given the characters of another taxon, below which shares say little of what tells the two apart."""


class PairShare(Record):
    """How often one character tells a taxon from another; `character` is "none" where none does.

    Attributes:
        used: share of images in which it was needed most, 0-1.
        interval: of `used`.
        necessity: its mean necessity, in log-odds; None where it was not replaced.
    """

    character: str
    used: float
    interval: Interval
    necessity: float | None


class TaxonPair(Record):
    """What tells a taxon from another: its correctly identified images that were given the other's characters.

    Attributes:
        n_confused: images of either that were identified as the other.
        n: images; n_specimens theirs.
        images: an image of the taxon, and one of those of the other whose characters it was given.
    """

    rank: Rank
    taxon: str
    other: str
    n_confused: int
    shares: tuple[PairShare, ...]
    n: int
    n_specimens: int
    images: tuple[str, str]

    @property
    def says_little(self) -> bool:
        """Whether there are too few images."""
        return self.n < FEWEST_GIVEN


class RuleAgreement(Record):
    """Share of images in which rules name the same character (or all none), 0-1."""

    rank: Rank
    mass_density: float
    mass_peak: float
    density_peak: float
    all_three: float
    n: int


class Occlusion(Record):
    """What hiding one character does to the label's taxon, against hiding a region of the same form elsewhere.

    Attributes:
        fill: what hides it: the image, strongly blurred, or the specimen's mean colour.
        drop: mean fall of the taxon's probability; control_drop that of the control.
        log_odds_drop: mean fall of its log-odds, which a probability near 1 does not hide; likewise its control.
        excess: `log_odds_drop` less its control; excess_low and excess_high bound 95 % of bootstrap draws of specimens.
        accuracy_drop: fall of the accuracy, 0-1; likewise its control.
    """

    rank: Rank
    character: str
    fill: Literal["blurred", "mean"]
    drop: float
    control_drop: float
    log_odds_drop: float
    control_log_odds_drop: float
    excess: float
    excess_low: float
    excess_high: float
    accuracy_drop: float
    control_accuracy_drop: float
    n: int
    n_specimens: int


class Randomisation(Record):
    """How far maps survive random weights: mean rank correlation with the trained network's maps."""

    rank: Rank
    randomised: Literal["head", "head and last block"]
    correlation: float
    n: int


class Explanation(Record):
    """What `mentum explain` stores in `characters.json`.

    Attributes:
        subsets: whose images were explained.
        annotation: file with the outlines of the characters.
        rule: how the character used is told, in words.
        chances: at each rank, where necessity was measured.
        pairs: of characters, likewise.
        n_credited: images in which characters share the credit.
        told_apart: pairs of taxa that are near relatives or were confused, where necessity was measured.
        warnings: what a reader must know, in plain sentences.
    """

    schema_version: Literal[1] = 1
    run: str
    subsets: tuple[str, ...]
    annotation: str
    alignment: Alignment
    geometry: CellGeometry
    rule: str
    characters: tuple[str, ...]
    shares: tuple[CharacterShare, ...]
    chances: tuple[Chance, ...] = ()
    pairs: tuple[CharacterPair, ...] = ()
    n_credited: int = 0
    told_apart: tuple[TaxonPair, ...] = ()
    agreement: tuple[RuleAgreement, ...]
    occlusions: tuple[Occlusion, ...]
    randomisation: tuple[Randomisation, ...]
    warnings: tuple[str, ...]

    @property
    def answers(self) -> list[str]:
        """What an image may be decided by: the characters in the order of the annotation, then what names none."""
        own = [name for name in self.characters if name not in (UNASSIGNED, BACKGROUND, NONE, SEVERAL)]
        return own + [SEVERAL] * bool(self.chances) + [NONE]
