"""What a user may choose about a drawn data set."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from mentum.errors import SettingsError

HEIGHT_OVER_WIDTH = 0.74

MOST_IMAGES = 100_000
"""They take an hour or two, and a few gigabytes."""
WIDEST = 4096
"""Pixels; a drawing in work takes a gigabyte of memory at that width."""
LARGEST_SEED = 2**64 - 1

Character = Literal["mentum", "ventromental_plate", "mandible", "submentum", "postoccipital_margin"]
CHARACTERS: tuple[Character, ...] = get_args(Character)


def characters_named(text: str | Iterable[str]) -> tuple[Character, ...]:
    """Characters as a user names them, parted by commas; "none" names none.

    >>> characters_named("mentum,mandible"), characters_named("none")
    (('mentum', 'mandible'), ())

    Raises:
        SettingsError: if there is no such character.
    """
    given = text.split(",") if isinstance(text, str) else text
    return tuple(_known(name) for name in map(str.strip, given) if name not in {"", "none"})


def _known(name: str) -> Character:
    for character in CHARACTERS:
        if name == character:
            return character
    raise SettingsError(f"decisive {name!r}: no drawn character; give some of {', '.join(CHARACTERS)}, or none.")


Decisive = Annotated[tuple[Character, ...], BeforeValidator(characters_named)]


class PhantomSettings(BaseModel):
    """How many phantoms to draw, how large, of which taxa, and whether to plant a shortcut.

    Attributes:
        images_per_taxon: images of each taxon.
        images: images in all, spread as evenly as possible over the taxa; wins over `images_per_taxon`.
        images_per_specimen: consecutive images of a taxon that show the same specimen.
        width: pixels; the height is 0.74 of it.
        seed: the same settings always give the same bytes.
        shortcut: a trait of the background that betrays the taxon: its tint, or a small mark in a corner.
        decisive: the characters in which four taxa of one anatomy differ; () draws the ten taxa as they are. Of two,
            the first sets the genera apart and the second the species within them.
        redundant: every taxon has a form of its own of each decisive character, so that any one of them suffices.
        counterfactual: draw each image also with a decisive character as in another taxon, and all else the same.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    images_per_taxon: int = Field(default=40, ge=1, le=MOST_IMAGES // 10)
    images: int | None = Field(default=None, ge=1, le=MOST_IMAGES)
    images_per_specimen: int = Field(default=1, ge=1, le=MOST_IMAGES)
    width: int = Field(default=512, ge=64, le=WIDEST)
    seed: int = Field(default=0, ge=0, le=LARGEST_SEED)
    shortcut: Literal["none", "tint", "corner"] = "none"
    decisive: Decisive = ()
    redundant: bool = False
    counterfactual: bool = False

    @model_validator(mode="after")
    def _check_decisive(self) -> "PhantomSettings":
        given, listed = len(self.decisive), ", ".join(self.decisive)
        if len(set(self.decisive)) < given:
            raise SettingsError(f"decisive {listed}: names a character twice; name each once.")
        if given > 2 and not self.redundant:
            raise SettingsError(f"decisive {listed}: found {given}; name two at most, or add --redundant.")
        if self.redundant and given < 2:
            raise SettingsError(
                "redundant: found fewer than two decisive characters; name those of which one suffices."
            )
        if self.counterfactual and not given:
            raise SettingsError("counterfactual: the ten taxa differ in everything; name a decisive character.")
        return self

    @property
    def height(self) -> int:
        """Height of the images in pixels."""
        return round(self.width * HEIGHT_OVER_WIDTH)


def read_settings(**given: Any) -> PhantomSettings:  # noqa: ANN401 - as a user gives them
    """Settings as a user gives them.

    Raises:
        SettingsError: if one is out of range, or they contradict one another.
    """
    try:
        return PhantomSettings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        own = first.get("ctx", {}).get("error")
        where = ".".join(map(str, first["loc"]))
        found = f"{where}: found {first['input']!r}; {first['msg'][0].lower()}{first['msg'][1:]}; give another value."
        raise SettingsError(str(own) if isinstance(own, SettingsError) else found) from error
