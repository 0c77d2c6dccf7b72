"""Tests of what crosses a split that the user gave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import mentum
from mentum.errors import DataError
from mentum.names import taxon_from_name
from mentum.records import Fault, Severity, ignore_progress
from mentum.settings import Settings, load_settings
from mentum.specimens.crossings import (
    CODE,
    alike_crossing,
    alike_faults,
    find_crossing,
    group_by,
    known_crossings,
    split_faults,
)
from mentum.specimens.manifest import SpecimenTable
from mentum.specimens.splits import given_subsets
from mentum.taxonomy import Taxon
from mentum.training.preparation import prepare
from support.awkward_images import write_plain

SUBSETS = ["train", "test", "train", "validation", "test", ""]
NAMES = [f"{number}.png" for number in range(6)]


def table_of(split: list[str | None], **columns: list[str | None]) -> SpecimenTable:
    label = taxon_from_name("Aus bus")
    assert isinstance(label, Taxon)
    n = len(split)
    given = {"file_name": [f"{number}.png" for number in range(n)], "split": split} | columns
    given.setdefault("specimen", [f"S{number}" for number in range(n)])
    frame = pl.DataFrame({name: pl.Series(values, dtype=pl.String) for name, values in given.items()})
    return SpecimenTable(Path("t.csv"), Path(), frame, (label,) * n, True, ())


def test_groups_pairs_and_sides_are_counted_by_hand() -> None:
    found = find_crossing("images of one thing", [[0, 1, 2], [3, 4], [0, 2], [1, 5]], SUBSETS, NAMES)
    assert (found.n_groups, found.n_crossing, found.n_pairs) == (3, 2, 3)  # image 5 stands in no subset
    assert found.sides == {"train and test": 2, "validation and test": 1}
    assert found.worst[0] == {"train": ("0.png", "2.png"), "test": ("1.png",)}
    assert found.sentence == (
        "2 of 3 groups of images of one thing stand on several sides of the split (3 pairs: 2 train and test, 1 "
        "validation and test), such as 0.png (train) and 1.png (test) with 1 more; 3.png (validation) and 4.png (test)."
    )


def test_pairs_of_photographs_count_as_such_and_hang_together_in_groups() -> None:
    found = alike_crossing(np.array([[0, 2], [2, 4], [1, 4], [3, 5]]), SUBSETS, NAMES)
    assert (found.n_groups, found.n_crossing, found.n_pairs) == (1, 1, 1)  # 2 and 4; 3 is alone beside an unplaced one
    assert found.worst == ({"train": ("0.png", "2.png"), "test": ("1.png", "4.png")},)


def test_nothing_crosses() -> None:
    found = find_crossing("images of one thing", [[0, 2]], SUBSETS, NAMES)
    assert found.sentence == "none of 1 groups of images of one thing stands on several sides of the split."


def test_empty_keys_are_no_groups() -> None:
    assert group_by(["a", "", None, "a", "", "b"]) == [[0, 3]]


def test_many_images_are_grouped_in_seconds() -> None:
    rng = np.random.default_rng(0)
    subsets = rng.choice(["train", "test"], 100_000).tolist()
    names = [str(number) for number in range(100_000)]
    found = find_crossing("x", group_by(map(str, rng.integers(0, 10, 100_000).tolist())), subsets, names)
    assert found.n_crossing == 10
    assert len(found.worst[0]["train"]) == 10


@pytest.mark.parametrize("split", [[None, None], ["", "fold 1"]])
def test_without_a_split_nothing_is_said(split: list[str | None]) -> None:
    table = table_of(split)
    assert given_subsets(table) is None
    assert split_faults(table, ["x", "x"]) == []


def test_a_subset_that_is_none_is_counted() -> None:
    faults = split_faults(table_of(["train", "dev", None, "dev", "Test"]), [""] * 5)
    (fault,) = faults
    assert (fault.code, fault.severity) == ("no-subset", Severity.WARNING)
    assert fault.message.startswith("3 images stand in no subset (found 'dev' (2), '' (1)); expected train,")


@pytest.mark.parametrize(
    ("dates", "crossing"),
    [
        (["2020-05-01", "2020-05-01T13:00", "2020-05-02"], 1),
        (["1.5.2020", "1.5.2020", "2.5.2020"], 1),
        (["2020-05-01", "2020-05-02", "2020-05-03"], 0),
        (["2020", "2020", "2020"], 0),
        ([None, None, None], 0),
    ],
)
def test_sessions_are_a_day_at_a_place(dates: list[str | None], crossing: int) -> None:
    table = table_of(["train", "test", "train"], eventDate=dates, locality=["Drina", "Drina", "Drina"])
    found = [each for each in known_crossings(table, ["train", "test", "train"]) if "session" in each.what]
    assert sum(each.n_crossing for each in found) == crossing
    assert all(each.what == "images of one session (eventDate, locality)" for each in found)


def test_another_photographer_is_another_session() -> None:
    columns = {"eventDate": ["2020-05-01"] * 2, "locality": ["Drina"] * 2, "recordedBy": ["A", "B"]}
    assert not any(
        each.n_crossing for each in known_crossings(table_of(["train", "test"], **columns), ["train", "test"])
    )


def test_days_alone_are_no_session() -> None:
    table = table_of(["train", "test"], eventDate=["2020-05-01"] * 2)
    assert known_crossings(table, ["train", "test"]) == []


def test_a_photograph_saved_again_is_found_by_its_looks() -> None:
    rng = np.random.default_rng(1)
    pixels = np.kron(rng.integers(0, 200, (3, 8, 8, 3)), np.ones((1, 8, 8, 1))).astype(np.uint8)
    pixels[2] = pixels[0] + 20
    (fault,) = alike_faults(table_of(["train", "train", "test"]), pixels)
    assert fault.code == CODE
    assert "1 of 1 groups of photographs that look alike stand on several sides of the split" in fault.message
    assert "such as 0.png (train) and 2.png (test)." in fault.message
    assert alike_faults(table_of(["train"] * 3), pixels) == []


# Whole data sets


@pytest.fixture
def data(tmp_path: Path) -> Callable[..., Path]:
    """Two taxa of six images; 0 and 5 have the same bytes. Rows say specimen and subset."""

    def write(*, by_folders: bool, one_specimen: bool) -> Path:
        rows = []
        for number in range(12):
            taxon, subset = ("Aus bus", "Cus dus")[number // 6], ("train", "validation", "test")[number % 3]
            file = f"{subset}/{taxon}/{number}.png" if by_folders else f"{number}.png"
            write_plain(tmp_path / file, seed=0 if number == 5 else number)
            specimen = "S0" if one_specimen and number == 4 else f"S{number}"
            rows.append(f"{file},{taxon},{specimen},{subset}")
        if not by_folders:
            text = "file_name,label,specimen,split\n" + "\n".join(rows) + "\n"
            (tmp_path / "specimens.csv").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def crossing(faults: tuple[Fault, ...]) -> list[str]:
    return [fault.message for fault in faults if fault.code == CODE]


@pytest.mark.parametrize("by_folders", [False, True])
def test_check_says_first_what_crosses(data: Callable[..., Path], by_folders: bool) -> None:
    faults = mentum.check(data(by_folders=by_folders, one_specimen=False)).faults
    assert faults[0].code == CODE
    (said,) = crossing(faults)
    assert said.startswith(
        "1 of 1 groups of images with the same bytes stand on several sides of the split (1 pair: 1 "
    )


def test_check_says_which_specimens_cross(data: Callable[..., Path]) -> None:
    _, said = crossing(mentum.check(data(by_folders=False, one_specimen=True)).faults)
    assert said.startswith("1 of 1 groups of images of one specimen stand on several sides of the split (1 pair: 1 ")


def settings(policy: str) -> Settings:
    chosen = load_settings("quick")
    return chosen.model_copy(update={"split": chosen.split.model_copy(update={"policy": policy})})


def test_training_repeats_what_crosses_where_it_uses_the_split(data: Callable[..., Path], tmp_path: Path) -> None:
    folder = data(by_folders=False, one_specimen=False)
    warnings = prepare(folder, settings("column"), tmp_path / "cache", ignore_progress).warnings
    assert warnings[0].startswith("split: 1 of 1 groups of images with the same bytes")
    assert any("photographs that look alike" in each for each in warnings[1:])
    other = prepare(folder, settings("random"), tmp_path / "cache", ignore_progress).warnings
    assert not any(each.startswith("split:") for each in other)


def test_training_refuses_one_specimen_on_two_sides_as_ever(data: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="puts images of one specimen on two sides"):
        prepare(data(by_folders=False, one_specimen=True), settings("column"), tmp_path / "cache", ignore_progress)
