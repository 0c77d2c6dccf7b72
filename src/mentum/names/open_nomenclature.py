"""Open nomenclature: names that say how far a specimen was determined, and groups below the genus without formal rank.

What specialists of larvae and pollen write is read here, before GBIF's parser, which takes "gr." for an epithet and
"lugens" in "type lugens" for an author. Source: Sigovini, Keppel and Tagliapietra 2016, Methods in Ecology and
Evolution 7:1217; what differs is said where it differs.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mentum.names.interpretation import Assumption, Reading, refused
from mentum.names.words import UNDETERMINED
from mentum.taxonomy import Rank, Taxon

Read = Callable[[str], Reading]
"""Reads the part of a label that is a name of its own."""

OPEN = "an open name"

_UNIFORM: tuple[tuple[str, str], ...] = (
    (r"\(\s*(cf|aff|nr|gr|\?)\.?\s*\)", r"\1."),
    (r"(?<=\s)(cf|aff|nr|gr|agg|sp|spp)\.(?=\w)", r"\1. "),
    (r"(?<=\s)\?(?=\w)|(?<=[a-z.])\?$", " ? "),
    (r"(?<=[\s-])(?:species|spp?\.)[\s-](group|gr\.?|grp\.?|complex|aggregate|agg\.?)(?=\s|$)", r"\1"),
    (r"(?<=\s)ex[\s-](?=gr(?:oup|p)?\b)", ""),
    (r"(?<=[\s-])(?:[Gg]roup|[Gg]ruppe|[Aa]rtengruppe|[Gg]rp\.?|[Gg]r\.?|groupe|grupo|gruppo)(?=\s|$)", "gr."),
    (r"(?<=[\s-])(?:[Aa]ggregate?|[Aa]ggr\.?|[Aa]gg\.?|coll\.)(?=\s|$)", "agg."),
    (r"(?<=[\s-])(?:[Cc]omplex|[Kk]omplex|[Cc]plx\.?)(?=\s|$)", "complex"),
    (r"(?<=[\s-])(?:[Tt]ype|[Tt]yp\.?)(?=\s|$)", "type"),
    (r"(?<=\s)(?:s\. ?l\.|s\. ?lat\.|sens\. ?lat\.|sensu lato)(?=\s|$)", "s.l."),
    (r"(?<=\s)(?:s\. ?s\.|s\. ?str\.|sens\. ?str\.|sensu stricto)(?=\s|$)", "s.s."),
    (r"-(?=(?:gr\.|agg\.|complex|type)(?:\s|$))", " "),
    (r"(?<=\s)(?:morphospecies|morphosp\.?|msp\.?|[Ss]pec\.?|[Ss]pecies|sp|Sp\.?)(?=\s|$)", "sp."),
    (r"(?<=\s)(?:morphospecies|morphosp\.?|msp\.?|[Ss]pec\.?|[Ss]pecies|[Ss]p\.?)(\d+[a-zA-Z]?|[A-Z])(?=\s|$)",
     r"sp. \1"),
    (r"(?<=\s)Gen\.?(?=\s)", "gen."),
    (r"(?<=\s)(?:[Ss]ubgenus|subgen\.?|subg|sg\.)(?=\s)", "subg."),
    (r"(?<=\s)(?:[Ss]ection|sect)(?=\s)", "sect."),
    (r"(?<=\s)s(?:ub)?sp\.?(?=\s\S)", "subsp."),
    (r"(?<=\s)(var|cv)(?=\s\S)", r"\1."),
    (r"(?<=\s)(?:n\. ?sp\.|sp\. ?n\.|sp\. ?nov\.|nov\. ?sp\.)(?=\s|$)", "sp. nov."),
)  # fmt: skip
"""What is written → its one spelling here, in this order."""
_PATTERNS = tuple((re.compile(pattern), uniform) for pattern, uniform in _UNIFORM)

_ANY_SIGN = re.compile("|".join(pattern for pattern, _ in _UNIFORM))

_GROUPS = frozenset({"gr.", "agg.", "complex", "type", "s.l.", "s.s."})
QUALIFIERS = frozenset({"cf", "cf.", "conf.", "confer", "aff", "aff.", "nr", "nr.", "near", "prope", "?", "?."})
_MARKS_OF_SPECIES = frozenset({"sp.", "spp", "spp."})
SIGNS = _GROUPS | QUALIFIERS | _MARKS_OF_SPECIES | {"gen.", "nov.", "indet."}
"""What stands in a label as open nomenclature, in its one spelling."""

_TAIL = _MARKS_OF_SPECIES | {"gen.", "gen", "et"}
_CODE = re.compile(r"[A-Z0-9](?:[\w.:#-]*\w)?|[a-z]|[ivx]+")
_WORD = re.compile(r"[A-Z][a-z]+")
_EPITHET = re.compile(r"[a-z]{2,}(?:-[a-z]+)*")


def uniform(text: str) -> str:
    """One spelling for each sign of open nomenclature.

    >>> uniform("Polypedilum nubeculosum-group"), uniform("Orthocladius sp1"), uniform("Tanytarsus lugens-Type")
    ('Polypedilum nubeculosum gr.', 'Orthocladius sp. 1', 'Tanytarsus lugens type')
    """
    if not _ANY_SIGN.search(text):
        return text
    for pattern, spelling in _PATTERNS:
        text = pattern.sub(spelling, text)
    return " ".join(text.split())


def read_doubt(text: str, read: Read) -> Reading | None:
    """A name with "cf.", "aff.", "nr." or "?": what stands before the sign is certain, the rest is left open."""
    words = text.split()
    place = next((place for place, word in enumerate(words) if word in QUALIFIERS), None)
    if re.match(r"\?|[A-Z][a-z]+\?", text) or place == 0 or (place == 1 and len(words) == 2):
        return _doubtful_genus(text)
    if place is None:
        return None
    last = place == len(words) - 1
    certain = words[: place - 1] if last else words[:place]
    while certain and certain[-1] in {"subsp.", "ssp.", "var.", "f.", *_GROUPS}:
        certain = certain[:-1]
    return read(" ".join(certain)).but(doubt=OPEN) if certain else _doubtful_genus(text)


def _doubtful_genus(text: str) -> Reading:
    return refused(f"in '{text}' the genus itself is in doubt", "label the images at a rank that is certain")


def read_undetermined(text: str, read: Read) -> Reading | None:
    """A higher taxon with "sp.", "gen. sp.", "indet." and the like."""
    words = text.split()
    if words[0].lower().rstrip(".") in UNDETERMINED and len(words) == 2 and _WORD.fullmatch(words[1]):
        return read(words[1]).but(doubt=OPEN)
    kept = len(words)
    while kept > 1 and (words[kept - 1] in _TAIL or _says_undetermined(words[kept - 1])):
        kept -= 1
    if kept == len(words):
        return None
    found = read(" ".join(words[:kept]))
    if found.taxon is not None and found.taxon.rank.depth > Rank.SUBGENUS.depth:
        return refused(f"'{text}' adds '{' '.join(words[kept:])}' to the name of a {found.taxon.rank}")
    return found.but(doubt=OPEN if any(map(_says_undetermined, words[kept:])) else "")


def _says_undetermined(word: str) -> bool:
    return word.lower().rstrip(".") in UNDETERMINED


def read_morphospecies(text: str, read: Read) -> Reading | None:
    """A numbered species: "sp. 1", "sp. nov.", "sp. BOLD:AAI6018"; a taxon of its own below the one that it names."""
    head, mark, code = text.partition(" sp. ")
    if not mark:
        return None
    head, codes = head.removesuffix(" gen."), code.removeprefix("nov.").split()
    if " " in head and not head.endswith(")"):
        return refused(f"'{text}' has too many words before 'sp.'")
    if any(not _CODE.fullmatch(each) for each in codes):
        advice = "write genus and epithet without 'sp.', or a number or code after it"
        return refused(f"'{text}' has '{code}' after 'sp.'", advice)
    found = read(head)
    return found if found.taxon is None else found.below(Rank.SPECIES, f"{found.taxon.name} sp. {code}")


def read_group(text: str, read: Read) -> Reading | None:
    """A species group, aggregate, complex or type: a taxon of its own below its genus.

    Sensu lato is one too; sensu stricto is the species itself.
    """
    words = text.split()
    signs = [word for word in words if word in _GROUPS]
    if not signs:
        return None
    if len(signs) > 1 or words[0] in _GROUPS:
        return refused(f"'{text}' is no name of a group that can be read")
    place, sign = words.index(signs[0]), signs[0]
    before, after = words[:place], words[place + 1 :]
    code = after if sign == "type" and all(_CODE.fullmatch(word) for word in after) else []
    found = read(" ".join(before if code else before + after))
    return found if found.taxon is None else _group(text, found, sign, code)


def _group(text: str, found: Reading, sign: str, code: list[str]) -> Reading:
    assert found.taxon is not None, "refusals were handed on"
    rank = found.taxon.rank
    if sign == "s.s." or (sign == "s.l." and rank.depth <= Rank.GENUS.depth):
        return found.but(Assumption.SENSE)
    if rank not in {Rank.GENUS, Rank.SPECIES} or found.doubt:
        return refused(f"'{text}' is a group of a {rank}, which has no place in the tree by its name alone")
    if sign == "type" and rank is Rank.GENUS and not code:
        return refused(
            f"'{text}' may hold other genera too",
            "add it to taxonomy.csv with a rank and with the higher taxa that all of it belongs to",
        )
    name = " ".join([found.taxon.name, sign, *code])
    return found.with_taxon(Taxon((*found.taxon.at(Rank.GENUS).path, (Rank.SPECIES, name))))


def read_alternatives(text: str, read: Read) -> Reading | None:
    """One taxon or another, "discoloripes/verralli": a taxon of its own, whatever the order in which they are written.

    Sigovini et al. know no such sign; lists of water animals are full of it.
    """
    if "/" not in text:
        return None
    parts = [part.strip() for part in text.split("/")]
    if all(_WORD.fullmatch(part) for part in parts):
        return _alternative_taxa(text, [read(part) for part in parts])
    if not parts[0]:
        return refused(f"'{text}' begins with a slash, before which a name is missing")
    genus, *first = parts[0].split()
    epithets = first + [re.sub(rf"^(?:{genus}|{genus[0]}\.) ", "", part) for part in parts[1:]]
    if len(first) == 1 and all(_EPITHET.fullmatch(each) for each in epithets):
        found = read(parts[0])
        return found if found.taxon is None else _joined(found, genus, epithets)
    return refused(f"'{text}' has a slash between what are not two genera, two families or two epithets of one genus")


def _joined(found: Reading, genus: str, epithets: list[str]) -> Reading:
    assert found.taxon is not None, "refusals were handed on"
    name = f"{genus} {'/'.join(sorted(set(epithets)))}"
    return found.with_taxon(Taxon((*found.taxon.at(Rank.GENUS).path, (Rank.SPECIES, name))))


def _alternative_taxa(text: str, found: list[Reading]) -> Reading:
    taxa = [each.taxon for each in found if each.taxon is not None]
    if len(taxa) < len(found):
        return next(each for each in found if each.taxon is None)
    ranks = {taxon.rank for taxon in taxa}
    if len(ranks) > 1:
        return refused(f"'{text}' joins {' and '.join(sorted(ranks))}", "join taxa of one rank, or label one of them")
    return Reading(Taxon(((ranks.pop(), "/".join(sorted({taxon.name for taxon in taxa}))),)))
