"""Names for proposed characters: an expert's words for their numbers, and the annotation that follows from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from mentum.errors import DataError
from mentum.explanation.proposals.propose import FramedImage, Proposals
from mentum.explanation.results import BACKGROUND, NONE, UNASSIGNED
from mentum.specimens.coco import Region, region_in_image, write_coco
from mentum.specimens.pixels import SquarePlacement
from mentum.texts import visible

_ORIGIN = (
    "Characters proposed by Mentum from peaks of relevance maps and named by an expert. They were placed on each image "
    "automatically, by the position of its specimen; nobody has outlined them."
)
_EXAMPLE = "expected a number and a name, such as 1=mentum"
_MOST_DIGITS = 10
_LONGEST = 200
"""Characters of an entry that are shown."""


def read_names(entries: Sequence[str]) -> dict[int, str]:
    """Read names for numbers, as written on a command line.

    Raises:
        DataError: listing all entries that are no number and name, and all numbers that are named twice.

    >>> read_names(["1=mentum", "3 = ventromental plate"])
    {1: 'mentum', 3: 'ventromental plate'}
    """
    parts = [(entry, *(part.strip() for part in entry.partition("=")[::2])) for entry in entries]
    faults = [
        f"'{visible(entry)[:_LONGEST]}': {_EXAMPLE}"
        for entry, number, _ in parts
        if not _is_number(number) or "=" not in entry
    ]
    counts = Counter(int(number) for _, number, _ in parts if _is_number(number))
    faults += [f"{number} is named {count} times; name it once" for number, count in counts.items() if count > 1]
    _refuse(faults)
    return {int(number): name for _, number, name in parts}


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) < _MOST_DIGITS


def write_named_characters(proposals: Proposals, names: Mapping[int, str], file: Path) -> None:
    """Lay named characters on every image and write them as a COCO file.

    Args:
        proposals: with the outlines in the specimens' frame, and the frame of each image.
        names: number → name; several numbers may share a name, numbers without one are left out.
        file: appears whole or not at all. It names the images as the specimen table does; its regions are marked
            uncertain.

    Raises:
        DataError: listing all numbers that were not proposed and all names that cannot be given; or if the file cannot
            be written.
    """
    given = {number: " ".join(name.split()) for number, name in names.items()}
    _refuse(_name_faults(proposals, given))
    sizes = [(image.file_name, image.width, image.height) for image in proposals.images]
    drawn = [_regions(proposals, given, image) for image in proposals.images]
    categories = dict.fromkeys((given[number] for number in sorted(given)), "character")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_coco(file, sizes, drawn, categories, proposed=_ORIGIN)
    except OSError as reason:
        raise DataError(f"{file}: cannot be written ({reason.strerror}); name another file.") from reason


def _name_faults(proposals: Proposals, names: Mapping[int, str]) -> list[str]:
    numbers = [character.number for character in proposals.characters]
    there = f"the proposals are numbered {numbers[0]} to {numbers[-1]}" if numbers else "there are no proposals"
    faults = [f"{number} is no proposed character; {there}" for number in names if number not in numbers]
    faults += [f"{number} has no name; {_EXAMPLE}" for number, name in names.items() if not name]
    reserved = (UNASSIGNED, BACKGROUND, NONE)
    faults += [
        f"'{name}' for {number} means something else in results; give another name, or leave the number out"
        for number, name in names.items()
        if name in reserved
    ]
    return faults if names else ["no name was given; " + _EXAMPLE]


def _refuse(faults: Iterable[str]) -> None:
    """Stop at faults, with all of them."""
    if listed := "; ".join(faults):
        raise DataError(f"names of characters: {listed}; give number=name for some of the proposals.")


def _regions(proposals: Proposals, names: Mapping[int, str], image: FramedImage) -> list[Region]:
    """The named outlines in the image's own px, as far as they lie in it."""
    placement = SquarePlacement(image.width, image.height, proposals.size, image.box)
    placed = (
        region_in_image(
            names[character.number], placement.restore(image.frame.to_square(corners)), image.width, image.height
        )
        for character in proposals.characters
        if character.number in names
        for corners in map(np.array, character.outlines)
    )
    return [region for region in placed if region]
