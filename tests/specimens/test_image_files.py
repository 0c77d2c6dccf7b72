"""Tests of which files below a folder are images, and why the others are left out."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from mentum.specimens.image_files import LeftOut, Reason, walk_images, why_no_image
from support.awkward_images import write_plain, write_text


def walk(folder: Path, **options: bool) -> tuple[list[str], dict[Reason, int]]:
    left_out = LeftOut()
    found = [Path(name).relative_to(folder).as_posix() for name in walk_images(str(folder), left_out, **options)]
    return found, dict(left_out.counts)


def link(place: Path | str, target: Path | str) -> None:
    Path(place).symlink_to(target)


def write_as(folder: Path, name: str, suffix: str = ".jpg") -> Path:
    """An image under another name than that of its format."""
    return write_plain(folder / f"as_it_is{suffix}").rename(folder / name)


@pytest.mark.parametrize("name", ["01.jpe", "01.jfif", "01.JPG_large", "01.dat", "01", "01.jp2", "01.heic", "01.txt"])
def test_a_suffix_is_believed_less_than_the_bytes(tmp_path: Path, name: str) -> None:
    write_as(tmp_path, name)
    assert walk(tmp_path) == ([name], {})


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".webp", ".gif", ".jp2", ".avif"])
def test_first_bytes_of_every_format(tmp_path: Path, suffix: str) -> None:
    write_as(tmp_path, "picture", suffix)
    assert walk(tmp_path) == (["picture"], {})


@pytest.mark.parametrize(
    ("name", "content"),
    [("notes.txt", b"BMW, seen from behind"), ("list.csv", b"a,b\n"), ("empty", b""), ("x.xml", b"<")],
)
def test_what_is_no_image_is_counted(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert walk(tmp_path) == ([], {Reason.NO_IMAGE: 1})


@pytest.mark.parametrize("name", ["01.CR2", "01.nef", "film.mp4", "slide.czi", "01.jxl"])
def test_pictures_for_other_programs_are_named_as_such(tmp_path: Path, name: str) -> None:
    write_as(tmp_path, name, ".tif")  # raw files begin as a TIFF does
    assert walk(tmp_path) == ([], {Reason.OTHER_FORMAT: 1})


@pytest.mark.parametrize("folder", [".git", "__MACOSX", "@eaDir", ".ipynb_checkpoints", "$RECYCLE.BIN"])
def test_hidden_and_system_folders_are_no_data(tmp_path: Path, folder: str) -> None:
    for name in ("01.jpg", "deep/02.jpg"):
        write_plain(tmp_path / "Salix alba" / folder / name)
    assert walk(tmp_path) == ([], {Reason.HIDDEN_FOLDER: 2})


@pytest.mark.parametrize("name", ["Thumbs.db", ".DS_Store", "._01.jpg", "desktop.ini"])
def test_hidden_and_system_files_are_no_data(tmp_path: Path, name: str) -> None:
    write_as(tmp_path, name)
    assert walk(tmp_path) == ([], {Reason.HIDDEN: 1})


def test_links_are_followed_and_broken_ones_counted(tmp_path: Path) -> None:
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    write_plain(elsewhere / "Fagus sylvatica" / "01.jpg")
    write_plain(elsewhere / "02.jpg")
    data.mkdir()
    link(data / "Fagus sylvatica", elsewhere / "Fagus sylvatica")
    link(data / "02.jpg", elsewhere / "02.jpg")
    link(data / "03.jpg", elsewhere / "gone.jpg")
    link(data / "Betula nana", elsewhere / "gone")
    assert walk(data) == (["02.jpg", "Fagus sylvatica/01.jpg"], {Reason.BROKEN_LINK: 2})


def test_loops_end(tmp_path: Path) -> None:
    write_plain(tmp_path / "a" / "b" / "01.jpg")
    link(tmp_path / "a" / "b" / "up", tmp_path / "a")
    link(tmp_path / "a" / "top", tmp_path)
    link(tmp_path / "a" / "here", ".")
    link(tmp_path / "self.jpg", "self.jpg")
    assert walk(tmp_path) == (["a/b/01.jpg"], {Reason.LOOP: 4})


@pytest.mark.parametrize(
    ("place", "target"), [("a.jpg", "b.jpg"), ("c.jpg", "b.jpg"), ("z/1.jpg", "b.jpg"), ("a", "m")]
)
def test_what_two_ways_lead_to_counts_once(tmp_path: Path, place: str, target: str) -> None:
    for name in ("b.jpg", "m/2.jpg", "z/3.jpg"):
        write_plain(tmp_path / name)
    link(tmp_path / place, tmp_path / target)
    found, left_out = walk(tmp_path)
    assert len({(tmp_path / name).resolve() for name in found}) == len(found) == 3
    assert left_out == {Reason.REACHED: 1}


def test_two_links_to_one_file_elsewhere_count_once(tmp_path: Path) -> None:
    write_plain(tmp_path / "elsewhere" / "1.jpg")
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "data").mkdir(exist_ok=True)
        link(tmp_path / "data" / name, tmp_path / "elsewhere" / "1.jpg")
    assert walk(tmp_path / "data") == (["a.jpg"], {Reason.REACHED: 1})


def test_a_link_into_a_folder_is_taken_before_a_file_beside_the_folders(tmp_path: Path) -> None:
    write_plain(tmp_path / "1.jpg")
    (tmp_path / "Salix alba").mkdir()
    link(tmp_path / "Salix alba" / "1.jpg", tmp_path / "1.jpg")
    assert walk(tmp_path, top_last=True) == (["Salix alba/1.jpg"], {Reason.REACHED: 1})


def test_pipes_sockets_and_devices_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    os.mkfifo("pipe.jpg")
    os.mkfifo("pipe")
    link("device.jpg", "/dev/zero")
    link("device", "/dev/zero")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket.png")
        assert walk(tmp_path) == ([], {Reason.IRREGULAR: 5})


def test_what_may_not_be_read_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root, as which tests may run, may read everything."""
    write_plain(tmp_path / "closed" / "1.jpg")
    scandir = os.scandir

    def refuse(place: str) -> Iterator[os.DirEntry[str]]:
        if os.path.basename(place) == "closed":  # noqa: PTH119
            raise PermissionError(13, "Permission denied", place)
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refuse)
    assert walk(tmp_path) == ([], {Reason.UNREADABLE: 1})


def test_folders_come_in_the_same_order_files_first(tmp_path: Path) -> None:
    names: Sequence[str] = ("b.jpg", "z.jpg", "a/1.jpg", "a/x/2.jpg", "m/3.jpg")
    for name in reversed(names):
        write_plain(tmp_path / name)
    assert walk(tmp_path)[0] == list(names)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("a.jpg", None), ("notes.txt", Reason.NO_IMAGE), (".a.jpg", Reason.HIDDEN), ("gone.jpg", Reason.BROKEN_LINK)],
)
def test_a_single_file(tmp_path: Path, name: str, reason: Reason | None) -> None:
    if name.endswith("jpg") and name != "gone.jpg":
        write_plain(tmp_path / name)
    elif name != "gone.jpg":
        write_text(tmp_path / name)
    assert why_no_image(str(tmp_path / name)) is reason


def test_the_first_of_many_are_named(tmp_path: Path) -> None:
    for number in range(5):
        write_text(tmp_path / f"{number}.txt")
    left_out = LeftOut()
    assert list(walk_images(str(tmp_path), left_out)) == []
    assert left_out.in_words() == {"no image": 5}
    assert [Path(name).name for name in left_out.examples[Reason.NO_IMAGE]] == ["0.txt", "1.txt", "2.txt"]
