"""Compare two runs, or two cross-validations, on the images that neither learned from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from mentum.calibration.out_of_fold import OutOfFold
from mentum.errors import RunError
from mentum.evaluation.comparison import Comparison, better, compare_right
from mentum.records import Record
from mentum.runs import OUT_OF_FOLD, Run
from mentum.studies import STUDY_FILE, read_study
from mentum.taxonomy import Rank


class RankComparison(Record):
    """Two identifiers at one rank; `better` is the one that is significantly so."""

    rank: Rank
    comparison: Comparison
    better: Literal["a", "b"] | None


class RunComparison(Record):
    """What `mentum compare` found.

    Attributes:
        ranks: lowest first, those that both report.
        notes: what a reader must know to trust it.
    """

    schema_version: Literal[1] = 1
    a: str
    b: str
    ranks: tuple[RankComparison, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Identified:
    """Images that an identifier did not learn from.

    Attributes:
        subset: what they are.
        content_hash: of the bytes of all images of its data set.
        specimens: file name → specimen.
        right: rank → file name → whether it was identified rightly; without images whose label leaves the rank open.
    """

    name: str
    subset: str
    content_hash: str
    specimens: Mapping[str, str]
    right: Mapping[Rank, Mapping[str, bool]]


def compare_folders(one: Path, other: Path, seed: int = 0) -> RunComparison:
    """Compare two identifiers, image by image.

    Args:
        one: folder of a run or of a cross-validation; "a" in the result.
        other: likewise; "b".
        seed: of the draws for intervals.

    Raises:
        RunError: if a folder is neither, or damaged, or the two have no held-out image or rank in common.
    """
    a, b = _read(one), _read(other)
    shared = sorted(set(a.specimens) & set(b.specimens))
    torn = [name for name in shared if a.specimens[name] != b.specimens[name]]
    if torn:
        raise RunError(
            f"{one}, {other}: {len(torn)} images ({torn[0]} is the first) belong to different specimens; "
            "give two of the same data."
        )
    ranks = [rank for rank in a.right if rank in b.right]
    compared = [found for rank in ranks if (found := _at(rank, a, b, seed)) is not None]
    if not compared:
        raise RunError(
            f"{one}, {other}: no image was held out by both at a rank that both report; expected identifiers of the "
            "same images, with the same split or cross-validated; give two of the same data."
        )
    return RunComparison(a=a.name, b=b.name, ranks=tuple(compared), notes=tuple(_notes(a, b, len(shared))))


def _at(rank: Rank, a: _Identified, b: _Identified, seed: int) -> RankComparison | None:
    names = sorted(set(a.right[rank]) & set(b.right[rank]))
    if not names:
        return None
    right_a, right_b = (np.array([each.right[rank][name] for name in names]) for each in (a, b))
    found = compare_right(right_a, right_b, np.array([a.specimens[name] for name in names]), seed)
    return RankComparison(rank=rank, comparison=found, better=better(found))


def _notes(a: _Identified, b: _Identified, n_shared: int) -> Iterator[str]:
    if a.content_hash != b.content_hash:
        yield (
            "The two data sets hold other images. Images of the same file name were taken for the same: make sure that "
            "they are."
        )
    for each, letter in ((a, "a"), (b, "b")):
        if each.subset == "validation":
            yield f"{letter}: validation images, which chose the epoch that was kept: slightly optimistic."
        if len(each.specimens) > n_shared:
            left = len(each.specimens) - n_shared
            yield f"{letter}: {left} held-out images are not held out by the other and were left out."


def _read(folder: Path) -> _Identified:
    if (folder / STUDY_FILE).is_file():
        return _of_cross_validation(folder)
    return _of_run(Run.open(folder))


def _of_cross_validation(folder: Path) -> _Identified:
    study, file = read_study(folder), folder / OUT_OF_FOLD
    again = "give the same `mentum crossvalidate` command again"
    if not file.is_file():
        raise RunError(f"{folder}: found no {OUT_OF_FOLD}, expected a run or a complete cross-validation; {again}.")
    found = OutOfFold.read(file, again)
    right = {rank: _told(found.file_names, values) for rank, values in found.right.items()}
    specimens = dict(zip(found.file_names, found.specimens, strict=True))
    return _Identified(str(folder), study.design, study.content_hash, specimens, right)


def _of_run(run: Run) -> _Identified:
    predictions, taxonomy = list(run.predictions())[-1], run.taxonomy()
    subset = "test" if "test" in predictions.subsets else "validation"
    rows = np.flatnonzero(predictions.subsets == subset).tolist()
    names = [predictions.file_names[row] for row in rows]
    right = {}
    for rank, y_prob in predictions.probabilities.items():
        truths = [taxonomy.truth(predictions.labels[row], rank) for row in rows]
        columns = y_prob[rows].argmax(axis=1).tolist()
        values = [None if truth < 0 else truth == column for truth, column in zip(truths, columns, strict=True)]
        right[rank] = _told(names, values)
    specimens = dict(zip(names, predictions.specimens[rows].tolist(), strict=True))
    return _Identified(str(run.path), subset, run.record().data.content_hash, specimens, right)


def _told(names: Sequence[str], values: Sequence[bool | None]) -> dict[str, bool]:
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}
