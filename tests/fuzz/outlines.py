"""Hostile files of outlines in COCO's form, for `explain` and `audit`."""

from __future__ import annotations

import json
from typing import Any

from fuzz.cases import Command, Place, tricks
from fuzz.nasty import damage, flipped, json_value


def content(place: Place) -> dict[str, Any]:
    """A file in order: a polygon in each of the images."""
    names = sorted(file.name for file in (place.ground.data / "images").iterdir())
    return {
        "images": [
            {"id": k, "file_name": f"images/{name}", "width": 40, "height": 32} for k, name in enumerate(names, 1)
        ],
        "annotations": [
            {
                "id": k,
                "image_id": k,
                "category_id": 1 + k % 2,
                "segmentation": [[5, 5, 20, 5, 20, 20, 5, 20]],
                "bbox": [5, 5, 15, 15],
                "area": 225,
                "iscrowd": 0,
                "attributes": {"occluded": False, "rotation": 0.0},
            }
            for k in range(1, len(names) + 1)
        ],
        "categories": [
            {"id": 1, "name": "mentum", "supercategory": ""},
            {"id": 2, "name": "head", "supercategory": ""},
        ],
    }


def taken(place: Place, text: str | bytes) -> Command:
    """The command that reads the file."""
    file = place.file("outlines.json", text)
    # What is written goes into the folder of the training: links to the files of one.
    run = place.folder / "run"
    run.mkdir()
    for each in place.ground.run.rglob("*"):
        target = run / each.relative_to(place.ground.run)
        if each.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(each)
    return ["explain", run, "--characters", file, "--data", place.ground.data, "--cache", place.folder / "cache"]


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def damaged(place: Place) -> Command:
    return taken(place, _dumped(damage(content(place), place.chance, place.chance.choice((1, 1, 3, 20)))))


def all_damaged(place: Place) -> Command:
    """The same field of every annotation, so that nothing right is left."""
    made = content(place)
    field, value = place.chance.choice((*made["annotations"][0], "rle", "keypoints")), json_value(place.chance)
    for each in made["annotations"]:
        each[field] = value
    return taken(place, _dumped(made))


def coordinates(place: Place) -> Command:
    made = content(place)
    odd = (float("nan"), float("inf"), -1e300, 1e300, -5, 1e9, 2**63, 0, "5", None, True, 1e-320, 39.999999)
    for each in made["annotations"]:
        each["segmentation"] = [
            [place.chance.choice((*odd, 3, 20, 30)) for _ in range(place.chance.choice((0, 1, 5, 6, 8)))]
        ]
        each["bbox"] = [place.chance.choice(odd) for _ in range(4)]
    return taken(place, _dumped(made))


def masks(place: Place) -> Command:
    made = content(place)
    odd = (
        "",
        "x",
        "\x00",
        "~" * 1000,
        "é",
        [],
        [1280],
        [-1, 1281],
        [640, 640],
        [1e300],
        ["a"],
        [2**62, 5],
        [0] * 100_000,
        None,
        {},
        [1279, 1],
        5,
        "0" * 50,
    )
    sizes = (
        [32, 40],
        [40, 32],
        [0, 0],
        [-1, 5],
        [2**31, 2**31],
        [100_000, 100_000],
        [32],
        "32x40",
        None,
        [32.5, 40],
        [1e300, 1],
    )
    for each in made["annotations"]:
        each["segmentation"] = {
            "counts": place.chance.choice(odd),
            "size": place.chance.choice((*sizes, [32, 40], [32, 40])),
        }
    return taken(place, _dumped(made))


def identities(place: Place) -> Command:
    made = content(place)
    for kind in ("images", "annotations", "categories"):
        for each in place.chance.sample(made[kind], 2):
            each[place.chance.choice([key for key in each if key.endswith(("id", "name"))])] = json_value(place.chance)
    return taken(place, _dumped(made))


def nesting(place: Place) -> Command:
    depth = place.chance.choice((500, 5000, 200_000))
    return taken(
        place,
        place.chance.choice(
            (
                "[" * depth + "]" * depth,
                '{"images":' * depth,
                '{"images": [], "annotations": [], "categories": ' + "[" * depth + "]" * depth + "}",
            )
        ),
    )


def digits(place: Place) -> Command:
    number = place.chance.choice(("9" * 5000, "1e999", "-" + "9" * 5000, "9" * 400))
    return taken(
        place,
        _dumped(content(place))
        .replace("225", number)
        .replace(" 15]", f" {number}]" if place.chance.random() < 0.5 else " 15]"),
    )


def flipped_bytes(place: Place) -> Command:
    return taken(
        place,
        flipped(
            _dumped(content(place)).encode("utf-8", "surrogatepass"), place.chance, place.chance.choice((1, 5, 50))
        ),
    )


def others(place: Place) -> Command:
    made = (
        b"",
        b"null",
        b"[]",
        b"{}",
        b'""',
        b"1",
        b"\xff\xfe{}",
        _dumped(content(place)).encode("utf-16"),
        b"<annotations><version>1.1</version></annotations>",
        b"PK\x03\x04" + bytes(50),
        b"\0" * 100,
        b'{"images": {}, "annotations": {}, "categories": {}}',
        b'{"images": [], "annotations": [], "categories": []}',
    )
    return taken(place, place.chance.choice(made))


def of_specimens(place: Place) -> Command:
    file = place.file("outlines.json", _dumped(damage(content(place), place.chance, 3)))
    return [
        "audit",
        place.ground.data,
        "--outlines",
        file,
        "--out",
        place.folder / "audit",
        "--cache",
        place.folder / "cache",
    ]


OUTLINES = tricks(
    damaged, all_damaged, coordinates, masks, identities, nesting, digits, flipped_bytes, others, of_specimens
)
