from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import mentum
from mentum.caches.storage import LIMIT, clear_leftovers, entries, opened, opened_text, read_size
from mentum.cli.caching import verify_cache
from mentum.cli.progress import Log, shown_progress
from mentum.errors import SettingsError
from mentum.locks import sole_writer
from mentum.records import Notice
from support.command_line import call

SIZE = 40_128
"""Bytes of an entry, without its checksums."""


def name(number: int) -> str:
    return f"pixels-{number:020x}.npy"


def make(path: Path) -> None:
    with path.open("wb") as stream:
        np.save(stream, np.full((10, 36, 37, 3), 7, np.uint8)[:, :36, :36])


class Cache:
    """A folder, and what was told about it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.told, self.made = folder, list[str](), 0

    def open(self, number: int, used: int | None = None) -> np.ndarray:
        """Open an entry, as if it had been used so many seconds after 1970."""

        def making(path: Path) -> None:
            self.made += 1
            make(path)

        found = opened(self.folder / name(number), making, self.told.append, SIZE)
        if used is not None:
            os.utime(self.folder / name(number), (used, used))
        return found

    @property
    def names(self) -> list[str]:
        return sorted(file.name for file in self.folder.iterdir())


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def test_an_entry_is_made_once(cache: Cache) -> None:
    first, second = cache.open(1), cache.open(1)
    assert np.array_equal(first, second)
    assert (cache.made, cache.told, cache.names) == (1, [], [name(1)])


@pytest.mark.parametrize("damage", ["cut", "overwritten", "grown", "empty", "kept by an earlier version"])
def test_a_damaged_entry_is_made_anew_and_that_is_said(damage: str, cache: Cache) -> None:
    expected = np.array(cache.open(1))
    file = cache.folder / name(1)
    content = file.read_bytes()
    changed = {
        "cut": content[:20_000], "overwritten": content[:9000] + b"other" + content[9005:], "grown": content + b"\n",
        "empty": b"", "kept by an earlier version": content[: content.rindex(b'{"length"')],
    }[damage]  # fmt: skip
    file.write_bytes(changed)
    assert np.array_equal(cache.open(1), expected)
    assert cache.made == 2
    assert cache.told == [f"{file}: is damaged, or was kept without checksums; it is made anew."]


@pytest.mark.parametrize("content", ["", "12", "12\n", "10 4f5344cd\n", "12 x\n", "12 4f5344cd 1\n"])
def test_a_damaged_text_is_found_anew(content: str, tmp_path: Path) -> None:
    file, told = tmp_path / f"depth-{1:020x}.txt", list[str]()
    assert opened_text(file, lambda: "12", told.append) == "12"
    assert opened_text(file, lambda: "other", told.append) == "12"
    assert not told
    file.write_text(content)
    assert opened_text(file, lambda: "12", told.append) == "12"
    assert told == [f"{file}: is damaged, or was kept without checksums; it is made anew."]


def test_threads_that_want_the_same_entry_make_it_once(cache: Cache) -> None:
    threads = [threading.Thread(target=cache.open, args=(1,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (cache.made, cache.names) == (1, [name(1)])


def test_what_was_not_used_for_longest_goes_when_the_limit_is_reached(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LIMIT, "130 kB")
    for number, used in ((1, 1000), (2, 3000), (3, 2000)):
        cache.open(number, used)
    assert cache.told == []
    cache.open(4)
    assert cache.names == [name(2), name(3), name(4)]
    assert cache.told == [f"{cache.folder}: removed 1 not used for longest (39.1 kB), to stay within {LIMIT}."]
    held = cache.open(3, 10)
    cache.open(5)
    assert cache.names == [name(3), name(4), name(5)], "an entry in use stays"
    del held
    monkeypatch.setenv(LIMIT, "1kB")
    cache.open(6)
    assert cache.names == [name(6)], "one that is larger than the limit stands alone"


@pytest.mark.parametrize("limit", ["", "5x", "-1GB", "GB", "1e300", "9" * 5000, "1 000 MB"])
def test_a_limit_that_is_none_is_refused_with_an_example(
    limit: str, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LIMIT, limit)
    with pytest.raises(SettingsError, match=rf"^{LIMIT}: '.*' is no size, expected one such as 500MB, 5GB or none"):
        cache.open(1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", 0), ("7 b", 7), ("5GB", 5 * 10**9), ("2.5 kb", 2500), ("1TiB", 2**40), ("None", None), (" 3MB ", 3 * 10**6)],
)
def test_sizes(text: str, expected: int | None) -> None:
    assert read_size(text) == expected


def test_leftovers_of_the_dead_go_and_those_of_the_living_stay(cache: Cache) -> None:
    cache.open(1)
    theirs = ["notes.part", "pixels-1.npy.part", f"{name(1)}.bak", ".other.lock"]
    left = [f"{name(2)}.part", f"{name(3)}.4711.part", f".{name(4)}.lock", f"depth-{1:020x}.txt.part"]
    for each in (*theirs, *left, f"{name(5)}.part"):
        (cache.folder / each).touch()
    with sole_writer(cache.folder / name(5)):
        clear_leftovers(cache.folder)
        assert f"{name(5)}.part" in cache.names
    clear_leftovers(cache.folder)
    assert cache.names == sorted([name(1), *theirs])


def test_a_cache_that_cannot_be_read_has_no_entries(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert entries(tmp_path / "nowhere") == entries(tmp_path / "file") == []
    clear_leftovers(tmp_path / "nowhere")


# The command


@pytest.fixture
def filled(cache: Cache) -> Cache:
    for number, used in ((1, 1000), (2, 3000), (3, 2000)):
        cache.open(number, used)
    (cache.folder / "notes.txt").write_text("a user's")
    return cache


def test_the_cache_is_shown_with_the_last_used_first(filled: Cache) -> None:
    shown = call("cache", "--cache", filled.folder)
    lines = shown.out.splitlines()
    assert (shown.code, shown.err, lines[0]) == (0, "", str(filled.folder))
    assert [line.split()[0] for line in lines[1:4]] == [name(2), name(3), name(1)]
    assert "10 images of 36 px" in lines[1]
    assert lines[4:] == ["3 files, 117.2 kB; limit 20.0 GB (MENTUM_CACHE_LIMIT, 20GB unless set)."]

    found = mentum.cache(filled.folder)
    assert [(entry.images, entry.side, entry.in_use) for entry in found.entries] == [(10, 36, False)] * 3
    assert found.entries[0].last_used == datetime.fromtimestamp(3000, UTC)
    assert call("cache", "--cache", filled.folder, "--json").out == found.model_dump_json(indent=2) + "\n"


@pytest.mark.parametrize(
    ("options", "left"), [(("--limit", "80kB"), [2, 3]), (("--limit", "0"), []), (("--clear",), [])]
)
def test_the_cache_is_made_smaller(options: tuple[str, ...], left: list[int], filled: Cache) -> None:
    assert call("cache", "--cache", filled.folder, *options).code == 0
    assert filled.names == ["notes.txt", *map(name, left)]


def test_what_is_in_use_is_not_cleared(filled: Cache) -> None:
    held = filled.open(1, 1)
    found = mentum.cache(filled.folder, clear=True)
    assert [entry.file for entry in found.entries] == [name(1)]
    assert len(found.removed) == 2
    assert held[0, 0, 0, 0] == 7


def test_the_cache_is_checked(filled: Cache) -> None:
    (filled.folder / name(2)).write_bytes(b"damaged")
    shown = call("cache", "--cache", filled.folder, "--verify")
    assert (shown.code, name(2) in shown.out) == (0, False)
    assert shown.err == f"mentum: {filled.folder}: {name(2)} was damaged and is removed; it is made anew.\n"
    assert filled.names == ["notes.txt", name(1), name(3)]


def test_contradictions_and_wrong_sizes_are_refused(filled: Cache) -> None:
    assert call("cache", "--cache", filled.folder, "--clear", "--limit", "1GB").code == 2
    shown = call("cache", "--cache", filled.folder, "--limit", "much")
    assert (shown.code, shown.err.startswith("mentum: 'much' is no size, expected one such as")) == (2, True)
    assert len(filled.names) == 4


def test_a_command_checks_the_whole_cache_where_that_is_asked_for(
    filled: Cache, capsys: pytest.CaptureFixture[str]
) -> None:
    (filled.folder / name(2)).write_bytes(b"damaged")
    verify_cache(filled.folder, asked=False)
    assert name(2) in filled.names
    verify_cache(filled.folder, asked=True)
    assert name(2) not in filled.names
    assert capsys.readouterr().err.endswith(f"{name(2)} was damaged and is removed; it is made anew.\n")


@pytest.mark.parametrize("log", [Log.AUTO, Log.QUIET, Log.PLAIN, Log.BARS])
def test_what_the_user_should_know_is_said_however_progress_is_shown(
    log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    with shown_progress(log) as report:
        report(Notice(task="a\x1b[31m is damaged; it is made anew."))
    assert "mentum: a\\x1b[31m is damaged; it is made anew.\n" in capsys.readouterr().err
