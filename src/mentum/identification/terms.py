"""Which columns of a user's table give terms of Darwin Core, however they are written."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mentum.identification.output.darwin_core import MEDIA_COLUMNS, OCCURRENCE_TERMS


def terms_of(columns: Sequence[str]) -> dict[str, str]:
    """Term → the column that gives it, whatever its case; a term's own name comes before another name for it."""
    from mentum.specimens.columns import COLUMNS

    names = {_plain(term): term for term in (*OCCURRENCE_TERMS, *MEDIA_COLUMNS)}
    aliases = {_plain(alias): term for term in OCCURRENCE_TERMS for alias in COLUMNS.get(term, ())}
    found: dict[str, str] = {}
    for known in (names, aliases):
        for column in sorted(columns, key=lambda column: column not in names.values()):
            term = known.get(_plain(column))
            if term is not None and column not in found.values():
                found.setdefault(term, column)
    return found


def _plain(column: str) -> str:
    """A column's name without its case, the prefix of its vocabulary, and what parts its words."""
    return re.sub(r"^(dwc|dcterms|dc|ac):|[\s_-]", "", column.lower())
