"""Results of evaluations, which go to JSON and come back: the paper's table, probabilities, ranks, unknown taxa."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mentum.calibration.thresholds import Promise
from mentum.records import Interval, Record
from mentum.taxonomy import Rank


class Estimate(Record):
    """A score and its 95 % interval."""

    value: float
    interval: Interval


class ResultRow(Record):
    """One row of the paper's table.

    Attributes:
        stage: "top classifier" or "fine-tuned".
        accuracy: share of images identified correctly, 0-1.
        n_misclassified: out of `n_images`, the images whose label reaches `rank`.
        interval: of the accuracy.
        scores: by the other metrics, by name; None where one is not defined. Empty in files of earlier versions.
    """

    stage: str
    rank: Rank
    subset: str
    accuracy: float
    n_misclassified: int
    n_images: int
    n_specimens: int
    interval: Interval
    scores: dict[str, Estimate | None] = Field(default_factory=dict)


class TaxonScore(Record):
    """Precision, recall and F1 of one taxon at one rank (0 where undefined), by image."""

    stage: str
    rank: Rank
    subset: str
    scientific_name: str
    precision: float
    recall: float
    f1: float
    n_images: int


LARGEST_MATRIX = 256
"""Taxa up to which a confusion matrix is stored as rows; beyond, only its cells that are not empty."""


class Confusion(Record):
    """Confusion matrix of one rank: rows are the labels, columns the identifications.

    Attributes:
        label_ranks: the taxa's own ranks; one that is not named down to `rank` stands for itself.
        counts: the matrix, row by row; empty where there are more than `LARGEST_MATRIX` taxa.
        cells: instead, (row, column, images) of every cell that is not empty.
    """

    stage: str
    rank: Rank
    subset: str
    labels: tuple[str, ...]
    label_ranks: tuple[Rank, ...]
    counts: tuple[tuple[int, ...], ...]
    cells: tuple[tuple[int, int, int], ...] = ()

    @property
    def pairs(self) -> tuple[tuple[int, int, int], ...]:
        """(row, column, images) of every cell that is not empty, by row, then column."""
        if self.cells:
            return self.cells
        rows = enumerate(self.counts)
        return tuple((row, column, n) for row, counts in rows for column, n in enumerate(counts) if n)

    @property
    def labelled(self) -> tuple[int, ...]:
        """Images of each label."""
        sums = [0] * len(self.labels)
        for row, _, n in self.pairs:
            sums[row] += n
        return tuple(sums)

    @property
    def identified(self) -> tuple[int, ...]:
        """Images identified as each taxon."""
        sums = [0] * len(self.labels)
        for _, column, n in self.pairs:
            sums[column] += n
        return tuple(sums)

    @property
    def worst(self) -> tuple[tuple[int, int, int], ...]:
        """(row, column, images) off the diagonal: most images first, then the largest share of the label's images."""
        labelled = self.labelled
        wrong = [pair for pair in self.pairs if pair[0] != pair[1]]
        return tuple(sorted(wrong, key=lambda pair: (-pair[2], labelled[pair[0]], pair)))

    @property
    def n_images(self) -> int:
        """All that are counted."""
        return sum(n for _, _, n in self.pairs)

    @property
    def n_misclassified(self) -> int:
        """Those off the diagonal."""
        return sum(n for row, column, n in self.pairs if row != column)


class Misclassified(Record):
    """One image identified wrongly at one rank, with the probabilities given to both names."""

    stage: str
    rank: Rank
    subset: str
    file_name: str
    specimen: str
    label: str
    identified_as: str
    probability: float
    probability_of_label: float


class Evaluation(Record):
    """What `mentum evaluate` stores in `evaluation.json`."""

    schema_version: Literal[1] = 1
    run: str
    backbone: str
    heads: str
    seed: int
    table: tuple[ResultRow, ...]
    taxa: tuple[TaxonScore, ...]
    confusions: tuple[Confusion, ...]
    misclassified: tuple[Misclassified, ...]
    notes: tuple[str, ...]


class ReliabilityBin(Record):
    """Identifications whose probability lies between `low` and `high`.

    Attributes:
        n: how many specimens.
        probability: their mean probability; `accuracy` the share of them that is right.
    """

    low: float
    high: float
    n: float
    probability: float
    accuracy: float


