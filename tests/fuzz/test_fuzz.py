"""Part of the corpus of hostile inputs, and every input that has failed once; MENTUM_FUZZ is the number of inputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fuzz.cases import Case, Ground
from fuzz.corpus import FAILED_ONCE, FAMILIES, corpus
from fuzz.judging import Ending, judge, says_what_to_do
from fuzz.options import in_order, options

NUMBER = os.environ.get("MENTUM_FUZZ", "60")
ROOT = Path(__file__).resolve().parents[2]


def test_hostile_inputs_end_in_a_sentence(trained_data: Path, trained_run: Path, released: Path) -> None:
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
    command = [
        sys.executable,
        "-m",
        "fuzz",
        "--count",
        NUMBER,
        "--ground",
        *map(str, (trained_data, trained_run, released)),
    ]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["inputs"] >= int(NUMBER)


# The corpus


def test_the_corpus_is_the_same_again_and_every_trick_has_its_share() -> None:
    cases = corpus()
    assert (len(cases), len(set(cases))) == (2000, 2000)
    assert corpus() == cases
    assert {(case.family, case.trick) for case in corpus(600)} == {
        (family, trick) for family, (_, tricks) in FAMILIES.items() for trick in tricks
    }


def test_every_command_has_a_line_without_fault(
    trained_data: Path, trained_run: Path, released: Path, tmp_path: Path
) -> None:
    for number, command in enumerate(options()):
        folder = tmp_path / str(number)
        folder.mkdir()
        place = Case("options", "words", 0).place(folder, Ground(trained_data, trained_run, released), seed=0)
        assert in_order(place, command)[0] == command


def test_inputs_that_failed_once_are_still_known() -> None:
    for name in FAILED_ONCE:
        case = Case.named(name)
        assert case.trick in FAMILIES[case.family][1]
        assert str(case) == name


@pytest.mark.parametrize("name", ["images/flipped_bytes/3", "tables/quotes/1", "recipes/recipe_lines/0"])
def test_a_name_and_a_seed_make_the_same_input(
    trained_data: Path, trained_run: Path, released: Path, tmp_path: Path, name: str
) -> None:
    made = []
    for seed, folder in ((0, tmp_path / "a"), (0, tmp_path / "b"), (1, tmp_path / "c")):
        folder.mkdir()
        case = Case.named(name)
        FAMILIES[case.family][1][case.trick](case.place(folder, Ground(trained_data, trained_run, released), seed))
        made.append({path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()})
    assert made[0] == made[1] != made[2]


# The judge


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("a.csv: found no rows, expected one per image; give a table with rows.", True),
        ("a.csv: damaged (CRC error). Copy it again, or remove it.", True),
        ("stage3: unknown key; did you mean 'stage2'?", True),
        ("pixels.size: found 8, input should be greater than or equal to 32", False),
        ("a.csv: found the name of a use of it", False),
        ("a.csv: No such file or directory.", False),
    ],
)
def test_a_message_that_says_what_to_do(message: str, says: bool) -> None:
    assert says_what_to_do(message) is says


def _ending(code: int = 0, out: str = "", err: str = "", busy: float = 0, mebibytes: int = 0) -> Ending:
    return Ending(code, out, err, busy, busy, mebibytes)


@pytest.mark.parametrize(
    ("ending", "faults"),
    [
        (_ending(), []),
        (_ending(2, err="mentum: a: found b; give c."), []),
        (_ending(2), ["silent"]),
        (_ending(1, err="Traceback (most recent call last):\n  x\nKeyError: 1"), ["traceback"]),
        (_ending(2, err="mentum: [Errno 28] x; make room."), ["traceback"]),
        (_ending(2, err="mentum: cannot be read (ValueError: x); give y."), ["traceback"]),
        (_ending(-11), ["exit code"]),
        (_ending(busy=99), ["hang"]),
        (_ending(mebibytes=9999), ["memory"]),
    ],
)
def test_faults_of_an_ending(ending: Ending, faults: list[str]) -> None:
    assert judge("check", ending, seconds=20, mebibytes=1500).faults == faults


def test_errors_of_check_are_messages_too() -> None:
    faults = [{"severity": "error", "message": "x"}, {"severity": "warning", "message": "y"}]
    verdict = judge("check", _ending(2, out=json.dumps({"faults": faults})), seconds=20, mebibytes=1500)
    assert (verdict.faults, verdict.messages, verdict.without_act) == ([], ["x"], ["x"])
