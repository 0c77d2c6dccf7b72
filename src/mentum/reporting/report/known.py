"""What is known of a run when its report is written, read from the folders once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from mentum.errors import RunError
from mentum.evaluation.results import CalibrationReport, Evaluation, ResultRow, UnknownTaxa
from mentum.explanation.results import Explanation
from mentum.explanation.several_runs import AGREEMENT_FILE, RunsAgreement
from mentum.records import Record
from mentum.reporting.report.photographs import Photographs
from mentum.reporting.report.sections.comparisons import ShownComparison, compare_all
from mentum.reporting.report.studies import Studies, find_studies, read_record
from mentum.runs import Run, RunRecord

AnyRecord = TypeVar("AnyRecord", bound=Record)

HELD_OUT = ("test", "validation")
"""Subsets that a network was not trained on, the better judge first."""


@dataclass(frozen=True)
class Known:
    """All that a section may show; what was not measured is None."""

    run: Run
    record: RunRecord
    evaluation: Evaluation
    calibration: CalibrationReport | None
    explanation: Explanation | None
    agreement: RunsAgreement | None
    unknown_taxa: UnknownTaxa | None
    studies: Studies
    comparisons: Sequence[ShownComparison]
    photographs: Photographs

    @classmethod
    def read(cls, run: Run, images: Path | None, given: Sequence[Path], others: Sequence[Path]) -> Known:
        """Read what the folders hold.

        Args:
            run: a complete run.
            images: folder or table that the run was trained on, where it has moved.
            given: folders of studies, beside those in the run's folder.
            others: folders of runs or cross-validations to compare with.

        Raises:
            RunError: if the run was not evaluated, a file is damaged, a study is of other images, or nothing can be
                compared.
        """
        if not run.evaluation_file.is_file():
            raise RunError(
                f"{run.path}: found no evaluation.json, from which a report is made; run `mentum evaluate RUN` first."
            )
        studies = find_studies(run, given)
        return cls(
            run=run,
            record=run.record(),
            evaluation=read_record(run.evaluation_file, Evaluation, "mentum evaluate"),
            calibration=_read_if_there(run.calibration_file, CalibrationReport, "mentum evaluate"),
            explanation=_read_if_there(run.characters_file, Explanation, "mentum explain"),
            agreement=_read_if_there(run.path / AGREEMENT_FILE, RunsAgreement, "mentum explain"),
            unknown_taxa=_read_if_there(run.novelty_file, UnknownTaxa, "mentum evaluate --novelty"),
            studies=studies,
            comparisons=compare_all(run, studies, others),
            photographs=Photographs.find(run, images),
        )

    @cached_property
    def headline(self) -> list[ResultRow]:
        """The rows that count: the last stage on the best held-out subset, lowest rank first; none without such."""
        table = self.evaluation.table
        rows = [row for row in table if row.stage == table[-1].stage]
        for subset in HELD_OUT:
            if found := [row for row in rows if row.subset == subset]:
                return found
        return []

    @property
    def sample(self) -> str:
        """The subset of the headline; empty without one."""
        return self.headline[0].subset if self.headline else ""

    @property
    def network(self) -> str:
        """How the network of the headline is called in a sentence; empty without one."""
        return network_name(self.headline[0].stage) if self.headline else ""


def network_name(stage: str) -> str:
    """How a stage's network is called in a sentence.

    >>> network_name("fine-tuned"), network_name("top classifier")
    ('fine-tuned network', 'top classifier')
    """
    return f"{stage} network" if stage == "fine-tuned" else stage


def _read_if_there(file: Path, kind: type[AnyRecord], command: str) -> AnyRecord | None:
    return read_record(file, kind, command) if file.is_file() else None
