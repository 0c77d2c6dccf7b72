"""The model card: what the model knows, how good it is, where it ends. Front matter as model hubs read it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from mentum.evaluation.result_table import score_run
from mentum.evaluation.results import CalibrationReport
from mentum.files import write_text
from mentum.model.record import ModelRecord
from mentum.reporting.report.rendering import render_file
from mentum.runs import Run
from mentum.specimens.bit_depth import FULL, in_numbers
from mentum.taxonomy import is_italic, taxon_from_lineage
from mentum.texts import printable

LONGEST_TABLE = 100
"""Taxa that are listed where a reader meets them first; more stand at the end."""

_ORIGINS = {"builtin": "pretrained on drawn pictures only", "random": "from random weights"}
"""Where a backbone comes from; other names are folders and hub ids."""


def write_card(
    record: ModelRecord, calibration: CalibrationReport, run: Run, file: Path, public_key: str | None = None
) -> None:
    """Write the README of a model folder, every figure of it taken from the run and its calibration.

    Args:
        record: of the model.
        calibration: how its probabilities were judged.
        run: that it comes from.
        file: to write.
        public_key: of whoever signs the model, in one line; None = nobody does.
    """
    taxa = [taxon_from_lineage(lineage) for lineage in record.taxa]
    leaves, counts = {taxon.name for taxon in taxa}, record.training.specimens
    stored, opened = record.calibration, record.taxonomy.open_leaves
    card = render_file(
        "model_card.md.jinja",
        record=record,
        origin=_ORIGINS.get(record.training.backbone, "pretrained"),
        n_taxa=sum(taxon.is_a_taxon and taxon not in opened for taxon in taxa),
        opened=opened,
        is_long=len(taxa) > LONGEST_TABLE,
        taxa=[(taxon, *counts.get(taxon.name, (0, 0))) for taxon in taxa],
        labelled_above=[(name, *found) for name, found in counts.items() if name not in leaves],
        is_italic=is_italic,
        evaluation=score_run(run),
        depth="" if record.pixels.bits == FULL else in_numbers(record.pixels.bits),
        calibration=calibration,
        public_key=public_key,
        licence=_in_front_matter(record.licence) if record.licence else "",
        calls_unknown=stored.density_file and stored.n_specimens * stored.false_rejection >= 1 - stored.false_rejection,
    )
    write_text(printable(card, keep="\n"), file)


def _in_front_matter(licence: str) -> str:
    """A licence as a value of YAML: as model hubs name it, or in quotes where it is no such word."""
    named = licence.lower()
    return named if re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", named) else json.dumps(named)
