import itertools
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from mentum.explanation.exemplar import Exemplar, label_anchor
from mentum.explanation.results import CharacterShare, Explanation
from mentum.maps import CellGeometry
from mentum.records import Interval
from mentum.reporting.figures.character_shares import (
    draw_bars,
    draw_character_shares,
    paint_characters,
    spread,
)
from mentum.reporting.figures.characters_by_taxon import draw_characters_by_taxon
from mentum.taxonomy import Rank

SVG = "{http://www.w3.org/2000/svg}"
CHARACTERS = ("mentum", "ventromental_plate")


def share(character, used, rank=Rank.SPECIES, taxon=None, group="correct", n=200):
    """A row whose interval is 0.05 to either side."""
    interval = Interval(low=max(0, used - 0.05), high=min(1, used + 0.05), method="bootstrap over specimens")
    others = dict.fromkeys(set(CharacterShare.model_fields) - {"rank", "taxon", "group", "character", "used"}, None)
    return CharacterShare(
        **others | {"interval": interval, "n": n, "n_specimens": max(1, n // 2)},
        rank=rank,
        taxon=taxon,
        group=group,
        character=character,
        used=used,
    )


def explanation_of(*shares):
    return Explanation(
        run="run",
        subsets=("train",),
        annotation="characters.coco.json",
        alignment="receptive-field",
        geometry=CellGeometry(size=60, cells=2, stride=30, offset=15),
        rule="density",
        characters=CHARACTERS,
        shares=shares,
        agreement=(),
        occlusions=(),
        randomisation=(),
        warnings=(),
    )


def rows(used, **more):
    """Rows for the two characters and none, with those of the regions that are never used."""
    names = (*CHARACTERS, "none", "unassigned", "background")
    return [share(name, value, **more) for name, value in zip(names, (*used, 0.0, 0.0), strict=True)]


def drawn_capsule(names=(*CHARACTERS, "unassigned", "background")):
    """A disc on grey with a mentum in its middle and a plate on either side."""
    y, x = np.mgrid[:60, :60]
    disc = (y - 30) ** 2 + (x - 30) ** 2 < 22**2
    mentum = (abs(y - 20) < 4) & (abs(x - 30) < 5)
    plate = (abs(y - 30) < 4) & (abs(abs(x - 30) - 12) < 4)
    masks = np.stack([mentum, plate, disc & ~mentum & ~plate, ~disc]).astype(np.float32)
    pixels = np.where(disc[..., None], (150, 110, 60), (200, 210, 220)).astype(np.uint8)
    return Exemplar(pixels, names, masks[: len(names)])


@pytest.fixture(scope="module")
def explanation():
    return explanation_of(
        *rows((0.63, 0.27, 0.1)),
        *rows((0.58, 0.4, 0.02), taxon="Aus bus", n=120),
        *rows((0.7, 0.072, 0.228), taxon="Orthocladius sp. 1", n=80),
        *rows((0.11, 0.12, 0.77), group="incorrect", n=9),
        *rows((0.31, 0.004, 0.686), rank=Rank.SUBFAMILY, n=1),
        *rows((0.32, 0.3, 0.38), rank=Rank.SUBFAMILY, taxon="Orthocladiinae", n=1),
    )


@pytest.fixture(scope="module")
def figure(explanation, tmp_path_factory):
    return draw_character_shares(explanation, drawn_capsule(), tmp_path_factory.mktemp("figures") / "new")


@pytest.fixture(scope="module")
def tables(explanation, tmp_path_factory):
    return draw_characters_by_taxon(explanation, tmp_path_factory.mktemp("figures") / "new")


def texts(file):
    """Every text of an SVG with its style."""
    elements = ElementTree.parse(file).iter(f"{SVG}text")
    return [("".join(element.itertext()).strip(), element.get("style", "")) for element in elements]


def words(file):
    return [text for text, _ in texts(file)]


def test_one_figure_as_png_and_svg(figure):
    assert [file.name for file in figure] == ["character_shares.png", "character_shares.svg"]
    assert len(list(figure[0].parent.iterdir())) == 2
    with Image.open(figure[0]) as image:
        assert image.info["dpi"] == pytest.approx((200, 200), abs=0.1)
        assert 1500 < image.width < 2400


def test_shares_stand_beside_the_drawing_and_at_the_bars(figure):
    found = words(figure[1])
    for figure_ in ("63 %", "27 %", "31 %", "< 1 %"):
        assert found.count(figure_) == 2
    for none in ("10 %", "69 %"):
        assert found.count(none) == 1


def test_characters_are_named_in_words_and_pairs_once(figure):
    found = words(figure[1])
    assert found.count("ventromental plate") == 3  # in two drawings and at the bars
    assert found.count("none") == 1
    assert not {"unassigned", "background", "ventromental_plate"} & set(found)


def test_only_correct_identifications_of_all_taxa_are_drawn(figure):
    assert not {"11 %", "12 %", "77 %", "58 %", "70 %"} & set(words(figure[1]))


def test_ranks_and_sample_are_named(figure):
    expected = {
        "Species rank",
        "200 images, 100 specimens",
        "Subfamily rank",
        "1 image, 1 specimen",
        "correct identifications, training images; bars with 95 % intervals",
    }
    assert expected <= set(words(figure[1]))


def test_bars_and_intervals_have_the_shares_lengths(explanation):
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    shares = {row.character: row for row in explanation.shares[:5]}
    draw_bars(axes, [*CHARACTERS, "none"], shares, named=True)
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([63, 27, 10])
    ends = [segment[:, 0].tolist() for lines in axes.collections for segment in lines.get_segments()]
    assert np.allclose(ends, [(58, 68), (22, 32), (5, 15)])


def test_characters_are_painted_in_the_colours_of_their_shares(explanation):
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 2), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1))
    paint_characters(axes, drawn_capsule(), {"mentum": 1.0, "ventromental_plate": 0.0})
    colours = [layer.get_facecolor()[0, :3] for layer in axes.collections if layer.get_facecolor().size]
    shades = [colormaps["YlGnBu"](value)[:3] for value in (0.0, 1.0)]
    assert np.allclose(colours, shades)  # the larger region first, so that it hides no other


