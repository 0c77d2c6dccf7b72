import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats import contingency_tables as oracle

from mentum.evaluation import comparison
from mentum.evaluation.comparison import Comparison, better, compare_right, mcnemar
from mentum.evaluation.intervals import accuracy_interval, bootstrap_interval
from mentum.records import Interval


def flags(text):
    """Right (1) and wrong (0) of each image."""
    return np.array([letter == "1" for letter in text])


def one_each(n):
    """Specimens with one image each."""
    return np.array([f"s{k}" for k in range(n)])


def test_mcnemar_agrees_with_statsmodels():
    rng = np.random.default_rng(0)
    for both, only_a, only_b, neither in rng.integers(0, 40, (300, 4)).tolist():
        expected = oracle.mcnemar([[both, only_a], [only_b, neither]], exact=True).pvalue
        assert mcnemar(only_a, only_b) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 0), (0, 1), (5, 5), (1900, 2100), (0, 900), (9_000, 9_000)])
def test_mcnemar_agrees_with_statsmodels_in_the_extremes(only_a, only_b):
    expected = oracle.mcnemar([[0, only_a], [only_b, 0]], exact=True).pvalue
    assert mcnemar(only_a, only_b) == mcnemar(only_b, only_a) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"),
    [(0, 5, 2 / 32), (0, 6, 2 / 64), (1, 7, 2 * (1 + 8) / 256), (2, 8, 2 * (1 + 10 + 45) / 1024), (3, 3, 1)],
)
def test_mcnemar_by_hand(only_a, only_b, p):
    assert mcnemar(only_a, only_b) == pytest.approx(p)


def test_negative_counts_are_refused():
    with pytest.raises(ValueError, match="counts of -1 and 3"):
        mcnemar(-1, 3)


def test_one_image_per_specimen_compares_images():
    right_a, right_b = flags("1111000000"), flags("1110111110")
    found = compare_right(right_a, right_b, one_each(10), seed=0)
    assert (found.n_images, found.n_specimens, found.unit) == (10, 10, "image")
    assert (found.accuracy_a, found.accuracy_b) == (0.4, 0.8)
    assert found.difference == pytest.approx(0.4)
    assert (found.only_a, found.only_b) == (1, 5)
    assert found.mcnemar_p == pytest.approx(2 * (1 + 6) / 64)
    assert better(found) is None


def test_several_images_per_specimen_compare_majorities():
    """p: both; q: b by two of three; r: a; t: b ties, so neither way; u: a ties; v: b, with its single image."""
    specimens = np.array(list("pp" "qqq" "rrr" "tt" "uuuu" "v"))  # fmt: skip
    right_a = flags("11" "100" "110" "11" "1100" "0")  # fmt: skip
    right_b = flags("11" "110" "000" "10" "0000" "1")  # fmt: skip
    found = compare_right(right_a, right_b, specimens, seed=0)
    assert (found.n_images, found.n_specimens, found.unit) == (15, 6, "specimen")
    assert (found.only_a, found.only_b, found.mcnemar_p) == (1, 2, 1.0)
    assert (found.accuracy_a, found.accuracy_b) == (pytest.approx(9 / 15), pytest.approx(6 / 15))
    assert found.difference == pytest.approx(-3 / 15)


def test_the_same_difference_in_images_of_few_specimens_is_no_evidence():
    """b wins 60 images of 100: beyond doubt if they are 100 specimens, a matter of chance if they are five."""
    right_a, right_b = flags("0" * 60 + "1" * 40), flags("1" * 100)
    assert better(compare_right(right_a, right_b, one_each(100), seed=0)) == "b"
    few = compare_right(right_a, right_b, np.repeat(list("abcde"), 20), seed=0)
    assert (few.only_a, few.only_b, few.mcnemar_p) == (0, 3, 0.25)
    assert better(few) is None


def test_identical_identifications_do_not_differ():
    right = flags("110100")
    for specimens in (one_each(6), np.array(list("aabbcc"))):
        found = compare_right(right, right, specimens, seed=0)
        assert (found.difference, found.only_a, found.only_b, found.mcnemar_p) == (0, 0, 0, 1)
        assert (found.interval.low, found.interval.high) == (0, 0)
        assert better(found) is None


def test_one_specimen_shows_nothing_whatever_its_images():
    found = compare_right(flags("0" * 50), flags("1" * 50), np.array(["a"] * 50), seed=0)
    assert (found.interval.low, found.interval.high, found.mcnemar_p) == (1, 1, 1)
    assert better(found) is None


@pytest.mark.parametrize(
    ("low", "high", "only_a", "only_b", "p", "winner"),
    [
        (0.1, 0.3, 2, 20, 0.001, "b"),
        (-0.3, -0.1, 20, 2, 0.001, "a"),
        (-0.01, 0.3, 2, 20, 0.001, None),
        (0.0, 0.3, 2, 20, 0.001, None),
        (0.1, 0.3, 2, 20, 0.05, None),
        # More specimens for a, more images for b.
        (0.1, 0.3, 20, 2, 0.001, None),
    ],
)
def test_better_takes_test_and_interval_to_agree(low, high, only_a, only_b, p, winner):
    found = Comparison(
        n_images=90,
        n_specimens=60,
        accuracy_a=0.5,
        accuracy_b=0.5,
        difference=0,
        interval=Interval(low=low, high=high, method="bootstrap over specimens"),
        unit="specimen",
        only_a=only_a,
        only_b=only_b,
        mcnemar_p=p,
    )
    assert better(found) == winner


