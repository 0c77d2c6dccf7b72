"""Commands that say why."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mentum.cli.data import JsonOption, LogOption
from mentum.cli.display import print_explanation, print_proposals
from mentum.cli.learning import CacheOption, RunArgument, pixel_cache
from mentum.cli.progress import Log, shown_progress
from mentum.taxonomy import Rank

if TYPE_CHECKING:
    from mentum.explanation.annotation.characters import Annotations
    from mentum.explanation.evidence import RunEvidence
    from mentum.explanation.proposals.propose import Proposals
    from mentum.explanation.results import Explanation
    from mentum.records import ProgressCallback
    from mentum.runs import Run
    from mentum.training.predict import Predictor


def explain(
    run: RunArgument,
    characters: Annotated[
        Path | None, typer.Option(help="COCO file with outlines of characters; without it, characters are proposed.")
    ] = None,
    outline: Annotated[
        str | None, typer.Option(help="Category that outlines the whole specimen, where its name does not tell.")
    ] = None,
    subset: Annotated[
        Literal["train", "validation", "test", "all"], typer.Option(help="Whose images are explained.")
    ] = "train",
    rank: Annotated[list[Rank] | None, typer.Option(help="Rank to explain; may be given several times.")] = None,
    align: Annotated[
        Literal["receptive-field", "half-pixel"],
        typer.Option(help="Draw a map's cells where they look, or as other libraries do."),
    ] = "receptive-field",
    occlude: Annotated[
        int, typer.Option(min=0, help="Images in which each character is hidden, to test whether it is needed.")
    ] = 0,
    data: Annotated[
        Path | None, typer.Option(help="Folder or table of the training's images, where they have moved.")
    ] = None,
    cache: CacheOption = None,
    as_json: JsonOption = False,
    log: LogOption = Log.AUTO,
) -> None:
    """Show where the network looks, and the share of images in which each character was the one used."""
    from mentum.explanation.annotation.characters import read_annotations
    from mentum.explanation.gathering import gather_evidence, write_maps
    from mentum.reporting.figures.heat_maps import write_overlays
    from mentum.runs import Run
    from mentum.specimens.run_images import open_images
    from mentum.training.predict import Predictor, map_geometry

    opened = Run.open(run)
    with shown_progress(log) as report:
        images = open_images(opened, subset, data, pixel_cache(cache), report)
        # Before the long part: a faulty file should not cost an hour.
        annotations = read_annotations(characters, images.table_files, images.root, outline) if characters else None
        predictor = Predictor.open(opened)
        geometry = map_geometry(opened).aligned(align)
        evidence = gather_evidence(images, predictor.explain, rank or (), geometry, report)
        _clear(opened)
        write_maps(evidence, opened.relevance_folder)
        write_overlays(evidence, opened.relevance_folder / "overlays", report)
        if annotations and annotations.characters:
            explanation = _explain_characters(opened, evidence, annotations, (predictor, occlude), report)
        else:
            proposals = _propose_characters(opened, evidence, annotations, report)
    if annotations and annotations.characters:
        _print_characters(explanation, as_json=as_json)
    else:
        _print_proposals(opened, proposals, as_json=as_json)


def _clear(run: Run) -> None:
    """Remove the maps and pictures of an earlier explanation, which may show other images or ranks."""
    shutil.rmtree(run.relevance_folder, ignore_errors=True)
    for pattern in ("gallery_*", "contrast_*", "character_shares*", "characters_by_taxon_*", "proposed_characters*"):
        for file in (run.path / "figures").glob(pattern):
            file.unlink()


def _explain_characters(
    run: Run,
    evidence: RunEvidence,
    annotations: Annotations,
    network: tuple[Predictor, int],
    report: ProgressCallback,
) -> Explanation:
    """Measure, write and draw."""
    from mentum.explanation.character_use import explain_characters
    from mentum.explanation.tables import characters_csv
    from mentum.files import write_text
    from mentum.reporting.figures.character_shares import Exemplar, draw_character_shares
    from mentum.reporting.figures.characters_by_taxon import draw_characters_by_taxon
    from mentum.reporting.figures.galleries import draw_contrasts, draw_galleries

    found = explain_characters(run, evidence, annotations, *network, report)
    found.explanation.write(run.characters_file)
    write_text(characters_csv(found.explanation), run.characters_file.with_suffix(".csv"))
    masks = annotations.masks(evidence.file_names[found.exemplar], evidence.geometry.size)
    exemplar = Exemplar(evidence.pixels[found.exemplar], annotations.names, masks)
    figures = run.path / "figures"
    draw_character_shares(found.explanation, exemplar, figures)
    draw_characters_by_taxon(found.explanation, figures)
    draw_galleries(evidence, found.used, figures)
    draw_contrasts(evidence, figures)
    return found.explanation


def _propose_characters(
    run: Run, evidence: RunEvidence, annotations: Annotations | None, report: ProgressCallback
) -> Proposals:
    """Propose, write and draw; outlines of specimens serve where an annotation holds these alone."""
    from mentum.explanation.proposals.pictures import example_pictures, mean_image
    from mentum.explanation.proposals.propose import propose_characters
    from mentum.reporting.figures.galleries import draw_contrasts, draw_galleries
    from mentum.reporting.figures.proposals import draw_proposals

    size = evidence.geometry.size
    outlines = (lambda name: annotations.specimen(name, size)) if annotations else None
    proposals = propose_characters(evidence, outlines, progress=report)
    proposals.write(run.proposals_file)
    figures = run.path / "figures"
    mean = mean_image(evidence, [image.frame for image in proposals.images])
    draw_proposals(proposals, mean, figures, example_pictures(evidence, proposals))
    draw_galleries(evidence, None, figures)
    draw_contrasts(evidence, figures)
    return proposals


def _print_characters(explanation: Explanation, *, as_json: bool) -> None:
    from mentum.explanation.tables import by_rank

    if as_json:
        typer.echo(json.dumps(by_rank(explanation), indent=2))
    else:
        print_explanation(explanation)


def _print_proposals(run: Run, proposals: Proposals, *, as_json: bool) -> None:
    if as_json:
        typer.echo(proposals.model_dump_json(indent=2))
    else:
        print_proposals(proposals, run.path)


def characters(
    run: RunArgument,
    names: Annotated[list[str], typer.Argument(help="Number and name of proposed characters, such as 1=mentum.")],
    out: Annotated[Path, typer.Option(help="COCO file to write, for `mentum explain --characters`.")],
) -> None:
    """Name the characters that `mentum explain` proposed, and write them as a COCO file."""
    from mentum.explanation.proposals.naming import read_names, write_named_characters
    from mentum.explanation.proposals.propose import read_proposals

    write_named_characters(read_proposals(run), read_names(names), out)
    typer.echo(out)
