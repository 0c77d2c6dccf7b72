"""Identifications as a Camtrap DP package.

Source: Camtrap DP 1.0.1, https://camtrap-dp.tdwg.org. It was made for animals that pass a camera: what it asks for and
specimens do not have, such as the time of a picture, stays empty.
"""

from __future__ import annotations

import csv
import json
import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath
from typing import TextIO

from mentum.errors import DataError
from mentum.identification.output.camtrap_package import Extent, describe_package
from mentum.identification.output.darwin_core import (
    Agent,
    answer_probability,
    is_named,
    iso_date,
    occurrence_terms,
    remarks,
)
from mentum.identification.output.dataset import Dataset
from mentum.identification.output.event_dates import in_utc, span
from mentum.identification.output.media import addresses, image_format, is_online
from mentum.identification.output.writing import apart, digest, growing, one_line
from mentum.records import Identification, Status
from mentum.taxonomy import Rank

_TABLES: Mapping[str, tuple[str, ...]] = {
    "deployments": (
        "deploymentID", "locationID", "locationName", "latitude", "longitude", "coordinateUncertainty",
        "deploymentStart", "deploymentEnd", "setupBy", "cameraID", "cameraModel", "cameraDelay", "cameraHeight",
        "cameraDepth", "cameraTilt", "cameraHeading", "detectionDistance", "timestampIssues", "baitUse", "featureType",
        "habitat", "deploymentGroups", "deploymentTags", "deploymentComments",
    ),
    "media": (
        "mediaID", "deploymentID", "captureMethod", "timestamp", "filePath", "filePublic", "fileName", "fileMediatype",
        "exifData", "favorite", "mediaComments",
    ),
    "observations": (
        "observationID", "deploymentID", "mediaID", "eventID", "eventStart", "eventEnd", "observationLevel",
        "observationType", "cameraSetupType", "scientificName", "count", "lifeStage", "sex", "behavior",
        "individualID", "individualPositionRadius", "individualPositionAngle", "individualSpeed", "bboxX", "bboxY",
        "bboxWidth", "bboxHeight", "classificationMethod", "classifiedBy", "classificationTimestamp",
        "classificationProbability", "observationTags", "observationComments",
    ),
}  # fmt: skip
"""Table → its columns, in the order of the standard's table schemas."""

_NOT_TAXA = {"blank": "blank", "empty": "blank", "human": "human", "person": "human", "vehicle": "vehicle"}
"""Label of a class that is no taxon → the standard's word for it, where it has one."""

_NAMESPACE = uuid.UUID("0d2a3a56-5f0b-5c67-8a43-6f2f3f0e9d18")
_PLACE_TERMS = ("eventDate", "locationID", "locality", "decimalLatitude", "decimalLongitude", "habitat")


def write_camtrap_dp(identifications: Iterable[Identification], agent: Agent, about: Dataset, out_folder: Path) -> None:
    """Write a Camtrap DP 1.0.1 package; the folder appears whole or not at all.

    Images of the same place and date make one deployment. The standard requires place, time and how a picture was
    triggered; place and time stay empty where the user's table gives none (`decimalLatitude`, `decimalLongitude`,
    `eventDate`), and checking the package will name these cells. Rows pass through one at a time; 16 bytes per image
    and per deployment are kept.

    Args:
        identifications: as they come.
        agent: who identified.
        about: what the identifications are about.
        out_folder: a new or empty folder.

    Raises:
        DataError: if there is nothing to write, the folder holds files, or the disk refuses.
    """
    with growing(out_folder) as whole:
        whole.mkdir()
        with ExitStack() as stack:
            streams = {
                name: stack.enter_context((whole / f"{name}.csv").open("w", encoding="utf-8", newline=""))
                for name in _TABLES
            }
            package = _Package(streams, agent, about.media_url)
            for each in apart(identifications):
                package.add(each)
        if package.extent.latest is None:
            raise DataError(
                f"{out_folder}: found no identification to write, expected at least one; identify images first."
            )
        text = json.dumps(describe_package(_TABLES, package.extent, about), ensure_ascii=False, indent=2)
        (whole / "datapackage.json").write_text(text + "\n", encoding="utf-8")


@dataclass(frozen=True)
class _Deployment:
    """Place and time of an image, as far as they are known."""

    identifier: str
    start: datetime | None
    end: datetime | None
    cells: Mapping[str, str]


