"""Tests of the images that go with a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mentum.model.folder import Model
from mentum.model.samples import sample_rows
from mentum.runs import Run
from mentum.taxonomy import Rank


def test_samples_are_copies_of_held_out_images_with_their_answers(released: Path, trained_run: Path) -> None:
    run = Run.open(trained_run)
    *_, predictions = run.predictions()
    held_out = {
        (Path(run.record().data.source) / predictions.file_names[row]).read_bytes(): row
        for row in np.flatnonzero(predictions.subsets != "train").tolist()
    }
    samples = Model.open(released).record.samples
    assert [sample.file for sample in samples] == [f"samples/{number}.png" for number in (1, 2, 3, 4)]
    for sample in samples:
        row = held_out[(released / sample.file).read_bytes()]
        assert sample.label == predictions.labels[row].name
        assert sample.probabilities["tree"] == pytest.approx(predictions.probabilities[Rank.SPECIES][row], abs=1e-5)
        assert sample.novelty is not None
    assert len({sample.label for sample in samples}) == 4


def test_samples_of_separate_networks_have_the_answers_of_each(separate_model: Path) -> None:
    for sample in Model.open(separate_model).record.samples:
        assert {name: len(values) for name, values in sample.probabilities.items()} == {"species": 4, "subfamily": 2}


SUBSETS = np.array(["train", "test", "validation", "test", "train", "test"])
LABELS = ["a", "b", "a", "a", "c", "c"]


@pytest.mark.parametrize(("wanted", "rows"), [(0, []), (1, [2]), (2, [2, 5]), (3, [2, 1, 5]), (9, [2, 1, 5])])
def test_samples_are_spread_over_the_taxa(wanted: int, rows: list[int]) -> None:
    assert sample_rows(SUBSETS, LABELS, wanted) == rows


def test_samples_of_a_run_without_held_out_images() -> None:
    assert sample_rows(np.array(["train"] * 3), ["b", "a", "a"], 5) == [1, 0]
