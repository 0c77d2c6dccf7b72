import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from mentum.evaluation.probabilities import evaluate_probabilities
from mentum.evaluation.results import RankCalibration, ReliabilityBin, RiskCoverage
from mentum.reporting.figures.calibration import draw_calibration
from mentum.taxonomy import Rank
from support.runs_by_hand import make_run

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return evaluate_probabilities(make_run(tmp_path_factory.mktemp("runs") / "run"))


@pytest.fixture(scope="module")
def files(report, tmp_path_factory):
    return draw_calibration(report, tmp_path_factory.mktemp("figures") / "new")


def texts(file):
    """Every text in an SVG, in order."""
    return ["".join(element.itertext()).strip() for element in ElementTree.parse(file).iter(f"{SVG}text")]


def at_one_rank(report, bins=(), curve=None):
    """The report with one rank, of these bins after the temperature, and one curve."""
    bins = bins or (ReliabilityBin(low=0.6, high=0.7, n=9, probability=0.65, accuracy=0.7),)
    rank = RankCalibration(
        rank=Rank.TRIBE,
        n_images=23,
        n_specimens=9,
        accuracy=(0.9, 0.95),
        ece=(0.1234, 0.05),
        brier=(0.4, 0.3),
        bins_before=(),
        bins_after=bins,
    )
    curve = curve or RiskCoverage(rank=Rank.TRIBE, coverage=(0.5, 1.0), error=(0.0, 0.02), area=0.01)
    return report.model_copy(update={"ranks": (rank,), "curves": (curve,)})


def test_reliability_and_risk_are_drawn_as_png_and_svg(files):
    names = ["reliability.png", "reliability.svg", "risk_coverage.png", "risk_coverage.svg"]
    assert [file.name for file in files] == names
    assert sorted(file.name for file in files[0].parent.iterdir()) == names


def test_png_has_200_dots_per_inch(files):
    for file in (files[0], files[2]):
        with Image.open(file) as image:
            assert image.info["dpi"] == pytest.approx((200, 200), abs=0.1)
            assert 700 < image.width < 2000
            assert len(image.convert("RGB").getcolors(2**20)) > 10


def test_reliability_names_every_rank_before_and_after_with_its_images(files, report):
    found = texts(files[1])
    for rank, n in (("species", 6), ("genus", 7), ("subfamily", 7)):
        assert found.count(f"{rank}, as trained") == found.count(f"{rank}, calibrated") == 1
        (each,) = [each for each in report.ranks if each.rank == rank]
        assert each.n_images == n
        for ece, brier in zip(each.ece, each.brier, strict=True):
            assert {f"ECE {ece:.3f}", f"Brier {brier:.3f}"} <= set(found)
    assert (found.count("n = 6"), found.count("n = 7")) == (2, 4)
    assert (found.count("Probability"), found.count("Share identified correctly")) == (3, 2)


def test_figures_before_the_temperature_stand_in_the_upper_row(report, tmp_path):
    _, svg, _, _ = draw_calibration(at_one_rank(report), tmp_path)
    found = [text for text in texts(svg) if text.startswith(("tribe", "ECE", "Brier", "n ="))]
    assert found == [
        "ECE 0.123", "Brier 0.400", "n = 23", "tribe, as trained",
        "ECE 0.050", "Brier 0.300", "n = 23", "tribe, calibrated",
    ]  # fmt: skip


def test_curves_name_their_rank_and_area_in_percent(files, report):
    found = texts(files[3])
    for curve in report.curves:
        assert f"{curve.rank} (area {100 * curve.area:.2f} %)" in found
    assert "Share of specimens answered, the most probable first" in found
    assert "Wrong of the answers, %" in found


def test_points_lie_at_their_bin_and_grow_with_its_specimens(report, tmp_path):
    """At probability and accuracy; nine specimens of ten have nearly the whole area, one of ten little."""
    bins = tuple(
        ReliabilityBin(low=p - 0.02, high=p + 0.02, n=n, probability=p, accuracy=share)
        for p, n, share in ((0.2, 1, 0.5), (0.8, 9, 0.6))
    )
    _, svg, _, _ = draw_calibration(at_one_rank(report, bins), tmp_path)
    (points,) = [
        group for group in ElementTree.parse(svg).iter(f"{SVG}g")
        if group.get("id", "").startswith("PathCollection") and len(list(group.iter(f"{SVG}path"))) == 2
    ]  # fmt: skip
    ((left, low), (right, high)), sizes = _centres(points)
    assert sizes[1] / sizes[0] == pytest.approx(((12 + 198) / (12 + 22)) ** 0.5, rel=1e-3)
    assert (right - left) / (low - high) == pytest.approx(0.6 / 0.1, rel=1e-3)


def _centres(points):
    """Centres and diameters of drawn circles."""
    places, sizes = [], []
    for path in points.iter(f"{SVG}path"):
        numbers = [float(word) for word in path.get("d").replace("\n", " ").split() if word[0] in "-0123456789"]
        x, y = np.array(numbers[::2]), np.array(numbers[1::2])
        places.append(((x.min() + x.max()) / 2, (y.min() + y.max()) / 2))
        sizes.append(x.max() - x.min())
    return places, sizes


def test_a_rank_without_any_error_can_be_drawn(report, tmp_path):
    curve = RiskCoverage(rank=Rank.TRIBE, coverage=(1.0,), error=(0.0,), area=0.0)
    *_, svg = draw_calibration(at_one_rank(report, curve=curve), tmp_path)
    assert "tribe (area 0.00 %)" in texts(svg)


def test_seven_ranks_have_a_curve_each(report, tmp_path):
    ranks = list(Rank)[5:12]
    curves = tuple(RiskCoverage(rank=rank, coverage=(0.5, 1.0), error=(0.0, 0.1), area=0.05) for rank in ranks)
    *_, svg = draw_calibration(at_one_rank(report).model_copy(update={"curves": curves}), tmp_path)
    assert {f"{rank} (area 5.00 %)" for rank in ranks} <= set(texts(svg))


def test_same_report_gives_the_same_bytes_whatever_the_user_s_settings(report, files, tmp_path):
    with mpl.rc_context({"svg.fonttype": "path", "font.family": "serif"}):
        again = draw_calibration(report, tmp_path)
    assert [file.read_bytes() for file in files] == [file.read_bytes() for file in again]


def test_importing_calibration_figures_does_not_load_matplotlib():
    code = "import sys, mentum.reporting.figures.calibration; print('matplotlib' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False"]
