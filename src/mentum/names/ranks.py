"""The rank that a name of one word tells by its ending, or by being well known.

Sources: International Code of Zoological Nomenclature, Art. 29.2; International Code of Nomenclature for algae, fungi,
and plants, Art. 16-19; International Code of Virus Classification and Nomenclature, rule 3.22.
"""

from __future__ import annotations

from collections.abc import Mapping

from mentum.taxonomy import Rank

_ENDINGS: tuple[tuple[str, Rank], ...] = (
    ("virales", Rank.ORDER), ("viridae", Rank.FAMILY), ("virinae", Rank.SUBFAMILY), ("virus", Rank.GENUS),
    ("oideae", Rank.SUBFAMILY), ("aceae", Rank.FAMILY), ("phyceae", Rank.CLASS), ("opsida", Rank.CLASS),
    ("mycetes", Rank.CLASS), ("mycota", Rank.PHYLUM), ("phyta", Rank.PHYLUM), ("iformes", Rank.ORDER),
    ("oidea", Rank.SUPERFAMILY), ("idae", Rank.FAMILY), ("inae", Rank.SUBFAMILY), ("ales", Rank.ORDER),
    ("eae", Rank.TRIBE), ("ini", Rank.TRIBE),
)  # fmt: skip
"""Ending → rank; the first that fits wins. In plants "-inae" ends subtribes: taxonomy.csv says so where it matters."""

_SHARED_ENDINGS = {"ales", "eae"}
"""Endings that a short name bears without that rank: *Pales* is a genus of flies."""

_LEAST_STEM = 2
"""Letters before an ending of `_SHARED_ENDINGS`."""

_KNOWN: Mapping[Rank, str] = {
    Rank.KINGDOM: "Animalia Plantae Fungi Chromista Protozoa Bacteria Archaea Viruses",
    Rank.PHYLUM: (
        "Annelida Arthropoda Brachiopoda Bryozoa Chaetognatha Chordata Cnidaria Ctenophora Cyanobacteria "
        "Echinodermata "
        "Foraminifera Mollusca Nematoda Nematomorpha Nemertea Platyhelminthes Porifera Rotifera Tardigrada"
    ),
    Rank.CLASS: (
        "Actinopterygii Amphibia Anthozoa Appendicularia Arachnida Asteroidea Aves Bivalvia Branchiopoda Cephalopoda "
        "Chilopoda Chondrichthyes Clitellata Collembola Copepoda Crinoidea Cubozoa Diplopoda Diplura Echinoidea "
        "Elasmobranchii "
        "Gastropoda Holothuroidea Hydrozoa Insecta Malacostraca Mammalia Ophiuroidea Ostracoda Polychaeta "
        "Polyplacophora Protura Pycnogonida Reptilia Scaphopoda Scyphozoa Symphyla Thaliacea Trilobita "
        "Turbellaria"
    ),
    Rank.ORDER: (
        "Archaeognatha Blattodea Coleoptera Dermaptera Diptera Embioptera Ephemeroptera Hemiptera Homoptera "
        "Hymenoptera Isoptera Lepidoptera Mantodea Mecoptera Megaloptera Neuroptera Odonata Orthoptera Phasmatodea "
        "Phasmida Phthiraptera Plecoptera Psocodea Psocoptera Raphidioptera Siphonaptera Strepsiptera Thysanoptera "
        "Thysanura Trichoptera Zoraptera Zygentoma Entomobryomorpha Neelipleona Poduromorpha Symphypleona "
        "Araneae Ixodida Mesostigmata Opiliones Palpigradi Pseudoscorpiones Sarcoptiformes Scorpiones Solifugae "
        "Trombidiformes Amphipoda Anostraca Calanoida Cumacea Cyclopoida Decapoda Euphausiacea Harpacticoida Isopoda "
        "Mysida Notostraca Stomatopoda Tanaidacea Arhynchobdellida Rhynchobdellida Siphonophorae Tricladida "
        "Afrosoricida Artiodactyla Carnivora Cetacea Cetartiodactyla Chiroptera Cingulata Dasyuromorphia Dermoptera "
        "Didelphimorphia Diprotodontia Eulipotyphla Hyracoidea Insectivora Lagomorpha Macroscelidea Monotremata "
        "Paucituberculata Peramelemorphia Perissodactyla Pholidota Pilosa Primates Proboscidea Rodentia Scandentia "
        "Sirenia Soricomorpha Tubulidentata Anura Caudata Crocodylia Gymnophiona Squamata Testudines Urodela"
    ),
    Rank.FAMILY: "Compositae Cruciferae Gramineae Guttiferae Labiatae Leguminosae Palmae Umbelliferae",
}
_UNUSED: Mapping[str, str] = {
    "subphylum": "Chelicerata Crustacea Hexapoda Myriapoda Vertebrata Tunicata",
    "subclass or infraclass": (
        "Acari Hirudinea Marsupialia Oligochaeta Pterygota Asteridae Caryophyllidae Commelinidae Dilleniidae "
        "Hamamelididae Liliidae Magnoliidae Ranunculidae Rosidae Zingiberidae"
    ),
    "suborder": (
        "Adephaga Anisoptera Apocrita Archostemata Auchenorrhyncha Brachycera Caelifera Cladocera Ensifera "
        "Heteroptera Lacertilia Mysticeti Myxophaga Nematocera Odontoceti Polyphaga Serpentes Sternorrhyncha Symphyta "
        "Zygoptera"
    ),
    "group without a rank of its own": (
        "Aculeata Angiospermae Dicotyledoneae Gymnospermae Hydracarina Hydrachnidia Invertebrata Macroinvertebrata "
        "Monocotyledoneae Pisces Prokaryota Eukaryota Algae Lichenes Bryophytae "
        "Acantharia Radiolaria Cerealia"
    ),
}
_KNOWN_RANKS = {name: rank for rank, names in _KNOWN.items() for name in names.split()}
_UNUSED_RANKS = {name: rank for rank, names in _UNUSED.items() for name in names.split()}

RANK_WORDS: Mapping[str, Rank] = {rank.value: rank for rank in Rank} | {
    "fam": Rank.FAMILY, "subfam": Rank.SUBFAMILY, "gen": Rank.GENUS, "ord": Rank.ORDER, "ordo": Rank.ORDER,
    "familia": Rank.FAMILY, "familie": Rank.FAMILY, "classis": Rank.CLASS, "trib": Rank.TRIBE,
}  # fmt: skip
"""Words before a name that say its rank."""


def rank_of(name: str) -> Rank:
    """The rank of a name of one word: well known, by its ending, else a genus.

    >>> [rank_of(name).value for name in ("Diptera", "Poaceae", "Tanytarsini", "Salix")]
    ['order', 'family', 'tribe', 'genus']
    """
    if name in _KNOWN_RANKS:
        return _KNOWN_RANKS[name]
    return next((rank for ending, rank in _ENDINGS if _bears(name, ending)), Rank.GENUS)


def _bears(name: str, ending: str) -> bool:
    least = _LEAST_STEM if ending in _SHARED_ENDINGS else 1
    return name.endswith(ending) and len(name) >= len(ending) + least


def unused_rank(name: str) -> str | None:
    """The rank of a name that stands at none of the ranks used here, in words; None for all others.

    >>> unused_rank("Zygoptera"), unused_rank("Odonata")
    ('suborder', None)
    """
    if name.endswith("ineae") and name not in _KNOWN_RANKS:
        return "suborder or tribe of plants"
    return _UNUSED_RANKS.get(name)
