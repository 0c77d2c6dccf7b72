"""Tests of batches: their order, their size, their deformation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mentum.training.batches import shuffled
from support.tiny_lessons import drawn_source

ROWS = np.array([5, 2, 9, 0, 7, 7, 1])


@pytest.mark.parametrize("batch_size", [1, 3, 7, 50])
def test_batches_give_the_rows_in_order(batch_size: int) -> None:
    source = drawn_source()

    batches = list(source.batches(ROWS, batch_size))

    assert torch.cat([rows for rows, _ in batches]).tolist() == ROWS.tolist()
    assert [len(rows) for rows, _ in batches[:-1]] == [batch_size] * (len(batches) - 1)
    pixels = torch.cat([pixels for _, pixels in batches])
    assert pixels.dtype == torch.float32
    np.testing.assert_array_equal(pixels.permute(0, 2, 3, 1), source.pixels[ROWS])


def test_no_rows_give_no_batches() -> None:
    assert list(drawn_source().batches(np.array([], dtype=np.int64), 4)) == []


def test_an_epoch_deforms_each_image_in_its_own_way_whatever_the_batch() -> None:
    source = drawn_source()
    one = torch.cat([pixels for _, pixels in source.batches(ROWS, 2, epoch=3)])
    other = torch.cat([pixels for _, pixels in source.batches(ROWS[::-1].copy(), 5, epoch=3)]).flip(0)
    torch.testing.assert_close(one, other, atol=1e-2, rtol=0)
    torch.testing.assert_close(one[4], one[5], atol=1e-2, rtol=0)  # the same image twice

    later = torch.cat([pixels for _, pixels in source.batches(ROWS, 2, epoch=4)])
    assert (one - later).abs().mean() > 1


def test_a_fault_while_reading_ahead_reaches_the_caller() -> None:
    with pytest.raises(IndexError):
        list(drawn_source().batches(np.array([0, 99_999]), 1))


def test_the_order_belongs_to_seed_and_epoch() -> None:
    rows = np.arange(30)
    assert sorted(shuffled(rows, 0, 1)) == rows.tolist()
    np.testing.assert_array_equal(shuffled(rows, 0, 1), shuffled(rows, 0, 1))
    assert not np.array_equal(shuffled(rows, 0, 1), shuffled(rows, 0, 2))
    assert not np.array_equal(shuffled(rows, 0, 1), shuffled(rows, 1, 1))
