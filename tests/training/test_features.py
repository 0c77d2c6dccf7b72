"""Tests of features of the frozen backbone and of their views."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mentum.errors import RunError
from mentum.records import Progress, ignore_progress
from mentum.training.features import CachedViews, extract_features, kept
from support.tiny_lessons import drawn_source, tiny_backbone


def test_features_are_pooled_maps_in_the_order_of_the_rows() -> None:
    backbone, source, rows = tiny_backbone().train(), drawn_source(), np.array([7, 3, 20])
    seen: list[Progress] = []

    features = extract_features(backbone, source, rows, None, seen.append)

    (_, pixels), *_ = source.batches(rows, 3)
    with torch.inference_mode():
        expected = backbone.eval()(pixels).mean((2, 3))
    np.testing.assert_allclose(features, expected, atol=1e-6)
    assert (features.shape, features.dtype) == ((3, 16), np.float32)
    assert [(step.done, step.total) for step in seen] == [(3, 3)]


def test_each_epoch_shows_other_views() -> None:
    backbone, source, rows = tiny_backbone(), drawn_source(), np.arange(6)
    clean, first, again, second = (
        extract_features(backbone, source, rows, epoch, ignore_progress) for epoch in (None, 1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, second)
    assert not np.allclose(first, clean)


def test_no_rows_give_no_features() -> None:
    features = extract_features(tiny_backbone(), drawn_source(), np.array([], dtype=np.int64), None, ignore_progress)
    assert features.shape == (0, 16)


def test_cached_views_show_one_view_of_each_image_per_epoch() -> None:
    views = CachedViews([np.full((1000, 2), view, dtype=np.float32) for view in range(4)], seed=5)

    shown = views(1)

    np.testing.assert_array_equal(shown[:, 0], shown[:, 1])
    shares = np.bincount(shown[:, 0].astype(int), minlength=4) / 1000
    assert np.abs(shares - 0.25).max() < 0.06
    np.testing.assert_array_equal(shown, views(1))
    assert not np.array_equal(shown, views(2))


def test_a_single_view_is_shown_as_it_is() -> None:
    features = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    np.testing.assert_array_equal(CachedViews([features], 0)(9), features)


def test_an_array_is_computed_once(tmp_path: Path) -> None:
    file, values = tmp_path / "views" / "clean.npy", np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(kept(file, lambda: values, (2, 3)), values)
    np.testing.assert_array_equal(kept(file, lambda: pytest.fail("computed again"), (2, None)), values)


def test_an_interrupted_array_is_computed_anew(tmp_path: Path) -> None:
    file = tmp_path / "clean.npy"

    def interrupt() -> np.ndarray:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept(file, interrupt, (1, 1))
    assert not file.exists()
    assert kept(file, lambda: np.zeros((1, 1), dtype=np.float32), (1, 1)).shape == (1, 1)


@pytest.mark.parametrize("damage", ["cut", "overwritten", "empty", "without checksums"])
def test_a_damaged_array_is_computed_anew_and_that_is_said(damage: str, tmp_path: Path) -> None:
    file, values, said = tmp_path / "clean.npy", np.ones((50, 3), dtype=np.float32), list[Progress]()
    kept(file, lambda: values, values.shape)
    content = file.read_bytes()
    if damage == "without checksums":
        np.save(file, values)
    else:
        changed = {"cut": content[:200], "overwritten": content[:300] + b"other" + content[305:], "empty": b""}
        file.write_bytes(changed[damage])
    np.testing.assert_array_equal(kept(file, lambda: values + 1, values.shape, said.append), values + 1)
    assert [each.task for each in said] == [f"{file}: is damaged, or was kept without checksums; it is computed anew."]
    assert [path.name for path in tmp_path.iterdir()] == ["clean.npy"]


@pytest.mark.parametrize("shape", [(50, 4), (49, None), (50,)])
def test_an_array_of_another_shape_is_refused(shape: tuple[int | None, ...], tmp_path: Path) -> None:
    file, values = tmp_path / "clean.npy", np.ones((50, 3), dtype=np.float32)
    kept(file, lambda: values, values.shape)
    with pytest.raises(RunError, match=r"clean.npy: not readable \(found float32 \(50, 3\), expected float32"):
        kept(file, lambda: values, shape)
