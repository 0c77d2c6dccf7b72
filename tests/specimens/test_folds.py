"""Tests of folds: each image is judged once, by networks that never saw its specimen."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from mentum.errors import DataError
from mentum.names import taxon_from_name
from mentum.records import ignore_progress
from mentum.settings import SplitSettings
from mentum.specimens.folds import Fold, deal_folds, leave_groups_out, spread_over_parts, unseen
from mentum.specimens.manifest import SpecimenTable, read_specimens
from mentum.taxonomy import Rank, Taxonomy
from mentum.training.preparation import prepare
from support.drawn_data import TAXA, tiny_settings, write_drawn

Row = tuple[str, str]
"""Label and specimen."""


def table_of(
    rows: Sequence[Row], others: Mapping[str, Sequence[str | None]] | None = None, **columns: object
) -> SpecimenTable:
    """A table in memory; `columns` are known ones such as locality, `others` those of the user's own."""
    labels = tuple(taxon_from_name(label) for label, _ in rows)
    assert None not in labels
    frame = pl.DataFrame(
        {
            "file_name": [f"{number}.png" for number in range(len(rows))],
            "scientificName": [label for label, _ in rows],
            "specimen": [specimen for _, specimen in rows],
            "split": pl.Series([None] * len(rows), dtype=pl.String),
            **columns,
        }
    )
    further = pl.DataFrame(others or {})
    return SpecimenTable(Path("table.csv"), Path(), frame, labels, True, (), further)  # type: ignore[arg-type]


def rows_of(taxon: str, n: int, images: int = 1) -> list[Row]:
    """n specimens with so many images each."""
    return [(taxon, f"{taxon}-{number}") for number in range(n) for _ in range(images)]


def settings(policy: str = "random", validation: float = 0.2, test: float = 0.0) -> SplitSettings:
    return SplitSettings.model_validate({"policy": policy, "validation": validation, "test": test})


def sides_of(table: SpecimenTable, fold: Fold) -> dict[str, set[str]]:
    """Specimen → the subsets that its images are in."""
    sides: dict[str, set[str]] = defaultdict(set)
    for specimen, subset in zip(table.specimens.tolist(), fold.subsets.tolist(), strict=True):
        sides[specimen].add(subset)
    return sides


NAMES = ("Aus bus", "Aus cus", "Dus eus", "Fus")


def tables(fewest: int) -> st.SearchStrategy[list[Row]]:
    """Two to four taxa with so many specimens or more, of one to three images each."""
    counts = st.lists(st.tuples(st.integers(fewest, 9), st.integers(1, 3)), min_size=2, max_size=4)
    return counts.map(lambda drawn: [row for taxon, n in zip(NAMES, drawn, strict=False) for row in rows_of(taxon, *n)])


policies = st.sampled_from(["random", "every-fifth", "column"])


# Parts of the specimens


@effort(max_examples=40, deadline=None)
@given(tables(4), st.integers(2, 5), policies, st.floats(0.1, 0.4), st.integers(0, 99))
def test_each_image_is_judged_once_and_no_specimen_stands_on_two_sides(
    rows: list[Row], n_folds: int, policy: str, validation: float, seed: int
) -> None:
    """Not even in a table in which the images of a specimen lie far apart, and some bear the genus alone."""
    mixed = [*rows[::-1], *rows[::2], *((label.split()[0], specimen) for label, specimen in rows[::5])]
    table = table_of(mixed)
    folds = deal_folds(table, n_folds, settings(policy, validation, test=0.3), seed)
    assert [fold.name for fold in folds] == [str(number + 1) for number in range(n_folds)]
    judged = np.sum([fold.subsets == "test" for fold in folds], axis=0)
    assert judged.tolist() == [1] * len(mixed)
    for fold in folds:
        assert set(fold.subsets.tolist()) == {"train", "validation", "test"}
        assert all(len(found) == 1 for found in sides_of(table, fold).values())


