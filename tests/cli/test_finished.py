"""Tests of a training that is given again when it is complete."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from support.command_line import Command, sets


def again(data: Path, out: Path, *more: str) -> list[object]:
    """The command that made `trained_run`, but for what is added."""
    cache = out.parent / "cache"
    return [
        "train",
        data,
        "--out",
        out,
        "--recipe",
        "quick",
        "--log",
        "quiet",
        "--cache",
        cache,
        "--seed",
        "3",
        *sets(),
        *more,
    ]


def state(folder: Path) -> dict[Path, int]:
    """When each file was changed."""
    return {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def test_a_finished_training_says_so_and_stays_as_it_is(
    mentum_: Command, trained_data: Path, trained_run: Path
) -> None:
    before = state(trained_run)
    found = mentum_(*again(trained_data, trained_run))
    assert (found.code, found.out) == (0, f"{trained_run}\n")
    assert re.fullmatch(
        rf"mentum: {trained_run}: this very training was finished on \d{{4}}-\d\d-\d\d at \d\d:\d\d UTC; nothing was "
        rf"done. Next: mentum evaluate {trained_run}\n",
        found.err,
    )
    assert state(trained_run) == before


def test_what_a_kill_at_the_very_end_left_is_removed(
    mentum_: Command, trained_data: Path, trained_run: Path, tmp_path: Path
) -> None:
    copied = shutil.copytree(trained_run, tmp_path / "run")
    before = set(state(copied))
    (copied / "stage1" / "views").mkdir()
    for left in ("stage1/views/clean.npy", "stage2/tree.npy", "stage2/tree.checkpoint.part"):
        (copied / left).write_bytes(b"left")
    assert mentum_(*again(trained_data, copied)).code == 0
    assert set(state(copied)) == before


@pytest.mark.parametrize(
    ("more", "differs"), [(("--seed", "4"), "seed"), (("--set", "stage1.epochs=9"), "stage1.epochs")]
)
def test_another_recipe_is_refused_with_what_differs(
    mentum_: Command, trained_data: Path, trained_run: Path, more: tuple[str, str], differs: str
) -> None:
    found = mentum_(*again(trained_data, trained_run, *more))
    assert (found.code, found.out) == (2, "")
    assert re.search(
        rf"holds a complete training already, which differs in .*{differs}.*; give another --out", found.err
    )


@pytest.mark.parametrize("change", ["image", "label"])
def test_other_data_is_refused(
    mentum_: Command, trained_data: Path, trained_run: Path, tmp_path: Path, change: str
) -> None:
    data = shutil.copytree(trained_data, tmp_path / "data")
    if change == "image":
        images = sorted((data / "images").iterdir())
        images[0].write_bytes(images[1].read_bytes()[:-1] + b"\0")
    else:
        table = data / "specimens.csv"
        table.write_text(table.read_text().replace("0-0-0.png,Chironomus plumosus", "0-0-0.png,Chironomus riparius"))
    found = mentum_(*again(data, trained_run))
    assert (found.code, found.out) == (2, "")
    assert "holds a complete training already, which differs in the images or the specimen table;" in found.err


@pytest.mark.parametrize(
    ("name", "said", "following"),
    [
        ("my run", "my run", "'{}'"),
        ("odd\x1b[2Jrun", r"odd\x1b[2Jrun", "'{}'"),
        ("it's", "it's", None),
        ("plain", "plain", "{}"),
    ],
)
def test_the_next_command_can_be_given_as_it_stands(
    mentum_: Command, trained_data: Path, trained_run: Path, tmp_path: Path, name: str, said: str, following: str | None
) -> None:
    copied = shutil.copytree(trained_run, tmp_path / name)
    words = again(trained_data, copied)
    words[words.index(copied.parent / "cache")] = trained_run.parent / "cache"
    found = mentum_(*words)
    assert found.code == 0
    assert found.err.startswith(f"mentum: {tmp_path}/{said}: this very training was finished on ")
    shown = shlex.quote(str(copied)) if following is None else following.format(tmp_path / said)
    assert found.err.endswith(f"Next: mentum evaluate {shown}\n")
