"""Tests of necessity on networks made by hand: one that needs a character, one that needs either of two, and chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mentum.explanation.annotation.characters import Annotations
from mentum.explanation.cautions import on_ground
from mentum.explanation.evidence import RankEvidence, RunEvidence
from mentum.explanation.necessity.asking import character_pairs, needs, try_characters
from mentum.explanation.necessity.measures import NO_CHARACTER, SEVERAL_CHARACTERS, RankNecessity
from mentum.explanation.necessity.trials import log_odds
from mentum.explanation.shares import project_regions
from mentum.explanation.summary import measure_images, summarise
from mentum.records import Progress, ProgressCallback, ignore_progress
from mentum.taxonomy import Rank
from support.explained_by_hand import MANDIBLE, MENTUM, TAXA, annotate, make_evidence

N = 24


def ask(
    network: Shades, evidence: RunEvidence, annotations: Annotations, report: ProgressCallback = ignore_progress
) -> dict[Rank, RankNecessity]:
    """What a network needs of all images."""
    rows = np.arange(N)
    return needs(try_characters(network, evidence, annotations, rows, 0, report), annotations, rows, 0)


class Shades:
    """Says the first taxon where boxes are light; each counts up to a bound, so that one of them can suffice.

    Attributes:
        weights: box → weight.
        bound: of the sum, in logits.
    """

    def __init__(self, weights: dict[tuple[int, int, int, int], float], bound: float = np.inf) -> None:
        self.weights, self.bound = weights, bound

    def __call__(self, pixels: np.ndarray) -> dict[Rank, np.ndarray]:
        logits = np.zeros(len(pixels))
        for (left, top, width, height), weight in self.weights.items():
            inside = pixels[:, top + 3 : top + height - 3, left + 3 : left + width - 3].mean(axis=(1, 2, 3))
            logits += weight * np.sign(inside - 127) * (np.abs(inside - 127) > 20)
        logits = np.clip(logits, -self.bound, self.bound)
        first = 1 / (1 + np.exp(-logits))
        return {Rank.SPECIES: np.stack([first, 1 - first], axis=1).astype(np.float32)}


def images(network: Shades, alike: bool) -> RunEvidence:
    """Images whose mandible is of the shade of the mentum, or of a shade of its own."""
    evidence = make_evidence(n=N)
    labels = np.arange(N) % 2
    left, top, width, height = MANDIBLE
    for row, pixels in enumerate(evidence.pixels):
        shade = (20 if labels[row] else 230) if alike else (20 if row // 2 % 2 else 230)
        pixels[top : top + height, left : left + width] = shade
    y_prob = network(evidence.pixels)[Rank.SPECIES]
    y_pred = y_prob.argmax(axis=1)
    maps = evidence.ranks[Rank.SPECIES].relevance
    at_rank = RankEvidence(Rank.SPECIES, TAXA, labels, y_pred, 1 - y_pred, y_prob, maps, maps, maps)
    return RunEvidence(**{**vars(evidence), "ranks": {Rank.SPECIES: at_rank}})


def asked(network: Shades, tmp_path: Path, *, alike: bool) -> tuple[RankNecessity, RunEvidence, Annotations]:
    evidence = images(network, alike)
    annotations = annotate(evidence, tmp_path)
    found = ask(network, evidence, annotations)
    return found[Rank.SPECIES], evidence, annotations


def test_the_character_that_is_needed_is_the_one_used(tmp_path: Path) -> None:
    found, _, _ = asked(Shades({MENTUM: 3.0}), tmp_path, alike=False)
    assert (found.used == 0).all()
    assert found.necessity[:, 0] == pytest.approx(np.full(N, 6.0), abs=0.1)
    assert found.necessity[:, 1] == pytest.approx(np.zeros(N), abs=0.1)
    assert found.credit[:, 0] == pytest.approx(np.full(N, 6.0), abs=0.1)
    assert (found.n_controls, found.n_credited, found.measured.all()) == (N, N, True)


def test_both_taxa_are_treated_alike(tmp_path: Path) -> None:
    """To lack a character is a state of it as well: the fall is as great for the taxon that has none."""
    found, evidence, _ = asked(Shades({MENTUM: 3.0}), tmp_path, alike=False)
    labels = evidence.ranks[Rank.SPECIES].y_true
    of_taxa = [found.necessity[labels == taxon, 0].mean() for taxon in (0, 1)]
    assert of_taxa[0] == pytest.approx(of_taxa[1], rel=0.02)


def test_either_of_two_characters_suffices(tmp_path: Path) -> None:
    network = Shades({MENTUM: 9.0, MANDIBLE: 6.0}, bound=3.0)
    found, evidence, annotations = asked(network, tmp_path, alike=True)
    pixels_said = network(evidence.pixels)[Rank.SPECIES].argmax(axis=1)
    assert (pixels_said == evidence.ranks[Rank.SPECIES].y_true).all()
    (pair,) = character_pairs(evidence.ranks[Rank.SPECIES], found, evidence.specimens, annotations.characters, seed=0)
    assert pair.characters == ("mentum", "mandible")
    assert pair.interaction < 0 or pair.either == 0  # the mentum decides where the two disagree


def test_a_network_that_survives_the_loss_of_each_but_not_of_both(tmp_path: Path) -> None:
    class Either(Shades):
        def __call__(self, pixels: np.ndarray) -> dict[Rank, np.ndarray]:
            """The taxon of the picture's tag, unless both characters speak against it."""
            tag = np.where(pixels[:, 0, 0, 0] > 127, 1.0, -1.0)
            against = np.ones(len(pixels), dtype=bool)
            for left, top, width, height in (MENTUM, MANDIBLE):
                inside = pixels[:, top + 3 : top + height - 3, left + 3 : left + width - 3].mean(axis=(1, 2, 3))
                against &= np.sign(inside - 127) != tag
            first = 1 / (1 + np.exp(-4.0 * np.where(against, -tag, tag)))
            return {Rank.SPECIES: np.stack([first, 1 - first], axis=1).astype(np.float32)}

    evidence = images(Shades({MENTUM: 4.0}), alike=True)
    for row, pixels in enumerate(evidence.pixels):
        pixels[0:4, 0:4] = 20 if row % 2 else 230
    annotations = annotate(evidence, tmp_path)
    found = ask(Either({}), evidence, annotations)[Rank.SPECIES]
    assert (found.used == SEVERAL_CHARACTERS).all()
    (pair,) = character_pairs(evidence.ranks[Rank.SPECIES], found, evidence.specimens, annotations.characters, seed=0)
    assert (pair.either, pair.is_redundant, pair.n) == (1.0, True, N)
    assert pair.interaction == pytest.approx(8.0, abs=0.2)


