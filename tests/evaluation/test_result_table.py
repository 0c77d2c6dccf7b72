import csv
import io
import subprocess
import sys

import numpy as np
import pytest
from sklearn import metrics as oracle

from mentum.evaluation.intervals import bootstrap, wilson
from mentum.evaluation.result_table import result_csv, score_run
from mentum.evaluation.results import Evaluation
from mentum.taxonomy import Rank
from support.runs_by_hand import SHOTS, TEST_SHOTS, Shot, make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs") / "tree")


@pytest.fixture(scope="module")
def evaluation(run):
    return score_run(run)


def row(evaluation, rank, subset="validation", stage="fine-tuned"):
    where = (stage, rank, subset)
    (found,) = [each for each in evaluation.table if (each.stage, each.rank, each.subset) == where]
    return found


def test_evaluation_is_stored_in_the_run(run, evaluation):
    evaluation.write(run.evaluation_file)
    assert Evaluation.read(run.evaluation_file) == evaluation
    assert (evaluation.run, evaluation.backbone, evaluation.heads, evaluation.seed) == ("tree", "random", "tree", 0)


def test_rows_are_ordered_by_stage_rank_and_subset(evaluation):
    expected = [
        (stage, rank, subset)
        for stage in ("top classifier", "fine-tuned")
        for rank in (Rank.SPECIES, Rank.GENUS, Rank.SUBFAMILY)
        for subset in ("train", "validation")
    ]
    assert [(row.stage, row.rank, row.subset) for row in evaluation.table] == expected


def test_species_row_leaves_out_the_image_labelled_to_genus(evaluation):
    species = row(evaluation, Rank.SPECIES)
    assert (species.n_misclassified, species.n_images, species.n_specimens) == (2, 6, 4)
    assert species.accuracy == pytest.approx(4 / 6)


@pytest.mark.parametrize("rank", [Rank.GENUS, Rank.SUBFAMILY])
def test_higher_ranks_count_it(evaluation, rank):
    found = row(evaluation, rank)
    assert (found.n_misclassified, found.n_images, found.n_specimens) == (1, 7, 5)


def test_stages_differ(evaluation):
    assert row(evaluation, Rank.SPECIES, "train", "top classifier").n_misclassified == 1
    assert row(evaluation, Rank.SPECIES, "train").n_misclassified == 0
    assert row(evaluation, Rank.SPECIES, stage="top classifier").n_misclassified == 3


def test_interval_is_drawn_over_specimens_where_one_has_several_images(evaluation):
    right = np.array([True, False, True, False, True, True])
    specimens = np.array(["V1", "V1", "V2", "V2", "V4", "V5"])
    assert row(evaluation, Rank.SPECIES).interval == bootstrap(right, specimens, seed=0)
    assert row(evaluation, Rank.SPECIES, "train").interval == wilson(1, 4)


def test_confusion_of_species_is_the_one_made_by_hand(evaluation):
    (confusion,) = [
        confusion
        for confusion in evaluation.confusions
        if (confusion.stage, confusion.rank, confusion.subset) == ("fine-tuned", Rank.SPECIES, "validation")
    ]
    assert confusion.labels == ("Chironomus plumosus", "Chironomus riparius", "Polypedilum laetum", "Orthocladius")
    assert confusion.label_ranks == (Rank.SPECIES, Rank.SPECIES, Rank.SPECIES, Rank.GENUS)
    assert confusion.counts == ((1, 0, 0, 0), (1, 1, 0, 0), (0, 0, 1, 1), (0, 0, 0, 1))


def test_taxon_scores_agree_with_scikit_learn(evaluation):
    scores = [
        score
        for score in evaluation.taxa
        if (score.stage, score.rank, score.subset) == ("fine-tuned", Rank.SPECIES, "validation")
    ]
    y_true, y_pred = [1, 1, 2, 2, 3, 0], [1, 0, 2, 3, 3, 0]
    precision, recall, f1, n = oracle.precision_recall_fscore_support(y_true, y_pred, zero_division=0)
    assert [score.precision for score in scores] == pytest.approx(precision)
    assert [score.recall for score in scores] == pytest.approx(recall)
    assert [score.f1 for score in scores] == pytest.approx(f1)
    assert [score.n_images for score in scores] == n.tolist()


def test_every_confusion_and_score_sums_to_its_row(evaluation):
    assert len(evaluation.confusions) == len(evaluation.table)
    for row, confusion in zip(evaluation.table, evaluation.confusions, strict=True):
        where = (row.stage, row.rank, row.subset)
        counts = np.array(confusion.counts)
        scores = [score for score in evaluation.taxa if (score.stage, score.rank, score.subset) == where]
        images = [image for image in evaluation.misclassified if (image.stage, image.rank, image.subset) == where]
        assert (confusion.stage, confusion.rank, confusion.subset) == where
        assert counts.sum() == sum(score.n_images for score in scores) == row.n_images
        assert counts.sum() - np.trace(counts) == len(images) == row.n_misclassified


def test_misclassified_images_come_with_both_names_the_most_confident_first(evaluation):
    found = [image for image in evaluation.misclassified if image.stage == "fine-tuned" and image.rank == Rank.SPECIES]
    first, second = found
    assert (first.file_name, first.specimen) == ("image-08.png", "V2")
    assert (first.label, first.identified_as) == ("Polypedilum laetum", "Orthocladius")
    assert (first.probability, first.probability_of_label) == pytest.approx((0.85, 0.05))
    assert (second.file_name, second.identified_as) == ("image-06.png", "Chironomus plumosus")


