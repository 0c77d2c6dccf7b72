"""Four taxa that differ in one character only, or in two, so that it is known what a trained model can have used.

All four share `BASE`, drawn after no one animal: large, with its characters apart from one another. A form changes no
measure that places or bounds another structure: the front, median height, width, rise, depth and field of the mentum
stay, and so does the line of the arch. All forms take equally many random numbers, so that taxa drawn from the same
numbers are alike in every pixel away from the decisive character.
"""

from collections.abc import Mapping
from dataclasses import replace

from mentum.phantoms.anatomy import (
    AMBER,
    BLACK,
    BROWN,
    DARK_BROWN,
    Arch,
    Capsule,
    Gula,
    Mandibles,
    Mentum,
    Plates,
    Taxon,
)
from mentum.phantoms.settings import Character, PhantomSettings
from mentum.phantoms.taxa import SQUARE, TAXA

POINTED_TEETH = (0.050, 0.040, 0.048, 0.044, 0.040, 0.034, 0.028)  # 15 with a median of three points
LOW_TEETH = (0.050, 0.014, 0.014, 0.014, 0.012, 0.012, 0.010, 0.010)  # 15 with a single median tooth

BASE = Taxon(
    scientific_name="Polypedilum convictum",
    tribe="Chironomini",
    subfamily="Chironominae",
    size=0.57,
    capsule=Capsule(1.06, SQUARE, (0.10, 0.30, 0.58), limb=0.8, crease=0.0, gut=0.0),
    mentum=Mentum(0.28, 0.42, 0.09, 2.0, POINTED_TEETH, "trifid", 0.1, 0.09, 0.06, BLACK),
    plates=Plates(0.21, 0.18, 0.345, 0.7, 0.8),
    arch=Arch(0.72, 0.77, 0.05, 0.42, 0.2, 0.040, 1.2, BLACK, rear=0.0),
    gula=Gula(0.25, 0.20, 0.0, pattern="spots", absorbance=BROWN),
    mandibles=Mandibles(0.29, 0.080, 0.0, 0.55, unlike=0.03),
)
NAMES = (
    ("Polypedilum convictum", "Chironomini", "Chironominae"),
    ("Polypedilum laetum", "Chironomini", "Chironominae"),
    ("Tvetenia calvescens", "", "Orthocladiinae"),
    ("Tvetenia discoloripes", "", "Orthocladiinae"),
)

_DARK, _PALE = BASE.mentum, replace(BASE.mentum, teeth=LOW_TEETH, median="single", bluntness=0.6, absorbance=AMBER)

# The four forms of each character, in the order of `NAMES`
FORMS: Mapping[Character, tuple[Taxon, ...]] = {
    "mentum": tuple(
        replace(BASE, mentum=form)
        for form in (
            _DARK,
            replace(_DARK, pale_middle=0.95),
            replace(_PALE, curve=6.0),
            replace(_PALE, curve=1.0, pale_middle=0.95, absorbance=BROWN),
        )
    ),
    "ventromental_plate": tuple(
        replace(BASE, plates=form)
        for form in (
            Plates(0.24, 0.25, 0.345, 0.1, 1.6),
            Plates(0.22, 0.08, 0.345, 0.1, 1.6),
            Plates(0.24, 0.25, 0.345, 2.4, 0.8),
            Plates(0.09, 0.20, 0.345, 2.4, 0.8),
        )
    ),
    "mandible": tuple(
        replace(BASE, mandibles=replace(BASE.mandibles, length=length, width=width, tip=tip, density=density))
        for length, width, tip, density in (
            (0.19, 0.130, 0.90, 1.2),
            (0.37, 0.065, 0.90, 1.2),
            (0.37, 0.130, 0.25, 0.4),
            (0.19, 0.065, 0.25, 0.4),
        )
    ),
    "submentum": tuple(
        replace(BASE, gula=form)
        for form in (
            replace(BASE.gula, pattern="field", absorbance=BLACK),
            replace(BASE.gula, pattern="spots", absorbance=BLACK),
            replace(BASE.gula, pattern="field", absorbance=AMBER),
            replace(BASE.gula, pattern="bar", absorbance=DARK_BROWN),
        )
    ),
    "postoccipital_margin": tuple(
        replace(BASE, arch=replace(BASE.arch, stroke=stroke, pale_crown=pale_crown, absorbance=absorbance))
        for stroke, pale_crown, absorbance in (
            (0.072, 0.0, BLACK),
            (0.072, 0.9, BLACK),
            (0.072, 0.0, AMBER),
            (0.018, 0.0, BLACK),
        )
    ),
}


PARTS: Mapping[Character, str] = {
    "mentum": "mentum",
    "ventromental_plate": "plates",
    "mandible": "mandibles",
    "submentum": "gula",
    "postoccipital_margin": "arch",
}
"""Which part of `Taxon` gives a character its form."""
_OF_GENERA, _OF_SPECIES = (0, 0, 2, 2), (0, 2, 0, 2)
"""Forms of the four taxa where the first of two characters sets the genera apart, the second their species."""


def taxa(settings: PhantomSettings) -> tuple[Taxon, ...]:
    """The taxa that a data set shows: the ten, or four that differ in the decisive characters.

    >>> [taxon.genus for taxon in taxa(PhantomSettings(decisive="mentum"))]
    ['Polypedilum', 'Polypedilum', 'Tvetenia', 'Tvetenia']
    """
    if not settings.decisive:
        return TAXA
    return tuple(
        replace(_with_forms(BASE, forms), scientific_name=name, tribe=tribe, subfamily=subfamily)
        for forms, (name, tribe, subfamily) in zip(_forms(settings), NAMES, strict=True)
    )


def _forms(settings: PhantomSettings) -> list[dict[Character, int]]:
    """Of each taxon, the place in `FORMS` of every decisive character."""
    each_its_own = settings.redundant or len(settings.decisive) == 1
    designs = [range(len(NAMES))] * len(settings.decisive) if each_its_own else [_OF_GENERA, _OF_SPECIES]
    return [
        {character: design[place] for character, design in zip(settings.decisive, designs, strict=True)}
        for place in range(len(NAMES))
    ]


def _with_forms(taxon: Taxon, forms: Mapping[Character, int]) -> Taxon:
    for character, form in forms.items():
        taxon = with_character(taxon, FORMS[character][form], character)
    return taxon


def with_character(taxon: Taxon, other: Taxon, character: Character) -> Taxon:
    """A taxon with one character as another has it."""
    part = PARTS[character]
    return replace(taxon, **{part: getattr(other, part)})
