"""Tests of specimens on other backgrounds: what is drawn where, and who is caught relying on the background."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mentum.audit.backgrounds import (
    BATCH_SIZE,
    Answers,
    BackgroundSwap,
    HeldOutJudge,
    Judge,
    compare_backgrounds,
    cut_out,
    draw_donors,
    repaint,
    swap_backgrounds,
)
from mentum.audit.cues import Pictures
from mentum.evaluation.wording import role
from mentum.phantoms.dataset import draw_phantoms
from mentum.phantoms.settings import PhantomSettings
from mentum.records import Progress
from mentum.settings import PixelSettings
from mentum.specimens.manifest import read_specimens
from mentum.specimens.pixels import open_cache
from mentum.taxonomy import Rank

SIZE = 96
GROUNDS = np.array([(200, 150, 150), (150, 200, 150), (150, 150, 200)])
SPECIMENS = np.array([(90, 20, 20), (20, 90, 20), (20, 20, 90)])


def disc(radius: float, shape: tuple[int, int] = (SIZE, SIZE)) -> NDArray[np.bool_]:
    y, x = np.mgrid[: shape[0], : shape[1]]
    inside: NDArray[np.bool_] = (y - shape[0] / 2) ** 2 + (x - shape[1] / 2) ** 2 < radius**2
    return inside


def drawn(ground: NDArray[np.integer], inside: NDArray[np.integer], radius: float = 20, seed: int = 0) -> Image.Image:
    """A disc on an uneven ground with grain, wider than high."""
    rng = np.random.default_rng(seed)
    shape = (72, SIZE)
    picture = np.linspace(-12, 12, SIZE)[None, :, None] + np.tile(ground, (*shape, 1)).astype(float)
    picture[disc(radius, shape)] = inside
    return Image.fromarray((picture + rng.normal(0, 3, picture.shape)).clip(0, 255).astype(np.uint8))


def pictures(folder: Path, images: list[Image.Image], masks: NDArray[np.bool_] | None = None) -> Pictures:
    paths = [folder / f"{number}.png" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        image.save(path)
    return Pictures(open_cache(paths, PixelSettings(size=SIZE, padding=128), folder / "cache").pixels, paths, masks)


@pytest.fixture
def planted(tmp_path: Path) -> tuple[Pictures, NDArray[np.int64]]:
    """Forty-five discs whose colour and whose ground go with the taxon."""
    y_true = np.repeat([0, 1, 2], 15)
    images = [drawn(GROUNDS[taxon], SPECIMENS[taxon], seed=seed) for seed, taxon in enumerate(y_true)]
    return pictures(tmp_path, images), y_true


def nearest(colours: NDArray[np.floating], of_taxa: NDArray[np.integer]) -> NDArray[np.float64]:
    """(n, 3) and (C, 3) → (n, C): the nearer the colour, the more probable."""
    p = np.exp(-((colours[:, None] - of_taxa[None]) ** 2).sum(axis=2) / 500)
    return np.asarray(p / p.sum(axis=1, keepdims=True), dtype=np.float64)


def by_ground(squares: NDArray[np.uint8], _: NDArray[np.int64]) -> NDArray[np.float64]:
    """Looks at the ground's left edge alone, above and below the specimen."""
    return nearest(squares[:, 20:30].mean(axis=(1, 2)), GROUNDS)


def by_specimen(squares: NDArray[np.uint8], _: NDArray[np.int64]) -> NDArray[np.float64]:
    """Looks at the specimen alone."""
    return nearest(squares[:, 44:52, 44:52].mean(axis=(1, 2)), SPECIMENS)


def swapped(given: tuple[Pictures, NDArray[np.int64]], judge: Judge, seed: int = 0) -> BackgroundSwap:
    shown, y_true = given
    held_out = HeldOutJudge("a network", np.arange(len(y_true)), Rank.SPECIES, judge)
    found, notes = swap_backgrounds(shown, y_true, np.arange(len(y_true)).astype(str), held_out, seed)
    assert found is not None
    assert notes == ()
    return found


# Pictures


