"""Hostile trees of folders, for `check`, `identify` and `train`."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

from fuzz.cases import Command, Place, tricks
from fuzz.nasty import WORDS


def taken(place: Place, root: Path) -> Command:
    """The command that walks through the tree."""
    if place.chance.random() < 0.35:
        return ["identify", place.ground.model, root, "--out", place.folder / "out.csv"]
    return ["check", root, "--json"]


def _root(place: Place) -> Path:
    return place.ground.folders(place.folder / "data")


def deep(place: Place) -> Command:
    root = _root(place)
    at = root
    os.chdir(at)
    for level in range(place.chance.choice((50, 300, 1200))):  # beyond the longest path that the system takes at once
        os.mkdir(f"d{level}" + "x" * 8)
        os.chdir(f"d{level}" + "x" * 8)
    shutil.copyfile(root / "Salix alba" / "0.png", "leaf.png")
    os.chdir("/")
    return taken(place, root)


def cyclic_links(place: Place) -> Command:
    root = _root(place)
    target = place.chance.choice((root, root / "Salix alba", root / "loop", Path("/")))
    (root / "Salix alba" / "loop").symlink_to(target)
    (root / "loop").symlink_to(root / "loop")
    return taken(place, root) if target != Path("/") else ["check", root / "Salix alba" / "loop.png"]


def dead_links(place: Place) -> Command:
    root = _root(place)
    (root / "Salix alba" / "gone.png").symlink_to("/nonexistent/x.png")
    (root / "Quercus robur" / "self.png").symlink_to("self.png")
    return taken(place, root)


def names_not_utf8(place: Place) -> Command:
    root = _root(place)
    name = bytes(place.chance.choice(range(128, 256)) for _ in range(place.chance.choice((1, 5, 200))))
    folder = os.fsencode(root) + b"/" + (name if place.chance.random() < 0.5 else b"Salix alba")
    os.makedirs(folder, exist_ok=True)
    shutil.copyfile(place.ground.photograph(place.folder / "one.png"), folder + b"/" + name + b".png")
    return taken(place, root)


def longest_names(place: Place) -> Command:
    root = _root(place)
    letter = place.chance.choice(("a", "é", "💥"))
    stem = letter * (251 // len(letter.encode()))
    place.ground.photograph(root / (letter * (255 // len(letter.encode()))) / f"{stem}.png")
    return taken(place, root)


def odd_names(place: Place) -> Command:
    root = _root(place)
    for word in place.chance.sample(WORDS, 4):
        name = word.replace("/", "_")[:60]
        if name.strip(".") and "\0" not in name:
            place.ground.photograph(root / name / f"{name}.png", place.chance.randrange(20))
    return taken(place, root)


def control_characters(place: Place) -> Command:
    root = _root(place)
    name = "Salix" + "".join(
        chr(place.chance.choice((*range(1, 32), 127, 0x85, 0x202E, 0x2066, 0x2028, 0xFEFF))) for _ in range(4)
    )
    place.ground.photograph(root / name / f"{name}.png")
    return taken(place, root)


def pipes(place: Place) -> Command:
    root = _root(place)
    where = place.chance.choice(("Salix alba/pipe.png", "specimens.csv", "taxonomy.csv", "Salix alba/pipe.csv"))
    os.mkfifo(root / where)
    return taken(place, root)


def sockets(place: Place) -> Command:
    root = _root(place)
    where = place.chance.choice(("Salix alba/s.png", "taxonomy.csv", "specimens.csv"))
    with socket.socket(socket.AF_UNIX) as bound:
        os.chdir((root / where).parent)  # the address of a socket may have 108 bytes
        bound.bind(Path(where).name)
        os.chdir("/")
    return taken(place, root)


def devices(place: Place) -> Command:
    root = _root(place)
    where = place.chance.choice(("Salix alba/z.png", "taxonomy.csv", "specimens.csv"))
    (root / where).symlink_to(place.chance.choice(("/dev/zero", "/dev/random", "/dev/full", "/dev/tty", "/proc/kmsg")))
    return taken(place, root)


def unreadable(place: Place) -> Command:
    root = _root(place)
    for path in place.chance.sample(sorted(root.rglob("*")), 2):
        path.chmod(0)  # the superuser reads them all the same
    return taken(place, root)


def folders_as_files(place: Place) -> Command:
    root = _root(place)
    (root / place.chance.choice(("Salix alba/folder.png", "specimens.csv", "taxonomy.csv"))).mkdir()
    return taken(place, root)


def empty(place: Place) -> Command:
    root = place.folder / "data"
    (root / place.chance.choice(("", "Salix alba", "a/b/c"))).mkdir(parents=True)
    return taken(place, root)


def one_taxon(place: Place) -> Command:
    root = _root(place)
    shutil.rmtree(root / "Salix alba")
    return ["train", root, "--out", place.folder / "run", "--recipe", "quick", "--cache", place.folder / "cache"]


def many_folders(place: Place) -> Command:
    root = _root(place)
    for number in range(2000):
        (root / f"empty {number}").mkdir()
    return taken(place, root)


def pipe_alone(place: Place) -> Command:
    os.mkfifo(place.folder / "data.csv")
    what = place.chance.choice((place.folder / "data.csv", "/dev/zero", "/dev/null", "/dev/tty"))
    return place.chance.choice(
        (["check", what], ["identify", place.ground.model, what], ["train", what, "--out", place.folder / "r"])
    )


TREES = tricks(
    deep,
    cyclic_links,
    dead_links,
    names_not_utf8,
    longest_names,
    odd_names,
    control_characters,
    pipes,
    sockets,
    devices,
    unreadable,
    folders_as_files,
    empty,
    one_taxon,
    many_folders,
    pipe_alone,
)
