"""Tests of the comparison of runs and cross-validations: the right images, and what the reader must know."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from mentum.errors import RunError
from mentum.evaluation.run_comparison import compare_folders
from mentum.runs import OUT_OF_FOLD
from mentum.settings import load_settings
from mentum.studies import Study
from support.out_of_fold_by_hand import write_answers


def write_study(
    folder: Path, right: dict[str, bool | None], specimens: dict[str, str] | None = None, of: str = "2"
) -> Path:
    """A complete cross-validation with given answers at species."""
    folder.mkdir()
    study = Study(
        mentum="0", design="2 folds by specimen", stage=1, settings=load_settings("quick"), table_hash="1",
        content_hash=of, command="",
    )  # fmt: skip
    study.write(folder / "study.json")
    names = list(right)
    write_answers(folder, names, [(specimens or {}).get(name, name) for name in names], list(right.values()))
    return folder


def test_images_are_paired_by_their_name(tmp_path: Path) -> None:
    a = write_study(tmp_path / "a", {"1": True, "2": False, "3": False, "4": True})
    b = write_study(tmp_path / "b", {"4": True, "3": True, "2": True, "1": False})

    found = compare_folders(a, b).ranks[0]

    assert (found.rank, found.comparison.n_images) == ("species", 4)
    assert (found.comparison.only_a, found.comparison.only_b, found.better) == (1, 2, None)
    assert found.comparison.difference == pytest.approx(0.25)


def test_a_clear_difference_has_a_winner(tmp_path: Path) -> None:
    names = [str(number) for number in range(12)]
    a, b = (
        write_study(tmp_path / "a", dict.fromkeys(names, False)),
        write_study(tmp_path / "b", dict.fromkeys(names, True)),
    )

    assert (compare_folders(a, b).ranks[0].better, compare_folders(b, a).ranks[0].better) == ("b", "a")


def test_images_that_one_of_them_lacks_are_left_out_and_named(tmp_path: Path) -> None:
    a = write_study(tmp_path / "a", {"1": True, "2": False, "3": None})
    b = write_study(tmp_path / "b", {"1": True, "3": True})

    found = compare_folders(a, b)

    assert found.ranks[0].comparison.n_images == 1  # the label of "3" leaves the rank open
    assert found.notes == ("a: 1 held-out images are not held out by the other and were left out.",)


def test_nothing_in_common_is_refused(tmp_path: Path) -> None:
    a, b = write_study(tmp_path / "a", {"1": True}), write_study(tmp_path / "b", {"2": True})

    with pytest.raises(RunError, match=r"no image was held out by both at a rank that both report; expected"):
        compare_folders(a, b)


def test_other_images_under_the_same_names_are_a_caution(tmp_path: Path) -> None:
    a, b = write_study(tmp_path / "a", {"1": True}), write_study(tmp_path / "b", {"1": True}, of="3")

    assert (
        compare_folders(a, b)
        .notes[0]
        .startswith("The two data sets hold other images. Images of the same file name were")
    )
    assert compare_folders(a, a).notes == ()


def test_images_of_different_specimens_are_refused(tmp_path: Path) -> None:
    a = write_study(tmp_path / "a", {"1": True}, {"1": "x"})
    b = write_study(tmp_path / "b", {"1": True}, {"1": "y"})

    with pytest.raises(RunError, match=r"1 images \(1 is the first\) belong to different specimens"):
        compare_folders(a, b)


def test_an_incomplete_cross_validation_is_refused(tmp_path: Path) -> None:
    a = write_study(tmp_path / "a", {"1": True})
    (a / OUT_OF_FOLD).unlink()

    with pytest.raises(
        RunError, match=r"found no out_of_fold.parquet, expected a run or a complete cross-validation; give the same"
    ):
        compare_folders(a, a)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda file: file.write_bytes(b"PAR1 and no more"), r"not readable \(.*\)"),
        (lambda file: pl.read_parquet(file).drop("specimen").write_parquet(file), "found no column specimen, expected"),
        (lambda file: pl.read_parquet(file).drop("tree").write_parquet(file), "found no probabilities, expected"),
        (lambda file: pl.concat([pl.read_parquet(file)] * 2).write_parquet(file), "found 1 images more than once"),
    ],
    ids=["bytes", "column", "probabilities", "rows"],
)
def test_damaged_predictions_are_refused(tmp_path: Path, damage: Callable[[Path], object], message: str) -> None:
    a = write_study(tmp_path / "a", {"1": True})
    damage(a / OUT_OF_FOLD)
    with pytest.raises(RunError, match=f"{message}.*; give the same `mentum crossvalidate` command again.$"):
        compare_folders(a, a)