def test_a_specimen_stays_and_its_ground_becomes_smooth(tmp_path: Path) -> None:
    shown = pictures(tmp_path, [drawn(GROUNDS[0], SPECIMENS[0])])
    cutout = cut_out(*shown.picture(0))
    assert cutout is not None
    made = repaint(shown, 0, cutout, cutout.ground)

    np.testing.assert_array_equal(made[:12], shown.pixels[0][:12])  # padding
    np.testing.assert_array_equal(made[disc(18)], shown.pixels[0][disc(18)])
    ground = made[14:20].astype(float)
    expected = GROUNDS[0] + np.linspace(-12, 12, SIZE)[:, None]
    np.testing.assert_allclose(ground, np.broadcast_to(expected, ground.shape), atol=3)
    assert np.ptp(ground, axis=0).max() <= 3  # without grain


def test_the_other_ground_comes_in_its_own_colour_and_slope(tmp_path: Path) -> None:
    shown = pictures(tmp_path, [drawn(GROUNDS[0], SPECIMENS[0]), drawn(GROUNDS[1], SPECIMENS[1]).rotate(180)])
    one, other = (cut_out(*shown.picture(row)) for row in (0, 1))
    assert one is not None
    assert other is not None
    made = repaint(shown, 0, one, other.ground)

    expected = GROUNDS[1] + np.linspace(12, -12, SIZE)[:, None]
    np.testing.assert_allclose(made[16], expected, atol=4)
    assert abs(made[48, 48].astype(int) - SPECIMENS[0]).max() < 12


def test_an_outline_is_believed(tmp_path: Path) -> None:
    """Half of the disc is outlined; the rest of it hangs on, and counts as neither specimen nor ground."""
    masks = disc(20)[None] & (np.arange(SIZE) < 48)
    shown = pictures(tmp_path, [drawn(GROUNDS[0], SPECIMENS[0])], masks)
    cutout = cut_out(*shown.picture(0))
    assert cutout is not None
    made = repaint(shown, 0, cutout, cutout.ground)

    np.testing.assert_array_equal(made[48, 32:44], shown.pixels[0][48, 32:44])
    np.testing.assert_allclose(made[48, 52:64], np.broadcast_to(GROUNDS[0], (12, 3)), atol=12)


@pytest.mark.parametrize("radius", [0, 90])
def test_nothing_is_cut_out_where_there_is_no_specimen_or_nothing_else(tmp_path: Path, radius: float) -> None:
    plain = np.full((72, SIZE, 3), 150, dtype=np.uint8)
    mask = np.broadcast_to(disc(radius), (1, SIZE, SIZE))
    shown = pictures(tmp_path, [Image.fromarray(plain)], mask)

    assert cut_out(*shown.picture(0)) is None


def test_donors_are_of_another_taxon_or_of_another_specimen_and_repeat_with_the_seed() -> None:
    taxa = np.repeat([0, 1, 2], [6, 20, 1])
    specimens = np.array([f"s{place // 2}" for place in range(27)])
    others, same = draw_donors(taxa, specimens, 4)

    assert (taxa[others] != taxa).all()
    assert same[-1] == -1
    assert (taxa[same[:-1]] == taxa[:-1]).all()
    assert (specimens[same[:-1]] != specimens[:-1]).all()
    again, another = draw_donors(taxa, specimens, 4), draw_donors(taxa, specimens, 5)
    assert [each.tolist() for each in again] == [others.tolist(), same.tolist()]
    assert another[0].tolist() != others.tolist()


# Answers


def compared(
    own: NDArray[np.integer],
    same: NDArray[np.integer],
    other: NDArray[np.integer],
    specimens: NDArray[np.str_] | None = None,
) -> BackgroundSwap:
    """Of images of taxon 0, the background of another taxon being of taxon 1."""
    n = len(own)
    answers = Answers(own, own, same, other, np.ones(n, dtype=bool))
    names = np.arange(n).astype(str) if specimens is None else specimens
    return compare_backgrounds(answers, (np.zeros(n, dtype=np.int64), np.ones(n, dtype=np.int64)), names, "", 0)


def wrong(n: int, of: int = 20) -> NDArray[np.int64]:
    """Answers of which the first n are wrong."""
    return (np.arange(of) < n).astype(np.int64)


