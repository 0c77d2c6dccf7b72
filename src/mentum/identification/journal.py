"""An identification under way, kept on disk after every batch: whatever ends the process, the next one goes on."""

from __future__ import annotations

import errno
import json
import os
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from mentum.errors import DataError
from mentum.files import whole
from mentum.records import Identification
from mentum.stored import read_json, readable, require_file

SUFFIX = ".part"

LARGEST_JOURNAL = 10**12
_LONGEST_HEAD = 100_000


class Entry(NamedTuple):
    """What one identification was made of.

    Attributes:
        file_names: the images.
        state: of their files and rows when they were read, as a hash.
    """

    file_names: tuple[str, ...]
    state: str


class Journal:
    """One line of JSON per identification, each with its checksum, after a line that says by what they were made.

    Attributes:
        path: the file, beside the output that it will become.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, out: Path, terms: dict[str, Any]) -> Journal:
        """Begin a journal beside an output, or go on with one.

        Args:
            out: the output.
            terms: what all lines have in common, such as the model; an earlier journal must have the same.

        Raises:
            DataError: if the earlier journal was made otherwise, or there is no such folder.
        """
        journal = cls(out.with_name(out.name + SUFFIX))
        head = json.dumps(terms, sort_keys=True)
        if not out.parent.is_dir():
            raise DataError(f"{out.parent}: no such folder, expected one to write {out.name} into; make it first.")
        earlier = journal._head()
        if earlier is None:
            journal.path.write_text(head + "\n", encoding="utf-8")
        elif earlier != head:
            raise DataError(
                f"{journal.path}: holds an interrupted identification by another model, of other images or with other "
                "options; give the same command to go on with it, remove it, or give another --out."
            )
        else:
            journal._cut_torn_line()
        return journal

    def _head(self) -> str | None:
        """The first line; None where there is none, or it was not written to its end."""
        if not self.path.exists():
            return None
        with self._whole():
            require_file(self.path, LARGEST_JOURNAL)
            with self.path.open("rb") as stream:
                line = stream.readline(_LONGEST_HEAD).decode("utf-8", "replace")
        return line.rstrip("\n") if line.endswith("\n") else None

    def _cut_torn_line(self) -> None:
        """Drop what a kill left of a line."""
        with self.path.open("r+b") as stream:
            end = stream.seek(0, 2)
            while end and _byte_before(stream, end) != b"\n":
                end -= 1
            stream.truncate(end)

    def __iter__(self) -> Iterator[Identification]:
        """What has been identified, in order."""
        for line in self._lines():
            with self._whole():
                _require_unchanged(line)
                found = Identification.model_validate(json.loads(line)["found"])
            yield found

    def entries(self) -> Iterator[Entry]:
        """Of what each identification was made, in order."""
        for line in self._lines():
            with self._whole():
                _require_unchanged(line)
                content = read_json(line)
                entry = Entry(tuple(content["found"]["file_names"]), str(content["state"]))
            yield entry

    def _whole(self) -> AbstractContextManager[None]:
        return readable(self.path, "remove it and give the same command again, which begins anew", DataError)

    def _lines(self) -> Iterator[bytes]:
        with self.path.open("rb") as stream:
            next(stream)
            yield from stream

    def drop(self, stale: Collection[int]) -> None:
        """Forget identifications, by their numbers from 0 on; the rest stays, whatever happens."""
        with whole(self.path) as beside, beside.open("wb") as stream, self.path.open("rb") as source:
            stream.write(next(source))
            stream.writelines(line for number, line in enumerate(source) if number not in stale)

    def extend(self, made: Iterable[tuple[Identification, str]]) -> Iterator[Identification]:
        """Write identifications as they come, each with the state of what it was made of, and hand them on.

        Raises:
            DataError: if the disk does not take them.
        """
        try:
            # Unbuffered: a line is in the hands of the system before the next image is looked at.
            with self.path.open("ab", buffering=0) as stream:
                for each, state in made:
                    line = _line(state, each)
                    if stream.write(line) != len(line):  # a disk that fills up takes a part, and no error is raised
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                    yield each
        except OSError as error:
            raise DataError(
                f"{self.path}: cannot be written ({error.strerror}); make room and give the same command again, it "
                "goes on where it stopped."
            ) from error

    def remove(self) -> None:
        """Once the output is whole."""
        self.path.unlink(missing_ok=True)


def _line(state: str, found: Identification) -> bytes:
    """A line of the journal; its checksum is that of all that follows it."""
    said = f'"state":"{state}","found":{found.model_dump_json(exclude_defaults=True)}}}\n'.encode()
    return _checksum(said) + said


def _checksum(said: bytes) -> bytes:
    return b'{"crc32":"%08x",' % zlib.crc32(said)


_CHECKSUM_LENGTH = len(_checksum(b""))


def _require_unchanged(line: bytes) -> None:
    """A digit that a disk changed would leave a line that can be read.

    Raises:
        ValueError: if the line is not what was written.
    """
    if line[:_CHECKSUM_LENGTH] != _checksum(line[_CHECKSUM_LENGTH:]):
        raise ValueError("found a line that was changed after it was written")


def _byte_before(stream: Any, place: int) -> bytes:  # noqa: ANN401 - a binary file
    stream.seek(place - 1)
    return bytes(stream.read(1))
