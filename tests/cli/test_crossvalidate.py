"""Tests of the command line: `mentum crossvalidate`, in this process, with networks of two small blocks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mentum.evaluation import cross_validation, scores
from mentum.evaluation.cross_validation import CrossValidation
from mentum.evaluation.intervals import bootstrap_interval, bootstrap_intervals
from mentum.evaluation.results import CalibrationReport
from mentum.studies import read_study
from mentum.taxonomy import Rank
from support.command_line import Command, Outcome, call, sets
from support.drawn_data import TAXA, write_drawn
from support.tiny_lessons import tiny_backbone

SHORT = sets("stage1.epochs=2", "stage2.epochs=2")


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """A twentieth of the draws: intervals have tests of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cross_validation, "bootstrap_interval", partial(bootstrap_interval, n_resamples=50))
        patch.setattr(scores, "bootstrap_intervals", partial(bootstrap_intervals, n_resamples=50))
        yield


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in which no sentence breaks."""
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four specimens of each of four taxa with two images each, caught in two traps; one taxon in one trap only."""
    folder = write_drawn(tmp_path_factory.mktemp("crossvalidation") / "data", per_taxon=(4, 4, 4, 4), views=2)
    frame = pl.read_csv(folder / "specimens.csv")
    traps = [
        "Müggelsee/Nord" if name[0] == "3" or int(name[-1]) % 2 else "Müggelsee/Süd" for name in frame["catalogNumber"]
    ]
    frame.with_columns(trap=pl.Series(traps)).write_csv(folder / "specimens.csv")
    return folder


def options(data: Path, out: Path, design: Sequence[object] = ("--folds", 2)) -> Sequence[object]:
    cache = data.parent / "cache"
    return (data, "--out", out, *design, "--recipe", "quick", "--seed", 3, "--cache", cache, "--log", "quiet")


@pytest.fixture(scope="module")
def done(data: Path) -> tuple[Path, Outcome]:
    """Two folds in both stages, and what the command said."""
    out = data.parent / "study"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "160")
        return out, call("crossvalidate", *options(data, out), "--stage", 2, *SHORT)


@pytest.fixture
def out(done: tuple[Path, Outcome], tmp_path: Path) -> Path:
    """A copy of what the command left, to be written into."""
    shutil.copytree(done[0], tmp_path / "study")
    return tmp_path / "study"


# Both stages


def test_a_table_is_printed(done: tuple[Path, Outcome], data: Path) -> None:
    _, found = done
    assert (found.code, found.err) == (0, "")
    lines = [" ".join(line.split()) for line in found.out.splitlines()]
    assert lines[0] == (f"{data}: 32 images of 16 specimens, 2 folds by specimen, both stages, backbone random")
    assert "rank by wrong accuracy % balanced % macro F1 % top 3 %" in lines
    for rank in ("species", "genus", "subfamily"):
        assert any(line.startswith(f"{rank} image ") and " of 32 " in line for line in lines)
        assert any(line.startswith(f"{rank} specimen ") and " of 16 " in line for line in lines)
    assert any(line.startswith("Up the tree (32 images): precision ") for line in lines)
    assert any(line.startswith("Probabilities: 32 images of 16 specimens; each fold judged by what") for line in lines)
    assert "asked for at most 5.0% wrong, by specimen: " in found.out


def test_everything_is_written_and_nothing_besides(done: tuple[Path, Outcome], data: Path) -> None:
    folder, _ = done
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) == [
        "calibration.json", "crossvalidation.json", "folds", "folds/1.parquet", "folds/2.parquet",
        "out_of_fold.parquet", "study.json",
    ]  # fmt: skip
    found, calibration = (
        CrossValidation.read(folder / "crossvalidation.json"),
        CalibrationReport.read(folder / "calibration.json"),
    )
    assert (found.design, found.stage, found.backbone, found.seed) == ("2 folds by specimen", 2, "random", 3)
    assert [each.rank for each in found.ranks if each.unit == "image"] == [Rank.SPECIES, Rank.GENUS, Rank.SUBFAMILY]
    assert [(each.name, each.n_images, each.n_specimens) for each in found.folds] == [("1", 16, 8), ("2", 16, 8)]
    assert [(each.n_train, each.n_validation) for each in found.folds] == [(8, 8), (8, 8)]
    assert (calibration.n_images, calibration.n_specimens) == (32, 16)
    study = read_study(folder)
    assert (study.design, study.stage, study.settings.stage2.epochs) == ("2 folds by specimen", 2, 2)
    assert study.command.startswith(f"mentum crossvalidate {data} --out {folder} --folds 2")


