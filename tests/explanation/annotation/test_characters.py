"""Tests of annotated characters, and of where they lie in the network's square."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentum.errors import DataError
from mentum.explanation.annotation.characters import Annotations, read_annotations
from mentum.explanation.annotation.coco_file import AnnotatedImage
from mentum.explanation.annotation.shapes import read_shape
from mentum.specimens.manifest import read_specimens
from support.annotated_data import box, categories, image, region, write_coco_by_hand, write_images
from support.data_sets import real_data

# Masks


def annotated(
    shapes: Mapping[str, list[list[float]]], outline: str | None = None, size: tuple[int, int] = (40, 20)
) -> Annotations:
    """One image with rectangles, and their masks' owner."""
    read = {
        name: tuple(read_shape({"segmentation": [polygon]}, *size) for polygon in polygons)
        for name, polygons in shapes.items()
    }
    characters = tuple(name for name in shapes if name != outline)
    return Annotations(Path("c.json"), characters, outline, {"1.jpg": AnnotatedImage(*size, read)}, ())


def at(found: Annotations, x: int, y: int) -> list[float]:
    """The shares of all regions in one pixel of the image, which is 40 x 20 in a square of 40."""
    masks = found.masks("1.jpg", 40)
    assert (masks.shape, masks.dtype) == ((len(found.names), 40, 40), np.float32)
    np.testing.assert_allclose(masks.sum(axis=0), 1, atol=1e-6)
    assert masks.min() >= 0
    return [round(float(value), 3) for value in masks[:, y + 10, x]]


def test_characters_rest_and_background() -> None:
    found = annotated({"body": [box(5, 0, 35, 20)], "mentum": [box(10, 5, 20, 10)]}, outline="body")
    assert found.names == ("mentum", "unassigned", "background")
    assert at(found, 12, 7) == [1, 0, 0]
    assert at(found, 30, 7) == [0, 1, 0]
    assert at(found, 2, 7) == [0, 0, 1]
    assert at(found, 12, -5) == [0, 0, 1]  # the padding


def test_a_pixel_of_several_characters_is_split_equally() -> None:
    found = annotated({"a": [box(0, 0, 20, 20)], "b": [box(10, 0, 30, 20)], "c": [box(15, 0, 18, 20)]})
    assert at(found, 5, 5) == [1, 0, 0, 0, 0]
    assert at(found, 12, 5) == [0.5, 0.5, 0, 0, 0]
    assert at(found, 16, 5) == [0.333, 0.333, 0.333, 0, 0]
    assert at(found, 25, 5) == [0, 1, 0, 0, 0]


def test_symmetrical_parts_are_one_character() -> None:
    found = annotated({"mandible": [box(0, 0, 10, 20), box(30, 0, 40, 20), box(5, 0, 10, 20)]})
    assert found.names == ("mandible", "unassigned", "background")
    assert [at(found, x, 5)[0] for x in (2, 7, 20, 35)] == [1, 1, 0, 1]


def test_parts_of_pixels_are_shared_with_the_rest() -> None:
    found = annotated({"body": [box(5.5, 0, 35, 20)], "mentum": [box(10.25, 0, 20, 20)]}, outline="body")
    assert at(found, 10, 5) == pytest.approx([0.75, 0.25, 0], abs=0.01)
    assert at(found, 5, 5) == pytest.approx([0, 0.5, 0.5], abs=0.01)


def test_a_character_that_stands_out_of_the_outline_stays_one() -> None:
    found = annotated({"body": [box(5, 0, 35, 20)], "mandible": [box(0, 0, 10, 20)]}, outline="body")
    assert at(found, 2, 5) == [1, 0, 0]


def test_a_crop_that_cuts_characters_is_said() -> None:
    found = annotated(
        {"body": [box(2, 2, 38, 18)], "mentum": [box(10, 5, 20, 10)], "plate": [box(30, 5, 36, 9)]}, "body"
    )
    assert found.cropped({"1.jpg": (5, 0, 38, 20)}).warnings == ()
    (said,) = found.cropped({"1.jpg": (5, 0, 25, 20)}).warnings
    assert said.startswith("Of 1 annotated images that are cropped to the specimen, the crop cuts a character")
    assert said.endswith("plate in 1.")
    assert found.cropped({"2.jpg": (5, 0, 25, 20)}).warnings == ()