def test_a_network_that_looks_elsewhere_uses_no_character(tmp_path: Path) -> None:
    found, _, _ = asked(Shades({(40, 0, 16, 16): 3.0}), tmp_path, alike=False)
    assert (found.used == NO_CHARACTER).all()


CORNER = (46, 2, 16, 16)


def marked(network: Shades) -> RunEvidence:
    """Images with a mark in the corner of the background, light for one taxon and dark for the other."""
    evidence = images(Shades({MENTUM: 3.0}), alike=False)
    left, top, width, height = CORNER
    for row, pixels in enumerate(evidence.pixels):
        pixels[top : top + height, left : left + width] = 20 if row % 2 else 230
    at_rank = evidence.ranks[Rank.SPECIES]
    y_prob = network(evidence.pixels)[Rank.SPECIES]
    at_rank.y_prob[:], at_rank.y_pred[:] = y_prob, y_prob.argmax(axis=1)
    return evidence


@pytest.mark.parametrize(("weights", "cost", "followed"), [({CORNER: 3.0}, 6.0, 1.0), ({MENTUM: 3.0}, 0.0, 0.0)])
def test_the_background_is_needed_by_a_network_that_looks_at_it(
    weights: dict[tuple[int, int, int, int], float], cost: float, followed: float, tmp_path: Path
) -> None:
    network = Shades(weights)
    evidence = marked(network)
    found = ask(network, evidence, annotate(evidence, tmp_path))[Rank.SPECIES]
    assert found.background == pytest.approx(np.full(N, cost), abs=0.1)
    assert found.background_followed == pytest.approx(np.full(N, followed))
    assert found.of_regions.shape == (N, 4)
    assert np.isnan(found.of_regions[:, 2]).all()


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({CORNER: 3.0}, ["At species rank the background decides most answers"]),
        ({MENTUM: 6.0, CORNER: 3.0}, ["At species rank the background plays a part, but answers do not follow it"]),
        ({MENTUM: 3.0}, []),
    ],
)
def test_what_is_said_of_the_background_follows_what_it_does(
    weights: dict[tuple[int, int, int, int], float], said: list[str], tmp_path: Path
) -> None:
    network = Shades(weights)
    evidence = marked(network)
    annotations = annotate(evidence, tmp_path)
    found = ask(network, evidence, annotations)[Rank.SPECIES]
    masks = (annotations.masks(name, evidence.geometry.size) for name in evidence.file_names)
    regions = project_regions(annotations.characters, masks, evidence.geometry)
    images = measure_images(evidence.ranks[Rank.SPECIES], regions, evidence.specimens, 0, found)
    assert [each.partition(":")[0] for each in on_ground(images, list(summarise(images, 0)))] == said


def test_without_an_outline_of_the_specimen_the_background_is_not_measured(tmp_path: Path) -> None:
    network = Shades({CORNER: 3.0})
    evidence = marked(network)
    annotations = annotate(evidence, tmp_path, categories=())
    found = ask(network, evidence, annotations)[Rank.SPECIES]
    assert np.isnan(found.background).all()


def test_a_share_of_images_passes_chance_at_most(tmp_path: Path) -> None:
    class Noisy(Shades):
        def __call__(self, pixels: np.ndarray) -> dict[Rank, np.ndarray]:
            noise = np.array([np.random.default_rng(int(each.sum()) % 2**32).normal() for each in pixels])
            first = 1 / (1 + np.exp(-noise))
            return {Rank.SPECIES: np.stack([first, 1 - first], axis=1).astype(np.float32)}

    found, _, _ = asked(Noisy({}), tmp_path, alike=False)
    assert (found.used >= 0).mean() <= 0.25  # 5 % of the many; of 24, chance allows a few more


def test_progress_is_told_after_each_image(tmp_path: Path) -> None:
    told: list[Progress] = []
    evidence = images(Shades({MENTUM: 3.0}), alike=False)
    ask(Shades({MENTUM: 3.0}), evidence, annotate(evidence, tmp_path), told.append)
    assert [(each.task, each.done, each.total) for each in told[-1:]] == [("replacing characters", N, N)]


def test_log_odds_stay_exact_near_certainty() -> None:
    y_prob = np.array([[1.0, 1e-20], [1e-20, 1.0], [0.5, 0.5]], dtype=np.float32)
    assert log_odds(y_prob, np.array([0, 0, 0])) == pytest.approx([46.05, -46.05, 0.0], abs=0.01)
