"""Tests of the picture of one identification: heat where cells look, names in italics, and room for every image."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from mentum.identification.identifier import Identifier
from support.models_by_hand import (
    CONTRADICTION,
    GENUS,
    NOTHING,
    OPEN_LEAVES,
    OPEN_VERBATIM,
    ORTHOCLADIUS,
    PLUMOSUS,
    SEPARATE,
    STRANGE,
    SUBFAMILY,
    level,
    make_model,
    write_level,
)


@pytest.fixture
def identifier(tmp_path: Path) -> Identifier:
    return Identifier(make_model(tmp_path / "model"))


def lines(figure: Figure) -> list[tuple[str, str]]:
    """All pieces of text, each with its style."""
    figure.canvas.draw()
    texts: list[Any] = figure.findobj(Text)
    return [(each.get_text(), each.get_style()) for each in texts if each.get_text()]


def words(figure: Figure) -> list[str]:
    return [text for text, _ in lines(figure)]


def drawn(figure: Figure) -> np.ndarray:
    """Its pixels, as a notebook gets them."""
    return np.asarray(Image.open(io.BytesIO(figure._repr_png_())).convert("RGB"))  # type: ignore[attr-defined]


def heat_of(figure: Figure) -> np.ndarray:
    (heat,) = [image for axes in figure.axes for image in axes.images if image.get_array().shape[-1] == 4][:1]
    return np.asarray(heat.get_array())


def test_an_answer_with_its_lineage(identifier: Identifier, tmp_path: Path) -> None:
    figure = identifier.show(write_level(tmp_path / "larva 1.png", PLUMOSUS))

    assert isinstance(figure, Figure)
    found = lines(figure)
    assert found[:3] == [
        ("Chironomus plumosus", "italic"), ("species  ·  probability 0.98  ·  identified", "normal"),
        ("larva 1.png", "normal"),
    ]  # fmt: skip
    assert ("Evidence for ", "normal") in found
    ranks = found[found.index(("subfamily", "normal")) :]
    assert ranks[:9] == [
        ("subfamily", "normal"), ("Chironominae", "normal"), ("> 0.99", "normal"),
        ("genus", "normal"), ("Chironomus", "italic"), ("0.99", "normal"),
        ("species", "normal"), ("Chironomus plumosus", "italic"), ("0.98", "normal"),
    ]  # fmt: skip
    assert ranks[9][0].startswith("Species defended: ")


@pytest.mark.parametrize(
    ("image", "head", "below", "evidence"),
    [
        (level(SUBFAMILY), "Chironominae", "subfamily  ·  probability 0.97  ·  higher rank", "Chironominae"),
        (level(ORTHOCLADIUS), "Orthocladius", "genus  ·  probability 0.98  ·  identified", "Orthocladius"),
        (level(NOTHING), "No name can be defended", "undetermined", "Chironomus plumosus"),
        (level(PLUMOSUS, STRANGE), "Unlike all known taxa", "unknown", "Chironomus plumosus"),
    ],
)
def test_every_status_has_its_head(
    identifier: Identifier, image: np.ndarray, head: str, below: str, evidence: str
) -> None:
    found = words(identifier.show(image))
    assert found[:3] == [head, below, "array 1"]
    assert found[4] == evidence


def test_names_above_the_genus_stay_upright_and_a_genus_among_species_leans(identifier: Identifier) -> None:
    assert lines(identifier.show(level(SUBFAMILY)))[0] == ("Chironominae", "normal")
    styles = {style for text, style in lines(identifier.show(level(ORTHOCLADIUS))) if text == "Orthocladius"}
    assert styles == {"italic"}


def test_what_is_of_a_genus_and_no_more_is_said_so_and_explained_at_genus_rank(tmp_path: Path) -> None:
    levels = {GENUS: (0.98, 0.005, 0.005, 0.005, 0.005)}
    model = make_model(tmp_path / "model", {"tree": levels}, taxa=OPEN_LEAVES, verbatim=OPEN_VERBATIM)
    found = lines(Identifier(model).show(level(GENUS)))
    assert found[0] == ("Chironomus", "italic")
    assert (" (genus only)", "normal") in found
    assert found[found.index(("Evidence for ", "normal")) + 1] == ("Chironomus", "italic")
    assert found[found.index(("Evidence for ", "normal")) + 2] != (" (genus only)", "normal")


def test_separate_networks_that_contradict_each_other(tmp_path: Path) -> None:
    found = words(Identifier(make_model(tmp_path / "model", SEPARATE)).show(level(CONTRADICTION)))
    assert {"Chironomus plumosus", "Polypedilum", "Chironominae"} <= set(found)


def test_heat_lies_where_its_cell_looks(tmp_path: Path) -> None:
    """All evidence for the first species lies in the first cell, whose centre is at 4 of 32 px."""
    heat = heat_of(Identifier(make_model(tmp_path / "model")).show(level(PLUMOSUS)))
    assert heat.shape == (32, 32, 4)
    strongest = np.unravel_index(heat[..., 3].argmax(), (32, 32))
    assert max(strongest) <= 5
    assert heat[20:, 20:, 3].max() == 0
    assert 0.5 < heat[..., 3].max() < 0.7


@pytest.mark.parametrize("shape", [(40, 80), (80, 40), (64, 64), (30, 900), (900, 30), (1, 40)])
def test_padding_is_cut_from_the_heat(tmp_path: Path, shape: tuple[int, int]) -> None:
    black = Identifier(make_model(tmp_path / "model", {"tree": {0: (0.97, 0.01, 0.01, 0.01)}}))
    heat = heat_of(black.show(np.zeros((*shape, 3), dtype=np.uint8)))
    assert abs(heat.shape[0] - 32 * shape[0] / max(shape)) <= 1
    assert abs(heat.shape[1] - 32 * shape[1] / max(shape)) <= 1


def test_weak_evidence_looks_weak_and_is_said(tmp_path: Path) -> None:
    scale = dict.fromkeys(make_model(tmp_path / "model").record.ranks, 100.0)
    figure = Identifier(make_model(tmp_path / "weak", map_scale=scale)).show(level(PLUMOSUS))
    assert heat_of(figure)[..., 3].max() < 0.05
    assert "Hardly any evidence for " in words(figure)


def test_nothing_in_a_name_is_a_formula(identifier: Identifier, tmp_path: Path) -> None:
    name = "$x_1$ 100% {larva} \\frac.png"
    figure = identifier.show(write_level(tmp_path / name, PLUMOSUS))
    assert name in words(figure)
    assert drawn(figure).std() > 0


def test_a_long_name_stays_on_the_sheet(identifier: Identifier, tmp_path: Path) -> None:
    figure = identifier.show(write_level(tmp_path / f"{'long_' * 40}.png", PLUMOSUS))
    figure.canvas.draw()
    width = figure.get_window_extent().width
    for text in figure.findobj(Text):
        if text.get_text():
            assert text.get_window_extent().x1 <= width
    assert (drawn(figure)[:, -20:] == 255).all()


def test_a_picture_is_the_same_again_and_shown_without_pyplot(identifier: Identifier) -> None:
    one, two = (drawn(identifier.show(level(PLUMOSUS))) for _ in range(2))
    assert (one == two).all()
    assert one.shape[1] > one.shape[0]
