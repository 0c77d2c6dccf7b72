"""What a report takes up beside its run: cross-validations, a learning curve, an audit, each of the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar, cast

from mentum.audit.findings import Audit
from mentum.errors import RunError
from mentum.evaluation.cross_validation import CrossValidation
from mentum.evaluation.learning_curve import LearningCurve
from mentum.records import Record
from mentum.runs import Run
from mentum.settings import Settings, differences
from mentum.stored import readable
from mentum.studies import STUDY_FILE, Study

AnyRecord = TypeVar("AnyRecord", bound=Record)

VALIDATION, CURVE, AUDIT = "crossvalidation.json", "learning_curve.json", "audit.json"

_KINDS: dict[str, tuple[type[Record], str]] = {
    VALIDATION: (CrossValidation, "mentum crossvalidate"),
    CURVE: (LearningCurve, "mentum learning-curve"),
    AUDIT: (Audit, "mentum audit"),
}
"""File by which a folder is known → what it holds, and the command that writes it."""

OWN_FOLDERS = ("crossvalidation", "learning-curve", "audit")
"""Folders within a run in which studies are looked for."""


@dataclass(frozen=True)
class Found(Generic[AnyRecord]):
    """A study: its folder, the file with what it found, what it is for, and what it found."""

    folder: Path
    file: str
    study: Study
    record: AnyRecord

    @property
    def name(self) -> str:
        """Of the folder, without the way there."""
        return self.folder.resolve().name


@dataclass(frozen=True)
class Studies:
    """All that is taken up."""

    cross_validations: tuple[Found[CrossValidation], ...] = ()
    curve: Found[LearningCurve] | None = None
    audit: Found[Audit] | None = None

    @property
    def every(self) -> tuple[Found[CrossValidation] | Found[LearningCurve] | Found[Audit], ...]:
        """In the order of the report."""
        return (*self.cross_validations, *([self.curve] if self.curve else []), *([self.audit] if self.audit else []))


def read_record(file: Path, kind: type[AnyRecord], command: str) -> AnyRecord:
    """Read a file of a report.

    Raises:
        RunError: if it is damaged or of another version.
    """
    with readable(file, f"run `{command}` again", wanted=" by this version of Mentum"):
        return kind.read(file)


def find_studies(run: Run, given: Sequence[Path] = ()) -> Studies:
    """Read the studies in the run's folder and those given.

    A learning curve or an audit that is given takes the place of that in the run's folder; a cross-validation stands
    beside it.

    Args:
        run: a complete run.
        given: folders of `mentum crossvalidate`, `mentum learning-curve` or `mentum audit`.

    Raises:
        RunError: if a folder holds none of them, is of other images than the run, or is damaged; or if two learning
            curves or two audits are given.
    """
    folders = {folder.resolve(): folder for folder in given}
    by_kind: dict[str, list[Path]] = {file: [] for file in _KINDS}
    for folder in folders.values():
        by_kind[_kind_given(folder)].append(folder)
    for file in (CURVE, AUDIT):
        if len(by_kind[file]) > 1:
            one, other = by_kind[file][:2]
            raise RunError(f"{one}, {other}: found {file} in both, expected one such folder; give one of them.")
    for folder in (run.path / name for name in OWN_FOLDERS):
        kind = _kind(folder)
        if kind is not None and folder.resolve() not in folders and (kind == VALIDATION or not by_kind[kind]):
            by_kind[kind].insert(0, folder)
    found = {file: [_open(run, folder, file) for folder in of_kind] for file, of_kind in by_kind.items()}
    return Studies(
        cross_validations=tuple(cast(Found[CrossValidation], each) for each in found[VALIDATION]),
        curve=cast(Found[LearningCurve], found[CURVE][0]) if found[CURVE] else None,
        audit=cast(Found[Audit], found[AUDIT][0]) if found[AUDIT] else None,
    )


def _kind(folder: Path) -> str | None:
    return next((file for file in _KINDS if (folder / file).is_file()), None)


def _kind_given(folder: Path) -> str:
    file = _kind(folder)
    if file is None:
        raise RunError(
            f"{folder}: found none of {', '.join(_KINDS)}, expected a folder that `mentum crossvalidate`, "
            "`mentum learning-curve` or `mentum audit` has completed; give its --out."
        )
    return file


def _open(run: Run, folder: Path, file: str) -> Found[Record]:
    kind, command = _KINDS[file]
    if not (folder / STUDY_FILE).is_file():
        raise RunError(
            f"{folder}: found {file} without {STUDY_FILE}, which tells its images; run `{command}` into a new folder."
        )
    study = read_record(folder / STUDY_FILE, Study, command)
    expected = run.record().data.content_hash
    if study.content_hash != expected:
        raise RunError(
            f"{folder}: is of other images than the training in {run.path} (content hash {study.content_hash[:12]}, "
            f"expected {expected[:12]}); run `{command}` on the images of the training, or leave this folder out."
        )
    return Found(folder, file, study, read_record(folder / file, kind, command))


def unlike(study: Study, settings: Settings) -> str | None:
    """In which settings a study differs from a training, in words; None where in none that it uses."""
    unused = ("split.test:", *(("stage2.",) if study.stage == 1 else ()))  # no study sets images aside
    unequal = [each for each in differences(study.settings, settings) if not each.startswith(unused)]
    if not unequal:
        return None
    return f"Settings that differ from the training\u2019s (here / there): {'; '.join(unequal)}."
