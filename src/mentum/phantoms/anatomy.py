"""Taxa as data: what a ventral head capsule of each looks like.

Lengths are in units of the capsule's greatest width; absorbances are (red, green, blue), natural logarithm.
Source: measures taken on published micrographs of the ten taxa (Milošević et al. 2020, and the authors' samples);
counts of teeth from the keys to the genera. A taxon that differs in one character is `dataclasses.replace` away.
"""

from dataclasses import dataclass
from typing import Literal

Absorbance = tuple[float, float, float]
Pattern = Literal["none", "spots", "bar", "field"]

BLACK: Absorbance = (0.98, 1.15, 1.26)
DARK_BROWN: Absorbance = (0.85, 1.15, 1.40)
BROWN: Absorbance = (0.45, 0.85, 1.25)
AMBER: Absorbance = (0.08, 0.50, 1.05)


def scaled(absorbance: Absorbance, factor: float) -> Absorbance:
    """An absorbance as many times as strong.

    >>> scaled((1.0, 2.0, 3.0), 2.0)
    (2.0, 4.0, 6.0)
    """
    red, green, blue = absorbance
    return red * factor, green * factor, blue * factor


@dataclass(frozen=True)
class Capsule:
    """Form and colour of the head capsule.

    Attributes:
        length: from the rear rim to the front of the labrum.
        profile: (fraction of the length from the rear, half width), from the rear corner to the front corner.
        absorbance: of both walls together.
        limb: extra absorbance toward the outline, as a share of `absorbance`.
        crease: how often the wall is folded across.
        gut: how often an orange line of food shines through.
    """

    length: float
    profile: tuple[tuple[float, float], ...]
    absorbance: Absorbance
    limb: float = 0.9
    crease: float = 0.15
    gut: float = 0.06


@dataclass(frozen=True)
class Mentum:
    """The toothed plate.

    Attributes:
        front: distance of its foremost teeth from the front of the labrum.
        width: of the row of teeth.
        rise: how far the middle of the row lies before its ends.
        curve: exponent of the row's arch: 1 is a gable, 2 a dome, 3 and more a flat top.
        teeth: heights from the median tooth outward on one side.
        median: a single tooth, a pair, or one with three points.
        bluntness: 0 pointed to 1 square.
        depth: of the dark band that bears the teeth.
        field: depth of the pale, lens-shaped field behind the band (0: none).
        absorbance: of the dark band.
        pale_middle: 0 evenly dark to 1 the median teeth without pigment.
        stripes: strength of longitudinal stripes.
    """

    front: float
    width: float
    rise: float
    curve: float
    teeth: tuple[float, ...]
    median: Literal["single", "pair", "trifid"]
    bluntness: float
    depth: float
    field: float
    absorbance: Absorbance
    pale_middle: float = 0.0
    stripes: float = 0.0


@dataclass(frozen=True)
class Plates:
    """The ventromental plates: striate fans beside the mentum, or narrow strips along its flanks.

    Attributes:
        width: of one plate; below 0.1 it is drawn as a strip.
        height: of one plate.
        reach: distance of its centre from the midline.
        density: pigment of its surface.
        rim: pigment of its front rim.
    """

    width: float
    height: float
    reach: float
    density: float
    rim: float


@dataclass(frozen=True)
class Arch:
    """The postoccipital margin: the dark rim of the opening to the thorax.

    Attributes:
        span: width between its feet.
        apex: distance of its top from the front of the labrum.
        foot: distance of its feet from the rear rim.
        crown: width of its top, as a share of `span`: 0.1 is an A, 0.4 round, 0.6 flat-topped.
        flare: how far the legs bend outward: 0 straight, 1 like a bell.
        stroke: thickness.
        feet: thickness at the feet, as a multiple of `stroke`.
        absorbance: of the rim.
        rear: pigment of the arc that closes the opening behind.
        pale_crown: 0 evenly dark to 1 the top without pigment.
    """

    span: float
    apex: float
    foot: float
    crown: float
    flare: float
    stroke: float
    feet: float
    absorbance: Absorbance
    rear: float
    pale_crown: float = 0.0


@dataclass(frozen=True)
class Gula:
    """Pigment of the wall between mentum and opening.

    Attributes:
        darkness: extra pigment, as a share of the wall's.
        width: standard deviation across the midline.
        midline: how clear the pale suture is, 0 to 1.
        blotches: pigment of a dark patch on each side of the midline.
        pattern: dark marks within the submentum: two spots, a bar across it, or all of it.
        absorbance: of the pattern.
    """

    darkness: float
    width: float
    midline: float
    blotches: float = 0.0
    pattern: Pattern = "none"
    absorbance: Absorbance = DARK_BROWN


@dataclass(frozen=True)
class Mandibles:
    """The pair of mandibles.

    Attributes:
        length: of one, along its curve.
        width: at its base.
        closed: how often one lies closed before, or over, the mentum.
        tip: share of the length that is black.
        unlike: how often one lies otherwise than its fellow.
        density: pigment of the whole, beneath the black.
    """

    length: float
    width: float
    closed: float
    tip: float
    unlike: float = 0.15
    density: float = 0.7


@dataclass(frozen=True)
class Taxon:
    """A taxon: its names, and the parts of its head.

    Attributes:
        scientific_name: a species, or a genus.
        size: width of the capsule as a share of the image's width.
    """

    scientific_name: str
    tribe: str
    subfamily: str
    size: float
    capsule: Capsule
    mentum: Mentum
    plates: Plates
    arch: Arch
    gula: Gula
    mandibles: Mandibles

    @property
    def genus(self) -> str:
        """The genus, first word of the name."""
        return self.scientific_name.split()[0]

    @property
    def rank(self) -> str:
        """Darwin Core's rank of the name."""
        return "species" if " " in self.scientific_name else "genus"

    @property
    def stem(self) -> str:
        """Start of file names; a genus alone is followed by `sp`."""
        return self.scientific_name.replace(" ", "_") if self.rank == "species" else f"{self.genus}_sp"
