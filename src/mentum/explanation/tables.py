"""Shares of characters as a file, and as the short list that programs ask for."""

from __future__ import annotations

import csv
import io
from typing import Any

from mentum.explanation.results import BACKGROUND, NONE, SEVERAL, UNASSIGNED, CharacterShare, Explanation
from mentum.taxonomy import Rank

_MEASURES = (
    "used", "necessity", "necessity_low", "necessity_high", "credit", "credit_low", "credit_high", "map_used",
    "mass", "mass_low", "mass_high", "area", "enrichment", "pointing", "null_mass", "null_low", "null_high",
    "shifted_mass", "shifted_low", "shifted_high",
)  # fmt: skip
_COLUMNS = ("rank", "taxon", "group", "character", "n", "n_specimens", "used_low", "used_high", "interval", *_MEASURES)


def characters_csv(explanation: Explanation) -> str:
    """Write one line per rank, taxon, group and character as CSV; shares from 0 to 1, empty where undefined."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(_cells(share) for share in explanation.shares)
    return text.getvalue()


def _cells(share: CharacterShare) -> list[str | int]:
    measures = (getattr(share, name) for name in _MEASURES)
    interval = share.interval
    return [
        share.rank.value, share.taxon or "", share.group, share.character, share.n, share.n_specimens,
        f"{interval.low:.4f}", f"{interval.high:.4f}", interval.method,
        *("" if value is None else f"{value:.4f}" for value in measures),
    ]  # fmt: skip


def shares_of_correct(explanation: Explanation) -> list[CharacterShare]:
    """Rows over all taxa of the correct identifications, those of the paper's figure."""
    return [share for share in explanation.shares if share.taxon is None and share.group == "correct"]


def ranked_shares(explanation: Explanation) -> dict[Rank, list[CharacterShare]]:
    """Shares of the correct identifications by rank, most used first, then what is no character."""
    found: dict[Rank, list[CharacterShare]] = {}
    for share in shares_of_correct(explanation):
        found.setdefault(share.rank, []).append(share)
    others = (SEVERAL, NONE, UNASSIGNED, BACKGROUND)
    return {
        rank: sorted(shares, key=lambda share: (share.character in others, -share.used))
        for rank, shares in found.items()
    }


def shares_by_taxon(explanation: Explanation, rank: Rank) -> dict[str, dict[str, CharacterShare]]:
    """Taxon → character → share of its correct identifications; taxa without any are left out."""
    found: dict[str, dict[str, CharacterShare]] = {}
    for share in explanation.shares:
        if share.rank == rank and share.taxon and share.group == "correct" and share.n:
            found.setdefault(share.taxon, {})[share.character] = share
    return found


def by_rank(explanation: Explanation) -> dict[str, list[dict[str, Any]]]:
    """Rank → for each character, most used first, what was used with intervals; then the other regions."""
    shown = {
        "character", "used", "interval", "necessity", "necessity_low", "necessity_high", "credit", "credit_low",
        "credit_high", "map_used", "map_interval", "mass", "enrichment", "n",
    }  # fmt: skip
    return {
        rank.value: [share.model_dump(mode="json", include=shown) for share in shares]
        for rank, shares in ranked_shares(explanation).items()
    }
