"""Tests of the command line: `mentum audit` and `mentum learning-curve` on tiny drawn sets."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from mentum.audit.findings import FROZEN, Audit
from mentum.runs import OUT_OF_FOLD
from support.annotated_data import box, categories, image, region, write_coco_by_hand
from support.command_line import Command, call, sets


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in which no sentence breaks."""
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture(scope="module")
def crossvalidated(trained_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both stages on two folds of the data, by another seed than the audit's."""
    out = tmp_path_factory.mktemp("crossvalidated") / "study"
    short = sets("stage1.epochs=1", "stage2.epochs=1")
    options = ("--folds", 2, "--recipe", "quick", "--seed", 5, "--cache", trained_data.parent / "cache", *short)
    assert call("crossvalidate", trained_data, "--out", out, *options, "--log", "quiet").code == 0
    return out


def test_a_training_is_audited_with_its_split(mentum_: Command, trained_run: Path, tmp_path: Path) -> None:
    done = mentum_("audit", trained_run, "--out", tmp_path / "audit", "--cache", tmp_path, "--log", "quiet")

    assert (done.code, done.err) == (0, "")
    assert "What tells the taxon without the specimen" in done.out
    assert "Near-duplicates: " in done.out
    found = Audit.read(tmp_path / "audit" / "audit.json")
    assert (found.n_images, found.n_specimens, found.backbone) == (20, 20, "builtin")  # the training's is random
    assert {each.image.subset for each in found.suspects} <= {"train", "validation"}
    assert found.judged_by == FROZEN
    with Image.open(tmp_path / "audit" / "figures" / "suspects.png") as sheet:
        assert sheet.width > 700


def test_a_data_set_is_audited_again_from_what_is_kept(mentum_: Command, trained_data: Path, tmp_path: Path) -> None:
    options = (trained_data, "--out", tmp_path / "audit", "--cache", tmp_path, "--log", "quiet", "--json")
    first, again = mentum_("audit", *options), mentum_("audit", *options)

    assert (first.code, again) == (0, first)
    assert (
        json.loads(first.out)["duplicates"] == json.loads((tmp_path / "audit" / "audit.json").read_text())["duplicates"]
    )


def test_the_audit_of_a_training_lies_beside_it(mentum_: Command, trained_run: Path, tmp_path: Path) -> None:
    shutil.copytree(trained_run, tmp_path / "run")

    done = mentum_("audit", tmp_path / "run", "--cache", tmp_path, "--log", "quiet")

    assert (done.code, done.err) == (0, "")
    assert (tmp_path / "run" / "audit" / "audit.json").is_file()
    assert done.out.splitlines()[-1] == f"Written: {tmp_path}/run/audit/audit.json, {tmp_path}/run/audit/figures"


def test_the_audit_of_a_data_set_needs_a_place(mentum_: Command, trained_data: Path) -> None:
    done = mentum_("audit", trained_data)

    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"mentum: {trained_data}: is no training's folder, so that the result has no place; give --out.\n"
    )


def test_outlined_specimens_are_put_on_other_backgrounds(
    mentum_: Command, trained_run: Path, trained_data: Path, tmp_path: Path
) -> None:
    names = sorted(str(file.relative_to(trained_data)) for file in trained_data.glob("images/*"))
    outlined = write_coco_by_hand(
        tmp_path / "outlines.json",
        [image(number, name, (40, 32)) for number, name in enumerate(names)],
        [region(number, number, 1, box(10, 8, 30, 24)) for number in range(len(names) - 1)],
        categories(specimen="specimen"),
    )
    options = ("--outlines", outlined, "--cache", tmp_path, "--log", "quiet", "--json")

    of_run = mentum_("audit", trained_run, "--out", tmp_path / "run", *options)
    of_data = mentum_("audit", trained_data, "--out", tmp_path / "data", *options)

    assert (of_run.code, of_data.code) == (0, 0)
    found = json.loads(of_run.out)
    assert found["background"]["judge"] == "the trained networks, validation images"
    assert found["background"]["n_images"] == 4
    assert "1 of 20 images are not outlined: their specimens were found by colour." in found["notes"]
    found = json.loads(of_data.out)
    assert found["background"]["judge"] == FROZEN
    assert found["background"]["n_images"] >= 19
    assert found["background"]["accuracy"]["value"] == pytest.approx(found["accuracy"], abs=0.11)


def test_regions_stand_for_the_specimen_where_nothing_outlines_it(trained_data: Path, tmp_path: Path) -> None:
    from mentum.specimens.manifest import read_specimens
    from mentum.workflows.audit import specimen_masks

    table = read_specimens(trained_data)
    coco = write_coco_by_hand(
        tmp_path / "characters.json",
        [image(1, table.file_names[2], (40, 32))],
        [region(1, 1, 1, box(0, 0, 20, 16)), region(2, 1, 2, box(20, 16, 40, 32))],
        categories("head", "abdomen"),
    )

    masks = specimen_masks(coco, table, 40)

    assert masks.any(axis=(1, 2)).nonzero()[0].tolist() == [2]
    assert masks[2].sum() == 2 * 20 * 16
    assert masks[2, 4:20, :20].all()
    assert masks[2, 20:36, 20:].all()


