"""The command that looks for what a model could cheat by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mentum.cli.data import JsonOption, LogOption
from mentum.cli.learning import CacheOption, DataOption, pixel_cache
from mentum.cli.progress import Log, shown_progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mentum.evaluation.audit.audit import Audit
    from mentum.records import ProgressCallback
    from mentum.runs import Run
    from mentum.settings import Settings
    from mentum.training.preparation import Prepared


def audit(
    source: Annotated[Path, typer.Argument(help="A training's folder, or a data set.")],
    out: Annotated[Path, typer.Option(help="Folder for the result, its sheets, and the features that it keeps.")],
    backbone: Annotated[
        str | None, typer.Option(help="Whose features judge labels and pairs; otherwise the training's, or builtin.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of folds and permutations.")] = 0,
    data: DataOption = None,
    cache: CacheOption = None,
    as_json: JsonOption = False,
    log: LogOption = Log.AUTO,
) -> None:
    """Look for shortcuts, for images on both sides of a split, and for labels that look wrong."""
    from mentum.cli.display import print_audit
    from mentum.runs import Run
    from mentum.settings import load_settings

    run = Run.open(source) if (source / "run.json").is_file() else None
    settings = run.record().settings if run else load_settings("default")
    found = settings.backbone.source if run and settings.backbone.source != "random" else "builtin"
    settings = settings.model_copy(
        update={
            "backbone": settings.backbone.model_copy(update={"source": backbone or found}),
            "stage1": settings.stage1.model_copy(update={"views": 1}),
            "seed": seed,
        }
    )
    place = data or (Path(run.record().data.source) if run else source)
    with shown_progress(log) as report:
        result = _audit(place, run, settings, out, (pixel_cache(cache), report))
    if as_json:
        typer.echo(result.model_dump_json(indent=2))
    else:
        print_audit(result, out)


def _audit(place: Path, run: Run | None, settings: Settings, out: Path, where: tuple[Path, ProgressCallback]) -> Audit:
    """Identify every image out of fold on frozen features, then look at everything."""
    import numpy as np

    from mentum.cli.validating import begin
    from mentum.evaluation.audit.audit import Material
    from mentum.evaluation.audit.audit import audit as look
    from mentum.evaluation.cross_validation import Judged
    from mentum.reporting.audit_sheets import draw_audit
    from mentum.specimens.folds import deal_folds
    from mentum.training.folds import FoldTraining, fold_file, learn_folds
    from mentum.training.preparation import prepare

    cache, report = where
    prepared = prepare(place, settings, cache, report)
    table, pixels = prepared.table, prepared.pixels.pixels
    subsets = _subsets(run, prepared)
    folds = deal_folds(table, 5, settings.split, settings.seed)
    training = FoldTraining(prepared, settings, out, 1, report)
    record = prepared.record()
    begin(out, "audit, 5 folds by specimen", 1, settings, (record.table_hash, record.content_hash))
    learn_folds(training, folds, cache, 1)
    held_out = Judged.read(table, folds, [fold_file(out, fold) for fold in folds], ()).in_order()
    material = Material(table, pixels, training.features, subsets, held_out)
    found = look(material, settings.backbone.source, settings.seed)
    found.write(out / "audit.json")
    row_of = {name: row for row, name in enumerate(table.file_names)}
    draw_audit(found, lambda name: np.array(pixels[row_of[name]]), out / "figures")
    return found


def _subsets(run: Run | None, prepared: Prepared) -> NDArray[np.str_]:
    """(N,) the subset of each image in the training, or one for all where there was none.

    Raises:
        RunError: if the images are not those of the training.
    """
    import numpy as np

    from mentum.errors import RunError
    from mentum.evaluation.audit.audit import NO_SUBSETS

    if run is None:
        return np.full(len(prepared.table.labels), NO_SUBSETS)
    trained = run.table()
    same_files = trained["file_name"].to_list() == prepared.table.file_names
    if not same_files or prepared.pixels.content_hash != run.record().data.content_hash:
        raise RunError(
            f"{prepared.table.source}: the images are not those that {run.path} was trained on, or have changed since; "
            "expected the very same files; give --data the folder or table that holds them."
        )
    return trained["subset"].to_numpy().astype(str)
