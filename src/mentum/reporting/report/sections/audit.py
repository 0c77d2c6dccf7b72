"""The section on an audit: shortcuts, backgrounds, near-duplicates, bursts, labels that look wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from markupsafe import Markup

from mentum.audit.backgrounds import BackgroundSwap
from mentum.audit.findings import NO_SUBSETS, Audit
from mentum.audit.shortcuts import LEVEL, CueResult
from mentum.evaluation.notes import enumerate_words
from mentum.evaluation.results import Estimate
from mentum.evaluation.wording import role, size_in_points
from mentum.reporting.numbers import THIN, bounds, estimate, number_of, percent
from mentum.reporting.report.figures import study_figures
from mentum.reporting.report.known import Known
from mentum.reporting.report.rendering import render_file

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


def show(known: Known) -> Markup:
    """What an audit found, or how to make one."""
    audit = known.studies.audit.record if known.studies.audit else None
    return render_file(
        "audit.html",
        found=audit,
        said=_in_words(audit) if audit else None,
        photographs=known.photographs,
        figures=study_figures(known.studies),
        kinds=_KINDS,
        no_subsets=NO_SUBSETS,
        most={"pairs": MOST_PAIRS, "suspects": MOST_SUSPECTS},
    )


@dataclass(frozen=True)
class _Said:
    """An audit in words.

    Attributes:
        cues: each with what it is and what came of it.
        conclusion: whether there is a shortcut, in a sentence.
        swap: what other backgrounds do, in sentences.
        kinds: of near-duplicates, with their numbers.
        bursts: those that a split has torn apart.
        split: whether the images that are named had one.
    """

    cues: Sequence[tuple[CueResult, str, str]]
    conclusion: str
    swap: Sequence[str]
    kinds: str
    bursts: Sequence[str]
    split: bool


def _in_words(found: Audit) -> _Said:
    named = [each.image for each in found.suspects] + [each.one for each in found.duplicates]
    kinds = Counter(each.kind for each in found.duplicates)
    return _Said(
        cues=[(each, _description(each), _verdict(each)) for each in found.shortcuts],
        conclusion=_conclusion(found.shortcuts),
        swap=list(_swap(found.background)) if found.background else [],
        kinds=enumerate_words([f"{number_of(n)} {_KINDS[kind]}" for kind, n in kinds.items()]),
        bursts=[_burst(names) for names in found.bursts[:MOST_BURSTS]],
        split=any(image.subset != NO_SUBSETS for image in named),
    )


def _description(result: CueResult) -> str:
    return CUES[result.cue].description if result.cue in CUES else ""


def _verdict(result: CueResult) -> str:
    if result.found:
        return "shortcut"
    if result.above_chance:
        return "above chance, perhaps by the specimen" if result.of_specimen_too else "above chance"
    return "hardly above chance" if result.p_corrected <= LEVEL else "no more than chance"


def _phrase(result: CueResult) -> str:
    return CUES[result.cue].phrase if result.cue in CUES else f"the cue \u201c{result.cue}\u201d"


def _conclusion(cues: Sequence[CueResult]) -> str:
    if not cues:
        return "Whether the taxon can be told without the specimen could not be looked at."
    named = [f"from {_phrase(each)} alone in {estimate(_accuracy(each))}" for each in cues if each.found]
    if named:
        found = "A shortcut was found" if len(named) == 1 else "Shortcuts were found"
        chance = f"always naming the commonest taxon would be right in {percent(cues[0].majority)}"
        return f"{found}: the taxon can be told {enumerate_words(named)} of the images; {chance}."
    return "No shortcut was found among these cues; others may exist."


def _accuracy(cue: CueResult) -> Estimate:
    return Estimate(value=cue.accuracy, interval=cue.interval)


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
        f"Of {sample} ({found.judge}), {estimate(found.accuracy)} are identified correctly as they are, "
        f"{estimate(found.accuracy_own)} on a smooth version of their own background, {_same(found)}and "
        f"{estimate(found.accuracy_other)} on that of an image of another taxon."
    )
    yield (
        f"Another taxon\u2019s background changes the answer in {estimate(found.changed)} of the images; in "
        f"{estimate(found.followed)} it becomes the taxon that the background came from."
    )
    part = role("the background", found.followed.value, found.is_sure)
    size = f"; beyond a mere seam it costs {size_in_points(found.cost)}" if found.cost else ""
    yield f"{part[0].upper()}{part[1:]}{size}."


def _same(found: BackgroundSwap) -> str:
    if found.accuracy_same is None:
        return ""
    return f"{estimate(found.accuracy_same)} on that of another specimen of their taxon, "


def _burst(names: Sequence[str]) -> str:
    first, last = (PurePosixPath(name.replace("\\", "/")).name for name in (names[0], names[-1]))
    return f"{number_of(len(names), 'image')}: {first} to {last}"
