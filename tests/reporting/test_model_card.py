"""Tests of the model card: every figure of it from the run, and the limits in words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mentum.evaluation.probabilities import evaluate_probabilities
from mentum.model.folder import Model
from mentum.reporting.model_card import write_card
from mentum.runs import Run
from mentum.taxonomy import Rank
from support.models_by_hand import make_model
from support.runs_by_hand import make_run, store_scores


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("card") / "run")


@pytest.fixture
def card(run: Run, tmp_path: Path) -> str:
    record = make_model(tmp_path / "model", doi="10.5281/zenodo.1", licence="CC-BY-4.0").record
    write_card(record, evaluate_probabilities(run), run, tmp_path / "README.md")
    return (tmp_path / "README.md").read_text("utf-8")


def test_model_hubs_can_read_its_front_matter(card: str) -> None:
    head = card.split("---\n")[1]
    assert head.splitlines() == [
        "license: cc-by-4.0", "library_name: mentum", "pipeline_tag: image-classification", "tags:", "- taxonomy",
        "- darwin-core",
    ]  # fmt: skip


def test_every_taxon_has_its_line(card: str) -> None:
    for line in (
        "| *Chironomus plumosus* | species | Chironominae > Chironomus | 3 | 2 |",
        "| *Chironomus riparius* | species | Chironominae > Chironomus | 0 | 0 |",
        "| *Orthocladius* | genus | Orthocladiinae | 0 | 0 |",
        "| Chironomus (labelled no lower) | | | 1 | 1 |",
    ):
        assert line in card.splitlines()


def test_accuracies_are_those_of_the_evaluation_without_the_training(card: str, run: Run) -> None:
    rows = [line for line in card.splitlines() if re.match(r"\| (top classifier|fine-tuned) ", line)]
    held_out = [row for row in store_scores(run).table if row.subset != "train"]
    assert len(rows) == len(held_out) > 0
    for line, row in zip(rows, held_out, strict=True):
        assert (
            f"| {row.rank} | {row.subset} | {100 * row.accuracy:.2f} | {row.n_misclassified} of {row.n_images} " in line
        )


def test_calibration_and_promises_are_there(card: str, run: Run) -> None:
    report = evaluate_probabilities(run)
    assert f"{report.n_images} images of {report.n_specimens} specimens; {report.method}." in card
    for rank in report.ranks:
        right = " | ".join(f"{100 * share:.2f}%" for share in rank.accuracy)
        assert f"| {rank.rank} | {right} | {rank.ece[0]:.3f} | {rank.ece[1]:.3f} |" in card
    for rate in ("1%", "5%", "10%"):
        assert f"Asked for an error of at most {rate}: " in card
    for figure in ("figures/reliability.png", "figures/risk_coverage.png"):
        assert f"]({figure})" in card


def test_limits_and_provenance_are_said(card: str) -> None:
    for words in (
        "resnet (random, from random weights)",
        "- Identifier: 10.5281/zenodo.1",
        "stranger than 95% of them is called unknown",
        "It knows the 4 taxa above and nothing else",
        "`PredictedByMachine` until a person",
        "mentum verify MODEL",
        "mentum.load('MODEL')",
        "- Command: `mentum train images`",
        "tree.onnx: largest difference of a probability from the trained network's 0.0e+00 over 1 images",
    ):
        assert words in card


def test_a_model_with_too_few_specimens_says_that_it_calls_nothing_unknown(released: Path) -> None:
    card = (released / "README.md").read_text("utf-8")
    assert "Too few calibration specimens to tell unknown taxa from known ones: no specimen is called unknown." in card
    assert "- Identifier: no DOI; the seal in model.json names this very version" in card


def test_the_card_links_to_files_of_the_folder_only(released: Path) -> None:
    card = (released / "README.md").read_text("utf-8")
    links = re.findall(r"\]\(([^)]+)\)", card)
    assert links
    assert set(links) <= set(Model.open(released).record.files)


def test_hundreds_of_taxa_stand_at_the_end(run: Run, tmp_path: Path) -> None:
    record = make_model(tmp_path / "model").record
    lineages = tuple(
        {Rank.GENUS: f"Aus{letter}", Rank.SPECIES: f"Aus{letter} {name}"}
        for letter in "abcdefghijklmnopqrstuvwxyz"
        for name in ("albus", "niger", "ruber", "minor", "major")
    )
    long = record.model_copy(update={"taxa": lineages})
    write_card(long, evaluate_probabilities(run), run, tmp_path / "README.md")
    card = (tmp_path / "README.md").read_text("utf-8")
    headings = re.findall(r"^## (.+)$", card, re.MULTILINE)
    assert headings[-1] == "Taxa"
    assert headings.count("Taxa") == 1
    assert "The 130 taxa, with their training images, are listed at the [end of this page](#taxa)." in card
    assert "It knows the 130 taxa below and nothing else" in card
    assert all(f"| *{lineage[Rank.SPECIES]}* | species |" in card for lineage in lineages)


# Names and licences that hold mark-up

MARKUP = "a|b <img src=x> [x](http://e.org) `c` *d*\n# e"
PLAIN = r"a\|b \<img src=x\> \[x\](http://e.org) \`c\` \*d\* \# e"


@pytest.mark.parametrize("field", ["name", "licence", "doi"])
def test_no_text_of_the_model_is_mark_up(run: Run, tmp_path: Path, field: str) -> None:
    record = make_model(tmp_path / "model", **{field: MARKUP}).record
    write_card(record, evaluate_probabilities(run), run, tmp_path / "README.md")
    card = (tmp_path / "README.md").read_text("utf-8")
    assert PLAIN in card
    assert "<img" not in card.partition("---\n")[2].partition("---\n")[2].replace(r"\<img", "")
    assert "\n# e" not in card


def test_no_name_of_a_taxon_breaks_the_table(run: Run, tmp_path: Path) -> None:
    taxa = ({Rank.SUBFAMILY: "a|b", Rank.SPECIES: "<b>c"}, {Rank.SUBFAMILY: "e", Rank.SPECIES: "f`g"})
    record = make_model(tmp_path / "model", taxa=taxa).record
    write_card(record, evaluate_probabilities(run), run, tmp_path / "README.md")
    lines = (tmp_path / "README.md").read_text("utf-8").splitlines()
    assert r"| *\<b\>c* | species | a\|b | 0 | 0 |" in lines
    assert r"| *f\`g* | species | e | 0 | 0 |" in lines


def test_a_licence_is_one_value_of_the_front_matter(run: Run, tmp_path: Path) -> None:
    record = make_model(tmp_path / "model", licence="mine: all\n---\nx").record
    write_card(record, evaluate_probabilities(run), run, tmp_path / "README.md")
    head = (tmp_path / "README.md").read_text("utf-8").split("---\n")[1]
    assert head.splitlines()[0] == r'license: "mine: all\n---\nx"'
