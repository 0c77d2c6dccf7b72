"""Read a label: what is no name is refused, open nomenclature has its own rules, GBIF's parser reads the rest."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from mentum.names.interpretation import NO_TAXON_ADVICE, Assumption, Reading, refused
from mentum.names.letters import right_case, tidy
from mentum.names.open_nomenclature import (
    QUALIFIERS,
    SIGNS,
    read_alternatives,
    read_doubt,
    read_group,
    read_morphospecies,
    read_undetermined,
)
from mentum.names.parser import read_formal_name
from mentum.names.plain_words import refuse_plain_words, refuse_unlike_latin
from mentum.names.ranks import RANK_WORDS
from mentum.taxonomy import Rank, Taxon

_SEVERAL = re.compile(r'[;|>=+{}<\[\]*"]|\s(?:or|und|oder|ou|plus|vs\.?|auct\.?|sensu|sec\.|non|nec)(?:\s|$)')
_NUMBER = re.compile(r"\d")
_YEAR = re.compile(r"(?<![\w-])(?:1[6-9]\d\d|20\d\d)(?![\w-])")
_LETTER = re.compile(r"[^\W\d_]{2}")


@lru_cache(maxsize=65536)
def read_name(label: str) -> Reading:
    """The taxon that a label means by its form alone, with rank and genus as far as the name tells them.

    >>> read_name("Chironomus riparius Meigen, 1804").taxon.name
    'Chironomus riparius'
    >>> read_name("Tanypodinae gen. sp.").taxon.rank.value
    'subfamily'
    >>> read_name("Red fox").taxon is None
    True
    """
    text, assumed = tidy(label)
    if not _LETTER.search(text):
        return refused(f"'{text}' names no taxon", NO_TAXON_ADVICE)
    found = _read_ranked(text) or refuse_plain_words(text)
    if found is not None:
        return found.but(*assumed)
    cased = right_case(text)
    if isinstance(cased, Reading):
        return cased
    if cased != text:
        assumed |= {Assumption.LETTER_CASE}
    return _read(cased).but(*assumed)


def taxon_from_name(label: str) -> Taxon | None:
    """The taxon that a label means, None where it is refused.

    >>> taxon_from_name("Orthocladius sp.").name
    'Orthocladius'
    """
    return read_name(label).taxon


def _read_ranked(text: str) -> Reading | None:
    """A name after its rank, as in "Order Diptera"."""
    word, _, name = text.partition(" ")
    rank = RANK_WORDS.get(word.lower().rstrip("."))
    if rank is None or not re.fullmatch(r"[A-Z][a-z]+", name):
        return None
    if rank.depth > Rank.GENUS.depth:
        return refused(f"'{name}' after '{word}' is a single word; expected genus and epithet")
    return Reading(Taxon(((rank, name),)))


def _read(text: str) -> Reading:
    return next(found for step in _STEPS if (found := step(text)) is not None)


def _refuse_several(text: str) -> Reading | None:
    if not _SEVERAL.search(text):
        return None
    return refused(f"'{text}' is more than one name", "write one name, at the rank that is certain")


def _refuse_no_genus(text: str) -> Reading | None:
    if text.split()[0] not in SIGNS - QUALIFIERS:
        return None
    return refused(f"'{text}' names no genus", "write the genus, or the family and the like, in front of it")


def _refuse_number(text: str) -> Reading | None:
    if not _NUMBER.search(_YEAR.sub("", text)):
        return None
    return refused(
        f"in '{text}' it cannot be told what the number means",
        "leave it out if it counts specimens or images, write 'Genus sp. 1' if it numbers species, or add the label to "
        "taxonomy.csv",
    )


_STEPS: tuple[Callable[[str], Reading | None], ...] = (
    _refuse_several,
    _refuse_no_genus,
    lambda text: read_doubt(text, _read),
    lambda text: read_undetermined(text, _read),
    lambda text: read_morphospecies(text, _read),
    lambda text: read_group(text, _read),
    lambda text: read_alternatives(text, _read),
    _refuse_number,
    refuse_unlike_latin,
    read_formal_name,
)
"""The first that has an answer gives it; those of open nomenclature read what is a name of its own by all of them."""
