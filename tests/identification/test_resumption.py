"""Tests of what an interrupted identification has left to do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mentum.identification.inputs import Inputs
from mentum.identification.journal import Journal
from mentum.identification.resumption import Changes, Remaining, drop_changed
from mentum.records import Identification, Status


def identified(names: Iterable[str]) -> Identification:
    return Identification(
        identification_id="urn:1",
        file_names=tuple(names),
        status=Status.UNDETERMINED,
        date_identified=datetime(2026, 5, 4, 9, 0, tzinfo=UTC),
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where images lie; they are named from here."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def images(*names: str) -> Inputs:
    for name in names:
        if not Path(name).exists():
            Path(name).write_text(f"image {name}")
    return Inputs(names)


def begin(inputs: Inputs, done: int) -> Journal:
    """An identification that was interrupted after so many images; specimens hold as many as they have."""
    journal = Journal.open(Path("out.csv"), {})
    rest = Remaining(inputs, journal)
    source = iter(rest)
    taken: list[str] = []
    groups: list[list[str]] = []
    units: list[object] = []
    for image in source:
        if not units or units[-1] != image.unit or not inputs.by_specimen:
            groups.append([])
            units.append(image.unit)
        groups[-1].append(image.name)
        taken.append(image.name)
        if len(taken) == done:
            break
    list(journal.extend(rest.with_states(map(identified, groups))))
    return Journal.open(Path("out.csv"), {})


def go_on(inputs: Inputs) -> tuple[Changes, list[str], list[tuple[str, ...]]]:
    """What has changed, the images that are left, and those whose identifications stay."""
    journal = Journal.open(Path("out.csv"), {})
    changes = drop_changed(inputs, journal)
    left = [image.name for image in Remaining(inputs, journal)]
    return changes, left, [entry.file_names for entry in journal.entries()]


@pytest.mark.parametrize(
    ("before", "done", "now", "left", "gone"),
    [
        ("ab", 0, "ab", "ab", 0),
        ("abcd", 2, "abcd", "cd", 0),
        ("ab", 2, "ab", "", 0),
        ("bd", 2, "abcde", "ace", 0),
        ("abc", 3, "acd", "d", 1),
        ("abc", 3, "a", "", 2),
        ("ab", 2, "cba", "c", 0),
        ("ab", 2, "cd", "cd", 2),
    ],
    ids=["fresh", "alike", "complete", "added", "added and removed", "only removed", "in another order", "others"],
)
@pytest.mark.usefixtures("folder")
def test_every_image_is_left_exactly_once(before: str, done: int, now: str, left: str, gone: int) -> None:
    if done:
        begin(images(*before), done)
    changes, found, _ = go_on(images(*now))
    assert ("".join(found), changes) == (left, Changes(n_gone=gone))


def replace(name: str) -> None:
    Path(name).write_text(f"another image {name}")


def replace_with_same_size(name: str) -> None:
    before = Path(name).stat()
    Path(name).write_text(Path(name).read_text().upper())
    os.utime(name, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


def keep_time_but_not_size(name: str) -> None:
    before = Path(name).stat()
    replace(name)
    os.utime(name, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("change", [replace, replace_with_same_size, keep_time_but_not_size])
@pytest.mark.parametrize("changed", ["a", "b", "ab", "bc", "abc"])
@pytest.mark.usefixtures("folder")
def test_a_changed_image_is_left_again(change: Callable[[str], None], changed: str) -> None:
    inputs = images(*"abcde")
    begin(inputs, 3)
    for name in changed:
        change(name)
    changes, left, kept = go_on(inputs)
    assert changes == Changes(n_anew=len(changed))
    assert left == [*changed, "d", "e"]
    assert kept == [(name,) for name in "abc" if name not in changed]


@pytest.mark.usefixtures("folder")
def test_an_image_that_came_back_is_left_again() -> None:
    inputs = images(*"abc")
    Path("b").unlink()
    Path("c").unlink()
    journal = Journal.open(Path("out.csv"), {})
    rest = Remaining(Inputs(("a",)), journal)
    list(journal.extend(rest.with_states(identified([image.name]) for image in rest)))
    images("b", "c")
    assert go_on(inputs)[:2] == (Changes(), ["b", "c"])


def table(*rows: str) -> Inputs:
    """A table of specimens and localities."""
    Path("t.csv").write_text("file_name,catalogNumber,locality,mood\n" + "".join(f"{row}\n" for row in rows))
    names = {row.partition(",")[0] for row in rows}
    images(*names)
    return Inputs(("t.csv",), by_specimen=True)


ROWS = ("a,K 1,Drina,x", "b,K 1,Drina,x", "c,K 2,Drina,x", "d,K 3,Drina,x")


@pytest.mark.parametrize(
    ("now", "changes", "left"),
    [
        (ROWS, Changes(), ["d"]),
        (tuple(row.replace("x", "y") for row in ROWS), Changes(), ["d"]),
        (("a,K 1,Drina,x", "b,K 1,Sava,x", *ROWS[2:]), Changes(n_anew=1), ["a", "b", "d"]),
        ((*ROWS, "e,K 1,Drina,x"), Changes(n_anew=1), ["a", "b", "e", "d"]),
        ((ROWS[0], *ROWS[2:]), Changes(n_anew=1), ["a", "d"]),
        (("a,K 1,Drina,x", "b,K 2,Drina,x", *ROWS[2:]), Changes(n_anew=2), ["a", "b", "c", "d"]),
        (tuple(row.replace("K", "L") for row in ROWS), Changes(n_anew=2), ["a", "b", "c", "d"]),
        (ROWS[:2] + ROWS[3:], Changes(n_gone=1), ["d"]),
    ],
    ids=["alike", "unused column", "term", "image added", "image removed", "moved", "renamed", "specimen removed"],
)
@pytest.mark.usefixtures("folder")
def test_specimens_whose_rows_changed_are_left_again(now: tuple[str, ...], changes: Changes, left: list[str]) -> None:
    begin(table(*ROWS), 3)
    found = go_on(table(*now))
    assert found[:2] == (changes, left)


@pytest.mark.usefixtures("folder")
def test_two_rows_of_one_image_are_told_apart() -> None:
    def rows(*localities: str) -> Inputs:
        images("a")
        Path("t.csv").write_text("file_name,locality\n" + "".join(f"a,{each}\n" for each in localities))
        return Inputs(("t.csv",))

    begin(rows("Drina", "Sava"), 2)
    changes, left, kept = go_on(rows("Una", "Sava"))
    assert (changes, left, kept) == (Changes(n_anew=1), ["a"], [("a",)])


@pytest.mark.usefixtures("folder")
def test_nothing_is_kept_in_memory_while_both_run_alike() -> None:
    inputs = images(*"abcd")
    journal = begin(inputs, 2)
    rest = Remaining(inputs, journal)
    assert drop_changed(inputs, journal) == Changes()
    assert next(iter(rest)).name == "c"
