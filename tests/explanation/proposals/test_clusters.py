import numpy as np
import pytest

from mentum.explanation.proposals.clusters import (
    CELLS,
    MOST_CLUSTERS,
    REACH,
    Peaks,
    cluster_peaks,
    find_peaks,
    kernel_for,
    part_hills,
)
from mentum.maps import CellGeometry
from mentum.specimens.coco import area

GEOMETRY = CellGeometry(size=40, cells=4, stride=10, offset=4.5)


def peaks_around(rng, *places: tuple[tuple[float, float], int], spread: float = 0.03) -> Peaks:
    """So many peaks around each place, each of an image of its own."""
    points = np.concatenate([rng.normal(place, spread, size=(n, 2)) for place, n in places])
    return Peaks(np.arange(len(points)), points, np.ones(len(points)), np.ones(len(points)))


def contains(outline: np.ndarray, x: float, y: float) -> bool:
    ends = np.roll(outline, -1, axis=0)
    crosses = (outline[:, 1] > y) != (ends[:, 1] > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = outline[:, 0] + (y - outline[:, 1]) * (ends[:, 0] - outline[:, 0]) / (ends[:, 1] - outline[:, 1])
    return bool((crosses & (x < at)).sum() % 2)


def test_peaks_by_hand():
    relevance = np.array([[[0, 0, 0, 0], [0, 4, 2, 0], [0, 2, 0, 0], [0, 0, 0, 3]]], dtype=np.float32)
    peaks = find_peaks(relevance, GEOMETRY)
    # Along either axis 0, 4, 2: the parabola's summit is 1/6 of a cell on; the one in the corner stays on its centre.
    assert peaks.points == pytest.approx(np.array([[15 + 10 / 6, 15 + 10 / 6], [35, 35]]))
    assert peaks.heights.tolist() == [4, 3]
    assert peaks.weights == pytest.approx([4 / 7, 3 / 7])


def test_low_and_negative_maxima_are_no_peaks():
    relevance = np.full((2, 4, 4), -1, dtype=np.float32)
    relevance[1, 0, 0], relevance[1, 3, 3] = 2, 1  # half of the maximum is not above half
    peaks = find_peaks(relevance, GEOMETRY)
    assert peaks.image.tolist() == [1]
    assert peaks.points.tolist() == [[5, 5]]


def test_no_maps_no_peaks():
    assert len(find_peaks(np.zeros((3, 4, 4), dtype=np.float32), GEOMETRY).image) == 0


def test_each_planted_place_is_a_cluster():
    rng = np.random.default_rng(0)
    peaks = peaks_around(rng, ((0.0, 0.5), 40), ((-0.4, 0.0), 30), ((0.3, -0.4), 20))
    found = cluster_peaks(peaks, 0.05, symmetrical=False)
    assert [int(cluster.members.sum()) for cluster in found] == [40, 30, 20]
    for cluster, place in zip(found, ((0.0, 0.5), (-0.4, 0.0), (0.3, -0.4)), strict=True):
        assert cluster.mode == pytest.approx(place, abs=0.04)
        (outline,) = cluster.outlines
        assert contains(outline, *place)
        assert area(outline) < 0.06


def test_mirror_images_are_one_cluster():
    rng = np.random.default_rng(1)
    peaks = peaks_around(rng, ((0.4, 0.2), 30), ((-0.4, 0.2), 20), ((0.0, -0.3), 30))
    pair, middle = cluster_peaks(peaks, 0.05, symmetrical=True)
    assert pair.members.sum() == 50
    assert pair.mode == pytest.approx((0.4, 0.2), abs=0.04)
    right, left = pair.outlines
    assert np.array_equal(left, right * np.array([-1, 1]))
    assert contains(right, 0.4, 0.2)
    assert middle.mode[0] == 0
    assert len(middle.outlines) == 1
    assert contains(middle.outlines[0], 0, -0.3)
    assert len(cluster_peaks(peaks, 0.05, symmetrical=False)) == 3


def test_a_pair_never_crosses_the_axis():
    peaks = peaks_around(np.random.default_rng(2), ((0.12, 0.0), 50), spread=0.02)
    (pair,) = cluster_peaks(peaks, 0.05, symmetrical=True)
    assert len(pair.outlines) == 2
    assert pair.outlines[0][:, 0].min() >= 0


def test_a_hill_across_the_axis_is_one_region():
    peaks = peaks_around(np.random.default_rng(3), ((0.02, 0.1), 50), spread=0.02)
    (middle,) = cluster_peaks(peaks, 0.05, symmetrical=True)
    (outline,) = middle.outlines
    assert contains(outline, -0.03, 0.1)
    assert contains(outline, 0.03, 0.1)


def test_few_and_far_peaks_are_dropped():
    rng = np.random.default_rng(4)
    peaks = peaks_around(rng, ((0.0, 0.0), 200), ((0.9, 0.9), 3), ((-0.8, 0.8), 2), ((3.0, 0.0), 50))
    found = cluster_peaks(peaks, 0.05, symmetrical=False)
    assert [int(cluster.members.sum()) for cluster in found] == [200]
    same_image = Peaks(np.zeros(9, dtype=int), np.zeros((9, 2)), np.ones(9), np.full(9, 1 / 9))
    assert cluster_peaks(same_image, 0.05, symmetrical=False) == []


def test_at_most_twelve_clusters():
    places = [
        ((x, y), 20 + i)
        for i, (x, y) in enumerate((x, y) for x in (-0.9, -0.3, 0.3, 0.9) for y in (-0.8, -0.3, 0.3, 0.8))
    ]
    found = cluster_peaks(peaks_around(np.random.default_rng(5), *places), 0.05, symmetrical=False)
    assert len(found) == MOST_CLUSTERS
    assert [int(cluster.members.sum()) for cluster in found] == list(range(35, 35 - MOST_CLUSTERS, -1))


def test_an_outline_ends_at_the_grid():
    peaks = peaks_around(np.random.default_rng(6), ((REACH - 0.02, 0.0), 30), spread=0.005)
    ((outline,),) = (cluster.outlines for cluster in cluster_peaks(peaks, 0.05, symmetrical=False))
    assert outline[:, 0].max() <= REACH + 2 * REACH / CELLS


def test_hills_agree_with_climbing_by_hand():
    rng = np.random.default_rng(7)
    density = rng.random((12, 9))

    def climb(row: int, column: int) -> int:
        around = [
            (r, c) for r in range(row - 1, row + 2) for c in range(column - 1, column + 2) if 0 <= r < 12 and 0 <= c < 9
        ]
        highest = max(around, key=lambda place: density[place])
        return row * 9 + column if highest == (row, column) else climb(*highest)

    expected = np.array([[climb(row, column) for column in range(9)] for row in range(12)])
    whole = part_hills(density)
    # Shallow passes join hills; cells of one hill by hand stay together.
    kept = density > 0.01 * density.max()
    for summit in np.unique(expected[kept]):
        assert len(np.unique(whole[kept & (expected == summit)])) == 1


def test_deep_passes_part_hills_and_shallow_ones_do_not():
    assert part_hills(np.array([[2.0, 0.8, 1.0]])).tolist() == [[0, 0, 2]]
    assert part_hills(np.array([[2.0, 0.95, 1.0]])).tolist() == [[0, 0, 0]]
    assert part_hills(np.array([[1.0, 0.001, 0.5]])).tolist() == [[0, -1, 2]]


def test_kernel():
    many = peaks_around(np.random.default_rng(8), ((0.0, 0.0), 100_000), spread=0.3)
    assert kernel_for(many, 0.3) == pytest.approx(0.05)
    few = peaks_around(np.random.default_rng(8), ((0.0, 0.0), 64), spread=0.3)
    assert kernel_for(few, 0.01) == pytest.approx(0.3 * 0.3 / 2, rel=0.1)