def test_a_character_that_the_photograph_does_not_show_has_a_bar_only(explanation, tmp_path):
    capsule = drawn_capsule(names=("mentum",))
    found = words(draw_character_shares(explanation, capsule, tmp_path)[1])
    assert found.count("mentum") == 3
    assert found.count("ventromental plate") == 1


def test_a_pair_is_labelled_on_its_right_part():
    x, y = label_anchor(drawn_capsule().mask("ventromental_plate"))
    assert 38 < x < 46
    assert 26 < y < 34


@pytest.mark.parametrize("places", [[0.1, 0.1, 0.1], [0.9, 0.95, 1.0], [0.0, 0.5, 0.5, 0.52], [0.2]])
def test_labels_keep_their_order_and_distance(places):
    spaced = spread(places, 0.2)
    assert all(after - before >= 0.2 - 1e-9 for before, after in itertools.pairwise(spaced))
    assert min(spaced) >= 0
    assert max(spaced) <= 1


def test_nothing_correct_gives_no_figure(tmp_path):
    shares = rows((0.5, 0.5, 0), group="incorrect") + rows((0, 0, 0), n=0)
    assert draw_character_shares(explanation_of(*shares), drawn_capsule(), tmp_path) == []
    assert draw_characters_by_taxon(explanation_of(*shares), tmp_path) == []


def test_one_table_per_rank(tables):
    assert [file.name for file in tables] == [
        f"characters_by_taxon_{rank}.{suffix}" for rank in ("species", "subfamily") for suffix in ("png", "svg")
    ]


def test_table_holds_the_shares_and_numbers_of_each_taxon(tables):
    found = words(tables[1])
    assert [word for word in found if word.endswith(" %")] == ["58 %", "40 %", "2 %", "70 %", "7 %", "23 %"]
    assert {"120 images, 60 specimens", "80 images, 40 specimens", "mentum", "none"} <= set(found)
    assert "Species rank: share of images in which each character was used" in found


def test_names_are_italic_from_the_genus_downwards(tables):
    assert "italic" in dict(texts(tables[1]))["Aus bus"]
    assert "italic" not in dict(texts(tables[3]))["Orthocladiinae"]


def test_same_explanation_gives_the_same_bytes_whatever_the_user_s_settings(explanation, tmp_path):
    def draw(folder):
        files = draw_character_shares(explanation, drawn_capsule(), folder)
        return [file.read_bytes() for file in files + draw_characters_by_taxon(explanation, folder)]

    first = draw(tmp_path / "first")
    with mpl.rc_context({"svg.fonttype": "path", "font.family": "serif"}):
        assert draw(tmp_path / "second") == first


def test_importing_the_figure_does_not_load_matplotlib():
    code = "import sys, mentum.reporting.figures.character_shares; print('matplotlib' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
