"""Tests of the run folder: what is written comes back, and what is damaged is told."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mentum.errors import RunError
from mentum.runs import Run, RunRecord, write_parquet
from mentum.taxonomy import Rank, taxon_from_lineage
from support.runs_by_hand import SHOTS, make_run
from support.trees import closed


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path / "run")


def test_the_record_comes_back(run: Run) -> None:
    record = run.record()
    record.write(run.path / "copy.json")
    assert RunRecord.read(run.path / "copy.json") == record
    assert not list(run.path.glob("*.part"))


def test_the_record_is_plain_json(run: Run) -> None:
    values = json.loads(run.record_file.read_text())
    assert (values["schema_version"], values["status"]) == (1, "complete")
    assert values["taxa"][0] == {
        "subfamily": "Chironominae", "genus": "Chironomus", "species": "Chironomus plumosus",
    }  # fmt: skip


def test_the_taxonomy_keeps_the_order_of_the_columns(run: Run) -> None:
    taxonomy = run.taxonomy()
    assert taxonomy == closed(run.labels())
    assert [leaf.name for leaf in taxonomy.leaves] == [
        "Chironomus plumosus", "Chironomus riparius", "Polypedilum laetum", "Orthocladius",
    ]  # fmt: skip


def test_labels_are_read_from_the_columns_of_the_ranks(run: Run) -> None:
    assert [label.name for label in run.labels()] == [shot.label for shot in SHOTS]
    assert run.labels()[3].lineage == {Rank.SUBFAMILY: "Orthocladiinae", Rank.GENUS: "Orthocladius"}


def test_predictions_come_back_stage_by_stage(run: Run) -> None:
    first, second = run.predictions()

    assert (first.stage, second.stage) == ("top classifier", "fine-tuned")
    assert second.file_names == [f"image-{number:02}.png" for number in range(len(SHOTS))]
    assert second.specimens.tolist() == [shot.specimen for shot in SHOTS]
    assert second.subsets.tolist() == [shot.subset for shot in SHOTS]
    assert {rank: y_prob.shape for rank, y_prob in second.probabilities.items()} == {
        Rank.SPECIES: (12, 4), Rank.GENUS: (12, 3), Rank.SUBFAMILY: (12, 2),
    }  # fmt: skip
    assert second.probabilities[Rank.SPECIES][0].tolist() == pytest.approx([0.7, 0.1, 0.1, 0.1])


def test_probabilities_are_kept_to_the_last_bit(run: Run) -> None:
    drawn = np.random.default_rng(0).dirichlet(np.ones(4), len(SHOTS)).astype(np.float32)
    names = [f"image-{number:02}.png" for number in range(len(SHOTS))]

    run.write_predictions("stage2", names, {rank: run.taxonomy().sum_up(drawn, rank) for rank in run.record().ranks})

    _, stage = run.predictions()
    found = stage.probabilities[Rank.SPECIES]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, drawn)


def test_a_run_without_a_second_stage(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", stages=("stage1",))
    assert [stage.stage for stage in run.predictions()] == ["top classifier"]


def test_a_table_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "new" / "table.parquet"
    write_parquet(pl.DataFrame({"a": [1]}), file)
    with pytest.raises(pl.exceptions.PolarsError):
        write_parquet(pl.DataFrame({"a": [object()]}), file)
    assert pl.read_parquet(file)["a"].to_list() == [1]


def test_a_lineage_may_come_in_any_order() -> None:
    taxon = taxon_from_lineage({Rank.SPECIES: "Aus bus", Rank.FAMILY: "Fidae", Rank.GENUS: "Aus"})
    assert taxon.path == ((Rank.FAMILY, "Fidae"), (Rank.GENUS, "Aus"), (Rank.SPECIES, "Aus bus"))


# What is not there, not complete, not whole


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"found no run.json, expected a training; give the --out of `mentum train`"):
        Run.open(tmp_path)


def test_an_incomplete_run(run: Run) -> None:
    run.record().model_copy(update={"status": "running"}).write(run.record_file)
    with pytest.raises(RunError, match=r"the training is not complete; give the same `mentum train` command again"):
        Run.open(run.path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "Invalid JSON: EOF"),
        (b'{"status": "comp', "Invalid JSON: EOF"),
        (b"\xff\xfe\x00", "not a text in UTF-8"),
        (b"{}", r"status: Field required and \d+ more faults"),
    ],
    ids=["empty", "cut short", "binary", "not a run"],
)
def test_a_damaged_record(run: Run, content: bytes, found: str) -> None:
    run.record_file.write_bytes(content)
    message = rf"run.json: not readable as a run of this version of Mentum \({found}.*\); train again into a new folder"
    with pytest.raises(RunError, match=message):
        Run.open(run.path)


def test_a_record_of_another_version(run: Run) -> None:
    values = json.loads(run.record_file.read_text()) | {"schema_version": 2}
    run.record_file.write_text(json.dumps(values))
    with pytest.raises(
        RunError, match=r"not readable as a run of this version of Mentum \(schema_version: Input should be 1"
    ):
        Run.open(run.path)


@pytest.mark.parametrize(
    ("name", "damage"),
    [("specimens.parquet", "missing"), ("specimens.parquet", "cut short"), ("stage2/predictions.parquet", "cut short")],
)
def test_a_damaged_table(run: Run, name: str, damage: str) -> None:
    file = run.path / name
    file.unlink() if damage == "missing" else file.write_bytes(file.read_bytes()[:-60])
    with pytest.raises(RunError, match=rf"{file.name}: not readable \(.*\); train again into a new folder"):
        list(run.predictions())


@pytest.mark.parametrize(
    ("column", "row", "value"),
    [
        ("scientificName", 0, "Chironomus riparius"),
        ("species", 5, "Chironomus plumosus"),
        ("genus", 4, None),
        ("file_name", 3, "other.png"),
        ("specimen", 1, "T9"),
    ],
)
def test_a_table_that_was_changed_is_noticed_though_its_counts_fit(
    run: Run, column: str, row: int, value: str | None
) -> None:
    frame = pl.read_parquet(run.table_file)
    cells = frame[column].to_list()
    write_parquet(frame.with_columns(pl.Series(column, [*cells[:row], value, *cells[row + 1 :]])), run.table_file)
    with pytest.raises(RunError, match=r"specimens.parquet: not readable \(found other names, labels, .*; train again"):
        run.table()


def test_images_that_changed_their_subset_are_noticed_though_counts_fit(run: Run) -> None:
    frame = pl.read_parquet(run.table_file)
    swapped = {"T1": "validation", "V5": "train"}  # an image each
    subsets = [swapped.get(name, subset) for name, subset in frame.select("specimen", "subset").iter_rows()]
    write_parquet(frame.with_columns(subset=pl.Series(subsets)), run.table_file)
    with pytest.raises(RunError, match=r"found other names, labels, specimens or subsets than were trained on"):
        run.table()


def test_a_folder_may_be_named_by_a_text(run: Run) -> None:
    assert Run.open(str(run.path)).path == Run(str(run.path)).path == run.path


def cells(html: str) -> dict[str, str]:
    """Heading → cell of a small table."""
    return dict(re.findall(r"<tr><th[^>]*>(.*?)</th><td[^>]*>(.*?)</td></tr>", html))


def test_a_notebook_shows_what_a_run_is(run: Run) -> None:
    assert cells(run._repr_html_()) == {
        "Run": "run",
        "Status": "complete",
        "Trained": "top classifier (tree): 1 epochs; fine-tuned (tree): 1 epochs",
        "Started": "2024-05-04 09:00 UTC, finished 2024-05-04 09:30 UTC",
        "Command": "mentum train images",
        "Images": "train: 5 images of 5 specimens; validation: 7 images of 5 specimens",
        "Backbone": "random (resnet)",
        "Taxa": "4; ranks: species, genus, subfamily",
        "Validation accuracy": "0.80 at species rank; fine-tuned, last epoch (1; kept is epoch 1); "
        "validation: 7 images of 5 specimens",
    }
    run.evaluation_file.write_text("{}")
    assert cells(run._repr_html_())["Evaluation"] == str(run.evaluation_file)


def test_a_notebook_shows_where_stage_2_brought_nothing_and_what_is_not_there_yet(run: Run) -> None:
    first, second = run.record().stages
    run.update(stages=(first, second.model_copy(update={"best_epoch": 0})))
    assert "(1; kept is the network of stage 1)" in cells(run._repr_html_())["Validation accuracy"]
    run.update(status="running", stages=(), finished=None, backbone=None)
    shown = cells(run._repr_html_())
    assert (shown["Status"], shown["Started"]) == ("running", "2024-05-04 09:00 UTC")
    assert not {"Trained", "Backbone", "Validation accuracy"} & set(shown)


def test_nothing_in_a_run_is_taken_for_html(tmp_path: Path) -> None:
    run = make_run(tmp_path / "<script>x" / "<b>run")
    backbone = run.record().backbone
    assert backbone is not None
    run.update(command="<script>alert(1)</script>", backbone=backbone.model_copy(update={"source": "<img src=x>"}))
    run.evaluation_file.write_text("{}")
    html = run._repr_html_()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert set(re.findall(r"<(\w+)", html)) == {"table", "tr", "th", "td"}


def test_a_damaged_run_is_shown_with_its_fault(run: Run) -> None:
    run.record_file.write_text("<script>")
    assert "not readable as a run" in cells(run._repr_html_())["Fault"]
    run.record_file.unlink()
    assert "No such file" in cells(run._repr_html_())["Fault"]
