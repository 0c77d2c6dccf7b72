"""Tests of warnings: each appears when it should, and not otherwise."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mentum.explanation import cautions
from mentum.explanation.annotation.characters import Annotations
from mentum.explanation.annotation.coco_file import AnnotatedImage
from mentum.explanation.annotation.shapes import read_shape
from mentum.explanation.results import CharacterShare, Occlusion, Randomisation
from mentum.explanation.shares import project_regions
from mentum.records import Interval
from mentum.taxonomy import Rank
from support.explained_by_hand import GEOMETRY, make_evidence


def regions(side: int):
    """One character of side by side px in a square of 64, the rest background."""
    masks = np.zeros((3, 64, 64), dtype=np.float32)
    masks[0, :side, :side] = 1
    masks[2] = 1 - masks[0]
    return project_regions(["mentum"], [masks], GEOMETRY)


def test_a_character_smaller_than_two_cells_is_named_with_its_size():
    (warning,) = cautions.on_sizes(regions(10), GEOMETRY)
    assert "cells lie 8 px apart; smaller than 2 cells" in warning
    assert "mentum (1.6 cells; from 110 px on)" in warning
    assert "A pixels.size from there on" in warning
    assert list(cautions.on_sizes(regions(12), GEOMETRY)) == []


def test_on_a_crop_a_character_needs_fewer_pixels():
    shape = read_shape({"segmentation": [[100, 100, 160, 100, 160, 160, 100, 160]]}, 400, 300)
    images = {"a.jpg": AnnotatedImage(400, 300, {"mentum": (shape,)})}
    whole = Annotations(Path("c.json"), ("mentum",), None, images, ())
    cropped = whole.cropped({"a.jpg": (50, 50, 250, 250)})
    needed = [
        re.search(r"from (\d+) px", "".join(cautions.on_sizes(laid, GEOMETRY)))
        for each in (whole, cropped)
        for laid in [project_regions(["mentum"], [each.masks("a.jpg", 64)], GEOMETRY)]
    ]
    assert needed[0] is not None
    assert int(needed[0][1]) == 110  # 64 px * 16 / (60 * 64 / 400)
    assert needed[1] is None  # 19 px of 64 are more than two cells


@pytest.fixture
def at_rank():
    return make_evidence().ranks[Rank.SPECIES]


def test_clear_maps_need_no_warning(at_rank):
    assert list(cautions.on_maps(replace(at_rank, y_prob=np.full((12, 2), 0.5, dtype=np.float32)))) == []


def test_empty_and_negative_maps_are_counted(at_rank):
    maps = np.abs(at_rank.relevance)
    maps[:3] *= -1
    maps[3] = 0
    (warning,) = cautions.on_maps(
        replace(at_rank, relevance=maps, runner_up_relevance=-maps, y_prob=np.full((12, 2), 0.5, dtype=np.float32))
    )
    assert warning.startswith("4 of 12 species maps hold (almost) no positive relevance")


def test_maps_alike_for_two_taxa_are_counted(at_rank):
    alike = replace(
        at_rank, runner_up_relevance=2 * at_rank.relevance + 1, y_prob=np.full((12, 2), 0.5, dtype=np.float32)
    )
    (warning,) = cautions.on_maps(alike)
    assert warning.startswith("In 12 of 12 images the species maps of the taxon identified and of the second correlate")


def test_saturated_probabilities_are_counted(at_rank):
    y_prob = np.full((12, 2), 0.5, dtype=np.float32)
    y_prob[:5] = [0.9999, 0.0001]
    (warning,) = cautions.on_maps(replace(at_rank, y_prob=y_prob))
    assert warning.startswith("In 5 of 12 images the species probability is above 0.999")


def test_correlations_are_pearsons():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 3, 4, 4)).astype(np.float32)
    expected = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(one, other, strict=True)]
    np.testing.assert_allclose(cautions.map_correlations(one, other), expected, atol=1e-6)
    assert cautions.map_correlations(one, np.zeros_like(one)).tolist() == [0, 0, 0]


def share(character: str = "mentum", **changes: object) -> CharacterShare:
    values: dict[str, object] = {
        "rank": Rank.SPECIES, "taxon": None, "group": "correct", "character": character, "used": 0.8,
        "interval": Interval(low=0.7, high=0.9, method="Wilson"), "mass": 0.5, "mass_low": 0.45, "mass_high": 0.55,
        "area": 0.1, "enrichment": 5.0, "pointing": 1.0, "null_mass": 0.2, "null_low": 0.15, "null_high": 0.25,
        "shifted_mass": 0.1, "shifted_low": 0.08, "shifted_high": 0.12, "n": 20, "n_specimens": 20,
    }  # fmt: skip
    return CharacterShare.model_validate({"map_used": changes.get("used", 0.8)} | values | changes)


def test_background_above_shifted_maps_is_warned_of():
    (warning,) = cautions.on_background([share(), share("background")])
    assert "The background holds 50% of the relevance at species rank" in warning
    assert "(10%, at most 12%)" in warning


@pytest.mark.parametrize("changes", [{"mass_low": 0.11}, {"group": "incorrect"}, {"taxon": "Aus"}, {"mass": None}])
def test_other_backgrounds_are_not(changes):
    assert list(cautions.on_background([share("background", **changes)])) == []


def test_a_character_no_better_than_from_other_specimens_is_warned_of():
    (warning,) = cautions.on_null([share(null_high=0.5), share("mandible", used=0.1)])
    assert "mentum gets no more relevance than when its outline is laid on maps of other specimens" in warning
    assert list(cautions.on_null([share()])) == []
    assert list(cautions.on_null([share(null_high=None)])) == []
    assert list(cautions.on_null([share(used=0.0, null_high=0.9), share("none", used=1.0)])) == []


def test_where_maps_name_another_character_than_is_needed_a_sentence_says_so():
    needed = share(used=0.9, map_used=0.1, necessity=6.0)
    mapped = share("mandible", used=0.05, map_used=0.7, necessity=0.1)
    (sentence,) = cautions.on_maps_against_necessity([needed, mapped])
    assert "the maps name mandible most often (70% of images), but without mentum most" in sentence
    agreeing = share(used=0.9, map_used=0.9, necessity=6.0)
    assert list(cautions.on_maps_against_necessity([agreeing, mapped])) == []
    by_maps_alone = [share(used=0.1), share("mandible", used=0.7)]
    assert list(cautions.on_maps_against_necessity(by_maps_alone)) == []


def occlusion(character: str, excess: float, low: float) -> Occlusion:
    return Occlusion(
        rank=Rank.SPECIES, character=character, fill="mean", drop=0.1, control_drop=0.0, log_odds_drop=excess,
        control_log_odds_drop=0.0, excess=excess, excess_low=low, excess_high=excess + 1, accuracy_drop=0.0,
        control_accuracy_drop=0.0, n=10, n_specimens=10,
    )  # fmt: skip


SHARES = (share(), share("mandible", used=0.1), share("none", used=0.1), share("background", used=0.0))


@pytest.mark.parametrize(
    ("mentum", "mandible", "words"),
    [
        ((3.0, 2.0), (0.1, -0.5), "agree: mentum is used most, and hiding it costs most certainty"),
        ((1.0, 0.5), (3.0, 2.0), "disagree in part: the maps name mentum, and hiding it costs more"),
        ((0.1, -0.5), (3.0, 2.0), "hiding mandible costs most. Do not report mentum as the one used"),
        ((0.3, -0.5), (0.1, -1.0), "although hiding it costs most on average. Do not report mentum"),
    ],
)
def test_map_and_occlusion_are_compared_in_words(mentum, mandible, words):
    (sentence,) = cautions.on_occlusions(SHARES, [occlusion("mentum", *mentum), occlusion("mandible", *mandible)])
    assert sentence.startswith("At species rank")
    assert words in sentence


def test_a_character_that_was_not_hidden_is_not_judged():
    (sentence,) = cautions.on_occlusions(SHARES, [occlusion("mandible", 1.0, 0.5)])
    assert sentence.endswith("the maps name mentum, which none of the images tested by occlusion shows.")


def test_maps_that_outlive_their_weights_are_warned_of():
    stubborn = Randomisation(rank=Rank.SPECIES, randomised="head", correlation=0.9, n=10)
    (warning,) = cautions.on_randomisation([stubborn])
    assert "With a random head the species maps stay much the same (rank correlation 0.90)" in warning
    assert list(cautions.on_randomisation([stubborn.model_copy(update={"correlation": 0.2})])) == []
