import base64
import hashlib
import io
import re
import shutil
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from mentum.cli.reporting import report as report_command
from mentum.errors import RunError
from mentum.evaluation.probabilities import evaluate_probabilities
from mentum.evaluation.results import CalibrationReport, Evaluation, UnknownTaxa, UnknownTaxon
from mentum.explanation.results import CharacterShare, Explanation
from mentum.records import Interval
from mentum.reporting.figures.confusions import draw_confusions
from mentum.reporting.report.figures import embed_figure
from mentum.reporting.report.page import write_report
from mentum.runs import Run, write_parquet
from mentum.specimens.pixels import hash_images
from mentum.taxonomy import Rank
from support.explained_by_hand import GEOMETRY
from support.report_pages import Page, page_of
from support.runs_by_hand import SHOTS, TEST_SHOTS, make_run, replace_table, store_scores

SECTIONS = (
    "summary", "accuracy", "cross-validation", "specimens", "comparisons", "confusions", "taxa", "calibration",
    "characters", "unknown", "audit", "images", "notes", "provenance",
)  # fmt: skip
EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A run by hand, evaluated, with its figures, without images."""
    run = make_run(tmp_path_factory.mktemp("bare") / "run", shots=(*SHOTS, *TEST_SHOTS))
    store_scores(run)
    write_report(run)
    return run


@pytest.fixture(scope="module")
def whole(evaluated_run, tmp_path_factory):
    """A trained run, evaluated by the command, with its images and everything that a report may show."""
    run = Run(shutil.copytree(evaluated_run, tmp_path_factory.mktemp("whole") / "run"))
    explanation().write(run.characters_file)
    unknown_taxa().write(run.novelty_file)
    return run


@pytest.fixture(scope="module")
def page(whole):
    return page_of(whole)


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """A run by hand whose probabilities have been judged, with its figures."""
    run = make_run(tmp_path_factory.mktemp("judged") / "run")
    store_scores(run)
    evaluate_probabilities(run).write(run.calibration_file)
    write_report(run)
    return run


@pytest.fixture
def copied(bare, tmp_path):
    """A copy of the bare run, to be changed."""
    return Run(shutil.copytree(bare.path, tmp_path / "run"))


def explanation(character="ventromental_plate"):
    unmeasured = ("mass_low", "mass_high", "pointing", "null_mass", "null_low", "null_high", "shifted_mass",
                  "shifted_low", "shifted_high")  # fmt: skip
    share = CharacterShare(
        rank=Rank.SPECIES, taxon=None, group="correct", character=character, used=0.75, mass=0.4, area=0.1,
        interval=Interval(low=0.5, high=0.9, method="Wilson"), enrichment=4.0, n=8, n_specimens=7,
        **dict.fromkeys(unmeasured),
    )  # fmt: skip
    return Explanation(
        run="run", subsets=("validation",), annotation="outlines.json", alignment="receptive-field", geometry=GEOMETRY,
        rule="the densest one", characters=(character,), shares=(share,), agreement=(), occlusions=(),
        randomisation=(), warnings=("The cells are coarse.",),
    )  # fmt: skip


def unknown_taxa(name="Chironomus riparius"):
    taxon = UnknownTaxon(
        scientific_name=name, taxon_rank=Rank.SPECIES, n_images=5, n_specimens=5, n_known=9, auroc=0.875,
        auroc_distance=0.8, auroc_energy=0.7, caught=None, rejected=None, named={Rank.GENUS: 0.6},
        wrongly_identified=0.4,
    )  # fmt: skip
    return UnknownTaxa(
        stage=1, false_rejection=0.05, rejected=None, mean_auroc=0.875, mean_caught=None, taxa=(taxon,),
        missed=("Orthocladius: the only one of its kind",),
    )  # fmt: skip


def give_images(run, folder, name="photograph-{}.png", size=(40, 30)):
    """Draw the run's images under these names, as if it had been trained on them."""
    folder.mkdir()
    n = len(run.table())
    names = [name.format(row) for row in range(n)]
    for row, each in enumerate(names):
        Image.new("RGB", size, (row * 10, 90, 120)).save(folder / each)
    replace_table(run, run.table().with_columns(pl.Series("file_name", names)))
    for file in run.path.glob("stage*/predictions.parquet"):
        write_parquet(pl.read_parquet(file).with_columns(pl.Series("file_name", names)), file)
    whole = hashlib.sha256("".join(hash_images([folder / each for each in names])).encode()).hexdigest()
    run.update(data=run.record().data.model_copy(update={"source": str(folder), "content_hash": whole}))
    return names


