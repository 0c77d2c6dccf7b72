from dataclasses import replace

import numpy as np
import pytest

from mentum.errors import DataError
from mentum.explanation.proposals.frames import find_frame
from mentum.explanation.proposals.propose import N_EXAMPLES, Proposals, propose_characters
from mentum.specimens.pixels import SquarePlacement
from mentum.taxonomy import Rank
from support.posed_specimens import HEIGHT, MARKS, SIZE, TAXA, WIDTH, planted


@pytest.fixture(scope="module")
def data():
    return planted()


@pytest.fixture(scope="module")
def proposals(data) -> Proposals:
    return propose_characters(data.evidence)


def test_the_planted_places_are_found(proposals):
    assert proposals.symmetrical
    assert [character.number for character in proposals.characters] == [1, 2, 3]
    eyes, mouth, spot = proposals.characters
    assert (eyes.x, eyes.y) == pytest.approx(MARKS["eyes"], abs=0.06)
    assert (mouth.x, mouth.y) == pytest.approx(MARKS["mouth"], abs=0.06)
    assert (spot.x, spot.y) == pytest.approx((-MARKS["spot"][0], MARKS["spot"][1]), abs=0.06)
    assert [len(character.outlines) for character in proposals.characters] == [2, 1, 2]


def test_shares_and_taxa(proposals):
    eyes, mouth, _ = proposals.characters
    # 28 of 30 images are correct, 14 of each taxon; one peak each. Of the first taxon, 10 peak at the mouth.
    assert proposals.n_images == 28
    assert (eyes.weight, eyes.images) == pytest.approx((0.5, 0.5))
    assert (mouth.weight, mouth.images) == pytest.approx((10 / 28, 10 / 28))
    assert [(taxon.scientific_name, taxon.rank, taxon.n) for taxon in eyes.taxa] == [("Aus cus", Rank.SPECIES, 14)]
    (first,) = mouth.taxa
    assert (first.scientific_name, first.share) == ("Aus bus", pytest.approx(10 / 14))
    assert sum(character.weight for character in proposals.characters) == pytest.approx(1)


def test_examples_are_the_highest_peaks(data, proposals):
    heights = data.evidence.ranks[Rank.SPECIES].relevance.max(axis=(1, 2))
    rows = [int(example.file_name[7:-4]) for example in proposals.characters[0].examples]
    assert len(rows) == len(set(rows)) == N_EXAMPLES
    members = [row for row in range(28) if row % 2]
    assert set(rows) == set(sorted(members, key=lambda row: -heights[row])[:N_EXAMPLES])
    for example, row in zip(proposals.characters[0].examples, rows, strict=True):
        eyes = [(1 - 2 * (row // 2 % 2)) * MARKS["eyes"][0], MARKS["eyes"][1]]
        assert (example.x, example.y) == pytest.approx(eyes, abs=0.15)


def test_examples_show_different_taxa_first(data):
    at_rank = data.evidence.ranks[Rank.SPECIES]
    # The second taxon's peaks are moved to those of the first, and are lower.
    same = np.stack([at_rank.relevance[row // 2 * 2] / (1 + 4 * (row % 2)) for row in range(30)])
    evidence = replace(data.evidence, ranks={Rank.SPECIES: replace(at_rank, relevance=same)})
    rows = [int(example.file_name[7:-4]) for example in propose_characters(evidence).characters[0].examples]
    assert {rows[0] % 2, rows[1] % 2} == {0, 1}


def test_frames_of_all_images_go_along(data, proposals):
    assert [image.file_name for image in proposals.images] == data.evidence.file_names
    assert {(image.width, image.height) for image in proposals.images} == {(WIDTH, HEIGHT)}
    assert (proposals.size, proposals.n_unframed, proposals.rank) == (SIZE, 0, Rank.SPECIES)
    for image, true in zip(proposals.images, data.frames, strict=True):
        assert (image.frame.x, image.frame.y) == pytest.approx((true.x, true.y), abs=1.5)


def test_record_round_trip(proposals, tmp_path):
    proposals.write(tmp_path / "proposals.json")
    assert Proposals.read(tmp_path / "proposals.json") == proposals


def test_sides_may_be_kept_apart(data):
    apart = propose_characters(data.evidence, symmetrical=False)
    assert len(apart.characters) == 4
    assert all(len(character.outlines) == 1 for character in apart.characters)
    assert sorted(round(character.x, 1) for character in apart.characters)[0] == -0.2


def test_outlines_of_specimens_are_used(data):
    seen = []

    def outline(name: str) -> np.ndarray | None:
        seen.append(name)
        mask = np.zeros((SIZE, SIZE), dtype=np.float32)
        mask[40:80, 40:60] = 1
        return None if name == "images/0.jpg" else mask

    found = propose_characters(data.evidence, outline)
    assert seen == data.evidence.file_names
    placement = SquarePlacement(WIDTH, HEIGHT, SIZE)
    assert found.images[0].frame == find_frame(data.evidence.pixels[0], placement)
    assert found.images[1].frame.x == pytest.approx(50, abs=1)


def test_images_without_a_specimen_are_counted(data):
    pixels = data.evidence.pixels.copy()
    pixels[:7] = 200
    found = propose_characters(replace(data.evidence, pixels=pixels))
    assert found.n_unframed == 7
    assert found.images[6].frame.axis == "image"


def test_the_lowest_rank_or_the_one_asked_for(data):
    species = data.evidence.ranks[Rank.SPECIES]
    all_right = np.zeros(30, dtype=np.int64)
    genus = replace(species, rank=Rank.GENUS, taxa=(TAXA[0].at(Rank.GENUS),), y_true=all_right, y_pred=all_right)
    evidence = replace(data.evidence, ranks={Rank.SPECIES: species, Rank.GENUS: genus})
    assert propose_characters(evidence).rank is Rank.SPECIES
    found = propose_characters(evidence, rank=Rank.GENUS)
    assert (found.rank, found.n_images) == (Rank.GENUS, 30)
    assert found.characters[0].taxa[0].scientific_name == "Aus"


def test_progress_counts_to_the_end(data):
    seen = []
    propose_characters(data.evidence, progress=seen.append)
    assert [step.done for step in seen] == list(range(1, 31))
    assert {(step.task, step.total, step.unit) for step in seen} == {("frames of specimens", 30, "images")}


@pytest.mark.parametrize("fault", ["nothing correct", "nothing positive"])
def test_nothing_to_propose(data, fault):
    at_rank = data.evidence.ranks[Rank.SPECIES]
    changes = {"y_pred": 1 - at_rank.y_true} if fault == "nothing correct" else {"relevance": -abs(at_rank.relevance)}
    evidence = replace(data.evidence, ranks={Rank.SPECIES: replace(at_rank, **changes)})
    with pytest.raises(DataError, match=r"no image is identified correctly at species rank on positive evidence"):
        propose_characters(evidence)


def test_peaks_all_over_make_no_characters(data):
    at_rank = data.evidence.ranks[Rank.SPECIES]
    few = replace(at_rank, y_true=np.where(np.arange(30) < 2, at_rank.y_pred, -1))
    found = propose_characters(replace(data.evidence, ranks={Rank.SPECIES: few}))
    assert (found.n_images, found.characters) == (2, ())
