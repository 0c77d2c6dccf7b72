"""What each level of folders means, by what the names are: species, genera, epithets, places, numbers of specimens."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Literal

from mentum.specimens.layouts import NOTHING, Folders, Layout, SeveralReadingsError
from mentum.taxonomy import Rank, clean_name
from mentum.texts import without_invisible

ReadsAs = Callable[[str], Rank | None]
"""The rank of the taxon that a name reads as; None where it reads as none."""

_CONTAINERS = frozenset({
    "images", "image", "imgs", "img", "photos", "photo", "photographs", "pictures", "pics", "data", "dataset", "jpg",
    "jpeg", "png", "tif", "tiff", "raw", "original", "originals", "crops", "cropped",
})  # fmt: skip
"""Names of folders that say nothing of what they hold."""
_NO_EPITHETS = frozenset({
    "male", "female", "males", "females", "larva", "larvae", "pupa", "pupae", "adult", "adults", "imago", "juvenile",
    "egg", "eggs", "exuviae", "worker", "queen", "dorsal", "ventral", "lateral", "frontal", "left", "right", "front",
    "back", "top", "bottom", "side", "head", "wing", "leg", "polar", "equatorial", "flower", "leaf", "fruit", "bark",
    "seed", "specimen", "specimens", "unknown", "other", "others", "misc", "indet", "slide", "slides",
}) | _CONTAINERS  # fmt: skip
_EPITHET = re.compile(r"[a-zà-öø-ÿ][a-zà-öø-ÿ-]+|(?:spp?|cf|aff)\b.*")
_ABBREVIATED = re.compile(r"[A-Z][a-z]{0,2}\. .+")
_CODE = re.compile(r"[A-Za-z]{0,4}[-_ .]?\d+[A-Za-z]?")
_NO_TAXA = frozenset({"locality", "specimen", NOTHING})
"""Roles of levels that name none."""

Kind = Literal["binomial", "uninomial", "epithet", "other"]


def kind_of(name: str, reads_as: ReadsAs) -> Kind:
    """What a folder's name looks like: a species, a single higher name, an epithet on its own, or no taxon."""
    name = clean_name(without_invisible(name))
    if _ABBREVIATED.fullmatch(name):
        return "epithet"
    if _EPITHET.fullmatch(name):
        return "other" if name in _NO_EPITHETS else "epithet"
    rank = None if name.lower() in _NO_EPITHETS else reads_as(name)
    if rank is None:
        return "other"
    return "binomial" if " " in name or rank.depth >= Rank.SPECIES.depth else "uninomial"


def choose_layout(paths: Sequence[Folders], reads_as: ReadsAs) -> Layout:
    """Tell from the names what each level of folders means.

    Args:
        paths: the folders of every image that lies in any.
        reads_as: what a single name reads as.

    Raises:
        SeveralReadingsError: if the names leave several possibilities.
    """
    return _Choice(paths, reads_as).layout()


