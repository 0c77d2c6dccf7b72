"""Tests of the learning curve: nested steps, each image judged once, forecasts of curves that are known."""

from __future__ import annotations

import numpy as np
import pytest

from mentum.evaluation.learning_curve import follow, follow_curve
from mentum.settings import load_settings
from mentum.specimens.folds import deal_folds, thin
from mentum.specimens.manifest import SpecimenTable, read_specimens
from support.data_sets import Row, write_data_set

TAXA = ("Aus albus", "Aus niger", "Bus ruber")
SPLIT = load_settings("quick").split


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> SpecimenTable:
    """Twenty-four specimens of each of three taxa."""
    rows = [Row(f"{taxon[-3:]}{n}.png", taxon, f"{taxon} {n}") for taxon in TAXA for n in range(24)]
    return read_specimens(write_data_set(tmp_path_factory.mktemp("curve") / "set", rows))


def test_fewer_specimens_are_a_part_of_more(table: SpecimenTable) -> None:
    fold = deal_folds(table, 3, SPLIT, 0)[0]
    kept = [set(thin(fold, table, n, seed=5).rows("train").tolist()) for n in (1, 2, 4, 99)]

    assert [len(rows) for rows in kept] == [3, 6, 12, len(fold.rows("train"))]
    assert kept[0] < kept[1] < kept[2] < kept[3]


def test_thinning_leaves_judged_and_watched_images_alone(table: SpecimenTable) -> None:
    fold = deal_folds(table, 3, SPLIT, 0)[0]
    thinned = thin(fold, table, 2, seed=5)

    for subset in ("test", "validation"):
        assert thinned.rows(subset).tolist() == fold.rows(subset).tolist()


def test_accuracies_stand_beside_specimens_per_taxon(table: SpecimenTable) -> None:
    """A judge that knows the first n images of each taxon's order and nothing of the others."""
    rng = np.random.default_rng(1)

    def judge(fold):
        rows = fold.rows("test")
        share = 1 - 0.8 * (len(fold.rows("train")) / 3) ** -0.5
        truth = np.array([TAXA.index(table.labels[row].name) for row in rows.tolist()])
        wrong = rng.random(len(rows)) > share
        return {"tree": np.eye(3, dtype=np.float32)[np.where(wrong, (truth + 1) % 3, truth)]}

    found = follow_curve(table, deal_folds(table, 3, SPLIT, 0), judge, "none", seed=0)

    assert [point.per_taxon for point in found.points[:4]] == [1.0, 2.0, 4.0, 8.0]
    assert found.n_images == 72
    values = [point.accuracies["species"].value for point in found.points]
    assert values[0] < 0.5 < values[-1]
    ahead = [each for each in found.forecasts if each.rank == "species"]
    assert [each.per_taxon for each in ahead] == [2 * found.points[-1].per_taxon, 4 * found.points[-1].per_taxon]
    assert all(each.accuracy.interval.low <= each.accuracy.value <= 1 for each in ahead)


@pytest.mark.parametrize(("floor", "scale", "exponent"), [(0.0, 0.6, 0.5), (0.1, 0.5, 1.0), (0.05, 0.9, 0.3)])
def test_a_power_law_is_followed(floor: float, scale: float, exponent: float) -> None:
    sizes = np.array([1.0, 2.0, 4.0, 8.0, 16.0])

    found = follow(sizes, floor + scale * sizes**-exponent, [32.0, 64.0])

    assert found == pytest.approx([1 - floor - scale * size**-exponent for size in (32.0, 64.0)], abs=1e-3)


def test_a_curve_that_does_not_rise_stays_where_it_is() -> None:
    assert follow(np.array([1.0, 2.0, 4.0]), np.array([0.3, 0.3, 0.3]), [8.0]) == pytest.approx([0.7])
    assert follow(np.array([1.0, 2.0, 4.0]), np.array([0.2, 0.3, 0.4]), [8.0]) == pytest.approx([0.7])
