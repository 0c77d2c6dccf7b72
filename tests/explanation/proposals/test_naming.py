import json

import numpy as np
import pytest
from PIL import Image, ImageDraw
from pydantic import ValidationError

from mentum.errors import DataError
from mentum.explanation.proposals.naming import read_names, write_named_characters
from mentum.explanation.proposals.propose import FramedImage, Proposals, propose_characters
from mentum.specimens.pixels import SquarePlacement
from support.posed_specimens import HEIGHT, MARKS, SIZE, WIDTH, planted


@pytest.fixture(scope="module")
def data():
    return planted()


@pytest.fixture(scope="module")
def proposals(data) -> Proposals:
    return propose_characters(data.evidence)


def masks(coco: dict, image_id: int, name: str) -> np.ndarray:
    """(HEIGHT, WIDTH) bool: where the image's regions of a category lie."""
    numbers = {category["name"]: category["id"] for category in coco["categories"]}
    mask = Image.new("1", (WIDTH, HEIGHT))
    for annotation in coco["annotations"]:
        if (annotation["image_id"], annotation["category_id"]) == (image_id, numbers[name]):
            ImageDraw.Draw(mask).polygon(annotation["segmentation"][0], fill=1)
    return np.asarray(mask)


def test_polygons_cover_the_planted_places(data, proposals, tmp_path):
    file = tmp_path / "new" / "characters.coco.json"
    write_named_characters(proposals, {1: "eye", 2: "mouth"}, file)
    coco = json.loads(file.read_text())
    placement = SquarePlacement(WIDTH, HEIGHT, SIZE)
    places = {"eye": [MARKS["eyes"], (-MARKS["eyes"][0], MARKS["eyes"][1])], "mouth": [MARKS["mouth"]]}
    for image_id, frame in enumerate(data.frames, start=1):
        for name, marks in places.items():
            mask = masks(coco, image_id, name)
            assert 0.005 < mask.sum() / (frame.scale / placement.scale_x) ** 2 < 0.25
            for x, y in placement.restore(frame.to_square(np.array(marks))):
                assert mask[int(y), int(x)]


def test_on_a_crop_polygons_lie_in_the_whole_image(data, proposals, tmp_path):
    """The same squares, taken for a part of images five times as large: regions move and shrink with that part."""
    box = (100, 50, 100 + WIDTH, 50 + HEIGHT)
    large = [
        image.model_copy(update={"width": 5 * WIDTH, "height": 5 * HEIGHT, "box": box}) for image in proposals.images
    ]
    write_named_characters(proposals, {1: "eye"}, tmp_path / "whole.json")
    write_named_characters(proposals.model_copy(update={"images": tuple(large)}), {1: "eye"}, tmp_path / "crop.json")
    whole, crop = (
        json.loads((tmp_path / name).read_text())["annotations"][0]["segmentation"][0]
        for name in ("whole.json", "crop.json")
    )
    assert np.allclose(np.reshape(whole, (-1, 2)) + np.array(box[:2]), np.reshape(crop, (-1, 2)), atol=0.1)


@pytest.mark.parametrize("box", [(5, 0, 5, 9), (-1, 0, 5, 9), (0, 0, 41, 9), (0, 9, 40, 0), (0, 0, 40, 31)])
def test_a_crop_that_does_not_lie_in_its_image_is_refused(proposals, box):
    image = proposals.images[0].model_dump() | {"width": 40, "height": 30, "box": box}
    with pytest.raises(ValidationError, match="found the box"):
        FramedImage.model_validate(image)


def test_without_a_crop_no_box_is_written(proposals):
    assert "box" not in proposals.images[0].model_dump()


def test_coco_says_what_it_is(proposals, tmp_path):
    file = tmp_path / "characters.coco.json"
    write_named_characters(proposals, {2: " mouth  parts ", 1: "eye", 3: "eye"}, file)
    coco = json.loads(file.read_text())
    assert "nobody has outlined them" in coco["info"]["description"]
    assert [(c["id"], c["name"], c["supercategory"]) for c in coco["categories"]] == [
        (1, "eye", "character"),
        (2, "mouth parts", "character"),
    ]
    assert all(annotation["attributes"] == {"uncertain": True} for annotation in coco["annotations"])
    assert [image["file_name"] for image in coco["images"]] == [image.file_name for image in proposals.images]
    assert {(image["width"], image["height"]) for image in coco["images"]} == {(WIDTH, HEIGHT)}
    eyes = [a for a in coco["annotations"] if a["category_id"] == 1 and a["image_id"] == 1]
    assert len(eyes) == 4  # two numbers, each on both sides
    assert [p.name for p in tmp_path.iterdir()] == ["characters.coco.json"]


def test_unnamed_numbers_are_left_out_and_what_lies_outside_is_cut(proposals, tmp_path):
    image = proposals.images[0]
    frame = image.frame.model_copy(update={"x": 2.0})
    cut = proposals.model_copy(update={"images": (image.model_copy(update={"frame": frame}),)})
    write_named_characters(cut, {1: "eye"}, tmp_path / "a.json")
    coco = json.loads((tmp_path / "a.json").read_text())
    assert [category["name"] for category in coco["categories"]] == ["eye"]
    assert len(coco["annotations"]) == 1  # the left eye lies outside
    assert min(coco["annotations"][0]["segmentation"][0]) >= 0


def test_numbers_and_names_are_read():
    entries = ["1=mentum", " 3 = ventromental plate ", "2=a=b"]
    assert read_names(entries) == {1: "mentum", 3: "ventromental plate", 2: "a=b"}
    assert read_names([]) == {}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (["mentum"], r"'mentum': expected a number and a name, such as 1=mentum"),
        (["x=mentum", "7"], r"'x=mentum': expected .*; '7': expected"),
        (["1=a", "2=b", "1=c"], r"1 is named 2 times; name it once"),
        (["-1=a"], r"'-1=a': expected a number"),
    ],
)
def test_entries_that_cannot_be_read(entries, message):
    with pytest.raises(DataError, match=message):
        read_names(entries)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({9: "mentum"}, r"9 is no proposed character; the proposals are numbered 1 to 3"),
        ({1: "  "}, r"1 has no name; expected a number and a name"),
        ({1: "background"}, r"'background' for 1 means something else in results"),
        ({0: "a", 2: ""}, r"0 is no proposed character.*; 2 has no name"),
        ({}, r"no name was given"),
    ],
)
def test_names_that_cannot_be_given(proposals, tmp_path, names, message):
    with pytest.raises(DataError, match=message):
        write_named_characters(proposals, names, tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []


def test_without_proposals_no_number_can_be_named(proposals, tmp_path):
    with pytest.raises(DataError, match="1 is no proposed character; there are no proposals"):
        write_named_characters(proposals.model_copy(update={"characters": ()}), {1: "a"}, tmp_path / "a.json")


def test_a_folder_in_the_way(proposals, tmp_path):
    (tmp_path / "a.json").mkdir()
    with pytest.raises(DataError, match=r"a\.json: cannot be written \(Is a directory\); name another file"):
        write_named_characters(proposals, {1: "eye"}, tmp_path / "a.json")