@pytest.mark.parametrize("outline", [None, "body"])
def test_without_an_outline_all_else_is_unassigned(outline: str | None) -> None:
    found = annotated({"mentum": [box(10, 5, 20, 10)]})
    found = Annotations(found.source, ("mentum", "absent"), outline, found.regions, ())
    assert at(found, 12, 7) == [1, 0, 0, 0]
    assert at(found, 2, 7) == [0, 0, 1, 0]
    assert at(found, 2, -5) == [0, 0, 1, 0]


def test_an_image_without_annotation_has_no_masks() -> None:
    with pytest.raises(KeyError, match=r"2\.jpg"):
        annotated({"mentum": [box(10, 5, 20, 10)]}).masks("2.jpg", 40)


CORNER = st.floats(-20, 120)
POLYGONS = st.lists(st.lists(CORNER, min_size=6, max_size=12).filter(lambda flat: len(flat) % 2 == 0), max_size=3)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(["a", "b", "c", "body"]), POLYGONS, max_size=4),
    st.tuples(st.integers(60, 130), st.integers(60, 130)),
    st.sampled_from([7, 32, 61]),
    st.sampled_from([None, "body"]),
)
def test_masks_sum_to_one(
    drawn: dict[str, list[list[float]]], size: tuple[int, int], side: int, outline: str | None
) -> None:
    inside = {name: [flat for flat in polygons if usable(flat, size)] for name, polygons in drawn.items()}
    masks = annotated(inside, outline, size).masks("1.jpg", side)
    np.testing.assert_allclose(masks.sum(axis=0), 1, atol=1e-6)
    assert masks.min() >= 0
    assert masks.max() <= 1


def usable(flat: list[float], size: tuple[int, int]) -> bool:
    try:
        read_shape({"segmentation": [flat]}, *size)
    except DataError:
        return False
    return True


# Reading


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Annotations]:
    """Read a file in which each image of a table has regions of the categories at its place in `drawn`."""

    def write_and_read(
        kinds: list[dict[str, Any]], *drawn: tuple[int, ...], outline: str | None = None, unannotated: int = 0
    ) -> Annotations:
        names = write_images(tmp_path, *(f"{number}.png" for number in range(len(drawn) + unannotated)))
        annotations = [region(0, i, kind, box(1, 1, 9, 9)) for i, kinds in enumerate(drawn) for kind in kinds]
        images = [image(number, name) for number, name in enumerate(names)]
        file = write_coco_by_hand(tmp_path / "c.json", images, annotations, kinds)
        return read_annotations(file, names, tmp_path, outline)

    return write_and_read


Read = Callable[..., Annotations]


def test_characters_are_the_categories_with_annotations(read: Read) -> None:
    found = read(categories("_background_", "mentum", "unused", "mandible", body="specimen"), (4, 2, 5))
    assert found.characters == ("mentum", "mandible")
    assert found.outline == "body"
    assert found.warnings == ()
    assert found.names == ("mentum", "mandible", "unassigned", "background")


@pytest.mark.parametrize(
    ("kinds", "outline"),
    [
        (categories("mentum", "body", skin="specimen"), "skin"),
        (categories("mentum", "Head Capsule"), "Head Capsule"),
        (categories("mentum", "head_capsule"), "head_capsule"),
        (categories("body", "specimen"), "specimen"),
        (categories("mentum", "mandible", "WHOLE"), "WHOLE"),
        (categories("mentum", "mandible"), None),
        (categories(mentum="specimen", mandible="specimen"), None),
        (categories("body", mentum="specimen", mandible="specimen"), "body"),
    ],
)
def test_the_outline_is_found(read: Read, kinds: list[dict[str, Any]], outline: str | None) -> None:
    found = read(kinds, tuple(kind["id"] for kind in kinds))
    assert found.outline == outline
    assert outline not in found.characters


def test_an_outline_without_annotations_is_none(read: Read) -> None:
    assert read(categories("mentum", body="specimen"), (1,)).outline is None


