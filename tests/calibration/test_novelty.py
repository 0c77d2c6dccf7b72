import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist
from scipy.special import log_softmax, logsumexp
from sklearn.covariance import ShrunkCovariance

from mentum.calibration.novelty import (
    SHRINKAGE,
    Density,
    KnownScores,
    Novelty,
    Spread,
    energy,
    is_novel,
    measure,
)
from mentum.errors import ModelError


@pytest.fixture
def features():
    """Of 300 images, of which each third is another taxon; 12 features of very different variance, some correlated."""
    random = np.random.default_rng(4)
    taxa = np.repeat([0, 1, 2], 100)
    mixing = random.normal(0, 1, (12, 12)) * np.geomspace(3, 0.01, 12)[:, None]
    centres = random.normal(0, 2, (3, 12))
    return (centres[taxa] + random.normal(0, 1, (300, 12)) @ mixing).astype(np.float32), taxa


@pytest.fixture
def learned(features):
    """What novelty is learned from those images and from a hundred others."""
    random = np.random.default_rng(5)
    density = Density.fit(*features)
    measures = measure(density, *known_specimens(random, features, 100))
    return Novelty.fit(density, measures, np.ones(100))


def known_specimens(random, features, n):
    """Features and logarithms of probabilities of n more images of the same taxa."""
    rows = random.integers(0, 300, n)
    near = features[0][rows] + random.normal(0, 0.05, (n, 12))
    logits = random.normal(0, 1, (n, 3)) + 4 * np.eye(3)[features[1][rows]]
    return near.astype(np.float32), log_softmax(logits, axis=1)


# Distances


def dense(centred):
    """The shrunken covariance as one matrix."""
    covariance = centred.T @ centred / len(centred)
    return (1 - SHRINKAGE) * covariance + SHRINKAGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))


def test_squared_distances_are_those_of_the_dense_shrunken_covariance(features):
    rows = features[0].astype(np.float64)
    centred, centres = rows - rows.mean(axis=0), rows[:4] - rows.mean(axis=0)
    found = Spread.of(centred).squared_distances(centred, centres)
    inverse = np.linalg.inv(dense(centred))
    expected = cdist(centred, centres, "mahalanobis", VI=inverse) ** 2
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_squared_distances_from_the_mean_are_those_of_scikit_learn(features):
    rows = features[0].astype(np.float64)
    oracle = ShrunkCovariance(shrinkage=SHRINKAGE, assume_centered=True).fit(rows - rows.mean(axis=0))
    found = Spread.of(rows - rows.mean(axis=0)).squared_distances(rows - rows.mean(axis=0), np.zeros((1, 12)))
    np.testing.assert_allclose(found[:, 0], oracle.mahalanobis(rows - rows.mean(axis=0)), rtol=1e-6)


@pytest.mark.parametrize("n_directions", [1, 4, 11])
def test_weak_directions_count_with_their_mean_variance(features, n_directions):
    rows = features[0].astype(np.float64)
    centred = rows - rows.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    values[: 12 - n_directions] = values[: 12 - n_directions].mean()
    shrunk = (1 - SHRINKAGE) * values + SHRINKAGE * values.mean()
    inverse = vectors @ np.diag(1 / shrunk) @ vectors.T
    spread = Spread.of(centred, n_directions)
    assert spread.directions.shape == (n_directions, 12)
    expected = cdist(centred, centred[:3], "mahalanobis", VI=inverse) ** 2
    np.testing.assert_allclose(spread.squared_distances(centred, centred[:3]), expected, rtol=1e-6, atol=1e-6)
    trace = spread.variances.sum() + (12 - n_directions) * spread.rest
    assert trace == pytest.approx((centred**2).sum() / len(centred))


def test_fewer_images_than_features_still_give_distances():
    random = np.random.default_rng(0)
    centred = random.normal(size=(5, 40))
    centred -= centred.mean(axis=0)
    found = Spread.of(centred).squared_distances(centred, np.zeros((1, 40)))[:, 0]
    expected = np.einsum("ni,ij,nj->n", centred, np.linalg.inv(dense(centred)), centred)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_features_that_never_vary_give_finite_distances():
    density = Density.fit(np.full((6, 3), 2.0, dtype=np.float32), np.array([0, 0, 0, 1, 1, 1]))
    assert density.distance(np.full((1, 3), 2.0, dtype=np.float32)).tolist() == [0]
    assert np.isfinite(density.distance(np.full((1, 3), 3.0, dtype=np.float32))).all()


def test_distance_by_hand():
    """Taxa at -3 and 3 of one feature, each with images 1 to either side: variances 1 within, 10 in all."""
    rows = np.array([[-4], [-2], [2], [4], [90]], dtype=np.float32)
    density = Density.fit(rows, np.array([0, 0, 1, 1, -1]))
    assert density.mean.tolist() == [0]
    assert density.centres.tolist() == [[-3], [3]]
    expected = [0 - 9 / 10, 9 - 0, 4 - 25 / 10]
    np.testing.assert_allclose(density.distance(np.array([[3], [0], [5]], dtype=np.float32)), expected, atol=1e-12)


