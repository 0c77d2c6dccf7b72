import math
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mentum.evaluation.intervals import accuracy_interval, bootstrap, bootstrap_interval, draw_rows, wilson


def bounds(interval):
    return interval.low, interval.high


@pytest.fixture
def measured():
    """Measurements of 150 images of 40 specimens of 1-6 images, shuffled; images of a specimen resemble each other."""
    rng = np.random.default_rng(4)
    specimens = rng.permutation(np.repeat([f"s{k}" for k in range(40)], rng.integers(1, 7, 40)))
    own = dict(zip(np.unique(specimens), rng.normal(0, 1, 40), strict=True))
    return np.array([own[name] for name in specimens]) + rng.normal(0, 0.5, len(specimens)), specimens


def slow_draw(specimens, rng):
    """The textbook's draw: a name at a time, all its rows."""
    names = sorted(set(specimens.tolist()))
    rows = []
    for which in rng.integers(0, len(names), len(names)):
        rows += [row for row, owner in enumerate(specimens) if owner == names[which]]
    return rows


def test_draws_are_those_of_the_obvious_loop(measured):
    _, specimens = measured
    for seed in range(20):
        found = draw_rows(specimens, np.random.default_rng(seed))
        assert found.tolist() == slow_draw(specimens, np.random.default_rng(seed))


@pytest.mark.parametrize("measure", [np.mean, np.median, np.max, lambda values: np.sum(values > 0) / len(values)])
def test_interval_agrees_with_the_obvious_loop(measured, measure):
    values, specimens = measured
    rng = np.random.default_rng(7)
    expected = np.percentile([measure(values[slow_draw(specimens, rng)]) for _ in range(200)], [2.5, 97.5])
    found = bootstrap_interval(lambda rows: float(measure(values[rows])), specimens, seed=7, n_resamples=200)
    assert bounds(found) == pytest.approx(expected, abs=1e-12)
    assert found.method == "bootstrap over specimens"


@pytest.mark.parametrize("measure", [np.mean, np.std])
def test_one_image_per_specimen_agrees_with_scipy(measure):
    values = np.random.default_rng(0).gamma(2, 1, 80)
    found = bootstrap_interval(lambda rows: float(measure(values[rows])), np.arange(80).astype(str), 0, 4000)
    expected = stats.bootstrap((values,), measure, n_resamples=4000, method="percentile", rng=1).confidence_interval
    assert bounds(found) == pytest.approx(tuple(expected), abs=0.03)


def test_accuracy_gets_the_interval_of_the_metrics_module(measured):
    values, specimens = measured
    right = values > -0.5
    found = bootstrap_interval(lambda rows: float(right[rows].mean()), specimens, 0, 4000)
    assert bounds(found) == pytest.approx(bounds(bootstrap(right, specimens, 0)), abs=0.015)


def test_interval_depends_on_the_seed_and_not_on_the_order_of_images(measured):
    values, specimens = measured
    order = np.random.default_rng(1).permutation(len(values))

    def interval(values, specimens, seed):
        return bounds(bootstrap_interval(lambda rows: float(values[rows].mean()), specimens, seed, 200))

    assert interval(values, specimens, 7) == pytest.approx(interval(values[order], specimens[order], 7), abs=1e-12)
    assert interval(values, specimens, 7) != interval(values, specimens, 8)


def test_images_of_one_specimen_are_no_independent_witnesses():
    values = np.repeat(np.random.default_rng(2).normal(size=20), 30)

    def width(specimens):
        low, high = bounds(bootstrap_interval(lambda rows: float(values[rows].mean()), specimens, 0))
        return high - low

    assert width(np.repeat(np.arange(20), 30).astype(str)) > 4 * width(np.arange(600).astype(str))


def test_one_specimen_with_all_images_gives_a_point():
    values = np.array([1.0, 2.0, 6.0])
    found = bootstrap_interval(lambda rows: float(values[rows].mean()), np.array(["a"] * 3), seed=0)
    assert bounds(found) == (3, 3)


