"""Identifications as a Camtrap DP package.

Source: Camtrap DP 1.0.1, https://camtrap-dp.tdwg.org. It was made for animals that pass a camera: what it asks for and
specimens do not have, such as the time of a picture, stays empty.
"""

from __future__ import annotations

import calendar
import csv
import json
import math
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any, TextIO, TypeVar

from mentum.errors import DataError
from mentum.identification.output.archive import Dataset, apart, digest, growing, image_format, one_line
from mentum.identification.output.darwin_core import (
    Agent,
    answer_probability,
    is_named,
    iso_date,
    occurrence_terms,
    remarks,
)
from mentum.records import Identification, Status
from mentum.taxonomy import Rank

_SCHEMAS = "https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0.1"
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
            package = _Package(streams, agent)
            for each in apart(identifications):
                package.add(each)
        if package.latest is None:
            raise DataError(
                f"{out_folder}: found no identification to write, expected at least one; identify images first."
            )
        text = json.dumps(_datapackage(package, about), ensure_ascii=False, indent=2)
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

    def __init__(self, streams: Mapping[str, TextIO], agent: Agent) -> None:
        self._writers = {
            name: csv.DictWriter(streams[name], _TABLES[name], "", lineterminator="\n") for name in _TABLES
        }
        for writer in self._writers.values():
            writer.writeheader()
        self._agent = agent
        self._met: set[bytes] = set()
        self.latest: datetime | None = None
        self.taxa: dict[str, dict[str, str]] = {}
        self.dates: tuple[datetime, datetime] | None = None
        self.latitudes: tuple[float, float] | None = None
        self.longitudes: tuple[float, float] | None = None

    def add(self, identification: Identification) -> None:
        """Write the rows of one identification."""
        moment = identification.date_identified.astimezone(UTC)
        self.latest = moment if self.latest is None else max(self.latest, moment)
        if is_named(identification):
            self.taxa.setdefault(identification.scientific_name or "", _taxon(identification))
        deployment = _deployment(occurrence_terms(identification))
        self._add_deployment(deployment)
        for number, file_name in enumerate(identification.file_names, start=1):
            media = _identifier("media", file_name)
            self._write_new("media", media, _media_cells(media, file_name, deployment))
            several = len(identification.file_names) > 1
            observation = identification.identification_id + (f"#{number}" if several else "")
            cells = {"observationID": observation, "mediaID": media, **_time_and_place(deployment)}
            self._write("observations", {**cells, **_observation_cells(identification, self._agent)})

    def _add_deployment(self, deployment: _Deployment) -> None:
        self._write_new("deployments", deployment.identifier, deployment.cells)
        if deployment.start and deployment.end:
            self.dates = _widened(self.dates, deployment.start, deployment.end)
        latitude, longitude = deployment.cells["latitude"], deployment.cells["longitude"]
        if latitude and longitude:
            self.latitudes = _widened(self.latitudes, float(latitude), float(latitude))
            self.longitudes = _widened(self.longitudes, float(longitude), float(longitude))

    def _write_new(self, table: str, identifier: str, cells: Mapping[str, str]) -> None:
        """Write a row unless its identifier has been met."""
        mark = digest(identifier)
        if mark not in self._met:
            self._met.add(mark)
            self._write(table, cells)

    def _write(self, table: str, cells: Mapping[str, str]) -> None:
        self._writers[table].writerow({column: one_line(cell) for column, cell in cells.items()})


_Value = TypeVar("_Value", float, datetime)


def _widened(extent: tuple[_Value, _Value] | None, low: _Value, high: _Value) -> tuple[_Value, _Value]:
    return (min(extent[0], low), max(extent[1], high)) if extent else (low, high)


def _identifier(kind: str, *parts: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "\n".join((kind, *parts))))


def _deployment(terms: Mapping[str, str]) -> _Deployment:
    identifier = _identifier("deployment", *(terms[term] for term in _PLACE_TERMS))
    start, end, exact = _span(terms["eventDate"])
    unread = bool(terms["eventDate"]) and start is None
    cells = {
        "deploymentID": identifier,
        "locationID": terms["locationID"],
        "locationName": terms["locality"],
        "latitude": _degrees(terms["decimalLatitude"], 90),
        "longitude": _degrees(terms["decimalLongitude"], 180),
        "deploymentStart": _time(start),
        "deploymentEnd": _time(end),
        "timestampIssues": "" if start is None else str(not exact).lower(),
        "habitat": terms["habitat"],
        "deploymentComments": f"eventDate as given: {terms['eventDate']}" if unread else "",
    }
    return _Deployment(identifier, start, end, cells)


