"""Tests of the search for shortcuts: exact where there is none, and finds those that were planted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import Ridge
from sklearn.metrics import balanced_accuracy_score
from sklearn.preprocessing import StandardScaler

from mentum.audit.cues import CUES
from mentum.audit.shortcuts import (
    PENALTY,
    CueResult,
    audit_cue,
    audit_shortcuts,
    deal_specimens,
    fit_hats,
    holm,
    predict,
)
from mentum.settings import PixelSettings
from mentum.specimens.manifest import read_specimens
from mentum.specimens.pixels import open_cache
from support.data_sets import real_data


def labelled(n_taxa: int, n_specimens: int, n_images: int = 1) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
    """Taxa and specimens of so many specimens per taxon, of so many images each."""
    y_true = np.repeat(np.arange(n_taxa), n_specimens * n_images)
    specimens = np.repeat(np.arange(n_taxa * n_specimens), n_images).astype(str)
    return y_true, specimens


def noise(n: int, n_features: int = 6, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(n, n_features)).astype(np.float32)


def audit(
    features: NDArray[np.float32], y_true: NDArray[np.int64], specimens: NDArray[np.str_], seed: int = 0, n: int = 199
) -> CueResult:
    return audit_cue("border", features, y_true, specimens, seed, n)


# The classifier


def test_scores_are_those_of_scikit_learn() -> None:
    y_true, _ = labelled(3, 12)
    features = noise(36, 8) * 5 + y_true[:, None].astype(np.float32)
    features[:, 3] = 7  # does not vary
    parts = deal_specimens(y_true, 0)
    hats = fit_hats(features, parts)
    identified = np.empty_like(y_true)
    for hat in hats:
        scaler = StandardScaler().fit(features[hat.learned].astype(np.float64))
        one_hot = np.eye(3)[y_true[hat.learned]]
        ridge = Ridge(alpha=PENALTY * len(hat.learned)).fit(scaler.transform(features[hat.learned]), one_hot)
        expected = ridge.predict(scaler.transform(features[hat.judged])) - one_hot.mean(axis=0)
        np.testing.assert_allclose(hat.unknown @ (hat.solved @ one_hot), expected, atol=1e-6)
        taught = ridge.predict(scaler.transform(features[hat.learned])) - one_hot.mean(axis=0)
        expected -= np.mean([taught[y_true[hat.learned] == taxon].mean(axis=0) for taxon in range(3)], axis=0)
        identified[hat.judged] = (expected / one_hot.std(axis=0)).argmax(axis=1)
    assert predict(hats, y_true).tolist() == identified.tolist()
    result = audit(features, y_true, np.char.zfill(np.arange(36).astype(str), 2))  # in this order
    assert result.balanced_accuracy == pytest.approx(balanced_accuracy_score(y_true, identified))
    assert result.accuracy == pytest.approx(np.mean(y_true == identified))


def test_all_images_of_a_specimen_are_judged_together() -> None:
    """Else images of a specimen, alike but for nothing of its taxon, would tell it."""
    y_true, specimens = labelled(4, 10, n_images=3)
    features = np.repeat(noise(40, 30), 3, axis=0)
    result = audit(features, y_true, specimens)
    assert (result.n_images, result.n_specimens, result.n_taxa) == (120, 40, 4)
    assert result.balanced_accuracy < 0.45
    assert not result.found
    apart = audit(features, y_true, np.arange(120).astype(str))
    assert apart.balanced_accuracy > 0.55


def test_specimens_of_each_taxon_are_spread_over_the_folds() -> None:
    taxa = np.repeat([0, 1, 2], [10, 7, 5])
    parts = deal_specimens(taxa, 3)
    for taxon in range(3):
        counts = np.bincount(parts[taxa == taxon], minlength=5)
        assert counts.max() - counts.min() <= 1


def test_a_common_taxon_is_not_preferred() -> None:
    y_true = np.repeat([0, 1], [90, 10])
    features = noise(100, 1) + 3 * y_true[:, None].astype(np.float32)
    result = audit(features, y_true, np.arange(100).astype(str))
    assert result.majority == 0.9
    assert result.chance == 0.5
    assert result.balanced_accuracy > 0.85


# Chance


def test_p_values_are_uniform_where_there_is_nothing_to_find() -> None:
    """Taxa of unlike size, specimens with several like images."""
    y_of_specimen = np.repeat([0, 1, 2], [14, 8, 5])
    images = 1 + np.arange(27) % 3
    y_true, specimens = np.repeat(y_of_specimen, images), np.repeat(np.arange(27), images).astype(str)
    p_values = []
    for seed in range(150):
        features = np.repeat(noise(27, seed=seed), images, axis=0) + 0.3 * noise(len(y_true), seed=seed + 1000)
        p_values.append(audit(features, y_true, specimens, seed, n=39).p)
    p = np.array(p_values)
    for level in (0.1, 0.25, 0.5, 0.75):  # three standard errors
        assert abs((p <= level).mean() - level) < 3 * np.sqrt(level * (1 - level) / len(p)) + 0.02
    assert abs(p.mean() - 0.5) < 0.08


def test_a_planted_cue_is_found() -> None:
    y_true, specimens = labelled(5, 8)
    features = noise(40, 5, seed=3)
    features[np.arange(40), y_true] += 2.5
    result = audit(features, y_true, specimens)
    assert result.p == 1 / 200
    assert result.p_corrected == result.p
    assert result.found
    assert result.interval.low < result.accuracy < result.interval.high
    assert result.chance == result.majority == 0.2
    assert audit(features, y_true, specimens) == result
    assert not audit_cue("colour", features, y_true, specimens, 0).found
    assert audit_cue("colour", features, y_true, specimens, 0).above_chance


def test_what_is_certain_but_little_is_not_named() -> None:
    y_true, specimens = labelled(4, 400)
    features = noise(1600, 1) + np.float32(0.12) * y_true[:, None].astype(np.float32)
    result = audit(features, y_true, specimens)
    assert result.p <= 0.02
    assert result.balanced_accuracy < 0.325
    assert not result.above_chance


def test_features_that_never_vary_tell_nothing() -> None:
    y_true, specimens = labelled(4, 6)
    for features in (np.ones((24, 3), dtype=np.float32), np.empty((24, 0), dtype=np.float32)):
        result = audit(features, y_true, specimens)
        assert (result.balanced_accuracy, result.p) == (0.25, 1)


def test_corrected_p_values_never_fall_and_keep_their_order() -> None:
    assert holm([0.005] * 4) == [0.02] * 4
    assert holm([0.2]) == [0.2]
    assert holm([0.9, 0.6, 0.001]) == pytest.approx([1, 1, 0.003])


# Too little to tell


def test_taxa_of_one_specimen_are_left_out() -> None:
    y_true, specimens = labelled(4, 6)
    more = np.append(y_true, [9, 9]), np.append(specimens, ["only", "only"])
    with_more = audit(np.concatenate([noise(24), noise(2)]), *more)
    assert with_more == audit(noise(24), y_true, specimens)


@pytest.mark.parametrize(("n_taxa", "n_specimens", "n"), [(1, 20, 1), (12, 1, 0), (0, 0, 0)])
def test_one_taxon_or_one_specimen_each_is_refused(n_taxa: int, n_specimens: int, n: int) -> None:
    y_true, specimens = labelled(n_taxa, n_specimens)
    with pytest.raises(ValueError, match=rf"^{n} taxa have two specimens or more; expected two taxa or more$"):
        audit(noise(len(y_true)), y_true, specimens)


def test_too_few_specimens_are_refused() -> None:
    y_true, specimens = labelled(2, 5)
    with pytest.raises(
        ValueError, match=r"^10 specimens of 2 taxa can be labelled in 32 ways within 5 folds; expected"
    ):
        audit(noise(10), y_true, specimens)


def test_a_specimen_of_two_taxa_is_refused() -> None:
    y_true, specimens = labelled(3, 6)
    specimens[6] = "0"
    with pytest.raises(ValueError, match=r"^1 specimens \(0 is the first\) have several taxa; expected one each$"):
        audit(noise(18), y_true, specimens)


def test_unlike_lengths_are_refused() -> None:
    y_true, specimens = labelled(3, 6)
    with pytest.raises(ValueError, match=r"^features of 17 images and 18 labels"):
        audit(noise(17), y_true, specimens)
    with pytest.raises(ValueError, match=r"^18 labels and specimens of 17 images"):
        audit(noise(18), y_true, specimens[1:])
    with pytest.raises(ValueError, match=r"^18 squares, 17 paths and 18 labels"):
        audit_shortcuts(np.zeros((18, 32, 32, 3), dtype=np.uint8), [Path("a.png")] * 17, y_true, specimens)


# Whole data sets


def drawn(folder: Path, tints: bool) -> tuple[NDArray[np.uint8], list[Path], NDArray[np.int64], NDArray[np.str_]]:
    """Dark discs of random size on a light ground, whose tint may go with the taxon."""
    y_true, specimens = labelled(4, 8)
    rng = np.random.default_rng(5)
    tint = np.array([(0, 0, 0), (18, 0, 0), (0, 18, 0), (0, 0, 18)])
    y, x = np.mgrid[:96, :96]
    paths = []
    for number, taxon in enumerate(y_true.tolist()):
        ground = rng.normal(180, 8) + rng.normal(0, 4, (96, 96, 3)) + tint[taxon if tints else 0]
        ground[(y - rng.uniform(44, 52)) ** 2 + (x - rng.uniform(44, 52)) ** 2 < rng.uniform(18, 30) ** 2] -= 110
        paths.append(folder / f"{rng.integers(10**9)}-{number}.png")
        Image.fromarray(ground.clip(0, 255).astype(np.uint8)).save(paths[-1])
    pixels = open_cache(paths, PixelSettings(size=96, padding=0), folder / "cache").pixels
    return pixels, paths, y_true, specimens


def test_a_tint_of_the_ground_is_found_and_no_other_thing(tmp_path: Path) -> None:
    results = {result.cue: result for result in audit_shortcuts(*drawn(tmp_path, tints=True))}
    assert [*results] == [*CUES]
    assert results["border"].found
    assert results["background"].found
    assert results["colour"].of_specimen_too
    assert not results["colour"].found
    for result in results.values():
        assert result.p_corrected >= result.p
        assert CueResult.model_validate_json(result.model_dump_json()) == result


def test_without_a_tint_nothing_is_found_in_the_picture(tmp_path: Path) -> None:
    pixels, paths, y_true, specimens = drawn(tmp_path, tints=False)
    order = np.random.default_rng(0).permutation(len(paths))  # numbers in the names are those of the drawing
    results = audit_shortcuts(pixels[order], [paths[place] for place in order], y_true, specimens)
    assert not any(result.found for result in results)


def test_the_background_gives_chironomids_away(tmp_path: Path) -> None:
    table = read_specimens(real_data("chiro10"))
    pixels = open_cache(table.paths, PixelSettings(size=128, padding=0), tmp_path).pixels
    names = sorted({label.name for label in table.labels})
    y_true = np.array([names.index(label.name) for label in table.labels])
    results = {result.cue: result for result in audit_shortcuts(pixels, table.paths, y_true, table.specimens)}
    for cue in ("border", "background"):
        assert results[cue].found
        assert results[cue].balanced_accuracy > 0.3
        assert results[cue].interval.low > results[cue].chance
