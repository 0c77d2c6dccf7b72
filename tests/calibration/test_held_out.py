import re

import numpy as np
import polars as pl
import pytest

from mentum.calibration.held_out import N_GROUPS, held_out, read_folds
from mentum.calibration.out_of_fold import OutOfFold
from mentum.errors import RunError
from mentum.taxonomy import Rank
from support.runs_by_hand import SHOTS, TEST_SHOTS, Shot, make_run

LABELS = ("Chironomus plumosus", "Chironomus riparius", "Polypedilum laetum", "Orthocladius")
TRAINED = tuple(Shot(label, f"T-{label}", "train", label) for label in LABELS)


def validation(n, images=(1,)):
    """Shots of n specimens, the taxa in turn, with so many images in turn."""
    return tuple(
        Shot(LABELS[k % 4], f"V{k:03}", "validation", LABELS[k % 4])
        for k in range(n)
        for _ in range(images[k % len(images)])
    )


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A run with 43 validation specimens of one to three images."""
    shots = (*TRAINED, *validation(43, (1, 2, 3)))
    return make_run(tmp_path_factory.mktemp("runs") / "many", shots=shots)


def write_folds(run, models, rows):
    """Out-of-fold predictions of some rows of the run's table."""
    random = np.random.default_rng(0)
    probabilities = {name: random.dirichlet(np.ones(n), len(rows)).astype(np.float32) for name, n in models.items()}
    table = run.table()[list(rows)]
    measures = np.column_stack([np.arange(len(rows)) * 1.0, np.arange(len(rows)) * -2.0])
    names, specimens = table["file_name"].to_list(), table["specimen"].to_list()
    OutOfFold(names, specimens, ["1"] * len(rows), {}, {}, probabilities, measures).write(run.folds_file)
    return probabilities


# Kept apart


def test_no_specimen_is_judged_by_what_was_learned_from_it(many):
    material = held_out(many, seed=0)
    assert len(material.turns) == N_GROUPS
    specimens = material.cases.specimens
    for turn in material.turns:
        assert not set(specimens[turn.learned]) & set(specimens[turn.judged])
        assert sorted([*turn.learned, *turn.judged]) == list(range(len(material.cases)))
    judged = np.concatenate([turn.judged for turn in material.turns])
    assert sorted(judged) == list(range(len(material.cases)))


def test_a_model_learns_from_all_of_them(many):
    material = held_out(many, seed=0)
    assert material.learned.tolist() == list(range(len(material.cases)))
    assert material.method == "validation specimens in 5 parts, each judged by what was learned from the others"


def test_parts_are_of_equal_size_and_share_every_taxon(many):
    """43 specimens in fives, ten or eleven of each taxon in twos and threes."""
    material = held_out(many, seed=0)
    parts = [material.cases[turn.judged] for turn in material.turns]
    assert sorted(part.n_specimens for part in parts) == [8, 8, 9, 9, 9]
    for label in {label.name for label in material.cases.labels}:
        counts = [sum(each.name == label for each in part.specimen_labels) for part in parts]
        assert max(counts) - min(counts) <= 1


def test_the_seed_decides_who_is_in_which_part(many):
    def parts(seed):
        return [turn.judged.tolist() for turn in held_out(many, seed).turns]

    assert parts(0) == parts(0)
    assert parts(0) != parts(1)


def test_fewer_specimens_than_parts_are_each_judged_by_the_others(tmp_path):
    material = held_out(make_run(tmp_path / "run", shots=(*TRAINED, *validation(3, (2,)))), seed=0)
    assert sorted(turn.judged.tolist() for turn in material.turns) == [[0, 1], [2, 3], [4, 5]]
    assert all(len(turn.learned) == 4 for turn in material.turns)


# What is there


