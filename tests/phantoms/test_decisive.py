"""Taxa drawn to differ in one character differ nowhere else."""

import csv
import json
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from mentum.errors import SettingsError
from mentum.phantoms.dataset import draw_phantoms
from mentum.phantoms.decisive import BASE, FORMS, PARTS, taxa
from mentum.phantoms.micrograph import Micrograph, Planted, photograph
from mentum.phantoms.outlines import area
from mentum.phantoms.plan import counterfactuals, generator, images_of_taxa
from mentum.phantoms.settings import CHARACTERS, PhantomSettings, read_settings
from mentum.phantoms.specimen import grow
from mentum.phantoms.submentum import MARKS, submentum
from mentum.phantoms.taxa import TAXA

WIDTH, HEIGHT = 192, 142
REACH = 0.06  # of the capsule's width: how far blur, the mandible's inner teeth and a plate's rim pass its outline
NOTICEABLE = 12  # levels of grey


@cache
def twins(character: str, specimen: int) -> list[Micrograph]:
    """The four taxa, drawn from the same random numbers."""
    return [
        photograph(grow(taxon, generator(0, specimen, 0)), WIDTH, HEIGHT, Planted("none", 0), generator(0, specimen, 1))
        for taxon in taxa(PhantomSettings(decisive=character))
    ]


def outlines(micrograph: Micrograph, character: str) -> list[np.ndarray]:
    return [outline for name, outline in micrograph.characters if name == character]


def around(character: str, micrographs: list[Micrograph], reach: float) -> np.ndarray:
    """Pixels in or near the character in any of the micrographs."""
    mask = Image.new("L", (WIDTH, HEIGHT))
    for outline in (o for micrograph in micrographs for o in outlines(micrograph, character)):
        ImageDraw.Draw(mask).polygon(outline.ravel().tolist(), fill=255)
    pixels = round(reach * BASE.size * WIDTH)
    return np.asarray(mask.filter(ImageFilter.MaxFilter(2 * pixels + 1)) if pixels else mask) > 0


def change(one: Micrograph, other: Micrograph) -> np.ndarray:
    """Greatest change of any colour, by pixel."""
    return np.abs(one.pixels.astype(int) - other.pixels.astype(int)).max(axis=2)


@pytest.mark.parametrize("character", CHARACTERS)
@pytest.mark.parametrize("specimen", range(4))
def test_taxa_differ_only_in_and_near_the_decisive_character(character, specimen):
    micrographs = twins(character, specimen)
    near = around(character, micrographs, REACH)
    for i, one in enumerate(micrographs):
        for other in micrographs[:i]:
            assert change(one, other)[~near].max() == 0


@pytest.mark.parametrize("character", CHARACTERS)
def test_any_two_taxa_differ_clearly_within_the_decisive_character(character):
    for specimen in range(3):
        micrographs = twins(character, specimen)
        for i, one in enumerate(micrographs):
            for other in micrographs[:i]:
                noticeable = change(one, other) > NOTICEABLE
                inside = around(character, [one, other], 0.0)
                assert noticeable.sum() > 0.15 * inside.sum()
                assert (noticeable & around(character, [one, other], 0.015)).sum() > 0.9 * noticeable.sum()


@pytest.mark.parametrize("character", CHARACTERS)
def test_every_other_outline_is_the_same(character):
    first, *rest = twins(character, 0)
    for micrograph in rest:
        for (name, outline), (same, other) in zip(first.characters, micrograph.characters, strict=True):
            assert name == same
            if name != character:
                assert np.array_equal(outline, other)


@pytest.mark.parametrize("character", CHARACTERS)
def test_only_one_part_is_replaced(character):
    for form in FORMS[character]:
        replaced = [f.name for f in fields(BASE) if getattr(form, f.name) != getattr(BASE, f.name)]
        assert len(replaced) <= 1
    assert len(set(FORMS[character])) == 4


@pytest.mark.parametrize("character", CHARACTERS)
def test_two_genera_of_two_species_in_two_subfamilies(character):
    four = taxa(PhantomSettings(decisive=character))
    assert [taxon.scientific_name for taxon in four] == [
        "Polypedilum convictum", "Polypedilum laetum", "Tvetenia calvescens", "Tvetenia discoloripes",
    ]  # fmt: skip
    assert {(t.genus, t.tribe, t.subfamily) for t in four} == {
        ("Polypedilum", "Chironomini", "Chironominae"),
        ("Tvetenia", "", "Orthocladiinae"),
    }
    lineages = {(t.scientific_name, t.tribe, t.subfamily) for t in TAXA}
    assert {(t.scientific_name, t.tribe, t.subfamily) for t in four} <= lineages


def test_counts_are_of_the_four_taxa():
    assert images_of_taxa(PhantomSettings(decisive="mandible", images_per_taxon=7)) == [7] * 4
    assert images_of_taxa(PhantomSettings(decisive="mandible", images=10)) == [3, 3, 2, 2]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_decisive_set_lists_its_taxa_and_varies_between_specimens(tmp_path):
    settings = PhantomSettings(images_per_taxon=2, width=96, decisive="submentum", shortcut="corner")
    out = draw_phantoms(tmp_path / "set", settings)
    again = draw_phantoms(tmp_path / "again", settings)
    names = [taxon.scientific_name for taxon in taxa(settings)]
    assert [row["scientificName"] for row in table(out / "taxonomy.csv")] == names
    assert [row["scientificName"] for row in table(out / "specimens.csv")] == [n for n in names for _ in range(2)]
    files = [row["file_name"] for row in table(out / "specimens.csv")]
    assert [(out / name).read_bytes() for name in files] == [(again / name).read_bytes() for name in files]
    capsules = {
        tuple(a["bbox"])
        for a in json.loads((out / "characters.coco.json").read_text())["annotations"]
        if a["category_id"] == 6
    }
    assert len(capsules) == 8  # other poses in every image


