"""Tests of reading COCO files, and of what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mentum.errors import DataError
from mentum.explanation.annotation.coco_file import AnnotationFile, read_annotation_file
from support import awkward_images as awkward
from support.annotated_data import SIZE, box, categories, image, region, write_coco_by_hand, write_images

Read = Callable[..., AnnotationFile]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write a file by hand, and read it for a table of images, which are drawn."""

    def write_and_read(
        table: list[str], images: list[Any], annotations: list[Any], kinds: Any = None
    ) -> AnnotationFile:
        write_images(tmp_path, *table)
        kinds = categories("mentum", "mandible") if kinds is None else kinds
        file = write_coco_by_hand(tmp_path / "characters.json", images, annotations, kinds)
        return read_annotation_file(file, table, tmp_path)

    return write_and_read


def messages(found: AnnotationFile) -> list[str]:
    return [f"{fault.where}: {fault.message}" for fault in found.faults]


REGION = region(1, 1, 1, box(1, 1, 9, 9))


# Names of images


@pytest.mark.parametrize(
    ("written", "table", "meant"),
    [
        ("a/1.jpg", ["a/1.jpg", "x/a/1.jpg"], "a/1.jpg"),
        ("a\\1.jpg", ["a/1.jpg", "b/1.jpg"], "a/1.jpg"),
        ("1.jpg", ["a/1.jpg", "a/2.jpg"], "a/1.jpg"),
        ("/home/me/data/a/1.jpg", ["a/1.jpg", "b/1.jpg"], "a/1.jpg"),
        ("C:\\data\\b\\1.jpg", ["images/a/1.jpg", "images/b/1.jpg"], "images/b/1.jpg"),
        ("./a/1.jpg", ["a/1.jpg", "1.jpg"], "a/1.jpg"),
        ("other/1.jpg", ["a/1.jpg", "a/2.jpg"], "a/1.jpg"),
        ("images/3f2a9c1b-C_1.jpg", ["photos/C_1.jpg", "photos/C_2.jpg"], "photos/C_1.jpg"),
        ("images\\3f2a9c1b-C_1.jpg", ["C_1.jpg"], "C_1.jpg"),
        ("/data/upload/2/3F2A9C1B-C_1.jpg", ["a/C_1.jpg", "a/3F2A9C1B-C_2.jpg"], "a/C_1.jpg"),
        ("3f2a9c1b-0123-4567-89ab-0123456789ab-C_1.jpg", ["a/C_1.jpg"], "a/C_1.jpg"),
        ("3f2a9c1b-C_1.jpg", ["a/C_1.jpg", "a/3f2a9c1b-C_1.jpg"], "a/3f2a9c1b-C_1.jpg"),
        ("3f2a9c1b-C_sp._1.jpg", ["a/C sp. (1).jpg", "a/C_2.jpg"], "a/C sp. (1).jpg"),
        ("C_1.jpg", ["a/C 1.jpg", "b/C_1.jpg"], "b/C_1.jpg"),
        ("H\xe9ron/1.jpg", ["He\u0301ron/1.jpg", "x/H\xe9ron/1.jpg"], "He\u0301ron/1.jpg"),
        ("He\u0301ron.jpg", ["a/H\xe9ron.jpg", "a/Heron.jpg"], "a/H\xe9ron.jpg"),
        ("C:\\me\\H\xe9ron\\1.jpg", ["a/He\u0301ron/1.jpg", "b/1.jpg"], "a/He\u0301ron/1.jpg"),
    ],
)
def test_an_image_is_found_under_another_name(read: Read, written: str, table: list[str], meant: str) -> None:
    found = read(table, [image(1, written)], [REGION])
    assert (list(found.images), found.faults) == ([meant], ())


def test_an_image_that_is_named_in_full_is_not_taken_for_another(read: Read) -> None:
    """Here, b/1.jpg was left out of the table."""
    found = read(["a/1.jpg", "a/2.jpg"], [image(1, "b/1.jpg"), image(2, "a/1.jpg"), image(3, "a/2.jpg")],
                 [REGION, region(2, 3, 1, box(1, 1, 9, 9))])  # fmt: skip
    assert messages(found) == [
        "b/1.jpg: is annotated but not in the specimen table; correct its name, add it or delete its annotations."
    ]


