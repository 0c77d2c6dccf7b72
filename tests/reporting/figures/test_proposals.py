import subprocess
import sys
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from mentum.explanation.proposals.frames import Frame
from mentum.explanation.proposals.propose import (
    FramedImage,
    Proposals,
    ProposedCharacter,
    ProposedExample,
    ProposedTaxon,
)
from mentum.reporting.figures.proposals import COLOURS, draw_proposals
from mentum.taxonomy import Rank

SVG = "{http://www.w3.org/2000/svg}"


def proposed(number: int, *, x: float = 0.3, pair: bool = True) -> ProposedCharacter:
    y = 0.6 - 0.1 * number
    outline = tuple((x + dx, y + dy) for dx, dy in ((-0.1, -0.05), (0.1, -0.05), (0.0, 0.05)))
    mirrored = tuple((-x, y) for x, y in outline)
    return ProposedCharacter(
        number=number,
        weight=0.5 / number,
        images=0.8 / number,
        x=x,
        y=y,
        outlines=(outline, mirrored) if pair else (outline,),
        taxa=(
            ProposedTaxon(scientific_name="Aus bus", rank=Rank.SPECIES, share=0.75, n=8),
            ProposedTaxon(scientific_name="Dus sp. 1", rank=Rank.SPECIES, share=0.5, n=4),
        ),
        examples=(ProposedExample(file_name="a.jpg", x=0, y=0),),
    )


def proposals(n: int = 2, **changes: object) -> Proposals:
    frame = Frame(x=10, y=10, angle=0, scale=5, axis="mirror")
    return Proposals(
        rank=Rank.SPECIES,
        size=20,
        symmetrical=True,
        kernel=0.05,
        n_images=18,
        n_unframed=0,
        characters=tuple(proposed(number) for number in range(1, n + 1)),
        images=tuple(FramedImage(file_name=f"{i}.jpg", width=40, height=30, frame=frame) for i in range(20)),
    ).model_copy(update=changes)


MEAN = np.linspace(80, 200, 60 * 60 * 3).reshape(60, 60, 3).astype(np.uint8)
EXAMPLES = {1: [np.full((8, 8, 3), shade, dtype=np.uint8) for shade in (20, 90, 160, 230)], 2: []}


def texts(svg) -> list[str]:
    return ["".join(text.itertext()).strip() for text in ElementTree.parse(svg).iter(f"{SVG}text")]


def test_files_and_words(tmp_path):
    files = draw_proposals(proposals(), MEAN, tmp_path / "new", EXAMPLES)
    assert [file.name for file in files] == ["proposed_characters.png", "proposed_characters.svg"]
    assert sorted(tmp_path.joinpath("new").iterdir()) == sorted(files)
    words = texts(files[1])
    assert words.count("1") == words.count("2") == 3  # both sides of the body, and the table
    assert {"50%", "80%", "25%", "40%", "75%", "Aus bus"} <= set(words)
    caption = " ".join(words)
    assert "Mean of 20 images in the specimens' own frame." in caption
    assert "18 images identified correctly at species rank peak, both sides of the body taken together." in caption
    with Image.open(files[0]) as image:
        assert image.width > image.height > 800


def test_names_are_italic_and_qualifiers_upright(tmp_path):
    _, svg = draw_proposals(proposals(1), MEAN, tmp_path)
    (name,) = [text for text in ElementTree.parse(svg).iter(f"{SVG}text") if text.text and "Aus bus" in text.text]
    assert "italic" in name.get("style")
    letters = [letter for letter in ElementTree.parse(svg).iter(f"{SVG}tspan") if letter.text.strip()]
    assert "".join(letter.text for letter in letters if "oblique" in letter.get("style")) == "Dus"


def test_one_region_has_one_number_on_the_picture(tmp_path):
    single = proposals(characters=(proposed(1, x=0.0, pair=False),), symmetrical=False)
    _, svg = draw_proposals(single, MEAN, tmp_path)
    assert texts(svg).count("1") == 2
    assert "both sides" not in " ".join(texts(svg))


def test_images_without_a_specimen_are_mentioned(tmp_path):
    _, svg = draw_proposals(proposals(n_unframed=3), MEAN, tmp_path)
    assert "No specimen was found in 3 of the images." in " ".join(texts(svg))


@pytest.mark.parametrize("n", [0, 1, 12])
def test_any_number_of_characters(tmp_path, n):
    png, svg = draw_proposals(proposals(n), MEAN, tmp_path)
    assert (str(n) in texts(svg)) is (n > 0)
    assert svg.stat().st_size < 300_000
    with Image.open(png) as image:
        assert max(image.size) < 2500


def test_regions_have_their_own_colours_and_a_ninth_is_dashed(tmp_path):
    _, svg = draw_proposals(proposals(9), MEAN, tmp_path)
    styles = [path.get("style") or "" for path in ElementTree.parse(svg).iter(f"{SVG}path")]
    for colour in COLOURS[1:-1]:
        assert sum(f"stroke: {colour.lower()}" in style for style in styles) == 2
    first = [style for style in styles if f"stroke: {COLOURS[0].lower()}" in style]
    assert sorted("dasharray" in style for style in first) == [False, False, True, True]


def test_examples_are_shown_where_given(tmp_path):
    def pictures(file) -> int:
        return sum(1 for _ in ElementTree.parse(file).iter(f"{SVG}image"))

    _, without = draw_proposals(proposals(), MEAN, tmp_path / "without")
    _, with_them = draw_proposals(proposals(), MEAN, tmp_path / "with", {1: [*EXAMPLES[1], EXAMPLES[1][0]]})
    assert pictures(without) == 1
    assert pictures(with_them) == 5


def test_same_proposals_give_the_same_bytes_whatever_the_user_s_settings(tmp_path):
    first = draw_proposals(proposals(), MEAN, tmp_path / "first", EXAMPLES)
    with mpl.rc_context({"svg.fonttype": "path", "font.family": "serif", "lines.linewidth": 9}):
        second = draw_proposals(proposals(), MEAN, tmp_path / "second", EXAMPLES)
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]


def test_importing_does_not_load_matplotlib():
    code = "import sys, mentum.reporting.figures.proposals; print('matplotlib' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False"]
