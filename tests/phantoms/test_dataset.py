import csv
import json
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from pydantic import ValidationError

from mentum.errors import MentumError
from mentum.phantoms import dataset
from mentum.phantoms.anatomy import Taxon
from mentum.phantoms.dataset import draw_phantoms
from mentum.phantoms.outlines import area, clipped, ribbon, smooth
from mentum.phantoms.plan import generator, images_of_taxa, plan
from mentum.phantoms.regions import CATEGORIES
from mentum.phantoms.settings import PhantomSettings
from mentum.phantoms.specimen import grow, vary
from mentum.phantoms.taxa import TAXA
from support.full_disk import full_disk

NAMES = {i + 1: name for i, (name, _) in enumerate(CATEGORIES)}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    """Two specimens of each taxon, two images of each, 160 pixels wide."""
    out = tmp_path_factory.mktemp("phantoms") / "set"
    return draw_phantoms(out, PhantomSettings(images_per_taxon=4, images_per_specimen=2, width=160))


@pytest.fixture(scope="module")
def coco(drawn) -> dict:
    return json.loads((drawn / "characters.coco.json").read_text())


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(float)


def inside(polygon: list[float], height: int, width: int) -> np.ndarray:
    mask = Image.new("1", (width, height))
    ImageDraw.Draw(mask).polygon(polygon, fill=1)
    return np.asarray(mask)


def corners_of(image: np.ndarray) -> np.ndarray:
    """Mean colour of the four corners."""
    n = image.shape[1] // 16
    parts = [image[y, x].reshape(-1, 3) for y in (slice(2, n), slice(-n, None)) for x in (slice(n), slice(-n, None))]
    return np.concatenate(parts).mean(axis=0)


def test_same_settings_give_the_same_bytes(tmp_path):
    settings = PhantomSettings(images=10, width=96, seed=3)
    first = contents(draw_phantoms(tmp_path / "a", settings))
    assert first == contents(draw_phantoms(tmp_path / "b", settings))
    other = contents(draw_phantoms(tmp_path / "c", settings.model_copy(update={"seed": 4})))
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first if name.endswith(".jpg"))


def test_a_pool_draws_the_same_bytes(tmp_path, monkeypatch):
    settings = PhantomSettings(images=12, width=64)
    serial = contents(draw_phantoms(tmp_path / "serial", settings))
    monkeypatch.setattr(dataset, "WORTH_A_POOL", 0)
    monkeypatch.setattr(dataset.os, "cpu_count", lambda: 2)
    assert serial == contents(draw_phantoms(tmp_path / "pool", settings))


def test_more_images_leave_the_earlier_ones_as_they_were(tmp_path):
    few = contents(draw_phantoms(tmp_path / "few", PhantomSettings(images_per_taxon=1, width=64)))
    more = contents(draw_phantoms(tmp_path / "more", PhantomSettings(images_per_taxon=2, width=64)))
    assert all(more[name] == few[name] for name in few if name.endswith(".jpg"))


def test_counts_columns_and_sizes(drawn):
    table = rows(drawn / "specimens.csv")
    assert list(table[0]) == ["file_name", "scientificName", "catalogNumber"]
    assert len(table) == 40
    assert {row["file_name"] for row in table} == {f"images/{p.name}" for p in (drawn / "images").iterdir()}
    assert {row["scientificName"] for row in table} == {taxon.scientific_name for taxon in TAXA}
    assert {pixels(drawn / row["file_name"]).shape for row in table} == {(118, 160, 3)}
    assert sorted(p.name for p in drawn.iterdir()) == [
        "characters.coco.json",
        "images",
        "specimens.csv",
        "taxonomy.csv",
    ]


def test_taxonomy(drawn):
    table = {row["scientificName"]: row for row in rows(drawn / "taxonomy.csv")}
    assert list(table["Orthocladius"].values()) == [
        "Orthocladius", "genus", "Orthocladius", "", "Orthocladiinae", "Chironomidae", "Diptera",
    ]  # fmt: skip
    assert table["Polypedilum laetum"]["tribe"] == "Chironomini"
    assert len({row["genus"] for row in table.values()}) == 5
    assert len({row["subfamily"] for row in table.values()}) == 2


