"""Which images a drawn data set has, before any is drawn."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from mentum.phantoms.anatomy import Taxon
from mentum.phantoms.decisive import PARTS, taxa, with_character
from mentum.phantoms.settings import Character, PhantomSettings


@dataclass(frozen=True)
class PlannedImage:
    """One image to draw.

    Attributes:
        taxon: place in the table of taxa.
        anatomy: what the taxon looks like.
        number: of the image within its taxon, from 1.
        specimen: of the taxon, from 0.
        view: of the specimen, from 0.
        folder: of the data set in which it lies.
        changed: end of the file name, where a character is not the taxon's own.
    """

    taxon: int
    anatomy: Taxon
    number: int
    specimen: int
    view: int
    folder: str = "images"
    changed: str = ""

    @property
    def file_name(self) -> str:
        """Path of the image within the data set."""
        return f"{self.folder}/{self.anatomy.stem}_{self.number}{self.changed}.jpg"

    @property
    def catalog_number(self) -> str:
        """Name of the specimen, shared by its images."""
        return f"{self.anatomy.stem.replace('_', '-')}-{self.specimen + 1}"


def plan(settings: PhantomSettings) -> list[PlannedImage]:
    """Lists the images, taxon by taxon.

    >>> [image.file_name for image in plan(PhantomSettings(images=1))]
    ['images/Chironomus_nudiventris_1.jpg']
    """
    return [
        PlannedImage(place, taxon, i + 1, i // settings.images_per_specimen, i % settings.images_per_specimen)
        for place, (taxon, count) in enumerate(zip(taxa(settings), images_of_taxa(settings), strict=True))
        for i in range(count)
    ]


@dataclass(frozen=True)
class Counterfactual:
    """An image drawn again with one character as another taxon has it.

    Attributes:
        factual: the image as it is.
        drawn: the image as it would be.
        character: what differs.
        donor: the taxon whose character it is.
    """

    factual: PlannedImage
    drawn: PlannedImage
    character: Character
    donor: Taxon


def counterfactuals(settings: PhantomSettings) -> list[Counterfactual]:
    """Lists, for each image, every other form of each decisive character."""
    known = taxa(settings)
    return [each for image in plan(settings) for each in _of_image(image, settings.decisive, known)]


def _of_image(
    image: PlannedImage, decisive: tuple[Character, ...], known: tuple[Taxon, ...]
) -> Iterator[Counterfactual]:
    for character in decisive:
        seen = [getattr(image.anatomy, PARTS[character])]
        for donor in known:
            form = getattr(donor, PARTS[character])
            if form not in seen:
                seen.append(form)
                anatomy = with_character(image.anatomy, donor, character)
                changed = f"_{character}_of_{donor.stem}"
                drawn = replace(image, anatomy=anatomy, folder="counterfactuals", changed=changed)
                yield Counterfactual(image, drawn, character, donor)


def images_of_taxa(settings: PhantomSettings) -> list[int]:
    """Number of images of each taxon.

    >>> images_of_taxa(PhantomSettings(images=23))
    [3, 3, 3, 2, 2, 2, 2, 2, 2, 2]
    """
    count = len(taxa(settings))
    if settings.images is None:
        return [settings.images_per_taxon] * count
    each, rest = divmod(settings.images, count)
    return [each + (i < rest) for i in range(count)]


def generator(seed: int, *place: int) -> np.random.Generator:
    """Random numbers of their own for a place in the data set, whoever draws it and in whatever order."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, *place))))
