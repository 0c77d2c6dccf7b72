"""Nothing is sent and nothing is written but where the user asked for it: the whole way of the data, watched.

`slow` watches all that `make demo` runs.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

WATCHED = "connect,sendto,sendmsg,openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2"
WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|^creat|^mkdir|^rename")
HARMLESS = re.compile(r"/dev/(null|tty|shm/.*|pts/.*|nvidia.*)|/proc/.*|/sys/.*|pipe:.*")


MAKEFILE = Path(__file__).resolve().parents[1] / "Makefile"


def demo() -> list[list[str]]:
    """The commands of `make demo`."""
    given = re.findall(r"^\t\$\(BIN\)/mentum (.*)$", MAKEFILE.read_text(encoding="utf-8"), re.MULTILINE)
    return [shlex.split(line.replace("$(DEMO)", "demo").replace("$(LOG)", "quiet")) for line in given]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The folder of a user, and every call of the system that may send or write, from drawing to a report."""
    user = tmp_path_factory.mktemp("user")
    (user / "home").mkdir()
    quick = ["--recipe", "quick", "--set", "pixels.size=64", "--set", "stage1.epochs=2", "--set", "stage2.epochs=1"]
    ways = [
        ["phantoms", "drawn", "--images-per-taxon", "3", "--width", "96"],
        ["check", "drawn"],
        ["train", "drawn", "--out", "run", "--cache", "cache", *quick],
        ["evaluate", "run"],
        ["report", "run"],
        ["export", "run", "--out", "model", "--licence", "CC-BY-4.0", "--cache", "cache"],
        ["verify", "model"],
        ["identify", "model", "drawn/images", "--out", "found.csv", "--heatmaps", "maps"],
    ]
    return user, _watch(user, ways)


HOOK = """
import os, sys
log = open(sys.argv[2], "w")
def note(event, arguments):  # in the words of strace; it sees what Python does, not what a library does by itself
    if event == "open" and isinstance(arguments[0], (str, bytes)) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
        print(f'openat("{os.fsdecode(arguments[0])}", O_WRONLY)', file=log, flush=True)
    elif event in ("os.mkdir", "os.rename"):
        print(f'{event[3:]}("{os.fsdecode(arguments[event == "os.rename"])}")', file=log, flush=True)
    elif event in ("socket.connect", "socket.sendto"):
        print(f"{event[7:]}(AF_INET {arguments[1]!r})", file=log, flush=True)
sys.addaudithook(note)
"""
ONE_AFTER_THE_OTHER = """
import json, sys
from mentum.cli import main
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["mentum", *arguments]
    try:
        main()
    except SystemExit as ended:
        if ended.code not in (None, 0, 1):
            raise
"""


def _watch(user: Path, ways: list[list[str]]) -> list[str]:
    """Run commands in one process that has a home folder of its own; what it calls, line by line."""
    log = user.parent / f"{user.name}.strace"
    home = {"HOME": str(user / "home"), "TMPDIR": str(user / "home"), "PYTHONDONTWRITEBYTECODE": "1"}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_", "MPL"))}
    if _strace_works():
        tracing = ["strace", "-f", "--seccomp-bpf", "-qq", "-y", "-e", f"trace={WATCHED}", "-o", str(log)]
        command = [*tracing, sys.executable, "-c", ONE_AFTER_THE_OTHER, json.dumps(ways)]
    else:
        command = [sys.executable, "-c", HOOK + ONE_AFTER_THE_OTHER, json.dumps(ways), str(log)]
    ended = subprocess.run(command, cwd=user, env=inherited | home, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return log.read_text(encoding="utf-8", errors="replace").splitlines()


def _strace_works() -> bool:
    """Whether it is there and may watch processes."""
    return (
        shutil.which("strace") is not None
        and subprocess.run(["strace", "-qq", "true"], capture_output=True).returncode == 0
    )


def test_nothing_is_sent(watched: tuple[Path, list[str]]) -> None:
    _, calls = watched
    require_nothing_sent(calls)


def test_nothing_is_written_outside_the_user_s_folders(watched: tuple[Path, list[str]]) -> None:
    require_nothing_written_outside(*watched)


@pytest.mark.slow
def test_the_whole_demo(tmp_path: Path) -> None:
    commands = demo()
    assert [words[0] for words in commands] == ["phantoms", "train", "evaluate", "report", "export", "identify"]
    (tmp_path / "user" / "home").mkdir(parents=True)
    calls = _watch(tmp_path / "user", commands)
    require_nothing_sent(calls)
    require_nothing_written_outside(tmp_path / "user", calls)
    assert (tmp_path / "user" / "demo" / "identifications.csv").is_file()


def require_nothing_sent(calls: list[str]) -> None:
    sent = [call for call in calls if re.search(r"\b(connect|sendto|sendmsg)\(", call)]
    assert [call for call in sent if "AF_INET" in call and "127.0.0.1" not in call and '"::1"' not in call] == []


def require_nothing_written_outside(user: Path, calls: list[str]) -> None:
    found = [place for call in calls if (place := _written(call, user)) is not None]
    assert len(found) > 100  # the outputs themselves
    outside = {place for place in found if not place.startswith(str(user)) and not HARMLESS.fullmatch(place)}
    assert outside == set()


def test_the_home_folder_keeps_nothing_but_a_list_of_fonts(watched: tuple[Path, list[str]]) -> None:
    """Matplotlib's own, without which each start would search for fonts again."""
    user, _ = watched
    kept = {path.relative_to(user / "home").as_posix() for path in (user / "home").rglob("*") if path.is_file()}
    assert {place for place in kept if not place.startswith((".cache/matplotlib/", ".config/matplotlib/"))} == set()


def _written(call: str, user: Path) -> str | None:
    """The place that a call writes to, made absolute; None where it fails or only reads."""
    call = re.sub(r"^\d+ +", "", call)
    name = re.search(r'"([^"]*)"', call)
    if name is None or WRITES.search(call) is None or " = -1 " in call:
        return None
    return str(user / name[1])
