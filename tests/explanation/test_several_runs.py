"""Tests of the comparison of runs by the characters that they use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import mentum
from mentum.errors import RunError, SettingsError
from mentum.explanation.results import NONE, CharacterShare, Explanation
from mentum.explanation.several_runs import RunAnswers, compare_runs, require_same_images
from mentum.maps import CellGeometry
from mentum.records import Interval
from mentum.runs import Run
from mentum.taxonomy import Rank
from support.runs_by_hand import SHOTS, make_run

WITHIN = Interval(low=0, high=1, method="Wilson")


def share(character: str, used: float) -> CharacterShare:
    nothing = dict.fromkeys(set(CharacterShare.model_fields) - {"rank", "taxon", "group", "character"}, None)
    return CharacterShare(
        **nothing | {"used": used, "interval": WITHIN, "n": 4, "n_specimens": 4},
        rank=Rank.SPECIES, taxon=None, group="correct", character=character,
    )  # fmt: skip


def answers(*used: str) -> RunAnswers:
    """A run that names these characters, "" where an image was misidentified."""
    known = {f"{place}.jpg": each for place, each in enumerate(used) if each}
    shares = [share(name, list(known.values()).count(name) / len(known)) for name in ("mentum", "wing", NONE)]
    explanation = Explanation(
        run="run", subsets=("train",), annotation="characters.coco.json", alignment="receptive-field",
        geometry=CellGeometry(size=60, cells=2, stride=30, offset=15), rule="", characters=("mentum", "wing"),
        shares=tuple(shares), agreement=(), occlusions=(), randomisation=(), warnings=(),
    )  # fmt: skip
    return RunAnswers(explanation, {Rank.SPECIES: known})


def test_shares_and_images_are_compared() -> None:
    found = compare_runs(
        ["a", "b", "c"],
        [
            answers("mentum", "mentum", "wing", "none", "mentum"),
            answers("mentum", "wing", "wing", "none", ""),
            answers("mentum", "none", "wing", "none", "wing"),
        ],
    )
    [rank] = found.ranks
    assert (rank.n, rank.all_same, rank.most_same) == (4, 0.75, 0.75)  # two of three are most, one of three is not
    mentum_ = next(each for each in found.shares if each.character == "mentum")
    assert mentum_.used == pytest.approx((0.6, 0.25, 0.2))
    assert mentum_.mean == pytest.approx(0.35)
    assert mentum_.spread == pytest.approx(0.2179, abs=1e-4)
    assert mentum_.widest == pytest.approx(0.4)
    assert "much depends on the training" in rank.trust


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ("mmmmmmmmmw", "mmmmmmmmmw", "stand for the others"),
        ("mmmmmmmmmw", "mmmmmmmwww", "report the mean over the runs"),
        ("mmmmmwwwww", "wwwwwmmmmm", "report the mean over the runs"),
        ("mmmmmmmmmm", "wwwwwwwwww", "much depends on the training"),
    ],
)
def test_how_far_to_trust_it_follows_from_images_and_shares(one: str, other: str, said: str) -> None:
    names = {"m": "mentum", "w": "wing"}
    found = compare_runs(["a", "b"], [answers(*(names[each] for each in run)) for run in (one, other)])
    assert said in found.ranks[0].trust


def test_no_image_in_common_is_said() -> None:
    found = compare_runs(["a", "b"], [answers("mentum", ""), answers("", "mentum")])
    assert (found.ranks[0].n, found.ranks[0].all_same) == (0, None)
    assert "nothing can be compared" in found.ranks[0].trust


def change_record(run: Run, **sections: object) -> Run:
    record = run.record()
    record.model_copy(update=sections).write(run.record_file)
    return Run.open(run.path)


def test_runs_that_cannot_be_compared_are_refused_in_a_sentence(tmp_path: Path) -> None:
    one, other = make_run(tmp_path / "one"), make_run(tmp_path / "other")
    require_same_images([one, other], "train")

    with pytest.raises(RunError, match="is given twice; expected several runs, each once"):
        require_same_images([one, other, one], "train")

    split = make_run(tmp_path / "split", shots=(replace(SHOTS[0], subset="validation"), *SHOTS[1:]))
    with pytest.raises(RunError, match=r"its 4 train .* the 5 of .* \(1 are in .*explain --subset all, or give"):
        require_same_images([one, split], "train")
    with pytest.raises(RunError, match="its 8 validation images are not the 7 of"):
        require_same_images([one, split], "validation")
    require_same_images([one, split], "all")

    ranks = change_record(make_run(tmp_path / "ranks"), ranks=one.record().ranks[:2])
    with pytest.raises(RunError, match=r"reports species, genus, .*/one species, genus, .*; give runs with the same"):
        require_same_images([one, ranks], "all")

    data = one.record().data.model_copy(update={"content_hash": "3" * 64})
    with pytest.raises(RunError, match="was trained on other images than"):
        require_same_images([one, change_record(make_run(tmp_path / "data"), data=data)], "all")


def test_several_runs_need_outlines(tmp_path: Path) -> None:
    one, other = make_run(tmp_path / "one"), make_run(tmp_path / "other")
    with pytest.raises(SettingsError, match="give --characters"):
        mentum.explain(one, other)
