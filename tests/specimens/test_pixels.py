"""Tests of squares and of the cache that keeps them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from mentum.caches.checked_arrays import seal_array
from mentum.errors import DataError, ImageError
from mentum.records import Progress
from mentum.settings import PixelSettings
from mentum.specimens.pixels import PixelCache, SquarePlacement, hash_images, open_cache, square_pixels
from support import awkward_images as awkward
from support.drawn_data import draw_taxon
from support.full_disk import full_disk

SMALL = PixelSettings(size=32, padding=0)
Open = Callable[..., PixelCache]


# Squares


def smooth(width: int, height: int) -> Image.Image:
    """A drawing without fine detail, as a photograph out of focus."""
    y, x = np.mgrid[:height, :width]
    waves = [128 + 100 * np.sin(x / width * a + y / height * b) for a, b in ((9, 4), (3, 12), (7, 7))]
    return Image.fromarray(np.stack(waves, axis=2).astype(np.uint8))


@pytest.mark.parametrize(("size", "box"), [((120, 80), (0, 10, 64, 43)), ((30, 90), (22, 0, 21, 64))])
def test_the_aspect_is_kept_and_the_rest_is_padding(
    tmp_path: Path, size: tuple[int, int], box: tuple[int, ...]
) -> None:
    file = tmp_path / "white.png"
    Image.new("RGB", size, (255, 255, 255)).save(file)

    square = square_pixels(file, PixelSettings(size=64, padding=70))

    left, top, width, height = box
    assert (square.shape, square.dtype) == ((64, 64, 3), np.uint8)
    inside = np.zeros((64, 64), dtype=bool)
    inside[top : top + height, left : left + width] = True
    assert (square[inside] == 255).all()
    assert (square[~inside] == 70).all()


def test_a_square_image_is_filled_to_the_edge(tmp_path: Path) -> None:
    file = tmp_path / "drawn.png"
    draw_taxon(0, 0, (32, 32)).save(file)
    np.testing.assert_array_equal(square_pixels(file, SMALL), np.asarray(Image.open(file)))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_image_comes_upright(tmp_path: Path, orientation: int) -> None:
    upright = awkward.write_turned(tmp_path / "1.png", 1)
    turned = awkward.write_turned(tmp_path / f"{orientation}-turned.png", orientation)
    np.testing.assert_array_equal(square_pixels(turned, SMALL), square_pixels(upright, SMALL))


def test_a_jpeg_decoded_at_a_reduced_size_looks_the_same(tmp_path: Path) -> None:
    file, whole = tmp_path / "drawn.jpg", tmp_path / "drawn.png"
    smooth(1200, 900).save(file, quality=92)
    Image.open(file).save(whole)  # the same pixels, which only a JPEG lets one read at a quarter

    reduced, full = (square_pixels(each, PixelSettings(size=128, padding=0)).astype(int) for each in (file, whole))

    assert np.abs(reduced - full).mean() < 1
    assert np.abs(reduced - full).max() < 12


def test_an_unreadable_image(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"half.jpg: found a broken file \(.*truncated"):
        square_pixels(awkward.write_truncated(tmp_path / "half.jpg"), SMALL)


# The cache


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    return [awkward.write_plain(tmp_path / "images" / f"{number}.png", seed=number) for number in range(5)]


@pytest.fixture
def opened(images: list[Path], tmp_path: Path) -> Open:
    """Open the cache of the images."""
    return lambda settings=SMALL, paths=images, **more: open_cache(paths, settings, tmp_path / "cache", **more)


def files_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def test_the_cache_holds_the_square_of_each_image(images: list[Path], opened: Open) -> None:
    cache = opened()
    np.testing.assert_array_equal(cache.pixels, np.stack([square_pixels(path, SMALL) for path in images]))
    assert cache.content_hashes == tuple(hash_images(images))
    assert len(set(cache.content_hashes)) == 5


def test_the_cache_is_mapped_and_cannot_be_changed(opened: Open) -> None:
    mapped = opened().pixels
    assert isinstance(mapped, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        mapped[0] = 0


def test_the_cache_is_made_once(opened: Open, tmp_path: Path) -> None:
    first = opened()
    (file,) = (tmp_path / "cache").iterdir()
    np.save(file, np.full_like(first.pixels, 7))  # what images that are decoded once more would overwrite
    seal_array(file)

    again = opened()

    assert (again.pixels == 7).all()
    assert again.content_hash == first.content_hash


def test_progress_is_told_once_per_image_and_not_again(opened: Open) -> None:
    seen: list[Progress] = []
    opened(progress=seen.append)
    opened(progress=seen.append)
    assert [(each.task, each.done, each.total) for each in seen] == [("reading images", n, 5) for n in range(1, 6)]


def test_the_cache_does_not_depend_on_where_images_lie(images: list[Path], opened: Open, tmp_path: Path) -> None:
    first = opened()
    moved = [Path(shutil.copy(path, tmp_path / f"copy-{path.name}")) for path in images]
    assert opened(paths=moved).content_hash == first.content_hash
    assert len(files_in(tmp_path / "cache")) == 1


@pytest.mark.parametrize("change", ["bytes", "order", "size", "padding"])
def test_other_content_or_settings_make_another_file(
    images: list[Path], opened: Open, tmp_path: Path, change: str
) -> None:
    first = opened()

    if change == "bytes":
        images[2].write_bytes(images[2].read_bytes() + b"\0")
    chosen = {"size": PixelSettings(size=48, padding=0), "padding": PixelSettings(size=32, padding=9)}
    other = opened(chosen.get(change, SMALL), images[::-1] if change == "order" else images)

    assert len(files_in(tmp_path / "cache")) == 2
    assert (other.content_hash == first.content_hash) is (change in {"size", "padding"})


def test_all_unreadable_images_are_listed_and_nothing_is_left(images: list[Path], opened: Open, tmp_path: Path) -> None:
    awkward.write_empty(images[0])
    awkward.write_text(images[3])
    with pytest.raises(DataError, match=r"2 of 5 images cannot be read: .*0.png: found .*; .*3.png: found") as caught:
        opened()
    assert "1.png" not in str(caught.value)
    assert files_in(tmp_path / "cache") == []


def test_a_full_disk_is_told_before_work_begins(opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100_010_000))
    with pytest.raises(DataError, match=r"cache: the pixel cache needs 0.0 GB, 0.1 GB are free; make room or give"):
        opened()
    assert files_in(tmp_path / "cache") == []


def test_a_disk_that_fills_up_underway(opened: Open, tmp_path: Path) -> None:
    complaint = r"cannot keep the pixel cache \(.*File too large.*\); give --cache a folder"
    with full_disk(takes=5000), pytest.raises(DataError, match=complaint):
        opened()
    assert files_in(tmp_path / "cache") == []


def test_a_cache_folder_that_cannot_be_made(images: list[Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"file.cache: cannot keep the pixel cache \(.*\); give --cache a folder"):
        open_cache(images, SMALL, tmp_path / "file" / "cache")


def test_an_interrupted_cache_leaves_nothing(opened: Open, tmp_path: Path) -> None:
    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        opened(progress=interrupt)
    assert files_in(tmp_path / "cache") == []


# Where an image lies in its square


@pytest.mark.parametrize("size", [32, 75, 224])
@pytest.mark.parametrize(
    "shape", [(40, 40), (1024, 756), (1023, 757), (301, 97), (97, 301), (5, 200), (225, 224), (64, 20), (21, 64)]
)
def test_the_placement_is_that_of_the_padded_square(shape: tuple[int, int], size: int) -> None:
    square = np.asarray(ImageOps.pad(Image.new("L", shape, 255), (size, size), Image.Resampling.BILINEAR, color=0))
    rows, columns = np.flatnonzero(square.any(axis=1)), np.flatnonzero(square.any(axis=0))
    placement = SquarePlacement(*shape, size)
    assert (placement.left, placement.top) == (columns[0], rows[0])
    assert placement.inner == (len(columns), len(rows))


@settings(deadline=None)
@given(st.integers(1, 500), st.integers(1, 500), st.integers(1, 300))
def test_any_placement_is_that_of_the_padded_square(width: int, height: int, size: int) -> None:
    placement = SquarePlacement(width, height, size)
    fitted = ImageOps.contain(Image.new("1", (width, height)), (size, size), Image.Resampling.NEAREST)
    assert placement.inner == fitted.size


@pytest.mark.parametrize("shape", [(400, 300), (399, 301), (173, 402), (250, 250)])
def test_a_marker_lies_where_its_place_is(tmp_path: Path, shape: tuple[int, int]) -> None:
    """The centre of gravity of a marked block of the image, in the square."""
    drawn = np.zeros((shape[1], shape[0], 3), dtype=np.uint8)
    drawn[120:150, 40:110] = 255
    Image.fromarray(drawn).save(tmp_path / "1.png")
    square = square_pixels(tmp_path / "1.png", PixelSettings(size=128, padding=0))[..., 0].astype(float)
    y, x = np.mgrid[:128, :128] + 0.5
    centre = [(x * square).sum() / square.sum(), (y * square).sum() / square.sum()]
    np.testing.assert_allclose(SquarePlacement(*shape, 128).place(np.array([[75.0, 135.0]]))[0], centre, atol=0.03)


def test_places_come_back() -> None:
    placement = SquarePlacement(317, 211, 224)
    points = np.random.default_rng(0).uniform(0, 300, (20, 2))
    np.testing.assert_allclose(placement.restore(placement.place(points)), points)
    assert (placement.scale_x, placement.scale_y) == (224 / 317, 149 / 211)
