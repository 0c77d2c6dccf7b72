"""Arrays on disk that bear checksums of their bytes, so that damage is noticed before they are used."""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 24
"""Bytes with a checksum of their own."""

_MARK = b"MENTUM\x01\n"
_LENGTH = 8
"""Bytes of the number that says how long the checksums are."""


def seal_array(file: Path) -> None:
    """Append checksums to a NumPy file (.npy), whoever reads it: NumPy stops at the end of the array."""
    length = file.stat().st_size
    checksums = json.dumps({"length": length, "crc32": _checksums(file, length)}).encode()
    with file.open("ab") as stream:
        stream.write(checksums + len(checksums).to_bytes(_LENGTH, "little") + _MARK)


def is_whole(file: Path) -> bool:
    """Whether a file has its checksums and every byte is as it was written; False where there is none."""
    try:
        with file.open("rb") as stream:
            sealed = _read_seal(stream.read, stream.seek, file.stat().st_size)
        return sealed is not None and sealed["crc32"] == _checksums(file, sealed["length"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def map_array(file: Path) -> NDArray[Any]:
    """Map a NumPy file into memory; as long as the array lives, `is_in_use` says so to every process."""
    with file.open("rb") as stream:
        if sys.platform != "win32":  # where the system itself keeps an open file from being removed
            import fcntl

            with contextlib.suppress(OSError):  # a disk without locks
                fcntl.flock(stream, fcntl.LOCK_SH)  # the map keeps the open file, and with it the lock
        np.lib.format.read_magic(stream)
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
        return np.memmap(stream, dtype=dtype, mode="r", shape=shape, offset=stream.tell())


def is_in_use(file: Path) -> bool:
    """Whether an array of a file is mapped into the memory of any process of this machine."""
    if sys.platform == "win32":
        return False
    import fcntl

    with contextlib.suppress(FileNotFoundError), file.open("r+b") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # a disk without locks
            return False
    return False


def _read_seal(read: Any, seek: Any, size: int) -> dict[str, Any] | None:  # noqa: ANN401 - of a binary file
    """The checksums at the end of a file; None where there are none, or the file is longer or shorter than they say."""
    ending = _LENGTH + len(_MARK)
    if size < ending:
        return None
    seek(size - ending)
    last = read(ending)
    n = int.from_bytes(last[:_LENGTH], "little")
    if last[_LENGTH:] != _MARK or n > size - ending:
        return None
    seek(size - ending - n)
    sealed = json.loads(read(n))
    return sealed if sealed["length"] + n + ending == size else None


def _checksums(file: Path, length: int) -> list[int]:
    """Of each block, on all cores."""
    if not length:
        return []
    with file.open("rb") as stream:
        content = memoryview(mmap.mmap(stream.fileno(), length, access=mmap.ACCESS_READ))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda start: zlib.crc32(content[start : start + BLOCK]), range(0, length, BLOCK)))