def test_the_kept_predictions_have_the_accuracy_that_is_reported(done: tuple[Path, Outcome], data: Path) -> None:
    folder, _ = done
    frame = pl.read_parquet(folder / "out_of_fold.parquet")
    table = pl.read_csv(data / "specimens.csv")
    assert frame["file_name"].to_list() == table["file_name"].to_list()
    assert frame["specimen"].to_list() == table["catalogNumber"].to_list()
    assert frame.group_by("specimen").agg(pl.col("fold").n_unique())["fold"].max() == 1
    said = [TAXA[row.argmax()] for row in frame["tree"].to_numpy()]
    accuracy = np.mean([one == other for one, other in zip(said, table["scientificName"], strict=True)])
    species = CrossValidation.read(folder / "crossvalidation.json").ranks[0]
    assert species.accuracy.value == pytest.approx(accuracy)


def test_the_same_command_again_trains_nothing(
    mentum_: Command, out: Path, done: tuple[Path, Outcome], data: Path
) -> None:
    before = {file.name: file.read_bytes() for file in out.glob("*.*")}
    again = mentum_("crossvalidate", *options(data, out), "--stage", 2, *SHORT, "--log", "json")
    assert again == done[1]  # without a step
    assert {file.name: file.read_bytes() for file in out.glob("*.*")} == before


def test_as_json(mentum_: Command, out: Path, data: Path) -> None:
    found = mentum_("crossvalidate", *options(data, out), *SHORT, "--json", "--error-rate", 0.2, "--log", "json")
    assert (found.code, found.err) == (0, "")
    assert json.loads(found.out) == json.loads((out / "crossvalidation.json").read_text(encoding="utf-8"))
    assert CrossValidation.model_validate_json(found.out).n_images == 32
    rates = {each.error_rate for each in CalibrationReport.read(out / "calibration.json").defended}
    assert rates == {0.01, 0.05, 0.1, 0.2}


def test_killed_in_between_it_goes_on_to_the_same_predictions(
    mentum_: Command, out: Path, done: tuple[Path, Outcome], data: Path
) -> None:
    for name in ("folds/2.parquet", "out_of_fold.parquet", "crossvalidation.json", "calibration.json"):
        (out / name).unlink()
    again = mentum_("crossvalidate", *options(data, out), *SHORT)
    assert again == done[1]
    for name in ("out_of_fold.parquet", "crossvalidation.json", "calibration.json"):
        assert (out / name).read_bytes() == (done[0] / name).read_bytes()


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (("--seed", 4), "seed: 3 / 4"),
        (("--folds", 3), "design"),
        (("--stage", 1), "stage"),
        (("--set", "stage2.epochs=9"), "stage2.epochs: 2 / 9"),
    ],
    ids=["seed", "folds", "stage", "setting"],
)
def test_another_cross_validation_in_the_same_folder_is_refused(
    mentum_: Command, out: Path, data: Path, more: Sequence[object], reason: str
) -> None:
    found = mentum_("crossvalidate", *options(data, out), *SHORT, *more)
    assert (found.code, found.out) == (2, "")
    assert found.err == (
        f"mentum: {out}: holds an earlier study that differs in {reason}; give the same command to go on with it, or "
        "another --out.\n"
    )


