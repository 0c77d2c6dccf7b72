"""The report: one HTML file with all that a run's folder says, to read, to print and to send."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mentum.disks import require_place
from mentum.files import write_text
from mentum.locks import undisturbed
from mentum.reporting.numbers import number_of
from mentum.reporting.report.contents import SECTIONS
from mentum.reporting.report.figures import draw_missing
from mentum.reporting.report.known import Known
from mentum.reporting.report.rendering import render_file
from mentum.reporting.report.sections.provenance import recipe_in_words
from mentum.runs import Run, RunRecord


def write_report(
    run: Run,
    out: Path | None = None,
    images: Path | None = None,
    studies: Sequence[Path] = (),
    others: Sequence[Path] = (),
) -> Path:
    """Write a run's report: one HTML file that needs no other file, no script and no network.

    The same folders give the same bytes, under the same version of Mentum. Figures without files are drawn into the
    `figures` of the folder that they belong to.

    Args:
        run: a complete run that was evaluated.
        out: the file; `report.html` in the run's folder unless given.
        images: folder or table that the run was trained on, where it has moved.
        studies: folders of cross-validations, of a learning curve or of an audit, beside those in the run's folder.
        others: folders of runs or cross-validations to compare with.

    Returns:
        The file, which appears whole or not at all.

    Raises:
        RunError: if the run was not evaluated, a file of it is damaged, a study is of other images, or nothing can be
            compared.
        BusyError: if another process writes into one of the folders.
    """
    out = out or run.path / "report.html"
    require_place(out)
    with undisturbed(run.path, *studies, *others):
        known = Known.read(run, images, studies, others)
        draw_missing(run, known.evaluation, known.calibration, known.studies)
        html = _page(known)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(html, out)
    return out


def _page(known: Known) -> str:
    """Head, sections and foot."""
    return render_file(
        "report.html",
        record=known.record,
        title=_name_of_data(known.record),
        facts=_facts(known),
        titles={name: section.title for name, section in SECTIONS.items()},
        sections=[section.show(known) for section in SECTIONS.values()],
        calibration=known.calibration,
        explanation=known.explanation,
        unknowns=known.unknown_taxa,
        study_files=[(each.name, each.file) for each in known.studies.every],
        comparisons=known.comparisons,
    )


def _name_of_data(record: RunRecord) -> str:
    """The folder or table that was trained on, without the way there."""
    return Path(record.data.source).name or record.data.source


def _facts(known: Known) -> list[tuple[str, str]]:
    """What was trained, on what, when."""
    record, taxonomy = known.record, known.run.taxonomy()
    counts = record.data.counts.values()
    images, specimens = sum(each[0] for each in counts), sum(each[1] for each in counts)
    taxa = [f"{len(taxonomy.answers(rank))} at {rank} rank" for rank in record.ranks]
    named = number_of(specimens) if record.data.specimens_named else "not named; each image counts as one"
    backbone = record.backbone
    return [
        ("Images", number_of(images)),
        ("Specimens", named),
        ("Taxa", ", ".join(taxa)),
        ("Backbone", backbone.source if backbone else record.settings.backbone.source),
        ("Recipe", recipe_in_words(record)),
        ("Mentum", record.mentum),
    ]
