"""Cross-validated accuracy of a recipe beside plainer ways to train the same backbone, on the same folds.

    python benchmarks/accuracy.py SET... --out FOLDER [--backbones SOURCE...] [--folds 5] [--set KEY=VALUE]
        [--jobs 1] [--threads 0] [--markdown FILE]

SET is a data folder as `mentum` reads it. The same command goes on with FOLDER after an interruption, and each of its
folders can be given to `mentum compare`. The other ways know nothing of the recipe's own means:

- "plain": the backbone frozen, then unfrozen, under one learning rate, without kept features;
- "from the start": backbone and top classifier together from the first epoch, under one learning rate;
- "linear probe": a logistic regression on features of the undeformed images.

All ways see the same deformed images, pass each training image through the network equally often (views of stage 1
and epochs of stage 2 together; the linear probe once), and may stop by the same validation specimens. The learning
rate of the first two is the one of `RATES` with the lowest validation loss in the first fold, the penalty of the third
is chosen in each fold by the validation specimens.
"""

from __future__ import annotations

import argparse
import copy
import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

import mentum
from mentum.evaluation.cross_validation import CrossValidation, Judged, RankScores, score
from mentum.evaluation.results import Estimate
from mentum.evaluation.run_comparison import RankComparison, compare_folders
from mentum.files import write_text
from mentum.network.backbones import Backbone, load_backbone
from mentum.network.head import pool
from mentum.records import ignore_progress
from mentum.runs import OUT_OF_FOLD, write_parquet
from mentum.settings import Settings, load_settings
from mentum.specimens.folds import Fold, deal_folds
from mentum.studies import Study, begin_study
from mentum.taxonomy import WHOLE_TREE
from mentum.training.batches import ImageSource, shuffled
from mentum.training.features import BATCH_SIZE, extract_features
from mentum.training.folds import fold_file, learn_fold
from mentum.training.machine import choose_device, repeatable
from mentum.training.preparation import Prepared, prepare
from mentum.training.retraining import Retraining
from mentum.workflows.arguments import cache_folder

WAYS = RECIPE, PLAIN, FROM_START, PROBE = ("recipe", "plain", "from the start", "linear probe")
RATES = (3e-3, 1e-3, 3e-4, 1e-4)
PENALTIES = (0.001, 0.01, 0.1, 1.0)
"""Inverse strengths, as scikit-learn's C."""
DROPOUT = 0.5
HEADER = (
    "way", "rank", "wrong", "accuracy, %", "balanced accuracy, %", "recipe over it, points", "p", "the recipe is",
)  # fmt: skip


@dataclass(frozen=True)
class Lesson:
    """One fold of one set.

    Attributes:
        columns: (N,) int, place of each label among the fold's taxa; -1 where it names none of them.
    """

    prepared: Prepared
    settings: Settings
    fold: Fold
    columns: NDArray[np.int64]

    @classmethod
    def of(cls, prepared: Prepared, settings: Settings, fold: Fold) -> Lesson:
        """The lesson of a fold."""
        place = {taxon: column for column, taxon in enumerate(fold.taxonomy.leaves)}
        return cls(prepared, settings, fold, np.array([place.get(label, -1) for label in prepared.table.labels]))

    def rows(self, subset: str) -> NDArray[np.int64]:
        """Images of a subset that a plain classifier can use."""
        rows = self.fold.rows(subset)
        return rows if subset == "test" else rows[self.columns[rows] >= 0]

    def told(self, y_prob: NDArray[np.float32]) -> pl.DataFrame:
        """Probabilities (n, C) of the images judged and then of those looked at, as a fold's file."""
        rows, table = rows_to_tell(self.fold), self.prepared.table
        spread = WHOLE_TREE.spread(y_prob, self.fold.taxonomy, table.taxonomy)
        return pl.DataFrame(
            {
                "file_name": [table.file_names[row] for row in rows.tolist()],
                "subset": self.fold.subsets[rows].tolist(),
                "tree": pl.Series(spread, dtype=pl.Array(pl.Float32, spread.shape[1])),
            }
        )

    def source(self) -> ImageSource:
        """The images, deformed as the recipe does."""
        settings, device = self.settings, choose_device(self.settings)
        return ImageSource(
            self.prepared.pixels.pixels, settings.augmentation, settings.pixels.padding, settings.seed, device
        )

    def backbone(self) -> Backbone:
        """As it comes, channels last."""
        backbone = load_backbone(self.settings.backbone, self.settings.seed).to(choose_device(self.settings))
        return backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


