import io
from datetime import datetime, timedelta
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from mentum.audit.leaks import LONGEST, SECONDS, bursts, exif_times, find_leaks, torn
from mentum.settings import PixelSettings
from mentum.specimens.alike import (
    FEWEST,
    MAX_COMPONENTS,
    Pairs,
    near_duplicates,
    perceptual_hashes,
    whitened,
)
from mentum.specimens.images import read_rgb
from mentum.specimens.manifest import read_specimens
from mentum.specimens.pixels import square_of
from support.data_sets import real_data

DRAWN = PixelSettings(size=96, padding=0)


def as_jpeg(image, quality):
    stored = io.BytesIO()
    image.save(stored, "JPEG", quality=quality)
    return Image.open(io.BytesIO(stored.getvalue())).convert("RGB")


def resized(image):
    width, height = image.size
    return image.resize((round(0.7 * width), round(0.7 * height))).resize(image.size)


def cropped(image):
    width, height = image.size
    left, top = round(0.015 * width), round(0.015 * height)
    return image.crop((left, top, width - left, height - top))


COPIES = {
    "compressed": lambda image: as_jpeg(image, 60),
    "resized": resized,
    "cropped": cropped,
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.1),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.9),
}


def scenery(seed, width=300, height=200):
    """Random blotches at several scales, as in photographs."""
    rng = np.random.default_rng(seed)
    layers = [
        np.asarray(
            Image.fromarray(rng.integers(0, 256, (n, n, 3), dtype=np.uint8)).resize((width, height)), dtype=float
        )
        for n in (3, 6, 12, 48)
    ]
    mixed = np.average(layers, axis=0, weights=(4, 2, 1, 0.5))
    return Image.fromarray((20 + 0.8 * mixed).astype(np.uint8))


def squares(images, settings=DRAWN):
    return np.stack([square_of(image, settings).pixels for image in images])


def n_different(one, other):
    return np.bitwise_count(one ^ other)


@pytest.mark.parametrize("kind", COPIES)
@pytest.mark.parametrize("size", [(300, 200), (150, 320)])
def test_copies_have_nearly_the_same_hash(kind, size):
    images = [scenery(seed, *size) for seed in range(20)]
    hashes = perceptual_hashes(squares(images))
    copies = perceptual_hashes(squares([COPIES[kind](image) for image in images]))
    assert (n_different(hashes, copies) <= (12 if kind == "cropped" else 6)).mean() >= 0.9


def test_different_pictures_have_different_hashes():
    hashes = perceptual_hashes(squares([scenery(seed) for seed in range(60)]))
    assert len(near_duplicates(hashes).rows) == 0
    distances = n_different(hashes[:, None], hashes)[np.triu_indices(60, 1)]
    assert 24 < distances.mean() < 40


def test_padding_is_left_out():
    images = [scenery(seed) for seed in range(5)]
    black = perceptual_hashes(squares(images))
    grey = perceptual_hashes(squares(images, PixelSettings(size=96, padding=128)))
    bare = perceptual_hashes(np.stack([np.asarray(image.resize((96, 96))) for image in images]))
    assert black.tolist() == grey.tolist()
    assert (n_different(black, bare) <= 8).all()


def test_hash_is_that_of_the_definition():
    """Sixty-four sums over cosines, one by one, of a picture that needs no shrinking."""
    square = np.random.default_rng(3).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    grey = square @ np.array([0.299, 0.587, 0.114])
    places = (np.arange(32) + 0.5) * np.pi / 32
    sums = [
        (np.cos(down * places)[:, None] * np.cos(across * places) * grey).sum()
        for down in range(1, 9)
        for across in range(1, 9)
    ]
    expected = sum(2**place for place, value in enumerate(sums) if value > np.median(sums))
    assert int(perceptual_hashes(square[None])[0]) == expected


