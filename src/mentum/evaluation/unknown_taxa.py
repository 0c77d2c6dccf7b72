"""Would the model notice a taxon that it was not trained on? Each taxon is left out of training in turn."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mentum.calibration.cases import Cases
from mentum.calibration.cross_fitting import Train
from mentum.calibration.novelty import Density, KnownScores, Novelty, is_novel, measure
from mentum.calibration.temperatures import fit_temperatures, log_probabilities, mean_of_groups
from mentum.calibration.thresholds import defended_rank
from mentum.calibration.verdicts import give_verdicts
from mentum.errors import RunError
from mentum.evaluation.results import UnknownTaxa, UnknownTaxon
from mentum.model.session import Outputs
from mentum.runs import Run
from mentum.specimens.folds import Fold
from mentum.stored import readable
from mentum.taxonomy import Rank, Taxon, Taxonomy

FALSE_REJECTION = 0.05
ERROR_RATE = 0.05


def leave_taxa_out(run: Run, train: Train, stage: Literal[1, 2]) -> UnknownTaxa:
    """Leave out one lowest taxon after the other, train, and see how its specimens are taken.

    The known specimens that it is compared with are those of the validation subset; what they are judged by was
    learned from the other ones.

    Args:
        run: a complete run.
        train: trains and predicts, in both stages or in the first alone.
        stage: which, for the record.

    Raises:
        RunError: if no taxon can be left out.
    """
    images = _Images.of(run)
    found, missed = [], []
    for number, leaf in enumerate(run.taxonomy().leaves, start=1):
        if leaf in run.taxonomy().open_leaves:
            missed.append(f"{leaf.name}: named to {leaf.rank} only, its specimens may be of the taxa within it")
            continue
        remaining, left_out = _without(run.taxonomy(), leaf), images.are(leaf)
        if not remaining.ranks:
            missed.append(f"{leaf.name}: without it only one taxon is left")
            continue
        if not len(images.rows("validation", remaining)):
            missed.append(f"{leaf.name}: no validation specimen of another taxon is there to compare it with")
            continue
        name = _file_name(number, leaf)
        file = run.path / "novelty" / f"stage{stage}-{name}.json"
        if not file.is_file():
            subsets = np.where(images.may_be(leaf), "left out", images.subsets).astype(str)
            outputs = train(Fold(f"novelty/{name}", subsets, remaining))
            file.parent.mkdir(parents=True, exist_ok=True)
            _judge(leaf, _Trial(images, left_out, outputs, remaining)).write(file)
        with readable(file, "remove it and give the same command again"):
            found.append(UnknownTaxon.read(file))
    if not found:
        raise RunError(
            f"{run.path}: no taxon can be left out ({'; '.join(missed)}); expected three taxa or more, "
            "and validation specimens of two; add specimens."
        )
    rejected = [each.rejected for each in found if each.rejected is not None]
    caught = [each.caught for each in found if each.caught is not None]
    result = UnknownTaxa(
        stage=stage,
        false_rejection=FALSE_REJECTION,
        rejected=float(np.mean(rejected)) if rejected else None,
        mean_auroc=float(np.mean([each.auroc for each in found])),
        mean_caught=float(np.mean(caught)) if caught else None,
        taxa=tuple(found),
        missed=tuple(missed),
    )
    result.write(run.novelty_file)
    return result


def _file_name(number: int, leaf: Taxon) -> str:
    """With the number of the leaf, as names may differ in what no file name should hold."""
    plain = re.sub(r"[^A-Za-z0-9]+", "_", "_".join(name for _, name in leaf.path[-2:])).strip("_")
    return f"{number:03}-{plain}".strip("-")


def _without(taxonomy: Taxonomy, leaf: Taxon) -> Taxonomy:
    """The tree over all leaves but one, and but the open ones above it, whose specimens may be of that taxon."""
    return Taxonomy(tuple(each for each in taxonomy.leaves if not leaf.is_within(each)))


@dataclass(frozen=True)
class _Images:
    """The images of the run."""

    specimens: NDArray[np.str_]
    subsets: NDArray[np.str_]
    labels: list[Taxon]

    @classmethod
    def of(cls, run: Run) -> _Images:
        table = run.table()
        return cls(table["specimen"].to_numpy().astype(str), table["subset"].to_numpy().astype(str), run.labels())

    def are(self, leaf: Taxon) -> NDArray[np.bool_]:
        """(N,) bool: of this taxon."""
        return np.array([label.is_within(leaf) for label in self.labels])

    def may_be(self, leaf: Taxon) -> NDArray[np.bool_]:
        """(N,) bool: of this taxon, or labelled above it, so that it may be hidden among them."""
        return np.array([label.is_within(leaf) or leaf.is_within(label) for label in self.labels])

    def rows(self, subset: str, taxonomy: Taxonomy) -> NDArray[np.int64]:
        """Images in a subset, labelled as a leaf of a tree."""
        named = np.array([label in taxonomy.place_of for label in self.labels])
        return np.flatnonzero(named & (self.subsets == subset))


@dataclass(frozen=True)
class _Trial:
    """What networks that never saw a taxon say of all images.

    Attributes:
        left_out: (N,) bool, images of that taxon.
        taxonomy: that was learned.
    """

    images: _Images
    left_out: NDArray[np.bool_]
    outputs: Outputs
    taxonomy: Taxonomy

    def cases(self, rows: NDArray[np.int64], density: Density) -> Cases:
        log_prob = {name: log_probabilities(values[rows]) for name, values in self.outputs.y_prob.items()}
        return Cases(
            "",
            self.taxonomy,
            self.images.specimens[rows],
            [self.images.labels[row] for row in rows.tolist()],
            log_prob,
            measure(density, self.outputs.features[rows], next(iter(log_prob.values()))),
        )


def _judge(leaf: Taxon, trial: _Trial) -> UnknownTaxon:
    """Compare the specimens of the taxon left out with known ones of the validation subset."""
    learned = trial.images.rows("train", trial.taxonomy)
    taxa = np.array([trial.taxonomy.place_of[trial.images.labels[row]] for row in learned.tolist()])
    density = Density.fit(trial.outputs.features[learned], taxa)
    known = trial.cases(trial.images.rows("validation", trial.taxonomy), density)
    unknown = trial.cases(np.flatnonzero(trial.left_out), density)
    assert known.measures is not None, "measured above"
    assert unknown.measures is not None, "measured above"
    novelty = Novelty.fit(density, known.measures, known.weights)
    of_known = mean_of_groups(novelty.score(known.measures), known.groups)
    of_unknown = mean_of_groups(novelty.score(unknown.measures), unknown.groups)
    scores = KnownScores.of(of_known, np.ones(len(of_known)))
    novel = is_novel(scores.less_strange(of_unknown), FALSE_REJECTION) & scores.can_reject(FALSE_REJECTION)
    temperatures = fit_temperatures(known)
    thresholds = give_verdicts(known, temperatures, "specimen").thresholds(ERROR_RATE)
    verdicts = give_verdicts(unknown, temperatures, "specimen")
    chosen = defended_rank(verdicts.answers, thresholds)
    places = [place for place, each in enumerate(thresholds) if each.rank.depth >= leaf.rank.depth]
    higher = [rank for rank in verdicts.y_true if rank.depth < leaf.rank.depth]
    shared = [rank for rank in higher if _is_shared(leaf, rank, trial.taxonomy)]
    return UnknownTaxon(
        scientific_name=leaf.name,
        taxon_rank=leaf.rank,
        n_images=len(unknown),
        n_specimens=unknown.n_specimens,
        n_known=len(of_known),
        auroc=area_under_roc(of_known, of_unknown),
        auroc_distance=area_under_roc(*_by_specimen(known, unknown, 0)),
        auroc_energy=area_under_roc(*_by_specimen(known, unknown, 1)),
        caught=float(novel.mean()) if scores.can_reject(FALSE_REJECTION) else None,
        rejected=_rejected(of_known),
        named={rank: _share_named(leaf, rank, verdicts.answers.column[rank], trial.taxonomy) for rank in shared},
        wrongly_identified=float((np.isin(chosen, places) & ~novel).mean()),
    )


def _by_specimen(known: Cases, unknown: Cases, column: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One measure of strangeness, of known and of unknown specimens."""
    assert known.measures is not None, "measured above"
    assert unknown.measures is not None, "measured above"
    return (
        mean_of_groups(known.measures[:, column], known.groups),
        mean_of_groups(unknown.measures[:, column], unknown.groups),
    )


