import json

import numpy as np
import pytest

from mentum.specimens.coco import region_in_image, write_coco

IMAGES = [("a.jpg", 40, 30), ("b.jpg", 20, 10)]
REGIONS = [[("eye", [1.0, 2.0, 5.0, 2.0, 5.0, 4.5])], []]
CATEGORIES = {"eye": "character", "body": "specimen"}


def test_a_file_by_hand(tmp_path):
    write_coco(tmp_path / "a.json", IMAGES, REGIONS, CATEGORIES)
    assert json.loads((tmp_path / "a.json").read_text()) == {
        "images": [
            {"id": 1, "file_name": "a.jpg", "width": 40, "height": 30},
            {"id": 2, "file_name": "b.jpg", "width": 20, "height": 10},
        ],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 1,
                "segmentation": [[1.0, 2.0, 5.0, 2.0, 5.0, 4.5]],
                "bbox": [1.0, 2.0, 4.0, 2.5],
                "area": 5.0,
                "iscrowd": 0,
                "attributes": {"uncertain": False},
            }
        ],
        "categories": [
            {"id": 1, "name": "eye", "supercategory": "character"},
            {"id": 2, "name": "body", "supercategory": "specimen"},
        ],
    }
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_ids_run_on_over_images(tmp_path):
    write_coco(tmp_path / "a.json", IMAGES, [REGIONS[0] * 2, REGIONS[0]], CATEGORIES)
    annotations = json.loads((tmp_path / "a.json").read_text())["annotations"]
    assert [(a["id"], a["image_id"]) for a in annotations] == [(1, 1), (2, 1), (3, 2)]


def test_proposed_regions_say_so(tmp_path):
    write_coco(tmp_path / "a.json", IMAGES, REGIONS, CATEGORIES, proposed="Guessed.")
    content = json.loads((tmp_path / "a.json").read_text())
    assert content["info"] == {"description": "Guessed."}
    assert content["annotations"][0]["attributes"] == {"uncertain": True}


def test_a_failure_leaves_the_old_file(tmp_path):
    file = tmp_path / "a.json"
    file.write_text("old")
    with pytest.raises(KeyError):
        write_coco(file, IMAGES, REGIONS, {})
    assert file.read_text() == "old"


def test_regions_are_cut_to_the_image():
    square = np.array([[-5.0, -5.0], [4.26, -5.0], [4.26, 3.0], [-5.0, 3.0]])
    name, flat = region_in_image("eye", square, 40, 30)
    assert name == "eye"
    corners = set(zip(flat[0::2], flat[1::2], strict=True))
    assert corners == {(0.0, 0.0), (4.3, 0.0), (4.3, 3.0), (0.0, 3.0)}
    assert region_in_image("eye", square - 50, 40, 30) is None
    assert region_in_image("eye", square * 0.001, 40, 30) is None  # rounds to nothing
