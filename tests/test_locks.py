from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from mentum.errors import BusyError
from mentum.locks import lies_in, own_turn, same_place, sole_owner, sole_writer, undisturbed

Lock = Callable[[Path], AbstractContextManager[None]]
HOLD = (
    "import sys, time; from pathlib import Path; from mentum import locks\n"
    "with getattr(locks, sys.argv[1])(Path(sys.argv[2])):\n    print('held', flush=True); time.sleep(60)"
)


@pytest.fixture
def holder():
    """Starts processes that hold a place until the test ends, or they are killed."""
    started: list[subprocess.Popen[str]] = []

    def hold(lock: str, place: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLD, lock, str(place)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout is not None
        assert started[-1].stdout.readline() == "held\n"
        return started[-1]

    yield hold
    for process in started:
        process.kill()
        process.communicate()


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("lock", [sole_writer, sole_owner])
def test_a_place_that_another_process_writes_is_refused_with_who_and_since_when(
    lock: Lock, tmp_path: Path, holder: Callable[..., subprocess.Popen[str]]
) -> None:
    process = holder(lock.__name__, tmp_path / "out")
    complaint = (
        rf"out: is being written by process {process.pid} since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d; wait until that has "
        r"ended, or stop it, and give the same command again\.$"
    )
    with pytest.raises(BusyError, match=complaint), lock(tmp_path / "out"):
        pass

    process.send_signal(signal.SIGKILL)
    process.wait()
    with lock(tmp_path / "out"):
        assert not (tmp_path / "other").exists()
    assert [name for name in everything(tmp_path) if "lock" in name] == []


@pytest.mark.parametrize("lock", [sole_writer, sole_owner])
def test_threads_of_one_process_keep_each_other_out(lock: Lock, tmp_path: Path) -> None:
    said: list[str] = []

    def other() -> None:
        try:
            with lock(tmp_path / "out"):
                said.append("both")
        except BusyError as error:
            said.append(str(error))

    with lock(tmp_path / "out"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(said) == 1
    assert f"by process {os.getpid()} since" in said[0]


@pytest.mark.parametrize("spelling", ["relative", "link to the folder", "detour"])
@pytest.mark.parametrize("lock", [sole_writer, sole_owner])
def test_another_spelling_is_the_same_place(
    lock: Lock, spelling: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "there" / "out"
    place.parent.mkdir()
    (tmp_path / "link").symlink_to(place.parent)
    monkeypatch.chdir(place.parent)
    spelt = {"relative": Path("out"), "link to the folder": tmp_path / "link" / "out", "detour": Path("../there/out")}
    with lock(place), pytest.raises(BusyError), lock(spelt[spelling]):
        pass


def test_a_link_to_a_folder_is_that_folder(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "run")
    with sole_owner(tmp_path / "run"), pytest.raises(BusyError), sole_owner(tmp_path / "link"):
        pass
    with sole_writer(tmp_path / "run"), pytest.raises(BusyError), sole_writer(tmp_path / "link"):
        pass


def test_other_places_are_free(tmp_path: Path) -> None:
    with ExitStack() as stack:
        for name in ("a.csv", "a", "b.csv", "a.csv.part", "ä" * 120):
            stack.enter_context(sole_writer(tmp_path / name))
        stack.enter_context(sole_owner(tmp_path))
        assert len(everything(tmp_path)) == 6
    assert everything(tmp_path) == []


@pytest.mark.parametrize("kept", [False, True])
def test_a_folder_made_for_a_lock_stays_only_if_something_is_in_it(kept: bool, tmp_path: Path) -> None:
    with sole_owner(tmp_path / "a" / "b"):
        if kept:
            (tmp_path / "a" / "b" / "result").touch()
    assert everything(tmp_path) == (["a", "a/b", "a/b/result"] if kept else [])


def test_a_lock_of_a_task_that_fails_is_gone(tmp_path: Path) -> None:
    with pytest.raises(KeyError), sole_writer(tmp_path / "out"):
        raise KeyError
    assert everything(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b'{"process": "x", "host": 1, "since": 2}', b"{}"])
def test_a_holder_that_cannot_be_read_is_another_process(content: bytes, tmp_path: Path) -> None:
    with sole_writer(tmp_path / "out"):
        (tmp_path / ".out.lock").write_bytes(content)
        with (
            pytest.raises(BusyError, match="out: is being written by another process; wait"),
            sole_writer(tmp_path / "out"),
        ):
            pass


def test_a_holder_on_another_machine_is_named_with_it(tmp_path: Path) -> None:
    with sole_writer(tmp_path / "out"):
        (tmp_path / ".out.lock").write_text(json.dumps({"process": 7, "host": "museum", "since": "noon"}))
        with pytest.raises(BusyError, match="by process 7 on museum since noon; wait"), sole_writer(tmp_path / "out"):
            pass


@pytest.mark.parametrize("lock", [sole_writer, sole_owner])
def test_a_place_under_a_file_is_refused(lock: Lock, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file is a file, expected a folder"), lock(tmp_path / "file" / "out"):
        pass
    assert everything(tmp_path) == ["file"]


def test_never_two_at_a_time(tmp_path: Path) -> None:
    """Four processes, each of which takes the place as often as it can."""
    context = multiprocessing.get_context("spawn")
    found = context.Queue()
    workers = [context.Process(target=contend, args=(tmp_path, found)) for _ in range(4)]
    for worker in workers:
        worker.start()
    counts = sum((Counter(found.get(timeout=60)) for _ in workers), Counter[str]())
    for worker in workers:
        worker.join()
    assert counts["two at a time"] == 0
    assert counts["alone"] > 20
    assert set(counts) <= {"alone", "refused"}


def contend(folder: Path, found: multiprocessing.Queue[dict[str, int]]) -> None:
    """Take both kinds of places in turn, for a second."""
    counts: Counter[str] = Counter()
    end = time.monotonic() + 1
    while time.monotonic() < end:
        for lock in (sole_writer, sole_owner):
            guard = folder / f"guard-{lock.__name__}"
            try:
                with lock(folder / "deep" / lock.__name__):
                    guard.touch(exist_ok=False)
                    guard.unlink()
                counts["alone"] += 1
            except BusyError:
                counts["refused"] += 1
            except FileExistsError:
                counts["two at a time"] += 1
    found.put(dict(counts))


# Waiting, reading


def test_who_waits_says_so_once_and_goes_on(tmp_path: Path) -> None:
    said: list[str] = []
    held, done = threading.Event(), threading.Event()

    def first() -> None:
        with sole_writer(tmp_path / "out"):
            held.set()
            done.wait(20)

    def hear(text: str) -> None:
        said.append(text)
        done.set()

    thread = threading.Thread(target=first)
    thread.start()
    held.wait(20)
    with own_turn(tmp_path / "out", hear):
        thread.join()
    assert len(said) == 1
    assert said[0].endswith("; waiting until that has ended.")


def test_what_is_being_written_is_not_read(tmp_path: Path) -> None:
    with sole_owner(tmp_path), pytest.raises(BusyError, match="is being written by process"), undisturbed(tmp_path):
        pass


@pytest.mark.parametrize("change", ["written and done", "still being written", "removed"])
def test_what_was_written_meanwhile_is_not_used(change: str, tmp_path: Path) -> None:
    (tmp_path / "evaluation.json").write_text("{}")
    with ExitStack() as stack:
        stack.enter_context(pytest.raises(BusyError))
        reading = stack.enter_context(ExitStack())
        reading.enter_context(undisturbed(tmp_path))
        if change == "still being written":
            stack.enter_context(sole_owner(tmp_path))
        elif change == "removed":
            (tmp_path / "evaluation.json").unlink()
        else:
            (tmp_path / "evaluation.json").write_text("{ }")
        reading.close()


def test_many_may_read_at_a_time_and_a_page_beside_disturbs_nobody(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    with undisturbed(tmp_path), undisturbed(tmp_path, tmp_path / "nowhere"), sole_writer(tmp_path / "report.html"):
        (tmp_path / "report.html").write_text("page")
    assert everything(tmp_path) == ["report.html", "run.json"]


def test_a_lock_that_a_kill_has_left_keeps_nobody_from_reading(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text(json.dumps({"process": 1, "host": "x", "since": "y"}))
    with undisturbed(tmp_path):
        pass
    assert everything(tmp_path) == []


# Whether two paths mean one place


@pytest.mark.parametrize("name", ["./a.csv", "A.CSV", "link.csv", "hard.csv", "b/../a.csv", "e\u0301.csv"])
def test_paths_that_mean_one_file(name: str, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    first = tmp_path / ("\u00e9.csv" if name == "e\u0301.csv" else "a.csv")
    first.touch()
    (tmp_path / "link.csv").symlink_to(first)
    (tmp_path / "hard.csv").hardlink_to(first)
    assert same_place(first, tmp_path / name)
    assert same_place(tmp_path / name, first)
    assert not same_place(first, tmp_path / "other.csv")


def test_what_lies_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "model")
    model = tmp_path / "model"
    assert all(
        lies_in(place, model) for place in (model, model / "a" / "b", tmp_path / "link" / "a", tmp_path / "link")
    )
    assert not any(lies_in(place, model) for place in (tmp_path, tmp_path / "models", model / ".." / "a"))
