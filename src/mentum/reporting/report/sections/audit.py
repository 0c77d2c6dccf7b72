"""The section on an audit: shortcuts, backgrounds, near-duplicates, bursts, labels that look wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from mentum.audit.backgrounds import BackgroundSwap
from mentum.audit.findings import NO_SUBSETS, Audit, AuditImage, LabelSuspect, NearDuplicate
from mentum.audit.shortcuts import LEVEL, CueResult
from mentum.evaluation.notes import enumerate_words
from mentum.evaluation.results import Estimate
from mentum.reporting.numbers import THIN, bounds, number_of, percent
from mentum.reporting.report.figures import study_figures
from mentum.reporting.report.known import Known
from mentum.reporting.report.photographs import Photographs
from mentum.reporting.report.rendering import render_file
from mentum.taxonomy import Rank

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_PAIRS = 12
MOST_SUSPECTS = 24
MOST_BURSTS = 12


@dataclass(frozen=True)
class Cue:
    """How a cue is called in a sentence and in a table, and whether a network sees it."""

    phrase: str
    description: str
    seen: bool = True


CUES: Mapping[str, Cue] = {
    "border": Cue("the strips along the border", "strips along the borders of the picture"),
    "background": Cue("the background", "what lies around the specimen"),
    "colour": Cue("the colours of the whole picture", "colours of the whole picture, specimen included"),
    "compression": Cue("the bytes of the files", "bytes of the files, which depend on the specimen too"),
    "file": Cue("the particulars of the files", "size, quality, time, camera and number of the files", seen=False),
}
"""Name of a cue in the record → its words; others go by their name."""


_KINDS = {"across taxa": "across taxa", "across subsets": "across subsets", "two specimens": "of two specimens"}
"""Kind of a pair in the record → in a sentence."""


@dataclass(frozen=True)
class ShownCue:
    """One row of the table of cues."""

    name: str
    description: str
    result: CueResult
    verdict: str


@dataclass(frozen=True)
class ShownImage:
    """An image that the audit names; `photograph` is None where it is not there, `subset` where there is no split."""

    photograph: str | None
    file_name: str
    name: str
    rank: Rank
    specimen: str
    subset: str | None


@dataclass(frozen=True)
class ShownPair:
    """Two images that look like the same photograph."""

    kind: str
    distance: int
    images: tuple[ShownImage, ShownImage]


@dataclass(frozen=True)
class ShownSuspect:
    """An image whose label looks wrong."""

    image: ShownImage
    suggested: str
    suggested_rank: Rank
    reason: str


@dataclass(frozen=True)
class ShownAudit:
    """An audit.

    Attributes:
        conclusion: whether there is a shortcut, in a sentence.
        swap: what other backgrounds do, in sentences.
        kinds: of near-duplicates, with their numbers, in words.
        bursts: those that a split has torn apart, in words.
        split: whether the images that are named had one.
    """

    record: Audit
    cues: Sequence[ShownCue]
    conclusion: str
    swap: Sequence[str]
    kinds: str
    pairs: Sequence[ShownPair]
    bursts: Sequence[str]
    suspects: Sequence[ShownSuspect]
    split: bool


def show(known: Known) -> Markup:
    """What an audit found, or how to make one."""
    found = known.studies.audit
    return render_file(
        "audit.html",
        audit=show_audit(found.record, known.photographs) if found else None,
        photographs_missing=known.photographs.missing,
        figures=study_figures(known.studies),
    )


def show_audit(found: Audit, photographs: Photographs) -> ShownAudit:
    """Put an audit into words and pictures.

    Args:
        found: the audit.
        photographs: of the run.
    """
    named = [each.image for each in found.suspects] + [each.one for each in found.duplicates]
    kinds = Counter(each.kind for each in found.duplicates)
    return ShownAudit(
        record=found,
        cues=[_show_cue(each) for each in found.shortcuts],
        conclusion=_conclusion(found.shortcuts),
        swap=list(_swap(found.background)) if found.background else [],
        kinds=enumerate_words([f"{number_of(n)} {_KINDS[kind]}" for kind, n in kinds.items()]),
        pairs=[_show_pair(each, photographs) for each in found.duplicates[:MOST_PAIRS]],
        bursts=[_burst(names) for names in found.bursts[:MOST_BURSTS]],
        suspects=[_show_suspect(each, photographs) for each in found.suspects[:MOST_SUSPECTS]],
        split=any(image.subset != NO_SUBSETS for image in named),
    )


def _show_cue(result: CueResult) -> ShownCue:
    known = CUES.get(result.cue)
    return ShownCue(result.cue, known.description if known else "", result, _verdict(result))


def _verdict(result: CueResult) -> str:
    if result.found:
        return "shortcut"
    if result.above_chance:
        return "above chance, perhaps by the specimen" if result.of_specimen_too else "above chance"
    return "hardly above chance" if result.p_corrected <= LEVEL else "no more than chance"


def _phrase(result: CueResult) -> str:
    known = CUES.get(result.cue)
    return known.phrase if known else f"the cue \u201c{result.cue}\u201d"


def _conclusion(cues: Sequence[CueResult]) -> str:
    if not cues:
        return "Whether the taxon can be told without the specimen could not be looked at."
    named = [f"from {_phrase(each)} alone" for each in cues if each.found]
    if named:
        found = "A shortcut was found" if len(named) == 1 else "Shortcuts were found"
        return f"{found}: the taxon can be told {enumerate_words(named)}."
    return "No shortcut was found among these cues; others may exist."


def shortcut_sentence(found: Audit) -> str | None:
    """For the summary: the strongest shortcut, and what it means; None where none was found."""
    shortcuts = sorted((each for each in found.shortcuts if each.found), key=lambda each: -each.accuracy)
    shortcuts.sort(key=_is_seen, reverse=True)
    if not shortcuts:
        return None
    first, *others = shortcuts
    more = f", likewise from {enumerate_words(list(map(_likewise, others)))}" if others else ""
    meaning = (
        "part of what the network knows may not come from the specimens"
        if _is_seen(first)
        else "no network sees these, but they hint at how the images were made"
    )
    return (
        f"The taxon can be told from {_phrase(first)} alone in {percent(first.accuracy)} of the images "
        f"(95{THIN}% interval {bounds(first.interval)}; always naming the commonest taxon: {percent(first.majority)})"
        f"{more}: {meaning}."
    )


def _is_seen(cue: CueResult) -> bool:
    return cue.cue not in CUES or CUES[cue.cue].seen


def _likewise(cue: CueResult) -> str:
    return f"{_phrase(cue)} ({percent(cue.accuracy)})"


def _swap(found: BackgroundSwap) -> Iterator[str]:
    sample = f"{number_of(found.n_images, 'held-out image')} of {number_of(found.n_specimens, 'specimen')}"
    yield (
        f"Of {sample} ({found.judge}), {_estimate(found.accuracy)} are identified correctly as they are, "
        f"{_estimate(found.accuracy_own)} on a smooth version of their own background, {_same(found)}and "
        f"{_estimate(found.accuracy_other)} on that of an image of another taxon."
    )
    yield (
        f"Another taxon\u2019s background changes the answer in {_estimate(found.changed)} of the images; in "
        f"{_estimate(found.followed)} it becomes the taxon that the background came from."
    )
    yield (
        "Fewer are right on the background of another taxon than on that of their own: the background has a say."
        if found.decides
        else "That fewer are right on the background of another taxon could not be shown."
    )


def _same(found: BackgroundSwap) -> str:
    if found.accuracy_same is None:
        return ""
    return f"{_estimate(found.accuracy_same)} on that of another specimen of their taxon, "


def _estimate(found: Estimate) -> str:
    return f"{percent(found.value)} ({bounds(found.interval)})"


def _show_image(image: AuditImage, photographs: Photographs) -> ShownImage:
    return ShownImage(
        photograph=photographs.thumbnail(image.file_name),
        file_name=image.file_name,
        name=image.scientific_name,
        rank=image.taxon_rank,
        specimen=image.specimen,
        subset=None if image.subset == NO_SUBSETS else image.subset,
    )


def _show_pair(found: NearDuplicate, photographs: Photographs) -> ShownPair:
    return ShownPair(
        _KINDS[found.kind], found.distance, (_show_image(found.one, photographs), _show_image(found.other, photographs))
    )


def _show_suspect(found: LabelSuspect, photographs: Photographs) -> ShownSuspect:
    reason = f"{percent(found.probability_suggested)} against {percent(found.probability_of_label)} for the label"
    return ShownSuspect(_show_image(found.image, photographs), found.suggested, found.suggested_rank, reason)


def _burst(names: Sequence[str]) -> str:
    first, last = (PurePosixPath(name.replace("\\", "/")).name for name in (names[0], names[-1]))
    return f"{number_of(len(names), 'image')}: {first} to {last}"