class RankCalibration(Record):
    """How well probabilities fit at one rank, by image, before and after the temperature.

    Attributes:
        accuracy: share of right identifications, 0-1, by image and by specimen, whose images are combined.
        ece: expected calibration error, 0-1, as (before, after); likewise `brier`, 0-2.
        bins_before, bins_after: of the reliability diagram.
    """

    rank: Rank
    n_images: int
    n_specimens: int
    accuracy: tuple[float, float]
    ece: tuple[float, float]
    brier: tuple[float, float]
    bins_before: tuple[ReliabilityBin, ...]
    bins_after: tuple[ReliabilityBin, ...]


class RankAnswers(Record):
    """Answers given at one rank, judged on specimens from which no threshold was learned.

    Attributes:
        threshold: of the whole material; None where no answer is given at the rank.
        promise: as in `RankThreshold`.
        n_calibration: specimens that the whole material's threshold rests on.
        coverage: share of all specimens that is answered at this rank.
        n_answered: answers whose label reaches the rank, `n_wrong` of them wrong; specimens, fractions where some of
            their images are.
        interval: of the error; None without any answer.
    """

    rank: Rank
    threshold: float | None
    promise: Promise
    n_calibration: float
    coverage: float
    n_answered: float
    n_wrong: float
    interval: Interval | None


class DefendedRanks(Record):
    """What is answered when at most `error_rate` of the answers may be wrong.

    Attributes:
        ranks: lowest first.
        answered: share of specimens with an answer at any rank.
        n_answered, n_wrong: over all ranks, each answer judged at its own rank.
        error: `n_wrong` of `n_answered`; None without any answer.
        standard_error: of that error.
    """

    unit: Literal["image", "specimen"]
    error_rate: float
    ranks: tuple[RankAnswers, ...]
    answered: float
    n_answered: float
    n_wrong: float
    error: float | None
    standard_error: float | None


class RiskCoverage(Record):
    """Error against coverage at one rank, by specimen, at most 200 points; `area` below the whole curve."""

    rank: Rank
    coverage: tuple[float, ...]
    error: tuple[float, ...]
    area: float


class CalibrationReport(Record):
    """What `mentum evaluate` says of probabilities and of the ranks that can be defended.

    Attributes:
        source: the specimens that probabilities and thresholds were judged on.
        method: how they were kept apart from those that these were learned from.
        temperatures: network → temperature from the whole material.
    """

    schema_version: Literal[1] = 1
    source: str
    method: str
    n_images: int
    n_specimens: int
    temperatures: dict[str, float]
    ranks: tuple[RankCalibration, ...]
    defended: tuple[DefendedRanks, ...]
    curves: tuple[RiskCoverage, ...]
    notes: tuple[str, ...]


class UnknownTaxon(Record):
    """A taxon that was left out of training, and how it was taken.

    Attributes:
        auroc: chance that one of its specimens looks stranger than a known one.
        n_known: validation specimens of the other taxa.
        auroc_distance: by the distance of features alone; likewise `auroc_energy`.
        caught: share of its specimens called unknown, None where the known ones are too few to call any so; `rejected`
            that of the known ones, each judged by the others.
        named: rank → share of its specimens whose most probable taxon at the rank was the right one, where the rank was
            shared.
        wrongly_identified: share of its specimens that would get the name of a lowest taxon.
    """

    scientific_name: str
    taxon_rank: Rank
    n_images: int
    n_specimens: int
    n_known: int
    auroc: float
    auroc_distance: float
    auroc_energy: float
    caught: float | None
    rejected: float | None
    named: dict[Rank, float]
    wrongly_identified: float


class UnknownTaxa(Record):
    """What `mentum evaluate --novelty` says.

    Attributes:
        stage: 1 = the top classifier trained anew on features of the frozen backbone, 2 = both stages.
        false_rejection: asked for; `rejected` what came of it, mean over the taxa.
        mean_auroc: over the taxa.
        missed: taxa that could not be left out, with the reason.
    """

    schema_version: Literal[1] = 1
    stage: Literal[1, 2]
    false_rejection: float
    rejected: float | None
    mean_auroc: float
    mean_caught: float | None
    taxa: tuple[UnknownTaxon, ...]
    missed: tuple[str, ...]
