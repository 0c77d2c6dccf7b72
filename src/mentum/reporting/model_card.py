"""The model card: what the model knows, how good it is, where it ends. Front matter as model hubs read it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mentum.evaluation.result_table import score_run
from mentum.evaluation.results import CalibrationReport, DefendedRanks, Evaluation
from mentum.files import write_text
from mentum.model.record import ModelRecord
from mentum.runs import Run
from mentum.taxonomy import is_italic, taxon_from_lineage
from mentum.texts import printable


def write_card(record: ModelRecord, calibration: CalibrationReport, run: Run, file: Path) -> None:
    """Write the README of a model folder, every figure of it taken from the run and its calibration."""
    parts = [
        _front_matter(record),
        f"# {record.title}\n",
        *_details(record),
        *_taxa(record),
        *_accuracy(score_run(run)),
        *_calibration(record, calibration),
        *_limits(record),
        *_start(record),
        *_origin(record),
    ]
    write_text(printable("\n".join(parts), keep="\n"), file)


_ORIGINS = {"builtin": "pretrained on drawn pictures only", "random": "from random weights"}
"""Where a backbone comes from; other names are folders and hub ids."""


def _front_matter(record: ModelRecord) -> str:
    lines = ["---"]
    lines += [f"license: {record.licence.lower()}"] if record.licence else []
    lines += ["library_name: mentum", "pipeline_tag: image-classification", "tags:", "- taxonomy", "- darwin-core"]
    return "\n".join([*lines, "---", ""])


def _details(record: ModelRecord) -> Iterator[str]:
    yield "## Model details\n"
    ranks = ", ".join(record.ranks)
    n = len(record.taxa)
    yield f"Identifies specimens on photographs as one of {n} taxa, and answers at {ranks} rank.\n"
    origin = _ORIGINS.get(record.training.backbone, "pretrained")
    yield f"- Network: {record.training.architecture} ({record.training.backbone}, {origin}), in ONNX"
    yield f"- Input: {record.pixels.size} px squares, aspect kept, padded with grey level {record.pixels.padding}"
    yield f"- Made: {record.created:%Y-%m-%d} by Mentum {record.mentum}"
    yield f"- Identifier: {record.doi or 'no DOI; the seal in model.json names this very version'}"
    yield f"- Licence: {record.licence or 'not stated'}\n"


def _taxa(record: ModelRecord) -> Iterator[str]:
    yield "## Taxa\n"
    yield "| Taxon | Rank | Lineage | Training images | Training specimens |"
    yield "|---|---|---|---|---|"
    for lineage in record.taxa:
        taxon = taxon_from_lineage(lineage)
        images, specimens = record.training.specimens.get(taxon.name, (0, 0))
        above = " > ".join(name for _, name in taxon.path[:-1])
        name = f"*{taxon.name}*" if is_italic(taxon.rank) else taxon.name
        yield f"| {name} | {taxon.rank} | {above} | {images} | {specimens} |"
    leaves = {taxon_from_lineage(lineage).name for lineage in record.taxa}
    above_leaves = {name: counts for name, counts in record.training.specimens.items() if name not in leaves}
    for name, (images, specimens) in above_leaves.items():
        yield f"| {name} (labelled no lower) | | | {images} | {specimens} |"
    yield ""


def _accuracy(evaluation: Evaluation) -> Iterator[str]:
    yield "## Accuracy\n"
    yield "Of the trained network, before any answer is withheld; 95 % intervals.\n"
    yield "| Stage | Rank | Subset | Accuracy % | Misclassified | Specimens | Interval |"
    yield "|---|---|---|---|---|---|---|"
    for row in evaluation.table:
        if row.subset == "train":
            continue
        interval = f"{100 * row.interval.low:.2f}-{100 * row.interval.high:.2f} ({row.interval.method})"
        wrong = f"{row.n_misclassified} of {row.n_images}"
        yield (
            f"| {row.stage} | {row.rank} | {row.subset} | {100 * row.accuracy:.2f} | {wrong} | {row.n_specimens} | "
            f"{interval} |"
        )
    yield ""
    yield from (f"- {note}" for note in evaluation.notes)
    yield ""


def _calibration(record: ModelRecord, report: CalibrationReport) -> Iterator[str]:
    yield "## Probabilities and the rank that can be defended\n"
    yield f"{report.n_images} images of {report.n_specimens} specimens; {report.method}.\n"
    yield "| Rank | Right, by image | Right, by specimen | ECE before | ECE after | Brier before | Brier after |"
    yield "|---|---|---|---|---|---|---|"
    for rank in report.ranks:
        figures = [*(f"{100 * share:.2f}%" for share in rank.accuracy), *(f"{x:.3f}" for x in (*rank.ece, *rank.brier))]
        yield f"| {rank.rank} | {' | '.join(figures)} |"
    yield "\n![Reliability](figures/reliability.png)\n"
    for each in report.defended:
        if each.unit == report.defended[-1].unit:
            yield from _defended(each)
    yield "![Risk and coverage](figures/risk_coverage.png)\n"
    yield from (f"- {note}" for note in report.notes)
    share = record.calibration.false_rejection
    n = record.calibration.n_specimens
    yield (
        f"- Novelty is measured against {n} known specimens; one that looks stranger than {100 * (1 - share):g}% of "
        "them is called unknown.\n"
        if record.calibration.density_file and record.calibration.n_specimens * share >= 1 - share
        else "- Too few calibration specimens to tell unknown taxa from known ones: no specimen is called unknown.\n"
    )


def _defended(each: DefendedRanks) -> Iterator[str]:
    error = "none" if each.error is None else f"{each.error:.1%} of {each.n_answered:.0f} answers were wrong"
    asked = f"Asked for an error of at most {100 * each.error_rate:g}%"
    yield f"{asked}: {each.answered:.1%} of specimens answered, {error}.\n"
    yield "| Rank | Least probability | Promise | Answered here | Wrong |"
    yield "|---|---|---|---|---|"
    for rank in each.ranks:
        least = "no answer" if rank.threshold is None else f"{rank.threshold:.3f}"
        yield f"| {rank.rank} | {least} | {rank.promise} | {rank.coverage:.1%} | {rank.n_wrong:.0f} |"
    yield ""


def _limits(record: ModelRecord) -> Iterator[str]:
    yield "## Limits\n"
    yield (
        f"It knows the {len(record.taxa)} taxa above and nothing else; of other taxa some are called unknown and "
        "others get a wrong name. What it says of photographs taken with another microscope, light or preparation was "
        "not measured. An identification by this model says `PredictedByMachine` until a person has looked.\n"
    )


def _start(record: ModelRecord) -> Iterator[str]:
    yield "## How to use it\n"
    commands = ("pip install mentum", "mentum verify MODEL", "mentum identify MODEL PHOTOGRAPHS --out found.csv")
    yield "\n".join(["```", *commands, "```\n"])
    yield "```python\nimport mentum\n\nrecords = mentum.load('MODEL').identify(['photograph.jpg'])\n```\n"


def _origin(record: ModelRecord) -> Iterator[str]:
    training = record.training
    yield "## Training\n"
    yield f"- Data: {training.data} (sha256 of all images {training.content_hash[:16]}…)"
    yield f"- Command: `{training.command}`"
    yield f"- Seed {training.seed}, on {training.processor}"
    yield "- Versions: " + ", ".join(f"{name} {version}" for name, version in training.versions.items())
    for network in record.networks:
        yield (
            f"- {network.file}: largest difference of a probability from the trained network's {network.parity:.1e} "
            f"over {network.n_parity} images; temperature {network.temperature:.3f}"
        )
    yield ""
