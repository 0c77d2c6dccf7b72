"""Tests of what a user's names and paths may not do to a terminal."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table

from mentum.cli.console import VisibleConsole
from mentum.cli.endings import describe
from support.awkward_images import write_plain
from support.command_line import call
from support.data_sets import Row, write_data_set


def test_texts_and_cells_give_a_terminal_no_orders(capsys: pytest.CaptureFixture[str]) -> None:
    console = VisibleConsole(soft_wrap=True)
    table = Table("name\x1b[2J")
    table.add_row("Sal\x1b]0;title\x07ix\u202e")
    console.print("a\x1b[31m.jpg\nb\r.jpg")
    console.print(table)
    shown = capsys.readouterr().out
    assert not set("\x1b\x07\r\u202e") & set(shown)
    assert r"a\x1b[31m.jpg" in shown


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "out.csv: No space left on device; make room on the disk and give the same command again."),
        (errno.EACCES, "out.csv: Permission denied; check the permissions, or give another place."),
        (errno.ENAMETOOLONG, "out.csv: File name too long; give a shorter name."),
        (errno.ENOTDIR, "out.csv: Not a directory; a part of the path is a file; give another place."),
        (errno.EIO, "out.csv: Input/output error; check the disk or network drive, then give the same command again."),
    ],
)
def test_errors_of_files_are_one_sentence(number: int, sentence: str) -> None:
    assert describe(OSError(number, os.strerror(number), "out.csv")) == sentence


def not_utf8(folder: Path) -> Path:
    """A data set with names that are not in UTF-8, and one that no code page of the West has."""
    for seed, name in enumerate((b"Salix alba/H\xf6ngg.jpg", b"Salix alba/2.jpg", "Quercus robur/Č 1.jpg".encode())):
        file = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
        file.parent.mkdir(parents=True, exist_ok=True)
        write_plain(folder / "plain.png", seed=seed).rename(file)
    return folder


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_terminal_that_cannot_print_a_name_spells_it_out(tmp_path: Path, encoding: str) -> None:
    command = [sys.executable, "-c", "from mentum.cli import main; main()", "check", str(not_utf8(tmp_path))]
    surroundings = {**os.environ, "PYTHONIOENCODING": encoding, "LC_ALL": "C"}
    done = subprocess.run(command, capture_output=True, check=False, env=surroundings)
    assert b"Traceback" not in done.stderr
    assert done.returncode in {1, 2}
    assert rb"Salix alba/H\xf6ngg.jpg" in done.stdout


@pytest.mark.parametrize("given", ["H\udcf6ngg", "\x1b[2Jgone", "x" * 300])
def test_arguments_of_any_kind_end_in_one_line(given: str) -> None:
    done = call("check", given)
    assert done.code == 2
    assert done.err.startswith("mentum: ")
    assert done.err.strip().isprintable()


def test_check_of_names_with_control_characters_is_harmless(tmp_path: Path) -> None:
    rows = [Row("a\x1b[31m.png", "Sal\x1bix alba", "S\x1b1"), Row("b.png", "Quercus robur", "S2")]
    done = call("check", write_data_set(tmp_path, rows))
    assert "\x1b" not in done.out
    assert "warning scientificName: invisible characters in 1 names: Sal\\x1bix alba" in done.out


def test_standard_input_may_name_any_file(tmp_path: Path) -> None:
    code = "import sys; from mentum.cli.console import bear_any_name as bear; bear(); print(ascii(sys.stdin.read()))"
    surroundings = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-c", code], input=b"H\xf6ngg", capture_output=True, check=True, env=surroundings
    )
    assert done.stdout.strip() == rb"'H\udcf6ngg'"