def test_an_ambiguous_image(read: Read) -> None:
    found = read(["a/1.jpg", "b/1.jpg"], [image(1, "1.jpg")], [REGION])
    assert messages(found) == [
        "1.jpg: may mean 2 images of the table (a/1.jpg, b/1.jpg); write its name as in the table."
    ]


def test_two_images_of_the_file_that_mean_the_same(read: Read) -> None:
    found = read(["a/1.jpg"], [image(1, "x/1.jpg"), image(2, "y/1.jpg")], [REGION, region(2, 2, 1, box(1, 1, 9, 9))])
    assert messages(found) == [
        "y/1.jpg: means the same image of the table as 'x/1.jpg' (a/1.jpg); keep one, or correct its name."
    ]


def test_no_image_is_in_the_table(read: Read) -> None:
    found = read(["a/1.jpg"], [image(1, "x.jpg"), image(2, "y.jpg")], [REGION, region(2, 2, 1, box(1, 1, 9, 9))])
    assert messages(found) == [
        "images: none of the 2 annotated images is in the specimen table; found names such as 'x.jpg', expected such "
        "as 'a/1.jpg'; check that both belong together."
    ]


def test_images_without_annotation_need_not_be_in_the_table(read: Read) -> None:
    found = read(["1.jpg"], [image(1, "1.jpg"), image(2, "other.jpg")], [REGION])
    assert (list(found.images), found.faults) == (["1.jpg"], ())


# Dialects


def test_a_file_from_cvat(read: Read) -> None:
    """Masks are crowds with plain run lengths; rectangles have a box only; categories have an empty supercategory."""
    attributes = {"occluded": False, "rotation": 0.0}
    mask = {"counts": [45, 10, 745], "size": [20, 40]}
    found = read(
        ["images/1.jpg"],
        [image(1, "1.jpg") | {"license": 0, "flickr_url": "", "coco_url": "", "date_captured": 0}],
        [
            region(1, 1, 1, iscrowd=1, area=10.0, bbox=[2.0, 5.0, 1.0, 10.0], attributes=attributes)
            | {"segmentation": mask},
            region(2, 1, 2, iscrowd=0, area=64.0, bbox=[1.0, 1.0, 8.0, 8.0], attributes=attributes),
            region(3, 1, 2, box(20.5, 1, 30.2, 9), iscrowd=0, area=77.6, attributes=attributes),
        ],
    )
    assert found.faults == ()
    shapes = found.images["images/1.jpg"].shapes
    assert {name: len(each) for name, each in shapes.items()} == {"mentum": 1, "mandible": 2}
    assert [category.supercategory for category in found.categories] == ["", ""]


def test_a_file_from_label_studio(read: Read) -> None:
    """Ids from 0, names with the prefix of the upload, polygons in fractions of a pixel."""
    found = read(
        ["images/Chironomus_1.jpg", "images/Chironomus_2.jpg"],
        [image(0, "images/3f2a9c1b-Chironomus_1.jpg"), image(1, "/data/upload/2/77aa0b1c-Chironomus_2.jpg")],
        [
            region(0, 0, 0, [1.25, 1.5, 9.000000001, 1.5, 5.5, 9.75], ignore=0, iscrowd=0, area=31.97),
            region(1, 1, 1, [1.25, 1.5, 9.000000001, 1.5, 5.5, 9.75], ignore=0, iscrowd=0, area=31.97),
        ],
        [{"id": 0, "name": "mandible"}, {"id": 1, "name": "mentum"}],
    )
    assert found.faults == ()
    assert [category.name for category in found.categories] == ["mandible", "mentum"]
    assert {name: list(each.shapes) for name, each in found.images.items()} == {
        "images/Chironomus_1.jpg": ["mandible"],
        "images/Chironomus_2.jpg": ["mentum"],
    }


def test_a_file_from_labelme2coco(read: Read) -> None:
    """Ids from 0, backslashes, and categories of labelme's own that nothing has."""
    kinds = categories("_background_", "__ignore__", "mentum", "mandible", first=0)
    found = read(
        ["JPEGImages/1.jpg"],
        [image(0, "JPEGImages\\1.jpg") | {"url": None, "license": 0}],
        [region(0, 0, 2, box(1, 1, 9, 9), area=64, bbox=[1, 1, 8, 8], iscrowd=0)],
        kinds,
    )
    assert found.faults == ()
    assert [category.name for category in found.categories] == ["mentum"]


