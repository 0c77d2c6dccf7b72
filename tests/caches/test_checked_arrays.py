from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mentum.caches.checked_arrays import BLOCK, is_in_use, is_whole, map_array, seal_array


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An array of more than two blocks, with its checksums."""
    path = tmp_path / "a.npy"
    np.save(path, np.arange(2 * BLOCK + 5000, dtype=np.uint32).astype(np.uint8).reshape(-1, 8))
    seal_array(path)
    return path


def test_numpy_reads_an_array_as_if_it_had_no_checksums(file: Path) -> None:
    array = np.load(file)
    assert array.shape == (BLOCK // 4 + 625, 8)
    assert np.array_equal(map_array(file), array)
    assert is_whole(file)


@pytest.mark.parametrize("place", [0, 100, 130, BLOCK - 1, BLOCK, 2 * BLOCK + 5000, -1, -10, -20])
def test_one_byte_that_has_changed_is_noticed(place: int, file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    assert not is_whole(file)


@pytest.mark.parametrize("end", [0, 1, 15, 16, 200, BLOCK, -1, -16, -40])
def test_a_file_that_was_cut_is_noticed(end: int, file: Path) -> None:
    file.write_bytes(file.read_bytes()[:end])
    assert not is_whole(file)


@pytest.mark.parametrize("more", [b"x", b"\0" * 40, b"MENTUM\x01\n", b"\xff" * 8 + b"MENTUM\x01\n"])
def test_a_file_that_has_grown_is_noticed(more: bytes, file: Path) -> None:
    file.write_bytes(file.read_bytes() + more)
    assert not is_whole(file)


def test_an_array_without_checksums_a_folder_and_nothing_are_not_whole(tmp_path: Path) -> None:
    np.save(tmp_path / "plain.npy", np.zeros(9))
    assert not any(is_whole(place) for place in (tmp_path / "plain.npy", tmp_path, tmp_path / "nowhere.npy"))


def test_an_empty_array(tmp_path: Path) -> None:
    np.save(tmp_path / "empty.npy", np.zeros((0, 4)))
    seal_array(tmp_path / "empty.npy")
    assert is_whole(tmp_path / "empty.npy")


def test_a_file_is_in_use_as_long_as_its_array_lives(file: Path) -> None:
    assert not is_in_use(file)
    array = map_array(file)
    part = array[3:5]
    assert is_in_use(file)
    del array
    assert is_in_use(file)
    del part
    assert not is_in_use(file)
    assert not is_in_use(file.with_name("nowhere"))