def test_sections_stand_in_their_order_under_one_title(page):
    assert [attrs["id"] for attrs in page.tags("section")] == list(SECTIONS)
    assert len(page.tags("h1")) == 1
    assert len(page.tags("h2")) == len(SECTIONS)
    assert [href[1:] for href in page.attributes("href") if href[1:] in SECTIONS][1:15] == list(SECTIONS)


def test_every_table_has_a_caption_and_every_heading_a_scope(page):
    assert len(page.tags("caption")) == len(page.tags("table"))
    assert all("scope" in attrs for attrs in page.tags("th"))


def test_ids_are_unique_and_every_reference_has_one(page):
    ids = page.attributes("id")
    assert len(set(ids)) == len(ids)
    within = [value for value in page.attributes("href") if value.startswith("#")]
    clips = [url[1] for value in page.attributes("clip-path") if (url := re.fullmatch(r"url\((#.+)\)", value))]
    assert {value[1:] for value in (*within, *clips)} <= set(ids)
    assert clips


def test_nothing_is_fetched_and_no_script_runs(whole):
    html = write_report(whole).read_text(encoding="utf-8")
    assert "http:" not in html
    assert "https:" not in html
    found = Page(html)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in found.elements}
    assert all(source.startswith("data:image/") for source in found.attributes("src"))
    assert all(value.startswith(("#", "data:image/png")) for value in found.attributes("href"))
    assert not [name for _, attrs in found.elements for name in attrs if name.startswith("on")]
    assert any("default-src 'none'" in attrs.get("content", "") for attrs in found.tags("meta"))


def test_a_small_report_is_small(whole):
    assert 30_000 < write_report(whole).stat().st_size < 500_000


def test_same_run_gives_the_same_bytes(whole, tmp_path):
    first, second = (write_report(whole, tmp_path / name / "report.html") for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()


def test_title_block_says_what_was_trained_on_what(page):
    for words in ("Images20", "Specimens20", "4 at species rank, 3 at genus rank", "Recipequick"):
        assert words in page.text


def test_summary_gives_every_accuracy_with_its_images_and_specimens(bare):
    found = page_of(bare).text
    assert (
        "Of 2 test images of 2 specimens, which it was not trained on, the fine-tuned network identified 50.0 %"
        in found
    )
    assert "50.0 % correctly at species rank (95 % interval 9.5-90.5 %)" in found
    assert "Which rank can be defended has not been measured." in found


def test_table_holds_each_row_of_the_evaluation_with_what_chose_the_epoch_once(bare):
    found = page_of(bare).text
    assert "speciesvalidation66.7" in found
    assert "2 of 6" in found
    assert found.count("The validation images chose the epoch") == 1
    assert found.index("The validation images chose") < found.index("Confusions Rows")


def test_scores_of_taxa_without_images_are_undefined(bare):
    found = page_of(bare).text
    assert "Orthocladius---0" in found
    assert "Chironomus plumosus1.0001.0001.0001" in found


def test_names_are_italic_from_the_genus_down(page):
    assert {"Chironomus plumosus", "Orthocladius"} <= set(page.italic)
    assert "Chironominae" not in page.italic
    assert "Chironominae" in page.text


def test_what_is_missing_is_said_in_a_line_with_the_command(bare):
    found = page_of(bare).text
    for command in (
        "mentum evaluate RUN", "mentum explain RUN --characters FILE", "mentum evaluate RUN --novelty",
        "mentum crossvalidate DATA --out RUN/crossvalidation", "mentum learning-curve DATA --out RUN/learning-curve",
        "mentum audit RUN --out RUN/audit", "mentum report RUN --compare OTHER",
    ):  # fmt: skip
        assert command in found
    assert "No photographs are shown: 14 of the 14 images of the training are no longer in images" in found


def test_what_is_there_is_shown(page, whole):
    for words in (
        "ventromental plate75.050.0-90.040.010.04.00",
        "The cells are coarse.",
        "0.875too few40.0genus 60.0 %",
        "Not left out: Orthocladius: the only one of its kind",
        "If at most 5 % of the answers",
    ):
        assert words in page.text
    drawings = [attrs for attrs in page.tags("svg") if attrs["role"] == "img" and attrs["aria-label"]]
    n_confusions = len(list((whole.path / "figures").glob("confusion_*.svg")))
    assert len(drawings) == n_confusions + 2


def test_provenance_tells_settings_versions_hashes_and_what_chose_the_epoch(page, whole):
    record = whole.record()
    facts = (record.data.content_hash, record.data.table_hash, record.command, record.versions["numpy"])
    for words in (*facts, "lowest validation loss", "stage2.learning_rate", "split policyrandom"):
        assert words in page.text
    assert "pixels.size32 (128)" in page.text


def test_galleries_show_each_held_out_image_once(page, whole):
    shown = [attrs["title"] for attrs in page.tags("img")]
    table = whole.table()
    assert sorted(shown) == sorted(table.filter(pl.col("subset") == "validation")["file_name"])


def test_thumbnails_are_small_and_keep_their_form(copied, tmp_path):
    give_images(copied, tmp_path / "photographs", size=(800, 400))
    shown = page_of(copied).attributes("src")
    assert len(shown) == 2
    assert max(map(len, shown)) < 10_000


def test_heat_maps_stand_beside_images_that_were_explained(copied, tmp_path):
    names = give_images(copied, tmp_path / "photographs")
    size = copied.record().settings.pixels.size
    relevance = np.zeros((1, 7, 7), dtype=np.float32)
    relevance[0, 3, 3] = 1
    copied.relevance_folder.mkdir()
    arrays = {"file_name": np.array(names[-1:]), "relevance": relevance, "size": size, "stride": 32, "offset": 15.5}
    np.savez(copied.relevance_folder / "species.npz", **arrays)
    found = page_of(copied)
    assert [attrs["alt"] for attrs in found.tags("img") if "Heat" in attrs["alt"]] == [f"Heat map of {names[-1]}"]
    assert "where the evidence for its identification lies" in found.text


def test_a_heat_map_lies_on_the_part_of_the_image_that_the_network_saw(copied, tmp_path):
    names = give_images(copied, tmp_path / "photographs", size=(80, 40))
    size = copied.record().settings.pixels.size
    copied.relevance_folder.mkdir()
    arrays = {"relevance": np.ones((1, 7, 7), dtype=np.float32), "size": size, "stride": size // 7, "offset": 9}
    box = np.array([[40, 0, 80, 40]])
    np.savez(copied.relevance_folder / "species.npz", file_name=np.array(names[-1:]), box=box, **arrays)
    images = {attrs["alt"]: attrs["src"] for attrs in page_of(copied).tags("img")}
    heat, plain = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(images[alt].partition(",")[2]))), dtype=int)
        for alt in (f"Heat map of {names[-1]}", f"Photograph {names[-1]}")
    )
    difference = np.abs(heat - plain).max(axis=(0, 2))
    assert difference[:32].max() < 12 < 60 < difference[56:-8].min()