def test_blank_pictures_are_alike():
    blank = np.stack([np.full((40, 40, 3), level, dtype=np.uint8) for level in (0, 128, 255)])
    assert perceptual_hashes(blank).tolist() == [0, 0, 0]
    assert perceptual_hashes(blank[:0]).shape == (0,)


def slow_pairs(hashes, max_distance):
    return [
        [one, other, (one_hash ^ other_hash).bit_count()]
        for one, one_hash in enumerate(hashes)
        for other, other_hash in enumerate(hashes)
        if one < other and (one_hash ^ other_hash).bit_count() <= max_distance
    ]


@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 255), max_size=30), st.integers(0, 40))
def test_pairs_are_those_of_the_obvious_loop(hashes, max_distance):
    pairs = near_duplicates(np.array(hashes, dtype=np.uint64), max_distance=max_distance)
    found = np.column_stack([pairs.rows, pairs.distance]).tolist()
    assert found == slow_pairs(hashes, max_distance)
    assert np.isnan(pairs.cosine).all()


def test_pairs_across_blocks_of_rows():
    hashes = np.random.default_rng(0).integers(0, 2**16, 700, dtype=np.uint64)
    pairs = near_duplicates(hashes, max_distance=1)
    assert np.column_stack([pairs.rows, pairs.distance]).tolist() == slow_pairs(hashes.tolist(), 1)


