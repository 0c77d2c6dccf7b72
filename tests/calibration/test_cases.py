import math
import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentum.calibration.cases import UNITS, Cases, allowed_taxa
from mentum.calibration.novelty import Density, KnownScores, Novelty
from mentum.calibration.stored import read_calibration, write_calibration
from mentum.calibration.temperatures import COOLEST, at_temperature, fit_temperature, fit_temperatures
from mentum.calibration.verdicts import give_verdicts
from mentum.errors import ModelError
from mentum.taxonomy import Rank, Taxon, Taxonomy

SPECIES, GENUS, SUBFAMILY = RANKS = (Rank.SPECIES, Rank.GENUS, Rank.SUBFAMILY)


def taxon(*names):
    return Taxon(tuple(zip(reversed(RANKS), names, strict=False)))


PLUMOSUS, RIPARIUS = (taxon("Chironominae", "Chironomus", f"Chironomus {name}") for name in ("plumosus", "riparius"))
LAETUM = taxon("Chironominae", "Polypedilum", "Polypedilum laetum")
ORTHOCLADIUS = taxon("Orthocladiinae", "Orthocladius")
CHIRONOMUS, CHIRONOMINAE = PLUMOSUS.at(GENUS), PLUMOSUS.at(SUBFAMILY)
TREE = Taxonomy.from_taxa([PLUMOSUS, RIPARIUS, LAETUM, ORTHOCLADIUS])
SURE = [0.7, 0.1, 0.1, 0.1]


def cases(images, measures=None):
    """From (specimen, label, probabilities of the leaves)."""
    specimens, labels, y_prob = zip(*images, strict=True)
    return Cases("validation", TREE, np.array(specimens), list(labels), {"tree": np.log(y_prob)}, measures)


def drawn(n, seed=0, several=True):
    """Cases of n specimens, some of several images and some labelled above the species, with measures."""
    random = np.random.default_rng(seed)
    owners = np.repeat(np.arange(n), random.integers(1, 4, n) if several else 1)
    leaf = random.integers(0, 4, n)
    labels = [TREE.leaves[column] if random.random() < 0.8 else TREE.leaves[column].at(GENUS) for column in leaf]
    logits = random.normal(0, 1, (len(owners), 4)) + 5 * np.eye(4)[leaf[owners]] * random.random((len(owners), 1))
    names = np.array([f"specimen {owner:03}" for owner in random.permutation(n)])
    return Cases(
        "validation",
        TREE,
        names[owners],
        [labels[owner] for owner in owners],
        {"tree": np.log(at_temperature(logits, 1.0))},
        random.normal(0, 1, (len(owners), 2)),
    )


def some_novelty(measures, weights):
    features = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    return Novelty.fit(Density.fit(features, np.arange(12) % 4), measures, weights)


# Images and specimens


def test_every_specimen_counts_once_however_many_images_it_has():
    found = cases([("b", LAETUM, SURE), ("a", PLUMOSUS, SURE), ("b", LAETUM, SURE), ("c", RIPARIUS, SURE)])
    assert (len(found), found.n_specimens) == (4, 3)
    assert found.groups.tolist() == [1, 0, 1, 2]
    assert found.weights.tolist() == [0.5, 1, 0.5, 1]


def test_a_specimen_has_the_lowest_label_of_its_images():
    found = cases(
        [("b", CHIRONOMUS, SURE), ("a", LAETUM, SURE), ("b", RIPARIUS, SURE), ("b", CHIRONOMINAE, SURE)],
    )
    assert found.specimen_labels == [LAETUM, RIPARIUS]


