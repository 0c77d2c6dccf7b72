"""What can happen to a file on a disk, and how whoever reads it then must answer."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

from mentum.errors import MentumError

Damage = Callable[[Path, random.Random], None]


def cut(file: Path, chance: random.Random) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: chance.randrange(len(content))])


def empty(file: Path, _: random.Random) -> None:
    file.write_bytes(b"")


def flip(file: Path, chance: random.Random) -> None:
    content = bytearray(file.read_bytes())
    for _ in range(max(1, len(content) // 200)):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    file.write_bytes(bytes(content))


def replace_by_another(file: Path, chance: random.Random) -> None:
    others = sorted(each for each in file.parent.iterdir() if each.is_file() and each != file)
    file.write_bytes(chance.choice(others).read_bytes() if others else b"GIF89a")


def nest(file: Path, _: random.Random) -> None:
    file.write_bytes(b'{"a":' * 10_000 + b"1" + b"}" * 10_000)


def make_folder(file: Path, _: random.Random) -> None:
    file.unlink()
    file.mkdir()


def make_pipe(file: Path, _: random.Random) -> None:
    file.unlink()
    os.mkfifo(file)


def remove(file: Path, _: random.Random) -> None:
    file.unlink()


def overwrite(file: Path, chance: random.Random) -> None:
    """Noise from the middle on, as by another program that wrote to the same place."""
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2] + chance.randbytes(len(content) - len(content) // 2))


def make_noise(file: Path, chance: random.Random) -> None:
    file.write_bytes(chance.randbytes(file.stat().st_size))


def in_a_sentence(act: Callable[[], object]) -> str:
    """What an act on damaged files raises; "" where it goes through."""
    try:
        act()
    except (MentumError, OSError) as error:
        said = str(error)
        assert said, "an error says nothing"
        assert "Traceback" not in said
        return said
    return ""