@effort(max_examples=40, deadline=None)
@given(tables(1), st.integers(2, 9), st.integers(0, 99))
def test_each_taxon_with_enough_specimens_is_in_every_part(rows: list[Row], n_parts: int, seed: int) -> None:
    table = table_of(rows)
    parts = spread_over_parts(table.specimens, table.labels, n_parts, seed)
    dealt = {specimen: (label, part) for (label, specimen), part in zip(rows, parts.tolist(), strict=True)}
    per_taxon = Counter(label for label, _ in dealt.values())
    for taxon, n_specimens in per_taxon.items():
        shares = Counter(part for label, part in dealt.values() if label == taxon)
        assert len(shares) == min(n_specimens, n_parts)
        assert max(shares.values()) - min(shares.values()) <= 1
    sizes = Counter(part for _, part in dealt.values())
    assert max(sizes.values()) - min(sizes.get(part, 0) for part in range(n_parts)) <= 1


def test_each_taxon_is_judged_taught_and_watched_in_every_fold() -> None:
    table = table_of([row for taxon in NAMES for row in rows_of(taxon, 5, images=2)])
    for fold in deal_folds(table, 5, settings(), 0):
        for subset in ("train", "validation", "test"):
            assert {table.labels[row].name for row in fold.rows(subset).tolist()} == set(NAMES)
        assert fold.taxonomy == table.taxonomy


def test_validation_specimens_are_a_share_of_the_other_folds_of_each_taxon() -> None:
    table = table_of([*rows_of("Aus bus", 20, images=2), *rows_of("Dus eus", 10, images=3)])
    for fold in deal_folds(table, 5, settings(validation=0.25, test=0.5), 3):
        watched = [specimen for specimen, found in sides_of(table, fold).items() if found == {"validation"}]
        assert Counter(specimen.split("-")[0] for specimen in watched) == {"Aus bus": 4, "Dus eus": 2}
        judged = {specimen for specimen, found in sides_of(table, fold).items() if found == {"test"}}
        assert len(judged) == 6
        assert not judged & set(watched)


def test_the_seed_decides_who_is_judged_together() -> None:
    table = table_of([row for taxon in NAMES for row in rows_of(taxon, 6)])

    def dealt(seed: int) -> list[list[str]]:
        return [fold.subsets.tolist() for fold in deal_folds(table, 3, settings(), seed)]

    assert dealt(0) == dealt(0)
    assert dealt(0) != dealt(1)


def test_subsets_of_the_table_do_not_matter() -> None:
    """Neither its own column nor the test share of the recipe takes a specimen out of the game."""
    rows = [row for taxon in NAMES for row in rows_of(taxon, 5)]
    plain = deal_folds(table_of(rows), 2, settings(), 0)
    named = deal_folds(table_of(rows, split=["test"] * 20), 2, settings("column", test=0.4), 0)
    assert [fold.subsets.tolist() for fold in plain] == [fold.subsets.tolist() for fold in named]


def test_more_folds_than_specimens_are_refused() -> None:
    table = table_of([*rows_of("Aus bus", 2, images=9), *rows_of("Dus eus", 2)])
    with pytest.raises(DataError, match=r"^table.csv: has 4 specimens, expected 5 or more for 5 folds; give fewer --f"):
        deal_folds(table, 5, settings(), 0)


def test_too_few_specimens_beside_a_fold_are_refused() -> None:
    """One of each taxon is left: neither can be spared for validation."""
    table = table_of([*rows_of("Aus bus", 2, images=9), *rows_of("Dus eus", 2)])
    with pytest.raises(DataError, match=r"the split leaves no validation images \(2 specimens in all\); add specimens"):
        deal_folds(table, 2, settings(), 0)


# Groups of a column


def places(rows: Sequence[Row], n_groups: int = 3) -> list[str]:
    """The specimens of a table, shared among so many localities in turn."""
    numbers = {specimen: number for number, specimen in enumerate(dict.fromkeys(specimen for _, specimen in rows))}
    return [f"Lake {numbers[specimen] % n_groups}" for _, specimen in rows]


