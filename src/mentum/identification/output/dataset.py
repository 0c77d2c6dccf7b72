"""What a published set of identifications says of itself, and under which licence."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mentum.errors import DataError
from mentum.identification.output.darwin_core import occurrence_terms
from mentum.identification.output.writing import one_line
from mentum.records import Identification

LICENCES: Mapping[str, str] = {
    "https://creativecommons.org/publicdomain/zero/1.0/legalcode": "Public Domain (CC0 1.0)",
    "https://creativecommons.org/licenses/by/4.0/legalcode": "Creative Commons Attribution (CC-BY) 4.0 License",
    "https://creativecommons.org/licenses/by-nc/4.0/legalcode": (
        "Creative Commons Attribution Non Commercial (CC-BY-NC) 4.0 License"
    ),
}
"""Address → title of the licences that GBIF takes."""

BASES_OF_RECORD: tuple[str, ...] = (
    "PreservedSpecimen", "FossilSpecimen", "LivingSpecimen", "HumanObservation", "MachineObservation", "MaterialEntity",
    "MaterialSample", "Occurrence", "MaterialCitation",
)  # fmt: skip
"""GBIF's vocabulary for `basisOfRecord`, of 2024-02-19."""

_NAMESPACE = uuid.UUID("6f4ed5a5-0d6c-5d38-9d1c-0f1c6c1a7b52")
_CC = "https://creativecommons.org"
_NAMED = {
    "cc0": f"{_CC}/publicdomain/zero/1.0/legalcode",
    "ccby": f"{_CC}/licenses/by/4.0/legalcode",
    "ccbync": f"{_CC}/licenses/by-nc/4.0/legalcode",
}
_VERSIONS = {"cc0": "1.0", "ccby": "4.0", "ccbync": "4.0"}


def known_licence(text: str) -> str | None:
    """The address of a licence of `LICENCES`, as people write it; None for any other.

    >>> known_licence("CC BY-NC 4.0") == known_licence("http://creativecommons.org/licenses/by-nc/4.0/")
    True
    >>> known_licence("CC-BY-SA-4.0"), known_licence("CC-BY-3.0")
    (None, None)
    """
    plain = text.strip().lower()
    address = re.sub(r"^https?://(www\.)?creativecommons\.org", _CC, plain)
    address = re.sub(r"/(legalcode|deed)?(\.?[a-z]{2}(-[a-z]{2})?)?/?$", "", address) + "/legalcode"
    if address in LICENCES:
        return address
    name, version = re.fullmatch(r"(.*?)[\s_-]*v?(\d\.\d)?", plain).groups()  # type: ignore[union-attr]
    key = re.sub(r"[\s_-]", "", name)
    return _NAMED[key] if key in _NAMED and version in {None, _VERSIONS[key]} else None


@dataclass(frozen=True)
class Dataset:
    """What a published set of identifications is about.

    Attributes:
        creator: the person or institution to be cited.
        description: what was photographed, where and why, in a sentence or more.
        licence: address of the licence of the data, one of `LICENCES`; None where it is not stated.
        media_url: what comes before the name of an image, where that makes an address; "" where it does not.
        basis_of_record: of specimens whose table does not say, one of `BASES_OF_RECORD`.
        language: of the texts, as two letters.

    Raises:
        DataError: if a text is empty, or licence or basis of record is none that GBIF takes; all faults at once.
    """

    title: str
    creator: str
    description: str
    licence: str | None = None
    basis_of_record: str = "PreservedSpecimen"
    language: str = "en"
    media_url: str = ""

    def __post_init__(self) -> None:
        texts = {name: getattr(self, name) for name in ("title", "creator", "description", "language")}
        faults = [f"{name} is empty, expected a text" for name, text in texts.items() if not text.strip()]
        for name, known in (("licence", (None, *LICENCES)), ("basis_of_record", BASES_OF_RECORD)):
            if getattr(self, name) not in known:
                faults.append(f"{name} is {getattr(self, name)!r}, expected one of {', '.join(filter(None, known))}")
        if faults:
            raise DataError(f"Data set {self.title!r}: {'; '.join(faults)}; give these before publishing.")

    @property
    def identifier(self) -> str:
        """A UUID that stays the same for the same title and creator."""
        return str(uuid.uuid5(_NAMESPACE, f"{self.title}\n{self.creator}"))


def require_licence(about: Dataset, out: Path) -> None:
    """Refuse to publish what states no licence: none is assumed.

    Raises:
        DataError: if it states none.
    """
    if about.licence is None:
        raise DataError(f"{out}: found no licence of the data set, expected one; name it before publishing.")


def occurrence_id(identification: Identification, about: Dataset) -> str:
    """The user's `occurrenceID`, else a URN that is the same for the same specimen of the same creator.

    An image whose specimen is not named is an occurrence of its own, under a URN made from the identification's.
    """
    terms = occurrence_terms(identification)
    if given := one_line(terms["occurrenceID"]):
        return given
    specimen = identification.specimen or terms["catalogNumber"] or terms["materialEntityID"] or terms["organismID"]
    parts = (about.creator, terms["institutionCode"], terms["collectionCode"], specimen)
    key = "\n".join(parts) if specimen else identification.identification_id
    return uuid.uuid5(_NAMESPACE, key).urn
