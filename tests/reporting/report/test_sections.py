"""Tests of the sections of a report: one more is added from outside."""

from __future__ import annotations

import pytest

from mentum.reporting.report.contents import SECTIONS, Section
from mentum.reporting.report.known import Known
from mentum.reporting.report.rendering import render_text
from support.report_pages import page_of
from support.runs_by_hand import make_run, store_scores

TEMPLATE = """
<section id="seed" aria-labelledby="seed-title">
<h2 id="seed-title">Seed</h2>
<p>{{ data }} was split by seed {{ seed | number_of }}.</p>
</section>
"""


def show_seed(known: Known) -> str:
    return render_text(TEMPLATE, seed=known.record.settings.seed, data="<b>Lake</b>")


@pytest.fixture
def run(tmp_path):
    made = make_run(tmp_path / "run")
    store_scores(made)
    return made


def test_a_section_from_outside_stands_in_the_report_and_in_its_list_of_sections(run, monkeypatch):
    monkeypatch.setitem(SECTIONS, "seed", Section("Seed of it all", show_seed))

    page = page_of(run)

    assert [attrs["id"] for attrs in page.tags("section")] == list(SECTIONS)
    assert page.attributes("href").count("#seed") == 1
    assert "Seed of it all" in page.text
    assert f"<b>Lake</b> was split by seed {run.record().settings.seed}." in page.text


def test_sections_stand_in_the_order_of_their_table_and_can_be_left_out(run, monkeypatch):
    table = {name: SECTIONS[name] for name in ("notes", "summary")}
    monkeypatch.setattr("mentum.reporting.report.page.SECTIONS", table)

    assert [attrs["id"] for attrs in page_of(run).tags("section")] == ["notes", "summary"]


def test_every_section_is_the_element_that_the_list_of_sections_leads_to(run):
    known = Known.read(run, None, (), ())

    for name, section in SECTIONS.items():
        assert f'<section id="{name}" aria-labelledby="{name}-title">' in section.show(known)
