"""Tests of reading images in batches: places kept, failures said, hashes of files and arrays."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mentum.identification.inputs import Given
from mentum.identification.reading import BATCH_SIZE, Picture, read_images
from mentum.settings import PixelSettings
from mentum.specimens.pixels import square_pixels
from support.awkward_images import write_empty, write_pack, write_plain, write_truncated
from support.deep_images import samples, write_deep_png
from support.models_by_hand import GENUS, PLUMOSUS, TREE, SessionByHand, level, write_level

SQUARE = PixelSettings(size=32, padding=0)


def given(*files: Path) -> list[Given]:
    return [Given(file, str(file)) for file in files]


def session() -> SessionByHand:
    return SessionByHand({"tree": TREE})


def pictures_of(images: list[Given], session_: SessionByHand) -> list[Picture]:
    return [picture for reading in read_images(images, session_, SQUARE) for picture in reading.pictures]


def test_failures_keep_their_places_and_the_others_go_on(tmp_path: Path) -> None:
    files = [write_level(tmp_path / f"{number:02}.png", PLUMOSUS) for number in range(BATCH_SIZE + 4)]
    write_truncated(files[1])
    write_empty(files[BATCH_SIZE])
    networks = session()

    first, second = read_images(given(*files), networks, SQUARE)

    assert [picture.given.path for picture in (*first.pictures, *second.pictures)] == files
    assert first.rows.tolist() == [0, *range(2, BATCH_SIZE)]
    assert second.rows.tolist() == [1, 2, 3]
    assert "01.png: found a broken file (" in (first.pictures[1].failure or "")
    assert "bytes" in (second.pictures[0].failure or "")
    assert networks.batches == [BATCH_SIZE - 1, 3]


def test_a_batch_without_any_readable_image_never_reaches_the_networks(tmp_path: Path) -> None:
    networks = session()
    (reading,) = read_images(given(write_empty(tmp_path / "a.png"), tmp_path / "gone.png"), networks, SQUARE)
    assert (reading.outputs, reading.rows.tolist(), networks.batches) == (None, [], [])


def test_every_awkward_image_is_read_or_refused_in_words(tmp_path: Path) -> None:
    pack = write_pack(tmp_path)
    networks = SessionByHand({"tree": dict.fromkeys(range(256), TREE[PLUMOSUS])})
    for picture in pictures_of(given(*pack.values()), networks):
        assert (picture.pixels is None) == bool(picture.failure)
        if picture.pixels is not None:
            assert (picture.pixels.shape, picture.pixels.dtype) == ((32, 32, 3), np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("bits", "trained", "failure"),
    [
        (12, 12, None),
        (10, 12, None),
        (14, 12, "need 14 bit (0-16383); expected 12 bit (0-4095)"),
        (16, 12, "need 16 bit (0-65535); expected 12 bit (0-4095)"),
        (8, 12, "need no more than 8 bit (0-255), nearly black in the 12 bit (0-4095) at which the model reads them"),
        (12, 16, "need no more than 12 bit (0-4095), nearly black in the 16 bit (0-65535)"),
        (14, 16, None),
        (16, 16, None),
        (16, "auto", None),
        (14, "auto", "need no more than 14 bit (0-16383); expected all 16 bits, since the training had no such images"),
        (8, "auto", "need no more than 8 bit (0-255); expected all 16 bits"),
    ],
)
def test_samples_are_scaled_as_in_training_or_refused(
    tmp_path: Path, channels: int, bits: int, trained: int | str, failure: str | None
) -> None:
    file = write_deep_png(tmp_path / "deep.png", samples(channels, bits))
    square = PixelSettings.model_validate({"size": 32, "padding": 200, "depth": trained})
    (reading,) = read_images(given(file), SessionByAnything(), square)
    (picture,) = reading.pictures
    assert (picture.failure is None) == (failure is None)
    assert (failure or "") in (picture.failure or "")
    if picture.pixels is not None:
        np.testing.assert_array_equal(picture.pixels, square_pixels(file, square))


def test_images_are_known_by_their_bytes(tmp_path: Path) -> None:
    file, gone = write_level(tmp_path / "a.png", GENUS), tmp_path / "gone.png"
    broken = write_truncated(tmp_path / "b.png")
    one, missing, other = pictures_of(given(file, gone, broken), session())
    assert one.content_hash == hashlib.sha256(file.read_bytes()).hexdigest()
    assert other.content_hash == hashlib.sha256(broken.read_bytes()).hexdigest()
    assert missing.content_hash == hashlib.sha256(str(gone).encode()).hexdigest()


def test_arrays_are_read_like_files(tmp_path: Path) -> None:
    (of_file,) = read_images(given(write_plain(tmp_path / "a.png")), SessionByAnything(), SQUARE)
    with Image.open(tmp_path / "a.png") as image:
        (of_array,) = read_images([np.asarray(image)], SessionByAnything(), SQUARE)
    (one,), (other,) = of_file.pictures, of_array.pictures
    np.testing.assert_array_equal(one.pixels, other.pixels)
    assert (other.given.name, other.failure) == ("array 1", None)


class SessionByAnything(SessionByHand):
    """Looks at nothing."""

    def __init__(self) -> None:
        super().__init__({"tree": dict.fromkeys(range(256), TREE[PLUMOSUS])})


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.zeros((8, 8, 3), dtype=np.float32), r"float32 \(8, 8, 3\)"),
        (np.zeros((8, 8), dtype=np.uint8), r"uint8 \(8, 8\)"),
        (np.zeros((8, 8, 4), dtype=np.uint8), r"uint8 \(8, 8, 4\)"),
        (np.zeros((0, 8, 3), dtype=np.uint8), r"uint8 \(0, 8, 3\)"),
        (np.zeros((2, 8, 8, 3), dtype=np.uint8), r"uint8 \(2, 8, 8, 3\)"),
    ],
)
def test_an_array_that_is_no_image_is_a_fault_of_the_caller(array: np.ndarray, found: str) -> None:
    with pytest.raises(ValueError, match=rf"image 2: an array of {found}; expected uint8 \(height, width, 3\)"):
        list(read_images([level(PLUMOSUS), array], session(), SQUARE))


def test_the_shape_of_an_array_counts_for_its_hash() -> None:
    flat = np.zeros((4, 6, 3), dtype=np.uint8)
    (reading,) = read_images([flat, flat.reshape(6, 4, 3), flat.copy()], SessionByAnything(), SQUARE)
    one, turned, same = (picture.content_hash for picture in reading.pictures)
    assert one == same != turned


def test_relevance_comes_only_where_it_is_asked_for() -> None:
    networks = session()
    (without,) = read_images([level(PLUMOSUS)], networks, SQUARE)
    (with_maps,) = read_images([level(PLUMOSUS)], networks, SQUARE, relevance=True)
    assert without.outputs is not None
    assert with_maps.outputs is not None
    assert without.outputs.relevance == {}
    assert with_maps.outputs.relevance["tree"].shape == (1, 4, 4, 4)


# Networks that give no probabilities


NO_PROBABILITIES = {
    "no number": (np.nan, 0.5, 0.25, 0.25),
    "infinite": (np.inf, 0.0, 0.0, 0.0),
    "negative": (1.5, -0.5, 0.0, 0.0),
    "a sum of two": (0.5, 0.5, 0.5, 0.5),
}


@pytest.mark.parametrize("values", NO_PROBABILITIES.values(), ids=NO_PROBABILITIES)
def test_an_image_without_probabilities_is_refused_and_the_others_go_on(
    tmp_path: Path, values: tuple[float, ...]
) -> None:
    files = [write_level(tmp_path / f"{place}.png", red) for place, red in enumerate((PLUMOSUS, GENUS, PLUMOSUS))]
    (reading,) = read_images(given(*files), SessionByHand({"tree": {**TREE, GENUS: values}}), SQUARE)
    assert reading.rows.tolist() == [0, 2]
    assert reading.outputs is not None
    assert reading.outputs.is_sound.all()
    failures = [picture.failure for picture in reading.pictures]
    assert (failures[0], failures[2]) == (None, None)
    assert "1.png: the model's network gives values that are no probabilities" in str(failures[1])
    assert "run `mentum verify` on the model" in str(failures[1])


def test_a_batch_without_any_probabilities_has_no_outputs(tmp_path: Path) -> None:
    networks = SessionByHand({"tree": {PLUMOSUS: (np.nan,) * 4}})
    (reading,) = read_images(given(write_level(tmp_path / "1.png", PLUMOSUS)), networks, SQUARE)
    assert (reading.rows.tolist(), reading.outputs) == ([], None)