def test_some_of_the_images_keep_their_order_and_count_anew():
    whole = drawn(12)
    rows = np.array([5, 0, 3])
    some = whole[rows]
    assert some.specimens.tolist() == whole.specimens[rows].tolist()
    assert some.labels == [whole.labels[row] for row in rows]
    np.testing.assert_array_equal(some.log_prob["tree"], whole.log_prob["tree"][rows])
    np.testing.assert_array_equal(some.measures, whole.measures[rows])
    assert some.weights.sum() == pytest.approx(some.n_specimens)
    assert cases([("a", LAETUM, SURE)])[np.array([0])].measures is None


@pytest.mark.parametrize(
    ("network", "label", "allowed"),
    [
        ("tree", PLUMOSUS, [1, 0, 0, 0]),
        ("tree", CHIRONOMUS, [1, 1, 0, 0]),
        ("tree", CHIRONOMINAE, [1, 1, 1, 0]),
        ("species", ORTHOCLADIUS, [0, 0, 0, 1]),
        ("species", CHIRONOMUS, [0, 0, 0, 0]),
        ("genus", CHIRONOMUS, [1, 0, 0]),
        ("genus", CHIRONOMINAE, [0, 0, 0]),
        ("subfamily", LAETUM, [1, 0]),
    ],
)
def test_what_a_label_may_mean_to_a_network(network, label, allowed):
    assert [leaf.name for leaf in TREE.leaves] == [each.name for each in (PLUMOSUS, RIPARIUS, LAETUM, ORTHOCLADIUS)]
    assert allowed_taxa(TREE, [label, LAETUM], network)[0].tolist() == [bool(each) for each in allowed]


def test_every_network_has_its_own_temperature():
    """All ten right at 0.7 of two: cooler. All ten wrong at 0.7 of four: hotter."""
    log_prob = {"subfamily": np.log(np.tile([0.7, 0.3], (10, 1))), "species": np.log(np.tile(SURE, (10, 1)))}
    specimens = np.arange(10).astype(str)
    found = fit_temperatures(Cases("validation", TREE, specimens, [RIPARIUS] * 10, log_prob))
    right = np.tile([True, False], (10, 1))
    assert found["subfamily"] == fit_temperature(log_prob["subfamily"], right, np.ones(10))
    assert found["subfamily"] < 0.7
    assert found["species"] > 1.5


def test_more_images_of_the_same_specimens_do_not_sharpen_the_temperature():
    """Ten specimens of four images are ten specimens."""
    once = cases([(str(k), PLUMOSUS, SURE) for k in range(10)])
    often = cases([(str(k % 10), PLUMOSUS, SURE) for k in range(40)])
    assert fit_temperatures(often)["tree"] == pytest.approx(fit_temperatures(once)["tree"])
    more = cases([(str(k), PLUMOSUS, SURE) for k in range(40)])
    assert COOLEST < fit_temperatures(more)["tree"] < 0.9 * fit_temperatures(once)["tree"]


def test_a_label_learned_beside_lower_ones_means_itself_and_is_judged_from_its_rank_upwards():
    tree = Taxonomy.from_taxa([CHIRONOMUS, *TREE.leaves])
    labels = [CHIRONOMUS, PLUMOSUS, PLUMOSUS]
    assert allowed_taxa(tree, labels, "tree").astype(int).tolist() == [
        [1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 1, 0, 0, 0],
    ]  # fmt: skip
    assert allowed_taxa(tree, labels, "species")[0].tolist() == [True, False, False, False, False]
    y_prob = np.array([[0.1, 0.7, 0.1, 0.05, 0.05], [0.7, 0.1, 0.1, 0.05, 0.05], [0.1, 0.7, 0.1, 0.05, 0.05]])
    some = Cases("validation", tree, np.array(["a", "b", "c"]), labels, {"tree": np.log(y_prob)})
    found = give_verdicts(some, {"tree": 1.0}, "image")
    np.testing.assert_array_equal(found.right[SPECIES], [np.nan, 0, 1])
    assert found.right[GENUS].tolist() == [1, 1, 1]
    assert found.judged(SPECIES).tolist() == [False, False, True], "wrong, but no answer that has a probability"
    assert found.judged(GENUS).tolist() == [True, True, True]


