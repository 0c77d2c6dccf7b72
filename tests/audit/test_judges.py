"""Tests of reading a cross-validation's predictions: in the order of the table, and of nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mentum.audit.judges import read_out_of_fold
from mentum.calibration.out_of_fold import OutOfFold
from mentum.errors import RunError
from mentum.runs import OUT_OF_FOLD
from mentum.specimens.manifest import SpecimenTable, read_specimens
from support.data_sets import Row, write_data_set

Y_PROB = np.array([[0.75, 0.25], [0.5, 0.5], [0, 1]], dtype=np.float32)


@pytest.fixture
def table(tmp_path: Path) -> SpecimenTable:
    taxa = ("Aus albus", "Aus niger", "Aus niger")
    return read_specimens(
        write_data_set(tmp_path / "set", [Row(f"{n}.png", taxon, f"s{n}") for n, taxon in enumerate(taxa)])
    )


def write(folder: Path, names: list[str], model: str = "tree") -> Path:
    specimens, ones = [f"s{name[0]}" for name in names], ["1"] * len(names)
    OutOfFold(names, specimens, ones, {}, {}, {model: Y_PROB[: len(names)]}).write(folder / OUT_OF_FOLD)
    return folder


@pytest.mark.parametrize("model", ["tree", "species"])
def test_predictions_come_by_network(table: SpecimenTable, tmp_path: Path, model: str) -> None:
    cases = read_out_of_fold(write(tmp_path, table.file_names, model), table)

    assert [*cases.log_prob] == [model]
    np.testing.assert_allclose(np.exp(cases.log_prob[model]), Y_PROB, atol=1e-6)
    assert cases.specimens.tolist() == ["s0", "s1", "s2"]
    assert [label.name for label in cases.labels] == ["Aus albus", "Aus niger", "Aus niger"]


@pytest.mark.parametrize("names", [["0.png", "1.png"], ["0.png", "2.png", "1.png"]])
def test_predictions_of_other_images_are_refused(table: SpecimenTable, tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(RunError, match="lists other images than"):
        read_out_of_fold(write(tmp_path, names), table)


def test_a_damaged_file_is_refused(table: SpecimenTable, tmp_path: Path) -> None:
    (tmp_path / OUT_OF_FOLD).write_bytes(b"PAR1 and no more")
    with pytest.raises(RunError, match=r"not readable \("):
        read_out_of_fold(tmp_path, table)
