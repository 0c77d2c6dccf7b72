"""Tests of the file of out-of-fold predictions: what is written is read, and a faulty file is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mentum.calibration.out_of_fold import OutOfFold
from mentum.errors import RunError
from mentum.taxonomy import Rank, Taxon, Taxonomy

Y_PROB = np.array([[1, 0], [0.25, 0.75], [1e-40, 1]], dtype=np.float32)
MEASURES = np.array([[1.5, -2], [0, 1e-300], [7, np.pi]])


def predictions(measures: np.ndarray | None = MEASURES) -> OutOfFold:
    """Three images of two specimens, one of them labelled above species."""
    identified = {Rank.SPECIES: ["Aus bus", "Aus cus", "Aus cus"], Rank.GENUS: ["Aus", "Aus", "Aus"]}
    right = {Rank.SPECIES: [True, False, None], Rank.GENUS: [True, True, True]}
    return OutOfFold(
        ["1.png", "2.png", "3.png"], ["a", "a", "b"], ["1", "1", "Lake"], identified, right, {"tree": Y_PROB}, measures
    )


@pytest.mark.parametrize("measures", [MEASURES, None], ids=["features", "no features"])
def test_what_is_written_is_read(tmp_path: Path, measures: np.ndarray | None) -> None:
    written, file = predictions(measures), tmp_path / "out_of_fold.parquet"
    written.write(file)
    found = OutOfFold.read(file, "")
    for name in ("file_name", "specimen", "fold"):
        assert getattr(found, f"{name}s") == getattr(written, f"{name}s")
    assert (found.identified, found.right) == (written.identified, written.right)
    assert found.y_prob["tree"].tobytes() == Y_PROB.tobytes()
    if measures is None:
        assert found.measures is None
    else:
        assert found.measures is not None
        np.testing.assert_array_equal(found.measures, measures)


def test_columns_are_the_same_with_and_without_features(tmp_path: Path) -> None:
    schemas = []
    for number, measures in enumerate((MEASURES, None)):
        predictions(measures).write(tmp_path / f"{number}.parquet")
        schemas.append(pl.read_parquet_schema(tmp_path / f"{number}.parquet"))
    assert schemas[0] == schemas[1]
    assert list(schemas[0]) == [
        "file_name", "specimen", "fold", "species_identified", "species_right", "genus_identified", "genus_right",
        "tree", "distance", "energy",
    ]  # fmt: skip


def test_a_file_without_measures_is_one_without_features(tmp_path: Path) -> None:
    file = tmp_path / "earlier.parquet"
    predictions().write(file)
    pl.read_parquet(file).drop("distance", "energy").write_parquet(file)
    assert OutOfFold.read(file, "").measures is None


def test_probabilities_belong_to_a_tree() -> None:
    genera = [Taxon(((Rank.GENUS, name),)) for name in ("Aus", "Bus", "Cus")]
    assert predictions().knows(Taxonomy(tuple(genera[:2])))
    assert not predictions().knows(Taxonomy(tuple(genera)))


NULL = pl.lit(None)
EMPTY_ONCE = pl.when(pl.col("file_name") != "2.png")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pl.lit(1, pl.Int32).alias("fold"), "found Int32 in fold, expected String"),
        (pl.lit(1).alias("species_right"), "found Int32 in species_right, expected Boolean"),
        (pl.lit("0").alias("energy"), "found String in energy, expected Float64"),
        (pl.lit(True).alias("family_right"), "found no column family_identified, expected String"),
        (EMPTY_ONCE.then(pl.col("specimen")).alias("specimen"), "found no specimen in 1 rows, expected one in each"),
        (EMPTY_ONCE.then(pl.col("tree")).alias("tree"), "found no tree in 1 rows, expected one in each"),
        (pl.lit("1.png").alias("file_name"), "found 2 images more than once, expected each once"),
        (EMPTY_ONCE.then(pl.col("energy")).alias("energy"), "found distance and energy of some images, expected"),
        (NULL.cast(pl.Float64).alias("energy"), "found distance and energy of some images, expected"),
    ],
)
def test_a_faulty_file_is_refused_in_one_sentence(tmp_path: Path, column: pl.Expr, message: str) -> None:
    file = tmp_path / "out_of_fold.parquet"
    predictions().write(file)
    pl.read_parquet(file).with_columns(column).write_parquet(file)
    with pytest.raises(RunError, match=f"{file}: {message}.*; do this.$"):
        OutOfFold.read(file, "do this")


def test_a_file_without_images_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "out_of_fold.parquet"
    predictions().write(file)
    pl.read_parquet(file).clear().write_parquet(file)
    with pytest.raises(RunError, match=r"found no images, expected one or more; do this\.$"):
        OutOfFold.read(file, "do this")
