"""Pictures with characters replaced, and what the network says of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mentum.explanation.annotation.characters import Annotations
from mentum.explanation.evidence import RankEvidence, RunEvidence
from mentum.explanation.necessity.credit import coalitions
from mentum.explanation.necessity.donors import NO_DONOR, choose_donors, choose_peers
from mentum.explanation.necessity.surroundings import ground_of, has_ground, laid_on
from mentum.explanation.necessity.transplants import Graft, Posed, covered, elsewhere, transplant
from mentum.records import Progress, ProgressCallback
from mentum.taxonomy import Rank

Answer = Callable[[NDArray[np.uint8]], Mapping[Rank, NDArray[np.float32]]]
"""Squares (N, S, S, 3) uint8 → probabilities (N, C) at each rank."""

BATCH_SIZE = 32
KEPT = 128
"""Annotated images kept in memory, of those that give."""
NO_CONTROL = -1


@dataclass(frozen=True)
class Trial:
    """One picture.

    Attributes:
        row: of the image; `donor` that of the image whose characters it is given.
        replaced: the regions replaced, a bit each: characters, or the background.
        control: the region of which a change that tells nothing was made instead, or `NO_CONTROL`: a character's form
            laid elsewhere, or the background of another image of the same taxon.
    """

    row: int
    donor: int
    replaced: int
    control: int = NO_CONTROL


@dataclass(frozen=True)
class RankOutcome:
    """What T pictures changed at one rank.

    Attributes:
        fall: (T,) by how much the log-odds of the taxon identified fell.
        foreign: (T,) bool, whether the donor is of another taxon at this rank.
        survives: (T,) bool, whether the taxon stays the most probable.
        follows: (T,) bool, whether the donor's becomes the most probable.
    """

    fall: NDArray[np.float64]
    foreign: NDArray[np.bool_]
    survives: NDArray[np.bool_]
    follows: NDArray[np.bool_]


@dataclass(frozen=True)
class Trials:
    """All pictures and their outcomes.

    Attributes:
        row, donor, replaced, control: (T,) int, of each `Trial`.
        present: (N,) int, the characters outlined in each image, a bit each.
        ranks: what each picture changed.
    """

    row: NDArray[np.int64]
    donor: NDArray[np.int64]
    replaced: NDArray[np.int64]
    control: NDArray[np.int64]
    present: NDArray[np.int64]
    ranks: Mapping[Rank, RankOutcome]


@dataclass(frozen=True)
class Plan:
    """Which pictures are made.

    Attributes:
        rows: images to measure, all annotated.
        giving: images whose characters and ground are given to others.
        controls: those in which forms are laid elsewhere as well, and which are laid on other ground.
        credits: those whose characters share the credit, for which sets of characters are replaced as well.
        seed: of the draws.
    """

    rows: NDArray[np.int64]
    giving: NDArray[np.int64]
    controls: frozenset[int]
    credits: frozenset[int]
    seed: int


def log_odds(y_prob: NDArray[np.floating], column: NDArray[np.int64]) -> NDArray[np.float64]:
    """(N,) natural logarithm of a taxon's probability over that of all others; exact also near 1.

    >>> log_odds(np.array([[0.75, 0.25]]), np.array([0])).round(3).tolist()
    [1.099]
    """
    rows = np.arange(len(y_prob))
    own = y_prob[rows, column].astype(np.float64)
    others = y_prob.astype(np.float64)
    others[rows, column] = 0
    smallest = np.finfo(np.float32).tiny
    return np.asarray(np.log(np.maximum(own, smallest)) - np.log(np.maximum(others.sum(axis=1), smallest)))


def run_trials(
    answer: Answer, evidence: RunEvidence, annotations: Annotations, plan: Plan, report: ProgressCallback
) -> Trials:
    """Replace characters in every image and ask the network again.

    Args:
        answer: the network.
        evidence: what it says of the images as they are.
        annotations: their characters.
        plan: which pictures are made.
        report: told after each image.
    """
    present = np.zeros(len(evidence.file_names), dtype=np.int64)
    made: list[Trial] = []
    found: dict[Rank, list[NDArray[np.float32]]] = {rank: [] for rank in evidence.ranks}
    pictures = _pictures(_Bench(evidence, annotations), plan, _donors(evidence, plan), present, report)
    for trials, said in _answered(answer, _batches(pictures)):
        made += trials
        for rank in found:
            found[rank].append(said[rank])
    columns = np.array([(each.row, each.donor, each.replaced, each.control) for each in made]).reshape(-1, 4)
    row, donor, replaced, control = columns.astype(np.int64).T
    outcomes = {rank: _outcome(each, row, donor, found[rank]) for rank, each in evidence.ranks.items()}
    return Trials(row, donor, replaced, control, present, outcomes)


def _donors(evidence: RunEvidence, plan: Plan) -> _Donors:
    ranks = list(evidence.ranks.values())
    answers, labels = [each.y_pred for each in ranks], [each.y_true for each in ranks]
    return _Donors(
        choose_donors(answers, labels, plan.giving, plan.seed),
        choose_peers(answers[0], labels[0], evidence.specimens, plan.giving, plan.seed),
    )


def _outcome(
    evidence: RankEvidence, row: NDArray[np.int64], donor: NDArray[np.int64], y_prob: Sequence[NDArray[np.float32]]
) -> RankOutcome:
    answered = evidence.y_pred[row]
    said = np.concatenate(y_prob) if y_prob else np.empty((0, len(evidence.taxa)), dtype=np.float32)
    fall = log_odds(evidence.y_prob[row], answered) - log_odds(said, answered)
    foreign = (evidence.y_true[donor] >= 0) & (evidence.y_true[donor] != answered)
    first = said.argmax(axis=1)
    return RankOutcome(fall, foreign, first == answered, first == evidence.y_true[donor])


def _answered(
    answer: Answer, batches: Iterator[tuple[list[Trial], NDArray[np.uint8]]]
) -> Iterator[tuple[list[Trial], Mapping[Rank, NDArray[np.float32]]]]:
    """Ask the network while the next pictures are made."""
    with ThreadPoolExecutor(1) as pool:
        earlier: tuple[list[Trial], Future[Mapping[Rank, NDArray[np.float32]]]] | None = None
        for trials, pictures in batches:
            asked = pool.submit(answer, pictures)
            if earlier:
                yield earlier[0], earlier[1].result()
            earlier = trials, asked
        if earlier:
            yield earlier[0], earlier[1].result()


def _batches(
    pictures: Iterator[tuple[Trial, NDArray[np.uint8]]],
) -> Iterator[tuple[list[Trial], NDArray[np.uint8]]]:
    waiting: list[tuple[Trial, NDArray[np.uint8]]] = []
    for each in pictures:
        waiting.append(each)
        if len(waiting) == BATCH_SIZE:
            yield [trial for trial, _ in waiting], np.stack([picture for _, picture in waiting])
            waiting = []
    if waiting:
        yield [trial for trial, _ in waiting], np.stack([picture for _, picture in waiting])


@dataclass(frozen=True, eq=False)
class _Donors:
    """(N, N_DONORS) donors of each image, and (N,) another specimen of its taxon; `NO_DONOR` where there is none."""

    others: NDArray[np.int64]
    peers: NDArray[np.int64]

    def of(self, row: int) -> list[int]:
        """Each once."""
        return sorted({*self.others[row].tolist()} - {NO_DONOR})


class _Bench:
    """Annotated images; those that give are kept, as they are asked for again and again."""

    def __init__(self, evidence: RunEvidence, annotations: Annotations) -> None:
        self._evidence, self._annotations = evidence, annotations
        self.donor = lru_cache(maxsize=KEPT)(self.image)
        self.ground = lru_cache(maxsize=KEPT)(lambda row: ground_of(self.donor(row)))
        self.n_regions = len(annotations.names)

    def image(self, row: int) -> Posed:
        """An image with its characters."""
        return Posed.of(np.asarray(self._evidence.pixels[row]), self._annotations, self._evidence.file_names[row])


def _pictures(
    bench: _Bench, plan: Plan, donors: _Donors, present: NDArray[np.int64], report: ProgressCallback
) -> Iterator[tuple[Trial, NDArray[np.uint8]]]:
    for done, row in enumerate(plan.rows.tolist(), start=1):
        image = bench.image(row)
        present[row] = sum(1 << character for character in image.present)
        for donor in donors.of(row):
            yield from _of_donor(plan, image, bench.donor(donor), Trial(row, donor, 0))
        if row in plan.controls:
            yield from _on_other_ground(bench, image, row, donors)
        report(Progress(task="replacing characters", done=done, total=len(plan.rows), unit="images"))


def _on_other_ground(
    bench: _Bench, image: Posed, row: int, donors: _Donors
) -> Iterator[tuple[Trial, NDArray[np.uint8]]]:
    """On the ground of each donor, and for comparison of another specimen of the same taxon, if there is one."""
    background, peer = bench.n_regions - 1, int(donors.peers[row])
    if peer == NO_DONOR or not has_ground(image):
        return
    grounds = [Trial(row, donor, 1 << background) for donor in donors.of(row)]
    for trial in (*grounds, Trial(row, peer, 0, control=background)):
        if has_ground(bench.donor(trial.donor)):
            yield trial, laid_on(image, bench.ground(trial.donor))


def _of_donor(plan: Plan, image: Posed, donor: Posed, trial: Trial) -> Iterator[tuple[Trial, NDArray[np.uint8]]]:
    """Each character alone, all at once, and where planned other sets of them, and each form elsewhere."""
    grafts = {place: transplant(image, donor, place) for place in image.present}
    there = {place: graft for place, graft in grafts.items() if graft is not None}
    sets = [1 << place for place in there]
    if len(there) == len(image.present) > 1:  # what a donor lacks cannot be replaced, and no set of all be made
        sets.append(sum(sets))
        if trial.row in plan.credits:
            sets += [each for each in coalitions(image.present, plan.seed + trial.row) if each not in {0, *sets}]
    for replaced in sets:
        yield _replaced(image, there, Trial(trial.row, trial.donor, replaced))
    if trial.row in plan.controls:
        for place in there:
            rng = np.random.default_rng([plan.seed, trial.row, place])
            graft = elsewhere(image, donor, place, rng)
            if graft is not None:
                yield Trial(trial.row, trial.donor, 0, place), covered(image.pixels, [graft])


def _replaced(image: Posed, grafts: Mapping[int, Graft], trial: Trial) -> tuple[Trial, NDArray[np.uint8]]:
    chosen = [graft for place, graft in grafts.items() if trial.replaced >> place & 1]
    return trial, covered(image.pixels, chosen)
