"""A Darwin Core Archive of identifications, as GBIF takes it.

One occurrence per specimen (`occurrence.txt`), every identification that names a taxon (`identification.txt`), every
image (`multimedia.txt`). Source: Darwin Core text guide, https://dwc.tdwg.org/text; GBIF's EML profile 1.1.
"""

from __future__ import annotations

import re
import tempfile
import uuid
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path, PurePath
from typing import TextIO
from xml.etree import ElementTree as Xml

from mentum.errors import DataError
from mentum.files import WRITING, is_free, whole
from mentum.identification.output.darwin_core import (
    OCCURRENCE_TERMS,
    TERMS,
    Agent,
    darwin_core,
    is_named,
    occurrence_terms,
    term_address,
)
from mentum.records import Identification, Status

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

INCERTAE_SEDIS = "incertae sedis"
"""Scientific name of an occurrence for which no name is defended; GBIF takes no empty one."""

_NAMESPACE = uuid.UUID("6f4ed5a5-0d6c-5d38-9d1c-0f1c6c1a7b52")
_MEDIA_TERMS = ("type", "format", "identifier", "description", "license", "rightsHolder")
_FORMATS: Mapping[str, str] = {
    ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".tif": "image/tiff", ".tiff": "image/tiff",
    ".bmp": "image/bmp", ".webp": "image/webp", ".gif": "image/gif",
}  # fmt: skip
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True)
class Dataset:
    """What a published set of identifications is about.

    Attributes:
        creator: the person or institution to be cited.
        description: what was photographed, where and why, in a sentence or more.
        licence: address of the licence of the data, one of `LICENCES`.
        basis_of_record: of specimens whose table does not say, one of `BASES_OF_RECORD`.
        language: of the texts, as two letters.

    Raises:
        DataError: if a text is empty, or licence or basis of record is none that GBIF takes; all faults at once.
    """

    title: str
    creator: str
    description: str
    licence: str = "https://creativecommons.org/licenses/by/4.0/legalcode"
    basis_of_record: str = "PreservedSpecimen"
    language: str = "en"

    def __post_init__(self) -> None:
        texts = {name: getattr(self, name) for name in ("title", "creator", "description", "language")}
        faults = [f"{name} is empty, expected a text" for name, text in texts.items() if not text.strip()]
        for name, known in (("licence", tuple(LICENCES)), ("basis_of_record", BASES_OF_RECORD)):
            if getattr(self, name) not in known:
                faults.append(f"{name} is {getattr(self, name)!r}, expected one of {', '.join(known)}")
        if faults:
            raise DataError(f"Data set {self.title!r}: {'; '.join(faults)}; give these before publishing.")

    @property
    def identifier(self) -> str:
        """A UUID that stays the same for the same title and creator."""
        return str(uuid.uuid5(_NAMESPACE, f"{self.title}\n{self.creator}"))


def write_archive(identifications: Iterable[Identification], agent: Agent, about: Dataset, out: Path) -> None:
    """Write identifications as a Darwin Core Archive; the file appears whole or not at all.

    Several identifications of one specimen (`occurrenceID`, else its catalogue number) make one occurrence, which takes
    the first one that defends a name. An occurrence without any is "incertae sedis" and has no row among the
    identifications; what was said of each image stands in its description. Rows pass through one at a time; 16 bytes
    per occurrence are kept.

    Raises:
        DataError: if there is nothing to write, a basis of record is none of GBIF's, or the disk refuses.
    """
    with growing(out) as beside, _folder_beside(out) as folder:
        latest = _write_tables(apart(identifications), agent, about, folder)
        if latest is None:
            raise DataError(f"{out}: found no identification to write, expected at least one; identify images first.")
        _write_xml(_meta(), folder / "meta.xml")
        _write_xml(_eml(agent, about, latest), folder / "eml.xml")
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in ("meta.xml", "eml.xml", *_TABLES):
                archive.write(folder / name, name)