class PlainNetwork(nn.Module):
    """Backbone, average pooling, dropout, one layer."""

    def __init__(self, backbone: Backbone, n_taxa: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.top = nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(backbone.n_features, n_taxa))

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels (N, 3, S, S) → logits (N, C)."""
        logits: Tensor = self.top(pool(self.backbone(pixels)))
        return logits


def fine_tune(lesson: Lesson, rate: float, n_frozen: int) -> tuple[float, NDArray[np.float32]]:
    """Train a network and keep the weights of the epoch with the lowest validation loss.

    Args:
        lesson: what is learned.
        rate: of Adam, the same for all weights and epochs.
        n_frozen: epochs during which the backbone stays as it is.

    Returns:
        The lowest validation loss, and probabilities (n, C) of the images judged and then of those looked at.
    """
    torch.manual_seed(lesson.settings.seed)
    source, network = lesson.source(), PlainNetwork(lesson.backbone(), len(lesson.fold.taxonomy.leaves))
    network.to(source.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    best, lowest = copy.deepcopy(network.state_dict()), float("inf")
    for epoch in range(1, lesson.settings.stage1.views + lesson.settings.stage2.epochs + 1):
        frozen = epoch <= n_frozen
        network.train()
        network.backbone.train(not frozen).requires_grad_(not frozen)
        _teach(network, optimizer, lesson, source, epoch)
        loss = _loss(lesson, "validation", predict(network, source, lesson.rows("validation")))
        if loss < lowest:
            best, lowest = copy.deepcopy(network.state_dict()), loss
    network.load_state_dict(best)
    return lowest, predict(network, source, rows_to_tell(lesson.fold))


def _teach(
    network: PlainNetwork, optimizer: torch.optim.Optimizer, lesson: Lesson, source: ImageSource, epoch: int
) -> None:
    rows = shuffled(lesson.rows("train"), lesson.settings.seed, epoch)
    for of, pixels in source.batches(rows, lesson.settings.stage2.batch_size, epoch):
        truth = torch.from_numpy(lesson.columns[of.numpy()]).to(source.device)
        optimizer.zero_grad()
        torch.autograd.backward(nn.functional.cross_entropy(network(pixels), truth))
        optimizer.step()


def predict(network: nn.Module, source: ImageSource, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Probabilities (n, C) of images as they are."""
    network.eval()
    with torch.inference_mode():
        found = [network(pixels).softmax(1).cpu() for _, pixels in source.batches(rows, BATCH_SIZE)]
    return np.asarray(torch.cat(found).numpy(), dtype=np.float32)


def _loss(lesson: Lesson, subset: str, y_prob: NDArray[np.float32]) -> float:
    """Mean negative log-likelihood of the labels of a subset."""
    truth = lesson.columns[lesson.rows(subset)]
    return float(-np.log(np.maximum(y_prob[np.arange(len(truth)), truth], 1e-12)).mean())


def probe(lesson: Lesson) -> NDArray[np.float32]:
    """Probabilities (n, C), as `fine_tune` gives them, of the logistic regression that validation specimens prefer."""
    everything = np.arange(len(lesson.columns))
    features = extract_features(lesson.backbone(), lesson.source(), everything, None, ignore_progress)
    taught, watched = lesson.rows("train"), lesson.rows("validation")

    def fit(penalty: float) -> tuple[float, NDArray[np.float32]]:
        head = make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=5000))
        head.fit(features[taught], lesson.columns[taught])
        place = {int(column): number for number, column in enumerate(head.classes_)}
        assert list(place) == list(range(len(place))), "a fold's taxa are those that it teaches"
        loss = _loss(lesson, "validation", head.predict_proba(features[watched]).astype(np.float32))
        return loss, head.predict_proba(features[rows_to_tell(lesson.fold)]).astype(np.float32)

    with threadpool_limits(1):  # the matrices are small: more threads take several times as long
        return min((fit(penalty) for penalty in PENALTIES), key=lambda found: found[0])[1]


def rows_to_tell(fold: Fold) -> NDArray[np.int64]:
    """Images judged, then those that training looked at: the order of a fold's file."""
    return np.concatenate([fold.rows("test"), fold.rows("validation")])