def test_only_validation_images_are_held_out_with_what_the_last_stage_said_of_them(tmp_path):
    run = make_run(tmp_path / "run")
    cases = held_out(run, seed=0).cases
    assert cases.source == "validation"
    assert cases.specimens.tolist() == ["V1", "V1", "V2", "V2", "V3", "V4", "V5"]
    assert [label.name for label in cases.labels] == [shot.label for shot in SHOTS if shot.subset == "validation"]
    assert list(cases.log_prob) == ["tree"]
    assert cases.measures is None
    said = [[taxon.name for taxon in run.taxonomy().leaves][row.argmax()] for row in cases.log_prob["tree"]]
    assert said == [shot.leaf for shot in SHOTS if shot.subset == "validation"]
    np.testing.assert_allclose(np.exp(cases.log_prob["tree"]).sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(np.exp(cases.log_prob["tree"]).max(axis=1), [0.7, 0.7, 0.7, 0.85, 0.7, 0.7, 0.7])


def test_without_a_second_stage_the_first_one_counts(tmp_path):
    run = make_run(tmp_path / "run", stages=("stage1",))
    found = held_out(run, seed=0).cases.log_prob["tree"]
    assert found[-1].argmax() == [taxon.name for taxon in run.taxonomy().leaves].index("Polypedilum laetum")


def test_separate_networks_are_kept_separate(tmp_path):
    cases = held_out(make_run(tmp_path / "run", heads="separate"), seed=0).cases
    assert {name: values.shape for name, values in cases.log_prob.items()} == {
        "species": (7, 4), "genus": (7, 3), "subfamily": (7, 2),
    }  # fmt: skip
    assert cases.log_prob["genus"][0].argmax() == 1  # Polypedilum, against its species network


def test_test_specimens_only_judge(tmp_path):
    material = held_out(make_run(tmp_path / "run", shots=(*SHOTS, *TEST_SHOTS)), seed=0)
    (turn,) = material.turns
    assert material.cases.specimens[turn.judged].tolist() == ["E1", "E2"]
    assert material.cases.specimens[turn.learned].tolist() == ["V1", "V1", "V2", "V2", "V3", "V4", "V5"]
    assert material.learned.tolist() == turn.learned.tolist()
    assert material.method == "learned from the validation specimens, judged on the test specimens"


def test_a_run_without_validation_images_is_refused(tmp_path):
    run = make_run(tmp_path / "run", shots=TRAINED)
    with pytest.raises(RunError, match="has no validation images, from which probabilities could be calibrated"):
        held_out(run, seed=0)


def test_a_single_specimen_cannot_judge_itself(tmp_path):
    run = make_run(tmp_path / "run", shots=(*TRAINED, *validation(1, (3,))))
    with pytest.raises(RunError, match="has 1 validation specimen, expected 2 or more"):
        held_out(run, seed=0)


# Out-of-fold predictions


def test_out_of_fold_predictions_go_before_validation_images(tmp_path):
    run = make_run(tmp_path / "run")
    rows = [11, *range(11)]
    stored = write_folds(run, {"tree": 4}, rows)
    material = held_out(run, seed=0)
    specimens = [SHOTS[row].specimen for row in rows]
    assert material.cases.source == "out-of-fold"
    assert material.cases.specimens.tolist() == specimens
    assert [label.name for label in material.cases.labels] == [SHOTS[row].label for row in rows]
    np.testing.assert_allclose(np.exp(material.cases.log_prob["tree"]), stored["tree"], rtol=1e-6)
    assert material.cases.measures.tolist() == [[k, -2 * k] for k in range(12)]
    assert material.method.startswith("out-of-fold specimens in 5 parts")


def test_out_of_fold_predictions_keep_their_measures_beside_test_specimens(tmp_path):
    """The test specimens' strangeness is not known from folds; a model learns from the others only."""
    run = make_run(tmp_path / "run", shots=(*SHOTS, *TEST_SHOTS), heads="separate")
    stored = write_folds(run, {"genus": 3, "species": 4, "subfamily": 2}, range(12))
    material = held_out(run, seed=0)
    learned = material.cases[material.learned]
    assert learned.measures.tolist() == [[k, -2 * k] for k in range(12)]
    assert material.cases.specimens[material.turns[0].judged].tolist() == ["E1", "E2"]
    for rank in (Rank.GENUS, Rank.SPECIES):
        np.testing.assert_allclose(np.exp(learned.log_prob[rank]), stored[rank], rtol=1e-6)
    assert material.cases.log_prob["genus"].shape == (14, 3)


def test_folds_of_other_images_are_refused(tmp_path):
    run = make_run(tmp_path / "run")
    assert read_folds(run) is None
    write_folds(run, {"tree": 4}, range(12))
    pl.read_parquet(run.folds_file).with_columns(file_name=pl.col("file_name") + "x").write_parquet(run.folds_file)
    with pytest.raises(RunError, match=f"{re.escape(str(run.folds_file))}: lists other images than .*calibrate` again"):
        held_out(run, seed=0)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pl.col("specimen") + "x", "lists other images than .*, or other specimens or taxa"),
        (
            pl.lit(pl.Series([[0.5, 0.5]] * 12, dtype=pl.Array(pl.Float32, 2))).alias("tree"),
            "or other specimens or taxa",
        ),
        (pl.col("fold").cast(pl.Int32), "found Int32 in fold, expected String"),
    ],
    ids=["specimens", "taxa", "earlier version"],
)
def test_folds_of_something_else_are_refused(tmp_path, column, message):
    run = make_run(tmp_path / "run")
    write_folds(run, {"tree": 4}, range(12))
    pl.read_parquet(run.folds_file).with_columns(column).write_parquet(run.folds_file)
    with pytest.raises(RunError, match=f"{message}.*; give `mentum calibrate` again.$"):
        held_out(run, seed=0)


def test_damaged_folds_are_refused(tmp_path):
    run = make_run(tmp_path / "run")
    run.folds_file.write_bytes(b"PAR1 and no more")
    with pytest.raises(RunError, match=r"not readable \(.*\); give `mentum calibrate` again\.$"):
        held_out(run, seed=0)


def test_folds_without_features_have_no_measures(tmp_path):
    run = make_run(tmp_path / "run")
    write_folds(run, {"tree": 4}, range(12))
    nothing = [pl.lit(None, pl.Float64).alias(name) for name in ("distance", "energy")]
    pl.read_parquet(run.folds_file).with_columns(nothing).write_parquet(run.folds_file)
    assert held_out(run, seed=0).cases.measures is None
