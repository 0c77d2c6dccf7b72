"""Letters and signs of a label as names have them: blanks, quotes, signs of hybrids, capital and small letters."""

from __future__ import annotations

import re
import unicodedata

from mentum.names.interpretation import HYBRID, Assumption, Reading, refused
from mentum.names.open_nomenclature import SIGNS, uniform
from mentum.names.ranks import rank_of, unused_rank
from mentum.names.words import UNDETERMINED, could_be_latin, is_surely_latin
from mentum.taxonomy import Rank, clean_name
from mentum.texts import composed

_HYBRID = re.compile(rf"(?:^|(?<=\s))[xX](?=\s)|(?<=\s)x(?=[bcdfghjklmnpqrstvwz][a-z]{{2}})|{HYBRID}")
_QUOTED = re.compile(r"^[\"'“„«](.*)[\"'”“»]$")
_FULL_STOP = re.compile(r"(\S+ [a-z-]{4,})\.")


def tidy(label: str) -> tuple[str, frozenset[Assumption]]:
    """One spelling of blanks, signs and open nomenclature, and what that assumes.

    >>> tidy(' "Salix_alba" ')[0], tidy("Isoëtes lacustris")[0]
    ('Salix alba', 'Isoetes lacustris')
    """
    visible = "".join(sign for sign in label if unicodedata.category(sign) != "Cf")
    text = clean_name(_QUOTED.sub(r"\1", composed(clean_name(visible))))
    assumed = set()
    if "†" in text:
        text, assumed = clean_name(text.replace("†", " ")), {Assumption.DAGGER}
    plain = " ".join(_without_dots(word, place) for place, word in enumerate(text.split()))
    if plain != text:
        assumed.add(Assumption.DIAERESIS)
    text = uniform(clean_name(_HYBRID.sub(f" {HYBRID} ", plain)))
    stopped = _FULL_STOP.fullmatch(text)
    if stopped and stopped[1].split()[1] not in UNDETERMINED and f"{stopped[1].split()[1]}." not in SIGNS:
        text = stopped[1]
    return text, frozenset(assumed)


def _without_dots(word: str, place: int) -> str:
    """Names of plants may bear a diaeresis, which is no part of the spelling; authors keep theirs."""
    return word.replace("ë", "e").replace("ï", "i") if place == 0 or word.islower() else word


def right_case(text: str) -> str | Reading:
    """The label with a capital at its beginning and small letters in its epithets, or why that cannot be told.

    >>> right_case("CHIRONOMUS RIPARIUS"), right_case("chironomus sp. 1"), right_case("Salix alba L.")
    ('Chironomus riparius', 'Chironomus sp. 1', 'Salix alba L.')
    """
    first, *others = text.split() or [""]
    if not first.isalpha() or len(first) < 2 or first == first.capitalize() or first in UNDETERMINED:
        return text
    if first.isupper():
        others = [
            word.lower() if len(word) > 2 or word == "SP" else word for word in others if word.isupper()
        ] or others
        return _one_case(text, first, others)
    return _one_case(text, first, others) if first.islower() else text


def _one_case(text: str, first: str, others: list[str]) -> str | Reading:
    name = first.capitalize()
    plain = [word for word in others if word.isalpha() and word.islower() and word not in SIGNS]
    if len(plain) > 1:
        return refused(f"in '{text}' all words have letters of one case, so that a subspecies and an author look alike")
    if first.islower() and not _is_latin(name, plain, bool(others)):
        return refused(f"'{text}' begins with a small letter and may be a common name")
    return uniform(" ".join([name, *others]))


def _is_latin(name: str, plain: list[str], several: bool) -> bool:
    if not several:
        return rank_of(name) is not Rank.GENUS or unused_rank(name) is not None
    return plain == [name.lower()] or (is_surely_latin(name) and all(map(could_be_latin, plain)))