def test_the_outline_can_be_named(read: Read) -> None:
    found = read(categories("mentum", "bug", body="specimen"), (1, 2, 3), outline="bug")
    assert (found.outline, found.characters) == ("bug", ("mentum", "body"))


def test_an_unknown_outline(read: Read) -> None:
    message = r"'bug': no annotation has this category, .*; expected one of: mentum, mandible; correct the name"
    with pytest.raises(DataError, match=message):
        read(categories("mentum", "mandible", "bug"), (1, 2), outline="bug")


def test_a_category_of_a_name_that_is_taken(read: Read) -> None:
    with pytest.raises(DataError, match=r"category 'background': Mentum means something else by this name; rename"):
        read(categories("mentum", "background"), (1, 2))


def test_images_without_annotation_are_named(read: Read) -> None:
    found = read(categories("mentum", body="specimen"), (1, 2), unannotated=7)
    assert found.warnings == (
        "7 of 8 images of the table have no annotation: 1.png, 2.png, 3.png, 4.png, 5.png, ….",
    )  # fmt: skip


def test_no_outline_is_told(read: Read) -> None:
    assert read(categories("mentum"), (1,)).warnings == (
        "No category outlines the whole specimen: background cannot be told from the rest of the specimen, and both "
        "count as unassigned.",
    )


def test_images_that_lack_the_outline_are_told(read: Read) -> None:
    found = read(categories("mentum", body="specimen"), (1, 2), (1,), (2,), (1,))
    assert found.warnings == (
        "2 of 4 annotated images lack the outline 'body' (1.png, 3.png): there, background cannot be told from the "
        "rest of the specimen, and both count as unassigned.",
    )
    assert found.masks("0.png", 40)[-1].sum() == 40 * 40 - 64
    assert found.masks("1.png", 40)[-1].sum() == 0


def test_all_faults_are_listed_at_once(tmp_path: Path) -> None:
    names = write_images(tmp_path, "1.png", "2.png")
    file = write_coco_by_hand(
        tmp_path / "c.json",
        [image(1, "1.png", (80, 40)), image(2, "2.png")],
        [region(1, 1, 1, box(1, 1, 9, 9)), region(2, 2, 1, box(50, 1, 59, 9)), region(3, 9, 1)],
        categories("none"),
    )
    with pytest.raises(DataError) as caught:
        read_annotations(file, names, tmp_path, "bug")
    header, *lines = str(caught.value).splitlines()
    assert header == f"{file}: 5 faults to fix before characters can be read:"
    assert [line.partition(":")[0] for line in lines] == [
        "  annotation 3", "  1.png", "  annotation 2 (none, 2.png)", "  'bug'", "  category 'none'",
    ]  # fmt: skip


def test_the_list_of_faults_ends_after_thirty(tmp_path: Path) -> None:
    names = write_images(tmp_path, "1.png")
    dots = [region(number, 1, 1, [1, 1]) for number in range(45)]
    file = write_coco_by_hand(tmp_path / "c.json", [image(1, "1.png")], dots, categories("mentum"))
    with pytest.raises(DataError, match=r"45 faults to fix .*\n  annotation 0 ") as caught:
        read_annotations(file, names, tmp_path)
    assert str(caught.value).endswith("\n  and 15 more")
    assert len(str(caught.value).splitlines()) == 32


def test_one_fault_is_one(read: Read) -> None:
    with pytest.raises(DataError, match=r"c\.json: 1 fault to fix before characters can be read:\n  annotations: "):
        read(categories("mentum"), ())


@pytest.mark.parametrize(
    ("name", "outline", "first"), [("chiro10", "head_capsule", "mentum"), ("birds16", "specimen", "beak")]
)
def test_real_annotations_have_no_fault(name: str, outline: str, first: str) -> None:
    folder = real_data(name)
    table = read_specimens(folder)
    found = read_annotations(folder / "characters.coco.json", table.file_names, table.root)
    assert (found.outline, found.characters[0], found.warnings) == (outline, first, ())
    assert set(found.regions) == set(table.file_names)
    for file_name in table.file_names[::25]:
        masks = found.masks(file_name, 64)
        np.testing.assert_allclose(masks.sum(axis=0), 1, atol=1e-6)
        assert 0 < masks[:-2].sum() < masks[:-1].sum() < 64 * 64
