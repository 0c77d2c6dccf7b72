"""Which files below a folder are images, and why the others are left out: every place once, whatever links lead there.

A file whose suffix is known is never opened; of others the first bytes tell.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from mentum.files import is_lock
from mentum.specimens.formats import HEIC_SUFFIXES, IMAGE_SUFFIXES, begins_as_image
from mentum.texts import printable

_TAKEN = IMAGE_SUFFIXES | HEIC_SUFFIXES
SHOWN = 3
"""Files that are named of all that are left out for one reason."""


class Reason(StrEnum):
    """Why a file is not used."""

    NO_IMAGE = "no image"
    OTHER_FORMAT = "image or video in a format that is not read"
    HIDDEN = "hidden or system file"
    HIDDEN_FOLDER = "in a hidden or system folder"
    BROKEN_LINK = "broken link"
    LOOP = "link that leads back to where it lies"
    REACHED = "reached before by another way"
    IRREGULAR = "pipe, socket or device"
    UNREADABLE = "cannot be read"
    NO_TAXON = "in no taxon's folder"
    NOT_UTF8 = "name that is not in UTF-8"
    NO_ROW = "named in no row of the table"


_OTHER_FORMATS = frozenset({
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw",
    ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f", ".czi", ".dcm", ".dicom", ".exr",
    ".fits", ".hdr", ".ims", ".jxl", ".lif", ".lsm", ".mrxs", ".ndpi", ".nd2", ".oib", ".oif", ".psb", ".psd", ".scn",
    ".svg", ".svs", ".vms", ".vsi", ".xcf", ".zvi", ".3gp", ".avi", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg",
    ".mpg", ".mts", ".webm", ".wmv",
})  # fmt: skip
"""Suffixes of pictures and films for which another program is needed; some begin like a TIFF and hold a thumbnail."""
_SYSTEM_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
_SYSTEM_FOLDERS = frozenset({
    "__macosx", "@eadir", "#recycle", "@recycle", "$recycle.bin", "system volume information", "lost+found",
    "__pycache__",
})  # fmt: skip


@dataclass
class LeftOut:
    """Files that are not used, counted by reason.

    Attributes:
        counts: reason → files, or links to folders.
        examples: reason → the first of them.
        reached: files and folders that were reached before, each with the name under which they were.
    """

    counts: Counter[Reason] = field(default_factory=Counter)
    examples: dict[Reason, list[str]] = field(default_factory=dict)
    reached: list[tuple[str, str]] = field(default_factory=list)

    def add(self, reason: Reason, name: str, number: int = 1) -> None:
        """Count a file, or all files in a folder."""
        if number:
            self.counts[reason] += number
            shown = self.examples.setdefault(reason, [])
            if len(shown) < SHOWN:
                shown.append(name)

    def __str__(self) -> str:
        return ", ".join(f"{reason} ({number})" for reason, number in self.in_words().items())

    def in_words(self) -> dict[str, int]:
        """Reason → number, most frequent first."""
        return {reason.value: number for reason, number in self.counts.most_common()}


def some_of(names: list[str], number: int) -> str:
    """Some names of many.

    >>> some_of(["a.txt", "b.txt"], 5)
    'a.txt, b.txt and 3 more'
    """
    more = number - len(names)
    return ", ".join(map(printable, names)) + (f" and {more} more" if more > 0 else "")


def why_no_image(path: str) -> Reason | None:
    """Why a file is left out by what its name or its first bytes say; None where it is an image."""
    name = os.path.basename(path)  # noqa: PTH119 - fast
    if is_hidden(name):
        return Reason.HIDDEN
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - fast
    except OSError as error:
        return _why_no_file(error)
    return _why_not(path, name) if stat.S_ISREG(mode) else Reason.IRREGULAR


def is_hidden(name: str) -> bool:
    """Whether a file or a folder is hidden or belongs to a system or another program.

    >>> [is_hidden(name) for name in (".git", "._01.jpg", "@eaDir", "Thumbs.db", "01.jpg")]
    [True, True, True, True, False]
    """
    return name.startswith(".") or name.lower() in _SYSTEM_FOLDERS or name.lower() in _SYSTEM_FILES


def walk_images(
    folder: str, left_out: LeftOut, *, top_last: bool = False, used: Set[str] = frozenset()
) -> Iterator[str]:
    """Images below a folder, folder by folder, each sorted by name; links are followed, each place is visited once.

    Args:
        folder: the names begin with it.
        left_out: every other file is counted here.
        top_last: go through the folder's own files at the end, so that a link to one of them is taken before it.
        used: files that serve otherwise, relative to it.
    """
    return _Walk(left_out, {os.path.join(folder, name) for name in used}).images(folder, top_last=top_last)  # noqa: PTH118


@dataclass
class _Walk:
    """A walk under way.

    Attributes:
        visited: true path of a folder → its name in this walk.
        linked: true path of a file that was taken by a link → the link's name.
    """

    left_out: LeftOut
    used: Set[str]
    visited: dict[str, str] = field(default_factory=dict)
    linked: dict[str, str] = field(default_factory=dict)

    def images(self, top: str, *, top_last: bool) -> Iterator[str]:
        """All images."""
        true_top = os.path.realpath(top)
        stack, own = [(top, true_top)], list[os.DirEntry[str]]()
        while stack:
            place, true_place = stack.pop()
            if true_place in self.visited:
                self._reached(place, self.visited[true_place])
                continue
            files, folders = self._sorted_entries(place, true_place)
            stack += reversed(folders)
            if true_place != true_top:
                self.visited[true_place] = place
                yield from self._taken(files, true_place)
                continue
            own = files
            if not top_last:
                self.visited[true_top] = top
                yield from self._taken(own, true_top)
        if top_last:
            yield from self._taken(own, true_top)

    def _sorted_entries(self, place: str, true_place: str) -> tuple[list[os.DirEntry[str]], list[tuple[str, str]]]:
        """Files of a folder, and the folders in it with their true paths; what is hidden or leads back is counted."""
        files: list[os.DirEntry[str]] = []
        folders: list[tuple[str, str]] = []
        try:
            with os.scandir(place) as found:
                entries = sorted((each for each in found if not is_lock(each.name)), key=lambda entry: entry.name)
        except OSError:
            self.left_out.add(Reason.UNREADABLE, place)
            return files, folders
        for entry in entries:
            is_link = _is_link(entry)
            if not _is_folder(entry) or (is_link and is_hidden(entry.name)):
                files.append(entry)
            elif is_hidden(entry.name):
                self.left_out.add(Reason.HIDDEN_FOLDER, entry.path, _count_files(entry.path))
            else:
                target = os.path.realpath(entry.path) if is_link else os.path.join(true_place, entry.name)  # noqa: PTH118
                if is_link and _lies_in(true_place, target):
                    self.left_out.add(Reason.LOOP, entry.path)
                else:
                    folders.append((entry.path, target))
        return files, folders

    def _taken(self, files: list[os.DirEntry[str]], true_place: str) -> Iterator[str]:
        for entry in files:
            if entry.path in self.used:
                continue
            reason = self._why_not(entry)
            if reason is not None:
                self.left_out.add(reason, entry.path)
            elif (earlier := self._earlier(entry, true_place)) is not None:
                self._reached(entry.path, earlier)
            else:
                yield entry.path

    def _why_not(self, entry: os.DirEntry[str]) -> Reason | None:
        if is_hidden(entry.name):
            return Reason.HIDDEN
        try:
            is_file = entry.is_file()
            if not is_file and _is_link(entry):
                entry.stat()  # raises where it leads nowhere
        except OSError as error:
            return _why_no_file(error)
        return _why_not(entry.path, entry.name) if is_file else Reason.IRREGULAR

    def _earlier(self, entry: os.DirEntry[str], true_place: str) -> str | None:
        """Under which name an image was, or will be, taken already."""
        if not _is_link(entry):
            return self.linked.get(os.path.join(true_place, entry.name)) if self.linked else None  # noqa: PTH118
        target = os.path.realpath(entry.path)
        parent, name = os.path.split(target)
        if target in self.linked:
            return self.linked[target]
        if parent in self.visited and not is_hidden(name):
            return os.path.join(self.visited[parent], name)  # noqa: PTH118 - fast
        self.linked[target] = entry.path
        return None

    def _reached(self, name: str, earlier: str) -> None:
        self.left_out.add(Reason.REACHED, name)
        self.left_out.reached.append((name, earlier))


def _is_link(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a link; a junction of Windows is one to a folder."""
    return entry.is_symlink() or bool(getattr(entry, "is_junction", bool)())


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _lies_in(place: str, folder: str) -> bool:
    return place == folder or place.startswith(folder.rstrip(os.sep) + os.sep)


def _why_no_file(error: OSError) -> Reason:
    known: Mapping[int | None, Reason] = {errno.ENOENT: Reason.BROKEN_LINK, errno.ELOOP: Reason.LOOP}
    return known.get(error.errno, Reason.UNREADABLE)


def _why_not(path: str, name: str) -> Reason | None:
    """Of a regular file that is not hidden."""
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - fast
    if suffix in _TAKEN:
        return None
    if suffix in _OTHER_FORMATS:
        return Reason.OTHER_FORMAT
    try:
        return None if begins_as_image(Path(path)) else Reason.NO_IMAGE
    except OSError:
        return Reason.UNREADABLE


def _count_files(folder: str) -> int:
    """Files below a folder; links are not followed."""
    return sum(len(files) for _, _, files in os.walk(folder))
