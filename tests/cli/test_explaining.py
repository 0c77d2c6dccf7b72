"""Tests of `mentum explain` and `mentum characters`: files, streams, exit codes, and messages."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from mentum import cli
from mentum.explanation.annotation.characters import read_annotations
from mentum.explanation.results import Explanation
from mentum.phantoms.dataset import draw_phantoms
from mentum.phantoms.settings import PhantomSettings
from support.command_line import Command, call, sets


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("explaining")


@pytest.fixture(scope="module")
def data(folder: Path) -> Path:
    return draw_phantoms(folder / "drawn", PhantomSettings(images_per_taxon=3, width=96))


@pytest.fixture(scope="module")
def run(folder: Path, data: Path) -> Path:
    out = folder / "run"
    command = ["mentum", "train", str(data), "--out", str(out), "--recipe", "quick", "--log", "quiet"]
    with pytest.MonkeyPatch.context() as patch:
        small = sets("pixels.size=64", "stage2.epochs=2")
        patch.setattr(sys, "argv", [*command, "--cache", str(folder / "cache"), *small])
        with pytest.raises(SystemExit, match="0"):
            cli.main()
    return out


@pytest.fixture(scope="module")
def proposed(run: Path, folder: Path) -> Path:
    """A copy of the run, explained without outlines."""
    copy = shutil.copytree(run, folder / "proposed", ignore=shutil.ignore_patterns("relevance", "characters*"))
    found = call("explain", copy, "--cache", folder / "cache", "--subset", "all")
    assert found.code == 0
    assert "mentum characters" in found.out
    assert (copy / "figures" / "proposed_characters.png").is_file()
    return copy


def explain_arguments(run: Path, data: Path, *more: object) -> list[object]:
    characters = data / "characters.coco.json"
    return ["explain", run, "--characters", characters, "--cache", run.parent / "cache", *more]


def test_explain_prints_shares_and_warnings_and_writes_all_its_files(mentum_: Command, run: Path, data: Path) -> None:
    found = mentum_(*explain_arguments(run, data, "--subset", "all", "--occlude", "2"))
    assert (found.code, found.err) == (0, "")
    for words in ("species", "subfamily", "postoccipital_margin", "used %", "does not rule out a shortcut", "hidden"):
        assert words in found.out
    assert max(map(len, found.out.splitlines())) <= 80
    explanation = Explanation.read(run / "characters.json")
    assert (explanation.subsets, explanation.alignment) == (("train", "validation"), "receptive-field")
    assert (run / "characters.csv").read_text("utf-8").startswith("rank,taxon,group,character,n,")
    for rank in ("species", "genus", "subfamily"):
        with np.load(run / "relevance" / f"{rank}.npz") as maps:
            assert maps["relevance"].shape == (30, 8, 8)
        assert len(list((run / "relevance" / "overlays" / rank).glob("*.png"))) == 30
        assert list((run / "figures").glob(f"gallery_{rank}_*.png"))
    for figure in ("character_shares.png", "character_shares.svg", "characters_by_taxon_species.png"):
        assert (run / "figures" / figure).is_file()
    assert list((run / "figures").glob("contrast_*_not_*.png"))
    assert not list(run.rglob("*.part"))

    # Pictures of an earlier explanation do not stay
    (run / "figures" / "confusion_by_hand.png").write_bytes(b"")
    mentum_(*explain_arguments(run, data, "--subset", "validation", "--rank", "genus"))
    assert [file.name for file in (run / "relevance").glob("*.npz")] == ["genus.npz"]
    assert len(list((run / "relevance" / "overlays").rglob("*.png"))) == 10
    assert not list((run / "figures").glob("gallery_species_*"))
    assert (run / "figures" / "confusion_by_hand.png").exists()


def test_explain_gives_json_and_nothing_else(mentum_: Command, run: Path, data: Path) -> None:
    found = mentum_(*explain_arguments(run, data, "--subset", "all", "--rank", "subfamily", "--json"))
    listed = json.loads(found.out)
    assert list(listed) == ["subfamily"]
    mentum = next(row for row in listed["subfamily"] if row["character"] == "mentum")
    assert {"character", "used", "interval", "necessity", "credit", "map_used", "mass", "enrichment", "n"} <= set(
        mentum
    )
    assert 0 <= mentum["interval"]["low"] <= mentum["used"] <= mentum["interval"]["high"] <= 1


def test_alignment_is_on_record(mentum_: Command, run: Path, data: Path) -> None:
    mentum_(*explain_arguments(run, data, "--align", "half-pixel"))
    explanation = Explanation.read(run / "characters.json")
    assert (explanation.alignment, explanation.geometry.offset) == ("half-pixel", 3.5)


def test_all_faults_of_an_annotation_come_before_any_work(
    mentum_: Command,
    run: Path,
    data: Path,
    tmp_path: Path,
) -> None:
    record = json.loads((data / "characters.coco.json").read_text("utf-8"))
    record["images"][0]["file_name"] = "images/nowhere.jpg"
    record["annotations"][-1]["category_id"] = 99
    faulty = tmp_path / "faulty.json"
    faulty.write_text(json.dumps(record), encoding="utf-8")

    found = mentum_("explain", run, "--characters", faulty, "--cache", run.parent / "cache")

    assert (found.code, found.out) == (2, "")
    assert "faults to fix before characters can be read" in found.err
    assert "images/nowhere.jpg" in found.err
    assert "99" in found.err


def test_without_outlines_characters_are_proposed_and_named(
    mentum_: Command,
    proposed: Path,
    tmp_path: Path,
) -> None:
    run = proposed
    numbers = [each["number"] for each in json.loads((run / "proposals.json").read_text("utf-8"))["characters"]]
    assert numbers
    out = tmp_path / "named.coco.json"
    named = mentum_("characters", run, f"{numbers[0]}=mentum", "--out", out)
    assert (named.code, named.out) == (0, f"{out}\n")
    files = [path.relative_to(run.parent / "drawn").as_posix() for path in (run.parent / "drawn").rglob("*.jpg")]
    assert read_annotations(out, files, run.parent / "drawn").characters == ("mentum",)

    again = mentum_(*explain_arguments(run, out.parent, "--characters", out, "--rank", "species", "--json"))
    assert again.code == 0
    assert json.loads(again.out)["species"][0]["character"] == "mentum"


def test_outlines_of_specimens_alone_serve_the_proposals(
    mentum_: Command,
    run: Path,
    data: Path,
    tmp_path: Path,
) -> None:
    record = json.loads((data / "characters.coco.json").read_text("utf-8"))
    capsule = next(each["id"] for each in record["categories"] if each["name"] == "head_capsule")
    record["annotations"] = [each for each in record["annotations"] if each["category_id"] == capsule]
    file = tmp_path / "outlines.json"
    file.write_text(json.dumps(record), encoding="utf-8")
    found = mentum_("explain", run, "--characters", file, "--cache", run.parent / "cache", "--subset", "all")
    assert found.code == 0
    assert "these are proposed" in found.out


def test_names_for_nothing_are_refused(mentum_: Command, proposed: Path, tmp_path: Path) -> None:
    found = mentum_("characters", proposed, "99=mentum", "--out", tmp_path / "out.json")
    assert (found.code, found.out) == (2, "")
    assert "99 is no proposed character" in found.err
    assert not (tmp_path / "out.json").exists()


def test_characters_need_proposals(mentum_: Command, run: Path, tmp_path: Path) -> None:
    (run / "proposals.json").unlink(missing_ok=True)
    found = mentum_("characters", run, "1=mentum", "--out", tmp_path / "out.json")
    assert found.code == 2
    assert "found no proposals.json; run `mentum explain` without --characters first" in found.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rank", "family"], "does not report family; expected some of species, genus, subfamily"),
        (["--subset", "test"], "has no test images; choose another --subset"),
        (["--outline", "skull"], "'skull': no annotation has this category, which was named as the specimen's outline"),
    ],
)
def test_a_fault_is_said(
    mentum_: Command,
    run: Path,
    data: Path,
    arguments: list[str],
    message: str,
) -> None:
    found = mentum_(*explain_arguments(run, data, *arguments))
    assert (found.code, found.out) == (2, "")
    assert message in found.err
