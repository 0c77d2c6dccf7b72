"""Tests of cross-validated scores, on written predictions, beside scikit-learn and slow computations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, top_k_accuracy_score

from mentum.calibration.cases import UNITS, Unit
from mentum.calibration.temperatures import fit_temperatures
from mentum.calibration.thresholds import RankThreshold
from mentum.calibration.verdicts import give_verdicts
from mentum.errors import RunError
from mentum.evaluation import cross_validation as module
from mentum.evaluation import scores
from mentum.evaluation.cross_validation import CrossValidation, Judged, calibrate_folds, score
from mentum.evaluation.intervals import bootstrap_interval, bootstrap_intervals
from mentum.evaluation.results import CalibrationReport
from mentum.settings import SplitSettings
from mentum.specimens.folds import Fold, deal_folds, leave_groups_out
from mentum.specimens.manifest import SpecimenTable
from mentum.taxonomy import Rank, Taxon

SPLIT = SplitSettings(policy="random", validation=0.25, test=0.0)
ABOUT = {"design": "3 folds by specimen", "stage": 2, "backbone": "builtin", "seed": 4}
RANKS = (Rank.SPECIES, Rank.GENUS, Rank.SUBFAMILY)


def taxon(*names: str) -> Taxon:
    return Taxon(tuple(zip((Rank.SUBFAMILY, Rank.GENUS, Rank.SPECIES), names, strict=False)))


LEAVES = (
    taxon("Aninae", "Aus", "Aus bus"), taxon("Aninae", "Aus", "Aus cus"), taxon("Aninae", "Dus", "Dus eus"),
    taxon("Aninae", "Fus", "Fus gus"), taxon("Zinae", "Xus", "Xus yus"), taxon("Zinae", "Zus"),
)  # fmt: skip
"""Six leaves in five genera and two subfamilies; one is named to genus only."""
AUS = taxon("Aninae", "Aus")


def table_of(images: Sequence[tuple[Taxon, str]], **columns: Sequence[str]) -> SpecimenTable:
    """Label and specimen of each image."""
    frame = pl.DataFrame(
        {
            "file_name": [f"{(number * 7) % 1000:03}.png" for number in range(len(images))],
            "scientificName": [label.name for label, _ in images],
            "specimen": [specimen for _, specimen in images],
            **columns,
        }
    )
    return SpecimenTable(Path("table.csv"), Path(), frame, tuple(label for label, _ in images), True, ())


def specimens_of(label: Taxon, n: int, images: Sequence[int] = (1, 2, 3)) -> list[tuple[Taxon, str]]:
    """n specimens with so many images in turn."""
    return [(label, f"{label.name} {k}") for k in range(n) for _ in range(images[k % len(images)])]


@dataclass
class Said:
    """Predictions on disk.

    Attributes:
        y_prob: network → (folds, N, C) float32, what the networks of each fold would say of each image.
    """

    table: SpecimenTable
    folds: list[Fold]
    y_prob: Mapping[str, NDArray[np.float32]]
    files: list[Path]

    @cached_property
    def judged(self) -> Judged:
        return Judged.read(self.table, self.folds, self.files, ())

    @cached_property
    def fold_of(self) -> NDArray[np.int64]:
        """(N,): the fold that judges each image."""
        return np.argmax([fold.subsets == "test" for fold in self.folds], axis=0)

    @cached_property
    def out_of_fold(self) -> NDArray[np.float64]:
        """(N, leaves) float64, of the one tree."""
        return self.y_prob["tree"][self.fold_of, np.arange(len(self.fold_of))].astype(np.float64)


def write_said(
    folder: Path, table: SpecimenTable, folds: list[Fold], y_prob: Mapping[str, NDArray[np.float32]]
) -> Said:
    files = []
    for number, fold in enumerate(folds):
        rows = np.concatenate([fold.rows("test"), fold.rows("validation")])
        columns = {
            "file_name": pl.Series([table.file_names[row] for row in rows]),
            "subset": pl.Series(fold.subsets[rows].tolist()),
        }
        for model, values in y_prob.items():
            columns[model] = pl.Series(values[number, rows], dtype=pl.Array(pl.Float32, values.shape[2]))
        files.append(folder / f"{number}.parquet")
        pl.DataFrame(columns).write_parquet(files[-1])
    return Said(table, folds, y_prob, files)


def guesses(table: SpecimenTable, folds: Sequence[Fold], seed: int = 0, sure: float = 2.5) -> NDArray[np.float32]:
    """(folds, N, leaves): better than chance, and nothing for taxa that a fold does not teach."""
    rng, leaves = np.random.default_rng(seed), table.taxonomy.leaves
    favoured = np.array([[leaf.is_within(label) for leaf in leaves] for label in table.labels])
    logits = rng.normal(0, 1.5, (len(folds), *favoured.shape)) + sure * favoured
    taught = np.array([[leaf in fold.taxonomy.leaves for leaf in leaves] for fold in folds])
    y_prob = np.exp(logits) * taught[:, None, :]
    return (y_prob / y_prob.sum(axis=2, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """A twentieth of the draws: intervals have tests of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "bootstrap_interval", partial(bootstrap_interval, n_resamples=50))
        patch.setattr(scores, "bootstrap_intervals", partial(bootstrap_intervals, n_resamples=50))
        yield