def drawn_pair(rng, n_specimens, *, gain=0.0, most_images=4):
    """Two identifiers of the same images: specimens differ in difficulty, for both and for each of them."""
    codes = np.repeat(np.arange(n_specimens), rng.integers(1, most_images + 1, n_specimens))
    difficulty = rng.normal(0.8, 1, n_specimens)
    chances = [difficulty + shift + rng.normal(0, 1, n_specimens) for shift in (0, gain)]
    right_a, right_b = (rng.random(len(codes)) < 1 / (1 + np.exp(-chance[codes])) for chance in chances)
    return right_a, right_b, codes.astype(str)


def slow_bootstrap(right_a, right_b, specimens, n_draws, rng):
    """The textbook's loop: both identifiers are scored on the same drawn specimens."""
    names = sorted(set(specimens.tolist()))
    rows_of = {name: np.flatnonzero(specimens == name).tolist() for name in names}
    differences = []
    for _ in range(n_draws):
        rows = [row for name in rng.choice(names, len(names)) for row in rows_of[name]]
        differences.append(right_b[rows].mean() - right_a[rows].mean())
    return np.percentile(differences, [2.5, 97.5])


@pytest.mark.parametrize("gain", [0, 1.5])
def test_interval_of_the_difference_agrees_with_the_obvious_loop(gain):
    rng = np.random.default_rng(5)
    pair = drawn_pair(rng, 50, gain=gain)
    found = compare_right(*pair, seed=0).interval
    assert (found.low, found.high) == pytest.approx(slow_bootstrap(*pair, 3000, rng), abs=0.02)


def test_pairing_narrows_the_interval():
    """b is a with five more right: as independent shares they could not be told apart."""
    rng = np.random.default_rng(8)
    right_a = rng.random(300) < 0.7
    right_b = right_a.copy()
    right_b[np.flatnonzero(~right_a)[:8]] = True
    found = compare_right(right_a, right_b, one_each(300), seed=0)
    a, b = (accuracy_interval(right, one_each(300), seed=0) for right in (right_a, right_b))
    assert a.high > b.low
    assert better(found) == "b"


@pytest.fixture
def few_draws(monkeypatch):
    """100 instead of 1000 draws, for tests of many comparisons."""
    monkeypatch.setattr(comparison, "bootstrap_interval", partial(bootstrap_interval, n_resamples=100))


@pytest.mark.usefixtures("few_draws")
@pytest.mark.parametrize("most_images", [1, 4])
def test_false_alarms_are_rare(most_images):
    """200 comparisons of two equally good identifiers; 5 % would be 10, with a standard deviation of 3."""
    rng = np.random.default_rng(most_images)
    pairs = [drawn_pair(rng, 60, most_images=most_images) for _ in range(200)]
    alarms = sum(better(compare_right(*pair, seed=seed)) is not None for seed, pair in enumerate(pairs))
    assert alarms <= 12


@pytest.mark.usefixtures("few_draws")
def test_a_real_difference_is_mostly_found():
    rng = np.random.default_rng(3)
    found = [better(compare_right(*drawn_pair(rng, 150, gain=1.5), seed=seed)) for seed in range(20)]
    assert found.count("b") >= 18
    assert "a" not in found


def test_a_comparison_comes_back_from_its_file(tmp_path):
    found = compare_right(*drawn_pair(np.random.default_rng(0), 20), seed=0)
    found.write(tmp_path / "comparison.json")
    assert Comparison.read(tmp_path / "comparison.json") == found


@pytest.mark.parametrize(("n_a", "n_b", "n_specimens"), [(0, 0, 0), (3, 2, 3), (3, 3, 2), (1, 3, 3)])
def test_what_cannot_be_paired_is_refused(n_a, n_b, n_specimens):
    with pytest.raises(ValueError, match=f"of {n_a} and {n_b} images of {n_specimens} specimens"):
        compare_right(flags("1" * n_a), flags("1" * n_b), one_each(n_specimens), seed=0)


images = st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 8)), min_size=1, max_size=40)


@settings(max_examples=10, deadline=None)
@given(images)
def test_swapping_a_and_b_mirrors_everything(images):
    right_a, right_b, owners = (np.array(column) for column in zip(*images, strict=True))
    one = compare_right(right_a, right_b, owners.astype(str), seed=0)
    other = compare_right(right_b, right_a, owners.astype(str), seed=0)
    assert (other.only_a, other.only_b, other.mcnemar_p) == (one.only_b, one.only_a, one.mcnemar_p)
    assert other.difference == -one.difference
    assert (-other.interval.high, -other.interval.low) == pytest.approx((one.interval.low, one.interval.high))
    assert better(other) == {"a": "b", "b": "a", None: None}[better(one)]
    assert one.difference == pytest.approx(one.accuracy_b - one.accuracy_a)
    assert 0 <= one.mcnemar_p <= 1
    assert one.only_a + one.only_b <= one.n_specimens


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_sums_the_coin_s_tails(only_a, only_b):
    n = only_a + only_b
    ways = [math.comb(n, k) for k in range(n + 1)]
    as_rare = sum(way for k, way in enumerate(ways) if min(k, n - k) <= min(only_a, only_b))
    assert mcnemar(only_a, only_b) == pytest.approx(as_rare / 2**n)