@contextmanager
def _folder_beside(out: Path) -> Iterator[Path]:
    """A folder on the same disk for tables that do not fit into memory; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", suffix=".part", dir=out.parent) as folder:
        yield Path(folder)


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


def image_format(file_name: str) -> str:
    """Media type by the suffix, "" for one that no image here has.

    >>> image_format("larvae/K_12.TIF")
    'image/tiff'
    """
    return _FORMATS.get(PurePath(file_name).suffix.lower(), "")


def one_line(text: str) -> str:
    r"""Replace tabs, line breaks and other control characters by blanks.

    >>> one_line(" two\tcells\r\n")
    'two cells'
    """
    return _BREAKS.sub(" ", text).strip()


def digest(text: str) -> bytes:
    """16 bytes that stand for a text in a large set."""
    return blake2b(text.encode(), digest_size=16).digest()


class _SourceError(Exception):
    """The identifications failed, not the disk that is written to."""

    def __init__(self, reason: OSError) -> None:
        self.reason = reason


def apart(identifications: Iterable[Identification]) -> Iterator[Identification]:
    """Hand on identifications; a file that cannot be read for them is not taken for one that cannot be written."""
    try:
        yield from identifications
    except OSError as reason:
        raise _SourceError(reason) from reason


@contextmanager
def growing(out: Path) -> Iterator[Path]:
    """Give a path beside `out` for a file or a folder that becomes `out` once it is whole; otherwise it is gone.

    Raises:
        DataError: if the disk refuses, or `out` is a folder with something in it.
    """
    try:
        if out.is_dir() and not is_free(out):
            raise DataError(f"{out}: found a folder that holds files, expected a new name; give another one.")
        with whole(out, WRITING) as beside:
            yield beside
    except _SourceError as error:
        raise error.reason from None
    except OSError as error:
        raise DataError(
            f"{out}: could not be written ({error.strerror or error}), expected a place in an existing folder with room"
            " and the right to write; give another one."
        ) from error


# Tables

_CORE_COLUMNS = ("id", *OCCURRENCE_TERMS, *TERMS)
_TABLES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "occurrence.txt": ("http://rs.tdwg.org/dwc/terms/Occurrence", _CORE_COLUMNS),
    "identification.txt": ("http://rs.tdwg.org/dwc/terms/Identification", ("coreid", *TERMS)),
    "multimedia.txt": ("http://rs.gbif.org/terms/1.0/Multimedia", ("coreid", *_MEDIA_TERMS)),
}
"""File → its row type and its columns; the core comes first, the key to it stands in each first column."""


def _write_tables(
    identifications: Iterable[Identification], agent: Agent, about: Dataset, folder: Path
) -> datetime | None:
    """Write all tables; the result is when the last identification was made."""
    latest: datetime | None = None
    with ExitStack() as stack:
        core, names, media = (stack.enter_context(_table(folder / name, _TABLES[name][1])) for name in _TABLES)
        # Whether an occurrence stays without a name is known at the end only: such rows wait in a file.
        waiting = stack.enter_context((folder / "waiting").open("w+", encoding="utf-8", newline=""))
        written: set[bytes] = set()
        for each in identifications:
            if each.status is Status.NOT_A_TAXON:  # debris is no occurrence of anything
                continue
            key = occurrence_id(each, about)
            terms = darwin_core(each, agent)
            if not is_named(each):
                _write_row(waiting, _core_row(each, key, terms, about))
            elif digest(key) not in written:
                written.add(digest(key))
                _write_row(core, _core_row(each, key, terms, about))
            _write_extensions(each, key, terms, names, media)
            moment = each.date_identified.astimezone(UTC)
            latest = moment if latest is None else max(latest, moment)
        waiting.seek(0)
        for line in waiting:
            mark = digest(line.partition("\t")[0])
            if mark not in written:
                written.add(mark)
                core.write(line)
    return latest


def _table(file: Path, columns: Iterable[str]) -> TextIO:
    stream = file.open("w", encoding="utf-8", newline="")
    _write_row(stream, columns)
    return stream


def _write_row(stream: TextIO, cells: Iterable[str]) -> None:
    stream.write("\t".join(map(one_line, cells)) + "\n")


def _core_row(identification: Identification, key: str, terms: Mapping[str, str], about: Dataset) -> list[str]:
    row = {**occurrence_terms(identification), **terms}
    row["occurrenceID"] = key
    row["basisOfRecord"] = _basis_of_record(identification, about)
    row["scientificName"] = row["scientificName"] or INCERTAE_SEDIS
    return [key, *(row[column] for column in _CORE_COLUMNS[1:])]


def _basis_of_record(identification: Identification, about: Dataset) -> str:
    """As in the user's table, where capitals, blanks and underscores do not matter."""
    given = identification.occurrence.get("basisOfRecord", "").strip()
    if not given:
        return about.basis_of_record
    known = {basis.lower(): basis for basis in BASES_OF_RECORD}
    basis = known.get(re.sub(r"[\s_-]", "", given).lower())
    if basis is None:
        raise DataError(
            f"{', '.join(identification.file_names)}: found basisOfRecord {given!r}, expected one of "
            f"{', '.join(BASES_OF_RECORD)}; correct the specimen table."
        )
    return basis