def test_distance_is_the_one_to_the_nearest_taxon_less_the_one_to_all(features):
    rows, taxa = features
    rows64 = rows.astype(np.float64)
    mean = rows64.mean(axis=0)
    centres = np.stack([rows64[taxa == taxon].mean(axis=0) for taxon in range(3)])
    within, total = np.linalg.inv(dense(rows64 - centres[taxa])), np.linalg.inv(dense(rows64 - mean))
    expected = [
        min((row - centre) @ within @ (row - centre) for centre in centres) - (row - mean) @ total @ (row - mean)
        for row in rows64
    ]
    np.testing.assert_allclose(Density.fit(rows, taxa).distance(rows), expected, rtol=1e-6, atol=1e-6)


def test_images_labelled_above_the_leaves_teach_no_density(features):
    rows, taxa = features
    open_labels = np.append(taxa, [-1] * 20)
    beside = np.concatenate([rows, 50 + rows[:20]])
    np.testing.assert_array_equal(
        Density.fit(beside, open_labels).distance(rows), Density.fit(rows, taxa).distance(rows)
    )


def test_a_taxon_without_images_has_no_centre(features):
    rows, taxa = features
    assert len(Density.fit(rows, np.where(taxa == 1, 7, taxa)).centres) == 3


# Energy


@given(arrays(np.float64, (4, 5), elements=st.floats(-60, 60)), st.floats(-20, 20))
def test_energy_is_that_of_the_centred_logits(logits, constant):
    centred = logits - logits.mean(axis=1, keepdims=True)
    log_prob = log_softmax(logits + constant, axis=1)
    np.testing.assert_allclose(energy(log_prob), -logsumexp(centred, axis=1), atol=1e-9)


def test_a_network_that_leans_nowhere_has_the_highest_energy():
    found = energy(np.log([[1 / 3, 1 / 3, 1 / 3], [0.9, 0.05, 0.05]]))
    assert found == pytest.approx([-np.log(3), -np.log(18 ** (2 / 3) + 2 * 18 ** (-1 / 3))])
    assert found[0] > found[1]


# Scores


def test_scores_by_hand(learned):
    """Means 1 and 2, standard deviations 1 and 2."""
    found = Novelty.fit(learned.density, np.array([[0.0, 0.0], [2.0, 4.0]]), np.ones(2))
    assert (found.location.tolist(), found.scale.tolist()) == ([1, 2], [1, 2])
    assert found.score(np.array([[2.0, 4.0], [1.0, 2.0], [0.0, 6.0]])).tolist() == [2, 0, 1]


def test_two_images_of_a_specimen_weigh_as_one(learned):
    measures = np.array([[0.0, 5.0], [0.0, 5.0], [3.0, 8.0]])
    weighted = Novelty.fit(learned.density, measures, np.array([0.5, 0.5, 1.0]))
    plain = Novelty.fit(learned.density, measures[1:], np.ones(2))
    np.testing.assert_allclose(weighted.location, plain.location)
    np.testing.assert_allclose(weighted.scale, plain.scale)


def test_a_measure_that_never_varies_leaves_scores_finite(learned):
    found = Novelty.fit(learned.density, np.array([[1.0, 3.0], [1.0, 5.0]]), np.ones(2))
    np.testing.assert_allclose(found.score(np.array([[1.0, 5.0]])), [1])


def test_measures_are_distance_and_energy(learned, features):
    rows, log_prob = known_specimens(np.random.default_rng(6), features, 7)
    found = measure(learned.density, rows, log_prob)
    assert found.shape == (7, 2)
    np.testing.assert_array_equal(found[:, 0], learned.density.distance(rows))
    np.testing.assert_array_equal(found[:, 1], energy(log_prob))


def test_what_lies_off_all_taxa_and_leans_nowhere_is_stranger_than_all_known(learned, features):
    known = learned.score(measure(learned.density, *known_specimens(np.random.default_rng(7), features, 200)))
    centres = learned.density.mean + learned.density.centres
    between = centres.mean(axis=0)[None].astype(np.float32)
    odd = learned.score(measure(learned.density, between, np.log(np.full((1, 3), 1 / 3))))
    assert odd > known.max()


# The file


def test_a_saved_novelty_comes_back_to_single_precision(learned, features, tmp_path):
    file = tmp_path / "density.npz"
    learned.save(file)
    assert [each.name for each in tmp_path.iterdir()] == ["density.npz"]
    found = Novelty.load(file)
    for old, new in (
        (learned.density.mean, found.density.mean),
        (learned.density.centres, found.density.centres),
        (learned.density.within.directions, found.density.within.directions),
        (learned.density.within.variances, found.density.within.variances),
        (learned.density.total.directions, found.density.total.directions),
        (learned.density.total.variances, found.density.total.variances),
    ):
        np.testing.assert_array_equal(old.astype(np.float32), new)
        assert new.dtype == np.float64
    assert found.density.within.rest == learned.density.within.rest
    assert found.density.total.rest == learned.density.total.rest
    np.testing.assert_array_equal(found.location, learned.location)
    np.testing.assert_array_equal(found.scale, learned.scale)
    specimens = known_specimens(np.random.default_rng(8), features, 50)
    before = learned.score(measure(learned.density, *specimens))
    np.testing.assert_allclose(found.score(measure(found.density, *specimens)), before, atol=1e-3)


