"""Tables and sentences that a person reads when a job is done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from mentum.cli.console import VisibleConsole
from mentum.records import CheckReport, Severity

if TYPE_CHECKING:
    from mentum.evaluation.learning_curve import LearningCurve
    from mentum.evaluation.results import CalibrationReport, DefendedRanks, Estimate, UnknownTaxa
    from mentum.evaluation.run_comparison import RunComparison
    from mentum.explanation.proposals.propose import Proposals
    from mentum.explanation.results import CharacterShare, Explanation, Occlusion


def print_check(report: CheckReport) -> None:
    """Print what a data set holds and what is wrong with it."""
    console = VisibleConsole(soft_wrap=True)
    console.print(f"{report.data}: {report.n_images} images of {report.n_specimens} specimens")
    console.print(f"read as: {report.layout}")
    left_out = ", ".join(f"{reason} ({number})" for reason, number in report.left_out.items())
    console.print(f"left out: {left_out or 'no file'}")
    per_rank = ", ".join(f"{number} at {rank}" for rank, number in report.taxa_per_rank.items())
    console.print(
        f"taxa: {per_rank or 'one'}; the largest taxon has {report.imbalance:.1f} times the images of the smallest"
    )
    console.print(f"sizes: {_most(report.sizes)}; modes: {_most(report.modes)}")
    table = Table("taxon", "rank", "images", "specimens", box=None, pad_edge=False)
    for taxon in report.taxa:
        table.add_row(taxon.scientific_name, str(taxon.rank), str(taxon.n_images), str(taxon.n_specimens))
    console.print(table)
    for severity, style in ((Severity.ERROR, "bold red"), (Severity.WARNING, "yellow")):
        for fault in report.faults:
            if fault.severity is severity:
                console.print(Text.assemble((severity.value, style), f" {fault.where}: {fault.message}"))
    console.print(("clean", "warnings only: training can go on", "errors: fix them before training")[report.exit_code])


def _most(counts: dict[str, int], shown: int = 4) -> str:
    listed = [f"{name} ({number})" for name, number in list(counts.items())[:shown]]
    return ", ".join(listed + [f"{len(counts) - shown} others"] * (len(counts) > shown))


def percent_of(estimate: Estimate | None) -> str:
    """A score in per cent with its interval; empty where there is none."""
    if estimate is None:
        return ""
    return f"{100 * estimate.value:.1f} ({bounds_of(estimate)})"


def bounds_of(estimate: Estimate) -> str:
    """The interval of a score in per cent."""
    return f"{100 * estimate.interval.low:.1f}-{100 * estimate.interval.high:.1f}"


def print_learning_curve(curve: LearningCurve) -> None:
    """Print accuracy against specimens per taxon, and what more of them would bring."""
    console = VisibleConsole()
    what = f"{curve.n_images} images of {curve.n_specimens} specimens, each judged once at every step"
    console.print(f"{curve.data}: {what}; top classifier on features of backbone {curve.backbone}", soft_wrap=True)
    table = Table(box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("specimens per taxon", no_wrap=True)
    ranks = list(curve.points[-1].accuracies)
    for rank in ranks:
        table.add_column(f"{rank} %", justify="right", no_wrap=True)
    for point, following in zip(curve.points, [*curve.points[1:], None], strict=True):
        cells = (percent_of(point.accuracies[rank]) for rank in ranks)
        table.add_row(f"{point.per_taxon:.1f}", *cells, end_section=following is None)
    for size in dict.fromkeys(each.per_taxon for each in curve.forecasts):
        predicted = {each.rank: each.accuracy for each in curve.forecasts if each.per_taxon == size}
        table.add_row(f"{size:.1f}, predicted", *(percent_of(predicted[rank]) for rank in ranks))
    console.print(table)
    console.print(
        "Predicted: a power law through the errors, if the specimens to come are like these."
        if curve.forecasts
        else "Too few specimens per taxon to predict what more would bring."
    )


def print_comparison(found: RunComparison) -> None:
    """Print who has what right, and whether the difference is more than chance."""
    console = VisibleConsole()
    console.print(f"a: {found.a}\nb: {found.b}", soft_wrap=True)
    table = Table(box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for name in ("rank", "images", "a %", "b %", "b - a (95 %)", "only a, b", "p", "best"):
        table.add_column(name, no_wrap=True, justify="left" if name == "rank" else "right")
    for row in found.ranks:
        each = row.comparison
        bounds = f"{100 * each.interval.low:+.1f} to {100 * each.interval.high:+.1f}"
        shares = (f"{100 * each.accuracy_a:.1f}", f"{100 * each.accuracy_b:.1f}")
        counts = (f"{each.only_a}, {each.only_b}", f"{each.mcnemar_p:.3f}", row.better or "-")
        table.add_row(str(row.rank), str(each.n_images), *shares, f"{100 * each.difference:+.1f} ({bounds})", *counts)
    console.print(table)
    units = " and ".join(sorted({row.comparison.unit for row in found.ranks}))
    console.print(f"p: McNemar's exact test, by {units}; interval: specimens drawn anew.")
    for note in found.notes:
        console.print(note, soft_wrap=True)


def print_calibration(report: CalibrationReport, error_rate: float) -> None:
    """Print what probabilities mean, and at which ranks how much is answered and how much of it wrongly."""
    console = VisibleConsole()
    console.print(f"Probabilities: {report.n_images} images of {report.n_specimens} specimens; {report.method}.")
    table = Table(box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("rank", no_wrap=True)
    for name in ("images %", "specimens %", "ECE", "calibrated", "Brier", "calibrated"):
        table.add_column(name, justify="right", no_wrap=True)
    for rank in report.ranks:
        right = (f"{100 * share:.2f}" for share in rank.accuracy)
        table.add_row(str(rank.rank), *right, *(f"{value:.3f}" for pair in (rank.ece, rank.brier) for value in pair))
    console.print(table)
    for each in report.defended:
        if each.error_rate == error_rate:
            console.print(_defended_table(each))
    for note in report.notes:
        console.print(f"- {note}")


def _defended_table(each: DefendedRanks) -> Table:
    found = "no answer" if each.error is None else f"{each.error:.1%} of {each.n_answered:.0f} answers wrong"
    title = f"asked for at most {each.error_rate:.1%} wrong, by {each.unit}: {each.answered:.1%} answered, {found}"
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("rank", no_wrap=True)
    for name in ("least probability", "answered here %", "wrong", "95 % interval"):
        table.add_column(name, justify="right", no_wrap=True)
    for rank in each.ranks:
        interval = "" if rank.interval is None else f"{100 * rank.interval.low:.1f} - {100 * rank.interval.high:.1f}"
        least = "no answer" if rank.threshold is None else f"{rank.threshold:.3f}"
        wrong = f"{rank.n_wrong:.0f} of {rank.n_answered:.0f}"
        table.add_row(str(rank.rank), least, f"{100 * rank.coverage:.1f}", wrong, interval)
    return table


def print_unknown_taxa(found: UnknownTaxa) -> None:
    """Print how each taxon was taken that was left out of training."""
    console = VisibleConsole()
    table = Table(box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("left out")
    for name in ("specimens", "AUROC", "caught %", "named wrongly %", "right at higher rank %"):
        table.add_column(name, justify="right")
    for each in found.taxa:
        named = ", ".join(f"{rank} {100 * share:.0f}" for rank, share in each.named.items()) or "no relative"
        caught = "too few" if each.caught is None else f"{100 * each.caught:.0f}"
        figures = (f"{each.auroc:.3f}", caught, f"{100 * each.wrongly_identified:.0f}")
        table.add_row(each.scientific_name, str(each.n_specimens), *figures, named)
    console.print(table)
    rejected = "too few to say how many were" if found.rejected is None else f"{found.rejected:.1%} were"
    caught = "none" if found.mean_caught is None else f"{found.mean_caught:.0%}"
    stages = "the top classifier alone" if found.stage == 1 else "both stages"
    console.print(
        f"Each taxon left out of training in turn ({stages}): mean AUROC {found.mean_auroc:.3f}; "
        f"{caught} caught where {found.false_rejection:.0%} of known specimens may be called unknown "
        f"({rejected}).",
        soft_wrap=True,
    )
    for reason in found.missed:
        console.print(f"- not left out: {reason}")


def print_explanation(explanation: Explanation) -> None:
    """Print the shares of characters at each rank, what hiding them does, and the warnings."""
    from mentum.explanation.tables import shares_of_correct

    console = VisibleConsole()
    subsets = " and ".join(explanation.subsets)
    console.print(f"{explanation.run}: {subsets} images, correct identifications; {explanation.rule}.")
    correct = shares_of_correct(explanation)
    for rank in dict.fromkeys(share.rank for share in correct):
        console.print(_share_table(rank, [share for share in correct if share.rank == rank]))
    for each in explanation.agreement:
        console.print(
            f"{each.rank}: the rules of mass, density and peak agree in {each.all_three:.0%} of {each.n} images."
        )
    if explanation.occlusions:
        console.print(_occlusion_table(explanation.occlusions))
    for warning in explanation.warnings:
        console.print(f"- {warning}")


def _share_table(rank: str, shares: list[CharacterShare]) -> Table:
    first = shares[0]
    title = f"{rank}, {first.n} images of {first.n_specimens} specimens"
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("character", no_wrap=True)
    for name in ("used %", "95 %", "mass %", "enriched", "peak %", "null %"):
        table.add_column(name, justify="right", no_wrap=True)
    for share in shares:
        interval = f"{100 * share.interval.low:.1f} - {100 * share.interval.high:.1f}"
        is_answer = share.character not in {"unassigned", "background"}
        table.add_row(
            share.character,
            f"{100 * share.used:.1f}" if is_answer else "",
            interval if is_answer else "",
            _figure(share.mass, 100, 1),
            _figure(share.enrichment, 1, 2),
            _figure(share.pointing, 100, 1),
            _figure(share.null_mass, 100, 1),
        )
    return table


def _figure(value: float | None, factor: int, digits: int) -> str:
    return "" if value is None else f"{factor * value:.{digits}f}"


def _occlusion_table(occlusions: Sequence[Occlusion]) -> Table:
    n = max(each.n for each in occlusions)
    title = f"fall of the label's probability and log-odds where a character is hidden, in up to {n} images"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for name in ("rank", "character", "by"):
        table.add_column(name, no_wrap=True)
    for name in ("p", "odds", "control", "excess, 95 %"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in occlusions:
        odds = (each.log_odds_drop, each.control_log_odds_drop)
        interval = f"{each.excess_low:.1f} to {each.excess_high:.1f}"
        falls = (f"{each.drop:.2f}", *(f"{fall:.1f}" for fall in odds))
        table.add_row(str(each.rank), each.character, each.fill, *falls, interval)
    return table


def print_proposals(proposals: Proposals, run: Path) -> None:
    """Print the proposed characters and how to name them."""
    console = VisibleConsole()
    table = Table("number", "peaks %", "images %", "most often in", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for each in proposals.characters:
        taxa = ", ".join(f"{taxon.scientific_name} ({taxon.share:.0%})" for taxon in each.taxa)
        table.add_row(str(each.number), f"{100 * each.weight:.0f}", f"{100 * each.images:.0f}", taxa)
    console.print(f"No characters were given; from {proposals.n_images} images these are proposed:")
    console.print(table)
    console.print(
        f"Look at {run / 'figures' / 'proposed_characters.png'} and name what you recognise, such as: "
        f"mentum characters {run} 1=mentum 2=mandible --out characters.coco.json", soft_wrap=True,
    )  # fmt: skip
