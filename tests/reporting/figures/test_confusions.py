import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from mentum.evaluation.results import Confusion
from mentum.reporting.figures.confusions import draw_confusions
from mentum.taxonomy import Rank
from support.runs_by_hand import SHOTS, TEST_SHOTS, make_run, store_scores

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    return store_scores(make_run(tmp_path_factory.mktemp("runs") / "run", shots=(*SHOTS, *TEST_SHOTS)))


@pytest.fixture(scope="module")
def files(evaluation, tmp_path_factory):
    return draw_confusions(evaluation, tmp_path_factory.mktemp("figures") / "new")


def with_confusion(evaluation, counts, labels, rank=Rank.SPECIES):
    """The evaluation with one validation matrix only."""
    confusion = Confusion(
        stage="fine-tuned",
        rank=rank,
        subset="validation",
        labels=labels,
        label_ranks=(rank,) * len(labels),
        counts=tuple(map(tuple, np.asarray(counts).tolist())),
    )
    return evaluation.model_copy(update={"confusions": (confusion,)})


def texts(file):
    """Text → style of every text in an SVG."""
    elements = ElementTree.parse(file).iter(f"{SVG}text")
    return {"".join(element.itertext()).strip(): element.get("style", "") for element in elements}


def test_one_png_and_one_svg_per_stage_rank_and_subset_but_not_for_training(files):
    names = [
        f"confusion_{stage}_{rank}_{subset}.{suffix}"
        for stage in ("top-classifier", "fine-tuned")
        for rank in ("species", "genus", "subfamily")
        for subset in ("validation", "test")
        for suffix in ("png", "svg")
    ]
    assert [file.name for file in files] == names
    assert sorted(file.name for file in files[0].parent.iterdir()) == sorted(names)


def test_png_has_200_dots_per_inch(files):
    with Image.open(files[0]) as image:
        assert image.info["dpi"] == pytest.approx((200, 200), abs=0.1)
        assert 400 < image.width < 1600


def test_svg_keeps_its_text_and_sets_names_in_italics(files):
    (file,) = [file for file in files if file.name == "confusion_fine-tuned_species_validation.svg"]
    found = texts(file)
    for name in ("Chironomus plumosus", "Orthocladius"):
        assert "italic" in found[name]
    assert {"Label", "Identified as", "Fine-tuned, species rank", "validation, n = 6 images"} <= set(found)
    assert "italic" not in found["Label"]


def test_names_above_the_genus_stand_upright(files):
    (file,) = [file for file in files if file.name == "confusion_fine-tuned_subfamily_test.svg"]
    assert "italic" not in texts(file)["Orthocladiinae"]


def test_counts_are_written_and_zeros_stay_blank(evaluation, tmp_path):
    labels = ("Aus bus", "Aus cus")
    _, svg = draw_confusions(with_confusion(evaluation, [[711, 0], [3, 42]], labels), tmp_path)
    found = texts(svg)
    assert {"711", "3", "42"} <= set(found)
    assert "0" not in found
    assert "#ffffff" in found["711"]
    assert "#ffffff" not in found["3"]


@pytest.mark.parametrize(("limit", "written"), [(5, True), (4, False)])
def test_counts_are_left_out_where_cells_are_small(evaluation, tmp_path, limit, written):
    labels = tuple(f"Genus species{k}" for k in range(5))
    _, svg = draw_confusions(with_confusion(evaluation, np.eye(5) * 777, labels), tmp_path, largest_with_counts=limit)
    assert ("777" in texts(svg)) is written


@pytest.mark.slow
def test_a_hundred_taxa_stay_below_18_inches(evaluation, tmp_path):
    labels = tuple(f"Genus species{k}" for k in range(100))
    png, svg = draw_confusions(with_confusion(evaluation, np.eye(100), labels), tmp_path)
    with Image.open(png) as image:
        assert max(image.size) / 200 < 18
    assert svg.stat().st_size < 500_000


def test_a_taxon_without_images_has_an_empty_row(evaluation, tmp_path):
    png, _ = draw_confusions(with_confusion(evaluation, [[0, 0], [0, 1]], ("Aus", "Bus"), Rank.GENUS), tmp_path)
    assert png.stat().st_size > 0


def test_qualifiers_stand_upright_within_a_name(evaluation, tmp_path):
    labels = ("Aus cf. bus-cus", "Dus sp. 1")
    _, svg = draw_confusions(with_confusion(evaluation, np.eye(2), labels), tmp_path)
    letters = [letter for letter in ElementTree.parse(svg).iter(f"{SVG}tspan") if letter.text.strip()]
    slanted = "".join(letter.text for letter in letters if "oblique" in letter.get("style"))
    upright = "".join(letter.text for letter in letters if "oblique" not in letter.get("style"))
    assert slanted == "AusbuscusDus" * 2
    assert upright == "cf.-sp.1" * 2


def test_a_dollar_starts_no_formula(evaluation, tmp_path):
    _, svg = draw_confusions(with_confusion(evaluation, np.eye(2), ("Aus $us", "Aus b$us$")), tmp_path)
    assert svg.is_file()


def test_same_evaluation_gives_the_same_bytes_whatever_the_user_s_settings(evaluation, tmp_path):
    one = with_confusion(evaluation, [[3, 1], [0, 2]], ("Aus bus", "Aus sp. 1"))
    first = draw_confusions(one, tmp_path / "first")
    with mpl.rc_context({"svg.fonttype": "path", "font.family": "serif"}):
        second = draw_confusions(one, tmp_path / "second")
        assert mpl.rcParams["svg.fonttype"] == "path"
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]


def test_importing_figures_does_not_load_matplotlib_and_drawing_not_pyplot(tmp_path):
    code = (
        "import sys, mentum.reporting.figures.confusions; print('matplotlib' in sys.modules); "
        "from pathlib import Path; from matplotlib.figure import Figure; "
        "from mentum.reporting.figures.style import write_figures; "
        "write_figures(Path(sys.argv[1]), {'empty': Figure}); "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "False"]