def test_what_was_loaded_saves_to_the_same_file(learned, tmp_path):
    learned.save(tmp_path / "first.npz")
    Novelty.load(tmp_path / "first.npz").save(tmp_path / "second.npz")
    with np.load(tmp_path / "first.npz") as first, np.load(tmp_path / "second.npz") as second:
        assert first.files == second.files
        for name in first.files:
            np.testing.assert_array_equal(first[name], second[name])


def _without(name):
    def damage(file):
        with np.load(file) as stored:
            arrays = {key: stored[key] for key in stored.files if key != name}
        np.savez(file, **arrays)

    return damage


def _shortened(share):
    return lambda file: file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])


def _changed(file):
    """One byte in the midst of the numbers."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 255
    file.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        _shortened(0.0),
        _shortened(0.5),
        _shortened(0.99),
        _changed,
        _without("centres"),
        _without("rests"),
        _without("total_variances"),
        lambda file: file.write_text("no arrays"),
        lambda file: file.unlink(),
    ],
    ids=["empty", "half", "end missing", "byte changed", "no centres", "no rests", "no variances", "text", "gone"],
)
def test_a_damaged_file_is_told(learned, tmp_path, damage):
    file = tmp_path / "density.npz"
    learned.save(file)
    damage(file)
    with pytest.raises(ModelError, match=re.escape(str(file)) + ": not readable .*; copy the model folder again"):
        Novelty.load(file)


# What is strange


def slow_p_value(scores, weights, score):
    """Bates et al., eq. 2: one and the specimens that look at least as strange, of all specimens and one."""
    at_least = sum(weight for known, weight in zip(scores, weights, strict=True) if known >= score)
    return (1 + at_least) / (sum(weights) + 1)


weighted_scores = st.lists(st.tuples(st.integers(-3, 3), st.sampled_from([1.0, 0.5, 0.25])), min_size=1, max_size=30)


@given(weighted_scores, st.integers(-4, 4))
def test_the_share_less_strange_is_one_less_the_conformal_p_value(known, score):
    scores, weights = np.array(known, dtype=np.float64).T
    found = KnownScores.of(scores, weights)
    assert found.n_specimens == pytest.approx(weights.sum())
    expected = 1 - slow_p_value(scores, weights, score)
    np.testing.assert_allclose(found.less_strange(np.array([float(score)])), [expected], atol=1e-12)


@given(weighted_scores, st.sampled_from([0.01, 0.05, 0.1, 0.2, 0.5]))
def test_novel_is_whatever_has_a_p_value_of_at_most_the_rate(known, false_rejection):
    scores, weights = np.array(known, dtype=np.float64).T
    asked = np.arange(-4.0, 5.0)
    p_values = [slow_p_value(scores, weights, score) for score in asked]
    found = is_novel(KnownScores.of(scores, weights).less_strange(asked), false_rejection)
    assert found.tolist() == [p_value <= false_rejection + 1e-9 for p_value in p_values]


@given(weighted_scores, st.sampled_from([0.01, 0.04, 0.05, 0.1, 0.2, 0.5]))
def test_there_are_enough_specimens_where_the_strangest_of_all_would_be_novel(known, false_rejection):
    scores, weights = np.array(known, dtype=np.float64).T
    found = KnownScores.of(scores, weights)
    (strangest,) = is_novel(found.less_strange(np.array([100.0])), false_rejection)
    assert found.can_reject(false_rejection) == strangest


@pytest.mark.parametrize(("n", "false_rejection"), [(19, 0.05), (99, 0.01), (9, 0.1), (4, 0.2)])
def test_a_rate_needs_one_less_than_its_inverse(n, false_rejection):
    assert KnownScores(np.zeros(n), np.ones(n)).can_reject(false_rejection)
    assert not KnownScores(np.zeros(n - 1), np.ones(n - 1)).can_reject(false_rejection)


@pytest.mark.parametrize("false_rejection", [0.05, 0.1])
@pytest.mark.parametrize("n", [25, 60, 200])
def test_no_more_known_specimens_than_the_rate_are_called_novel(n, false_rejection):
    """Whatever the distribution: of n + 1 exchangeable scores, the share is the rate rounded down to 1 / (n + 1)."""
    random = np.random.default_rng(n)
    rejected = []
    for number in range(2000):
        sample = random.exponential(size=n + 30) if number % 2 else random.normal(size=n + 30)
        known = KnownScores.of(sample[:n], np.ones(n))
        rejected.append(is_novel(known.less_strange(sample[n:]), false_rejection).mean())
    expected = np.floor(false_rejection * (n + 1) + 1e-9) / (n + 1)
    assert np.mean(rejected) == pytest.approx(expected, abs=0.005)
    assert np.mean(rejected) <= false_rejection + 0.005