def test_draws_for_which_the_measure_is_undefined_are_left_out():
    """The share right of the images labelled 1: a draw without such images has none."""
    labels, right = np.array([1, 1, 0, 0]), np.array([True, False, True, True])
    specimens = np.array(["a", "b", "c", "d"])

    def share(rows):
        of_1 = right[rows][labels[rows] == 1]
        return float(of_1.mean()) if len(of_1) else float("nan")

    assert bounds(bootstrap_interval(share, specimens, seed=0)) == (0, 1)
    rng = np.random.default_rng(3)
    values = [share(slow_draw(specimens, rng)) for _ in range(30)]
    defined = [value for value in values if value == value]
    assert len(defined) < 30
    found = bootstrap_interval(share, specimens, seed=3, n_resamples=30)
    assert bounds(found) == tuple(np.percentile(defined, [2.5, 97.5]))


def test_a_measure_that_is_never_defined_is_refused():
    with pytest.raises(ValueError, match="undefined in all of 25 draws"):
        bootstrap_interval(lambda _: float("nan"), np.array(["a", "b"]), seed=0, n_resamples=25)


def test_no_images_are_refused():
    nothing = np.array([], dtype=str)
    with pytest.raises(ValueError, match="no images at all"):
        bootstrap_interval(lambda rows: float(len(rows)), nothing, seed=0)
    with pytest.raises(ValueError, match="no images at all"):
        draw_rows(nothing, np.random.default_rng(0))


def test_interval_covers_the_truth_nineteen_times_in_twenty():
    """200 samples of 60 specimens with 1-4 images each that resemble each other; the true mean is 0."""
    rng = np.random.default_rng(11)
    covered = 0
    for seed in range(200):
        specimens = np.repeat(np.arange(60), rng.integers(1, 5, 60))
        values = rng.normal(size=60)[specimens] + rng.normal(size=len(specimens))
        low, high = bounds(
            bootstrap_interval(lambda rows, values=values: float(values[rows].mean()), specimens.astype(str), seed, 150)
        )
        covered += low <= 0 <= high
    assert 0.90 <= covered / 200 <= 0.98  # 0.95 less a little for the bootstrap's bias, standard error 0.016


def test_a_thousand_draws_of_1846_images_take_no_time():
    rng = np.random.default_rng(0)
    specimens, right = rng.integers(0, 700, 1846).astype(str), rng.random(1846) < 0.9
    start = perf_counter()
    found = bootstrap_interval(lambda rows: float(right[rows].mean()), specimens, seed=0)
    assert perf_counter() - start < 3
    assert bounds(found) == pytest.approx((0.885, 0.915), abs=0.02)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=30), st.integers(0, 1000))
def test_a_draw_brings_whole_specimens(owners, seed):
    specimens = np.array([f"s{owner}" for owner in owners])
    times = np.bincount(draw_rows(specimens, np.random.default_rng(seed)), minlength=len(owners))
    per_specimen = [set(times[specimens == name].tolist()) for name in np.unique(specimens)]
    assert all(len(counts) == 1 for counts in per_specimen)
    assert sum(counts.pop() for counts in per_specimen) == len(np.unique(specimens))


@pytest.mark.parametrize(
    ("n_wrong", "low", "high"),
    [(0, 98.98, 100), (1, 98.50, 99.95), (2, 98.07, 99.85), (7, 96.19, 99.09)],
)
def test_wilson_gives_the_paper_s_intervals(n_wrong, low, high):
    interval = wilson((374 - n_wrong) / 374, 374)
    assert (round(100 * interval.low, 2), round(100 * interval.high, 2)) == (low, high)
    assert interval.method == "Wilson"


def test_wilson_solves_its_defining_equation():
    """A bound p is where the observed share lies z standard errors away: |share - p| = z sqrt(p (1 - p) / n)."""
    interval = wilson(0.8, 25)
    for bound in (interval.low, interval.high):
        assert abs(0.8 - bound) == pytest.approx(1.959964 * math.sqrt(bound * (1 - bound) / 25), rel=1e-5)


