"""Tests of the split: no specimen ever stands on two sides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from mentum.errors import DataError
from mentum.names import taxon_from_name
from mentum.settings import SplitSettings
from mentum.specimens.manifest import SpecimenTable
from mentum.specimens.splits import split_specimens
from mentum.taxonomy import Rank, Taxon

Row = tuple[str, str, str | None]
"""Label, specimen, subset as written."""


def table_of(rows: Sequence[Row]) -> SpecimenTable:
    labels = tuple(taxon_from_name(label) for label, _, _ in rows)
    assert None not in labels
    frame = pl.DataFrame(
        {
            "file_name": [f"{number}.png" for number in range(len(rows))],
            "specimen": [specimen for _, specimen, _ in rows],
            "split": pl.Series([split for _, _, split in rows], dtype=pl.String),
        }
    )
    return SpecimenTable(Path("table.csv"), Path(), frame, labels, True, ())  # type: ignore[arg-type]


def rows_of(taxon: str, n: int, images: int = 1) -> list[Row]:
    """n specimens with so many images each."""
    return [(taxon, f"{taxon}-{number}", None) for number in range(n) for _ in range(images)]


def settings(policy: str = "random", validation: float = 0.2, test: float = 0.0) -> SplitSettings:
    return SplitSettings.model_validate({"policy": policy, "validation": validation, "test": test})


def subsets_of(rows: Sequence[Row], chosen: SplitSettings, seed: int = 0) -> dict[str, str]:
    """Specimen → subset."""
    table = table_of(rows)
    return dict(zip(table.specimens.tolist(), split_specimens(table, chosen, seed).tolist(), strict=True))


TAXA = ("Aus bus", "Aus cus", "Dus eus", "Fus")

counts = st.lists(st.tuples(st.integers(3, 9), st.integers(1, 3)), min_size=2, max_size=4)
tables = counts.map(lambda drawn: [row for taxon, n in zip(TAXA, drawn, strict=False) for row in rows_of(taxon, *n)])
shares = st.floats(0.01, 0.4)


# Whatever the policy


@effort(max_examples=40, deadline=None)
@given(tables, st.sampled_from(["random", "every-fifth", "column"]), shares, st.just(0.0) | shares, st.integers(0, 99))
def test_no_specimen_crosses_subsets(rows: list[Row], policy: str, validation: float, test: float, seed: int) -> None:
    if policy == "column":
        spelling = ["Train", "val", "training", "TEST", "validation"]
        place = {specimen: number for number, specimen in enumerate(dict.fromkeys(row[1] for row in rows))}
        rows = [(label, specimen, spelling[place[specimen] % 5]) for label, specimen, _ in rows]
    table = table_of(rows[::-1] + rows[::2])

    subsets = split_specimens(table, settings(policy, validation, test), seed)

    sides: dict[str, set[str]] = {}
    for specimen, subset in zip(table.specimens.tolist(), subsets.tolist(), strict=True):
        sides.setdefault(specimen, set()).add(subset)
    assert all(len(found) == 1 for found in sides.values())
    assert set(subsets) <= {"train", "validation", "test"}


@effort(max_examples=40, deadline=None)
@given(tables, shares, shares, st.integers(0, 99))
def test_each_taxon_keeps_a_specimen_for_training(rows: list[Row], validation: float, test: float, seed: int) -> None:
    for policy in ("random", "every-fifth"):
        subsets = subsets_of(rows, settings(policy, validation, test), seed)
        learned = {label for label, specimen, _ in rows if subsets[specimen] == "train"}
        assert learned == {label for label, _, _ in rows}


def test_a_specimen_of_two_labels_goes_under_the_lower_one() -> None:
    rows = [("Aus", "X", None), ("Aus bus", "X", None), *rows_of("Aus bus", 4), *rows_of("Aus", 5)]
    subsets = subsets_of(rows, settings("every-fifth"))
    assert [specimen for specimen, subset in subsets.items() if subset == "validation"] == ["X", "Aus-0"]


def test_labels_at_any_rank_are_groups_of_their_own() -> None:
    rows = [*rows_of("Aus bus", 10), *rows_of("Aus", 10), *rows_of("Tanypodinae", 10)]
    subsets = subsets_of(rows, settings())
    for taxon in ("Aus bus", "Aus", "Tanypodinae"):
        assert sum(subsets[f"{taxon}-{number}"] == "validation" for number in range(10)) == 2


# Every fifth


def test_every_fifth_is_the_paper_s() -> None:
    # Given 1,846 specimens spread unevenly over ten taxa
    counts = [31, 57, 84, 110, 148, 181, 203, 264, 327, 441]
    assert sum(counts) == 1846
    taxa = [f"Genus{chr(97 + number)} alba" for number in range(10)]
    rows = [row for taxon, n in zip(taxa, counts, strict=True) for row in rows_of(taxon, n)]

    subsets = subsets_of(rows, settings("every-fifth"))

    for taxon, n in zip(taxa, counts, strict=True):
        held = [number for number in range(n) if subsets[f"{taxon}-{number}"] == "validation"]
        assert held == list(range(0, n, 5))
        assert len(held) == -(-n // 5)
    assert "test" not in subsets.values()


def test_every_fifth_counts_specimens_not_images_in_the_order_of_the_table() -> None:
    rows = [*rows_of("Aus bus", 6, images=3), *rows_of("Dus eus", 4)]
    mixed = rows[::2] + rows[1::2]
    held = [specimen for specimen, subset in subsets_of(mixed, settings("every-fifth")).items() if subset != "train"]
    assert held == ["Aus bus-0", "Aus bus-5", "Dus eus-0"]


def test_a_single_specimen_is_for_training() -> None:
    for policy in ("every-fifth", "random"):
        assert subsets_of([*rows_of("Aus bus", 9), *rows_of("Fus", 1)], settings(policy))["Fus-0"] == "train"


# Random


@pytest.mark.parametrize(("n", "validation", "test"), [(2, 1, 0), (5, 1, 0), (10, 2, 0), (14, 3, 0), (100, 20, 0)])
def test_random_gives_each_taxon_its_quota(n: int, validation: int, test: int) -> None:
    subsets = list(subsets_of(rows_of("Aus bus", n), settings()).values())
    assert (subsets.count("validation"), subsets.count("test")) == (validation, test)


def test_random_differs_between_seeds_and_not_between_calls() -> None:
    rows = rows_of("Aus bus", 40)
    assert subsets_of(rows, settings()) == subsets_of(rows, settings())
    assert subsets_of(rows, settings()) != subsets_of(rows, settings(), seed=1)


def test_random_does_not_depend_on_the_order_of_the_table() -> None:
    rows = [*rows_of("Aus bus", 20), *rows_of("Dus eus", 20)]
    assert subsets_of(rows, settings(test=0.1)) == subsets_of(rows[::-1], settings(test=0.1))


def test_specimens_of_another_taxon_leave_the_others_where_they_are() -> None:
    rows = [*rows_of("Aus bus", 20), *rows_of("Dus eus", 11)]
    before = subsets_of(rows, settings(test=0.1))
    after = subsets_of([*rows_of("Bus", 7), *rows, *rows_of("Fus gus", 13)], settings(test=0.1))
    assert before.items() <= after.items()


@pytest.mark.parametrize("policy", ["random", "every-fifth"])
def test_the_test_subset_is_set_aside_first(policy: str) -> None:
    rows = [*rows_of("Aus bus", 20), *rows_of("Dus eus", 10)]

    subsets = subsets_of(rows, settings(policy, test=0.3))

    counts = {name: list(subsets.values()).count(name) for name in ("train", "validation", "test")}
    assert counts["test"] == 9
    assert counts["validation"] == {"random": 6, "every-fifth": 5}[policy]
    held_out = {specimen for specimen, subset in subsets.items() if subset == "test"}
    other = subsets_of(rows, settings("random" if policy == "every-fifth" else "every-fifth", test=0.3))
    assert held_out == {specimen for specimen, subset in other.items() if subset == "test"}


# The table's own column


@pytest.mark.parametrize(
    ("spelling", "subset"),
    [("train", "train"), ("Training", "train"), ("val", "validation"), ("valid", "validation"),
     ("VALIDATION", "validation"), ("test", "test"), ("testing", "test")],
)  # fmt: skip
def test_the_column_takes_usual_spellings(spelling: str, subset: str) -> None:
    rows = [("Aus bus", "a", "train"), ("Aus bus", "b", "val"), ("Aus bus", "c", spelling)]
    assert subsets_of(rows, settings("column"))["c"] == subset


def test_the_column_holds_an_unknown_value() -> None:
    rows = [("Aus bus", "a", "train"), ("Aus bus", "b", "val"), ("Aus bus", "c", "fold 3"), ("Aus bus", "d", None)]
    with pytest.raises(DataError, match=r"table.csv: the column 'split' holds None, fold 3; expected train, valid"):
        subsets_of(rows, settings("column"))


def test_the_column_tears_a_specimen() -> None:
    rows = [("Aus bus", "a", "train"), ("Aus bus", "b", "val"), ("Aus bus", "b", "train")]
    with pytest.raises(DataError, match=r"puts images of one specimen on two sides \(b\); give all images of a spec"):
        subsets_of(rows, settings("column"))


# What cannot be split


def test_an_empty_validation_subset_is_refused() -> None:
    rows = [*rows_of("Aus bus", 1), *rows_of("Dus eus", 1)]
    with pytest.raises(DataError, match=r"the split leaves no validation images \(2 specimens in all\); add specimens"):
        subsets_of(rows, settings())


def test_no_share_for_validation_is_refused() -> None:
    with pytest.raises(DataError, match="the split leaves no validation images"):
        subsets_of(rows_of("Aus bus", 20), settings(validation=0.0))


def test_an_empty_training_subset_is_refused() -> None:
    with pytest.raises(DataError, match=r"the split leaves no train images \(1 specimens in all\)"):
        subsets_of([("Aus bus", "a", "val")], settings("column"))


def test_images_keep_their_places() -> None:
    table = table_of([*rows_of("Aus bus", 3, images=2), *rows_of("Dus eus", 3, images=2)])
    subsets = split_specimens(table, settings(), 0)
    assert subsets.shape == (12,)
    np.testing.assert_array_equal(subsets[::2], subsets[1::2])
    assert table.labels[0] == Taxon(((Rank.GENUS, "Aus"), (Rank.SPECIES, "Aus bus")))