# Answers beside the truth


def test_answers_by_image_and_by_specimen_by_hand():
    """One of two images of a specimen is wrong: alone it misleads; both together leave plumosus and laetum even."""
    found = cases(
        [
            ("a", PLUMOSUS, SURE),
            ("a", PLUMOSUS, [0.1, 0.1, 0.7, 0.1]),
            ("b", CHIRONOMUS, [0.4, 0.4, 0.1, 0.1]),
        ]
    )
    by_image = give_verdicts(found, {"tree": 1.0}, "image")
    assert by_image.y_true[SPECIES].tolist() == [0, 0, -1]
    assert by_image.y_true[GENUS].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(by_image.right[SPECIES], [1, 0, np.nan])
    assert by_image.right[GENUS].tolist() == [1, 0, 1]
    assert by_image.right[SUBFAMILY].tolist() == [1, 1, 1]
    np.testing.assert_allclose(by_image.answers.probability[GENUS], [0.8, 0.7, 0.8])
    assert by_image.weights.tolist() == [0.5, 0.5, 1]

    by_specimen = give_verdicts(found, {"tree": 1.0}, "specimen")
    root = math.sqrt(0.07)
    expected = np.array([root, 0.1, root, 0.1]) / (2 * root + 0.2)
    np.testing.assert_allclose(by_specimen.y_prob[SPECIES], [expected, [0.4, 0.4, 0.1, 0.1]])
    assert by_specimen.y_true[SPECIES].tolist() == [0, -1]
    np.testing.assert_allclose(by_specimen.answers.probability[GENUS][0], expected[:2].sum())
    assert by_specimen.weights.tolist() == [1, 1]


def test_the_temperature_comes_before_the_sums_up_the_tree():
    found = give_verdicts(cases([("a", PLUMOSUS, [0.64, 0.04, 0.16, 0.16])]), {"tree": 2.0}, "image")
    np.testing.assert_allclose(found.y_prob[SPECIES], [[0.8 / 1.8, 0.2 / 1.8, 0.4 / 1.8, 0.4 / 1.8]])
    np.testing.assert_allclose(found.y_prob[GENUS], [[1 / 1.8, 0.4 / 1.8, 0.4 / 1.8]])


def test_separate_networks_that_contradict_each_other_are_kept_as_they_are():
    log_prob = {
        "species": np.log([[0.97, 0.01, 0.01, 0.01]]),
        "genus": np.log([[0.1, 0.8, 0.1]]),
        "subfamily": np.log([[0.9, 0.1]]),
    }
    found = give_verdicts(
        Cases("validation", TREE, np.array(["a"]), [PLUMOSUS], log_prob), dict.fromkeys(log_prob, 1.0), "image"
    )
    assert {rank: bool(values[0]) for rank, values in found.answers.agrees.items()} == {
        SPECIES: False, GENUS: True, SUBFAMILY: True,
    }  # fmt: skip
    assert [found.right[rank].tolist() for rank in RANKS] == [[1], [0], [1]]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(UNITS))
def test_order_of_images_does_not_matter_to_thresholds(seed, unit):
    whole = drawn(40, seed)
    order = np.random.default_rng(seed).permutation(len(whole))
    first = give_verdicts(whole, {"tree": 1.0}, unit).thresholds(0.2)
    second = give_verdicts(whole[order], {"tree": 1.0}, unit).thresholds(0.2)
    for one, other in zip(first, second, strict=True):
        assert one.model_dump(exclude={"threshold", "n_answered", "n_wrong"}) == other.model_dump(
            exclude={"threshold", "n_answered", "n_wrong"}
        )
        assert one.threshold == pytest.approx(other.threshold, abs=1e-12)
        assert (one.n_answered, one.n_wrong) == pytest.approx((other.n_answered, other.n_wrong))


