"""Several processes give the same command at once: one writes, the others wait their turn or are refused.

MENTUM_RACES sets the number of rounds of each race.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.command_line import call, sets
from support.drawn_data import write_drawn
from support.races import REFUSED, Ended, Round, written

ROUNDS = int(os.environ.get("MENTUM_RACES", "3"))


def race(folder: Path, *command: object, rounds: int = ROUNDS) -> list[Round]:
    """Each round is a race of two to eight processes; in every second one a process is killed."""
    program = [sys.executable, "-c", "from support.races import main; main()"]
    places = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    done = subprocess.run(
        [*program, str(rounds), str(folder), *map(str, command)],
        capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": places},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rounds_found = [Round(*json.loads(line)) for line in done.stdout.splitlines()]
    return [
        found._replace(ended=[Ended(*each) for each in found.ended], last=Ended(*found.last)) for found in rounds_found
    ]


def require_fair(rounds: list[Round], expected: str, names: list[str]) -> None:
    """Whoever did not write the very result was refused, or killed; nothing else lies about."""
    assert len(rounds) > 0
    for found in rounds:
        for each in found.ended:
            assert each.code in {0, -9} or (each.code == 2 and re.search(REFUSED, each.err.strip())), each
        assert found.last.code == 0, found.last
        assert found.left == names
        assert found.written == expected


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drawn(tmp_path_factory.mktemp("race") / "images", per_taxon=(30, 30, 30, 30), views=1)


@pytest.mark.parametrize("suffix", [".csv"])
def test_identifications_into_one_file(suffix: str, released: Path, images: Path, tmp_path: Path) -> None:
    (tmp_path / "alone").mkdir()
    alone = call("identify", released, images, "--out", tmp_path / "alone" / f"out{suffix}")
    assert alone.code == 0

    rounds = race(tmp_path / "race", "identify", released, images, "--out", "{out}" + suffix)

    require_fair(rounds, written(tmp_path / "alone"), [f"out{suffix}"])


def test_archives_beside_a_file(released: Path, images: Path, tmp_path: Path) -> None:
    options = ("--title", "T", "--creator", "C", "--licence", "CC0-1.0")
    rounds = race(
        tmp_path / "race", "identify", released, images, "--out", "{out}.jsonl", "--archive", "{out}.zip", *options,
        rounds=2,
    )  # fmt: skip
    for found in rounds:
        assert all(each.code in {0, -9} or re.search(REFUSED, each.err.strip()) for each in found.ended)
        assert found.last.code == 0
        assert found.left == ["out.jsonl", "out.zip"]


def test_phantoms_into_one_folder(tmp_path: Path) -> None:
    """Once it is there, the folder is refused for what it holds."""
    for found in race(tmp_path / "race", "phantoms", "{out}", "--images", "10", "--width", "64", rounds=2):
        for each in (*found.ended, found.last):
            assert each.code in {0, -9} or re.search(rf"{REFUSED}|found \d+ entries, expected a new", each.err.strip())
        assert found.left == ["out"]


@pytest.mark.slow
def test_trainings_into_one_folder(trained_data: Path, tmp_path: Path) -> None:
    """Once it is there, a training is complete; networks and predictions are those of one that nobody disturbed."""
    options = ("--recipe", "quick", "--log", "quiet", "--cache", tmp_path / "cache", "--seed", "3", *sets())
    (tmp_path / "alone").mkdir()
    assert call("train", trained_data, "--out", tmp_path / "alone" / "out", *options).code == 0
    for found in race(tmp_path / "race", "train", trained_data, "--out", "{out}", *options):
        for each in found.ended:
            assert each.code in {0, -9} or re.search(rf"{REFUSED}|complete training already", each.err.strip()), each
        assert found.left == ["out"]
        assert found.written == written(tmp_path / "alone")


@pytest.mark.slow
@pytest.mark.parametrize("task", ["report", "export", "crossvalidate"])
def test_other_results_into_one_place(task: str, evaluated_run: Path, trained_data: Path, tmp_path: Path) -> None:
    """Once a model is there, its folder is refused; a page is written anew, and a study is complete."""
    run, cache = Path(shutil.copytree(evaluated_run, tmp_path / "run")), evaluated_run.parent / "cache"
    few = sets("stage1.epochs=1", "stage2.epochs=1")
    command = {
        "report": ("report", run, "--out", "{out}.html"),
        "export": ("export", run, "--out", "{out}", "--cache", cache, "--samples", "1"),
        "crossvalidate": ("crossvalidate", trained_data, "--out", "{out}", "--folds", "2", "--recipe", "quick",
                          "--log", "quiet", "--cache", cache, *few),
    }[task]  # fmt: skip
    refused = f"{REFUSED}|exists already, expected a new or empty folder; give another --out, or remove it"
    (tmp_path / "alone").mkdir()
    alone = [str(word).replace("{out}", str(tmp_path / "alone" / "out")) for word in command]
    assert call(*alone).code == 0
    for found in race(tmp_path / "race", *command):
        for each in (*found.ended, found.last):
            assert each.code in {0, -9} or (each.code == 2 and re.search(refused, each.err.strip())), each
        assert found.left == ["out.html" if task == "report" else "out"]
        assert found.written == written(tmp_path / "alone")
