"""Tests of what a disk refuses: before any work, and as one kind of error."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from safetensors.numpy import save_file

from mentum.cli.endings import describe, describe_fault
from mentum.disks import disk_error, require_place, require_room, reserve
from mentum.errors import RunError
from mentum.files import whole
from support.command_line import Command
from support.full_disk import full_disk


@pytest.fixture
def occupied(tmp_path: Path) -> Path:
    """A file where a folder is expected."""
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    return file


@pytest.mark.parametrize(
    "words",
    [
        ("train", "data", "--out"),
        ("crossvalidate", "data", "--out"),
        ("learning-curve", "data", "--out"),
        ("audit", "data", "--out"),
        ("identify", "model", "data", "--out"),
        ("identify", "model", "data", "--heatmaps"),
        ("phantoms",),
    ],
)
def test_a_place_under_a_file_is_refused_before_any_work(mentum_: Command, occupied: Path, words: tuple[str]) -> None:
    """Neither data nor model is there: nobody has looked for them."""
    found = mentum_(*words, occupied / "found.csv")
    assert (found.code, found.out) == (2, "")
    assert found.err == (
        f"mentum: {occupied / 'found.csv'}: notes.txt is a file, expected a folder; a part of the path is a file; give "
        "another place.\n"
    )
    assert occupied.read_text() == "mine"


@pytest.mark.parametrize("name", ["x" * 300, "x" * 252, f"{'x' * 300}/run"])
def test_a_name_that_is_too_long_is_refused_before_any_work(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError, match="File name too long") as refused:
        require_place(tmp_path / name)
    assert describe(refused.value) == f"{tmp_path / name}: File name too long; give a shorter name."


def test_a_place_that_can_be_had_is_left_as_it_was(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "new" / "run", tmp_path / "found.csv"):
        require_place(place)
    assert list(tmp_path.iterdir()) == []


def test_too_little_room_is_said_in_numbers(tmp_path: Path) -> None:
    require_room(tmp_path / "run", 1000, "the training")
    with pytest.raises(RunError, match=r"run: the training may take 1000000000\.0 GB, .* GB are free; make room"):
        require_room(tmp_path / "run", 10**18, "the training")


def _array(path: Path) -> None:
    with path.open("wb") as stream:
        np.save(stream, np.zeros(100_000))


WRITERS = {
    "numpy": _array,
    "pillow": lambda path: Image.new("L", (300, 300)).save(path, "BMP"),
    "polars": lambda path: pl.DataFrame({"a": np.random.default_rng(0).random(50_000)}).write_parquet(path),
    "python": lambda path: path.write_bytes(bytes(90_000)),
    "safetensors": lambda path: save_file({"a": np.zeros(100_000)}, path),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_whatever_writes_a_full_disk_is_one_error_with_the_path(tmp_path: Path, writer: str) -> None:
    out = tmp_path / "out.bin"
    complaint = r"File too large|to its end|No space"
    with full_disk(takes=1000), pytest.raises(OSError, match=complaint) as refused, whole(out) as beside:
        WRITERS[writer](beside)
    assert refused.value.filename == str(out)
    assert "; make room on the disk and give the same command again." in describe(refused.value)
    assert not out.exists()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Error while serializing: I/O error: No space left on device (os error 28)", errno.ENOSPC),
        ("Disk quota exceeded (os error 122)", errno.EDQUOT),
        ("shapes do not match", None),
    ],
)
def test_what_libraries_say_of_a_disk(text: str, number: int | None) -> None:
    found = disk_error(RuntimeError(text), Path("run"))
    assert (found.errno if found else None) == number


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried to"),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("std::bad_alloc"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
)
def test_a_lack_of_memory_is_one_sentence(error: Exception) -> None:
    said = describe_fault(error, ["train", "data"])
    assert said is not None
    assert said.startswith("there is not enough memory")
    assert said.endswith("lower stage1.batch_size, stage2.batch_size or pixels.size with --set.")


def test_the_room_of_a_mapped_file_is_taken_before_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "pixels.npy"
    with file.open("wb") as stream:
        stream.truncate(1_000_000)
    reserve(file)
    assert file.stat().st_blocks * 512 >= 1_000_000
