"""Tests of the bars beside a picture, and of the pictures as sharp as their files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from mentum.explanation.needs import ImageNeeds
from mentum.explanation.sharp import SharpPictures
from mentum.records import ignore_progress
from mentum.reporting.figures.capsule import colours_of
from mentum.reporting.figures.galleries import draw_galleries
from mentum.reporting.figures.heat_maps import write_overlays
from mentum.reporting.figures.necessity_bars import WIDTH, NecessityBars, beside
from mentum.reporting.figures.pictured import Pictured
from mentum.settings import PixelSettings
from mentum.taxonomy import Rank
from support.pictured_evidence import at_species, one_cell, run_evidence

CHARACTERS = ("mentum", "ventromental_plate", "mandible")
NECESSITY = np.array([[6.0, 3.0, -1.0], [1.0, np.nan, 0.5]])


def bars(chance: float = 1.5) -> NecessityBars:
    return NecessityBars(ImageNeeds(CHARACTERS, NECESSITY, chance))


def lengths(row: int, **more: float) -> list[int]:
    """Px of each character's bar."""
    drawn = np.asarray(bars(**more).draw(row))
    colours = [ImageColor.getrgb(colours_of(CHARACTERS)[name]) for name in CHARACTERS]
    return [int((drawn == colour).all(axis=2).sum(axis=1).max()) for colour in colours]


def test_bars_have_the_lengths_of_the_necessities_on_the_scale_of_all_images() -> None:
    longest, half, none = lengths(0)
    assert longest == pytest.approx(2 * half, abs=2)
    assert none == 0  # what makes the taxon more certain
    short, absent, shorter = lengths(1)
    assert short == pytest.approx(longest / 6, abs=4)
    assert absent == 0
    assert 0 < shorter < short


def test_a_chart_that_nothing_exceeds_ends_beyond_chance() -> None:
    assert max(lengths(0, chance=20.0)) < WIDTH / 4


def test_unmeasured_images_have_dashes_alone() -> None:
    nothing = NecessityBars(ImageNeeds(CHARACTERS, np.full((1, 3), np.nan), 0.0))
    assert nothing.draw(0).size == (WIDTH, nothing.height)


def test_a_chart_taller_than_its_picture_is_whole() -> None:
    chart = Image.new("RGB", (30, 90), "red")
    both = beside(np.zeros((60, 50, 3), dtype=np.uint8), chart, 10)
    assert both.shape == (100, 80, 3)
    assert (both[10:100, 50:] == (255, 0, 0)).all()
    assert (both[60:, :50] == 255).all()


@pytest.fixture
def pictured(tmp_path: Path) -> Pictured:
    """One image with stripes of two px, which the network's square of 56 px cannot show."""
    evidence = run_evidence(at_species([0], [[0.9, 0.05, 0.05]], [one_cell(2, 2)]), file_names=["stripes.png"])
    stripes = np.repeat(np.tile([0, 255], 56), 2).astype(np.uint8)
    Image.fromarray(np.broadcast_to(stripes[None, :, None], (224, 224, 3)).copy()).save(tmp_path / "stripes.png")
    sharp = SharpPictures(tmp_path, PixelSettings(size=56, padding=0))
    return Pictured(evidence, sharp, {Rank.SPECIES: ImageNeeds(CHARACTERS, NECESSITY[:1], 1.5)})


def test_pictures_are_as_sharp_as_their_files(pictured: Pictured) -> None:
    shown = np.asarray(pictured.photograph(0))
    assert shown.shape == (224, 224, 3)
    assert np.ptp(shown) == 255
    assert np.asarray(Pictured(pictured.evidence).photograph(0)).shape == (224, 224, 3)


@pytest.mark.parametrize(("size", "side"), [(56, 224), (128, 256), (224, 448), (256, 512), (300, 300), (512, 512)])
def test_the_side_is_a_multiple_of_the_network_s(pictured: Pictured, size: int, side: int) -> None:
    geometry = type(pictured.evidence.geometry)(size=size, cells=7, stride=size / 7, offset=4)
    evidence = type(pictured.evidence)(**{**vars(pictured.evidence), "geometry": geometry})
    assert Pictured(evidence, pictured.sharp).side == side


def test_overlays_and_galleries_have_the_bars(pictured: Pictured, tmp_path: Path) -> None:
    [plain] = write_overlays(pictured.evidence, tmp_path / "plain", ignore_progress)
    [overlay] = write_overlays(pictured.evidence, tmp_path / "bars", ignore_progress, pictured)
    with Image.open(plain) as one, Image.open(overlay) as other:
        assert other.width == one.width + WIDTH
        assert ImageColor.getrgb(colours_of(CHARACTERS)["mentum"]) in {colour for _, colour in other.getcolors(99999)}
    used = {Rank.SPECIES: ["mentum"]}
    [gallery] = draw_galleries(pictured.evidence, used, tmp_path / "gallery", pictured)
    [without] = draw_galleries(pictured.evidence, used, tmp_path / "without")
    with Image.open(gallery) as one, Image.open(without) as other:
        assert one.height == other.height + NecessityBars(pictured.needs[Rank.SPECIES]).height
