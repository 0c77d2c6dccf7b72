"""Tests of damaged maps, studies, folds and checkpoints: a sentence, the same again, or as if there were none."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from mentum.calibration.out_of_fold import OutOfFold, read_fold
from mentum.explanation.gathering import read_maps
from mentum.reporting.report.studies import find_studies
from mentum.runs import Run, write_parquet
from mentum.studies import read_study
from mentum.taxonomy import Rank
from mentum.training.stages import restore_state, save_state
from support.damages import (
    Damage,
    cut,
    empty,
    in_a_sentence,
    make_folder,
    make_noise,
    make_pipe,
    overwrite,
    replace_by_another,
)
from support.runs_by_hand import make_run
from support.studies_by_hand import write_validation
from support.tiny_lessons import tiny_lesson, tiny_network

DAMAGES: tuple[Damage, ...] = (cut, empty, overwrite, make_noise, replace_by_another, make_pipe, make_folder)
every_damage = pytest.mark.parametrize("damage", DAMAGES, ids=lambda each: each.__name__)
NOTHING = "none"
"""What a reader says where there is no such file."""


def answer(damage: Damage, file: Path, read: Callable[[], object]) -> object:
    """What is read from a damaged file; the sentence about it must name it."""
    damage(file, random.Random(f"{file.name} {damage.__name__}"))  # noqa: S311 - of a test
    found: list[object] = []
    said = in_a_sentence(lambda: found.append(read()))
    assert not said or file.name in said or file.parent.name in said
    return said or found[0]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path / "run")


# Maps


def write_maps(run: Run, **changes: object) -> Path:
    names = run.table()["file_name"].to_list()
    relevance = np.random.default_rng(0).normal(size=(len(names), 4, 4)).astype(np.float32)
    arrays = {"file_name": np.array(names), "relevance": relevance, "size": 64, "stride": 16.0, "offset": 7.5}
    file = run.relevance_folder / "species.npz"
    file.parent.mkdir(exist_ok=True)
    np.savez(file, **(arrays | changes))  # type: ignore[arg-type]
    return file


def maps_of(run: Run) -> object:
    found = read_maps(run, Rank.SPECIES)
    return NOTHING if found is None else {name: each.tolist() for name, each in found.relevance.items()}


@every_damage
def test_damaged_maps(run: Run, damage: Damage) -> None:
    file = write_maps(run)
    unharmed = maps_of(run)
    found = answer(damage, file, lambda: maps_of(run))
    assert isinstance(found, str) or found == unharmed
    assert found != NOTHING or damage in {make_pipe, make_folder}  # as if nothing had been explained


@pytest.mark.parametrize(
    "changes",
    [
        {"relevance": np.full((12, 4, 4), np.nan, np.float32)},
        {"relevance": np.zeros((12, 4, 5), np.float32)},
        {"relevance": np.zeros((12, 4, 4), bool)},
        {"stride": 0.0},
        {"size": -1},
        {"offset": np.inf},
        {"size": np.array([64, 64])},
        {"file_name": np.array(["image-00.png"] * 12)},
        {"file_name": np.array([f"other-{number}.png" for number in range(12)])},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_maps_of_no_numbers_or_of_other_images(run: Run, changes: dict[str, object]) -> None:
    file = write_maps(run, **changes)
    said = in_a_sentence(lambda: maps_of(run))
    assert said.startswith(f"{file}: not readable as maps (")
    assert said.endswith("; run `mentum explain` again.")


# Studies and folds


@every_damage
@pytest.mark.parametrize("name", ["study.json", "crossvalidation.json", "out_of_fold.parquet"])
def test_a_damaged_study(run: Run, tmp_path: Path, name: str, damage: Damage) -> None:
    folder = write_validation(tmp_path / "folds", run)

    def read() -> object:
        (study,) = find_studies(run, [folder]).cross_validations
        rows = OutOfFold.read(folder / "out_of_fold.parquet", "give it again")
        return read_study(folder), study.record, rows.file_names, rows.right, rows.y_prob["tree"].tolist()

    unharmed = read()
    found = answer(damage, folder / name, read)
    assert isinstance(found, str) or found == unharmed


def write_fold(folder: Path, y_prob: np.ndarray) -> Path:
    names = [f"{number}.png" for number in range(len(y_prob))]
    file = folder / "folds" / "1.parquet"
    tree = pl.Series(y_prob, dtype=pl.Array(pl.Float32, 3))
    write_parquet(pl.DataFrame({"file_name": names, "subset": ["test"] * len(names), "tree": tree}), file)
    return file


@every_damage
def test_a_damaged_fold(tmp_path: Path, damage: Damage) -> None:
    drawn = np.random.default_rng(0).dirichlet(np.ones(3), 200).astype(np.float32)
    file = write_fold(tmp_path, drawn)

    def read() -> object:
        frame = read_fold(file, ("file_name", "subset"))
        return frame.to_dict(as_series=False)

    unharmed = read()
    found = answer(damage, file, read)
    assert isinstance(found, str) or found == unharmed


@pytest.mark.parametrize("row", [[np.nan, 0.5, 0.5], [0.9, 0.9, 0.1], [-0.5, 1.0, 0.5], [np.inf, 0, 0], [0, 0, 0]])
def test_a_fold_of_no_probabilities(tmp_path: Path, row: list[float]) -> None:
    file = write_fold(tmp_path, np.array([[1, 0, 0], row], np.float32))
    said = in_a_sentence(lambda: read_fold(file, ("file_name", "subset")))
    assert said.startswith(f"{file}: not readable (found values in tree that are no probabilities")


# Checkpoints


@every_damage
def test_a_damaged_checkpoint(tmp_path: Path, damage: Damage) -> None:
    lesson, network = tiny_lesson(tmp_path / "stage2"), tiny_network()
    lesson.checkpoint.parent.mkdir()
    save_state(lesson, network, torch.optim.AdamW(network.parameters()), [])
    unharmed = {name: tensor.tolist() for name, tensor in network.state_dict().items()}

    def read() -> object:
        fresh = tiny_network()
        restore_state(lesson, fresh, torch.optim.AdamW(fresh.parameters()))
        return {name: tensor.tolist() for name, tensor in fresh.state_dict().items()}

    found = answer(damage, lesson.checkpoint, read)
    assert found == unharmed or (
        isinstance(found, str) and found.endswith("remove it and give the same command again.")
    )


def test_what_keeps_no_state_writes_nothing(tmp_path: Path) -> None:
    lesson, network = replace(tiny_lesson(tmp_path), kept=False), tiny_network()
    save_state(lesson, network, torch.optim.AdamW(network.parameters()), [])
    assert list(tmp_path.iterdir()) == []
