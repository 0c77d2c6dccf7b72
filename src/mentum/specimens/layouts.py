"""What each level of folders means: taxon, genus, locality, specimen.

Folders are given from the outermost inwards, without those that name a subset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mentum.errors import SettingsError
from mentum.taxonomy import Rank
from mentum.texts import printable

Folders = tuple[str, ...]
"""Names of the folders that an image lies in."""

AUTO = "auto"
EXAMPLES = (
    "taxon", "taxon/specimen", "genus/species", "family/genus/species", "locality/taxon", "taxon/locality/specimen",
)  # fmt: skip
"""Layouts that people use; others are made of the same words."""
NOTHING = "*"
"""A level that means nothing, such as a folder "images"."""


@dataclass(frozen=True)
class Layout:
    """What each level of folders means.

    Attributes:
        roles: for each level "taxon", a rank, "locality", "specimen" or `NOTHING`.
    """

    roles: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Layout:
        """Read what a user gives.

        Raises:
            SettingsError: if it is no layout.
        """
        roles = tuple(role.strip() for role in text.strip("/").split("/"))
        known = {*map(str, Rank), "taxon", "locality", "specimen", NOTHING}
        wrong = next((role for role in roles if role not in known), None)
        found = f"'{wrong}'" if wrong is not None else f"'{text}'"
        if wrong is not None or not _is_sound(roles):
            raise SettingsError(
                f"layout {text}: found {found}, expected 'auto' or what each level of folders is, from the outermost "
                f"inwards, such as {', '.join(EXAMPLES)}; a level that means nothing is '{NOTHING}'; "
                "give such a layout."
            )
        return cls(roles)

    def __str__(self) -> str:
        return "/".join(self.roles)

    @property
    def taxon_levels(self) -> tuple[int, ...]:
        """Levels that name taxa, the highest rank first."""
        return tuple(level for level, role in enumerate(self.roles) if role not in {"locality", "specimen", NOTHING})

    def describe(self, folders: Folders) -> str:
        """The layout with an example.

        >>> Layout.parse("genus/species").describe(("Salix", "alba"))
        "genus/species, such as genus 'Salix', species 'alba'"
        >>> Layout.parse("*/*/taxon").describe(("images", "2021", "Salix"))
        "*/*/taxon, such as taxon 'Salix' ('images', '2021' mean nothing)"
        """
        named = list(zip(self.roles, folders, strict=False))
        meant = ", ".join(f"{role} {_short(name)}" for role, name in named if role != NOTHING)
        nothing = [_short(name) for role, name in named if role == NOTHING]
        if not nothing:
            return f"{self}, such as {meant}"
        shown = ", ".join(nothing[:2]) + (f" and {len(nothing) - 2} more" if len(nothing) > 2 else "")
        return f"{self}, such as {meant} ({shown} {'means' if len(nothing) == 1 else 'mean'} nothing)"


def _short(name: str) -> str:
    name = printable(name)
    return f"'{name}'" if len(name) <= 40 else f"'{name[:37]}…'"


def _is_sound(roles: Sequence[str]) -> bool:
    """Whether taxa stand in a row, from higher to lower ranks, and specimens below them."""
    taxa = [role for role in roles if role not in {"locality", "specimen", NOTHING}]
    depths = [len(Rank) if role == "taxon" else Rank(role).depth for role in taxa]
    specimens = [level for level, role in enumerate(roles) if role == "specimen"]
    last_taxon = max((level for level, role in enumerate(roles) if role in taxa), default=-1)
    in_order = depths == sorted(set(depths)) and (len(taxa) < 2 or "subspecies" not in taxa)
    return bool(taxa) and in_order and len(specimens) < 2 and all(level > last_taxon for level in specimens)


class SeveralReadingsError(Exception):
    """Folders that can be read in several ways."""

    def __init__(self, readings: Sequence[Layout], example: Folders) -> None:
        self.readings, self.example = tuple(readings), example
        described = ", or as ".join(layout.describe(example) for layout in readings)
        choices = " or ".join(f"--layout {layout}" for layout in readings)
        super().__init__(f"the folders can be read as {described}; say which, with {choices}.")
