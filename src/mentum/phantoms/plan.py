"""Which images a drawn data set has, before any is drawn."""

from dataclasses import dataclass

import numpy as np

from mentum.phantoms.anatomy import Taxon
from mentum.phantoms.decisive import taxa
from mentum.phantoms.settings import PhantomSettings


@dataclass(frozen=True)
class PlannedImage:
    """One image to draw.

    Attributes:
        taxon: place in the table of taxa.
        anatomy: what the taxon looks like.
        number: of the image within its taxon, from 1.
        specimen: of the taxon, from 0.
        view: of the specimen, from 0.
    """

    taxon: int
    anatomy: Taxon
    number: int
    specimen: int
    view: int

    @property
    def file_name(self) -> str:
        """Path of the image within the data set."""
        return f"images/{self.anatomy.stem}_{self.number}.jpg"

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