@effort(max_examples=30, deadline=None)
@given(tables(4), st.integers(2, 4), policies, st.integers(0, 99))
def test_each_group_is_judged_once_as_a_whole(rows: list[Row], n_groups: int, policy: str, seed: int) -> None:
    localities = places(rows, n_groups)
    table = table_of(rows, locality=localities)
    folds = leave_groups_out(table, "locality", settings(policy), seed)
    assert [fold.name for fold in folds] == sorted(set(localities))
    for fold in folds:
        assert {localities[row] for row in fold.rows("test").tolist()} == {fold.name}
        assert len(fold.rows("test")) == localities.count(fold.name)
        assert all(len(found) == 1 for found in sides_of(table, fold).values())


def test_the_user_s_own_columns_make_groups_too() -> None:
    rows = [row for taxon in NAMES for row in rows_of(taxon, 6, images=2)]
    known = leave_groups_out(table_of(rows, locality=places(rows)), "locality", settings(), 0)
    own = leave_groups_out(table_of(rows, others={"trap": places(rows)}), "trap", settings(), 0)
    assert [(fold.name, fold.subsets.tolist()) for fold in own] == [
        (fold.name, fold.subsets.tolist()) for fold in known
    ]


def test_each_specimen_may_be_a_group() -> None:
    table = table_of([*rows_of("Aus bus", 4, images=2), *rows_of("Dus eus", 4)])
    folds = leave_groups_out(table, "specimen", settings(), 0)
    assert [fold.name for fold in folds] == sorted({*table.specimens.tolist()})
    assert [len(fold.rows("test")) for fold in folds] == [2, 2, 2, 2, 1, 1, 1, 1]


def test_an_unknown_column_is_told_which_there_are() -> None:
    rows = [*rows_of("Aus bus", 4), *rows_of("Dus eus", 4)]
    table = table_of(rows, others={"trap": places(rows)}, locality=places(rows))
    with pytest.raises(
        DataError,
        match=r"^table.csv: has no column lake, expected one of scientificName, specimen, locality, trap; give",
    ):
        leave_groups_out(table, "lake", settings(), 0)


def test_empty_cells_are_refused() -> None:
    rows = [*rows_of("Aus bus", 4), *rows_of("Dus eus", 4)]
    table = table_of(rows, others={"trap": ["a", None, "b", "a", None, "b", "a", "b"]})
    with pytest.raises(DataError, match=r"^table.csv: 2 of 8 rows have no trap; fill them in, or leave these images"):
        leave_groups_out(table, "trap", settings(), 0)
    with pytest.raises(DataError, match=r"8 of 8 rows have no split"):
        leave_groups_out(table, "split", settings(), 0)


def test_a_single_group_is_refused() -> None:
    rows = [*rows_of("Aus bus", 4), *rows_of("Dus eus", 4)]
    table = table_of(rows, locality=["Lake 1"] * 8)
    with pytest.raises(
        DataError, match=r"^table.csv: locality is Lake 1 in every row, expected two values or more; give another c"
    ):
        leave_groups_out(table, "locality", settings(), 0)


def test_a_divided_specimen_is_refused() -> None:
    rows = [*rows_of("Aus bus", 3, images=2), *rows_of("Dus eus", 3, images=2)]
    table = table_of(rows, locality=["a", "b", "a", "a", "b", "b", "b", "a", "a", "a", "b", "b"])
    with pytest.raises(
        DataError,
        match=r"^table.csv: 2 specimens \(Aus bus-0 is the first\) stand in several groups of locality and would be",
    ):
        leave_groups_out(table, "locality", settings(), 0)


def test_fewer_than_two_taxa_to_learn_are_refused() -> None:
    rows = [*rows_of("Aus bus", 5), *rows_of("Dus eus", 5)]
    table = table_of(rows, locality=["north"] * 5 + ["south"] * 5)
    with pytest.raises(
        DataError,
        match=r"^table.csv: without fold north fewer than two taxa are left to learn; expected specimens of each taxon",
    ):
        leave_groups_out(table, "locality", settings(), 0)