@pytest.mark.parametrize("several", [True, False])
def test_units_are_the_same_where_each_specimen_has_one_image(several):
    by_image, by_specimen = (
        give_verdicts(drawn(60, 3, several), {"tree": 1.3}, unit).thresholds(0.1) for unit in UNITS
    )
    assert (by_image == by_specimen) is not several


# What a model keeps


@pytest.mark.parametrize("error_rate", [0.05, 0.1, 0.3])
@pytest.mark.parametrize("unit", UNITS)
def test_thresholds_from_the_stored_experience_are_those_from_the_cases(tmp_path, unit, error_rate):
    known = drawn(80, 1)
    write_calibration(known, {"tree": 1.2}, some_novelty(known.measures, known.weights), tmp_path / "calibration.csv")
    assert [each.name for each in tmp_path.iterdir()] == ["calibration.csv"]
    experience = read_calibration(tmp_path / "calibration.csv", RANKS)
    verdicts = give_verdicts(known, {"tree": 1.2}, unit)
    assert experience.thresholds(unit, error_rate) == verdicts.thresholds(error_rate)
    assert any(each.threshold for each in verdicts.thresholds(0.3))
    for rank in RANKS:
        np.testing.assert_array_equal(experience.right[unit][rank], verdicts.right[rank])
        np.testing.assert_array_equal(experience.answers[unit].probability[rank], verdicts.answers.probability[rank])
        np.testing.assert_array_equal(experience.answers[unit].agrees[rank], verdicts.answers.agrees[rank])
    np.testing.assert_array_equal(experience.weights[unit], verdicts.weights)


def test_strangeness_of_a_specimen_is_the_mean_of_its_images(tmp_path):
    known = drawn(30, 2)
    novelty = some_novelty(known.measures, known.weights)
    write_calibration(known, {"tree": 1.0}, novelty, tmp_path / "calibration.csv")
    found = read_calibration(tmp_path / "calibration.csv", RANKS).known
    scores = novelty.score(known.measures)
    by_image = KnownScores.of(scores, known.weights)
    np.testing.assert_array_equal(found["image"].scores, by_image.scores)
    np.testing.assert_array_equal(found["image"].weights, by_image.weights)
    means = [scores[known.specimens == name].mean() for name in np.unique(known.specimens)]
    np.testing.assert_allclose(found["specimen"].scores, np.sort(means), atol=1e-12)
    assert found["specimen"].weights.tolist() == [1] * 30


@pytest.mark.parametrize("which", ["no novelty", "no measures"])
def test_without_measures_nothing_is_known_of_strangeness(tmp_path, which):
    known = drawn(10)
    novelty = None if which == "no novelty" else some_novelty(known.measures, known.weights)
    if which == "no measures":
        known = Cases(known.source, TREE, known.specimens, known.labels, known.log_prob)
    write_calibration(known, {"tree": 1.0}, novelty, tmp_path / "calibration.csv")
    assert read_calibration(tmp_path / "calibration.csv", RANKS).known == {"image": None, "specimen": None}


def _without(column):
    return lambda file: pl.read_csv(file).drop(column).write_csv(file)


def _shortened(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.parametrize(
    "damage",
    [
        _shortened,
        lambda file: file.write_bytes(b""),
        lambda file: file.write_text("no table"),
        lambda file: file.unlink(),
        _without("unit"),
        _without("genus_right"),
        _without("weight"),
        _without("novelty"),
    ],
    ids=["half", "empty", "text", "gone", "no unit", "no truth", "no weight", "no novelty"],
)
def test_a_damaged_experience_is_told(tmp_path, damage):
    file = tmp_path / "calibration.csv"
    write_calibration(drawn(10), {"tree": 1.0}, None, file)
    damage(file)
    with pytest.raises(ModelError, match=re.escape(str(file)) + r": not readable \(.*; copy the model folder again"):
        read_calibration(file, RANKS)