@dataclass(frozen=True)
class Cross:
    """One way to train, cross-validated on one set.

    Attributes:
        folder: where predictions are kept, one file per fold.
    """

    data: Path
    way: str
    settings: Settings
    n_folds: int
    folder: Path
    cache: Path

    @classmethod
    def begin(cls, data: Path, way: str, settings: Settings, options: argparse.Namespace) -> Cross:
        """Take a folder for it, or go on with that of the same one."""
        folder = options.out / Path(settings.backbone.source).name / data.resolve().name / way.replace(" ", "-")
        found = cls(data, way, settings, options.folds, folder, cache_folder(options.cache))
        record = found.prepared().record()
        study = Study(
            mentum=mentum.__version__,
            design=f"{options.folds} folds by specimen, {way}",
            stage=2,
            settings=settings,
            table_hash=record.table_hash,
            content_hash=record.content_hash,
            command=shlex.join(sys.argv),
        )
        begin_study(folder, study)
        return found

    def prepared(self) -> Prepared:
        """The images."""
        return prepare(self.data, self.settings, self.cache, ignore_progress)

    def folds(self, prepared: Prepared) -> list[Fold]:
        """Who is judged by whom."""
        return deal_folds(prepared.table, self.n_folds, self.settings.split, self.settings.seed)

    def trial(self, rate: float) -> Path:
        """File of the first fold's predictions, with the lowest validation loss, under a rate."""
        return self.folder / "rates" / f"{rate:g}.parquet"

    def rate(self) -> float:
        """The rate with the lowest validation loss in the first fold."""
        return min(RATES, key=lambda rate: float(pl.read_parquet(self.trial(rate))["validation_loss"][0]))

    def learn(self, number: int, rate: float | None = None) -> None:
        """Train on a fold and write its predictions, unless that is done.

        Args:
            number: of the fold, from 0.
            rate: tries this one on the fold; otherwise the chosen one is taken, where the way has one.
        """
        prepared = self.prepared()
        fold = self.folds(prepared)[number]
        file = fold_file(self.folder, fold) if rate is None else self.trial(rate)
        if self.way == RECIPE:
            retraining = Retraining.of_data(prepared, self.settings, self.folder, ignore_progress)
            learn_fold(retraining, fold, self.folder, 2)
        elif not file.is_file():
            with repeatable(self.settings):
                found = self._plainly(Lesson.of(prepared, self.settings, fold), rate)
            file.parent.mkdir(parents=True, exist_ok=True)
            write_parquet(found, file)

    def _plainly(self, lesson: Lesson, rate: float | None) -> pl.DataFrame:
        if self.way == PROBE:
            return lesson.told(probe(lesson))
        n_frozen = self.settings.stage1.views if self.way == PLAIN else 0
        loss, y_prob = fine_tune(lesson, rate or self.rate(), n_frozen)
        found = lesson.told(y_prob)
        return found.with_columns(validation_loss=pl.lit(loss)) if rate else found

    def result(self) -> CrossValidation:
        """Score all folds and write what `mentum crossvalidate` writes."""
        prepared = self.prepared()
        folds = self.folds(prepared)
        judged = Judged.read(prepared.table, folds, [fold_file(self.folder, fold) for fold in folds], ())
        judged.write(self.folder / OUT_OF_FOLD)
        about = {"design": f"{self.n_folds} folds by specimen", "stage": 2, "seed": self.settings.seed}
        found = score(judged, {**about, "backbone": self.settings.backbone.source})
        found.write(self.folder / "crossvalidation.json")
        return found


def main() -> None:
    """Cross-validate all ways on all sets and print the tables."""
    options = _options()
    replaced = [f"threads={options.threads}", *options.set]
    base = load_settings(options.recipe, replaced)
    sources = options.backbones or [base.backbone.source]
    crosses = [
        Cross.begin(
            data, way, load_settings(options.recipe, [*replaced, f"backbone.source={json.dumps(source)}"]), options
        )
        for source in sources
        for data in options.sets
        for way in WAYS
    ]
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as workers:
        for tasks in (first_tasks, last_tasks):
            waiting = [workers.submit(*task) for cross in crosses for task in tasks(cross)]
            for future in as_completed(waiting):
                future.result()
    text = "\n".join(report(crosses, base, options))
    print(text)
    if options.markdown:
        write_text(text, options.markdown)


def first_tasks(cross: Cross) -> Iterator[tuple[Any, ...]]:
    """All folds of a way without a choice of rate; else the first fold with each rate."""
    if cross.way in (RECIPE, PROBE):
        yield from ((cross.learn, number) for number in range(cross.n_folds))
    else:
        yield from ((cross.learn, 0, rate) for rate in RATES)