# What a fold does not teach


def test_a_taxon_of_one_group_is_unseen_where_that_group_is_judged() -> None:
    rows = [*rows_of("Aus bus", 6), *rows_of("Dus eus", 6), *rows_of("Fus", 2, images=2)]
    localities = ["north", "south"] * 6 + ["north"] * 4
    table = table_of(rows, locality=localities)

    north, south = leave_groups_out(table, "locality", settings(), 0)

    fus = table.labels[-1]
    assert [(fold.name, taxon, n) for fold, taxon, n in unseen(table, [north, south])] == [("north", fus, 4)]
    assert north.taxonomy == Taxonomy(tuple(leaf for leaf in table.taxonomy.leaves if leaf != fus))
    assert south.taxonomy == table.taxonomy


def test_a_label_above_others_is_learned_on_its_own_and_never_unseen() -> None:
    """Aus is a leaf beside its species, and where these were not learned it stands for itself."""
    rows = [*rows_of("Aus bus", 3), *rows_of("Dus eus", 6), *rows_of("Fus", 6), *rows_of("Aus", 4)]
    localities = ["north"] * 3 + ["north", "south"] * 8
    north, south = leave_groups_out(table := table_of(rows, locality=localities), "locality", settings(), 0)
    assert [leaf.name for leaf in north.taxonomy.leaves] == ["Aus", "Dus eus", "Fus"]
    assert [leaf.name for leaf in south.taxonomy.leaves] == ["Aus", "Aus bus", "Dus eus", "Fus"]
    assert (north.taxonomy.open_leaves, [leaf.name for leaf in south.taxonomy.open_leaves]) == (frozenset(), ["Aus"])
    assert [(fold.name, taxon.name, n) for fold, taxon, n in unseen(table, [north, south])] == [("north", "Aus bus", 3)]


def test_a_fold_s_leaves_are_those_it_teaches_in_the_order_of_the_whole_tree() -> None:
    table = table_of([*rows_of("Fus", 1), *rows_of("Dus eus", 8), *rows_of("Aus cus", 8), *rows_of("Aus bus", 1)])
    for fold in deal_folds(table, 2, settings(), 5):
        taught = {table.labels[row] for row in fold.rows("train").tolist()}
        assert fold.taxonomy.leaves == tuple(leaf for leaf in table.taxonomy.leaves if leaf in taught)
        assert {"Aus cus", "Dus eus"} <= {leaf.name for leaf in fold.taxonomy.leaves}


def test_a_fold_without_images_of_an_open_label_judges_them_where_they_count() -> None:
    """The one specimen that is named to genus only: judged, it has no leaf; learned or watched, it stops nothing."""
    table = table_of([*rows_of("Aus bus", 6), *rows_of("Dus eus", 6), *rows_of("Aus", 1)])
    genus = table.labels[-1]
    for fold in deal_folds(table, 3, settings(), 0):
        learned = genus in fold.taxonomy.leaves
        assert learned == (len(table.labels) - 1 in fold.rows("train"))
        assert fold.taxonomy.truth(genus, Rank.SPECIES) == -1
        assert fold.taxonomy.truth(genus, Rank.GENUS) == 0
        assert not [taxon for _, taxon, _ in unseen(table, [fold]) if taxon == genus]


# Columns of a table on disk