class _Choice:
    """The names at each level, and what they look like."""

    def __init__(self, paths: Sequence[Folders], reads_as: ReadsAs) -> None:
        self.paths = list(dict.fromkeys(paths))
        self.images = paths
        self.depth = max(map(len, self.paths))
        self.names = [{path[level] for path in self.paths if len(path) > level} for level in range(self.depth)]
        known: dict[str, Rank | None] = {}
        self.kinds: dict[str, Kind] = {}

        def remember(name: str) -> Rank | None:
            return known[name] if name in known else known.setdefault(name, reads_as(name))

        self.rank = remember
        for name in set().union(*self.names):
            self.kinds[name] = kind_of(name, remember)
        self.levels = [self._level(level) for level in range(self.depth)]

    def _level(self, level: int) -> Kind:
        """What half of the names at a level, or more, look like; species may stand beside higher names."""
        names = self.names[level]
        count = {kind: sum(self.kinds[name] == kind for name in names) for kind in ("binomial", "uninomial", "epithet")}
        if 2 * count["epithet"] >= len(names):
            return "epithet"
        if 2 * (count["binomial"] + count["uninomial"]) < len(names):
            return "other"
        return "binomial" if count["binomial"] else "uninomial"

    def layout(self) -> Layout:
        """The one reading that fits."""
        first = self._first_that_means_something()
        block = self._taxa(first)
        top, bottom = min(block), max(block)
        above = self._above(first, top, block)
        chosen = Layout((*(NOTHING,) * first, *above, *block.values(), *self._below(bottom)))
        self._refuse_species_as_specimens(chosen)
        return chosen

    def _first_that_means_something(self) -> int:
        """The level below single folders that hold everything, such as "images"."""
        first = 0
        while first < self.depth - 1 and len(self.names[first]) == 1:
            (name,) = self.names[first]
            if name.lower() not in _CONTAINERS and self.kinds[name] not in {"other", "epithet"}:
                break
            first += 1
        return first if any(kind != "other" for kind in self.levels[first:]) else 0

    def _taxa(self, first: int) -> dict[int, str]:
        """Levels that name taxa, each with its role, one below the other."""
        of = {kind: [level for level in range(first, self.depth) if self.levels[level] == kind] for kind in
              ("binomial", "uninomial", "epithet")}  # fmt: skip
        if of["binomial"]:
            return self._of_species(of["binomial"])
        below_genus = [level for level in of["epithet"] if level - 1 in of["uninomial"] and self._are_genera(level - 1)]
        if below_genus:
            return self._of_epithets(below_genus[0])
        if of["uninomial"]:
            return self._of_single_names(of["uninomial"])
        return {first: "taxon"}

    def _of_species(self, levels: list[int]) -> dict[int, str]:
        taxon = levels[0]
        for level in levels[1:]:
            if level != taxon + 1 or not self._begin_with(taxon, level):
                raise self._several({taxon: "taxon"}, {level: "taxon"})
            outer = {path[taxon] for path in self.paths if len(path) > level}
            is_genus = all(self.kinds[name] == "uninomial" for name in outer)
            return {taxon: "genus", level: "species"} if is_genus else {taxon: "species", level: "taxon"}
        if taxon > 0 and self._begin_with(taxon - 1, taxon):
            return {taxon - 1: "genus", taxon: "species"}
        return {taxon: "taxon"}

    def _of_epithets(self, level: int) -> dict[int, str]:
        """Genera with epithets in them, unless the same words return in most genera, as views or places would."""
        found = {level - 1: "genus", level: "species"}
        if 2 * sum(self._returns(level - 1, level).values()) > len(self.names[level]):
            raise self._several(found, {level - 1: "taxon"})
        return found

    def _of_single_names(self, levels: list[int]) -> dict[int, str]:
        """One level of single names is the taxon; of several, each must be of lower ranks than the one above."""
        lowest = levels[-1]
        for upper, lower in itertools.pairwise(levels):
            if not self._are_above(upper, lower):
                raise self._several({levels[0]: "taxon"}, {lowest: "taxon"}, *self._capital_epithets(upper, lower))
        return {lowest: "taxon"}

    def _capital_epithets(self, upper: int, lower: int) -> list[dict[int, str]]:
        """The reading of "Salix/Alba", whose epithet looks like a genus."""
        genera = {self.rank(name) for name in self.names[upper]} == {Rank.GENUS}
        single = all(name.isalpha() for name in self.names[lower])
        return [{upper: "genus", lower: "species"}] if genera and single and lower == upper + 1 else []

    def _are_above(self, upper: int, lower: int) -> bool:
        deepest = max(self._rank_of(name).depth for name in self.names[upper])
        return deepest < min(self._rank_of(name).depth for name in self.names[lower])

    def _are_genera(self, level: int) -> bool:
        return any(self.rank(name) is Rank.GENUS for name in self.names[level])

    def _rank_of(self, name: str) -> Rank:
        return self.rank(name) or Rank.SUBSPECIES

    def _above(self, first: int, top: int, block: dict[int, str]) -> tuple[str, ...]:
        """Roles of the levels above the taxa: higher ranks, or localities, above which there are no ranks."""
        roles: list[str] = []
        for level in reversed(range(first, top)):
            roles.insert(0, "locality" if "locality" in roles[:1] else self._role_above(level, top, block))
        return tuple(roles)

    def _role_above(self, level: int, top: int, block: dict[int, str]) -> str:
        ranks = {self.rank(name) if self.kinds[name] == "uninomial" else None for name in self.names[level]}
        higher = {rank for rank in ranks if rank is not None and rank.depth < Rank.GENUS.depth}
        if ranks == higher:
            return higher.pop().value if len(higher) == 1 else NOTHING
        returns = self._returns(level, top).values()
        if self.levels[level] in {"other", "epithet"} or 2 * sum(returns) >= len(returns):
            return "locality"
        raise self._several(block | {level: "locality"}, block | {level: "order"})

    def _below(self, bottom: int) -> tuple[str, ...]:
        """Roles of the levels below the taxa: a specimen's folder, and places above it."""
        levels = range(bottom + 1, self.depth)
        if not levels:
            return ()
        if all(len(self.names[level]) == 1 for level in levels) and self._tell_nothing(bottom):
            (name,) = self.names[levels[-1]]
            if _CODE.fullmatch(name):
                raise self._several({bottom: "taxon"}, {bottom: "taxon"} | dict.fromkeys(levels, NOTHING))
            return (NOTHING,) * len(levels)
        return (*("locality",) * (len(levels) - 1), "specimen")

    def _tell_nothing(self, bottom: int) -> bool:
        """Whether every taxon has the very same folder and several images in it: it would have one specimen."""
        images: dict[str, int] = {}
        for path in self.images:
            if len(path) < self.depth:
                return False
            images[path[bottom]] = images.get(path[bottom], 0) + 1
        return len(images) > 1 and min(images.values()) > 1

    def _returns(self, upper: int, lower: int) -> dict[str, bool]:
        """Name at the lower level → whether it stands under several names of the upper one."""
        under: dict[str, set[str]] = {}
        for path in self.paths:
            if len(path) > lower:
                under.setdefault(clean_name(path[lower]), set()).add(path[upper])
        return {name: len(above) > 1 for name, above in under.items()}

    def _begin_with(self, upper: int, lower: int) -> bool:
        """Whether half of the lower names, or more, begin with the upper one."""
        pairs = {(clean_name(path[upper]), clean_name(path[lower])) for path in self.paths if len(path) > lower}
        begin = [_initial(inner, outer) for outer, inner in pairs if " " in inner]
        return bool(begin) and 2 * sum(begin) >= len(pairs)

    def _refuse_species_as_specimens(self, chosen: Layout) -> None:
        """A folder within a genus that reads as its species is no specimen without the user's word."""
        taxon = chosen.taxon_levels[-1]
        for path in self.paths:
            if len(path) > taxon + 1 and self.kinds[path[taxon]] == "uninomial":
                outer, inner = clean_name(path[taxon]), path[taxon + 1]
                if self.kinds[inner] == "epithet" or _initial(clean_name(inner), outer):
                    other = Layout((*chosen.roles[:taxon], "genus", "species", *chosen.roles[taxon + 2 :]))
                    raise SeveralReadingsError((chosen, other), path)

    def _several(self, *readings: dict[int, str]) -> SeveralReadingsError:
        """Readings, by the roles of the levels that they differ in."""
        return SeveralReadingsError([Layout(self._fill(roles)) for roles in readings], max(self.paths, key=len))

    def _fill(self, said: dict[int, str]) -> tuple[str, ...]:
        """All roles, with localities above the taxa and a specimen below, where nothing else is said."""
        bottom, last = max(level for level, role in said.items() if role not in _NO_TAXA), self.depth - 1
        rest = dict.fromkeys(range(self.depth), "locality") | ({last: "specimen"} if last > bottom else {})
        return tuple((rest | said)[level] for level in range(self.depth))


def _initial(name: str, genus: str) -> bool:
    """Whether a name begins with the genus, also where it is abbreviated ("S. alba" in "Salix")."""
    first = name.partition(" ")[0]
    return name.casefold().startswith(f"{genus.casefold()} ") or (
        first.endswith(".") and len(first) > 1 and genus.casefold().startswith(first[:-1].casefold())
    )
