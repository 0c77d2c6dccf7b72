"""Tests of outputs for people whose names hold what no output can bear."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

from mentum.reporting.figures.heat_maps import unique_stems
from mentum.reporting.figures.lettering import Lettering
from mentum.reporting.figures.style import write_figures
from mentum.reporting.report.rendering import render_text
from mentum.texts import LONGEST_STEM

ODD = ["Sal\x1bix alba", "Salix\nalba\t", "Salix \x00alba", "H\udcf6ngg", "Salix \u202ealba", "a\ufffe\ufeffb"]


@pytest.mark.parametrize("name", ODD)
def test_a_figure_stays_an_svg(tmp_path: Path, name: str) -> None:
    def draw() -> Figure:
        figure = Figure()
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], label=name)
        axes.set_title(name)
        axes.set_xticks([0, 1], [name, "plain"])
        axes.legend()
        return figure

    files = write_figures(tmp_path, {"figure": draw})
    drawing = ElementTree.fromstring((tmp_path / "figure.svg").read_bytes())
    assert len(files) == 2
    assert any("plain" in (text or "") for text in drawing.itertext())


@pytest.mark.parametrize("name", ODD)
def test_html_spells_them_out_and_can_be_written(name: str) -> None:
    page = render_text("<td title='{{ name }}'>{{ name }}</td>", name=name)
    page.encode("utf-8")
    assert not set("\x1b\x00\u202e\ufeff") & set(page)


def test_html_is_not_spelt_out_twice() -> None:
    inner = render_text("<b>{{ name }}</b>\n", name="a\x1b<")
    assert render_text("{{ inner }}", inner=inner) == "<b>a\\x1b&lt;</b>"


@pytest.mark.parametrize("name", ODD)
def test_lettering_of_a_picture(name: str) -> None:
    lettering = Lettering.load(10)
    line = lettering.strip([(lettering.shorten(name, 200), False)], width=200)
    assert np.asarray(line).min() < 255


@pytest.mark.parametrize(
    "file_names",
    [
        ["a" * 300 + ".jpg", "a" * 300 + "b.jpg"],
        [f"{'deep folder ' * 20}/{'é' * 100}/{number}.jpg" for number in range(3)],
        ["x" * 130 + "1" + "y" * 130, "x" * 130 + "2" + "y" * 130],
        ["two\nlines.jpg", "two\rlines.jpg"],
    ],
)
def test_pictures_get_names_that_every_system_takes(tmp_path: Path, file_names: list[str]) -> None:
    stems = unique_stems(file_names)
    assert len(set(stems)) == len(file_names)
    for stem in stems:
        assert len(stem.encode()) <= LONGEST_STEM + 4
        (tmp_path / f"{stem}.png.part").write_bytes(b"")
