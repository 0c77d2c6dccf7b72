"""Tests of whole explanations: shares with intervals, agreement, warnings, and what goes to file."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from mentum.errors import DataError
from mentum.explanation.annotation.characters import Annotations
from mentum.explanation.character_use import Asked, CharacterEvidence, explain_characters
from mentum.explanation.evidence import RunEvidence
from mentum.explanation.results import Explanation
from mentum.explanation.summary import bootstrap_means
from mentum.explanation.tables import by_rank, characters_csv
from mentum.records import ignore_progress
from mentum.runs import Run
from mentum.taxonomy import Rank
from support.explained_by_hand import GEOMETRY, MANDIBLE, TAXA, DarknessNetwork, annotate, make_evidence
from support.runs_by_hand import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return make_run(tmp_path_factory.mktemp("explained") / "run")


@pytest.fixture(scope="module")
def annotations(tmp_path_factory) -> Annotations:
    return annotate(make_evidence(), tmp_path_factory.mktemp("annotated"))


def explain(
    run: Run, annotations: Annotations, network: DarknessNetwork | None = None, asked: Asked | None = None
) -> CharacterEvidence:
    network = network or DarknessNetwork()
    return explain_characters(run, make_evidence(network), annotations, network, asked or Asked(), ignore_progress)


@pytest.fixture(scope="module")
def found(run, annotations) -> CharacterEvidence:
    return explain(run, annotations, asked=Asked(occluded=6))


def row(explanation: Explanation, character: str, taxon: str | None = None, group: str = "correct"):
    (share,) = [
        each for each in explanation.shares
        if (each.character, each.taxon, each.group) == (character, taxon, group)
    ]  # fmt: skip
    return share


def test_the_character_that_the_network_uses_is_named(found):
    mentum, mandible = row(found.explanation, "mentum"), row(found.explanation, "mandible")
    assert (mentum.used, mandible.used) == (1.0, 0.0)
    assert mentum.mass > 0.5
    assert mentum.enrichment == pytest.approx(mentum.mass / mentum.area)
    assert (mentum.pointing, mentum.n, mentum.n_specimens) == (1.0, 12, 12)
    assert mentum.mass_low <= mentum.mass <= mentum.mass_high
    assert mentum.interval.method == "Wilson"
    assert set(found.used[Rank.SPECIES]) == {"mentum"}


def test_a_network_that_uses_the_other_character_is_told_apart(run, annotations):
    network = DarknessNetwork(MANDIBLE)
    explanation = explain(run, annotations, network).explanation
    groups = [share for share in explanation.shares if share.taxon is None and share.character == "mandible"]
    assert [share.group for share in groups] == ["correct", "incorrect"]  # the mandible tells nothing of the label
    assert [share.map_used for share in groups] == [1.0, 1.0]
    assert min(share.used for share in groups) > 0.7  # some are given a mandible of nearly the same shade
    assert sum(share.n for share in groups) == 12


def test_masses_of_all_regions_sum_to_one(found):
    regions = ("mentum", "mandible", "unassigned", "background")
    assert sum(row(found.explanation, each).mass for each in regions) == pytest.approx(1)
    assert sum(row(found.explanation, each).area for each in regions) == pytest.approx(1)


def test_used_shares_and_none_sum_to_one(found):
    rows = [share for share in found.explanation.shares if share.taxon == TAXA[0].name]
    assert sum(share.used for share in rows) == pytest.approx(1)
    assert {share.n for share in rows} == {6}


def test_the_rules_agree_on_clear_maps(found):
    (agreement,) = found.explanation.agreement
    assert (agreement.mass_density, agreement.mass_peak, agreement.all_three, agreement.n) == (1, 1, 1, 12)


def test_hiding_and_random_weights_stand_beside_the_shares(found):
    assert {each.character for each in found.explanation.occlusions} == {"mentum", "mandible"}
    assert {each.randomised for each in found.explanation.randomisation} == {"head", "head and last block"}
    assert any("map and occlusion agree: mentum is used most" in each for each in found.explanation.warnings)


def test_what_was_not_tested_is_said(run, annotations):
    explanation = explain(run, annotations, asked=Asked(fast=True)).explanation
    assert (explanation.occlusions, explanation.chances, explanation.pairs) == ((), (), ())
    assert row(explanation, "mentum").necessity is None
    assert row(explanation, "mentum").used == row(explanation, "mentum").map_used == 1.0
    assert any("need not be what the identification needs" in each for each in explanation.warnings)


def test_what_is_needed_stands_beside_what_the_maps_show(found):
    mentum, mandible = row(found.explanation, "mentum"), row(found.explanation, "mandible")
    assert mentum.necessity_low > found.explanation.chances[0].threshold > mandible.necessity_high
    assert mentum.necessity_low <= mentum.necessity <= mentum.necessity_high
    assert mentum.credit == pytest.approx(mentum.necessity, rel=0.2)
    assert (mentum.map_used, found.explanation.n_credited) == (1.0, 12)
    assert "without which, with another taxon's in its place" in found.explanation.rule
    (pair,) = found.explanation.pairs
    assert (pair.characters, pair.either, pair.n) == (("mentum", "mandible"), 0.0, 12)
    assert not pair.is_redundant


def test_one_taxon_alone_leaves_the_maps(run, tmp_path):
    of_one = [f"{number}.png" for number in range(0, 12, 2)]
    few = annotate(make_evidence(), tmp_path)
    alone = replace(few, regions={name: few.regions[name] for name in of_one})
    explanation = explain(run, alone).explanation
    assert (explanation.chances, row(explanation, "mentum").used) == ((), 1.0)
    assert any("no annotated image of another taxon" in each for each in explanation.warnings)


def test_a_shortcut_is_never_ruled_out(found):
    assert found.explanation.warnings[-1].startswith("A map that lies on the right character does not rule out")


def test_background_is_warned_of_only_when_it_is_used(run, annotations, found):
    corner = DarknessNetwork((48, 0, 8, 8))
    shaded = make_evidence(corner)
    for pixels, label in zip(shaded.pixels, shaded.ranks[Rank.SPECIES].y_true, strict=True):
        pixels[0:8, 48:56] = 20 if label else 230
    again = corner.explain(shaded.pixels)[Rank.SPECIES]
    at_rank = shaded.ranks[Rank.SPECIES]
    evidence = RunEvidence(**{**vars(shaded), "ranks": {Rank.SPECIES: _seen(at_rank, again)}})
    warned = explain_characters(run, evidence, annotations, corner, Asked(), ignore_progress).explanation.warnings

    assert any("The background holds 100% of the relevance at species rank" in each for each in warned)
    assert not any("The background holds" in each for each in found.explanation.warnings)


def _seen(at_rank, again):
    rows, labels = np.arange(len(at_rank.y_true)), at_rank.y_true
    maps = again.relevance
    return type(at_rank)(
        at_rank.rank, at_rank.taxa, labels, labels, 1 - labels, again.y_prob, maps[rows, labels], maps[rows, labels],
        maps[rows, 1 - labels],
    )  # fmt: skip


def test_without_an_outline_background_cannot_be_told(run, tmp_path):
    annotations = annotate(make_evidence(), tmp_path, categories=())
    explanation = explain(run, annotations).explanation
    assert row(explanation, "background").area == 0
    assert row(explanation, "background").enrichment is None
    assert any("background cannot be told from the rest" in each for each in explanation.warnings)


def test_images_without_annotation_are_left_out(run, tmp_path):
    few = annotate(make_evidence(n=4), tmp_path)
    found = explain(run, few)
    assert row(found.explanation, "mentum").n == 4
    assert found.used[Rank.SPECIES] == ["mentum"] * 4 + [""] * 8
    assert found.exemplar < 4


def test_no_annotated_image_at_all_is_refused(run, annotations):
    evidence = make_evidence()
    other = RunEvidence(**{**vars(evidence), "file_names": [f"other-{name}" for name in evidence.file_names]})
    with pytest.raises(DataError, match="annotates none of the 12 images to explain; choose another --subset"):
        explain_characters(run, other, annotations, DarknessNetwork(), Asked(), ignore_progress)


def test_the_record_goes_to_json_and_back(found, tmp_path):
    file = tmp_path / "characters.json"
    found.explanation.write(file)
    assert Explanation.read(file) == found.explanation
    assert found.explanation.geometry == GEOMETRY
    assert found.explanation.subsets == ("train",)


def test_the_short_list_has_what_programs_ask_for(found):
    listed = json.loads(json.dumps(by_rank(found.explanation)))
    assert list(listed) == ["species"]
    assert [each["character"] for each in listed["species"]] == [
        "mentum", "mandible", "unassigned", "background", "any of several", "none",
    ]  # fmt: skip
    assert set(listed["species"][0]) == {
        "character", "used", "interval", "necessity", "necessity_low", "necessity_high", "credit", "credit_low",
        "credit_high", "map_used", "map_interval", "mass", "enrichment", "n",
    }  # fmt: skip
    assert listed["species"][0]["used"] == 1.0


def test_the_table_has_a_line_per_rank_taxon_group_and_region(found):
    lines = list(csv.DictReader(io.StringIO(characters_csv(found.explanation))))
    assert len(lines) == len(found.explanation.shares) == 3 * 6  # all, and two taxa; four regions, several, none
    assert lines[0]["rank"] == "species"
    assert float(lines[0]["used"]) == 1.0
    none = next(line for line in lines if line["character"] == "none")
    assert none["mass"] == none["enrichment"] == ""


def test_the_same_seed_gives_the_same_explanation(run, annotations, found):
    assert explain(run, annotations, asked=Asked(occluded=6)).explanation == found.explanation


def slow_bootstrap(values: np.ndarray, specimens: np.ndarray, seed: int) -> np.ndarray:
    """Draw specimens one by one and average their images."""
    rng, names = np.random.default_rng(seed), np.unique(specimens)
    means = []
    for _ in range(4000):
        drawn = rng.choice(names, size=len(names))
        means.append(np.concatenate([values[specimens == name] for name in drawn]).mean(axis=0))
    return np.percentile(means, [2.5, 97.5], axis=0)


def test_bounds_of_means_are_those_of_a_slow_bootstrap():
    rng = np.random.default_rng(0)
    values, specimens = rng.random((40, 2)), np.repeat([f"s{each}" for each in range(16)], [1, 4] * 8)
    low, high = bootstrap_means(values, specimens, seed=0)
    np.testing.assert_allclose([low, high], slow_bootstrap(values, specimens, seed=1), atol=0.02)


def test_bounds_of_nothing_are_undefined():
    low, high = bootstrap_means(np.full((2, 3), np.nan), np.array(["a", "b"]), seed=0)
    assert np.isnan([low, high]).all()