def test_answers_are_counted() -> None:
    """Ten images of taxon 0, on the ground of taxon 1; the first two have a kin that is right once."""
    untouched, own = np.array([0] * 9 + [2]), np.array([0] * 8 + [1, 2])
    other = np.array([0] * 2 + [1] * 5 + [2] + [1, 0])
    answers = Answers(untouched, own, np.array([0, 1] + [2] * 8), other, np.arange(10) < 2)
    taxa = np.zeros(10, dtype=np.int64), np.ones(10, dtype=np.int64)

    found = compare_backgrounds(answers, taxa, np.arange(10).astype(str), "a network", 0)

    assert [each.value for each in (found.accuracy, found.accuracy_own, found.accuracy_other)] == [0.9, 0.8, 0.3]
    assert found.accuracy_same is not None
    assert found.accuracy_same.value == 0.5
    assert (found.changed.value, found.followed.value) == (0.7, 0.5)
    assert found.changed.interval.method == "Wilson"
    assert not found.decides  # 6 fell and 1 rose: p = 0.125


@pytest.mark.parametrize(("n_fallen", "decides"), [(5, False), (6, True)])
def test_six_falls_without_a_rise_are_significant(n_fallen: int, decides: bool) -> None:
    assert compared(wrong(0), wrong(0), wrong(n_fallen)).decides == decides


def test_what_any_foreign_background_costs_is_not_held_against_the_taxon() -> None:
    """The seam between specimen and background misleads as much where the background is the taxon's own."""
    assert not compared(wrong(0), wrong(12), wrong(14)).decides
    assert compared(wrong(0), wrong(6), wrong(14)).decides
    assert not compared(wrong(12), wrong(0), wrong(14)).decides


def test_without_another_specimen_of_the_taxon_nothing_is_claimed() -> None:
    answers = Answers(wrong(0), wrong(0), wrong(0), wrong(20), np.zeros(20, dtype=bool))
    taxa = np.zeros(20, dtype=np.int64), np.ones(20, dtype=np.int64)
    found = compare_backgrounds(answers, taxa, np.arange(20).astype(str), "", 0)

    assert found.accuracy_same is None
    assert not found.decides


def test_images_of_a_specimen_are_no_independent_witnesses() -> None:
    found = compared(wrong(0), wrong(0), wrong(10), np.repeat(list("abcd"), 5))

    assert (found.n_images, found.n_specimens) == (20, 4)
    assert found.accuracy_other.interval.method == "bootstrap over specimens"
    assert not found.decides


def test_a_loss_of_answers_that_do_not_follow_the_background_is_a_part_and_no_decision() -> None:
    """94.6 % are right on another taxon's background, 96.0 % on that of their own taxon, and no answer follows."""
    n, lost = 832, np.arange(832)
    none, same, other = (np.where(lost < fallen, 2, 0) for fallen in (15, 33, 45))
    found = compared(none, same, other)

    assert (found.plays_a_part, found.decides, found.followed.value) == (True, False, 0)
    assert found.cost is not None
    assert found.cost.value == pytest.approx(12 / n)
    assert 0 < found.cost.interval.low < 12 / n < found.cost.interval.high
    assert role("the background", found.followed.value, found.is_sure).endswith(
        "plays a part, but answers do not follow it"
    )


@pytest.mark.parametrize(("n_following", "decides"), [(1, False), (2, True)])
def test_it_decides_from_a_tenth_of_the_answers_on(n_following: int, decides: bool) -> None:
    other = np.where(np.arange(20) < n_following, 1, np.where(np.arange(20) < 10, 2, 0))
    found = compared(wrong(0), wrong(0), other)
    assert (found.plays_a_part, found.decides) == (True, decides)


def test_a_record_from_before_is_read() -> None:
    now = compared(wrong(0), wrong(0), wrong(20))
    old = BackgroundSwap.model_validate(now.model_dump(exclude={"cost", "plays_a_part"}))
    assert (old.is_sure, old.cost) == (True, None)


# The whole


def test_who_looks_at_the_ground_is_caught(planted: tuple[Pictures, NDArray[np.int64]]) -> None:
    found = swapped(planted, by_ground)

    assert found.decides
    assert found.accuracy_same is not None
    assert found.accuracy_same.value == 1
    assert (found.accuracy.value, found.accuracy_own.value, found.accuracy_other.value) == (1, 1, 0)
    assert (found.changed.value, found.followed.value) == (1, 1)
    assert BackgroundSwap.model_validate_json(found.model_dump_json()) == found


def test_who_looks_at_the_specimen_is_not(planted: tuple[Pictures, NDArray[np.int64]]) -> None:
    found = swapped(planted, by_specimen)

    assert not found.decides
    assert (found.accuracy.value, found.accuracy_own.value, found.accuracy_other.value) == (1, 1, 1)
    assert (found.changed.value, found.followed.value) == (0, 0)