def test_notes_of_a_tree(evaluation):
    optimistic, open_label, leaf = evaluation.notes
    assert "slightly optimistic; a test subset (split.test) would take no part" in optimistic
    assert open_label == "2 images are labelled to genus only and are left out at species rank."
    assert leaf == "Orthocladius is named to genus only and stands among the species."


def test_a_test_subset_has_rows_and_is_noted(tmp_path):
    evaluation = score_run(make_run(tmp_path / "run", shots=(*SHOTS, *TEST_SHOTS)))
    assert [row.subset for row in evaluation.table][:3] == ["train", "validation", "test"]
    assert row(evaluation, Rank.SPECIES, "test").interval == wilson(0.5, 2)
    assert "the test images took no part in the training" in evaluation.notes[0]


def test_without_stage_2_no_epoch_was_chosen(tmp_path):
    evaluation = score_run(make_run(tmp_path / "run", stages=("stage1",)))
    assert {row.stage for row in evaluation.table} == {"top classifier"}
    assert not any("optimistic" in note for note in evaluation.notes)


def test_a_rank_that_no_label_of_a_subset_reaches_has_no_row(tmp_path):
    shots = [shot for shot in SHOTS if shot.subset == "train" or shot.label == "Chironomus"]
    evaluation = score_run(make_run(tmp_path / "run", shots=shots))
    found = [(row.rank, row.subset) for row in evaluation.table if row.stage == "fine-tuned"]
    assert (Rank.GENUS, "validation") in found
    assert (Rank.SPECIES, "validation") not in found


def test_images_without_named_specimens_are_noted_and_take_wilson(tmp_path):
    evaluation = score_run(make_run(tmp_path / "run", specimens_named=False))
    assert {row.interval.method for row in evaluation.table} == {"Wilson"}
    assert any("each image counts as a specimen" in note for note in evaluation.notes)


def test_separate_heads_count_contradictory_names(tmp_path):
    evaluation = score_run(make_run(tmp_path / "run", heads="separate"))
    assert evaluation.heads == "separate"
    notes = [note for note in evaluation.notes if "contradictory" in note]
    assert len(notes) == 2
    assert notes[1].startswith("The separate models of the fine-tuned stage may contradict")
    assert notes[1].endswith("of 7 validation images, 1 got contradictory names.")
    assert row(evaluation, Rank.GENUS).n_misclassified == 2


def test_a_leaf_that_stands_for_itself_contradicts_no_genus(tmp_path):
    shots = [*SHOTS[:5], Shot("Orthocladius", "V1", "validation", "Orthocladius")]
    evaluation = score_run(make_run(tmp_path / "run", heads="separate", shots=shots))
    assert evaluation.notes[-1].endswith("of 1 validation images, 0 got contradictory names.")


def test_a_genus_learned_beside_its_species_is_shown_as_such_and_never_a_label_there(tmp_path):
    """A species identified as its genus is wrong at species rank and right at genus rank."""
    shots = (*SHOTS, Shot("Chironomus plumosus", "V6", "validation", "Chironomus"))
    found = score_run(make_run(tmp_path / "run", shots=shots, open_leaves=True))
    at = {each.rank: each for each in found.confusions if (each.stage, each.subset) == ("fine-tuned", "validation")}
    species, genus = at[Rank.SPECIES], at[Rank.GENUS]
    assert species.labels[0] == "Chironomus (genus only)"
    assert species.label_ranks[0] == "genus"
    assert sum(species.counts[0]) == 0, "no label stands there"
    assert [row[0] for row in species.counts] == [0, 1, 0, 0, 0]
    assert "Chironomus" in genus.labels
    scored = [
        each for each in found.taxa if (each.stage, each.rank, each.subset) == ("fine-tuned", "species", "validation")
    ]
    assert [each.scientific_name for each in scored] == list(species.labels[1:]), "an open column is no taxon there"
    (wrong,) = [each for each in found.misclassified if each.specimen == "V6" and each.stage == "fine-tuned"]
    assert (wrong.rank, wrong.label, wrong.identified_as) == (
        "species", "Chironomus plumosus", "Chironomus (genus only)",
    )  # fmt: skip
    assert "2 images are labelled to genus only and are left out at species rank." in found.notes
    assert (
        "Chironomus also stands for specimens that are named to genus only. A specimen that is named further but "
        "identified so counts as wrong at species rank."
    ) in found.notes
    assert "Orthocladius is named to genus only and stands among the species." in found.notes


def test_one_open_image_is_noted_in_the_singular(tmp_path):
    evaluation = score_run(make_run(tmp_path / "run", shots=SHOTS[:9]))
    assert "1 image is labelled to genus only and is left out at species rank." in evaluation.notes


def test_table_as_csv(evaluation):
    rows = list(csv.DictReader(io.StringIO(result_csv(evaluation))))
    assert len(rows) == len(evaluation.table)
    (species,) = [row for row in rows if (row["stage"], row["rank"]) == ("fine-tuned", "species")][1:]
    assert species["accuracy_percent"] == "66.67"
    assert (species["n_misclassified"], species["n_images"], species["n_specimens"]) == ("2", "6", "4")
    assert float(species["low_percent"]) < 66.67 < float(species["high_percent"])
    assert species["interval"] == "bootstrap over specimens"


def test_evaluation_needs_neither_torch_nor_matplotlib_nor_scikit_learn():
    code = (
        "import sys, mentum.evaluation.result_table; "
        "print([name for name in ('torch', 'matplotlib', 'sklearn') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