def test_images_that_moved_are_found_where_the_user_says(copied, tmp_path):
    names = give_images(copied, tmp_path / "photographs")
    (tmp_path / "photographs").rename(tmp_path / "moved")
    assert "No photographs are shown" in page_of(copied).text
    assert len(page_of(copied, images=tmp_path / "moved").tags("img")) == 2
    Image.new("RGB", (9, 9)).save(tmp_path / "moved" / names[0])
    assert "are not those of the training" in page_of(copied, images=tmp_path / "moved").text


def test_text_from_users_is_never_taken_for_html(copied, tmp_path):
    name = "<img src=x onerror=alert(1)>{}.png"
    give_images(copied, tmp_path / "photographs", name=name)
    data = copied.record().data.model_copy(update={"warnings": (EVIL,)})
    copied.update(data=data, command=f"mentum train '{EVIL}'", versions={EVIL: EVIL})
    for file in (copied.evaluation_file, copied.record_file):
        text = file.read_text(encoding="utf-8").replace("Chironomus plumosus", EVIL)
        file.write_text(text, encoding="utf-8")
    explanation(EVIL).write(copied.characters_file)
    unknown_taxa(EVIL).write(copied.novelty_file)
    evaluation = Evaluation.read(copied.evaluation_file)
    drawn = [each for each in evaluation.confusions if (each.subset, each.rank) == ("test", Rank.SPECIES)]
    draw_confusions(evaluation.model_copy(update={"confusions": tuple(drawn)}), copied.path / "figures")
    found = page_of(copied)
    assert "script" not in {tag for tag, _ in found.elements}
    assert not found.attributes("onerror")
    assert found.text.count(EVIL) >= 6
    assert name.format(13) in found.attributes("title")


def test_without_held_out_images_nothing_is_claimed(tmp_path):
    run = make_run(tmp_path / "run", shots=[shot for shot in SHOTS if shot.subset == "train"])
    store_scores(run)
    found = page_of(run).text
    assert "nothing can be said of the accuracy on new ones" in found
    assert "There are no held-out images to show." in found


def test_defended_rank_is_judged_in_the_summary(judged):
    found = page_of(judged).text
    assert "If at most 5 % of the answers may be wrong" in found
    assert "At most 1 % wrong, by specimen" in found


