"""A report of hundreds of taxa: what is too large to be read is replaced by what matters, and nothing is dropped."""

from __future__ import annotations

import numpy as np
import pytest

from mentum.evaluation.results import LARGEST_MATRIX, Evaluation
from mentum.reporting.figures.confusions import LARGEST_DRAWN, draw_confusions, undrawn_ranks
from mentum.reporting.report.figures import WORST_PAIRS
from mentum.reporting.report.page import write_report
from mentum.taxonomy import Rank
from support.many_taxa import make_run_of_many
from support.runs_by_hand import store_scores

N_SPECIES = 400


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    run = make_run_of_many(tmp_path_factory.mktemp("runs") / "run", N_SPECIES)
    store_scores(run)
    return run


@pytest.fixture(scope="module")
def evaluation(run):
    return Evaluation.read(run.evaluation_file)


@pytest.fixture(scope="module")
def page(run):
    return write_report(run, run.path / "report.html").read_text(encoding="utf-8")


def of_species(evaluation):
    (confusion,) = [each for each in evaluation.confusions if (each.rank, each.subset) == (Rank.SPECIES, "validation")]
    return confusion


def test_a_long_matrix_is_stored_as_its_cells_that_hold_images(evaluation):
    confusion = of_species(evaluation)
    assert len(confusion.labels) == N_SPECIES > LARGEST_MATRIX
    assert confusion.counts == ()
    assert len(confusion.cells) == N_SPECIES + N_SPECIES // 4
    assert sum(n for _, _, n in confusion.cells) == 2 * N_SPECIES
    (small,) = [each for each in evaluation.confusions if (each.rank, each.subset) == (Rank.GENUS, "validation")]
    assert small.cells == ()
    assert np.sum(small.counts) == 2 * N_SPECIES


def test_no_matrix_is_drawn_whose_names_cannot_be_read(evaluation, tmp_path):
    drawn = draw_confusions(evaluation, tmp_path)
    assert {file.stem for file in drawn} == {
        "confusion_top-classifier_genus_validation",
        "confusion_top-classifier_family_validation",
    }
    assert undrawn_ranks(evaluation) == {Rank.SPECIES: N_SPECIES}
    assert N_SPECIES > LARGEST_DRAWN


def test_the_report_lists_the_worst_pairs_instead(page, evaluation):
    confusion = of_species(evaluation)
    assert f"a matrix of {N_SPECIES} taxa is too large to be drawn" in page
    n_pairs = len(confusion.worst)
    assert f"The {WORST_PAIRS} pairs confused most often, of {n_pairs}" in page
    table = page.partition("Taxa confused most often at species rank")[2].partition("</table>")[0]
    rows = table.count('<tr><th scope="row"')
    assert rows == WORST_PAIRS
    row, column, _ = confusion.worst[0]
    assert table.index(confusion.labels[row]) < table.index(confusion.labels[column])


def test_scores_of_all_taxa_are_there_folded_away(page):
    assert f"the 30 taxa with the lowest F1, of {N_SPECIES}" in page
    folded = page.partition("<details>")[2].partition("</details>")[0]
    assert f"All {N_SPECIES} taxa at species rank" in folded
    assert folded.count('<tr><th scope="row"') == N_SPECIES


def test_the_page_stays_small(page):
    assert len(page.encode()) < 2_000_000
