"""Tests of what is printed of an audit."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentum.audit.backgrounds import BackgroundSwap
from mentum.audit.findings import Audit
from mentum.audit.shortcuts import CueResult
from mentum.cli.display_audit import print_audit
from mentum.evaluation.results import Estimate
from mentum.records import Interval
from mentum.specimens.crossings import Crossing

INTERVAL = Interval(low=0.1, high=0.9, method="Wilson")


def estimate(value: float) -> Estimate:
    return Estimate(value=value, interval=INTERVAL)


def cue(name: str, *, above: bool, of_specimen_too: bool) -> CueResult:
    return CueResult(
        cue=name, n_images=50, n_specimens=50, n_taxa=10, accuracy=0.5, interval=INTERVAL, balanced_accuracy=0.52,
        chance=0.1, majority=0.1, p=0.005, p_corrected=0.02, n_permutations=199, of_specimen_too=of_specimen_too,
        above_chance=above, found=above and not of_specimen_too,
    )  # fmt: skip


def swap(*, decides: bool, same: bool = True) -> BackgroundSwap:
    return BackgroundSwap(
        judge="the trained networks, test images", n_images=50, n_specimens=40, accuracy=estimate(0.9),
        accuracy_own=estimate(0.81), accuracy_same=estimate(0.78) if same else None, accuracy_other=estimate(0.62),
        changed=estimate(0.3), followed=estimate(0.205), decides=decides,
    )  # fmt: skip


def printed(capsys: pytest.CaptureFixture[str], background: BackgroundSwap | None) -> str:
    cues = (
        cue("background", above=True, of_specimen_too=False),
        cue("colour", above=True, of_specimen_too=True),
        cue("compression", above=True, of_specimen_too=True),
        cue("file", above=False, of_specimen_too=False),
    )
    found = Audit(
        data="set", backbone="builtin", n_images=50, n_specimens=40, accuracy=0.77, shortcuts=cues, duplicates=(),
        bursts=(), suspects=(), background=background, notes=("A note.",),
    )  # fmt: skip
    print_audit(found, Path("out"))
    return capsys.readouterr().out


def test_what_crosses_a_split_is_said_first(capsys: pytest.CaptureFixture[str]) -> None:
    crossing = Crossing(
        what="photographs that look alike", n_groups=105, n_crossing=34, n_pairs=60, sides={"train and test": 60},
        worst=({"train": ("a.png",), "test": ("b.png", "c.png")},),
    )  # fmt: skip
    found = Audit(
        data="set", backbone="builtin", n_images=50, n_specimens=40, accuracy=0.77, shortcuts=(), duplicates=(),
        crossings=(crossing,), bursts=(), suspects=(), notes=(),
    )  # fmt: skip
    print_audit(found, Path("out"))

    assert capsys.readouterr().out.splitlines()[1] == (
        "Split: 34 of 105 groups of photographs that look alike stand on several sides of the split (60 pairs: 60 "
        "train and test), such as a.png (train) and b.png (test) with 1 more."
    )


def test_shortcuts_and_hints_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, None)

    rows = {line.split()[0]: line.split()[-1] for line in out.splitlines() if "10.0-90.0" in line}
    assert rows == {"background": "yes", "colour": "no", "compression": "no", "file": "no"}
    assert "colour and compression: above chance, but the specimen is part of it" in out
    assert "On the background" not in out


@pytest.mark.parametrize(
    ("decides", "verdict"),
    [(True, "the background decides some answers"), (False, "that the background plays a part could not be shown")],
)
def test_what_other_backgrounds_do_is_said_in_two_sentences(
    capsys: pytest.CaptureFixture[str], decides: bool, verdict: str
) -> None:
    assert (
        "On the background of another taxon 62.0 % are identified rightly, on that of their own taxon 78.0 %, on a "
        f"smooth version of their own background 81.0 %, untouched 90.0 %: {verdict}. 20.5 % become the taxon that the "
        "background came from (50 images of 40 specimens, by the trained networks, test images).\n"
    ) in printed(capsys, swap(decides=decides))


def test_backgrounds_of_their_own_taxon_are_not_spoken_of_where_there_are_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "are identified rightly, on a smooth version" in printed(capsys, swap(decides=False, same=False))


def test_who_judged_the_labels_and_the_notes_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, None)

    assert "(by top classifiers on features of the frozen backbone, out of fold 77 % right):\n" in out
    assert out.endswith("A note.\nWritten: out/audit.json, out/figures\n")