def test_outlines_of_other_images_are_refused(mentum_: Command, trained_data: Path, tmp_path: Path) -> None:
    kinds = categories(specimen="specimen")
    coco = write_coco_by_hand(
        tmp_path / "other.json", [image(1, "other.png")], [region(1, 1, 1, box(1, 1, 9, 9))], kinds
    )
    options = ("--out", tmp_path / "audit", "--outlines", coco, "--cache", trained_data.parent / "cache")

    done = mentum_("audit", trained_data, *options, "--log", "quiet")

    assert done.code == 2
    assert done.err.startswith(f"mentum: {coco}: 1 fault to fix")
    assert not (tmp_path / "audit").exists()


def test_a_cross_validation_judges_the_labels(
    mentum_: Command, trained_data: Path, crossvalidated: Path, tmp_path: Path
) -> None:
    options = ("--out", tmp_path / "audit", "--crossvalidation", crossvalidated, "--cache", tmp_path, "--log", "quiet")

    done = mentum_("audit", trained_data, *options)

    assert (done.code, done.err) == (0, "")
    said = "networks trained in both stages of the cross-validation study (2 folds by specimen, backbone random)"
    assert f"Labels that look wrong, the first of 1 (by {said}, out of fold " in done.out
    found = Audit.read(tmp_path / "audit" / "audit.json")
    assert found.judged_by == said
    right = json.loads((crossvalidated / "crossvalidation.json").read_text())["ranks"][0]["accuracy"]["value"]
    assert found.accuracy == pytest.approx(right)
    assert not (tmp_path / "audit" / "folds").exists()


def test_a_cross_validation_of_other_images_is_refused(
    mentum_: Command, trained_data: Path, crossvalidated: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained_data, tmp_path / "data")
    table = (tmp_path / "data" / "specimens.csv").read_text()
    (tmp_path / "data" / "specimens.csv").write_text(table.replace(",0-1\n", ",0-9\n"))
    options = ("--out", tmp_path / "audit", "--cache", tmp_path / "cache", "--log", "quiet")

    done = mentum_("audit", tmp_path / "data", *options, "--crossvalidation", crossvalidated)

    assert done.code == 2
    assert done.err.startswith(f"mentum: {crossvalidated}: is of other images, labels or specimens than {tmp_path}")
    assert not (tmp_path / "audit").exists()


@pytest.mark.parametrize("missing", [OUT_OF_FOLD, "study.json"])
def test_half_a_cross_validation_is_refused(
    mentum_: Command, trained_data: Path, crossvalidated: Path, tmp_path: Path, missing: str
) -> None:
    shutil.copytree(crossvalidated, tmp_path / "study")
    (tmp_path / "study" / missing).unlink()
    options = ("--out", tmp_path / "audit", "--cache", trained_data.parent / "cache", "--log", "quiet")

    done = mentum_("audit", trained_data, *options, "--crossvalidation", tmp_path / "study")

    assert done.code == 2
    expected = {OUT_OF_FOLD: f"found no {OUT_OF_FOLD}, expected a complete", "study.json": "holds no cross-validation"}
    assert done.err.startswith(f"mentum: {tmp_path}/study: {expected[missing]}")


def test_other_images_than_those_of_the_training_are_refused(
    mentum_: Command, trained_run: Path, trained_data: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained_data, tmp_path / "data")
    file = next(file for file in (tmp_path / "data").rglob("*") if file.suffix in {".png", ".jpg"})
    with Image.open(file) as image:
        image.transpose(Image.Transpose.ROTATE_180).save(file)
    moved = ("--data", tmp_path / "data", "--cache", tmp_path / "cache", "--log", "quiet")

    done = mentum_("audit", trained_run, "--out", tmp_path / "audit", *moved)

    assert done.code == 2
    assert "the images are not those that" in done.err
    assert not (tmp_path / "audit").exists()


def test_an_audit_takes_no_folder_of_something_else(mentum_: Command, trained_data: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    done = mentum_("audit", trained_data, "--out", tmp_path, "--cache", trained_data.parent / "cache", "--log", "quiet")

    assert done.code == 2
    assert done.err == f"mentum: {tmp_path}: found other files, expected a new or empty folder; give another --out.\n"


def test_a_learning_curve_is_printed_and_drawn(mentum_: Command, trained_data: Path, tmp_path: Path) -> None:
    options = (trained_data, "--out", tmp_path / "curve", "--folds", 2, "--recipe", "quick", "--backbone", "builtin")

    done = mentum_("learning-curve", *options, "--set", "stage1.epochs=3", "--cache", tmp_path, "--log", "quiet")

    assert (done.code, done.err) == (0, "")
    assert "Too few specimens per taxon to predict" in done.out
    points = json.loads((tmp_path / "curve" / "learning_curve.json").read_text())["points"]
    assert [point["per_taxon"] for point in points] == sorted(point["per_taxon"] for point in points)
    assert {file.suffix for file in (tmp_path / "curve" / "figures").iterdir()} == {".png", ".svg"}


def test_two_runs_are_compared(mentum_: Command, trained_run: Path, separate_run: Path) -> None:
    done = mentum_("compare", trained_run, separate_run)

    assert (done.code, done.err) == (0, "")
    assert "McNemar's exact test, by image" in done.out
    assert "a: validation images, which chose the epoch" in done.out
    same = json.loads(mentum_("compare", trained_run, trained_run, "--json").out)
    assert {
        (row["comparison"]["difference"], row["comparison"]["mcnemar_p"], row["better"]) for row in same["ranks"]
    } == {(0.0, 1.0, None)}


def test_what_is_no_training_cannot_be_compared(mentum_: Command, trained_run: Path, tmp_path: Path) -> None:
    done = mentum_("compare", trained_run, tmp_path)

    assert done.code == 2
    assert "found no run.json, expected a training" in done.err