def test_the_judge_sees_every_image_four_times_in_batches(planted: tuple[Pictures, NDArray[np.int64]]) -> None:
    shown, y_true = planted
    asked, told = [], []

    def judge(squares: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        asked.append((len(squares), rows.tolist()))
        return by_ground(squares, rows)

    def note(progress: Progress) -> None:
        told.append((progress.done, progress.total))

    rows = np.arange(5, 45)
    judged = HeldOutJudge("a network", rows, Rank.SPECIES, judge)
    found, _ = swap_backgrounds(shown, y_true, np.arange(45).astype(str), judged, 0, note)
    assert found is not None
    assert found.n_images == 40
    assert [n for n, _ in asked] == [BATCH_SIZE] * 4 + [40 - BATCH_SIZE] * 4
    assert [row for _, rows in asked for row in rows] == [*range(5, 37)] * 4 + [*range(37, 45)] * 4
    assert told == [(32, 40), (40, 40)]


def test_what_has_no_specimen_or_no_taxon_is_left_out(tmp_path: Path) -> None:
    images = [drawn(GROUNDS[n % 2], SPECIMENS[n % 2], seed=n) for n in range(6)]
    images[2] = Image.new("RGB", (SIZE, 72), (150, 150, 150))
    y_true = np.array([0, 1, 0, -1, 0, 1])
    judge = HeldOutJudge("a network", np.arange(6), Rank.SPECIES, by_ground)
    found, notes = swap_backgrounds(pictures(tmp_path, images), y_true, np.arange(6).astype(str), judge, 0)

    assert found is not None
    assert found.n_images == 4
    assert notes == (
        "1 of 5 held-out images were not put on other backgrounds: no specimen was found in them, or it fills them.",
    )


def test_one_taxon_alone_has_no_other_background(tmp_path: Path) -> None:
    images = [drawn(GROUNDS[0], SPECIMENS[0], seed=n) for n in range(3)]
    judge = HeldOutJudge("a network", np.arange(3), Rank.SPECIES, by_ground)
    found, notes = swap_backgrounds(
        pictures(tmp_path, images), np.zeros(3, dtype=np.int64), np.arange(3).astype(str), judge, 0
    )

    assert found is None
    assert notes[0].startswith("What part the background plays was not looked at: specimens of two taxa")


# Drawn head capsules


def learned(shown: NDArray[np.uint8], y_true: NDArray[np.int64]) -> Judge:
    """A ridge on the hues of four by four parts of the picture, specimen or not."""

    def hues(squares: NDArray[np.uint8]) -> NDArray[np.float64]:
        parts = squares[:, 14:82].astype(np.float64).reshape(len(squares), 4, 17, 4, 24, 3).mean(axis=(2, 4))
        return np.asarray((parts / parts.sum(axis=3, keepdims=True)).reshape(len(squares), -1))

    ridge = make_pipeline(StandardScaler(), RidgeClassifier(alpha=10)).fit(hues(shown), y_true)
    return lambda squares, _: np.asarray(ridge.decision_function(hues(squares)))


@pytest.mark.parametrize(("shortcut", "decides"), [("none", False), ("tint", True)])
def test_a_tint_planted_in_drawn_specimens_decides(tmp_path: Path, shortcut: str, decides: bool) -> None:
    settings = PhantomSettings.model_validate({"images_per_taxon": 6, "width": 128, "shortcut": shortcut})
    table = read_specimens(draw_phantoms(tmp_path / "drawn", settings))
    pixels = open_cache(table.paths, PixelSettings(size=SIZE, padding=0), tmp_path / "cache").pixels
    y_true = np.array([table.taxonomy.truth(label, table.taxonomy.ranks[0]) for label in table.labels])
    taught = np.arange(len(y_true)) % 2 == 0
    judge = HeldOutJudge(
        "a ridge", np.flatnonzero(~taught), table.taxonomy.ranks[0], learned(pixels[taught], y_true[taught])
    )

    found, _ = swap_backgrounds(Pictures(pixels, table.paths), y_true, table.specimens, judge, 0)

    assert found is not None
    assert found.decides == decides
    if decides:
        assert found.accuracy_own.value > found.accuracy_other.value + 0.25
        assert found.followed.value > 0.1
