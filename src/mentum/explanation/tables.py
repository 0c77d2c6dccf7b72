"""Shares of characters as a file, and as the short list that programs ask for."""

from __future__ import annotations

import csv
import io
from typing import Any

from mentum.explanation.results import BACKGROUND, NONE, UNASSIGNED, CharacterShare, Explanation

_MEASURES = (
    "used", "mass", "mass_low", "mass_high", "area", "enrichment", "pointing", "null_mass", "null_low", "null_high",
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


def by_rank(explanation: Explanation) -> dict[str, list[dict[str, Any]]]:
    """Rank → for each character, most used first: used, interval, mass, enrichment, n; then the other regions."""
    found: dict[str, list[dict[str, Any]]] = {}
    for share in shares_of_correct(explanation):
        row = share.model_dump(mode="json", include={"character", "used", "interval", "mass", "enrichment", "n"})
        found.setdefault(share.rank.value, []).append(row)
    others = (NONE, UNASSIGNED, BACKGROUND)
    return {
        rank: sorted(rows, key=lambda row: (row["character"] in others, -row["used"])) for rank, rows in found.items()
    }
