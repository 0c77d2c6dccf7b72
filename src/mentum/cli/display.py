"""Tables and sentences that a person reads when a job is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from mentum.cli.console import VisibleConsole
from mentum.records import CheckReport, Fault, Severity, SpecimenSize, TaxonCount
from mentum.reporting.numbers import decimals, in_percent, percent_bounds

if TYPE_CHECKING:
    from mentum.evaluation.learning_curve import LearningCurve
    from mentum.evaluation.results import CalibrationReport, DefendedRanks, Estimate, UnknownTaxa
    from mentum.evaluation.run_comparison import RunComparison
    from mentum.explanation.proposals.propose import Proposals
    from mentum.explanation.results import CharacterShare, Explanation, Occlusion
    from mentum.explanation.several_runs import RunsAgreement


def print_check(report: CheckReport) -> None:
    """Print what a data set holds and what is wrong with it."""
    from mentum.specimens.crossings import CODE  # loads what the command line starts without

    console = VisibleConsole(soft_wrap=True)
    console.print(f"{report.data}: {report.n_images} images of {report.n_specimens} specimens")
    console.print(f"read as: {report.layout}")
    left_out = ", ".join(f"{reason} ({number})" for reason, number in report.left_out.items())
    console.print(f"left out: {left_out or 'no file'}")
    for fault in report.faults:
        if fault.code == CODE:
            console.print(Text.assemble(("split", "yellow"), f": {fault.message}"))
    per_rank = ", ".join(f"{number} at {rank}" for rank, number in report.taxa_per_rank.items())
    times = f"{decimals(report.imbalance, 1)} times"
    console.print(f"taxa: {per_rank or 'one'}; the largest taxon has {times} the images of the smallest")
    for assumption in report.assumed:
        console.print(f"assumed: {assumption}")
    console.print(f"sizes: {_most(report.sizes)}; modes: {_most(report.modes)}")
    if report.specimen_size is not None:
        console.print(f"specimens: {_specimen_size(report.specimen_size)}")
    table = Table("taxon", "rank", "images", "specimens", box=None, pad_edge=False)
    shown = report.taxa if len(report.taxa) <= _MOST_TAXA else _rarest(report.taxa)
    for taxon in shown:
        table.add_row(taxon.scientific_name, str(taxon.rank), str(taxon.n_images), str(taxon.n_specimens))
    console.print(table)
    if len(shown) < len(report.taxa):
        console.print(f"and {len(report.taxa) - len(shown)} taxa with as many specimens or more; --json lists all")
    for severity, style in ((Severity.ERROR, "bold red"), (Severity.WARNING, "yellow")):
        faults = [fault for fault in report.faults if fault.severity is severity and fault.code != CODE]
        _print_faults(console, faults, style)
    console.print(("clean", "warnings only: training can go on", "errors: fix them before training")[report.exit_code])


def _specimen_size(found: SpecimenSize) -> str:
    """How large specimens are, and whether it is worth cropping to them."""
    looked = f"found by their colour in {found.n_found} of {found.n_images} pictures looked at"
    said = f"cover {found.share:.0%} of the picture in the median ({looked})"
    advice = "; pixels.crop=specimen would lay the network's pixels on them, where the ground is even"
    return said + (advice if found.share < LITTLE else "")


def _print_faults(console: VisibleConsole, faults: Sequence[Fault], style: str) -> None:
    """Print faults of one severity; very many of one kind, as thousands of taxa may have, are counted."""
    seen: Counter[str] = Counter()
    for fault in faults:
        seen[fault.code] += 1
        if seen[fault.code] <= _MOST_OF_A_KIND:
            console.print(Text.assemble((fault.severity.value, style), f" {fault.where}: {fault.message}"))
    for code, number in seen.items():
        if number > _MOST_OF_A_KIND:
            console.print(f"and {number - _MOST_OF_A_KIND} more of the kind {code}; --json lists all")


LITTLE = 0.4
"""Share of the picture below which cropping to the specimen is suggested."""
_MOST_TAXA, _RAREST, _MOST_OF_A_KIND = 200, 20, 50
"""Taxa that are listed one by one; of more, how many of the rarest; faults of one kind."""


def _rarest(taxa: Sequence[TaxonCount]) -> Sequence[TaxonCount]:
    """Those with the fewest specimens, from which least can be learned."""
    return sorted(taxa, key=lambda taxon: taxon.n_specimens)[:_RAREST]


def _most(counts: dict[str, int], shown: int = 4) -> str:
    listed = [f"{name} ({number})" for name, number in list(counts.items())[:shown]]
    return ", ".join(listed + [f"{len(counts) - shown} others"] * (len(counts) > shown))


def percent_of(estimate: Estimate | None) -> str:
    """A score in per cent with its interval; empty where there is none."""
    return f"{in_percent(estimate.value)} ({percent_bounds(estimate.interval)})" if estimate else ""


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
        table.add_row(decimals(point.per_taxon, 1), *cells, end_section=following is None)
    for size in dict.fromkeys(each.per_taxon for each in curve.forecasts):
        predicted = {each.rank: each.accuracy for each in curve.forecasts if each.per_taxon == size}
        table.add_row(f"{decimals(size, 1)}, predicted", *(percent_of(predicted[rank]) for rank in ranks))
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
        bounds = percent_bounds(each.interval, between=" to ", sign=True)
        shares = (in_percent(each.accuracy_a), in_percent(each.accuracy_b))
        counts = (f"{each.only_a}, {each.only_b}", decimals(each.mcnemar_p), row.better or "-")
        table.add_row(
            str(row.rank), str(each.n_images), *shares, f"{in_percent(each.difference, sign=True)} ({bounds})", *counts
        )
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
        right = (in_percent(share, 2) for share in rank.accuracy)
        table.add_row(str(rank.rank), *right, *map(decimals, (*rank.ece, *rank.brier)))
    console.print(table)
    for each in report.defended:
        if each.error_rate == error_rate:
            console.print(_defended_table(each))
    for note in report.notes:
        console.print(f"- {note}")


def _defended_table(each: DefendedRanks) -> Table:
    found = (
        "no answer"
        if each.error is None
        else f"{in_percent(each.error)}% of {decimals(each.n_answered, 0)} answers wrong"
    )
    asked = f"asked for at most {in_percent(each.error_rate)}% wrong, by {each.unit}"
    title = f"{asked}: {in_percent(each.answered)}% answered, {found}"
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("rank", no_wrap=True)
    for name in ("least probability", "answered here %", "wrong", "95 % interval"):
        table.add_column(name, justify="right", no_wrap=True)
    for rank in each.ranks:
        interval = percent_bounds(rank.interval, between=" - ")
        least = "no answer" if rank.threshold is None else decimals(rank.threshold)
        wrong = f"{decimals(rank.n_wrong, 0)} of {decimals(rank.n_answered, 0)}"
        table.add_row(str(rank.rank), least, in_percent(rank.coverage), wrong, interval)
    return table


def print_unknown_taxa(found: UnknownTaxa) -> None:
    """Print how each taxon was taken that was left out of training."""
    console = VisibleConsole()
    table = Table(box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("left out")
    for name in ("specimens", "AUROC", "caught %", "named wrongly %", "right at higher rank %"):
        table.add_column(name, justify="right")
    for each in found.taxa:
        named = ", ".join(f"{rank} {in_percent(share, 0)}" for rank, share in each.named.items()) or "no relative"
        caught = "too few" if each.caught is None else in_percent(each.caught, 0)
        figures = (decimals(each.auroc), caught, in_percent(each.wrongly_identified, 0))
        table.add_row(each.scientific_name, str(each.n_specimens), *figures, named)
    console.print(table)
    rejected = "too few to say how many were" if found.rejected is None else f"{in_percent(found.rejected)}% were"
    caught = "none" if found.mean_caught is None else f"{in_percent(found.mean_caught, 0)}%"
    stages = "the top classifier alone" if found.stage == 1 else "both stages"
    console.print(
        f"Each taxon left out of training in turn ({stages}): mean AUROC {decimals(found.mean_auroc)}; "
        f"{caught} caught where {in_percent(found.false_rejection, 0)}% of known specimens may be called unknown "
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
    for chance in explanation.chances:
        console.print(
            f"{chance.rank}: used where its loss costs more than {decimals(chance.threshold, 1)} in log-odds, which "
            f"forms laid elsewhere cost in {in_percent(chance.false_positive_rate, 0)}% of {chance.n} images."
        )
    for pair in explanation.pairs:
        if pair.is_redundant:
            console.print(
                f"{pair.rank}: either {pair.characters[0]} or {pair.characters[1]} suffices in "
                f"{in_percent(pair.either, 0)}% of {pair.n} images ({percent_bounds(pair.interval, between=' - ')})."
            )
    for each in explanation.agreement:
        share = f"{in_percent(each.all_three, 0)}% of {each.n} images"
        console.print(f"{each.rank}: the rules of mass, density and peak agree in {share}.")
    if explanation.occlusions:
        console.print(_occlusion_table(explanation.occlusions))
    for warning in explanation.warnings:
        console.print(f"- {warning}")


def _share_table(rank: str, shares: list[CharacterShare]) -> Table:
    first = shares[0]
    title = f"{rank}, {first.n} images of {first.n_specimens} specimens"
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("character", no_wrap=True)
    for name in ("used %", "95 %", "needed", "credit", "map %", "mass %"):
        table.add_column(name, justify="right", no_wrap=True)
    for share in shares:
        is_answer = share.character not in {"unassigned", "background"}
        table.add_row(
            share.character,
            in_percent(share.used) if is_answer else "",
            percent_bounds(share.interval, between=" - ") if is_answer else "",
            decimals(share.necessity, 1),
            decimals(share.credit, 1),
            in_percent(share.map_used) if is_answer else "",
            in_percent(share.mass),
        )
    return table


def print_agreement(agreement: RunsAgreement) -> None:
    """Print the share of each character in every run, and how far it can be trusted."""
    console = VisibleConsole()
    console.print(f"{', '.join(agreement.runs)}: {' and '.join(agreement.subsets)} images, correct identifications.")
    for rank in agreement.ranks:
        table = Table(title=rank.rank, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
        table.add_column("character", no_wrap=True)
        for name in ("used % in each run", "mean", "spread"):
            table.add_column(name, justify="right")
        for share in agreement.shares:
            if share.rank == rank.rank:
                used = "  ".join(in_percent(each) for each in share.used)
                table.add_row(share.character, used, in_percent(share.mean), in_percent(share.spread))
        console.print(table)
        if rank.all_same is not None:
            console.print(
                f"All runs name the same character in {in_percent(rank.all_same)}% of the {rank.n} images that all "
                f"identify correctly, most of them in {in_percent(rank.most_same)}%."
            )
        console.print(rank.trust)


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
        interval = f"{decimals(each.excess_low, 1)} to {decimals(each.excess_high, 1)}"
        falls = (decimals(each.drop, 2), *(decimals(fall, 1) for fall in odds))
        table.add_row(str(each.rank), each.character, each.fill, *falls, interval)
    return table


def print_proposals(proposals: Proposals, run: Path) -> None:
    """Print the proposed characters and how to name them."""
    console = VisibleConsole()
    table = Table("number", "peaks %", "images %", "most often in", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for each in proposals.characters:
        taxa = ", ".join(f"{taxon.scientific_name} ({in_percent(taxon.share, 0)}%)" for taxon in each.taxa)
        table.add_row(str(each.number), in_percent(each.weight, 0), in_percent(each.images, 0), taxa)
    console.print(f"No characters were given; from {proposals.n_images} images these are proposed:")
    console.print(table)
    console.print(
        f"Look at {run / 'figures' / 'proposed_characters.png'} and name what you recognise, such as: "
        f"mentum characters {run} 1=mentum 2=mandible --out characters.coco.json", soft_wrap=True,
    )  # fmt: skip