def test_total_is_spread_evenly():
    counts = images_of_taxa(PhantomSettings(images=1846, images_per_taxon=7))
    assert counts == [185] * 6 + [184] * 4
    assert len(plan(PhantomSettings(images=1846))) == 1846
    assert images_of_taxa(PhantomSettings(images_per_taxon=7)) == [7] * 10


def test_images_of_a_specimen_share_number_and_anatomy_but_not_pose(drawn, coco):
    table = [row for row in rows(drawn / "specimens.csv") if row["scientificName"] == "Orthocladius"]
    assert [row["catalogNumber"][-1] for row in table] == ["1", "1", "2", "2"]
    taxon = TAXA[3]
    one, same, other = (vary(taxon, generator(0, 3, specimen, 0)) for specimen in (0, 0, 1))
    assert one == same
    assert one != other
    first, second = (pixels(drawn / row["file_name"]) for row in table[:2])
    assert np.abs(first - second).mean() > 3


def test_coco_is_valid(coco):
    assert [(c["id"], c["name"]) for c in coco["categories"]] == list(NAMES.items())
    sizes = {image["id"]: (image["width"], image["height"]) for image in coco["images"]}
    assert len({a["id"] for a in coco["annotations"]}) == len(coco["annotations"])
    for annotation in coco["annotations"]:
        (flat,) = annotation["segmentation"]
        points = np.array(flat).reshape(-1, 2)
        assert annotation["area"] == pytest.approx(area(points), abs=0.01)
        low, high = points.min(axis=0), points.max(axis=0)
        assert annotation["bbox"] == pytest.approx([*low, *(high - low)], abs=0.051)
        assert (low >= 0).all()
        assert (high <= sizes[annotation["image_id"]]).all()


def test_every_image_shows_every_character_and_pairs_twice(coco):
    for image in coco["images"]:
        found = [NAMES[a["category_id"]] for a in coco["annotations"] if a["image_id"] == image["id"]]
        assert found.count("ventromental_plate") == 2, image
        assert found.count("mandible") in (1, 2), image  # one may be spread beyond the border
        assert {"mentum", "submentum", "postoccipital_margin", "head_capsule"} <= set(found), image
    pairs = sum(NAMES[a["category_id"]] == "mandible" for a in coco["annotations"])
    assert pairs >= 2 * len(coco["images"]) - 2


def test_characters_lie_where_they_were_drawn(drawn, coco):
    darker = {"mentum": 0, "postoccipital_margin": 0, "mandible": 0}
    for image in coco["images"]:
        grey = pixels(drawn / image["file_name"]).mean(axis=2)
        masks: dict[str, np.ndarray] = {}
        for annotation in (a for a in coco["annotations"] if a["image_id"] == image["id"]):
            name = NAMES[annotation["category_id"]]
            mask = inside(annotation["segmentation"][0], *grey.shape)
            masks[name] = masks.get(name, np.zeros_like(mask)) | mask
        head = grey[masks["head_capsule"]].mean()
        background = grey[~masks["head_capsule"] & ~masks.get("mandible", masks["head_capsule"])].mean()
        assert head < background
        for name in darker:
            darker[name] += grey[masks[name]].mean() < head
    assert all(count >= 0.9 * len(coco["images"]) for count in darker.values()), darker


@pytest.mark.parametrize(("shortcut", "betrays"), [("none", False), ("tint", True)])
def test_only_a_planted_tint_betrays_the_taxon(tmp_path, shortcut, betrays):
    out = draw_phantoms(tmp_path / "set", PhantomSettings(images_per_taxon=8, width=64, shortcut=shortcut))
    table = rows(out / "specimens.csv")
    colours = np.array([corners_of(pixels(out / row["file_name"])) for row in table])
    hues = np.log(np.maximum(colours, 1))
    hues -= hues.mean(axis=1, keepdims=True)
    groups = hues.reshape(10, 8, 3)
    ratio = groups.mean(axis=1).var(axis=0).sum() / groups.var(axis=1, ddof=1).mean(axis=0).sum()
    assert ratio > 2 if betrays else ratio < 0.5  # 1/8 where the taxon plays no part


