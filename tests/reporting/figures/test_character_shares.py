import itertools
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from mentum.explanation.exemplar import Exemplar, label_anchor
from mentum.explanation.results import Chance, CharacterShare, Explanation
from mentum.maps import CellGeometry
from mentum.records import Interval
from mentum.reporting.figures.capsule import colours_of, from_top, paint_capsule, spread
from mentum.reporting.figures.character_shares import COLUMN, PAGE, draw_bars, draw_character_shares
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


def test_the_figure_comes_at_the_width_of_a_page_and_of_a_column(figure):
    stems = ("character_shares", "character_shares_column")
    assert [file.name for file in figure] == [f"{stem}.{suffix}" for stem in stems for suffix in ("png", "svg")]
    assert len(list(figure[0].parent.iterdir())) == 4
    for file, inches in ((figure[0], PAGE), (figure[2], COLUMN)):
        with Image.open(file) as image:
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
            assert image.width / 300 == pytest.approx(inches, abs=0.35)


def test_no_letters_are_smaller_than_print_can_show(figure):
    sizes = [float(found) for file in figure[1::2] for found in re.findall(r"font-size: ([\d.]+)px", file.read_text())]
    assert min(sizes) >= 6


@pytest.mark.parametrize("place", [1, 3])
def test_shares_stand_at_the_bars(figure, place):
    found = words(figure[place])
    for share_ in ("63 %", "27 %", "31 %", "< 1 %", "10 %", "69 %"):
        assert found.count(share_) == 1


def test_characters_are_named_in_words_once_for_all_ranks(figure):
    found = words(figure[1])
    assert {"mentum", "ventromental", "plate", "none"} <= set(found)
    assert found.count("mentum") == found.count("plate") == found.count("none") == 1
    assert not {"unassigned", "background", "ventromental_plate"} & set(found)


def test_only_correct_identifications_of_all_taxa_are_drawn(figure):
    assert not {"11 %", "12 %", "77 %", "58 %", "70 %"} & set(words(figure[1]))


@pytest.mark.parametrize("place", [1, 3])
def test_ranks_and_sample_are_named(figure, place):
    found = words(figure[place])
    assert {"Species rank", "200 images,", "100 specimens", "Subfamily rank", "1 image,", "1 specimen"} <= set(found)
    assert "Share of images in which it was the character used, by the relevance map;" in found
    assert "correct identifications, training images; 95 % intervals" in found


def test_bars_and_intervals_have_the_shares_lengths(explanation):
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    shares = {row.character: row for row in explanation.shares[:5]}
    draw_bars(axes, [*CHARACTERS, "none"], shares, colours_of([*CHARACTERS, "none"]))
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([63, 27, 10])
    ends = [segment[:, 0].tolist() for lines in axes.collections for segment in lines.get_segments()]
    assert np.allclose(ends, [(58, 68), (22, 32), (5, 15)])


def test_characters_are_painted_in_the_colours_of_their_bars():
    from matplotlib.colors import to_hex
    from matplotlib.figure import Figure

    axes = Figure(figsize=(2, 2), dpi=100).add_axes((0, 0, 1, 1))
    colours = colours_of(CHARACTERS)
    paint_capsule(axes, drawn_capsule(), colours)
    painted = [to_hex(layer.get_facecolor()[0, :3]) for layer in axes.collections if layer.get_facecolor().size]
    assert painted == [colours[name] for name in reversed(CHARACTERS)]  # the larger first, so that it hides no other


def test_answers_that_are_no_character_are_grey():
    colours = colours_of((*CHARACTERS, "any of several", "none", "background"))
    assert len({colours[name] for name in CHARACTERS}) == 2
    assert len({colours[name] for name in ("any of several", "none", "background")}) == 1


def test_rows_follow_the_photograph_from_its_top():
    names = ("wing", "none", *reversed(CHARACTERS))
    assert from_top(drawn_capsule(), names) == [*CHARACTERS, "wing", "none"]


def test_by_necessity_and_of_a_character_that_the_photograph_does_not_show(explanation, tmp_path):
    chance = Chance(rank=Rank.SPECIES, threshold=1.0, false_positive_rate=0.05, n=9)
    measured = explanation.model_copy(update={"chances": (chance,)})
    page, column = map(words, draw_character_shares(measured, drawn_capsule(names=("mentum",)), tmp_path)[1::2])
    assert "Share of images in which it was the character used, by necessity;" in page
    assert "any of several" in page
    assert page.count("plate") == 1  # the name of its bars
    assert "plate" not in column  # beside the drawing
    assert column.count("ventromental plate") == 1


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