def test_separate_networks_have_a_report_too(tmp_path):
    run = make_run(tmp_path / "run", heads="separate")
    store_scores(run)
    evaluate_probabilities(run).write(run.calibration_file)
    assert "a temperature for each network" in page_of(run).text


def test_a_run_without_evaluation_says_what_to_run(tmp_path):
    run = make_run(tmp_path / "run")
    with pytest.raises(RunError, match=r"found no evaluation.json.*; run `mentum evaluate RUN` first\.$"):
        write_report(run)
    assert not (run.path / "report.html").exists()


def test_a_damaged_file_leaves_the_earlier_report_as_it_was(copied):
    before = write_report(copied).read_bytes()
    copied.calibration_file.write_text("{}", encoding="utf-8")
    with pytest.raises(RunError, match=r"calibration.json: not readable.*run `mentum evaluate` again"):
        write_report(copied)
    assert (copied.path / "report.html").read_bytes() == before
    assert not list(copied.path.glob("*.part"))


def test_only_what_draws_is_taken_from_a_figure(tmp_path):
    file = tmp_path / "figure.svg"
    file.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="72pt" height="36pt" '
        'onload="alert(1)"><script>alert(2)</script><foreignObject/><style>*{}</style><g id="a" clip-path="url(#b)">'
        '<path d="M 1.23456 2&#10;z" style="fill: url(http://x)"/><use xlink:href="#a"/><image xlink:href="http://x"/>'
        "<text>1 &lt; 2</text></g></svg>",
        encoding="utf-8",
    )
    assert embed_figure(file, "f", "A & B") == (
        '<svg width="96" height="48" role="img" aria-label="A &amp; B"><g id="f-a" clip-path="url(#f-b)">'
        '<path d="M 1.23 2 z" /><use href="#f-a" /><image /><text>1 &lt; 2</text></g></svg>'
    )
    assert embed_figure(tmp_path / "none.svg", "f", "") is None


def test_figures_without_files_are_drawn_as_svg_and_png(copied):
    evaluate_probabilities(copied).write(copied.calibration_file)
    folder, drawn = copied.path / "figures", "confusion_fine-tuned_genus_test"
    (folder / f"{drawn}.png").unlink()
    (folder / "confusion_fine-tuned_species_test.svg").write_text('<svg width="9" height="9"/>', encoding="utf-8")
    drawings = [attrs for attrs in page_of(copied).tags("svg") if attrs["role"] == "img"]
    stems = {file.stem for file in folder.iterdir()}
    assert len(stems) == len(drawings) == 14
    assert {file.name for file in folder.iterdir()} == {
        f"{stem}.{suffix}" for stem in stems for suffix in ("svg", "png")
    }
    assert (folder / "confusion_fine-tuned_species_test.svg").stat().st_size < 100  # was there


def test_a_figure_that_is_no_svg_is_refused(copied):
    (copied.path / "figures" / "confusion_fine-tuned_species_test.svg").write_text("<svg", encoding="utf-8")
    with pytest.raises(RunError, match=r"species_test.svg: not readable as SVG .* draw it again"):
        write_report(copied)


def test_the_date_is_that_of_the_training(bare):
    assert bare.record().finished == datetime(2024, 5, 4, 9, 30, tzinfo=UTC)
    assert page_of(bare).attributes("datetime") == ["2024-05-04"]


def test_command_prints_the_path(copied, tmp_path):
    app = typer.Typer()
    app.command()(report_command)
    done = CliRunner().invoke(app, [str(copied.path), "--out", str(tmp_path / "here" / "it.html")])
    assert (done.exit_code, done.stdout) == (0, f"{tmp_path / 'here' / 'it.html'}\n")
    assert (tmp_path / "here" / "it.html").is_file()


@pytest.mark.parametrize(
    ("n_wrong", "said"), [(2, "species can be defended for"), (9, "which is more than was asked for")]
)
def test_a_broken_promise_is_not_called_defended(judged, tmp_path, n_wrong, said):
    run = Run(shutil.copytree(judged.path, tmp_path / "run"))
    found = CalibrationReport.read(run.calibration_file)
    asked = next(each for each in found.defended if each.error_rate == 0.05)
    lowest = asked.ranks[0].model_copy(update={"threshold": 0.9, "n_answered": 90.0, "n_wrong": float(n_wrong)})
    changed = asked.model_copy(update={"ranks": (lowest,)})
    found.model_copy(update={"defended": (changed,)}).write(run.calibration_file)
    text = page_of(run).text
    assert said in text
    assert ("can be defended for" in text) == (n_wrong == 2)