def test_corner_mark_goes_with_the_taxon(tmp_path):
    plain = draw_phantoms(tmp_path / "plain", PhantomSettings(images_per_taxon=1, width=128))
    marked = draw_phantoms(tmp_path / "marked", PhantomSettings(images_per_taxon=1, width=128, shortcut="corner"))
    places = set()
    for row in rows(plain / "specimens.csv"):
        change = pixels(plain / row["file_name"]) - pixels(marked / row["file_name"])
        y, x = np.unravel_index(change.sum(axis=2).argmax(), change.shape[:2])
        assert min(y, 94 - y) < 17
        assert min(x, 127 - x) < 17
        colour = change[y - 1 : y + 2, x - 1 : x + 2].mean((0, 1))
        places.add((bool(y > 47), bool(x > 63), tuple(np.argsort(colour).tolist())))
    assert len(places) == 10


def test_a_folder_that_holds_something_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(MentumError, match=r"found 1 entries, expected a new or empty folder"):
        draw_phantoms(tmp_path, PhantomSettings(images=1, width=64))
    with pytest.raises(MentumError, match=r"found a file, expected a new or empty folder"):
        draw_phantoms(tmp_path / "notes.txt", PhantomSettings(images=1, width=64))
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_an_empty_folder_and_missing_parents_are_taken(tmp_path):
    (tmp_path / "empty").mkdir()
    for out in (tmp_path / "empty", tmp_path / "new" / "deep"):
        assert draw_phantoms(out, PhantomSettings(images=1, width=64)) == out
        assert (out / "specimens.csv").exists()


@pytest.mark.parametrize("takes", [0, 3000])
def test_a_full_disk_leaves_nothing_behind(tmp_path, takes):
    """At the first image, or where an image fits and the outlines do not."""
    with full_disk(takes), pytest.raises(OSError, match="File too large"):
        draw_phantoms(tmp_path / "set", PhantomSettings(images=10, width=64))
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_leaves_nothing_behind(tmp_path):
    def interrupt(done, _):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_phantoms(tmp_path / "set", PhantomSettings(images=10, width=64), interrupt)
    assert list(tmp_path.iterdir()) == []


def test_progress_counts_to_the_end(tmp_path):
    seen = []
    draw_phantoms(tmp_path / "set", PhantomSettings(images=3, width=64), lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("wrong", [{"images": 0}, {"width": 63}, {"shortcut": "hat"}, {"colour": "red"}, {"seed": -1}])
def test_settings_reject(wrong):
    with pytest.raises(ValidationError):
        PhantomSettings(**wrong)


def test_anatomy_is_plain_data():
    def leaves(value):
        if is_dataclass(value):
            return [leaf for field in fields(value) for leaf in leaves(getattr(value, field.name))]
        return [leaf for part in value for leaf in leaves(part)] if isinstance(value, tuple) else [value]

    assert all(isinstance(taxon, Taxon) for taxon in TAXA)
    assert {type(leaf) for taxon in TAXA for leaf in leaves(taxon)} <= {str, float, int}


@pytest.mark.parametrize("taxon", TAXA, ids=lambda taxon: taxon.stem)
def test_fixed_characters_have_the_measures_of_the_table(taxon):
    for specimen in range(5):
        individual = grow(taxon, generator(1, specimen))
        outlines = {c.name: c.outline for c in individual.fixed.characters}
        width, length = np.ptp(outlines["head_capsule"], axis=0)
        assert width == pytest.approx(1.0, abs=0.08)
        assert length == pytest.approx(taxon.capsule.length, rel=0.10)
        assert np.ptp(outlines["mentum"][:, 0]) == pytest.approx(taxon.mentum.width, rel=0.18)
        assert np.ptp(outlines["postoccipital_margin"][:, 0]) == pytest.approx(taxon.arch.span, rel=0.20)


def test_smooth_passes_through_its_knots():
    knots = np.array([(0.0, 0.0), (1.0, 2.0), (3.0, 1.0), (2.0, -1.0)])
    assert np.allclose(smooth(knots)[::8], knots)
    assert np.allclose(smooth(knots, closed=True)[::8], knots)


def test_clipping_agrees_with_counting_pixels():
    polygon = ribbon(smooth([(-20.0, 10.0), (30.0, 45.0), (70.0, 5.0), (50.0, -30.0)]), 17.0)
    whole = Image.new("1", (1000, 1000))
    ImageDraw.Draw(whole).polygon(((polygon + 50) * 10).ravel().tolist(), fill=1)
    counted = np.asarray(whole)[500:900, 500:1000].sum() / 100
    assert area(clipped(polygon, 50, 40)) == pytest.approx(counted, rel=0.02)
    assert len(clipped(polygon + 500, 50, 40)) == 0