class _Package:
    """Three tables that grow, and what the package's description must know of all rows."""

    def __init__(self, streams: Mapping[str, TextIO], agent: Agent, media_url: str) -> None:
        self._writers = {
            name: csv.DictWriter(streams[name], _TABLES[name], "", lineterminator="\n") for name in _TABLES
        }
        for writer in self._writers.values():
            writer.writeheader()
        self._agent, self._media_url = agent, media_url
        self._met: set[bytes] = set()
        self.extent = Extent()

    def add(self, identification: Identification) -> None:
        """Write the rows of one identification."""
        self.extent.add_identification(identification)
        deployment = _deployment(occurrence_terms(identification))
        self._add_deployment(deployment)
        media_of = dict(reversed([*addresses(identification, self._media_url)]))  # the first of several
        several = len(identification.file_names) > 1
        for number, file_name in enumerate(identification.file_names, start=1):
            media = _identifier("media", file_name)
            self._write_new("media", media, _media_cells(media, file_name, media_of[file_name], deployment))
            observation = identification.identification_id + (f"#{number}" if several else "")
            cells = {"observationID": observation, "mediaID": media, **_time_and_place(deployment)}
            self._write("observations", {**cells, **_observation_cells(identification, self._agent)})

    def _add_deployment(self, deployment: _Deployment) -> None:
        self._write_new("deployments", deployment.identifier, deployment.cells)
        if deployment.start and deployment.end:
            self.extent.add_dates(deployment.start, deployment.end)
        latitude, longitude = deployment.cells["latitude"], deployment.cells["longitude"]
        if latitude and longitude:
            self.extent.add_place(float(latitude), float(longitude))

    def _write_new(self, table: str, identifier: str, cells: Mapping[str, str]) -> None:
        """Write a row unless its identifier has been met."""
        mark = digest(identifier)
        if mark not in self._met:
            self._met.add(mark)
            self._write(table, cells)

    def _write(self, table: str, cells: Mapping[str, str]) -> None:
        self._writers[table].writerow({column: one_line(cell) for column, cell in cells.items()})


def _identifier(kind: str, *parts: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "\n".join((kind, *parts))))


def _deployment(terms: Mapping[str, str]) -> _Deployment:
    identifier = _identifier("deployment", *(terms[term] for term in _PLACE_TERMS))
    start, end, exact = span(terms["eventDate"])
    unread = bool(terms["eventDate"]) and start is None
    cells = {
        "deploymentID": identifier,
        "locationID": terms["locationID"],
        "locationName": terms["locality"],
        "latitude": _degrees(terms["decimalLatitude"], 90),
        "longitude": _degrees(terms["decimalLongitude"], 180),
        "deploymentStart": in_utc(start),
        "deploymentEnd": in_utc(end),
        "timestampIssues": "" if start is None else str(not exact).lower(),
        "habitat": terms["habitat"],
        "deploymentComments": f"eventDate as given: {terms['eventDate']}" if unread else "",
    }
    return _Deployment(identifier, start, end, cells)


def _media_cells(media: str, file_name: str, address: str, deployment: _Deployment) -> dict[str, str]:
    online = is_online(address)
    return {
        "mediaID": media,
        "deploymentID": deployment.identifier,
        "timestamp": in_utc(deployment.start),
        "filePath": address if online else _file_path(file_name),
        "filePublic": str(online).lower(),
        "fileName": PurePath(file_name).name,
        "fileMediatype": image_format(file_name) or "image/unknown",
    }


def _file_path(file_name: str) -> str:
    """The standard takes no path that is absolute or leads upwards; such a file gets its address on this machine."""
    path = Path(file_name)
    outside = path.is_absolute() or ".." in file_name or path.as_posix().startswith((".", "~"))
    return path.resolve().as_uri() if outside else path.as_posix()


def _time_and_place(deployment: _Deployment) -> dict[str, str]:
    return {
        "deploymentID": deployment.identifier,
        "eventStart": in_utc(deployment.start),
        "eventEnd": in_utc(deployment.end),
    }


def _observation_cells(identification: Identification, agent: Agent) -> dict[str, str]:
    terms = occurrence_terms(identification)
    probability = answer_probability(identification)
    cells = {
        "observationLevel": "media",
        "observationType": _observation_type(identification),
        "scientificName": (identification.scientific_name or "") if is_named(identification) else "",
        "lifeStage": _one_of(terms["lifeStage"], ("adult", "subadult", "juvenile")),
        "sex": _one_of(terms["sex"], ("female", "male")),
        "individualID": terms["organismID"] or identification.specimen or "",
        "observationComments": remarks(identification),
    }
    if identification.status is not Status.FAILED:
        cells |= {
            "classificationMethod": "machine",
            "classifiedBy": agent.name,
            "classificationTimestamp": iso_date(identification.date_identified),
            "classificationProbability": "" if probability is None else f"{probability:.6f}",
        }
    return cells


def _observation_type(identification: Identification) -> str:
    if identification.status is Status.FAILED:
        return "unclassified"
    if identification.status is Status.NOT_A_TAXON:
        return _NOT_TAXA.get((identification.verbatim_identification or "").lower(), "unknown")
    # The standard has no word for plants and fungi.
    animal = identification.lineage.get(Rank.KINGDOM, "Animalia") == "Animalia"
    return "animal" if is_named(identification) and animal else "unknown"


def _one_of(given: str, known: Sequence[str]) -> str:
    return given.strip().lower() if given.strip().lower() in known else ""


def _degrees(given: str, limit: int) -> str:
    """A number as it was written, "" for anything that is none or lies off the globe."""
    try:
        number = float(given)
    except ValueError:
        return ""
    return given.strip() if math.isfinite(number) and abs(number) <= limit else ""
