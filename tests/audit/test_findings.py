"""Tests of the audit as a whole: what its parts find is named by image, and none of it is dropped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from mentum.audit.backgrounds import HeldOutJudge
from mentum.audit.findings import NO_SUBSETS, Audit, Material, examine
from mentum.calibration.cases import Cases
from mentum.specimens.manifest import read_specimens
from mentum.taxonomy import Rank
from support.data_sets import Row, write_data_set

TAXA = ("Aus albus", "Aus niger", "Bus ruber")
SIDE = 48


@pytest.fixture
def material(tmp_path) -> Material:
    """Eight specimens of each of three taxa; image 3 is mislabelled, images 5 and 6 are one photograph."""
    rows = [Row(f"{taxon[-3:]}_{n * 7 + 3}.png", taxon, f"{taxon} {n}") for taxon in TAXA for n in range(8)]
    table = read_specimens(write_data_set(tmp_path / "set", rows))
    rng = np.random.default_rng(0)
    pixels = np.kron(rng.integers(0, 255, (24, 6, 6, 3)), np.ones((1, 8, 8, 1))).astype(np.uint8)
    pixels[6] = pixels[5]
    features = rng.normal(size=(24, 40)).astype(np.float32)
    features[6] = features[5]
    columns = np.repeat([0, 1, 2], 8)
    y_prob = np.full((24, 3), 0.05)
    y_prob[np.arange(24), columns] = 0.9
    y_prob[3] = (0.02, 0.03, 0.95)
    cases = Cases("held-out", table.taxonomy, table.specimens, table.labels, {"tree": np.log(y_prob)})
    subsets = np.array(["train"] * 6 + ["validation"] * 2 + ["train"] * 16)
    return Material(table, pixels, features, subsets, cases)


def test_a_wrong_label_leads_the_suspects(material: Material) -> None:
    found = examine(material, "builtin", seed=0)

    first = found.suspects[0]
    assert first.image.file_name == material.table.file_names[3]
    assert (first.image.scientific_name, first.suggested, first.suggested_rank) == ("Aus albus", "Bus ruber", "species")
    assert (round(first.probability_of_label, 2), round(first.probability_suggested, 2)) == (0.02, 0.95)
    assert "Bus ruber" in first.reason
    assert len(found.suspects) == 1  # 6 % of 24
    assert found.accuracy == pytest.approx(23 / 24)


def test_a_label_and_a_taxon_that_only_says_less_do_not_contradict(tmp_path) -> None:
    """An image labelled Aus may be either species of it, and one of these that looks like "Aus only" is no suspect."""
    labels = ["Aus"] * 6 + ["Aus albus"] * 6 + ["Bus ruber"] * 6
    table = read_specimens(
        write_data_set(tmp_path / "set", [Row(f"{n}.png", label, str(n)) for n, label in enumerate(labels)])
    )
    assert [leaf.name for leaf in table.taxonomy.leaves] == ["Aus", "Aus albus", "Bus ruber"]
    y_prob = np.repeat([[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.05, 0.05, 0.9]], 6, axis=0)
    y_prob[0] = (0.05, 0.9, 0.05)  # labelled Aus, looks like Aus albus
    y_prob[6] = (0.9, 0.05, 0.05)  # the other way round
    y_prob[7] = (0.1, 0.1, 0.8)  # labelled Aus albus, looks like Bus ruber
    cases = Cases("held-out", table.taxonomy, table.specimens, table.labels, {"tree": np.log(y_prob)})
    rng = np.random.default_rng(0)
    pixels, features = rng.integers(0, 255, (18, SIDE, SIDE, 3)).astype(np.uint8), rng.normal(size=(18, 40))
    found = examine(
        Material(table, pixels, features.astype(np.float32), np.full(18, NO_SUBSETS), cases), "builtin", seed=0
    )
    assert found.accuracy == pytest.approx(17 / 18)
    assert [(each.image.file_name, each.suggested) for each in found.suspects] == [("7.png", "Bus ruber")]
    assert found.suspects[0].probability_of_label == pytest.approx(0.2)


def test_one_photograph_on_both_sides_of_a_split(material: Material) -> None:
    found = examine(material, "builtin", seed=0).duplicates

    assert [(each.one.file_name, each.other.file_name, each.kind) for each in found] == [
        (material.table.file_names[5], material.table.file_names[6], "across subsets")
    ]
    assert (found[0].distance, found[0].one.subset, found[0].other.subset) == (0, "train", "validation")


def test_what_crosses_the_split_comes_first(material: Material) -> None:
    found = examine(material, "builtin", seed=0).crossings

    assert [(each.what, each.n_groups, each.n_crossing) for each in found] == [("photographs that look alike", 1, 1)]
    names = material.table.file_names
    assert found[0].worst == ({"train": (names[5],), "validation": (names[6],)},)


def test_images_without_a_subset_cross_nothing(material: Material) -> None:
    subsets = material.subsets.copy()
    subsets[6] = NO_SUBSETS
    found = examine(replace(material, subsets=subsets), "builtin", seed=0)

    assert [each.kind for each in found.duplicates] == ["two specimens"]
    assert [each.n_crossing for each in found.crossings] == [0]


def test_without_a_split_nothing_crosses(material: Material) -> None:
    assert examine(replace(material, subsets=np.full(24, NO_SUBSETS)), "builtin", seed=0).crossings == ()


def test_without_a_split_it_is_two_specimens(material: Material) -> None:
    placed = Material(
        material.table, material.pixels, material.features, np.array([NO_SUBSETS] * 24), material.held_out
    )

    assert [each.kind for each in examine(placed, "builtin", seed=0).duplicates] == ["two specimens"]


def test_every_cue_is_reported_and_json_comes_back(material: Material, tmp_path) -> None:
    found = examine(material, "builtin", seed=0)
    found.write(tmp_path / "audit.json")

    assert [cue.cue for cue in found.shortcuts] == ["border", "background", "colour", "file", "compression"]
    assert Audit.read(tmp_path / "audit.json") == found


def test_images_that_are_not_outlined_are_counted(material: Material) -> None:
    masks = np.zeros((24, SIDE, SIDE), dtype=bool)
    masks[:20, 16:32, 16:32] = True

    said = "4 of 24 images are not outlined: their specimens were found by colour."
    assert examine(replace(material, masks=masks), "builtin", 0).notes[0] == said
    masks[20:] = True
    assert said not in examine(replace(material, masks=masks), "builtin", 0).notes


def test_outlines_reach_the_cues_and_the_backgrounds(material: Material) -> None:
    """Outside the outline all pictures are alike, so that no taxon can be told there."""
    pixels = np.full_like(material.pixels, 180)
    pixels[:, 16:32, 16:32] = np.repeat([20, 60, 100], 8)[:, None, None, None]
    masks = np.zeros(pixels.shape[:3], dtype=bool)
    masks[:, 16:32, 16:32] = True
    seen: list[int] = []

    def judge(squares: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        seen.extend(rows.tolist())
        return np.eye(3)[(squares[:, 24, 24, 0] // 40).astype(int)]

    swapped = HeldOutJudge("a network", np.arange(12, 24), Rank.SPECIES, judge)
    found = examine(replace(material, pixels=pixels, masks=masks, swapped=swapped), "builtin", 0)

    cues = {cue.cue: cue for cue in found.shortcuts}
    assert cues["colour"].above_chance
    assert not cues["background"].above_chance
    assert found.background is not None
    assert (found.background.judge, found.background.n_images) == ("a network", 12)
    assert (found.background.accuracy_other.value, found.background.decides) == (1, False)
    assert sorted(set(seen)) == [*range(12, 24)]


def test_who_judged_the_labels_is_said(material: Material) -> None:
    assert examine(material, "builtin", 0).judged_by == "top classifiers on features of the frozen backbone"
    assert examine(replace(material, judged_by="an expert"), "builtin", 0).judged_by == "an expert"


def test_without_held_out_images_backgrounds_are_not_changed(material: Material) -> None:
    found = examine(material, "builtin", 0)

    assert found.background is None
    assert found.notes == ("What part the background plays was not looked at: there are no held-out images.",)


def test_too_few_specimens_for_shortcuts_are_a_note(tmp_path) -> None:
    rows = [Row(f"{n}.png", taxon, str(n)) for n, taxon in enumerate(TAXA)]
    table = read_specimens(write_data_set(tmp_path / "set", rows))
    cases = Cases("held-out", table.taxonomy, table.specimens, table.labels, {"tree": np.log(np.full((3, 3), 1 / 3))})
    pixels = np.random.default_rng(0).integers(0, 255, (3, SIDE, SIDE, 3)).astype(np.uint8)
    found = examine(Material(table, pixels, np.eye(3, 5, dtype=np.float32), np.array(["all"] * 3), cases), "builtin", 0)

    assert found.shortcuts == ()
    assert found.notes[0].startswith("Shortcuts were not looked for: ")