def _media_cells(media: str, file_name: str, deployment: _Deployment) -> dict[str, str]:
    online = re.match(r"https?://", file_name) is not None
    return {
        "mediaID": media,
        "deploymentID": deployment.identifier,
        "timestamp": _time(deployment.start),
        "filePath": file_name if online else _file_path(file_name),
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
        "eventStart": _time(deployment.start),
        "eventEnd": _time(deployment.end),
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


# Dates

_DATE = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?")


def _time(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z") if moment else ""


def _span(event_date: str) -> tuple[datetime | None, datetime | None, bool]:
    """First and last moment of an `eventDate`, and whether both are written with time and zone.

    >>> first, last, exact = _span("2021-02")
    >>> first.isoformat(), last.isoformat(), exact
    ('2021-02-01T00:00:00+00:00', '2021-02-28T23:59:59+00:00', False)
    """
    first, _, last = event_date.strip().partition("/")
    # The later end may leave out what it shares with the earlier one: 2007-11-13/15.
    if not re.match(r"\d{4}", last):
        last = first[: max(0, len(first) - len(last))] + last
    start, end = _moment(first, last=False), _moment(last, last=True)
    if start is None or end is None:
        return None, None, False
    exact = start.tzinfo is not None and end.tzinfo is not None
    return start if start.tzinfo else start.replace(tzinfo=UTC), end if end.tzinfo else end.replace(tzinfo=UTC), exact


def _moment(text: str, *, last: bool) -> datetime | None:
    try:
        if "T" in text:
            return datetime.fromisoformat(text)
        match = _DATE.fullmatch(text)
        if match is None:
            return None
        year, month = int(match[1]), int(match[2] or (12 if last else 1))
        day = int(match[3] or (calendar.monthrange(year, month)[1] if last else 1))
        return datetime(year, month, day, *((23, 59, 59) if last else ()))
    except ValueError:
        return None


# The description of the package

_HIGHER_RANKS = (Rank.KINGDOM, Rank.PHYLUM, Rank.CLASS, Rank.ORDER, Rank.FAMILY, Rank.GENUS)
_TAXON_RANKS = (*_HIGHER_RANKS, Rank.SPECIES, Rank.SUBSPECIES)


def _datapackage(package: _Package, about: Dataset) -> dict[str, Any]:
    description = {
        "resources": [_resource(name) for name in _TABLES],
        "profile": f"{_SCHEMAS}/camtrap-dp-profile.json",
        "name": re.sub(r"[^a-z0-9]+", "-", about.title.lower()).strip("-") or about.identifier,
        "id": about.identifier,
        "created": _time(package.latest),
        "title": about.title,
        "contributors": [{"title": about.creator, "role": "contact"}],
        "description": (
            f"{about.description} Photographs of specimens: no camera trap took them, and timeLapse stands for how "
            "they were taken because the standard has no word for it."
        ),
        "licenses": [
            {"path": about.licence, "scope": "data"},
            {"name": "notspecified", "title": "Not stated here; ask the contributors.", "scope": "media"},
        ],
        "project": {
            "title": about.title, "samplingDesign": "opportunistic", "captureMethod": ["timeLapse"],
            "individualAnimals": False, "observationLevel": ["media"],
        },
        "spatial": _spatial(package),
        "taxonomic": [package.taxa[name] for name in sorted(package.taxa)],
    }  # fmt: skip
    if package.dates:
        first, last = (moment.date().isoformat() for moment in package.dates)
        description["temporal"] = {"start": first, "end": last}
    return description


def _resource(name: str) -> dict[str, str]:
    return {
        "name": name, "path": f"{name}.csv", "profile": "tabular-data-resource", "format": "csv",
        "mediatype": "text/csv", "encoding": "utf-8", "schema": f"{_SCHEMAS}/{name}-table-schema.json",
    }  # fmt: skip


def _spatial(package: _Package) -> dict[str, Any]:
    """GeoJSON: a rectangle around all places, the place if there is one only, or a feature without a place."""
    if not package.longitudes or not package.latitudes:
        return {"type": "Feature", "geometry": None, "properties": {}}
    (west, east), (south, north) = package.longitudes, package.latitudes
    if (west, south) == (east, north):
        return {"type": "Point", "coordinates": [west, south]}
    corners = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [corners]}


def _taxon(identification: Identification) -> dict[str, str]:
    """A name with what the standard can say of it: it knows no subfamily and no tribe."""
    rank = identification.taxon_rank
    taxon = {"scientificName": identification.scientific_name or ""}
    if rank in _TAXON_RANKS:
        taxon["taxonRank"] = rank.value
    return taxon | {at.value: identification.lineage[at] for at in _HIGHER_RANKS if at in identification.lineage}