def test_features_confirm_pairs():
    """All hashes are the same; only images 0 and 1 have nearly the same features."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(400, 30))
    features[1] = features[0] + 0.05 * rng.normal(size=30)
    hashes = np.full(400, 7, dtype=np.uint64)
    pairs = near_duplicates(hashes, features, min_cosine=0.9)
    assert pairs.rows.tolist() == [[0, 1]]
    assert pairs.cosine[0] > 0.95
    many = near_duplicates(hashes, features, min_cosine=0.2)
    directions = whitened(features)
    expected = (directions @ directions.T)[many.rows[:, 0], many.rows[:, 1]]
    assert len(many.rows) > 1000
    assert many.cosine == pytest.approx(expected, abs=1e-5)
    assert many.cosine.min() >= 0.2


def test_whitening_takes_away_what_features_share():
    """Features that all follow one hidden quantity make any two images alike or opposite; whitened, they are not."""
    rng = np.random.default_rng(1)
    features = rng.normal(size=(500, 1)) * rng.normal(size=60) * 20 + rng.normal(size=(500, 60))
    pair = np.triu_indices(500, 1)

    def share_alike(directions):
        return ((directions @ directions.T)[pair] > 0.5).mean()

    standard = (features - features.mean(axis=0)) / features.std(axis=0)
    assert share_alike(standard / np.linalg.norm(standard, axis=1, keepdims=True)) > 0.3
    assert share_alike(whitened(features)) < 0.01


def test_whitened_features_have_the_same_spread_along_all_axes():
    rng = np.random.default_rng(2)
    features = rng.normal(size=(900, 20)) @ rng.normal(size=(20, 20)) + 5
    features[:, 3] = 1  # says nothing
    found = whitened(features)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
    spread = np.linalg.eigvalsh(found.T @ found / len(found))
    assert spread.min() > 0.8 * spread.max()
    assert found.shape == (900, 19)
    assert whitened(rng.normal(size=(40, 64))).shape == (40, 20)
    assert whitened(rng.normal(size=(500, 300))).shape == (500, MAX_COMPONENTS)


def test_features_of_few_images_are_not_looked_at():
    features = np.random.default_rng(0).normal(size=(FEWEST - 1, 5))
    pairs = near_duplicates(np.zeros(FEWEST - 1, dtype=np.uint64), features)
    assert len(pairs.rows) == (FEWEST - 1) * (FEWEST - 2) // 2
    assert np.isnan(pairs.cosine).all()


def test_equal_features_confirm_nothing():
    assert len(near_duplicates(np.zeros(20, dtype=np.uint64), np.ones((20, 5))).rows) == 0


def test_other_numbers_of_features_are_refused():
    with pytest.raises(ValueError, match="3 hashes and 2 rows of features"):
        near_duplicates(np.zeros(3, dtype=np.uint64), np.zeros((2, 4)))


def test_twenty_thousand_images_take_seconds():
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**64, 20_000, dtype=np.uint64)
    hashes[19_999] = hashes[3] ^ np.uint64(5)
    features = rng.normal(size=(20_000, 64)).astype(np.float32)
    features[19_999] = features[3]
    start = perf_counter()
    pairs = near_duplicates(hashes, features)
    assert perf_counter() - start < 20
    assert [3, 19_999] in pairs.rows.tolist()
    assert len(pairs.rows) < 10


def test_leaks_worst_first_by_hand():
    rows = np.array([[0, 1], [0, 2], [0, 3], [0, 4], [0, 5], [0, 6]])
    pairs = Pairs(rows, np.array([0, 9, 3, 0, 2, 9]), np.array([1, 0.6, 0.7, 1, 0.8, 0.9]))
    subsets = ["train", "train", "test", "train", "train", "test", "test"]
    labels = ["Aus", "Aus", "Aus", "Bus", "Aus", "Bus", "Aus"]
    leaks = find_leaks(pairs, subsets, labels, ["a", "a", "c", "d", "e", "f", "a"])
    assert [(leak.rows, leak.kind) for leak in leaks] == [
        ((0, 5), "across taxa"),
        ((0, 3), "across taxa"),
        ((0, 6), "across subsets"),
        ((0, 2), "across subsets"),
        ((0, 4), "two specimens"),
    ]
    assert leaks[0].subsets == ("train", "test")
    assert (leaks[1].distance, leaks[1].cosine) == (3, 0.7)


def test_leaks_without_features_have_no_cosine():
    pairs = near_duplicates(np.zeros(2, dtype=np.uint64))
    assert find_leaks(pairs, ["train"] * 2, ["Aus"] * 2, ["a", "b"])[0].cosine is None
    assert find_leaks(near_duplicates(np.zeros(0, dtype=np.uint64)), [], [], []) == ()


NOON = datetime(2024, 5, 1, 12)


def test_consecutive_numbers_are_a_burst():
    names = ["IMG_0999.JPG", "IMG_1000.jpg", "IMG_1002.jpg", "DSC_1001.jpg", "IMG_1003.png", "plain.jpg"]
    assert bursts(names, [None] * 6) == ((0, 1),)


def test_folders_of_subsets_are_no_part_of_the_stem_but_others_are():
    names = ["train/Aus/x_41.jpg", "test/Aus/x_42.jpg", "test/Bus/x_43.jpg", "other/Aus/x_43.jpg"]
    assert bursts(names, [None] * 4) == ((0, 1),)


def test_lists_are_no_bursts():
    from_one = [f"Aus_{number}.jpg" for number in range(1, 6)]
    long = [f"Aus/{number:05}.jpg" for number in range(239, 239 + LONGEST + 1)]
    assert bursts(from_one, [None] * 5) == ()
    assert bursts(long, [None] * len(long)) == ()
    assert len(bursts(long[1:], [None] * LONGEST)) == 1
    sparse = [f"IMG_{number}.jpg" for start in range(2000, 3000, 50) for number in range(start, start + 3)]
    assert [len(group) for group in bursts(sparse, [None] * 60)] == [3] * 20


def test_times_join_and_part():
    near, far = NOON + timedelta(seconds=SECONDS), NOON + timedelta(hours=2)
    assert bursts(["a.jpg", "b.jpg", "c.jpg"], [far, near, NOON]) == ((1, 2),)
    assert bursts(["IMG_21.jpg", "IMG_22.jpg"], [NOON, far]) == ()  # the times overrule the names
    assert bursts(["IMG_21.jpg", "IMG_22.jpg"], [NOON, None]) == ((0, 1),)
    midnight = datetime(2024, 5, 1)
    assert bursts(["a.jpg", "b.jpg"], [midnight, midnight]) == ()


def test_a_burst_grows_by_links_of_both_kinds():
    times = [NOON, None, NOON + timedelta(seconds=4), NOON + timedelta(seconds=8), None]
    assert bursts(["IMG_21.jpg", "IMG_20.jpg", "x.jpg", "y.jpg", "z.jpg"], times) == ((0, 1, 2, 3),)


@given(st.lists(st.integers(0, 120), max_size=25))
def test_bursts_by_time_are_chains_without_gaps(seconds):
    found = bursts([f"n{'x' * place}.jpg" for place in range(len(seconds))], [NOON + timedelta(0, s) for s in seconds])
    expected, chain = [], []
    for row in sorted(range(len(seconds)), key=lambda row: seconds[row]):
        if chain and seconds[row] - seconds[chain[-1]] > SECONDS:
            expected.append(chain)
            chain = []
        chain.append(row)
    expected = sorted(sorted(rows) for rows in [*expected, chain] if len(rows) > 1)
    assert [list(rows) for rows in found] == expected


def test_only_bursts_of_several_specimens_in_several_subsets_are_torn():
    subsets = ["train", "test", "train", "test", "train", "train"]
    assert torn([(0, 1), (2, 3), (4, 5)], subsets, ["a", "b", "c", "c", "d", "e"]) == ((0, 1),)


def test_many_names_take_no_time():
    names = [f"IMG_{number}.jpg" for start in range(0, 100_000, 20) for number in range(start + 5, start + 9)]
    start = perf_counter()
    assert len(bursts(names, [NOON] * len(names))) == 1
    assert len(bursts(names, [None] * len(names))) == 5000
    assert perf_counter() - start < 5


def with_date(path, text):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = text
    Image.new("RGB", (8, 8)).save(path, exif=exif)
    return path


def test_exif_times(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "none.png")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe1 not an image")
    paths = [
        with_date(tmp_path / "dated.jpg", "2024:05:01 12:00:03"),
        with_date(tmp_path / "dated.webp", "2024:05:01 12:00:04"),
        with_date(tmp_path / "wrong.jpg", "0000:00:00 00:00:00"),
        with_date(tmp_path / "words.jpg", "in May"),
        tmp_path / "none.png",
        tmp_path / "broken.jpg",
        tmp_path / "gone.jpg",
    ]
    expected = [datetime(2024, 5, 1, 12, 0, 3), datetime(2024, 5, 1, 12, 0, 4), *[None] * 5]
    assert exif_times(paths) == expected


@pytest.fixture(scope="module")
def pollen():
    table = read_specimens(real_data("pollen20"))
    return table, perceptual_hashes(
        squares([read_rgb(path) for path in table.paths], PixelSettings(size=128, padding=0))
    )


def test_the_identical_grains_of_a_real_set_are_found(pollen):
    table, hashes = pollen
    leaks = find_leaks(
        near_duplicates(hashes, max_distance=2),
        ["train"] * len(hashes),
        [label.name for label in table.labels],
        table.specimens.tolist(),
    )
    files = {tuple(table.file_names[row] for row in leak.rows): leak for leak in leaks}
    same = files["images/Mimosa_ditans/16.jpg", "images/Mimosa_ditans/18.jpg"]
    assert (same.distance, same.kind) == (0, "two specimens")
    assert len(leaks) <= 5


def test_copies_of_real_grains_are_found_among_the_others(pollen):
    table, hashes = pollen
    for kind, least in (("compressed", 0.95), ("resized", 0.95), ("cropped", 0.9), ("brighter", 0.95)):
        rows = np.arange(0, 700, 20)
        copies = squares([COPIES[kind](read_rgb(table.paths[row])) for row in rows], PixelSettings(size=128, padding=0))
        assert (n_different(hashes[rows], perceptual_hashes(copies)) <= 12).mean() >= least


def test_names_of_a_real_set_are_lists():
    names = read_specimens(real_data("birds16")).file_names
    assert bursts(names, [None] * len(names)) == ()