def test_keys_that_are_not_needed_may_hold_anything(tmp_path: Path) -> None:
    write_images(tmp_path, "1.jpg")
    file = write_coco_by_hand(
        tmp_path / "c.json", [{"id": 1, "file_name": "1.jpg"}], [REGION], categories("mentum"), videos=3, info=None
    )
    found = read_annotation_file(file, ["1.jpg"], tmp_path)
    assert found.faults == ()
    assert (found.images["1.jpg"].width, found.images["1.jpg"].height) == SIZE


def test_a_file_that_begins_with_a_byte_order_mark(tmp_path: Path) -> None:
    write_images(tmp_path, "1.jpg")
    file = write_coco_by_hand(tmp_path / "c.json", [image(1, "1.jpg")], [REGION], categories("mentum"))
    file.write_text(file.read_text(), encoding="utf-8-sig")
    assert read_annotation_file(file, ["1.jpg"], tmp_path).faults == ()


def test_categories_of_one_name_are_one(read: Read) -> None:
    found = read(
        ["1.jpg"],
        [image(1, "1.jpg")],
        [REGION, region(2, 1, 2, box(10, 1, 19, 9))],
        [{"id": 1, "name": "mandible"}, {"id": 2, "name": "mandible"}],
    )
    assert [category.name for category in found.categories] == ["mandible"]
    assert len(found.images["1.jpg"].shapes["mandible"]) == 2


# Faults


def test_annotations_of_unknown_images_and_categories(read: Read) -> None:
    found = read(
        ["1.jpg"], [image(1, "1.jpg")], [region(7, 3, 1), region("k", 1, 9), region(8, [1], None), REGION]
    )  # fmt: skip
    assert messages(found) == [
        "annotation 7: its image_id 3 is not among the images of the file; correct or delete it.",
        "annotation 'k': its category_id 9 is not among the categories of the file; correct or delete it.",
        "annotation 8: its image_id [1] is not among the images and its category_id None is not among the categories "
        "of the file; correct or delete it.",
    ]
    assert list(found.images) == ["1.jpg"]


def test_records_of_another_form(read: Read) -> None:
    found = read(
        ["1.jpg"], [image(1, "1.jpg"), None, {"id": 4}], [REGION, "x"], [*categories("mentum"), {"id": 2, "name": None}]
    )
    assert messages(found) == [
        "category 2 of the file: found {'id': 2, 'name': None}; expected an object with id and name; export it again.",
        "image 2 of the file: found None; expected an object with id and file_name; export it again.",
        "image 3 of the file: found {'id': 4}; expected an object with id and file_name; export it again.",
        "annotation 2 of the file: found 'x'; expected an object; export it again.",
    ]


def test_an_id_given_twice(read: Read) -> None:
    found = read(["1.jpg", "2.jpg"], [image(1, "1.jpg"), image(1, "2.jpg")], [REGION])
    assert messages(found) == ["image 2 of the file ('2.jpg'): its id 1 is also that of '1.jpg'; give each its own."]


def test_a_file_without_annotations(read: Read) -> None:
    assert messages(read(["1.jpg"], [image(1, "1.jpg")], [])) == [
        "annotations: found none; expected regions of characters; draw some."
    ]


@pytest.mark.parametrize("size", [(80, 40), (20, 40), (40, None), ("40", "20"), (0, 0), (float("nan"), 20)])
def test_an_image_of_another_size(read: Read, size: tuple[Any, Any]) -> None:
    found = read(["1.jpg"], [image(1, "1.jpg", size)], [REGION])
    assert messages(found) == [
        f"1.jpg: annotated as {size[0]!r} x {size[1]!r} px; expected 40 x 20 px, the size of the upright image; "
        "annotate the image itself, or scale the annotation to it."
    ]


