"""What a case is: one hostile input, made by a trick from a number, and the command that takes it."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ground:
    """What is in order: a data set, and the run and the model made of it. No case changes them.

    Attributes:
        data: twenty drawn images of four taxa, with `specimens.csv` and `taxonomy.csv`.
        run: a training on them.
        model: what was released of it.
    """

    data: Path
    run: Path
    model: Path

    def photograph(self, to: Path, number: int = 0) -> Path:
        """A copy of one of the images."""
        files = sorted((self.data / "images").iterdir())
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(files[number % len(files)], to)
        return to

    def folders(self, root: Path) -> Path:
        """A data set in order, two images of each of two taxa in a folder per taxon."""
        for number, taxon in enumerate(("Salix alba", "Quercus robur")):
            for each in range(2):
                self.photograph(root / taxon / f"{each}.png", 5 * number + each)
        return root


@dataclass(frozen=True)
class Place:
    """Where a case is made: an empty folder, what is in order, and chance, which its name alone decides."""

    folder: Path
    ground: Ground
    chance: random.Random

    def file(self, name: str, content: str | bytes) -> Path:
        """A file in the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
        return path


Command = Sequence[object]
Trick = Callable[[Place], Command]
"""Makes the input in the place, and returns the command line that takes it, without the program's name."""
Tricks = Mapping[str, Trick]


@dataclass(frozen=True)
class Case:
    """One input.

    Attributes:
        family: the kind of material.
        trick: what is done to it.
        number: which of the trick's inputs.
    """

    family: str
    trick: str
    number: int

    def __str__(self) -> str:
        return f"{self.family}/{self.trick}/{self.number}"

    @classmethod
    def named(cls, name: str) -> Case:
        """The case of a name as it is printed."""
        family, trick, number = name.split("/")
        return cls(family, trick, int(number))

    def place(self, folder: Path, ground: Ground, seed: int) -> Place:
        """Where it is made; the same name and seed always make the same input."""
        return Place(folder, ground, random.Random(f"{seed} {self}"))


def tricks(*functions: Trick) -> dict[str, Trick]:
    """Tricks by the names of their functions."""
    return {function.__name__: function for function in functions}
