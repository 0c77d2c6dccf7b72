"""The table of the ten taxa."""

from mentum.phantoms.anatomy import (
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

ROUND = ((0.09, 0.345), (0.25, 0.455), (0.46, 0.50), (0.66, 0.47), (0.80, 0.385))
SQUARE = ((0.07, 0.40), (0.22, 0.475), (0.44, 0.50), (0.66, 0.475), (0.81, 0.42))
OVAL = ((0.07, 0.36), (0.22, 0.455), (0.42, 0.50), (0.62, 0.46), (0.79, 0.36))
BARREL = ((0.06, 0.39), (0.20, 0.46), (0.40, 0.50), (0.62, 0.48), (0.80, 0.41))
EGG = ((0.06, 0.43), (0.18, 0.495), (0.34, 0.50), (0.58, 0.435), (0.78, 0.325))
TAPERED = ((0.05, 0.40), (0.18, 0.48), (0.34, 0.50), (0.58, 0.45), (0.81, 0.345))

CHIRONOMUS_TEETH = (0.052, 0.040, 0.043, 0.036, 0.022, 0.028, 0.020)
EVEN_TEETH = (0.040, 0.038, 0.038, 0.036, 0.033, 0.029, 0.024, 0.018)
TALL_PAIR = (0.058, 0.018, 0.054, 0.040, 0.034, 0.029, 0.024, 0.018)
LOW_TEETH = (0.024, 0.022, 0.023, 0.022, 0.020, 0.018, 0.016, 0.013)
MICROTENDIPES_TEETH = (0.022, 0.048, 0.046, 0.038, 0.032, 0.026, 0.020)
ORTHOCLAD_TEETH = (0.036, 0.028, 0.026, 0.024, 0.022, 0.020, 0.016)
TVETENIA_TEETH = (0.040, 0.028, 0.026, 0.024, 0.020, 0.016)

CHIRONOMUS_NUDIVENTRIS = Taxon(
    scientific_name="Chironomus nudiventris",
    tribe="Chironomini",
    subfamily="Chironominae",
    size=0.53,
    capsule=Capsule(1.06, ROUND, (0.27, 0.47, 0.69), limb=0.75),
    mentum=Mentum(0.20, 0.28, 0.045, 1.8, CHIRONOMUS_TEETH, "trifid", 0.15, 0.040, 0.075, BLACK),
    plates=Plates(0.26, 0.12, 0.285, 0.35, 0.45),
    arch=Arch(0.68, 0.60, 0.08, 0.42, 0.25, 0.030, 1.2, BLACK, rear=0.25),
    gula=Gula(0.55, 0.20, 0.75, blotches=0.95),
    mandibles=Mandibles(0.29, 0.075, 0.75, 0.55),
)
CHIRONOMUS_RIPARIUS = Taxon(
    scientific_name="Chironomus riparius",
    tribe="Chironomini",
    subfamily="Chironominae",
    size=0.55,
    capsule=Capsule(1.08, SQUARE, (0.29, 0.60, 0.98), limb=0.8, crease=0.3),
    mentum=Mentum(0.22, 0.30, 0.040, 2.2, CHIRONOMUS_TEETH, "trifid", 0.25, 0.045, 0.080, BLACK),
    plates=Plates(0.23, 0.14, 0.26, 0.30, 0.55),
    arch=Arch(0.75, 0.66, 0.06, 0.60, 0.15, 0.030, 1.3, BLACK, rear=0.45),
    gula=Gula(0.55, 0.24, 0.35, blotches=0.60),
    mandibles=Mandibles(0.29, 0.075, 0.25, 0.55),
)
MICROTENDIPES_PEDELLUS = Taxon(
    scientific_name="Microtendipes pedellus",
    tribe="Chironomini",
    subfamily="Chironominae",
    size=0.46,
    capsule=Capsule(1.20, OVAL, (0.36, 0.63, 0.94), limb=0.7),
    mentum=Mentum(0.33, 0.36, 0.035, 2.0, MICROTENDIPES_TEETH, "trifid", 0.3, 0.055, 0.070, BLACK, pale_middle=0.85),
    plates=Plates(0.25, 0.17, 0.275, 0.45, 1.0),
    arch=Arch(0.64, 0.72, 0.05, 0.16, -0.35, 0.042, 1.0, BLACK, rear=0.15),
    gula=Gula(0.70, 0.26, 0.80),
    mandibles=Mandibles(0.27, 0.075, 0.6, 0.5),
)
ORTHOCLADIUS = Taxon(
    scientific_name="Orthocladius",
    tribe="",
    subfamily="Orthocladiinae",
    size=0.53,
    capsule=Capsule(1.18, EGG, (0.25, 0.58, 0.96), limb=0.9, crease=0.8),
    mentum=Mentum(0.25, 0.27, 0.135, 1.7, ORTHOCLAD_TEETH, "single", 0.2, 0.115, 0.0, (0.65, 0.95, 1.25)),
    plates=Plates(0.045, 0.15, 0.122, 0.75, 0.75),
    arch=Arch(0.88, 0.74, 0.06, 0.28, -0.05, 0.040, 1.6, DARK_BROWN, rear=1.0),
    gula=Gula(0.15, 0.12, 0.05),
    mandibles=Mandibles(0.31, 0.088, 0.5, 0.7),
)
POLYPEDILUM_CONVICTUM = Taxon(
    scientific_name="Polypedilum convictum",
    tribe="Chironomini",
    subfamily="Chironominae",
    size=0.48,
    capsule=Capsule(1.27, BARREL, (0.06, 0.26, 0.60), limb=0.9),
    mentum=Mentum(0.30, 0.36, 0.050, 1.9, EVEN_TEETH, "pair", 0.05, 0.040, 0.085, BLACK),
    plates=Plates(0.18, 0.15, 0.24, 0.25, 0.65),
    arch=Arch(0.78, 0.85, 0.05, 0.36, 0.45, 0.033, 1.0, BLACK, rear=0.08),
    gula=Gula(0.75, 0.20, 0.05),
    mandibles=Mandibles(0.30, 0.066, 0.35, 0.6),
)
POLYPEDILUM_LAETUM = Taxon(
    scientific_name="Polypedilum laetum",
    tribe="Chironomini",
    subfamily="Chironominae",
    size=0.40,
    capsule=Capsule(1.20, BARREL, (0.05, 0.27, 0.60), limb=0.9),
    mentum=Mentum(0.25, 0.28, 0.035, 2.2, EVEN_TEETH, "pair", 0.2, 0.055, 0.060, BLACK),
    plates=Plates(0.24, 0.17, 0.26, 0.30, 0.45),
    arch=Arch(0.70, 0.76, 0.05, 0.46, 0.30, 0.032, 1.7, BLACK, rear=0.08),
    gula=Gula(1.00, 0.20, 0.05),
    mandibles=Mandibles(0.26, 0.070, 0.9, 0.75),
)
POLYPEDILUM_NUBECULOSUM = Taxon(
    scientific_name="Polypedilum nubeculosum",
    tribe="Chironomini",
    subfamily="Chironominae",
    size=0.50,
    capsule=Capsule(1.08, SQUARE, (0.45, 0.95, 1.40), limb=0.6),
    mentum=Mentum(0.22, 0.34, 0.030, 2.2, TALL_PAIR, "pair", 0.1, 0.055, 0.055, BLACK),
    plates=Plates(0.19, 0.13, 0.24, 0.35, 0.6),
    arch=Arch(0.76, 0.70, 0.05, 0.44, 0.20, 0.062, 1.0, BLACK, rear=0.15),
    gula=Gula(1.9, 0.30, 1.0),
    mandibles=Mandibles(0.28, 0.075, 0.5, 0.6),
)
POLYPEDILUM_SCALAENUM = Taxon(
    scientific_name="Polypedilum scalaenum",
    tribe="Chironomini",
    subfamily="Chironominae",
    size=0.40,
    capsule=Capsule(1.18, BARREL, (0.07, 0.36, 0.80), limb=0.9, crease=0.5),
    mentum=Mentum(0.25, 0.30, 0.030, 2.5, LOW_TEETH, "pair", 0.7, 0.045, 0.115, DARK_BROWN),
    plates=Plates(0.22, 0.20, 0.235, 0.30, 0.45),
    arch=Arch(0.72, 0.68, 0.06, 0.40, 0.15, 0.025, 1.5, (0.60, 0.98, 1.25), rear=0.75),
    gula=Gula(0.65, 0.17, 0.35),
    mandibles=Mandibles(0.24, 0.066, 0.55, 0.55),
)
TVETENIA_CALVESCENS = Taxon(
    scientific_name="Tvetenia calvescens",
    tribe="",
    subfamily="Orthocladiinae",
    size=0.39,
    capsule=Capsule(1.36, TAPERED, (0.17, 0.52, 1.02), limb=0.8, crease=0.6, gut=0.5),
    mentum=Mentum(0.24, 0.27, 0.145, 1.3, TVETENIA_TEETH, "single", 0.3, 0.11, 0.0, (0.70, 1.02, 1.32)),
    plates=Plates(0.05, 0.10, 0.12, 0.5, 0.5),
    arch=Arch(0.80, 0.94, 0.05, 0.46, 0.10, 0.016, 1.2, BROWN, rear=0.25),
    gula=Gula(0.60, 0.17, 0.0),
    mandibles=Mandibles(0.27, 0.084, 0.5, 0.75),
)
TVETENIA_DISCOLORIPES = Taxon(
    scientific_name="Tvetenia discoloripes",
    tribe="",
    subfamily="Orthocladiinae",
    size=0.41,
    capsule=Capsule(1.44, TAPERED, (0.20, 0.62, 1.18), limb=0.8, crease=0.6, gut=0.5),
    mentum=Mentum(0.26, 0.32, 0.150, 1.05, TVETENIA_TEETH, "single", 0.3, 0.13, 0.0, DARK_BROWN, stripes=0.9),
    plates=Plates(0.05, 0.15, 0.145, 0.8, 0.8),
    arch=Arch(0.82, 0.99, 0.05, 0.26, -0.10, 0.026, 3.0, DARK_BROWN, rear=0.9),
    gula=Gula(0.60, 0.17, 0.0),
    mandibles=Mandibles(0.28, 0.084, 0.5, 0.75),
)

TAXA = (
    CHIRONOMUS_NUDIVENTRIS,
    CHIRONOMUS_RIPARIUS,
    MICROTENDIPES_PEDELLUS,
    ORTHOCLADIUS,
    POLYPEDILUM_CONVICTUM,
    POLYPEDILUM_LAETUM,
    POLYPEDILUM_NUBECULOSUM,
    POLYPEDILUM_SCALAENUM,
    TVETENIA_CALVESCENS,
    TVETENIA_DISCOLORIPES,
)