def test_sizes_are_those_of_the_upright_image(tmp_path: Path) -> None:
    awkward.write_turned(tmp_path / "1.jpg", 6)
    upright = write_coco_by_hand(
        tmp_path / "1.json", [image(1, "1.jpg", awkward.WIDE)], [REGION], categories("mentum")
    )  # fmt: skip
    lying = write_coco_by_hand(
        tmp_path / "2.json", [image(1, "1.jpg", awkward.WIDE[::-1])], [REGION], categories("mentum")
    )
    small = write_coco_by_hand(tmp_path / "3.json", [image(1, "1.jpg", (60, 40))], [REGION], categories("mentum"))
    for file in (upright, lying):
        found = read_annotation_file(file, ["1.jpg"], tmp_path)
        assert found.faults == ()
        assert (found.images["1.jpg"].width, found.images["1.jpg"].height) == awkward.WIDE
    (message,) = messages(read_annotation_file(small, ["1.jpg"], tmp_path))
    assert "annotated as 60 x 40 px; expected 120 x 80 px" in message


def test_an_unreadable_image(tmp_path: Path) -> None:
    awkward.write_text(tmp_path / "1.jpg")
    file = write_coco_by_hand(tmp_path / "c.json", [image(1, "1.jpg")], [REGION], categories("mentum"))
    (message,) = messages(read_annotation_file(file, ["1.jpg"], tmp_path))
    assert message.startswith("1.jpg: ")
    assert "found a file that begins with b'Not foun'" in message


def test_faults_of_one_image_hide_none_of_another(read: Read) -> None:
    outside, dot = box(50, 1, 59, 9), [1, 1]
    found = read(
        ["1.jpg", "2.jpg", "3.jpg"],
        [image(1, "1.jpg", (90, 90)), image(2, "2.jpg"), image(3, "gone.jpg"), image(4, "3.jpg")],
        [
            region(1, 1, 1, dot), region(2, 2, 1, outside), region(3, 2, 2, dot), region(4, 3, 1, dot),
            region(5, 4, 1, box(1, 1, 9, 9)), region(6, 4, 5, dot), region(7, 2, 1, box(1, 1, 9, 9)),
        ],
    )  # fmt: skip
    assert [(fault.code, fault.where) for fault in found.faults] == [
        ("unknown-id", "annotation 6"),
        ("unknown-image", "gone.jpg"),
        ("other-size", "1.jpg"),
        ("unusable-region", "annotation 1 (mentum, 1.jpg)"),
        ("unusable-region", "annotation 2 (mentum, 2.jpg)"),
        ("unusable-region", "annotation 3 (mandible, 2.jpg)"),
        ("unusable-region", "annotation 4 (mentum, gone.jpg)"),
    ]
    assert len(found.images["2.jpg"].shapes["mentum"]) == 1
    assert len(found.images["3.jpg"].shapes["mentum"]) == 1


# Files that cannot be read at all


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"",
            r"c.json: found no JSON \(Expecting value: line 1.*\); expected a COCO file .* export the annotation again",
        ),
        (b'{"images": [', r"found no JSON \("),
        (b"\xff\xd8\xff\xe0", r"found no JSON \("),
        (b"[" * 100_000, r"found no JSON \("),
        (
            b'[{"image": 1}]',
            r"found JSON that begins \[\{'image': 1\}\]; expected a COCO file in JSON with the lists images",
        ),
        (b'"images"', r"found JSON that begins 'images'"),
        (
            b'{"shapes": [], "imagePath": ""}',
            r"found the keys \['shapes', 'imagePath'\]; expected a COCO file .* as COCO",
        ),
        (b'{"images": [], "annotations": {}, "categories": []}', r"found the keys \['images', 'annotations', 'categ"),
    ],
)
def test_what_is_no_coco_file(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "c.json").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_annotation_file(tmp_path / "c.json", ["1.jpg"], tmp_path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"c.json: not found; expected a COCO file in JSON .*; check the name"):
        read_annotation_file(tmp_path / "c.json", ["1.jpg"], tmp_path)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot be read \(.+\); expected a COCO file"):
        read_annotation_file(tmp_path, ["1.jpg"], tmp_path)


def test_a_file_with_nan_in_it(tmp_path: Path) -> None:
    write_images(tmp_path, "1.jpg")
    broken = region(1, 1, 1, [1, 1, 9, 1, float("nan"), 9])
    file = write_coco_by_hand(tmp_path / "c.json", [image(1, "1.jpg")], [broken], categories("mentum"))
    assert "NaN" in file.read_text()
    assert "nan" in messages(read_annotation_file(file, ["1.jpg"], tmp_path))[0]
    assert json.loads(file.read_text())["images"]
