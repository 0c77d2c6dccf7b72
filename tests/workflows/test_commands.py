"""Every command and its function write the same files."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

import mentum
from mentum.cli import app
from mentum.runs import Run
from support.annotated_data import box, categories, image, region, write_coco_by_hand
from support.command_line import call, sets
from support.drawn_data import TINY

OF_THE_MOMENT = {
    "command", "created", "dateIdentified", "finished", "images_per_second", "peak_memory", "seal", "started",
    "timings",
}  # fmt: skip
"""Keys whose values tell when, how fast and how something was asked for."""

DATE = re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]+(Z|\+00:00)?)?")


@dataclass(frozen=True)
class Place:
    """A folder in which a command, or a function, has what it needs.

    Attributes:
        at: the folder; `run` and `separate` in it are copies of trainings.
        data: that they were trained on.
        model: released from one of them.
        cache: folder of the pixel cache.
    """

    at: Path
    data: Path
    model: Path
    cache: Path

    @property
    def run(self) -> Path:
        return self.at / "run"

    @property
    def separate(self) -> Path:
        return self.at / "separate"


RECIPE = {"recipe": "quick", "overrides": TINY, "seed": 3}
SETTINGS = ("--recipe", "quick", "--seed", "3", *sets())

SMALL = ("threads=1", "pixels.size=32", "stage1.views=1", "stage1.epochs=2")
"""From pretrained weights, for tasks on features of the frozen backbone."""
SMALL_RECIPE = {"recipe": "quick", "overrides": SMALL}
SMALL_SETTINGS = ("--recipe", "quick", *(word for each in SMALL for word in ("--set", each)))

Asked = Callable[[Place], list[object]]
Called = Callable[[Place], object]

TASKS: dict[str, tuple[Asked, Called]] = {
    "phantoms": (
        lambda p: ["phantoms", p.at / "drawn", "--images", 4, "--width", 64, "--seed", 2],
        lambda p: mentum.phantoms(p.at / "drawn", images=4, width=64, seed=2),
    ),
    "train": (
        lambda p: ["train", p.data, "--out", p.at / "trained", *SETTINGS],
        lambda p: mentum.train(p.data, p.at / "trained", cache=p.cache, **RECIPE),
    ),
    "evaluate": (
        lambda p: ["evaluate", p.run, "--error-rate", 0.2],
        lambda p: mentum.evaluate(p.run, error_rate=0.2),
    ),
    "novelty": (
        lambda p: ["evaluate", p.run, "--novelty", "--stage", 1],
        lambda p: mentum.novelty(p.run, stage=1, cache=p.cache),
    ),
    "calibrate": (
        lambda p: ["calibrate", p.run, "--folds", 2],
        lambda p: mentum.calibrate(p.run, folds=2, cache=p.cache),
    ),
    "crossvalidate": (
        lambda p: ["crossvalidate", p.data, "--out", p.at / "cv", "--stage", 1, "--folds", 2, *SMALL_SETTINGS],
        lambda p: mentum.crossvalidate(p.data, p.at / "cv", stage=1, folds=2, cache=p.cache, **SMALL_RECIPE),
    ),
    "learning-curve": (
        lambda p: ["learning-curve", p.data, "--out", p.at / "curve", "--folds", 2, *SMALL_SETTINGS],
        lambda p: mentum.learning_curve(p.data, p.at / "curve", folds=2, cache=p.cache, **SMALL_RECIPE),
    ),
    "audit": (
        lambda p: ["audit", p.run, "--seed", 1],
        lambda p: mentum.audit(p.run, seed=1, cache=p.cache),
    ),
    "explain": (
        lambda p: ["explain", p.run, "--characters", p.at / "outlines.json", "--subset", "all", "--occlude", 2],
        lambda p: mentum.explain(p.run, characters=p.at / "outlines.json", subset="all", occlude=2, cache=p.cache),
    ),
    "characters": (
        lambda p: ["explain", p.separate, "--subset", "all"],
        lambda p: mentum.explain(p.separate, subset="all", cache=p.cache),
    ),
    "report": (
        lambda p: ["report", p.run, "--compare", p.separate],
        lambda p: mentum.report(p.run, compare=[p.separate]),
    ),
    "export": (
        lambda p: ["export", p.run, "--out", p.at / "model", "--licence", "CC0-1.0", "--samples", 2],
        lambda p: mentum.export(p.run, p.at / "model", licence="CC0-1.0", samples=2, cache=p.cache),
    ),
    "identify": (
        lambda p: ["identify", p.model, p.data / "images", "--out", p.at / "found.csv", "--heatmaps", p.at / "maps",
                   "--archive", p.at / "archive.zip", "--title", "T", "--creator", "C", "--licence", "CC0-1.0"],
        lambda p: mentum.identify(p.model, p.data / "images", p.at / "found.csv", heatmaps=p.at / "maps",
                                  archive=p.at / "archive.zip", title="T", creator="C", licence="CC0-1.0"),
    ),
}  # fmt: skip
"""Task → the command, and the function."""

WITHOUT_CACHE = {"phantoms", "evaluate", "report", "identify"}

ONLY_PRINTED = {"cache", "check", "compare", "verify"}
"""Commands that write no file of results."""


def test_every_command_is_compared() -> None:
    assert set(typer.main.get_command(app).commands) == (set(TASKS) - {"novelty"}) | ONLY_PRINTED  # type: ignore[attr-defined]


@pytest.fixture
def places(
    tmp_path: Path, trained_data: Path, evaluated_run: Path, separate_run: Path, released: Path
) -> tuple[Place, Place]:
    """Two alike."""
    found = []
    for name in ("command", "function"):
        place = Place(tmp_path / name, trained_data, released, evaluated_run.parent / "cache")
        shutil.copytree(evaluated_run, place.run)
        shutil.copytree(separate_run, place.separate)
        outline(place)
        found.append(place)
    return found[0], found[1]


@pytest.mark.parametrize("task", TASKS)
def test_a_command_and_its_function_write_the_same_files(task: str, places: tuple[Place, Place]) -> None:
    one, other = places
    before = written(one)
    command, function = TASKS[task]
    cached = () if task in WITHOUT_CACHE else ("--cache", one.cache)
    done = call(*command(one), *cached)
    assert done.code == 0, done.err
    function(other)
    assert written(one) == written(other)
    assert written(one) != before


def test_naming_characters(places: tuple[Place, Place]) -> None:
    one, other = places
    for place in places:
        mentum.explain(place.separate, subset="all", cache=place.cache)
    assert call("characters", one.separate, "1=mentum", "--out", one.at / "named.json").code == 0
    assert mentum.name_characters(other.separate, {1: "mentum"}, other.at / "named.json").is_file()
    assert (one.at / "named.json").read_bytes() == (other.at / "named.json").read_bytes()


def test_what_is_only_printed_is_returned(places: tuple[Place, Place]) -> None:
    one, other = places
    before = written(one)
    assert json.loads(call("check", one.data, "--json").out) == json.loads(mentum.check(one.data).model_dump_json())
    found = mentum.compare(one.run, one.separate)
    assert json.loads(call("compare", one.run, one.separate, "--json").out) == json.loads(found.model_dump_json())
    assert f"{mentum.verify(one.model).n_files} files as released" in call("verify", one.model).out
    assert written(one) == before == written(other)


def test_identifications_without_a_file_are_returned(places: tuple[Place, Place]) -> None:
    place, _ = places
    found = mentum.identify(place.model, place.data / "images")
    assert found.n_rows == len(found.identifications) == 20
    assert {each.identification_id for each in found.identifications} == {
        row["identificationID"] for row in map(json.loads, jsonl(place))
    }


def outline(place: Place) -> None:
    """Two characters on every image."""
    names = Run.open(place.run).table()["file_name"].to_list()
    regions = [
        region(2 * number + kind, number, kind + 1, box(4 + 16 * kind, 8, 18 + 16 * kind, 24))
        for number in range(len(names))
        for kind in range(2)
    ]
    images = [image(number, name, (40, 32)) for number, name in enumerate(names)]
    write_coco_by_hand(place.at / "outlines.json", images, regions, categories("mentum", "mandible"))


def jsonl(place: Place) -> list[str]:
    mentum.identify(place.model, place.data / "images", place.at / "found.jsonl")
    return (place.at / "found.jsonl").read_text(encoding="utf-8").splitlines()


def written(place: Place) -> dict[str, object]:
    """File → what it holds, but for the moment and the place."""
    files = sorted(file for file in place.at.rglob("*") if file.is_file())
    return {file.relative_to(place.at).as_posix(): held(file, place) for file in files}


def held(file: Path, place: Place) -> object:
    if file.suffix == ".zip":
        with zipfile.ZipFile(file) as archive:
            return {name: plain(archive.read(name).decode("utf-8", "replace"), place) for name in archive.namelist()}
    if file.suffix == ".json":
        return stripped(json.loads(plain(file.read_text(encoding="utf-8"), place)))
    if file.suffix in {".csv", ".html", ".md"}:
        return plain(file.read_text(encoding="utf-8"), place)
    return file.read_bytes()


def plain(text: str, place: Place) -> str:
    return DATE.sub("DATE", text.replace(str(place.at), "PLACE"))


def stripped(value: Any) -> Any:
    """Without what is of the moment; the hashes of a model's files change with the date in its card."""
    if isinstance(value, dict):
        return {
            key: stripped(each)
            for key, each in value.items()
            if key not in OF_THE_MOMENT and not (key == "files" and "model.onnx" in each)
        }
    return [stripped(each) for each in value] if isinstance(value, list) else value