def _rejected(scores: NDArray[np.float64]) -> float | None:
    """Share of known specimens that the others would have taken for unknown; None where they are too few for that."""
    others = KnownScores.of(scores, np.ones(len(scores)))
    if not KnownScores(scores[1:], np.ones(len(scores) - 1)).can_reject(FALSE_REJECTION):
        return None
    # Without the specimen itself there is one known specimen less, and as many less strange.
    less = others.less_strange(scores) * (len(scores) + 1) / len(scores)
    return float(is_novel(less, FALSE_REJECTION).mean())


def _is_shared(leaf: Taxon, rank: Rank, taxonomy: Taxonomy) -> bool:
    """Whether another taxon that was learned lies in the same taxon at a rank."""
    return rank in leaf.lineage and any(each.is_within(leaf.at(rank)) for each in taxonomy.leaves)


def _share_named(leaf: Taxon, rank: Rank, columns: NDArray[np.int64], taxonomy: Taxonomy) -> float:
    """Share of specimens whose most probable taxon at a rank is the right one."""
    return float((columns == taxonomy.taxa(rank).index(leaf.at(rank))).mean())


def area_under_roc(known: NDArray[np.float64], unknown: NDArray[np.float64]) -> float:
    """Chance that an unknown specimen scores higher than a known one; equal scores count a half.

    >>> area_under_roc(np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    0.875

    Source: Hanley & McNeil 1982, Radiology 143: 29-36.
    """
    ordered = np.sort(known)
    below = np.searchsorted(ordered, unknown, side="left")
    not_above = np.searchsorted(ordered, unknown, side="right")
    return float((below + not_above).mean() / 2 / len(known))
