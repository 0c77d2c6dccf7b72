"""Whether several trainings on the same images, such as those of other seeds, use the same characters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from mentum.errors import RunError
from mentum.explanation.results import Explanation
from mentum.explanation.tables import shares_of_correct
from mentum.records import Record
from mentum.runs import Run
from mentum.specimens.run_images import Subset
from mentum.taxonomy import Rank

AGREEMENT_FILE = "agreement.json"
"""In the folder of the first run."""

FIRM, NARROW = 0.8, 0.1
"""Share of images in which all runs name the same character, and the widest difference of a share between runs, with
which one run's figures stand for the others'."""


class ShareAcrossRuns(Record):
    """The share of one answer at one rank, in the correct identifications of each run.

    Attributes:
        used: of each run, 0-1.
        spread: standard deviation over the runs (n - 1).
        widest: the largest share less the smallest one.
    """

    rank: Rank
    character: str
    used: tuple[float, ...]
    mean: float
    spread: float
    widest: float


class RankAgreement(Record):
    """How often runs name the same character in an image.

    Attributes:
        n: images that all runs identify correctly and of which all say which character was used.
        all_same: share of these in which all runs name the same one (or none), 0-1; None without such images.
        most_same: share in which more than half of the runs do.
        trust: how far the shares can be trusted, in a sentence.
    """

    rank: Rank
    n: int
    all_same: float | None
    most_same: float | None
    trust: str


class RunsAgreement(Record):
    """What `mentum explain RUN1 RUN2 …` stores beside the explanation of each run.

    Attributes:
        runs: the names of their folders, the first one's holds this file.
    """

    schema_version: Literal[1] = 1
    runs: tuple[str, ...]
    subsets: tuple[str, ...]
    annotation: str
    shares: tuple[ShareAcrossRuns, ...]
    ranks: tuple[RankAgreement, ...]


@dataclass(frozen=True)
class RunAnswers:
    """What one run says of its images.

    Attributes:
        used: rank → file name → the character used, of the correctly identified images of which that is known.
    """

    explanation: Explanation
    used: Mapping[Rank, Mapping[str, str]]


def require_same_images(runs: Sequence[Run], subset: Subset) -> None:
    """Refuse runs that cannot be compared image by image.

    Raises:
        RunError: if a run is given twice, or one differs from the first in its images, ranks or subset.
    """
    first, record = runs[0], runs[0].record()
    seen = {first.path.resolve()}
    for run in runs[1:]:
        if run.path.resolve() in seen:
            raise RunError(f"{run.path}: is given twice; expected several runs, each once.")
        seen.add(run.path.resolve())
        found = run.record()
        if found.data.content_hash != record.data.content_hash:
            raise RunError(
                f"{run.path}: was trained on other images than {first.path}; runs are compared image by image, so give "
                "runs of the same images."
            )
        if found.ranks != record.ranks:
            raise RunError(
                f"{run.path}: reports {', '.join(found.ranks)}, {first.path} {', '.join(record.ranks)}; give runs with "
                "the same ranks."
            )
        _require_same_subset(first, run, subset)


def _require_same_subset(first: Run, run: Run, subset: Subset) -> None:
    if subset == "all":
        return
    one, other = (set(_names(each, subset)) for each in (first, run))
    if one != other:
        raise RunError(
            f"{run.path}: its {len(other)} {subset} images are not the {len(one)} of {first.path} ({len(one ^ other)} "
            f"are in one of the two only); explain --subset all, or give runs with the same split."
        )


def _names(run: Run, subset: Subset) -> list[str]:
    table = run.table()
    names: list[str] = table.filter(table["subset"] == subset)["file_name"].to_list()
    return names


def compare_runs(names: Sequence[str], answers: Sequence[RunAnswers]) -> RunsAgreement:
    """Compare the characters used, rank by rank.

    Args:
        names: of the runs.
        answers: of each run, about the same images.
    """
    first = answers[0].explanation
    shares = tuple(_shares([each.explanation for each in answers]))
    ranks = [rank for rank in answers[0].used if all(rank in each.used for each in answers)]
    return RunsAgreement(
        runs=tuple(names),
        subsets=first.subsets,
        annotation=first.annotation,
        shares=shares,
        ranks=tuple(_agreement(rank, answers, [each for each in shares if each.rank == rank]) for rank in ranks),
    )


def _shares(explanations: Sequence[Explanation]) -> Iterator[ShareAcrossRuns]:
    found = [{(each.rank, each.character): each.used for each in shares_of_correct(one)} for one in explanations]
    for rank, character in found[0]:
        used = [each.get((rank, character)) for each in found]
        known = [each for each in used if each is not None]
        if character in explanations[0].answers and len(known) == len(used):
            yield ShareAcrossRuns(
                rank=rank,
                character=character,
                used=tuple(known),
                mean=float(np.mean(known)),
                spread=float(np.std(known, ddof=1)),
                widest=max(known) - min(known),
            )


def _agreement(rank: Rank, answers: Sequence[RunAnswers], shares: Sequence[ShareAcrossRuns]) -> RankAgreement:
    used = [each.used[rank] for each in answers]
    common = [name for name in used[0] if all(name in each for each in used)]
    votes = [max(Counter(each[name] for each in used).values()) for name in common]
    n_runs = len(answers)
    all_same = sum(vote == n_runs for vote in votes) / len(votes) if votes else None
    most_same = sum(2 * vote > n_runs for vote in votes) / len(votes) if votes else None
    trust = _trust(rank, n_runs, all_same, len(votes), shares)
    return RankAgreement(rank=rank, n=len(votes), all_same=all_same, most_same=most_same, trust=trust)


def _trust(rank: Rank, n_runs: int, all_same: float | None, n: int, shares: Sequence[ShareAcrossRuns]) -> str:
    """How far one run's figures stand for those of others, by `FIRM` and `NARROW`."""
    if all_same is None or not shares:
        return f"At {rank} rank no image is identified correctly by all {n_runs} runs: nothing can be compared."
    least = max(shares, key=lambda each: each.widest)
    found = (
        f"At {rank} rank the {n_runs} runs name the same character in {all_same:.0%} of {n} images, and the share of "
        f"\u201c{least.character}\u201d differs most between them ({min(least.used):.0%} to {max(least.used):.0%})"
    )
    if all_same >= FIRM and least.widest <= NARROW:
        return f"{found}: the figures of one run stand for the others'."
    if all_same >= FIRM or least.widest <= NARROW:
        return f"{found}: report the mean over the runs with its range, not one run's figure."
    return f"{found}: much depends on the training; report the range, and make nothing of small differences."


def write_agreement(found: RunsAgreement, folder: Path) -> Path:
    """Write the comparison into the folder of the first run."""
    file = folder / AGREEMENT_FILE
    found.write(file)
    return file
