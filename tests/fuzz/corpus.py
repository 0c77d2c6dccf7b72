"""The whole corpus, and the inputs that failed once."""

from __future__ import annotations

from collections.abc import Mapping

from fuzz.cases import Case, Tricks
from fuzz.folders import BACKBONES, RECORDS
from fuzz.images import IMAGES
from fuzz.options import OPTIONS
from fuzz.outlines import OUTLINES
from fuzz.recipes import RECIPES
from fuzz.tables import TABLES, TAXONOMIES
from fuzz.trees import TREES

FAMILIES: Mapping[str, tuple[int, Tricks]] = {
    "images": (500, IMAGES),
    "trees": (150, TREES),
    "tables": (350, TABLES),
    "taxonomies": (100, TAXONOMIES),
    "outlines": (200, OUTLINES),
    "recipes": (350, RECIPES),
    "options": (250, OPTIONS),
    "records": (60, RECORDS),
    "backbones": (40, BACKBONES),
}
"""Family → its share of 2,000 inputs, and its tricks."""


def corpus(number: int = 2000) -> list[Case]:
    """So many inputs, each family and each of its tricks having its share."""
    whole = sum(share for share, _ in FAMILIES.values())
    return [
        Case(family, list(known)[place % len(known)], place // len(known))
        for family, (share, known) in FAMILIES.items()
        for place in range(round(share * number / whole))
    ]


FAILED_ONCE = (
    "images/exif/0", "images/flipped_header/1", "recipes/options_of_backbones/1", "recipes/options_of_backbones/2",
    "recipes/options_of_backbones/4", "recipes/absurd/5", "options/files_for_folders/0", "options/same_twice/11",
    "tables/many_columns/0", "tables/workbooks/1", "tables/header_only/2", "tables/json_lines/2",
)  # fmt: skip
"""Inputs that met a fault, since put right; they are always tried."""
