"""The image files that names in a table mean."""

from __future__ import annotations

import os
from functools import cached_property
from itertools import islice
from pathlib import Path, PurePosixPath

from mentum.texts import composed, visible

_DIFFERENCES = (
    "which differs in capital letters",
    "whose suffix differs",
    "which lies in another folder",
    "whose folder and suffix differ",
)
"""Between a name and a file that may be meant, the smallest first."""

_MOST_EXPLAINED = 1_000
"""Missing images for which a near one is looked for; where more are missing, their folder is."""
_MOST_FOLDERS = 20_000
"""Folders below the table that are searched for an image which is not where its name says."""


class FileNames:
    """Finds files below a folder by names that may be spelt otherwise than on the disk; lists each folder once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._n_explained = 0
        self._listed: dict[str, dict[str, list[str]]] = {}

    def find(self, name: str) -> str | None:
        """The file as the disk spells its name; None where there is none.

        Letters with accents may be composed or not, as disks of Macintoshes and others differ. Capitals must agree.
        """
        if (self._root / name).is_file():
            return name
        spelt = self.spelt(name)
        return spelt if spelt != name and (self._root / spelt).is_file() else None

    def spelt(self, name: str) -> str:
        """The name as the disk spells it, or itself where no folder lists it."""
        if name.isascii() or PurePosixPath(name).is_absolute():
            return name
        found = ""
        for part in PurePosixPath(name).parts:
            same = self._list(found).get(composed(part), []) if part != ".." else [part]
            if len(same) != 1 and part not in same:
                return name
            found = os.path.join(found, part if part in same else same[0])  # noqa: PTH118 - a name, no place
        return found

    def _list(self, folder: str) -> dict[str, list[str]]:
        """Composed name → names on the disk."""
        if folder not in self._listed:
            names: dict[str, list[str]] = {}
            try:
                for name in os.listdir(self._root / folder):  # noqa: PTH208 - names alone, of many files
                    names.setdefault(composed(name), []).append(name)
            except OSError:  # no such folder: nothing lies in it
                names = {}
            self._listed[folder] = names
        return self._listed[folder]

    def explain(self, name: str) -> str:
        """Why a name leads to no file, and which file is near."""
        if "://" in name:
            return "is an address on the web, expected a file; download the image and name the file."
        if (self._root / name).exists():
            return "is a folder, a pipe or a device, no regular file; name the image or remove the row."
        near = self._near(name)
        if not near:
            return f"not found below {self._root}; put the image there or remove the row."
        listed = " and ".join(f"'{visible(each)}'" for each in near[:2]) + (" and others" if len(near) > 2 else "")
        return f"not found below {self._root}; found {listed}, {_difference(name, near[0])}; correct the name."

    def _near(self, name: str) -> list[str]:
        """Files whose names differ least: in capitals or accents, in the suffix, or in the folder; one kind of them."""
        self._n_explained += 1
        same = self._by_stem.get(_stem(name), ()) if self._n_explained <= _MOST_EXPLAINED else ()
        kinds: dict[str, list[str]] = {}
        for each in same:
            kinds.setdefault(_difference(name, each), []).append(each)
        return next((kinds[kind] for kind in _DIFFERENCES if kind in kinds), [])

    @cached_property
    def _all(self) -> list[str]:
        """Files below the folder, the nearest first."""
        found = []
        for place, folders, files in islice(os.walk(self._root), _MOST_FOLDERS):
            folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
            inside = Path(place).relative_to(self._root)
            found += [(inside / file).as_posix() for file in sorted(files) if not file.startswith(".")]
        return found

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        files: dict[str, list[str]] = {}
        for each in self._all:
            files.setdefault(_stem(each), []).append(each)
        return files


def _folded(text: str) -> str:
    return composed(text).casefold()


def _stem(name: str) -> str:
    return PurePosixPath(_folded(name)).stem


def _difference(name: str, near: str) -> str:
    """One of `_DIFFERENCES`, of two names with the same stem.

    >>> _difference("pics/1.jpg", "pics/1.JPG"), _difference("1.jpg", "pics/1.jpg"), _difference("pics/1", "pics/1.jpg")
    ('which differs in capital letters', 'which lies in another folder', 'whose suffix differs')
    """
    wanted, there = PurePosixPath(_folded(name)), PurePosixPath(_folded(near))
    if wanted == there:
        return _DIFFERENCES[0]
    if wanted.name == there.name:
        return _DIFFERENCES[2]
    return _DIFFERENCES[1] if wanted.parent == there.parent else _DIFFERENCES[3]