def test_characters_lie_apart():
    for specimen in range(4):
        (drawn, *_) = twins("mentum", specimen)
        masks = [around(name, [drawn], 0.0) for name in CHARACTERS if name != "mandible"]
        assert np.sum(masks, axis=0).max() <= 2  # neighbours share at most their common edge
        shared = (np.sum(masks, axis=0) > 1).sum()
        assert shared < 0.03 * np.sum(masks)


@pytest.mark.parametrize("pattern", [name for name in MARKS if name != "none"])
def test_marks_lie_within_the_submentum(pattern):
    taxon = replace(BASE, gula=replace(BASE.gula, pattern=pattern))
    for seed in range(5):
        drawn = submentum(taxon, generator(seed))
        (outline,) = (c.outline for c in drawn.characters)
        left, right, rear, front = outline[2, 0] * -1, outline[2, 0], outline[2, 1], outline[1, 1]
        for mark in drawn.layers[0].marks:
            assert left < mark.outline[:, 0].min()
            assert mark.outline[:, 0].max() < right
            assert rear < mark.outline[:, 1].min()
            assert mark.outline[:, 1].max() < front
            assert area(mark.outline) > 0


def test_the_ten_taxa_have_no_marks_on_the_submentum():
    assert {taxon.gula.pattern for taxon in TAXA} == {"none"}
    assert submentum(TAXA[0], generator(0)).layers == ()


# Several characters, and counterfactuals


def forms(settings: PhantomSettings) -> list[tuple[object, ...]]:
    return [tuple(getattr(taxon, PARTS[name]) for name in settings.decisive) for taxon in taxa(settings)]


@pytest.mark.parametrize("pair", ["mentum,mandible", "submentum,ventromental_plate", "postoccipital_margin,mentum"])
def test_of_two_characters_the_first_sets_genera_apart_and_the_second_species(pair):
    one, two, three, four = forms(PhantomSettings(decisive=pair))
    assert one[0] == two[0] != three[0] == four[0]
    assert one[1] == three[1] != two[1] == four[1]


@pytest.mark.parametrize("characters", ["mentum,mandible", "mentum,submentum,postoccipital_margin"])
def test_each_of_redundant_characters_tells_all_taxa_apart(characters):
    found = forms(PhantomSettings(decisive=characters, redundant=True))
    assert all(len(set(of_character)) == 4 for of_character in zip(*found, strict=True))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"decisive": "mentum,teeth"}, r"decisive 'teeth': no drawn character; give some of mentum, "),
        ({"decisive": "mentum,mentum"}, "names a character twice"),
        ({"decisive": "mentum,mandible,submentum"}, "name two at most, or add --redundant"),
        ({"decisive": "mentum", "redundant": True}, "fewer than two decisive characters"),
        ({"images": 0}, "images: found 0; .*; give another value"),
        ({"counterfactual": True}, "the ten taxa differ in everything; name a decisive character"),
    ],
)
def test_settings_that_contradict_one_another(given, message):
    with pytest.raises(SettingsError, match=message):
        read_settings(**given)


@pytest.mark.parametrize(
    ("decisive", "redundant", "n_each"),
    [("mandible", False, 3), ("mentum,mandible", False, 2), ("mentum,mandible", True, 6)],
)
def test_a_counterfactual_is_the_same_picture_but_for_one_character(tmp_path, decisive, redundant, n_each):
    settings = PhantomSettings(
        decisive=decisive, redundant=redundant, counterfactual=True, images_per_taxon=1, width=WIDTH, seed=3
    )
    out = draw_phantoms(tmp_path / "set", settings)
    plain = draw_phantoms(tmp_path / "plain", settings.model_copy(update={"counterfactual": False}))
    assert (out / "characters.coco.json").read_bytes() == (plain / "characters.coco.json").read_bytes()
    pairs = table(out / "counterfactuals.csv")
    assert len(pairs) == 4 * n_each
    labels = {row["file_name"]: row["scientificName"] for row in table(out / "specimens.csv")}
    for pair in pairs:
        assert pair["donor"] != labels[pair["file_name"]]
        one, other = (np.asarray(Image.open(out / pair[name]), dtype=int) for name in ("file_name", "counterfactual"))
        changed = np.abs(one - other).max(axis=2) > NOTICEABLE
        assert 0 < changed.sum() < 0.25 * changed.size


def test_a_counterfactual_bears_the_form_of_its_donor():
    settings = PhantomSettings(decisive="mentum,mandible", counterfactual=True, images_per_taxon=1)
    donors = {taxon.scientific_name: taxon for taxon in taxa(settings)}
    for each in counterfactuals(settings):
        for name in settings.decisive:
            form = getattr(each.drawn.anatomy, PARTS[name])
            wanted = donors[each.donor.scientific_name] if name == each.character else each.factual.anatomy
            assert form == getattr(wanted, PARTS[name])
        assert each.factual.anatomy.scientific_name == each.drawn.anatomy.scientific_name
