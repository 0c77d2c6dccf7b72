"""Audit a data set, or what a training learned from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mentum.audit.backgrounds import HeldOutJudge
from mentum.audit.findings import FROZEN, NO_SUBSETS, Audit, Material, examine
from mentum.audit.judges import judges_of, read_out_of_fold
from mentum.calibration.cases import Cases
from mentum.errors import RunError, SettingsError
from mentum.evaluation.cross_validation import Judged
from mentum.explanation.annotation.characters import read_annotations
from mentum.files import require_same_images
from mentum.locks import sole_owner, undisturbed
from mentum.records import ProgressCallback, ignore_progress
from mentum.reporting.figures.audit_sheets import draw_audit
from mentum.reporting.figures.shortcuts import draw_shortcuts
from mentum.runs import Run
from mentum.settings import Settings, load_settings
from mentum.specimens.crops import Crops
from mentum.specimens.folds import Fold
from mentum.specimens.manifest import SpecimenTable
from mentum.specimens.splits import given_subsets, split_specimens
from mentum.studies import read_study, require_study_place
from mentum.taxonomy import WHOLE_TREE
from mentum.training.folds import fold_file, learn_folds
from mentum.training.machine import repeatable
from mentum.training.predict import Predictor
from mentum.training.preparation import Prepared, prepare
from mentum.training.retraining import Retraining
from mentum.training.tasks import task_ranks
from mentum.workflows.arguments import PathLike, cache_folder
from mentum.workflows.folds import choose_folds, take_folder


@dataclass(frozen=True)
class Audited:
    """What was found, and the folder that holds it."""

    findings: Audit
    folder: Path


def audit(
    source: PathLike | Run,
    out: PathLike | None = None,
    *,
    backbone: str | None = None,
    outlines: PathLike | None = None,
    crossvalidation: PathLike | None = None,
    seed: int = 0,
    layout: str | None = None,
    data: PathLike | None = None,
    cache: PathLike | None = None,
    report: ProgressCallback = ignore_progress,
    command: str = "",
) -> Audited:
    """Look for shortcuts, for images on both sides of a split, and for labels that look wrong.

    Writes `audit.json`, sheets with thumbnails and a figure.

    Args:
        source: a run, its folder, or a data set.
        out: folder for it, and for features, which are kept; None = `audit` in the run's folder.
        backbone: whose features judge labels and pairs; None = the run's, or the one in the box.
        outlines: COCO file with outlines of specimens; None = they are found by colour.
        crossvalidation: folder of a cross-validation whose predictions then judge the labels.
        seed: of folds, permutations and backgrounds.
        layout: what each level of folders is, such as "genus/species"; None = the run's, or what the names tell.
        data: where the images of a run are now, if they have moved.
        cache: folder of the pixel cache; None = the user's.
        report: told about every step.
        command: how it was asked for, for the record.

    Raises:
        DataError: listing all faults of the data, or of the outlines.
        RunError: if `out` holds something else, or the images are not those of the run or cross-validation.
        SettingsError: if a data set has no `out`.
        BusyError: if another process writes `out`, or the cross-validation.
    """
    run, source, cache = _run_of(source), _folder_of(source), cache_folder(cache)
    if out is None and run is None:
        raise SettingsError(f"{source}: is no training's folder, so that the result has no place; give --out.")
    folder, settings = Path(out) if out is not None else source / "audit", _settings(run, backbone, seed, layout)
    images = Path(data) if data is not None else Path(run.record().data.source) if run else source
    require_study_place(folder)
    with sole_owner(folder):
        prepared = prepare(images, settings, cache, report)
        table, pixels, subsets = prepared.table, prepared.pixels.pixels, _subsets(run, prepared)
        crops = prepared.pixels.crops
        masks = None if outlines is None else specimen_masks(Path(outlines), table, pixels.shape[1], crops)
        better = None if crossvalidation is None else _crossvalidated(Path(crossvalidation), prepared)
        design, folds = choose_folds(table, None, None, settings)
        take_folder(folder, prepared, settings, f"audit, {design}", 1, command)
        retraining = Retraining.of_data(prepared, settings, folder, report)
        held_out, judged_by = better or _frozen(retraining, folds, folder, cache)
        swapped = _by_folds(retraining, folds) if run is None else _by_run(run, prepared, subsets, settings)
        material = Material(table, pixels, retraining.features, subsets, held_out, judged_by, masks, swapped, crops)
        found = examine(material, settings.backbone.source, settings.seed, report)
        _write(found, prepared, folder)
    return Audited(found, folder)


def _run_of(source: PathLike | Run) -> Run | None:
    if isinstance(source, Run):
        return source
    return Run.open(Path(source)) if (Path(source) / "run.json").is_file() else None


def _folder_of(source: PathLike | Run) -> Path:
    return source.path if isinstance(source, Run) else Path(source)


def _write(found: Audit, prepared: Prepared, folder: Path) -> None:
    found.write(folder / "audit.json")
    row_of = {name: row for row, name in enumerate(prepared.table.file_names)}
    draw_audit(found, lambda name: np.array(prepared.pixels.pixels[row_of[name]]), folder / "figures")
    if found.shortcuts:
        draw_shortcuts(found.shortcuts, folder / "figures")


def _settings(run: Run | None, backbone: str | None, seed: int, layout: str | None) -> Settings:
    """The training's, or the default ones, with a backbone that knows something."""
    settings = run.record().settings if run else load_settings("default")
    found = settings.backbone.source if run and settings.backbone.source != "random" else "builtin"
    return settings.model_copy(
        update={
            "backbone": settings.backbone.model_copy(update={"source": backbone or found}),
            "stage1": settings.stage1.model_copy(update={"views": 1}),
            "seed": seed,
            "specimens": settings.specimens.model_copy(update={"layout": layout or settings.specimens.layout}),
        }
    )


