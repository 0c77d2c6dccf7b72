"""Identifications as MegaDetector's JSON, which Timelapse and AddaxAI open.

Source: https://lila.science/megadetector-output-format. It was made for animals that pass a camera: a detector, which
specimens on photographs do not need, is said to be missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from mentum.identification.output.darwin_core import (
    Agent,
    answer_probability,
)
from mentum.identification.output.writing import apart, growing
from mentum.records import Identification, Status
from mentum.taxonomy import Rank, Taxon

N_CLASSIFICATIONS = 5

_WHOLE_IMAGE = "No detector ran: each image is entered as one animal that fills it."


def write_megadetector(
    identifications: Iterable[Identification], agent: Agent, taxa: Sequence[Taxon], out: Path
) -> None:
    """Write MegaDetector's JSON, format 1.4, image by image; the file appears whole or not at all.

    An image that was read is one animal as large as the image. Its classifications are the name that is defended and
    the most probable of the lowest taxa, five at most; there are none where the specimen is unlike all known taxa.

    Args:
        identifications: as they come.
        agent: who identified.
        taxa: the model's lowest taxa; they and all taxa above them become the classification categories.
        out: the file.

    Raises:
        DataError: if the disk refuses.
        ValueError: if an identification names a taxon that is not among `taxa`.
    """
    with growing(out) as beside, beside.open("w", encoding="utf-8") as stream:
        _write_images(apart(identifications), agent, _with_ancestors(taxa), stream)


def _with_ancestors(taxa: Sequence[Taxon]) -> list[Taxon]:
    above = {Taxon(taxon.path[:depth]) for taxon in taxa for depth in range(1, len(taxon.path))}
    return [*taxa, *sorted(above.difference(taxa), key=lambda taxon: [name for _, name in taxon.path])]


def _write_images(
    identifications: Iterable[Identification], agent: Agent, taxa: Sequence[Taxon], stream: TextIO
) -> None:
    """When the last identification was made is known at the end only, so the images come first."""
    # Of homonyms the first counts: a candidate is known by its name and rank alone.
    category = {(taxon.rank, taxon.name): str(index) for index, taxon in reversed(list(enumerate(taxa)))}
    latest: datetime | None = None
    parting = ""
    stream.write('{"images": [')
    for each in identifications:
        detections = _detections(each, category)
        for file_name in each.file_names:
            image = {"file": file_name, **detections}
            stream.write(f"{parting}\n{json.dumps(image, ensure_ascii=False)}")
            parting = ","
        moment = each.date_identified.astimezone(UTC)
        latest = moment if latest is None else max(latest, moment)
    rest = {
        "detection_categories": {"1": "animal"},
        "classification_categories": {str(index): taxon.name for index, taxon in enumerate(taxa)},
        "classification_category_descriptions": {str(index): _description(taxon) for index, taxon in enumerate(taxa)},
        "info": _info(agent, latest),
    }
    stream.write(f"\n],\n{json.dumps(rest, ensure_ascii=False, indent=1)[1:]}\n")


def _description(taxon: Taxon) -> str:
    return ";".join(name for _, name in taxon.path)


def _info(agent: Agent, latest: datetime | None) -> dict[str, Any]:
    info: dict[str, Any] = {
        "format_version": "1.4",
        "detector": "none",
        "detector_metadata": {"note": _WHOLE_IMAGE},
        "classifier": agent.name,
        "classifier_metadata": {"identifier": agent.identifier, "references": agent.references},
    }
    if latest is not None:
        info["classification_completion_time"] = latest.strftime("%Y-%m-%d %H:%M:%S")
    return info


def _detections(identification: Identification, category: Mapping[tuple[Rank, str], str]) -> dict[str, Any]:
    if identification.status is Status.FAILED:
        return {"failure": identification.failure or "no image could be read", "detections": None}
    classifications = _classifications(identification, category)
    return {"detections": [{"category": "1", "conf": 1.0, "bbox": [0, 0, 1, 1], "classifications": classifications}]}


def _classifications(
    identification: Identification, category: Mapping[tuple[Rank, str], str]
) -> list[tuple[str, float]]:
    """Most probable first, as the format wants it."""
    if identification.status is Status.UNKNOWN:
        return []
    said = {(each.taxon_rank, each.scientific_name): each.probability for each in identification.candidates}
    name, rank, probability = (
        identification.scientific_name,
        identification.taxon_rank,
        answer_probability(identification),
    )
    if name and rank and probability is not None:
        # At its own rank it holds the taxa within it too: more than where it is a candidate beside them.
        said = {(rank, name): probability} | said | {(rank, name): probability}
    missing = [f"{name} ({rank})" for rank, name in said if (rank, name) not in category]
    if missing:
        raise ValueError(f"not among the taxa given: {', '.join(missing)}")
    # Sorting keeps the defended name first among equals.
    ordered = sorted(said.items(), key=lambda item: -item[1])[:N_CLASSIFICATIONS]
    return [(category[taxon], round(probability, 6)) for taxon, probability in ordered]