MANY = [
    *(image for leaf in LEAVES for image in specimens_of(leaf, 9)),
    *specimens_of(AUS, 4, (2,)),  # named to genus
    (AUS, "Aus bus 0"),  # one more image of a specimen that another one names further down
]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Said:
    """Three folds by specimen over six taxa, in no order of the table."""
    order = np.random.default_rng(1).permutation(len(MANY))
    table = table_of([MANY[place] for place in order])
    folds = deal_folds(table, 3, SPLIT, 2)
    return write_said(tmp_path_factory.mktemp("said"), table, folds, {"tree": guesses(table, folds)})


@pytest.fixture(scope="module")
def found(said: Said) -> CrossValidation:
    return score(said.judged, ABOUT)


# By image and by specimen, beside scikit-learn


def slow(said: Said, rank: Rank, unit: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """y_true and y_prob of the images, or specimens, whose label reaches a rank."""
    groups: dict[str, list[int]] = {}
    for row, specimen in enumerate(said.table.specimens.tolist()):
        groups.setdefault(specimen if unit == "specimen" else f"{row:04}", []).append(row)
    leaves = said.table.taxonomy.leaves
    names = sorted({leaf.at(rank).name for leaf in leaves}, key=[leaf.at(rank).name for leaf in leaves].index)
    y_true, y_prob = [], []
    for rows in groups.values():
        label = max((said.table.labels[row] for row in rows), key=lambda each: len(each.path)).at(rank)
        if label.name not in names or (label == AUS and rank is Rank.SPECIES):
            continue
        product = np.exp(np.log(np.maximum(said.out_of_fold[rows], 1e-30)).mean(axis=0))
        share = product / product.sum()
        y_true.append(names.index(label.name))
        y_prob.append([sum(p for p, leaf in zip(share, leaves, strict=True) if leaf.at(rank).name == n) for n in names])
    return np.array(y_true), np.array(y_prob)


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")  # an open genus is never a label
@pytest.mark.parametrize("unit", ["image", "specimen"])
@pytest.mark.parametrize("rank", RANKS)
def test_scores_are_scikit_learn_s(said: Said, found: CrossValidation, rank: Rank, unit: str) -> None:
    (row,) = [each for each in found.ranks if (each.rank, each.unit) == (rank, unit)]
    y_true, y_prob = slow(said, rank, unit)
    y_pred = y_prob.argmax(axis=1)

    assert 0 < row.n_misclassified == int((y_true != y_pred).sum())
    assert row.accuracy.value == pytest.approx(accuracy_score(y_true, y_pred))
    assert row.balanced_accuracy.value == pytest.approx(balanced_accuracy_score(y_true, y_pred))
    taxa = said.table.taxonomy.taxa(rank)
    answers = [each for each in {*y_true, *y_pred} if taxa[each] != AUS or rank is not Rank.SPECIES]
    assert row.macro_f1.value == pytest.approx(f1_score(y_true, y_pred, average="macro", labels=answers))
    if rank is Rank.SUBFAMILY:
        assert row.top_3 is None  # there are two
    else:
        assert row.top_3 is not None
        columns = np.arange(y_prob.shape[1])
        assert row.top_3.value == pytest.approx(top_k_accuracy_score(y_true, y_prob, k=3, labels=columns))
        assert row.accuracy.value < row.top_3.value < 1
    for estimate in (row.accuracy, row.balanced_accuracy, row.macro_f1, row.top_3):
        if estimate is not None:
            assert estimate.interval.low < estimate.value < estimate.interval.high


def test_images_that_leave_a_rank_open_do_not_count_there(found: CrossValidation) -> None:
    """Nine named to genus; the one beside an image named further down counts with its specimen."""
    counts = {(each.rank, each.unit): (each.n_images, each.n_specimens) for each in found.ranks}
    assert counts == {
        (Rank.SPECIES, "image"): (108, 54), (Rank.SPECIES, "specimen"): (109, 54),
        (Rank.GENUS, "image"): (117, 58), (Rank.GENUS, "specimen"): (117, 58),
        (Rank.SUBFAMILY, "image"): (117, 58), (Rank.SUBFAMILY, "specimen"): (117, 58),
    }  # fmt: skip
    assert [(each.rank, each.unit) for each in found.ranks] == list(counts)
    assert (found.n_images, found.n_specimens) == (117, 58)


def test_the_record_says_what_was_done(found: CrossValidation) -> None:
    assert {name: getattr(found, name) for name in ABOUT} == ABOUT
    assert found.data == "table.csv"
    assert CrossValidation.model_validate_json(found.model_dump_json()) == found


def test_intervals_by_specimen_are_wider_than_images_alone_would_have_them(said: Said, found: CrossValidation) -> None:
    """A specimen is one trial: with one image each the interval is Wilson's, else specimens are drawn."""
    methods = {each.unit: each.accuracy.interval.method for each in found.ranks}
    assert methods == {"image": "bootstrap over specimens", "specimen": "Wilson"}
    assert score(said.judged, ABOUT) == found


def test_one_image_each_is_scored_once(tmp_path: Path) -> None:
    table = table_of([image for leaf in LEAVES[:3] for image in specimens_of(leaf, 4, (1,))])
    folds = deal_folds(table, 2, SPLIT, 0)
    found = score(write_said(tmp_path, table, folds, {"tree": guesses(table, folds)}).judged, ABOUT)
    assert [(each.rank, each.unit) for each in found.ranks] == [(Rank.SPECIES, "image"), (Rank.GENUS, "image")]
    assert all(each.top_3 is None for each in found.ranks)


# Up the tree


def test_scores_of_the_tree_equal_a_slow_computation(said: Said, found: CrossValidation) -> None:
    shared = identified = labelled = 0
    heights = []
    leaves = said.table.taxonomy.leaves
    for label, row in zip(said.table.labels, said.out_of_fold, strict=True):
        if label == AUS:
            continue
        answer = leaves[row.argmax()]
        above, below = {name for _, name in answer.path}, {name for _, name in label.path}
        shared, identified, labelled = shared + len(above & below), identified + len(above), labelled + len(below)
        if answer == label:
            continue
        # Species, genus, subfamily and a root above them, from the label's own rank upwards.
        levels = RANKS[RANKS.index(label.rank) :]
        chains = [[each.at(rank).name for rank in levels] + ["root"] for each in (label, answer)]
        heights.append(next(step for step, (one, other) in enumerate(zip(*chains, strict=True)) if one == other))
    tree = found.tree
    assert tree is not None
    assert tree.n_images == 108
    assert tree.precision.value == pytest.approx(shared / identified)
    assert tree.recall.value == pytest.approx(shared / labelled)
    assert tree.f1.value == pytest.approx(2 * shared / (identified + labelled))
    assert tree.height is not None
    assert tree.height.value == pytest.approx(np.mean(heights))
    assert {1, 2, 3} == set(heights)
    for estimate in (tree.precision, tree.recall, tree.f1, tree.height):
        assert estimate.interval.low < estimate.value < estimate.interval.high


def test_without_mistakes_there_is_no_height(tmp_path: Path) -> None:
    table = table_of([image for leaf in LEAVES for image in specimens_of(leaf, 4, (1, 2))])
    folds = deal_folds(table, 2, SPLIT, 0)
    found = score(write_said(tmp_path, table, folds, {"tree": guesses(table, folds, sure=40)}).judged, ABOUT)
    assert found.tree is not None
    assert found.tree.height is None
    assert (found.tree.precision.value, found.tree.recall.value, found.tree.f1.value) == (1, 1, 1)
    assert {(each.n_misclassified, each.accuracy.value, each.accuracy.interval.method) for each in found.ranks} == {
        (0, 1.0, "Wilson")
    }


# By fold


def test_each_fold_has_its_own_accuracy(said: Said, found: CrossValidation) -> None:
    leaves = said.table.taxonomy.leaves
    assert [each.name for each in found.folds] == ["1", "2", "3"]
    for number, (fold, each) in enumerate(zip(said.folds, found.folds, strict=True)):
        rows = np.flatnonzero(said.fold_of == number)
        assert (each.n_train, each.n_validation) == (len(fold.rows("train")), len(fold.rows("validation")))
        assert (each.n_images, each.n_specimens) == (len(rows), len(set(said.table.specimens[rows])))
        right = [
            leaves[said.out_of_fold[row].argmax()] == said.table.labels[row]
            for row in rows
            if said.table.labels[row] != AUS
        ]
        assert each.accuracies[Rank.SPECIES] == pytest.approx(np.mean(right))
        assert set(each.accuracies) == set(RANKS)
    hits = sum((each.accuracies[Rank.GENUS] or 0) * each.n_images for each in found.folds)
    (genus,) = [each for each in found.ranks if (each.rank, each.unit) == (Rank.GENUS, "image")]
    assert hits == pytest.approx(genus.n_images - genus.n_misclassified)


@pytest.fixture(scope="module")
def by_lake(tmp_path_factory: pytest.TempPathFactory) -> Said:
    """Three lakes: *Fus gus* lives in the third one only, and nobody named any species of the second one's *Aus*."""
    images = [
        *(image for leaf in (LEAVES[0], LEAVES[1], LEAVES[2]) for image in specimens_of(leaf, 8, (1, 2))),
        *specimens_of(AUS, 3, (2,)),
        *specimens_of(LEAVES[3], 3, (2,)),
    ]
    lakes = ["Lake A"] * 36 + ["Lake B"] * 6 + ["Lake C"] * 6
    lakes[::3] = ["Lake C" if each == "Lake A" else each for each in lakes[::3]]
    of_specimen = dict(zip((specimen for _, specimen in images), lakes, strict=True))
    table = table_of(images, locality=[of_specimen[specimen] for _, specimen in images])
    folds = leave_groups_out(table, "locality", SPLIT, 0)
    said = guesses(table, folds)
    return write_said(tmp_path_factory.mktemp("lakes"), table, folds, {"tree": said})


def test_a_taxon_that_was_not_taught_counts_as_wrong_and_is_told(by_lake: Said) -> None:
    found = score(by_lake.judged, ABOUT | {"design": "each locality judged in turn"})
    assert found.unseen == ("fold Lake C: Fus gus (6 images) is not in its training, so that these count as wrong",)
    species = next(each for each in found.ranks if (each.rank, each.unit) == (Rank.SPECIES, "image"))
    assert species.n_misclassified >= 6
    assert by_lake.out_of_fold[-6:, by_lake.table.taxonomy.leaves.index(LEAVES[3])].tolist() == [0] * 6


def test_a_fold_whose_images_leave_a_rank_open_has_no_accuracy_there(by_lake: Said) -> None:
    found = score(by_lake.judged, ABOUT)
    lake_b = found.folds[1]
    assert (lake_b.name, lake_b.n_images, lake_b.n_specimens) == ("Lake B", 6, 3)
    assert lake_b.accuracies[Rank.SPECIES] is None
    assert lake_b.accuracies[Rank.GENUS] is not None


def test_nothing_is_told_where_all_was_taught(found: CrossValidation) -> None:
    assert found.unseen == ()


# Predictions kept


def test_predictions_are_kept_once_per_image_in_the_order_of_the_table(said: Said, tmp_path: Path) -> None:
    said.judged.write(tmp_path / "out_of_fold.parquet")
    frame = pl.read_parquet(tmp_path / "out_of_fold.parquet")
    ranked = [f"{rank}_{what}" for rank in RANKS for what in ("identified", "right")]
    assert frame.columns == ["file_name", "specimen", "fold", *ranked, "tree", "distance", "energy"]
    assert frame["file_name"].to_list() == said.table.file_names
    assert frame["specimen"].to_list() == said.table.specimens.tolist()
    assert frame["fold"].to_list() == [said.folds[fold].name for fold in said.fold_of]
    np.testing.assert_allclose(frame["tree"].to_numpy(), said.out_of_fold, rtol=1e-5)
    assert frame["tree"].dtype == pl.Array(pl.Float32, 7)
    assert frame["distance"].null_count() == frame["energy"].null_count() == len(frame)
    assert [file.name for file in tmp_path.iterdir()] == ["out_of_fold.parquet"]


def test_beside_them_stands_what_was_answered_and_whether_it_was_right(said: Said, tmp_path: Path) -> None:
    said.judged.write(tmp_path / "out_of_fold.parquet")
    frame = pl.read_parquet(tmp_path / "out_of_fold.parquet")
    taxonomy = said.table.taxonomy
    for rank in RANKS:
        names = [taxonomy.title(each, rank) for each in taxonomy.taxa(rank)]
        y_pred = [names[row.argmax()] for row in taxonomy.sum_up(said.out_of_fold, rank)]
        assert frame[f"{rank}_identified"].to_list() == y_pred
        labels = [label.at(rank).name for label in said.table.labels]
        assert frame[f"{rank}_right"].to_list() == [
            one == other if one in names else None for one, other in zip(labels, y_pred, strict=True)
        ]
    assert [frame[f"{rank}_right"].null_count() for rank in RANKS] == [9, 0, 0]


def test_what_was_not_taught_stays_as_good_as_nothing(by_lake: Said, tmp_path: Path) -> None:
    by_lake.judged.write(tmp_path / "out_of_fold.parquet")
    stored = pl.read_parquet(tmp_path / "out_of_fold.parquet")["tree"].to_numpy()
    np.testing.assert_allclose(stored, by_lake.out_of_fold, rtol=1e-5, atol=1e-29)


def test_separate_networks_are_scored_each_at_its_rank(tmp_path: Path) -> None:
    """Here the network of the genera contradicts that of the species: it is never wrong."""
    table = table_of([image for leaf in LEAVES for image in specimens_of(leaf, 4, (1, 2))])
    folds = deal_folds(table, 2, SPLIT, 0)
    genera = table.taxonomy.taxa(Rank.GENUS)
    right = np.array([[genus == label.at(Rank.GENUS) for genus in genera] for label in table.labels])
    y_prob = {
        "species": guesses(table, folds),
        "genus": np.repeat(np.where(right, 0.9, 0.1 / (len(genera) - 1))[None], 2, 0).astype(np.float32),
    }
    said = write_said(tmp_path, table, folds, y_prob)
    found = score(Judged.read(table, folds, said.files, (Rank.GENUS, Rank.SPECIES)), ABOUT)
    assert [each.rank for each in found.ranks if each.unit == "image"] == [Rank.SPECIES, Rank.GENUS]
    wrong = {each.rank: each.n_misclassified for each in found.ranks}
    assert wrong[Rank.SPECIES] > 0 == wrong[Rank.GENUS]
    said.judged.write(tmp_path / "kept.parquet")
    assert pl.read_parquet(tmp_path / "kept.parquet").columns[-4:-2] == ["species", "genus"]


# Files of something else


def drop_one(files: list[Path]) -> None:
    pl.read_parquet(files[1])[1:].write_parquet(files[1])


def swap(files: list[Path]) -> None:
    files[1].write_bytes(files[2].read_bytes())


def rename(files: list[Path]) -> None:
    names = pl.col("file_name")
    pl.read_parquet(files[1]).with_columns(pl.when(pl.col("subset") == "test").then(names + "x").otherwise(names)).pipe(
        lambda frame: frame.write_parquet(files[1])
    )


@pytest.mark.parametrize("spoil", [drop_one, swap, rename])
def test_a_file_of_other_images_is_refused(said: Said, tmp_path: Path, spoil: Callable[[list[Path]], None]) -> None:
    files = write_said(tmp_path, said.table, said.folds, said.y_prob).files
    spoil(files)
    with pytest.raises(
        RunError,
        match=rf"^{re.escape(str(files[1]))}: lists other images than fold 2; remove it and give the command again\.$",
    ):
        Judged.read(said.table, said.folds, files, ())


# Probabilities and thresholds


def learned_in_turn(
    judged: Judged, turn: int, units: Sequence[Unit] = UNITS
) -> tuple[dict[str, float], list[tuple[RankThreshold, ...]]]:
    """Temperatures of a turn, and its thresholds by image and by specimen, for one wrong answer among five."""
    material = judged.material()
    cases = material.cases[material.turns[turn].learned]
    temperatures = fit_temperatures(cases)
    return temperatures, [give_verdicts(cases, temperatures, unit).thresholds(0.2) for unit in units]


def test_each_turn_learns_from_what_its_training_looked_at(said: Said) -> None:
    material = said.judged.material()
    assert len(material.turns) == 3
    for number, (fold, turn) in enumerate(zip(said.folds, material.turns, strict=True)):
        for rows, subset in ((turn.learned, "validation"), (turn.judged, "test")):
            assert said.judged.rows[rows].tolist() == fold.rows(subset).tolist()
            np.testing.assert_allclose(
                np.exp(material.cases.log_prob["tree"][rows]), said.y_prob["tree"][number, fold.rows(subset)], rtol=1e-6
            )
        names = said.table.specimens
        assert not set(names[fold.rows("validation")]) & set(names[fold.rows("test")])
    assert (
        sorted(np.concatenate([turn.judged for turn in material.turns]))
        == np.flatnonzero(~said.judged.watched).tolist()
    )
    assert material.learned.tolist() == np.flatnonzero(said.judged.watched).tolist()


def test_a_specimen_that_several_trainings_looked_at_is_not_combined_over_them(said: Said) -> None:
    material = said.judged.material()
    pairs = set(zip(material.cases.specimens.tolist(), said.judged.fold_of.tolist(), strict=True))
    assert len(pairs) == len(set(material.cases.specimens.tolist()))
    assert len(pairs) > len(set(said.table.specimens.tolist()))


def test_labels_of_the_images_judged_do_not_reach_what_judges_them(said: Said) -> None:
    """Labels turned round in one fold: its temperatures and thresholds stay, those of the other folds do not."""
    leaves = said.table.taxonomy.leaves
    for turn, fold in enumerate(said.folds):
        labels = list(said.table.labels)
        for row in fold.rows("test").tolist():
            labels[row] = leaves[(leaves.index(labels[row]) + 1) % len(leaves)] if labels[row] in leaves else leaves[0]
        table = replace(said.table, labels=tuple(labels))
        turned = Judged.read(table, said.folds, said.files, ())
        assert learned_in_turn(turned, turn) == learned_in_turn(said.judged, turn)
        for other in {0, 1, 2} - {turn}:
            assert learned_in_turn(turned, other, ())[0] != learned_in_turn(said.judged, other, ())[0]


@pytest.fixture(scope="module")
def report(said: Said) -> CalibrationReport:
    return calibrate_folds(said.judged, 0.2)


@pytest.mark.parametrize("unit", UNITS)
def test_answers_are_counted_fold_by_fold(said: Said, report: CalibrationReport, unit: Unit) -> None:
    """Slowly: the lowest rank whose probability reaches the threshold, weighted so that each specimen counts once."""
    material = said.judged.material()
    answered = wrong = total = 0.0
    for number, turn in enumerate(material.turns):
        temperatures, (thresholds,) = learned_in_turn(said.judged, number, (unit,))
        verdicts = give_verdicts(material.cases[turn.judged], temperatures, unit)
        total += verdicts.weights.sum()
        for row, weight in enumerate(verdicts.weights):
            for each in thresholds:
                answers = verdicts.answers
                sure = each.threshold is not None and answers.probability[each.rank][row] >= each.threshold
                if sure and answers.agrees[each.rank][row]:
                    right = verdicts.right[each.rank][row]
                    answered, wrong = answered + weight * (not np.isnan(right)), wrong + weight * (right == 0)
                    break
    (defended,) = [each for each in report.defended if (each.unit, each.error_rate) == (unit, 0.2)]
    assert answered > 20
    assert (defended.n_answered, defended.n_wrong) == pytest.approx((answered, wrong))
    assert (report.n_images, report.n_specimens, total) == (117, 58, pytest.approx(58))
    assert report.method == "each fold judged by what was learned from the validation specimens among the other folds"
    assert report.source == "held-out"
