"""What an audit finds: nothing where there is nothing, planted shortcuts, and labels that were swapped on purpose.

    python benchmarks/audit.py [SET...] [--seeds 20] [--first 0] [--swaps 8] [--backbone SOURCE] [--backgrounds]
        [--cache FOLDER]

Draws sets without a shortcut and with each that `mentum phantoms` can plant, ten taxa with eight images each, one set
per seed from the first on, and counts the sets in which each cue is called a shortcut: once with the specimen found by
its colours, once with it outlined. With --backgrounds specimens are also put on other backgrounds, judged by top
classifiers on features of the frozen backbone; that takes most of the time.

In each SET, a data folder as `mentum` reads it, 3 % of the specimens get the label of another taxon, drawn anew with
each of so many seeds as --swaps says. Said is the share of these that stand within the first 6 % of the list of
suspects, by top classifiers on features of the frozen backbone, which are computed once.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mentum.audit.backgrounds import HeldOutJudge, swap_backgrounds
from mentum.audit.cues import CUES, Pictures
from mentum.audit.findings import FROZEN, SHOWN_SUSPECTS
from mentum.audit.shortcuts import audit_shortcuts
from mentum.audit.suspects import find_suspects
from mentum.calibration.cases import allowed_taxa
from mentum.phantoms.dataset import draw_phantoms
from mentum.phantoms.settings import PhantomSettings
from mentum.records import ignore_progress
from mentum.settings import Settings, load_settings
from mentum.specimens.folds import deal_folds
from mentum.specimens.manifest import SpecimenTable
from mentum.training.preparation import Prepared, prepare
from mentum.training.retraining import Retraining
from mentum.workflows.audit import specimen_masks

SHORTCUTS = ("none", "tint", "corner")
PER_TAXON = 8
WIDTH = 256
"""Of drawn images, px."""
SWAPPED = 0.03
"""Share of the specimens whose label is changed."""
DECIDES = "background decides"


@dataclass(frozen=True)
class Options:
    """What to measure.

    Attributes:
        seeds: of the drawn sets.
        swaps: seeds of the labels that are swapped.
        cache: folder for drawn sets, pixels and features.
    """

    sets: Sequence[Path]
    seeds: range
    swaps: range
    settings: Settings
    backgrounds: bool
    cache: Path


def main() -> None:
    """Print two tables in Markdown."""
    with tempfile.TemporaryDirectory() as name:
        options = read_options(Path(name))
        if len(options.seeds):
            print(as_markdown(list(cue_rows(options))))
            print()
        if options.sets:
            print(as_markdown(list(swap_rows(options))))


def read_options(temporary: Path) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sets", type=Path, nargs="*", metavar="SET")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--swaps", type=int, default=8)
    parser.add_argument("--backbone", default="builtin", metavar="SOURCE")
    parser.add_argument("--backgrounds", action="store_true")
    parser.add_argument("--cache", type=Path, default=temporary)
    given = parser.parse_args()
    settings = load_settings("default", ["stage1.views=1"])
    backbone = settings.backbone.model_copy(update={"source": given.backbone})
    return Options(
        given.sets,
        range(given.first, given.first + given.seeds),
        range(given.swaps),
        settings.model_copy(update={"backbone": backbone}),
        given.backgrounds,
        given.cache,
    )


# Shortcuts


def cue_rows(options: Options) -> Iterator[list[str]]:
    """A header, and a row per planted shortcut and way to know where the specimen is."""
    named = [*CUES, *([DECIDES] if options.backgrounds else [])]
    yield ["Planted", "Specimen", "Sets", *named, "any shortcut"]
    for shortcut in SHORTCUTS:
        for outlined in (False, True):
            audits = [audited(options, shortcut, seed, outlined=outlined) for seed in options.seeds]
            counts = Counter(cue for found in audits for cue in found)
            alarms = sum(any(not cue.endswith("*") for cue in found) for found in audits)
            cells = [f"({counts[f'{cue}*']})" if counts[f"{cue}*"] else str(counts[cue]) for cue in named]
            how = "outlined" if outlined else "found by colour"
            yield [shortcut, how, str(len(audits)), *cells, str(alarms)]


def audited(options: Options, shortcut: str, seed: int, *, outlined: bool) -> set[str]:
    """What an audit of one drawn set calls a shortcut; with a star, cues above chance that hold the specimen too."""
    folder = drawn_set(options.cache, shortcut, seed)
    prepared = prepare(folder, options.settings, options.cache / "pixels", ignore_progress)
    table, pixels = prepared.table, prepared.pixels.pixels
    masks = specimen_masks(folder / "characters.coco.json", table, pixels.shape[1]) if outlined else None
    y_true = lowest(table)
    cues = audit_shortcuts(pixels, table.paths, y_true, table.specimens, masks, seed)
    found = {each.cue if each.found else f"{each.cue}*" for each in cues if each.above_chance}
    if options.backgrounds:
        pictures = Pictures(pixels, table.paths, masks)
        swap, _ = swap_backgrounds(pictures, y_true, table.specimens, fold_judge(options, prepared, folder), seed)
        found |= {DECIDES} if swap is not None and swap.decides else set()
    return found


def drawn_set(cache: Path, shortcut: str, seed: int) -> Path:
    """The folder of a drawn set, kept in the cache."""
    folder = cache / f"{shortcut}-{seed}"
    if not folder.exists():
        draw_phantoms(
            folder,
            PhantomSettings.model_validate(
                {"images_per_taxon": PER_TAXON, "width": WIDTH, "seed": seed, "shortcut": shortcut}
            ),
        )
    return folder


def lowest(table: SpecimenTable) -> NDArray[np.int64]:
    """(N,) int: the taxon of each image at the lowest rank."""
    rank = table.taxonomy.ranks[0]
    return np.array([table.taxonomy.truth(label, rank) for label in table.labels], dtype=np.int64)


def fold_judge(options: Options, prepared: Prepared, folder: Path) -> HeldOutJudge:
    """Top classifiers that did not learn from the specimen."""
    retraining = Retraining.of_data(prepared, options.settings, features_folder(options, folder), ignore_progress)
    taxonomy, rank = prepared.table.taxonomy, prepared.table.taxonomy.ranks[0]
    folds = deal_folds(prepared.table, 5, options.settings.split, options.settings.seed)

    def judge(squares: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return taxonomy.sum_up(retraining.judge_squares(folds, squares, rows)["tree"], rank)

    return HeldOutJudge(FROZEN, np.arange(len(prepared.table.labels)), rank, judge)


def features_folder(options: Options, data: Path) -> Path:
    """Where features of a data set lie."""
    return options.cache / f"features-{data.resolve().name}-{Path(options.settings.backbone.source).name}"


# Swapped labels


def swap_rows(options: Options) -> Iterator[list[str]]:
    """A header, and a row per set."""
    yield ["Set", "Backbone", "Images", "Out of fold right, %", "Swaps in the first 6 %", "Least", "Most", "Seeds"]
    for folder in options.sets:
        prepared = prepare(folder, options.settings, options.cache / "pixels", ignore_progress)
        rounds = [swap_round(options, prepared, folder, seed) for seed in options.swaps]
        right, found = np.array(rounds).T
        backbone = Path(options.settings.backbone.source).name
        shares = [f"{100 * share:.0f}" for share in (right.mean(), found.mean(), found.min(), found.max())]
        yield [folder.resolve().name, backbone, str(len(prepared.table.labels)), *shares, str(len(rounds))]


def swap_round(options: Options, prepared: Prepared, folder: Path, seed: int) -> tuple[float, float]:
    """Share of out-of-fold identifications that agree with the labels, and of the swaps that lead the list."""
    table, swapped = swap_labels(prepared.table, seed)
    settings = options.settings.model_copy(update={"seed": seed})
    where = features_folder(options, folder)
    retraining = Retraining.of_data(replace(prepared, table=table), settings, where, ignore_progress)
    y_prob = np.zeros((len(table.labels), len(table.taxonomy.leaves)), dtype=np.float32)
    for fold in deal_folds(table, 5, settings.split, seed):
        y_prob[fold.rows("test")] = retraining.judge(fold)["tree"]
    allowed = allowed_taxa(table.taxonomy, table.labels, "tree")
    suspects = find_suspects(y_prob, allowed, table.specimens)
    first = [each.row for each in suspects[: round(SHOWN_SUSPECTS * len(table.labels))]]
    right = allowed[np.arange(len(allowed)), y_prob.argmax(axis=1)]
    return float(right.mean()), float(np.isin(swapped, first).mean())


def swap_labels(table: SpecimenTable, seed: int) -> tuple[SpecimenTable, NDArray[np.int64]]:
    """A table in which some specimens bear the label of another taxon, and the rows of their images."""
    rng = np.random.default_rng((seed, 3))
    names = np.unique(table.specimens)
    chosen = rng.choice(names, max(1, round(SWAPPED * len(names))), replace=False)
    labels = list(table.labels)
    for specimen in chosen:
        rows = np.flatnonzero(table.specimens == specimen).tolist()
        others = [leaf for leaf in table.taxonomy.leaves if not labels[rows[0]].is_within(leaf)]
        given = others[rng.integers(len(others))]
        for row in rows:
            labels[row] = given
    return replace(table, labels=tuple(labels)), np.flatnonzero(np.isin(table.specimens, chosen))


def as_markdown(rows: Sequence[Sequence[str]]) -> str:
    """Rows, the header first, as a Markdown table."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


if __name__ == "__main__":
    main()
