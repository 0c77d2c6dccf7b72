"""The audit of a data set: shortcuts, near-duplicates, bursts, labels that look wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mentum.audit.backgrounds import BackgroundSwap, HeldOutJudge, swap_backgrounds
from mentum.audit.cues import Pictures
from mentum.audit.leaks import bursts, exif_times, find_leaks, torn
from mentum.audit.shortcuts import CueResult, audit_pictures
from mentum.audit.suspects import find_suspects
from mentum.calibration.cases import Cases
from mentum.records import ProgressCallback, Record, ignore_progress
from mentum.specimens.alike import Pairs, near_duplicates, perceptual_hashes
from mentum.specimens.crops import Crops
from mentum.specimens.crossings import Crossing, alike_crossing, known_crossings
from mentum.specimens.manifest import SpecimenTable
from mentum.taxonomy import WHOLE_TREE, Rank, Target, Taxon

SHOWN_SUSPECTS = 0.06
"""Share of the images that the list of suspects names."""

FROZEN = "top classifiers on features of the frozen backbone"
"""Whose predictions judge the labels where nothing better is given."""

NO_SUBSETS = "all"
"""The subset of every image where there is no split."""


class AuditImage(Record):
    """An image that the audit names."""

    file_name: str
    specimen: str
    scientific_name: str
    taxon_rank: Rank
    subset: str


class NearDuplicate(Record):
    """Two images that look like the same photograph.

    Attributes:
        distance: bits in which their perceptual hashes differ, of 64.
        cosine: of their features, None where these were not there.
    """

    one: AuditImage
    other: AuditImage
    kind: Literal["across subsets", "across taxa", "two specimens"]
    distance: int
    cosine: float | None


class LabelSuspect(Record):
    """An image whose label out-of-fold predictions doubt; the first of a list is doubted most.

    Attributes:
        suggested: the most probable taxon that the label does not allow.
        confident: whether the suggestion is as sure as for images that bear that label.
    """

    image: AuditImage
    suggested: str
    suggested_rank: Rank
    probability_of_label: float
    probability_suggested: float
    confident: bool
    reason: str


class Audit(Record):
    """What `mentum audit` found.

    Attributes:
        accuracy: of the out-of-fold predictions behind the suspects, at the lowest rank; a weak one finds few.
        judged_by: whose predictions these are, in words.
        crossings: what stands on several sides of the split, where there is one: photographs that look alike first.
        bursts: images that seem to be of one burst or slide and stand in several subsets as several specimens.
        suspects: the most doubtful images, never dropped by themselves.
        background: whether identifications change with the background; None where that could not be looked at.
        notes: what could not be looked at, and why.
    """

    schema_version: Literal[1] = 1
    data: str
    backbone: str
    n_images: int
    n_specimens: int
    accuracy: float
    judged_by: str = FROZEN
    shortcuts: tuple[CueResult, ...]
    duplicates: tuple[NearDuplicate, ...]
    crossings: tuple[Crossing, ...] = ()
    bursts: tuple[tuple[str, ...], ...]
    suspects: tuple[LabelSuspect, ...]
    background: BackgroundSwap | None = None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Material:
    """What is audited.

    Attributes:
        table: all images.
        pixels: (N, S, S, 3) uint8, their squares.
        features: (N, K) of a frozen backbone.
        subsets: (N,) str; `NO_SUBSETS` everywhere where there is no split.
        held_out: every image once, in the order of the table, as identified by networks that did not see its specimen.
        judged_by: whose identifications these are, in words.
        masks: (N, S, S) bool, where the specimen is; none of an image set means that it is not outlined.
        swapped: who identifies specimens on other backgrounds; None where nobody can.
        crops: which part of each image its square shows; None where that is the whole of all.
    """

    table: SpecimenTable
    pixels: NDArray[np.uint8]
    features: NDArray[np.float32]
    subsets: NDArray[np.str_]
    held_out: Cases
    judged_by: str = FROZEN
    masks: NDArray[np.bool_] | None = None
    swapped: HeldOutJudge | None = None
    crops: Crops | None = None

    def pictures(self, rows: NDArray[np.int64]) -> Pictures:
        """Some images by their numbers."""
        masks = None if self.masks is None else self.masks[rows]
        crops = None if self.crops is None else Crops(self.crops.table[rows])
        return Pictures(self.pixels[rows], [self.table.paths[row] for row in rows.tolist()], masks, crops)

    def image(self, row: int) -> AuditImage:
        """An image by its number."""
        return AuditImage(
            file_name=self.table.file_names[row],
            specimen=str(self.table.specimens[row]),
            scientific_name=self.table.labels[row].name,
            taxon_rank=self.table.labels[row].rank,
            subset=str(self.subsets[row]),
        )


def examine(material: Material, backbone: str, seed: int, report: ProgressCallback = ignore_progress) -> Audit:
    """Look for everything.

    Args:
        material: what is audited.
        backbone: of the features, for the record.
        seed: of folds, permutations and backgrounds.
        report: told about the slow part.
    """
    shortcuts, *notes = _shortcuts(material, seed)
    background, *more = _background(material, seed, report)
    groups = bursts(material.table.file_names, exif_times(material.table.paths))
    apart = torn(groups, material.subsets.tolist(), material.table.specimens.tolist())
    names = material.table.file_names
    pairs = near_duplicates(perceptual_hashes(material.pixels), material.features)
    return Audit(
        data=str(material.table.source),
        backbone=backbone,
        n_images=len(names),
        n_specimens=len(np.unique(material.table.specimens)),
        accuracy=_accuracy(material),
        judged_by=material.judged_by,
        shortcuts=shortcuts,
        duplicates=tuple(_duplicates(material, pairs)),
        crossings=tuple(_crossings(material, pairs)),
        bursts=tuple(tuple(names[row] for row in group) for group in apart),
        suspects=tuple(_suspects(material)),
        background=background,
        notes=(*_without_outline(material), *notes, *more),
    )


def _columns(material: Material, rank: Rank) -> NDArray[np.int64]:
    """(N,) int: the taxon of each image at a rank, -1 where its label leaves it open."""
    taxonomy, labels = material.table.taxonomy, material.table.labels
    column_of = {label: taxonomy.truth(label, rank) for label in set(labels)}
    return np.array([column_of[label] for label in labels], dtype=np.int64)


def _without_outline(material: Material) -> tuple[str, ...]:
    if material.masks is None or not (lacking := int((~material.masks.any(axis=(1, 2))).sum())):
        return ()
    return (f"{lacking} of {len(material.masks)} images are not outlined: their specimens were found by colour.",)


def _shortcuts(material: Material, seed: int) -> tuple[tuple[CueResult, ...], *tuple[str, ...]]:
    table = material.table
    y_true = _columns(material, table.taxonomy.ranks[0])
    rows = np.flatnonzero(y_true >= 0)
    chosen = material.pictures(rows)
    try:
        return (audit_pictures(chosen, y_true[rows], table.specimens[rows], seed),)
    except ValueError as reason:
        return (), f"Shortcuts were not looked for: {reason}."


def _background(
    material: Material, seed: int, report: ProgressCallback
) -> tuple[BackgroundSwap | None, *tuple[str, ...]]:
    judge, table = material.swapped, material.table
    if judge is None:
        return None, "What part the background plays was not looked at: there are no held-out images."
    pictures = Pictures(material.pixels, table.paths, material.masks, material.crops)
    found, notes = swap_backgrounds(pictures, _columns(material, judge.rank), table.specimens, judge, seed, report)
    return found, *notes


def _crossings(material: Material, pairs: Pairs) -> Iterator[Crossing]:
    """What stands on several sides of the split; nothing where there is none."""
    subsets = ["" if subset == NO_SUBSETS else subset for subset in material.subsets.tolist()]
    if any(subsets):
        yield alike_crossing(pairs.rows, subsets, material.table.file_names)
        yield from known_crossings(material.table, subsets)


def _duplicates(material: Material, pairs: Pairs) -> Iterator[NearDuplicate]:
    """Pairs; labels of which one only names more than the other are no two taxa."""
    labels, specimens = material.table.labels, material.table.specimens.tolist()
    names = [" > ".join(name for _, name in label.path) for label in labels]
    for leak in find_leaks(pairs, material.subsets.tolist(), names, specimens):
        one, other = leak.rows
        kind = leak.kind
        if kind != "two specimens" and (kind == "across subsets" or _agree(labels[one], labels[other])):
            crosses = leak.subsets[0] != leak.subsets[1] and NO_SUBSETS not in leak.subsets
            if not crosses and specimens[one] == specimens[other]:
                continue
            kind = "across subsets" if crosses else "two specimens"
        yield NearDuplicate(
            one=material.image(one),
            other=material.image(other),
            kind=kind,
            distance=leak.distance,
            cosine=leak.cosine,
        )


def _agree(one: Taxon, other: Taxon) -> bool:
    """Whether one label only names more than the other."""
    return one.is_within(other) or other.is_within(one)


def _network(cases: Cases) -> str:
    """The network that speaks of the lowest taxa."""
    return next(iter(cases.log_prob))


def _accuracy(material: Material) -> float:
    y_prob, allowed, _ = _beside_labels(material.held_out)
    return float(allowed[np.arange(len(y_prob)), y_prob.argmax(axis=1)].mean())


def _beside_labels(cases: Cases) -> tuple[NDArray[np.float64], NDArray[np.bool_], Sequence[Taxon]]:
    """Probabilities (N, C) of the lowest taxa, those that each label may mean (N, C), and the C taxa.

    A label and a taxon of which one only names more than the other do not contradict one another: what a network gives
    to an open taxon above the label counts for the label.
    """
    network = _network(cases)
    target = WHOLE_TREE if network == WHOLE_TREE.name else Target(cases.taxonomy.ranks[0])
    taxa = target.taxa(cases.taxonomy)
    place = {taxon: column for column, taxon in enumerate(taxa)}
    within: dict[Taxon, list[int]] = {}
    for taxon, column in place.items():
        for each in taxon.ancestors:
            within.setdefault(each, []).append(column)
    y_prob, allowed = np.exp(cases.log_prob[network]), np.zeros((len(cases), len(taxa)), dtype=bool)
    for row, label in enumerate(cases.labels):
        allowed[row, within.get(label, [])] = True
        above = [place[each] for each in label.ancestors[:-1] if each in place] if label in place else []
        if above:
            y_prob[row, place[label]] += y_prob[row, above].sum()
            y_prob[row, above] = 0
    return y_prob, allowed, taxa


def _suspects(material: Material) -> Iterator[LabelSuspect]:
    cases = material.held_out
    y_prob, allowed, taxa = _beside_labels(cases)
    names, labels = [taxon.name for taxon in taxa], [label.name for label in cases.labels]
    found = find_suspects(y_prob, allowed, cases.specimens, labels, names)
    for suspect in found[: max(1, round(SHOWN_SUSPECTS * len(labels)))]:
        yield LabelSuspect(
            image=material.image(suspect.row),
            suggested=names[suspect.suggested],
            suggested_rank=taxa[suspect.suggested].rank,
            probability_of_label=suspect.probability_of_label,
            probability_suggested=suspect.probability_suggested,
            confident=suspect.confident,
            reason=suspect.reason,
        )
