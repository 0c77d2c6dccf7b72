"""The report as Chromium lays it out, on a screen, on a telephone and on paper."""

import re
import shutil
import subprocess

import pytest

from mentum.reporting.report.page import write_report
from mentum.runs import Run
from support.studies_by_hand import cross_validation, write_audit, write_curve, write_validation

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

WIDTHS = (1280, 390)
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
TELL = "<script>onload = () => parent.postMessage([innerWidth, document.documentElement.scrollWidth, document.documentElement.clientWidth].join(), '*')</script>"  # noqa: E501


@pytest.fixture(scope="module")
def report(trained_run, evaluated_run, tmp_path_factory):
    """With every section: two cross-validations, a learning curve, an audit with thumbnails, comparisons."""
    folder = tmp_path_factory.mktemp("browser")
    path = shutil.copytree(evaluated_run, folder / "run")
    run = Run(path)
    write_validation(path / "crossvalidation", run)
    write_curve(path / "learning-curve", run)
    write_audit(path / "audit", run)
    lakes = write_validation(folder / "lakes", run, cross_validation("each locality judged in turn"), right=False)
    return write_report(run, studies=[lakes], others=[trained_run, lakes])


def browse(folder, *options):
    """Standard output and standard error of a browser without a window."""
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000",
               f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", *options]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout, done.stderr


def test_nothing_goes_wrong_and_the_page_stands_as_written(report, tmp_path):
    html, said = browse(tmp_path, "--dump-dom", report.as_uri())
    assert "CONSOLE" not in said
    assert html.count("<svg") == report.read_text(encoding="utf-8").count("<svg") > 7
    assert html.count("<img") == report.read_text(encoding="utf-8").count("<img") > 6
    for section in ("cross-validation", "specimens", "comparisons", "audit", "provenance"):
        assert f'<section id="{section}"' in html


def test_no_width_scrolls_sideways(report, tmp_path):
    copy = POLICY.sub(TELL, report.read_text(encoding="utf-8"))
    (tmp_path / "copy.html").write_text(copy, encoding="utf-8")
    frames = "".join(
        f'<iframe src="copy.html" style="width:{width}px;height:900px;border:0"></iframe>' for width in WIDTHS
    )
    listen = "<script>onmessage = told => { document.body.append('[' + told.data + ']') }</script>"
    host = tmp_path / "host.html"
    host.write_text(f"<!DOCTYPE html><body>{listen}{frames}", encoding="utf-8")
    html, _ = browse(tmp_path, "--dump-dom", host.as_uri())
    told = sorted(tuple(map(int, found)) for found in re.findall(r"\[(\d+),(\d+),(\d+)\]", html))
    assert [width for width, _, _ in told] == sorted(WIDTHS)
    assert all(scrolled <= seen for _, scrolled, seen in told)


def test_it_prints(report, tmp_path):
    file = tmp_path / "report.pdf"
    browse(tmp_path, f"--print-to-pdf={file}", report.as_uri())
    pages = len(re.findall(rb"/Type\s*/Page\b", file.read_bytes()))
    assert 6 <= pages <= 25
