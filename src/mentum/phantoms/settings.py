"""What a user may choose about a drawn data set."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

HEIGHT_OVER_WIDTH = 0.74

MOST_IMAGES = 100_000
"""They take an hour or two, and a few gigabytes."""
WIDEST = 4096
"""Pixels; a drawing in work takes a gigabyte of memory at that width."""
LARGEST_SEED = 2**64 - 1

Decisive = Literal["none", "mentum", "ventromental_plate", "mandible", "submentum", "postoccipital_margin"]


class PhantomSettings(BaseModel):
    """How many phantoms to draw, how large, of which taxa, and whether to plant a shortcut.

    Attributes:
        images_per_taxon: images of each taxon.
        images: images in all, spread as evenly as possible over the taxa; wins over `images_per_taxon`.
        images_per_specimen: consecutive images of a taxon that show the same specimen.
        width: pixels; the height is 0.74 of it.
        seed: the same settings always give the same bytes.
        shortcut: a trait of the background that betrays the taxon: its tint, or a small mark in a corner.
        decisive: the one character in which four taxa of one anatomy differ; `none` draws the ten taxa as they are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    images_per_taxon: int = Field(default=40, ge=1, le=MOST_IMAGES // 10)
    images: int | None = Field(default=None, ge=1, le=MOST_IMAGES)
    images_per_specimen: int = Field(default=1, ge=1, le=MOST_IMAGES)
    width: int = Field(default=512, ge=64, le=WIDEST)
    seed: int = Field(default=0, ge=0, le=LARGEST_SEED)
    shortcut: Literal["none", "tint", "corner"] = "none"
    decisive: Decisive = "none"

    @property
    def height(self) -> int:
        """Height of the images in pixels."""
        return round(self.width * HEIGHT_OVER_WIDTH)
