"""GBIF's name parser, and whether it accounts for every word of a label.

The parser makes the best of any text: it takes "Fox" in "Red Fox" for an author and drops what it has no place for.
Here a name is believed only where each of its words has a place and what is taken for authors looks like authors.
"""

from __future__ import annotations

import re
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING

from mentum.errors import MentumError
from mentum.names.interpretation import HYBRID, Assumption, Reading, refused
from mentum.names.ranks import rank_of, unused_rank
from mentum.taxonomy import Rank, Taxon

if TYPE_CHECKING:
    from nameparser import ParsedName

_WORD = re.compile(r"[A-Z][a-z]+|[a-z]+(?:-[a-z]+)*")
_MARKERS = frozenset(
    {
        HYBRID, "subsp.", "ssp.", "subsp", "ssp", "nothosubsp.", "var.", "var", "subvar.", "v.", "f.", "fo.", "forma",
        "form", "subf.", "cv.", "cv", "subg.", "subgen.", "sect.", "section", "subsect.", "ser.",
    }
)  # fmt: skip
"""Words between the parts of a name that say a rank."""
_AUTHOR = re.compile(  # a capital or a year, or one of the small words between surnames
    r"(?:[(\[]*(?:[A-ZÀ-ÖØ-Þ][\w'\u2019.]*(?:-[A-ZÀ-ÖØ-Þ][\w'\u2019.]*)*|d['\u2019][A-ZÀ-Þ]\w+|1[6-9]\d\d|20\d\d)|"
    r"\(?(?:d['\u2019]|da|de|del|della|den|der|des|di|do|dos|du|et|al\.|ex|f\.|fil\.|in|la|le|ten|van|von|zu|zur|y|and|&))"
    r"[)\],.;:]*"
)
_CAPITAL = re.compile(r"[^\W\d_a-zß-ÿ]")
_NUMERAL = re.compile(r"[A-Z]|[IVX]+")
_PLAIN_AUTHOR = re.compile(r"[A-ZÀ-Þ]\w+")
_BELOW_SPECIES = {"SUBSPECIES", "INFRASPECIFIC_NAME"}


@cache
def gbif_parser() -> ModuleType:
    """GBIF's parser, loaded when it is first needed.

    Raises:
        MentumError: if it is not installed, or there is none for this platform.
    """
    try:
        import nameparser  # not needed before the first label
    except ImportError as error:
        raise MentumError(
            f"names cannot be read: GBIF's name parser is missing ({error}); install it with `pip install "
            "gbif-name-parser`."
        ) from error
    return nameparser


def read_formal_name(text: str) -> Reading:
    """Read a name that follows a code of nomenclature, with or without authors.

    >>> reading = read_formal_name("Chironomus (Camptochironomus) tentans Fabricius, 1805")
    >>> reading.taxon.name, reading.authors
    ('Chironomus tentans', 'Fabricius, 1805')
    """
    gbif = gbif_parser()
    try:
        parsed = gbif.parse(text)
    except gbif.UnparsableNameError as error:
        return _unparsable(text, error.name_type)
    if not isinstance(parsed, gbif.ParsedName):
        return refused(f"'{text}' is no name of a taxon that can be read")
    problem = _problem(parsed, text)
    return refused(problem) if problem else _reading(parsed, text)


def _unparsable(text: str, kind: str) -> Reading:
    if kind == "FORMULA":
        advice = "label them to their genus, or add the label to taxonomy.csv with the rank and the higher taxa it has"
        return refused(f"'{text}' names the parents of a hybrid", advice)
    return refused(f"'{text}' is no name of a taxon that can be read")


def _problem(parsed: ParsedName, text: str) -> str:
    """Why the parser's answer is not believed, or ""."""
    if parsed.genus and parsed.genus.endswith("."):
        return f"'{text}' shortens the genus"
    words = _name_words(parsed)
    odd = [word for word in words if not _WORD.fullmatch(word) or len(word) < 2 or f"{word}." in _MARKERS]
    if odd or not words:
        return f"'{text}' holds {', '.join(map(repr, odd)) or 'nothing'} where a word of a name is expected"
    rest = _rest(parsed, text)
    strange = [word for word in rest if not _AUTHOR.fullmatch(word)] + [
        last for last in text.split()[-1:] if last in _MARKERS
    ]
    if strange or parsed.state != "COMPLETE" or (rest and not _CAPITAL.search(" ".join(rest))):
        strange = strange or rest
        return f"in '{text}' only '{' '.join(words)}' is understood as a name, not '{' '.join(strange)}'"
    if rest and _is_ambiguous(parsed, rest):
        return (
            f"in '{text}' it cannot be told whether '{' '.join(rest)}' is an author or an epithet (epithets have small "
            "letters, authors of genera a year or a full stop)"
        )
    return ""