def rewrite(data: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    with (data / "specimens.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return data


def read_rows(data: Path) -> list[dict[str, str]]:
    with (data / "specimens.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four specimens of each of four taxa, each with two images."""
    return write_drawn(tmp_path / "data", per_taxon=(4, 4, 4, 4), views=2)


def trap_of(row: Mapping[str, str]) -> str:
    """By the number of the specimen, so that it can be told from a row's other cells."""
    return f"trap {int(row['catalogNumber'][-1]) % 2}"


def test_columns_of_a_table_are_kept_as_text(data: Path) -> None:
    rewrite(data, [{"Trap": trap_of(row), **row, "depth": "2.50", "note": ""} for row in read_rows(data)])
    table = read_specimens(data)
    assert table.others.columns == ["Trap", "depth", "note"]
    assert table.others["Trap"].to_list() == [trap_of(row) for row in read_rows(data)]
    assert set(table.others["depth"]) == {"2.50"}
    assert table.others["note"].null_count() == 32
    assert not {"Trap", "depth", "note"} & set(table.frame.columns)
    assert [fold.name for fold in leave_groups_out(table, "Trap", settings(), 0)] == ["trap 0", "trap 1"]


def test_columns_stay_aligned_where_rows_are_dropped(data: Path) -> None:
    """A missing image, one listed twice, one without a label: the rows behind them must not slip."""
    rows = [row | {"trap": trap_of(row)} for row in read_rows(data)]
    gone = rows[0] | {"file_name": "gone.png", "trap": "trap of nobody"}
    nameless = rows[9] | {"file_name": "", "trap": "trap of nobody"}
    blank = rows[9] | {"scientificName": "", "trap": "trap of nobody"}
    spoiled = [gone, *rows[:5], rows[2] | {"trap": "trap of nobody"}, *rows[5:9], nameless, blank, *rows[10:]]
    table = read_specimens(rewrite(data, spoiled))
    assert len([fault for fault in table.faults if fault.severity == "error"]) == 4
    by_file = {row["file_name"]: row["trap"] for row in rows}
    assert table.others["trap"].to_list() == [by_file[name] for name in table.file_names]
    assert len(table.file_names) == 31

    some = table.take(np.array([30, 4, 17]))
    assert some.others["trap"].to_list() == [by_file[name] for name in some.file_names]
    assert some.labels == tuple(table.labels[row] for row in (30, 4, 17))
    assert some.specimens.tolist() == table.specimens[[30, 4, 17]].tolist()


def test_a_table_of_folders_has_no_columns_of_its_own(tmp_path: Path) -> None:
    data = write_drawn(tmp_path / "data", per_taxon=(2, 2), views=1)
    for file in sorted((data / "images").iterdir()):
        folder = tmp_path / "folders" / TAXA[int(file.name[0])]
        folder.mkdir(parents=True, exist_ok=True)
        file.rename(folder / file.name)
    table = read_specimens(tmp_path / "folders")
    assert table.others.columns == []
    assert table.take(np.array([3, 1])).file_names == [table.file_names[3], table.file_names[1]]
    with pytest.raises(DataError, match=r"has no column locality, expected one of scientificName, specimen; give one"):
        leave_groups_out(table, "locality", settings(), 0)


@pytest.mark.parametrize("asked", ["locality", "site", "Site"])
def test_a_known_column_is_found_under_any_of_its_names(data: Path, asked: str) -> None:
    rewrite(data, [row | {"Site": trap_of(row)} for row in read_rows(data)])
    folds = leave_groups_out(read_specimens(data), asked, settings(), 0)
    assert [(fold.name, len(fold.rows("test"))) for fold in folds] == [("trap 0", 16), ("trap 1", 16)]


def test_further_columns_do_not_change_the_hash_of_the_table(data: Path, tmp_path: Path) -> None:
    """Else a run could not be taken up again once someone had added a remark."""
    chosen, cache = tiny_settings(), tmp_path / "cache"
    plain = prepare(data, chosen, cache, ignore_progress)
    rewrite(data, [{"trap": trap_of(row), **row, "remark": "!"} for row in read_rows(data)])
    more = prepare(data, chosen, cache, ignore_progress)
    assert more.table.others.columns == ["trap", "remark"]
    assert more.record().table_hash == plain.record().table_hash
    assert more.frame().columns == plain.frame().columns

    rewrite(data, [row | {"locality": trap_of(row)} for row in read_rows(data)])
    assert prepare(data, chosen, cache, ignore_progress).record().table_hash != plain.record().table_hash
