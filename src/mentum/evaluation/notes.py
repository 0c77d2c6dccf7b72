"""What a reader of the accuracies must know, in plain sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from mentum.runs import RunRecord, StagePredictions
from mentum.taxonomy import Rank, Taxon, Taxonomy, order_of

_IRREGULAR_PLURALS = {
    Rank.PHYLUM: "phyla",
    Rank.CLASS: "classes",
    Rank.SUPERFAMILY: "superfamilies",
    Rank.FAMILY: "families",
    Rank.SUBFAMILY: "subfamilies",
    Rank.GENUS: "genera",
    Rank.SUBGENUS: "subgenera",
    Rank.SPECIES: "species",
    Rank.SUBSPECIES: "subspecies",
}


def write_notes(record: RunRecord, taxonomy: Taxonomy, stages: Sequence[StagePredictions]) -> Iterator[str]:
    """Say how the accuracies were made and where they flatter; `stages` are those of the evaluation, in its order."""
    yield from _on_chosen_epoch(record)
    yield from _on_kept_start(record)
    if not record.data.specimens_named:
        yield (
            "No column names the specimens, so that each image counts as a specimen: images of one specimen may lie in "
            "two subsets, and the intervals may be too narrow."
        )
    yield from _on_open_labels(taxonomy, record.ranks, stages[0].labels)
    yield from _on_leaves_above_rank(taxonomy, record.ranks)
    yield from _on_open_leaves(taxonomy, record.ranks)
    if record.settings.head.kind == "separate":
        for stage in stages:
            yield _on_contradictions(stage, taxonomy, record.ranks)


def _on_chosen_epoch(record: RunRecord) -> Iterator[str]:
    if not any(stage.stage == "stage2" for stage in record.stages):
        return
    test = (
        "the test images took no part in the training."
        if record.data.counts.get("test", (0, 0))[0]
        else "a test subset (split.test) would take no part in the training."
    )
    yield (
        "The validation images chose the epoch that was kept in stage 2, so that the accuracy of the fine-tuned "
        f"network on them is slightly optimistic; {test}"
    )


def _on_kept_start(record: RunRecord) -> Iterator[str]:
    for stage in record.stages:
        if stage.best_epoch == 0:
            yield (
                f"Stage 2 of the model {stage.model} had no lower validation loss than stage 1 in any epoch, so that "
                "the network of stage 1 was kept; more specimens or a lower stage2.learning_rate may help."
            )


def _on_open_labels(taxonomy: Taxonomy, ranks: Sequence[Rank], labels: Sequence[Taxon]) -> Iterator[str]:
    images_of = Counter(labels)
    for rank in ranks:
        open_at = [label for label in images_of if taxonomy.truth(label, rank) < 0 and taxonomy.leaves_of(label).any()]
        for own in sorted({label.rank for label in open_at}, key=lambda own: -own.depth):
            n = sum(images_of[label] for label in open_at if label.rank == own)
            images = "1 image is labelled" if n == 1 else f"{n} images are labelled"
            yield f"{images} to {own} only and {'is' if n == 1 else 'are'} left out at {rank} rank."
    n_outside = sum(n for label, n in images_of.items() if not taxonomy.leaves_of(label).any())
    if n_outside:
        images = "1 image has a label" if n_outside == 1 else f"{n_outside} images have labels"
        yield f"{images} outside the taxa of this training and {'is' if n_outside == 1 else 'are'} left out."


def _on_leaves_above_rank(taxonomy: Taxonomy, ranks: Sequence[Rank]) -> Iterator[str]:
    beside = [leaf.name for leaf in taxonomy.leaves if not leaf.is_a_taxon]
    if beside:
        verb = "is a class that is no taxon and counts" if len(beside) == 1 else "are no taxa and count"
        yield f"{enumerate_words(beside)} {verb} at every rank."
    closed = [leaf for leaf in taxonomy.leaves if leaf.is_a_taxon and leaf not in taxonomy.open_leaves]
    for own in sorted({leaf.rank for leaf in closed}, key=lambda own: -own.depth):
        lower = [_IRREGULAR_PLURALS.get(rank, f"{rank}s") for rank in ranks if rank.depth > own.depth]
        names = [leaf.name for leaf in closed if leaf.rank == own]
        if lower:
            verbs = ("is", "stands") if len(names) == 1 else ("are", "stand")
            among = enumerate_words([f"the {plural}" for plural in lower])
            yield f"{enumerate_some(names)} {verbs[0]} named to {own} only and {verbs[1]} among {among}."


def _on_open_leaves(taxonomy: Taxonomy, ranks: Sequence[Rank]) -> Iterator[str]:
    """What an identification as "of this genus, and no more is said" counts as."""
    for leaf in sorted(taxonomy.open_leaves, key=order_of):
        if lower := [rank for rank in ranks if rank.depth > leaf.rank.depth]:
            yield (
                f"{leaf.name} also stands for specimens that are named to {leaf.rank} only. A specimen that is named "
                f"further but identified so counts as wrong at {enumerate_words(lower)} rank."
            )


def _on_contradictions(stage: StagePredictions, taxonomy: Taxonomy, ranks: Sequence[Rank]) -> str:
    """Count the images whose taxon at one rank does not lie in the taxon chosen at the next higher rank."""
    validation = stage.subsets == "validation"
    contradictory = np.zeros(len(stage.labels), dtype=bool)
    for low, high in pairwise(ranks):
        implied = taxonomy.parents(low, high)[stage.probabilities[low].argmax(axis=1)]
        contradictory |= implied != stage.probabilities[high].argmax(axis=1)
    n, total = np.count_nonzero(contradictory & validation), np.count_nonzero(validation)
    return (
        f"The separate models of the {stage.stage} stage may contradict one another across ranks: of {total} "
        f"validation images, {n} got contradictory names."
    )


def enumerate_words(words: Sequence[str]) -> str:
    """Join words as in a sentence.

    >>> enumerate_words(["a"]), enumerate_words(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


N_NAMED = 12
"""Of many taxa, in a sentence."""


def enumerate_some(names: Sequence[str]) -> str:
    """Join the first names as in a sentence, and count the others.

    >>> enumerate_some([f"Aus {number}" for number in range(14)])[-19:]
    ', Aus 11 and 2 more'
    """
    more = len(names) - N_NAMED
    return enumerate_words([*names[:N_NAMED], f"{more} more"] if more > 0 else names)
