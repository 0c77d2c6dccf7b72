"""What a person reads when an audit is done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

from mentum.cli.console import VisibleConsole
from mentum.evaluation.wording import role, size_in_points
from mentum.reporting.numbers import decimals, in_percent, percent_bounds

if TYPE_CHECKING:
    from mentum.audit.backgrounds import BackgroundSwap
    from mentum.audit.findings import Audit
    from mentum.audit.shortcuts import CueResult
    from mentum.evaluation.results import Estimate


def print_audit(found: Audit, out: Path) -> None:
    """Print what an audit found."""
    console = VisibleConsole()
    what = f"{found.n_images} images of {found.n_specimens} specimens, backbone {found.backbone}"
    console.print(f"{found.data}: {what}", soft_wrap=True)
    for crossing in found.crossings:
        console.print(f"Split: {crossing.sentence}", soft_wrap=True)
    console.print(_cue_table(found.shortcuts))
    both = [cue.cue for cue in found.shortcuts if cue.above_chance and cue.of_specimen_too]
    if both:
        console.print(
            f"{' and '.join(both)}: above chance, but the specimen is part of it, so it may tell by rights.",
            soft_wrap=True,
        )
    if found.background is not None:
        console.print(_background_sentence(found.background), soft_wrap=True)
    kinds = [each.kind for each in found.duplicates]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    console.print(f"Near-duplicates: {len(kinds)} pairs{f' ({counts})' if counts else ''}.")
    console.print(f"Bursts that a split tears: {len(found.bursts)}.")
    judges = f"by {found.judged_by}, out of fold {in_percent(found.accuracy, 0)} % right"
    console.print(f"Labels that look wrong, the first of {len(found.suspects)} ({judges}):", soft_wrap=True)
    for each in found.suspects[:10]:
        console.print(f"  {each.image.file_name}: {each.reason}", soft_wrap=True)
    for note in found.notes:
        console.print(note, soft_wrap=True)
    console.print(f"Written: {out}/audit.json, {out}/figures", soft_wrap=True)


def _cue_table(cues: tuple[CueResult, ...]) -> Table:
    table = Table(title="What tells the taxon without the specimen", title_justify="left", box=SIMPLE_HEAD)
    for name in ("cue", "accuracy % (95 %)", "balanced %", "chance %", "p", "shortcut"):
        table.add_column(name, justify="left" if name == "cue" else "right", no_wrap=True)
    for cue in cues:
        accuracy = f"{in_percent(cue.accuracy)} ({percent_bounds(cue.interval)})"
        shares = (accuracy, in_percent(cue.balanced_accuracy), in_percent(cue.chance))
        table.add_row(cue.cue, *shares, decimals(cue.p_corrected), "yes" if cue.found else "no")
    return table


def _background_sentence(swap: BackgroundSwap) -> str:
    verdict = role("the background", swap.followed.value, swap.is_sure)
    if swap.cost is not None:
        verdict += f"; beyond a mere seam it costs {size_in_points(swap.cost)}"
    images = f"{swap.n_images} images of {swap.n_specimens} specimens"
    same = "" if swap.accuracy_same is None else f"on that of their own taxon {_percent(swap.accuracy_same)}, "
    return (
        f"On the background of another taxon {_percent(swap.accuracy_other)} are identified rightly, {same}on a smooth "
        f"version of their own background {_percent(swap.accuracy_own)}, untouched {_percent(swap.accuracy)}: "
        f"{verdict}. {_percent(swap.followed)} become the taxon that the background came from ({images}, by "
        f"{swap.judge})."
    )


def _percent(estimate: Estimate) -> str:
    return f"{in_percent(estimate.value)} %"
