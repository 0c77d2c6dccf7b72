"""Tests of the journal: whatever ends an identification, the next one goes on and names each image once."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mentum.errors import DataError
from mentum.identification.journal import Entry, Journal
from mentum.records import Identification, Status

TERMS = {"model": "ab", "unit": "image"}


def identified(*names: str) -> Identification:
    return Identification(
        identification_id=f"urn:{names[0]}",
        file_names=names,
        status=Status.UNDETERMINED,
        reason="no rank can be defended",
        date_identified=datetime(2026, 5, 4, 9, 0, tzinfo=UTC),
    )


def open_journal(folder: Path, **changes: object) -> Journal:
    return Journal.open(folder / "out.csv", TERMS | changes)


def written(folder: Path, *units: str | tuple[str, ...]) -> Journal:
    """A journal that holds these images, or specimens."""
    journal = open_journal(folder)
    found = (identified(*((unit,) if isinstance(unit, str) else unit)) for unit in units)
    assert len(list(journal.extend((each, "ab") for each in found))) == len(units)
    return journal


def test_a_journal_lies_beside_its_output_and_goes_in_the_end(tmp_path: Path) -> None:
    journal = written(tmp_path, "a.png", "Ä, b.png")
    assert [file.name for file in tmp_path.iterdir()] == ["out.csv.part"]
    assert list(journal) == [identified("a.png"), identified("Ä, b.png")]
    assert list(journal.entries()) == [Entry(("a.png",), "ab"), Entry(("Ä, b.png",), "ab")]
    journal.remove()
    journal.remove()
    assert not list(tmp_path.iterdir())


def test_a_line_is_on_disk_before_the_next_image_is_looked_at(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)

    def look() -> Iterator[tuple[Identification, str]]:
        for number in range(3):
            assert len(journal.path.read_bytes().splitlines()) == 1 + number
            yield identified(f"{number}.png"), "ab"

    assert len(list(journal.extend(look()))) == 3


def test_an_interruption_keeps_what_was_identified(tmp_path: Path) -> None:
    def interrupted() -> Iterator[tuple[Identification, str]]:
        yield identified("a.png"), "ab"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(open_journal(tmp_path).extend(interrupted()))

    again = open_journal(tmp_path)
    assert list(again) == [identified("a.png")]


@pytest.mark.parametrize("kept", [1, 40, -1, -12])
def test_a_torn_line_is_cut_and_its_image_identified_again(tmp_path: Path, kept: int) -> None:
    path = written(tmp_path, "a.png", "Zuckmücke_ü.png").path
    content = path.read_bytes()
    last = content.rindex(b"\n", 0, -1) + 1
    path.write_bytes(content[: last + kept] if kept > 0 else content[:kept])

    again = open_journal(tmp_path)

    assert path.read_bytes() == content[:last]
    assert list(again) == [identified("a.png")]


def test_a_line_torn_within_a_letter(tmp_path: Path) -> None:
    path = written(tmp_path, "a.png", "ü.png").path
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex("ü".encode()) + 1])
    assert list(open_journal(tmp_path)) == [identified("a.png")]


@pytest.mark.parametrize(
    ("was", "becomes"),
    [(b"2026-05-04", b"2026-05-05"), (b"urn:b.png", b"urn:d.png"), (b"no rank", b"one rank"), (b'"ab"', b'"ac"')],
    ids=["digit", "name", "words", "state"],
)
def test_a_line_that_was_changed_is_noticed_though_it_can_be_read(tmp_path: Path, was: bytes, becomes: bytes) -> None:
    path = written(tmp_path, "a.png", "b.png", "c.png").path
    head, first, second, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(head + first + second.replace(was, becomes) + third)
    for read in (list, lambda journal: list(journal.entries())):
        with pytest.raises(DataError, match=r"found a line that was changed after it was written.*; remove it and giv"):
            read(open_journal(tmp_path))


@pytest.mark.parametrize("content", [b"", b'{"model": "a'])
def test_a_journal_torn_in_its_first_line_begins_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "out.csv.part").write_bytes(content)
    journal = open_journal(tmp_path)
    assert list(journal) == []
    assert json.loads(journal.path.read_text()) == TERMS


@pytest.mark.parametrize("changes", [{"model": "cd"}, {"unit": "specimen"}, {"error_rate": 0.1}])
def test_another_model_or_other_options_are_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    before = written(tmp_path, "a.png").path.read_bytes()
    with pytest.raises(DataError, match=r"out.csv.part: holds an interrupted identification by another model"):
        open_journal(tmp_path, **changes)
    assert (tmp_path / "out.csv.part").read_bytes() == before


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone: no such folder, expected one to write out.csv into; make it first"):
        open_journal(tmp_path / "gone")


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no limit on the size of files")
def test_a_disk_that_fills_up_within_a_line(tmp_path: Path) -> None:
    import resource

    path = written(tmp_path, "a.png").path
    size = path.stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 30, before[1]))
    try:
        with pytest.raises(DataError, match=r"out.csv.part: cannot be written \(.*\); make room and give the same"):
            list(open_journal(tmp_path).extend([(identified("b.png"), "ab")]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.stat().st_size == size + 30

    assert list(open_journal(tmp_path)) == [identified("a.png")]


def test_a_disk_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = open_journal(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=r"cannot be written \(Read-only file system\); make room"):
        list(journal.extend([(identified("a.png"), "ab")]))


@pytest.mark.parametrize(("stale", "left"), [({0}, "bcd"), ({1, 3}, "ac"), (set(), "abcd"), ({0, 1, 2, 3}, "")])
def test_identifications_are_dropped_by_their_numbers(tmp_path: Path, stale: set[int], left: str) -> None:
    journal = written(tmp_path, *"abcd")
    journal.drop(stale)
    assert [name for entry in open_journal(tmp_path).entries() for name in entry.file_names] == list(left)
    assert [file.name for file in tmp_path.iterdir()] == ["out.csv.part"]
