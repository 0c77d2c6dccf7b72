"""The sections of a report in their order; a line here is all that a new one takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from mentum.reporting.report.known import Known
from mentum.reporting.report.sections import (
    accuracy,
    audit,
    characters,
    comparisons,
    confusions,
    cross_validation,
    images,
    notes,
    probabilities,
    provenance,
    specimens,
    summary,
    taxa,
    unknown_taxa,
)  # fmt: skip

if TYPE_CHECKING:
    from markupsafe import Markup


class Section(NamedTuple):
    """A section: its title in the list of sections, and the HTML of its element, whose id is the section's name."""

    title: str
    show: Callable[[Known], Markup]


SECTIONS: dict[str, Section] = {
    "summary": Section("Summary", summary.show),
    "accuracy": Section("Accuracy", accuracy.show),
    "cross-validation": Section("Cross-validation", cross_validation.show),
    "specimens": Section("How many specimens?", specimens.show),
    "comparisons": Section("Comparisons", comparisons.show),
    "confusions": Section("Confusions", confusions.show),
    "taxa": Section("Taxa", taxa.show),
    "calibration": Section("Probabilities and ranks", probabilities.show),
    "characters": Section("Characters", characters.show),
    "unknown": Section("Unknown taxa", unknown_taxa.show),
    "audit": Section("Audit", audit.show),
    "images": Section("Images", images.show),
    "notes": Section("Notes", notes.show),
    "provenance": Section("Provenance", provenance.show),
}
"""Name → section."""
