"""Where an identification may write: each output in a place of its own, away from what is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from mentum.errors import DataError
from mentum.files import UNFINISHED, WRITING, is_free
from mentum.locks import lies_in, same_place, sole_owner, sole_writer
from mentum.specimens.formats import begins_as_image


@dataclass(frozen=True)
class Places:
    """The outputs of an identification.

    Attributes:
        out: file, or folder for Camtrap DP.
        archive: Darwin Core Archive.
        heatmaps: folder.
    """

    out: Path | None = None
    archive: Path | None = None
    heatmaps: Path | None = None

    def require_apart(self, model: Path, given: Sequence[str]) -> None:
        """Make sure, before any work, that no output replaces another one, or anything that is read.

        Args:
            model: its folder.
            given: the images, folders, globs and tables, as the user named them.

        Raises:
            DataError: if one would, or cannot be written where it is wanted.
        """
        named = self._named
        for (option, place), (other, its_place) in combinations(named.items(), 2):
            # A file may well lie in the folder of heat maps, which grows in place.
            within = lies_in(its_place, place) or (other != "--heatmaps" and lies_in(place, its_place))
            if within or _meet(place, its_place):
                raise DataError(f"{its_place}: {other} and {option} are the same place; give each a place of its own.")
        for option, place in named.items():
            if lies_in(place, model):
                raise DataError(f"{place}: {option} lies in the folder of the model; give a place outside {model}.")
            _refuse_given(option, place, given)
        if self.heatmaps is not None:
            _refuse_among_images(self.heatmaps, given)
        for file in filter(None, (self.out, self.archive)):
            _require_writable(file)

    @property
    def _named(self) -> dict[str, Path]:
        named = {"--out": self.out, "--archive": self.archive, "--heatmaps": self.heatmaps}
        return {option: place for option, place in named.items() if place is not None}

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Keep all of them for this identification alone.

        Raises:
            BusyError: if another process writes one.
            DataError: if nothing can be written there.
        """
        with ExitStack() as stack:
            for file in filter(None, (self.out, self.archive)):
                stack.enter_context(sole_writer(file))
            if self.heatmaps is not None:
                stack.enter_context(sole_owner(self.heatmaps))
            yield


def _names(place: Path) -> tuple[Path, ...]:
    """An output, and what it is called until it is whole: the journal, and the file that grows."""
    return (place, *(place.with_name(place.name + ending) for ending in (UNFINISHED, WRITING) if place.name))


def _meet(one: Path, other: Path) -> bool:
    return any(same_place(each, another) for each in _names(one) for another in _names(other))


def _refuse_given(option: str, place: Path, given: Sequence[str]) -> None:
    """Only what is there can be both; there may be very many images."""
    there = [_status(each) for each in _names(place) if each.exists()]
    for each in given if there else ():
        status = _status(Path(each))
        if status is not None and status in there:
            raise DataError(f"{place}: {option} is what is to be identified as well; give another place.")


def _status(place: Path) -> tuple[int, int] | None:
    """What the system knows a file or folder by, whatever its name; None where there is none."""
    try:
        status = place.stat()
    except (OSError, ValueError):  # a glob; a name that no disk can have
        return None
    return status.st_dev, status.st_ino


def _refuse_among_images(heatmaps: Path, given: Sequence[str]) -> None:
    for folder in (each for each in map(Path, given) if each.is_dir() and lies_in(heatmaps, each)):
        raise DataError(
            f"{heatmaps}: --heatmaps lies among the images, where heat maps would be taken for images; give a folder "
            f"outside {folder}."
        )


def _require_writable(out: Path) -> None:
    if out.name in {"", ".."}:
        raise DataError(f"{out}: found no name, expected that of a file or a folder to make; give one.")
    if not out.parent.is_dir():
        raise DataError(f"{out.parent}: no such folder, expected one to write {out.name} into; make it first.")
    if out.is_dir() and not is_free(out):
        raise DataError(f"{out}: found a folder that holds files, expected a new name; give another one.")
    if out.is_file() and begins_as_image(out):
        raise DataError(f"{out}: found an image, expected a new name, or an earlier output; give another one.")