def _name_words(parsed: ParsedName) -> list[str]:
    parts = (
        parsed.uninomial, parsed.genus, parsed.infrageneric_epithet, parsed.specific_epithet,
        parsed.infraspecific_epithet,
    )  # fmt: skip
    return [part for part in parts if part]


def _rest(parsed: ParsedName, text: str) -> list[str]:
    """Words of the label that belong neither to the name itself nor to its ranks; also parts of the name not in it."""
    left = _name_words(parsed)
    rest = []
    for word in text.replace(f"'{parsed.cultivar_epithet}'", " ").split():
        bare = word.strip("()")
        if bare in left:
            left.remove(bare)
        elif word not in _MARKERS or (word == "f." and parsed.rank not in {"FORM", "SUBFORM"}):
            rest.append(word)
    return rest + [f"?{word}" for word in left]


def _is_ambiguous(parsed: ParsedName, rest: list[str]) -> bool:
    """Whether what is taken for an author may be something else: a word after a genus, or a letter or numeral."""
    if len(rest) != 1:
        return False
    numeral = _NUMERAL.fullmatch(rest[0]) is not None and rest[0] != "L"
    return numeral or (bool(parsed.uninomial) and _PLAIN_AUTHOR.fullmatch(rest[0]) is not None)


def _reading(parsed: ParsedName, text: str) -> Reading:
    authors = " ".join(_rest(parsed, text))
    found = _uninomial(parsed) if not parsed.specific_epithet else _binomial(parsed, " subsp. " in text)
    if found.taxon is None or not authors:
        return found
    return Reading(found.taxon, found.assumptions | {Assumption.AUTHORS}, authors, found.doubt)


def _uninomial(parsed: ParsedName) -> Reading:
    """A name of one word, or one between genus and species, which stands for its genus."""
    name = parsed.uninomial or parsed.genus or ""
    if above := unused_rank(name):
        advice = "label the images at a rank that is, or add the name to taxonomy.csv at one"
        return refused(f"'{name}' is a {above}, which is not among the ranks used here", advice)
    if parsed.notho:
        name = f"{HYBRID} {name}"
    found = Reading(Taxon(((rank_of(name), name),)))
    if parsed.infrageneric_epithet:
        return found.but(doubt=f"a name of a {_spoken(parsed.rank)}")
    return found.but(doubt="a name of a cultivar") if parsed.cultivar_epithet else found


def _binomial(parsed: ParsedName, marked: bool) -> Reading:
    """Genus and epithet; a subspecies keeps its mark, which plants need and animals do without."""
    crossed = parsed.notho or []
    genus = f"{HYBRID} {parsed.genus}" if "GENERIC" in crossed else str(parsed.genus)
    species = f"{genus} {HYBRID + ' ' if 'SPECIFIC' in crossed else ''}{parsed.specific_epithet}"
    if rank_of(genus) is not Rank.GENUS or unused_rank(genus):
        return refused(f"'{genus}' in '{species}' is no genus")
    found = Reading(Taxon(((Rank.GENUS, genus), (Rank.SPECIES, species))))
    if parsed.infrageneric_epithet:
        found = found.but(Assumption.SUBGENUS)
    if not parsed.infraspecific_epithet and not parsed.cultivar_epithet:
        return found
    if parsed.rank not in _BELOW_SPECIES or "INFRASPECIFIC" in crossed:
        return found.but(doubt=f"a name of a {_spoken(parsed.rank)}")
    return found.below(Rank.SUBSPECIES, f"{species} {'subsp. ' * marked}{parsed.infraspecific_epithet}")


def _spoken(rank: str) -> str:
    return {"INFRAGENERIC_NAME": "subgenus"}.get(rank, rank.removesuffix("_BOTANY").replace("_", " ").lower())
