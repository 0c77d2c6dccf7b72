"""Explain a run: where does the network look, and which character decides?"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mentum.disks import require_place
from mentum.explanation.annotation.characters import Annotations, read_annotations
from mentum.explanation.character_use import Asked, explain_characters
from mentum.explanation.evidence import RunEvidence
from mentum.explanation.exemplar import Exemplar
from mentum.explanation.gathering import gather_evidence, write_maps
from mentum.explanation.proposals.pictures import example_pictures, mean_image
from mentum.explanation.proposals.propose import Proposals, propose_characters
from mentum.explanation.results import Explanation
from mentum.explanation.sharp import SMALL_SIDE, SharpPictures
from mentum.explanation.tables import characters_csv
from mentum.files import write_text
from mentum.locks import sole_owner
from mentum.maps import Alignment
from mentum.records import ProgressCallback, ignore_progress
from mentum.reporting.figures.character_shares import draw_character_shares
from mentum.reporting.figures.characters_by_taxon import draw_characters_by_taxon
from mentum.reporting.figures.galleries import draw_contrasts, draw_galleries
from mentum.reporting.figures.heat_maps import write_overlays
from mentum.reporting.figures.proposals import draw_proposals
from mentum.reporting.figures.told_apart import draw_told_apart
from mentum.runs import Run
from mentum.specimens.run_images import Subset, open_images
from mentum.taxonomy import Rank
from mentum.training.predict import Predictor, map_geometry
from mentum.workflows.arguments import PathLike, cache_folder, open_run, path_or_none


@dataclass(frozen=True)
class Explained:
    """Why a run's networks say what they say: one of the two.

    Attributes:
        characters: which outlined character was used.
        proposals: characters proposed where none are outlined.
    """

    characters: Explanation | None = None
    proposals: Proposals | None = None


def explain(
    run: PathLike | Run,
    *,
    characters: PathLike | None = None,
    outline: str | None = None,
    subset: Subset = "train",
    ranks: Sequence[Rank | str] = (),
    align: Alignment = "receptive-field",
    occlude: int = 0,
    fast: bool = False,
    data: PathLike | None = None,
    cache: PathLike | None = None,
    report: ProgressCallback = ignore_progress,
) -> Explained:
    """Show where the network looks, and the share of images in which each character was the one used.

    Writes `relevance/`, figures, and `characters.json` and `.csv`, or `proposals.json`, into the run's folder.

    Args:
        run: a complete run, or its folder.
        characters: COCO file with outlines of characters; None = characters are proposed.
        outline: category that outlines the whole specimen, where its name does not tell.
        subset: whose images are explained.
        ranks: to explain; none = all that the run reports.
        align: whether a map's cells are drawn where they look, or as other libraries do.
        occlude: images in which each character is blurred and filled, and the weights made random, to test the maps.
        fast: tell the characters used by the maps alone.
        data: where the images of the run are now, if they have moved.
        cache: folder of the pixel cache; None = the user's.
        report: told about every step.

    Raises:
        RunError: if the images are not those of the training, or the run does not report a rank.
        DataError: listing all faults of the outlines.
        BusyError: if another process writes into the run's folder.
    """
    opened = open_run(run)
    require_place(opened.path)
    with sole_owner(opened.path):
        images = open_images(opened, subset, path_or_none(data), cache_folder(cache), report)
        # Before the long part: a faulty file should not cost an hour.
        outlines = read_annotations(Path(characters), images.table_files, images.root, outline) if characters else None
        predictor = Predictor.open(opened)
        geometry = map_geometry(opened).aligned(align)
        evidence = gather_evidence(images, predictor.explain, [Rank(each) for each in ranks], geometry, report)
        _clear(opened)
        write_maps(evidence, opened.relevance_folder)
        write_overlays(evidence, opened.relevance_folder / "overlays", report)
        if outlines and outlines.characters:
            measured = _Measured(opened, evidence, outlines, predictor, SharpPictures.of(images))
            return Explained(characters=measured.characters(Asked(occlude, fast), report))
        return Explained(proposals=_propose(opened, evidence, outlines, report))


def _clear(run: Run) -> None:
    """Remove the maps and pictures of an earlier explanation, which may show other images or ranks."""
    shutil.rmtree(run.relevance_folder, ignore_errors=True)
    for pattern in (
        "gallery_*",
        "contrast_*",
        "character_shares*",
        "characters_by_taxon_*",
        "told_apart_*",
        "proposed_characters*",
    ):
        for file in (run.path / "figures").glob(pattern):
            file.unlink()


@dataclass(frozen=True)
class _Measured:
    """What characters are measured with."""

    run: Run
    evidence: RunEvidence
    annotations: Annotations
    predictor: Predictor
    pictures: SharpPictures

    def characters(self, asked: Asked, report: ProgressCallback) -> Explanation:
        """Measure, write and draw."""
        run, evidence, annotations = self.run, self.evidence, self.annotations
        found = explain_characters(run, evidence, annotations, self.predictor, asked, report)
        found.explanation.write(run.characters_file)
        write_text(characters_csv(found.explanation), run.characters_file.with_suffix(".csv"))
        exemplar = self.pictures.exemplar(evidence.file_names[found.exemplar], annotations)
        figures = run.path / "figures"
        draw_character_shares(found.explanation, exemplar, figures)
        draw_characters_by_taxon(found.explanation, figures)
        draw_told_apart(found.explanation, self._small, figures)
        draw_galleries(evidence, found.used, figures)
        draw_contrasts(evidence, figures)
        return found.explanation

    def _small(self, file_name: str) -> Exemplar:
        return self.pictures.exemplar(file_name, self.annotations, SMALL_SIDE)


def _propose(run: Run, evidence: RunEvidence, annotations: Annotations | None, report: ProgressCallback) -> Proposals:
    """Propose, write and draw; outlines of specimens serve where an annotation holds these alone."""
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
