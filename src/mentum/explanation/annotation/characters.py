"""Annotated characters of specimens: which are there, and where they lie in the network's square."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mentum.errors import DataError
from mentum.explanation.annotation.coco_file import AnnotatedImage, Category, read_annotation_file
from mentum.explanation.annotation.shapes import cover, is_within
from mentum.explanation.results import BACKGROUND, NONE, UNASSIGNED
from mentum.records import Fault, error
from mentum.specimens.placements import Box, SquarePlacement

_OUTLINES = ("specimen", "headcapsule", "capsule", "body", "individual", "organism", "whole")
"""Names of categories that outline the whole specimen, in lower case without "_" and spaces; the first found wins."""
_SHOWN_FAULTS = 30
_SHOWN_NAMES = 5


@dataclass(frozen=True)
class Annotations:
    """The annotated characters of a specimen table.

    Attributes:
        source: the COCO file.
        characters: categories that have annotations, in the file's order, without the specimen's outline. Symmetrical
            parts of one category are one character.
        outline: category that outlines the whole specimen, None where there is none.
        regions: file name, as in the specimen table → its regions; only images with annotations.
        warnings: what the user should know, in words.
        boxes: file name → the part of the image that its square shows; without one, the whole.
    """

    source: Path
    characters: tuple[str, ...]
    outline: str | None
    regions: Mapping[str, AnnotatedImage]
    warnings: tuple[str, ...]
    boxes: Mapping[str, Box] = field(default_factory=dict)

    def cropped(self, boxes: Mapping[str, Box]) -> Annotations:
        """The same, laid on images of which the squares show a part; what the crops cut off is said."""
        return replace(self, boxes=boxes, warnings=(*self.warnings, *_cut_off(self, boxes)))

    def placement(self, file_name: str, size: int) -> SquarePlacement:
        """Where an annotated image lies in its square."""
        image = self.regions[file_name]
        return SquarePlacement(image.width, image.height, size, self.boxes.get(file_name))

    @property
    def names(self) -> tuple[str, ...]:
        """The R regions of `masks`: the characters, the rest of the specimen, and what is outside it."""
        return *self.characters, UNASSIGNED, BACKGROUND

    def masks(self, file_name: str, size: int) -> NDArray[np.float32]:
        """Which share of each pixel belongs to which region, in the square of `square_pixels`.

        Where characters overlap, the pixel is split equally among them. Where the image has no outline of the specimen,
        all that is in no character is "unassigned", the padding of the square included.

        Args:
            file_name: an image of `regions`.
            size: side of the square, px.

        Returns:
            (R, size, size) float32 in the order of `names`; sums to 1 at each pixel.

        Raises:
            KeyError: if the image has no annotation.
        """
        image, placement = self.regions[file_name], self.placement(file_name, size)
        masks = np.zeros((len(self.names), size, size), dtype=np.float32)
        for mask, character in zip(masks, self.characters, strict=False):
            if character in image.shapes:
                mask[:] = cover(image.shapes[character], placement)
        covered = masks.sum(axis=0)
        overlap = covered > 1
        masks[:, overlap] /= covered[overlap]
        rest = np.maximum(1 - covered, 0)
        masks[-2] = rest
        if self.outline is not None and self.outline in image.shapes:
            masks[-2] = np.clip(cover(image.shapes[self.outline], placement) - covered, 0, rest)
        masks[-1] = rest - masks[-2]
        return masks

    def specimen(self, file_name: str, size: int) -> NDArray[np.float32] | None:
        """(size, size) float32: the whole specimen in the square; None where it is not outlined."""
        image = self.regions.get(file_name)
        if image is None or self.outline not in image.shapes:
            return None
        return np.asarray(1 - self.masks(file_name, size)[-1], dtype=np.float32)


def read_annotations(file: Path, file_names: Sequence[str], root: Path, outline: str | None = None) -> Annotations:
    """Read characters from a COCO file, as CVAT, Label Studio, labelme2coco and others write it.

    Args:
        file: categories are characters, annotations their regions: polygons, run lengths or boxes, in px of the upright
            image.
        file_names: of the specimen table, relative to `root`. The file may name the images by other folders, by their
            base names only or with Label Studio's prefix.
        root: where the images lie.
        outline: category that outlines the whole specimen. By default the only one whose supercategory is "specimen",
            else one that is named so, or head capsule, capsule, body, individual, organism or whole, and whose
            supercategory is not "character".

    Raises:
        DataError: listing all faults of the file: images that are not in the table or have another size, and regions
            that are empty, outside their image or not readable.
    """
    found = read_annotation_file(file, file_names, root)
    faults = [*found.faults, *_name_faults(found.categories, outline)]
    _refuse(file, faults)
    chosen = outline or _outline(found.categories)
    characters = tuple(category.name for category in found.categories if category.name != chosen)
    warnings = (*found.notes, *_missing(found.images, file_names), *_without_outline(found.images, chosen))
    return Annotations(file, characters, chosen, found.images, warnings)


def _outline(categories: Sequence[Category]) -> str | None:
    marked = [category.name for category in categories if _plain(category.supercategory) == "specimen"]
    if len(marked) == 1:  # several are parts of a specimen
        return marked[0]
    named = {
        _plain(category.name): category.name for category in categories if _plain(category.supercategory) != "character"
    }
    return next((named[name] for name in _OUTLINES if name in named), None)


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace(" ", "")


def _name_faults(categories: Sequence[Category], outline: str | None) -> list[Fault]:
    names = [category.name for category in categories]
    faults = []
    if outline is not None and outline not in names:
        message = "no annotation has this category, which was named as the specimen's outline; expected one of: "
        faults.append(error("unknown-outline", f"'{outline}'", message + f"{', '.join(names)}; correct the name."))
    for name in names:
        if name in (UNASSIGNED, BACKGROUND, NONE):
            message = "Mentum means something else by this name; rename the category, or delete its annotations."
            faults.append(error("reserved-name", f"category '{name}'", message))
    return faults


def _refuse(file: Path, faults: Sequence[Fault]) -> None:
    """Stop at faults, with all of them."""
    if faults:
        listed = "\n".join(f"  {fault.where}: {fault.message}" for fault in faults[:_SHOWN_FAULTS])
        more = f"\n  and {len(faults) - _SHOWN_FAULTS} more" if len(faults) > _SHOWN_FAULTS else ""
        plural = "s" if len(faults) > 1 else ""
        raise DataError(f"{file}: {len(faults)} fault{plural} to fix before characters can be read:\n{listed}{more}")


def _missing(images: Collection[str], file_names: Sequence[str]) -> list[str]:
    missing = [name for name in file_names if name not in images]
    if not missing:
        return []
    return [f"{len(missing)} of {len(file_names)} images of the table have no annotation: {_some(missing)}."]


def _without_outline(images: Mapping[str, AnnotatedImage], outline: str | None) -> list[str]:
    consequence = "background cannot be told from the rest of the specimen, and both count as unassigned."
    if outline is None:
        return [f"No category outlines the whole specimen: {consequence}"]
    lacking = [name for name, image in images.items() if outline not in image.shapes]
    if not lacking:
        return []
    which = f"{len(lacking)} of {len(images)} annotated images lack the outline '{outline}'"
    return [f"{which} ({_some(lacking)}): there, {consequence}"]


def _cut_off(annotations: Annotations, boxes: Mapping[str, Box]) -> list[str]:
    """Which characters reach beyond the part of their image that is used, and in how many images."""
    cut = [
        name
        for file_name, image in annotations.regions.items()
        if file_name in boxes
        for name in annotations.characters
        if name in image.shapes and not is_within(image.shapes[name], boxes[file_name], image.height)
    ]
    found = ", ".join(f"{name} in {n}" for name, n in Counter(cut).most_common())
    cropped = (
        f"Of {sum(name in boxes for name in annotations.regions)} annotated images that are cropped to the specimen"
    )
    return [f"{cropped}, the crop cuts a character, in whole or in part: {found}."] if cut else []


def _some(names: Sequence[str]) -> str:
    return ", ".join([*names[:_SHOWN_NAMES], *(["…"] if len(names) > _SHOWN_NAMES else [])])