def _write_extensions(
    identification: Identification, key: str, terms: Mapping[str, str], names: TextIO, media: TextIO
) -> None:
    if is_named(identification):
        _write_row(names, (key, *(terms[term] for term in TERMS)))
    description = ". ".join(filter(None, (terms["scientificName"], terms["identificationRemarks"])))
    rights = [identification.occurrence.get(term, "") for term in ("license", "rightsHolder")]
    for file_name in identification.file_names:
        _write_row(media, (key, "StillImage", image_format(file_name), file_name, description, *rights))


# Descriptions in XML


def _write_xml(root: Xml.Element, file: Path) -> None:
    Xml.ElementTree(root).write(file, encoding="UTF-8", xml_declaration=True)


def _meta() -> Xml.Element:
    """Which file holds which terms in which columns."""
    root = Xml.Element("archive", {"xmlns": "http://rs.tdwg.org/dwc/text/", "metadata": "eml.xml"})
    for name, (row_type, columns) in _TABLES.items():
        key = columns[0]
        part = Xml.SubElement(root, "core" if key == "id" else "extension", {
            "encoding": "UTF-8", "fieldsTerminatedBy": r"\t", "linesTerminatedBy": r"\n", "fieldsEnclosedBy": "",
            "ignoreHeaderLines": "1", "rowType": row_type,
        })  # fmt: skip
        Xml.SubElement(Xml.SubElement(part, "files"), "location").text = name
        Xml.SubElement(part, key, {"index": "0"})
        for index, column in enumerate(columns[1:], start=1):
            Xml.SubElement(part, "field", {"index": str(index), "term": term_address(column)})
    Xml.indent(root)
    return root


def _eml(agent: Agent, about: Dataset, latest: datetime) -> Xml.Element:
    """The data set in the Ecological Metadata Language; the schema fixes the order of the elements."""
    root = Xml.Element("eml:eml", {
        "xmlns:eml": "eml://ecoinformatics.org/eml-2.1.1",
        "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
        "xsi:schemaLocation": (
            "eml://ecoinformatics.org/eml-2.1.1 http://rs.gbif.org/schema/eml-gbif-profile/1.1/eml.xsd"
        ),
        "packageId": f"{about.identifier}/v1.0", "system": "http://gbif.org", "scope": "system",
        "xml:lang": about.language,
    })  # fmt: skip
    dataset = Xml.SubElement(root, "dataset")
    _add(dataset, "alternateIdentifier", about.identifier)
    _add(dataset, "title", about.title)
    _add(dataset, "creator/organizationName", about.creator)
    _add(dataset, "metadataProvider/organizationName", about.creator)
    _add(dataset, "pubDate", latest.date().isoformat())
    _add(dataset, "language", about.language)
    _add(dataset, "abstract/para", about.description)
    rights = _add(dataset, "intellectualRights/para", "")
    _add(dataset, "contact/organizationName", about.creator)
    _add(dataset, "methods/methodStep/description/para", _method(agent))
    _add(root, "additionalMetadata/metadata/gbif/dateStamp", latest.isoformat(timespec="seconds"))
    Xml.indent(root)
    _fill_rights(rights, about)  # a sentence, so no blanks may come between its parts
    return root


def _add(parent: Xml.Element, path: str, text: str) -> Xml.Element:
    for tag in path.split("/"):
        parent = Xml.SubElement(parent, tag)
    parent.text = one_line(text)
    return parent


def _fill_rights(para: Xml.Element, about: Dataset) -> None:
    """In the wording by which GBIF knows a licence."""
    para.text = "This work is licensed under a "
    link = Xml.SubElement(para, "ulink", {"url": about.licence})
    Xml.SubElement(link, "citetitle").text = LICENCES[about.licence]
    link.tail = "."


def _method(agent: Agent) -> str:
    named = f"{agent.name} ({agent.identifier})"
    sources = f" ({agent.references})" if agent.references else ""
    return (
        f"Photographs of the specimens were identified by the model {named}{sources}, without a person looking at the "
        "result. A name is given down to the lowest rank that the model's calibrated probability can defend; that "
        "probability and the reason for stopping stand in identificationRemarks. Specimens for which no name could be "
        f"defended, or which are unlike the taxa that the model was trained on, are entered as {INCERTAE_SEDIS}."
    )
