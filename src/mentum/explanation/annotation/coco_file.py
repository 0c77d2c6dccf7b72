"""Read a COCO file of annotated images as annotation tools write it, and find all that is wrong with it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from mentum.errors import DataError, ImageError
from mentum.explanation.annotation.shapes import Shape, ShapeError, read_shape, short
from mentum.explanation.annotation.upright import Frame, agree, frame_of
from mentum.records import Fault, error
from mentum.specimens.images import exif_orientation, upright_size
from mentum.stored import LARGEST_TABLE, read_bytes
from mentum.texts import composed, in_brief

_EXPECTED = "expected a COCO file in JSON with the lists images, annotations and categories"
_ID = (int, float, str)
_PREFIX = re.compile(r"^[0-9a-f]{8}((-[0-9a-f]{4}){3}-[0-9a-f]{12})?-", re.IGNORECASE)
"""What Label Studio puts before the name of an uploaded file."""

_Json = dict[str, Any]


@dataclass(frozen=True)
class Category:
    """A category that occurs in annotations."""

    name: str
    supercategory: str


@dataclass(frozen=True)
class AnnotatedImage:
    """The regions of one image.

    Attributes:
        width, height: of the upright image, px.
        shapes: name of a category → its shapes, which count as one region.
    """

    width: int
    height: int
    shapes: Mapping[str, tuple[Shape, ...]]


@dataclass(frozen=True)
class AnnotationFile:
    """What a COCO file says of the images of a specimen table.

    Attributes:
        categories: those that occur in annotations, in the file's order, each name once.
        images: file name in the table → its regions; only images with annotations.
        faults: all errors found; what they concern is left out.
        notes: what the user should know, in words.
    """

    categories: tuple[Category, ...]
    images: Mapping[str, AnnotatedImage]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...] = ()


def read_annotation_file(file: Path, file_names: Sequence[str], root: Path) -> AnnotationFile:
    """Read a COCO file.

    Args:
        file: JSON.
        file_names: of the specimen table, relative to `root`.
        root: where the images lie.

    Raises:
        DataError: if the file as a whole cannot be read; faults within it do not raise.
    """
    content = _load(file)
    faults: list[Fault] = []
    categories = _by_id(content["categories"], "category", "name", faults)
    images = _by_id(content["images"], "image", "file_name", faults)
    grouped = _group(content["annotations"], images, categories, faults)
    if not grouped and not faults:
        faults.append(error("no-annotation", "annotations", "found none; expected regions of characters; draw some."))
    meant = _match(grouped, {key: image["file_name"] for key, image in images.items()}, file_names, faults)
    paths = {image_id: root / meant[image_id] if image_id in meant else None for image_id in grouped}
    guessed = {image_id: _frame(images[image_id], path, faults) for image_id, path in paths.items()}
    frames, notes = agree({image_id: frame for image_id, frame in guessed.items() if frame is not None})
    found: dict[str, AnnotatedImage] = {}
    for image_id, frame in frames.items():
        called: str = meant.get(image_id) or images[image_id]["file_name"]
        shapes = _shapes(called, grouped[image_id], categories, frame, faults)
        found |= {called: AnnotatedImage(*frame.upright_size, shapes)} if image_id in meant else {}
    used = {annotation["category_id"] for drawn in grouped.values() for annotation in drawn}
    named = {record["name"]: _category(record) for number, record in categories.items() if number in used}
    return AnnotationFile(tuple(named.values()), found, tuple(faults), notes)


def _load(file: Path) -> dict[str, list[Any]]:
    try:
        content = json.loads(read_bytes(file, LARGEST_TABLE).decode("utf-8-sig"))
    except FileNotFoundError:
        raise DataError(f"{file}: not found; {_EXPECTED}; check the name.") from None
    except OSError as reason:
        raise DataError(f"{file}: cannot be read ({reason.strerror}); {_EXPECTED}; check the file.") from reason
    except (ValueError, RecursionError) as reason:
        raise DataError(
            f"{file}: found no JSON ({in_brief(reason)}); {_EXPECTED}; export the annotation again."
        ) from reason
    lists = ("images", "annotations", "categories")
    if not isinstance(content, dict) or not all(isinstance(content.get(name), list) for name in lists):
        found = f"the keys {short([*content])}" if isinstance(content, dict) else f"JSON that begins {short(content)}"
        raise DataError(f"{file}: found {found}; {_EXPECTED}; export the annotation as COCO, with regions.")
    return content


def _by_id(records: list[Any], kind: str, name: str, faults: list[Fault]) -> dict[Any, _Json]:
    """Id → record, for those that have an id and a name."""
    found: dict[Any, _Json] = {}
    for place, record in enumerate(records, start=1):
        where = f"{kind} {place} of the file"
        usable = isinstance(record, dict) and isinstance(record.get("id"), _ID) and isinstance(record.get(name), str)
        if not usable:
            message = f"found {short(record)}; expected an object with id and {name}; export it again."
            faults.append(error("broken-record", where, message))
        elif record["id"] in found:
            message = f"its id {record['id']} is also that of '{found[record['id']][name]}'; give each its own."
            faults.append(error("repeated-id", f"{where} ('{record[name]}')", message))
        else:
            found[record["id"]] = record
    return found


def _group(
    annotations: list[Any], images: Mapping[Any, _Json], categories: Mapping[Any, _Json], faults: list[Fault]
) -> dict[Any, list[_Json]]:
    """Id of an image → its annotations, for those whose image and category are known."""
    grouped: dict[Any, list[_Json]] = defaultdict(list)
    for place, annotation in enumerate(annotations, start=1):
        if not isinstance(annotation, dict):
            message = f"found {short(annotation)}; expected an object; export it again."
            faults.append(error("broken-record", f"annotation {place} of the file", message))
            continue
        unknown = [
            f"its {key} {short(annotation.get(key))} is not among the {kind}"
            for key, known, kind in (("image_id", images, "images"), ("category_id", categories, "categories"))
            if not isinstance(annotation.get(key), _ID) or annotation[key] not in known
        ]
        if unknown:
            message = f"{' and '.join(unknown)} of the file; correct or delete it."
            faults.append(error("unknown-id", _place(annotation), message))
        else:
            grouped[annotation["image_id"]].append(annotation)
    return grouped


def _place(annotation: _Json) -> str:
    return f"annotation {short(annotation.get('id'))}"


def _category(record: _Json) -> Category:
    return Category(record["name"], str(record.get("supercategory", "")))


def _match(
    annotated: Collection[Any], written: Mapping[Any, str], file_names: Sequence[str], faults: list[Fault]
) -> dict[Any, str]:
    """Id of an annotated image → the image of the table that is meant."""
    spelt = {composed(name): name for name in file_names}
    plain = {image_id: _as_in_table(name.replace("\\", "/"), spelt) for image_id, name in written.items()}
    known = _by_base_name(file_names, taken=set(plain.values()))
    exact = set(file_names)
    candidates = {
        image_id: [plain[image_id]] if plain[image_id] in exact else _candidates(plain[image_id], known)
        for image_id in annotated
    }
    if annotated and not any(candidates.values()):
        faults.append(_other_images([written[image_id] for image_id in annotated], file_names))
        return {}
    meant: dict[Any, str] = {}
    takers: dict[str, str] = {}
    for image_id, names in candidates.items():
        if len(names) != 1 or names[0] in takers:
            faults.append(_unmatched(written[image_id], names, takers))
        else:
            meant[image_id] = names[0]
            takers[names[0]] = written[image_id]
    return meant


def _as_in_table(name: str, spelt: Mapping[str, str]) -> str:
    """A name as the table spells it; systems differ in how they write letters with accents."""
    form = composed(name)
    return spelt.get(form, form)


def _by_base_name(file_names: Sequence[str], taken: Collection[str]) -> dict[str, list[str]]:
    """Base name, also as Label Studio writes it → images of the table that no image of the file names in full."""
    known: dict[str, list[str]] = defaultdict(list)
    for name in file_names:
        base = composed(name).rpartition("/")[2]
        for form in {base, _as_uploaded(base)} if name not in taken else ():
            known[form].append(name)
    return known


def _candidates(written: str, known: Mapping[str, list[str]]) -> list[str]:
    """Images of the table that a name may mean: those of its base name that share most folders with it."""
    folders, _, base = written.rpartition("/")
    form = base if base in known else _PREFIX.sub("", base)
    names = known.get(form, [])
    shared = [_shared_end(f"{folders}/{form}", composed(name)) for name in names]
    return [name for name, count in zip(names, shared, strict=True) if count == max(shared)]


def _shared_end(one: str, other: str) -> int:
    """Number of parts, from the last on, that two paths have in common.

    >>> _shared_end("data/a/1.jpg", "b/a/1.jpg")
    2
    """
    pairs = zip(reversed(one.split("/")), reversed(other.split("/")), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _as_uploaded(base: str) -> str:
    """A file name as Label Studio changes it on upload.

    >>> _as_uploaded("Chironomus sp. (2).jpg")
    'Chironomus_sp._2.jpg'
    """
    return re.sub(r"[^-\w.]", "", base.strip().replace(" ", "_"))


def _other_images(written: Sequence[str], file_names: Sequence[str]) -> Fault:
    found = f"none of the {len(written)} annotated images is in the specimen table; found names such as '{written[0]}'"
    expected = f"expected such as '{file_names[0]}'" if file_names else "the table is empty"
    return error("other-images", "images", f"{found}, {expected}; check that both belong together.")


def _unmatched(written: str, names: Sequence[str], takers: Mapping[str, str]) -> Fault:
    if not names:
        message = "is annotated but not in the specimen table; correct its name, add it or delete its annotations."
        return error("unknown-image", written, message)
    if len(names) > 1:
        message = f"may mean {len(names)} images of the table ({', '.join(names[:3])}); write its name as in the table."
        return error("ambiguous-image", written, message)
    message = f"means the same image of the table as '{takers[names[0]]}' ({names[0]}); keep one, or correct its name."
    return error("repeated-image", written, message)


def _frame(record: _Json, path: Path | None, faults: list[Fault]) -> Frame | None:
    """What the annotation of an image is drawn in; None where it cannot be known."""
    width, height = record.get("width"), record.get("height")
    named = None
    if isinstance(width, int) and isinstance(height, int) and min(width, height) > 0:
        named = width, height
    drawn_in = None if named is None else Frame(*named)
    if path is None:
        return drawn_in
    try:
        actual, orientation = upright_size(path), exif_orientation(path)
    except ImageError as reason:
        faults.append(error("unreadable-image", record["file_name"], str(reason)))
        return drawn_in
    frame = frame_of(named, actual, orientation) if named or (width, height) == (None, None) else None
    if frame is None:
        message = (
            f"annotated as {short(width)} x {short(height)} px; expected {actual[0]} x {actual[1]} px, the size of "
        )
        message += "the upright image; annotate the image itself, or scale the annotation to it."
        faults.append(error("other-size", record["file_name"], message))
        return drawn_in
    return frame


def _shapes(
    image: str,
    annotations: Sequence[_Json],
    categories: Mapping[Any, _Json],
    frame: Frame,
    faults: list[Fault],
) -> dict[str, tuple[Shape, ...]]:
    shapes: dict[str, tuple[Shape, ...]] = {}
    for annotation in annotations:
        name = categories[annotation["category_id"]]["name"]
        try:
            shape = read_shape(annotation, frame.width, frame.height)
        except ShapeError as reason:
            faults.append(error("unusable-region", f"{_place(annotation)} ({name}, {image})", str(reason)))
        else:
            shapes[name] = (*shapes.get(name, ()), frame.upright(shape))
    return shapes
