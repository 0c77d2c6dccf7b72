"""The description of a Camtrap DP package: what it holds, where, when, of which taxa.

Source: Camtrap DP 1.0.1, https://camtrap-dp.tdwg.org.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

from mentum.identification.output.darwin_core import is_named
from mentum.identification.output.dataset import Dataset
from mentum.identification.output.event_dates import in_utc
from mentum.records import Identification
from mentum.taxonomy import Rank

_SCHEMAS = "https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0.1"
_HIGHER_RANKS = (Rank.KINGDOM, Rank.PHYLUM, Rank.CLASS, Rank.ORDER, Rank.FAMILY, Rank.GENUS)
_NOT_STATED = {"name": "notspecified", "title": "Not stated here; ask the contributors."}
_TAXON_RANKS = (*_HIGHER_RANKS, Rank.SPECIES, Rank.SUBSPECIES)

_Value = TypeVar("_Value", float, datetime)


class Extent:
    """What the rows of a package span together.

    Attributes:
        latest: when the last identification was made.
        taxa: name → what the standard can say of it.
        dates: of the images, first and last.
        latitudes: of the places, from south to north; likewise `longitudes`, from west to east.
    """

    def __init__(self) -> None:
        self.latest: datetime | None = None
        self.taxa: dict[str, dict[str, str]] = {}
        self.dates: tuple[datetime, datetime] | None = None
        self.latitudes: tuple[float, float] | None = None
        self.longitudes: tuple[float, float] | None = None

    def add_identification(self, identification: Identification) -> None:
        """Take in its moment and its taxon."""
        moment = identification.date_identified.astimezone(UTC)
        self.latest = moment if self.latest is None else max(self.latest, moment)
        if is_named(identification):
            self.taxa.setdefault(identification.scientific_name or "", _taxon(identification))

    def add_dates(self, first: datetime, last: datetime) -> None:
        """Take in a span of time."""
        self.dates = _widened(self.dates, first, last)

    def add_place(self, latitude: float, longitude: float) -> None:
        """Take in a place, in degrees."""
        self.latitudes = _widened(self.latitudes, latitude, latitude)
        self.longitudes = _widened(self.longitudes, longitude, longitude)


def _widened(extent: tuple[_Value, _Value] | None, low: _Value, high: _Value) -> tuple[_Value, _Value]:
    return (min(extent[0], low), max(extent[1], high)) if extent else (low, high)


def describe_package(tables: Iterable[str], package: Extent, about: Dataset) -> dict[str, Any]:
    """Everything in `datapackage.json`."""
    description = {
        "resources": [_resource(name) for name in tables],
        "profile": f"{_SCHEMAS}/camtrap-dp-profile.json",
        "name": re.sub(r"[^a-z0-9]+", "-", about.title.lower()).strip("-") or about.identifier,
        "id": about.identifier,
        "created": in_utc(package.latest),
        "title": about.title,
        "contributors": [{"title": about.creator, "role": "contact"}],
        "description": (
            f"{about.description} Photographs of specimens: no camera trap took them, and timeLapse stands for how "
            "they were taken because the standard has no word for it."
        ),
        "licenses": [
            {**({"path": about.licence} if about.licence else _NOT_STATED), "scope": "data"},
            {**_NOT_STATED, "scope": "media"},
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


def _spatial(package: Extent) -> dict[str, Any]:
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
