"""Tests of the figure of shortcuts."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from mentum.reporting.figures.shortcuts import draw_shortcuts
from support.studies_by_hand import CUES

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return draw_shortcuts(CUES, tmp_path_factory.mktemp("figures") / "new")


def test_it_is_drawn_as_png_and_svg(files):
    assert [file.name for file in files] == ["shortcuts.png", "shortcuts.svg"]
    assert sorted(files[0].parent.iterdir()) == files


def test_cues_and_what_a_guess_reaches_are_named(files):
    words = ["".join(text.itertext()).strip() for text in ElementTree.parse(files[1]).iter(f"{SVG}text")]

    assert [word for word in words if word in {each.cue for each in CUES}] == [each.cue for each in CUES]
    assert {
        "a guess among the taxa, 25 %", "always the commonest taxon, 30 %", "Images whose taxon is told, % (n = 14)",
    } <= set(words)  # fmt: skip


def test_shortcuts_alone_are_red(files):
    drawing = files[1].read_text(encoding="utf-8")

    assert drawing.count("fill: #922b21") == 2
    assert drawing.count("fill: #1b4f72") == 3


def test_the_same_cues_give_the_same_bytes(files, tmp_path):
    assert [file.read_bytes() for file in draw_shortcuts(CUES, tmp_path)] == [file.read_bytes() for file in files]