def _subsets(run: Run | None, prepared: Prepared) -> NDArray[np.str_]:
    """(N,) the subset of each image in the training, else as the data set gives it, else one for all.

    Raises:
        RunError: if the images are not those of the training.
    """
    if run is None:
        given = given_subsets(prepared.table)
        return np.full(len(prepared.table.labels), NO_SUBSETS) if given is None else np.where(given, given, NO_SUBSETS)
    trained = run.table()
    found = (prepared.table.file_names, prepared.pixels.content_hash)
    expected = (trained["file_name"].to_list(), run.record().data.content_hash)
    require_same_images(found, expected, prepared.table.source, run.path)
    return trained["subset"].to_numpy().astype(str)


def specimen_masks(file: Path, table: SpecimenTable, size: int, crops: Crops | None = None) -> NDArray[np.bool_]:
    """(N, size, size): the specimens as outlined, or all of their regions; nothing where an image has none.

    Raises:
        DataError: if the file cannot be read, or is of other images.
    """
    annotations = read_annotations(file, table.file_names, table.root)
    annotations = annotations.cropped(crops.named(table.file_names)) if crops else annotations
    masks = np.zeros((len(table.file_names), size, size), dtype=bool)
    for row, name in enumerate(table.file_names):
        if name in annotations.regions:
            regions = annotations.masks(name, size)[: len(annotations.characters)].sum(axis=0)
            covered = regions if annotations.outline is None else annotations.specimen(name, size)
            masks[row] = False if covered is None else covered >= 0.5
    return masks


def _crossvalidated(folder: Path, prepared: Prepared) -> tuple[Cases, str]:
    """Out-of-fold predictions of a cross-validation of the same images, and whose they are.

    Raises:
        RunError: if it is of other images, labels or specimens, or not complete.
    """
    with undisturbed(folder):
        study = read_study(folder)
        subsets = split_specimens(prepared.table, study.settings.split, study.settings.seed)
        record = replace(prepared, subsets=subsets).record()  # the hash of the table holds the split
        if (study.table_hash, study.content_hash) != (record.table_hash, record.content_hash):
            raise RunError(
                f"{folder}: is of other images, labels or specimens than {prepared.table.source}, or they have changed "
                "since; expected a cross-validation of the very same data; give that."
            )
        return read_out_of_fold(folder, prepared.table), judges_of(folder, study)


def _frozen(retraining: Retraining, folds: list[Fold], folder: Path, cache: Path) -> tuple[Cases, str]:
    """Out-of-fold predictions of top classifiers on frozen features, and whose they are."""
    learn_folds(retraining, folds, folder, 1, cache, 1)
    files = [fold_file(folder, fold) for fold in folds]
    return Judged.read(retraining.prepared.table, folds, files, ()).in_order(), FROZEN


def _by_folds(retraining: Retraining, folds: list[Fold]) -> HeldOutJudge:
    """Top classifiers on frozen features, each for the specimens that it did not learn from."""
    taxonomy = retraining.prepared.taxonomy
    rank = task_ranks(taxonomy, retraining.settings.head)[0]

    def judge(squares: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        found = retraining.judge_squares(folds, squares, rows)
        return taxonomy.sum_up(found[WHOLE_TREE.name], rank) if WHOLE_TREE.name in found else found[rank]

    return HeldOutJudge(FROZEN, np.arange(len(retraining.prepared.table.labels)), rank, judge)


def _by_run(run: Run, prepared: Prepared, subsets: NDArray[np.str_], settings: Settings) -> HeldOutJudge | None:
    """The trained networks, for test images, else validation images; None where there are neither."""
    subset = next((name for name in ("test", "validation") if (subsets == name).any()), None)
    if subset is None:
        return None
    predictor, rank = Predictor.open(run), task_ranks(prepared.taxonomy, settings.head)[0]

    def judge(squares: NDArray[np.uint8], _: NDArray[np.int64]) -> NDArray[np.float32]:
        with repeatable(settings):
            return predictor(squares)[rank]

    name = f"the trained networks, {subset} images"
    return HeldOutJudge(name, np.flatnonzero(subsets == subset), rank, judge)
