"""What an interrupted identification has left to do: images that are new, and those whose file or row has changed."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain, groupby

from mentum.identification.inputs import Given, Inputs
from mentum.identification.journal import Entry, Journal
from mentum.records import Identification


@dataclass(frozen=True)
class Changes:
    """What has changed since an identification was interrupted.

    Attributes:
        n_anew: identifications that are made anew, since the file or the row of an image has changed.
        n_gone: identifications that are kept although their images are no longer among those given.
    """

    n_anew: int = 0
    n_gone: int = 0


def state_of(image: Given) -> str:
    """The state of an image's file (size and time of its last change) and of its row, as a hash."""
    try:
        found = image.path.stat()
        file = [found.st_size, found.st_mtime_ns]
    except (OSError, ValueError):
        file = []
    parts = [image.name, file, image.specimen, sorted(image.occurrence.items()), image.media]
    return blake2b(json.dumps(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _entry(unit: Iterable[tuple[str, str]]) -> Entry:
    """The entry of what is identified together, from the names and states of its images."""
    names, states = zip(*unit, strict=True)
    together = states[0] if len(states) == 1 else blake2b("".join(states).encode(), digest_size=16).hexdigest()
    return Entry(tuple(names), together)


def _entry_now(unit: Iterable[Given]) -> Entry:
    return _entry((image.name, state_of(image)) for image in unit)


def _units(inputs: Inputs) -> Iterator[list[Given]]:
    """What is identified together: the images of a specimen, or each image."""
    if not inputs.by_specimen:
        return ([image] for image in inputs)
    return (list(images) for _, images in groupby(inputs, key=lambda image: image.unit))


def drop_changed(inputs: Inputs, journal: Journal) -> Changes:
    """Drop from a journal what was made of images whose file or row has changed since.

    While the journal and the images run alike, nothing is kept in memory; otherwise the rest of the journal is.
    """
    entries = enumerate(journal.entries())
    units = map(_entry_now, _units(inputs))
    for number, entry in entries:
        unit = next(units, None)
        if unit != entry:
            return _drop([(number, entry), *entries], chain([] if unit is None else [unit], units), journal)
    return Changes()


def _drop(rest: list[tuple[int, Entry]], units: Iterable[Entry], journal: Journal) -> Changes:
    """Compare the rest of a journal with the rest of the images, in whatever order."""
    waiting: dict[Entry, deque[int]] = {}
    for number, entry in rest:
        waiting.setdefault(entry, deque()).append(number)
    known = {name for _, entry in rest for name in entry.file_names}
    there: set[str] = set()
    for unit in units:
        if numbers := waiting.get(unit):
            numbers.popleft()
        there.update(known.intersection(unit.file_names))
    left = [(number, entry) for entry, numbers in waiting.items() for number in numbers]
    stale = {number for number, entry in left if not there.isdisjoint(entry.file_names)}
    if stale:
        journal.drop(stale)
    return Changes(n_anew=len(stale), n_gone=len(left) - len(stale))


@dataclass(frozen=True)
class Remaining:
    """The images that a journal does not hold yet, with the state of each at the moment when it is read.

    Attributes:
        inputs: all images.
        journal: without what has changed.
    """

    inputs: Inputs
    journal: Journal
    _states: deque[tuple[str, str]] = field(default_factory=deque)

    def __iter__(self) -> Iterator[Given]:
        """The images, in order.

        While the journal and the images run alike, nothing is kept in memory.
        """
        done = self.journal.entries()
        units = _units(self.inputs)
        for unit in units:
            entry = next(done, None)
            if entry is None:
                yield from self._noted(unit)
                break
            if _entry_now(unit) != entry:
                others = Counter([entry, *done])
                yield from self._others(unit, others)
                for following in units:
                    yield from self._others(following, others)
                return
        for unit in units:
            yield from self._noted(unit)

    def _others(self, unit: list[Given], done: Counter[Entry]) -> Iterator[Given]:
        entry = _entry_now(unit)
        if done[entry] > 0:
            done[entry] -= 1
        else:
            yield from self._noted(unit)

    def _noted(self, unit: list[Given]) -> Iterator[Given]:
        for image in unit:
            self._states.append((image.name, state_of(image)))
            yield image

    def with_states(self, identifications: Iterable[Identification]) -> Iterator[tuple[Identification, str]]:
        """Join identifications of these images, in their order, with the state of what each was made of."""
        for each in identifications:
            yield each, _entry(self._states.popleft() for _ in each.file_names).state
