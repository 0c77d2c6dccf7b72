"""Explain a run: where does the network look, and which character decides?"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict

from mentum.disks import require_place
from mentum.errors import SettingsError
from mentum.explanation.annotation.characters import Annotations, read_annotations
from mentum.explanation.character_use import Asked, CharacterEvidence, explain_characters
from mentum.explanation.evidence import RunEvidence
from mentum.explanation.exemplar import Exemplar
from mentum.explanation.gathering import gather_evidence, write_maps
from mentum.explanation.proposals.pictures import example_pictures, mean_image
from mentum.explanation.proposals.propose import Proposals, propose_characters
from mentum.explanation.results import Explanation
from mentum.explanation.several_runs import (
    AGREEMENT_FILE,
    RunAnswers,
    RunsAgreement,
    compare_runs,
    require_same_images,
    write_agreement,
)
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
from mentum.reporting.figures.pictured import Pictured
from mentum.reporting.figures.proposals import draw_proposals
from mentum.reporting.figures.told_apart import draw_told_apart
from mentum.runs import Run
from mentum.specimens.run_images import RunImages, Subset, open_images
from mentum.taxonomy import Rank
from mentum.training.compiled import CompiledPredictor, open_predictor
from mentum.training.predict import Predictor, map_geometry
from mentum.workflows.arguments import PathLike, cache_folder, open_run, path_or_none


@dataclass(frozen=True)
class Explained:
    """Why a run's networks say what they say: one of the two.

    Attributes:
        characters: which outlined character was used.
        proposals: characters proposed where none are outlined.
        agreement: of several runs, whether they use the same characters; `characters` is then of the first one.
    """

    characters: Explanation | None = None
    proposals: Proposals | None = None
    agreement: RunsAgreement | None = None


def explain(
    run: PathLike | Run,
    *others: PathLike | Run,
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

    Writes `relevance/`, figures, and `characters.json` and `.csv`, or `proposals.json`, into the run's folder. Several
    runs of the same images, such as those of other seeds, are also compared: `agreement.json` in the folder of the
    first.

    Args:
        run: a complete run, or its folder.
        others: further runs of the same images, to compare with.
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
    opened = [open_run(each) for each in (run, *others)]
    if others and characters is None:
        raise SettingsError("several runs are compared by their characters, which need outlines; give --characters.")
    require_same_images(opened, subset)
    told: _Told = {
        "characters": path_or_none(characters), "outline": outline, "subset": subset, "ranks": ranks, "align": align,
        "asked": Asked(occlude, fast), "data": path_or_none(data), "cache": cache_folder(cache),
    }  # fmt: skip
    found = [_explain_one(each, told, report) for each in opened]
    if not others:
        return found[0][0]
    answers = [answers for _, answers in found if answers]
    agreement = compare_runs([each.path.resolve().name for each in opened], answers)
    write_agreement(agreement, opened[0].path)
    return replace(found[0][0], agreement=agreement)


class _Told(TypedDict):
    """What `explain` was asked, the same for every run."""

    characters: Path | None
    outline: str | None
    subset: Subset
    ranks: Sequence[Rank | str]
    align: Alignment
    asked: Asked
    data: Path | None
    cache: Path


def _explain_one(run: Run, told: _Told, report: ProgressCallback) -> tuple[Explained, RunAnswers | None]:
    """One run's explanation, written and drawn; and where characters were measured, what it says of each image."""
    require_place(run.path)
    with sole_owner(run.path):
        images = open_images(run, told["subset"], told["data"], told["cache"], report)
        # Before the long part: a faulty file should not cost an hour.
        file = told["characters"]
        outlines = _outlines(file, told["outline"], images) if file else None
        geometry = map_geometry(run).aligned(told["align"])
        ranks, sharp = [Rank(each) for each in told["ranks"]], SharpPictures.of(images)
        with open_predictor(run, len(images.rows), report) as predictor:
            evidence = gather_evidence(images, predictor.explain, ranks, geometry, report)
            _clear(run)
            write_maps(evidence, run.relevance_folder)
            if outlines and outlines.characters:
                measured = _Measured(run, evidence, outlines, predictor, sharp)
                found = measured.characters(told["asked"], report)
                return Explained(characters=found.explanation), _answers(evidence, found)
        shown = Pictured(evidence, sharp)
        write_overlays(evidence, run.relevance_folder / "overlays", report, shown)
        return Explained(proposals=_propose(run, shown, outlines, report)), None


def _answers(evidence: RunEvidence, found: CharacterEvidence) -> RunAnswers:
    """The characters used in the correctly identified images of which they are known."""
    used = {
        rank: {
            name: character
            for name, character, correct in zip(
                evidence.file_names, found.used[rank], at_rank.correct.tolist(), strict=True
            )
            if character and correct
        }
        for rank, at_rank in evidence.ranks.items()
    }
    return RunAnswers(found.explanation, used)


def _outlines(file: Path, outline: str | None, images: RunImages) -> Annotations:
    return read_annotations(file, images.table_files, images.root, outline).cropped(images.boxes)


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
    (run.path / AGREEMENT_FILE).unlink(missing_ok=True)


@dataclass(frozen=True)
class _Measured:
    """What characters are measured with."""

    run: Run
    evidence: RunEvidence
    annotations: Annotations
    predictor: Predictor | CompiledPredictor
    pictures: SharpPictures

    def characters(self, asked: Asked, report: ProgressCallback) -> CharacterEvidence:
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
        shown = Pictured(evidence, self.pictures, found.needs)
        write_overlays(evidence, run.relevance_folder / "overlays", report, shown)
        draw_galleries(evidence, found.used, figures, shown)
        draw_contrasts(evidence, figures)
        return found

    def _small(self, file_name: str) -> Exemplar:
        return self.pictures.exemplar(file_name, self.annotations, SMALL_SIDE)


def _propose(run: Run, shown: Pictured, annotations: Annotations | None, report: ProgressCallback) -> Proposals:
    """Propose, write and draw; outlines of specimens serve where an annotation holds these alone."""
    evidence = shown.evidence
    size = evidence.geometry.size
    outlines = (lambda name: annotations.specimen(name, size)) if annotations else None
    proposals = propose_characters(evidence, outlines, progress=report)
    proposals.write(run.proposals_file)
    figures = run.path / "figures"
    mean = mean_image(evidence, [image.frame for image in proposals.images])
    draw_proposals(proposals, mean, figures, example_pictures(evidence, proposals))
    draw_galleries(evidence, None, figures, shown)
    draw_contrasts(evidence, figures)
    return proposals
