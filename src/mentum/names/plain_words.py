"""Labels in plain language are refused with what to do: placeholders, stages, things, common names."""

from __future__ import annotations

import re

from mentum.names.interpretation import HYBRID, NO_TAXON_ADVICE, Reading, refused
from mentum.names.open_nomenclature import SIGNS
from mentum.names.words import (
    EVERYDAY,
    PLACEHOLDERS,
    STAGES,
    SURNAMES,
    UNDETERMINED,
    could_be_latin,
    is_english,
    is_everyday,
    is_surely_latin,
)

_SEXES = frozenset("♀♂☿⚥")
_YEAR = re.compile(r"\b(?:1[6-9]\d\d|20\d\d)\b")
_BINOMIAL = re.compile(
    rf"(?:{HYBRID} )?([A-Z][a-z-]+)(?: (?:\([^)]*\) )?(?:{HYBRID} )?([a-z-]+))?(?: (?:subsp\. )?([a-z-]+))?(?: .*)?"
)


def refuse_plain_words(text: str) -> Reading | None:
    """Refuse a label with a word that belongs to no scientific name; None where there is no such word."""
    words = [(word, word.strip("().,:;!-").lower()) for word in _without_surnames(text)]
    if (stage := _first(words, STAGES)) or (stage := next((sign for sign in text if sign in _SEXES), "")):
        return refused(
            f"'{stage}' in '{text}' is no part of a name, but a sex, stage, view, body part or the like",
            "write the name alone and put the rest into a column of its own; where it has to be a class of its own, "
            "add the label to taxonomy.csv",
        )
    if empty := _placeholder(words):
        return refused(f"'{empty}' in '{text}' stands for no taxon", NO_TAXON_ADVICE)
    if common := _common(words):
        advice = "write the scientific name alone, at the rank that is certain"
        return refused(f"'{common}' in '{text}' is a word of plain English, not of a name", advice)
    return None


def _without_surnames(text: str) -> list[str]:
    """The words of a label without authors that are called like a thing, "Gray, 1867"."""
    first, *others = text.split() or [""]
    dated = _YEAR.search(text) is not None
    return [first, *(word for word in others if not (_is_surname(word) and (dated or word.endswith(","))))]


def _is_surname(word: str) -> bool:
    bare = word.strip("(),.")
    return bare.istitle() and bare.lower() in SURNAMES


def _first(words: list[tuple[str, str]], known: frozenset[str]) -> str:
    return next((word for word, bare in words if bare in known or word.lower() in known), "")


def _placeholder(words: list[tuple[str, str]]) -> str:
    if len(words) == 1 and words[0][1] in UNDETERMINED:
        return words[0][0]
    other = [
        pair for place, pair in enumerate(words) if pair[1] not in UNDETERMINED and not (place and pair[0] in SIGNS)
    ]
    return _first(other, PLACEHOLDERS)


def _common(words: list[tuple[str, str]]) -> str:
    """A common name's word: at the beginning, after what does not look like a genus, or after genus and epithet."""
    first = words[0][1]
    if is_everyday(first):
        return words[0][0]
    doubtful = words[1:] if not is_surely_latin(first) or not words[0][0].istitle() else words[2:]
    return _first(doubtful, EVERYDAY)


def refuse_unlike_latin(text: str) -> Reading | None:
    """Refuse what is spelled like a name, but in words that end as no Latin word does."""
    match = _BINOMIAL.fullmatch(text)
    if match is None:
        return None
    genus, epithet, third = match.groups()
    unlike = [word for word in (epithet, third) if word and is_english(word)]
    if unlike or (third is not None and not could_be_latin(third)):
        odd = unlike[0] if unlike else third
    elif (
        is_surely_latin(genus)
        or is_surely_latin(epithet or genus)
        or (could_be_latin(genus) and could_be_latin(epithet or genus))
    ):
        return None
    else:
        odd = genus if not could_be_latin(genus) or epithet is None else epithet
    return refused(f"'{odd}' in '{text}' does not end as scientific names do and may be a word of plain language")