@pytest.mark.parametrize(("share", "n"), [(0.5, 0), (-0.1, 5), (1.1, 5)])
def test_wilson_refuses_what_is_no_share(share, n):
    with pytest.raises(ValueError, match="a share of"):
        wilson(share, n)


def slow_bootstrap(right, specimens, n_draws, rng):
    """The textbook's loop: draw specimens with replacement, collect their images, score them."""
    names = sorted(set(specimens))
    images_of = {name: [ok for ok, owner in zip(right, specimens, strict=True) if owner == name] for name in names}
    scores = []
    for _ in range(n_draws):
        images = [ok for name in rng.choice(names, len(names)) for ok in images_of[name]]
        scores.append(sum(images) / len(images))
    return np.percentile(scores, [2.5, 97.5])


@pytest.mark.parametrize("share", [0.6, 0.9])
def test_bootstrap_agrees_with_the_obvious_loop(share):
    rng = np.random.default_rng(5)
    specimens = np.repeat([f"s{k}" for k in range(40)], rng.integers(1, 6, 40))
    difficulty = dict(zip(np.unique(specimens), rng.beta(8 * share, 8 * (1 - share), 40), strict=True))
    right = np.array([rng.random() < difficulty[name] for name in specimens])
    found = bootstrap(right, specimens, seed=0)
    low, high = slow_bootstrap(right.tolist(), specimens.tolist(), 4000, rng)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.015)
    assert found.method == "bootstrap over specimens"


def test_images_of_one_specimen_widen_the_interval():
    right = np.repeat([True, True, True, True, False], 20)
    specimens = np.repeat(["a", "b", "c", "d", "e"], 20)
    clustered = accuracy_interval(right, specimens, seed=0)
    independent = wilson(0.8, 100)
    assert clustered.high - clustered.low > 2 * (independent.high - independent.low)


def test_bootstrap_depends_on_the_seed_and_not_on_the_order_of_images():
    rng = np.random.default_rng(1)
    right, specimens = rng.random(200) < 0.8, rng.integers(0, 60, 200).astype(str)
    order = rng.permutation(200)
    assert bootstrap(right, specimens, 7) == bootstrap(right[order], specimens[order], 7)
    assert bootstrap(right, specimens, 7) != bootstrap(right, specimens, 8)


@pytest.mark.parametrize("right", [[True] * 6, [False] * 6, [True, False] * 3])
def test_where_specimens_do_not_differ_wilson_counts_them(right):
    interval = accuracy_interval(np.array(right), np.array(["a", "a", "b", "b", "c", "c"]), seed=0)
    assert interval == wilson(sum(right) / 6, 3)


def test_one_image_per_specimen_takes_wilson():
    right, specimens = np.array([True, True, False]), np.array(["a", "b", "c"])
    assert accuracy_interval(right, specimens, seed=0) == wilson(2 / 3, 3)


def test_interval_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no images at all"):
        accuracy_interval(np.array([], dtype=bool), np.array([], dtype=str), seed=0)


def test_ten_thousand_specimens_take_no_time():
    rng = np.random.default_rng(0)
    specimens = rng.integers(0, 10_000, 40_000).astype(str)
    start = perf_counter()
    interval = bootstrap(rng.random(40_000) < 0.9, specimens, seed=0)
    assert perf_counter() - start < 5
    assert (interval.low, interval.high) == pytest.approx((0.897, 0.903), abs=0.003)


images = st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=1, max_size=60)


@given(images)
def test_interval_lies_within_0_and_1_and_holds_the_accuracy(images):
    right = np.array([ok for ok, _ in images])
    specimens = np.array([f"s{owner}" for _, owner in images])
    interval = accuracy_interval(right, specimens, seed=0)
    assert 0 <= interval.low <= right.sum() / len(right) <= interval.high <= 1


@given(st.floats(0, 1), st.integers(1, 10**6))
def test_wilson_lies_within_0_and_1_and_holds_the_share(share, n):
    interval = wilson(share, n)
    assert 0 <= interval.low <= share <= interval.high <= 1