def last_tasks(cross: Cross) -> Iterator[tuple[Any, ...]]:
    """The other folds, with the rate that was chosen."""
    if cross.way in (RECIPE, PROBE):
        return
    first = fold_file(cross.folder, cross.folds(cross.prepared())[0])
    if not first.is_file():
        first.parent.mkdir(parents=True, exist_ok=True)
        write_parquet(pl.read_parquet(cross.trial(cross.rate())).drop("validation_loss"), first)
    yield from ((cross.learn, number) for number in range(1, cross.n_folds))


def report(crosses: Sequence[Cross], settings: Settings, options: argparse.Namespace) -> Iterator[str]:
    """The whole file: what was done, then a table per backbone and set."""
    replaced = "".join(f", {change}" for change in options.set)
    views, epochs = settings.stage1.views, settings.stage2.epochs
    yield "# Accuracy beside plainer ways to train"
    yield ""
    yield (
        f"Every specimen is judged once, {options.folds} folds by specimen, by networks that neither learned from it "
        f"nor stopped by it. Recipe: {options.recipe}{replaced}, seed {settings.seed}. In brackets 95 % intervals; "
        "differences are tested on the same images: the interval is bootstrapped over specimens, p is McNemar's exact "
        "one; a way is called better where both agree."
    )
    yield ""
    yield f"- **recipe**: {views} kept views for stage 1, then {epochs} epochs of stage 2 at most."
    yield f"- **plain**: {views} epochs frozen, then {epochs} unfrozen, Adam with one learning rate, nothing kept."
    yield f"- **from the start**: {views + epochs} epochs of the whole network, Adam with one learning rate."
    yield "- **linear probe**: logistic regression on features of the undeformed images."
    yield ""
    rates = ", ".join(f"{rate:g}" for rate in RATES)
    yield (
        f"The rate of the second and third is the one of {rates} with the lowest validation loss in the first fold, "
        "the penalty of the fourth is chosen by the validation specimens of each fold. The first three keep the epoch "
        "with the lowest validation loss and see the same deformed images. An image labelled only to a rank above the "
        "taxa to be learned teaches the recipe, by the sum over them, but not the other ways. Written by `python "
        "benchmarks/accuracy.py`."
    )
    for start in range(0, len(crosses), len(WAYS)):
        yield ""
        yield from as_table(crosses[start : start + len(WAYS)])
    yield ""


def as_table(ways: Sequence[Cross]) -> Iterator[str]:
    """Heading and rows of a set, under `HEADER`; the first way is the recipe."""
    results = {cross.way: cross.result() for cross in ways}
    first, settings = results[RECIPE], ways[0].settings
    backbone = Path(settings.backbone.source).name
    yield f"## {ways[0].data.resolve().name}, {backbone}, {settings.pixels.size} px"
    yield ""
    yield f"{first.n_images} images of {first.n_specimens} specimens."
    yield ""
    yield f"| {' | '.join(HEADER)} |"
    yield "|" + "---|" * len(HEADER)
    for cross in ways:
        ranks = {each.rank: each for each in results[cross.way].ranks if each.unit == "image"}
        found = None if cross.way == RECIPE else compare_folders(cross.folder, ways[0].folder).ranks
        for place, (rank, scores) in enumerate(ranks.items()):
            compared = next((each for each in found or () if each.rank == rank), None)
            yield f"| {' | '.join(_row(cross if place == 0 else None, scores, compared))} |"


def _row(cross: Cross | None, scores: RankScores, compared: RankComparison | None) -> list[str]:
    name = ""
    if cross is not None:
        name = f"{cross.way}, rate {cross.rate():g}" if cross.way in (PLAIN, FROM_START) else cross.way
    counts = f"{scores.n_misclassified} of {scores.n_images}"
    row = [name, str(scores.rank), counts, _percent(scores.accuracy), _percent(scores.scores["balanced_accuracy"])]
    if compared is None:
        return [*row, "", "", ""]
    found, better = compared.comparison, {"a": "worse", "b": "better", None: "no difference shown"}
    difference = Estimate(value=found.difference, interval=found.interval)
    return [*row, _percent(difference), f"{found.mcnemar_p:.3g}", better[compared.better]]


def _percent(estimate: Estimate) -> str:
    low, high = 100 * estimate.interval.low, 100 * estimate.interval.high
    return f"{100 * estimate.value:.1f} ({low:.1f} to {high:.1f})"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("sets", type=Path, nargs="+", metavar="SET")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--backbones", nargs="+", default=[], help="as of `mentum train`; otherwise the recipe's")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time")
    parser.add_argument("--threads", type=int, default=0, help="of each training; 0 = one per core")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--markdown", type=Path, help="file for the tables")
    return parser.parse_args()


if __name__ == "__main__":
    main()
