"""The report of a run that was explained with characters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mentum.explanation.exemplar import Exemplar
from mentum.explanation.results import Chance, CharacterShare, Explanation, PairShare, TaxonPair
from mentum.explanation.several_runs import RankAgreement, RunsAgreement, ShareAcrossRuns, write_agreement
from mentum.maps import CellGeometry
from mentum.records import Interval
from mentum.reporting.figures.character_shares import draw_character_shares
from mentum.reporting.figures.told_apart import draw_told_apart
from mentum.taxonomy import Rank
from support.report_pages import Page, page_of
from support.runs_by_hand import make_run, store_scores

WITHIN = Interval(low=0.5, high=0.9, method="Wilson")
SPECIES = Rank.SPECIES


def share(character: str, used: float) -> CharacterShare:
    nothing = dict.fromkeys(set(CharacterShare.model_fields) - {"rank", "taxon", "group", "character"}, None)
    return CharacterShare(
        **nothing | {"used": used, "interval": WITHIN, "n": 40, "n_specimens": 30},
        rank=SPECIES, taxon=None, group="correct", character=character,
    )  # fmt: skip


def explanation() -> Explanation:
    pair = TaxonPair(
        rank=SPECIES, taxon="Chironomus plumosus", other="Chironomus riparius", n_confused=2, n=12, n_specimens=9,
        shares=(PairShare(character="wing", used=0.75, interval=WITHIN, necessity=3.0),), images=("a.jpg", "b.jpg"),
    )  # fmt: skip
    return Explanation(
        run="run", subsets=("validation",), annotation="c.json", alignment="receptive-field", rule="by hand",
        geometry=CellGeometry(size=60, cells=2, stride=30, offset=15), characters=("wing", "leg"), told_apart=(pair,),
        shares=(share("wing", 0.7), share("leg", 0.2), share("none", 0.1), share("background", 0.0)),
        chances=(Chance(rank=SPECIES, threshold=1.0, false_positive_rate=0.05, n=9),), agreement=(), occlusions=(),
        randomisation=(), warnings=(),
    )  # fmt: skip


def agreement() -> RunsAgreement:
    shares = ShareAcrossRuns(rank=SPECIES, character="wing", used=(0.7, 0.6), mean=0.65, spread=0.07, widest=0.1)
    rank = RankAgreement(rank=SPECIES, n=38, all_same=0.9, most_same=0.9, trust="One figure stands for others'.")
    return RunsAgreement(
        runs=("seed-0", "seed-1"), subsets=("validation",), annotation="c.json", shares=(shares,), ranks=(rank,)
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    run = make_run(Path(tmp_path_factory.mktemp("explained")) / "run")
    store_scores(run)
    found = explanation()
    found.write(run.characters_file)
    masks = np.zeros((2, 40, 40), dtype=np.float32)
    masks[0, 10:20, 10:20] = 1
    shown = Exemplar(np.full((40, 40, 3), 120, dtype=np.uint8), ("wing", "background"), masks)
    draw_character_shares(found, shown, run.path / "figures")
    draw_told_apart(found, lambda _: shown, run.path / "figures")
    write_agreement(agreement(), run.path)
    return page_of(run)


def test_the_first_section_opens_with_figure_3(page: Page) -> None:
    tags = [tag for tag, _ in page.elements]
    assert tags.index("figure") < tags.index("dl", tags.index("section"))
    labels = [attrs.get("aria-label") for attrs in page.tags("svg")]
    assert labels[0] == "Share of images in which each character was used"
    assert labels.count(labels[0]) == 1  # not once more among the characters


def test_the_summary_names_the_characters_used_most(page: Page) -> None:
    assert (
        "At species rank the character used is the wing in 70.0\u202f% (50.0-90.0\u202f%) and the leg in 20.0\u202f% "
        "(50.0-90.0\u202f%) of 40 correctly identified images."
    ).replace("\u202f", " ") in page.text.replace("\u202f", " ")


def test_pairs_and_other_trainings_are_shown(page: Page) -> None:
    assert "What tells two taxa apart" in page.text
    assert "What tells taxa apart, species rank" in [attrs.get("aria-label") for attrs in page.tags("svg")]
    assert "One figure stands for others'." in page.text
    assert "seed-0" in page.text
    assert "wing70.060.065.07.0" in page.text.replace(" ", "")