# The top classifier alone, by groups


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny backbone, as if it had been trained elsewhere."""
    folder = tmp_path_factory.mktemp("backbones") / "tiny"
    tiny_backbone().save(folder)
    return folder


def test_each_trap_is_judged_in_turn(mentum_: Command, tmp_path: Path, data: Path, backbone: Path) -> None:
    out = tmp_path / "study"
    by_trap = options(data, out, ("--leave-out", "trap"))
    found = mentum_("crossvalidate", *by_trap, *SHORT, "--stage", 1, "--backbone", backbone)
    assert (found.code, found.err) == (0, "")
    assert (
        f"{data}: 32 images of 16 specimens, each trap judged in turn, top classifier on features of the frozen "
        f"backbone, backbone {backbone}\n" in found.out
    )
    note = "fold Müggelsee/Nord: Orthocladius (8 images) is not in its training, so that these count as wrong"
    assert note in found.out
    assert len(list((out / "folds").iterdir())) == 2
    frame = pl.read_parquet(out / "out_of_fold.parquet")
    assert frame["fold"].to_list() == pl.read_csv(data / "specimens.csv")["trap"].to_list()
    assert CrossValidation.read(out / "crossvalidation.json").unseen == (note,)
    assert frame.filter(pl.col("specimen").str.starts_with("3"))["tree"].to_numpy()[:, 3].max() < 1e-20


def test_an_unknown_column_is_one_sentence(mentum_: Command, tmp_path: Path, data: Path) -> None:
    found = mentum_("crossvalidate", *options(data, tmp_path / "study", ("--leave-out", "lake")), *SHORT)
    assert (found.code, found.out) == (2, "")
    assert (
        found.err
        == f"mentum: {data}: has no column lake, expected one of scientificName, specimen, trap; give one of these.\n"
    )
    assert not (tmp_path / "study").exists()


def test_more_folds_than_specimens(mentum_: Command, tmp_path: Path, data: Path) -> None:
    found = mentum_("crossvalidate", *options(data, tmp_path / "study"), *SHORT, "--folds", 17)
    assert (found.code, found.out) == (2, "")
    assert found.err == (f"mentum: {data}: has 16 specimens, expected 17 or more for 17 folds; give fewer --folds.\n")
    assert not (tmp_path / "study").exists()


def test_folds_and_groups_are_two_designs(mentum_: Command, tmp_path: Path, data: Path) -> None:
    found = mentum_("crossvalidate", *options(data, tmp_path / "study"), *SHORT, "--leave-out", "trap")
    assert (found.code, found.out) == (2, "")
    assert found.err == (
        "mentum: --folds 2, --leave-out trap: found both, expected one; the groups of a column are the folds; "
        "give one of the two.\n"
    )
    assert not (tmp_path / "study").exists()


def test_a_random_network_has_no_features_worth_learning_from(mentum_: Command, tmp_path: Path, data: Path) -> None:
    found = mentum_("crossvalidate", *options(data, tmp_path / "study"), *SHORT, "--stage", 1)
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith("mentum: backbone.source: found random, expected pretrained weights for --stage 1: ")
    assert found.err.count("\n") == 1


def test_what_that_message_advises_can_be_done(mentum_: Command, tmp_path: Path, data: Path) -> None:
    """It says --stage 2, which is another study: the refused one must not have taken the folder."""
    mentum_("crossvalidate", *options(data, tmp_path / "study"), *SHORT, "--stage", 1)
    assert not (tmp_path / "study").exists()


def test_a_folder_of_something_else_stays_as_it_is(mentum_: Command, tmp_path: Path, data: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    found = mentum_("crossvalidate", *options(data, tmp_path), *SHORT)
    assert (found.code, found.out) == (2, "")
    assert found.err == f"mentum: {tmp_path}: found other files, expected a new or empty folder; give another --out.\n"
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    "wrong", [("--folds", 1), ("--stage", 3), ("--jobs", 0), ("--error-rate", 0.9)], ids=lambda pair: pair[0]
)
def test_faults_of_usage(mentum_: Command, tmp_path: Path, data: Path, wrong: Sequence[object]) -> None:
    found = mentum_("crossvalidate", *options(data, tmp_path / "study"), *wrong)
    assert (found.code, found.out) == (2, "")
    assert str(wrong[0]) in found.err
    assert not (tmp_path / "study").exists()
